/* For lib/dwarf and lib/symbol: runs code that is not safe for hostile files in a child process.
 *
 *      this process                    child
 *      fork ────────────────────────>  os_die_with_parent, limits, os_sandbox
 *      poll(pipe, time left)           job->run
 *      read   <──────────────────────  write: length, reply
 *      SIGKILL, waitpid                _exit
 *
 * The child may use two seconds of processor time and a gigabyte of memory, and only the system
 * calls for memory, to reply and to end (os_sandbox). It is reaped here, and dies with its parent
 * (os_die_with_parent). */
#ifndef DWARF_WORKER_H
#define DWARF_WORKER_H

#include <stddef.h>

#include "base/fault.h"

struct worker_job {
	/* Runs in the child: writes at most `room` bytes to reply and returns their number. What it
	 * leaves in memory is lost with the child. */
	size_t (*run)(void *arg, void *reply, size_t room);
	void *arg;
};

/* Why there is no reply. */
enum worker_end {
	WORKER_DIED,
	WORKER_LATE,      /* its processor time, or five seconds, were over */
	WORKER_NO_MEMORY, /* an allocation failed */
	WORKER_UNHEARD,   /* its reply could not be written or read */
};

struct worker_reply {
	void *at; /* the caller's memory, of `room` bytes */
	size_t room;
	size_t n;            /* bytes that the job wrote; set by RES_OK */
	enum worker_end end; /* with RES_NONE */
};

/* Run job in a child and copy its reply to reply->at. The bytes are as untrustworthy as the file
 * that the job read; the caller checks them. RES_NONE: no reply. RES_FAIL: no child could be made;
 * f says why. */
enum res worker_run(const struct worker_job *job, struct worker_reply *reply, struct fault *f);

/* Fill *f with why `what` ("its debug information") could not be read; f->sys is not 0 if that is
 * no fault of the file's. Returns RES_FAIL. */
enum res worker_fault(enum worker_end end, const char *what, struct fault *f);

#endif
