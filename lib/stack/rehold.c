#include "stack/rehold.h"

#include <stdio.h>

enum { HOPELESS_MAX = 16, FAILED_MAX = 10 };

/* Hashes the code that the thread has on its stack. */
static uint64_t stack_hash(const struct stack_thread *th)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a, a word at a time */

	for (size_t i = 0; i < th->native.frames.n; i++)
		h = (h ^ th->native.frames.at[i].pc) * 0x100000001b3;
	return h;
}

/* Is the frame pointer missing at frame i, or uncertain after it? Nothing describes the code of a
 * JIT, so more registers help past it no more than a marker does, unless the frame pointer itself
 * is unknown. */
static bool lacks_frame_pointer(const struct arch *arch, const struct native_stack *s, size_t i, bool stopped)
{
	const struct native_frame *fr = &s->frames.at[i];

	return !fr->no_cfi || (stopped && (fr->saved_known >> arch->saved_fp & 1) == 0);
}

static bool is_unsure(const struct rehold *a, const struct stack_thread *th, bool stopped)
{
	const struct native_stack *s = &th->native;

	if (s->end == UNWIND_END_LOST && (s->reason == UNWIND_NO_REGISTER || stopped))
		return true;
	for (size_t i = 1; i < s->frames.n; i++) {
		if (s->frames.at[i].how == UNWIND_FP && lacks_frame_pointer(a->arch, s, i - 1, stopped))
			return true;
	}
	for (size_t i = 0; i < s->frames.n; i++) {
		if (s->frames.at[i].trampoline && (s->frames.at[i].saved_known >> a->arch->saved_fp & 1) == 0)
			return true;
	}
	for (size_t i = 0; i < th->join.items.n; i++) {
		const struct join_item *item = &th->join.items.at[i];

		if (item->unsure || (item->kind == JOIN_GAP && item->index > 0 &&
					lacks_frame_pointer(a->arch, s, item->index - 1, stopped)))
			return true;
	}
	return false;
}

bool rehold_wanted(
    const struct rehold *a, const struct capture_lwp *l, const struct stack_thread *th, uint64_t *stack)
{
	if (l->known_regs != REGS_PC_SP || a->tried.n >= HOPELESS_MAX ||
	    !is_unsure(a, th, !l->blocked.in_call))
		return false;
	*stack = stack_hash(th);
	for (size_t i = 0; i < a->tried.n; i++) {
		if (a->tried.at[i] == *stack)
			return false;
	}
	return true;
}

void rehold_tried(struct rehold *a, uint64_t stack, const struct stack_thread *th)
{
	if (is_unsure(a, th, false))
		(void)vec_push(&a->tried, stack);
}

bool rehold_may(const struct rehold *a)
{
	return a->failed < FAILED_MAX;
}

void rehold_failed(struct rehold *a, const char *reason, struct stack_thread *th)
{
	a->failed += reason != NULL;
	th->failed = true;
	if (th->noted)
		return;
	th->noted = true;
	if (reason != NULL)
		(void)snprintf(th->why, sizeof(th->why), "its registers are not known: %.90s", reason);
	else
		(void)snprintf(th->why, sizeof(th->why),
		    "its registers are not known: %u other threads could not be stopped for theirs",
		    a->failed);
}

void rehold_free(struct rehold *a)
{
	vec_free(&a->tried);
}
