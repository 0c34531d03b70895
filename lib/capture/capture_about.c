/* What threads do, from what was captured of them.
 *
 * A blocked thread's system call and its arguments are read with its position, and the kernel's
 * word for how it rests before it is asked whether the thread still does. A thread that is held
 * tells its call by its registers. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch/syscalls.h"
#include "base/owned.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/calls.h"
#include "os/lwps.h"
#include "os/read.h"
#include "os/regs.h"

/* Both take thousands of instructions. */
void capture_name_call(struct capture *c, struct capture_lwp *l)
{
	struct os_call *call = &l->call;

	if (c->arch == NULL)
		c->arch = os_arch(c->P);
	if (call->name != NULL || call->number < 0)
		return;
	/* Most threads wait in the same call. */
	if (c->named_name == NULL || c->named != call->number) {
		c->named = call->number;
		c->named_name = os_call_name(c->arch, call->number);
	}
	call->name = c->named_name;
	os_call_resumed(c->P, c->arch, l->regs, l->known_regs == REGS_ALL, call);
}

void capture_about_blocked(struct capture *c, struct capture_lwp *l)
{
	if (!c->request.about)
		return;
	l->call.number = l->blocked.number;
	for (int i = 0; i < ARCH_ARGS; i++)
		l->call.args[i] = l->blocked.args[i];
	capture_name_call(c, l);
	l->mutex = os_call_mutex(&l->call);
	if (l->mutex != 0)
		l->mutex_owner = os_mutex_owner(c->P, l->mutex);
	if (os_rest_varies(c->request.live, &l->call))
		l->rest = (uint8_t)os_lwp_rest(c->request.live, l->id);
}

/* The names of the LWPs of one interpreter, from LWP `first` on, its first one. */
static bool list_names(struct capture *c, size_t first, py_names *out)
{
	const struct py_thread *like = &c->lwps.at[first].thread;

	for (size_t i = first; i < c->lwps.n; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];
		struct py_name name = { .thread_id = l->thread.thread_id };

		if (l->python_is != PYTHON_UNREAD && l->thread.runtime == like->runtime &&
		    l->thread.interp == like->interp && !vec_push(out, name))
			return false;
	}
	return true;
}

/* Is LWP i the first one of its interpreter? */
static bool is_first_of_interp(const struct capture *c, size_t i)
{
	const struct capture_lwp *l = &c->lwps.at[i];

	for (size_t k = 0; k < i; k++) {
		if (c->lwps.at[k].python_is != PYTHON_UNREAD &&
		    c->lwps.at[k].thread.interp == l->thread.interp)
			return false;
	}
	return l->python_is != PYTHON_UNREAD;
}

/* Give LWPs the names of their interpreter; those in c->names from `from` on. */
static void take_names(struct capture *c, size_t first, size_t from)
{
	const struct py_thread *like = &c->lwps.at[first].thread;

	for (size_t i = first, k = from; i < c->lwps.n && k < c->names.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->python_is == PYTHON_UNREAD || l->thread.runtime != like->runtime ||
		    l->thread.interp != like->interp)
			continue;
		l->about.name = c->names.at[k].text;
		l->about.name_n = c->names.at[k].n;
		l->about.daemon = c->names.at[k].daemon;
		k++;
	}
}

/* What names will be read from. */
struct fetching {
	struct snapshot *copy;
	VEC(struct snapshot_piece) pieces;
	struct snapshot_prefetch pages; /* of the pieces, each once */
	struct addrmap listed;
};

/* Objects that were made one after the other lie side by side: fewer pages than pieces are quicker
 * to read and to find. Pieces that are far apart are copied alone. */
static bool are_dense(const struct fetching *f)
{
	return !snapshot_prefetch_full(&f->pages) && f->pages.n <= f->pieces.n / 2;
}

static void fetch_now(struct fetching *f)
{
	if (are_dense(f))
		snapshot_copy_with_pages(f->copy, &f->pages, NULL, 0);
	else
		snapshot_copy_pieces(f->copy, f->pieces.at, f->pieces.n);
	f->pieces.n = f->pages.n = 0;
	addrmap_clear(&f->listed);
}

/* Add the pages of a piece. */
static void add_pages(struct fetching *f, const struct snapshot_piece *piece)
{
	enum { PAGE = 4096 };

	for (uint64_t page = piece->lo / PAGE; page <= (piece->hi - 1) / PAGE; page++) {
		uint32_t before;

		if (!addrmap_get(&f->listed, page, &before) && addrmap_put(&f->listed, page, 0))
			snapshot_prefetch_add(&f->pages, page * PAGE, 1);
	}
}

static void fetch_pieces(void *data, uint64_t va, size_t n)
{
	struct fetching *f = data;
	struct snapshot_piece piece = { .lo = va, .hi = va + n };

	if (n == 0) {
		fetch_now(f);
	} else if (piece.hi > va) {
		(void)vec_push(&f->pieces, piece); /* else it is read later */
		add_pages(f, &piece);
	}
}

void capture_about_names(struct capture *c, struct snapshot *copy)
{
	enum { INTERPS = 64 }; /* further ones have no names */
	struct fetching fetching = { .copy = copy, .pieces = VEC_EMPTY, .pages = VEC_EMPTY };
	const struct py_names_source source = { .P = copy == NULL ? c->P : snapshot_handle(copy),
		.live = copy == NULL ? NULL : c->request.live,
		.fetch = fetch_pieces,
		.data = &fetching };
	unsigned interps = 0;

	/* What was read before is not kept, even if there is no memory to read it again. */
	for (size_t i = 0; i < c->lwps.n; i++) {
		c->lwps.at[i].about.name = NULL;
		c->lwps.at[i].about.name_n = 0;
		c->lwps.at[i].about.daemon = false;
	}
	py_names_free(&c->names);
	c->names = (py_names)VEC_EMPTY;
	for (size_t i = 0; i < c->lwps.n && interps < INTERPS; i++) {
		py_names names = VEC_EMPTY;
		const struct py_thread *t = &c->lwps.at[i].thread;
		size_t from = c->names.n;

		if (c->py == NULL || !is_first_of_interp(c, i))
			continue;
		interps++;
		if (list_names(c, i, &names) && vec_reserve(&c->names, from + names.n)) {
			py_names_read(c->py, &source, t->runtime, t->interp, &names);
			memcpy(c->names.at + from, names.at, names.n * sizeof(*names.at));
			c->names.n += names.n;
			take_names(c, i, from);
		}
		vec_free(&names);
	}
	vec_free(&fetching.pieces);
	vec_free(&fetching.pages);
	addrmap_free(&fetching.listed);
}

static enum thread_activity activity_of(const struct capture *c, const struct capture_lwp *l)
{
	if (l->rest == OS_REST_STOPPED)
		return ACTIVITY_STOPPED;
	if (l->rest == OS_REST_TRACED)
		return ACTIVITY_TRACED;
	if (l->rest == OS_REST_DISK)
		return ACTIVITY_DISK_SLEEP;
	if (l->call.number >= 0)
		return ACTIVITY_CALL;
	/* A core does not tell what a thread outside of a call did. */
	return l->known_regs == REGS_ALL && c->request.live != NULL ? ACTIVITY_RUNNING : ACTIVITY_UNKNOWN;
}

/* The architecture whose system call l is in. */
static const struct arch *call_arch(const struct capture *c, const struct capture_lwp *l)
{
	uint8_t entry[ARCH_ENTRY];
	uint64_t pc = (uint64_t)l->regs[R_PC];

	if (l->call.number < 0 || l->known_regs == REGS_NONE || pc < sizeof(entry) ||
	    Pread(c->P, entry, sizeof(entry), (uintptr_t)(pc - sizeof(entry))) != sizeof(entry))
		return c->arch;
	return arch_of_entry(c->arch, entry);
}

static void about_timeout(
    struct capture *c, const struct arch *arch, const struct capture_lwp *l, struct thread_state *s)
{
	static const uint8_t kinds[] = { [OS_TIMEOUT_NONE] = TIMEOUT_NONE,
		[OS_TIMEOUT_AFTER] = TIMEOUT_AFTER,
		[OS_TIMEOUT_LEFT] = TIMEOUT_LEFT };
	int64_t ns = 0;

	s->timeout = kinds[os_call_timeout(c->P, arch, c->request.live, &l->call, &ns)];
	s->timeout_ns = s->timeout == TIMEOUT_NONE ? 0 : ns;
}

/* Does l hold its GIL? It did when it was read, and was blocked or held then. */
static bool holds_gil(const struct capture_lwp *l)
{
	return l->python_is == PYTHON_READ && l->known_regs != REGS_NONE &&
	       l->status.holder == l->thread.tstate;
}

/* The LWP whose GIL l waits for. 0: there is none that held it when it was
 * read itself, which may have been later or earlier. */
static lwpid_t gil_owner(const struct capture *c, const struct capture_lwp *l)
{
	const uint64_t tstate = l->status.holder;

	for (size_t i = 0; tstate != 0 && i < c->lwps.n; i++) {
		struct capture_lwp *owner = &c->lwps.at[i];

		if (owner->thread.tstate == tstate && holds_gil(owner))
			return capture_owner_stays(c, l, owner) ? owner->id : 0;
	}
	return 0;
}

static bool is_only_state(const struct capture *c, const struct py_thread *t)
{
	for (size_t i = 0; i < c->states.list.n; i++) {
		if (c->states.list.at[i].interp == t->interp && c->states.list.at[i].tstate != t->tstate)
			return false;
	}
	return true;
}

/* Garbage is collected by a thread that holds the GIL, or is attached; while it runs a finalizer,
 * which may let go of it, by another one. */
static void about_collecting(const struct capture *c, const struct capture_lwp *l, struct thread_state *s)
{
	const struct py_status *status = &l->status;

	if (!status->collecting)
		return;
	if (status->collecting_known) {
		s->collecting = status->collecting_here;
	} else if (s->gil == GIL_HELD || s->attachment == ATTACHMENT_ATTACHED) {
		s->collecting = true;
		s->collecting_unsure = !is_only_state(c, &l->thread);
	}
}

static void about_python(const struct capture *c, const struct capture_lwp *l, struct thread_state *s)
{
	static const uint8_t attachments[] = { [PY_ATTACHMENT_UNKNOWN] = ATTACHMENT_NONE,
		[PY_DETACHED] = ATTACHMENT_DETACHED,
		[PY_ATTACHED] = ATTACHMENT_ATTACHED,
		[PY_SUSPENDED] = ATTACHMENT_SUSPENDED };
	const struct py_status *status = &l->status;
	uint64_t word = os_call_futex(&l->call);

	if (l->python_is != PYTHON_READ || l->known_regs == REGS_NONE)
		return;
	s->attachment = attachments[status->attachment];
	s->finalizing = status->finalizing;
	if (holds_gil(l)) {
		s->gil = GIL_HELD;
	} else if (word != 0 && word >= status->gil_lo && word < status->gil_hi) {
		s->gil = GIL_AWAITED;
		s->gil_owner = gil_owner(c, l);
	}
	about_collecting(c, l, s);
}

/* Opens a file, and many may wait. */
lwpid_t capture_inner(const struct capture *c, struct capture_lwp *l)
{
	if (l->inner == 0)
		l->inner = c->request.live == NULL ? l->id : os_inner_lwpid(c->request.live, l->id);
	return l->inner;
}

/* The LWP that has this number in the target's numbering. NULL: there is none. */
static struct capture_lwp *lwp_of_inner(struct capture *c, lwpid_t inner)
{
	for (size_t i = 0; inner != 0 && i < c->lwps.n; i++) {
		if (capture_inner(c, &c->lwps.at[i]) == inner)
			return &c->lwps.at[i];
	}
	return NULL;
}

/* A mutex is believed to be one if its owner is a thread of the process, and another one. */
static void about_mutex(struct capture *c, struct capture_lwp *l)
{
	struct capture_lwp *owner;

	if (c->request.live == NULL) {
		l->mutex = os_call_mutex(&l->call);
		l->mutex_owner = l->mutex == 0 ? 0 : os_mutex_owner(c->P, l->mutex);
		capture_wait_read(c, l);
	}
	owner = lwp_of_inner(c, l->mutex_owner);
	if (l->mutex == 0 || owner == NULL || owner == l || os_call_mutex(&l->call) != l->mutex)
		return;
	/* It still holds it, so it did not take and leave it in the meantime for no time. */
	if (c->request.live != NULL && os_mutex_owner_now(c->request.live, l->mutex) != l->mutex_owner)
		return;
	l->about.object = OBJECT_MUTEX;
	l->about.object_at = l->mutex;
	l->about.object_owner = owner->id;
}

/* Does l's GIL belong to the thread of `owner` at this moment? */
static bool gil_is_of(const struct capture *c, const struct capture_lwp *l, const struct capture_lwp *owner)
{
	const struct py_status *status = &l->status;
	size_t word = c->arch->pointer_size;
	uint64_t holder = 0;
	int32_t locked = 1;

	return os_read_same(c->request.live, &holder, word, (uintptr_t)status->holder_at) == (ssize_t)word &&
	       (status->locked_at == 0 || os_read_same(c->request.live, &locked, sizeof(locked),
					      (uintptr_t)status->locked_at) == (ssize_t)sizeof(locked)) &&
	       locked == 1 && holder == owner->thread.tstate;
}

/* Does l, which is blocked as `now` says, wait for what it was found to wait for, and is that
 * owner's? */
static bool waits_for(struct capture *c, const struct capture_lwp *l, const struct os_blocked *now,
    const struct capture_lwp *owner)
{
	if (now->number != l->call.number || now->args[0] != l->call.args[0] ||
	    now->args[1] != l->call.args[1])
		return false;
	if (l->about.object == OBJECT_MUTEX)
		return l->about.object_owner == owner->id &&
		       os_mutex_owner_now(c->request.live, l->mutex) == l->mutex_owner;
	if (l->about.object != OBJECT_NONE)
		return l->about.object_owner == owner->id && capture_wait_is_held(c, l, owner);
	return l->about.gil == GIL_AWAITED && l->about.gil_owner == owner->id && gil_is_of(c, l, owner);
}

static bool circle_waits_now(struct capture *c, const size_t *lwps, size_t n)
{
	OWNED(mem_release) struct os_blocked *now = calloc(n, sizeof(*now));
	bool waits = now != NULL;
	size_t probed = 0;

	for (; waits && probed < n; probed++) {
		now[probed] = (struct os_blocked)OS_BLOCKED_INIT;
		waits = os_lwp_probe(c->request.live, c->lwps.at[lwps[probed]].id, &now[probed]) ==
			OS_LWP_BLOCKED;
	}
	for (size_t i = 0; waits && i < n; i++)
		waits = waits_for(c, &c->lwps.at[lwps[i]], &now[i], &c->lwps.at[lwps[(i + 1) % n]]);
	for (size_t i = 0; waits && i < n; i++)
		waits = os_lwp_still_blocked(c->request.live, c->lwps.at[lwps[i]].id, &now[i]);
	for (size_t i = 0; i < probed; i++)
		os_blocked_free(&now[i]);
	return waits;
}

/* A thread that was held, or waits until some time, runs for a moment before it waits again. */
bool capture_circle_waits(struct capture *c, const size_t *lwps, size_t n)
{
	/* On a busy machine it waits long for a processor: 127 ms at most. */
	enum { TRIES = 8, PAUSE_NS = 1000000 };
	bool waits = c->request.live == NULL; /* all of a core is of one instant */

	for (int i = 0; !waits && i < TRIES; i++) {
		const struct timespec pause = { .tv_nsec = (long)PAUSE_NS << i >> 1 };

		if (i > 0)
			(void)nanosleep(&pause, NULL);
		waits = circle_waits_now(c, lwps, n);
	}
	return waits;
}

void capture_about(struct capture *c, struct capture_lwp *l)
{
	struct thread_state *s = &l->about;
	enum os_rest rest = OS_REST_UNKNOWN;
	const struct arch *arch;

	/* It may have been captured again since. */
	*s = (struct thread_state){
		.name = s->name, .name_n = s->name_n, .daemon = s->daemon, .number = -1, .task = s->task
	};
	capture_name_call(c, l);
	if (l->state == CAPTURE_ENDED)
		return;
	arch = call_arch(c, l);
	if (arch != c->arch)
		l->call.name = os_call_name(arch, l->call.number);
	/* A thread that a signal has stopped stands still again after it was held. */
	if (l->known_regs == REGS_ALL && c->request.live != NULL && os_may_be_stopped(c->request.live))
		rest = os_lwp_rest(c->request.live, l->id);
	if (rest == OS_REST_STOPPED || rest == OS_REST_TRACED)
		l->rest = (uint8_t)rest;
	s->activity = (uint8_t)activity_of(c, l);
	about_python(c, l, s);
	about_mutex(c, l);
	capture_wait_tell(c, l);
	if (s->activity != ACTIVITY_CALL && s->activity != ACTIVITY_DISK_SLEEP)
		return;
	s->number = l->call.number;
	s->call = l->call.name;
	about_timeout(c, arch, l, s);
}
