/* Opening and closing what is known of a process's interpreters; types; the evaluation loop's place. */
#include "python/py_process.h"

#include <stdlib.h>

#include "base/owned.h"

enum res py_process_open(struct ps_prochandle *P, struct py_process **out, struct fault *f)
{
	struct py_process *py = calloc(1, sizeof(*py));
	enum res res;

	if (py == NULL)
		return fault_memory(f);
	py->P = py->later = P;
	res = py_runtime_find(py, f);
	if (res == RES_OK)
		*out = py;
	else
		py_process_close(py);
	return res;
}

void py_process_close(struct py_process *py)
{
	if (py == NULL)
		return;
	for (size_t i = 0; i < py->runtimes.n; i++)
		free(py->runtimes.at[i].object);
	vec_free(&py->runtimes);
	py_code_free_all(py);
	free(py->late.bytes);
	addrmap_free(&py->seen);
	free(py);
}

void py_process_move(struct py_process *py, struct ps_prochandle *P)
{
	py->P = py->later = P;
	py->generation++;
	py_code_spare(py);
}

void py_process_later(struct py_process *py, struct ps_prochandle *live)
{
	py->later = live;
}

void py_process_rehearse(struct py_process *py, bool on)
{
	py->rehearsal = on;
}

size_t py_runtimes(const struct py_process *py)
{
	return py->runtimes.n;
}

uint32_t py_version(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].version : 0;
}

const char *py_layout_mismatch(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].doubt : NULL;
}

enum py_marking py_marking_of(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].layout.marking : PY_MARK_NONE;
}

/* A core without the interpreter's file has no names of types: they are constants, which are not saved. Its
 * type objects are there: one of the interpreter's own is an instance of `type`, which is one of itself, and
 * its name, unreadable as it is, lies in the same file's mappings. */
static bool static_type(struct ps_prochandle *P, const struct py_layout *l, uint64_t type, uint64_t name)
{
	char mine[4096], its[4096];
	uint64_t meta, metameta;

	return py_read_word(P, l, type, l->object.type, &meta) &&
	       py_read_word(P, l, meta, l->object.type, &metameta) && meta == metameta &&
	       Pobjname(P, (uintptr_t)type, mine, sizeof(mine)) != NULL &&
	       Pobjname(P, (uintptr_t)name, its, sizeof(its)) != NULL && strcmp(mine, its) == 0;
}

bool py_type_is(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known)
{
	char text[16];
	uint64_t at;

	if (type == 0)
		return false;
	if (type == *known)
		return true;
	if (!py_pointer_sane(type, l->word) || !py_read_word(P, l, type, l->type.name, &at) || at == 0)
		return false;
	if (Pread_string(P, text, sizeof(text), (uintptr_t)at) < 0) {
		if (*known != 0 || !static_type(P, l, type, at))
			return false;
	} else if (strcmp(text, name) != 0) {
		return false;
	}
	*known = type;
	return true;
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
