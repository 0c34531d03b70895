/* Copying what is needed of a live process: per LWP its registers, the used part of its stack and its
 * Python frames.
 *
 *   capture_process ─┬─ capture_blocked   LWPs that are blocked or stopped, as they lie: nobody notices
 *                    ├─ capture_stopped     what is left is stopped, copied and let go
 *                    └─ capture_running    what cannot be held: its Python frames alone, read as it runs
 *
 * Each is one file; capture.c and capture_states.c are what they share. */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <libproc.h>

#include "base/addrmap.h"
#include "base/fault.h"
#include "base/vec.h"
#include "os/blocked.h"
#include "os/mappings.h"
#include "python/python.h"
#include "capture/snapshot.h"
#include "capture/stop_policy.h"

enum capture_state {
	CAPTURE_PENDING, /* nothing of it is known yet */
	CAPTURE_HELD,    /* it is held, and only its registers are known yet */
	CAPTURE_DONE,    /* what there is to know is known, and of one moment */
	CAPTURE_ENDED,   /* it has ended, or is not wanted; in what is to be printed: a zombie */
	CAPTURE_SAME,    /* it has not run since it was captured last, and was not captured again */
};

/* Which registers of an LWP are known. */
enum capture_regs {
	REGS_NONE,
	REGS_PC_SP, /* it was blocked or stopped, and not held */
	REGS_ALL,
};

/* Whether the Python frames of an LWP were read. */
enum capture_python {
	PYTHON_UNREAD,
	PYTHON_READ,         /* there may be none */
	PYTHON_READ_RUNNING, /* as far as two readings agree */
};

/* What of an LWP is missing. */
enum capture_missing {
	MISSING_NOTHING,
	MISSING_ENDED,     /* its stack: it has exited */
	MISSING_OLDEST,    /* the oldest part of its stack */
	MISSING_STACK,     /* from here on it is a failure. Its stack, which cannot be read */
	MISSING_PYTHON,    /* its Python frames */
	MISSING_TIME,      /* what had not been read when it was released */
	MISSING_MOMENT,    /* nothing, but it was captured later than the others */
	MISSING_REGISTERS, /* its stack: it ran and was not held */
};
struct capture_note {
	enum capture_missing missing;
	char text[128]; /* why, a phrase; "" with MISSING_NOTHING */
};

/* What came of the attempts to hold an LWP. */
enum capture_refusal {
	NOT_REFUSED,
	REFUSED_FOR_NOW, /* it may be tried again */
	REFUSED,
};

/* One LWP of a capture or of a core. */
struct capture_lwp {
	lwpid_t id;
	enum capture_state state;
	char name[64]; /* "" none */
	enum capture_regs known_regs;
	prgregset_t regs;
	uint64_t thread_pointer; /* its thread pointer; 0 unknown */
	struct os_range
	    stack; /* the mapping that holds the pointer, where the handle's are older; hi 0: they are not, or
	                        * it is not known */
	bool late; /* born after these were read, it may have been: not asked yet */
	struct os_asleep asleep;
	uint64_t copies[2]; /* where the copies of its stacks begin; 0 none */
	uint64_t owns;      /* a token of its thread states */
	enum capture_refusal refusal;
	char refused[128]; /* why it could not be held, a phrase; "" with NOT_REFUSED */
	struct capture_note note;
	enum capture_python python_is;
	struct py_thread thread; /* unless PYTHON_UNREAD: the thread state the frames are of */
	struct py_stack python;
};

/* Thread states by what they have in common with an LWP: key → its newest state, and from each to the next. */
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
	bool force;                  /* hold also what another program controls, if that can be */
	struct lwp_history *history; /* of the captures before, the caller's; NULL: it is not repeated */
	bool running_only;           /* leave out LWPs that are asleep; needs history */
	int64_t read_ns;             /* longest read during one hold; 0: the default */
};

/* The thread states of the process, and what is known of their list. */
struct capture_states {
	py_threads list;
	struct capture_index by_pointer, by_id;
	VEC(uint32_t) foreign; /* indices of states that another LWP may run than they say */
	bool cut;              /* the list could not be read whole */
	bool stale;            /* the list is older than some LWP, or was found wrong */
	bool unproved;         /* LWPs were read after it was last revalidated */
};

/* What the methods of one capture hand to each other. */
struct capture_progress {
	struct snapshot_prefetch pages; /* of the LWPs that are looked at now */
	struct capture_ahead *ahead;    /* during capture_process; NULL: nobody looks ahead */
	bool held;                      /* some LWPs have been held, and let go */
	int waited_ms;                  /* for LWPs that did not stop in time */
};

struct capture {
	struct capture_request request;
	struct snapshot *snapshot; /* NULL: a core, nothing was copied */
	struct ps_prochandle *P;   /* what to read from: the snapshot's handle, or the core */
	struct py_process *py;     /* NULL: no Python; the caller's */
	struct capture_states states;
	struct capture_progress progress;
	struct addrmap known; /* id of an LWP that has been seen → index in lwps */

	/* The result. */
	VEC(struct capture_lwp) lwps; /* in the order to print */
	size_t all;                   /* LWPs of the process, in the set or not */
	bool none_held;               /* not one LWP could be held */
	struct fault not_held;        /* with none_held: why */
};

/* Capture the LWPs that c->request asks for; snapshot, P and py must be set. When it returns, nothing of the target is
 * held and the snapshot is sealed. RES_FAIL: nothing was captured; f says why. No LWP in the set is not a failure. */
enum res capture_process(struct capture *c, struct fault *f);

/* Set l's note; the text is cut to fit. */
void capture_note(struct capture_lwp *l, enum capture_missing missing, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Is something of l missing that should be there? */
static inline bool capture_is_incomplete(const struct capture_lwp *l)
{
	return l->note.missing >= MISSING_STACK;
}

/* l has ended, and is to be printed as such. */
void capture_is_zombie(struct capture_lwp *l);

/* LWP i once more, which was asleep: held this time, for its registers. It may be somewhere else by now. False: it has
 * ended or cannot be held, and is as it was; why: a phrase of n bytes at most. */
bool capture_with_registers(struct capture *c, size_t i, char *why, size_t n);

/* Of the frames s of l's thread state t, just read: look on l's stack for those that the chain lacks
 * (py_stack_recover). */
enum res capture_recover(struct capture *c, const struct capture_lwp *l, const struct py_thread *t,
    struct py_stack *s, struct fault *f);

/* Lines, names: everything about Python frames that can wait until the target runs again. */
void capture_finish(struct capture *c);

void capture_free(struct capture *c); /* not live and py */

/* --- the methods: they work on LWPs that are CAPTURE_PENDING --- */

/* Those of n LWPs, given by their index, that do not run. All that is read of one in the course of a call is of one
 * moment, or else it stays pending. */
void capture_blocked(struct capture *c, const size_t *index, size_t n);

/* LWPs that were captured asleep: take back what was read of those that have run since, and try again, until `budget`
 * nanoseconds are over; later ones stay as they are. They are read by the list of thread states as it is, which may lack
 * what they have got meanwhile: the caller must revalidate the list (STATES_IF_UNPROVED) when there is time. */
void capture_blocked_refresh(struct capture *c, int64_t budget);

/* Hold what is pending, and newborn LWPs of the set that the policy has held; all that is copied is of one
 * moment. c->none_held says whether nothing could be held. RES_FAIL: no memory. */
enum res capture_stopped(struct capture *c, struct fault *f);

/* The Python frames of an LWP that runs, as far as two readings of them agree. */
void capture_running(struct capture *c, struct capture_lwp *l);

/* --- for the methods --- */

/* An LWP to be captured, CAPTURE_PENDING; its index, or -1 without memory. */
int64_t capture_add(struct capture *c, lwpid_t id, uint64_t thread_pointer);

/* Of those LWPs from index `from` on whose stacks the handle's mappings do not have, being older: ask for the mapping. Before
 * anything is held. */
void capture_stacks_find(struct capture *c, size_t from);

/* To be called before an LWP is captured that was born after others were: its stack may be that of one that has ended
 * since, so what was read of those that are no longer asleep is forgotten. Those that were held cannot be asked: after a
 * hold no newborn one is taken. */
void capture_make_room(struct capture *c);

/* Forget what was read of an LWP: it is pending. */
void capture_undo(struct capture *c, struct capture_lwp *l);

/* Of that its stacks alone. */
void capture_drop_copies(struct capture *c, const struct capture_lwp *l);

/* Where the used stack of l from its sp ends: where the thread's own data begin, or its mapping ends. hi 0: it is unknown, the
 * mappings being older than the stack. *own: it is the LWP's proper stack, not an alternate one of signal handlers. */
struct snapshot_piece capture_stack_piece(struct capture *c, struct capture_lwp *l, bool *own);

/* Copy the used stack of l: and, from an alternate signal stack, the stack that was interrupted too. */
void capture_stack(struct capture *c, struct capture_lwp *l);
/* The same, what capture_stack_piece gave having been copied with the result in piece.got. */
void capture_stack_rest(
    struct capture *c, struct capture_lwp *l, const struct snapshot_piece *piece, bool own);

/* Where that stack ends; 0: unknown. */
uint64_t capture_stack_end(struct capture *c, const struct capture_lwp *l);

static inline bool capture_range_has(const struct os_range *r, uint64_t va)
{
	return va >= r->lo && va < r->hi;
}

/* The frame of AddressSanitizer's fake stack that holds va: what it says goes to run->function and run->taken_at. False: there is
 * none. */
bool capture_fake_frame(struct ps_prochandle *P, uint64_t va, struct py_run *run);
/* Do this for those of l's runs of frames, just read, whose markers are not on its stack. */
void capture_fake_places(struct capture *c, const struct capture_lwp *l, struct py_stack *s);

/* Does va lie in the used part of l's stack? */
bool capture_stack_has(struct capture *c, const struct capture_lwp *l, uint64_t va);

/* Read the list of thread states (again), and forget the pages that were read. */
void capture_states_read(struct capture *c);

/* True if the list of thread states could not be read whole and some LWP has no state in what was read. */
bool capture_states_lack(const struct capture *c);

/* Is the list still what the target has? Changes nothing of c. */
bool capture_states_are_current(const struct capture *c);

enum capture_revalidate {
	STATES_FORGET_PAGES = 1, /* ask the target, not pages that were read before */
	STATES_UNDO_CHANGED =
	    2, /* if it was not current: LWPs that are CAPTURE_DONE without having been held, and have
				    other states now than when they were read, become pending */
	STATES_IF_UNPROVED = 4, /* only if LWPs were read since that was last asked */
};

/* Read the list again unless it is current. flags: of enum capture_revalidate. */
void capture_states_revalidate(struct capture *c, unsigned flags);

/* The frames of thread state t, which is l's, as py_stack_read gives them, and without what is no frame on l's stack. */
enum res capture_state_frames(struct capture *c, const struct capture_lwp *l, const struct py_thread *t,
    struct py_stack *out, struct fault *f);

/* Add the pages of l's thread states and of its youngest frame to the list; nothing is read. */
void capture_prefetch_states(struct capture *c, const struct capture_lwp *l, struct snapshot_prefetch *pages);

/* Add the pages that capture_frames will probably read for l to the list, by reading its Python frames as it runs: when it
 * is held they can be fetched with its stack, and the processor's caches know them. Nothing of c or l changes. An LWP that
 * has no state in the list, or a list that is stale, adds nothing. */
void capture_prefetch(struct capture *c, const struct capture_lwp *l, struct snapshot_prefetch *pages);

/* The Python frames of l. A thread that has called into another interpreter has a state of each, and the
 * activations of both lie on its stack. RES_FAIL: they could not be read, l->why says why. */
enum res capture_frames(struct capture *c, struct capture_lwp *l);

#endif
