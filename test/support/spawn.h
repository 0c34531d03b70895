/* Starting the programs under test and the tool itself. Everything started here dies with the test that
 * started it; every file lies below one temporary folder. Failures end the test (ck_abort_msg). */
#ifndef SUPPORT_SPAWN_H
#define SUPPORT_SPAWN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "support/roots.h"

/* Once per program: the temporary folder, and where the tool is (beside our own build folder). False: said why. */
bool spawn_init(void);
void spawn_fini(void);

const char *spawn_tool(void);     /* path of pystack */
const char *spawn_programs(void); /* path of test/programs */

struct fixture {
	pid_t pid;
	int to, from;  /* our ends of its two pipes */
	char dir[256]; /* its working folder, as we see it; the truth is in dir/truth */
	const struct interpreter *in;
	pid_t init; /* the process that waits for pid, or 0: we do */
};

struct fixture_options {
	bool alone;             /* one thread: it writes its own truth */
	bool no_rest;           /* it dies once it is ready */
	bool may_abort;         /* some interpreters give up on it by abort(): f->pid is 0 then */
	const char *stdin_file; /* file of the test programs to be its stdin */
	const char *library_path;
	const char *mnt;        /* folder to be its /mnt, in a mount namespace of its own */
	bool pid_namespace;     /* in one of its own, with its own /proc: the truth has TIDs of that */
	const char *executable; /* to be started in place of the interpreter */
};

/* Start args under the interpreter and wait until it has written its truth and every thread of it blocks.
 * In args "@NAME" is a file of the test programs (for Python 2 one in its folder python2, if there is one) and "%" the truth file, both as the target sees them. */
void fixture_start(struct fixture *f, const struct interpreter *in, const struct fixture_options *opt,
    const char *const args[]);
/* The path of a file of the machine as a program below the interpreter's root sees it. */
void fixture_path(const struct interpreter *in, const char *path, char *out, size_t size);
/* Wait until no thread of pid is running; ends the test after 75 s. */
void fixture_settle(pid_t pid);
/* Ask it for a byte: it is alive and goes on. */
void fixture_echo(struct fixture *f);
/* Kill it with sig and find the kernel's core, on which the engines are compared; false with *why when this system writes none here. */
bool fixture_core(struct fixture *f, int sig, char core[PATH_MAX], const char **why);
/* Compare the engines on it (support/oracle.h), kill and forget. */
void fixture_end(struct fixture *f);

/* State letter of /proc/PID/stat. */
char process_state(pid_t pid);

struct run {
	char *out, *err;
	int status; /* exit status, or 128 + signal; -1: killed after the timeout */
	double seconds;
};

struct run_options {
	const struct interpreter
	    *in;      /* run below its root (dynamic programs of the machine, by its own linker) */
	pid_t beside; /* with in: in the mount namespace and root of this process */
	bool own;     /* with in: a program of that root, by its path there */
	const char *cwd;
	int timeout; /* seconds; 0 = 60 */
};

/* argv[0] is looked up in PATH. */
struct run run_program(const struct run_options *opt, const char *const argv[]);
void run_free(struct run *r);

/* pystack ARGS... */
struct run run_tool(const struct run_options *opt, const char *const args[]);
#define TOOL(...) run_tool(NULL, (const char *const[]){ __VA_ARGS__, NULL })

#endif
