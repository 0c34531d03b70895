/* Call frame information in an ELF file. Byte 0: see enum how; 1: the first pc; 2 and 3: bytes of
 * .eh_frame_hdr. That header follows, then the table. Rows of several pcs are found, computed and
 * applied to registers and a stack. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "parsers.h"
#include "support/elf_builder.h"
#include "support/fake_process.h"
#include "unwind/cfi_rows.h"

enum how { OF_I386 = 1, WITH_HEADER = 2, DEBUG_FRAME = 4, ALIGNED = 8, NO_SECTION = 16 };
enum { HEAD = 4, STACK = 0x700000, STACK_SIZE = 0x1000, PCS = 12, STEPS = 1 << 16 };

static struct elf_image *image_of(uint8_t how, struct span header, struct span table, uint64_t *code)
{
	const bool debug = (how & DEBUG_FRAME) != 0;
	size_t header_n = span_left(&header), table_n = span_left(&table);
	struct elf_image *img = NULL;
	struct elf_builder b;
	uint64_t at, header_at = 0;
	struct fault f;

	elf_builder_class = how & OF_I386 ? ELFCLASS32 : ELFCLASS64;
	elf_builder_start(&b, ET_DYN);
	*code = elf_builder_add(&b, NULL, 256, 4096);
	if (how & WITH_HEADER)
		header_at = elf_builder_add(&b, header.at, header_n, 4);
	at = elf_builder_add(&b, table.at, table_n, how & ALIGNED ? 8 : 1);
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, 0, 0, b.n, 4096);
	if (how & WITH_HEADER)
		elf_builder_segment(&b, PT_GNU_EH_FRAME, PF_R, header_at, header_at, header_n, 4);
	if (!(how & NO_SECTION)) {
		size_t i = elf_builder_section(
		    &b, debug ? ".debug_frame" : ".eh_frame", SHT_PROGBITS, debug ? 0 : at, at, table_n);

		b.shdrs[i].sh_flags = SHF_ALLOC;
	}
	elf_builder_finish(&b);
	if (elf_image_from_bytes(fuzz_copy(b.bytes, b.n), b.n, &img, &f) != RES_OK)
		img = NULL;
	elf_builder_free(&b);
	elf_builder_class = ELFCLASS64;
	return img;
}

/* few: only sp and pc are known. */
static void apply(const struct cfi_row *row, const struct arch *arch, struct memory *mem, bool few)
{
	struct unwind_regs regs = { 0 }, out;
	uint64_t budget = STEPS;
	struct cfi_state state = {
		.arch = arch, .mem = mem, .regs = &regs, .budget = &budget, .reg_missing = REGS_NONE
	};

	for (unsigned i = 0; i < arch->n_regs && !few; i++)
		regs_set(&regs, i, UINT64_C(0x100) * i);
	if (!few)
		regs_set(&regs, arch->fp, STACK + 0x140);
	regs_set(&regs, arch->sp, STACK + 0x100);
	regs_set(&regs, arch->pc, STACK);
	(void)cfi_row_apply(row, &state, &out);
}

static void ask(struct elf_image *img, const struct arch *arch, uint64_t code, uint8_t first)
{
	static uint64_t stack[STACK_SIZE / sizeof(uint64_t)];
	const struct fake_segment segments[] = { { STACK, stack, sizeof(stack) }, { 0 } };
	const struct fake_map maps[] = { { STACK, STACK_SIZE, MA_READ | MA_WRITE, 0, NULL }, { 0 } };
	struct fake_process fake = { .segments = segments, .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct memory *mem = memory_create(P);
	struct cfi_finder *finder = cfi_finder_create(img, elf_image_class(img)->word);

	fuzz_must(P != NULL && mem != NULL && finder != NULL);
	for (size_t i = 0; i < STACK_SIZE / sizeof(uint64_t); i++)
		stack[i] = STACK + i * sizeof(uint64_t) + 1;
	memory_restart(mem, STACK + 0x100);
	for (unsigned i = 0; i < PCS; i++) {
		uint64_t pc = code + ((first + i * 23U) & 0xff), budget = STEPS;
		struct cfi_entry e;
		struct cfi_row row;

		if (cfi_find_entry(finder, pc, &e) != RES_OK)
			continue;
		fuzz_must(e.lo <= pc && pc < e.hi);
		if (cfi_row_of(&e, pc, arch, &budget, &row))
			apply(&row, arch, mem, i % 2 == 1);
	}
	cfi_finder_destroy(finder);
	memory_destroy(mem);
	Prelease(P, 0);
}

void fuzz_cfi(const uint8_t *data, size_t n)
{
	struct span rest, header;
	struct elf_image *img;
	uint64_t code;
	uint16_t header_n;

	if (n < HEAD)
		return;
	memcpy(&header_n, data + 2, sizeof(header_n));
	rest = span_of(data + HEAD, n - HEAD);
	if (!span_cut(&rest, header_n, &header) && !span_cut(&rest, 0, &header))
		return;
	img = image_of(data[0], header, rest, &code);
	if (img != NULL)
		ask(img, data[0] & OF_I386 ? &arch_i386 : &arch_x86_64, code, data[1]);
	elf_image_close(img);
}
