/* Targets written in C that do one thing and report it. Each has a parent of its own between it and
 * the test, as real targets have. The parent never waits for the victim, and kills it when the test
 * ends. */
#ifndef SUPPORT_VICTIM_H
#define SUPPORT_VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

struct victim {
	pid_t pid;    /* in our pid namespace */
	pid_t parent; /* its parent, a child of the test */
	int from;     /* bytes the victim writes */
	int to;       /* bytes the victim reads */
};

/* A victim's main function. It writes to `out` when it is ready and reads from `in`. Never
 * returns. */
typedef void victim_main(int out, int in, int argument);

/* Start a victim and wait for its first byte. Ends the test if that does not come in time. */
struct victim victim_start(victim_main *run, int argument);
void victim_end(struct victim *v);

char victim_state(pid_t pid, pid_t tid);              /* state letter, '\0' when there is none */
bool victim_settles(pid_t pid, pid_t tid, char want); /* true: it reached that state within 10 s */
bool victim_byte(const struct victim *v);             /* a byte from it within 10 s */
void victim_send(const struct victim *v);             /* a byte to it */
/* The TIDs of a process; at most `most`. */
int victim_lwps(pid_t pid, pid_t *tids, int most);

/* Main functions. */
void victim_blocked(int out, int in, int unused);  /* reads; echoes what it gets */
void victim_spinning(int out, int in, int unused); /* never blocks */
void victim_threads(int out, int in, int n);       /* main and n threads, all pausing */
void victim_churning(int out, int in, int n);      /* n threads that each start a successor and end */
void victim_leaderless(int out, int in, int n);    /* main thread has ended, n threads pause */
void victim_vforking(int out, int in, int unused); /* waits in vfork until it gets a byte; then echoes */
void victim_counting(int out, int in, int n);      /* counts SIGRTMIN; writes a byte when it had n */
void victim_ended(int out, int in, int unused);    /* exits when it gets a byte or at once on EOF */

#endif
