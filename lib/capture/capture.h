/* Captures a live process: per LWP its registers, the used part of its stack and its Python frames.
 *
 *   capture_process ─┬─ capture_blocked  LWPs that are blocked or stopped; they do not notice
 *                    ├─ capture_stopped  the other LWPs are stopped, copied and released
 *                    └─ capture_running  LWPs that cannot be held: their Python frames only
 *
 * Each method has a file of its own; capture.c and capture_states.c hold what they share. */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <libproc.h>

#include "base/addrmap.h"
#include "base/fault.h"
#include "base/vec.h"
#include "os/blocked.h"
#include "os/calls.h"
#include "os/mappings.h"
#include "python/python.h"
#include "python/threads/py_names.h"
#include "python/threads/py_status.h"
#include "python/threads/py_wait.h"
#include "python/tasks/py_tasks.h"
#include "capture/snapshot.h"
#include "capture/stop_policy.h"
#include "capture/thread_state.h"

enum capture_state {
	CAPTURE_PENDING, /* nothing is known of it yet */
	CAPTURE_HELD,    /* it is held; only its registers are known */
	CAPTURE_DONE,    /* it is captured, at one instant */
	CAPTURE_ENDED,   /* it has ended, or is not wanted; in the result: a zombie */
	CAPTURE_SAME,    /* it has not run since its last capture, and was not captured again */
};

/* Which registers of an LWP are known. */
enum capture_regs {
	REGS_NONE,
	REGS_PC_SP, /* it was blocked or stopped, and was not held */
	REGS_ALL,
};

/* How far the Python frames of an LWP were read. */
enum capture_python {
	PYTHON_UNREAD,
	PYTHON_READ,         /* there may be none */
	PYTHON_READ_RUNNING, /* as far as two readings agree */
};

/* What is missing of an LWP. From MISSING_STACK on it is a failure. */
enum capture_missing {
	MISSING_NOTHING,
	MISSING_ENDED,     /* its stack: it has exited */
	MISSING_OLDEST,    /* the oldest part of its stack */
	MISSING_STACK,     /* its stack, which cannot be read */
	MISSING_PYTHON,    /* its Python frames */
	MISSING_TIME,      /* data that was not read before it was released */
	MISSING_MOMENT,    /* nothing; it was captured later than the others */
	MISSING_REGISTERS, /* its stack: it ran and was not held */
};
struct capture_note {
	enum capture_missing missing;
	char text[128]; /* why, a phrase; "" with MISSING_NOTHING */
};

/* Whether an LWP is still the thread that was captured, asked after everything was read. */
enum capture_stays {
	STAYS_UNKNOWN,
	STAYS,
	STAYS_NOT,
};

/* The result of the attempts to hold an LWP. */
enum capture_refusal {
	NOT_REFUSED,
	REFUSED_FOR_NOW, /* it may be tried again */
	REFUSED,
};

/* One LWP of a capture or of a core. */
struct capture_lwp {
	lwpid_t id;
	lwpid_t inner; /* id in the target's numbering; 0: not asked for yet */
	enum capture_state state;
	char name[64];             /* the kernel's; "" none */
	struct thread_state about; /* what capture_about has found */
	struct os_call call;       /* the system call that it is in; of a core too */
	uint8_t rest;              /* enum os_rest */
	bool wait_due;             /* it was held in a call: what it waits for is to be found */
	bool owner_due;            /* who holds that may not have held it during the hold */
	bool back;                 /* after its release it is blocked where it was during the hold */
	uint8_t stays;             /* enum capture_stays */
	uint8_t pass;              /* in which it was listed; 255: during a hold */
	bool listed;               /* os_thread_pointers had its pointer when it was listed */
	uint64_t mutex;            /* that it waits for; 0: none */
	lwpid_t mutex_owner;       /* who held it then, in the target's numbering */
	struct py_status status;   /* as it was read with its frames */
	struct py_wait wait;       /* in a lock of Python */
	enum capture_regs known_regs;
	prgregset_t regs;
	uint64_t thread_pointer; /* 0 unknown */
	/* The mapping of thread_pointer, if the handle's mappings are older. hi 0: they are not, or
	 * it is unknown. */
	struct os_range stack;
	bool late; /* it may be younger than the mappings, and its own was not asked for yet */
	struct os_blocked blocked;
	uint64_t copies[2]; /* start of the copies of its stacks; 0 none */
	uint64_t owns;      /* hash of its thread states */
	enum capture_refusal refusal;
	char refused[128]; /* why it could not be held, a phrase; "" with NOT_REFUSED */
	struct capture_note note;
	enum capture_python python_is;
	bool locals_due;         /* values of its variables are to be read, before it runs */
	bool learned;            /* the pages of these were looked up just before the hold */
	bool locals_late;        /* they are read after the hold, from copies made during it */
	bool list_cut;           /* no state of it was found in a list that could not be read whole */
	struct py_thread thread; /* unless PYTHON_UNREAD: the thread state the frames are of */
	struct py_stack python;
};

/* Thread states by a key that they share with an LWP: key → its newest state, and the next of
 * each. */
struct capture_index {
	bool made;
	struct addrmap first;
	VEC(uint32_t) next;
};

/* What to capture; constant during a capture. */
struct capture_request {
	struct ps_prochandle *live; /* NULL: a core */
	const char *set;            /* the LWPs to capture (proc_lwp_in_set); NULL all */
	enum stop_policy policy;
	bool force;                          /* hold LWPs of other tracers too, if possible */
	struct lwp_history *history;         /* of earlier captures, the caller's; NULL: the only one */
	bool running_only;                   /* leave out blocked and stopped LWPs; needs history */
	int64_t hold_ns;                     /* longest hold; 0: 100 ms; negative: nothing is held */
	int64_t read_ns;                     /* longest read during one hold; 0: half of hold_ns */
	bool recorded;                       /* capture_recorded: the process has gone on since */
	bool about;                          /* read also what capture_about tells */
	const struct py_tasks_source *tasks; /* for capture_tasks; NULL: it reads none */
	int locals;                          /* read values of variables; 2: more of them */
};

/* The thread states of the process, and what is known of their list. */
struct capture_states {
	py_threads list;
	struct capture_index by_pointer, by_id;
	VEC(uint32_t) foreign; /* states that another LWP may run than the one they name */
	bool cut;              /* the list could not be read whole */
	bool stale;            /* the list is older than some LWP, or was found to be wrong */
	bool unproved;         /* LWPs were read after the last revalidation */
};

/* Progress of a capture, shared by its methods. */
struct capture_progress {
	struct snapshot_prefetch pages; /* of the LWPs that are read now */
	struct capture_ahead *ahead;    /* during capture_process; NULL: no thread looks ahead */
	bool held;                      /* some LWPs have been held and released */
	bool holding;                   /* some are held, or about to be */
	int waited_ms;                  /* for LWPs that did not stop in time */
	int locals_again;               /* holds whose copies lacked what values are made of */
};

struct capture {
	struct capture_request request;
	struct snapshot *snapshot;       /* NULL: a core */
	struct ps_prochandle *P;         /* handle to read from: that of the snapshot, or the core */
	const struct arch *arch;         /* of P; NULL: not asked for yet */
	struct py_process *py;           /* NULL: no Python; the caller's */
	struct py_locals_reader *locals; /* NULL: values of variables are not read */
	struct py_locals_reader *ahead;  /* for capture_locals_ahead */
	struct capture_states states;
	struct capture_progress progress;
	struct addrmap known; /* LWP id → index in lwps, for all LWPs seen */
	struct py_wait_hints hints;
	uint64_t gil_holder_at; /* holder_at of the thread that was read last */
	int32_t named;          /* the system call that was named last, if named_name is not NULL */
	const char *named_name;

	/* The result. */
	VEC(struct capture_lwp) lwps; /* in the order to print */
	py_names names;               /* that their `about` point to */
	bool names_cut;               /* some of these, or all, could not be read */
	struct py_tasks tasks;        /* that their `about` point to */
	struct py_tasks tasks_before; /* for capture_tasks */
	size_t all;                   /* LWPs of the process, whether in the set or not */
	size_t left_out;              /* LWPs of the set that there was no memory for */
	bool none_held;               /* not one LWP could be held */
	struct fault not_held;        /* with none_held: why */
	int64_t held_ns;              /* of the longest hold (os_hold_ns); 0: none was held */
};

/* Capture the LWPs that c->request selects. The caller must set snapshot, P and py. On return
 * nothing of the target is held and the snapshot is sealed. RES_FAIL: nothing was captured; f
 * says why. An empty set of LWPs is not a failure. */
enum res capture_process(struct capture *c, struct fault *f);

/* Set l's note. The text is truncated to fit. */
void capture_note(struct capture_lwp *l, enum capture_missing missing, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* True if something of l is missing that should be there. */
static inline bool capture_is_incomplete(const struct capture_lwp *l)
{
	return l->note.missing >= MISSING_STACK;
}

/* Mark l as ended, to be printed as a zombie. */
void capture_mark_zombie(struct capture_lwp *l);

/* Capture LWP i, which was captured without being held, again: hold it for its registers. It may
 * have moved since. False: it has ended or cannot be held, and its capture is unchanged; why (n
 * bytes) gets a phrase. */
bool capture_with_registers(struct capture *c, size_t i, char *why, size_t n);

/* Search l's stack for frames that the chain of thread state t lacks (py_stack_recover), and add
 * them to s, which was just read from t. */
enum res capture_recover(struct capture *c, const struct capture_lwp *l, const struct py_thread *t,
    struct py_stack *s, struct fault *f);

/* Complete LWP i, which was captured elsewhere: the caller has set its registers and put its memory
 * into the snapshot and its thread states into c->states.list. Reads its Python frames and seals
 * the snapshot. What was not put there is read from the process, which has gone on since: only
 * what does not change while it is in use (code objects, types). */
void capture_recorded(struct capture *c, size_t i);

/* Complete l->about, once l is captured. Reads no memory of the target that was not copied. */
void capture_about(struct capture *c, struct capture_lwp *l);

/* Read the tasks that there are before the LWPs are captured, of a live process. If they cannot be
 * read, what LWPs are found to run is not certain. */
void capture_tasks_before(struct capture *c);

/* Read the tasks of event loops, after the LWPs were captured, and let the LWPs' `about` say which
 * they run. */
enum res capture_tasks(struct capture *c, struct fault *f);

/* For capture_tasks, once the tasks were read: find the threads of greenlets. */
void capture_greenlets(struct capture *c);

/* True if each of these n LWPs, given by index, whose `about` is complete, waits at this moment for
 * what the next one holds, and the last one for the first: none has run between two readings of how
 * long they ran. False also if that is unknown. A core stays as it is. */
bool capture_circle_waits(struct capture *c, const size_t *lwps, size_t n);

/* True if that LWP of a live process has not left the place where it was captured: it has not run
 * since, or, if it was held, it is blocked in a call with the same stack pointer. Its functions
 * cannot have been replaced. False also if that is unknown, or if it is one of many captures. A
 * core stays as it is. */
bool capture_is_still(const struct capture *c, lwpid_t id);

/* Resolve lines and names of Python frames: all that can wait until the target runs again. */
void capture_finish(struct capture *c);

void capture_free(struct capture *c); /* does not free request.live and py */

/* --- methods: they capture LWPs that are CAPTURE_PENDING --- */

/* Capture the blocked and stopped LWPs among n LWPs, given by index. All data of one LWP belongs
 * to one instant; otherwise the LWP stays pending. */
void capture_blocked(struct capture *c, const size_t *index, size_t n);

/* Discard blocked LWPs that have run since they were captured and capture them again, for at
 * most `budget` nanoseconds; later ones are left as they are. They are read with the current
 * list of thread states, which may lack new states: the caller must revalidate the list
 * (STATES_IF_UNPROVED) when there is time. */
void capture_blocked_refresh(struct capture *c, int64_t budget);

/* Hold the pending LWPs, and new LWPs of the set; all copies belong to one instant. Sets
 * c->none_held if nothing could be held. RES_FAIL: out of memory. */
enum res capture_stopped(struct capture *c, struct fault *f);

/* Read the Python frames of a running LWP, as far as two readings agree. */
void capture_running(struct capture *c, struct capture_lwp *l);

/* --- helpers of the methods --- */

/* Read what Python calls the LWPs, instead of what was read before. copy: a new snapshot of the
 * process, so that all is read at about one time, and each page once; NULL: from the core. */
void capture_about_names(struct capture *c, struct snapshot *copy);

/* True if LWP l has been the same thread from its capture on until now: what was read meanwhile by
 * its thread pointer or its thread state is its own. Must be asked after that was read. */
bool capture_stays(const struct capture *c, struct capture_lwp *l);
/* The same of an LWP that holds what l waits for; it must have existed when l was read. */
bool capture_owner_stays(const struct capture *c, const struct capture_lwp *l, struct capture_lwp *owner);
/* Drop the names of LWPs that may have ended before these were read. */
void capture_names_check(struct capture *c);

/* Find the name of the call that l is in, if it is in one. Its registers must be known. */
void capture_name_call(struct capture *c, struct capture_lwp *l);

/* The number of l in the target's numbering. */
lwpid_t capture_inner(const struct capture *c, struct capture_lwp *l);

/* Note what blocked l waits in. Must be called before it is asked whether it still does. */
void capture_about_blocked(struct capture *c, struct capture_lwp *l);

/* Find the object of Python that l, of a core, waits for, or each of n blocked LWPs, which must be
 * asked afterwards whether they still do. */
enum { CAPTURE_BATCH = 16 }; /* LWPs that are read together, at most */
void capture_wait_read(struct capture *c, struct capture_lwp *l);
void capture_waits_read(struct capture *c, struct capture_lwp *const *lwps, size_t n);
/* The same for LWPs that were held, after their release, and the mutexes that these wait for. What
 * does not wait again where it did, or in whose place another thread may hold it, stays unknown. */
void capture_waits_rest(struct capture *c);
/* The word that l waits at, which may be in a lock of Python. 0: there is none. */
uint64_t capture_wait_word(const struct capture_lwp *l);
/* Look for the holders' own account of what they hold, where that is needed. Must be called after
 * all LWPs were read, while they have their frames. */
void capture_owners_read(struct capture *c);
/* Put it into l->about, if l still waits and its owner still holds it. */
void capture_wait_tell(struct capture *c, struct capture_lwp *l);
/* True if `owner` holds, at this moment, what l was found to wait for. */
bool capture_wait_is_held(struct capture *c, const struct capture_lwp *l, const struct capture_lwp *owner);

/* Add an LWP, CAPTURE_PENDING. Returns its index, or -1 if out of memory. */
int64_t capture_add(struct capture *c, lwpid_t id, uint64_t thread_pointer);

/* For LWPs from index `from` on whose stacks are younger than the handle's mappings: find the
 * mapping. Must be called before anything is held. */
void capture_stacks_find(struct capture *c, size_t from);

/* Must be called before a new LWP is captured: it may reuse the stack of an LWP that has ended.
 * Undoes captures of LWPs that have run since; after `end` (CLOCK_MONOTONIC, ns; 0: never) no more
 * are asked. For an LWP that was held this cannot be asked: after a hold no new LWP is captured. */
void capture_make_room(struct capture *c, int64_t end);

/* Discard what was read of l, which becomes pending. */
void capture_undo(struct capture *c, struct capture_lwp *l);

/* Discard the copies of its stacks only. */
void capture_drop_copies(struct capture *c, const struct capture_lwp *l);

/* The used part of l's stack, from its sp to the thread's control block or the end of the
 * mapping. hi 0: the end is unknown, because the mappings are older than the stack. *own: it is
 * the LWP's own stack, not an alternate signal stack. */
struct snapshot_piece capture_stack_piece(struct capture *c, struct capture_lwp *l, bool *own);

/* Copy the used stack of l; from an alternate signal stack, copy the interrupted stack too. */
void capture_stack(struct capture *c, struct capture_lwp *l);
/* The same, after the piece of capture_stack_piece was copied (result in piece.got). */
void capture_stack_rest(
    struct capture *c, struct capture_lwp *l, const struct snapshot_piece *piece, bool own);

/* End of that stack; 0 unknown. */
uint64_t capture_stack_end(struct capture *c, const struct capture_lwp *l);

static inline bool capture_range_has(const struct os_range *r, uint64_t va)
{
	return va >= r->lo && va < r->hi;
}

/* Read values of variables (capture_locals.c); these do nothing if they are not asked for.
 * _blocked: of n blocked LWPs, whose frames were just read, or note that they are due. _held: of
 * the held LWPs where they are due, until `end` (CLOCK_MONOTONIC, ns). _rest: of the blocked ones
 * where they are due, after a hold; those that have run by then become pending. _core: of all.
 * _released: right after a hold, of held LWPs that _held has left; those whose copies do not
 * suffice become pending, or, if all were to be stopped, have values that changed. _learn: before
 * a hold of all, look up the pages of pending LWPs. */
void capture_locals_blocked(struct capture *c, struct capture_lwp *const *lwps, size_t n);
void capture_locals_held(struct capture *c, int64_t end);
void capture_locals_released(struct capture *c);
void capture_locals_learn(struct capture *c, struct snapshot_prefetch *pages);
void capture_locals_rest(struct capture *c);
void capture_locals_core(struct capture *c);

/* Find the frame of AddressSanitizer's fake stack that contains va, and set run->function and
 * run->taken_at from it. False: there is none. */
bool capture_fake_frame(struct ps_prochandle *P, uint64_t va, struct py_run *run);
/* Do this for the runs of s, just read for l, whose markers are not on l's stack. */
void capture_fake_places(struct capture *c, const struct capture_lwp *l, struct py_stack *s);

/* True if va lies in the used part of l's stack. */
bool capture_stack_has(struct capture *c, const struct capture_lwp *l, uint64_t va);

/* Read the list of thread states (again). Forgets all pages that were read. */
void capture_states_read(struct capture *c);

/* True if the list of thread states could not be read whole and some LWP has no state in it. */
bool capture_states_lack(const struct capture *c);

/* True if the list still matches the target. Does not change c. */
bool capture_states_are_current(const struct capture *c);

enum capture_revalidate {
	/* Ask the target, not cached pages. */
	STATES_FORGET_PAGES = 1,
	/* If it was not current: make LWPs pending that are CAPTURE_DONE without having been held,
	 * and whose states differ from those they were read with. */
	STATES_UNDO_CHANGED = 2,
	/* Do nothing unless LWPs were read since the last revalidation. */
	STATES_IF_UNPROVED = 4,
};

/* Read the list again unless it is current. flags: enum capture_revalidate. True: it was read
 * again, and pages were forgotten for that. */
bool capture_states_revalidate(struct capture *c, unsigned flags);

/* Read the frames of thread state t of l, as py_stack_read does, without an entry frame that is
 * not marked as one yet. */
enum res capture_state_frames(struct capture *c, const struct capture_lwp *l, const struct py_thread *t,
    struct py_stack *out, struct fault *f);

/* Add the pages of l's thread states and of its innermost frame to the list. Reads nothing. */
void capture_prefetch_states(struct capture *c, const struct capture_lwp *l, struct snapshot_prefetch *pages);

/* Add the pages that capture_frames will probably read for l, by reading its Python frames while
 * it runs; values: and the values of its variables, if they are asked for. During a hold the pages
 * are fetched with its stack, and are still in the processor's caches. c and l do not change. Does
 * nothing while the list of states is stale. */
void capture_prefetch(
    struct capture *c, const struct capture_lwp *l, bool values, struct snapshot_prefetch *pages);

/* Read the values of the variables of these frames, so that their pages are noted. */
void capture_locals_ahead(struct capture *c, const struct py_stack *frames);

/* Read the Python frames of l. A thread that has called into another interpreter has a state in
 * each, and the activations of both are on its stack. RES_FAIL: they could not be read; l->note
 * says why. */
enum res capture_frames(struct capture *c, struct capture_lwp *l);

#endif
