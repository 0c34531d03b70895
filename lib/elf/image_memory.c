/* An image made from the loaded segments of a program.
 *
 *     target memory                     buffer, by file offset
 *     base ─> ELF header  ───────────>  0
 *             program headers           e_phoff
 *     bias + p_vaddr ─> segment ─────>  p_offset … p_offset + p_filesz
 *
 * Bytes that could not be read or are not in a segment (debug sections, usually the section
 * headers) stay absent; `runs` has the ranges that are available. Data segments have the values of
 * the process, not those of the file. */
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "elf/image.h"
#include "elf/image_impl.h"

struct source {
	const struct elf_class *cls;
	struct elf_memory memory; /* limit: bytes that may still be copied */
	uint64_t bias;
};

/* Copy up to n bytes. Returns the number of bytes before the first unreadable one. */
static size_t copy_in(const struct source *src, uint8_t *to, size_t n, uint64_t va)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = src->memory.read(src->memory.data, to + done, n - done, va + done);

		if (got <= 0)
			break;
		done += (size_t)got < n - done ? (size_t)got : n - done;
	}
	return done;
}

/* The file range of a segment. False: it does not fit into the buffer. The last page of a read-only
 * mapping continues with the file's bytes, which for the last segment may be the section
 * headers. */
static bool segment_range(const GElf_Phdr *ph, size_t limit, bool last, struct elf_run *out)
{
	uint64_t end;

	if (ph->p_type != PT_LOAD || ph->p_filesz == 0 || ph->p_offset > limit ||
	    ph->p_filesz > limit - ph->p_offset)
		return false;
	end = ph->p_offset + ph->p_filesz;
	if (last && (ph->p_flags & PF_W) == 0) {
		uint64_t page_end = (end + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1);

		if (page_end <= limit)
			end = page_end;
	}
	*out = (struct elf_run){ ph->p_offset, end };
	return true;
}

/* The validated headers in memory: their bytes, and their values. */
struct headers {
	uint8_t ehdr_bytes[sizeof(GElf_Ehdr)];
	uint8_t *phdr_bytes; /* owned */
	GElf_Ehdr ehdr;
	GElf_Phdr *phdrs; /* owned */
};

static void headers_free(struct headers *h)
{
	free(h->phdr_bytes);
	free(h->phdrs);
}

/* Read the program headers that h->ehdr describes. */
static enum res read_phdrs(const struct source *src, struct headers *h, struct fault *f)
{
	const GElf_Ehdr *eh = &h->ehdr;
	size_t n = (size_t)eh->e_phnum * src->cls->phdr;

	if (eh->e_phnum == 0 || eh->e_phnum == PN_XNUM || eh->e_phentsize != src->cls->phdr ||
	    eh->e_phoff > src->memory.limit || n > src->memory.limit - eh->e_phoff)
		return fault_set(f, ELF_FAULT_FORMAT, 0, src->memory.base, "damaged ELF header in memory");
	h->phdr_bytes = malloc(n);
	h->phdrs = calloc(eh->e_phnum, sizeof(*h->phdrs));
	if (h->phdr_bytes == NULL || h->phdrs == NULL)
		return fault_memory(f);
	if (copy_in(src, h->phdr_bytes, n, src->memory.base + eh->e_phoff) != n)
		return fault_set(
		    f, ELF_FAULT_FORMAT, 0, src->memory.base, "unreadable ELF program headers in memory");
	for (size_t i = 0; i < eh->e_phnum; i++)
		elf_class_phdr(src->cls, h->phdr_bytes + i * src->cls->phdr, &h->phdrs[i]);
	return RES_OK;
}

/* Set the load bias by the segment that contains the ELF header. */
static enum res find_bias(struct source *src, const struct headers *h, struct fault *f)
{
	for (size_t i = 0; i < h->ehdr.e_phnum; i++) {
		const GElf_Phdr *ph = &h->phdrs[i];

		if (ph->p_type == PT_LOAD && ph->p_offset < ELF_PAGE) {
			/* Unsigned arithmetic, because a bias may be "negative". */
			src->bias = src->memory.base + ph->p_offset - ph->p_vaddr;
			return RES_OK;
		}
	}
	return fault_set(f, ELF_FAULT_FORMAT, 0, src->memory.base,
	    "no segment of the ELF image in memory holds its header");
}

/* Read and check all headers. The caller frees *h with headers_free, also on failure. */
static enum res read_headers(struct source *src, struct headers *h, struct fault *f)
{
	const size_t n = sizeof(h->ehdr_bytes);
	enum res res;

	if (src->memory.limit < n || copy_in(src, h->ehdr_bytes, n, src->memory.base) != n)
		return fault_set(f, ELF_FAULT_FORMAT, 0, src->memory.base, "unreadable ELF header in memory");
	res = elf_header_check(h->ehdr_bytes, n, &src->cls, &h->ehdr, f);
	if (res == RES_OK)
		res = read_phdrs(src, h, f);
	return res == RES_OK ? find_bias(src, h, f) : res;
}

/* The file offset after the last segment that fits. */
static uint64_t end_of_segments(const GElf_Phdr *phdrs, size_t n, size_t limit)
{
	uint64_t end = 0;
	struct elf_run run;

	for (size_t i = 0; i < n; i++) {
		if (segment_range(&phdrs[i], limit, false, &run) && run.end > end)
			end = run.end;
	}
	return end;
}

/* Copy the readable parts of a segment, which may have unreadable pages. False: out of memory. */
static bool copy_segment(
    const struct source *src, struct elf_image *img, uint8_t *buffer, struct elf_run run, uint64_t va)
{
	while (run.start < run.end) {
		size_t got = copy_in(src, buffer + run.start, (size_t)(run.end - run.start), va);
		uint64_t page = (va + got + ELF_PAGE) & ~(uint64_t)(ELF_PAGE - 1);

		if (got != 0 && !vec_push(&img->runs, ((struct elf_run){ run.start, run.start + got })))
			return false;
		run.start += page - va;
		va = page;
	}
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct elf_run *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void merge_runs(struct elf_image *img)
{
	size_t n = 0;

	qsort(img->runs.at, img->runs.n, sizeof(*img->runs.at), by_start);
	for (size_t i = 0; i < img->runs.n; i++) {
		struct elf_run *kept = n == 0 ? NULL : &img->runs.at[n - 1];

		if (kept == NULL || img->runs.at[i].start > kept->end)
			img->runs.at[n++] = img->runs.at[i];
		else if (img->runs.at[i].end > kept->end)
			kept->end = img->runs.at[i].end;
	}
	img->runs.n = n;
}

/* Remove the section header table from the header unless all of it was loaded. */
static void drop_partial_sections(
    const struct elf_image *img, const struct elf_class *c, const GElf_Ehdr *eh, uint8_t *buffer)
{
	size_t n = (size_t)eh->e_shnum * c->shdr;

	if (n == 0 || eh->e_shoff == 0 || eh->e_shentsize != c->shdr ||
	    elf_image_bytes(img, eh->e_shoff, n) == NULL)
		elf_class_drop_sections(c, buffer);
}

/* Fill the buffer of img: the segments, then the headers over them. */
static enum res copy_segments(
    struct source *src, struct elf_image *img, uint8_t *buffer, const struct headers *h, struct fault *f)
{
	const GElf_Ehdr *eh = &h->ehdr;
	const GElf_Phdr *phdrs = h->phdrs;
	uint64_t last = end_of_segments(phdrs, eh->e_phnum, src->memory.limit);
	size_t limit = src->memory.limit, table = (size_t)eh->e_phnum * src->cls->phdr;
	struct elf_run run;
	bool ok = true;

	for (size_t i = 0; i < eh->e_phnum; i++) {
		size_t n;

		if (!segment_range(&phdrs[i], limit, phdrs[i].p_offset + phdrs[i].p_filesz == last, &run))
			continue;
		n = (size_t)(run.end - run.start);
		if (n > src->memory.limit || run.end > img->size)
			continue;
		src->memory.limit -= n;
		ok = ok && copy_segment(src, img, buffer, run, src->bias + phdrs[i].p_vaddr);
	}
	memcpy(buffer, h->ehdr_bytes, src->cls->ehdr);
	memcpy(buffer + eh->e_phoff, h->phdr_bytes, table);
	run = (struct elf_run){ 0, src->cls->ehdr };
	ok = ok && vec_push(&img->runs, run);
	run = (struct elf_run){ eh->e_phoff, eh->e_phoff + table };
	ok = ok && vec_push(&img->runs, run);
	if (!ok)
		return fault_memory(f);
	merge_runs(img);
	return RES_OK;
}

/* The size of the buffer: the segments, rounded up to a page, but at least the headers. */
static size_t buffer_size(const struct source *src, const struct headers *h)
{
	uint64_t table = h->ehdr.e_phoff + (uint64_t)h->ehdr.e_phnum * src->cls->phdr;
	uint64_t size = end_of_segments(h->phdrs, h->ehdr.e_phnum, src->memory.limit);

	if (size <= src->memory.limit - src->memory.limit % ELF_PAGE)
		size = (size + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1);
	if (size < sizeof(h->ehdr_bytes))
		size = sizeof(h->ehdr_bytes);
	return (size_t)(size < table ? table : size);
}

enum res elf_image_from_memory(const struct elf_memory *memory, struct elf_image **out, struct fault *f)
{
	struct source src = { .memory = *memory };
	OWNED(headers_free) struct headers h = { .phdrs = NULL };
	struct elf_image *img;
	uint8_t *buffer;
	size_t size;
	enum res res = read_headers(&src, &h, f);

	if (res != RES_OK)
		return res;
	if (src.cls == NULL) /* never with RES_OK, but clang-tidy does not see that */
		return fault_set(f, ELF_FAULT_FORMAT, 0, src.memory.base, "unknown class");
	size = buffer_size(&src, &h);
	img = calloc(1, sizeof(*img));
	buffer = calloc(1, size);
	if (img == NULL || buffer == NULL) {
		free(img);
		free(buffer);
		return fault_memory(f);
	}
	img->bytes = buffer;
	img->size = size;
	img->partial = true;
	img->bias = src.bias;
	res = copy_segments(&src, img, buffer, &h, f);
	if (res == RES_OK) {
		drop_partial_sections(img, src.cls, &h.ehdr, buffer);
		res = elf_image_parse(img, f);
	}
	if (res != RES_OK) {
		elf_image_close(img);
		return res;
	}
	*out = img;
	return RES_OK;
}
