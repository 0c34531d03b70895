/* Conditions on the events of a probe: the parser of `--when EXPR`.
 *
 *     fd == 11 && size > 4096        file ~ "*ssl.py"        !(flags & 0x40) || comm == "nginx"
 *
 * A comparison has a name at its left and a constant at its right.
 *
 * Names: an argument of the probe, arg0, arg1 …, retval, pid, tid, comm, func and file. The last
 * five are also task.pid, task.tid, task.comm, python.func and python.file, and an argument is also
 * args.NAME: a name that means both is refused, and the long forms tell them apart. str(arg0) takes
 * an argument for the address of a text, (int32)arg0 takes its low 32 bits for a signed number
 * (int8 to int64, uint8 to uint64).
 *
 * Numbers: == != < <= > >=, and & (a bit of the constant is set). Decimal, hexadecimal (0x),
 * octal (0 or 0o), with a leading - and with the suffix K, M or G (of 1024) as wanted. A constant
 * that the argument's type cannot have is refused; a hexadecimal or octal one may be its bits.
 *
 * Texts, in double quotes: == and !=; ~ and !~ for a pattern with * at its start, end or both.
 * Escapes: \" \\ \* \n \t \r, \xHH, and up to three octal digits.
 *
 * && binds before ||; parentheses and ! before a parenthesis. */
#ifndef PROBE_PROBE_WHEN_H
#define PROBE_PROBE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "probe/probe_when_eval.h"

enum probe_when_kind {
	PROBE_WHEN_SIGNED,
	PROBE_WHEN_UNSIGNED,
	PROBE_WHEN_STRING, /* a text, or the address of one */
	PROBE_WHEN_UNTYPED /* a register of unknown use: 64 bits, a number or the address of a text */
};

/* An argument of a probe. */
struct probe_when_arg {
	const char *name; /* NULL: it has none, and is argN only */
	enum probe_when_kind kind;
	uint8_t bytes; /* of a number: 1, 2, 4 or 8; else it cannot be compared */
};

/* What the names of a condition can mean at a probe. */
struct probe_when_names {
	/* Argument `index` into *out, whose name stays valid during the parse. False: the probe has
	 * no argument of this index, nor of a higher one. NULL: it has none at all. Indices from
	 * PROBE_WHEN_ARGS on are not asked for. */
	bool (*arg)(void *ctx, uint32_t index, struct probe_when_arg *out);
	void *ctx;
	/* Of the value returned; its name is not used. NULL: this probe is not at a return. */
	const struct probe_when_arg *retval;
};

enum {
	PROBE_WHEN_LENGTH = 4096, /* bytes of a condition */
	PROBE_WHEN_DEPTH = 32     /* parentheses within each other */
};

/* Compile `text` into *out (about 34 KB), for probe_when_eval. RES_FAIL: *f says at which character
 * (byte) of `text`, from 1, what was expected; *out is unchanged. Fails also if memory runs out. */
enum res probe_when_parse(
    const char *text, const struct probe_when_names *names, struct probe_when *out, struct fault *f);

/* A number of an event. */
struct probe_when_value {
	uint8_t subject; /* an argument, or PROBE_WHEN_RETVAL */
	uint8_t shift;   /* bits of a 64-bit register that are not of it */
	bool is_signed;
};

/* Find the number that `text` names as a condition would: `size`, `arg2`, `(int32)arg0`, `retval`.
 * RES_FAIL: see probe_when_parse. */
enum res probe_when_parse_value(
    const char *text, const struct probe_when_names *names, struct probe_when_value *out, struct fault *f);

#endif
