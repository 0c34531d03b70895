/* Bytes of the file that a mapping is of. */
#include "proc/objects.h"

enum res objects_file_bytes(struct proc_objects *o, uintptr_t addr, struct span *out)
{
	const struct proc_map *m = objects_map(o, addr);
	struct proc_object *obj;
	struct span bytes;
	const uint8_t *mapped;
	size_t room;
	bool writable;

	if (m == NULL || m->object < 0 || m->moved || (m->pr.pr_mflags & MA_WRITE) != 0 ||
	    (m->pr.pr_mflags & MA_READ) == 0)
		return RES_NONE;
	obj = &o->objects.at[m->object];
	if (objects_image(o, obj) != RES_OK || obj->from_memory)
		return RES_NONE;
	if (elf_image_at(obj->image, addr - obj->bias, &bytes, &writable) != RES_OK || writable)
		return RES_NONE;
	/* The mapping must belong to this segment: the program headers and the kernel must agree on
	 * the file offset. */
	mapped = elf_image_bytes(obj->image, (uint64_t)m->pr.pr_offset + (addr - m->pr.pr_vaddr), 1);
	if (mapped != bytes.at)
		return RES_NONE;
	room = m->pr.pr_size - (addr - m->pr.pr_vaddr);
	if (span_left(&bytes) > room)
		bytes.end = bytes.at + room;
	*out = bytes;
	return RES_OK;
}
