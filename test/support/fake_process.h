/* A made-up process over Pgrab_ops, from arrays of the test:
 *
 *   static const struct fake_segment segments[] = { { 0x1000, "abcd", 4 }, { 0 } };
 *   struct fake_process fake = { .segments = segments };
 *   struct ps_prochandle *P = fake_grab(&fake);
 *   … Prelease(P, 0);
 *
 * The test owns the arrays and the struct, which must outlive the handle. Parts left out do not
 * exist. Linked by programs of the proc layer and those after it. */
#ifndef SUPPORT_FAKE_PROCESS_H
#define SUPPORT_FAKE_PROCESS_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>

/* Memory. Reads stop at the first byte that no segment holds; segments may touch. */
struct fake_segment {
	uintptr_t va;
	const void *bytes;
	size_t n;
};

struct fake_map {
	uintptr_t va;
	size_t size;
	int flags; /* MA_* */
	off_t offset;
	const char *name; /* NULL: anonymous; a path (at most 63 bytes) is also a file's on this machine */
};

struct fake_process {
	pid_t pid;
	bool is_32bit;                       /* PR_MODEL_ILP32, else PR_MODEL_LP64 */
	const char *execname, *psargs;       /* NULL: unknown */
	const struct fake_segment *segments; /* ends with bytes == NULL */
	const struct fake_map *maps;         /* ends with size 0; NULL: reading them fails */
	const lwpstatus_t *lwps;             /* lwp_n of them */
	size_t lwp_n;
	const lwpsinfo_t *infos; /* info_n of them: exited LWPs have one and no status */
	size_t info_n;
	const auxv_t *auxv; /* ends with AT_NULL */
	/* Instead of segments, if set: bytes read, 0 none. */
	ssize_t (*read)(struct fake_process *fake, void *buf, size_t n, uintptr_t va);
	/* Counted calls. */
	size_t reads, bytes_read;
	bool finished; /* pop_fini was called */
};

/* NULL: out of memory. */
struct ps_prochandle *fake_grab(struct fake_process *fake);

#endif
