/* A native_scenes program under ptrace, and its own account of its stack. */
#ifndef SUPPORT_TRACEE_H
#define SUPPORT_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "unwind/unwind.h"

enum { TRACEE_SAID_MAX = 32 };

struct said {
	char what[16]; /* caller, exact, depth */
	uint64_t pc, sp;
};

struct tracee {
	pid_t pid;  /* of the process */
	pid_t stop; /* the LWP that stopped last */
	int signo;  /* with this signal */
	int from;   /* its standard output */
	struct said said[TRACEE_SAID_MAX];
	size_t said_n;
};

/* Start `program scene` and run it to its first stop (SIGTRAP of its own, or SIGSEGV with no
 * handler). False: there is no such program. Other failures end the test. */
bool tracee_start(struct tracee *t, const char *program, const char *scene);

/* Run to the next stop and deliver signals in between. False: it exited. */
bool tracee_run(struct tracee *t);

/* Run one instruction. False: it stopped at its own int3, or exited. */
bool tracee_step(struct tracee *t);

/* Registers of the stopped LWP. */
void tracee_regs(const struct tracee *t, struct unwind_regs *out);

void tracee_end(struct tracee *t);

#endif
