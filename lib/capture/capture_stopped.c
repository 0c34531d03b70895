/* Captures by PTRACE_SEIZE: LWPs are stopped, copied and released. This wakes LWPs that are blocked
 * in the kernel, and some system calls then return EINTR (epoll_wait does, poll and read do not).
 * That is why the other methods come first.
 *
 * While something is held every microsecond counts: registers, stacks and Python frames are
 * copied, nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/owned.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/hold.h"
#include "os/lwps.h"
#include "os/read.h"
#include "os/regs.h"

enum {
	WAIT_MS = 1000,               /* for all holds of a capture */
	HOLD_NS = 100 * 1000 * 1000,  /* one half until all have stopped, the other until they are read */
	AGAIN_MS = 100,               /* for an LWP that is captured already */
	REFRESH_NS = 2 * 1000 * 1000, /* enough to probe thousands, or to read fifty again */
	FIRST = 16,                   /* stacks copied in one call */
};

struct held_stack {
	struct snapshot_piece piece;
	bool own;
	size_t of; /* index of its LWP */
};

struct holding {
	struct capture *c;
	enum stop_policy policy;
	struct snapshot_prefetch *pages; /* to be fetched with the stacks */
	/* The earlier capture of the LWP that is held for its registers, or NULL. */
	const struct capture_lwp *before;
	int64_t begin; /* start of the hold */
	int64_t end;   /* deadline of the reads */
	bool late;     /* some LWP did not stop in time */
};

/* The longest hold, ns. */
static int64_t hold_limit(const struct capture *c)
{
	return c->request.hold_ns != 0 ? c->request.hold_ns : HOLD_NS;
}

static void prefetch_release(struct snapshot_prefetch *v)
{
	vec_free(v);
}

static void hold_release(struct os_hold **h)
{
	os_hold_free(*h);
}

/* Add an LWP that was not in any list yet. Returns its index, or -1. end: as for hold_wants. */
static int64_t add_newborn(struct holding *g, lwpid_t id, int64_t end)
{
	uint64_t pointer = 0;
	int64_t at;

	if (g->c->progress.held || !proc_lwp_in_set(g->c->request.set, id))
		return -1;
	capture_make_room(g->c, end);
	os_thread_pointers(g->c->request.live, &id, 1, &pointer);
	at = capture_add(g->c, id, pointer);
	if (at >= 0)
		g->c->lwps.at[at].pass = UINT8_MAX;
	return at;
}

/* Hold LWPs that are pending after a last probe. end: when LWPs that stand still have to go on (0:
 * none does). Of an LWP that is not read by then nothing is kept. */
static bool hold_wants(void *data, lwpid_t id, int64_t end)
{
	struct holding *g = data;
	struct capture *c = g->c;
	uint32_t known;
	int64_t i = addrmap_get(&c->known, (uint64_t)id, &known) ? (int64_t)known : add_newborn(g, id, end);
	size_t one = (size_t)i;

	if (i < 0)
		return false;
	if (g->policy != STOP_RUNNING || c->lwps.at[i].state != CAPTURE_PENDING)
		return c->lwps.at[i].state == CAPTURE_PENDING;
	(void)snapshot_until(c->snapshot, end);
	capture_prefetch(c, &c->lwps.at[i], end == 0, g->pages);
	c->lwps.at[i].learned = end == 0 && !snapshot_prefetch_full(g->pages);
	if (c->locals != NULL && end == 0)
		snapshot_pages_ready(c->snapshot, g->pages);
	capture_blocked(c, &one, 1);
	if (snapshot_until(c->snapshot, 0)) {
		c->states.stale = true; /* what was looked up in the list may be incomplete */
		if (c->lwps.at[i].state == CAPTURE_DONE)
			capture_undo(c, &c->lwps.at[i]);
	}
	return c->lwps.at[i].state == CAPTURE_PENDING;
}

/* Take the registers of held LWPs, and the reasons why others are not held. */
static void take_registers(struct holding *g, const struct os_hold *h)
{
	for (size_t i = 0; i < os_hold_count(h); i++) {
		const prgreg_t *regs = NULL;
		const char *why = "";
		lwpid_t id;
		enum os_hold_state state = os_hold_lwp(h, i, &id, &regs, &why);
		struct capture_lwp *l;
		uint32_t at;

		if (!addrmap_get(&g->c->known, (uint64_t)id, &at))
			continue;
		l = &g->c->lwps.at[at];
		if (state == OS_GONE) {
			l->state = CAPTURE_ENDED;
		} else if (state == OS_HELD) {
			for (int r = 0; r < NPRGREG; r++)
				l->regs[r] = regs[r];
			l->known_regs = REGS_ALL;
			os_hold_call_of(g->c->request.live, h, i, &l->call);
			l->thread_pointer = os_thread_pointer(g->c->request.live, id, l->regs);
			l->state = CAPTURE_HELD;
		} else {
			bool again =
			    state == OS_TIMEOUT && g->before == NULL &&
			    g->c->progress.waited_ms + (clock_now_ns() - g->begin) / 1000000 < WAIT_MS;

			l->refusal = again ? REFUSED_FOR_NOW : REFUSED;
			(void)snprintf(l->refused, sizeof(l->refused), "%s", why);
			g->late |= state == OS_TIMEOUT;
		}
	}
}

/* Discard the earlier capture of the held LWP, which has run since: its data, the stack above
 * all, must not be mixed with what is read now. Data of the other LWPs is captured already. */
static void forget_before(struct holding *g)
{
	struct capture *c = g->c;

	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].state == CAPTURE_HELD)
			capture_drop_copies(c, g->before);
	}
	snapshot_forget(c->snapshot);
}

/* Copy the stacks of held LWPs and the prefetch list in few calls, and make the list of states
 * current. Returns the number of LWPs, from the first on, that `some` has room for. */
static size_t copy_stacks(struct holding *g, struct held_stack *some)
{
	struct snapshot_piece pieces[FIRST];
	struct capture *c = g->c;
	size_t n = 0, copied = 0;
	bool forgotten;

	for (size_t i = 0; i < c->lwps.n && n < FIRST; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_HELD)
			continue;
		some[n].of = i;
		some[n].piece = capture_stack_piece(c, l, &some[n].own);
		if (some[n].piece.hi != 0)
			pieces[copied++] = some[n].piece;
		n++;
	}
	forgotten = c->states.stale;
	if (forgotten)
		g->pages->n = 0; /* the pages would be forgotten before they are read */
	snapshot_forget(c->snapshot);
	snapshot_copy_with_pages(c->snapshot, g->pages, pieces, copied);
	for (size_t i = 0, k = 0; i < n; i++) {
		if (some[i].piece.hi != 0)
			some[i].piece = pieces[k++];
		if (some[i].piece.got != 0)
			c->lwps.at[some[i].of].copies[0] = some[i].piece.lo; /* to be dropped if need be */
	}
	if (g->before != NULL || (g->policy == STOP_ALL && c->locals == NULL))
		capture_states_read(c); /* the frames of the other LWPs must stay as they are */
	else
		forgotten |= capture_states_revalidate(c, g->policy == STOP_ALL ? 0 : STATES_UNDO_CHANGED);
	for (size_t i = 0; forgotten && i < c->lwps.n; i++)
		c->lwps.at[i].learned = false;
	return n;
}

/* Read the Python frames of a held LWP. */
static void read_frames(struct holding *g, struct capture_lwp *l)
{
	struct capture_note before = l->note;

	if (capture_frames(g->c, l) == RES_OK || g->policy != STOP_RUNNING)
		return;
	/* The list of states was read before the hold. */
	py_stack_free(&l->python);
	l->python_is = PYTHON_UNREAD;
	l->note = before;
	capture_states_read(g->c);
	(void)capture_frames(g->c, l);
}

/* The hold has lasted too long. The first LWP keeps what was read, with a note; the others are
 * held again. So each hold makes progress. */
static void out_of_time(struct capture *c, struct capture_lwp *l, bool first)
{
	char why[sizeof(l->refused)];

	(void)snprintf(why, sizeof(why),
	    "it was released before all of it was read: a stop lasts %.6g ms at most",
	    (double)hold_limit(c) / 1e6);
	c->states.stale = true; /* the list of states may be incomplete */
	if (first) {
		capture_note(l, MISSING_TIME, "%s", why);
		l->state = CAPTURE_DONE;
		return;
	}
	capture_undo(c, l);
	memcpy(l->refused, why, sizeof(why));
	l->refusal = REFUSED_FOR_NOW;
}

/* Capture a held LWP, whose stack may have been copied. */
static void read_held(struct holding *g, struct capture_lwp *l, const struct held_stack *stack, bool first)
{
	struct capture *c = g->c;

	if (!first && clock_now_ns() >= g->end) {
		out_of_time(c, l, first);
		return;
	}
	if (stack != NULL)
		capture_stack_rest(c, l, &stack->piece, stack->own);
	else
		capture_stack(c, l);
	read_frames(g, l);
	l->state = CAPTURE_DONE;
	if (snapshot_until(c->snapshot, g->end)) {
		out_of_time(c, l, first);
		return;
	}
	l->locals_due = c->locals != NULL;
	l->wait_due = c->request.about && g->before == NULL && l->call.number >= 0;
	if (g->policy == STOP_ALL && c->progress.held && g->before == NULL && !capture_is_incomplete(l)) {
		capture_note(l, MISSING_MOMENT, "it was stopped later than the others");
	}
}

static void capture_held(void *data, const struct os_hold *h)
{
	struct holding *g = data;
	struct capture *c = g->c;
	struct held_stack some[FIRST];
	size_t n, k = 0;

	take_registers(g, h);
	g->end = clock_now_ns() + (c->request.read_ns != 0 ? c->request.read_ns : (hold_limit(c) + 1) / 2);
	(void)snapshot_until(c->snapshot, g->end);
	if (g->before != NULL)
		forget_before(g);
	n = copy_stacks(g, some);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		/* LWPs of an earlier hold are done and run again. */
		if (l->state != CAPTURE_HELD)
			continue;
		read_held(g, l, k < n ? &some[k] : NULL, k == 0);
		k++;
	}
	capture_locals_held(c, g->end);
	(void)snapshot_until(c->snapshot, 0);
}

/* Hold the LWPs that the call wants, and capture them. RES_FAIL: nothing was held. */
static enum res hold_capture(
    struct holding *g, struct os_hold_call *call, int ms, struct os_hold **h, struct fault *f)
{
	enum res res;

	call->held = capture_held;
	call->data = g;
	call->force = g->c->request.force;
	call->limit_ns = (hold_limit(g->c) + 1) / 2;
	g->begin = clock_now_ns();
	g->c->progress.holding = true;
	res = os_hold_during(g->c->request.live, call, ms, h, f);
	g->c->progress.holding = false;
	if (*h != NULL && os_hold_ns(*h) > g->c->held_ns)
		g->c->held_ns = os_hold_ns(*h);
	if (g->late)
		g->c->progress.waited_ms += (int)((clock_now_ns() - g->begin) / 1000000);
	return res;
}

enum res capture_stopped(struct capture *c, struct fault *f)
{
	OWNED(hold_release) struct os_hold *h = NULL;
	OWNED(prefetch_release) struct snapshot_prefetch pages = VEC_EMPTY;
	struct holding g = { .c = c, .policy = c->request.policy, .pages = &pages };
	struct os_hold_call call = { .wants = hold_wants };

	if (g.policy == STOP_ALL)
		capture_locals_learn(c, &pages);
	if (hold_capture(&g, &call, c->progress.waited_ms < WAIT_MS ? WAIT_MS - c->progress.waited_ms : 1, &h,
		&c->not_held) != RES_OK)
		c->none_held = true;
	c->progress.held = true;
	capture_locals_released(c);
	/* An LWP that has not run since it was read was blocked during the hold. So this is
	 * asked after the hold, not within it. */
	if (g.policy == STOP_RUNNING)
		capture_blocked_refresh(c, REFRESH_NS);
	capture_locals_rest(c);
	capture_waits_rest(c);
	return h == NULL ? fault_memory(f) : RES_OK;
}

static bool hold_wants_pending(void *data, lwpid_t id, int64_t end)
{
	const struct holding *g = data;
	uint32_t i;

	(void)end;
	return addrmap_get(&g->c->known, (uint64_t)id, &i) && g->c->lwps.at[i].state == CAPTURE_PENDING;
}

/* The reason why l was not held, or why its capture is useless. f: why nothing was held; NULL:
 * something was. */
static const char *hold_failure(const struct capture *c, const struct capture_lwp *l, const struct fault *f)
{
	if (l->state == CAPTURE_ENDED || !os_same_process(c->request.live))
		return "it exited meanwhile";
	if (capture_is_incomplete(l))
		return l->note.text;
	if (l->refusal != NOT_REFUSED)
		return l->refused;
	return f != NULL ? f->text : "it could not be stopped";
}

bool capture_with_registers(struct capture *c, size_t i, char *why, size_t n)
{
	OWNED(hold_release) struct os_hold *h = NULL;
	OWNED(prefetch_release) struct snapshot_prefetch pages = VEC_EMPTY;
	struct holding g = { .c = c, .policy = STOP_ALL, .pages = &pages };
	struct os_hold_call call = { .wants = hold_wants_pending };
	struct capture_lwp *l = &c->lwps.at[i];
	struct capture_lwp before = *l;
	struct fault f;
	enum res res;

	g.before = &before;
	(void)snprintf(why, n, "out of memory");

	/* The indices are those of before ended LWPs were removed. */
	addrmap_clear(&c->known);
	if (!addrmap_put(&c->known, (uint64_t)l->id, (uint32_t)i))
		return false;
	*l = (struct capture_lwp){ .id = l->id,
		.stack = l->stack,
		.blocked = OS_BLOCKED_INIT,
		.call = OS_CALL_INIT,
		.pass = l->pass,
		.listed = l->listed,
		.mutex = l->mutex,
		.mutex_owner = l->mutex_owner,
		.wait = l->wait,
		.about = l->about };
	memcpy(l->name, before.name, sizeof(l->name));
	snapshot_unseal(c->snapshot);
	res = hold_capture(&g, &call, AGAIN_MS, &h, &f);
	snapshot_seal(c->snapshot);
	if (l->state != CAPTURE_DONE || capture_is_incomplete(l) || !os_same_process(c->request.live)) {
		(void)snprintf(why, n, "%s", hold_failure(c, l, res == RES_OK ? NULL : &f));
		py_stack_free(&l->python);
		*l = before;
		return false;
	}
	py_stack_free(&before.python);
	if (l->python_is != PYTHON_UNREAD)
		py_stack_finish(c->py, &l->python);
	return true;
}
