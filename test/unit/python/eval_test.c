/* The two parts of a function from a file's unwind table, which is written down here record by
 * record. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "python/py_process.h"
#include "support/elf_builder.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum {
	BASE = 0x400000,
	FRAME = 0x1000,       /* the table, and its section */
	CODE = 0x2000,        /* … to CODE + 0x1000 */
	HOT = CODE + 0x400,   /* 0x100 bytes each */
	COLD = CODE + 0x100,  /* the linker puts these parts first */
	OTHER = CODE + 0x600, /* a function of its own */
	FUNCTION = 0x100
};

/* def_cfa sp+8, return address at -8; then the start of a part: a higher CFA, saved registers. */
static const uint8_t entry[] = { 0x0c, 7, 8, 0x90, 1 },
		     built[] = { 0x0c, 7, 8, 0x90, 1, 0x0e, 0x20, 0x83, 4 }, moves[] = { 0x41, 0x0e, 16 },
		     begins[] = { 0x0e, 0x20, 0x83, 4, 0x41, 0x0e, 16 };

struct drawn {
	uint8_t frame[0x400];
	size_t n;
	struct elf_builder elf;
	struct fake_segment segments[2];
	struct fake_map maps[3];
	struct fake_process fake;
	struct py_process py;
	char path[32];
};

static void u32(struct drawn *d, uint32_t value)
{
	memcpy(d->frame + d->n, &value, sizeof(value));
	d->n += sizeof(value);
}

static void bytes(struct drawn *d, const void *from, size_t n)
{
	memcpy(d->frame + d->n, from, n);
	d->n += n;
}

/* Its length, when all of a record is there. */
static void close_record(struct drawn *d, size_t start)
{
	uint32_t n;

	while (d->n % 4 != 0)
		d->frame[d->n++] = 0;
	n = (uint32_t)(d->n - start - sizeof(n));
	memcpy(d->frame + start, &n, sizeof(n));
}

/* Returns its address. */
static size_t cie(struct drawn *d, const uint8_t *program, size_t n)
{
	static const uint8_t head[] = { 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b };
	size_t start = d->n;

	u32(d, 0);
	u32(d, 0);
	bytes(d, head, sizeof(head));
	bytes(d, program, n);
	close_record(d, start);
	return start;
}

static void fde(struct drawn *d, size_t of, uint64_t function, const uint8_t *program, size_t n)
{
	static const uint8_t nothing = 0;
	size_t start = d->n;

	u32(d, 0);
	u32(d, (uint32_t)(d->n - of));
	u32(d, (uint32_t)(function - (FRAME + d->n)));
	u32(d, FUNCTION);
	bytes(d, &nothing, 1);
	bytes(d, program, n);
	close_record(d, start);
}

/* Map the process with the contents of d->frame. */
static void map(struct drawn *d)
{
	uint64_t frame, code;
	int fd;

	elf_builder_start(&d->elf, ET_DYN);
	frame = elf_builder_add(&d->elf, d->frame, sizeof(d->frame), 0x1000);
	code = elf_builder_add(&d->elf, NULL, 0x1000, 0x1000);
	ck_assert_uint_eq(frame, FRAME);
	ck_assert_uint_eq(code, CODE);
	elf_builder_segment(&d->elf, PT_LOAD, PF_R, 0, 0, CODE, 0x1000);
	elf_builder_segment(&d->elf, PT_LOAD, PF_R | PF_X, code, code, 0x1000, 0x1000);
	(void)elf_builder_section(&d->elf, ".eh_frame", SHT_PROGBITS, frame, frame, d->n);
	elf_builder_finish(&d->elf);
	strcpy(d->path, "/tmp/eval_test.XXXXXX");
	fd = mkstemp(d->path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, d->elf.bytes, d->elf.n), (ssize_t)d->elf.n);
	(void)close(fd);
	d->segments[0] = (struct fake_segment){ BASE, d->elf.bytes, CODE + 0x1000 };
	d->maps[0] = (struct fake_map){ BASE, CODE, MA_READ, 0, d->path };
	d->maps[1] = (struct fake_map){ BASE + CODE, 0x1000, MA_READ | MA_EXEC, CODE, d->path };
	d->fake = (struct fake_process){ .pid = 1, .segments = d->segments, .maps = d->maps };
	d->py.P = fake_grab(&d->fake);
	ck_assert_ptr_nonnull(d->py.P);
	ck_assert(vec_push(&d->py.runtimes, ((struct py_runtime){ .object = d->path })));
}

static void drawn_free(struct drawn *d)
{
	vec_free(&d->py.runtimes);
	Prelease(d->py.P, 0);
	elf_builder_free(&d->elf);
	(void)unlink(d->path);
}

/* From either part, both are found; `parts` of them. */
static void expect(struct drawn *d, uint64_t at, size_t parts)
{
	struct py_range out[2] = { { 0, 0 }, { 0, 0 } };

	ck_assert_uint_eq(py_function_ranges(&d->py, 0, BASE + at, out), parts);
	if (parts > 0)
		ck_assert_uint_eq(out[0].lo, BASE + (parts == 2 ? HOT : (at & ~(uint64_t)0xff)));
	if (parts > 1) {
		ck_assert_uint_eq(out[1].lo, BASE + COLD);
		ck_assert_uint_eq(out[1].hi, BASE + COLD + FUNCTION);
	}
}

START_TEST(part_that_begins_with_a_frame)
{
	struct drawn d = { 0 };
	size_t plain = cie(&d, entry, sizeof(entry));

	fde(&d, plain, HOT, moves, sizeof(moves));
	fde(&d, plain, COLD, begins, sizeof(begins));
	fde(&d, plain, OTHER, moves, sizeof(moves));
	map(&d);
	expect(&d, HOT + 0x20, 2);
	expect(&d, COLD + 0x20, 2);
	expect(&d, OTHER + 0x20, 1);
	expect(&d, OTHER + FUNCTION, 0);
	drawn_free(&d);
}
END_TEST

/* The assembler has put the frame into a separate CIE, which is between the two or before them. */
START_TEST(part_whose_cie_has_the_frame)
{
	for (int first = 0; first < 2; first++) {
		struct drawn d = { 0 };
		size_t plain, other = first ? cie(&d, built, sizeof(built)) : 0;

		plain = cie(&d, entry, sizeof(entry));
		fde(&d, plain, HOT, moves, sizeof(moves));
		if (!first)
			other = cie(&d, built, sizeof(built));
		fde(&d, other, COLD, moves, sizeof(moves));
		fde(&d, plain, OTHER, moves, sizeof(moves));
		map(&d);
		expect(&d, HOT, 2);
		expect(&d, COLD, 2);
		expect(&d, OTHER, 1);
		drawn_free(&d);
	}
}
END_TEST

/* A CIE whose length is more than there is, or whose program is cut off in an operand. */
START_TEST(damaged_cie)
{
	for (size_t bad = 0; bad < 2; bad++) {
		struct drawn d = { 0 };
		size_t plain = cie(&d, entry, sizeof(entry)), other;
		static const uint8_t cut[] = { 0x0c, 7, 8, 0x90, 0x80 };

		fde(&d, plain, HOT, moves, sizeof(moves));
		other = cie(&d, cut, sizeof(cut) - (bad == 0));
		if (bad == 0)
			memcpy(d.frame + other, "\xff\xff\0\0", 4);
		fde(&d, other, COLD, moves, sizeof(moves));
		map(&d);
		expect(&d, HOT, 1);
		drawn_free(&d);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("eval");
	TCase *t = tcase_create("eval");

	tcase_add_test(t, part_that_begins_with_a_frame);
	tcase_add_test(t, part_whose_cie_has_the_frame);
	tcase_add_test(t, damaged_cie);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
