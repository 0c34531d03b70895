/* Cores that are compressed, come through a pipe, or lie where systemd-coredump stores them: their
 * stacks are those of the plain file. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/live.h"

static const struct {
	const char *tool, *suffix, *library;
} formats[] = {
	{ "gzip", "gz", ", with zlib" },
	{ "xz", "xz", "with liblzma" },
	{ "zstd", "zst", "with libzstd" },
	{ "lz4", "lz4", "with liblz4" },
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

/* Run `script`, in which $P is pystack, $C the core and $D a directory for what it writes. */
static struct run run_script(const struct fixture *f, const char *core, const char *script)
{
	return run_program(&(struct run_options){ .cwd = f->dir },
	    ARGS("sh", "-c", "P=$0 C=$1 D=$2\n eval \"$3\"", spawn_tool(), core, f->dir, script));
}

/* The core of all scenes by the newest interpreter. False: this system writes none. */
static bool begin(struct fixture *f, char core[PATH_MAX], int *pid)
{
	const char *why = "";
	size_t n;
	const struct interpreter *in = live_interpreters(&n);

	for (size_t i = 0; i < n; i++) {
		if (in->root[0] != '\0' || !live_speaks(in))
			in = &live_interpreters(NULL)[i];
	}
	fixture_start(f, in, NULL, ARGS("@scenes.py", "%"));
	*pid = (int)f->pid;
	if (fixture_core(f, SIGABRT, core, &why))
		return true;
	(void)printf("SKIP: core of %s: %s\n", in->label, why);
	fixture_end(f);
	return false;
}

/* What follows the first line. */
static const char *stacks(const char *text)
{
	const char *end = strchr(text, '\n');

	return end == NULL ? "" : end + 1;
}

/* It must print the stacks of `plain`, and say nothing. */
static void same(struct run r, const struct run *plain, const char *what)
{
	ck_assert_msg(r.status == 0 && r.err[0] == '\0', "%s: exit %d, %.800s", what, r.status, r.err);
	ck_assert_msg(strcmp(stacks(r.out), stacks(plain->out)) == 0 && strchr(r.out, '\n') != NULL,
	    "%s: other stacks: %.4000s", what, r.out);
	run_free(&r);
}

static bool has_tool(const char *tool)
{
	struct run r = run_program(NULL, ARGS("sh", "-c", "command -v \"$0\"", tool));
	bool has = r.status == 0;

	if (!has)
		(void)printf("SKIP: %s is not installed\n", tool);
	run_free(&r);
	return has;
}

static bool has_library(int i)
{
	struct run r = TOOL("--version");
	char wanted[64];
	bool has;

	(void)snprintf(wanted, sizeof(wanted), "%s", formats[i].library + (i == 0 ? 2 : 0));
	has = strstr(r.out, wanted) != NULL;
	run_free(&r);
	return has;
}

START_TEST(compressed)
{
	char core[PATH_MAX], script[256], name[64];
	struct fixture f;
	struct run plain, r;
	int pid;

	if (!has_tool(formats[_i].tool) || !begin(&f, core, &pid))
		return;
	(void)snprintf(script, sizeof(script), "%s -1 -c \"$C\" >core.%s && \"$P\" core.%s", formats[_i].tool,
	    formats[_i].suffix, formats[_i].suffix);
	r = run_script(&f, core, script);
	if (!has_library(_i)) {
		ck_assert_int_eq(r.status, 2);
		ck_assert_ptr_nonnull(strstr(r.err, "this pystack was built without"));
		run_free(&r);
		fixture_end(&f);
		return;
	}
	plain = run_script(&f, core, "\"$P\" \"$C\"");
	ck_assert_msg(plain.status == 0, "%s", plain.err);
	(void)snprintf(name, sizeof(name), "core 'core.%s' of ", formats[_i].suffix);
	ck_assert_msg(strncmp(r.out, name, strlen(name)) == 0, "%.200s", r.out);
	same(r, &plain, formats[_i].tool);
	/* The same through a pipe. */
	(void)snprintf(script, sizeof(script), "cat core.%s | \"$P\" -", formats[_i].suffix);
	r = run_script(&f, core, script);
	ck_assert_ptr_nonnull(strstr(r.out, "core 'standard input' of "));
	same(r, &plain, "pipe");
	run_free(&plain);
	/* Some of its threads. */
	(void)snprintf(script, sizeof(script), "\"$P\" \"$C\"/%d", pid);
	plain = run_script(&f, core, script);
	(void)snprintf(script, sizeof(script), "\"$P\" core.%s/%d", formats[_i].suffix, pid);
	same(run_script(&f, core, script), &plain, "lwps");
	run_free(&plain);
	/* A file that lacks its end: this is said first, and nothing else is blamed. */
	(void)snprintf(script, sizeof(script),
	    "N=$(wc -c <core.%s); head -c $((N / 3)) core.%s >part.%s; \"$P\" part.%s", formats[_i].suffix,
	    formats[_i].suffix, formats[_i].suffix, formats[_i].suffix);
	r = run_script(&f, core, script);
	(void)snprintf(name, sizeof(name), "pystack: part.%s: its end is missing: the %s data stop after ",
	    formats[_i].suffix, formats[_i].tool);
	ck_assert_msg(
	    r.status == 1 && strncmp(r.err, name, strlen(name)) == 0, "exit %d, %s", r.status, r.err);
	ck_assert_ptr_nonnull(strstr(r.err, ": core is truncated: "));
	ck_assert_ptr_null(strstr(r.err, "non-standard layout"));
	ck_assert_ptr_null(strstr(r.out, "just being entered"));
	run_free(&r);
	fixture_end(&f);
}
END_TEST

START_TEST(through_a_pipe)
{
	char core[PATH_MAX], script[128];
	struct fixture f;
	struct run plain, r;
	int pid;

	if (!begin(&f, core, &pid))
		return;
	plain = run_script(&f, core, "\"$P\" \"$C\"");
	same(run_script(&f, core, "cat \"$C\" | \"$P\" -"), &plain, "pipe");
	same(run_script(&f, core, "\"$P\" - <\"$C\""), &plain, "file");
	run_free(&plain);
	(void)snprintf(script, sizeof(script), "\"$P\" \"$C\"/%d", pid);
	plain = run_script(&f, core, script);
	(void)snprintf(script, sizeof(script), "cat \"$C\" | \"$P\" -- -/%d", pid);
	same(run_script(&f, core, script), &plain, "lwps");
	run_free(&plain);
	/* With -c it is a core, or stacks as text. */
	plain = run_script(&f, core, "\"$P\" -c \"$C\"");
	same(run_script(&f, core, "cat \"$C\" | \"$P\" -c -"), &plain, "core, counted");
	same(run_script(&f, core, "\"$P\" \"$C\" | \"$P\" -c -"), &plain, "text, counted");
	run_free(&plain);
	r = run_script(&f, core, "\"$P\" \"$C\" | \"$P\" -");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err, "pystack: cannot examine standard input: it is not a core\n");
	run_free(&r);
	r = run_script(&f, core, "cat \"$C\" | \"$P\" -- -/x");
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
	/* Nothing is left in the directory of temporary files. */
	r = run_script(&f, core,
	    "mkdir tmp; cat \"$C\" | TMPDIR=$D/tmp \"$P\" - >out && ls -A tmp; gzip -c \"$C\" >c.gz; "
	    "TMPDIR=$D/absent \"$P\" c.gz");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "no temporary file can be created in "));
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* More than may be written, and what is no core. */
START_TEST(bounds)
{
	char core[PATH_MAX];
	struct fixture f;
	struct run r;
	int pid;

	if (!begin(&f, core, &pid))
		return;
	r = run_script(&f, core, "gzip -c \"$C\" >core.gz; ulimit -f 2000; \"$P\" core.gz");
	ck_assert_msg(r.status == 1 || r.status == 2, "exit %d, %s", r.status, r.err);
	ck_assert_msg(strstr(r.err, "pystack: core.gz: only its first 1024000 bytes are read: ") == r.err ||
			  strstr(r.err, "pystack: core.gz: only its first 2048000 bytes are read: ") == r.err,
	    "%s", r.err);
	run_free(&r);
	r = run_script(&f, core, "echo text | gzip >text.gz; \"$P\" text.gz");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(
	    r.err, "pystack: cannot examine text.gz: what is compressed in it is not an ELF core\n");
	run_free(&r);
	r = run_script(&f, core, "echo text | gzip | head -c 6 >cut.gz; \"$P\" cut.gz");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err,
	    "pystack: cannot examine cut.gz: nothing of the core is in it: its end is missing: the gzip "
	    "data stop after 6 bytes, 0 uncompressed; check free space and the copy of the file\n");
	run_free(&r);
	fixture_end(&f);
}
END_TEST

#define STORE "root/var/lib/systemd/coredump"
#define BOOT ".0123456789abcdef0123456789abcdef."

START_TEST(stored)
{
	char core[PATH_MAX];
	struct fixture f;
	struct run r;
	int pid;

	if (!begin(&f, core, &pid))
		return;
	r = run_script(&f, core,
	    "mkdir -p " STORE "; cd " STORE "; for t in python3\\\\x2e11.7" BOOT
	    "20.1790000000000000 python3\\\\x2e11.7" BOOT "21.1780000000000000 perl.7" BOOT
	    "22.1700000000000000; do cp \"$C\" core.$t; done; "
	    "touch core.1 core.x.y.z other; cd $D; for w in last 21 python python3.11 perl; do "
	    "\"$P\" --sysroot root --coredump $w 2>&1 >/dev/null | head -n 1; done");
	ck_assert_msg(strstr(r.out, "pystack: --coredump last: python3.11, pid 20, user 7, 20") == r.out &&
			  strstr(r.out, ", the last of 3: " STORE "/core.python3") != NULL,
	    "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out, "\npystack: --coredump 21: python3.11, pid 21, user 7, "));
	ck_assert_ptr_nonnull(strstr(r.out, "\npystack: --coredump python: python3.11, pid 20, user 7, "));
	ck_assert_ptr_nonnull(strstr(r.out, "\npystack: --coredump python3.11: python3.11, pid 20, "));
	ck_assert_ptr_nonnull(strstr(r.out, "\npystack: --coredump perl: perl, pid 22, user 7, "));
	run_free(&r);
	r = run_script(&f, core, "\"$P\" --sysroot root --coredump pyth");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "--coredump pyth: no such core in root/var/lib/systemd"));
	run_free(&r);
	r = run_script(&f, core, "\"$P\" --sysroot / --coredump last 1");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "--coredump takes no operands"));
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The child process that uncompresses is limited too, and may not look at its own size. */
START_TEST(compressed_with_little_memory)
{
	enum { XZ = 1 };
	char core[PATH_MAX];
	struct fixture f;
	struct run plain;
	int pid;

	if (!has_library(XZ) || !has_tool(formats[XZ].tool) || !begin(&f, core, &pid))
		return;
	plain = run_script(&f, core, "\"$P\" \"$C\"");
	/* Its dictionary has 16 MB. */
	same(run_script(&f, core,
		 "xz --lzma2=preset=0,dict=16MiB -c \"$C\" >core.xz && \"$P\" --memory=64M core.xz"),
	    &plain, "xz");
	run_free(&plain);
	fixture_end(&f);
}
END_TEST

/* One read after another fails, also those of what is uncompressed: what is printed is right, or the
 * exit status is not 0, and the process that uncompresses is not waited for in vain. */
START_TEST(compressed_and_a_read_fails)
{
	enum { READS = 24 };
	char core[PATH_MAX], library[PATH_MAX], script[PATH_MAX + 256];
	struct fixture f;
	struct run plain, r;
	int pid;

#ifdef __SANITIZE_ADDRESS__
	(void)printf("SKIP: reads refused: the sanitizer's functions stand in for those of the C library\n");
	return;
#endif
	if (!has_library(0) || !begin(&f, core, &pid))
		return;
	spawn_built("test/programs/librefuse.so", library);
	plain = run_script(&f, core, "gzip -1 -c \"$C\" >core.gz; \"$P\" core.gz");
	ck_assert_msg(plain.status == 0, "%s", plain.err);
	for (int k = 1; k <= READS; k++) {
		(void)snprintf(script, sizeof(script),
		    "timeout -k 1 240 env REFUSE=read:%d LD_PRELOAD=%s \"$P\" core.gz", k, library);
		r = run_script(&f, core, script);
		ck_assert_msg(
		    r.status == 0 || r.status == 1 || r.status == 2, "read %d: exit %d", k, r.status);
		ck_assert_msg(r.status == 0 ? strcmp(r.out, plain.out) == 0 : r.err[0] != '\0',
		    "read %d: exit %d, %s%.4000s", k, r.status, r.err, r.out);
		run_free(&r);
	}
	run_free(&plain);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_core_packed");
	TCase *c = tcase_create("packed");

	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, compressed, 0, FORMATS);
	tcase_add_test(c, through_a_pipe);
	tcase_add_test(c, bounds);
	tcase_add_test(c, stored);
	tcase_add_test(c, compressed_with_little_memory);
	suite_add_tcase(s, c);
	c = tcase_create("reads");
	tcase_set_timeout(c, 240);
	tcase_add_test(c, compressed_and_a_read_fails);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
