/* Processes whose text is in other memory than a mapping of its file, mostly huge pages
 * (test/programs/move_library.c). Their output must equal that of other processes. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"
#include "support/native.h"

static const struct {
	const char *name, *how;
	bool core;
} ways[] = {
	{ "libpython,python", "copy", true },
	{ "libpython,python", "memfd", false },
	{ "libpython,python", "inner", false },
	{ "libpython,python", "thrice memfd", false },
	{ "libpython,python", "kept", false },
	{ "libpython,python", "all", true },
	{ "libpython,python", "all memfd", false },
	{ "libc.so.,libc-2.", "copy", false },
	{ "libc.so.,libc-2.", "all memfd", false },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static void compare(const struct fixture *f, size_t way, pid_t pid, const char *core, struct run *r)
{
	struct strbuf wrong = STRBUF_EMPTY;
	char what[300], head[PATH_MAX + 64];
	struct output out;
	const char *why;

	(void)snprintf(what, sizeof(what), "%s, %s, %s", f->in->label, ways[way].name, ways[way].how);
	if (core == NULL)
		(void)snprintf(head, sizeof(head), "%d:\t", (int)pid);
	else
		(void)snprintf(head, sizeof(head), "core '%s' of %d:\t", core, (int)pid);
	live_compare(f, r, head, core == NULL ? 0 : COMPARE_CORE, &out, &wrong);
	/* eu-stack takes a memfd for an ELF file, and has no name for an object whose text was all
	 * moved. */
	if (core == NULL && strstr(ways[way].how, "all") == NULL && strstr(ways[way].how, "memfd") == NULL &&
	    native_compare(f->in, pid, NULL, NULL, &out, &wrong, &why) < 0)
		(void)printf("SKIP: native frames of %s: %s\n", what, why);
	output_free(&out);
	live_judge(what, &wrong);
}

static void as_of_any(const struct interpreter *in, size_t way)
{
	char library[PATH_MAX], core[PATH_MAX], number[16];
	const char *why = "";
	struct fixture f;
	struct run r;
	pid_t pid;

	spawn_built("test/programs/libmove.so", library);
	fixture_start(&f, in, NULL, ARGS("@moved.py", "%", library, ways[way].name, ways[way].how));
	pid = f.pid;
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	r = TOOL(number);
	compare(&f, way, pid, NULL, &r);
	if (!ways[way].core) {
		fixture_echo(&f);
	} else {
		struct run_options opt = { .cwd = f.dir };

		if (fixture_core(&f, SIGABRT, core, &why)) {
			r = run_tool(&opt, ARGS(core));
			compare(&f, way, pid, core, &r);
		} else {
			(void)printf("SKIP: core of %s: %s\n", in->label, why);
		}
	}
	fixture_end(&f);
}

/* By interpreter, then by way. */
START_TEST(as_of_any_other)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i / WAYS];

	if (in->root[0] != 0)
		(void)printf("SKIP: %s: libmove.so is not for it\n", in->label);
	else
		as_of_any(in, (size_t)_i % WAYS);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("moved text");
	TCase *c = tcase_create("every interpreter");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, as_of_any_other, 0, (int)n * WAYS);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
