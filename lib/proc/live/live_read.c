/* Memory of a live process.
 *
 * process_vm_readv(2) copies once and needs no descriptor. But it refuses pages without read
 * permission, which /proc/PID/mem reads, and a seccomp filter may forbid it. Both stop somewhere
 * inside a range that has a hole, so after a short result reading continues page by page:
 *
 *      va            page          page           hole
 *      |-- one call --|-- by page --|-- by page --| stop here
 *
 * If a userfaultfd may be in use, all memory is read through /proc/PID/mem. For a page that the
 * holder of the userfaultfd does not provide, process_vm_readv(2) waits for ever. /proc/PID/mem
 * fails with EIO, because its reader keeps the lock that a wait would have to release (Linux
 * fs/userfaultfd.c, handle_userfault). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/refused.h"
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
		return 0; /* a file offset is signed; only the vsyscall page is up there */
	got = fileio_pread(live->mem, buf, n, va);
	/* EIO is the answer that nothing is there, or that it may not be read. */
	if (got < 0 && errno != EIO)
		refused_file("read", live->mem, NULL);
	return got < 0 ? 0 : (size_t)got;
}

/* Read without regard to pages that have to be fetched. */
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

/* For root the kernel's allocator gives the number of them, as "3 N0=3" (Linux mm/slub.c, objects;
 * rounded up). For others the system says whether unprivileged users can have a userfaultfd for
 * which the kernel's own accesses wait. */
bool live_read_may_be_served(void)
{
	char text[32];

	return (fileio_head(AT_FDCWD, "/sys/kernel/slab/userfaultfd_ctx_cache/objects", text, sizeof(text)) >
		       0 ||
		   fileio_head(AT_FDCWD, "/proc/sys/vm/unprivileged_userfaultfd", text, sizeof(text)) > 0) &&
	       text[0] != '0';
}

/* Read as many pieces as one call takes. Returns the bytes read, from the first piece on. */
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

/* The number of pieces that can be read in one call. 0: the first needs care. */
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
		/* The pieces after the first short one have not been read yet. */
		if (i < from + some || some == 0) {
			pieces[i].got = (size_t)live_read(live, pieces[i].to, pieces[i].n, pieces[i].va);
			i++;
		}
		from = i;
	}
}

/* The descriptor refers to an address space, whatever happens to the process and its pid. A read
 * where nothing can be mapped fails with EIO while the address space is in use, and returns 0
 * afterwards (Linux fs/proc/base.c, mem_rw). */
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
