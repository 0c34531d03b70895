/* The arguments of a made-up probe, for tests of conditions. */
#ifndef UNIT_PROBE_WHEN_ARGS_H
#define UNIT_PROBE_WHEN_ARGS_H

#include "probe/probe_when.h"

enum { FD, PATH, SIZE, FLAGS, PID, BYTE, BUF, MODE };

static const struct probe_when_arg args[] = {
	[FD] = { "fd", PROBE_WHEN_SIGNED, 4 },
	[PATH] = { "path", PROBE_WHEN_STRING, 8 },
	[SIZE] = { "size", PROBE_WHEN_UNSIGNED, 8 },
	[FLAGS] = { "flags", PROBE_WHEN_SIGNED, 4 },
	[PID] = { "pid", PROBE_WHEN_SIGNED, 4 },
	[BYTE] = { "byte", PROBE_WHEN_UNSIGNED, 1 },
	[BUF] = { NULL, PROBE_WHEN_UNTYPED, 8 },
	[MODE] = { "mode", PROBE_WHEN_UNSIGNED, 2 },
};

static inline bool arg_at(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	(void)ctx;
	if (index >= sizeof(args) / sizeof(args[0]))
		return false;
	*out = args[index];
	return true;
}

#endif
