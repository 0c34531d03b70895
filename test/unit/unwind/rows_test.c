/* Call frame instructions and expressions in made-up tables, in both word sizes: their meaning, and
 * a result for damaged ones. */
#include <stdio.h>
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unwind/cfi_rows.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

enum { STACK = 0x700000, CODE = 0x1000, SP = STACK + 0x100 };

/* A stack whose word at address a is a + 1, so that words are recognised by their values. */
struct made {
	const struct arch *arch;
	uint8_t stack[0x400];
	struct fake_segment segments[2];
	struct fake_map maps[2];
	struct fake_process fake;
	struct ps_prochandle *P;
	struct memory *mem;
	struct unwind_regs regs;
	uint64_t budget;
	struct cfi_state state;
};

static void made_init(struct made *m, const struct arch *arch)
{
	*m = (struct made){ .arch = arch, .budget = 1 << 20 };
	for (size_t i = 0; i + arch->pointer_size <= sizeof(m->stack); i += arch->pointer_size) {
		uint64_t word = STACK + i + 1;

		memcpy(m->stack + i, &word, arch->pointer_size);
	}
	m->segments[0] = (struct fake_segment){ STACK, m->stack, sizeof(m->stack) };
	m->maps[0] = (struct fake_map){ STACK, 0x1000, MA_READ | MA_WRITE, 0, NULL };
	m->fake = (struct fake_process){ .segments = m->segments, .maps = m->maps };
	m->P = fake_grab(&m->fake);
	m->mem = memory_create(m->P);
	ck_assert(m->P != NULL && m->mem != NULL);
	for (unsigned i = 0; i < arch->n_regs; i++)
		regs_set(&m->regs, i, 0x100 * i);
	regs_set(&m->regs, arch->sp, SP);
	regs_set(&m->regs, arch->fp, SP + 0x40);
	m->state = (struct cfi_state){
		.arch = arch, .mem = m->mem, .regs = &m->regs, .budget = &m->budget, .reg_missing = REGS_NONE
	};
}

static void made_free(struct made *m)
{
	memory_destroy(m->mem);
	Prelease(m->P, 0);
}

/* The row of a function of 0x100 bytes at CODE, at CODE + at. common: the CIE's program. */
static bool row_of(struct made *m, const uint8_t *common, size_t n_common, const uint8_t *own, size_t n_own,
    uint64_t at, struct cfi_row *row)
{
	const struct cfi_table_bytes t = { .place = { .word = m->arch->pointer_size } };
	const struct cfi_entry e = { .table = &t,
		.lo = CODE,
		.hi = CODE + 0x100,
		.code_align = 1,
		.data_align = -(int64_t)m->arch->pointer_size,
		.ra = m->arch->pc,
		.common = span_of(common, n_common),
		.own = span_of(own, n_own) };

	return cfi_row_of(&e, CODE + at, m->arch, &m->budget, row);
}

static const struct arch *arches[2] = { &arch_x86_64, &arch_i386 };

/* def_cfa sp, 1 word; the return address below it */
static size_t initial(const struct arch *arch, uint8_t out[8])
{
	const uint8_t program[] = { 0x0c, arch->sp, arch->pointer_size, (uint8_t)(0x80 | arch->pc), 1 };

	memcpy(out, program, sizeof(program));
	return sizeof(program);
}

/* --- instructions --- */

/* The effect of a function's program on register 3 (rbx, ebx) and on the CFA at its end; W stands
 * for a word. */
enum { W = 0xee, SAVED = 3 };

static const struct instruction {
	const char *what;
	const uint8_t *bytes;
	size_t n;
	uint8_t kind;
	int64_t words, bytes_off; /* offset of the rule */
	int64_t cfa_off;          /* of the CFA from sp, in bytes, beyond a word; -1: by an expression */
} instructions[] = {
	{ "nothing", BYTES(0), CFI_UNSAID, 0, 0, 0 },
	{ "offset", BYTES(0x83, 2), CFI_AT, -2, 0, 0 },
	{ "offset_extended", BYTES(0x05, 3, 2), CFI_AT, -2, 0, 0 },
	{ "offset_extended_sf", BYTES(0x11, 3, 0x7e), CFI_AT, 2, 0, 0 },
	{ "GNU_negative_offset_extended", BYTES(0x2f, 3, 2), CFI_AT, 2, 0, 0 },
	{ "val_offset", BYTES(0x14, 3, 2), CFI_IS, -2, 0, 0 },
	{ "val_offset_sf", BYTES(0x15, 3, 0x7e), CFI_IS, 2, 0, 0 },
	{ "restore", BYTES(0x83, 2, 0xc3), CFI_UNSAID, 0, 0, 0 },
	{ "restore_extended", BYTES(0x83, 2, 0x06, 3), CFI_UNSAID, 0, 0, 0 },
	{ "undefined", BYTES(0x07, 3), CFI_UNDEFINED, 0, 0, 0 },
	{ "same_value", BYTES(0x08, 3), CFI_SAME, 0, 0, 0 },
	{ "register", BYTES(0x09, 3, 0), CFI_REGISTER, 0, 0, 0 },
	{ "register that is not followed", BYTES(0x09, 3, 40), CFI_UNDEFINED, 0, 0, 0 },
	{ "expression", BYTES(0x10, 3, 1, 0x30), CFI_EXPR_AT, 0, 0, 0 },
	{ "val_expression", BYTES(0x16, 3, 1, 0x30), CFI_EXPR_IS, 0, 0, 0 },
	{ "remember, restore", BYTES(0x0a, 0x83, 2, 0x0e, 0x40, 0x0b), CFI_UNSAID, 0, 0, 0 },
	{ "def_cfa_offset", BYTES(0x0e, 0x40), CFI_UNSAID, 0, 0, 0x40 },
	{ "def_cfa_offset, GNU_args_size", BYTES(0x0e, 0x40, 0x2e, 0x10), CFI_UNSAID, 0, 0, 0x40 },
	{ "def_cfa_expression", BYTES(0x0f, 1, 0x30), CFI_UNSAID, 0, 0, -1 },
	{ "a register beyond all", BYTES(0x05, 60, 2), CFI_UNSAID, 0, 0, 0 },
	{ "advances", BYTES(0x41, 0x02, 1, 0x03, 1, 0, 0x04, 1, 0, 0, 0, 0x83, 2), CFI_AT, -2, 0, 0 },
};

START_TEST(each_instruction)
{
	for (unsigned a = 0; a < 2; a++) {
		const struct instruction *in = &instructions[_i];
		uint8_t common[8];
		struct made m;
		struct cfi_row row;
		size_t n = initial(arches[a], common);

		made_init(&m, arches[a]);
		ck_assert_msg(row_of(&m, common, n, in->bytes, in->n, 0x80, &row), "%s", in->what);
		ck_assert_msg(row.regs[SAVED].kind == in->kind, "%s: %d", in->what, row.regs[SAVED].kind);
		ck_assert_msg(arch_set_has(row.set, SAVED) == (in->kind != CFI_UNSAID), "%s", in->what);
		if (in->kind == CFI_AT || in->kind == CFI_IS)
			ck_assert_msg(
			    row.regs[SAVED].at.offset == in->words * m.arch->pointer_size, "%s", in->what);
		ck_assert_int_eq(row.cfa.kind, in->cfa_off < 0 ? CFI_EXPR_IS : CFI_REGISTER);
		if (in->cfa_off >= 0)
			ck_assert_msg(
			    row.cfa.at.offset == (in->cfa_off == 0 ? m.arch->pointer_size : in->cfa_off),
			    "%s", in->what);
		made_free(&m);
	}
}
END_TEST

/* def_cfa and its variants name a register of the architecture. */
START_TEST(cfa_rules)
{
	for (unsigned a = 0; a < 2; a++) {
		const uint8_t fp = arches[a]->fp;
		const uint8_t by_register[] = { 0x0d, fp }, sf[] = { 0x12, fp, 0x7e },
			      offset_sf[] = { 0x13, 0x7e };
		uint8_t common[8];
		struct made m;
		struct cfi_row row;
		size_t n = initial(arches[a], common);

		made_init(&m, arches[a]);
		ck_assert(row_of(&m, common, n, by_register, sizeof(by_register), 0, &row));
		ck_assert(row.cfa.reg == fp && row.cfa.at.offset == m.arch->pointer_size);
		ck_assert(row_of(&m, common, n, sf, sizeof(sf), 0, &row));
		ck_assert(row.cfa.reg == fp && row.cfa.at.offset == 2 * m.arch->pointer_size);
		ck_assert(row_of(&m, common, n, offset_sf, sizeof(offset_sf), 0, &row));
		ck_assert(row.cfa.reg == m.arch->sp && row.cfa.at.offset == 2 * m.arch->pointer_size);
		made_free(&m);
	}
}
END_TEST

/* A row holds from its advance on, and not a byte before. */
START_TEST(rows_by_pc)
{
	static const uint8_t own[] = { 0x41, 0x0e, 0x10, 0x43, 0x0e, 0x20, 0x02, 0x30, 0x0e, 0x30 };
	static const struct {
		uint64_t at;
		int64_t offset;
	} expect[] = { { 0, 8 }, { 1, 0x10 }, { 3, 0x10 }, { 4, 0x20 }, { 0x33, 0x20 }, { 0x34, 0x30 } };
	uint8_t common[8];
	struct made m;
	struct cfi_row row;
	size_t n = initial(&arch_x86_64, common);

	made_init(&m, &arch_x86_64);
	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		ck_assert(row_of(&m, common, n, own, sizeof(own), expect[i].at, &row));
		ck_assert_int_eq(row.cfa.at.offset, expect[i].offset);
	}
	made_free(&m);
}
END_TEST

static const struct {
	const char *what;
	const uint8_t *bytes;
	size_t n;
} damaged[] = {
	{ "advance_loc4 cut short", BYTES(0x04, 1, 2, 3) },
	{ "restore of nothing", BYTES(0x0b) },
	{ "unknown instruction", BYTES(0x3f) },
	{ "unfinished number", BYTES(0x0e, 0x80) },
	{ "expression longer than the program", BYTES(0x0f, 4, 0x77, 8, 0x06) },
	{ "CFA by a register beyond all", BYTES(0x0c, 40, 8) },
	{ "offset of an expression", BYTES(0x0f, 1, 0x30, 0x0e, 8) },
	{ "back to where another row was", BYTES(0x42, 0x01, 0, 0x10, 0, 0, 0, 0, 0, 0) },
};

START_TEST(damaged_programs)
{
	uint8_t common[8], deep[64];
	struct made m;
	struct cfi_row row;
	size_t n = initial(&arch_x86_64, common);

	made_init(&m, &arch_x86_64);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
		ck_assert_msg(!row_of(&m, common, n, damaged[i].bytes, damaged[i].n, 0x80, &row), "%s",
		    damaged[i].what);
	memset(deep, 0x0a, sizeof(deep)); /* remembered too often */
	ck_assert(!row_of(&m, common, n, deep, sizeof(deep), 0x80, &row));
	ck_assert(!row_of(&m, common, 0, common, 0, 0x80, &row)); /* no CFA at all */
	m.budget = 4;
	ck_assert(!row_of(&m, common, n, common, n, 0x80, &row));
	made_free(&m);
}
END_TEST

/* Offsets are multiplied by any factor that a CIE has. */
START_TEST(widest_factor)
{
	static const uint8_t negative[] = { 0x2f, 3, 1 }, plain[] = { 0x83, 1 };
	const struct cfi_table_bytes t = { .place = { .word = 8 } };
	uint8_t common[8];
	struct made m;
	struct cfi_row row;
	size_t n = initial(&arch_x86_64, common);
	struct cfi_entry e = { .table = &t,
		.lo = CODE,
		.hi = CODE + 0x100,
		.code_align = 1,
		.data_align = INT64_MIN,
		.ra = arch_x86_64.pc,
		.common = span_of(common, n),
		.own = span_of(negative, sizeof(negative)) };

	made_init(&m, &arch_x86_64);
	ck_assert(cfi_row_of(&e, CODE, m.arch, &m.budget, &row));
	ck_assert_int_eq(row.regs[SAVED].at.offset, INT64_MIN);
	e.own = span_of(plain, sizeof(plain));
	ck_assert(cfi_row_of(&e, CODE, m.arch, &m.budget, &row));
	ck_assert_int_eq(row.regs[SAVED].at.offset, INT64_MIN);
	made_free(&m);
}
END_TEST

/* Random programs: each gives a result, and sanitizers see reads out of bounds. */
START_TEST(random_programs)
{
	uint64_t seed = 88172645463325252ULL;
	uint8_t common[8], own[40];
	size_t good = 0;

	for (unsigned round = 0; round < 20000; round++) {
		const struct arch *arch = arches[round % 2];
		size_t n = initial(arch, common);
		struct unwind_regs next;
		struct made m;
		struct cfi_row row;

		for (size_t i = 0; i < sizeof(own); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			own[i] = (uint8_t)(seed >> 20 & (round % 3 == 0 ? 0xff : 0x1f));
		}
		made_init(&m, arch);
		if (row_of(&m, common, n, own, seed % sizeof(own), seed >> 40 & 0xff, &row))
			good += cfi_row_apply(&row, &m.state, &next) == RES_OK;
		made_free(&m);
	}
	ck_assert_uint_gt(good, 100);
}
END_TEST

/* --- the caller by a row --- */

START_TEST(callers_registers)
{
	for (unsigned a = 0; a < 2; a++) {
		const struct arch *arch = arches[a];
		const uint8_t own[] = { 0x0e, (uint8_t)(4 * arch->pointer_size), (uint8_t)(0x80 | arch->fp),
			2, 0x14, SAVED, 3, 0x07, arch->saved[3] };
		uint64_t cfa = SP + 4U * arch->pointer_size;
		struct unwind_regs next;
		uint8_t common[8];
		struct made m;
		struct cfi_row row;
		size_t n = initial(arch, common);

		made_init(&m, arch);
		ck_assert(row_of(&m, common, n, own, sizeof(own), 0x10, &row));
		ck_assert_int_eq(cfi_row_apply(&row, &m.state, &next), RES_OK);
		ck_assert_uint_eq(next.reg[arch->sp], cfa);
		ck_assert_uint_eq(next.reg[arch->pc], cfa - arch->pointer_size + 1);
		ck_assert_uint_eq(next.reg[arch->fp], cfa - 2U * arch->pointer_size + 1);
		ck_assert_uint_eq(next.reg[SAVED], cfa - 3U * arch->pointer_size);
		ck_assert(regs_known(&next, arch->saved[2])); /* not spoken of, and kept by every function */
		ck_assert_uint_eq(next.reg[arch->saved[2]], m.regs.reg[arch->saved[2]]);
		ck_assert(!regs_known(&next, arch->saved[3])); /* lost */
		ck_assert(!regs_known(&next, 0));              /* rax, eax: any function may change it */
		made_free(&m);
	}
}
END_TEST

START_TEST(callers_that_are_not_there)
{
	const uint8_t oldest[] = { 0x07, 16 }, by_fp[] = { 0x0c, 6, 16 }, far[] = { 0x0e, 0x80, 0x80, 0x01 },
		      no_ra[] = { 0x08, 16 };
	struct unwind_regs next;
	uint8_t common[8];
	struct made m;
	struct cfi_row row;
	size_t n = initial(&arch_x86_64, common);

	made_init(&m, &arch_x86_64);
	ck_assert(row_of(&m, common, n, oldest, sizeof(oldest), 0, &row));
	ck_assert_int_eq(cfi_row_apply(&row, &m.state, &next), RES_NONE);
	arch_set_remove(&m.regs.known, X86_64_RBP);
	ck_assert(row_of(&m, common, n, by_fp, sizeof(by_fp), 0, &row));
	ck_assert_int_eq(cfi_row_apply(&row, &m.state, &next), RES_FAIL);
	ck_assert_int_eq(m.state.reg_missing, X86_64_RBP);
	m.state.reg_missing = REGS_NONE;
	ck_assert(row_of(&m, common, n, far, sizeof(far), 0, &row));
	ck_assert_int_eq(cfi_row_apply(&row, &m.state, &next), RES_FAIL);
	ck_assert_uint_eq(m.state.va_missing, SP + 0x4000 - 8);
	ck_assert(row_of(&m, common, n, no_ra, sizeof(no_ra), 0, &row));
	ck_assert_int_eq(cfi_row_apply(&row, &m.state, &next), RES_OK); /* "as it is": the pc itself */
	made_free(&m);
}
END_TEST

/* --- expressions --- */

static const struct expression {
	const char *what;
	const uint8_t *bytes;
	size_t n;
	bool ok;
	uint64_t of_64bit, of_32bit; /* result by word size */
} expressions[] = {
	{ "empty", BYTES(0x96), false, 0, 0 },
	{ "lit0, lit31", BYTES(0x30, 0x4f), true, 31, 31 },
	{ "const1u, const1s", BYTES(0x08, 0xff, 0x09, 0xff, 0x22), true, 0xfe, 0xfe },
	{ "const2u", BYTES(0x0a, 0xff, 0xff), true, 0xffff, 0xffff },
	{ "const2s", BYTES(0x0b, 0xff, 0xff), true, UINT64_MAX, UINT32_MAX },
	{ "const4u", BYTES(0x0c, 0xfe, 0xff, 0xff, 0xff), true, 0xfffffffe, 0xfffffffe },
	{ "const4s", BYTES(0x0d, 0xfe, 0xff, 0xff, 0xff), true, UINT64_MAX - 1, 0xfffffffe },
	{ "const8u", BYTES(0x0e, 1, 0, 0, 0, 1, 0, 0, 0), true, 0x100000001, 1 },
	{ "const8s", BYTES(0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), true, UINT64_MAX,
	    UINT32_MAX },
	{ "constu, consts", BYTES(0x10, 0x80, 1, 0x11, 0x7f, 0x22), true, 127, 127 },
	{ "dup, plus", BYTES(0x35, 0x12, 0x22), true, 10, 10 },
	{ "drop", BYTES(0x35, 0x36, 0x13), true, 5, 5 },
	{ "over, minus", BYTES(0x39, 0x34, 0x14, 0x1c), true, UINT64_MAX - 4, UINT32_MAX - 4 },
	{ "pick", BYTES(0x31, 0x32, 0x33, 0x15, 2), true, 1, 1 },
	{ "pick too deep", BYTES(0x31, 0x15, 1), false, 0, 0 },
	{ "swap, minus", BYTES(0x39, 0x34, 0x16, 0x1c), true, UINT64_MAX - 4, UINT32_MAX - 4 },
	{ "rot", BYTES(0x31, 0x32, 0x33, 0x17), true, 2, 2 },
	{ "abs", BYTES(0x11, 0x7b, 0x19), true, 5, 5 },
	{ "neg, not", BYTES(0x35, 0x1f, 0x20), true, 4, 4 },
	{ "and, or, xor", BYTES(0x3f, 0x36, 0x1a, 0x38, 0x21, 0x33, 0x27), true, 13, 13 },
	{ "mul", BYTES(0x36, 0x37, 0x1e), true, 42, 42 },
	{ "div, of signed numbers", BYTES(0x11, 0x7a, 0x32, 0x1b), true, UINT64_MAX - 2, UINT32_MAX - 2 },
	{ "div by zero", BYTES(0x31, 0x30, 0x1b), false, 0, 0 },
	{ "the smallest by -1", BYTES(0x31, 0x08, 63, 0x24, 0x09, 0xff, 0x1b), true, UINT64_C(1) << 63, 0 },
	{ "the smallest of 4 bytes by -1", BYTES(0x31, 0x4f, 0x24, 0x09, 0xff, 0x1b), true,
	    -(UINT64_C(1) << 31), 0x80000000 },
	{ "mod, of unsigned numbers", BYTES(0x37, 0x33, 0x1d), true, 1, 1 },
	{ "mod by zero", BYTES(0x37, 0x30, 0x1d), false, 0, 0 },
	{ "plus_uconst", BYTES(0x31, 0x23, 0x80, 1), true, 129, 129 },
	{ "shl, shr", BYTES(0x35, 0x34, 0x24, 0x33, 0x25), true, 10, 10 },
	{ "shift by a lot", BYTES(0x35, 0x08, 200, 0x24), true, 0, 0 },
	{ "shra", BYTES(0x11, 0x78, 0x31, 0x26), true, UINT64_MAX - 3, UINT32_MAX - 3 },
	{ "shra by a lot", BYTES(0x11, 0x78, 0x08, 200, 0x26), true, UINT64_MAX, UINT32_MAX },
	{ "eq, ne", BYTES(0x31, 0x31, 0x29, 0x31, 0x2e), true, 0, 0 },
	{ "ge, gt, of signed numbers", BYTES(0x31, 0x09, 0xff, 0x2a, 0x31, 0x2b), true, 0, 0 },
	{ "le, lt", BYTES(0x09, 0xff, 0x31, 0x2c, 0x32, 0x2d), true, 1, 1 },
	{ "skip", BYTES(0x31, 0x2f, 1, 0, 0x32), true, 1, 1 },
	{ "bra taken", BYTES(0x31, 0x32, 0x28, 1, 0, 0x33), true, 1, 1 },
	{ "bra not taken", BYTES(0x31, 0x30, 0x28, 1, 0, 0x33), true, 3, 3 },
	{ "a loop that ends", BYTES(0x35, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff), true, 0, 0 },
	{ "endless", BYTES(0x2f, 0xfd, 0xff), false, 0, 0 },
	{ "jump out", BYTES(0x31, 0x2f, 1, 0), false, 0, 0 },
	{ "jump in front", BYTES(0x31, 0x2f, 0xfb, 0xff), false, 0, 0 },
	{ "breg0, reg1", BYTES(0x71, 4, 0x51, 0x22), true, 0x204, 0x204 },
	{ "bregx, regx", BYTES(0x92, 2, 0x7f, 0x90, 3, 0x22), true, 0x4ff, 0x4ff },
	{ "a register that is not followed", BYTES(0x92, 30, 0), false, 0, 0 },
	{ "addr is of the image", BYTES(0x03, 8, 0, 0, 0, 0x96, 0x96, 0x96, 0x96), true, 0, 0x10008 },
	{ "deref", BYTES(0x0c, 0x10, 0x00, 0x70, 0x00, 0x06), true, STACK + 0x11, STACK + 0x11 },
	{ "deref_size 1", BYTES(0x0c, 0x10, 0x00, 0x70, 0x00, 0x94, 1), true, 0x11, 0x11 },
	{ "deref_size 9", BYTES(0x0c, 0x10, 0x00, 0x70, 0x00, 0x94, 9), false, 0, 0 },
	{ "deref of nothing", BYTES(0x30, 0x06), false, 0, 0 },
	{ "nothing on the stack", BYTES(0x22), false, 0, 0 },
	{ "unknown", BYTES(0xe0), false, 0, 0 },
	{ "call_frame_cfa has no meaning here", BYTES(0x9c), false, 0, 0 },
	{ "operand cut short", BYTES(0x0c, 1, 2), false, 0, 0 },
};

START_TEST(each_operation)
{
	for (unsigned a = 0; a < 2; a++) {
		const struct expression *e = &expressions[_i];
		uint64_t want = a == 0 ? e->of_64bit : e->of_32bit, got = 0;
		struct made m;
		bool ok;

		if (a == 0 && strncmp(e->what, "addr", 4) == 0)
			continue; /* its operand is a word */
		made_init(&m, arches[a]);
		m.state.bias = 0x10000;
		ok = cfi_expression(&m.state, span_of(e->bytes, e->n), NULL, &got);
		if (strcmp(e->what, "the smallest by -1") == 0 && a == 1)
			want = 0;
		ck_assert_msg(ok == e->ok, "%s, word %d", e->what, m.arch->pointer_size);
		ck_assert_msg(!ok || got == want, "%s, word %d: %#lx", e->what, m.arch->pointer_size,
		    (unsigned long)got);
		made_free(&m);
	}
}
END_TEST

START_TEST(stack_of_an_expression)
{
	uint8_t dups[100];
	uint64_t start = 7, got;
	struct made m;

	made_init(&m, &arch_x86_64);
	memset(dups, 0x12, sizeof(dups));
	ck_assert(cfi_expression(&m.state, span_of(dups, 60), &start, &got) && got == 7);
	ck_assert(!cfi_expression(&m.state, span_of(dups, 100), &start, &got));
	ck_assert(!cfi_expression(&m.state, span_of(dups, 1), NULL, &got));
	m.budget = 10;
	ck_assert(!cfi_expression(&m.state, span_of(dups, 60), &start, &got));
	made_free(&m);
}
END_TEST

/* Reading memory costs more than an operation, and the remaining budget never grows. */
START_TEST(budget_of_an_expression)
{
	static const uint8_t deref[] = { 0x06 };
	uint64_t start = SP, got;
	struct made m;

	made_init(&m, &arch_x86_64);
	m.budget = 300;
	ck_assert(cfi_expression(&m.state, span_of(deref, 1), &start, &got) && got == SP + 1);
	ck_assert_uint_lt(m.budget, 200);
	for (uint64_t before = m.budget; m.budget != 0; before = m.budget) {
		(void)cfi_expression(&m.state, span_of(deref, 1), &start, &got);
		ck_assert_uint_lt(m.budget, before);
	}
	ck_assert(!cfi_expression(&m.state, span_of(deref, 1), &start, &got));
	ck_assert_uint_eq(m.budget, 0);
	made_free(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rows");
	TCase *tcase = tcase_create("rows");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, each_instruction, 0, sizeof(instructions) / sizeof(instructions[0]));
	tcase_add_test(tcase, cfa_rules);
	tcase_add_test(tcase, rows_by_pc);
	tcase_add_test(tcase, damaged_programs);
	tcase_add_test(tcase, widest_factor);
	tcase_add_test(tcase, random_programs);
	tcase_add_test(tcase, callers_registers);
	tcase_add_test(tcase, callers_that_are_not_there);
	tcase_add_loop_test(tcase, each_operation, 0, sizeof(expressions) / sizeof(expressions[0]));
	tcase_add_test(tcase, stack_of_an_expression);
	tcase_add_test(tcase, budget_of_an_expression);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
