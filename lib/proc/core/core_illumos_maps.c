/* The files that an illumos process had mapped. Its core does not list them, but the dynamic
 * linker's list in saved memory does (illumos <sys/link.h>; the same as SVR4's everywhere):
 *
 *   AT_PHDR ─> program headers of the executable ─> PT_DYNAMIC ─> DT_DEBUG ─> r_debug.r_map
 *     ─> Link_map { l_addr, l_name, l_ld, l_next, l_prev } of the executable ─> of each library …
 *
 * The ELF header of a library is at l_addr, and its program headers give the address of each part
 * of the file. ld.so.1 is on a list of its own: AT_BASE is its address, and the executable's
 * PT_INTERP its name. None of these is trusted. */
#include <elf.h>
#include <limits.h>
#include <string.h>

#include "elf/class.h"
#include "proc/core/core_notes.h"

enum {
	LINKS_MAX = 4096,
	PHDRS_MAX = 64, /* real files have about a dozen */
	DYNS_MAX = 512,
	AT_SUN_EXECNAME = 2014
};

/* A mapped file. */
struct object {
	uint64_t base; /* address of its ELF header */
	uint64_t bias;
	GElf_Phdr ph[PHDRS_MAX];
	size_t n;
};

/* A string in saved memory. NULL: there is none, or it is too long for a path. */
static const char *text_at(const struct core *core, uint64_t va, size_t *len)
{
	size_t n;
	const char *text = va == 0 ? NULL : core_bytes(core, va, &n);
	const char *end;

	if (text == NULL)
		return NULL;
	end = memchr(text, '\0', n < PATH_MAX ? n : PATH_MAX);
	if (end == NULL || end == text)
		return NULL;
	*len = (size_t)(end - text);
	return text;
}

/* False: there is no ELF header of the process's class, or its program headers were not saved. */
static bool read_object(struct core *core, uint64_t base, struct object *out)
{
	const struct elf_class *c = elf_image_class(core->image);
	uint8_t head[sizeof(GElf_Ehdr)], raw[PHDRS_MAX * sizeof(GElf_Phdr)];
	uint64_t lowest = UINT64_MAX;
	GElf_Ehdr eh;

	if (base == 0 || core_read(core, head, c->ehdr, base) != c->ehdr ||
	    memcmp(head, ELFMAG, SELFMAG) != 0 || elf_class_of(head) != c)
		return false;
	elf_class_ehdr(c, head, &eh);
	if (eh.e_phentsize != c->phdr || eh.e_phnum == 0 || eh.e_phnum > PHDRS_MAX ||
	    core_read(core, raw, (size_t)eh.e_phnum * c->phdr, base + eh.e_phoff) !=
		(ssize_t)((size_t)eh.e_phnum * c->phdr))
		return false;
	out->base = base;
	out->n = eh.e_phnum;
	for (size_t i = 0; i < out->n; i++) {
		elf_class_phdr(c, raw + i * c->phdr, &out->ph[i]);
		if (out->ph[i].p_type == PT_LOAD && out->ph[i].p_vaddr < lowest)
			lowest = out->ph[i].p_vaddr;
	}
	out->bias = base - (lowest & ~(uint64_t)(CORE_PAGE - 1));
	return lowest != UINT64_MAX;
}

static const GElf_Phdr *phdr_of(const struct object *obj, uint32_t type)
{
	for (size_t i = 0; i < obj->n; i++) {
		if (obj->ph[i].p_type == type)
			return &obj->ph[i];
	}
	return NULL;
}

/* Add the pages that the object's segments map from its file. */
static enum res add_ranges(
    struct core *core, const struct object *obj, const char *path, size_t len, struct fault *f)
{
	const uint64_t low = CORE_PAGE - 1, highest = core->word == 4 ? UINT32_MAX : INT64_MAX;

	for (size_t i = 0; i < obj->n; i++) {
		const GElf_Phdr *ph = &obj->ph[i];
		uint64_t start = obj->bias + ph->p_vaddr;
		struct core_range range = { .path = path, .path_len = len };

		if (ph->p_type != PT_LOAD || ph->p_filesz == 0)
			continue;
		if (start > highest || ph->p_filesz > highest - start || ph->p_offset > INT64_MAX ||
		    (ph->p_offset & low) != (start & low)) {
			core->damaged = true;
			continue;
		}
		range.start = start & ~low;
		range.end = (start + ph->p_filesz + low) & ~low;
		range.off = ph->p_offset & ~low;
		if (!vec_push(&core->ranges, range))
			return fault_memory(f);
	}
	return RES_OK;
}

/* r_debug.r_map, from the executable's dynamic section; 0: not found. */
static uint64_t first_link(struct core *core, const struct object *exe)
{
	const GElf_Phdr *dynamic = phdr_of(exe, PT_DYNAMIC);
	uint64_t va = dynamic == NULL ? 0 : exe->bias + dynamic->p_vaddr, tag, value, map;

	for (int i = 0; dynamic != NULL && i < DYNS_MAX; i++, va += 2U * core->word) {
		if (!core_read_word(core, va, &tag) || !core_read_word(core, va + core->word, &value) ||
		    tag == DT_NULL)
			return 0;
		if (tag == DT_DEBUG)
			return value != 0 && core_read_word(core, value + core->word, &map) ? map : 0;
	}
	return 0;
}

/* Add the libraries, from the second link on. They may include the dynamic linker, which has been
 * added already. Names are not copied. */
static enum res add_links(struct core *core, uint64_t link, struct fault *f)
{
	struct object obj;
	uint64_t base, name, next;
	const char *path;
	size_t len = 0;

	for (int i = 0; link != 0 && i < LINKS_MAX; i++, link = next) {
		if (!core_read_word(core, link, &base) || !core_read_word(core, link + core->word, &name) ||
		    !core_read_word(core, link + 3U * core->word, &next)) {
			core->damaged = true;
			return RES_OK;
		}
		path = i == 0 || base == core_auxv(core, AT_BASE) ? NULL : text_at(core, name, &len);
		if (path != NULL && read_object(core, base, &obj) &&
		    add_ranges(core, &obj, path, len, f) != RES_OK)
			return RES_FAIL;
	}
	if (link != 0)
		core->damaged = true;
	return RES_OK;
}

enum res core_illumos_ranges(struct core *core, struct fault *f)
{
	const GElf_Phdr *interp;
	struct object exe, loader;
	uint64_t link, name = 0;
	const char *path;
	size_t len = 0;

	if (!read_object(core, core_auxv(core, AT_PHDR) & ~(uint64_t)(CORE_PAGE - 1), &exe))
		return RES_OK;
	link = first_link(core, &exe);
	path = text_at(core, core_auxv(core, AT_SUN_EXECNAME), &len);
	if ((path == NULL || path[0] != '/') && link != 0 && core_read_word(core, link + core->word, &name))
		path = text_at(core, name, &len);
	if (path != NULL && add_ranges(core, &exe, path, len, f) != RES_OK)
		return RES_FAIL;
	interp = phdr_of(&exe, PT_INTERP);
	path = interp == NULL ? NULL : text_at(core, exe.bias + interp->p_vaddr, &len);
	if (path != NULL && read_object(core, core_auxv(core, AT_BASE), &loader) &&
	    add_ranges(core, &loader, path, len, f) != RES_OK)
		return RES_FAIL;
	return add_links(core, link, f);
}
