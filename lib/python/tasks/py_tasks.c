/* Reading the tasks of an interpreter, and comparing two readings. */
#include "python/tasks/py_tasks.h"

#include <stdlib.h>
#include <string.h>

#include "python/tasks/task_reader.h"
#include "python/tasks/task_find.h"
#include "python/tasks/task_greenlets.h"
#include "python/tasks/task_layout.h"
#include "python/tasks/task_locals.h"
#include "python/tasks/task_objects.h"
#include "python/tasks/task_trio.h"
#include "python/tasks/task_waiters.h"

static void reader_free(struct task_reader *r)
{
	addrmap_free(&r->kinds);
	addrmap_free(&r->by_addr);
	addrmap_free(&r->by_loop);
	addrmap_free(&r->by_await);
	vec_free(&r->next_await);
}

/* Add the tasks of an interpreter, whose thread states are among `threads`. */
static enum res read_interp(struct py_process *py, const struct py_tasks_reading *reading,
    const struct py_thread *of, const py_threads *threads, struct py_tasks *out, struct fault *f)
{
	const struct py_tasks_source *source = reading->source;
	struct task_reader r = { .py = py,
		.P = py->P,
		.rt = &py->runtimes.at[of->runtime],
		.runtime = of->runtime,
		.out = out,
		.f = f };
	size_t first = out->at.n;

	if (r.rt->layout.version >= PY_HEX(3, 4)) {
		r.source = of->runtime < source->at.n ? source->at.at[of->runtime] : 0;
		task_layout(&r);
		task_find(&r, of->interp, threads);
		if (r.res == RES_OK)
			task_find_trio(&r, of->interp);
	}
	if (r.res == RES_OK)
		task_find_greenlets(&r, of->interp, reading);
	if (out->at.n > first) {
		(void)task_module_dict(&r, of->interp, "asyncio.taskgroups", &r.groups_dict);
		(void)task_module_dict(&r, of->interp, "asyncio.base_events", &r.events_dict);
		(void)task_module_dict(&r, of->interp, "asyncio.futures", &r.futures_dict);
		if (r.res == RES_OK)
			task_waiters(&r, first);
	}
	reader_free(&r);
	return r.res;
}

static enum res read_processes_tasks(
    struct py_process *py, const struct py_tasks_reading *reading, struct py_tasks *out, struct fault *f)
{
	py_threads threads = VEC_EMPTY;
	enum res res = RES_OK;

	out->missed |= py_threads_read(py, &threads, NULL) != RES_OK;
	/* The states of an interpreter are next to each other. */
	for (size_t i = 0; res == RES_OK && i < threads.n; i++) {
		if (i == 0 || threads.at[i].interp != threads.at[i - 1].interp)
			res = read_interp(py, reading, &threads.at[i], &threads, out, f);
	}
	vec_free(&threads);
	return res;
}

enum res py_tasks_read(
    struct py_process *py, const struct py_tasks_reading *reading, struct py_tasks *out, struct fault *f)
{
	struct ps_prochandle *before = py->P;
	size_t interps = py->interps;
	enum res res;

	*out = (struct py_tasks){ .more = false };
	/* Code objects, too, are read over py's handle. */
	py->P = reading->P;
	py->epoch++;
	res = read_processes_tasks(py, reading, out, f);
	if (res == RES_OK && reading->locals != 0)
		res = task_read_locals(py, reading->locals, &out->stack, f);
	py->P = before;
	py->epoch++;
	py->interps = interps;
	return res;
}

/* --- comparison --- */

static bool same_frames(
    const struct py_tasks *a, const struct py_task *ta, const struct py_tasks *b, const struct py_task *tb)
{
	for (uint32_t i = 0; i < ta->n_frames; i++) {
		const struct py_frame *fa = &a->stack.frames.at[ta->first_frame + i],
				      *fb = &b->stack.frames.at[tb->first_frame + i];

		if (fa->addr != fb->addr || fa->code != fb->code || fa->instr != fb->instr)
			return false;
	}
	return true;
}

static bool same_waiters(
    const struct py_tasks *a, const struct py_task *ta, const struct py_tasks *b, const struct py_task *tb)
{
	for (uint32_t i = 0; i < ta->n_waiters; i++) {
		const struct py_task *wa = &a->at.at[a->waiters.at[ta->first_waiter + i]],
				     *wb = &b->at.at[b->waiters.at[tb->first_waiter + i]];

		if (wa->addr != wb->addr)
			return false;
	}
	return true;
}

static bool same_task(
    const struct py_tasks *a, const struct py_task *ta, const struct py_tasks *b, const struct py_task *tb)
{
	return ta->coro == tb->coro && ta->loop == tb->loop && ta->stack_end == tb->stack_end &&
	       ta->awaits == tb->awaits && ta->state == tb->state && ta->cut == tb->cut &&
	       ta->name_n == tb->name_n && (ta->name_n == 0 || memcmp(ta->name, tb->name, ta->name_n) == 0) &&
	       ta->n_frames == tb->n_frames && ta->n_waiters == tb->n_waiters &&
	       ta->waiters_unknown == tb->waiters_unknown && same_frames(a, ta, b, tb) &&
	       same_waiters(a, ta, b, tb);
}

bool py_tasks_compare(const struct py_tasks *before, struct py_tasks *now)
{
	struct addrmap index = ADDRMAP_EMPTY;
	bool same = before->at.n == now->at.n && before->missed == now->missed;
	uint32_t i;

	for (i = 0; i < before->at.n; i++)
		same &= addrmap_put(&index, before->at.at[i].addr, i);
	for (size_t k = 0; k < now->at.n; k++) {
		struct py_task *t = &now->at.at[k];

		t->unsure =
		    !addrmap_get(&index, t->addr, &i) || !same_task(before, &before->at.at[i], now, t);
		same &= !t->unsure;
	}
	addrmap_free(&index);
	return same && !now->lack.unread;
}

void py_tasks_free(struct py_tasks *t)
{
	for (size_t i = 0; i < t->at.n; i++)
		free(t->at.at[i].name);
	vec_free(&t->at);
	vec_free(&t->loops);
	vec_free(&t->waiters);
	vec_free(&t->greenlets);
	py_stack_free(&t->stack);
	memset(t, 0, sizeof(*t));
}
