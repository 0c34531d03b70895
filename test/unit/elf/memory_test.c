/* Images from memory: fake memory with holes and false sizes, and this program's vdso. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "elf/image.h"
#include "elf/symbols.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

enum { BASE = 0x7000000, LIMIT = 1 << 20 };

/* Fake memory: bytes at BASE, readable up to n, at most `chunk` per read; counts the bytes read. */
struct memory {
	const uint8_t *at;
	size_t n, chunk, total;
};

static ssize_t read_memory(void *data, void *buf, size_t n, uint64_t va)
{
	struct memory *m = data;
	size_t into = (size_t)(va - BASE);

	if (va < BASE || into >= m->n)
		return 0;
	if (n > m->n - into)
		n = m->n - into;
	if (n > m->chunk)
		n = m->chunk;
	memcpy(buf, m->at + into, n);
	m->total += n;
	return (ssize_t)n;
}

/* Segments at file offsets 0 and 0x2000, loaded at the file's addresses plus BASE − 0x400000. */
static void make(struct elf_builder *b)
{
	static const char second[0x100] = "second segment";

	elf_builder_start(b, ET_DYN);
	(void)elf_builder_add(b, NULL, 0x1000 - b->n, 1);
	(void)elf_builder_add(b, NULL, 0x1000, 1);
	(void)elf_builder_add(b, second, sizeof(second), 1);
	elf_builder_segment(b, PT_LOAD, PF_R, 0, 0x400000, 0x1000, 0x1000);
	elf_builder_segment(b, PT_LOAD, PF_R | PF_W, 0x2000, 0x402000, 0x100, 0x1000);
}

static void memory_of(struct memory *m, const struct elf_builder *b)
{
	*m = (struct memory){ b->bytes, b->n, SIZE_MAX, 0 };
}

START_TEST(segments_are_there_and_gaps_are_not)
{
	struct elf_builder b;
	struct memory m;
	struct elf_image *img = NULL;
	struct fault f = { .text = "" };
	struct span out;
	size_t avail;

	make(&b);
	elf_builder_finish(&b);
	memory_of(&m, &b);
	m.chunk = 100;
	ck_assert_msg(
	    elf_image_from_memory(&(struct elf_memory){ read_memory, &m, BASE, LIMIT }, &img, &f) == RES_OK,
	    "%s", f.text);
	ck_assert_uint_eq(elf_image_bias(img), BASE - 0x400000);
	ck_assert_uint_eq(elf_image_base(img), 0x400000);
	ck_assert_int_eq(elf_image_at(img, 0x402007, &out, NULL), RES_OK);
	ck_assert_uint_eq(span_left(&out), 0x100 - 7);
	ck_assert_mem_eq(out.at, "segment", 7);
	ck_assert_ptr_nonnull(elf_image_bytes(img, 0xfff, 1));
	ck_assert_ptr_null(elf_image_bytes(img, 0x1000, 1));
	ck_assert_ptr_null(elf_image_bytes(img, 0xfff, 2));
	ck_assert_ptr_nonnull(elf_image_prefix(img, 0x20f0, 0x100, &avail));
	ck_assert_uint_eq(avail, 0x10);
	ck_assert_uint_eq(elf_image_shnum(img), 0);
	ck_assert_uint_eq(elf_image_ehdr(img)->e_shoff, 0);
	ck_assert_ptr_nonnull(elf_image_elf(img));
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

START_TEST(unreadable_segment_stays_absent)
{
	struct elf_builder b;
	struct memory m;
	struct elf_image *img = NULL;
	struct span out;

	make(&b);
	elf_builder_finish(&b);
	memory_of(&m, &b);
	m.n = 0x2000 + 3;
	ck_assert_int_eq(
	    elf_image_from_memory(&(struct elf_memory){ read_memory, &m, BASE, LIMIT }, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_at(img, 0x402000, &out, NULL), RES_OK);
	ck_assert_uint_eq(span_left(&out), 3);
	ck_assert_int_eq(elf_image_at(img, 0x402003, &out, NULL), RES_NONE);
	elf_image_close(img);
	/* It does not fit within the limit. */
	memory_of(&m, &b);
	ck_assert_int_eq(
	    elf_image_from_memory(&(struct elf_memory){ read_memory, &m, BASE, 0x2000 }, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_at(img, 0x400000, &out, NULL), RES_OK);
	ck_assert_int_eq(elf_image_at(img, 0x402000, &out, NULL), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

START_TEST(sections_after_the_last_segment_are_kept)
{
	struct elf_builder b;
	struct memory m;
	struct elf_image *img = NULL;
	struct span out;
	uint64_t off;

	elf_builder_start(&b, ET_DYN);
	off = elf_builder_add(&b, "hello", 5, 1);
	(void)elf_builder_section(&b, ".hello", SHT_PROGBITS, off, off, 5);
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, 0, 0, b.n, 0x1000);
	elf_builder_finish(&b);
	(void)elf_builder_add(&b, NULL, 0x2000 - b.n, 1);
	memory_of(&m, &b);
	ck_assert_int_eq(
	    elf_image_from_memory(&(struct elf_memory){ read_memory, &m, BASE, LIMIT }, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_section(img, ".hello", NULL, &out), RES_OK);
	ck_assert_mem_eq(out.at, "hello", 5);
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

START_TEST(lies_in_program_headers_cost_no_more_than_the_limit)
{
	struct elf_builder b;
	struct memory m;
	struct elf_image *img = NULL;
	struct span out;

	make(&b);
	for (int i = 0; i < 20; i++)
		elf_builder_segment(&b, PT_LOAD, PF_R, 0, 0x400000, 0x2000, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, UINT64_MAX - 4, 0x600000, 16, 1);
	elf_builder_segment(&b, PT_LOAD, PF_R, 16, UINT64_MAX - 4, UINT64_MAX, 1);
	elf_builder_finish(&b);
	memory_of(&m, &b);
	ck_assert_int_eq(
	    elf_image_from_memory(&(struct elf_memory){ read_memory, &m, BASE, 0x5000 }, &img, NULL), RES_OK);
	ck_assert_uint_le(m.total, 0x5000 + 64 + sizeof(b.phdrs));
	ck_assert_uint_le(elf_image_size(img), 0x5000);
	ck_assert_int_eq(elf_image_at(img, 0x600000, &out, NULL), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&b);
}
END_TEST

static void refused(const struct elf_builder *b, size_t n, size_t limit, int code)
{
	struct memory m = { b->bytes, n, SIZE_MAX, 0 };
	struct elf_image *img = NULL;
	struct fault f = { .text = "" };

	ck_assert_int_eq(
	    elf_image_from_memory(&(struct elf_memory){ read_memory, &m, BASE, limit }, &img, &f), RES_FAIL);
	ck_assert_int_eq(f.code, code);
	ck_assert_uint_gt(strlen(f.text), 0);
	ck_assert_ptr_null(img);
}

START_TEST(what_is_no_image_is_refused)
{
	struct elf_builder b;

	make(&b);
	elf_builder_finish(&b);
	refused(&b, 0, LIMIT, ELF_FAULT_FORMAT);
	refused(&b, b.eh.e_ehsize - 1U, LIMIT, ELF_FAULT_FORMAT);
	refused(&b, b.eh.e_ehsize + elf_builder_phdr(&b) + 4, LIMIT, ELF_FAULT_FORMAT);
	refused(&b, b.n, b.eh.e_ehsize - 1U, ELF_FAULT_FORMAT);
	refused(&b, b.n, b.eh.e_ehsize + elf_builder_phdr(&b), ELF_FAULT_FORMAT);
	b.bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_ARM;
	refused(&b, b.n, LIMIT, ELF_FAULT_MACHINE);
	b.bytes[0] = 0;
	refused(&b, b.n, LIMIT, ELF_FAULT_FORMAT);
	elf_builder_free(&b);

	/* No segment contains offset 0, so the bias is unknown. */
	elf_builder_start(&b, ET_DYN);
	elf_builder_segment(&b, PT_LOAD, PF_R, 0x2000, 0x2000, 0x100, 1);
	elf_builder_finish(&b);
	refused(&b, b.n, LIMIT, ELF_FAULT_FORMAT);
	elf_builder_free(&b);
}
END_TEST

static ssize_t read_self(void *data, void *buf, size_t n, uint64_t va)
{
	(void)data;
	if (n > 8192)
		n = 8192;
	memcpy(buf, (const void *)(uintptr_t)va, n);
	return (ssize_t)n;
}

START_TEST(the_vdso)
{
	uint64_t base = getauxval(AT_SYSINFO_EHDR);
	struct elf_image *img = NULL;
	struct fault f = { .text = "" };
	struct elf_symbols *syms;
	struct elf_symbol sym, back;

	if (base == 0) {
		puts("SKIP: no vdso");
		return;
	}
	ck_assert_msg(
	    elf_image_from_memory(&(struct elf_memory){ read_self, NULL, base, 8192 }, &img, &f) == RES_OK,
	    "%s", f.text);
	syms = elf_symbols_create(img);
	ck_assert_int_eq(elf_symbols_by_name(syms, "__vdso_clock_gettime", &sym), RES_OK);
	ck_assert_int_eq(elf_symbols_by_addr(syms, sym.sym.st_value, &back), RES_OK);
	ck_assert_uint_eq(back.sym.st_value, sym.sym.st_value);
	ck_assert_ptr_nonnull(elf_image_phdr(img, PT_GNU_EH_FRAME));
	elf_symbols_destroy(syms);
	elf_image_close(img);
}
END_TEST

/* Every test runs with files of either class. */
static TCase *tests(const char *name, void (*start)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, segments_are_there_and_gaps_are_not);
	tcase_add_test(tc, unreadable_segment_stays_absent);
	tcase_add_test(tc, sections_after_the_last_segment_are_kept);
	tcase_add_test(tc, lies_in_program_headers_cost_no_more_than_the_limit);
	tcase_add_test(tc, what_is_no_image_is_refused);
	tcase_add_test(tc, the_vdso);
	return tc;
}

static void use_64bit(void)
{
	elf_builder_class = ELFCLASS64;
}

static void use_32bit(void)
{
	elf_builder_class = ELFCLASS32;
}

int main(void)
{
	Suite *suite = suite_create("elf/memory");

	suite_add_tcase(suite, tests("64-bit", use_64bit));
	suite_add_tcase(suite, tests("32-bit", use_32bit));
	return run_made_suite(suite);
}
