/* Copying what is needed of a live process: per LWP its registers, the used part of its stack and its
 * Python frames. The methods differ in how they make the target hold still; each is one file. */
#ifndef STACK_CAPTURE_H
#define STACK_CAPTURE_H

#include <libproc.h>

#include "base/fault.h"
#include "base/vec.h"
#include "os/target_os.h"
#include "python/python.h"
#include "stack/snapshot.h"

/* One LWP of a capture or of a core. */
struct capture_lwp {
	lwpid_t id;
	char name[64];   /* "" none */
	bool have_regs;  /* regs are all there */
	bool have_place; /* of an LWP that was asleep: only pc and sp are there */
	prgregset_t regs;
	struct os_asleep asleep;
	char why[128];      /* why something is missing; "" */
	bool failed;        /* something is */
	bool have_python;   /* python was read (it may be empty) */
	bool python_failed; /* it could not be: why says so */
	uint32_t thread;    /* index in threads of the thread state the frames are of */
	struct py_stack python;
};

struct capture {
	struct snapshot *snapshot; /* NULL: a core, nothing was copied */
	struct ps_prochandle *P;   /* what to read from: the snapshot's handle, or the core */
	struct py_process *py;     /* NULL: no Python; the caller's */
	py_threads threads;
	VEC(struct capture_lwp) lwps; /* in the order to print */
	size_t all;                   /* LWPs of the process, in the set or not */
	struct fault not_held;        /* why not one LWP could be held; text "" when some were */
};

/* A way to capture the LWPs in `set` (NULL all) of live into c, whose snapshot, P and py are set. When it
 * returns, nothing of the target is held. RES_FAIL: not one LWP was captured. */
typedef enum res capture_fn(struct ps_prochandle *live, const char *set, struct capture *c, struct fault *f);

/* Stop all with ptrace, copy, let go. */
capture_fn capture_seized;

/* --- for the methods --- */

/* Copy the used stack of l (from its sp; fsbase: its thread pointer, 0 unknown) into the snapshot: up to the thread's control block or
 * the end of its mapping, and, from an alternate signal stack, the stack that was interrupted too. */
void capture_stack(struct capture *c, struct capture_lwp *l, uint64_t fsbase);

/* For LWPs that could not be held, around everything that is read of them: begin notes where those stand that are
 * asleep; end copies their stacks and takes back what it had of those that have run since. Returns how many LWPs
 * are still without a stack. */
void capture_asleep_begin(struct ps_prochandle *live, struct capture *c);
size_t capture_asleep_end(struct ps_prochandle *live, struct capture *c);

/* Read all thread states, then the Python frames of every LWP that has one. */
void capture_python(struct ps_prochandle *live, struct capture *c);

/* Lines, names: everything about Python frames that can wait until the target runs again. */
void capture_finish(struct capture *c);

void capture_free(struct capture *c); /* not py */

#endif
