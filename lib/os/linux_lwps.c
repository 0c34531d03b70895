/* The LWPs of a process and their thread pointers. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/lwps.h"
#include "os/read.h"
#include "os/regs.h"
#include "proc/live/live.h"

enum {
	BATCH = 64,
	LOW_MEMORY = 4096,
};

enum res os_lwp_list(struct ps_prochandle *P, os_lwpids *out, struct fault *f)
{
	const struct live *live = live_of(P);
	struct live_ids ids = VEC_EMPTY;
	enum res res = live == NULL ? RES_NONE : live_ids_read(live->dir, &ids);

	for (size_t i = 0; res == RES_OK && i < ids.n; i++) {
		if (!vec_push(out, ids.at[i]))
			res = fault_memory(f);
	}
	if (res == RES_NONE)
		res = fault_set(f, G_NOPROC, 0, 0, "the process has exited");
	else if (res == RES_FAIL && ids.n == 0)
		(void)fault_set(f, G_STRANGE, 0, 0, "its threads cannot be listed");
	vec_free(&ids);
	return res;
}

/* Only the first LWP is kept, as the process's own; others are zombies only for a moment, or while
 * they are traced. */
bool os_lwp_is_zombie(struct ps_prochandle *P, lwpid_t id)
{
	const struct live *live = live_of(P);
	struct live_stat st;
	char path[LIVE_PATH];

	if (live == NULL || id != os_first_lwp(P))
		return false;
	live_lwp_path(path, id, "stat");
	return live_stat_read(live->dir, path, &st, NULL) == RES_OK && st.state == 'Z';
}

/* The directory `task` has one link per LWP and two more (Linux fs/proc/base.c,
 * proc_task_getattr). */
size_t os_lwp_count(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);
	struct stat st;

	return live != NULL && fstatat(live->dir, "task", &st, 0) == 0 && st.st_nlink > 2
		   ? (size_t)st.st_nlink - 2
		   : 0;
}

/* The list head of robust mutexes of a thread; 0: unknown. low: for the architecture's own way. */
static uint64_t robust_head(const struct arch *arch, lwpid_t id, volatile uint32_t *low)
{
	uint64_t head = 0;
	size_t size = 0;

	if (low != NULL)
		return arch->system->robust_head(id, low);
	return syscall(SYS_get_robust_list, id, &head, &size) == 0 ? head : 0;
}

static volatile uint32_t *low_memory(void)
{
	void *at =
	    mmap(NULL, LOW_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

bool os_is_forked(struct ps_prochandle *P)
{
	enum { PF_FORKNOEXEC = 0x40 }; /* Linux include/linux/sched.h; in the flags field of stat */
	const struct live *live = live_of(P);
	struct live_stat st;

	return live != NULL && live_stat_of(live, &st) == RES_OK && (st.flags & PF_FORKNOEXEC) != 0;
}

void os_thread_pointers_again(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out)
{
	const struct arch *arch = os_arch(P);
	bool foreign = arch->system->robust_head != NULL;
	volatile uint32_t *low = foreign ? low_memory() : NULL;
	const struct arch_libc *libc = os_libc(P);

	for (size_t i = 0; i < n; i++) {
		uint64_t head = foreign && low == NULL ? 0 : robust_head(arch, ids[i], low);

		out[i] = head < libc->robust_head ? 0 : head - libc->robust_head;
	}
	if (low != NULL)
		(void)munmap((void *)(uintptr_t)low, LOW_MEMORY);
}

/* glibc registers each thread's list of robust mutexes with the kernel. Its head is a member of the
 * thread's descriptor. */
void os_thread_pointers(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out)
{
	const struct live *live = live_of(P);
	const struct arch *arch = os_arch(P);
	bool foreign = arch->system->robust_head != NULL;
	volatile uint32_t *low = foreign ? low_memory() : NULL;
	size_t word = arch->pointer_size;
	const struct arch_libc *libc = os_libc(P);
	struct os_piece pieces[BATCH];
	uint64_t self[BATCH];

	memset(out, 0, n * sizeof(*out));
	for (size_t from = 0; from < n && live != NULL && foreign == (low != NULL); from += BATCH) {
		size_t some = n - from < BATCH ? n - from : BATCH;

		for (size_t i = 0; i < some; i++) {
			uint64_t head = robust_head(arch, ids[from + i], low);

			self[i] = 0;
			pieces[i] = (struct os_piece){ &self[i], word,
				head < libc->robust_head ? 0 : head - libc->robust_head, 0 };
		}
		os_read_pieces(P, pieces, some);
		for (size_t i = 0; i < some; i++) {
			if (pieces[i].got == word && (!libc->names_itself || self[i] == pieces[i].va))
				out[from + i] = pieces[i].va;
		}
	}
	if (low != NULL)
		(void)munmap((void *)(uintptr_t)low, LOW_MEMORY);
}

/* True if this thread created process pid. The file has numbers, each with a space after it (Linux
 * fs/proc/array.c, children_seq_show). */
static bool has_child(int dir, lwpid_t id, pid_t pid)
{
	enum { CHILDREN_MAX = 1 << 20 };
	OWNED(mem_release) char *text = NULL;
	char path[LIVE_PATH], *end;
	size_t n = 0;

	live_lwp_path(path, id, "children");
	if (fileio_slurp(dir, path, CHILDREN_MAX, &text, &n) != 0)
		return false;
	for (const char *at = text; at < text + n; at = end + 1) {
		if (strtol(at, &end, 10) == pid)
			return true;
		if (end == at)
			break;
	}
	return false;
}

/* The thread of the process in dir that created pid; 0: unknown. */
static lwpid_t find_maker(int dir, pid_t pid)
{
	struct live_ids ids = VEC_EMPTY;
	lwpid_t maker = 0;

	(void)live_ids_read(dir, &ids);
	for (size_t i = 0; maker == 0 && i < ids.n; i++) {
		if (has_child(dir, ids.at[i], pid))
			maker = ids.at[i];
	}
	vec_free(&ids);
	return maker;
}

uint64_t os_maker_pointer(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);
	OWNED(fd_release) int dir = -1;
	struct live_stat st;
	char path[LIVE_PATH];
	uint64_t pointer = 0;
	lwpid_t maker;

	if (live == NULL || live_stat_read(live->dir, "stat", &st, NULL) != RES_OK || st.ppid <= 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d", st.ppid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	maker = dir < 0 ? 0 : find_maker(dir, live->pid);
	if (maker != 0)
		os_thread_pointers(P, &maker, 1, &pointer);
	return pointer;
}
