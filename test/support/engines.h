/* Comparison of two unwinding engines on the same stacks, frame by frame. For programs that link
 * all layers. */
#ifndef SUPPORT_ENGINES_H
#define SUPPORT_ENGINES_H

#include "base/fault.h"
#include "base/strbuf.h"
#include "unwind/unwind.h"

/* The results so far. Compared are pc, sp, CFA, the callee-saved registers and which of them are
 * known, how each frame was reached, and how the stack ends. The frame-pointer engine may know
 * fewer registers. Its frames after code without call frame information are not compared, and a
 * register other than rbp that differs from call frame information is counted separately. */
struct engines {
	enum unwind_engine against; /* the other engine; set by the caller */
	bool spoil;                 /* give the other engine only pc and sp, so that stacks must differ */
	size_t stops, stacks, frames;
	size_t without;     /* LWPs without registers: ended, or could not be stopped */
	size_t resumed;     /* stacks that lib/stack continues where an engine is lost (stack/walk.h) */
	size_t differ;      /* stacks that differ */
	size_t excused;     /* UNWIND_ENGINE_FP: the same up to code without call frame information */
	size_t marked;      /* the same up to where UNWIND_ENGINE_FP marks a frame or is lost */
	size_t registers;   /* UNWIND_ENGINE_FP: stacks with a register that is not the caller's */
	size_t place;       /* stacks walked from pc and sp alone */
	size_t place_whole; /* complete ones of these */
	size_t place_wrong; /* those of these with a wrong frame */
	struct strbuf told; /* the first few differences, with both stacks */
};

/* Walk the stacks of an operand: a process ID (all threads are stopped for a moment, as by --stop),
 * or a core, whose files are below directory sysroot (NULL: /). RES_NONE: the other engine cannot
 * read the target, or is not built in. RES_FAIL: it cannot be grabbed or captured; it may have
 * ended. f has the reason. */
enum res engines_compare(struct engines *e, const char *operand, const char *sysroot, struct fault *f);

void engines_free(struct engines *e);

#endif
