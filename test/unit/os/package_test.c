/* Packages of files, by lists as dpkg has them. */
#include "os/package.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/run_suite.h"

static const struct {
	const char *list, *text;
} lists[] = {
	{ "python3.11-minimal.list", "/.\n/usr\n/usr/bin\n/usr/bin/python3.11\n/usr/bin/python3.11-x\n" },
	{ "libc6:amd64.list", "/lib/x86_64-linux-gnu/libc.so.6\n" },
	{ "libfoo1:amd64.list", "/usr/lib/libfoo.so.1\n/usr/lib/libfoo.so.1.0" },
	{ "python3.11-doc.list", "/usr/share/doc/x\n" },
	{ "other.txt", "/usr/lib/other.so\n" },
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static const struct {
	const char *path, *package;
	bool known;
} files[] = {
	{ "/usr/bin/python3.11", "python3.11-dbg", true },
	{ "/usr/lib/x86_64-linux-gnu/libc.so.6", "libc6-dbg", true },
	{ "/lib/x86_64-linux-gnu/libc.so.6", "libc6-dbg", true },
	{ "/usr/lib/libfoo.so.1.0", "libfoo1", false },
	{ "/usr/lib/libfoo.so", "", false },
	{ "/usr/share/doc/x", "python3.11-doc", false },
	{ "/usr/lib/other.so", "", false },
	{ "/bin/python3.11", "", false },
};

START_TEST(packages)
{
	char folder[] = "/tmp/pystack-lists-XXXXXX", path[300], out[100];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (size_t i = 0; i < LISTS; i++) {
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, lists[i].list);
		f = fopen(path, "w");
		ck_assert(f != NULL && fputs(lists[i].text, f) >= 0 && fclose(f) == 0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ck_assert_int_eq(
		    os_debug_package_in(folder, files[i].path, out, sizeof(out)), files[i].known);
		ck_assert_str_eq(out, files[i].package);
	}
	for (size_t i = 0; i < LISTS; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, lists[i].list);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert(!os_debug_package_in(folder, "/usr/bin/python3.11", out, sizeof(out)));
	ck_assert_str_eq(out, "");
}
END_TEST

int main(void)
{
	const TTest *tests[] = { packages };

	return run_suite("os/package", tests, sizeof(tests) / sizeof(tests[0]));
}
