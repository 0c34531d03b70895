/* Parsers of hostile bytes, called with each file of their corpus. With sanitizers, this finds what
 * libFuzzer found once. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/parsers/parsers.h"
#include "support/run_suite.h"

static void (*const parsers[])(const uint8_t *, size_t) = {
#define FUNCTION(name) fuzz_##name,
	FUZZ_PARSERS(FUNCTION)
};
static const char *const names[] = {
#define NAME(name) #name,
	FUZZ_PARSERS(NAME)
};

static void replay(int folder, const char *name, void (*parser)(const uint8_t *, size_t))
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s", name);
	bytes = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(read(fd, bytes, (size_t)st.st_size), st.st_size);
	(void)close(fd);
	parser(bytes, (size_t)st.st_size);
	free(bytes);
}

START_TEST(corpus)
{
	char folder[PATH_MAX];
	const struct dirent *entry;
	size_t n = 0;
	DIR *d;

	(void)snprintf(folder, sizeof(folder), "%s/%s", FUZZ_CORPUS, names[_i]);
	d = opendir(folder);
	ck_assert_msg(d != NULL, "%s", folder);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay(dirfd(d), entry->d_name, parsers[_i]);
		n++;
	}
	(void)closedir(d);
	ck_assert_uint_gt(n, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("corpus of the parsers");
	TCase *tcase = tcase_create("corpus");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, corpus, 0, (int)(sizeof(parsers) / sizeof(parsers[0])));
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
