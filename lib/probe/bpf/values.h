/* PRIVATE to the BPF program: the values of a probe's arguments. */
#ifndef PROBE_BPF_VALUES_H
#define PROBE_BPF_VALUES_H

#include "probe/bpf/i386.h"

struct value_walk {
	struct scratch *s;
	const struct probe_value_list *list;
};

/* The arguments of a system call, or those of a function that it has in registers. */
static __always_inline void take_arguments(struct scratch *s, const struct task_struct *task, int is_call)
{
	const uint64_t *regs = s->begin.regs;

	s->event.n_args = s->event.unknown = s->event.is_signed = 0;
	s->event.is_32bit = is_call ? is_compat(task) : (uint32_t)regs[REG_CS] == CS_32;
	if (s->event.is_32bit) {
		if (is_call)
			take_arguments_32(s);
		else
			take_stack_arguments(s);
		return;
	}
	s->event.args[0] = regs[REG_DI];
	s->event.args[1] = regs[REG_SI];
	s->event.args[2] = regs[REG_DX];
	s->event.args[3] = is_call ? regs[REG_R10] : regs[REG_CX];
	s->event.args[4] = regs[REG_R8];
	s->event.args[5] = regs[REG_R9];
}

/* 0: there is no such register. */
static __always_inline uint64_t register_of(const struct scratch *s, uint32_t reg)
{
	return reg < PROBE_REGS ? s->begin.regs[reg] : 0;
}

/* The lowest `bytes` of a value, extended. */
static __always_inline uint64_t cut_value(const struct probe_value *v, uint64_t value)
{
	uint32_t unused = (64 - 8 * v->bytes) & 63;

	value <<= unused;
	return v->is_signed ? (uint64_t)((int64_t)value >> unused) : value >> unused;
}

/* Address and size of a text in the record. */
static __always_inline int find_record_text(
    const struct scratch *s, const struct probe_value *v, uint64_t *at, uint32_t *size)
{
	uint32_t place = 0;

	*at = s->record_at + (uint64_t)v->offset;
	*size = v->size;
	if (v->form == PROBE_VALUE_BYTES)
		return 0;
	if (bpf_probe_read_kernel(&place, sizeof(place), (const void *)*at) != 0)
		return -1;
	*at = (v->form == PROBE_VALUE_REL_LOC ? *at + sizeof(place) : s->record_at) + (place & 0xffff);
	*size = place >> 16;
	return 0;
}

static long value_step(uint32_t i, struct value_walk *w)
{
	struct scratch *s = w->s;
	const struct probe_value *v;
	uint64_t at, value = 0;
	uint32_t size = 0, failed = 0;

	if (i >= PROBE_VALUES || i >= w->list->n)
		return 1;
	v = &w->list->at[i];
	at = register_of(s, v->reg);
	if (v->form == PROBE_VALUE_CONSTANT) {
		value = (uint64_t)v->offset;
	} else if (v->form == PROBE_VALUE_REGISTER) {
		value = at >> (v->shift & 63);
	} else if (v->form == PROBE_VALUE_MEMORY) {
		at += register_of(s, v->index) * v->scale + (uint64_t)v->offset;
		failed = bpf_probe_read_user(&value, v->bytes & 15, (const void *)at) != 0;
	} else if (v->form == PROBE_VALUE_FIELD) {
		at = s->record_at + (uint64_t)v->offset;
		failed = bpf_probe_read_kernel(&value, v->bytes & 15, (const void *)at) != 0;
	} else if (v->form >= PROBE_VALUE_BYTES) {
		failed = find_record_text(s, v, &value, &size) != 0;
		if (size >= PROBE_TEXT_MAX)
			size = PROBE_TEXT_MAX - 1;
		size++;
	} else {
		failed = 1;
	}
	s->text_size[i] = (uint16_t)size;
	s->event.args[i] = size != 0 ? value : cut_value(v, value);
	s->event.unknown |= failed << (i & 31);
	s->event.is_signed |= (uint32_t)(v->is_signed & 1) << (i & 31);
	return 0;
}

/* Take the arguments of a list, from registers, memory or the record. It is not inlined, since its
 * stack would be added to that of a capture. */
static __noinline void take_values(struct scratch *s)
{
	uint32_t index = s->list - 1;
	struct value_walk w = { .s = s, .list = bpf_map_lookup_elem(&value_lists, &index) };

	if (!w.list)
		return;
	s->event.n_args = w.list->n;
	s->event.texts = w.list->texts;
	bpf_loop(PROBE_VALUES, value_step, &w, 0);
}

/* Copy the text of argument i; its bytes with the NUL, or a number below 1. */
static __always_inline long copy_text(struct scratch *s, uint32_t i, char *to)
{
	uint64_t at;
	uint32_t n;

	if (i >= PROBE_VALUES || s->event.unknown >> (i & 31) & 1)
		return 0;
	at = s->event.args[i];
	if (s->record_at == 0)
		return bpf_probe_read_user_str(to, PROBE_TEXT_MAX, (const void *)at);
	n = s->text_size[i];
	if (n > PROBE_TEXT_MAX)
		n = PROBE_TEXT_MAX;
	return bpf_probe_read_kernel_str(to, n, (const void *)at);
}

/* Append the text of argument i to the event, if it is one. */
static long text_step(uint32_t i, struct value_walk *w)
{
	struct scratch *s = w->s;
	uint32_t k = s->event.n_text;
	long n;

	if (k >= PROBE_TEXTS || i >= PROBE_VALUES)
		return 1;
	if (!(s->event.texts >> (i & 31) & 1))
		return 0;
	n = copy_text(s, i, s->event.text[k]);
	s->event.text_n[k] = n > 0 ? (uint32_t)n : 0;
	s->event.n_text = k + 1;
	return 0;
}

static __always_inline void take_texts(struct scratch *s)
{
	struct value_walk w = { .s = s, .list = 0 };

	s->event.n_text = 0;
	if (s->event.texts != 0)
		bpf_loop(PROBE_VALUES, text_step, &w, 0);
}

#endif
