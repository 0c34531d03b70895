/* Memory of a live process.
 *
 * process_vm_readv(2) is one copy and needs no descriptor, but refuses pages without read permission
 * and may be forbidden by a seccomp filter; /proc/PID/mem reads those too. Both give up somewhere
 * inside a range that has a hole, so that after a short answer we go on page by page:
 *
 *      va            page          page           hole
 *      |-- one call --|-- by page --|-- by page --| stop here
 *
 * Where a userfaultfd may be in use everything is read through /proc/PID/mem: for a page that its holder does not provide
 * process_vm_readv(2) waits for ever, the file fails with EIO, for its reader does not let go of the lock that the wait would
 * need (Linux fs/userfaultfd.c, handle_userfault).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "proc/live/live.h"

enum { PAGE = 4096 };

static size_t readv_once(const struct live *live, void *buf, size_t n, uintptr_t va)
{
	struct iovec local = { buf, n };
	struct iovec remote;
	ssize_t got;

	remote.iov_base = (void *)va;
	remote.iov_len = n;
	got = process_vm_readv(live->mm_pid, &local, 1, &remote, 1, 0);
	return got < 0 ? 0 : (size_t)got;
}

static size_t mem_once(const struct live *live, void *buf, size_t n, uintptr_t va)
{
	ssize_t got;

	if (va > (uintptr_t)INT64_MAX)
		return 0; /* a file offset is signed; only the vsyscall page lies up there */
	got = fileio_pread(live->mem, buf, n, va);
	return got < 0 ? 0 : (size_t)got;
}

/* Without care for pages that have to be fetched. */
static size_t read_now(const struct live *live, void *buf, size_t n, uintptr_t va)
{
	char *at = buf;
	size_t done;

	if (n == 0)
		return 0;
	if (live->served)
		return mem_once(live, buf, n, va);
	done = readv_once(live, at, n, va);
	while (done < n) {
		size_t step = PAGE - (va + done) % PAGE;
		size_t got;

		if (step > n - done)
			step = n - done;
		got = readv_once(live, at + done, step, va + done);
		if (got < step)
			got += mem_once(live, at + done + got, step - got, va + done + got);
		done += got;
		if (got < step)
			break;
	}
	return done;
}

ssize_t live_read(const struct live *live, void *buf, size_t n, uintptr_t va)
{
	if (n > UINTPTR_MAX - va)
		n = UINTPTR_MAX - va;
	if (n > SSIZE_MAX)
		n = SSIZE_MAX;
	return (ssize_t)(live_is_wary(live, va, n) ? live_read_wary(live, buf, n, va, read_now)
						   : read_now(live, buf, n, va));
}

/* Root is told how many there are by the kernel's allocator, as "3 N0=3" (Linux mm/slub.c, objects; it rounds up). Others are told
 * whether those without rights can have one that the kernel's own accesses wait for. */
bool live_read_may_be_served(void)
{
	char text[32];

	return (fileio_head(AT_FDCWD, "/sys/kernel/slab/userfaultfd_ctx_cache/objects", text, sizeof(text)) >
		       0 ||
		   fileio_head(AT_FDCWD, "/proc/sys/vm/unprivileged_userfaultfd", text, sizeof(text)) > 0) &&
	       text[0] != '0';
}

/* One call for as many pieces as the kernel takes at a time. Returns the bytes that came, of the first on. */
static size_t readv_pieces(const struct live *live, const struct live_piece *pieces, size_t n)
{
	struct iovec local[LIVE_PIECES], remote[LIVE_PIECES];
	ssize_t got;

	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){ pieces[i].to, pieces[i].n };
		remote[i].iov_base = (void *)pieces[i].va;
		remote[i].iov_len = pieces[i].n;
	}
	got = process_vm_readv(live->mm_pid, local, n, remote, n, 0);
	return got < 0 ? 0 : (size_t)got;
}

/* How many of the pieces, at least one, can be read at once. 0: the first needs care. */
static size_t pieces_now(const struct live *live, const struct live_piece *pieces, size_t n)
{
	size_t some = 0;

	if (n > LIVE_PIECES)
		n = LIVE_PIECES;
	if (live->served)
		return 0;
	if (live->wary.n == 0)
		return n;
	while (some < n && !live_is_wary(live, pieces[some].va, pieces[some].n))
		some++;
	return some;
}

void live_read_pieces(const struct live *live, struct live_piece *pieces, size_t n)
{
	for (size_t from = 0; from < n;) {
		size_t some = pieces_now(live, pieces + from, n - from);
		size_t got = some == 0 ? 0 : readv_pieces(live, pieces + from, some);
		size_t i = from;

		for (; i < from + some && got >= pieces[i].n; i++) {
			got -= pieces[i].n;
			pieces[i].got = pieces[i].n;
		}
		/* What follows the first one that came short has not been asked for yet. */
		if (i < from + some || some == 0) {
			pieces[i].got = (size_t)live_read(live, pieces[i].to, pieces[i].n, pieces[i].va);
			i++;
		}
		from = i;
	}
}

/* The descriptor is of one address space, whatever becomes of the process and its number: reading where nothing can
 * be mapped fails with EIO while that is in use, and gives 0 bytes when it no longer is (Linux fs/proc/base.c,
 * mem_rw). */
bool live_same_memory(const struct live *live)
{
	char byte;

	return pread(live->mem, &byte, sizeof(byte), 0) != 0;
}

ssize_t live_read_same(const struct live *live, void *buf, size_t n, uintptr_t va)
{
	return (ssize_t)(live_is_wary(live, va, n) ? live_read_wary(live, buf, n, va, mem_once)
						   : mem_once(live, buf, n, va));
}
