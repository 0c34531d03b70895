/* See at_sum.h. */
#include "at_sum.h"

#include <stdio.h>
#include <string.h>

#include "at_arguments.h"
#include "warn.h"

static bool is_gc_done(const struct probe_spec *spec)
{
	return spec->kind == PROBE_USDT && strcmp(spec->provider, "python") == 0 &&
	       strcmp(spec->name, "gc__done") == 0;
}

static enum res find_duration(const struct probe_spec *spec, struct probe_spec_abi *abi, struct fault *f)
{
	if (spec->kind == PROBE_OFF_CPU)
		return RES_OK; /* its time is always summed */
	if (!is_gc_done(spec) && !spec->on_return)
		return fault_set(f, 0, 0, 0,
		    "duration is known at syscall:NAME:return, uretprobe, python:gc-done and off-cpu");
	abi->sums[0].what = abi->sums[1].what = PROBE_SUM_DURATION;
	abi->sum_by_sp = spec->kind == PROBE_UPROBE;
	return RES_OK;
}

/* What is summed of calls of one architecture. */
static enum res find_value(
    const struct at_probe *one, bool narrow, const char *text, struct probe_sum *out, struct fault *f)
{
	struct probe_when_value value;
	enum res res = at_arguments_value(one, narrow, text, &value, f);

	if (res == RES_OK)
		*out = (struct probe_sum){ value.subject + 1U, value.shift, value.is_signed, 0 };
	return res;
}

/* The call of i386 may have the value elsewhere, or not at all. */
static enum res find_values(
    const struct at_probe *one, const char *text, struct probe_spec_abi *abi, struct fault *f)
{
	bool wide = one->spec.kind != PROBE_SYSCALL || one->call[0].name != NULL;
	bool narrow = one->spec.kind != PROBE_SYSCALL || one->call[1].name != NULL;
	enum res res = wide ? find_value(one, false, text, &abi->sums[0], f) : RES_OK;

	if (res == RES_OK && narrow) {
		res = find_value(one, true, text, &abi->sums[1], f);
		if (res == RES_FAIL && wide) {
			abi->sums[1].what = PROBE_SUM_ABSENT;
			res = RES_OK;
		}
	}
	return res;
}

static bool find_sum(const struct at_probe *one, const char *text, struct probe_spec_abi *abi)
{
	struct fault f = { 0 };
	enum res res = strcmp(text, "duration") == 0 ? find_duration(&one->spec, abi, &f)
						     : find_values(one, text, abi, &f);

	if (res != RES_OK)
		warn_line("--sum: %s: %s", one->name, f.text);
	return res == RES_OK;
}

bool at_sum_find(struct at_probes *p, const char *text)
{
	for (size_t i = 0; text != NULL && i < p->n; i++) {
		if (!find_sum(&p->at[i], text, &p->abi[i]))
			return false;
	}
	return true;
}

bool at_sum_is_time(const struct at_probes *p, const struct probe_key *key)
{
	const struct at_probe *probe = at_probe_of(p, key);

	return probe != NULL && (probe->spec.kind == PROBE_OFF_CPU ||
				    p->abi[key->spec & PROBE_KEY_SPEC].sums[0].what == PROBE_SUM_DURATION);
}

const char *at_sum_begin(const struct at_probes *p, size_t i)
{
	return p->abi[i].sums[0].what == PROBE_SUM_DURATION && is_gc_done(&p->at[i].spec) ? "gc__start"
											  : NULL;
}
