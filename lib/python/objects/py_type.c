/* Types of objects, by their names: what a symbol does not say is learned from the first object of
 * a type. */
#include "python/objects/py_type.h"

#include <string.h>

#include "python/py_memory.h"

/* A core without the interpreter's file lacks the names of types: they are constants, which cores
 * leave out. It has the type objects. One of the interpreter's own is an instance of `type`, which
 * is an instance of itself, and its name, though unreadable, lies in the mappings of the same
 * file. */
static bool is_static_type(struct ps_prochandle *P, const struct py_layout *l, uint64_t type, uint64_t name)
{
	char mine[4096], its[4096];
	uint64_t meta, metameta;

	return py_read_word(P, l, type, l->object.type, &meta) &&
	       py_read_word(P, l, meta, l->object.type, &metameta) && meta == metameta &&
	       Pobjname(P, (uintptr_t)type, mine, sizeof(mine)) != NULL &&
	       Pobjname(P, (uintptr_t)name, its, sizeof(its)) != NULL && strcmp(mine, its) == 0;
}

enum py_type_match py_type_match(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known)
{
	char text[16];
	uint64_t at;

	if (type == 0 || !py_pointer_sane(type, l->word))
		return PY_TYPE_OTHER;
	if (type == *known)
		return PY_TYPE_SAME;
	if (!py_read_word(P, l, type, l->type.name, &at))
		return *known == 0 ? PY_TYPE_UNREAD : PY_TYPE_OTHER;
	if (at == 0)
		return PY_TYPE_OTHER;
	if (Pread_string(P, text, sizeof(text), (uintptr_t)at) < 0) {
		if (*known != 0)
			return PY_TYPE_OTHER;
		if (!is_static_type(P, l, type, at))
			return PY_TYPE_UNREAD;
	} else if (strcmp(text, name) != 0) {
		return PY_TYPE_OTHER;
	}
	*known = type;
	return PY_TYPE_SAME;
}

bool py_type_is(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known)
{
	return py_type_match(P, l, type, name, known) == PY_TYPE_SAME;
}

bool py_is_frame_object(struct py_process *py, size_t runtime, uint64_t addr)
{
	struct py_runtime *rt;
	uint64_t type;

	if (runtime >= py->runtimes.n)
		return false;
	rt = &py->runtimes.at[runtime];
	return py_pointer_sane(addr, rt->layout.word) &&
	       py_read_word(py->P, &rt->layout, addr, rt->layout.object.type, &type) &&
	       py_type_is(py->P, &rt->layout, type, "frame", &rt->frame_type);
}
