/* Data about a process that its core's notes lack: arguments, from the stack, and an exited main
 * thread. */
#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../support/core_builder.h"
#include "proc/handle.h"
#include "support/run_suite.h"

enum {
	PAGE = 4096,
	STACK = 0x7ffd0000, /* two pages */
	ARGC = PAGE,        /* offset of the word that counts the arguments */
	STRINGS = PAGE + 0x400,
	RANDOM = PAGE + 0x300,
};

static const uint64_t auxv[][2] = { { AT_PAGESZ, PAGE }, { AT_PHDR, 0x400040 }, { AT_ENTRY, 0x401000 },
	{ AT_RANDOM, STACK + RANDOM } };

static uint8_t stack[2 * PAGE];

static void put_word(size_t *at, uint64_t word)
{
	memcpy(stack + *at, &word, core_builder_word);
	*at += core_builder_word;
}

/* A stack as execve leaves it; strings: NUL-terminated, one after the other, arguments first. */
static void lay_out(uint64_t argc, const char *strings, size_t n, size_t env_n)
{
	size_t at = ARGC, string = 0;

	memset(stack, 0, sizeof(stack));
	memcpy(stack + STRINGS, strings, n);
	put_word(&at, argc);
	for (uint64_t i = 0; i < argc; i++) {
		put_word(&at, STACK + STRINGS + string);
		string += strlen(strings + string) + 1;
	}
	put_word(&at, 0);
	for (size_t i = 0; i < env_n; i++) {
		put_word(&at, STACK + STRINGS + string);
		string += strlen(strings + string) + 1;
	}
	put_word(&at, 0);
	for (size_t i = 0; i < sizeof(auxv) / sizeof(auxv[0]); i++) {
		put_word(&at, auxv[i][0]);
		put_word(&at, auxv[i][1]);
	}
}

/* Grab a core with this stack whose note has `known`. */
static struct ps_prochandle *grab_core(const char *known)
{
	struct core_builder *b = core_builder_create();
	uint64_t regs[CB_REGS] = { 0 };
	struct ps_prochandle *P;
	int err = 0;

	core_builder_prpsinfo(b, 9, "prog", known);
	core_builder_prstatus(b, 9, 0, regs);
	core_builder_auxv(b, auxv, sizeof(auxv) / sizeof(auxv[0]));
	core_builder_load(b, STACK, sizeof(stack), PF_R | PF_W, stack, sizeof(stack));
	P = Pfgrab_core(core_builder_fd(b), NULL, &err);
	core_builder_destroy(b);
	ck_assert_ptr_nonnull(P);
	return P;
}

/* Check the psargs of that core. */
static void check_psargs(const char *known, const char *want)
{
	struct ps_prochandle *P = grab_core(known);

	ck_assert_str_eq(Ppsinfo(P)->pr_psargs, want);
	Prelease(P, 0);
}

/* Check its whole command line, whose NULs are written as '|'; NULL: it is unknown. */
static void check_whole(const char *known, const char *want)
{
	struct ps_prochandle *P = grab_core(known);
	struct strbuf text = STRBUF_EMPTY;
	enum res res = P->backend.arguments(P, &text, P->data);

	for (size_t i = 0; i < text.n; i++) {
		if (text.at[i] == '\0')
			text.at[i] = '|';
	}
	ck_assert_int_eq(res, want == NULL ? RES_NONE : RES_OK);
	ck_assert_str_eq(strbuf_text(&text), want == NULL ? "" : want);
	strbuf_free(&text);
	Prelease(P, 0);
}

static const char strings[] = "prog\0-x\0file\0HOME=/\0LANG=C";

START_TEST(found)
{
	lay_out(3, strings, sizeof(strings), 2);
	check_psargs("prog", "prog -x file");
	lay_out(3, strings, sizeof(strings), 0);
	check_psargs("prog", "prog -x file");
	lay_out(1, strings, sizeof(strings), 1);
	check_psargs("prog", "prog");
}
END_TEST

START_TEST(the_note_stands)
{
	lay_out(3, strings, sizeof(strings), 2);
	/* The note has arguments; another first word; nothing. */
	check_psargs("prog -y", "prog -y");
	check_psargs("renamed", "renamed");
	check_psargs("pro", "pro");
	check_psargs("", "");
}
END_TEST

START_TEST(whole)
{
	char two[2 * PAGE - STRINGS + 1] = "prog", want[sizeof(two) + 8] = "prog|";

	lay_out(3, strings, sizeof(strings), 2);
	check_whole("prog -x file", "prog|-x|file|");
	check_whole("prog -x ", "prog|-x|file|");
	check_whole("prog -y", NULL);
	check_whole("prog -x file HOME", NULL);
	memset(two + 5, 'a', 1500);
	memset(want + 5, 'a', 1500);
	want[5 + 1500] = '|';
	lay_out(2, two, sizeof(two) - 1, 0);
	check_whole("prog", want);
	/* It has no end in what was saved. */
	memset(two + 5, 'a', sizeof(two) - 6);
	lay_out(2, two, sizeof(two) - 1, 0);
	check_whole("prog", NULL);
	lay_out(1, two, sizeof(two) - 1, 0);
	check_whole("prog", "prog|");
}
END_TEST

START_TEST(cut_at_79_bytes)
{
	char two[200] = "prog", want[PRARGSZ] = "prog ";

	memset(two + 5, 'a', 150);
	memset(want + 5, 'a', PRARGSZ - 6);
	lay_out(2, two, sizeof(two), 0);
	check_psargs("prog", want);
}
END_TEST

START_TEST(stack_overwritten)
{
	size_t at = ARGC;

	/* The count is not that of the pointers. */
	lay_out(3, strings, sizeof(strings), 2);
	put_word(&at, 2);
	check_psargs("prog", "prog");
	/* A pointer to nowhere: the arguments before it are returned. */
	lay_out(3, strings, sizeof(strings), 2);
	at = ARGC + 3 * core_builder_word;
	put_word(&at, 0xdead0000);
	check_psargs("prog", "prog -x");
	/* No end anywhere. */
	memset(stack, 'a', sizeof(stack));
	check_psargs("prog", "prog");
	/* The vector at the very start of the saved memory. */
	memset(stack, 0, sizeof(stack));
	at = 0;
	for (size_t i = 0; i < 4; i++) {
		put_word(&at, auxv[i][0]);
		put_word(&at, auxv[i][1]);
	}
	check_psargs("prog", "prog");
}
END_TEST

struct seen {
	int n, exited;
	lwpid_t id[4];
};

static int see_lwp(void *data, const lwpstatus_t *lwp, const lwpsinfo_t *info)
{
	struct seen *seen = data;

	ck_assert_int_eq(lwp == NULL, info->pr_sname == 'Z');
	seen->exited += lwp == NULL;
	seen->id[seen->n++] = info->pr_lwpid;
	return 0;
}

/* There is nothing of it but its state. */
START_TEST(first_thread_exited)
{
	static const char states[] = { '.', 'Z', 'S' };
	const uint64_t regs[CB_REGS] = { 0 };

	for (size_t i = 0; i < sizeof(states); i++) {
		struct core_builder *b = core_builder_create();
		struct seen seen = { 0, 0, { 0 } };
		int exited = states[i] != 'S', err = 0; /* else it is missing for another reason */
		struct ps_prochandle *P;

		core_builder_prstatus(b, 32, 0, regs);
		core_builder_prpsinfo_of(b, states[i], 30, "prog", "prog");
		core_builder_prstatus(b, 31, 0, regs);
		core_builder_load(b, STACK, sizeof(stack), PF_R | PF_W, stack, sizeof(stack));
		P = Pfgrab_core(core_builder_fd(b), NULL, &err);
		core_builder_destroy(b);
		ck_assert_ptr_nonnull(P);
		ck_assert_int_eq(Plwp_iter_all(P, see_lwp, &seen), 0);
		ck_assert_int_eq(seen.n, 2 + exited);
		ck_assert_int_eq(seen.exited, exited);
		ck_assert_int_eq(seen.id[0], exited ? 30 : 31);
		ck_assert_int_eq(Pstatus(P)->pr_nzomb, exited);
		Prelease(P, 0);
	}
}
END_TEST

/* Each test with cores of either word size. */
static TCase *tests(const char *name, void (*start)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, found);
	tcase_add_test(tcase, the_note_stands);
	tcase_add_test(tcase, whole);
	tcase_add_test(tcase, cut_at_79_bytes);
	tcase_add_test(tcase, stack_overwritten);
	tcase_add_test(tcase, first_thread_exited);
	return tcase;
}

static void use_64bit(void)
{
	core_builder_word = 8;
}

static void use_32bit(void)
{
	core_builder_word = 4;
}

int main(void)
{
	Suite *suite = suite_create("core_args");

	suite_add_tcase(suite, tests("64-bit", use_64bit));
	suite_add_tcase(suite, tests("32-bit", use_32bit));
	return run_made_suite(suite);
}
