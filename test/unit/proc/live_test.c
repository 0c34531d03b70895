/* Live processes: who may be grabbed, /proc files, memory up to a hole, and files that are gone,
 * renamed, oddly named or not files at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/owned.h"
#include "proc/handle.h"
#include "proc/live/live.h"
#include "support/run_suite.h"
#include "support/victim.h"

enum { PAGE = 4096 };

static struct ps_prochandle *grab(pid_t pid)
{
	int code = 0;
	struct ps_prochandle *P = Pgrab(pid, PGRAB_RDONLY, &code);

	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	return P;
}

static int refused(pid_t pid, int flags)
{
	int code = 0;
	struct ps_prochandle *P = Pgrab(pid, flags, &code);

	if (P != NULL)
		code = 0;
	Prelease(P, 0);
	return code;
}

START_TEST(numbers_without_a_process)
{
	struct victim v = victim_start(victim_threads, 1);
	pid_t tids[4];

	ck_assert_int_eq(refused(0, 0), G_NOPROC);
	ck_assert_int_eq(refused(-5, 0), G_NOPROC);
	ck_assert_int_eq(refused(0x7ffffff0, 0), G_NOPROC);
	ck_assert_int_eq(victim_lwps(v.pid, tids, 4), 2);
	ck_assert_int_eq(refused(tids[0], PGRAB_RDONLY), 0);
	ck_assert_int_eq(refused(tids[1], PGRAB_RDONLY), G_NOPROC);
	victim_end(&v);
}
END_TEST

START_TEST(self_only_to_read)
{
	ck_assert_int_eq(refused(getpid(), 0), G_SELF);
	ck_assert_int_eq(refused(getpid(), PGRAB_NOSTOP), G_SELF);
	ck_assert_int_eq(refused(getpid(), PGRAB_RDONLY), 0);
}
END_TEST

START_TEST(zombies)
{
	struct victim v = victim_start(victim_ended, 0);

	victim_send(&v);
	ck_assert(victim_settles(v.pid, v.pid, 'Z'));
	ck_assert_int_eq(refused(v.pid, 0), G_ZOMB);
	ck_assert_int_eq(refused(v.pid, PGRAB_RDONLY), G_ZOMB);
	victim_end(&v);
}
END_TEST

START_TEST(kernel_threads)
{
	struct live_stat st;

	if (live_stat_read(AT_FDCWD, "/proc/2/stat", &st, NULL) != RES_OK ||
	    (st.flags & LIVE_PF_KTHREAD) == 0) {
		(void)puts("SKIP: no kernel threads to be seen here");
		return;
	}
	ck_assert_int_eq(refused(2, PGRAB_RDONLY), G_SYS);
}
END_TEST

START_TEST(foreign_user)
{
	struct victim v = victim_start(victim_blocked, 0);
	int status = 0;
	pid_t stranger;

	if (geteuid() != 0) {
		(void)puts("SKIP: needs root to become somebody else");
		victim_end(&v);
		return;
	}
	stranger = fork();
	if (stranger == 0) {
		char why[160];

		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(99);
		if (hold_why_refused(v.pid, v.pid, why, sizeof(why)) != G_PERM ||
		    strstr(why, "belongs to user 0, this is user 65534") == NULL)
			_exit(98);
		_exit(refused(v.pid, PGRAB_RDONLY));
	}
	ck_assert_int_eq(waitpid(stranger, &status, 0), stranger);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), G_PERM);
	victim_end(&v);
}
END_TEST

static const unsigned char mark = 0x7f; /* read out of victims, which have it too */
static char folder[] = "/tmp/live_test.XXXXXX";

static void put_file(const char *path, const void *bytes, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	(void)close(fd);
}

static void named(int out, int in, int unused)
{
	(void)prctl(PR_SET_NAME, ") R 1 (\n\x1b");
	victim_blocked(out, in, unused);
}

START_TEST(what_proc_says)
{
	struct victim v = victim_start(named, 0);
	struct ps_prochandle *P = grab(v.pid);
	char name[32], path[PATH_MAX], self[PATH_MAX];
	const psinfo_t *ps = Ppsinfo(P);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	ck_assert_ptr_nonnull(ps);
	ck_assert_int_eq(ps->pr_pid, v.pid);
	ck_assert_int_eq(ps->pr_ppid, v.parent);
	ck_assert_int_eq(ps->pr_nlwp, 1);
	ck_assert_int_eq(ps->pr_nzomb, 0);
	ck_assert_uint_eq(ps->pr_uid, getuid());
	ck_assert_int_eq(ps->pr_dmodel, PR_MODEL_LP64);
	ck_assert_str_eq(ps->pr_fname, ") R 1 (\n\x1b");
	ck_assert_ptr_nonnull(strstr(ps->pr_psargs, "live_test"));
	ck_assert_int_eq(Plwp_getname(P, v.pid, name, sizeof(name)), 0);
	ck_assert_str_eq(name, ") R 1 (\n\x1b");
	ck_assert_int_eq(Plwp_getname(P, 1, name, sizeof(name)), -1);
	ck_assert_int_eq(Pgetauxval(P, AT_PAGESZ), PAGE);
	ck_assert_int_eq(Pgetauxval(P, AT_ENTRY), (long)getauxval(AT_ENTRY));
	ck_assert_int_eq(Pgetauxval(P, 9999), -1);
	ck_assert_ptr_nonnull(Pexecname(P, path, sizeof(path)));
	ck_assert_str_eq(path, self);
	ck_assert_int_eq(Pstatus(P)->pr_nlwp, 1);
	ck_assert_int_eq(Pstate(P), PS_RUN);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

static int count_lwps(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	int *n = data;

	n[status == NULL ? 1 : 0]++;
	ck_assert_int_eq(info->pr_sname == 'Z', status == NULL);
	if (status != NULL)
		ck_assert_int_eq(status->pr_reg[R_PC], 0);
	return 0;
}

START_TEST(lwps_of_a_process_whose_main_thread_ended)
{
	struct victim v = victim_start(victim_leaderless, 3);
	int n[2] = { 0, 0 };
	struct ps_prochandle *P;
	char c = 0;

	ck_assert(victim_settles(v.pid, v.pid, 'Z'));
	P = grab(v.pid);
	ck_assert_int_eq(Plwp_iter_all(P, count_lwps, n), 0);
	ck_assert_int_eq(n[0], 3);
	ck_assert_int_eq(n[1], 1);
	ck_assert_int_eq(Ppsinfo(P)->pr_nlwp, 3);
	ck_assert_int_eq(Ppsinfo(P)->pr_nzomb, 1);
	ck_assert_int_eq(Pread(P, &c, 1, (uintptr_t)&mark), 1);
	ck_assert_int_eq(c, mark);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* pages: readable | readable | none | execute-only | hole */
START_TEST(reads_stop_at_the_hole)
{
	char *at = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char buf[5 * PAGE];
	struct victim v;
	struct ps_prochandle *P;

	ck_assert(at != MAP_FAILED);
	memset(at, 'a', 5 * PAGE);
	ck_assert_int_eq(mprotect(at + 2 * PAGE, PAGE, PROT_NONE), 0);
	ck_assert_int_eq(munmap(at + 4 * PAGE, PAGE), 0);
	v = victim_start(victim_blocked, 0);
	P = grab(v.pid);
	/* /proc/PID/mem of most kernels reads pages that the process itself may not read. */
	if (Pread(P, buf, 1, (uintptr_t)at + 2 * PAGE) == 1) {
		ck_assert_int_eq(Pread(P, buf, 5 * PAGE, (uintptr_t)at), 4 * PAGE);
		ck_assert_int_eq(buf[4 * PAGE - 1], 'a');
	} else {
		ck_assert_int_eq(Pread(P, buf, 5 * PAGE, (uintptr_t)at), 2 * PAGE);
	}
	ck_assert_int_eq(Pread(P, buf, 100, (uintptr_t)at + 4 * PAGE - 10), 10);
	ck_assert_int_eq(Pread(P, buf, 100, (uintptr_t)at + 4 * PAGE), 0);
	ck_assert_int_eq(Pread(P, buf, 8, 0), 0);
	ck_assert_int_eq(Pread(P, buf, 8, UINTPTR_MAX - 3), 0);
	ck_assert_int_eq(Pread(P, buf, 8, (uintptr_t)1 << 62), 0);
	ck_assert_int_eq(Pread(P, buf, 0, (uintptr_t)at), 0);
	Prelease(P, 0);
	victim_end(&v);
	(void)munmap(at, 4 * PAGE);
}
END_TEST

START_TEST(what_is_left_of_an_ended_process)
{
	struct victim v = victim_start(victim_ended, 0);
	struct ps_prochandle *P = grab(v.pid);
	char c;
	prgregset_t regs;

	ck_assert_int_eq(Pread(P, &c, 1, (uintptr_t)&mark), 1);
	victim_end(&v);
	/* Its parent has ended too, so another process reaps it. */
	ck_assert(victim_settles(v.pid, v.pid, '\0'));
	ck_assert_int_eq(Pread(P, &c, 1, (uintptr_t)folder), 0);
	ck_assert_ptr_null(Ppsinfo(P));
	ck_assert_ptr_nonnull(Pstatus(P));
	ck_assert_int_eq(Pstate(P), PS_UNDEAD);
	ck_assert_int_eq(Plwp_getregs(P, v.pid, regs), -1);
	ck_assert_ptr_nonnull(Paddr_to_map(P, (uintptr_t)folder));
	Prelease(P, 0);
}
END_TEST

/* --- files --- */

/* Map one page of a file, as text. */
static void *map_file(const char *path, int flags)
{
	OWNED(fd_release) int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *at;

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, flags, fd, 0);
	ck_assert(at != MAP_FAILED);
	return at;
}

static const struct proc_map *mapping(struct ps_prochandle *P, const void *at)
{
	const struct proc_map *m = objects_map(handle_objects(P), (uintptr_t)at);

	ck_assert_ptr_nonnull(m);
	return m;
}

/* The first byte of the file mapped at `at`; -1: the file cannot be opened. */
static int byte_of(struct ps_prochandle *P, const void *at, bool *proven)
{
	struct proc_files *files = &handle_objects(P)->files;
	struct fault f = { 0 };
	OWNED(fd_release) int fd = files->open_mapping(files->data, mapping(P, at), proven, &f);
	unsigned char c;

	if (fd < 0) {
		ck_assert(f.text[0] != '\0');
		return -1;
	}
	ck_assert_int_eq(pread(fd, &c, 1, 0), 1);
	return c;
}

START_TEST(odd_names)
{
	static const struct {
		const char *name;
		bool remove;
	} rows[] = {
		{ "plain", false },
		{ "gone", true },
		{ "really (deleted)", false },
		{ "both (deleted)", true },
		{ "new\nline", false },
		{ "back\\012slash", false },
		{ "new\nline gone", true },
		{ "tail ", false },
		{ "\xff\xfe", false },
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	char path[ROWS][128];
	void *at[ROWS];
	struct victim v;
	struct ps_prochandle *P;

	for (size_t i = 0; i < ROWS; i++) {
		char first = (char)('A' + i);

		(void)snprintf(path[i], sizeof(path[i]), "%s/%s", folder, rows[i].name);
		put_file(path[i], &first, 1, 0644);
		at[i] = map_file(path[i], MAP_PRIVATE);
		if (rows[i].remove)
			(void)unlink(path[i]);
	}
	v = victim_start(victim_blocked, 0);
	P = grab(v.pid);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ROWS; i++) {
			bool proven = false;

			ck_assert_str_eq(mapping(P, at[i])->path, path[i]);
			ck_assert_int_eq(mapping(P, at[i])->deleted, rows[i].remove);
			ck_assert_int_eq(byte_of(P, at[i], &proven), 'A' + (int)i);
			ck_assert(proven);
		}
		/* The same after the process is gone. */
		if (pass == 0)
			victim_end(&v);
	}
	Prelease(P, 0);
	for (size_t i = 0; i < ROWS; i++) {
		(void)munmap(at[i], PAGE);
		(void)unlink(path[i]);
	}
}
END_TEST

/* Another file under the same name: while the process lives, the mapping leads to the true one. */
START_TEST(moved_away_and_replaced)
{
	char path[128], old[128];
	bool proven = false;
	struct victim v;
	struct ps_prochandle *P;
	void *at;

	(void)snprintf(path, sizeof(path), "%s/lib", folder);
	(void)snprintf(old, sizeof(old), "%s/lib.old", folder);
	put_file(path, "1", 1, 0644);
	at = map_file(path, MAP_PRIVATE);
	v = victim_start(victim_blocked, 0);
	P = grab(v.pid);
	ck_assert_int_eq(rename(path, old), 0);
	put_file(path, "2", 1, 0644);
	ck_assert_int_eq(byte_of(P, at, &proven), '1');
	ck_assert(proven);
	victim_end(&v);
	ck_assert(victim_settles(v.pid, v.pid, '\0'));
	ck_assert_int_eq(byte_of(P, at, &proven), '2');
	ck_assert(!proven);
	Prelease(P, 0);
	(void)munmap(at, PAGE);
	(void)unlink(path);
	(void)unlink(old);
}
END_TEST

START_TEST(only_regular_files)
{
	char path[128];
	struct victim v;
	struct ps_prochandle *P;
	void *at, *zero;
	bool proven;
	struct proc_files *files;

	(void)snprintf(path, sizeof(path), "%s/fifo", folder);
	put_file(path, "1", 1, 0644);
	at = map_file(path, MAP_PRIVATE);
	zero = map_file("/dev/zero", MAP_PRIVATE);
	v = victim_start(victim_blocked, 0);
	P = grab(v.pid);
	(void)unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	victim_end(&v);
	ck_assert(victim_settles(v.pid, v.pid, '\0'));
	/* A FIFO opened for reading would wait for ever. */
	ck_assert_int_eq(byte_of(P, at, &proven), -1);
	ck_assert_int_eq(byte_of(P, zero, &proven), -1);
	files = &handle_objects(P)->files;
	ck_assert_int_eq(files->open_path(files->data, path), -1);
	ck_assert_int_eq(files->open_path(files->data, "/dev/null"), -1);
	ck_assert_int_eq(files->open_path(files->data, "/"), -1);
	Prelease(P, 0);
	(void)munmap(at, PAGE);
	(void)munmap(zero, PAGE);
	(void)unlink(path);
}
END_TEST

/* Inside a root of its own, with a link that would lead out of it. */
static void in_a_root(int out, int in, int unused)
{
	char root[64];
	int fd;
	const void *at;

	(void)snprintf(root, sizeof(root), "%s/root", folder);
	if (chroot(root) != 0 || chdir("/") != 0)
		_exit(1);
	fd = open("/dir/file", O_RDONLY);
	at = fd < 0 ? MAP_FAILED : mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		_exit(1);
	victim_blocked(out, in, unused);
}

START_TEST(another_root)
{
	char path[128];
	struct victim v;
	struct ps_prochandle *P;
	struct proc_files *files;
	const struct proc_maps *maps;
	bool found = false;
	unsigned char c = 0;
	int fd;

	if (geteuid() != 0) {
		(void)puts("SKIP: needs root for chroot");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/root", folder);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/root/dir", folder);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), "%s/root/dir/file", folder);
	put_file(path, "i", 1, 0644);
	(void)snprintf(path, sizeof(path), "%s/root/link", folder);
	ck_assert_int_eq(symlink("/dir/file", path), 0);
	v = victim_start(in_a_root, 0);
	P = grab(v.pid);
	maps = &handle_objects(P)->maps;
	for (size_t i = 0; i < maps->n; i++)
		if (maps->at[i].path != NULL && strcmp(maps->at[i].path, "/dir/file") == 0) {
			bool proven = false;

			found = true;
			ck_assert_int_eq(
			    byte_of(P, (const void *)maps->at[i].pr.pr_vaddr, &proven), 'i'); /* NOLINT */
			ck_assert(proven);
		}
	ck_assert(found);
	files = &handle_objects(P)->files;
	fd = files->open_path(files->data, "/link");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, &c, 1), 1);
	ck_assert_int_eq(c, 'i');
	(void)close(fd);
	ck_assert_int_eq(files->open_path(files->data, "/etc/passwd"), -1);
	ck_assert_int_eq(files->open_path(files->data, "/../../../../etc/passwd"), -1);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* The copy of a process keeps its files after the process and its handle are gone. */
START_TEST(files_outlive_the_handle)
{
	static const ps_ops_t none = { 0 };
	char path[128];
	struct victim v;
	struct ps_prochandle *P, *C;
	bool proven = false;
	void *at;

	(void)snprintf(path, sizeof(path), "%s/kept", folder);
	put_file(path, "k", 1, 0644);
	at = map_file(path, MAP_PRIVATE);
	(void)unlink(path);
	v = victim_start(victim_blocked, 0);
	P = grab(v.pid);
	C = Pgrab_ops(v.pid, NULL, &none, 0);
	ck_assert_ptr_nonnull(C);
	hold_share_objects(C, P);
	Prelease(P, 0);
	victim_end(&v);
	ck_assert_int_eq(byte_of(C, at, &proven), 'k');
	ck_assert(proven);
	Prelease(C, 0);
	(void)munmap(at, PAGE);
}
END_TEST

int main(void)
{
	const TTest *const all[] = { numbers_without_a_process, self_only_to_read, zombies, kernel_threads,
		foreign_user, what_proc_says, lwps_of_a_process_whose_main_thread_ended,
		reads_stop_at_the_hole, what_is_left_of_an_ended_process, odd_names, moved_away_and_replaced,
		only_regular_files, another_root, files_outlive_the_handle };
	char command[96];
	int status;

	if (mkdtemp(folder) == NULL)
		return 1;
	status = run_suite("live", all, sizeof(all) / sizeof(all[0]));
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command); /* NOLINT */
	return status;
}
