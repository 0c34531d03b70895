/* An image put together again from the segments a program has loaded.
 *
 *     target memory                     buffer, by file offset
 *     base ─> ELF header  ───────────>  0
 *             program headers           e_phoff
 *     bias + p_vaddr ─> segment ─────>  p_offset … p_offset + p_filesz
 *
 * Whatever could not be read, or lies between segments (debug sections, mostly the section headers), stays
 * absent: `runs` tells. Data segments hold what the process made of them, not what the file has. */
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "elf/image.h"
#include "elf/image_impl.h"

struct source {
	const struct elf_class *cls;
	elf_read_fn *read;
	void *data;
	uint64_t base, bias;
	size_t limit; /* bytes still to be copied at most */
};

/* Copy up to n bytes; how many came before the first unreadable one. */
static size_t copy_in(const struct source *src, uint8_t *to, size_t n, uint64_t va)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = src->read(src->data, to + done, n - done, va + done);

		if (got <= 0)
			break;
		done += (size_t)got < n - done ? (size_t)got : n - done;
	}
	return done;
}

/* The file range of a segment, if the buffer can hold it. The last page of a read-only mapping goes on
 * with the file's bytes; of the segment that is last in the file that may be the section headers. */
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

/* The program headers, and their bytes as they are. */
static enum res read_phdrs(
    struct source *src, const GElf_Ehdr *eh, GElf_Phdr **out, uint8_t **raw_out, struct fault *f)
{
	OWNED(mem_release) GElf_Phdr *phdrs = NULL;
	OWNED(mem_release) uint8_t *raw = NULL;
	size_t n = (size_t)eh->e_phnum * src->cls->phdr;

	if (eh->e_phnum == 0 || eh->e_phnum == PN_XNUM || eh->e_phentsize != src->cls->phdr ||
	    eh->e_phoff > src->limit || n > src->limit - eh->e_phoff)
		return fault_set(f, ELF_FAULT_FORMAT, 0, src->base, "damaged ELF header in memory");
	raw = malloc(n);
	phdrs = calloc(eh->e_phnum, sizeof(*phdrs));
	if (raw == NULL || phdrs == NULL)
		return fault_memory(f);
	if (copy_in(src, raw, n, src->base + eh->e_phoff) != n)
		return fault_set(
		    f, ELF_FAULT_FORMAT, 0, src->base, "unreadable ELF program headers in memory");
	for (size_t i = 0; i < eh->e_phnum; i++)
		elf_class_phdr(src->cls, raw + i * src->cls->phdr, &phdrs[i]);
	for (size_t i = 0; i < eh->e_phnum; i++) {
		if (phdrs[i].p_type == PT_LOAD && phdrs[i].p_offset < ELF_PAGE) {
			/* Unsigned on purpose: a bias may be "negative". */
			src->bias = src->base + phdrs[i].p_offset - phdrs[i].p_vaddr;
			*out = mem_keep(&phdrs);
			*raw_out = mem_keep(&raw);
			return RES_OK;
		}
	}
	return fault_set(
	    f, ELF_FAULT_FORMAT, 0, src->base, "no segment of the ELF image in memory holds its header");
}

/* Offset in the file after the last segment that fits. */
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

/* What can be read of a segment, which may have holes: pages that nobody provides. False: no memory. */
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

/* A section header table that was not loaded as a whole is as good as none. */
static void drop_partial_sections(
    const struct elf_image *img, const struct elf_class *c, const GElf_Ehdr *eh, uint8_t *buffer)
{
	size_t n = (size_t)eh->e_shnum * c->shdr;

	if (n == 0 || eh->e_shoff == 0 || eh->e_shentsize != c->shdr ||
	    elf_image_bytes(img, eh->e_shoff, n) == NULL)
		elf_class_drop_sections(c, buffer);
}

/* The headers as they are in memory, which are known to be sound. */
struct headers {
	const uint8_t *ehdr, *phdrs;
};

/* Fill the buffer of img: the segments, then the headers over them. */
static enum res copy_segments(struct source *src, struct elf_image *img, uint8_t *buffer, const GElf_Ehdr *eh,
    const GElf_Phdr *phdrs, const struct headers *raw, struct fault *f)
{
	uint64_t last = end_of_segments(phdrs, eh->e_phnum, src->limit);
	size_t limit = src->limit, table = (size_t)eh->e_phnum * src->cls->phdr;
	struct elf_run run;
	bool ok = true;

	for (size_t i = 0; i < eh->e_phnum; i++) {
		size_t n;

		if (!segment_range(&phdrs[i], limit, phdrs[i].p_offset + phdrs[i].p_filesz == last, &run))
			continue;
		n = (size_t)(run.end - run.start);
		if (n > src->limit || run.end > img->size)
			continue;
		src->limit -= n;
		ok = ok && copy_segment(src, img, buffer, run, src->bias + phdrs[i].p_vaddr);
	}
	memcpy(buffer, raw->ehdr, src->cls->ehdr);
	memcpy(buffer + eh->e_phoff, raw->phdrs, table);
	run = (struct elf_run){ 0, src->cls->ehdr };
	ok = ok && vec_push(&img->runs, run);
	run = (struct elf_run){ eh->e_phoff, eh->e_phoff + table };
	ok = ok && vec_push(&img->runs, run);
	if (!ok)
		return fault_memory(f);
	merge_runs(img);
	return RES_OK;
}

enum res elf_image_from_memory(
    elf_read_fn *read, void *data, uint64_t base, size_t limit, struct elf_image **out, struct fault *f)
{
	struct source src = { .read = read, .data = data, .base = base, .limit = limit };
	OWNED(mem_release) GElf_Phdr *phdrs = NULL;
	OWNED(mem_release) uint8_t *raw = NULL;
	uint8_t head[sizeof(GElf_Ehdr)], *buffer;
	struct elf_image *img;
	struct headers headers;
	size_t table;
	GElf_Ehdr eh;
	uint64_t size;
	enum res res;

	if (limit < sizeof(head) || copy_in(&src, head, sizeof(head), base) != sizeof(head))
		return fault_set(f, ELF_FAULT_FORMAT, 0, base, "unreadable ELF header in memory");
	res = elf_header_check(head, sizeof(head), &src.cls, &eh, f);
	if (res == RES_OK)
		res = read_phdrs(&src, &eh, &phdrs, &raw, f);
	if (res != RES_OK)
		return res;
	if (phdrs == NULL || raw == NULL)
		return fault_set(f, ELF_FAULT_FORMAT, 0, base, "no program headers in memory");

	table = (size_t)eh.e_phnum * src.cls->phdr;
	size = end_of_segments(phdrs, eh.e_phnum, limit);
	if (size <= limit - limit % ELF_PAGE)
		size = (size + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1);
	if (size < sizeof(head))
		size = sizeof(head);
	if (size < eh.e_phoff + table)
		size = eh.e_phoff + table;
	img = calloc(1, sizeof(*img));
	buffer = calloc(1, (size_t)size);
	if (img == NULL || buffer == NULL) {
		free(img);
		free(buffer);
		return fault_memory(f);
	}
	img->bytes = buffer;
	img->size = (size_t)size;
	img->partial = true;
	img->bias = src.bias;
	headers = (struct headers){ head, raw };
	res = copy_segments(&src, img, buffer, &eh, phdrs, &headers, f);
	if (res == RES_OK) {
		drop_partial_sections(img, src.cls, &eh, buffer);
		res = elf_image_parse(img, f);
	}
	if (res != RES_OK) {
		elf_image_close(img);
		return res;
	}
	*out = img;
	return RES_OK;
}
