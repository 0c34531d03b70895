/* The files of a core's mappings: used only if they are the mapped ones. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libproc.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../support/core_builder.h"
#include "proc/core/core.h"
#include "proc/core/core_owner.h"
#include "proc/handle.h"
#include "support/notices.h"
#include "support/run_suite.h"

enum { PAGE = 4096 };

static struct ps_prochandle *grab(struct core_builder *b, const char *aout)
{
	int err = 0, fd = core_builder_fd(b);
	struct ps_prochandle *P = Pfgrab_core(fd, aout, &err);

	core_builder_destroy(b);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	return P;
}

/* This program as the executable of a core: its mappings, and its first page as saved memory. */
static struct core_builder *core_of_file(const char *path, uint8_t first_page[PAGE], size_t saved)
{
	struct core_builder *b = core_builder_create();
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	static uint64_t auxv[1][2] = { { AT_PHDR, 0x55000000040 } };
	uint64_t regs[CB_REGS] = { 0 };
	Elf64_Phdr ph[32];
	Elf64_Ehdr eh;

	ck_assert_int_eq(pread(fd, first_page, PAGE, 0), PAGE);
	memcpy(&eh, first_page, sizeof(eh));
	ck_assert_int_le(eh.e_phnum, 32);
	memcpy(ph, first_page + eh.e_phoff, eh.e_phnum * sizeof(ph[0]));
	core_builder_prstatus(b, 9, 0, regs);
	core_builder_auxv(b, (const uint64_t(*)[2])auxv, 1);
	for (size_t i = 0; i < eh.e_phnum; i++) {
		uint64_t va = 0x55000000000 + (ph[i].p_vaddr & ~UINT64_C(4095));
		uint64_t end = (0x55000000000 + ph[i].p_vaddr + ph[i].p_filesz + 4095) & ~UINT64_C(4095);

		if (ph[i].p_type != PT_LOAD)
			continue;
		core_builder_map(b, va, end, ph[i].p_offset & ~UINT64_C(4095), path);
		core_builder_load(
		    b, va, end - va, ph[i].p_flags, first_page, ph[i].p_offset == 0 ? saved : 0);
	}
	core_builder_files(b, PAGE);
	ck_assert_int_eq(close(fd), 0);
	return b;
}

static struct core_builder *core_of_self(const char *path, uint8_t first_page[PAGE])
{
	return core_of_file(path, first_page, PAGE);
}

struct text {
	uint64_t off; /* offset in the file */
	uint64_t va;
};

static int see_text(void *data, const prmap_t *map, const char *name)
{
	struct text *text = data;

	if (name == NULL || (map->pr_mflags & MA_EXEC) == 0)
		return 0;
	*text = (struct text){ (uint64_t)map->pr_offset, map->pr_vaddr };
	return 1;
}

static const char *self_path(char buf[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", buf, PATH_MAX - 1);

	ck_assert_int_gt(n, 0);
	buf[n] = '\0';
	return buf;
}

/* Does Pread at the code of P return the bytes of this program's file? */
static bool reads_own_text(struct ps_prochandle *P)
{
	struct text text = { 0, 0 };
	char want[64], got[64];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool same;

	ck_assert_int_eq(Pmapping_iter(P, see_text, &text), 1);
	ck_assert_int_eq(pread(fd, want, sizeof(want), (off_t)text.off), (ssize_t)sizeof(want));
	same = Pread(P, got, sizeof(got), text.va) == (ssize_t)sizeof(got) &&
	       memcmp(want, got, sizeof(got)) == 0;
	ck_assert_int_eq(close(fd), 0);
	return same;
}

START_TEST(text_from_the_file)
{
	uint8_t first[PAGE];
	char path[PATH_MAX];
	struct ps_prochandle *P = grab(core_of_self(self_path(path), first), NULL);

	ck_assert(reads_own_text(P));
	ck_assert_uint_eq(handle_objects(P)->notices.n, 0);
	Prelease(P, 0);
}
END_TEST

START_TEST(missing_executable)
{
	uint8_t first[PAGE];
	struct ps_prochandle *P = grab(core_of_self("/nonexistent/prog", first), NULL);
	const struct notice *notice;

	ck_assert(!reads_own_text(P));
	notice = notice_of(P, NOTICE_NOT_OPENED);
	ck_assert_ptr_nonnull(notice);
	ck_assert_int_eq(notice->failure, NOTICE_EXEC_ABSENT);
	ck_assert_str_eq(notice->file, "/nonexistent/prog");
	Prelease(P, 0);
}
END_TEST

START_TEST(executable_given)
{
	uint8_t first[PAGE];
	char path[PATH_MAX];
	struct ps_prochandle *P = grab(core_of_self("/nonexistent/prog", first), self_path(path));

	ck_assert(reads_own_text(P));
	Prelease(P, 0);
}
END_TEST

/* The file of -e replaces the executable only. */
START_TEST(other_files_keep_their_paths)
{
	uint8_t first[PAGE];
	struct core_builder *b = core_of_self("/nonexistent/prog", first);
	struct proc_map exe = { .path = (char[]){ "/nonexistent/prog" } },
			other = { .path = (char[]){ "/nonexistent/lib.so" } };
	struct proc_files files;
	struct fault f = { 0 };
	struct core *core;
	bool proven = true;
	int fd = core_builder_fd(b);

	core_builder_destroy(b);
	ck_assert_int_eq(core_create(fd, &core, &f), RES_OK);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(core_files_create(core, "/proc/self/exe", &files, &f), RES_OK);
	core_destroy(core); /* files outlive it */
	fd = files.open_mapping(files.data, &exe, &proven, &f);
	ck_assert_int_ge(fd, 0);
	ck_assert(!proven);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(files.open_mapping(files.data, &other, &proven, &f), -1);
	files.destroy(files.data);
}
END_TEST

/* A core from a container: its root follows from -e, and absolute links are resolved inside it. */
START_TEST(root_of_a_container)
{
	char dir[] = "/tmp/core_files.XXXXXX", path[PATH_MAX], aout[64], link[64];
	uint8_t first[PAGE];
	struct core_builder *b = core_of_self("/inside/prog", first);
	struct proc_map other = { .path = (char[]){ "/lib.so" } };
	struct proc_files files;
	struct fault f = { 0 };
	struct core *core;
	bool proven = true;
	int copy, fd = core_builder_fd(b);

	core_builder_destroy(b);
	ck_assert_int_eq(core_create(fd, &core, &f), RES_OK);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/inside", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	(void)snprintf(aout, sizeof(aout), "%s/inside/prog", dir);
	copy = open(aout, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(copy, first, PAGE), PAGE);
	ck_assert_int_eq(close(copy), 0);
	(void)snprintf(link, sizeof(link), "%s/lib.so", dir);
	ck_assert_int_eq(symlink("/inside/prog", link), 0);
	ck_assert_int_eq(core_files_create(core, aout, &files, &f), RES_OK);
	core_destroy(core);
	fd = files.open_mapping(files.data, &other, &proven, &f);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	fd = files.open_path(files.data, "/lib.so");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	files.destroy(files.data);
	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(unlink(aout), 0);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(another_executable_given)
{
	uint8_t first[PAGE];
	struct ps_prochandle *P = grab(core_of_self("/nonexistent/prog", first), "/bin/true");

	/* Its build-id is not the one in the core's page. */
	ck_assert(!reads_own_text(P));
	ck_assert_uint_ge(handle_objects(P)->notices.n, 1);
	Prelease(P, 0);
}
END_TEST

enum { SOMEBODY = 12345, NOBODY = 65534 };

/* Does a core of SOMEBODY that names the file have its text? */
static bool reads_text_of(const char *path, size_t saved, enum notice_failure *why)
{
	uint8_t first[PAGE];
	struct core_builder *b = core_of_file(path, first, saved);
	int err = 0, fd = core_builder_fd(b);
	struct ps_prochandle *P;
	const struct notice *notice;
	bool reads;

	core_builder_destroy(b);
	ck_assert_int_eq(fchown(fd, SOMEBODY, SOMEBODY), 0);
	P = Pfgrab_core(fd, NULL, &err);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	reads = reads_own_text(P);
	notice = notice_of(P, NOTICE_NOT_OPENED);
	*why = notice == NULL ? NOTICE_BY_ERROR : notice->failure;
	Prelease(P, 0);
	return reads;
}

/* Root opens what the owner of a core names and may not read only if its build-id is in the core. */
START_TEST(what_the_owner_may_not_read)
{
	char dir[] = "/tmp/core_files.XXXXXX", path[64], command[160];
	int groups = getgroups(0, NULL);
	enum notice_failure why;

	if (geteuid() != 0) {
		(void)puts("SKIP: only root may read what others may not");
		return;
	}
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/prog", dir);
	(void)snprintf(command, sizeof(command), "cp /proc/%d/exe %s", (int)getpid(), path);
	ck_assert_int_eq(system(command), 0);

	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert(reads_text_of(path, 0, &why));
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert(!reads_text_of(path, 0, &why));
	ck_assert_int_eq(why, NOTICE_FOREIGN);
	ck_assert(reads_text_of(path, PAGE, &why));
	ck_assert_int_eq(chown(path, 0, SOMEBODY), 0);
	ck_assert(reads_text_of(path, 0, &why));
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert_int_eq(chmod(dir, 0700), 0);
	ck_assert(!reads_text_of(path, 0, &why));
	ck_assert_int_eq(why, NOTICE_FOREIGN);

	/* One's own rights are back. */
	ck_assert_int_eq(setfsuid((uid_t)-1), 0);
	ck_assert_int_eq(setfsgid((gid_t)-1), (int)getegid());
	ck_assert_int_eq(getgroups(0, NULL), groups);
	ck_assert_int_eq(access(path, R_OK), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return done;
}

/* Become SOMEBODY, and root of a namespace of one's own. */
static bool enter_namespace(void)
{
	char map[32];

	(void)snprintf(map, sizeof(map), "0 %d 1", SOMEBODY);
	return setgroups(0, NULL) == 0 && setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0 &&
	       unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
	       put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", map);
}

/* Root by unshare -r has the rights of a user, who may look at cores with them. */
START_TEST(a_user_as_root)
{
	enum { WELL, WRONG, UNABLE };
	const struct core core = { .has_psinfo = true, .psinfo.pr_uid = SOMEBODY };
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		(void)puts("SKIP: only root may become another user");
		return;
	}
	ck_assert(core_owner_of(&core).other);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(!enter_namespace()                             ? UNABLE
		      : geteuid() != 0 || core_owner_of(&core).other ? WRONG
								     : WELL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != WRONG);
	if (WEXITSTATUS(status) == UNABLE)
		(void)puts("SKIP: users may not make namespaces");
}
END_TEST

/* A core's own word that its process was root's gives it no rights. */
START_TEST(who_owns_a_core)
{
	char path[] = "/tmp/core_owner.XXXXXX";
	int fd = mkstemp(path);
	struct core core = { .has_psinfo = true, .user = CORE_NOBODYS };
	struct core_owner owner = core_owner_of(&core);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	/* Through a pipe. */
	ck_assert(owner.user == NOBODY && owner.group == NOBODY && owner.other == (geteuid() == 0));
	core.psinfo.pr_uid = SOMEBODY;
	ck_assert_uint_eq(core_owner_of(&core).user, NOBODY);

	/* The file's; a process that was another's takes from root's rights. */
	ck_assert(core_owner_read(fd, &core.user, &core.group));
	ck_assert_uint_eq(core.user, geteuid());
	if (geteuid() != 0) {
		(void)puts("SKIP: the rest concerns root's files");
		(void)close(fd);
		return;
	}
	ck_assert_uint_eq(core_owner_of(&core).user, SOMEBODY);
	core.psinfo.pr_uid = 0;
	ck_assert(!core_owner_of(&core).other);

	/* systemd-coredump's word is one of root. */
	if (fsetxattr(fd, "user.coredump.uid", "23456", 5, 0) != 0) {
		(void)puts("SKIP: no extended attributes in /tmp");
	} else {
		ck_assert(core_owner_read(fd, &core.user, &core.group));
		owner = core_owner_of(&core);
		ck_assert(owner.other && owner.user == 23456 && owner.group == NOBODY);
		/* Not at a file of somebody else, who can write it. */
		ck_assert_int_eq(fchown(fd, SOMEBODY, SOMEBODY), 0);
		ck_assert(core_owner_read(fd, &core.user, &core.group));
		ck_assert_uint_eq(core.user, SOMEBODY);
	}
	(void)close(fd);
}
END_TEST

START_TEST(only_regular_files_are_opened)
{
	char dir[] = "/tmp/core_files.XXXXXX", fifo[64];
	uint8_t first[PAGE];
	struct ps_prochandle *P;
	const struct notice *notice;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	P = grab(core_of_self(fifo, first), NULL);
	ck_assert(!reads_own_text(P));
	notice = notice_of(P, NOTICE_NOT_OPENED);
	ck_assert_ptr_nonnull(notice);
	ck_assert_int_eq(notice->error, EINVAL);
	Prelease(P, 0);
	ck_assert_int_eq(unlink(fifo), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	/* A regular file by its looks, and reading some of these does something. */
	P = grab(core_of_self("/proc/self/stat", first), NULL);
	ck_assert(!reads_own_text(P));
	notice = notice_of(P, NOTICE_NOT_OPENED);
	ck_assert_ptr_nonnull(notice);
	ck_assert_int_eq(notice->error, ENOTSUP);
	Prelease(P, 0);
	ck_assert_int_eq(core_open_regular("/proc/version"), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_int_eq(core_open_regular("/dev/null"), -1);
	ck_assert_int_eq(core_open_regular("/tmp"), -1);
	fd = core_open_regular("/proc/self/exe");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* Those of other such file systems, where they are mounted. Reading trace_pipe takes from it. */
START_TEST(generated_files_are_not_opened)
{
	static const char *const paths[] = { "/proc/kmsg", "/proc/self/mem", "/sys/kernel/notes",
		"/sys/kernel/tracing/trace_pipe", "/sys/kernel/debug/sleep_time",
		"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs",
		"/sys/kernel/security/lsm" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], F_OK) != 0) {
			(void)printf("SKIP: no %s here\n", paths[i]);
			continue;
		}
		ck_assert_msg(core_open_regular(paths[i]) == -1, "%s", paths[i]);
		ck_assert_msg(errno == ENOTSUP, "%s: %d", paths[i], errno);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core_files");
	TCase *tcase = tcase_create("core_files");

	tcase_add_test(tcase, text_from_the_file);
	tcase_add_test(tcase, missing_executable);
	tcase_add_test(tcase, executable_given);
	tcase_add_test(tcase, other_files_keep_their_paths);
	tcase_add_test(tcase, root_of_a_container);
	tcase_add_test(tcase, another_executable_given);
	tcase_add_test(tcase, only_regular_files_are_opened);
	tcase_add_test(tcase, generated_files_are_not_opened);
	tcase_add_test(tcase, what_the_owner_may_not_read);
	tcase_add_test(tcase, who_owns_a_core);
	tcase_add_test(tcase, a_user_as_root);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
