/* Stacks. Byte 0: see enum how; 1: where pc is; 2: where sp is; 3 and 4: bytes of code; 5 and 6:
 * bytes of .eh_frame. Both follow, then the words of the stack, in 3 bytes each: see enum word. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers.h"
#include "support/elf_builder.h"
#include "support/fake_process.h"
#include "unwind/unwind.h"

enum how { OF_I386 = 1, BY_FP = 2, ALL_REGISTERS = 4, ARGUMENTS = 8, RESUMED = 16 };
enum word { SMALL, ON_STACK, IN_CODE, ON_RETURN_PROBE, ANY, WORDS };
enum { HEAD = 7, WORD = 3 };
enum {
	BASE = 0x400000,
	TEXT = 0x1000, /* in the file; .eh_frame follows */
	TEXT_SIZE = 0x1000,
	TABLE_MAX = 0x1000,
	FUNCTION = 0x40, /* bytes of each symbol */
	STACK = 0x700000,
	STACK_WORDS = 0x200,
	PROBES = 0x7fe000,
	FRAMES_MAX = 256
};

/* A function at each FUNCTION bytes, and what describes them. */
static void build(struct elf_builder *b, struct span code, struct span table)
{
	struct elf_builder_sym symbols[TEXT_SIZE / FUNCTION];
	uint8_t text[TEXT_SIZE], described[TABLE_MAX] = { 0 };
	size_t n = span_left(&table);
	uint64_t at;

	memset(text, 0x90, sizeof(text));
	memcpy(text, code.at, span_left(&code));
	memcpy(described, table.at, n);
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		symbols[i] = (struct elf_builder_sym){ .name = "f",
			.value = TEXT + i * FUNCTION,
			.size = FUNCTION,
			.type = STT_FUNC,
			.shndx = 1 };
	elf_builder_start(b, ET_DYN);
	(void)elf_builder_add(b, text, sizeof(text), TEXT);
	at = elf_builder_add(b, described, sizeof(described), TEXT);
	elf_builder_segment(b, PT_LOAD, PF_R | PF_X, 0, 0, b->n, TEXT);
	b->shdrs[elf_builder_section(b, ".eh_frame", SHT_PROGBITS, at, at, n)].sh_flags = SHF_ALLOC;
	(void)elf_builder_symbols(b, SHT_SYMTAB, symbols, sizeof(symbols) / sizeof(symbols[0]));
	(void)elf_builder_add(b, NULL, TEXT, TEXT); /* room for the section headers, up to a page */
	elf_builder_finish(b);
}

static uint64_t word_of(struct span *words)
{
	uint8_t kind;
	uint16_t value;

	if (!span_u8(words, &kind) || !span_u16(words, &value))
		return 0;
	switch (kind % WORDS) {
	case ON_STACK:
		return STACK + value % (STACK_WORDS * sizeof(uint64_t));
	case IN_CODE:
		return BASE + TEXT + value % TEXT_SIZE;
	case ON_RETURN_PROBE:
		return PROBES;
	case ANY:
		return (uint64_t)value << (kind / WORDS);
	default:
		return value;
	}
}

static void fill(uint64_t *stack, bool i386, struct span words)
{
	uint8_t *at = (uint8_t *)stack;
	const size_t size = i386 ? sizeof(uint32_t) : sizeof(uint64_t);

	for (size_t i = 0; i < STACK_WORDS; i++) {
		uint64_t word = word_of(&words);

		memcpy(at + i * size, &word, size);
	}
}

static void start(struct unwind_regs *regs, const struct arch *arch, const uint8_t *data)
{
	*regs = (struct unwind_regs){ .reg = { 0 } };
	for (unsigned i = 0; i < arch->n_regs && (data[0] & ALL_REGISTERS); i++) {
		regs->reg[i] = STACK + 8 * i;
		arch_set_add(&regs->known, i);
	}
	regs->reg[arch->pc] = BASE + TEXT + (uint64_t)data[1] * 2;
	regs->reg[arch->sp] = STACK + (uint64_t)data[2] % 32 * arch->pointer_size;
	arch_set_add(&regs->known, arch->pc);
	arch_set_add(&regs->known, arch->sp);
}

static void walk(struct ps_prochandle *P, const uint8_t *data, const struct arch *arch)
{
	static const uint64_t args[ARCH_ARGS] = { STACK, 1, 2 };
	struct native_stack s = { .end = UNWIND_END_LOST };
	struct unwind_regs regs;
	struct unwinder *u;
	struct fault f;

	fuzz_must(
	    unwinder_create(P, data[0] & BY_FP ? UNWIND_ENGINE_FP : UNWIND_ENGINE_CFI, &u, &f) == RES_OK);
	start(&regs, arch, data);
	if (data[0] & ARGUMENTS)
		(void)unwind_regs_args(P, args, &regs);
	(void)native_stack_walk(u, &regs, FRAMES_MAX, &s, &f);
	fuzz_must(s.frames.n <= FRAMES_MAX);
	if ((data[0] & RESUMED) && s.frames.n != 0) {
		unwind_regs_at(P, &s.frames.at[0], s.frames.at[0].pc, s.frames.at[0].sp, &regs);
		unwind_regs_set_fp(P, STACK + 0x100, &regs);
		(void)native_stack_walk(u, &regs, FRAMES_MAX, &s, &f);
	}
	native_stack_free(&s);
	unwinder_destroy(u);
}

/* The process has the file and the stack. */
static void ask(const struct elf_builder *b, const uint64_t *stack, const uint8_t *data)
{
	const bool i386 = (data[0] & OF_I386) != 0;
	const size_t mapped = b->n & ~(size_t)(TEXT - 1), stack_n = STACK_WORDS * sizeof(*stack);
	int fd = elf_builder_fd(b, b->n);
	char path[32];
	const struct fake_segment segments[] = { { BASE, b->bytes, mapped }, { STACK, stack, stack_n },
		{ 0 } };
	const struct fake_map maps[] = { { BASE, mapped, MA_READ | MA_EXEC, 0, path },
		{ STACK, stack_n, MA_READ | MA_WRITE, 0, NULL },
		{ PROBES, 4096, MA_READ | MA_EXEC, 0, "[uprobes]" }, { 0 } };
	struct fake_process fake = { .is_32bit = i386, .segments = segments, .maps = maps };
	struct ps_prochandle *P;

	fuzz_must(fd >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	P = fake_grab(&fake);
	fuzz_must(P != NULL);
	walk(P, data, i386 ? &arch_i386 : &arch_x86_64);
	Prelease(P, 0);
	(void)close(fd);
}

void fuzz_unwind(const uint8_t *data, size_t n)
{
	static uint64_t stack[STACK_WORDS];
	struct elf_builder b;
	struct span rest, code, table;
	uint16_t code_n, table_n;

	if (n < HEAD)
		return;
	memcpy(&code_n, data + 3, sizeof(code_n));
	memcpy(&table_n, data + 5, sizeof(table_n));
	rest = span_of(data + HEAD, n - HEAD);
	if (!span_cut(&rest, code_n % (TEXT_SIZE + 1), &code) ||
	    !span_cut(&rest, table_n % (TABLE_MAX + 1), &table))
		return;
	elf_builder_class = data[0] & OF_I386 ? ELFCLASS32 : ELFCLASS64;
	build(&b, code, table);
	elf_builder_class = ELFCLASS64;
	fill(stack, (data[0] & OF_I386) != 0, rest);
	ask(&b, stack, data);
	elf_builder_free(&b);
}
