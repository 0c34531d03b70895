/* Images of made code: relocatable files, as LLVM registers them, and others. */
#include "elf/image_made.h"

#include <stdlib.h>
#include <string.h>

#include "elf/symbols.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

enum { TEXT_AT = 0x10000, FRAME_AT = 0x20000, FILE_AT = 0x30000 };

static const char loaded_frame[8] = "loaded!", file_frame[8] = "in file";

/* A target that has the file, and the .eh_frame that is loaded, as far as it is readable. */
struct target {
	struct elf_builder file;
	size_t readable, frame_readable;
};

static size_t copy(void *to, size_t n, uint64_t va, uint64_t at, const void *from, size_t size)
{
	size_t got = va < at || va - at >= size ? 0 : size - (size_t)(va - at);

	got = got < n ? got : n;
	if (got > 0)
		memcpy(to, (const char *)from + (va - at), got);
	return got;
}

/* At most 100 bytes at once. */
static ssize_t read_target(void *data, void *buf, size_t n, uint64_t va)
{
	const struct target *t = data;
	size_t got;

	n = n < 100 ? n : 100;
	got = copy(buf, n, va, FILE_AT, t->file.bytes, t->readable);
	return (ssize_t)(got != 0 ? got : copy(buf, n, va, FRAME_AT, loaded_frame, t->frame_readable));
}

static void start(struct target *t, uint16_t type)
{
	static const struct elf_builder_sym symbols[] = {
		{ "made", 0x10, 0x20, STB_GLOBAL, STT_FUNC, 1 },
		{ "elsewhere", 0x5000, 0x20, STB_GLOBAL, STT_FUNC, 400 },
	};
	uint64_t off;

	elf_builder_start(&t->file, type);
	off = elf_builder_add(&t->file, NULL, 0x40, 8);
	ck_assert_uint_eq(elf_builder_section(&t->file, ".text", SHT_PROGBITS, TEXT_AT, off, 0x40), 1);
	t->file.shdrs[1].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	off = elf_builder_add(&t->file, file_frame, sizeof(file_frame), 8);
	t->file
	    .shdrs[elf_builder_section(
		&t->file, ".eh_frame", SHT_PROGBITS, FRAME_AT, off, sizeof(file_frame))]
	    .sh_flags = SHF_ALLOC;
	(void)elf_builder_symbols(&t->file, SHT_SYMTAB, symbols, sizeof(symbols) / sizeof(symbols[0]));
	elf_builder_finish(&t->file);
	t->readable = t->file.n;
	t->frame_readable = sizeof(loaded_frame);
}

static struct elf_image *image(struct target *t)
{
	const struct elf_memory memory = { read_target, t, FILE_AT, t->file.n };
	struct elf_image *img = NULL;
	struct fault f;

	return elf_image_made(&memory, &img, &f) == RES_OK ? img : NULL;
}

static void expect(struct target *t, uint64_t symbol_at, const char *frame)
{
	struct elf_image *img = image(t);
	struct elf_symbols *symbols = img == NULL ? NULL : elf_symbols_create(img);
	struct elf_symbol found;
	struct span bytes;
	uint64_t lo, hi;
	size_t section = 0;

	ck_assert_ptr_nonnull(symbols);
	ck_assert(elf_image_made_code(img, &section, &lo, &hi));
	ck_assert_uint_eq(lo, TEXT_AT);
	ck_assert_uint_eq(hi, TEXT_AT + 0x40);
	ck_assert(!elf_image_made_code(img, &section, &lo, &hi));
	ck_assert_int_eq(elf_symbols_by_addr(symbols, symbol_at + 0x1f, &found), RES_OK);
	ck_assert_str_eq(found.name, "made");
	ck_assert_uint_eq(found.sym.st_value, symbol_at);
	ck_assert_int_eq(elf_image_section(img, ".eh_frame", NULL, &bytes), RES_OK);
	ck_assert_uint_eq(span_left(&bytes), sizeof(file_frame));
	ck_assert_int_eq(memcmp(bytes.at, frame, sizeof(file_frame)), 0);
	elf_symbols_destroy(symbols);
	elf_image_close(img);
}

START_TEST(of_either_kind)
{
	struct target t;

	elf_builder_class = _i == 0 ? ELFCLASS64 : ELFCLASS32;
	start(&t, ET_REL);
	expect(&t, TEXT_AT + 0x10, loaded_frame);
	/* What cannot be read describes nothing. */
	t.frame_readable--;
	expect(&t, TEXT_AT + 0x10, "\0\0\0\0\0\0\0");
	elf_builder_free(&t.file);
	start(&t, ET_DYN);
	expect(&t, 0x10, file_frame);
	t.readable--;
	ck_assert_ptr_null(image(&t));
	elf_builder_free(&t.file);
	elf_builder_class = ELFCLASS64;
}
END_TEST

/* Each byte of the headers damaged: nothing is read or written outside (the sanitizers see it). */
START_TEST(damaged)
{
	struct target t;

	start(&t, ET_REL);
	for (size_t i = 4; i < t.file.n; i++) {
		uint8_t kept = t.file.bytes[i];

		for (int value = 0; value < 256; value += 51) {
			struct elf_image *img;

			t.file.bytes[i] = (uint8_t)value;
			img = image(&t);
			elf_image_close(img);
		}
		t.file.bytes[i] = kept;
	}
	elf_builder_free(&t.file);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("elf/made");
	TCase *c = tcase_create("made");

	tcase_add_loop_test(c, of_either_kind, 0, 2);
	tcase_add_test(c, damaged);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_made_suite(suite());
}
