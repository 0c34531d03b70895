/* Complete reads of files, pipes and /proc. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "support/run_suite.h"

/* A file of n bytes (byte i is i mod 251), readable through its path. */
static int make_file(size_t n, char path[64])
{
	int fd = memfd_create("fileio_test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)(i % 251);

		ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)i), 1);
	}
	(void)snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

START_TEST(pread_is_short_only_at_the_end)
{
	char path[64];
	unsigned char buf[100];
	int fd = make_file(300, path);

	ck_assert_int_eq(fileio_pread(fd, buf, 100, 150), 100);
	ck_assert_uint_eq(buf[0], 150);
	ck_assert_uint_eq(buf[99], 249);
	ck_assert_int_eq(fileio_pread(fd, buf, 100, 290), 10);
	ck_assert_int_eq(fileio_pread(fd, buf, 100, 300), 0);
	ck_assert_int_eq(fileio_pread(fd, buf, 0, 0), 0);
	(void)close(fd);
	ck_assert_int_eq(fileio_pread(-1, buf, 1, 0), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(slurp_reads_all_of_it)
{
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 16383, 16384, 20000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char path[64], *text = NULL;
		size_t n = 12345;
		int fd = make_file(sizes[i], path);

		ck_assert_int_eq(fileio_slurp(AT_FDCWD, path, 20000, &text, &n), 0);
		ck_assert_uint_eq(n, sizes[i]);
		ck_assert_int_eq(text[n], 0);
		for (size_t k = 0; k < n; k++)
			ck_assert_uint_eq((unsigned char)text[k], k % 251);
		free(text);
		(void)close(fd);
	}
}
END_TEST

START_TEST(slurp_stops_at_its_limit)
{
	char path[64], *text = NULL;
	size_t n = 77;
	int fd = make_file(5000, path);

	errno = 0;
	ck_assert_int_eq(fileio_slurp(AT_FDCWD, path, 4999, &text, &n), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_ptr_null(text);
	ck_assert_uint_eq(n, 77);
	ck_assert_int_eq(fileio_slurp(AT_FDCWD, path, 5000, &text, &n), 0);
	free(text);
	(void)close(fd);
}
END_TEST

START_TEST(slurp_of_proc_whose_size_is_zero)
{
	char *text = NULL;
	size_t n = 0;
	int dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(fileio_slurp(dir, "maps", 1 << 20, &text, &n), 0);
	ck_assert_uint_gt(n, 100);
	ck_assert_ptr_nonnull(strstr(text, "[stack]"));
	free(text);
	(void)close(dir);
}
END_TEST

START_TEST(slurp_fails_with_the_reason_and_never_waits)
{
	char *text = NULL, path[] = "/tmp/fileio_test.XXXXXX";
	size_t n = 3;

	ck_assert_int_eq(fileio_slurp(AT_FDCWD, "/nonexistent/file", 10, &text, &n), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(fileio_slurp(AT_FDCWD, "/", 10, &text, &n), -1);
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_ptr_null(text);
	ck_assert_uint_eq(n, 3);
	/* A FIFO without a writer reads as empty, without a wait. */
	ck_assert_ptr_nonnull(mkdtemp(path));
	{
		char fifo[64];

		(void)snprintf(fifo, sizeof(fifo), "%s/fifo", path);
		ck_assert_int_eq(mkfifo(fifo, 0600), 0);
		ck_assert_int_eq(fileio_slurp(AT_FDCWD, fifo, 10, &text, &n), 0);
		ck_assert_uint_eq(n, 0);
		free(text);
		(void)unlink(fifo);
		(void)rmdir(path);
	}
}
END_TEST

START_TEST(head_is_terminated_and_never_longer_than_its_buffer)
{
	static const struct {
		size_t file, buf;
		ssize_t got;
	} rows[] = { { 0, 10, 0 }, { 9, 10, 9 }, { 10, 10, 9 }, { 300, 10, 9 }, { 300, 1, 0 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[64], buf[12];
		int fd = make_file(rows[i].file, path);

		memset(buf, '#', sizeof(buf));
		ck_assert_int_eq(fileio_head(AT_FDCWD, path, buf, rows[i].buf), rows[i].got);
		ck_assert_int_eq(buf[rows[i].got], 0);
		ck_assert_int_eq(buf[rows[i].got + 1], '#');
		for (ssize_t k = 0; k < rows[i].got; k++)
			ck_assert_int_eq(buf[k], k);
		(void)close(fd);
	}
}
END_TEST

START_TEST(head_fails_with_the_reason)
{
	char buf[10];

	ck_assert_int_eq(fileio_head(AT_FDCWD, "/nonexistent/file", buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(fileio_head(AT_FDCWD, "/", buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, EISDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/fileio");
	TCase *tc = tcase_create("fileio");

	tcase_add_test(tc, pread_is_short_only_at_the_end);
	tcase_add_test(tc, slurp_reads_all_of_it);
	tcase_add_test(tc, slurp_stops_at_its_limit);
	tcase_add_test(tc, slurp_of_proc_whose_size_is_zero);
	tcase_add_test(tc, slurp_fails_with_the_reason_and_never_waits);
	tcase_add_test(tc, head_is_terminated_and_never_longer_than_its_buffer);
	tcase_add_test(tc, head_fails_with_the_reason);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
