/* The machine code of the evaluation loop, for versions whose frames do not mark activations.
 *
 * The compiler splits the function. The cold part (in some builds most of it) lies elsewhere, as
 * `_PyEval_EvalFrameDefault.cold` or similar, a local symbol that strip removes. Its unwind entry
 * remains, next to that of the hot part:
 *
 *   .eh_frame  … FDE of the hot part │ FDE of the cold part …
 *                                      └ begins with a frame already built: its CFA is defined
 *                                        before the first step of the pc
 *
 * (so in every gcc build from 5 to 16 that has a cold part). These definitions may be in a CIE of
 * the part's own, after those of every function: GNU as puts them there if such a CIE is shared
 * (i386). Record layout: Linux Standard Base, chapter on .eh_frame; call frame opcodes: DWARF 5,
 * 6.4.2. */
#include <stdio.h>

#include "os/images.h"
#include "python/py_process.h"

enum {
	CFA_DEF = 0x0c,
	CFA_DEF_OFFSET = 0x0e,
	CFA_DEF_EXPRESSION = 0x0f,
	CFA_OFFSET = 2, /* in the two high bits */
	PCREL_SDATA4 = 0x1b
};

static bool symbol_range(struct ps_prochandle *P, const char *object, const char *name, struct py_range *out)
{
	GElf_Sym sym;

	if (Plookup_by_name(P, object, name, &sym) != 0 || sym.st_shndx == SHN_UNDEF || sym.st_size == 0 ||
	    sym.st_value + sym.st_size < sym.st_value)
		return false;
	*out = (struct py_range){ sym.st_value, sym.st_value + sym.st_size };
	return true;
}

static bool skip_leb(struct span *s)
{
	uint8_t byte;

	do {
		if (!span_u8(s, &byte))
			return false;
	} while (byte & 0x80);
	return true;
}

/* Does the program of an FDE (after its range) define the CFA before it moves the pc? */
static bool fde_starts_inside(struct span s)
{
	uint8_t n, op;

	/* The augmentation data: a length (one byte in practice) and that many bytes. */
	if (!span_u8(&s, &n) || n >= 0x80 || !span_skip(&s, n))
		return false;
	while (span_u8(&s, &op)) {
		if (op == CFA_DEF || op == CFA_DEF_OFFSET || op == CFA_DEF_EXPRESSION)
			return true;
		if (op >> 6 != CFA_OFFSET || !skip_leb(&s))
			return false;
	}
	return false;
}

/* Are the pointers of this CIE's FDEs signed 32-bit numbers relative to themselves? Only for "zR",
 * the augmentation of C functions. *s must be at the byte after the CIE's id; it is moved to the
 * program. */
static bool is_plain_cie(struct span *s)
{
	const char *augmentation;
	uint8_t version, length, encoding;

	return span_u8(s, &version) && span_cstr(s, &augmentation) && strcmp(augmentation, "zR") == 0 &&
	       skip_leb(s) && skip_leb(s) && skip_leb(s) && span_u8(s, &length) && length == 1 &&
	       span_u8(s, &encoding) && encoding == PCREL_SDATA4;
}

/* Does the program of a CIE define the CFA again, after the rules for the entry of any function? */
static bool cie_redefines_cfa(struct span s)
{
	uint8_t op;

	if (!span_u8(&s, &op) || op != CFA_DEF || !skip_leb(&s) || !skip_leb(&s))
		return false;
	do
		op = 0;
	while (span_u8(&s, &op) && op >> 6 == CFA_OFFSET && skip_leb(&s));
	return op == CFA_DEF || op == CFA_DEF_OFFSET || op == CFA_DEF_EXPRESSION;
}

struct fde {
	uint64_t lo, hi; /* file addresses */
	bool inside;     /* it begins with a frame already built */
};

/* The next record. RES_OK: an FDE; RES_NONE: another record; RES_FAIL: the end. */
static enum res next_record(struct span *s, const uint8_t *section, uint64_t section_addr, struct fde *out)
{
	struct span record, cie, program;
	const uint8_t *id_at, *lo_at;
	uint32_t length, id, size;
	int32_t distance;

	if (!span_u32(s, &length) || length == 0 || length == UINT32_MAX || !span_cut(s, length, &record))
		return RES_FAIL;
	id_at = record.at;
	if (!span_u32(&record, &id))
		return RES_FAIL;
	if (id == 0)
		return RES_NONE;
	if (id > (size_t)(id_at - section))
		return RES_FAIL;
	cie = (struct span){ id_at - id, s->at };
	if (!span_u32(&cie, &length) || !span_cut(&cie, length, &program) || !span_skip(&program, sizeof(id)))
		return RES_FAIL;
	lo_at = record.at;
	if (!is_plain_cie(&program) || !span_take(&record, &distance, sizeof(distance)) ||
	    !span_u32(&record, &size))
		return RES_NONE;
	out->lo = section_addr + (uint64_t)(lo_at - section) + (uint64_t)(int64_t)distance;
	out->hi = out->lo + size;
	out->inside = fde_starts_inside(record) || cie_redefines_cfa(program);
	return RES_OK;
}

/* The parts of the function at pc, which may be in either: out[0] the hot one, out[1] the cold one.
 * Returns their number; 0: no entry has pc. */
static size_t unwind_table_ranges(struct ps_prochandle *P, uint64_t pc, struct py_range out[2])
{
	struct elf_image *img;
	struct span table, s;
	struct fde fde = { 0 }, before = { 0 };
	GElf_Shdr shdr;
	uint64_t bias;
	size_t found = 0;
	enum res res;

	if (os_object_image(P, (uintptr_t)pc, &img, &bias) != RES_OK ||
	    elf_image_section(img, ".eh_frame", &shdr, &table) != RES_OK)
		return 0;
	s = table;
	while ((res = next_record(&s, table.at, shdr.sh_addr, &fde)) != RES_FAIL) {
		bool inside;

		if (res == RES_NONE)
			continue; /* a CIE may stand between them */
		inside = fde.hi > fde.lo && fde.inside;
		if (found != 0) {
			out[1] = (struct py_range){ fde.lo + bias, fde.hi + bias };
			return inside ? 2 : 1;
		}
		if (fde.lo + bias <= pc && pc < fde.hi + bias) {
			out[0] = (struct py_range){ fde.lo + bias, fde.hi + bias };
			if (inside && before.hi > before.lo) {
				out[1] = out[0];
				out[0] = (struct py_range){ before.lo + bias, before.hi + bias };
				return 2;
			}
			found = 1;
		}
		before = fde;
	}
	return found;
}

size_t py_function_ranges(struct py_process *py, size_t runtime, uint64_t pc, struct py_range out[2])
{
	char path[4096];

	if (runtime >= py->runtimes.n || Pobjname(py->P, pc, path, sizeof(path)) == NULL ||
	    strcmp(path, py->runtimes.at[runtime].object) != 0)
		return 0;
	return unwind_table_ranges(py->P, pc, out);
}

/* Up to 2.4, and up to 3.5 (before PEP 523), the loop is the exported function itself. */
static const char *loop_symbol(uint32_t version)
{
	if (version < PY_HEX(2, 5))
		return "PyEval_EvalFrame";
	return version < PY_HEX(3, 6) ? "PyEval_EvalFrameEx" : "_PyEval_EvalFrameDefault";
}

size_t py_eval_ranges(struct py_process *py, size_t runtime, struct py_range *out, size_t max)
{
	const char *object, *loop;
	struct py_range parts[2];
	char cold[64];

	if (runtime >= py->runtimes.n || max == 0)
		return 0;
	object = py->runtimes.at[runtime].object;
	loop = loop_symbol(py->runtimes.at[runtime].version);
	if (!symbol_range(py->P, object, loop, &out[0]))
		return 0;
	if (max == 1)
		return 1;
	(void)snprintf(cold, sizeof(cold), "%s.cold", loop);
	if (symbol_range(py->P, object, cold, &out[1]))
		return 2;
	if (unwind_table_ranges(py->P, out[0].lo, parts) != 2 || parts[0].lo != out[0].lo)
		return 1;
	out[1] = parts[1];
	return 2;
}
