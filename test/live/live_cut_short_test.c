/* A file that is truncated while pystack reads it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/core_builder.h"
#include "support/live.h"

enum { THREADS = 4000, PAGE = 4096, STACKS = 0x10000000, OUTPUT_MAX = 1 << 20 };

/* A core of many threads, each with a page of stack: its output is more than a pipe holds. */
static void save_core(const char *path)
{
	struct core_builder *b = core_builder_create();
	uint8_t page[PAGE] = { 0 };

	for (int i = 0; i < THREADS; i++) {
		const uint64_t sp = STACKS + (uint64_t)i * 2 * PAGE + 8;
		const uint64_t regs[CB_REGS] = { [CB_RSP] = sp, [CB_RIP] = sp, [CB_RBP] = sp };

		core_builder_prstatus(b, 100 + i, 0, regs);
		core_builder_load(b, sp - 8, PAGE, 6, page, PAGE);
	}
	core_builder_save(b, path);
	core_builder_destroy(b);
}

struct child {
	pid_t pid;
	int out, err;
};

static struct child start(const char *core)
{
	int out[2], err[2];
	struct child c;

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(err), 0);
	c.pid = fork();
	ck_assert_int_ge(c.pid, 0);
	if (c.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		for (int fd = 3; fd < 64; fd++)
			(void)close(fd);
		(void)execl(spawn_tool(), "pystack", "-F", core, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	c.out = out[0];
	c.err = err[0];
	return c;
}

/* All that comes until its end, NUL-terminated. */
static char *drain(int fd, size_t *n)
{
	char *text = calloc(1, OUTPUT_MAX + 1);
	ssize_t got = 1;

	ck_assert_ptr_nonnull(text);
	for (*n = 0; got > 0 && *n<OUTPUT_MAX; *n += got> 0 ? (size_t)got : 0)
		got = read(fd, text + *n, OUTPUT_MAX - *n);
	(void)close(fd);
	return text;
}

/* Its output fills the pipe, so it is in the middle when the first byte has come. */
START_TEST(core_loses_its_end)
{
	char core[] = "/tmp/pystack-cut-XXXXXX", byte;
	int fd = mkstemp(core), status;
	struct child c;
	char *out, *err;
	size_t n, err_n;

	ck_assert_int_ge(fd, 0);
	save_core(core);
	c = start(core);
	ck_assert_int_eq(read(c.out, &byte, 1), 1);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	out = drain(c.out, &n);
	err = drain(c.err, &err_n);
	ck_assert_int_eq(waitpid(c.pid, &status, 0), c.pid);
	(void)unlink(core);
	(void)close(fd);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %#x, %s", (unsigned)status, err);
	/* The printed text is complete up to the end of a line. */
	ck_assert_ptr_nonnull(strstr(out, "thread# 100 "));
	ck_assert_ptr_null(strstr(out, "thread# 4099 "));
	ck_assert_int_eq(out[n - 1], '\n');
	ck_assert_ptr_nonnull(strstr(err, core));
	ck_assert_ptr_nonnull(strstr(err, "file was truncated or became unreadable"));
	ck_assert_ptr_eq(strchr(err, '\n'), err + err_n - 1);
	free(out);
	free(err);
}
END_TEST

/* The signal from outside kills as it always did. */
START_TEST(sent_by_somebody)
{
	char core[] = "/tmp/pystack-cut-XXXXXX", byte;
	int fd = mkstemp(core), status;
	struct child c;
	char *err;
	size_t n;

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	save_core(core);
	c = start(core);
	ck_assert_int_eq(read(c.out, &byte, 1), 1);
	ck_assert_int_eq(kill(c.pid, SIGBUS), 0);
	ck_assert_int_eq(waitpid(c.pid, &status, 0), c.pid);
	err = drain(c.err, &n);
	(void)close(c.out);
	(void)unlink(core);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "status %#x", (unsigned)status);
	ck_assert_uint_eq(n, 0);
	free(err);
}
END_TEST

static Suite *cut_short_suite(void)
{
	Suite *suite = suite_create("live_cut_short");
	TCase *tcase = tcase_create("cut_short");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, core_loses_its_end);
	tcase_add_test(tcase, sent_by_somebody);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return live_main(cut_short_suite);
}
