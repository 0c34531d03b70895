/* Files in directories that the user names: by build-id, by path, by name; only regular ones. */
#include "proc/search.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "support/run_suite.h"

static char top[] = "/tmp/pystack-search-XXXXXX";

static const struct notice_id ab = { { 0xab, 0xcd, 0xef }, 3 };
static const struct notice_id none = { .n = 0 };

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A shell command in the directory of the test. */
static void run(const char *format, ...)
{
	char command[2000];
	va_list ap;
	int n = snprintf(command, sizeof(command), "cd %s && ", top);

	va_start(ap, format);
	(void)vsnprintf(command + n, sizeof(command) - (size_t)n, format, ap);
	va_end(ap);
	ck_assert_msg(system(command) == 0, "%s", command); // NOLINT(cert-env33-c)
}

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void end(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c)
}

struct seen {
	struct strbuf names; /* without top, each followed by a blank */
	size_t wanted;       /* the number of the file that is taken; 0: none */
};

static bool see(void *data, int fd)
{
	struct seen *seen = data;
	char self[32], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, path, sizeof(path) - 1);
	ck_assert_int_gt(n, (int)strlen(top));
	path[n] = '\0';
	strbuf_fmt(&seen->names, "%s ", path + strlen(top) + 1);
	return seen->wanted != 0 && --seen->wanted == 0;
}

/* The files tried for `path`, in order. */
static void expect(const char *dir, bool root, const struct notice_id *id, const char *path, const char *want)
{
	struct seen seen = { STRBUF_EMPTY, 0 };
	struct search *s = search_create();
	char in[PATH_MAX];

	(void)snprintf(in, sizeof(in), "%s/%s", top, dir);
	ck_assert(search_add(s, in, root));
	ck_assert(!search_files(s, id, path, see, &seen));
	ck_assert_str_eq(strbuf_text(&seen.names), want);
	strbuf_free(&seen.names);
	search_destroy(s);
}

START_TEST(by_build_id)
{
	begin();
	run("mkdir -p a/.build-id/ab a/usr/lib/debug/.build-id/ab a/abcdef");
	run("touch a/.build-id/ab/cdef a/.build-id/ab/cdef.debug a/usr/lib/debug/.build-id/ab/cdef");
	run("touch a/abcdef/executable a/abcdef/debuginfo");
	expect("a", false, &ab, "/usr/lib/libx.so",
	    "a/.build-id/ab/cdef a/usr/lib/debug/.build-id/ab/cdef a/abcdef/executable ");
	expect("a", false, &none, "/usr/lib/libx.so", "");
	expect("a", false, &ab, "libx.so", "");
	end();
}
END_TEST

START_TEST(by_name)
{
	begin();
	run("mkdir -p a/usr/lib a/lib a/deep/er && touch a/usr/lib/x a/lib/x a/x a/deep/er/x a/deep/y");
	run("mkfifo a/deep/x && mkdir -p a/z/x");
	/* With a build-id, which the caller compares, any of them may be it. */
	expect("a", false, &ab, "/usr/lib/y", "a/deep/y ");
	expect("a", false, &none, "/usr/lib/x", "a/usr/lib/x a/x ");
	expect("a", false, &none, "/usr/lib/y", "");
	expect("a/deep", false, &ab, "/var/overlay/merged/usr/lib/x", "a/deep/er/x ");
	run("rm a/deep/er/x && ln -s ../../x a/deep/er/x");
	/* Links are not followed by the search. */
	expect("a/deep", false, &ab, "/usr/lib/x", "");
	end();
}
END_TEST

START_TEST(below_a_root)
{
	begin();
	run("mkdir -p a/usr/lib b && touch a/usr/lib/x b/y && ln -s /usr/lib/x a/l1 && ln -s ../b/y a/l2");
	expect("a", true, &none, "/l1", "a/usr/lib/x ");
	expect("a", true, &none, "/l2", "");
	expect("a", false, &none, "/l2", "b/y ");
	end();
}
END_TEST

START_TEST(the_first_that_is_taken)
{
	struct seen seen = { STRBUF_EMPTY, 2 };
	struct search *s = search_create();
	char in[PATH_MAX];

	begin();
	run("mkdir -p a b c && touch a/x b/x c/x");
	for (const char *dir = "abc"; *dir != '\0'; dir++) {
		(void)snprintf(in, sizeof(in), "%s/%c", top, *dir);
		ck_assert(search_add(s, in, false));
	}
	(void)snprintf(in, sizeof(in), "%s/d", top);
	ck_assert(!search_add(s, in, false));
	ck_assert(!search_add(s, in, true));
	ck_assert(search_files(s, &none, "/x", see, &seen));
	ck_assert_str_eq(strbuf_text(&seen.names), "a/x b/x ");
	strbuf_free(&seen.names);
	search_destroy(s);
	end();
}
END_TEST

START_TEST(debug_files)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "/usr/lib/debug/.build-id/ab/cdef.debug", "a/.build-id/ab/cdef.debug" },
		{ "/usr/lib/debug/.build-id/12/34.debug", "a/1234/debuginfo" },
		{ "/usr/lib/x.debug", "a/x.debug" },
		{ "/usr/lib/debug/.build-id/no-slash", NULL },
		{ "/usr/lib/y.debug", NULL },
		{ "y.debug", NULL },
	};
	struct search *s = search_create();
	char in[PATH_MAX];

	begin();
	run("mkdir -p a/.build-id/ab a/1234 && touch a/.build-id/ab/cdef.debug a/1234/debuginfo a/x.debug");
	(void)snprintf(in, sizeof(in), "%s/a", top);
	ck_assert(search_add(s, in, false));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seen seen = { STRBUF_EMPTY, 0 };
		int fd = search_open_debug(s, rows[i].path);

		ck_assert_msg((fd >= 0) == (rows[i].want != NULL), "%s", rows[i].path);
		if (fd >= 0) {
			(void)see(&seen, fd);
			ck_assert_int_eq(
			    strncmp(strbuf_text(&seen.names), rows[i].want, strlen(rows[i].want)), 0);
			(void)close(fd);
		}
		strbuf_free(&seen.names);
	}
	search_destroy(s);
	end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = { by_build_id, by_name, below_a_root, the_first_that_is_taken, debug_files };

	return run_suite("proc/search", tests, sizeof(tests) / sizeof(tests[0]));
}
