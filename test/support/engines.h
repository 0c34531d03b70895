/* The same stacks by two unwinding engines, compared frame by frame. For programs that link all layers. */
#ifndef SUPPORT_ENGINES_H
#define SUPPORT_ENGINES_H

#include "base/fault.h"
#include "base/strbuf.h"
#include "unwind/unwind.h"

/* What was compared so far: pc, sp, CFA, callee-saved registers and which of them are known, how each frame was reached and
 * how the stack ends. One thing is excused: where libunwind meets code of a file without a search table (.eh_frame_hdr, which
 * static programs lack), which engine_libunwind.c does not show it, it ends there. By frame pointers less registers may
 * be known, what follows code without call frame
 * information has nothing to be compared with, and where a register other than rbp is not what call frame information says, that is counted apart. */
struct engines {
	enum unwind_engine against; /* the other of the two; the caller's choice */
	bool spoil;                 /* give the other one pc and sp alone: differences there have to be */
	size_t stops, stacks, frames;
	size_t without;     /* LWPs that have no registers to begin with: ended, or not to be held */
	size_t resumed;     /* of the stacks, those that go on where an engine alone is lost (stack/walk.h) */
	size_t differ;      /* stacks that are not the same */
	size_t excused;     /* stacks that are, as far as libunwind is shown tables */
	size_t marked;      /* those that are, up to where UNWIND_ENGINE_FP marks a frame or is lost */
	size_t registers;   /* by UNWIND_ENGINE_FP: those with a register that is not the caller's */
	size_t place;       /* stacks walked from pc and sp alone */
	size_t place_whole; /* of these, those that came out whole */
	size_t place_wrong; /* those that came out with a frame that is not there */
	struct strbuf told; /* the first few differences, both stacks of each */
};

/* Walk the stacks of an operand: a process id (all of it stopped for a moment, as by --stop), or a core, whose files are
 * below the folder sysroot (NULL: /). RES_NONE: the other engine reads no such target, or is not built in; RES_FAIL: it
 * cannot be grabbed or captured (it may have ended). f says why. */
enum res engines_compare(struct engines *e, const char *operand, const char *sysroot, struct fault *f);

void engines_free(struct engines *e);

#endif
