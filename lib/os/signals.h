/* Names of signals, and what their siginfo means, on the system of the process. */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>

/* "SIGSEGV"; "signal 70" for one without a name. P: whose signal it is (a core may be of another system). Returns buf. */
const char *os_signal_name(struct ps_prochandle *P, int signo, char *buf, size_t n);

/* Where the signal that is current in an LWP's status came from. */
struct os_signal_cause {
	pid_t sender; /* 0: it was not sent by a process, or that is not known */
	bool has_address;
	uintptr_t address; /* of the fault */
};
struct os_signal_cause os_signal_cause(struct ps_prochandle *P, const lwpstatus_t *lwp);

/* The name of a signal as illumos numbers them, without "SIG"; NULL: it has none. */
const char *signal_of_illumos(int signo);

#endif
