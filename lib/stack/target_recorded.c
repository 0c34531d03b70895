/* A thread that was captured elsewhere (in the kernel, at a probe): its memory is put into the copy
 * of the process, and it is read as a captured thread is. */
#include <string.h>

#include "os/regs.h"
#include "stack/target_capture.h"

/* The registers in the order of prgregset_t. The kernel has those of a 32-bit program in its own
 * order, too. */
static void take_registers(const struct stack_recorded *r, prgregset_t regs)
{
	const struct arch_system *system = arch_of_host(false)->system;

	memset(regs, 0, sizeof(prgregset_t));
	for (size_t i = 0; i < r->n_regs && i < system->n_user_regs; i++) {
		if (system->user_regs[i] >= 0)
			regs[system->user_regs[i]] = (prgreg_t)r->regs[i];
	}
}

/* The process has another thread state where one was not copied, or none. */
static bool take_states(struct stack_target *t, const struct stack_recorded *r, struct capture_lwp *l)
{
	struct capture *c = &t->capture;
	struct py_thread state;
	size_t n;

	c->states.list.n = 0;
	for (size_t i = 0; t->py != NULL && i < r->n_states; i++) {
		uint64_t at = r->states[i].tstate;

		if (snapshot_copied(c->snapshot, at, &n) == NULL ||
		    py_thread_at(t->py, r->states[i].runtime, at, &state) != RES_OK)
			capture_note(l, MISSING_PYTHON, "its Python thread state at 0x%llx was not copied",
			    (unsigned long long)at);
		else if (!vec_push(&c->states.list, state))
			return false;
	}
	return true;
}

/* Put the memory of r into s. Of overlapping copies the first one counts, so the return addresses
 * come before the stack, which has others in their places. */
static bool put_memory(struct snapshot *s, const struct arch *arch, const struct stack_recorded *r)
{
	bool done = true;

	/* All architectures are little-endian: a short word is the start of a long one. */
	for (size_t i = 0; done && i < r->n_returns; i++)
		done = snapshot_put(
		    s, r->returns[i].slot, (const uint8_t *)&r->returns[i].pc, arch->pointer_size);
	for (size_t i = 0; done && i < r->n_pieces; i++)
		done = snapshot_put(s, r->pieces[i].va, r->pieces[i].bytes, r->pieces[i].n);
	return done;
}

enum res stack_target_take(
    struct stack_target *t, struct ps_prochandle *P, const struct stack_recorded *r, struct fault *f)
{
	struct capture *c = &t->capture;
	int64_t i;

	unwinder_destroy(t->unwinder);
	t->unwinder = NULL;
	target_capture_drop(t, P);
	if (target_capture_prepare(t, P, f) != RES_OK)
		return RES_FAIL;
	c->request.recorded = true;
	snapshot_read_same(c->snapshot);
	t->states_unknown = r->states_unknown;
	t->all_replaced = r->all_replaced;
	t->replaced.n = 0;
	for (size_t k = 0; k < r->n_replaced; k++)
		t->all_replaced |= !vec_push(&t->replaced, r->replaced[k]);
	if (!put_memory(c->snapshot, os_arch(P), r))
		return fault_memory(f);
	i = capture_add(c, r->id, r->thread_pointer);
	if (i < 0 || !take_states(t, r, &c->lwps.at[i]))
		return fault_memory(f);
	take_registers(r, c->lwps.at[i].regs);
	c->lwps.at[i].known_regs = REGS_ALL;
	c->lwps.at[i].state = CAPTURE_DONE;
	c->all = 1;
	if (r->stack_cut && !capture_is_incomplete(&c->lwps.at[i]))
		capture_note(
		    &c->lwps.at[i], MISSING_OLDEST, "only the innermost 1 MB of its stack was copied");
	capture_recorded(c, (size_t)i);
	capture_finish(c);
	return RES_OK;
}
