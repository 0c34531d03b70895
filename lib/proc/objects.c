/* Load objects from mappings.
 *
 *   /lib/libx.so   off 0       r--  ┐
 *   /lib/libx.so   off 0x1000  r-x  │ one object: the same file, with ascending file ranges that
 *   /lib/libx.so   off 0x9000  r--  │ overlap by at most a page (segments may share one)
 *   /lib/libx.so   off 0x9000  rw-  ┘
 *   (anonymous)                rw-    its .bss
 *   /lib/libx.so   off 0       r--    the same file from its beginning: another object
 *
 * A mapping of another file ends an object; an anonymous mapping does not, because a program may
 * move parts of its text to huge pages (objects_moved.c). Reference counting and notices are here
 * too; objects_verify.c opens and verifies files. */
#include <stdlib.h>
#include <string.h>

#include "proc/made_code.h"
#include "proc/objects.h"

enum { PAGE = 4096 };

static bool is_vdso(const struct proc_map *m)
{
	return m->path != NULL && strcmp(m->path, "[vdso]") == 0;
}

static bool maps_file(const struct proc_map *m)
{
	return m->path != NULL && (m->path[0] == '/' || is_vdso(m));
}

/* Does m continue the object whose last mapping is `last`? */
static bool continues_object(const struct proc_map *last, const struct proc_map *m)
{
	uint64_t end, start;

	if (strcmp(last->path, m->path) != 0 || last->dev != m->dev || last->inode != m->inode)
		return false;
	start = (uint64_t)m->pr.pr_offset;
	/* A mapping without rights is a gap that the dynamic linker leaves between segments.
	 * It maps more of the file than belongs there. */
	if ((last->pr.pr_mflags & (MA_READ | MA_WRITE | MA_EXEC)) == 0)
		return start >= (uint64_t)last->pr.pr_offset;
	if (__builtin_add_overflow((uint64_t)last->pr.pr_offset, (uint64_t)last->pr.pr_size, &end))
		return false;
	return start >= (uint64_t)last->pr.pr_offset && (end <= PAGE || start >= end - PAGE);
}

static bool object_add(struct proc_objects *o, size_t first)
{
	const struct proc_map *m = &o->maps.at[first];
	struct proc_object obj = {
		.first = first, .last = first, .base = m->pr.pr_vaddr, .mapped_res = RES_FAIL
	};

	obj.path = strdup(is_vdso(m) ? "linux-vdso.so.1" : m->path);
	if (obj.path == NULL)
		return false;
	if (!vec_push(&o->objects, obj)) {
		free(obj.path);
		return false;
	}
	return true;
}

static bool find_objects(struct proc_objects *o)
{
	for (size_t i = 0; i < o->maps.n; i++) {
		struct proc_map *m = &o->maps.at[i];
		struct proc_object *obj;

		m->object = -1;
		if (!maps_file(m))
			continue;
		obj = o->objects.n == 0 ? NULL : &o->objects.at[o->objects.n - 1];
		if (obj == NULL || !continues_object(&o->maps.at[obj->last], m)) {
			if (o->objects.n >= INT32_MAX || !object_add(o, i))
				return false;
			obj = &o->objects.at[o->objects.n - 1];
		}
		obj->last = i;
		if (!obj->loaded && ((m->pr.pr_mflags & MA_EXEC) != 0 || is_vdso(m)) &&
		    o->n_loaded < LOADED_MAX) {
			obj->loaded = true;
			o->n_loaded++;
		}
		m->object = (int)(o->objects.n - 1);
	}
	return true;
}

struct proc_objects *objects_create(
    struct proc_maps *maps, const struct proc_files *files, elf_read_fn *read, void *read_data)
{
	struct proc_objects *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		proc_maps_clear(maps);
		if (files->destroy != NULL)
			files->destroy(files->data);
		return NULL;
	}
	o->refs = 1;
	o->maps = *maps;
	*maps = (struct proc_maps){ NULL, 0, 0 };
	o->files = *files;
	o->read = read;
	o->read_data = read_data;
	if (!find_objects(o)) {
		objects_unref(o);
		return NULL;
	}
	return o;
}

struct proc_objects *objects_ref(struct proc_objects *o)
{
	o->refs++;
	return o;
}

static void object_clear(struct proc_object *obj)
{
	/* Symbols refer to the image, so the image is closed last. */
	elf_symbols_destroy(obj->symbols);
	elf_symbols_destroy(obj->names);
	elf_image_close(obj->debug);
	elf_image_close(obj->image);
	free(obj->path);
}

void objects_unref(struct proc_objects *o)
{
	if (o == NULL || --o->refs > 0)
		return;
	for (size_t i = 0; i < o->objects.n; i++)
		object_clear(&o->objects.at[i]);
	vec_free(&o->objects);
	for (size_t i = 0; i < o->notices.n; i++)
		free(o->notices.at[i].detail);
	vec_free(&o->notices);
	proc_maps_clear(&o->maps);
	search_destroy(o->search);
	made_codes_destroy(o->made);
	if (o->files.destroy != NULL)
		o->files.destroy(o->files.data);
	free(o);
}

const struct proc_map *objects_map(const struct proc_objects *o, uintptr_t addr)
{
	size_t low = 0, high = o->maps.n;

	/* Find the first mapping after addr. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (o->maps.at[mid].pr.pr_vaddr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || addr - o->maps.at[low - 1].pr.pr_vaddr >= o->maps.at[low - 1].pr.pr_size)
		return NULL;
	return &o->maps.at[low - 1];
}

struct proc_object *objects_at(struct proc_objects *o, uintptr_t addr)
{
	const struct proc_map *m = objects_map(o, addr);

	return m == NULL || m->object < 0 ? NULL : &o->objects.at[m->object];
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Would the user learn nothing from b after a? */
static bool same_notice(const struct notice *a, const struct notice *b)
{
	return a->code == b->code && a->failed == b->failed && a->instead == b->instead &&
	       a->id.n == b->id.n && memcmp(a->id.bytes, b->id.bytes, a->id.n) == 0 &&
	       same_string(a->file, b->file) && same_string(a->detail, b->detail);
}

void objects_notice(struct proc_objects *o, const struct notice *notice)
{
	struct proc_notice kept = { .what = *notice };

	for (size_t i = 0; i < o->notices.n; i++) {
		if (same_notice(&o->notices.at[i].what, notice))
			return;
	}
	if (notice->detail != NULL) {
		kept.detail = strdup(notice->detail);
		if (kept.detail == NULL)
			return;
		kept.what.detail = kept.detail;
	}
	if (!vec_push(&o->notices, kept))
		free(kept.detail);
}

void proc_maps_clear(struct proc_maps *maps)
{
	for (size_t i = 0; i < maps->n; i++) {
		if (!maps->at[i].shared)
			free(maps->at[i].path);
		free(maps->at[i].was);
	}
	vec_free(maps);
}
