/* Cores written by the kernel and by gcore. The child of a fork has everything at its address here,
 * so the contents of the core are known. */
#include <check.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <libproc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/handle.h"
#include "support/run_suite.h"

static volatile uint64_t marker = 1;

/* Make a directory for cores, which drop_dir removes with its files. */
static void make_dir(char dir[32])
{
	(void)strcpy(dir, "/tmp/core_real.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Path of the one file in dir; false: it is empty. */
static bool only_file(const char *dir, char path[320])
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	bool found = false;

	ck_assert_ptr_nonnull(stream);
	while ((entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, 320, "%s/%s", dir, entry->d_name);
		found = true;
	}
	(void)closedir(stream);
	return found;
}

static void drop_dir(const char *dir)
{
	char path[320];

	while (only_file(dir, path))
		ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Is the kernel's core pattern a plain name in the working directory? Other patterns are of no
 * use. */
static bool plain_core_pattern(void)
{
	char pattern[256] = "";
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

	if (file != NULL) {
		if (fgets(pattern, sizeof(pattern), file) == NULL)
			pattern[0] = '\0';
		(void)fclose(file);
	}
	return pattern[0] != '\0' && pattern[0] != '|' && strchr(pattern, '/') == NULL;
}

static void crash_in(const char *dir) __attribute__((noreturn));
static void crash_in(const char *dir)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	marker = 0x1122334455667788;
	/* A sanitizer has handlers, and turns cores off. */
	(void)signal(SIGSEGV, SIG_DFL);
	if (chdir(dir) != 0 || setrlimit(RLIMIT_CORE, &all) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0)
		_exit(1);
	(void)raise(SIGSEGV);
	_exit(2);
}

/* Check that the first `n` code bytes of this program equal those read at their address. */
static void check_text(struct ps_prochandle *P)
{
	char got[256];
	uintptr_t at = getauxval(AT_ENTRY);

	ck_assert_int_eq(Pread(P, got, sizeof(got), at), (ssize_t)sizeof(got));
	ck_assert_int_eq(memcmp(got, (const void *)at, sizeof(got)), 0);
}

START_TEST(kernel_core)
{
	char dir[32], path[320], name[64];
	struct ps_prochandle *P;
	const lwpstatus_t *lwp;
	GElf_Sym sym;
	uint64_t got = 0;
	int status, err = 0;
	pid_t child;

	if (!plain_core_pattern()) {
		printf("SKIP: kernel.core_pattern is no plain file name\n");
		return;
	}
	make_dir(dir);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		crash_in(dir);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	if (!WCOREDUMP(status) || !only_file(dir, path)) {
		printf("SKIP: the kernel writes no core here\n");
		drop_dir(dir);
		return;
	}
	P = Pgrab_core(path, NULL, PGRAB_RDONLY, &err);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	lwp = &Pstatus(P)->pr_lwp;
	ck_assert_int_eq(Ppsinfo(P)->pr_pid, child);
	ck_assert_int_eq(lwp->pr_lwpid, child);
	ck_assert_int_eq(lwp->pr_cursig, SIGSEGV);
	ck_assert_int_eq(lwp->pr_info.pr_code, SI_TKILL);
	ck_assert_int_eq(lwp->pr_info.pr_pid, child);
	ck_assert_uint_eq(Pcontent(P) & (CC_CONTENT_STACK | CC_CONTENT_DATA | CC_CONTENT_ANON),
	    CC_CONTENT_STACK | CC_CONTENT_DATA | CC_CONTENT_ANON);
	ck_assert_int_eq(Pread(P, &got, sizeof(got), (uintptr_t)&marker), 8);
	ck_assert_uint_eq(got, 0x1122334455667788);
	check_text(P);
	/* It was in raise, which is in the C library. */
	ck_assert_ptr_nonnull(Pobjname(P, (uintptr_t)lwp->pr_reg[R_PC], path, sizeof(path)));
	ck_assert_ptr_nonnull(strstr(path, "libc.so"));
	ck_assert_ptr_nonnull(Pobjname(P, getauxval(AT_SYSINFO_EHDR), path, sizeof(path)));
	ck_assert_str_eq(path, "linux-vdso.so.1");
	ck_assert_int_eq(Plookup_by_addr(P, (uintptr_t)&fork, name, sizeof(name), &sym), 0);
	ck_assert_ptr_nonnull(strstr(name, "fork"));
	ck_assert_uint_eq(handle_objects(P)->notices.n, 0);
	Prelease(P, 0);
	drop_dir(dir);
}
END_TEST

/* Start `sleep 1000`; returns once it has been exec'd. */
static pid_t start_sleep(void)
{
	int ready[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execlp("sleep", "sleep", "1000", (char *)NULL);
		_exit(127);
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	(void)close(ready[0]);
	return child;
}

/* False: gcore cannot be run. */
static bool run_gcore(const char *dir, pid_t target)
{
	char prefix[64], number[16];
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)snprintf(prefix, sizeof(prefix), "%s/g", dir);
		(void)snprintf(number, sizeof(number), "%d", (int)target);
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
		(void)execlp("gcore", "gcore", "-o", prefix, number, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(gcore_core)
{
	char dir[32], path[320], got[64];
	struct ps_prochandle *P;
	int status, err = 0;
	pid_t child;
	uintptr_t pc;
	bool made;

	make_dir(dir);
	child = start_sleep();
	made = run_gcore(dir, child) && only_file(dir, path);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (!made) {
		printf("SKIP: gcore (of gdb) is not here or not allowed\n");
		drop_dir(dir);
		return;
	}
	P = Pgrab_core(path, NULL, PGRAB_RDONLY, &err);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	ck_assert_int_eq(Ppsinfo(P)->pr_pid, child);
	ck_assert_int_eq(Ppsinfo(P)->pr_nlwp, 1);
	ck_assert_str_eq(Ppsinfo(P)->pr_fname, "sleep");
	ck_assert_str_eq(Ppsinfo(P)->pr_psargs, "sleep 1000");
	ck_assert_int_eq(Pstatus(P)->pr_lwp.pr_cursig, 0);
	ck_assert_uint_ne(Pcontent(P) & CC_CONTENT_STACK, 0);
	ck_assert_ptr_nonnull(strstr(Pexecname(P, path, sizeof(path)), "/"));
	/* Text is in no segment; it comes from the file. */
	pc = (uintptr_t)Pstatus(P)->pr_lwp.pr_reg[R_PC];
	ck_assert_ptr_nonnull(Pobjname(P, pc, path, sizeof(path)));
	ck_assert_int_eq(Pread(P, got, sizeof(got), pc), (ssize_t)sizeof(got));
	ck_assert_int_eq(
	    Pread(P, got, sizeof(got), (uintptr_t)Pgetauxval(P, AT_ENTRY)), (ssize_t)sizeof(got));
	Prelease(P, 0);
	drop_dir(dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core_real");
	TCase *tcase = tcase_create("core_real");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, kernel_core);
	tcase_add_test(tcase, gcore_core);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
