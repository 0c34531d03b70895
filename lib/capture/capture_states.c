/* Finds the thread states of an LWP, and its Python frames.
 *
 * The thread pointer identifies them: a state keeps what pthread_self() returned when it was
 * made. If that of an LWP is unknown, the kernel's thread id does. Both are looked up in a map,
 * so that a thousand threads cost a thousand lookups. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/owned.h"
#include "capture/capture.h"
#include "os/lwps.h"
#include "os/regs.h"

#define NO_STATE UINT32_MAX

/* Make a map of states by key(i); key 0: the state is left out. If memory runs out states are
 * missing. */
static void index_make(
    struct capture *c, struct capture_index *x, uint64_t (*key)(const struct capture *, size_t))
{
	addrmap_clear(&x->first);
	x->next.n = 0;
	x->made = vec_reserve(&x->next, c->states.list.n);
	if (!x->made)
		return;
	x->next.n = c->states.list.n;
	/* The newest state is first in the list, so add it last. */
	for (size_t i = c->states.list.n; i-- > 0;) {
		uint64_t k = key(c, i);

		x->next.at[i] = NO_STATE;
		if (k == 0)
			continue;
		(void)addrmap_get(&x->first, k, &x->next.at[i]);
		(void)addrmap_put(&x->first, k, (uint32_t)i);
	}
}

static uint64_t key_pointer(const struct capture *c, size_t i)
{
	return c->states.list.at[i].thread_id;
}

/* The kernel's id of the thread of a state, in the numbering of the target: from the state (3.11+),
 * else from the C library's descriptor of the thread, at the state's thread_id. 0: unknown. */
static uint64_t key_id(const struct capture *c, size_t i)
{
	const struct py_thread *t = &c->states.list.at[i];
	uint64_t at = t->thread_id + os_libc(c->P)->tid;
	int32_t tid = 0;

	if (t->native_id != 0)
		return t->native_id;
	if (Pread(c->P, &tid, sizeof(tid), at) != sizeof(tid) || tid < 0)
		return 0;
	return (uint64_t)tid;
}

/* The newest state of l; NO_STATE: none. */
static uint32_t first_state(struct capture *c, const struct capture_lwp *l, const struct capture_index **in)
{
	struct capture_index *x = l->thread_pointer != 0 ? &c->states.by_pointer : &c->states.by_id;
	uint64_t key = l->thread_pointer;
	uint32_t i;

	if (l->thread_pointer == 0)
		key = (uint64_t)os_inner_lwpid(c->request.live != NULL ? c->request.live : c->P, l->id);
	if (!x->made)
		index_make(c, x, l->thread_pointer != 0 ? key_pointer : key_id);
	*in = x;
	return x->made && key != 0 && addrmap_get(&x->first, key, &i) ? i : NO_STATE;
}

/* True if a state of the same interpreter is before i, from `first` on. States of threads that a
 * fork left keep their number, so the newest one counts. */
static bool has_newer_state(
    const struct capture *c, const struct capture_index *x, uint32_t first, uint32_t i)
{
	for (uint32_t k = first; k != i; k = x->next.at[k]) {
		if (c->states.list.at[k].interp == c->states.list.at[i].interp)
			return true;
	}
	return false;
}

/* Find foreign states. Up to 3.12 a state keeps the number of the thread that made it, and
 * another thread may run it, unless its interpreter is the main one (_xxsubinterpreters makes
 * such states). */
static void find_foreign(struct capture *c)
{
	c->states.foreign.n = 0;
	for (size_t i = 0; i < c->states.list.n; i++) {
		if (c->states.list.at[i].interp_id != 0 &&
		    py_version(c->py, c->states.list.at[i].runtime) < 0x030d0000)
			(void)vec_push(&c->states.foreign, (uint32_t)i);
	}
}

static bool is_foreign(const struct capture *c, uint32_t i)
{
	for (size_t k = 0; k < c->states.foreign.n; k++) {
		if (c->states.foreign.at[k] == i)
			return true;
	}
	return false;
}

/* The address on the C stack that marks the innermost frames of s; 0: none (up to 3.9, or no
 * frame). */
static uint64_t stack_place(const struct py_stack *s)
{
	for (size_t r = 0; r < s->runs.n; r++) {
		if (s->runs.at[r].marker != 0 || s->runs.at[r].fake != 0)
			return s->runs.at[r].marker != 0 ? s->runs.at[r].marker : s->runs.at[r].taken_at;
	}
	return s->cframes.n == 0 ? 0 : s->cframes.at[0];
}

/* The LWP whose stack contains va: that with the next thread pointer above va in the same
 * mapping, or the main one. NULL: none. */
static const struct capture_lwp *stack_owner(const struct capture *c, uint64_t va)
{
	const prmap_t *map = Paddr_to_map(c->P, va);
	const struct capture_lwp *best = NULL;

	for (size_t i = 0; i < c->lwps.n; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];

		if (map != NULL && (map->pr_mflags & MA_STACK) != 0 && (pid_t)l->id == Pstatus(c->P)->pr_pid)
			return l;
		if (l->thread_pointer > va &&
		    ((map != NULL && l->thread_pointer - map->pr_vaddr <= map->pr_size) ||
			capture_range_has(&l->stack, va)) &&
		    (best == NULL || l->thread_pointer < best->thread_pointer))
			best = l;
	}
	return best;
}

/* True if the frames s of a foreign state belong to l. `named`: the state names l. */
static bool frames_are_of(
    struct capture *c, const struct capture_lwp *l, const struct py_stack *s, bool named)
{
	uint64_t va = stack_place(s);

	if (va == 0)
		return named;
	return capture_stack_has(c, l, va) || (named && stack_owner(c, va) == NULL);
}

static uint64_t states_token(const struct capture *c, const struct capture_index *x, uint32_t first)
{
	uint64_t token = HASH_START;

	for (uint32_t i = first; i != NO_STATE; i = x->next.at[i])
		token = hash_word(token, c->states.list.at[i].tstate);
	for (size_t k = 0; k < c->states.foreign.n; k++)
		token = hash_word(token, c->states.list.at[c->states.foreign.at[k]].tstate);
	return token;
}

/* True if va may lie on l's stack. Of a running LWP the used part is unknown. */
static bool lwp_stack_may_hold(struct capture *c, const struct capture_lwp *l, uint64_t va)
{
	return l->known_regs != REGS_NONE ? capture_stack_has(c, l, va) : stack_owner(c, va) == l;
}

/* True if the second frame of s (3.12 or later) is the entry frame of an activation that is just
 * being entered. The first one is never on the C stack, unless data stacks lie in the same
 * mapping: then nothing can be told. */
static bool entry_is_unowned(
    struct capture *c, const struct capture_lwp *l, const struct py_thread *t, const struct py_stack *s)
{
	return py_marking_of(c->py, t->runtime) == PY_MARK_ENTRY && s->runs.n > 0 &&
	       s->runs.at[0].count > 1 && lwp_stack_may_hold(c, l, s->frames.at[1].addr) &&
	       !lwp_stack_may_hold(c, l, s->frames.at[0].addr);
}

enum res capture_state_frames(struct capture *c, const struct capture_lwp *l, const struct py_thread *t,
    struct py_stack *out, struct fault *f)
{
	enum res res = py_stack_read(c->py, t, out, f);

	if (res == RES_OK && entry_is_unowned(c, l, t, out))
		py_stack_unowned(out);
	if (res == RES_OK)
		capture_fake_places(c, l, out);
	return res;
}

/* Add the frames of a state, if they belong to l. `named`: the state names l. */
static enum res add_state(
    struct capture *c, struct capture_lwp *l, const struct py_thread *t, bool named, struct fault *f)
{
	struct py_stack more = { .broken = false };
	enum res res = capture_state_frames(c, l, t, &more, f);

	if (res == RES_OK && (!named || is_foreign(c, (uint32_t)(t - c->states.list.at))) &&
	    !frames_are_of(c, l, &more, named)) {
		py_stack_free(&more);
		return RES_OK;
	}
	if (res == RES_NONE && !named)
		return RES_OK;
	if (res == RES_OK)
		res = capture_recover(c, l, t, &more, f);
	if (res == RES_OK && l->python.runs.n == 0 && !l->python.broken) {
		l->python = more;
		memset(&more, 0, sizeof(more));
	} else if (res == RES_OK)
		res = py_stack_merge(&l->python, &more, f);
	py_stack_free(&more);
	if (res == RES_FAIL)
		return RES_FAIL;
	if (res == RES_OK || l->python_is == PYTHON_UNREAD)
		l->thread = *t;
	l->python_is = PYTHON_READ;
	return RES_OK;
}

/* Add the frames of foreign states. */
static enum res add_foreign(
    struct capture *c, struct capture_lwp *l, const struct capture_index *x, uint32_t first, struct fault *f)
{
	for (size_t k = 0; k < c->states.foreign.n; k++) {
		uint32_t i = first;

		while (i != NO_STATE && i != c->states.foreign.at[k])
			i = x->next.at[i];
		if (i == NO_STATE &&
		    add_state(c, l, &c->states.list.at[c->states.foreign.at[k]], false, f) != RES_OK)
			return RES_FAIL;
	}
	return RES_OK;
}

void capture_prefetch_states(struct capture *c, const struct capture_lwp *l, struct snapshot_prefetch *pages)
{
	enum { STATE = 512, FRAME = 128, OLDER = 3072 }; /* bytes that are read of them, roughly */
	const struct capture_index *x;

	if (c->py == NULL)
		return;
	for (uint32_t i = first_state(c, l, &x); i != NO_STATE; i = x->next.at[i]) {
		const struct py_thread *t = &c->states.list.at[i];
		/* From 3.11 on older frames are in front of it, mostly on one page. */
		const uint64_t older = py_marking_of(c->py, t->runtime) == PY_MARK_NONE ? FRAME : OLDER;

		snapshot_prefetch_add(pages, t->tstate, STATE);
		/* In 3.11 and 3.12 it is the end of the frame. */
		if (t->near >= older)
			snapshot_prefetch_add(pages, t->near - older, (size_t)older + FRAME);
	}
}

struct prefetch {
	struct capture *c;
	const struct capture_lwp *l;
	bool values;
};

static void read_frames_ahead(const struct prefetch *p, const struct py_thread *t)
{
	struct py_stack found;

	py_stack_prefetch(p->c->py, t, &found);
	if (p->values)
		capture_locals_ahead(p->c, &found);
	py_stack_free(&found);
}

static void read_for_prefetch(void *data)
{
	struct capture *c = ((const struct prefetch *)data)->c;
	const struct capture_index *x;
	uint32_t first;

	(void)capture_states_are_current(c);
	first = first_state(c, ((const struct prefetch *)data)->l, &x);
	for (uint32_t i = first; i != NO_STATE; i = x->next.at[i]) {
		if (!has_newer_state(c, x, first, i))
			read_frames_ahead(data, &c->states.list.at[i]);
	}
	for (size_t k = 0; k < c->states.foreign.n; k++)
		read_frames_ahead(data, &c->states.list.at[c->states.foreign.at[k]]);
}

void capture_prefetch(
    struct capture *c, const struct capture_lwp *l, bool values, struct snapshot_prefetch *pages)
{
	const bool made_pointer = c->states.by_pointer.made, made_id = c->states.by_id.made;

	if (c->py == NULL || c->states.stale || snapshot_prefetch_full(pages))
		return;
	snapshot_prefetch_by(c->snapshot, pages, read_for_prefetch, &(struct prefetch){ c, l, values });
	/* Reads have failed since the list was full: an index that was made since then may lack
	 * states. */
	if (snapshot_prefetch_full(pages)) {
		c->states.by_pointer.made &= made_pointer;
		c->states.by_id.made &= made_id;
	}
}

/* True if the thread of some state is an LWP of the process. */
static bool has_own_states(const struct capture *c)
{
	OWNED(os_lwpids_free) os_lwpids ids = VEC_EMPTY;
	struct fault f;
	bool own = os_lwp_list(c->request.live, &ids, &f) != RES_OK;

	for (size_t i = 0; !own && i < ids.n; i++) {
		uint64_t id = (uint64_t)os_inner_lwpid(c->request.live, ids.at[i]);

		for (size_t k = 0; !own && k < c->states.list.n; k++)
			own = key_id(c, k) == id;
	}
	return own;
}

/* The states of an LWP whose thread pointer is unknown and whose number no state has: it may be
 * a child of vfork, in the memory of its parent. NO_STATE: there are none, or l->note says why
 * they are unknown. */
static uint32_t borrowed_state(struct capture *c, struct capture_lwp *l, const struct capture_index **in)
{
	uint32_t first;

	if (l->thread_pointer != 0 || c->request.live == NULL || c->states.list.n == 0 ||
	    (pid_t)l->id != Pstatus(c->request.live)->pr_pid)
		return NO_STATE;
	l->thread_pointer = os_maker_pointer(c->request.live);
	first = l->thread_pointer == 0 ? NO_STATE : first_state(c, l, in);
	/* A creator that runs no Python has none for the child either. */
	if (l->thread_pointer != 0 || has_own_states(c))
		return first;
	capture_note(l, MISSING_PYTHON,
	    "no Python frames: it shares its parent's memory (vfork), and the thread that created it is "
	    "unknown; "
	    "try --stop");
	return NO_STATE;
}

enum res capture_frames(struct capture *c, struct capture_lwp *l)
{
	const struct capture_index *x;
	enum res res = RES_OK;
	uint32_t first;
	struct fault f = { 0 };

	if (c->py == NULL)
		return RES_OK;
	first = first_state(c, l, &x);
	if (first == NO_STATE)
		first = borrowed_state(c, l, &x);
	l->list_cut = c->states.cut && first == NO_STATE;
	l->owns = states_token(c, x, first);
	for (uint32_t i = first; res == RES_OK && i != NO_STATE; i = x->next.at[i]) {
		const struct py_thread *t = &c->states.list.at[i];

		if (!has_newer_state(c, x, first, i))
			res = add_state(c, l, t, true, &f);
	}
	if (res == RES_OK)
		res = add_foreign(c, l, x, first, &f);
	if (res == RES_OK) {
		if (c->request.about && l->python_is != PYTHON_UNREAD) {
			py_status_read(c->py, &l->thread, &l->python, &l->status);
			c->gil_holder_at = l->status.holder_at;
		}
		return RES_OK;
	}
	capture_note(l, MISSING_PYTHON, "its Python frames cannot be read: %.80s", f.text);
	c->states.stale = true;
	return RES_FAIL;
}

void capture_states_read(struct capture *c)
{
	int tries = 5;
	struct fault f = { 0 };

	if (c->py == NULL)
		return;
	/* A state that ends while its list is read breaks it, for this reading alone. Of a list
	 * that stays broken take the states before the break. */
	do {
		if (c->snapshot != NULL)
			snapshot_forget(c->snapshot);
		c->states.cut = py_threads_read(c->py, &c->states.list, &f) == RES_FAIL;
	} while (c->states.cut && c->request.live != NULL && --tries > 0);
	c->states.by_pointer.made = c->states.by_id.made = c->states.stale = false;
	find_foreign(c);
}

bool capture_states_are_current(const struct capture *c)
{
	return c->py == NULL || (!c->states.stale && py_threads_same(c->py, &c->states.list));
}

/* Undo LWPs that were not held and whose states differ in the new list. */
static void undo_changed(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];
		const struct capture_index *x;
		uint32_t first;

		if (l->state != CAPTURE_DONE || l->known_regs != REGS_PC_SP)
			continue;
		first = first_state(c, l, &x);
		if (states_token(c, x, first) != l->owns)
			capture_undo(c, l);
	}
}

bool capture_states_revalidate(struct capture *c, unsigned flags)
{
	if ((flags & STATES_IF_UNPROVED) != 0 && !c->states.unproved)
		return false;
	if ((flags & STATES_FORGET_PAGES) != 0)
		snapshot_forget(c->snapshot);
	if ((flags & STATES_UNDO_CHANGED) != 0)
		c->states.unproved = false;
	if (capture_states_are_current(c))
		return false;
	capture_states_read(c);
	if ((flags & STATES_UNDO_CHANGED) != 0)
		undo_changed(c);
	return true;
}

void capture_recorded(struct capture *c, size_t i)
{
	c->states.by_pointer.made = c->states.by_id.made = c->states.stale = false;
	find_foreign(c);
	(void)capture_frames(c, &c->lwps.at[i]);
	snapshot_seal(c->snapshot);
}

bool capture_states_lack(const struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_ENDED && l->list_cut && l->python_is == PYTHON_UNREAD)
			return true;
	}
	return false;
}
