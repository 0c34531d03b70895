/* What a thread is called, does and waits for, as it was when it was captured. Each member is
 * proved by what was read, or says that nothing is known. */
#ifndef CAPTURE_THREAD_STATE_H
#define CAPTURE_THREAD_STATE_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct py_task;

enum thread_activity {
	ACTIVITY_UNKNOWN,
	ACTIVITY_RUNNING,    /* it runs, or may run at any moment */
	ACTIVITY_CALL,       /* it waits in a system call, or was interrupted there */
	ACTIVITY_DISK_SLEEP, /* it waits where signals do not interrupt it, in a call or not */
	ACTIVITY_STOPPED,    /* by a signal */
	ACTIVITY_TRACED,     /* by its tracer */
};

enum thread_gil {
	GIL_UNKNOWN, /* or it neither holds it nor waits for it */
	GIL_HELD,
	GIL_AWAITED,
};

/* In a free-threaded build. */
enum thread_attachment {
	ATTACHMENT_NONE, /* another build, or unknown */
	ATTACHMENT_DETACHED,
	ATTACHMENT_ATTACHED,
	ATTACHMENT_SUSPENDED, /* until another thread has stopped the world */
};

enum thread_timeout {
	TIMEOUT_NONE,
	TIMEOUT_AFTER, /* of the whole wait */
	TIMEOUT_LEFT,  /* what is left of the wait; negative: it is over */
};

/* What it waits for. */
enum thread_object {
	OBJECT_NONE,
	OBJECT_LOCK,      /* threading.Lock */
	OBJECT_RLOCK,     /* threading.RLock */
	OBJECT_CONDITION, /* threading.Condition */
	OBJECT_EVENT,     /* threading.Event */
	OBJECT_SEMAPHORE, /* threading.Semaphore */
	OBJECT_BARRIER,   /* threading.Barrier */
	OBJECT_QUEUE,     /* queue.Queue and its like */
	OBJECT_THREAD,    /* a Thread that is joined */
	OBJECT_FUTURE,    /* concurrent.futures.Future */
	OBJECT_MUTEX,     /* a mutex of the C library */
	OBJECT_PYMUTEX,   /* a PyMutex (CPython 3.13+) of no such object */
};

struct thread_state {
	const char *name; /* that `threading` has (WTF-8), name_n bytes and a NUL; NULL: none. Borrowed */
	size_t name_n;
	uint8_t activity; /* enum thread_activity */
	int32_t number;   /* of the system call; −1: none, or unknown */
	const char *call; /* its name; NULL: none. A constant */
	uint8_t timeout;  /* enum thread_timeout */
	int64_t timeout_ns;
	uint8_t gil;            /* enum thread_gil */
	lwpid_t gil_owner;      /* with GIL_AWAITED: the LWP that holds it; 0: unknown */
	uint8_t attachment;     /* enum thread_attachment */
	bool collecting;        /* it collects garbage */
	bool collecting_unsure; /* some thread of the interpreter does, probably this one */
	bool finalizing;        /* it ends the interpreter */
	bool daemon;
	uint8_t object; /* enum thread_object */
	uint64_t object_at;
	lwpid_t object_owner;       /* the LWP that holds it; 0: unknown, or it has no owner */
	const struct py_task *task; /* that it runs; NULL: none, or not asked for. Borrowed */
};

#define THREAD_STATE_INIT    \
	{                    \
		.number = -1 \
	}

#endif
