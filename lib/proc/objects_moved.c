/* Text that runs from other memory than a mapping of its own file: some programs copy theirs onto
 * huge pages.
 *
 *   /lib/libx.so   off 0       r--  ─┐ ELF header: its program headers give the object's addresses
 *   (anonymous)                r-x   │ at the addresses of an executable segment: its text
 *   /lib/libx.so   off 0x9000  r--   │ further segments
 *   /lib/libx.so   off 0x9000  rw-  ─┘
 *
 * The other memory may be anonymous or a file (memfd, hugetlbfs, System V), which is then not an
 * ELF file. A part of the text may have been moved, or all mappings of the object. In the latter
 * case the dynamic linker's list gives the name of a library, and the auxiliary vector that of the
 * program.
 *
 * The search starts at each executable mapping that has no file, or whose file is mapped with one
 * set of rights; most processes have none. The next ELF header below it decides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "proc/mapped.h"
#include "proc/objects.h"

enum {
	LOOK_DOWN = 32,   /* mappings searched below the one to claim */
	LOOKS_MAX = 1024, /* headers read in each turn */
	UNIFORM_MAX = 256,
	PAGE = MAPPED_PAGE,
	RIGHTS = MA_READ | MA_WRITE | MA_EXEC
};
#define SPAN_MAX (16ULL << 30) /* of one object: linkers create up to 2 GB, more with large code models */

enum looked { LOOKED_NOT, LOOKED_NOTHING, LOOKED_HEADER };

/* An ELF header in memory and its contents. */
struct header {
	size_t at; /* index of its mapping */
	uint64_t bias, lo, hi;
	GElf_Phdr phdrs[MAPPED_PHDRS];
	size_t n;
};

struct claim {
	struct proc_objects *o;
	objects_name_fn *name;
	void *data;
	uint8_t *looked; /* enum looked for each mapping; NULL: nothing looked at yet */
	unsigned looks;
};

static uint64_t page_down(uint64_t va)
{
	return va & ~(uint64_t)(PAGE - 1);
}

static uint64_t page_up(uint64_t va)
{
	return page_down(va + PAGE - 1);
}

static uint64_t map_end(const struct proc_map *m)
{
	return m->pr.pr_vaddr + m->pr.pr_size;
}

/* Are all mappings of the object mapped with the same rights? A loaded file has text and data. An
 * object with very many mappings is a JIT's file. */
static bool has_uniform_rights(const struct proc_objects *o, const struct proc_object *obj)
{
	int rights = o->maps.at[obj->first].pr.pr_mflags & RIGHTS;

	if (obj->last - obj->first > UNIFORM_MAX)
		return false;
	for (size_t i = obj->first + 1; i <= obj->last; i++) {
		const struct proc_map *m = &o->maps.at[i];

		if (m->object >= 0 && &o->objects.at[m->object] == obj &&
		    (m->pr.pr_mflags & RIGHTS) != rights)
			return false;
	}
	return true;
}

/* May the mapping belong to another object than its own? */
static bool is_doubtful(const struct proc_objects *o, const struct proc_map *m)
{
	return m->object < 0 ||
	       (o->objects.at[m->object].path[0] == '/' && has_uniform_rights(o, &o->objects.at[m->object]));
}

/* --- headers --- */

static bool header_span(const struct proc_map *m, struct header *h)
{
	uint64_t lo = UINT64_MAX, hi = 0;

	for (size_t i = 0; i < h->n; i++) {
		const GElf_Phdr *ph = &h->phdrs[i];

		if (ph->p_type != PT_LOAD || ph->p_memsz == 0 || ph->p_memsz > SPAN_MAX ||
		    ph->p_vaddr > UINT64_MAX - 2 * SPAN_MAX)
			continue;
		lo = ph->p_vaddr < lo ? ph->p_vaddr : lo;
		hi = ph->p_vaddr + ph->p_memsz > hi ? ph->p_vaddr + ph->p_memsz : hi;
	}
	if (lo >= hi || hi - lo > SPAN_MAX)
		return false;
	h->lo = h->bias + page_down(lo);
	h->hi = h->bias + page_up(hi);
	return h->lo == m->pr.pr_vaddr && h->hi > h->lo;
}

/* The segment that holds the page at va; NULL: none. */
static const GElf_Phdr *segment_at(const struct header *h, uint64_t va)
{
	for (size_t i = 0; i < h->n; i++) {
		const GElf_Phdr *ph = &h->phdrs[i];

		if (ph->p_type == PT_LOAD && va - h->bias >= page_down(ph->p_vaddr) &&
		    va - h->bias < page_up(ph->p_vaddr + ph->p_memsz))
			return ph;
	}
	return NULL;
}

/* The file offset that the dynamic linker maps at va, an address of this segment. */
static uint64_t offset_at(const struct header *h, const GElf_Phdr *ph, uint64_t va)
{
	return page_down(ph->p_offset) + (va - h->bias - page_down(ph->p_vaddr));
}

/* Does m show the part of the file that the headers place at its address? */
static bool in_place(const struct header *h, const struct proc_map *m)
{
	const GElf_Phdr *ph = segment_at(h, m->pr.pr_vaddr);

	return ph != NULL && (uint64_t)m->pr.pr_offset == offset_at(h, ph, m->pr.pr_vaddr);
}

static bool phdrs_of_image(struct proc_objects *o, struct proc_object *obj, struct header *h)
{
	if (objects_image(o, obj) != RES_OK || obj->from_memory)
		return false;
	h->n = elf_image_phnum(obj->image) < MAPPED_PHDRS ? elf_image_phnum(obj->image) : MAPPED_PHDRS;
	memcpy(h->phdrs, elf_image_phdrs(obj->image), h->n * sizeof(h->phdrs[0]));
	return true;
}

/* Does the last page of m show the part of the file that the headers place there? If the file is
 * mapped as data, it does not. */
static bool ends_in_place(const struct header *h, const struct proc_map *m)
{
	uint64_t last = map_end(m) - PAGE;
	const GElf_Phdr *ph = segment_at(h, last);

	return ph != NULL && (uint64_t)m->pr.pr_offset + (last - m->pr.pr_vaddr) == offset_at(h, ph, last);
}

/* Read the ELF header at mapping i, which may be of any kind. file_too: read the file if a core
 * lacks the header. */
static bool header_read(struct claim *c, size_t i, bool file_too, struct header *h)
{
	const struct proc_map *m = &c->o->maps.at[i];
	struct mapped w;
	enum res res = RES_FAIL;

	*h = (struct header){ .at = i };
	if (mapped_open(&w, c->o->read, c->o->read_data, m->pr.pr_vaddr))
		res = mapped_phdrs(&w, h->phdrs, &h->n);
	if (res == RES_FAIL && file_too && m->object >= 0 &&
	    phdrs_of_image(c->o, &c->o->objects.at[m->object], h))
		res = RES_OK;
	if (res != RES_OK)
		return false;
	h->bias = mapped_bias(h->phdrs, h->n, m->pr.pr_vaddr);
	return header_span(m, h) && (m->object < 0 || m->deleted || ends_in_place(h, m));
}

/* Can the mapping begin with an ELF header? */
static bool can_hold_header(const struct proc_map *m)
{
	if ((m->pr.pr_mflags & MA_READ) == 0)
		return false;
	if (m->object >= 0)
		return m->pr.pr_offset == 0;
	return (m->pr.pr_mflags & (MA_WRITE | MA_EXEC)) != MA_WRITE;
}

/* --- claiming --- */

static bool same_file(const struct proc_map *a, const struct proc_map *b)
{
	return a->object >= 0 && b->object >= 0 && a->inode == b->inode && a->dev == b->dev &&
	       strcmp(a->path, b->path) == 0;
}

static void set_loaded(struct proc_objects *o, struct proc_object *obj, bool loaded)
{
	if (obj->loaded == loaded || (loaded && o->n_loaded >= LOADED_MAX))
		return;
	obj->loaded = loaded;
	o->n_loaded += loaded ? 1 : (size_t)-1;
}

/* Move mapping i to object `to`. */
static void move_to_object(struct proc_objects *o, size_t i, size_t to)
{
	struct proc_object *obj = &o->objects.at[to];
	struct proc_map *m = &o->maps.at[i];

	if (m->object >= 0 && (size_t)m->object != to)
		set_loaded(o, &o->objects.at[m->object], false);
	m->object = (int)to;
	obj->first = i < obj->first ? i : obj->first;
	obj->last = i > obj->last ? i : obj->last;
	if ((m->pr.pr_mflags & MA_EXEC) != 0)
		set_loaded(o, obj, true);
}

/* Describe the mapping as if the text had not been moved. */
static bool describe_origin(struct proc_map *m, const struct proc_origin *as, uint64_t offset)
{
	char *path = strdup(as->path);
	size_t n = strlen(as->path), room = sizeof(m->pr.pr_mapname) - 1;

	if (path == NULL)
		return false;
	m->was = m->shared ? NULL : m->path;
	m->path = path;
	m->shared = false;
	m->moved = true;
	m->dev = as->dev;
	m->inode = as->inode;
	m->deleted = as->deleted;
	m->pr.pr_offset = (off_t)offset;
	m->pr.pr_mflags &= ~(MA_ANON | MA_SHARED);
	(void)snprintf(m->pr.pr_mapname, room + 1, "%s", n > room ? as->path + n - room : as->path);
	return true;
}

/* A mapping in the span of h that shows the part of a file which the headers place there. *sure:
 * the file is the object's own. It is not sure for file offset 0 of a deleted file, because a memfd
 * has no name in any directory and holds moved text from its start. NULL: there is none. */
static const struct proc_map *file_in_span(const struct claim *c, const struct header *h, bool *sure)
{
	const struct proc_map *start = NULL;

	for (size_t i = h->at; i < c->o->maps.n && c->o->maps.at[i].pr.pr_vaddr < h->hi; i++) {
		const struct proc_map *m = &c->o->maps.at[i];

		if (m->object < 0 || m->path[0] != '/' || !in_place(h, m))
			continue;
		*sure = m->pr.pr_offset != 0 || !m->deleted;
		if (*sure)
			return m;
		start = start == NULL ? m : start;
	}
	*sure = false;
	return start;
}

/* The object of the header: that of a file mapped in its span, else a new one with the name by
 * which it is known. */
static bool find_owner(struct claim *c, const struct header *h, struct proc_origin *as, size_t *owner)
{
	struct proc_map *first = &c->o->maps.at[h->at];
	bool sure;
	const struct proc_map *file = file_in_span(c, h, &sure);
	uint64_t dynamic = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (h->phdrs[i].p_type == PT_DYNAMIC)
			dynamic = h->bias + h->phdrs[i].p_vaddr;
	}
	if (!sure && c->name != NULL && c->name(c->data, h->lo, h->hi, h->bias, dynamic, as)) {
		struct proc_object new = {
			.first = h->at, .last = h->at, .base = h->lo, .mapped_res = RES_FAIL
		};

		if (file != NULL && strcmp(file->path, as->path) == 0) {
			free(as->path);
		} else {
			new.path = strdup(as->path);
			*owner = c->o->objects.n;
			if (new.path != NULL && c->o->objects.n < INT32_MAX &&vec_push(&c->o->objects, new))
				return true;
			free(new.path);
			free(as->path);
			as->path = NULL;
			return false;
		}
	}
	as->path = file == NULL ? NULL : strdup(file->path);
	if (file == NULL || as->path == NULL)
		return false;
	as->dev = file->dev;
	as->inode = file->inode;
	as->deleted = file->deleted;
	*owner = (size_t)(same_file(first, file) ? first->object : file->object);
	return true;
}

/* Was this mapping, which is in the span of h and shows no known part of the file, put in the place
 * of such a part? */
static bool replaces_part(const struct header *h, const struct proc_map *m, const GElf_Phdr *ph)
{
	if ((m->pr.pr_mflags & RIGHTS) == 0)
		return false;
	if ((m->pr.pr_mflags & MA_EXEC) == 0) /* .bss is anonymous anyway */
		return m->pr.pr_vaddr - h->bias < page_up(ph->p_vaddr + ph->p_filesz);
	for (size_t i = 0; i < h->n; i++) {
		const GElf_Phdr *x = &h->phdrs[i];

		if (x->p_type == PT_LOAD && (x->p_flags & PF_X) != 0 &&
		    map_end(m) - h->bias > page_down(x->p_vaddr) &&
		    m->pr.pr_vaddr - h->bias < page_up(x->p_vaddr + x->p_memsz))
			return true;
	}
	return false;
}

/* Give the mappings in the span of h to its object. */
static void claim_span(struct claim *c, const struct header *h)
{
	struct proc_objects *o = c->o;
	struct proc_origin as = { .path = NULL };
	size_t owner;

	if (!find_owner(c, h, &as, &owner))
		return;
	for (size_t i = h->at; i < o->maps.n && o->maps.at[i].pr.pr_vaddr < h->hi; i++) {
		struct proc_map *m = &o->maps.at[i];
		const GElf_Phdr *ph = segment_at(h, m->pr.pr_vaddr);
		bool file;

		if (ph == NULL || (m->object >= 0 && (size_t)m->object == owner))
			continue;
		file = m->object >= 0 && m->inode == as.inode && m->dev == as.dev &&
		       strcmp(m->path, as.path) == 0 && in_place(h, m);
		if (!file && (!is_doubtful(o, m) || !replaces_part(h, m, ph) ||
				 !describe_origin(m, &as, offset_at(h, ph, m->pr.pr_vaddr))))
			continue;
		move_to_object(o, i, owner);
	}
	o->objects.at[owner].base = h->lo;
	free(as.path);
}

/* Is there text in the span of h that is not a known part of the file? */
static bool has_moved(const struct proc_objects *o, const struct header *h)
{
	for (size_t i = h->at; i < o->maps.n && o->maps.at[i].pr.pr_vaddr < h->hi; i++) {
		const struct proc_map *m = &o->maps.at[i];
		const GElf_Phdr *ph = segment_at(h, m->pr.pr_vaddr);

		if ((m->pr.pr_mflags & MA_EXEC) != 0 && ph != NULL && is_doubtful(o, m) &&
		    replaces_part(h, m, ph) && (m->object < 0 || m->deleted || !in_place(h, m)))
			return true;
	}
	return false;
}

/* Find the header of the object to which mapping i may belong. */
static void claim_mapping(struct claim *c, size_t i)
{
	const struct proc_map *m = &c->o->maps.at[i];
	uint64_t va = m->pr.pr_vaddr;
	struct header h;

	for (size_t k = i + 1;
	     k-- > 0 && i - k < LOOK_DOWN && va - c->o->maps.at[k].pr.pr_vaddr < SPAN_MAX;) {
		if (c->looked[k] == LOOKED_HEADER)
			return; /* claim_span has run for it */
		if (c->looked[k] != LOOKED_NOT || !can_hold_header(&c->o->maps.at[k]))
			continue;
		if (c->looks++ >= LOOKS_MAX)
			return;
		c->looked[k] = LOOKED_NOTHING;
		if (!header_read(c, k, m->object < 0 || m->deleted, &h))
			continue;
		c->looked[k] = LOOKED_HEADER;
		if (has_moved(c->o, &h))
			claim_span(c, &h);
		return;
	}
}

/* Does the anonymous mapping i adjoin other parts of an object? Mappings of a JIT mostly do not,
 * and there may be thousands of them. */
static bool beside_an_object(const struct proc_maps *maps, size_t i)
{
	const struct proc_map *m = &maps->at[i], *below = i == 0 ? NULL : m - 1,
			      *above = i + 1 == maps->n ? NULL : m + 1;

	if (below != NULL && map_end(below) == m->pr.pr_vaddr &&
	    (below->object >= 0 || (below->pr.pr_mflags & (MA_READ | MA_WRITE)) == MA_READ))
		return true;
	return above != NULL && map_end(m) == above->pr.pr_vaddr && above->object >= 0;
}

/* The turn in which mapping i is examined, the most likely first, because their number is limited.
 * TURNS: never. */
enum turn { TURN_BESIDE, TURN_ALONE, TURN_FILE, TURNS };

static enum turn turn_of(const struct proc_objects *o, size_t i)
{
	const struct proc_map *m = &o->maps.at[i];

	if ((m->pr.pr_mflags & MA_EXEC) == 0 || !is_doubtful(o, m))
		return TURNS;
	if (m->object >= 0)
		return TURN_FILE;
	return beside_an_object(&o->maps, i) ? TURN_BESIDE : TURN_ALONE;
}

void objects_claim_moved(struct proc_objects *o, objects_name_fn *name, void *data)
{
	struct claim c = { .o = o, .name = name, .data = data };

	for (int turn = 0; turn < TURNS; turn++) {
		c.looks = 0;
		for (size_t i = 0; i < o->maps.n && c.looks < LOOKS_MAX; i++) {
			if (turn_of(o, i) != (enum turn)turn)
				continue;
			if (c.looked == NULL && (c.looked = calloc(o->maps.n, 1)) == NULL)
				return;
			claim_mapping(&c, i);
		}
	}
	free(c.looked);
}
