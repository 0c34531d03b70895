/* Capture by PTRACE_SEIZE: LWPs are stopped, copied and let go. Those that were blocked in the kernel are woken by it, and
 * some system calls then return EINTR (poll and read do not, epoll_wait does); that is the price of this method, and
 * the reason why others come first.
 *
 * While something is held every microsecond counts: its registers, stacks and Python frames are copied, nothing else. */
#include <stdio.h>
#include <string.h>

#include "base/owned.h"
#include "os/target_os.h"
#include "stack/capture.h"

enum {
	WAIT_MS = 1000, /* for all LWPs together; only one in an uninterruptible sleep takes that long */
	AGAIN_MS = 100, /* for one of which there is something already */
	REFRESH_NS = 50 * 1000, /* while others are held: enough to look at a hundred, or read two again */
};

struct holding {
	struct capture *c;
	const char *set;
	enum stack_manner manner;
	const struct capture_lwp
	    *before; /* one LWP after all the others: as it was read asleep; NULL: not so */
};

static void hold_done(struct os_hold **h)
{
	os_hold_free(*h);
}

/* An LWP that nobody knew yet. */
static int64_t newborn(struct holding *g, lwpid_t id)
{
	uint64_t pointer = 0;

	if (g->c->held || !proc_lwp_in_set(g->set, id))
		return -1;
	capture_make_room(g->c);
	os_thread_pointers(g->c->live, &id, 1, &pointer);
	return capture_add(g->c, id, pointer);
}

/* To be held: what is pending, after a last look at it. */
static bool wants(void *data, lwpid_t id)
{
	struct holding *g = data;
	uint32_t known;
	int64_t i = addrmap_get(&g->c->known, (uint64_t)id, &known) ? (int64_t)known : newborn(g, id);
	size_t one = (size_t)i;

	if (i < 0)
		return false;
	if (g->manner == STACK_GENTLE && g->c->lwps.at[i].state == CAPTURE_PENDING)
		capture_asleep(g->c, &one, 1);
	return g->c->lwps.at[i].state == CAPTURE_PENDING;
}

/* The registers of what is held; why the others are not. */
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
			l->have_regs = true;
			l->pointer = os_thread_pointer(g->c->live, id, l->regs);
			l->state = CAPTURE_HELD;
		} else {
			(void)snprintf(l->refused, sizeof(l->refused), "%s", why);
		}
	}
}

/* The one that is held has run since it was read asleep: nothing of then is to be mixed with what is read of it now, its
 * stack least of all. What the others need is known or copied already. */
static void forget_before(struct holding *g)
{
	struct capture *c = g->c;

	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].state == CAPTURE_HELD)
			capture_drop_copies(c, g->before);
	}
	snapshot_forget(c->snapshot);
}

static void held(void *data, const struct os_hold *h)
{
	struct holding *g = data;
	struct capture *c = g->c;

	take_registers(g, h);
	if (g->before != NULL)
		forget_before(g);
	if (g->before != NULL || g->manner == STACK_STOP)
		capture_states_read(c); /* what the others have is to stay as it is */
	else
		capture_states_refresh(c);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		/* Not those of an earlier hold: they are done, and run. */
		if (l->state != CAPTURE_HELD)
			continue;
		capture_stack(c, l);
		if (capture_frames(c, l) != RES_OK && g->manner == STACK_GENTLE) {
			/* The list was read before the hold. */
			py_stack_free(&l->python);
			l->have_python = l->failed = l->python_failed = false;
			l->why[0] = '\0';
			capture_states_read(c);
			(void)capture_frames(c, l);
		}
		l->state = CAPTURE_DONE;
	}
	if (g->manner == STACK_GENTLE)
		capture_asleep_refresh(c, REFRESH_NS);
}

enum res capture_held(struct capture *c, const char *set, enum stack_manner manner, struct fault *f)
{
	OWNED(hold_done) struct os_hold *h = NULL;
	struct holding g = { .c = c, .set = set, .manner = manner };
	const struct os_hold_call call = { .wants = wants, .held = held, .data = &g, .force = c->force };

	(void)os_hold_during(c->live, &call, WAIT_MS, &h, &c->not_held);
	c->held = true;
	return h == NULL ? fault_memory(f) : RES_OK;
}

static bool wants_pending(void *data, lwpid_t id)
{
	const struct holding *g = data;
	uint32_t i;

	return addrmap_get(&g->c->known, (uint64_t)id, &i) && g->c->lwps.at[i].state == CAPTURE_PENDING;
}

bool capture_again(struct capture *c, size_t i)
{
	OWNED(hold_done) struct os_hold *h = NULL;
	struct holding g = { .c = c, .manner = STACK_STOP };
	const struct os_hold_call call = {
		.wants = wants_pending, .held = held, .data = &g, .force = c->force
	};
	struct capture_lwp *l = &c->lwps.at[i];
	struct capture_lwp before = *l;
	struct fault f;

	g.before = &before;

	/* What is known of whom was set when some may have gone. */
	addrmap_clear(&c->known);
	if (!addrmap_put(&c->known, (uint64_t)l->id, (uint32_t)i))
		return false;
	*l = (struct capture_lwp){ .id = l->id, .asleep = OS_ASLEEP_NEW };
	memcpy(l->name, before.name, sizeof(l->name));
	snapshot_unseal(c->snapshot);
	(void)os_hold_during(c->live, &call, AGAIN_MS, &h, &f);
	snapshot_seal(c->snapshot);
	if (l->state != CAPTURE_DONE || l->failed || !os_same_process(c->live)) {
		py_stack_free(&l->python);
		*l = before;
		return false;
	}
	py_stack_free(&before.python);
	if (l->have_python)
		py_stack_finish(c->py, &l->python);
	return true;
}
