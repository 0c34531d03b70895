/* Arguments of static probes: SIZE@OPERAND, separated by spaces. The size in bytes is negative for
 * signed values; the operand is assembler text in AT&T's syntax:
 *
 *     8@%rdi   -4@-20(%rbp)   8@$5   1@(%rax,%rbx,4)   8@counter(%rip)
 *
 * The compiler writes it, but any file may have anything there. */
#include <string.h>

#include "base/span.h"
#include "probe/probe_usdt.h"

static bool take_char(struct span *s, char c)
{
	return span_left(s) > 0 && *s->at == (uint8_t)c && span_skip(s, 1);
}

static unsigned digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* A number with an optional sign, decimal or after 0x hexadecimal. */
static bool take_number(struct span *s, int64_t *out)
{
	struct span rest = *s;
	bool negative = take_char(&rest, '-');
	unsigned base = 10;
	uint64_t value = 0, limit;
	size_t n = 0;

	if (span_left(&rest) > 2 && rest.at[0] == '0' && (rest.at[1] == 'x' || rest.at[1] == 'X')) {
		base = 16;
		(void)span_skip(&rest, 2);
	}
	/* Constants above INT64_MAX are written without a sign. */
	limit = negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX;
	for (; span_left(&rest) > 0 && digit_of(*rest.at) < base; n++) {
		unsigned digit = digit_of(*rest.at);

		if (value > (limit - digit) / base)
			return false;
		value = value * base + digit;
		(void)span_skip(&rest, 1);
	}
	if (n == 0)
		return false;
	*out = (int64_t)(negative ? 0 - value : value);
	*s = rest;
	return true;
}

static bool take_register(struct span *s, const struct arch *arch, const struct arch_part **out)
{
	size_t n = 0;

	if (!take_char(s, '%'))
		return false;
	while (n < span_left(s) && ((s->at[n] >= 'a' && s->at[n] <= 'z') || digit_of(s->at[n]) < 10))
		n++;
	*out = n == 0 ? NULL : arch_part_named(arch, (const char *)s->at, n);
	return *out != NULL && span_skip(s, n);
}

/* A register of an address: as wide as an address, and not the pc, relative to which only symbols
 * are meant. */
static bool take_address_register(struct span *s, const struct arch *arch, uint8_t *out)
{
	const struct arch_part *part;

	if (!take_register(s, arch, &part) || part->bits != arch->pointer_size * 8U || part->reg == arch->pc)
		return false;
	*out = part->reg;
	return true;
}

/* DISPLACEMENT(BASE,INDEX,SCALE), each part optional. */
static bool parse_memory(struct span s, const struct arch *arch, struct probe_usdt_arg *out)
{
	int64_t scale = 1;

	out->form = PROBE_USDT_MEMORY;
	out->value = 0;
	(void)take_number(&s, &out->value);
	if (!take_char(&s, '('))
		return false;
	if (!(span_left(&s) > 0 && *s.at == ',') && !take_address_register(&s, arch, &out->reg))
		return false;
	if (take_char(&s, ',')) {
		if (!take_address_register(&s, arch, &out->index))
			return false;
		if (take_char(&s, ',') && !take_number(&s, &scale))
			return false;
	}
	if (scale != 1 && scale != 2 && scale != 4 && scale != 8)
		return false;
	out->scale = (uint8_t)scale;
	return take_char(&s, ')') && span_left(&s) == 0;
}

static bool parse_operand(struct span s, const struct arch *arch, struct probe_usdt_arg *out)
{
	const struct arch_part *part;

	if (take_char(&s, '$')) {
		out->form = PROBE_USDT_CONSTANT;
		return take_number(&s, &out->value) && span_left(&s) == 0;
	}
	if (span_left(&s) == 0 || *s.at != '%')
		return parse_memory(s, arch, out);
	if (!take_register(&s, arch, &part) || span_left(&s) != 0)
		return false;
	out->form = PROBE_USDT_REGISTER;
	out->reg = part->reg;
	out->shift = part->shift;
	if (out->bytes > part->bits / 8)
		out->bytes = part->bits / 8;
	return true;
}

static bool parse_arg(struct span s, const struct arch *arch, struct probe_usdt_arg *out)
{
	struct span sized = s;
	int64_t bytes;

	*out = (struct probe_usdt_arg){
		.bytes = arch->pointer_size, .reg = ARCH_NO_REG, .index = ARCH_NO_REG, .scale = 1
	};
	/* The size is absent where the compiler does not know it. */
	if (take_number(&sized, &bytes) && take_char(&sized, '@')) {
		s = sized;
		out->is_signed = bytes < 0;
		if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8 && bytes != -1 && bytes != -2 &&
		    bytes != -4 && bytes != -8)
			return false;
		out->bytes = (uint8_t)(bytes < 0 ? -bytes : bytes);
	}
	return parse_operand(s, arch, out);
}

/* Take what precedes a space. */
static struct span take_arg(struct span *s)
{
	size_t n = 0;
	struct span arg = { s->at, s->at };

	while (n < span_left(s) && s->at[n] != ' ')
		n++;
	(void)span_cut(s, n, &arg);
	return arg;
}

size_t probe_usdt_parse_args(
    const struct arch *arch, const char *text, struct probe_usdt_arg args[PROBE_USDT_ARGS])
{
	struct span rest = span_of(text, strlen(text));
	size_t n = 0;

	for (;;) {
		struct span arg;

		while (take_char(&rest, ' '))
			continue;
		arg = take_arg(&rest);
		if (span_left(&arg) == 0)
			return n;
		if (n < PROBE_USDT_ARGS && !parse_arg(arg, arch, &args[n]))
			args[n] =
			    (struct probe_usdt_arg){ .reg = ARCH_NO_REG, .index = ARCH_NO_REG, .scale = 1 };
		n++;
	}
}
