/* Code that a program has made at run time and registered with GDB's interface
 * (proc/made_code.h). linux.c, illumos_files.c. */
#ifndef OS_MADE_CODE_H
#define OS_MADE_CODE_H

#include <libproc.h>

#include "base/fault.h"
#include "elf/image_made.h"

/* The piece that holds addr, which must be in code of no file, so that other programs cost nothing.
 * RES_NONE: there is none; only out->lo and out->hi are set, to a range around addr where there is
 * none. RES_FAIL: the same, but not all pieces could be read; f says why. What out points to
 * belongs to the handle until it is captured again. */
enum res os_made_code(struct ps_prochandle *P, uint64_t addr, struct made_code *out, struct fault *f);

#endif
