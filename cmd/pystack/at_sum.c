/* See at_sum.h. */
#include "at_sum.h"

#include <stdio.h>
#include <string.h>

#include "at_arguments.h"

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
	abi->sum = PROBE_SUM_DURATION;
	abi->sum_by_sp = spec->kind == PROBE_UPROBE;
	return RES_OK;
}

static bool find(const struct at_probe *one, const char *text, struct probe_spec_abi *abi)
{
	struct probe_when_value value;
	struct fault f = { 0 };
	enum res res;

	if (strcmp(text, "duration") == 0) {
		res = find_duration(&one->spec, abi, &f);
	} else {
		res = at_arguments_value(one, text, &value, &f);
		if (res == RES_OK) {
			abi->sum = value.subject + 1U;
			abi->sum_shift = value.shift;
			abi->sum_signed = value.is_signed;
		}
	}
	if (res != RES_OK)
		(void)fprintf(stderr, "pystack: --sum: %s: %s\n", one->name, f.text);
	return res == RES_OK;
}

bool at_sum_find(struct at_probes *p, const char *text)
{
	for (size_t i = 0; text != NULL && i < p->n; i++) {
		if (!find(&p->at[i], text, &p->abi[i]))
			return false;
	}
	return true;
}

bool at_sum_is_time(const struct at_probes *p, const struct probe_key *key)
{
	const struct at_probe *probe = at_probe_of(p, key);

	return probe != NULL && (probe->spec.kind == PROBE_OFF_CPU ||
				    p->abi[key->spec & PROBE_KEY_SPEC].sum == PROBE_SUM_DURATION);
}

const char *at_sum_begin(const struct at_probes *p, size_t i)
{
	return p->abi[i].sum == PROBE_SUM_DURATION && is_gc_done(&p->at[i].spec) ? "gc__start" : NULL;
}
