/* Cores that would cost a lot: many segments, many files, long paths. */
#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../support/core_builder.h"
#include "proc/core/core.h"
#include "proc/handle.h"
#include "support/notices.h"
#include "support/run_suite.h"

enum { PAGE = 4096, BASE = 0x10000000, MOST_BYTES = 100 << 20 };

static struct core_builder *one_lwp(void)
{
	const uint64_t regs[CB_REGS] = { [CB_RSP] = BASE };
	struct core_builder *b = core_builder_create();

	core_builder_prstatus(b, 7, 0, regs);
	return b;
}

static struct ps_prochandle *grab(struct core_builder *b)
{
	int err = 0, fd = core_builder_fd(b);
	struct ps_prochandle *P;

	core_builder_destroy(b);
	P = Pfgrab_core(fd, NULL, &err);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	return P;
}

/* Every second page of a file is saved: n segments, 2n mappings, one name. */
static struct core_builder *every_second(size_t n, const char *path)
{
	struct core_builder *b = one_lwp();

	core_builder_map(b, BASE, BASE + 2 * PAGE * n, 0, path);
	core_builder_files(b, PAGE);
	for (size_t i = 0; i < n; i++)
		core_builder_load(b, BASE + 2 * PAGE * i, PAGE, PF_R, NULL, 0);
	return b;
}

static const char *long_path(char path[PATH_MAX])
{
	memset(path, 'x', PATH_MAX - 1);
	path[0] = '/';
	path[PATH_MAX - 1] = '\0';
	return path;
}

static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* 32,000 times 4 kB would be more. */
START_TEST(one_path_is_kept_once)
{
	const size_t n = 16000;
	char path[PATH_MAX], name[PATH_MAX];
	struct core_builder *b = every_second(n, long_path(path));
	struct ps_prochandle *P = grab(b);

	ck_assert_uint_eq(P->objects->maps.n, 2 * n);
	ck_assert_uint_lt(allocated(), MOST_BYTES / 4);
	ck_assert_ptr_nonnull(Pobjname(P, BASE, name, sizeof(name)));
	ck_assert_str_eq(name, path);
	ck_assert_ptr_nonnull(Pobjname(P, BASE + 2 * PAGE * n - 1, name, sizeof(name)));
	ck_assert_str_eq(name, path);
	ck_assert_ptr_null(notice_of(P, NOTICE_CORE_MAPPINGS));
	Prelease(P, 0);
}
END_TEST

/* Two files: the first one's path is not given to the pieces of the second. */
START_TEST(paths_of_neighbours)
{
	struct core_builder *b = one_lwp();
	struct ps_prochandle *P;
	char name[PATH_MAX];

	core_builder_map(b, BASE, BASE + 3 * PAGE, 0, "/one");
	core_builder_map(b, BASE + 3 * PAGE, BASE + 6 * PAGE, 0, "/two");
	core_builder_files(b, PAGE);
	core_builder_load(b, BASE + PAGE, PAGE, PF_R, NULL, 0);
	core_builder_load(b, BASE + 4 * PAGE, PAGE, PF_R, NULL, 0);
	P = grab(b);
	ck_assert_uint_eq(P->objects->maps.n, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_str_eq(Pobjname(P, BASE + PAGE * i, name, sizeof(name)), i < 3 ? "/one" : "/two");
	Prelease(P, 0);
}
END_TEST

START_TEST(more_mappings_than_anybody_has)
{
	const size_t n = CORE_MAPS_MAX / 2 + 10;
	char path[PATH_MAX], name[PATH_MAX], byte;
	struct core_builder *b = every_second(n, long_path(path));
	const struct notice *notice;
	struct ps_prochandle *P;

	core_builder_load(b, BASE + 2 * PAGE * n, PAGE, PF_R, long_path(path), PATH_MAX);
	P = grab(b);
	ck_assert_uint_eq(P->objects->maps.n, CORE_MAPS_MAX);
	ck_assert_uint_lt(allocated(), MOST_BYTES);
	notice = notice_of(P, NOTICE_CORE_MAPPINGS);
	ck_assert_ptr_nonnull(notice);
	ck_assert(notice->failed);
	/* Mappings after the limit have no name, but their memory is readable. */
	ck_assert_ptr_null(Pobjname(P, BASE + 2 * PAGE * n - 1, name, sizeof(name)));
	ck_assert_int_eq(Pread(P, &byte, 1, BASE + 2 * PAGE * n + 1), 1);
	ck_assert_int_eq(byte, 'x');
	Prelease(P, 0);
}
END_TEST

static int count_object(void *data, const prmap_t *map, const char *name)
{
	(void)map, (void)name;
	++*(size_t *)data;
	return 0;
}

/* Each is found by its address, but not all of them are searched. */
START_TEST(more_files_than_anybody_has)
{
	const size_t n = 2 * LOADED_MAX;
	struct core_builder *b = one_lwp();
	struct ps_prochandle *P;
	char path[32], name[PATH_MAX];
	size_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/none/%zu", i);
		core_builder_map(b, BASE + PAGE * i, BASE + PAGE * (i + 1), 0, path);
	}
	core_builder_files(b, PAGE);
	P = grab(b);
	ck_assert_int_eq(Pobject_iter(P, count_object, &seen), 0);
	ck_assert_uint_eq(seen, LOADED_MAX);
	ck_assert_str_eq(Pobjname(P, BASE + PAGE * (n - 1), name, sizeof(name)), path);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core_limits");
	TCase *tcase = tcase_create("core_limits");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, one_path_is_kept_once);
	tcase_add_test(tcase, paths_of_neighbours);
	tcase_add_test(tcase, more_mappings_than_anybody_has);
	tcase_add_test(tcase, more_files_than_anybody_has);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
