/* Finding entries in made-up files: by the linker's table in all its forms, and by an index of
 * .eh_frame and of .debug_frame, in both classes. All files have the same FUNCTIONS functions from
 * CODE on. */
#include <string.h>
#include <unistd.h>

#include "support/elf_builder.h"
#include "support/run_suite.h"
#include "unwind/cfi_entry.h"

enum { CODE = 0x10000, STEP = 0x40, SIZE = 0x20, FUNCTIONS = 5, ROOM = 4096 };

/* Bytes at an address. */
struct text {
	uint8_t bytes[ROOM];
	size_t n;
	uint64_t va, data;
	unsigned word;
};

static void put(struct text *t, uint64_t value, size_t n)
{
	ck_assert_uint_le(t->n + n, sizeof(t->bytes));
	memcpy(t->bytes + t->n, &value, n);
	t->n += n;
}

/* `target` in an encoding, written at the end of t. */
static void put_pointer(struct text *t, uint8_t encoding, uint64_t target)
{
	static const uint8_t sizes[16] = { 0, 0, 2, 4, 8, [10] = 2, [11] = 4, [12] = 8 };

	if ((encoding & 0x70) == 0x10)
		target -= t->va + t->n;
	else if ((encoding & 0x70) == 0x30)
		target -= t->data;
	if ((encoding & 0x0f) != 0x01) {
		put(t, target, (encoding & 0x0f) == 0 ? t->word : sizes[encoding & 0x0f]);
		return;
	}
	for (; target > 0x7f; target >>= 7)
		put(t, (target & 0x7f) | 0x80, 1);
	put(t, target, 1);
}

static void length_set(struct text *t, size_t at)
{
	uint32_t n;

	while (t->n % 4 != 0)
		put(t, 0, 1);
	n = (uint32_t)(t->n - at - 4);
	memcpy(t->bytes + at, &n, sizeof(n));
}

static void put_cie(struct text *t, bool debug, uint8_t encoding)
{
	size_t at = t->n;

	put(t, 0, 4);
	put(t, debug ? UINT32_MAX : 0, 4);
	put(t, debug ? 4 : 1, 1);
	if (debug) {
		put(t, 0, 1);
		put(t, t->word, 1);
		put(t, 0, 1);
	} else {
		put(t, 'z' | 'R' << 8, 3);
	}
	put(t, 1, 1);
	put(t, 0x78, 1);
	put(t, 16, 1);
	if (!debug) {
		put(t, 1, 1);
		put(t, encoding, 1);
	}
	put(t, 0x08070c, 3);
	length_set(t, at);
}

/* Write a CIE and the FDEs of the functions from `from` on, the last one first, and their positions
 * to at. */
static void put_entries(struct text *t, bool debug, uint8_t encoding, unsigned from, uint64_t at[FUNCTIONS])
{
	size_t cie = t->n;

	put_cie(t, debug, encoding);
	for (unsigned i = FUNCTIONS; i-- > from;) {
		size_t fde = t->n;

		at[i] = t->va + fde;
		put(t, 0, 4);
		put(t, debug ? cie : t->n - cie, 4);
		put_pointer(t, encoding, CODE + i * STEP);
		put_pointer(t, encoding & 0x07, SIZE);
		if (!debug)
			put(t, 0, 1);
		length_set(t, fde);
	}
}

/* .eh_frame_hdr in its encodings, with rows for the functions. */
static void put_header(
    struct text *t, const uint8_t forms[3], uint64_t eh_frame, const uint64_t at[FUNCTIONS])
{
	put(t, 1, 1);
	for (unsigned i = 0; i < 3; i++)
		put(t, forms[i], 1);
	put_pointer(t, forms[0], eh_frame);
	put_pointer(t, forms[1], FUNCTIONS);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		put_pointer(t, forms[2], CODE + i * STEP);
		put_pointer(t, forms[2], at[i]);
	}
}

/* A file to be made. */
struct file {
	struct elf_builder b;
	struct text frame, header;
	uint64_t at[FUNCTIONS];
	struct elf_image *img;
	struct cfi_finder *finder;
};

/* High enough for an i386 to count from there past the end of its addresses. */
static void file_init(struct file *f, unsigned word)
{
	memset(f, 0, sizeof(*f));
	f->header.word = f->frame.word = word;
	f->header.va = f->header.data = word == 4 ? 0xf0000000 : 0x400000;
	f->frame.va = f->header.va + ROOM;
	elf_builder_class = word == 4 ? ELFCLASS32 : ELFCLASS64;
	elf_builder_start(&f->b, ET_DYN);
}

static void add_segment(struct file *f, const struct text *t)
{
	uint64_t off = elf_builder_add(&f->b, t->bytes, sizeof(t->bytes), 0x1000);

	elf_builder_segment(&f->b, PT_LOAD, PF_R, off, t->va, sizeof(t->bytes), 0x1000);
}

static void add_section(struct file *f, const char *name, const void *bytes, size_t n, uint64_t va)
{
	size_t i = elf_builder_section(&f->b, name, SHT_PROGBITS, va, elf_builder_add(&f->b, bytes, n, 8), n);

	f->b.shdrs[i].sh_flags = va != 0 ? SHF_ALLOC : 0;
}

static void file_open(struct file *f)
{
	int fd;

	elf_builder_finish(&f->b);
	fd = elf_builder_fd(&f->b, f->b.n);
	ck_assert_int_eq(elf_image_open(fd, &f->img, NULL), RES_OK);
	(void)close(fd);
	f->finder = cfi_finder_create(f->img, f->frame.word);
	ck_assert_ptr_nonnull(f->finder);
}

static void file_close(struct file *f)
{
	cfi_finder_destroy(f->finder);
	elf_image_close(f->img);
	elf_builder_free(&f->b);
	elf_builder_class = ELFCLASS64;
}

/* Each function is found from its first byte to its last, and nothing between two. */
static void expect_functions(struct file *f, bool debug, const char *what)
{
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		const uint64_t lo = CODE + i * STEP;
		struct cfi_entry e = { .lo = 0 };

		for (uint64_t pc = lo; pc < lo + SIZE; pc += SIZE - 1) {
			ck_assert_msg(cfi_find_entry(f->finder, pc, &e) == RES_OK, "%s: %u", what, i);
			ck_assert_msg(e.lo == lo && e.hi == lo + SIZE, "%s: %u", what, i);
			ck_assert_msg(e.table->debug == debug, "%s: %u", what, i);
			ck_assert_msg(e.ra == 16 && e.data_align == -8, "%s: %u", what, i);
		}
		ck_assert_msg(cfi_find_entry(f->finder, lo + SIZE, &e) == RES_NONE, "%s: %u", what, i);
		ck_assert_msg(cfi_find_entry(f->finder, lo - 1, &e) == RES_NONE, "%s: %u", what, i);
	}
}

/* --- the linker's table --- */

static const struct {
	const char *what;
	uint8_t forms[3], entries;
} tables[] = {
	{ "as ld writes it", { 0x1b, 0x03, 0x3b }, 0x1b },
	{ "absolute", { 0x00, 0x03, 0x00 }, 0x00 },
	{ "unsigned", { 0x03, 0x04, 0x03 }, 0x03 },
	{ "rows from their own places", { 0x1b, 0x02, 0x1b }, 0x1b },
	{ "eight bytes", { 0x1c, 0x03, 0x3c }, 0x1c },
	{ "count of variable length", { 0x1b, 0x01, 0x3b }, 0x1b },
	{ "from the header, unsigned", { 0x34, 0x03, 0x34 }, 0x04 },
};

START_TEST(forms_of_the_table)
{
	for (unsigned word = 4; word <= 8; word += 4) {
		struct file f;

		file_init(&f, word);
		/* All in one segment; .eh_frame is found by nothing else. */
		f.frame.data = f.header.va;
		put_entries(&f.frame, false, tables[_i].entries, 0, f.at);
		put_header(&f.header, tables[_i].forms, f.frame.va, f.at);
		{
			static uint8_t both[2 * ROOM];
			uint64_t off;

			memcpy(both, f.header.bytes, ROOM);
			memcpy(both + ROOM, f.frame.bytes, ROOM);
			off = elf_builder_add(&f.b, both, sizeof(both), 0x1000);
			elf_builder_segment(&f.b, PT_LOAD, PF_R, off, f.header.va, sizeof(both), 0x1000);
			elf_builder_segment(&f.b, PT_GNU_EH_FRAME, PF_R, off, f.header.va, f.header.n, 4);
		}
		file_open(&f);
		expect_functions(&f, false, tables[_i].what);
		file_close(&f);
	}
}
END_TEST

/* Tables that cannot be used: the index is used instead. */
static const struct {
	const char *what;
	uint8_t forms[3];
	bool section; /* .eh_frame has a section header */
} useless[] = {
	{ "there is none", { 0xff, 0xff, 0xff }, true },
	{ "its rows are of variable length", { 0x1b, 0x03, 0x01 }, true },
	{ "its rows are pointers to pointers", { 0x1b, 0x03, 0xbb }, true },
	{ "its rows count from the text", { 0x1b, 0x03, 0x2b }, true },
	{ ".eh_frame is in another segment", { 0x1b, 0x03, 0x3b }, true },
	{ "no rows", { 0x1b, 0xff, 0xff }, false },
};

START_TEST(useless_tables)
{
	for (unsigned word = 4; word <= 8; word += 4) {
		struct file f;

		file_init(&f, word);
		put_entries(&f.frame, false, 0x1b, 0, f.at);
		put_header(&f.header, useless[_i].forms, f.frame.va, f.at);
		add_segment(&f, &f.header);
		elf_builder_segment(
		    &f.b, PT_GNU_EH_FRAME, PF_R, f.b.phdrs[0].p_offset, f.header.va, f.header.n, 4);
		add_segment(&f, &f.frame);
		if (useless[_i].section)
			add_section(&f, ".eh_frame", f.frame.bytes, f.frame.n, f.frame.va);
		file_open(&f);
		expect_functions(&f, false, useless[_i].what);
		file_close(&f);
	}
}
END_TEST

/* --- tables made here --- */

START_TEST(debug_frame)
{
	for (unsigned word = 4; word <= 8; word += 4) {
		struct file f;

		file_init(&f, word);
		f.frame.va = 0;
		put_entries(&f.frame, true, 0, 0, f.at);
		add_segment(&f, &f.header);
		add_section(&f, ".debug_frame", f.frame.bytes, f.frame.n, 0);
		file_open(&f);
		expect_functions(&f, true, "debug_frame");
		file_close(&f);
	}
}
END_TEST

/* Records that are damaged in both are skipped, and nothing after a record without an end is
 * used. */
START_TEST(damaged_records)
{
	struct cfi_entry e;
	struct file f;
	size_t records;

	file_init(&f, 8);
	put(&f.frame, 0, 4); /* a terminator in the middle, as ld -r leaves */
	put(&f.frame, UINT32_MAX, 4);
	put(&f.frame, 8, 8); /* a record of the 64-bit form */
	put(&f.frame, 0, 8);
	put(&f.frame, 8, 4);
	put(&f.frame, 0x7fffffff, 4); /* whose CIE is before all */
	put(&f.frame, 0, 4);
	put_entries(&f.frame, false, 0x1b, 0, f.at);
	records = f.frame.n;
	put(&f.frame, 0x10000, 4);
	put_entries(&f.frame, false, 0x1b, 0, f.at);
	add_segment(&f, &f.header);
	add_section(&f, ".eh_frame", f.frame.bytes, f.frame.n, f.frame.va);
	file_open(&f);
	expect_functions(&f, false, "damaged records");
	file_close(&f);

	for (size_t n = 1; n < records; n += 3) { /* cut short anywhere: fewer functions, no more than that */
		file_init(&f, 8);
		put_entries(&f.frame, false, 0x1b, 0, f.at);
		add_segment(&f, &f.header);
		add_section(&f, ".eh_frame", f.frame.bytes, n < f.frame.n ? n : f.frame.n, f.frame.va);
		file_open(&f);
		for (uint64_t pc = CODE; pc < CODE + FUNCTIONS * STEP; pc += 8) {
			if (cfi_find_entry(f.finder, pc, &e) == RES_OK)
				ck_assert(pc >= e.lo && pc < e.hi && e.hi - e.lo == SIZE);
		}
		file_close(&f);
	}
}
END_TEST

/* A hole in a file is any number of terminators: not all of them are read. */
START_TEST(a_table_of_nothing)
{
	enum { HOLE = (1 << 24) + (1 << 20) };
	struct cfi_entry e;
	struct file f;
	uint64_t off;
	size_t i;

	file_init(&f, 8);
	add_segment(&f, &f.header);
	off = elf_builder_add(&f.b, NULL, HOLE, 8);
	f.frame.va += HOLE;
	put_entries(&f.frame, false, 0x1b, 0, f.at);
	ck_assert_uint_eq(elf_builder_add(&f.b, f.frame.bytes, f.frame.n, 8), off + HOLE);
	i = elf_builder_section(&f.b, ".eh_frame", SHT_PROGBITS, f.frame.va - HOLE, off, HOLE + f.frame.n);
	f.b.shdrs[i].sh_flags = SHF_ALLOC;
	file_open(&f);
	ck_assert_int_eq(cfi_find_entry(f.finder, CODE, &e), RES_NONE);
	file_close(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfi_find");
	TCase *tcase = tcase_create("cfi_find");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, forms_of_the_table, 0, sizeof(tables) / sizeof(tables[0]));
	tcase_add_loop_test(tcase, useless_tables, 0, sizeof(useless) / sizeof(useless[0]));
	tcase_add_test(tcase, debug_frame);
	tcase_add_test(tcase, damaged_records);
	tcase_add_test(tcase, a_table_of_nothing);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
