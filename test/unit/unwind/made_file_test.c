/* Walks through a made-up file: limits of the cost of its tables, its last bytes, code between its
 * functions, and the entries that libunwind gets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/elf_builder.h"
#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unwind/unwind_memory.h"
#include "unwind/unwind.h"

enum {
	BASE = 0x40000000, /* address of the whole mapped file */
	CODE = 0x1000,     /* offset in the file and address without BASE */
	CODE_SIZE = 0x3000,
	STACK = 0x70000000,
	STACK_WORDS = 0x4000,
	TRAMPOLINE = 0x7ff00000, /* of return probes */
	PAGE = 4096
};

struct made {
	struct elf_builder b;
	uint8_t *frame; /* .eh_frame */
	size_t n, cie;
	uint8_t code[CODE_SIZE];
	uint64_t stack[STACK_WORDS];
	char path[64];
	int fd;
	struct fake_segment segments[3];
	struct fake_map maps[4];
	struct fake_process fake;
	struct ps_prochandle *P;
	struct unwinder *u;
	struct native_stack s;
};

static void add(struct made *m, const void *bytes, size_t n)
{
	m->frame = realloc(m->frame, m->n + n);
	ck_assert_ptr_nonnull(m->frame);
	memcpy(m->frame + m->n, bytes, n);
	m->n += n;
}

static void add_u32(struct made *m, uint32_t value)
{
	add(m, &value, sizeof(value));
}

/* The CIE has the first n bytes of a program by which the CFA is sp + 8 and the return address is
 * below it. */
static struct made *made_start_with(size_t n)
{
	static const uint8_t cie[] = { 1, 0, 1, 0x78, 16 }, program[] = { 0x0c, 7, 8, 0x90, 1 };
	struct made *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	memset(m->code, 0x90, sizeof(m->code));
	elf_builder_start(&m->b, ET_DYN);
	add_u32(m, (uint32_t)(4 + sizeof(cie) + n));
	add_u32(m, 0);
	add(m, cie, sizeof(cie));
	add(m, program, n);
	return m;
}

static struct made *made_start(void)
{
	return made_start_with(5);
}

/* A function of the code at `at`, with a program. */
static void made_program(struct made *m, uint64_t at, uint64_t size, const uint8_t *program, size_t n)
{
	uint64_t where[2] = { CODE + at, size };

	add_u32(m, (uint32_t)(4 + sizeof(where) + n));
	add_u32(m, (uint32_t)m->n);
	add(m, where, sizeof(where));
	add(m, program, n);
}

/* A function whose program is `nops` bytes without effect. */
static void made_function(struct made *m, uint64_t at, uint64_t size, size_t nops)
{
	uint8_t *program = calloc(1, nops + 1);

	ck_assert_ptr_nonnull(program);
	made_program(m, at, size, program, nops);
	free(program);
}

/* Nothing is added after this. */
static void made_finish_for(struct made *m, enum unwind_engine engine)
{
	struct fault f = { 0 };
	uint64_t code = elf_builder_add(&m->b, m->code, sizeof(m->code), PAGE), eh;

	ck_assert_uint_eq(code, CODE);
	add_u32(m, 0);
	eh = elf_builder_add(&m->b, m->frame, m->n, 8);
	elf_builder_segment(&m->b, PT_LOAD, PF_R | PF_X, 0, 0, eh + m->n, PAGE);
	m->b.shdrs[elf_builder_section(&m->b, ".eh_frame", SHT_PROGBITS, eh, eh, m->n)].sh_flags = SHF_ALLOC;
	elf_builder_finish(&m->b);
	m->fd = elf_builder_fd(&m->b, m->b.n);
	ck_assert_int_ge(m->fd, 0);
	(void)snprintf(m->path, sizeof(m->path), "/proc/%d/fd/%d", (int)getpid(), m->fd);
	m->segments[0] = (struct fake_segment){ BASE, m->b.bytes, m->b.n };
	m->segments[1] = (struct fake_segment){ STACK, m->stack, sizeof(m->stack) };
	m->maps[0] = (struct fake_map){ BASE, (m->b.n + PAGE - 1) & ~(size_t)(PAGE - 1), MA_READ | MA_EXEC, 0,
		m->path };
	m->maps[1] = (struct fake_map){ STACK, sizeof(m->stack), MA_READ | MA_WRITE, 0, NULL };
	m->maps[2] = (struct fake_map){ TRAMPOLINE, PAGE, MA_EXEC, 0, "[uprobes]" };
	m->fake = (struct fake_process){ .pid = 1, .segments = m->segments, .maps = m->maps };
	m->P = fake_grab(&m->fake);
	ck_assert_ptr_nonnull(m->P);
	ck_assert_int_eq(unwinder_create(m->P, engine, &m->u, &f), RES_OK);
}

static void made_finish(struct made *m)
{
	made_finish_for(m, UNWIND_ENGINE_CFI);
}

static void made_free(struct made *m)
{
	native_stack_free(&m->s);
	unwinder_destroy(m->u);
	Prelease(m->P, 0);
	(void)close(m->fd);
	elf_builder_free(&m->b);
	free(m->frame);
	free(m);
}

/* From `at` of the code, word `word` of the stack being the youngest. */
static void walk(struct made *m, uint64_t at, size_t word)
{
	struct unwind_regs regs = { .reg = { 0 } };
	struct fault f = { 0 };

	regs.known = (arch_set){ { 1U << X86_64_PC | 1U << X86_64_RSP | 1U << X86_64_RBP } };
	regs.reg[X86_64_PC] = BASE + CODE + at;
	regs.reg[X86_64_RSP] = STACK + 8 * word;
	native_stack_free(&m->s);
	ck_assert_int_eq(native_stack_walk(m->u, &regs, 0, &m->s, &f), RES_OK);
}

START_TEST(functions_are_walked)
{
	struct made *m = made_start();

	made_function(m, 0, 0x100, 8);
	made_finish(m);
	m->stack[0] = BASE + CODE + 0x20;
	m->stack[1] = BASE + CODE + 0x30;
	walk(m, 0x10, 0);
	ck_assert_uint_eq(m->s.frames.n, 3);
	ck_assert_int_eq(m->s.end, UNWIND_END_DONE);
	made_free(m);
}
END_TEST

/* A stack whose every frame costs as much as all frames of a normal one: it is not finished, but
 * the next one is. */
START_TEST(costly_stack_costs_no_other)
{
	enum { COSTLY = 1000000, FRAMES = 0x2000 };
	static const enum unwind_engine engines[] = { UNWIND_ENGINE_CFI, UNWIND_ENGINE_LIBUNWIND };
	struct made *m = made_start();

	made_function(m, 0, FRAMES, COSTLY);
	made_function(m, FRAMES, 0x100, COSTLY);
	made_finish_for(m, engines[_i]);
	for (size_t i = 0; i < FRAMES - 2; i++)
		m->stack[i] = BASE + CODE + 2 + i;
	walk(m, 0, 0);
	ck_assert_int_eq(m->s.end, UNWIND_END_LOST);
	ck_assert_uint_gt(m->s.frames.n, 10);
	ck_assert_uint_lt(m->s.frames.n, FRAMES / 2);
	m->stack[STACK_WORDS - 4] = BASE + CODE + FRAMES + 0x20;
	m->stack[STACK_WORDS - 3] = BASE + CODE + FRAMES + 0x30;
	walk(m, FRAMES + 0x10, STACK_WORDS - 4);
	ck_assert_int_eq(m->s.end, UNWIND_END_DONE);
	ck_assert_uint_eq(m->s.frames.n, 3);
	made_free(m);
}
END_TEST

/* --- what is in registers --- */

/* Of x86-64, by their DWARF numbers. */
enum { RAX = 0, RBX = 3, RDI = 5, R8 = 8, PC = 16 };

/* From `at`, with rbx, rdi and r8 known. */
static void walk_registers(struct made *m, uint64_t at, size_t word, uint64_t rbx, uint64_t rdi, uint64_t r8)
{
	struct unwind_regs regs = { .reg = { 0 } };
	struct fault f = { 0 };

	regs.known = (arch_set){ { 1U << X86_64_PC | 1U << X86_64_RSP | 1U << RBX | 1U << RDI | 1U << R8 } };
	regs.reg[X86_64_PC] = BASE + CODE + at;
	regs.reg[X86_64_RSP] = STACK + 8 * word;
	regs.reg[RBX] = rbx;
	regs.reg[RDI] = rdi;
	regs.reg[R8] = r8;
	native_stack_free(&m->s);
	ck_assert_int_eq(native_stack_walk(m->u, &regs, 0, &m->s, &f), RES_OK);
}

/* glibc's vfork keeps the return address in rdi (_i 0). A function that makes calls would keep it
 * in rbx. The stack pointer does not move. */
START_TEST(return_address_in_a_register)
{
	/* def_cfa_offset 0; register pc in rdi, rbx */
	const uint8_t program[2][5] = { { 0x0e, 0, 0x09, PC, RDI }, { 0x0e, 0, 0x09, PC, RBX } };
	struct made *m = made_start();
	const struct native_frame *f;

	made_function(m, 0, 0x100, 8);
	made_program(m, 0x100, 0x100, program[_i], sizeof(program[_i]));
	made_finish(m);
	m->stack[4] = BASE + CODE + (_i == 0 ? 0x30 : 0x130);
	m->stack[5] = 0;
	if (_i == 0)
		walk_registers(m, 0x110, 4, 1, BASE + CODE + 0x20, 2);
	else
		walk_registers(m, 0x10, 4, BASE + CODE + 0x20, 1, 2);
	f = m->s.frames.at;
	ck_assert_int_eq(m->s.end, UNWIND_END_DONE);
	ck_assert_uint_eq(m->s.frames.n, 3);
	ck_assert_uint_eq(f[_i == 0 ? 1 : 2].pc, BASE + CODE + 0x20);
	ck_assert_uint_eq(f[_i].sp, f[_i].cfa);
	ck_assert_uint_eq(f[_i].cfa, f[_i + 1].sp);
	made_free(m);
}
END_TEST

/* One that names itself there leads nowhere. */
START_TEST(return_address_in_a_register_for_ever)
{
	const uint8_t program[] = { 0x0e, 0, 0x09, PC, RBX };
	struct made *m = made_start();

	made_program(m, 0, 0x100, program, sizeof(program));
	made_finish(m);
	walk_registers(m, 0x10, 4, BASE + CODE + 0x20, 1, 2);
	ck_assert_int_eq(m->s.end, UNWIND_END_LOOP);
	ck_assert_uint_lt(m->s.frames.n, 8);
	made_free(m);
}
END_TEST

/* setcontext: the CFA is in rdi, and the new stack pointer in r8, which may be lower. */
START_TEST(stack_pointer_in_a_register)
{
	/* def_cfa rdi, 0; register sp in r8; offset pc at 0 */
	const uint8_t program[] = { 0x0c, RDI, 0, 0x09, X86_64_RSP, R8, 0x11, PC, 0 };
	struct made *m = made_start();

	made_function(m, 0, 0x100, 8);
	made_program(m, 0x100, 0x100, program, sizeof(program));
	made_finish(m);
	m->stack[100] = BASE + CODE + 0x20;
	m->stack[8] = BASE + CODE + 0x30;
	m->stack[9] = 0;
	walk_registers(m, 0x110, 50, 1, STACK + 800, STACK + 64);
	ck_assert_int_eq(m->s.end, UNWIND_END_DONE);
	ck_assert_uint_eq(m->s.frames.n, 3);
	ck_assert_uint_eq(m->s.frames.at[1].pc, BASE + CODE + 0x20);
	ck_assert_uint_eq(m->s.frames.at[1].sp, STACK + 64);
	made_free(m);
}
END_TEST

/* --- ends of files --- */

/* A number that continues after the last byte of a file is read from memory, and is missing if
 * memory lacks it. */
START_TEST(numbers_across_the_end)
{
	struct made *m = made_start();
	struct memory *mem;
	uint64_t word, last, size;
	uint8_t *more;

	made_function(m, 0, 0x100, 8);
	made_finish(m);
	/* The file's segment ends inside a page; memory has other bytes after it, on request. */
	last = m->b.phdrs[0].p_filesz;
	size = m->maps[0].size;
	more = calloc(1, size);
	ck_assert_ptr_nonnull(more);
	memset(more, 0x5a, size);
	memcpy(more, m->b.bytes, last);
	m->segments[0] = (struct fake_segment){ BASE, more, _i == 0 ? last : size };
	mem = memory_create(m->P);
	ck_assert_ptr_nonnull(mem);
	ck_assert(memory_word(mem, BASE + last - 8, &word));
	for (uint64_t part = 1; part < 8; part++) {
		ck_assert_int_eq(memory_word(mem, BASE + last - part, &word), _i != 0);
		if (_i != 0)
			ck_assert_int_eq(memcmp(&word, more + last - part, 8), 0);
		ck_assert(memory_number(mem, BASE + last - part, part, &word));
	}
	memory_destroy(mem);
	made_free(m);
	free(more);
}
END_TEST

/* --- return addresses of handlers --- */

static const uint8_t sigreturn[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };

/* function | trampoline, adjoining. A handler's return address is the trampoline's. */
static void draw_handler(struct made *m)
{
	enum { SP = 16 };

	m->stack[SP] = BASE + CODE + 0x100; /* the handler's return address */
	/* Above it the ucontext, as the kernel lays it: registers from 40 on. */
	m->stack[SP + 1 + 5 + 15] = STACK + 8 * 64;      /* rsp */
	m->stack[SP + 1 + 5 + 16] = BASE + CODE + 0x210; /* rip */
	m->stack[64] = BASE + CODE + 0x220;
	m->stack[65] = 0;
	walk(m, 0x10, SP);
}

START_TEST(trampoline_behind_a_function)
{
	struct made *m = made_start();
	const struct native_frame *f;

	made_function(m, 0, 0x100, 8);
	made_function(m, 0x200, 0x100, 8);
	memcpy(m->code + 0x100, sigreturn, sizeof(sigreturn));
	made_finish(m);
	draw_handler(m);
	f = m->s.frames.at;
	ck_assert_uint_eq(m->s.frames.n, 4);
	ck_assert(f[1].signal_frame && f[1].exact && f[1].pc == BASE + CODE + 0x100);
	ck_assert(f[2].how == UNWIND_SIGNAL && f[2].exact && f[2].pc == BASE + CODE + 0x210);
	ck_assert_uint_eq(f[3].pc, BASE + CODE + 0x220);
	ck_assert(!f[3].exact);
	ck_assert_int_eq(m->s.end, UNWIND_END_DONE);
	made_free(m);
}
END_TEST

/* The function ends in a call, to one that does not return: that has pushed this address. */
START_TEST(trampoline_behind_a_call)
{
	static const uint8_t call[] = { 0xe8, 0, 0, 0, 0 };
	struct made *m = made_start();

	made_function(m, 0, 0x100, 8);
	made_function(m, 0x200, 0x100, 8);
	memcpy(m->code + 0x100 - sizeof(call), call, sizeof(call));
	memcpy(m->code + 0x100, sigreturn, sizeof(sigreturn));
	made_finish(m);
	draw_handler(m);
	ck_assert_uint_ge(m->s.frames.n, 2);
	ck_assert(!m->s.frames.at[1].signal_frame && !m->s.frames.at[1].exact);
	made_free(m);
}
END_TEST

/* --- return probes --- */

/* Functions, with frames of so many words, and the calls in them. */
enum { PROBED = 0, ONE = 0x100, OTHER = 0x200, LARGER = 0x300, MAIN = 0x400, ROOT = 0x500 };

static void call(struct made *m, uint64_t at, uint64_t function)
{
	int32_t distance = (int32_t)(function - (at + 5));

	m->code[at] = 0xe8;
	memcpy(m->code + at + 1, &distance, sizeof(distance));
}

static struct made *probed_start(void)
{
	static const struct {
		uint16_t at;
		uint8_t words;
	} functions[] = { { PROBED, 1 }, { ONE, 2 }, { OTHER, 2 }, { LARGER, 3 }, { MAIN, 1 }, { ROOT, 1 } };
	struct made *m = made_start();

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		/* The last one has no caller. */
		const uint8_t program[] = { 0x0e, (uint8_t)(8 * functions[i].words), 0x07, X86_64_PC };

		made_program(m, functions[i].at, 0x100, program, functions[i].at == ROOT ? 4 : 2);
	}
	call(m, MAIN + 0x10, ONE);
	call(m, MAIN + 0x20, LARGER);
	memcpy(m->code + MAIN + 0x30, "\xff\xd0", 2);
	call(m, ROOT + 0x10, MAIN);
	return m;
}

/* The probed function, then n return addresses, each in its place. The last but one is ROOT's. */
static void walk_probed(struct made *m, const uint64_t *words, size_t n)
{
	made_finish(m);
	m->stack[0] = TRAMPOLINE;
	for (size_t i = 0; i < n; i++)
		m->stack[1 + i] = words[i] == 0 || words[i] == TRAMPOLINE ? words[i] : BASE + CODE + words[i];
	walk(m, PROBED + 0x10, 0);
}

/* The frames from the second one on are at these places of the code, up to 0. */
static void expect_callers(const struct made *m, const uint64_t *places, enum unwind_probed first)
{
	size_t i = 0;

	for (; places[i] != 0; i++) {
		ck_assert_uint_lt(i + 1, m->s.frames.n);
		ck_assert_uint_eq(m->s.frames.at[i + 1].pc, BASE + CODE + places[i]);
		ck_assert_int_eq(m->s.frames.at[i + 1].probed, i == 0 ? first : UNWIND_NOT_PROBED);
		ck_assert(!m->s.frames.at[i + 1].trampoline);
	}
	ck_assert_uint_eq(m->s.frames.n, i + 1);
	ck_assert_int_eq(m->s.end, UNWIND_END_DONE);
}

/* Of two functions that call it, one has a frame that fits. It is named by the call before its
 * return address; of another one of that size it is not known whether it calls. */
START_TEST(caller_is_named)
{
	static const uint64_t callers[] = { ONE + 0x15, MAIN + 0x15, ROOT + 0x15, 0 };
	struct made *m = probed_start();

	call(m, ONE + 0x10, PROBED);
	call(m, LARGER + 0x10, PROBED);
	walk_probed(m, (const uint64_t[]){ 0, MAIN + 0x15, ROOT + 0x15, 0 }, 4);
	expect_callers(m, callers, UNWIND_NOT_PROBED);
	made_free(m);
}
END_TEST

START_TEST(caller_calls_it_twice)
{
	static const uint64_t callers[] = { ONE + 0x15, MAIN + 0x15, ROOT + 0x15, 0 };
	struct made *m = probed_start();

	call(m, ONE + 0x10, PROBED);
	call(m, ONE + 0x20, PROBED);
	walk_probed(m, (const uint64_t[]){ 0, MAIN + 0x15, ROOT + 0x15, 0 }, 4);
	expect_callers(m, callers, UNWIND_SEVERAL);
	made_free(m);
}
END_TEST

/* Both have been replaced. */
START_TEST(caller_is_probed)
{
	static const uint64_t callers[] = { ONE + 0x15, MAIN + 0x15, ROOT + 0x15, 0 };
	struct made *m = probed_start();

	call(m, ONE + 0x10, PROBED);
	walk_probed(m, (const uint64_t[]){ 0, TRAMPOLINE, ROOT + 0x15, 0 }, 4);
	expect_callers(m, callers, UNWIND_NOT_PROBED);
	made_free(m);
}
END_TEST

/* The caller has been called through a register, like any function; if another one with such a frame
 * calls, too, none is shown. */
START_TEST(caller_is_not_named)
{
	static const uint64_t callers[] = { ONE + 0x15, MAIN + 0x32, ROOT + 0x15, 0 };
	struct made *m = probed_start();

	call(m, ONE + 0x10, PROBED);
	if (_i != 0)
		call(m, OTHER + 0x10, PROBED);
	walk_probed(m, (const uint64_t[]){ 0, MAIN + 0x32, ROOT + 0x15, 0 }, 4);
	if (_i == 0) {
		expect_callers(m, callers, UNWIND_LIKELY);
		ck_assert_int_eq(m->s.frames.at[1].how, UNWIND_FP);
	} else {
		ck_assert_uint_eq(m->s.frames.n, 2);
		ck_assert(m->s.frames.at[1].trampoline);
		ck_assert_int_eq(m->s.end, UNWIND_END_LOST);
		ck_assert_int_eq(m->s.reason, UNWIND_RETURN_PROBE);
	}
	made_free(m);
}
END_TEST

/* Nothing calls it but through registers. */
START_TEST(no_caller_is_known)
{
	struct made *m = probed_start();

	walk_probed(m, (const uint64_t[]){ 0, MAIN + 0x15, ROOT + 0x15, 0 }, 4);
	ck_assert_uint_eq(m->s.frames.n, 2);
	ck_assert(m->s.frames.at[1].trampoline);
	ck_assert_int_eq(m->s.end, UNWIND_END_LOST);
	made_free(m);
}
END_TEST

/* --- entries for libunwind --- */

#define BYTES(...) { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

/* Programs of a function, for a CIE that sets a CFA rule or not. */
static const struct {
	const char *what;
	uint8_t bytes[16];
	size_t n;
	bool cfa, shown;
} programs[] = {
	{ "empty", BYTES(0), true, true },
	{ "empty without a rule", BYTES(0), false, false },
	{ "def_cfa, offset", BYTES(0x0c, 7, 8, 0x90, 1), false, true },
	{ "advance without a rule", BYTES(0x41, 0x0c, 7, 8), false, false },
	{ "advance with one", BYTES(0x41, 0x0e, 16), true, true },
	{ "advance_loc4 cut short", BYTES(0x04, 1, 2, 3), true, false },
	{ "set_loc", BYTES(0x01, 0, 0x10, 0, 0, 0, 0, 0, 0), true, false },
	{ "remember and restore", BYTES(0x0a, 0x41, 0x0b), true, true },
	{ "remember without a rule", BYTES(0x0a, 0x0c, 7, 8, 0x0b), false, false },
	{ "restore of nothing", BYTES(0x0b), true, false },
	{ "offset of register 17", BYTES(0x91, 1), true, false },
	{ "restore of register 17", BYTES(0xd1), true, false },
	{ "register out of bounds", BYTES(0x09, 3, 0xff, 0x7f), true, false },
	{ "val_offset", BYTES(0x14, 3, 1), true, false },
	{ "expression breg7+8 deref", BYTES(0x0f, 3, 0x77, 8, 0x06), true, true },
	{ "expression longer than the program", BYTES(0x0f, 4, 0x77, 8, 0x06), true, false },
	{ "address", BYTES(0x0f, 9, 0x03, 0, 0, 0, 0x70, 0, 0, 0, 0), true, false },
	{ "endless expression", BYTES(0x0f, 3, 0x2f, 0xfd, 0xff), true, false },
	{ "branch", BYTES(0x0f, 4, 0x31, 0x28, 0xfc, 0xff), true, false },
	{ "division", BYTES(0x0f, 3, 0x31, 0x31, 0x1b), true, false },
	{ "unknown operation", BYTES(0x0f, 1, 0xe0), true, false },
	{ "expression of a register", BYTES(0x10, 3, 2, 0x77, 0), true, true },
	{ "unknown operation for a register", BYTES(0x10, 3, 1, 0xe0), true, false },
	{ "unknown instruction", BYTES(0x3f), true, false },
	{ "unfinished number", BYTES(0x0e, 0x80), true, false },
	{ "endless number", BYTES(0x0e, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
	    true, false },
};

START_TEST(libunwind_is_shown_what_it_survives)
{
	struct made *m = made_start_with(programs[_i].cfa ? 5 : 0);

	made_program(m, 0, 0x100, programs[_i].bytes, programs[_i].n);
	made_finish_for(m, UNWIND_ENGINE_LIBUNWIND);
	for (unsigned i = 0; i < 2; i++) { /* the second walk meets a remembered answer */
		walk(m, 0x10, 16);
		ck_assert_msg(m->s.frames.at[0].no_cfi == !programs[_i].shown, "%s", programs[_i].what);
	}
	made_free(m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("made file");
	TCase *t = tcase_create("made file");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, functions_are_walked);
	tcase_add_loop_test(
	    t, costly_stack_costs_no_other, 0, unwind_engine_built(UNWIND_ENGINE_LIBUNWIND) ? 2 : 1);
	tcase_add_loop_test(t, return_address_in_a_register, 0, 2);
	tcase_add_test(t, return_address_in_a_register_for_ever);
	tcase_add_test(t, stack_pointer_in_a_register);
	tcase_add_loop_test(t, numbers_across_the_end, 0, 2);
	tcase_add_test(t, trampoline_behind_a_function);
	tcase_add_test(t, trampoline_behind_a_call);
	tcase_add_test(t, caller_is_named);
	tcase_add_test(t, caller_calls_it_twice);
	tcase_add_test(t, caller_is_probed);
	tcase_add_loop_test(t, caller_is_not_named, 0, 2);
	tcase_add_test(t, no_caller_is_known);
	if (unwind_engine_built(UNWIND_ENGINE_LIBUNWIND))
		tcase_add_loop_test(
		    t, libunwind_is_shown_what_it_survives, 0, sizeof(programs) / sizeof(programs[0]));
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
