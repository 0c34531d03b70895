/* Lines and inlined functions as compilers write them: gcc and clang, DWARF 2 to 5, plain, split,
 * shared by dwz and compressed. What is right the code itself says: it notes its lines and the
 * address after its call. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/span.h"
#include "dwarf/members.h"
#include "dwarf/source.h"
#include "support/run_suite.h"

static char folder[] = "/tmp/pystack-source-XXXXXX";

/* Each line that counts has the number and the call. */
static const char sample_text[] = "volatile int lines[4], kept;\n"
				  "void *site;\n"
				  "#include \"other/none.h\"\n"
				  "#define INLINED static inline __attribute__((always_inline))\n"
				  "__attribute__((noinline)) void mark(void)\n"
				  "{ site = __builtin_return_address(0); kept++; }\n"
				  "#include \"parts/innermost.h\"\n"
				  "\n"
				  "INLINED void middle(int x) {\n"
				  "	for (int i = 0; i < 3; i++) {\n"
				  "		lines[1] = __LINE__; innermost(i + x); kept++; } }\n"
				  "\n"
				  "struct group { int a; };\n"
				  "__attribute__((noinline)) void outer(int x) {\n"
				  "	lines[2] = __LINE__; middle(x); kept++; }\n"
				  "\n"
				  "void begin(int x) {\n"
				  "	outer(x); kept++; }\n";

/* Among the parts, so that directories count. */
static const char innermost_text[] = "\n"
				     "INLINED void innermost(int x) {\n"
				     "	lines[0] = __LINE__; mark(); kept += x; }\n";

enum { FORM_PLAIN, FORM_SPLIT, FORM_PACKAGE, FORM_COMMON };

static const struct {
	const char *compiler, *flags;
	int form;
} builds[] = {
	{ "gcc", "-gdwarf-2", FORM_PLAIN },
	{ "gcc", "-gdwarf-3", FORM_PLAIN },
	{ "gcc", "-gdwarf-4", FORM_PLAIN },
	{ "gcc", "-gdwarf-5", FORM_PLAIN },
	{ "gcc", "-gdwarf-5 -gz", FORM_PLAIN },
	{ "gcc", "-gdwarf-5 -ffunction-sections -fno-inline-small-functions", FORM_PLAIN },
	{ "clang", "-gdwarf-2", FORM_PLAIN },
	{ "clang", "-gdwarf-4", FORM_PLAIN },
	{ "clang", "-gdwarf-5", FORM_PLAIN },
	{ "clang", "-gdwarf-5 -gdwarf-aranges -ffunction-sections", FORM_PLAIN },
	{ "gcc", "-gdwarf-4 -gsplit-dwarf", FORM_SPLIT },
	{ "gcc", "-gdwarf-5 -gsplit-dwarf", FORM_SPLIT },
	{ "clang", "-gdwarf-4 -gsplit-dwarf", FORM_SPLIT },
	{ "clang", "-gdwarf-5 -gsplit-dwarf", FORM_SPLIT },
	{ "gcc", "-gdwarf-4 -gsplit-dwarf", FORM_PACKAGE },
	{ "gcc", "-gdwarf-5", FORM_COMMON },
	{ "gcc", "-gdwarf-4", FORM_COMMON },
};
enum { BUILDS = sizeof(builds) / sizeof(builds[0]), PLAIN_BUILDS = 10 };

static int __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
	char command[1024];
	va_list args;
	int status;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct elf_image *open_image(const char *path)
{
	struct elf_image *img = NULL;
	struct fault f = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	ck_assert_msg(elf_image_open(fd, &img, &f) == RES_OK, "%s: %s", path, f.text);
	(void)close(fd);
	return img;
}

static void write_text(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	(void)fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* Build folder/N.so. False: a compiler or tool is missing. */
static bool build(int i, char *path, size_t size)
{
	(void)run("mkdir -p %s/parts %s/other", folder, folder);
	write_text("sample.c", sample_text);
	write_text("parts/innermost.h", innermost_text);
	write_text("other/none.h", "typedef int nothing;\n");
	(void)snprintf(path, size, "%s/%d.so", folder, i);
	if (run("cd %s && %s -O1 -fPIC %s -c -o %d.o sample.c 2>/dev/null && gcc -shared %s -o %d.so %d.o "
		"2>/dev/null",
		folder, builds[i].compiler, builds[i].flags, i,
		strstr(builds[i].flags, "-gz") != NULL ? "-gz" : "", i, i) != 0)
		return false;
	if (builds[i].form == FORM_PACKAGE)
		return run("cd %s && dwp -e %d.so -o %d.dwp 2>/dev/null && rm %d.dwo", folder, i, i, i) == 0;
	/* dwz moves out what two files have in common. */
	if (builds[i].form == FORM_COMMON)
		return run("cd %s && cp %d.so %d-other.so && dwz -m %d.common %d.so %d-other.so "
			   "2>/dev/null",
			   folder, i, i, i, i, i) == 0;
	return true;
}

/* Run the code: where it called mark, as an address of the file, and its lines. */
static uint64_t run_code(const char *path, int lines[3])
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), **site;
	void (*begin)(int);
	volatile int *noted;
	uint64_t address;
	Dl_info info;

	ck_assert_msg(library != NULL, "%s", dlerror());
	*(void **)&begin = dlsym(library, "begin");
	site = dlsym(library, "site");
	noted = dlsym(library, "lines");
	ck_assert(begin != NULL && site != NULL && noted != NULL);
	begin(1);
	for (int i = 0; i < 3; i++)
		lines[i] = noted[i];
	ck_assert_int_ne(dladdr(*site, &info), 0);
	address = (uint64_t)((uintptr_t)*site - (uintptr_t)info.dli_fbase);
	(void)dlclose(library);
	return address - 1;
}

static void expect_place(
    const struct source_place *p, const char *file, const char *function, int line, const char *what)
{
	char whole[300];
	size_t n;

	ck_assert_msg(
	    strcmp(p->function, function) == 0, "%s: %s instead of %s", what, p->function, function);
	ck_assert_msg(p->line == (uint32_t)line, "%s: %s: %u instead of %d", what, function, p->line, line);
	(void)snprintf(
	    whole, sizeof(whole), "%s%s%s", p->directory, p->directory[0] != '\0' ? "/" : "", p->file);
	ck_assert_msg(strncmp(whole, folder, strlen(folder)) == 0, "%s: %s", what, whole);
	/* clang writes "./parts". */
	n = strlen(whole) - strlen(file);
	ck_assert_msg(strlen(whole) > strlen(file) && whole[n - 1] == '/' && strcmp(whole + n, file) == 0,
	    "%s: %s", what, whole);
}

static void find(
    const struct source_files *files, uint64_t address, struct source_reply *reply, const char *what)
{
	struct fault f = { 0 };
	const uint64_t addresses[] = { address, 0 };

	ck_assert_msg(source_find(files, addresses, 2, reply, &f) == RES_OK, "%s: %s", what, f.text);
	ck_assert_uint_eq(reply->answers[1].n, 0);
}

START_TEST(places)
{
	char path[128], what[128], extra[256];
	static const char inner[] = "parts/innermost.h";
	struct source_files files = { .main = NULL };
	struct source_reply reply;
	int lines[3];
	uint64_t address;

	(void)snprintf(
	    what, sizeof(what), "%s %s, %d", builds[_i].compiler, builds[_i].flags, builds[_i].form);
	if (!dwarf_can_read() || !build(_i, path, sizeof(path))) {
		(void)printf("SKIP: %s: no libdwarf, compiler or tool\n", what);
		return;
	}
	address = run_code(path, lines);
	files.main = open_image(path);
	ck_assert_ptr_nonnull(files.main);
	if (builds[_i].form == FORM_COMMON) {
		(void)snprintf(extra, sizeof(extra), "%s/%d.common", folder, _i);
		files.common = open_image(extra);
		ck_assert_ptr_nonnull(files.common);
	}
	if (builds[_i].form == FORM_SPLIT || builds[_i].form == FORM_PACKAGE) {
		/* The line alone, and the name of the file that has the rest. */
		find(&files, address, &reply, what);
		ck_assert_uint_eq(reply.answers[0].n, 1);
		expect_place(&reply.answers[0].places[0], inner, "", lines[0], what);
		ck_assert_uint_eq(reply.wanted_n, 1);
		(void)snprintf(
		    extra, sizeof(extra), "%s/%s", reply.wanted[0].directory, reply.wanted[0].name);
		if (builds[_i].form == FORM_PACKAGE)
			(void)snprintf(extra, sizeof(extra), "%s/%d.dwp", folder, _i);
		files.split[0] = open_image(extra);
		ck_assert_msg(files.split[0] != NULL, "%s: %s", what, extra);
		files.split_n = 1;
		source_reply_free(&reply);
	}
	find(&files, address, &reply, what);
	ck_assert_uint_eq(reply.wanted_n, 0);
	ck_assert_msg(reply.answers[0].n == 3, "%s: %zu places", what, reply.answers[0].n);
	expect_place(&reply.answers[0].places[0], inner, "innermost", lines[0], what);
	expect_place(&reply.answers[0].places[1], "sample.c", "middle", lines[1], what);
	expect_place(&reply.answers[0].places[2], "sample.c", "outer", lines[2], what);
	source_reply_free(&reply);
	elf_image_close(files.main);
	elf_image_close(files.common);
	for (size_t i = 0; i < files.split_n; i++)
		elf_image_close(files.split[i]);
}
END_TEST

/* A function that is left out has its debug information at 0, and is as long as what is there. */
static const char left_out_text[] = "volatile int x;\n"
				    "#define EIGHT(a) a a a a a a a a\n"
				    "__attribute__((visibility(\"hidden\"))) void gone(void) {\n"
				    "	EIGHT(EIGHT(EIGHT(x = x * 3 + 1;))) }\n"
				    "void stays(void) { x++; }\n";

START_TEST(left_out)
{
	enum { CODE_WITHOUT_LINES = 0x1000 }; /* of the C library's object files */
	struct source_files files = { .main = NULL };
	struct source_reply reply;
	const char *what = builds[_i].flags;
	char path[128];
	void *library;
	Dl_info info;

	if (!dwarf_can_read())
		return;
	write_text("left-out.c", left_out_text);
	(void)snprintf(path, sizeof(path), "%s/left-out-%d.so", folder, _i);
	if (run("cd %s && %s -O1 -fPIC %s -ffunction-sections -shared -Wl,--gc-sections left-out.c -o %s "
		"2>/dev/null",
		folder, builds[_i].compiler, what, path) != 0)
		return;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_ptr_nonnull(library);
	ck_assert_ptr_null(dlsym(library, "gone"));
	ck_assert_int_ne(dladdr(dlsym(library, "stays"), &info), 0);
	files.main = open_image(path);
	ck_assert_ptr_nonnull(files.main);
	find(&files, (uint64_t)((uintptr_t)info.dli_saddr - (uintptr_t)info.dli_fbase), &reply, what);
	ck_assert_uint_eq(reply.answers[0].n, 1);
	expect_place(&reply.answers[0].places[0], "left-out.c", "stays", 5, what);
	source_reply_free(&reply);
	find(&files, CODE_WITHOUT_LINES, &reply, what);
	ck_assert_uint_eq(reply.answers[0].n, 0);
	source_reply_free(&reply);
	elf_image_close(files.main);
	(void)dlclose(library);
}
END_TEST

/* Change bytes of the debug sections of an ELF file in memory. */
static void damage(uint8_t *bytes, size_t n, unsigned *seed)
{
	static const char *const sections[] = { ".debug_info", ".debug_abbrev", ".debug_line",
		".debug_aranges", ".debug_ranges", ".debug_rnglists", ".debug_addr" };
	struct elf_image *img;
	struct fault f = { 0 };
	uint8_t *copy = malloc(n);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, n);
	ck_assert_int_eq(elf_image_from_bytes(copy, n, &img, &f), RES_OK);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		GElf_Shdr shdr;

		if (elf_image_section(img, sections[i], &shdr, NULL) != RES_OK || shdr.sh_size == 0)
			continue;
		for (int k = 0; k < 3; k++) {
			*seed = *seed * 1103515245 + 12345;
			bytes[shdr.sh_offset + (*seed >> 8) % shdr.sh_size] = (uint8_t)(*seed >> 4);
		}
	}
	elf_image_close(img);
}

static uint8_t *read_file(const char *path, size_t *n)
{
	FILE *file = fopen(path, "r");
	uint8_t *bytes = malloc(1 << 20);

	ck_assert(file != NULL && bytes != NULL);
	*n = fread(bytes, 1, 1 << 20, file);
	(void)fclose(file);
	return bytes;
}

/* Whatever the file says, there is an answer, or none. */
START_TEST(damaged)
{
	enum { ROUNDS = 60 };
	unsigned seed = 7 + (unsigned)_i;
	char path[128];
	uint64_t addresses[2];
	size_t n, answered = 0, whole = 0;
	int lines[3];

	if (!dwarf_can_read() || !build(_i, path, sizeof(path)))
		return;
	addresses[0] = run_code(path, lines);
	addresses[1] = addresses[0] + 64;
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t *bytes = read_file(path, &n);
		struct source_files files = { .main = NULL };
		struct source_reply reply;
		struct fault f = { 0 };

		for (int k = 0; k <= round % 4; k++)
			damage(bytes, n, &seed);
		ck_assert_int_eq(elf_image_from_bytes(bytes, n, &files.main, &f), RES_OK);
		if (source_find(&files, addresses, 2, &reply, &f) == RES_OK) {
			answered++;
			whole += reply.answers[0].n == 3;
			for (size_t i = 0; i < 2; i++)
				ck_assert_uint_le(reply.answers[i].n, SOURCE_DEPTH_MAX);
		} else {
			ck_assert_ptr_null(reply.answers);
		}
		source_reply_free(&reply);
		elf_image_close(files.main);
	}
	(void)printf("%s %s: %zu of %d damaged files answered, %zu as if whole\n", builds[_i].compiler,
	    builds[_i].flags, answered, ROUNDS, whole);
	ck_assert_uint_lt(whole, ROUNDS);
}
END_TEST

static void forget(void)
{
	(void)run("rm -rf %s", folder);
}

int main(void)
{
	SRunner *runner;
	Suite *s = suite_create("dwarf/source");
	TCase *c = tcase_create("all");
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, places, 0, BUILDS);
	tcase_add_loop_test(c, left_out, 0, PLAIN_BUILDS);
	tcase_add_loop_test(c, damaged, 0, PLAIN_BUILDS);
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	forget();
	return failed == 0 ? 0 : 1;
}
