/* Names of C++ and Rust functions, as their sources and as the linker has them
 * (test/programs/named_library.c). */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"

static const char demangled[] = "              libnamed.so`lib::Table::operator[](A const&)+0x";
static const char linkers[] = "              libnamed.so`_ZN3lib5TableixERK1A+0x";

static void expect(struct run r, const char *const parts[])
{
	ck_assert_msg(r.status == 0, "exit %d: %s", r.status, r.err);
	for (; *parts != NULL; parts++)
		ck_assert_msg(strstr(r.out, *parts) != NULL, "%s: not in %s", *parts, r.out);
	run_free(&r);
}

static void expect_without(struct run r, const char *part)
{
	ck_assert_msg(r.status == 0, "exit %d: %s", r.status, r.err);
	ck_assert_msg(strstr(r.out, part) == NULL, "%s: in %s", part, r.out);
	run_free(&r);
}

/* Start a program in the library's last function. */
static void start(struct fixture *f, char pid[16])
{
	char library[PATH_MAX];

	(void)snprintf(library, sizeof(library), "%.*s/test/programs/libnamed.so",
	    (int)(strrchr(spawn_tool(), '/') - spawn_tool()), spawn_tool());
	fixture_start(f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@uretprobed.py", library, "named_begin", "1"));
	(void)snprintf(pid, 16, "%d", (int)f->pid);
}

static bool is_built(void)
{
	struct run r = TOOL("--version");
	bool built = strstr(r.out, "with libiberty") != NULL;

	run_free(&r);
	if (!built)
		(void)printf("SKIP: built without libiberty\n");
	return built;
}

START_TEST(names)
{
	struct fixture f;
	char pid[16];

	start(&f, pid);
	expect(TOOL("--no-demangle", pid),
	    ARGS(linkers, "libnamed.so`_ZN3lib4call17h0123456789abcdefE+0x",
		"libnamed.so`_RINvC1a3fooAhj4_E+0x", "libnamed.so`named_begin+0x"));
	if (is_built()) {
		expect(TOOL(pid), ARGS(demangled, "libnamed.so`lib::call+0x",
				      "libnamed.so`a::foo::<[u8; 4]>+0x", "libnamed.so`named_begin+0x"));
		expect(TOOL("-c", pid), ARGS(demangled));
		/* Also where nothing else has a reason to read the name: it has no frames but Python's. */
		expect_without(TOOL("-p", pid), "libnamed");
	}
	fixture_end(&f);
}
END_TEST

/* A ';' would end the frame. */
START_TEST(folded)
{
	struct fixture f;
	char pid[16];

	start(&f, pid);
	if (is_built())
		expect(TOOL("-o", "folded", pid),
		    ARGS(";libnamed.so`named_begin;libnamed.so`a::foo::<[u8\\x3b 4]>;"
			 "libnamed.so`lib::call;"
			 "libnamed.so`lib::Table::operator[](A const&);"));
	fixture_end(&f);
}
END_TEST

/* Demangled names may have brackets, but no line that has one looks like a Python frame. */
START_TEST(annotations)
{
	struct fixture f;
	struct run r;
	char pid[16];

	start(&f, pid);
	r = TOOL(pid);
	ck_assert_int_eq(r.status, 0);
	for (const char *line = r.out; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "                [ ", 18) == 0)
			ck_assert(memchr(line, '`', strcspn(line, "\n")) == NULL);
	}
	run_free(&r);
	fixture_end(&f);
}
END_TEST

START_TEST(json)
{
	struct fixture f;
	struct run r;
	char pid[16];

	start(&f, pid);
	if (is_built() && json_lines_collected()) {
		r = TOOL("-o", "json", pid);
		json_lines_add(r.out);
		expect(r, ARGS("\"symbol\":\"_ZN3lib5TableixERK1A\"",
			      "\"demangled\":\"lib::Table::operator[](A const&)\""));
		r = TOOL("-o", "json", "--no-demangle", pid);
		json_lines_add(r.out);
		expect_without(r, "\"demangled\"");
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("native names");
	TCase *c = tcase_create("one interpreter");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, names);
	tcase_add_test(c, folded);
	tcase_add_test(c, annotations);
	tcase_add_test(c, json);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
