/* Build-ids of mapped files, from the notes in memory. See objects_build_id.h. */
#include "proc/objects_build_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "elf/image.h"
#include "elf/notes.h"
#include "proc/mapped.h"

enum {
	NOTES_LIMIT = 1 << 16, /* bytes of one PT_NOTE */
	NT_GNU_BUILD_ID_TYPE = 3,
};

void build_id_set(struct notice_id *id, const struct span *bytes)
{
	id->n = span_left(bytes) <= NOTICE_ID_MAX ? span_left(bytes) : NOTICE_ID_MAX;
	if (id->n > 0)
		memcpy(id->bytes, bytes->at, id->n);
}

bool build_id_equal(const struct notice_id *a, const struct notice_id *b)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* The build-id among the notes of one PT_NOTE at va. RES_FAIL: unreadable. */
static enum res notes_build_id(
    struct mapped *w, uint64_t va, uint64_t size, size_t align, struct notice_id *id)
{
	size_t n = size < NOTES_LIMIT ? (size_t)size : NOTES_LIMIT;
	OWNED(mem_release) void *bytes = malloc(n == 0 ? 1 : n);
	struct elf_note note;
	struct span s;

	if (bytes == NULL || !mapped_read(w, bytes, n, va))
		return RES_FAIL;
	s = span_of(bytes, n);
	while (elf_note_next(&s, align, &note) == RES_OK) {
		if (note.type == NT_GNU_BUILD_ID_TYPE && strcmp(note.name, "GNU") == 0 &&
		    span_left(&note.desc) > 0) {
			build_id_set(id, &note.desc);
			return RES_OK;
		}
	}
	return RES_NONE;
}

/* The build-id of the file mapped at base. RES_NONE: it has none; RES_FAIL: memory cannot be read,
 * so it is unknown. */
static enum res memory_build_id(struct proc_objects *o, uint64_t base, struct notice_id *id)
{
	GElf_Phdr phdrs[MAPPED_PHDRS];
	bool unreadable = false;
	struct mapped w;
	size_t n = 0;
	enum res res = mapped_open(&w, o->read, o->read_data, base) ? mapped_phdrs(&w, phdrs, &n) : RES_FAIL;
	uint64_t bias;

	if (res != RES_OK)
		return res;
	bias = mapped_bias(phdrs, n, base);
	for (size_t i = 0; i < n; i++) {
		if (phdrs[i].p_type != PT_NOTE)
			continue;
		res = notes_build_id(
		    &w, bias + phdrs[i].p_vaddr, phdrs[i].p_filesz, (size_t)phdrs[i].p_align, id);
		if (res == RES_OK)
			return RES_OK;
		unreadable |= res == RES_FAIL;
	}
	return unreadable ? RES_FAIL : RES_NONE;
}

bool objects_maps_start(const struct proc_objects *o, const struct proc_object *obj)
{
	const struct proc_map *m = objects_map(o, obj->base);

	return m != NULL && m->pr.pr_offset == 0;
}

/* The object that maps the file of obj from its start. libffi 3.4 maps a page of its own code a
 * second time (tramp.c). */
static struct proc_object *find_whole(struct proc_objects *o, const struct proc_object *obj)
{
	const struct proc_map *m = &o->maps.at[obj->first];

	for (size_t i = 0; i < o->objects.n; i++) {
		struct proc_object *other = &o->objects.at[i];
		const struct proc_map *n = &o->maps.at[other->first];

		if (strcmp(n->path, m->path) == 0 && n->dev == m->dev && n->inode == m->inode &&
		    objects_maps_start(o, other))
			return other;
	}
	return NULL;
}

enum res objects_mapped_build_id(struct proc_objects *o, struct proc_object *obj)
{
	const struct proc_object *from = objects_maps_start(o, obj) ? obj : find_whole(o, obj);

	if (obj->mapped_res == RES_FAIL && from != NULL)
		obj->mapped_res = memory_build_id(o, from->base, &obj->mapped);
	return obj->mapped_res;
}

bool objects_same_build_id(struct proc_objects *o, struct proc_object *obj, int fd)
{
	struct notice_id file = { .n = 0 };
	struct elf_image *img;
	struct span bytes;

	if (objects_mapped_build_id(o, obj) != RES_OK || elf_image_open(fd, &img, NULL) != RES_OK)
		return false;
	if (elf_image_build_id(img, &bytes) == RES_OK)
		build_id_set(&file, &bytes);
	elf_image_close(img);
	return file.n != 0 && build_id_equal(&obj->mapped, &file);
}
