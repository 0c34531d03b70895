/* Stand-in for illumos <signal.h>: what is used of it. */
#ifndef STAND_IN_SIGNAL_H
#define STAND_IN_SIGNAL_H

#include <sys/siginfo.h>
#include <sys/types.h>

typedef int sig_atomic_t;
typedef struct {
	unsigned int __sigbits[4];
} sigset_t;

struct sigaction {
	int sa_flags;
	union {
		void (*_handler)(int);
		void (*_sigaction)(int, siginfo_t *, void *);
	} _funcptr;
	sigset_t sa_mask;
};
#define sa_handler _funcptr._handler
#define sa_sigaction _funcptr._sigaction

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGFPE 8
#define SIGKILL 9
#define SIGBUS 10
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 18
#define SIGSTOP 23
#define SIGCONT 25
#define SIGXCPU 30
#define SIGXFSZ 31
#define SA_RESETHAND 0x00000002
#define SA_RESTART 0x00000004
#define SA_SIGINFO 0x00000008
#define SIG2STR_MAX 32
#define SIG_SETMASK 3

extern int sigaction(int, const struct sigaction *, struct sigaction *);
extern int sigemptyset(sigset_t *);
extern int sigfillset(sigset_t *);
extern int sigaddset(sigset_t *, int);
extern int sigprocmask(int, const sigset_t *, sigset_t *);
extern int kill(pid_t, int);
extern int raise(int);
extern int sig2str(int, char *);

#endif
