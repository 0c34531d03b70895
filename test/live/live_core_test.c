/* Cores of every interpreter, written by the kernel and by gcore. The stacks must be those of the
 * living process. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/live.h"
#include "support/native.h"

/* Run pystack CORE and compare. Paths in the core are below root `in` (NULL: the machine's). */
static void check_core(struct fixture *f, const struct interpreter *in, long pid, const char *core,
    const char *killed, bool native)
{
	const struct run_options opt = { .in = in, .cwd = f->dir };
	struct strbuf wrong = STRBUF_EMPTY;
	char path[PATH_MAX], head[PATH_MAX + 64];
	const char *why = "";
	struct output out;
	struct run r;

	fixture_path(in, core, path, sizeof(path));
	r = run_tool(&opt, ARGS(path));
	(void)snprintf(head, sizeof(head), "core '%s' of %ld:\t", path, pid);
	live_compare(f, &r, head, COMPARE_CORE, &out, &wrong);
	if (killed == NULL && out.killed != NULL)
		strbuf_fmt(&wrong, "nothing killed it, but: %s\n", out.killed);
	if (killed != NULL && (out.killed == NULL || strncmp(out.killed, killed, strlen(killed)) != 0))
		strbuf_fmt(
		    &wrong, "killed: %s, in truth %s\n", out.killed == NULL ? "no line" : out.killed, killed);
	if (native && native_compare(f->in, pid, core, f->in->path, &out, &wrong, &why) < 0)
		(void)printf("SKIP: native frames of a core of %s: %s\n", f->in->label, why);
	output_free(&out);
	live_judge(f->in->label, &wrong);
}

/* args under interpreter i, killed by sig (0: by itself). */
static void kernel_core(int i, const char *const args[], int sig, const char *killed, bool native)
{
	const struct interpreter *in = &live_interpreters(NULL)[i];
	const char *why = "";
	char core[PATH_MAX];
	struct fixture f;
	pid_t pid;

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = sig == 0 }, args);
	pid = f.pid;
	if (fixture_core(&f, sig, core, &why))
		check_core(&f, in, pid, core, killed, native);
	else
		(void)printf("SKIP: core of %s: %s\n", in->label, why);
	fixture_end(&f);
}

START_TEST(kernel_every_version)
{
	kernel_core(_i, ARGS("@every_version.py", "%"), SIGABRT, "killed by SIGABRT", true);
}
END_TEST

START_TEST(kernel_all_scenes)
{
	kernel_core(_i, ARGS("@scenes.py", "%"), SIGABRT, "killed by SIGABRT", true);
}
END_TEST

START_TEST(kernel_null_pointer)
{
	kernel_core(_i, ARGS("@crash.py", "%", "null"), 0, "killed by SIGSEGV at 0x10", true);
}
END_TEST

/* A call through a null pointer has a frame of its own, and is not a gap. */
START_TEST(kernel_null_call)
{
	kernel_core(_i, ARGS("@crash.py", "%", "call"), 0, "killed by SIGSEGV at 0x0", false);
}
END_TEST

START_TEST(kernel_abort)
{
	kernel_core(_i, ARGS("@crash.py", "%", "abort"), 0, "killed by SIGABRT", true);
}
END_TEST

START_TEST(kernel_in_del)
{
	kernel_core(_i, ARGS("@crash.py", "%", "del"), 0, "killed by SIGSEGV at 0x10", true);
}
END_TEST

START_TEST(kernel_deep)
{
	kernel_core(_i, ARGS("@deep.py", "%"), SIGABRT, "killed by SIGABRT", false);
}
END_TEST

/* Is `text` on stderr, or not? */
static void check_said(struct run *r, const char *text, bool said, const char *what)
{
	ck_assert_msg(
	    (strstr(r->err, text) != NULL) == said, "%s: %s: %.800s", what, said ? "lacks" : "has", r->err);
}

/* Cores with more and more of their end missing. The message about that comes first, and
 * consequences are not reported as other causes. */
START_TEST(kernel_cut)
{
	static const char *const guesses[] = { "non-standard layout", "cannot be checked", "unknown version",
		"unknown build", "no Python interpreter found" };
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char core[PATH_MAX], what[128], first[PATH_MAX + 64];
	const char *why = "";
	struct fixture f;
	struct run r;
	struct stat st;

	if (in->root[0] != 0)
		return;
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	if (!fixture_core(&f, SIGABRT, core, &why)) {
		(void)printf("SKIP: core of %s: %s\n", in->label, why);
		fixture_end(&f);
		return;
	}
	(void)snprintf(first, sizeof(first), "pystack: %s: core is truncated: ", core);
	ck_assert_int_eq(stat(core, &st), 0);
	for (int percent = 99; percent > 2; percent -= 8) {
		ck_assert_int_eq(truncate(core, st.st_size * percent / 100), 0);
		r = TOOL(core);
		(void)snprintf(what, sizeof(what), "%s, %d %% of its core", in->label, percent);
		ck_assert_msg(r.status == 1 && strncmp(r.err, first, strlen(first)) == 0,
		    "%s: exit %d, %.800s", what, r.status, r.err);
		for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++)
			check_said(&r, guesses[i], false, what);
		ck_assert_msg(strstr(r.out, "just being entered") == NULL, "%s: %.4000s", what, r.out);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

/* A core without the headers of its files: files are used by name unless something contradicts
 * them. */
START_TEST(kernel_without_headers)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char core[PATH_MAX], root[PATH_MAX], exe[PATH_MAX] = "";
	const char *why = "";
	struct fixture f;
	struct run r;

	if (in->root[0] != 0)
		return;
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(core, sizeof(core), "echo 0x01 >/proc/%d/coredump_filter", (int)f.pid);
	r = run_program(NULL, ARGS("sh", "-c", core));
	ck_assert_msg(r.status == 0, "%s", r.err);
	run_free(&r);
	(void)snprintf(root, sizeof(root), "/proc/%d/exe", (int)f.pid);
	ck_assert_int_gt(readlink(root, exe, sizeof(exe) - 1), 0);
	if (!fixture_core(&f, SIGABRT, core, &why)) {
		(void)printf("SKIP: core of %s: %s\n", in->label, why);
		fixture_end(&f);
		return;
	}
	r = TOOL(core);
	ck_assert_msg(r.status == 0 && strstr(r.out, "`read+0x") != NULL, "exit %d, %.800s", r.status, r.err);
	check_said(&r, "cannot be checked against the mapped ones (", true, in->label);
	ck_assert_msg(strchr(r.err, '\n') == r.err + strlen(r.err) - 1, "more than one line: %s", r.err);
	run_free(&r);
	/* Another program is at the path, and the libraries are missing. */
	(void)snprintf(root, sizeof(root), "%s/root", f.dir);
	r = run_program(NULL, ARGS("sh", "-c", "mkdir -p \"$0${1%/*}\" && cp /bin/cat \"$0$1\"", root, exe));
	ck_assert_msg(r.status == 0, "%s", r.err);
	run_free(&r);
	r = TOOL("-v", "--sysroot", root, core);
	ck_assert_int_eq(r.status, 1);
	check_said(&r, "is not the file that was mapped", true, in->label);
	check_said(&r, "put the file that was mapped there", true, in->label);
	check_said(&r, "with this build-id", false, in->label);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* gcore is slow and its cores are big: one interpreter of each family. */
static bool for_gcore(const struct interpreter *in)
{
	size_t n;
	const struct interpreter *all = live_interpreters(&n);

	for (const struct interpreter *other = all; other < in; other++) {
		if (other->major == in->major && (other->minor <= 10) == (in->minor <= 10))
			return false;
	}
	return true;
}

/* gdb 13 leaves out a whole stack whose guard is not a mapping of its own (glibc 2.42); gdb 18 does
 * not. The vsyscall page cannot be read. */
static bool gcore_whole(const char *said)
{
	static const char failed[] = "Memory read failed for corefile section, ";

	while ((said = strstr(said, failed)) != NULL) {
		said += strlen(failed);
		if (strncmp(said, "4096 bytes at 0xffffffffff600000", 32) != 0)
			return false;
	}
	return true;
}

/* A root may have the gdb of its suite, which knows its C library. */
static bool has_own_gcore(const struct interpreter *in)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/usr/bin/gcore", in->root);
	return in->root[0] != 0 && access(path, X_OK) == 0;
}

START_TEST(gcore_all_scenes)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	const struct interpreter *below = has_own_gcore(in) ? in : NULL;
	char prefix[PATH_MAX], pid[16], core[PATH_MAX + 20];
	struct run_options opt = { .in = below, .own = true, .timeout = 200 };
	struct fixture f;
	struct run r;

	if (!for_gcore(in))
		return;
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(core, sizeof(core), "%.200s/gcore", f.dir);
	fixture_path(below, core, prefix, sizeof(prefix));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(core, sizeof(core), "%.200s/gcore.%s", f.dir, pid);
	opt.beside = below == NULL ? 0 : f.pid;
	r = run_program(&opt, ARGS(below == NULL ? "gcore" : "/usr/bin/gcore", "-o", prefix, pid));
	if (!gcore_whole(r.err) || !gcore_whole(r.out))
		(void)printf("SKIP: gcore of %s: this gdb cannot read all of its memory\n", in->label);
	else if (r.status == 0)
		check_core(&f, below, f.pid, core, NULL, false);
	else
		(void)printf("SKIP: gcore of %s: exit %d\n", in->label, r.status);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cores");
	TCase *c = tcase_create("every interpreter");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, kernel_every_version, 0, (int)n);
	live_add(c, kernel_null_pointer);
	live_add(c, kernel_null_call);
	live_add(c, kernel_abort);
	live_add(c, kernel_in_del);
	live_add(c, kernel_all_scenes);
	live_add(c, kernel_deep);
	live_add(c, gcore_all_scenes);
	live_add(c, kernel_cut);
	live_add(c, kernel_without_headers);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
