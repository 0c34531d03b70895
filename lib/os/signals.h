/* Names and causes of signals, on the system of the process. */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>

/* The name of a signal of P (a core may be of another system), in buf: "SIGSEGV", or "signal 70"
 * for one without a name. Returns buf. */
const char *os_signal_name(struct ps_prochandle *P, int signo, char *buf, size_t n);

/* The cause of the current signal in an LWP's status. */
struct os_signal_cause {
	pid_t sender; /* 0: not sent by a process, or unknown */
	bool has_address;
	uintptr_t address; /* of the fault */
};
struct os_signal_cause os_signal_cause(struct ps_prochandle *P, const lwpstatus_t *lwp);

/* The name, without "SIG", of a signal by illumos's number; NULL: it has none. */
const char *signal_of_illumos(int signo);

#endif
