/* Fields of records, and operands of notes, as values of the BPF program. */
#include "probe/probe_values.h"

#include <inttypes.h>

static uint32_t bit_of(size_t i)
{
	return (uint32_t)1 << i;
}

static struct probe_value value_of_field(const struct probe_field *field)
{
	struct probe_value v = { .form = PROBE_VALUE_UNKNOWN,
		.reg = PROBE_VALUE_NO_REG,
		.index = PROBE_VALUE_NO_REG,
		.offset = field->offset };

	if (field->form == PROBE_FIELD_VALUE) {
		v.form = PROBE_VALUE_FIELD;
		v.bytes = (uint8_t)field->size;
		v.is_signed = field->is_signed;
	} else if (field->is_text && field->form == PROBE_FIELD_DATA_LOC) {
		v.form = PROBE_VALUE_DATA_LOC;
	} else if (field->is_text && field->form == PROBE_FIELD_REL_LOC) {
		v.form = PROBE_VALUE_REL_LOC;
	} else if (field->is_text) {
		v.form = PROBE_VALUE_BYTES;
		v.size = field->size;
	}
	return v;
}

/* The index in struct pt_regs of a register: it begins as the register set of cores does. */
static uint8_t word_of(const struct arch *arch, uint8_t reg)
{
	const struct arch_system *system = arch_of_host(false)->system;

	for (uint8_t i = 0; reg < arch->n_regs && i < PROBE_REGS && i < system->n_user_regs; i++) {
		if (system->user_regs[i] == (int)arch->system->prgreg[reg])
			return i;
	}
	return PROBE_VALUE_NO_REG;
}

static struct probe_value value_of_operand(const struct arch *arch, const struct probe_usdt_arg *arg)
{
	struct probe_value v = { .bytes = arg->bytes,
		.is_signed = arg->is_signed,
		.reg = word_of(arch, arg->reg),
		.index = word_of(arch, arg->index),
		.shift = arg->shift,
		.scale = arg->scale,
		.offset = arg->value };

	switch (arg->form) {
	case PROBE_USDT_UNKNOWN:
		v.form = PROBE_VALUE_UNKNOWN;
		break;
	case PROBE_USDT_CONSTANT:
		v.form = PROBE_VALUE_CONSTANT;
		break;
	case PROBE_USDT_REGISTER:
		v.form = PROBE_VALUE_REGISTER;
		break;
	case PROBE_USDT_MEMORY:
		v.form = PROBE_VALUE_MEMORY;
		break;
	}
	return v;
}

void probe_values_list(
    const struct arch *arch, const struct probe_arguments *arguments, struct probe_value_list *out)
{
	const struct probe_usdt *usdt = arguments->usdt;
	const struct probe_field *field;

	*out = (struct probe_value_list){ 0 };
	for (; arguments->tracepoint != NULL && out->n < PROBE_VALUES; out->n++) {
		field = probe_arguments_field(arguments->tracepoint, out->n);
		if (field == NULL)
			break;
		out->at[out->n] = value_of_field(field);
		if (field->form != PROBE_FIELD_VALUE && field->is_text)
			out->texts |= bit_of(out->n);
	}
	for (; usdt != NULL && out->n < usdt->n_args && out->n < PROBE_USDT_ARGS; out->n++) {
		bool is_text = false;

		out->at[out->n] = value_of_operand(arch, &usdt->args[out->n]);
		(void)probe_arguments_python(usdt, out->n, &is_text);
		if (is_text)
			out->texts |= bit_of(out->n);
	}
}

void probe_values_strings(const struct probe_hit *hit, struct probe_string out[PROBE_VALUES])
{
	size_t k = 0;

	for (size_t i = 0; i < PROBE_VALUES; i++) {
		uint32_t n;

		out[i] = (struct probe_string){ NULL, 0, false };
		if ((hit->texts & bit_of(i)) == 0 || k >= hit->n_text || k >= PROBE_TEXTS)
			continue;
		n = hit->text_n[k] <= PROBE_TEXT_MAX ? hit->text_n[k] : PROBE_TEXT_MAX;
		/* With its NUL: one that was cut fills the buffer. */
		if (n != 0)
			out[i] = (struct probe_string){ hit->text[k], n - 1, n == PROBE_TEXT_MAX };
		k++;
	}
}

static void put_number(struct strbuf *b, uint64_t value, bool is_signed)
{
	const uint64_t address = (uint64_t)1 << 40; /* numbers from here on are addresses or bits */

	if (is_signed)
		strbuf_fmt(b, "%" PRId64, (int64_t)value);
	else if (value < address)
		strbuf_fmt(b, "%" PRIu64, value);
	else
		strbuf_fmt(b, "%#" PRIx64, value);
}

void probe_values_render(
    struct strbuf *b, const struct probe_hit *hit, const struct probe_tracepoint *tracepoint)
{
	struct probe_string strings[PROBE_VALUES];
	size_t n = hit->n_args < PROBE_VALUES ? hit->n_args : PROBE_VALUES;

	probe_values_strings(hit, strings);
	strbuf_char(b, '(');
	for (uint32_t i = 0; i < n; i++) {
		const struct probe_field *field =
		    tracepoint == NULL ? NULL : probe_arguments_field(tracepoint, i);
		bool is_text = (hit->texts & bit_of(i)) != 0;

		strbuf_str(b, i > 0 ? ", " : "");
		if (field != NULL)
			strbuf_fmt(b, "%s=", field->name);
		if (strings[i].bytes != NULL)
			probe_string_render(b, &strings[i]);
		else if ((hit->unknown & bit_of(i)) != 0 || (is_text && tracepoint != NULL))
			strbuf_char(b, '?');
		else if (is_text)
			strbuf_fmt(b, "%#" PRIx64, hit->args[i]);
		else
			put_number(b, hit->args[i], (hit->is_signed & bit_of(i)) != 0);
	}
	if (tracepoint != NULL && probe_arguments_field(tracepoint, PROBE_VALUES) != NULL)
		strbuf_str(b, ", ...");
	strbuf_char(b, ')');
}
