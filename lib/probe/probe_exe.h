/* Which executables --exe NAME means. BPF C includes this header. */
#ifndef PROBE_PROBE_EXE_H
#define PROBE_PROBE_EXE_H

#include "probe/probe_abi.h"

/* True if the file name `name` is the wanted one, or that one with a version: `.` follows it or,
 * unless `wanted` ends in one, a digit. So python and python3 are python3.11 as well, python3.1 is
 * not. Both have PROBE_EXE_MAX bytes, NULs at the end. */
static inline __attribute__((always_inline)) int probe_exe_is(const char *name, const volatile char *wanted)
{
	char last = 0;

	for (int i = 0; i < PROBE_EXE_MAX; i++) {
		char a = name[i], b = wanted[i];

		if (b == 0)
			return a == 0 || a == '.' || (a >= '0' && a <= '9' && (last < '0' || last > '9'));
		if (a != b)
			return 0;
		last = b;
	}
	return 0;
}

#endif
