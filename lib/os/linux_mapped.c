/* Mappings as they are now. Linux 6.11 and later answer for one address (PROCMAP_QUERY of
 * /proc/PID/maps, include/uapi/linux/fs.h) without delaying the target. With older kernels the
 * whole text is read, once for all addresses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/mappings.h"
#include "proc/live/live.h"

enum { MAPS_MAX = 64 << 20 };

struct query {
	uint64_t size, flags, addr; /* flags 0: the mapping that holds addr */
	uint64_t start, end, rights, page_size, offset, inode;
	uint32_t device[2], lengths[2];
	uint64_t texts[2];
};
enum { RIGHT_SHARED = 8 }; /* of rights */
#define QUERY_CALL _IOWR('f', 17, struct query)

/* False: the kernel does not have this query. */
static bool query_mapping(int maps, uint64_t va, struct os_range *out)
{
	struct query q = { .size = sizeof(q), .addr = va };

	if (ioctl(maps, QUERY_CALL, &q) == 0)
		*out = (struct os_range){ q.start, q.end, q.inode == 0 && (q.rights & RIGHT_SHARED) == 0 };
	else
		return errno == ENOENT || errno == ESRCH;
	return true;
}

static void find_line(const char *line, const uint64_t *va, size_t n, struct os_range *out)
{
	unsigned long long lo, hi, inode;
	char rights[5];

	if (sscanf(line, "%llx-%llx %4s %*x %*s %llu", &lo, &hi, rights, &inode) != 4)
		return;
	for (size_t i = 0; i < n; i++) {
		if (va[i] >= lo && va[i] < hi)
			out[i] = (struct os_range){ lo, hi, inode == 0 && rights[3] == 'p' };
	}
}

static void find_all(int dir, const uint64_t *va, size_t n, struct os_range *out)
{
	OWNED(mem_release) char *text = NULL;
	char *line, *rest;
	size_t all = 0;

	if (fileio_slurp(dir, "maps", MAPS_MAX, &text, &all) != 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		find_line(line, va, n, out);
}

void os_mapped_now(struct ps_prochandle *P, const uint64_t *va, size_t n, struct os_range *out)
{
	const struct live *live = live_of(P);
	OWNED(fd_release)
	int maps = live == NULL || n == 0 ? -1 : openat(live->mm_dir, "maps", O_RDONLY | O_CLOEXEC);
	size_t i = 0;

	memset(out, 0, n * sizeof(*out));
	while (maps >= 0 && i < n && query_mapping(maps, va[i], &out[i]))
		i++;
	if (maps >= 0 && i < n)
		find_all(live->mm_dir, va + i, n - i, out + i);
}
