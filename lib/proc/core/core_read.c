/* The memory in a core: PT_LOADs, sorted by address.
 *
 *   va              va + saved          va + memsz
 *   |== in the file ==|.... not saved ....|
 *
 * The kernel leaves out memory by coredump_filter (of text it saves the first page of an ELF file,
 * or nothing). So p_filesz < p_memsz means "not saved" and not "zero" as in a program. Zero pages
 * are holes of a sparse file, which read as zeros. In a truncated core the file ends before
 * p_filesz. */
#include "proc/core/core.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b)
{
	const struct core_segment *x = a, *y = b;

	return x->va < y->va ? -1 : x->va > y->va;
}

/* Make a segment of a program header. False: it is invalid or empty. */
static bool segment_of(
    const struct core *core, const GElf_Phdr *ph, uint64_t file_size, struct core_segment *out)
{
	uint64_t highest = core->word == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t saved = ph->p_filesz < ph->p_memsz ? ph->p_filesz : ph->p_memsz;

	if (ph->p_memsz == 0 || ph->p_memsz > highest - ph->p_vaddr)
		return false;
	if (ph->p_offset >= file_size)
		saved = 0;
	else if (saved > file_size - ph->p_offset)
		saved = file_size - ph->p_offset;
	*out = (struct core_segment){
		.va = ph->p_vaddr,
		.memsz = ph->p_memsz,
		.off = ph->p_offset,
		.saved = saved,
		.flags = ph->p_flags,
	};
	return true;
}

/* Sort the segments. If two overlap, the one that starts first is kept. */
static void order_segments(struct core *core)
{
	struct core_segment *seg = core->segments.at;
	size_t kept = 0;

	if (core->segments.n == 0)
		return;
	qsort(seg, core->segments.n, sizeof(*seg), by_address);
	for (size_t i = 0; i < core->segments.n; i++) {
		if (kept > 0 && seg[i].va - seg[kept - 1].va < seg[kept - 1].memsz) {
			core->damaged = true;
			continue;
		}
		seg[kept++] = seg[i];
	}
	core->segments.n = kept;
}

enum res core_segments_read(struct core *core, struct fault *f)
{
	const GElf_Phdr *ph = elf_image_phdrs(core->image);
	size_t n = elf_image_phnum(core->image);
	uint64_t size = elf_image_size(core->image);

	core->expects = size;
	for (size_t i = 0; i < n; i++) {
		struct core_segment seg;

		if (ph[i].p_type != PT_LOAD && ph[i].p_type != PT_NOTE)
			continue;
		if (ph[i].p_filesz > (uint64_t)INT64_MAX - ph[i].p_offset ||
		    ph[i].p_offset > (uint64_t)INT64_MAX)
			core->damaged = true;
		else if (ph[i].p_filesz > 0 && ph[i].p_offset + ph[i].p_filesz > core->expects)
			core->expects = ph[i].p_offset + ph[i].p_filesz;
		if (ph[i].p_type == PT_NOTE || ph[i].p_memsz == 0)
			continue;
		if (!segment_of(core, &ph[i], size, &seg))
			core->damaged = true;
		else if (!vec_push(&core->segments, seg))
			return fault_memory(f);
	}
	order_segments(core);
	return RES_OK;
}

/* The segment that holds va, or NULL. */
static struct core_segment *segment_at(const struct core *core, uint64_t va)
{
	size_t lo = 0, hi = core->segments.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct core_segment *seg = &core->segments.at[mid];

		if (va < seg->va)
			hi = mid;
		else if (va - seg->va >= seg->memsz)
			lo = mid + 1;
		else
			return seg;
	}
	return NULL;
}

ssize_t core_read(void *data, void *buf, size_t n, uint64_t va)
{
	const struct core *core = data;
	size_t done = 0;

	while (done < n) {
		const struct core_segment *seg = segment_at(core, va);
		const void *bytes;
		uint64_t in, take;

		if (seg == NULL)
			break;
		in = va - seg->va;
		if (in >= seg->saved)
			break;
		take = seg->saved - in < n - done ? seg->saved - in : n - done;
		bytes = elf_image_bytes(core->image, seg->off + in, take);
		if (bytes == NULL)
			break;
		memcpy((char *)buf + done, bytes, take);
		done += take;
		if (va > UINT64_MAX - take)
			break;
		va += take;
	}
	return (ssize_t)done;
}

bool core_read_word(struct core *core, uint64_t va, uint64_t *out)
{
	*out = 0;
	return core_read(core, out, core->word, va) == core->word;
}

const char *core_bytes(const struct core *core, uint64_t va, size_t *n)
{
	const struct core_segment *seg = segment_at(core, va);

	if (seg == NULL || va - seg->va >= seg->saved)
		return NULL;
	*n = (size_t)(seg->saved - (va - seg->va));
	return elf_image_bytes(core->image, seg->off + (va - seg->va), *n);
}

void core_stacks_mark(struct core *core)
{
	for (size_t i = 0; i < core->lwps.n; i++) {
		uint64_t sp = (uint64_t)core->lwps.at[i].pr_reg[R_SP];
		struct core_segment *seg = segment_at(core, sp);

		if (seg != NULL && sp - seg->va < seg->saved)
			seg->stack = true;
	}
}

core_content_t core_content(const struct core *core)
{
	core_content_t bits = 0;

	for (size_t i = 0; i < core->segments.n; i++) {
		const struct core_segment *seg = &core->segments.at[i];
		bool writable = (seg->flags & PF_W) != 0;

		if (seg->saved == 0)
			continue;
		if (seg->stack) {
			bits |= CC_CONTENT_STACK;
		} else if (core_range_at(core, seg->va) == NULL) {
			/* Linux does not mark the heap. */
			if (writable)
				bits |= CC_CONTENT_ANON | CC_CONTENT_HEAP;
			/* Without NT_FILE, it is unknown which memory maps files. */
			if (writable && core->ranges.n == 0)
				bits |= CC_CONTENT_DATA;
		} else if (writable) {
			bits |= CC_CONTENT_DATA;
		} else if (seg->saved > CORE_PAGE) { /* a single page is an ELF header */
			bits |= (seg->flags & PF_X) != 0 ? CC_CONTENT_TEXT : CC_CONTENT_RODATA;
		}
	}
	return bits;
}
