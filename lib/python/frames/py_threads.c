/* Interpreters and thread states: two nested lists.
 *
 *   _PyRuntime.interpreters.head → interp ─ next → interp → NULL
 *                                    └ threads.head → tstate ─ next → tstate → NULL
 *                                                       └ interp: back to its interpreter
 *
 * New ones are pushed at the head, so the main interpreter and its main thread come last. */
#include "python/py_memory.h"
#include "python/py_process.h"

enum { THREADS_MAX = 1 << 20 }; /* far above anything real, low enough to end */

static enum res visit_state(struct py_process *py, uint64_t addr, struct fault *f)
{
	uint32_t before;

	if (addrmap_get(&py->seen, addr, &before))
		return fault_set(f, 0, 0, addr, "a list of thread states is circular");
	if (py->seen.n >= THREADS_MAX)
		return fault_set(f, 0, 0, addr, "more than %d thread states", THREADS_MAX);
	return addrmap_put(&py->seen, addr, 1) ? RES_OK : fault_memory(f);
}

/* Add to *t what is in its thread state, of which v is a copy. */
static void decode_state(const struct py_layout *l, const struct py_view *v, struct py_thread *t)
{
	t->thread_id = py_view_word(v, l->tstate.thread_id);
	t->native_id = py_view_word(v, l->tstate.native_id);
	t->near = py_view_word(v, l->tstate.top != 0 ? l->tstate.top : l->tstate.frame);
}

/* Append the threads of one interpreter. model: their runtime, interp and interp_id. */
static enum res read_threads(
    struct py_process *py, struct py_thread model, uint64_t at, py_threads *out, struct fault *f)
{
	const struct py_layout *l = &py->runtimes.at[model.runtime].layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->tstate_extent, l->word };

	for (; at != 0; at = py_view_word(&v, l->tstate.next)) {
		struct py_thread t = model;

		if (visit_state(py, at, f) != RES_OK)
			return RES_FAIL;
		if (!py_pointer_sane(at, l->word) || !py_read(py->P, bytes, v.n, at))
			return fault_set(f, 0, 0, at, "a thread state cannot be read");
		if (py_view_word(&v, l->tstate.interp) != model.interp)
			return fault_set(f, 0, 0, at, "a thread state belongs to another interpreter");
		t.tstate = at;
		decode_state(l, &v, &t);
		if (!vec_push(out, t))
			return fault_memory(f);
	}
	return RES_OK;
}

/* Interpreters have ids from 3.7 on. */
static bool read_id(struct ps_prochandle *P, const struct py_layout *l, uint64_t interp, uint64_t *id)
{
	*id = 0;
	return l->interp.id == 0 || py_read(P, id, sizeof(*id), interp + l->interp.id - 1);
}

/* Lists that are made; either may be NULL. */
struct lists {
	py_threads *threads;
	py_addresses *interps;
};

/* Append the interpreters of one runtime from `interp` on, with their threads. */
static enum res read_interpreters(
    struct py_process *py, uint32_t runtime, uint64_t interp, const struct lists *out, struct fault *f)
{
	py_threads *threads = out->threads;
	const struct py_layout *l = &py->runtimes.at[runtime].layout;
	uint64_t next, head, id;
	size_t first = threads == NULL ? 0 : threads->n;
	int64_t met = 0;
	enum res res = RES_OK;

	for (; interp != 0; interp = next) {
		struct py_thread model = { .runtime = runtime, .interp = interp };

		if (visit_state(py, interp, res == RES_OK ? f : NULL) != RES_OK) {
			res = RES_FAIL;
			break;
		}
		if (!py_pointer_sane(interp, l->word) ||
		    !py_read_word(py->P, l, interp, l->interp.threads_head, &head) ||
		    !read_id(py->P, l, interp, &id) ||
		    !py_read_word(py->P, l, interp, l->interp.next, &next)) {
			res = fault_set(
			    res == RES_OK ? f : NULL, 0, 0, interp, "an interpreter's state cannot be read");
			break;
		}
		/* Without ids: a negative number for now, by its place from the newest. */
		met++;
		model.interp_id = l->interp.id != 0 ? (int64_t)id : -met;
		if (out->interps != NULL && !vec_push(out->interps, interp))
			return fault_memory(f);
		/* A broken list does not affect other interpreters. The first fault is reported. */
		if (threads != NULL &&
		    read_threads(py, model, head, threads, res == RES_OK ? f : NULL) != RES_OK)
			res = RES_FAIL;
	}
	for (size_t i = first; l->interp.id == 0 && threads != NULL && i < threads->n; i++)
		threads->at[i].interp_id += met;
	if (threads != NULL)
		py->interps += (size_t)met;
	return res;
}

static enum res read_runtime(
    struct py_process *py, uint32_t runtime, const struct lists *out, struct fault *f)
{
	const struct py_runtime *rt = &py->runtimes.at[runtime];
	uint64_t interp;

	if (!py_read_word(py->P, &rt->layout, rt->addr, rt->layout.runtime.interpreters_head, &interp))
		return fault_set(f, 0, 0, rt->addr, "the interpreter's state cannot be read");
	return read_interpreters(py, runtime, interp, out, f);
}

static enum res read_runtimes(struct py_process *py, const struct lists *out, struct fault *f)
{
	enum res res = RES_OK;

	addrmap_clear(&py->seen);
	for (size_t i = 0; i < py->runtimes.n; i++) {
		/* A broken list does not affect other runtimes. The first fault is reported. */
		if (read_runtime(py, (uint32_t)i, out, res == RES_OK ? f : NULL) != RES_OK)
			res = RES_FAIL;
	}
	addrmap_free(&py->seen); /* with many threads it is large, and each stack clears it first */
	return res;
}

enum res py_thread_at(struct py_process *py, uint32_t runtime, uint64_t tstate, struct py_thread *out)
{
	uint8_t bytes[PY_STRUCT_MAX];
	const struct py_layout *l;
	struct py_view v;
	uint64_t id = 0;

	if (runtime >= py->runtimes.n)
		return RES_NONE;
	l = &py->runtimes.at[runtime].layout;
	v = (struct py_view){ bytes, l->tstate_extent, l->word };
	if (!py_pointer_sane(tstate, l->word) || !py_read(py->P, bytes, v.n, tstate))
		return RES_NONE;
	*out = (struct py_thread){
		.runtime = runtime, .tstate = tstate, .interp = py_view_word(&v, l->tstate.interp)
	};
	decode_state(l, &v, out);
	(void)read_id(py->P, l, out->interp, &id);
	out->interp_id = (int64_t)id;
	return RES_OK;
}

size_t py_interpreters(const struct py_process *py)
{
	return py->interps;
}

enum res py_threads_read(struct py_process *py, py_threads *out, struct fault *f)
{
	out->n = py->interps = 0;
	return read_runtimes(py, &(struct lists){ .threads = out }, f);
}

enum res py_interpreters_read(struct py_process *py, uint64_t first, py_addresses *out, struct fault *f)
{
	const struct lists lists = { .interps = out };
	uint64_t interp;

	out->n = 0;
	if (first == 0)
		return read_runtimes(py, &lists, f);
	/* Take the first layout whose list is sound: those of one process rarely differ here. */
	for (size_t i = 0; i < py->runtimes.n; i++) {
		const struct py_layout *l = &py->runtimes.at[i].layout;

		addrmap_clear(&py->seen);
		out->n = 0;
		if (py_read_word(py->P, l, first, PY_AT(0), &interp) &&
		    read_interpreters(py, (uint32_t)i, interp, &lists, f) == RES_OK)
			return RES_OK;
	}
	return fault_set(f, 0, 0, first, "no list of interpreters there");
}

enum res py_interpreter_threads(struct py_process *py, uint64_t interp, py_threads *out, struct fault *f)
{
	out->n = 0;
	for (size_t i = 0; i < py->runtimes.n; i++) {
		const struct py_layout *l = &py->runtimes.at[i].layout;
		struct py_thread model = { .runtime = (uint32_t)i, .interp = interp };
		uint64_t head, id;

		addrmap_clear(&py->seen);
		if (!py_pointer_sane(interp, l->word) ||
		    !py_read_word(py->P, l, interp, l->interp.threads_head, &head) ||
		    !read_id(py->P, l, interp, &id))
			continue;
		model.interp_id = (int64_t)id;
		/* States point back to their interpreter; with the layout of another runtime none
		 * does. */
		if (read_threads(py, model, head, out, f) == RES_OK || out->n > 0)
			return RES_OK;
	}
	return fault_set(f, 0, 0, interp, "no interpreter there");
}

/* Is the state at `head` still the one that was read as `t`? */
static bool same_state(
    struct py_process *py, const struct py_layout *l, uint64_t head, const struct py_thread *t)
{
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->tstate_extent, l->word };

	return head == t->tstate && py_read(py->P, bytes, v.n, head) &&
	       py_view_word(&v, l->tstate.interp) == t->interp &&
	       py_view_word(&v, l->tstate.thread_id) == t->thread_id &&
	       py_view_word(&v, l->tstate.native_id) == t->native_id;
}

/* Compare the part of the list that belongs to one runtime. *i: its start, then its end. */
static bool same_runtime(struct py_process *py, uint32_t runtime, const py_threads *list, size_t *i)
{
	const struct py_runtime *rt = &py->runtimes.at[runtime];
	const struct py_layout *l = &rt->layout;
	uint64_t interp = 0, head = 0;

	if (!py_read_word(py->P, l, rt->addr, l->runtime.interpreters_head, &interp))
		return false;
	for (int k = 0; interp != 0 && k < PY_INTERPS_MAX; k++) {
		bool any = *i < list->n && list->at[*i].runtime == runtime && list->at[*i].interp == interp;

		if (!py_read_word(py->P, l, interp, l->interp.threads_head, &head))
			return false;
		if (any ? !same_state(py, l, head, &list->at[*i]) : head != 0)
			return false;
		while (*i < list->n && list->at[*i].runtime == runtime && list->at[*i].interp == interp)
			(*i)++;
		if (!py_read_word(py->P, l, interp, l->interp.next, &interp))
			return false;
	}
	return interp == 0;
}

bool py_threads_same(struct py_process *py, const py_threads *list)
{
	size_t i = 0;

	for (size_t r = 0; r < py->runtimes.n; r++) {
		if (!same_runtime(py, (uint32_t)r, list, &i))
			return false;
	}
	for (size_t k = 0; k < list->n; k++) {
		if (list->at[k].thread_id == 0)
			return false; /* not yet attached: any such state may have changed */
	}
	return i == list->n;
}
