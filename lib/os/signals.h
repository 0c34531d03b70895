/* Names of signals, and what their siginfo means on this system. */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

/* "SIGSEGV"; "signal 70" for one without a name. Returns buf. */
const char *os_signal_name(int signo, char *buf, size_t n);

/* Does a siginfo with this signal and code carry a fault address? (sent by a process: code <= 0) */
bool os_signal_has_address(int signo, int code);

#endif
