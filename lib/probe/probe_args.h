/* System calls as text: rmdir("/tmp/x"), write(3, 0x7f0000001000, 512), = -1 ENOENT. */
#ifndef PROBE_PROBE_ARGS_H
#define PROBE_PROBE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "probe/probe_syscalls.h"

enum { PROBE_STRING_MAX = 255 }; /* bytes of a string that are printed */

/* A string of the target to which an argument points. */
struct probe_string {
	const char *bytes; /* NULL: it was not copied. Ends at its first NUL or after n bytes */
	size_t n;
	bool cut; /* it goes on after these bytes */
};

/* Append a string that was copied: in quotes, escaped, and with `...` where it is cut. */
void probe_string_render(struct strbuf *b, const struct probe_string *string);

/* Append the call with its arguments, whose registers are raw[]; without the mode of an open that
 * creates no file. Strings are escaped and end in
 * `...` where they are cut; of one that was not copied the address is printed. `strings` may be
 * NULL. Of a call without a known name the number is printed: syscall(470, 0x1, …). */
void probe_args_render(struct strbuf *b, const struct probe_syscall *call, const uint64_t raw[PROBE_ARGS],
    const struct probe_string strings[PROBE_ARGS]);

/* Append the result, as the kernel returns it: `= 3`, `= 0x7f0000001000`, `= -1 ENOENT`, or
 * `= ? ERESTARTSYS` of an interrupted call, which begins again or returns EINTR. */
void probe_return_render(struct strbuf *b, const struct probe_syscall *call, uint64_t raw);

/* The name of an error number, "ENOENT"; NULL: it has none. Those with which the kernel marks
 * interrupted calls (512 to 516) are included. */
const char *probe_errno_name(unsigned error);

/* True if it is one of these marks, which the program never sees. */
bool probe_errno_restarts(unsigned error);

#endif
