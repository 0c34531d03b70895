#include "stack/thread_interps.h"

#include <stdlib.h>

#include "base/owned.h"

static const struct py_thread *state_at(
    const struct capture *c, const struct py_thread *likely, uint64_t tstate)
{
	if (likely->tstate == tstate)
		return likely;
	for (size_t i = 0; i < c->states.list.n; i++) {
		if (c->states.list.at[i].tstate == tstate)
			return &c->states.list.at[i];
	}
	return NULL;
}

enum res thread_interps_list(
    const struct capture *c, const struct capture_lwp *l, struct stack_thread *th, struct fault *f)
{
	OWNED(mem_release) uint64_t *of_frame = calloc(th->python.frames.n + 1, sizeof(*of_frame));
	uint64_t last = 0;

	if (of_frame == NULL)
		return fault_memory(f);
	for (size_t r = 0; r < th->python.runs.n; r++) {
		const struct py_run *run = &th->python.runs.at[r];

		for (uint32_t k = 0; k < run->count; k++)
			of_frame[run->first + k] = run->tstate;
	}
	for (size_t i = 0; i < th->join.items.n; i++) {
		const struct join_item *item = &th->join.items.at[i];
		const struct py_thread *of;
		size_t k = 0;

		if (item->kind != JOIN_PYTHON || of_frame[item->index] == last)
			continue;
		last = of_frame[item->index];
		of = state_at(c, &l->thread, last);
		while (of != NULL && k < th->interps.n &&
		       (th->interps.at[k].id != of->interp_id || th->interps.at[k].runtime != of->runtime))
			k++;
		if (of != NULL && k == th->interps.n &&
		    !vec_push(&th->interps, ((struct stack_interp){ of->runtime, of->interp_id })))
			return fault_memory(f);
	}
	return RES_OK;
}
