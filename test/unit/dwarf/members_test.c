/* Members of structures as compilers write them: gcc and clang, DWARF 2 to 5, plain and compressed,
 * and files in which they are damaged. */
#include <check.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dwarf/members.h"
#include "elf/symbols.h"
#include "support/run_suite.h"
#include "unit/dwarf/sample.h"

static char folder[] = "/tmp/pystack-dwarf-XXXXXX";

/* Uses of every definition, so that the compiler emits it, and a function by which to find them. */
static const char use_text[] =
    "sample_typedef a; sample_qualified *b; struct sample_only_declared *c; union sample_union d;"
    "sample_number e; struct sample_bits g; int sample_hint(void) { return (int)e; }";

/* Run a command; its exit status. */
static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Compile the samples, followed by `more`, with these flags into folder/name. False: there is no
 * such compiler, or it lacks the flags. */
static bool compile(const char *name, const char *compiler, const char *flags, const char *more)
{
	char command[512], path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s.c", folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	(void)fprintf(file, "%s\n%s\n%s\n", sample_text, use_text, more);
	ck_assert_int_eq(fclose(file), 0);
	(void)snprintf(command, sizeof(command), "%s -shared -fPIC -Wl,--build-id %s -o %s/%s %s 2>/dev/null",
	    compiler, flags, folder, name, path);
	return run(command) == 0;
}

static struct elf_image *open_image(const char *name)
{
	struct elf_image *img = NULL;
	struct fault f = { 0 };
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(elf_image_open(fd, &img, &f) == RES_OK, "%s", f.text);
	(void)close(fd);
	return img;
}

/* Address of the function that uses the types. */
static uint64_t hint_of(struct elf_image *img)
{
	struct elf_symbols *syms = elf_symbols_create(img);
	struct elf_symbol found;

	ck_assert_int_eq(elf_symbols_by_name(syms, "sample_hint", &found), RES_OK);
	elf_symbols_destroy(syms);
	return found.sym.st_value;
}

#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)NULL)->member), sizeof(type)

static const struct {
	struct dwarf_question question;
	enum dwarf_finding finding;
	uint64_t offset, size, whole;
	uint32_t bits;
} samples[] = {
	{ { "sample_typedef", "first" }, DWARF_FOUND, MEMBER(sample_typedef, first), 0 },
	{ { "sample_typedef", "in.nest.deep" }, DWARF_FOUND, MEMBER(sample_typedef, in.nest.deep), 0 },
	{ { "sample_typedef", "none|in.none|in.pad" }, DWARF_FOUND, MEMBER(sample_typedef, in.pad), 0 },
	{ { "nobody|sample_typedef", "in" }, DWARF_FOUND, MEMBER(sample_typedef, in), 0 },
	{ { "sample_typedef", "tail" }, DWARF_FOUND, offsetof(sample_typedef, tail), 0,
	    sizeof(sample_typedef), 0 },
	{ { "sample_typedef", "" }, DWARF_FOUND, 0, sizeof(sample_typedef), sizeof(sample_typedef), 0 },
	{ { "sample_typedef", "firs" }, DWARF_NO_MEMBER, 0, 0, sizeof(sample_typedef), 0 },
	{ { "sample_typedef", "first.x" }, DWARF_NO_MEMBER, 0, 0, sizeof(sample_typedef), 0 },
	{ { "sample_tag", "either" }, DWARF_FOUND, MEMBER(sample_alias, either), 0 },
	{ { "sample_tag|sample_alias", "neither" }, DWARF_FOUND, MEMBER(sample_alias, neither), 0 },
	{ { "sample_alias", "hidden" }, DWARF_FOUND, MEMBER(sample_alias, hidden), 0 },
	{ { "sample_qualified", "f" }, DWARF_FOUND, MEMBER(sample_alias, f), 0 },
	{ { "sample_qualified", "p" }, DWARF_FOUND, MEMBER(sample_alias, p), 0 },
	{ { "sample_tag", "p.pad" }, DWARF_NO_MEMBER, 0, 0, sizeof(sample_alias), 0 },
	{ { "sample_union", "large" }, DWARF_FOUND, MEMBER(union sample_union, large), 0 },
	{ { "sample_number", "" }, DWARF_FOUND, 0, 2, 2, 0 },
	{ { "sample_number", "x" }, DWARF_NO_MEMBER, 0, 0, 2, 0 },
	{ { "sample_only_declared", "" }, DWARF_NO_TYPE, 0, 0, 0, 0 },
	{ { "sample_typ", "first" }, DWARF_NO_TYPE, 0, 0, 0, 0 },
	{ { "sample_bits", "kind" }, DWARF_FOUND, 0, 4, sizeof(struct sample_bits), 3 },
	{ { "sample_bits", "wide" }, DWARF_FOUND, 0, 8, sizeof(struct sample_bits), 40 },
	{ { "inner", "mid" }, DWARF_FOUND, 0, 4, sizeof(struct inner), 5 },
	{ { "inner", "high" }, DWARF_FOUND, 0, 4, sizeof(struct inner), 9 },
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

/* The first bit that changes when a bit-field is set to all ones. */
#define FIRST_BIT(type, member)                                                 \
	({                                                                      \
		type it;                                                        \
		uint8_t raw[sizeof(it)];                                        \
		unsigned at = 0;                                                \
		memset(&it, 0, sizeof(it));                                     \
		it.member--;                                                    \
		memcpy(raw, &it, sizeof(it));                                   \
		while (at < 8 * sizeof(it) && (raw[at / 8] >> at % 8 & 1) == 0) \
			at++;                                                   \
		at;                                                             \
	})

static uint64_t first_bit(const char *type, const char *member)
{
	if (strcmp(type, "inner") == 0)
		return strcmp(member, "mid") == 0 ? FIRST_BIT(struct inner, mid)
						  : FIRST_BIT(struct inner, high);
	return strcmp(member, "kind") == 0 ? FIRST_BIT(struct sample_bits, kind)
					   : FIRST_BIT(struct sample_bits, wide);
}

static void check_answers(struct elf_image *img, const uint64_t *hints, size_t hint_n, const char *what)
{
	struct dwarf_question questions[SAMPLES];
	struct dwarf_answer answers[SAMPLES];
	struct fault f = { 0 };

	for (size_t i = 0; i < SAMPLES; i++)
		questions[i] = samples[i].question;
	ck_assert_msg(dwarf_members(img, &(struct dwarf_request){ { hints, hint_n }, questions, SAMPLES },
			  answers, &f) == RES_OK,
	    "%s: %s", what, f.text);
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct dwarf_answer *a = &answers[i];
		uint64_t bit = a->offset * 8 + a->bit;
		bool right = a->finding == samples[i].finding && a->whole == samples[i].whole &&
			     a->size == samples[i].size && a->bits == samples[i].bits;

		if (samples[i].bits == 0)
			right = right && a->offset == samples[i].offset;
		else
			right = right && bit == first_bit(questions[i].type, questions[i].member);
		ck_assert_msg(right, "%s: %s.%s: finding %d, offset %lu size %lu of %lu, bits %u at %lu",
		    what, questions[i].type, questions[i].member, (int)a->finding, (unsigned long)a->offset,
		    (unsigned long)a->size, (unsigned long)a->whole, a->bits, (unsigned long)bit);
	}
}

static const char *const flavours[] = { "-gdwarf-2 -gstrict-dwarf", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5",
	"-gdwarf-4 -O2", "-gdwarf-5 -O2 -flto", "-gdwarf-5 -gz=zlib", "-gdwarf-5 -gz=zstd",
	"-gdwarf-5 -gdwarf64" };

static void with_compiler(const char *compiler)
{
	unsigned made = 0;

	for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		struct elf_image *img;
		uint64_t hint, elsewhere = 1;
		char what[128];

		(void)snprintf(what, sizeof(what), "%s %s", compiler, flavours[i]);
		if (!compile("sample", compiler, flavours[i], "")) {
			(void)fprintf(stderr, "not possible here: %s\n", what);
			continue;
		}
		made++;
		img = open_image("sample");
		hint = hint_of(img);
		check_answers(img, &hint, 1, what);
		/* A hint that leads nowhere, and none: the units one after the other. */
		check_answers(img, &elsewhere, 1, what);
		check_answers(img, NULL, 0, what);
		elf_image_close(img);
	}
	ck_assert_uint_ge(made, 4);
}

START_TEST(by_gcc)
{
	with_compiler("gcc");
}
END_TEST

START_TEST(by_clang)
{
	if (run("clang --version >/dev/null 2>&1") != 0)
		(void)puts("SKIP: no clang");
	else
		with_compiler("clang");
}
END_TEST

/* dwz moves shared definitions into partial units. */
START_TEST(in_partial_units)
{
	char command[512];
	struct elf_image *img;
	uint64_t hint;

	if (run("dwz --version >/dev/null 2>&1") != 0) {
		(void)puts("SKIP: no dwz");
		return;
	}
	ck_assert(compile("first", "gcc", "-gdwarf-4 -c", ""));
	(void)snprintf(command, sizeof(command),
	    "cd %s && sed s/sample_hint/other_hint/ first.c >second.c && gcc -gdwarf-4 -fPIC -fcommon -c "
	    "second.c -o second && "
	    "gcc -gdwarf-4 -fPIC -fcommon -c first.c -o first && gcc -shared first second -o sample && dwz "
	    "sample",
	    folder);
	ck_assert_int_eq(run(command), 0);
	img = open_image("sample");
	hint = hint_of(img);
	check_answers(img, &hint, 1, "dwz");
	elf_image_close(img);
}
END_TEST

START_TEST(no_debug_information)
{
	static const struct dwarf_question question = { "sample_typedef", "first" };
	struct dwarf_answer answer;
	struct elf_image *img;

	ck_assert(compile("sample", "gcc", "-g0", ""));
	img = open_image("sample");
	ck_assert_int_eq(
	    dwarf_members(img, &(struct dwarf_request){ { NULL, 0 }, &question, 1 }, &answer, NULL),
	    RES_NONE);
	elf_image_close(img);
}
END_TEST

/* Two units that do not agree about a structure. */
START_TEST(contradiction)
{
	static const struct dwarf_question questions[] = { { "disputed", "b" },
		{ "sample_typedef", "first" } };
	struct dwarf_answer answers[2];
	struct elf_image *img;
	char command[512];
	uint64_t hints[2];
	struct elf_symbols *syms;
	struct elf_symbol found;

	(void)snprintf(command, sizeof(command),
	    "cd %s && echo 'struct disputed { int a, b; } x; int one(void) { return x.b; }' >one.c && "
	    "echo 'struct disputed { int a; long n; int b; } y; int two(void) { return y.b; }' >two.c && "
	    "gcc -g -shared -fPIC one.c two.c -o sample",
	    folder);
	ck_assert_int_eq(run(command), 0);
	img = open_image("sample");
	syms = elf_symbols_create(img);
	ck_assert_int_eq(elf_symbols_by_name(syms, "one", &found), RES_OK);
	hints[0] = found.sym.st_value;
	ck_assert_int_eq(elf_symbols_by_name(syms, "two", &found), RES_OK);
	hints[1] = found.sym.st_value;
	elf_symbols_destroy(syms);
	ck_assert_int_eq(
	    dwarf_members(img, &(struct dwarf_request){ { hints, 2 }, questions, 2 }, answers, NULL), RES_OK);
	ck_assert_int_eq(answers[0].finding, DWARF_CONTRADICTION);
	ck_assert_int_eq(answers[1].finding, DWARF_NO_TYPE);
	ck_assert_int_eq(
	    dwarf_members(img, &(struct dwarf_request){ { hints, 1 }, questions, 1 }, answers, NULL), RES_OK);
	ck_assert_int_eq(answers[0].finding, DWARF_FOUND);
	ck_assert_uint_eq(answers[0].offset, 4);
	elf_image_close(img);
}
END_TEST

/* A member whose offset is after the end of its structure: the only number 0x5a5a5a in the file is
 * changed. */
START_TEST(outside_of_its_structure)
{
	static const struct dwarf_question question = { "huge", "last" };
	static const uint8_t offset[3] = { 0x5a, 0x5a, 0x5a };
	struct dwarf_answer answer;
	struct elf_image *img;
	struct span info;
	uint8_t *at, beyond[3] = { 0x5b, 0x5a, 0x7a };
	char path[128];
	uint64_t in_file;
	GElf_Shdr sh;
	int fd;

	ck_assert(compile("sample", "gcc", "-gdwarf-4",
	    "struct huge { char a[0x5a5a5a]; char last; }; int z(struct huge *h) { return h->last; }"));
	img = open_image("sample");
	ck_assert_int_eq(elf_image_section(img, ".debug_info", &sh, &info), RES_OK);
	/* Its size is one more: the first such number is the array's bound or the member's
	 * place. */
	at = memmem(info.at, span_left(&info), offset, sizeof(offset));
	while (at != NULL && at[3] != 0)
		at = memmem(at + 1, (size_t)(info.end - at - 1), offset, sizeof(offset));
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(
	    dwarf_members(img, &(struct dwarf_request){ { NULL, 0 }, &question, 1 }, &answer, NULL), RES_OK);
	ck_assert_int_eq(answer.finding, DWARF_FOUND);
	ck_assert_uint_eq(answer.offset, 0x5a5a5a);
	in_file = sh.sh_offset + (uint64_t)(at - info.at);
	elf_image_close(img);
	(void)snprintf(path, sizeof(path), "%s/sample", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, beyond, sizeof(beyond), (off_t)in_file), sizeof(beyond));
	(void)close(fd);
	img = open_image("sample");
	ck_assert_int_eq(
	    dwarf_members(img, &(struct dwarf_request){ { NULL, 0 }, &question, 1 }, &answer, NULL), RES_OK);
	ck_assert_int_eq(answer.finding, DWARF_CONTRADICTION);
	elf_image_close(img);
}
END_TEST

/* Damaged bytes lead to an answer or a refusal, and no child remains. */
START_TEST(damage_is_survived)
{
	static const char *const sections[] = { ".debug_info", ".debug_abbrev", ".debug_str",
		".debug_aranges" };
	struct dwarf_question questions[SAMPLES];
	struct dwarf_answer answers[SAMPLES];
	char path[128];
	unsigned seed = 1, refused = 0;

	for (size_t i = 0; i < SAMPLES; i++)
		questions[i] = samples[i].question;
	ck_assert(compile("sample", "gcc", "-gdwarf-5", ""));
	(void)snprintf(path, sizeof(path), "%s/sample", folder);
	for (unsigned i = 0; i < 400; i++) {
		struct elf_image *img = open_image("sample");
		uint64_t hint = hint_of(img), at;
		uint8_t was, now;
		GElf_Shdr sh;
		int fd = open(path, O_RDWR | O_CLOEXEC);

		ck_assert_int_eq(elf_image_section(img, sections[i % 4], &sh, NULL), RES_OK);
		elf_image_close(img);
		seed = seed * 1103515245 + 12345;
		at = sh.sh_offset + (seed >> 8) % sh.sh_size;
		ck_assert_int_eq(pread(fd, &was, 1, (off_t)at), 1);
		now = (uint8_t)(was ^ (1 + (seed >> 3) % 255));
		ck_assert_int_eq(pwrite(fd, &now, 1, (off_t)at), 1);
		img = open_image("sample");
		refused += dwarf_members(img, &(struct dwarf_request){ { &hint, 1 }, questions, SAMPLES },
			       answers, NULL) != RES_OK;
		elf_image_close(img);
		ck_assert_int_eq(pwrite(fd, &was, 1, (off_t)at), 1);
		(void)close(fd);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	}
	(void)fprintf(stderr, "400 damaged files, %u refused\n", refused);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dwarf/members");
	TCase *tcase = tcase_create("members");
	char command[128];
	int status;

	if (!dwarf_can_read()) {
		(void)puts("SKIP: built without libdwarf");
	} else {
		tcase_add_test(tcase, by_gcc);
		tcase_add_test(tcase, by_clang);
		tcase_add_test(tcase, in_partial_units);
		tcase_add_test(tcase, no_debug_information);
		tcase_add_test(tcase, contradiction);
		tcase_add_test(tcase, outside_of_its_structure);
		tcase_add_test(tcase, damage_is_survived);
	}
	/* Compilers take their time on a busy machine. */
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	if (mkdtemp(folder) == NULL)
		return 2;
	status = run_made_suite(suite);
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	(void)run(command);
	return status;
}
