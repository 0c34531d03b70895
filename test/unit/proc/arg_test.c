/* What operands name. The two functions that grab are replaced; they only record their
 * arguments. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/fake_process.h"
#include "support/run_suite.h"

static pid_t grabbed_pid;
static bool grabbed_core;
static const char *grabbed_aout;
static struct fake_process fake;

struct ps_prochandle *Pgrab(pid_t pid, int flags, int *perr)
{
	grabbed_pid = pid;
	if (flags == PGRAB_NOSTOP) {
		*perr = G_PERM;
		return NULL;
	}
	return fake_grab(&fake);
}

struct ps_prochandle *Pfgrab_core(int fd, const char *aout, int *perr)
{
	(void)perr;
	grabbed_core = true;
	grabbed_aout = aout;
	ck_assert_int_eq(close(fd), 0);
	return fake_grab(&fake);
}

enum { BOTH = PR_ARG_PIDS | PR_ARG_CORES };

static char folder[32];
static char text[256];
static const char *lwps;
static int code;

/* 'p' or 'c': kind of the grab; '-': none, see code. */
static char grab_as(const char *operand, int oflag)
{
	struct ps_prochandle *P;

	grabbed_pid = 0;
	grabbed_core = false;
	code = 0;
	lwps = "untouched";
	(void)snprintf(text, sizeof(text), "%s", operand);
	P = proc_arg_xgrab(text, "/bin/exec", oflag, PGRAB_RDONLY, &code, &lwps);
	Prelease(P, 0);
	/* The result points into the argument. */
	ck_assert_str_eq(text, operand);
	if (P == NULL)
		return '-';
	return grabbed_core ? 'c' : 'p';
}

static char grab(const char *operand)
{
	return grab_as(operand, BOTH);
}

static void write_file(const char *name, const void *bytes, size_t n)
{
	FILE *out = fopen(name, "we");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
	(void)fclose(out);
}

static void write_elf(const char *name, unsigned type, unsigned char order)
{
	Elf64_Ehdr ehdr = { .e_type = (Elf64_Half)type };

	memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
	ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	ehdr.e_ident[EI_DATA] = order;
	write_file(name, &ehdr, sizeof(ehdr));
}

static char self_name[32];

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/pystack-arg-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	(void)snprintf(self_name, sizeof(self_name), "%d", (int)getpid());
	write_elf("core", ET_CORE, ELFDATA2LSB);
	write_elf("core.7", ET_CORE, ELFDATA2LSB);
	write_elf("program", ET_EXEC, ELFDATA2LSB);
	write_elf("foreign", ET_CORE << 8, ELFDATA2MSB);
	write_elf(self_name, ET_CORE, ELFDATA2LSB);
	write_file("text", "hello, this is no core", 22);
	write_file("tiny", "\177ELF", 4);
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	write_elf("dir/core", ET_CORE, ELFDATA2LSB);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
}

static void teardown(void)
{
	const char *const names[] = { "core", "core.7", "program", "foreign", "text", "tiny", "dir/core",
		"fifo", "socket", self_name };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	(void)rmdir("dir");
	(void)rmdir(folder);
}

START_TEST(processes)
{
	char operand[64];

	ck_assert_int_eq(grab(self_name), 'p');
	ck_assert_int_eq(grabbed_pid, getpid());
	ck_assert_ptr_null(lwps);

	(void)snprintf(operand, sizeof(operand), "/proc/%s", self_name);
	ck_assert_int_eq(grab(operand), 'p');
	ck_assert_int_eq(grabbed_pid, getpid());
	ck_assert_ptr_null(lwps);

	(void)snprintf(operand, sizeof(operand), "%s/1-3,7", self_name);
	ck_assert_int_eq(grab(operand), 'p');
	ck_assert_str_eq(lwps, "1-3,7");
	ck_assert(lwps > text && lwps < text + sizeof(text));

	(void)snprintf(operand, sizeof(operand), "/proc/%s/2", self_name);
	ck_assert_int_eq(grab(operand), 'p');
	ck_assert_str_eq(lwps, "2");

	(void)snprintf(operand, sizeof(operand), "./%s", self_name);
	ck_assert_int_eq(grab(operand), 'c');
}
END_TEST

START_TEST(cores)
{
	ck_assert_int_eq(grab("core"), 'c');
	ck_assert_ptr_null(lwps);
	ck_assert_str_eq(grabbed_aout, "/bin/exec");
	ck_assert_int_eq(grab("dir/core"), 'c');
	ck_assert_ptr_null(lwps);
	ck_assert_int_eq(grab("core.7/2-"), 'c');
	ck_assert_str_eq(lwps, "2-");
	ck_assert_int_eq(grab("dir/core/-5"), 'c');
	ck_assert_str_eq(lwps, "-5");
}
END_TEST

static void expect(const char *operand, int oflag, int expected)
{
	ck_assert_int_eq(grab_as(operand, oflag), '-');
	ck_assert_msg(
	    code == expected, "%s: %d (%s), expected %d", operand, code, Pgrab_error(code), expected);
	ck_assert_ptr_null(lwps);
}

START_TEST(refusals)
{
	expect("no-such-file", BOTH, G_NOPROCORCORE);
	expect("no-such-file", PR_ARG_CORES, G_NOCORE);
	expect("no-such-file", PR_ARG_PIDS, G_NOPROC);
	expect("dir/no-such-file", BOTH, G_NOPROCORCORE);
	expect("core", PR_ARG_PIDS, G_NOPROC);
	expect("program", BOTH, G_FORMAT);
	expect("text", BOTH, G_FORMAT);
	expect("text/2", BOTH, G_FORMAT);
	expect("tiny", BOTH, G_FORMAT);
	expect("foreign", BOTH, G_ISAINVAL);
	expect("", BOTH, G_NOPROCORCORE);
	expect("/", BOTH, G_FORMAT);
	expect("dir", BOTH, G_FORMAT);
	expect("dir/", BOTH, G_FORMAT);
	expect("99999999", BOTH, G_NOPROC);
	expect("99999999/3", BOTH, G_NOPROC);
	expect("/proc/99999999", BOTH, G_NOPROC);
	expect("/proc/99999999/3", BOTH, G_NOPROC);
	expect("0", BOTH, G_NOPROC);
	expect("99999999999999999999", BOTH, G_NOPROCORCORE);
	expect("core.7/x", BOTH, G_BADLWPS);
	expect("core.7/", BOTH, G_BADLWPS);
	expect("core.7/,1", BOTH, G_BADLWPS);
}
END_TEST

START_TEST(what_is_no_file_is_never_opened)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	expect("fifo", BOTH, G_FORMAT);
	expect("fifo/3", BOTH, G_FORMAT);
	expect("socket", BOTH, G_FORMAT);
	expect("/dev/null", BOTH, G_FORMAT);
	expect("/dev/tty", BOTH, G_FORMAT);
}
END_TEST

START_TEST(the_reason_of_the_grab_is_handed_on)
{
	(void)snprintf(text, sizeof(text), "%s/1", self_name);
	ck_assert_ptr_null(proc_arg_xgrab(text, NULL, BOTH, PGRAB_NOSTOP, &code, &lwps));
	ck_assert_int_eq(code, G_PERM);
	ck_assert_ptr_null(proc_arg_xgrab(self_name, NULL, BOTH, PGRAB_NOSTOP, &code, &lwps));
	ck_assert_int_eq(code, G_PERM);
}
END_TEST

START_TEST(lwps_that_nobody_wants_are_part_of_the_name)
{
	(void)snprintf(text, sizeof(text), "%s/1", self_name);
	ck_assert_ptr_null(proc_arg_xgrab(text, NULL, BOTH, PGRAB_RDONLY, &code, NULL));
	(void)snprintf(text, sizeof(text), "dir/core");
	Prelease(proc_arg_xgrab(text, NULL, BOTH, PGRAB_RDONLY, &code, NULL), 0);
	ck_assert(grabbed_core);
}
END_TEST

static void *thread_main(void *arg)
{
	char operand[32];

	(void)snprintf(operand, sizeof(operand), "%d", (int)syscall(SYS_gettid));
	*(char *)arg = grab(operand);
	return NULL;
}

START_TEST(a_thread_is_no_process)
{
	pthread_t thread;
	char grabbed = '?';

	ck_assert_int_eq(pthread_create(&thread, NULL, thread_main, &grabbed), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(grabbed, '-');
	ck_assert_int_eq(code, G_NOPROC);
}
END_TEST

START_TEST(unreadable_cores_are_a_matter_of_permission)
{
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
		(void)printf("SKIP: cannot become an ordinary user\n");
		return;
	}
	ck_assert_int_eq(grab("core"), '-');
	ck_assert_int_eq(code, G_PERM);
}
END_TEST

static void setup_unreadable(void)
{
	setup();
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chmod("core", 0), 0);
}

START_TEST(sets)
{
	ck_assert_int_eq(proc_lwp_in_set(NULL, 5), 1);
	ck_assert_int_eq(proc_lwp_in_set("5", 5), 1);
	ck_assert_int_eq(proc_lwp_in_set("5", 50), 0);
	ck_assert_int_eq(proc_lwp_in_set("1-3,7", 3), 1);
	ck_assert_int_eq(proc_lwp_in_set("1-3,7", 4), 0);
	ck_assert_int_eq(proc_lwp_in_set("1-3,7", 7), 1);
	ck_assert_int_eq(proc_lwp_in_set("3-1", 2), 1);
	ck_assert_int_eq(proc_lwp_in_set("10-", 9), 0);
	ck_assert_int_eq(proc_lwp_in_set("10-", INT32_MAX), 1);
	ck_assert_int_eq(proc_lwp_in_set("-10", 0), 1);
	ck_assert_int_eq(proc_lwp_in_set("-10", 11), 0);
	ck_assert_int_eq(proc_lwp_in_set("-", 0), 1);
	ck_assert_int_eq(proc_lwp_in_set("-", INT32_MAX), 1);
	ck_assert_int_eq(proc_lwp_in_set("2-,1", 1), 1);
	ck_assert_int_eq(proc_lwp_in_set("5,", 5), 0);
	ck_assert_int_eq(proc_lwp_in_set("", 0), 0);
}
END_TEST

START_TEST(grammar_of_sets)
{
	const char *const good[] = { "1", "1,2", "1-2", "2-1", "1-", "-1", "1-,2", "2147483647", "0", "-",
		"-,5" };
	const char *const bad[] = { "", ",", ",1", "1,", "1,,2", "1-2-3", "--1", "a", "1a", "1 ", " 1", "+1",
		"2147483648", "1-99999999999999999999", "0x10", "1-a" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(proc_lwp_range_valid(good[i]) == 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(proc_lwp_range_valid(bad[i]) == -1, "%s", bad[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { processes, cores, refusals, what_is_no_file_is_never_opened,
		the_reason_of_the_grab_is_handed_on, lwps_that_nobody_wants_are_part_of_the_name,
		a_thread_is_no_process, sets, grammar_of_sets };
	Suite *suite = suite_create("arg");
	TCase *tcase = tcase_create("operands");
	TCase *refused = tcase_create("permission");

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	/* Set up outside the process that drops its rights, so that the directory can be
	 * removed. */
	tcase_add_unchecked_fixture(refused, setup_unreadable, teardown);
	tcase_add_test(refused, unreadable_cores_are_a_matter_of_permission);
	suite_add_tcase(suite, refused);
	return run_made_suite(suite);
}
