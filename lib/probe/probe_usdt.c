/* The notes of static probes. The descriptor of a note:
 *
 *     word    pc
 *     word    address of section .stapsdt.base when the file was linked
 *     word    address of the semaphore, or 0
 *     text    provider, name, arguments: each with a NUL
 *
 * Addresses were right when the file was linked. If prelink has moved it since, .stapsdt.base is
 * elsewhere, and everything else by as much. */
#include "probe/probe_usdt.h"

#include <errno.h>
#include <string.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "elf/notes.h"
#include "os/images.h"
#include "probe/probe_near.h"
#include "probe/probe_text.h"

enum { NT_STAPSDT = 3 };

struct reader {
	struct elf_image *img;
	const struct arch *arch;
	uint64_t base; /* present address of .stapsdt.base; 0: there is none */
	struct probe_usdt_list list;
};

static bool take_word(struct span *s, const struct arch *arch, uint64_t *out)
{
	uint32_t word;

	if (arch->pointer_size == sizeof(*out))
		return span_u64(s, out);
	if (!span_u32(s, &word))
		return false;
	*out = word;
	return true;
}

/* The place in the file of the n bytes at vaddr, in a segment with this flag. */
static bool to_offset(struct elf_image *img, uint64_t vaddr, size_t n, uint32_t flag, uint64_t *out)
{
	const GElf_Phdr *phdrs = elf_image_phdrs(img);
	size_t phnum = elf_image_phnum(img);

	for (size_t i = 0; i < phnum; i++) {
		const GElf_Phdr *ph = &phdrs[i];

		if (ph->p_type != PT_LOAD || (ph->p_flags & flag) == 0 || vaddr < ph->p_vaddr)
			continue;
		if (ph->p_filesz < n || vaddr - ph->p_vaddr > ph->p_filesz - n)
			continue;
		if (ph->p_offset > UINT64_MAX - (vaddr - ph->p_vaddr))
			continue;
		*out = ph->p_offset + (vaddr - ph->p_vaddr);
		return elf_image_bytes(img, *out, n) != NULL;
	}
	return false;
}

static bool take_name(struct span *s, char *out)
{
	const char *text;

	return span_cstr(s, &text) && probe_spec_static_name(text, strlen(text), out);
}

static bool read_probe(struct reader *r, struct span desc, struct probe_usdt *out)
{
	uint64_t base;
	const char *args;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!take_word(&desc, r->arch, &out->pc) || !take_word(&desc, r->arch, &base) ||
	    !take_word(&desc, r->arch, &out->semaphore) || !take_name(&desc, out->provider) ||
	    !take_name(&desc, out->name) || !span_cstr(&desc, &args))
		return false;
	n = strlen(args);
	if (n > PROBE_USDT_TEXT_MAX)
		return false;
	memcpy(out->text, args, n + 1);
	n = probe_usdt_parse_args(r->arch, args, out->args);
	out->n_args = (uint8_t)(n < PROBE_USDT_ARGS ? n : PROBE_USDT_ARGS);
	if (base != 0 && r->base != 0) {
		out->pc = arch_cut(r->arch, out->pc + (r->base - base));
		if (out->semaphore != 0)
			out->semaphore = arch_cut(r->arch, out->semaphore + (r->base - base));
	}
	return to_offset(r->img, out->pc, 1, PF_X, &out->offset) &&
	       (out->semaphore == 0 ||
		   to_offset(r->img, out->semaphore, sizeof(uint16_t), PF_W, &out->semaphore_offset));
}

static enum res read_notes(struct reader *r, struct span notes, struct fault *f)
{
	struct elf_note note;
	enum res res;

	while ((res = elf_note_next(&notes, 4, &note)) == RES_OK) {
		struct probe_usdt probe;

		if (note.type != NT_STAPSDT || strcmp(note.name, "stapsdt") != 0)
			continue;
		if (r->list.probes.n == PROBE_USDT_MAX || !read_probe(r, note.desc, &probe))
			r->list.skipped++;
		else if (!vec_push(&r->list.probes, probe))
			return fault_memory(f);
	}
	if (res == RES_FAIL)
		r->list.skipped++;
	return RES_OK;
}

enum res probe_usdt_read(struct elf_image *img, struct probe_usdt_list *out, struct fault *f)
{
	const GElf_Ehdr *ehdr = elf_image_ehdr(img);
	struct reader r = { .img = img, .arch = arch_of_elf(ehdr->e_machine, ehdr->e_ident[EI_CLASS]) };
	struct span notes;
	GElf_Shdr base;
	enum res res;

	if (r.arch == NULL)
		return fault_set(f, ELF_FAULT_MACHINE, 0, 0, "probes of this machine are not supported");
	res = elf_image_section(img, ".note.stapsdt", NULL, &notes);
	if (res == RES_NONE)
		return RES_NONE;
	if (res == RES_FAIL)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "its section .note.stapsdt is damaged");
	if (elf_image_section(img, ".stapsdt.base", &base, NULL) == RES_OK)
		r.base = base.sh_addr;
	res = read_notes(&r, notes, f);
	if (res == RES_OK && r.list.probes.n == 0 && r.list.skipped == 0)
		res = RES_NONE;
	if (res == RES_OK)
		*out = r.list;
	else
		probe_usdt_free(&r.list);
	return res;
}

enum res probe_usdt_read_file(const char *path, struct probe_usdt_list *out, struct fault *f)
{
	OWNED(fd_release) int fd = os_open_regular(path);
	struct elf_image *img;
	struct fault inner = { 0 };
	enum res res;

	if (fd < 0) {
		int error = errno;

		(void)probe_text_refuse(f, path, fileio_open_error(error), "");
		if (f != NULL)
			f->sys = error;
		return RES_FAIL;
	}
	res = elf_image_open(fd, &img, &inner);
	if (res == RES_OK) {
		res = probe_usdt_read(img, out, &inner);
		elf_image_close(img);
	}
	return res == RES_FAIL ? probe_text_refuse(f, path, inner.text, "") : res;
}

void probe_usdt_free(struct probe_usdt_list *list)
{
	vec_free(&list->probes);
	list->skipped = 0;
}

const struct probe_usdt *probe_usdt_find(const struct probe_usdt_list *list, const char *provider,
    const char *name, const struct probe_usdt *after)
{
	size_t first = after == NULL ? 0 : (size_t)(after - list->probes.at) + 1;

	for (size_t i = first; i < list->probes.n; i++) {
		const struct probe_usdt *probe = &list->probes.at[i];

		if (strcmp(probe->provider, provider) == 0 && strcmp(probe->name, name) == 0)
			return probe;
	}
	return NULL;
}

/* Append the first names of the provider. They are names, so that there is nothing to escape. */
static void put_names(struct strbuf *b, const struct probe_usdt_list *list, const char *provider)
{
	enum { MOST = 8, LOOKED_AT = 256 };
	size_t n = 0;

	for (size_t i = 0; i < list->probes.n && i < LOOKED_AT; i++) {
		const struct probe_usdt *probe = &list->probes.at[i];

		if (strcmp(probe->provider, provider) != 0 ||
		    probe_usdt_find(list, provider, probe->name, NULL) != probe)
			continue;
		if (n == MOST) {
			strbuf_str(b, ", ...");
			return;
		}
		strbuf_fmt(b, "%s%s", n++ == 0 ? "; there are " : ", ", probe->name);
	}
}

enum res probe_usdt_refuse(const struct probe_usdt_list *list, const char *file, const char *provider,
    const char *name, struct fault *f)
{
	struct strbuf why = STRBUF_EMPTY;
	struct probe_near near;
	size_t n = 0;

	probe_near_start(&near, name);
	for (size_t i = 0; list != NULL && i < list->probes.n; i++) {
		if (strcmp(list->probes.at[i].provider, provider) != 0)
			continue;
		n++;
		probe_near_add(&near, list->probes.at[i].name);
	}
	if (n > 0)
		strbuf_fmt(&why, "no probe %s of provider %s", name, provider);
	else if (strcmp(provider, "python") == 0)
		strbuf_str(
		    &why, "no probes of provider python: the interpreter was built without --with-dtrace");
	else
		strbuf_fmt(&why, "no probes of provider %s", provider);
	probe_near_ask(&near, &why);
	if (n > 0 && near.n == 0)
		put_names(&why, list, provider);
	if (near.n == 0 && strcmp(provider, "python") == 0)
		strbuf_str(&why, "; profile: and uprobe: do not need them");
	(void)probe_text_refuse(f, file, strbuf_text(&why), "");
	strbuf_free(&why);
	return RES_FAIL;
}
