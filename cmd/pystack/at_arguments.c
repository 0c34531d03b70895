/* See at_arguments.h. */
#include "at_arguments.h"
#include "warn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "probe/probe_args.h"
#include "probe/probe_arguments.h"
#include "probe/probe_values.h"
#include "probe/probe_when.h"

bool at_arguments_fields(struct at_probes *p, size_t i, const struct probe_tracepoint *tracepoint)
{
	struct probe_tracepoint *own = malloc(sizeof(*own));

	if (own == NULL)
		return false;
	*own = *tracepoint;
	p->at[i].tracepoint = own;
	return true;
}

static struct probe_arguments arguments_of(
    const struct at_probe *one, bool is_32bit, const struct probe_usdt *usdt)
{
	return (
	    struct probe_arguments){ .call = one->spec.kind == PROBE_SYSCALL ? &one->call[is_32bit] : NULL,
		.tracepoint = one->tracepoint,
		.usdt = usdt,
		.on_return = one->spec.on_return };
}

const struct probe_value_list *at_arguments_list(
    struct at_probes *p, size_t i, const struct arch *arch, const struct probe_usdt *usdt)
{
	const struct probe_arguments arguments = arguments_of(&p->at[i], false, usdt);
	struct probe_value_list *list = malloc(sizeof(*list));

	if (list == NULL)
		return NULL;
	probe_values_list(arch, &arguments, list);
	if (!vec_push(&p->lists, list)) {
		free(list);
		return NULL;
	}
	return list;
}

/* A clock and a switch between threads have no arguments. */
static bool no_arguments(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	(void)ctx;
	(void)index;
	(void)out;
	return false;
}

/* Compile a condition. RES_FAIL: f says why not. */
static enum res compile_condition(const struct at_probe *one, bool is_32bit, const char *text,
    const struct probe_usdt *usdt, struct probe_when *out, struct fault *f)
{
	struct probe_arguments arguments = arguments_of(one, is_32bit, usdt);
	struct probe_when_names names;

	probe_arguments_names(&arguments, &names);
	if (one->spec.kind == PROBE_PROFILE || one->spec.kind == PROBE_OFF_CPU)
		names.arg = no_arguments;
	return probe_when_parse(text, &names, out, f);
}

enum res at_arguments_value(
    const struct at_probe *one, bool narrow, const char *text, struct probe_when_value *out, struct fault *f)
{
	struct probe_usdt any = { .n_args = PROBE_USDT_ARGS };
	struct probe_arguments arguments = arguments_of(one, narrow, NULL);
	struct probe_when_names names;

	/* Its notes are read later. Their arguments come as signed numbers, or are unknown. */
	if (one->spec.kind == PROBE_USDT) {
		(void)snprintf(any.provider, sizeof(any.provider), "%s", one->spec.provider);
		(void)snprintf(any.name, sizeof(any.name), "%s", one->spec.name);
		for (size_t i = 0; i < PROBE_USDT_ARGS; i++)
			any.args[i] = (struct probe_usdt_arg){
				.form = PROBE_USDT_REGISTER, .is_signed = true, .bytes = sizeof(uint64_t)
			};
		arguments.usdt = &any;
	}
	probe_arguments_names(&arguments, &names);
	if (one->spec.kind == PROBE_PROFILE || one->spec.kind == PROBE_OFF_CPU)
		names.arg = no_arguments;
	return probe_when_parse_value(text, &names, out, f);
}

/* A condition whose result is never known: one with names that only the call of x86-64 has, at the
 * call of i386, which may not even occur. */
static void make_unknown(struct probe_when *when)
{
	*when = (struct probe_when){ .n = 1 };
	when->comparison[0] =
	    (struct probe_when_comparison){ .op = PROBE_WHEN_MATCH, .text = PROBE_WHEN_LIMIT };
	when->table[1] = 1;
}

bool at_arguments_condition(
    struct at_probes *p, size_t i, bool is_32bit, const char *text, const struct probe_usdt *usdt)
{
	OWNED(mem_release) struct probe_when *when = NULL;
	struct at_probe *one = &p->at[i];
	struct probe_when **known;
	struct fault f = { 0 };
	enum res res;

	if (text == NULL)
		return true;
	known = &p->conditions[2 * i + is_32bit];
	when = calloc(1, sizeof(*when));
	res = when == NULL ? fault_memory(&f) : compile_condition(one, is_32bit, text, usdt, when, &f);
	if (res == RES_FAIL && when != NULL && is_32bit && one->call[0].name != NULL) {
		make_unknown(when);
		res = RES_OK;
	}
	if (res == RES_OK && when != NULL && *known != NULL && memcmp(when, *known, sizeof(*when)) != 0)
		res = fault_set(&f, 0, 0, 0, "the places of this probe have arguments of different types");
	if (res != RES_OK) {
		warn_line("--when: %s: %s", one->name, f.text);
		return false;
	}
	if (*known == NULL) {
		*known = when;
		when = NULL;
	}
	return true;
}

const struct at_probe *at_probe_of(const struct at_probes *p, const struct probe_key *key)
{
	uint32_t spec = key->spec & PROBE_KEY_SPEC;

	return spec < p->n ? &p->at[spec] : NULL;
}

void at_probe_event(const struct at_probes *p, const struct probe_hit *e, struct strbuf *out)
{
	struct probe_string texts[PROBE_VALUES];
	const struct at_probe *one = at_probe_of(p, &e->key);
	const struct probe_syscall *call;

	if (one == NULL)
		return;
	switch (one->spec.kind) {
	case PROBE_SYSCALL:
		call = &one->call[e->is_32bit & 1];
		probe_values_strings(e, texts);
		probe_args_render(out, call, e->args, texts);
		if (one->spec.on_return) {
			strbuf_char(out, ' ');
			probe_return_render(out, call, (uint64_t)e->result);
		}
		break;
	case PROBE_OFF_CPU:
		strbuf_fmt(out, "%s %.3f ms", one->name, (double)e->sum / 1e6);
		break;
	case PROBE_TRACEPOINT:
		strbuf_fmt(out, "%s:%s", one->spec.category, one->spec.event);
		probe_values_render(out, e, one->tracepoint);
		break;
	case PROBE_USDT:
		strbuf_str(out, one->name);
		probe_values_render(out, e, NULL);
		break;
	default:
		strbuf_str(out, one->name);
		break;
	}
}
