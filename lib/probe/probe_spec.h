/* What a user writes for a probe, as a structure.
 *
 *     syscall:NAME[:return]           a system call: its entry, or its return
 *     tracepoint:CATEGORY:EVENT       a tracepoint of the kernel
 *     profile:HZ                      a clock on each CPU
 *     off-cpu                         a thread that leaves its CPU
 *     uprobe:FILE:SYMBOL[+OFFSET]     an instruction of a function
 *     uretprobe:FILE:SYMBOL           the return of a function
 *     usdt:FILE:PROVIDER:NAME         a static probe of a program (SystemTap's, DTrace's)
 *     python:NAME                     a static probe of the target's interpreter
 *
 * These are the canonical forms. Parsed too: bpftrace's abbreviations (t, p, u, ur, U), its
 * profile:hz:HZ and its tracepoint:syscalls:sys_enter_NAME (as syscall:NAME), DTrace's profile-HZ,
 * syscall::NAME:entry and python:::NAME, and offcpu. In names of static probes `-` means `__`, as
 * in DTrace. */
#ifndef PROBE_PROBE_SPEC_H
#define PROBE_PROBE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/strbuf.h"

enum {
	PROBE_NAME_MAX = 127,    /* bytes of a name of a call, event, category, provider or probe */
	PROBE_SYMBOL_MAX = 1023, /* of a symbol */
	PROBE_FILE_MAX = 4095,   /* of a file */
	PROBE_HZ_MAX = 10000,
};

enum probe_kind {
	PROBE_SYSCALL,
	PROBE_TRACEPOINT,
	PROBE_PROFILE,
	PROBE_OFF_CPU,
	PROBE_UPROBE,
	PROBE_USDT,
};

/* Strings are NUL-terminated, without control characters, and empty where the kind has none. */
struct probe_spec {
	enum probe_kind kind;
	bool on_return;  /* SYSCALL, UPROBE */
	unsigned hz;     /* PROFILE: 1 … PROBE_HZ_MAX */
	uint64_t offset; /* UPROBE: bytes after the symbol; 0 with on_return */

	char call[PROBE_NAME_MAX + 1];     /* SYSCALL: letters, digits, _ */
	char category[PROBE_NAME_MAX + 1]; /* TRACEPOINT: the same and - */
	char event[PROBE_NAME_MAX + 1];
	char file[PROBE_FILE_MAX + 1]; /* UPROBE, USDT. USDT: "" is the target's Python */
	char symbol[PROBE_SYMBOL_MAX + 1];
	char provider[PROBE_NAME_MAX + 1]; /* USDT: with __, never with - */
	char name[PROBE_NAME_MAX + 1];
};

/* Parse `text`. Nothing is looked up: the file, the event or the call need not exist. RES_FAIL: it
 * is no probe; the fault says what is wrong with which part, and *out is unchanged. */
enum res probe_spec_parse(const char *text, struct probe_spec *out, struct fault *f);

/* Append the canonical form, which probe_spec_parse turns into the same structure. Escape it
 * (base/escape.h) before it is printed. */
void probe_spec_print(const struct probe_spec *spec, struct strbuf *b);

/* Copy `text` of n bytes to `out` of PROBE_NAME_MAX + 1 bytes, as the name of a static probe: `-`
 * becomes `__`. False: it is no such name, or too long. */
bool probe_spec_static_name(const char *text, size_t n, char *out);

#endif
