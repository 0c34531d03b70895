/* Interpreters and thread states: two nested lists.
 *
 *   _PyRuntime.interpreters.head → interp ─ next → interp → NULL
 *                                    └ threads.head → tstate ─ next → tstate → NULL
 *                                                       └ interp: back to its interpreter
 *
 * New ones are pushed at the head, so the main interpreter and its main thread come last. */
#include "python/py_process.h"

static enum res seen_before(struct py_process *py, uint64_t addr, struct fault *f)
{
	uint32_t before;

	if (addrmap_get(&py->seen, addr, &before))
		return fault_set(f, 0, 0, addr, "a list of thread states runs in a circle");
	if (py->seen.n >= PY_THREADS_MAX)
		return fault_set(f, 0, 0, addr, "more than %d thread states", PY_THREADS_MAX);
	return addrmap_put(&py->seen, addr, 1) ? RES_OK : fault_memory(f);
}

/* The threads of one interpreter; `model` has runtime, interp and interp_id. */
static enum res read_threads(struct py_process *py, const struct py_layout *l, struct py_thread model,
    uint64_t at, py_threads *out, struct fault *f)
{
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->tstate_extent, l->word };

	for (; at != 0; at = py_view_word(&v, l->tstate.next)) {
		struct py_thread t = model;

		if (seen_before(py, at, f) != RES_OK)
			return RES_FAIL;
		if (!py_pointer_sane(at, l->word) || !py_read(py->P, bytes, v.n, at))
			return fault_set(f, 0, 0, at, "a thread state cannot be read");
		if (py_view_word(&v, l->tstate.interp) != model.interp)
			return fault_set(f, 0, 0, at, "a thread state belongs to another interpreter");
		t.tstate = at;
		t.thread_id = py_view_word(&v, l->tstate.thread_id);
		t.native_id = py_view_word(&v, l->tstate.native_id);
		if (!vec_push(out, t))
			return fault_memory(f);
	}
	return RES_OK;
}

/* Interpreters have numbers from 3.7 on. */
static bool read_id(struct ps_prochandle *P, const struct py_layout *l, uint64_t interp, uint64_t *id)
{
	*id = 0;
	return l->interp.id == 0 || py_read(P, id, sizeof(*id), interp + l->interp.id - 1);
}

static enum res read_runtime(struct py_process *py, uint32_t runtime, py_threads *out, struct fault *f)
{
	const struct py_runtime *rt = &py->runtimes.at[runtime];
	const struct py_layout *l = &rt->layout;
	uint64_t interp, next, head, id;
	enum res res = RES_OK;

	if (!py_read_word(py->P, l, rt->addr, l->runtime.interpreters_head, &interp))
		return fault_set(f, 0, 0, rt->addr, "the interpreter's state cannot be read");
	for (; interp != 0; interp = next) {
		struct py_thread model = { .runtime = runtime, .interp = interp };

		if (seen_before(py, interp, f) != RES_OK)
			return RES_FAIL;
		if (!py_pointer_sane(interp, l->word) ||
		    !py_read_word(py->P, l, interp, l->interp.threads_head, &head) ||
		    !read_id(py->P, l, interp, &id) || !py_read_word(py->P, l, interp, l->interp.next, &next))
			return fault_set(f, 0, 0, interp, "an interpreter's state cannot be read");
		model.interp_id = (int64_t)id;
		/* One broken list does not cost the other interpreters; the first fault is told. */
		if (read_threads(py, l, model, head, out, res == RES_OK ? f : NULL) != RES_OK)
			res = RES_FAIL;
	}
	return res;
}

enum res py_threads_read(struct py_process *py, py_threads *out, struct fault *f)
{
	enum res res = RES_OK;

	out->n = 0;
	addrmap_clear(&py->seen);
	for (size_t i = 0; i < py->runtimes.n; i++) {
		/* A broken list costs its own interpreter binary only; the first fault is told. */
		if (read_runtime(py, (uint32_t)i, out, res == RES_OK ? f : NULL) != RES_OK)
			res = RES_FAIL;
	}
	return res;
}
