/* Objects of Python that threads wait for, and the threads that hold them. */
#include "capture/capture.h"
#include "os/calls.h"
#include "os/lwps.h"
#include "os/read.h"

uint64_t capture_wait_word(const struct capture_lwp *l)
{
	uint64_t word = os_call_futex(&l->call);

	if (l->python_is != PYTHON_READ || l->known_regs == REGS_NONE || l->python.frames.n == 0 ||
	    (word >= l->status.gil_lo && word < l->status.gil_hi) || os_call_mutex(&l->call) != 0)
		return 0;
	return word;
}

/* False: l waits for nothing that may be named. */
static bool begin_wait(struct capture *c, struct capture_lwp *l, struct py_waiting *w)
{
	l->wait = (struct py_wait){ .kind = PY_WAIT_NONE };
	*w = (struct py_waiting){ .thread = &l->thread, .stack = &l->python, .word = capture_wait_word(l) };
	if (c->py == NULL || w->word == 0)
		return false;
	w->on_stack = capture_stack_has(c, l, w->word);
	return true;
}

void capture_wait_read(struct capture *c, struct capture_lwp *l)
{
	struct py_waiting w;

	if (begin_wait(c, l, &w))
		py_wait_find(c->py, c->request.live, &w, &c->hints, &l->wait);
}

/* The first one is found alone, if nothing is known yet of where they have it. */
void capture_waits_read(struct capture *c, struct capture_lwp *const *lwps, size_t n)
{
	struct py_waiting waiting[CAPTURE_BATCH];
	struct os_piece pieces[CAPTURE_BATCH];
	size_t guesses = 0;

	for (size_t i = 0; i < n; i++) {
		if (!begin_wait(c, lwps[i], &waiting[i]))
			continue;
		if (c->hints.locals == 0)
			py_wait_find(c->py, c->request.live, &waiting[i], &c->hints, &lwps[i]->wait);
		waiting[i].guess = py_wait_guess(c->py, &waiting[i], &c->hints);
		if (waiting[i].guess != 0)
			pieces[guesses++] = (struct os_piece){ waiting[i].bytes, sizeof(waiting[i].bytes),
				(uintptr_t)waiting[i].guess, 0 };
	}
	if (guesses != 0)
		os_read_pieces(c->request.live, pieces, guesses);
	for (size_t i = 0; i < n; i++) {
		if (waiting[i].word != 0 && lwps[i]->wait.kind == PY_WAIT_NONE)
			py_wait_find(c->py, c->request.live, &waiting[i], &c->hints, &lwps[i]->wait);
	}
}

/* The LWP whose pthread_self() this is. NULL: none. */
static struct capture_lwp *lwp_of_thread(const struct capture *c, uint64_t thread_id)
{
	for (size_t i = 0; thread_id != 0 && i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_ENDED && l->thread_pointer == thread_id)
			return l;
	}
	return NULL;
}

/* May the thread that holds it be missing since a fork, so that another one has its stack, and with
 * it its pthread_self()? The one that made the fork is the first of the child. */
static bool may_be_missing(const struct capture *c, const struct capture_lwp *owner)
{
	return owner->id != os_first_lwp(c->request.live) && os_is_forked(c->request.live);
}

void capture_owners_read(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];
		const struct capture_lwp *owner = lwp_of_thread(c, l->wait.owner);

		l->wait.inside = owner != NULL && owner->python_is == PYTHON_READ &&
				 may_be_missing(c, owner) &&
				 py_wait_is_inside(c->py, c->request.live, &owner->thread, &owner->python,
				     &l->wait, &c->hints);
	}
}

void capture_wait_tell(struct capture *c, struct capture_lwp *l)
{
	static const uint8_t objects[] = { [PY_WAIT_LOCK] = OBJECT_LOCK,
		[PY_WAIT_RLOCK] = OBJECT_RLOCK,
		[PY_WAIT_CONDITION] = OBJECT_CONDITION,
		[PY_WAIT_EVENT] = OBJECT_EVENT,
		[PY_WAIT_SEMAPHORE] = OBJECT_SEMAPHORE,
		[PY_WAIT_BARRIER] = OBJECT_BARRIER,
		[PY_WAIT_QUEUE] = OBJECT_QUEUE,
		[PY_WAIT_THREAD] = OBJECT_THREAD,
		[PY_WAIT_FUTURE] = OBJECT_FUTURE,
		[PY_WAIT_MUTEX] = OBJECT_PYMUTEX };
	struct capture_lwp *owner;

	if (l->wait.kind == PY_WAIT_NONE)
		return;
	l->about.object = objects[l->wait.kind];
	l->about.object_at = l->wait.at;
	owner = lwp_of_thread(c, l->wait.owner);
	if (owner != NULL && owner != l &&
	    (c->request.live == NULL ||
		(capture_wait_is_held(c, l, owner) && (l->wait.inside || !may_be_missing(c, owner)) &&
		    capture_owner_stays(c, l, owner))))
		l->about.object_owner = owner->id;
}

bool capture_wait_is_held(struct capture *c, const struct capture_lwp *l, const struct capture_lwp *owner)
{
	return l->wait.owner != 0 && l->wait.owner == owner->thread_pointer &&
	       py_wait_is_held(c->py, c->request.live, &l->wait);
}
