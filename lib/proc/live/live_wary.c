/* Memory of a live process that somebody else has to provide, who may not answer.
 *
 * When an absent page is read, the kernel fetches it: from the mapped file, whose file system may
 * be silent, or from the holder of a userfaultfd(2), for example when a process has been migrated
 * and its memory follows later. Only the death of the reader ends that wait. /proc/PID/pagemap
 * shows the present pages and fetches none:
 *
 *      ├─ present ─┼─ absent ─┼─ present ─┤
 *          read     by a child    read
 *
 * While the process is held no child is started, and absent pages are unreadable. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "base/refused.h"
#include "proc/aside.h"
#include "proc/live/live.h"

enum {
	PAGE = 4096,
	SOME = 64, /* pages in one read of pagemap */
};

/* proc(5), /proc/PID/pagemap: 64 bits per page. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)

/* The last range that starts at or below va and holds it; NULL: none. *left: bytes from va to its
 * end, or else to the next range. */
static struct live_wary *wary_at(const struct live *live, uintptr_t va, size_t *left)
{
	size_t low = 0, high = live->wary.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (live->wary.at[mid].lo <= va)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0 && va < live->wary.at[low - 1].hi) {
		*left = live->wary.at[low - 1].hi - va;
		return &live->wary.at[low - 1];
	}
	*left = low < live->wary.n ? live->wary.at[low].lo - va : UINTPTR_MAX - va;
	return NULL;
}

/* The number of pages, of n from va on, that are all present or all absent (*there). */
static size_t pages_alike(const struct live *live, uintptr_t va, size_t n, bool *there)
{
	uint64_t entries[SOME];
	ssize_t got;
	size_t alike = 1;

	if (n > SOME)
		n = SOME;
	*there = true;
	got = live->pagemap < 0 ? -1
				: fileio_pread(live->pagemap, entries, n * sizeof(entries[0]),
				      (uint64_t)(va / PAGE) * sizeof(entries[0]));
	if (got < (ssize_t)sizeof(entries[0]))
		return n; /* unknown: taken for present */
	n = (size_t)got / sizeof(entries[0]);
	*there = (entries[0] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0;
	while (alike < n && ((entries[alike] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) != 0) == *there)
		alike++;
	return alike;
}

/* --- the child --- */

struct fetch {
	pid_t pid;
	uint8_t *to; /* memory shared with the parent */
	size_t n;
	uintptr_t va;
};

/* Read page by page, and send the number of bytes so far after each. process_vm_readv(2) waits for
 * a file without the lock of the process's mappings. A reader of /proc/PID/mem keeps that lock
 * (Linux mm/memory.c, __access_remote_vm), and the process would wait too, in its next mmap. */
static void fetch_pages(void *data)
{
	const struct fetch *f = data;

	for (size_t done = 0; done < f->n;) {
		size_t want = PAGE - (f->va + done) % PAGE;
		struct iovec local, remote;
		ssize_t got;

		if (want > f->n - done)
			want = f->n - done;
		local = (struct iovec){ f->to + done, want };
		remote.iov_base = (void *)(f->va + done);
		remote.iov_len = want;
		got = process_vm_readv(f->pid, &local, 1, &remote, 1, 0);
		if (got < 0)
			got = 0;
		done += (size_t)got;
		if (!aside_say(&done, sizeof(done)) || (size_t)got < want)
			return;
	}
}

/* No child can read memory of the process, or it has died. */
static void fetch_failed(const struct live *live)
{
	char path[LIVE_PATH];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)live->mm_pid);
	refused_file("read", -1, path);
}

/* Bytes to read: n at va, to `to`. */
struct piece {
	char *to;
	size_t n;
	uintptr_t va;
};

/* Read in a child. Returns the bytes that arrive within ms milliseconds. *late: some are missing
 * because nobody answered. */
static size_t read_in_child(const struct live *live, const struct piece *p, int ms, bool *late)
{
	size_t n = p->n;
	void *shared = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fetch f = { live->mm_pid, shared, n, p->va };
	enum aside_heard heard = ASIDE_HEARD;
	size_t done = 0, said;
	struct aside a;

	if (shared == MAP_FAILED) {
		fetch_failed(live);
		return 0;
	}
	if (!aside_start(&a, -1, -1, fetch_pages, &f)) {
		fetch_failed(live);
		(void)munmap(shared, n);
		return 0;
	}
	while (done < n && heard == ASIDE_HEARD) {
		heard = aside_hear(&a, &said, sizeof(said), ms);
		if (heard == ASIDE_HEARD && said > done && said <= n)
			done = said;
		else if (heard == ASIDE_HEARD)
			break; /* the next page is unreadable */
	}
	aside_end(&a, heard != ASIDE_LATE, live_files_left(live->files));
	*late = heard == ASIDE_LATE;
	if (heard == ASIDE_ENDED) {
		errno = EIO;
		fetch_failed(live);
	}
	memcpy(p->to, shared, done);
	(void)munmap(shared, n);
	return done;
}

/* --- reading --- */

static size_t read_absent(const struct live *live, struct live_wary *w, const struct piece *p)
{
	bool late = false;
	size_t got;

	if (live->holding != NULL || w->late || live_files_late(live->files, w->dev))
		return 0;
	got = read_in_child(live, p, live_files_patience(live->files), &late);
	if (late) {
		w->late = true;
		live_files_set_late(live->files, w->dev, p->va + got);
	}
	return got;
}

/* Read from one range. */
static size_t read_wary(const struct live *live, struct live_wary *w, const struct piece *p, live_now_fn *now)
{
	size_t done = 0;

	while (done < p->n) {
		const uintptr_t at = p->va + done;
		bool there;
		size_t pages = pages_alike(live, at, (at % PAGE + (p->n - done) + PAGE - 1) / PAGE, &there);
		struct piece next = { p->to + done, pages * PAGE - at % PAGE, at };
		size_t got;

		if (next.n > p->n - done)
			next.n = p->n - done;
		got = there ? now(live, next.to, next.n, at) : read_absent(live, w, &next);
		done += got;
		if (got < next.n)
			break;
	}
	return done;
}

size_t live_read_wary(const struct live *live, void *buf, size_t n, uintptr_t va, live_now_fn *now)
{
	char *to = buf;
	size_t done = 0;

	while (done < n) {
		size_t piece, got;
		struct live_wary *w = wary_at(live, va + done, &piece);

		if (piece > n - done)
			piece = n - done;
		got = w == NULL ? now(live, to + done, piece, va + done)
				: read_wary(live, w, &(struct piece){ to + done, piece, va + done }, now);
		done += got;
		if (got < piece)
			break;
	}
	return done;
}

bool live_is_wary(const struct live *live, uintptr_t va, size_t n)
{
	size_t left;

	return live->wary.n != 0 && (wary_at(live, va, &left) != NULL || left < n);
}

enum res live_wary_find(struct live *live, const struct proc_maps *maps)
{
	uint64_t dev = 0;
	bool waits = false;

	for (size_t i = 0; i < maps->n; i++) {
		const struct proc_map *m = &maps->at[i];

		if (m->inode == 0)
			continue;
		if (m->dev != dev)
			waits = live_files_waits(live->files, m->dev);
		dev = m->dev;
		if (waits && !vec_push(&live->wary, ((struct live_wary){ m->pr.pr_vaddr,
							m->pr.pr_vaddr + m->pr.pr_size, dev, false })))
			return RES_FAIL;
	}
	if (live->wary.n != 0)
		live->pagemap = openat(live->mm_dir, "pagemap", O_RDONLY | O_CLOEXEC);
	return RES_OK;
}
