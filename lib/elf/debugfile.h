/* The separate debug file of an image, found by the conventions that gdb and elfutils share:
 * /usr/lib/debug/.build-id/ab/cdef….debug; and the name in .gnu_debuglink in the file's directory,
 * in its subdirectory .debug/, and under /usr/lib/debug/DIR/. This layer does not know processes:
 * the caller opens files, and may use another root. */
#ifndef ELF_DEBUGFILE_H
#define ELF_DEBUGFILE_H

#include "elf/image.h"

/* The files of the target's machine. */
struct elf_disk {
	/* Opens an absolute path read-only. Returns a descriptor, which is closed here, or -1. */
	int (*open_path)(void *data, const char *path);
	void *data; /* passed to open_path */
};

/* Find and open the debug file of img, whose file is at `path` (absolute, in the target's root;
 * NULL: search by build-id only). A file found by build-id must have the same build-id. A file
 * found by debuglink must have the right CRC32 (zlib's crc32); but if both files have a build-id,
 * the build-ids alone decide. RES_NONE: there is none. RES_FAIL: there is one, but it is too large
 * to compute its CRC32 (ELF_CRC_MAX), or no time is left (base/bound.h); f says so. The caller
 * closes *out. */
enum res elf_debugfile_open(struct elf_image *img, const char *path, const struct elf_disk *disk,
    struct elf_image **out, struct fault *f);

enum { ELF_CRC_MAX = 1 << 30 }; /* bytes: about a second; a sparse file can have any size */

/* Open the compressed symbol table in .gnu_debugdata of a stripped file (MiniDebugInfo, as in
 * Fedora's programs): an ELF file with only .symtab, in xz. RES_NONE: there is none. RES_FAIL: it
 * is damaged or too large, or the build has no liblzma; f says which. The caller closes *out. */
enum res elf_minidebug_open(struct elf_image *img, struct elf_image **out, struct fault *f);

#endif
