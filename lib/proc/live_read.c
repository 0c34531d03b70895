/* Memory of a live process.
 *
 * process_vm_readv(2) is one copy and needs no descriptor, but refuses pages without read permission
 * and may be forbidden by a seccomp filter; /proc/PID/mem reads those too. Both give up somewhere
 * inside a range that has a hole, so that after a short answer we go on page by page:
 *
 *      va            page          page           hole
 *      |-- one call --|-- by page --|-- by page --| stop here
 */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "base/fileio.h"
#include "proc/live.h"

enum { PAGE = 4096 };

static size_t readv_once(pid_t pid, void *buf, size_t n, uintptr_t va)
{
	struct iovec local = { buf, n };
	struct iovec remote;
	ssize_t got;

	remote.iov_base = (void *)va;
	remote.iov_len = n;
	got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	return got < 0 ? 0 : (size_t)got;
}

static size_t mem_once(int mem, void *buf, size_t n, uintptr_t va)
{
	ssize_t got;

	if (va > (uintptr_t)INT64_MAX)
		return 0; /* a file offset is signed; only the vsyscall page lies up there */
	got = fileio_pread(mem, buf, n, va);
	return got < 0 ? 0 : (size_t)got;
}

ssize_t live_read(const struct live *live, void *buf, size_t n, uintptr_t va)
{
	char *at = buf;
	size_t done;

	if (n > UINTPTR_MAX - va)
		n = UINTPTR_MAX - va;
	if (n > SSIZE_MAX)
		n = SSIZE_MAX;
	if (n == 0)
		return 0;
	done = readv_once(live->mm_pid, at, n, va);
	while (done < n) {
		size_t step = PAGE - (va + done) % PAGE;
		size_t got;

		if (step > n - done)
			step = n - done;
		got = readv_once(live->mm_pid, at + done, step, va + done);
		if (got < step)
			got += mem_once(live->mem, at + done + got, step - got, va + done + got);
		done += got;
		if (got < step)
			break;
	}
	return (ssize_t)done;
}
