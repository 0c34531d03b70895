/* See at_recorded.h. */
#include "at_recorded.h"

#include "bounds.h"
#include "print_target.h"
#include "source.h"

void at_recorded_set(
    struct at_recorded *out, const struct probe_stack *s, const struct probe_ranges *replaced)
{
	const struct probe_begin *b = s->begin;

	out->r = (struct stack_recorded){ .id = (lwpid_t)b->tid,
		.regs = b->regs,
		.n_regs = PROBE_REGS,
		.thread_pointer = b->thread_pointer,
		.states = out->states,
		.n_states = b->n_states < PROBE_STATES ? b->n_states : PROBE_STATES,
		.pieces = s->pieces,
		.n_pieces = s->n_pieces,
		.returns = out->returns,
		.n_returns = b->n_returns < PROBE_RETURNS ? b->n_returns : PROBE_RETURNS,
		.replaced = out->replaced,
		.n_replaced = replaced->at.n <= RECORDED_RANGES ? replaced->at.n : 0,
		.all_replaced = replaced->all || replaced->at.n > RECORDED_RANGES,
		.stack_cut = (b->flags & PROBE_STACK_CUT) != 0,
		.states_unknown = (b->flags & PROBE_STACK_UNKNOWN) != 0 };
	for (size_t i = 0; i < out->r.n_states; i++)
		out->states[i] = (struct stack_recorded_state){ b->states[i].python, b->states[i].tstate };
	for (size_t i = 0; i < out->r.n_returns; i++)
		out->returns[i] = (struct stack_recorded_return){ b->returns[i].slot, b->returns[i].pc };
	for (size_t i = 0; i < out->r.n_replaced; i++)
		out->replaced[i] =
		    (struct stack_recorded_range){ replaced->at.at[i].lo, replaced->at.at[i].hi };
}

enum res at_recorded_read(const struct at_recorded *recorded, struct handle *h, const struct options *opt,
    struct stack_thread *th, struct fault *f)
{
	enum res res = stack_target_take(h->target, h->P, &recorded->r, f);

	text_cache_free(&h->lines);
	if (res == RES_OK)
		res = symbolizer_follow(&h->names, stack_target_handle(h->target), f);
	if (res == RES_OK && h->sources == NULL)
		h->sources = source_open(h->P, NULL, opt);
	if (res == RES_OK)
		symbolizer_want(h->names, symbol_wants_of(opt));
	bounds_begin(opt, false);
	if (res == RES_OK)
		res = stack_thread_read(h->target, 0, th, f);
	(void)bounds_end();
	return res;
}
