/* See probe_changes.h. */
#include "probe/probe_changes.h"

#include <stdlib.h>
#include <string.h>

void probe_changes_forget(struct probe_changes *x, uint64_t time)
{
	x->forgotten = time > x->forgotten ? time : x->forgotten;
}

void probe_changes_take(struct probe_changes *x, const struct probe_code_record *r)
{
	struct probe_change one = { r->process, r->change.kind, r->change.lo, r->change.hi, r->time };

	if (x->at.n >= PROBE_CHANGES_MAX) {
		size_t half = x->at.n / 2;

		for (size_t i = 0; i < half; i++)
			probe_changes_forget(x, x->at.at[i].time);
		memmove(x->at.at, x->at.at + half, (x->at.n - half) * sizeof(x->at.at[0]));
		x->at.n -= half;
	}
	if (!vec_push(&x->at, one))
		probe_changes_forget(x, one.time);
}

void probe_changes_between(const struct probe_changes *x, uint32_t process, uint64_t a, uint64_t b,
    bool protected, struct probe_ranges *out)
{
	uint64_t from = a < b ? a : b, to = a < b ? b : a;

	if (from <= x->forgotten && x->forgotten != 0)
		out->all = true;
	for (size_t i = 0; i < x->at.n; i++) {
		const struct probe_change *c = &x->at.at[i];
		struct probe_addresses range = { c->lo, c->hi };

		if (c->process != process || c->time < from || c->time > to ||
		    (c->kind == PROBE_CODE_PROTECTED && !protected))
			continue;
		if (!vec_push(&out->at, range))
			out->all = true;
	}
}

static int compare_ranges(const void *a, const void *b)
{
	const struct probe_addresses *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void probe_ranges_merge(struct probe_ranges *r)
{
	size_t n = 0;

	if (r->at.n < 2)
		return;
	qsort(r->at.at, r->at.n, sizeof(r->at.at[0]), compare_ranges);
	for (size_t i = 1; i < r->at.n; i++) {
		struct probe_addresses *last = &r->at.at[n], *next = &r->at.at[i];

		if (next->lo > last->hi)
			r->at.at[++n] = *next;
		else if (next->hi > last->hi)
			last->hi = next->hi;
	}
	r->at.n = n + 1;
}

bool probe_ranges_have(const struct probe_ranges *r, uint64_t address)
{
	for (size_t i = 0; i < r->at.n; i++) {
		if (r->at.at[i].lo <= address && address < r->at.at[i].hi)
			return true;
	}
	return r->all;
}

void probe_changes_free(struct probe_changes *x)
{
	vec_free(&x->at);
}
