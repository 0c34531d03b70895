/* Static probes: of this program, of files of this machine, and of made files. */
#include <check.h>
#include <errno.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif

#include "base/owned.h"
#include "probe/probe_usdt.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

/* What sdt.h leaves for a probe, and an instruction that is nowhere else. */
/* clang-format off */
#define MADE_PROBE(label, semaphore, name, args) \
	__asm__ volatile( \
	    ".globl " label "\n" \
	    label ": .byte 0x0f, 0x1f, 0x80\n" \
	    ".ascii \"" name "\"\n" \
	    ".pushsection .note.stapsdt, \"\", \"note\"\n" \
	    ".balign 4\n" \
	    ".4byte 92f-91f, 94f-93f, 3\n" \
	    "91: .asciz \"stapsdt\"\n" \
	    "92: .balign 4\n" \
	    "93: .8byte " label ", _.stapsdt.base, " semaphore "\n" \
	    ".asciz \"made\"\n" \
	    ".asciz \"" name "\"\n" \
	    ".asciz \"" args "\"\n" \
	    "94: .balign 4\n" \
	    ".popsection\n" \
	    ".ifndef _.stapsdt.base\n" \
	    ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
	    ".weak _.stapsdt.base\n" \
	    ".hidden _.stapsdt.base\n" \
	    "_.stapsdt.base: .space 1\n" \
	    ".size _.stapsdt.base, 1\n" \
	    ".popsection\n" \
	    ".endif\n")
/* clang-format on */

extern const char first_place[], second_place[];

uint16_t made_semaphore __attribute__((section(".probes"))) = 0x1234;

/* Not static: the assembler names it. */
__attribute__((noinline)) void made_probes(void);
void made_probes(void)
{
	MADE_PROBE("first_place", "made_semaphore", "frst", "-4@%edi 8@-16(%rbp) 8@$5");
	MADE_PROBE("second_place", "0", "scnd", "");
#ifdef STAP_PROBE2
	STAP_PROBE2(made, sdt__probe, (long)getpid(), 4711L);
#endif
}

static struct probe_usdt_list list;

static void free_list(void)
{
	probe_usdt_free(&list);
}

static void read_file(const char *path)
{
	struct fault f = { 0 };

	ck_assert_msg(probe_usdt_read_file(path, &list, &f) == RES_OK, "%s: %s", path, f.text);
}

/* The probe's place in the file has the bytes that its address has in memory. */
static void check_place(const struct probe_usdt *probe, const char *place, uint64_t bias)
{
	OWNED(fd_release) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char bytes[7];

	ck_assert_uint_eq(probe->pc + bias, (uintptr_t)place);
	ck_assert_int_eq(pread(fd, bytes, sizeof(bytes), (off_t)probe->offset), (ssize_t)sizeof(bytes));
	ck_assert_mem_eq(bytes, place, sizeof(bytes));
}

START_TEST(probes_of_this_program)
{
	const struct probe_usdt *first, *second;
	OWNED(fd_release) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint64_t bias;
	uint16_t count = 0;

	made_probes();
	read_file("/proc/self/exe");
	ck_assert_uint_eq(list.skipped, 0);
	first = probe_usdt_find(&list, "made", "frst", NULL);
	second = probe_usdt_find(&list, "made", "scnd", NULL);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_null(probe_usdt_find(&list, "made", "frst", first));
	ck_assert_ptr_null(probe_usdt_find(&list, "other", "frst", NULL));
	bias = (uintptr_t)first_place - first->pc;
	ck_assert_uint_eq(bias % 4096, 0);
	check_place(first, first_place, bias);
	check_place(second, second_place, bias);
	ck_assert_uint_eq(first->semaphore + bias, (uintptr_t)&made_semaphore);
	ck_assert_int_eq(pread(fd, &count, sizeof(count), (off_t)first->semaphore_offset), 2);
	ck_assert_uint_eq(count, 0x1234);
	ck_assert_uint_eq(second->semaphore, 0);
	ck_assert_uint_eq(first->n_args, 3);
	ck_assert_uint_eq(second->n_args, 0);
	ck_assert_str_eq(first->text, "-4@%edi 8@-16(%rbp) 8@$5");
}
END_TEST

/* The header itself, where it is installed. */
START_TEST(a_probe_of_sdt_h)
{
#ifdef STAP_PROBE2
	const struct probe_usdt *probe;

	read_file("/proc/self/exe");
	probe = probe_usdt_find(&list, "made", "sdt__probe", NULL);
	ck_assert_ptr_nonnull(probe);
	ck_assert_uint_eq(probe->n_args, 2);
	ck_assert_int_ne(probe->args[0].form, PROBE_USDT_UNKNOWN);
	ck_assert(probe->args[0].bytes == 8 && probe->args[0].is_signed);
	ck_assert(probe->args[1].form == PROBE_USDT_CONSTANT && probe->args[1].is_signed);
	ck_assert_int_eq(probe->args[1].value, 4711);
#else
	printf("SKIP: no sys/sdt.h\n");
#endif
}
END_TEST

/* Reads the next probe of readelf's list. */
static bool next_of_readelf(
    FILE *out, char *provider, char *name, unsigned long *pc, unsigned long *semaphore)
{
	char line[1024];

	while (fgets(line, sizeof(line), out) != NULL) {
		if (sscanf(line, " Provider: %127s", provider) == 1 ||
		    sscanf(line, " Name: %127s", name) == 1)
			continue;
		if (sscanf(line, " Location: %li, Base: %*i, Semaphore: %li", (long *)pc,
			(long *)semaphore) == 2)
			return true;
	}
	return false;
}

/* The same probes as readelf finds, in the same order. */
static void check_file(const char *path)
{
	char command[4200], provider[128] = "", name[128] = "";
	unsigned long pc, semaphore;
	size_t n = 0;
	FILE *out;

	(void)snprintf(command, sizeof(command), "LC_ALL=C readelf -n '%s' 2>/dev/null", path);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	while (next_of_readelf(out, provider, name, &pc, &semaphore)) {
		if (n == 0)
			read_file(path);
		ck_assert_uint_lt(n, list.probes.n);
		ck_assert_str_eq(list.probes.at[n].provider, provider);
		ck_assert_str_eq(list.probes.at[n].name, name);
		ck_assert_uint_eq(list.probes.at[n].pc, pc);
		ck_assert_uint_eq(list.probes.at[n].semaphore, semaphore);
		for (unsigned i = 0; i < list.probes.at[n].n_args; i++)
			ck_assert_msg(list.probes.at[n].args[i].form != PROBE_USDT_UNKNOWN ||
					  strstr(list.probes.at[n].text, "(%rip)") != NULL,
			    "%s", list.probes.at[n].text);
		n++;
	}
	if (pclose(out) != 0 || n == 0) {
		printf("SKIP: %s has no probes, or there is no readelf\n", path);
		return;
	}
	ck_assert_uint_eq(n, list.probes.n);
	ck_assert_uint_eq(list.skipped, 0);
}

START_TEST(probes_of_the_c_library)
{
	Dl_info info;

	ck_assert_int_ne(dladdr((void *)(uintptr_t)&fopen, &info), 0);
	check_file(info.dli_fname);
}
END_TEST

START_TEST(probes_of_an_interpreter)
{
	const char *python = "/usr/bin/python3";
	struct fault f = { 0 };

	if (access(python, R_OK) != 0) {
		printf("SKIP: no %s\n", python);
		return;
	}
	check_file(python);
	if (probe_usdt_find(&list, "python", "gc__start", NULL) == NULL)
		return;
	(void)probe_usdt_refuse(&list, python, "python", "gc__strat", &f);
	ck_assert_str_eq(f.text, "/usr/bin/python3: no probe gc__strat of provider python; is it gc__start?");
}
END_TEST

/* A file with a segment of code at vaddr 0x401000, one of data at 0x403000, and these notes. */
struct made {
	struct elf_builder b;
	uint8_t notes[8192];
	size_t n;
};

enum { CODE = 0x401000, DATA = 0x403000 };

static void put(struct made *m, const void *bytes, size_t n)
{
	ck_assert_uint_le(m->n + n, sizeof(m->notes));
	memcpy(m->notes + m->n, bytes, n);
	m->n += n;
}

static void put_word(struct made *m, uint64_t value)
{
	put(m, &value, elf_builder_class == ELFCLASS32 ? 4 : 8);
}

static void put_note(struct made *m, const uint64_t words[3], const void *strings, size_t n)
{
	uint32_t head[3] = { 8, (uint32_t)n + (elf_builder_class == ELFCLASS32 ? 12 : 24), 3 };

	put(m, head, sizeof(head));
	put(m, "stapsdt", 8);
	for (int i = 0; i < 3; i++)
		put_word(m, words[i]);
	put(m, strings, n);
	while (m->n % 4 != 0)
		put(m, "", 1);
}

#define PUT_NOTE(m, pc, base, semaphore, strings) \
	put_note((m), (const uint64_t[]){ (pc), (base), (semaphore) }, strings, sizeof(strings))

/* base: the address of .stapsdt.base; 0: there is no such section. */
static enum res read_made(struct made *m, uint64_t base, struct fault *f)
{
	struct elf_image *img;
	uint64_t code, data, notes;
	enum res res;
	int fd;

	elf_builder_start(&m->b, ET_EXEC);
	code = elf_builder_add(&m->b, NULL, 256, 4096);
	data = elf_builder_add(&m->b, NULL, 256, 4096);
	notes = elf_builder_add(&m->b, m->notes, m->n, 4);
	elf_builder_segment(&m->b, PT_LOAD, PF_R | PF_X, code, CODE, 256, 4096);
	elf_builder_segment(&m->b, PT_LOAD, PF_R | PF_W, data, DATA, 256, 4096);
	(void)elf_builder_section(&m->b, ".note.stapsdt", SHT_NOTE, 0, notes, m->n);
	if (base != 0)
		(void)elf_builder_section(&m->b, ".stapsdt.base", SHT_PROGBITS, base, data, 1);
	elf_builder_finish(&m->b);
	fd = elf_builder_fd(&m->b, m->b.n);
	ck_assert_int_eq(elf_image_open(fd, &img, f), RES_OK);
	(void)close(fd);
	res = probe_usdt_read(img, &list, f);
	elf_image_close(img);
	elf_builder_free(&m->b);
	return res;
}

START_TEST(both_classes)
{
	struct made m = { .n = 0 };

	elf_builder_class = _i == 0 ? ELFCLASS64 : ELFCLASS32;
	PUT_NOTE(&m, CODE + 16, 0x402000, 0, "prov\0name\0-4@8(%ebp)");
	PUT_NOTE(&m, CODE + 255, 0x402000, DATA + 2, "prov\0a-b\0");
	PUT_NOTE(&m, CODE + 32, 0x402000, 0, "prov\0name\0");
	ck_assert_int_eq(read_made(&m, 0x402000, NULL), RES_OK);
	elf_builder_class = ELFCLASS64;
	ck_assert_uint_eq(list.probes.n, 3);
	ck_assert_uint_eq(list.skipped, 0);
	ck_assert_uint_eq(list.probes.at[0].pc, CODE + 16);
	ck_assert_uint_eq(list.probes.at[0].offset, 4096 + 16);
	ck_assert_int_eq(list.probes.at[0].args[0].form, _i == 0 ? PROBE_USDT_UNKNOWN : PROBE_USDT_MEMORY);
	ck_assert_str_eq(list.probes.at[1].name, "a__b");
	ck_assert_uint_eq(list.probes.at[1].semaphore, DATA + 2);
	ck_assert_uint_eq(list.probes.at[1].semaphore_offset, 8192 + 2);
	/* A probe has as many places as notes. */
	ck_assert_ptr_eq(probe_usdt_find(&list, "prov", "name", NULL), &list.probes.at[0]);
	ck_assert_ptr_eq(probe_usdt_find(&list, "prov", "name", &list.probes.at[0]), &list.probes.at[2]);
	ck_assert_ptr_null(probe_usdt_find(&list, "prov", "name", &list.probes.at[2]));
}
END_TEST

/* The file was linked 0x10000 below, and the other one 0x10000 above where it is now. */
START_TEST(files_moved_by_prelink)
{
	struct made m = { .n = 0 };

	elf_builder_class = _i == 0 ? ELFCLASS64 : ELFCLASS32;
	PUT_NOTE(&m, CODE + 16 - 0x10000, 0x402000 - 0x10000, DATA - 0x10000, "p\0n\0");
	PUT_NOTE(&m, CODE + 16 + 0x10000, 0x402000 + 0x10000, 0, "p\0n\0");
	PUT_NOTE(&m, CODE + 16, 0, 0, "p\0n\0"); /* no base: not moved */
	ck_assert_int_eq(read_made(&m, 0x402000, NULL), RES_OK);
	elf_builder_class = ELFCLASS64;
	ck_assert_uint_eq(list.probes.n, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(list.probes.at[i].pc, CODE + 16);
		ck_assert_uint_eq(list.probes.at[i].offset, 4096 + 16);
	}
	ck_assert_uint_eq(list.probes.at[0].semaphore, DATA);
}
END_TEST

START_TEST(damaged_notes_are_counted)
{
	struct made m = { .n = 0 };
	char strings[800];

	PUT_NOTE(&m, CODE - 1, 0, 0, "p\0n\0");   /* before the code */
	PUT_NOTE(&m, CODE + 256, 0, 0, "p\0n\0"); /* after it */
	PUT_NOTE(&m, DATA, 0, 0, "p\0n\0");       /* no code */
	PUT_NOTE(&m, UINT64_MAX, 0, 0, "p\0n\0");
	PUT_NOTE(&m, CODE, 0, DATA + 255, "p\0n\0"); /* half a semaphore */
	PUT_NOTE(&m, CODE, 0, CODE, "p\0n\0");       /* a semaphore that cannot change */
	PUT_NOTE(&m, CODE, 0, 0, "\0n\0");           /* no provider */
	PUT_NOTE(&m, CODE, 0, 0, "p\0\0");           /* no name */
	PUT_NOTE(&m, CODE, 0, 0, "p\0a b\0");
	PUT_NOTE(&m, CODE, 0, 0, "p\0\x1b[2J\0");
	put_note(&m, (const uint64_t[]){ CODE, 0, 0 }, "p\0n\0x", 5); /* arguments without a NUL */
	put_note(&m, (const uint64_t[]){ CODE, 0, 0 }, "p\0n", 3);
	put_note(&m, (const uint64_t[]){ CODE, 0, 0 }, "p", 1);
	put_note(&m, (const uint64_t[]){ CODE, 0, 0 }, "", 0);
	memset(strings, 'a', sizeof(strings));
	strings[PROBE_NAME_MAX + 1] = '\0';
	strings[PROBE_NAME_MAX + 3] = '\0';
	strings[PROBE_NAME_MAX + 4] = '\0';
	put_note(&m, (const uint64_t[]){ CODE, 0, 0 }, strings, PROBE_NAME_MAX + 5); /* a long name */
	memset(strings, 'a', sizeof(strings));
	strings[1] = strings[3] = strings[4 + PROBE_USDT_TEXT_MAX + 1] = '\0';
	put_note(&m, (const uint64_t[]){ CODE, 0, 0 }, strings, PROBE_USDT_TEXT_MAX + 6); /* a long text */
	PUT_NOTE(&m, CODE, 0, 0, "p\0good\0");
	ck_assert_int_eq(read_made(&m, 0, NULL), RES_OK);
	ck_assert_uint_eq(list.skipped, 16);
	ck_assert_uint_eq(list.probes.n, 1);
	ck_assert_str_eq(list.probes.at[0].name, "good");
}
END_TEST

START_TEST(other_notes_are_none)
{
	struct made m = { .n = 0 };
	const uint32_t head[3] = { 4, 4, 3 }, other[3] = { 8, 4, 2 };

	put(&m, head, sizeof(head));
	put(&m, "GNU\0abcd", 8);
	put(&m, other, sizeof(other));
	put(&m, "stapsdt\0abcd", 12);
	ck_assert_int_eq(read_made(&m, 0, NULL), RES_NONE);
}
END_TEST

/* Every prefix of two notes, as the section of a file. */
START_TEST(cut_notes)
{
	struct made whole = { .n = 0 };

	PUT_NOTE(&whole, CODE, 0, 0, "p\0one\0");
	PUT_NOTE(&whole, CODE, 0, DATA, "p\0two\0008@%rdi");
	for (size_t n = 1; n <= whole.n; n++) {
		struct made m = whole;
		enum res res;

		m.n = n;
		res = read_made(&m, 0, NULL);
		ck_assert_int_ne(res, RES_FAIL);
		if (res == RES_OK) {
			ck_assert_uint_le(list.probes.n + list.skipped, 2);
			probe_usdt_free(&list);
		}
	}
}
END_TEST

/* Notes with some bytes changed: read without harm, and what is read is in the file. */
START_TEST(random_damage)
{
	struct made whole = { .n = 0 };
	unsigned seed = 1;

	PUT_NOTE(&whole, CODE, 0x402000, 0, "p\0one\0-4@%edi");
	PUT_NOTE(&whole, CODE + 7, 0x402000, DATA, "p\0two\0008@-8(%rbp,%rax,4) 1@%al");
	for (int run = 0; run < 3000; run++) {
		struct made m = whole;

		for (int k = 0; k < 1 + run % 3; k++)
			m.notes[(size_t)rand_r(&seed) % m.n] = (uint8_t)rand_r(&seed);
		if (read_made(&m, 0x402000, NULL) != RES_OK)
			continue;
		for (size_t i = 0; i < list.probes.n; i++) {
			ck_assert(list.probes.at[i].offset >= 4096 && list.probes.at[i].offset < 4096 + 256);
			ck_assert_uint_le(list.probes.at[i].n_args, PROBE_USDT_ARGS);
		}
		probe_usdt_free(&list);
	}
}
END_TEST

START_TEST(files_without_probes)
{
	struct fault f = { 0 };

	ck_assert_int_eq(probe_usdt_read_file("/nonexistent\n", &list, &f), RES_FAIL);
	ck_assert_str_eq(f.text, "/nonexistent\\x0a: No such file or directory");
	ck_assert_int_eq(probe_usdt_read_file("/dev/null", &list, &f), RES_FAIL);
	ck_assert_int_eq(probe_usdt_read_file("/etc/passwd", &list, &f), RES_FAIL);
	ck_assert_int_eq(probe_usdt_read_file("/proc/self/environ", &list, &f), RES_FAIL);
	ck_assert_int_eq(f.sys, ENOTSUP);
	(void)probe_usdt_refuse(NULL, "/x", "python", "gc__start", &f);
	ck_assert_str_eq(f.text,
	    "/x: no probes of provider python: the interpreter was built without --with-dtrace"
	    "; profile: and uprobe: do not need them");
	(void)probe_usdt_refuse(NULL, "/x", "q", "n", &f);
	ck_assert_str_eq(f.text, "/x: no probes of provider q");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_usdt");
	TCase *tcase = tcase_create("probe_usdt");

	tcase_add_checked_fixture(tcase, NULL, free_list);
	tcase_add_test(tcase, probes_of_this_program);
	tcase_add_test(tcase, a_probe_of_sdt_h);
	tcase_add_test(tcase, probes_of_the_c_library);
	tcase_add_test(tcase, probes_of_an_interpreter);
	tcase_add_loop_test(tcase, both_classes, 0, 2);
	tcase_add_loop_test(tcase, files_moved_by_prelink, 0, 2);
	tcase_add_test(tcase, damaged_notes_are_counted);
	tcase_add_test(tcase, other_notes_are_none);
	tcase_add_test(tcase, cut_notes);
	tcase_add_test(tcase, random_damage);
	tcase_add_test(tcase, files_without_probes);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
