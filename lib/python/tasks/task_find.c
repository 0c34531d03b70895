/* Where the tasks of an interpreter are.
 *
 *   3.4 to 3.6   asyncio.tasks.Task._all_tasks        a WeakSet; in 3.6 of the Task that is not
 *                                                     _asyncio's, which has a variable in C
 *   3.7 to 3.11  asyncio.tasks._all_tasks             likewise
 *   3.12+        …._scheduled_tasks, ._eager_tasks    a WeakSet and a set; from 3.14 on of tasks
 *                                                     that are not _asyncio's
 *   3.14+        a list for each thread state, and one for those of threads that have ended
 *
 * Lib/asyncio/tasks.py, Modules/_asynciomodule.c. */
#include "python/tasks/task_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/objects/py_text.h"
#include "python/tasks/task_reader.h"
#include "python/tasks/task_chain.h"
#include "python/tasks/task_objects.h"

/* --- one task --- */

void task_read_name(struct task_reader *r, uint64_t name, struct py_task *t)
{
	char number[40];
	uint64_t n;

	/* A default name is made of its number when it is asked for. */
	if (task_int(r, name, &n)) {
		(void)snprintf(number, sizeof(number), "Task-%llu", (unsigned long long)n);
		t->name = strdup(number);
		t->name_n = strlen(number);
		if (t->name == NULL)
			(void)task_no_memory(r);
	} else if (name != 0) {
		struct py_string text;

		if (py_text_read(r->P, r->rt, name, &text, NULL) == RES_OK) {
			t->name = text.text;
			t->name_n = text.n;
		}
	}
}

/* False: it is not a task, or cannot be read. */
static bool read_members(struct task_reader *r, struct py_task *t)
{
	const struct task_members *m = &r->members;
	uint64_t name = 0;

	if (task_kind_of(r, t->addr) == TASK_KIND_TASK) {
		if (!m->known || !task_at(r, t->addr, m->coro, &t->coro) ||
		    !task_at(r, t->addr, m->waiter, &t->awaits) || !task_at(r, t->addr, m->loop, &t->loop))
			return false;
		if (m->name != 0)
			(void)task_at(r, t->addr, m->name, &name);
	} else {
		if (!task_attribute(r, t->addr, TASK_NAME_CORO, &t->coro) ||
		    !task_attribute(r, t->addr, TASK_NAME_WAITER, &t->awaits))
			return false;
		(void)task_attribute(r, t->addr, TASK_NAME_LOOP, &t->loop);
		(void)task_attribute(r, t->addr, TASK_NAME_NAME, &name);
	}
	task_read_name(r, name, t);
	if (t->awaits != 0 && task_is_none(r, t->awaits))
		t->awaits = 0;
	else if (t->awaits != 0)
		task_type_name(r, t->awaits, t->awaits_type, sizeof(t->awaits_type));
	return true;
}

/* Returns the loop's index. */
static uint32_t read_loop(struct task_reader *r, uint64_t addr, uint8_t library)
{
	struct py_loop loop = { .addr = addr, .library = library };
	uint32_t index = (uint32_t)r->out->loops.n;
	uint64_t thread;

	if (addrmap_get(&r->by_loop, addr, &index))
		return index;
	if (addr == 0 || index >= PY_LOOPS_MAX)
		return PY_LOOPS_MAX;
	if (library == PY_TASK_OF_ASYNCIO && task_attribute(r, addr, TASK_NAME_THREAD, &thread)) {
		loop.known = true;
		(void)task_int(r, thread, &loop.thread_id);
	}
	if (!addrmap_put(&r->by_loop, addr, index) || !vec_push(&r->out->loops, loop))
		(void)task_no_memory(r);
	return index;
}

bool task_is_wanted(struct task_reader *r, uint64_t addr)
{
	uint32_t before;

	if (addrmap_get(&r->by_addr, addr, &before))
		return false;
	r->out->more |= r->out->at.n >= PY_TASKS_MAX;
	return !r->out->more;
}

bool task_add(struct task_reader *r, struct py_task *t)
{
	if (!task_chain(r, t)) {
		free(t->name);
		return r->res == RES_OK;
	}
	return task_put(r, t);
}

bool task_put(struct task_reader *r, struct py_task *t)
{
	t->runtime = r->runtime;
	t->in_loop = read_loop(r, t->loop, t->library);
	if (!addrmap_put(&r->by_addr, t->addr, (uint32_t)r->out->at.n) || !vec_push(&r->out->at, *t)) {
		free(t->name);
		return task_no_memory(r);
	}
	return r->res == RES_OK;
}

/* False: no more are wanted. */
static bool add_task(struct task_reader *r, uint64_t addr)
{
	struct py_task t = { .addr = addr };

	if (!task_is_wanted(r, addr))
		return !r->out->more;
	if (!read_members(r, &t)) {
		r->out->missed = true;
		return r->res == RES_OK;
	}
	t.ready = t.awaits == 0;
	return task_add(r, &t);
}

/* --- sets --- */

static bool take_strong(struct task_reader *r, uint64_t element, void *data)
{
	enum task_kind kind = task_kind_of(r, element);

	(void)data;
	r->out->missed |= kind == TASK_KIND_NONE;
	return !task_is_future(kind) || add_task(r, element);
}

/* An element of the set in a WeakSet: a weakref, of which wr_object is the first member. Of an
 * object that is gone it is None. */
static bool take_weak(struct task_reader *r, uint64_t element, void *data)
{
	uint64_t addr;

	(void)data;
	if (task_kind_of(r, element) != TASK_KIND_WEAKREF || !task_word(r, element, 0, &addr)) {
		r->out->missed |= task_kind_of(r, element) == TASK_KIND_NONE;
		return r->res == RES_OK;
	}
	return take_strong(r, addr, NULL);
}

/* The tasks of a set or WeakSet. */
static void find_in_set(struct task_reader *r, uint64_t set)
{
	uint64_t data;
	bool whole;

	if (task_kind_of(r, set) == TASK_KIND_SET)
		whole = task_set_each(r, set, take_strong, NULL);
	else
		whole =
		    task_attribute(r, set, TASK_NAME_DATA, &data) && task_set_each(r, data, take_weak, NULL);
	r->out->missed |= !whole;
}

/* The class's dict: tp_dict is twelve words after tp_flags (Include/object.h). */
static bool find_in_class(struct task_reader *r, const char *name)
{
	const struct py_layout *l = &r->rt->layout;
	uint64_t type, dict, set;

	if (!task_item(r, r->tasks_dict, name, &type) ||
	    !py_read_word(r->P, l, type, l->type.flags + 12U * l->word, &dict) ||
	    !task_item(r, dict, "_all_tasks", &set))
		return false;
	find_in_set(r, set);
	return true;
}

static void find_in_sets(struct task_reader *r)
{
	static const char *const names[] = { "_all_tasks", "_scheduled_tasks", "_eager_tasks" };
	bool any = false;
	uint64_t set;

	if (r->rt->layout.version < PY_HEX(3, 7)) {
		any = find_in_class(r, "Task");
		if (task_at(r, r->source, 0, &set)) {
			any = true;
			find_in_set(r, set);
		}
		(void)find_in_class(r, "_PyTask");
	} else {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!task_item(r, r->tasks_dict, names[i], &set))
				continue;
			any = true;
			find_in_set(r, set);
		}
	}
	r->out->missed |= !any;
}

/* --- lists --- */

/* A circle of { next, previous } that a task has a node in; its head is at `head`. */
static void find_in_list(struct task_reader *r, uint64_t head)
{
	uint64_t node = 0;
	uint32_t n = 0;

	if (!task_at(r, head, 0, &node)) {
		r->out->missed = true;
		return;
	}
	/* A state that asyncio has not touched has no list. */
	while (node != 0 && node != head) {
		uint64_t addr = node - r->lists.node;

		if (n++ > PY_TASKS_MAX || task_kind_of(r, addr) != TASK_KIND_TASK) {
			r->out->missed = true;
			return;
		}
		if (!add_task(r, addr))
			return;
		if (!task_at(r, node, 0, &node)) {
			r->out->missed = true;
			return;
		}
	}
}

static void find_in_lists(struct task_reader *r, uint64_t interp, const py_threads *threads)
{
	if (!r->lists.known) {
		r->out->missed = true;
		return;
	}
	for (size_t i = 0; i < threads->n; i++) {
		const struct py_thread *t = &threads->at[i];

		if (t->runtime == r->runtime && t->interp == interp && r->res == RES_OK)
			find_in_list(r, t->tstate + r->lists.thread_head);
	}
	if (r->res == RES_OK)
		find_in_list(r, interp + r->lists.interp_head);
}

/* --- threads of loops --- */

/* In the thread's state there is a reference to the loop that it runs, in a place that 3.13 does
 * not publish. */
static bool loop_in_state(struct task_reader *r, const struct py_thread *t, uint64_t *loop)
{
	enum { STATE_WORDS = 192 };
	uint32_t index;

	for (uint32_t i = 0; i < STATE_WORDS; i++) {
		if (task_at(r, t->tstate, i * r->rt->layout.word, loop) &&
		    addrmap_get(&r->by_loop, *loop, &index))
			return true;
	}
	return false;
}

/* The loop that the thread runs: 3.14 publishes where it is; up to 3.12 an entry of the dict of
 * the thread's state leads to it through a holder, of which it is the first member. Where the
 * state has its dict the layout does not say. */
static bool running_loop(struct task_reader *r, const struct py_thread *t, uint64_t *loop)
{
	enum { STATE_WORDS = 64 };
	const struct py_layout *l = &r->rt->layout;
	uint64_t dict, holder;

	if (l->version >= PY_HEX(3, 14))
		return r->lists.known && task_at(r, t->tstate, r->lists.running_loop, loop);
	if (l->version >= PY_HEX(3, 13))
		return loop_in_state(r, t, loop);
	for (uint32_t i = 0; i < STATE_WORDS; i++) {
		if (task_at(r, t->tstate, i * l->word, &dict) && task_kind_of(r, dict) == TASK_KIND_DICT &&
		    task_item(r, dict, "__asyncio_running_event_loop__", &holder))
			return task_word(r, holder, 0, loop);
	}
	return false;
}

/* The loops of asyncio have the thread's id as an attribute, those of uvloop do not. */
static void find_threads(struct task_reader *r, uint64_t interp, const py_threads *threads)
{
	bool lacking = false;
	uint64_t loop;
	uint32_t index;

	for (size_t i = 0; i < r->out->loops.n; i++)
		lacking |= !r->out->loops.at[i].known;
	for (size_t i = 0; lacking && i < threads->n; i++) {
		const struct py_thread *t = &threads->at[i];

		if (t->runtime == r->runtime && t->interp == interp && running_loop(r, t, &loop) &&
		    addrmap_get(&r->by_loop, loop, &index))
			r->out->loops.at[index].thread_id = t->thread_id;
	}
}

void task_find(struct task_reader *r, uint64_t interp, const py_threads *threads)
{
	if (!task_module_dict(r, interp, "asyncio.tasks", &r->tasks_dict)) {
		r->out->missed |= r->unread;
		return;
	}
	if (r->rt->layout.version >= PY_HEX(3, 14))
		find_in_lists(r, interp, threads);
	if (r->res == RES_OK)
		find_in_sets(r);
	if (r->res == RES_OK)
		find_threads(r, interp, threads);
}
