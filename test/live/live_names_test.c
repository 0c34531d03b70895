/* Names of C++ and Rust functions, as their sources and as the linker has them; lines of sources
 * (test/programs/named_library.c). */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void library_path(const char *name, char path[PATH_MAX])
{
	char built[PATH_MAX];

	(void)snprintf(built, sizeof(built), "test/programs/%s", name);
	spawn_built(built, path);
}

/* Start a program in the library's last function. */
static void start_in(const char *name, struct fixture *f, char pid[16])
{
	char library[PATH_MAX];

	library_path(name, library);
	fixture_start(f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@uretprobed.py", library, "named_begin", "1"));
	(void)snprintf(pid, 16, "%d", (int)f->pid);
}

static void start(struct fixture *f, char pid[16])
{
	start_in("libnamed.so", f, pid);
}

static bool built_with(const char *library)
{
	char with[64];
	struct run r = TOOL("--version");
	bool built;

	(void)snprintf(with, sizeof(with), "with %s", library);
	built = strstr(r.out, with) != NULL;
	run_free(&r);
	if (!built)
		(void)printf("SKIP: built without %s\n", library);
	return built;
}

static bool is_built(void)
{
	return built_with("libiberty");
}

static bool dwarf_is_built(void)
{
	return built_with("libdwarf");
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

/* The address of a function in libnamed.so. */
static unsigned long address_of(const char *function)
{
	char path[PATH_MAX], command[2 * PATH_MAX];
	unsigned long address = 0;
	FILE *nm;

	library_path("libnamed.so", path);
	(void)snprintf(command, sizeof(command), "nm '%s' | sed -n 's/ [tT] %s$//p'", path, function);
	nm = popen(command, "r");
	ck_assert_ptr_nonnull(nm);
	ck_assert_msg(fscanf(nm, "%lx", &address) == 1, "%s", command);
	(void)pclose(nm);
	return address;
}

/* Without symbols a frame is its function's address, wherever in it the call is. */
START_TEST(folded_stripped)
{
	struct fixture f;
	char pid[16], frames[200];

	start_in("libstripped.so", &f, pid);
	(void)snprintf(frames, sizeof(frames),
	    ";libstripped.so`named_begin;libstripped.so`0x%lx;libstripped.so`0x%lx;"
	    "libstripped.so`0x%lx;",
	    address_of("_RINvC1a3fooAhj4_E"), address_of("_ZN3lib4call17h0123456789abcdefE"),
	    address_of("_ZN3lib5TableixERK1A"));
	expect(TOOL("-o", "folded", pid), ARGS(frames));
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

/* --- -g --- */

static int nothing(void)
{
	return 0;
}

/* The lines that the library notes when it is called here. */
static void library_lines(const char *path, int lines[4])
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*begin)(int (*f)(void), int n);
	volatile int *noted;

	ck_assert_msg(library != NULL, "%s", dlerror());
	*(void **)&begin = dlsym(library, "named_begin");
	noted = dlsym(library, "named_lines");
	ck_assert(begin != NULL && noted != NULL);
	(void)begin(nothing, 1);
	for (int i = 0; i < 4; i++)
		lines[i] = noted[i];
	(void)dlclose(library);
}

/* A line of the output: `what` (…/named_library.c:line). */
static void expect_line(const struct run *r, const char *what, int line)
{
	const char *at = strstr(r->out, what), *end;
	char place[64];
	size_t n;

	ck_assert_msg(at != NULL, "%s: not in %s", what, r->out);
	end = strchr(at, '\n');
	n = (size_t)snprintf(place, sizeof(place), "named_library.c:%d)", line);
	ck_assert_msg(end != NULL && (size_t)(end - at) > n && strncmp(end - n, place, n) == 0,
	    "%s: not at line %d: %s", what, line, r->out);
}

START_TEST(source)
{
	char pid[16], path[PATH_MAX];
	struct fixture f;
	struct run r;
	int lines[4];

	if (!dwarf_is_built())
		return;
	library_path("libnamed.so", path);
	library_lines(path, lines);
	start(&f, pid);
	r = TOOL("-g", "--no-demangle", pid);
	ck_assert_msg(r.status == 0, "exit %d: %s", r.status, r.err);
	expect_line(&r, "              libnamed.so`put_in [inlined] (", lines[0]);
	expect_line(&r, "              libnamed.so`_ZN3lib5TableixERK1A+0x", lines[1]);
	expect_line(&r, "              libnamed.so`_ZN3lib4call17h0123456789abcdefE+0x", lines[2]);
	expect_line(&r, "              libnamed.so`named_begin+0x", lines[3]);
	run_free(&r);
	expect(TOOL("-g", "-o", "folded", "--no-demangle", pid),
	    ARGS("libnamed.so`_ZN3lib5TableixERK1A;libnamed.so`put_in [inlined];"));
	expect_without(TOOL(pid), "put_in");
	if (json_lines_collected()) {
		char place[32];

		(void)snprintf(place, sizeof(place), "\"line\":%d", lines[0]);
		r = TOOL("-g", "-o", "json", pid);
		json_lines_add(r.out);
		expect(r, ARGS("\"inlined\":[{\"function\":\"put_in\",\"source\":{\"file\":", place,
			      "named_library.c\""));
	}
	fixture_end(&f);
}
END_TEST

/* Which file would name the frames of a stripped library. */
START_TEST(unnamed)
{
	static const char file[] = ".debug (libstripped.so)";
	struct fixture f;
	struct run r;
	char pid[16];

	start_in("libstripped.so", &f, pid);
	r = TOOL("-g", pid);
	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strstr(r.err, file) != NULL, "%s", r.err);
	run_free(&r);
	r = TOOL(pid);
	ck_assert_msg(strstr(r.err, file) == NULL, "%s", r.err);
	run_free(&r);
	if (json_lines_collected()) {
		r = TOOL("-g", "-o", "json", pid);
		json_lines_add(r.out);
		expect(r, ARGS("\"code\":\"unnamed\"", file));
	}
	fixture_end(&f);
}
END_TEST

/* --- Cython --- */

static void expect_cython(const char *library, const char *const parts[], bool sources)
{
	struct fixture f;
	struct run r;
	char pid[16];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@uretprobed.py", library, "named_begin", "1"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-g", pid);
	for (; *parts != NULL; parts++)
		ck_assert_msg(strstr(r.out, *parts) != NULL, "%s: not in %s", *parts, r.out);
	ck_assert_msg(sources == (strstr(r.out, "made.pyx") != NULL), "%s", r.out);
	run_free(&r);
	fixture_end(&f);
}

/* Lines of the source, by comments of the C file; but not if that is newer than the library. */
START_TEST(cython_lines)
{
	static const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char library[PATH_MAX], folder[] = "/tmp/pystack-cython-XXXXXX", copy[64];
	struct run r;

	if (!dwarf_is_built())
		return;
	library_path("libcython.so", library);
	expect_cython(library, ARGS("(made.pyx:4)\n", "(pkg/other.pxi:7)\n", "cython_library.c:"), true);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(copy, sizeof(copy), "%s/libcopy.so", folder);
	r = run_program(NULL, ARGS("cp", library, copy));
	ck_assert_int_eq(r.status, 0);
	run_free(&r);
	ck_assert_int_eq(utimensat(AT_FDCWD, copy, old, 0), 0);
	expect_cython(copy, ARGS("`made.inner+0x", "`made.outer+0x", "cython_library.c:"), false);
	(void)unlink(copy);
	(void)rmdir(folder);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("native names");
	TCase *c = tcase_create("one interpreter");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, names);
	tcase_add_test(c, folded);
	tcase_add_test(c, folded_stripped);
	tcase_add_test(c, annotations);
	tcase_add_test(c, json);
	tcase_add_test(c, source);
	tcase_add_test(c, unnamed);
	tcase_add_test(c, cython_lines);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
