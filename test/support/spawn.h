/* Starting fixtures and pystack itself. Everything started here dies with the test that started it,
 * and all files are below one temporary directory. Failures end the test (ck_abort_msg). */
#ifndef SUPPORT_SPAWN_H
#define SUPPORT_SPAWN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "support/roots.h"

/* Must be called once per program: makes the temporary directory and finds pystack in the build
 * directory. False: it has printed the reason. */
bool spawn_init(void);
void spawn_fini(void);

const char *spawn_tool(void);     /* path of pystack */
const char *spawn_programs(void); /* path of test/programs */

/* The path of a file built beside pystack: "test/programs/NAME". */
void spawn_built(const char *name, char out[PATH_MAX]);

struct fixture {
	pid_t pid;
	int to, from;  /* our ends of its two pipes */
	char dir[256]; /* its working directory, by our path; the truth is in dir/truth */
	const struct interpreter *in;
	pid_t init; /* the process that waits for pid; 0: this one does */
};

struct fixture_options {
	bool alone;             /* one thread: it writes its own truth */
	bool no_rest;           /* it dies once it is ready */
	bool may_abort;         /* some interpreters abort() in it: then f->pid is 0 */
	const char *stdin_file; /* a file of the test programs as its stdin */
	const char *library_path;
	const char *mnt;        /* directory to mount at its /mnt, in a mount namespace of its own */
	bool pid_namespace;     /* a pid namespace of its own, whose TIDs the truth has */
	const char *executable; /* started instead of the interpreter */
};

/* Start args under the interpreter and wait until it has written its truth and all its threads
 * block. In args "@NAME" is a file of the test programs (for Python 2 the one in directory python2,
 * if any) and "%" the truth file, both by the target's path. */
void fixture_start(struct fixture *f, const struct interpreter *in, const struct fixture_options *opt,
    const char *const args[]);
/* The path by which a program in the interpreter's root reaches the machine's file `path`. */
void fixture_path(const struct interpreter *in, const char *path, char *out, size_t size);
/* Start a program of C, built as test/programs/NAME, with one argument or NULL, and wait for a byte
 * of its standard output. The caller ends it. */
pid_t spawn_program(const char *name, const char *argument);
/* Wait until no thread of pid is running; ends the test after 75 s. */
void fixture_settle(pid_t pid);
/* Ask it for a byte, which shows that it is alive and running. */
void fixture_echo(struct fixture *f);
/* Kill it with sig, find the kernel's core, and compare the engines on it. False with *why: this
 * system writes no core here. */
bool fixture_core(struct fixture *f, int sig, char core[PATH_MAX], const char **why);
/* Compare the engines on it (support/oracle.h), kill it and free what belongs to it. */
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
	    *in;      /* run in its root (a program of the machine, by the machine's linker) */
	pid_t beside; /* with in: in the mount namespace and root of this process */
	bool own;     /* with in: a program of that root, by its path there */
	const char *cwd;
	int timeout; /* seconds; 0 = 300, as the machine may be busy */
};

/* Run a program, which is searched for in PATH, to its end. The caller must free the result. */
struct run run_program(const struct run_options *opt, const char *const argv[]);
void run_free(struct run *r);

/* The same for pystack with these arguments. */
struct run run_tool(const struct run_options *opt, const char *const args[]);
#define TOOL(...) run_tool(NULL, (const char *const[]){ __VA_ARGS__, NULL })

#endif
