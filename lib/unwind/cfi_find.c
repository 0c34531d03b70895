/* The search for the entry that describes a pc.
 *
 *   .eh_frame_hdr              .eh_frame
 *   ┌─────────────────┐        ┌─────────────────────────────┐
 *   │ 1 1b 03 3b      │    ┌──>│ CIE  length, 0, version, …  │
 *   │ -> .eh_frame    │    │   │      program (initial rows) │
 *   │ count           │    │   ├─────────────────────────────┤
 *   ├─────────────────┤    └───│ FDE  length, back to CIE,   │
 *   │ pc, FDE         │───────>│      pc, length, program    │
 *   │ … by pc         │        └─────────────────────────────┘
 *   └─────────────────┘
 *
 * The header's table is optional: static programs have none, and ld omits it if it does not
 * understand an entry. A similar table, the index, is made here then. .debug_frame never has a
 * table. */
#include <stdlib.h>

#include "base/vec.h"
#include "unwind/cfi_entry.h"

enum { INDEX_MAX = 1 << 22 /* records */, OMIT = 0xff };

/* The search table of .eh_frame_hdr. */
struct header {
	struct cfi_table_bytes table; /* the segment that contains it and the entries */
	struct span rows;
	uint8_t encoding;
	size_t size; /* of a pointer; a row has two */
	size_t n;
};

/* A row of an index. */
struct item {
	uint64_t lo, hi;
	uint32_t at; /* offset of the FDE in the table */
};

struct index {
	bool tried;
	bool open_end; /* only a terminator tells where the table ends */
	struct cfi_table_bytes table;
	VEC(struct item) items; /* sorted by lo */
};

struct cfi_finder {
	struct elf_image *img;
	uint8_t word;
	bool header_tried, has_header;
	struct header header;
	uint64_t eh_frame; /* address of .eh_frame by the header, or 0 */
	struct index eh, debug;
};

struct cfi_finder *cfi_finder_create(struct elf_image *img, unsigned word)
{
	struct cfi_finder *f = calloc(1, sizeof(*f));

	if (f != NULL) {
		f->img = img;
		f->word = (uint8_t)word;
	}
	return f;
}

void cfi_finder_destroy(struct cfi_finder *f)
{
	if (f == NULL)
		return;
	vec_free(&f->eh.items);
	vec_free(&f->debug.items);
	free(f);
}

/* --- the table of .eh_frame_hdr --- */

/* Get the bytes of the segment that contains vaddr. False: there is none, or it is writable. */
static bool segment_of(const struct cfi_finder *f, uint64_t vaddr, struct cfi_place *out)
{
	const GElf_Phdr *ph = elf_image_phdrs(f->img);
	bool writable;

	for (size_t i = 0; i < elf_image_phnum(f->img); i++) {
		if (ph[i].p_type != PT_LOAD || vaddr < ph[i].p_vaddr ||
		    vaddr - ph[i].p_vaddr >= ph[i].p_filesz)
			continue;
		*out = (struct cfi_place){ .va = ph[i].p_vaddr, .word = f->word };
		return elf_image_at(f->img, out->va, &out->bytes, &writable) == RES_OK && !writable;
	}
	return false;
}

static bool place_at(const struct cfi_place *p, uint64_t va, struct span *out)
{
	uint64_t off = va - p->va;

	*out = p->bytes;
	return off < span_left(out) && span_skip(out, (size_t)off);
}

/* Read pointer 0 (pc) or 1 (FDE) of row i. False: the encoding is not supported. */
static bool header_row(const struct header *h, size_t i, size_t which, uint64_t *out)
{
	struct span s = h->rows;

	return span_skip(&s, (2 * i + which) * h->size) && cfi_pointer(&h->table.place, &s, h->encoding, out);
}

/* True if the table's pointers can be read and lead into its own segment. */
static bool header_leads(const struct header *h)
{
	struct span s;
	uint64_t va;

	return header_row(h, 0, 1, &va) && place_at(&h->table.place, va, &s);
}

/* Read .eh_frame_hdr into f->eh_frame and f->header. False: it has no usable table. */
static bool header_read(struct cfi_finder *f, const GElf_Phdr *ph)
{
	struct header *h = &f->header;
	uint8_t head[4];
	struct span s;
	uint64_t n;

	if (!segment_of(f, ph->p_vaddr, &h->table.place))
		return false;
	h->table.place.data = ph->p_vaddr;
	if (!place_at(&h->table.place, ph->p_vaddr, &s) || !span_take(&s, head, sizeof(head)) || head[0] != 1)
		return false;
	if (head[1] == OMIT || !cfi_pointer(&h->table.place, &s, head[1], &f->eh_frame))
		return false;
	h->encoding = head[3];
	h->size = cfi_pointer_size(h->encoding, f->word);
	if (head[2] == OMIT || head[3] == OMIT || h->size == 0 ||
	    !cfi_number(&s, head[2] & 0x0f, f->word, &n))
		return false;
	if (n > span_left(&s) / (2 * h->size))
		n = span_left(&s) / (2 * h->size);
	h->n = (size_t)n;
	return n != 0 && span_cut(&s, (size_t)n * 2 * h->size, &h->rows) && header_leads(h);
}

static enum res header_find(const struct header *h, uint64_t pc, struct cfi_entry *out)
{
	size_t lo = 0, hi = h->n;
	uint64_t va;
	struct span s;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (!header_row(h, mid, 0, &va))
			return RES_NONE;
		if (pc < va)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == 0 || !header_row(h, lo - 1, 1, &va) || !place_at(&h->table.place, va, &s) ||
	    cfi_entry_read(&h->table, &s, out) != RES_OK)
		return RES_NONE;
	return pc >= out->lo && pc < out->hi ? RES_OK : RES_NONE;
}

/* --- an index --- */

static int by_address(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Locate .eh_frame: by its section header, else from the address in .eh_frame_hdr to the end of the
 * segment. */
static bool eh_frame_bytes(struct cfi_finder *f, struct cfi_place *out, bool *open_end)
{
	struct cfi_place segment;
	GElf_Shdr sh;

	*out = (struct cfi_place){ .word = f->word };
	if (elf_image_section(f->img, ".eh_frame", &sh, &out->bytes) == RES_OK && sh.sh_addr != 0 &&
	    (sh.sh_flags & SHF_ALLOC) != 0 && span_left(&out->bytes) != 0) {
		out->va = sh.sh_addr;
		return true;
	}
	if (f->eh_frame == 0 || !segment_of(f, f->eh_frame, &segment) ||
	    !place_at(&segment, f->eh_frame, &out->bytes))
		return false;
	out->va = f->eh_frame;
	*open_end = true;
	return true;
}

static bool debug_frame_bytes(struct cfi_finder *f, struct cfi_place *out)
{
	*out = (struct cfi_place){ .word = f->word };
	return elf_image_section(f->img, ".debug_frame", NULL, &out->bytes) == RES_OK &&
	       span_left(&out->bytes) != 0;
}

static bool terminator_at(struct span s)
{
	uint32_t n;

	return span_u32(&s, &n) && n == 0;
}

/* Read all records, up to something that cannot be one. If memory or INDEX_MAX does not suffice,
 * the index is incomplete. */
static void index_make(struct index *x)
{
	struct span s = x->table.place.bytes;
	bool sorted = true;

	/* INDEX_MAX counts all records: a hole in a file may be a gigabyte of terminators. */
	for (size_t i = 0; i < INDEX_MAX && span_left(&s) != 0; i++) {
		struct item item = { .at = (uint32_t)(s.at - x->table.place.bytes.at) };
		struct cfi_entry e;
		enum res res;

		if (x->open_end && terminator_at(s))
			break;
		res = cfi_entry_read(&x->table, &s, &e);
		if (res == RES_FAIL || (size_t)(s.at - x->table.place.bytes.at) > UINT32_MAX)
			break;
		/* .debug_frame keeps entries of functions that the linker dropped, at 0. */
		if (res != RES_OK || e.lo >= e.hi || e.lo == 0)
			continue;
		item.lo = e.lo;
		item.hi = e.hi;
		sorted = sorted && (x->items.n == 0 || x->items.at[x->items.n - 1].lo <= e.lo);
		if (!vec_push(&x->items, item))
			break;
	}
	if (!sorted)
		qsort(x->items.at, x->items.n, sizeof(x->items.at[0]), by_address);
}

static enum res index_find(const struct index *x, uint64_t pc, struct cfi_entry *out)
{
	size_t lo = 0, hi = x->items.n;
	struct span s = x->table.place.bytes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pc < x->items.at[mid].lo)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == 0 || pc >= x->items.at[lo - 1].hi || !span_skip(&s, x->items.at[lo - 1].at))
		return RES_NONE;
	return cfi_entry_read(&x->table, &s, out) == RES_OK ? RES_OK : RES_NONE;
}

enum res cfi_find_entry(struct cfi_finder *f, uint64_t pc, struct cfi_entry *out)
{
	const GElf_Phdr *ph;
	enum res res;

	if (!f->header_tried) {
		f->header_tried = true;
		ph = elf_image_phdr(f->img, PT_GNU_EH_FRAME);
		f->has_header = ph != NULL && header_read(f, ph);
	}
	if (!f->has_header && !f->eh.tried) {
		f->eh.tried = true;
		if (eh_frame_bytes(f, &f->eh.table.place, &f->eh.open_end))
			index_make(&f->eh);
	}
	res = f->has_header ? header_find(&f->header, pc, out) : index_find(&f->eh, pc, out);
	if (res == RES_OK)
		return res;
	if (!f->debug.tried) {
		f->debug.tried = true;
		f->debug.table.debug = true;
		if (debug_frame_bytes(f, &f->debug.table.place))
			index_make(&f->debug);
	}
	return index_find(&f->debug, pc, out);
}
