/* What is known of a process's interpreters: its life, and questions about it. */
#include "python/py_process.h"

#include <stdlib.h>

#include "python/find/py_runtime.h"
#include "python/objects/py_code.h"

static enum res create_process(struct ps_prochandle *P, bool early, struct py_process **out, struct fault *f)
{
	struct py_process *py = calloc(1, sizeof(*py));
	enum res res;

	if (py == NULL)
		return fault_memory(f);
	py->P = py->later = P;
	res = py_runtime_find(py, early, f);
	if (res == RES_OK)
		*out = py;
	else
		py_process_destroy(py);
	return res;
}

enum res py_process_create(struct ps_prochandle *P, struct py_process **out, struct fault *f)
{
	return create_process(P, false, out, f);
}

enum res py_process_create_early(struct ps_prochandle *P, struct py_process **out, struct fault *f)
{
	return create_process(P, true, out, f);
}

void py_process_destroy(struct py_process *py)
{
	if (py == NULL)
		return;
	for (size_t i = 0; i < py->runtimes.n; i++)
		free(py->runtimes.at[i].object);
	vec_free(&py->runtimes);
	py_codes_free(py);
	free(py->late.bytes);
	addrmap_free(&py->seen);
	free(py);
}

void py_process_move(struct py_process *py, struct ps_prochandle *P)
{
	py->P = py->later = P;
	py->generation++;
	py_codes_recycle(py);
}

void py_process_later(struct py_process *py, struct ps_prochandle *live)
{
	py->later = live;
}

size_t py_runtimes(const struct py_process *py)
{
	return py->runtimes.n;
}

uint32_t py_version(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].version : 0;
}

enum py_found py_found_by(const struct py_process *py, size_t runtime)
{
	return py->runtimes.at[runtime].found;
}

bool py_free_threaded(const struct py_process *py, size_t runtime)
{
	return py->runtimes.at[runtime].layout.free_threaded;
}

uint64_t py_runtime_address(const struct py_process *py, size_t runtime)
{
	return py->runtimes.at[runtime].addr;
}

const char *py_runtime_file(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].object : "";
}

const char *py_layout_mismatch(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].mismatch : NULL;
}

enum py_marking py_marking_of(const struct py_process *py, size_t runtime)
{
	return runtime < py->runtimes.n ? py->runtimes.at[runtime].layout.marking : PY_MARK_NONE;
}
