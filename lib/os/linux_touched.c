/* Pages in use: /proc/PID/pagemap has a word for each page, whose upper bits are readable by anyone
 * who may read the process (Linux Documentation/admin-guide/mm/pagemap.rst). */
#include <fcntl.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/mappings.h"
#include "proc/live/live.h"

enum { PAGE = 4096, BATCH = 2048 };
#define SWAPPED ((uint64_t)1 << 62)
#define PRESENT ((uint64_t)1 << 63)

/* Add one page: it extends the last run or begins another. False: there is no room for another
 * run. */
static bool add_page(struct os_range *out, size_t *n, size_t room, uint64_t page)
{
	if (*n > 0 && out[*n - 1].hi == page) {
		out[*n - 1].hi += PAGE;
		return true;
	}
	if (*n == room)
		return false;
	out[(*n)++] = (struct os_range){ page, page + PAGE, true };
	return true;
}

size_t os_touched(
    struct ps_prochandle *P, uint64_t lo, uint64_t hi, struct os_range *out, size_t room, uint64_t *upto)
{
	const struct live *live = live_of(P);
	OWNED(fd_release) int fd = live == NULL ? -1 : openat(live->mm_dir, "pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t at = lo & ~(uint64_t)(PAGE - 1), words[BATCH];
	size_t n = 0;

	while (at < hi) {
		size_t want =
		    (hi - at + PAGE - 1) / PAGE < BATCH ? (size_t)((hi - at + PAGE - 1) / PAGE) : BATCH;
		ssize_t got =
		    fd < 0 ? -1 : fileio_pread(fd, words, want * sizeof(*words), at / PAGE * sizeof(*words));
		size_t i = 0;

		if (got < (ssize_t)sizeof(*words))
			break;
		while (i < (size_t)got / sizeof(*words) &&
		       ((words[i] & (PRESENT | SWAPPED)) == 0 || add_page(out, &n, room, at + i * PAGE)))
			i++;
		at += i * PAGE;
		if (i < (size_t)got / sizeof(*words))
			break;
	}
	/* Pages of unknown state count as touched. */
	if (at < hi && n < room) {
		if (n == 0 || out[n - 1].hi != at)
			out[n++] = (struct os_range){ at, hi, true };
		else
			out[n - 1].hi = hi;
		at = hi;
	}
	if (n > 0 && out[0].lo < lo)
		out[0].lo = lo;
	if (n > 0 && out[n - 1].hi > hi)
		out[n - 1].hi = hi;
	*upto = at < hi ? at : hi;
	return n;
}
