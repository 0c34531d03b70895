/* .eh_frame_hdr and .eh_frame, as the LSB and the x86-64 psABI describe them.
 *
 *   .eh_frame_hdr              .eh_frame
 *   ┌─────────────────┐        ┌─────────────────────────────┐
 *   │ 1 1b 03 3b      │    ┌──>│ CIE  length, 0, version, …  │
 *   │ -> .eh_frame    │    │   │      program (initial rows) │
 *   │ count           │    │   ├─────────────────────────────┤
 *   ├─────────────────┤    └───│ FDE  length, back to CIE,   │
 *   │ pc, FDE         │───────>│      pc, length, program    │
 *   │ … by pc         │        └─────────────────────────────┘
 *   └─────────────────┘        all offsets of 32 bits
 *
 * Both are read-only data of the file, so everything here works on the file's bytes. */
#include "unwind/cfi.h"

enum { WORD = 8, HDR_SIZE = 12, ENTRY_SIZE = 8, RECORD_MAX = 1 << 20, AUGMENTATION_MAX = 4 };

/* The segment with vaddr in it, from its start. */
static bool segment_of(const struct elf_image *img, uint64_t vaddr, uint64_t *lo, struct span *bytes)
{
	const GElf_Phdr *ph = elf_image_phdrs(img);
	bool writable;

	for (size_t i = 0; i < elf_image_phnum(img); i++) {
		if (ph[i].p_type != PT_LOAD || vaddr < ph[i].p_vaddr ||
		    vaddr - ph[i].p_vaddr >= ph[i].p_filesz)
			continue;
		*lo = ph[i].p_vaddr;
		return elf_image_at(img, *lo, bytes, &writable) == RES_OK && !writable;
	}
	return false;
}

/* The rest of a table's segment from vaddr va. */
static bool table_at(const struct cfi_table *t, uint64_t va, struct span *out)
{
	uint64_t off = va - t->run_va;

	*out = t->run;
	return off <= span_left(&t->run) && span_skip(out, (size_t)off);
}

enum res cfi_table_of(struct elf_image *img, struct cfi_table *out)
{
	const GElf_Phdr *ph = elf_image_phdr(img, PT_GNU_EH_FRAME);
	static const uint8_t forms[4] = { 1, 0x1b, 0x03, 0x3b };
	struct cfi_table t = { .hdr = 0 };
	uint8_t head[4];
	uint32_t eh_frame, count;
	struct span s;
	size_t n;

	if (ph == NULL || !segment_of(img, ph->p_vaddr, &t.run_va, &t.run) || !table_at(&t, ph->p_vaddr, &s))
		return RES_NONE;
	if (!span_take(&s, head, sizeof(head)) || memcmp(head, forms, sizeof(head)) != 0 ||
	    !span_u32(&s, &eh_frame) || !span_u32(&s, &count))
		return RES_NONE;
	n = span_left(&s) / ENTRY_SIZE;
	if (count < n)
		n = count;
	if (!span_cut(&s, n * ENTRY_SIZE, &t.entries))
		return RES_NONE;
	t.hdr = ph->p_vaddr;
	t.table = t.hdr + HDR_SIZE;
	*out = t;
	return RES_OK;
}

/* Field 0 (pc) or 1 (FDE) of entry i: an offset from the header. */
static int64_t entry_field(const struct cfi_table *t, size_t i, size_t field)
{
	int32_t value;

	memcpy(&value, t->entries.at + i * ENTRY_SIZE + field * sizeof(value), sizeof(value));
	return value;
}

/* The last entry that begins at or below pc. */
static bool entry_search(const struct cfi_table *t, uint64_t pc, size_t *out)
{
	size_t lo = 0, hi = span_left(&t->entries) / ENTRY_SIZE;
	uint64_t rel = pc - t->hdr;
	int64_t want;

	memcpy(&want, &rel, sizeof(rel));
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (want < entry_field(t, mid, 0))
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == 0)
		return false;
	*out = lo - 1;
	return true;
}

/* A CIE or FDE at va: its bytes after the length, and where they begin. The 64-bit form is refused:
 * no toolchain writes it here. */
static bool record_at(const struct cfi_table *t, uint64_t va, struct span *body)
{
	struct span s;
	uint32_t n;

	return table_at(t, va, &s) && span_u32(&s, &n) && n != 0 && n <= RECORD_MAX && span_cut(&s, n, body);
}

struct cie {
	uint8_t fde_encoding;
	bool sized; /* FDEs have augmentation data */
	bool cfa;   /* its program sets a CFA rule; a signal frame's does not */
};

/* Augmentation data of a CIE, letter by letter. libunwind takes the program to begin right behind what
 * it understood, so all of it has to be understood. */
static bool augmentation_ok(struct span *s, const char *letters, struct cie *out)
{
	struct span data;
	uint64_t n;
	uint8_t encoding, lsda;

	if (*letters == '\0')
		return true;
	if (*letters++ != 'z' || !cfi_uleb(s, &n) || n > span_left(s) || !span_cut(s, (size_t)n, &data))
		return false;
	out->sized = true;
	for (; *letters != '\0'; letters++) {
		switch (*letters) {
		case 'L':
			if (!span_u8(&data, &lsda))
				return false;
			break;
		case 'R':
			if (!span_u8(&data, &out->fde_encoding))
				return false;
			break;
		case 'P':
			if (!span_u8(&data, &encoding) || cfi_pointer_size(encoding, WORD) == 0 ||
			    !span_skip(&data, cfi_pointer_size(encoding, WORD)))
				return false;
			break;
		case 'S': /* a signal frame; no data */
			break;
		default:
			return false;
		}
	}
	return span_left(&data) == 0;
}

static bool cie_ok(struct span s, struct cie *out)
{
	const char *letters;
	uint64_t column, align;
	int64_t data_align;
	uint32_t id;
	uint8_t version, byte;

	if (!span_u32(&s, &id) || id != 0 || !span_u8(&s, &version) || (version != 1 && version != 3) ||
	    !span_cstr(&s, &letters) || strlen(letters) > AUGMENTATION_MAX)
		return false;
	if (!cfi_uleb(&s, &align) || !cfi_sleb(&s, &data_align))
		return false;
	if (version == 1) {
		if (!span_u8(&s, &byte))
			return false;
		column = byte;
	} else if (!cfi_uleb(&s, &column)) {
		return false;
	}
	*out = (struct cie){ .fde_encoding = 0 };
	return column == 16 && augmentation_ok(&s, letters, out) &&
	       cfi_pointer_size(out->fde_encoding, WORD) != 0 &&
	       cfi_program_ok(s, out->fde_encoding, &out->cfa);
}

/* The FDE at va with its CIE: a sound one? */
static bool fde_ok(const struct cfi_table *t, uint64_t va)
{
	struct span s, body;
	struct cie cie;
	int32_t back;
	uint64_t n;

	if (!record_at(t, va, &s) || !span_take(&s, &back, sizeof(back)) || back == 0)
		return false;
	if (!record_at(t, va + 4 - (uint64_t)(int64_t)back, &body) || !cie_ok(body, &cie))
		return false;
	if (!span_skip(&s, 2 * cfi_pointer_size(cie.fde_encoding, WORD)))
		return false;
	if (cie.sized && (!cfi_uleb(&s, &n) || n > span_left(&s) || !span_skip(&s, (size_t)n)))
		return false;
	return cfi_program_ok(s, cie.fde_encoding, &cie.cfa) && cie.cfa;
}

enum res cfi_find(const struct cfi_table *t, uint64_t pc, uint64_t *va)
{
	size_t i;

	if (!entry_search(t, pc, &i) || !fde_ok(t, t->hdr + (uint64_t)entry_field(t, i, 1)))
		return RES_NONE;
	*va = t->table + i * ENTRY_SIZE;
	return RES_OK;
}
