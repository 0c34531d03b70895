/* Where the separate debug file of an image may lie, by the conventions gdb and elfutils share:
 * /usr/lib/debug/.build-id/ab/cdef….debug, and .gnu_debuglink (name and CRC) beside the file,
 * in .debug/ beside it, and under /usr/lib/debug/DIR/. Knows no processes: files are opened through
 * a function of the caller, who may look inside another root. */
#ifndef ELF_DEBUGFILE_H
#define ELF_DEBUGFILE_H

#include "elf/image.h"

/* Opens an absolute path read-only; returns an fd (the callee's caller closes it) or -1. */
typedef int elf_open_fn(void *data, const char *path);

/* Find and open the debug file of img, whose file is at `path` (absolute, as the target names it).
 * Accepted only with the same build-id (build-id candidates) or the right CRC32 (zlib's crc32;
 * debuglink; build-ids on both sides decide instead of the CRC: equal is enough, different refuses). path may
 * be NULL: by build-id only. RES_NONE: there is none. RES_FAIL: there is one, too large for its CRC32 to be computed
 * (ELF_CRC_MAX); f says so. *out is the caller's to close. */
enum res elf_debugfile_open(struct elf_image *img, const char *path, elf_open_fn *open_file, void *data,
    struct elf_image **out, struct fault *f);

enum { ELF_CRC_MAX = 1 << 30 }; /* bytes: a second's work; a sparse file can claim any number */

/* The symbol table that a stripped file carries packed in .gnu_debugdata (MiniDebugInfo, as Fedora's programs have): an
 * ELF file with .symtab alone, in xz. RES_NONE: there is none. RES_FAIL: it is damaged, too large, or the build has no
 * liblzma; f says which. *out is the caller's to close. */
enum res elf_minidebug_open(struct elf_image *img, struct elf_image **out, struct fault *f);

#endif
