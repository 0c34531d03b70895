/* Who awaits a task.
 *
 * From 3.14 on tasks and futures say it: awaited_by is a task, a future, or a set of these. Before,
 * what a task or future calls when it is done leads there:
 *
 *   task.wakeup            the task that waits for it (its fut_waiter is this one)
 *   gather, wait, shield   a function of asyncio.tasks: a future among its variables
 *   wait_for (≤ 3.11)      functools.partial: a future among its arguments
 *   TaskGroup              a method: group._parent_task
 *   run_until_complete     a function of asyncio.base_events: no task
 *
  * A task of Trio is awaited by the one whose nursery it is in.
 *
 * Lib/asyncio/tasks.py, taskgroups.py, base_events.py, futures.py of 3.4 to 3.13. */
#include "python/tasks/task_waiters.h"

#include "python/tasks/task_reader.h"
#include "python/tasks/task_objects.h"

enum {
	CALLBACKS_MAX = 256, /* of one future */
	FUTURES_MAX = 64,    /* between a task and those that await it */
	EDGES_MAX = 4 * PY_TASKS_MAX,
};

/* The search from one task: futures whose ends the task is awaited by. */
struct search {
	struct py_task *task;
	uint64_t futures[FUTURES_MAX];
	size_t n;
};

static void add_future(struct search *s, uint64_t future)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->futures[i] == future)
			return;
	}
	if (s->n == FUTURES_MAX)
		s->task->waiters_unknown = true;
	else
		s->futures[s->n++] = future;
}

static void add_waiter(struct task_reader *r, struct search *s, uint32_t task)
{
	struct py_tasks *out = r->out;

	for (uint32_t i = 0; i < s->task->n_waiters; i++) {
		if (out->waiters.at[s->task->first_waiter + i] == task)
			return;
	}
	if (out->waiters.n >= EDGES_MAX)
		s->task->waiters_unknown = true;
	else if (!vec_push(&out->waiters, task))
		(void)task_no_memory(r);
	else
		s->task->n_waiters++;
}

/* A task, as far as it was found; else a future. */
static void add_object(struct task_reader *r, struct search *s, uint64_t addr)
{
	uint32_t task;

	if (addrmap_get(&r->by_addr, addr, &task))
		add_waiter(r, s, task);
	else
		add_future(s, addr);
}

/* The tasks whose fut_waiter it is. */
static bool add_those_that_wait(struct task_reader *r, struct search *s, uint64_t future)
{
	uint32_t task = 0;

	if (!addrmap_get(&r->by_await, future, &task))
		return false;
	for (; task != 0; task = r->next_await.at[task - 1])
		add_waiter(r, s, task - 1);
	return true;
}

/* --- up to 3.13: what is called when it is done --- */

/* Add the futures among objects. False: there is none. */
static bool add_futures(
    struct task_reader *r, struct search *s, const uint64_t *objects, size_t n, bool cells)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t object = objects[i];

		/* A cell's only member is what it holds. */
		if ((cells && !task_word(r, object, 0, &object)) || !task_is_future(task_kind_of(r, object)))
			continue;
		any = true;
		if (object != s->task->addr)
			add_future(s, object);
	}
	return any;
}

enum { ITEMS_MAX = 32 };

/* globals and closure: code first up to 3.9 (Include/funcobject.h). */
static bool globals_of(struct task_reader *r, uint64_t function, uint64_t *globals)
{
	return task_kind_of(r, function) == TASK_KIND_FUNCTION &&
	       task_word(r, function, r->rt->layout.version < PY_HEX(3, 10) ? 1 : 0, globals);
}

static bool follow_function(struct task_reader *r, struct search *s, uint64_t function)
{
	uint64_t globals, closure, cells[ITEMS_MAX];
	bool whole;

	if (!globals_of(r, function, &globals) || globals == 0)
		return false;
	if (globals == r->events_dict || globals == r->futures_dict)
		return true;
	return globals == r->tasks_dict &&
	       task_word(r, function, r->rt->layout.version < PY_HEX(3, 10) ? 4 : 7, &closure) &&
	       add_futures(r, s, cells, task_sequence(r, closure, cells, ITEMS_MAX, &whole), true);
}

static bool follow_method(struct task_reader *r, struct search *s, uint64_t method)
{
	uint64_t function, self, globals, parent;
	uint32_t task;

	if (!task_word(r, method, 0, &function) || !task_word(r, method, 1, &self) ||
	    !globals_of(r, function, &globals) || globals == 0)
		return false;
	/* Task.__wakeup, of the class that is written in Python. */
	if (globals == r->tasks_dict && task_is_future(task_kind_of(r, self)))
		return true;
	if (globals != r->groups_dict || !task_attribute(r, self, TASK_NAME_PARENT, &parent))
		return false;
	if (addrmap_get(&r->by_addr, parent, &task))
		add_waiter(r, s, task);
	return true;
}

/* m_ml, m_self (Include/methodobject.h). A container's method (`tasks.discard`) awaits nothing. */
static bool follow_builtin(struct task_reader *r, uint64_t function)
{
	uint64_t self;
	enum task_kind kind;

	if (!task_word(r, function, 1, &self))
		return false;
	kind = task_kind_of(r, self);
	return task_is_future(kind) || kind == TASK_KIND_SET || kind == TASK_KIND_LIST ||
	       kind == TASK_KIND_DICT;
}

static bool follow_partial(struct task_reader *r, struct search *s, uint64_t partial)
{
	uint64_t function, globals, arguments, items[ITEMS_MAX];
	bool whole;

	if (!task_word(r, partial, 0, &function) || !globals_of(r, function, &globals) || globals == 0 ||
	    globals != r->tasks_dict || !task_word(r, partial, 1, &arguments))
		return false;
	/* gather of 3.6 and before binds a number. */
	return add_futures(r, s, items, task_sequence(r, arguments, items, ITEMS_MAX, &whole), false) ||
	       follow_function(r, s, function);
}

static void follow_callback(struct task_reader *r, struct search *s, uint64_t callback)
{
	bool known = false;

	switch (task_visit(r, 1) ? task_kind_of(r, callback) : TASK_KIND_NONE) {
	case TASK_KIND_WAKEUP:
		known = true;
		break;
	case TASK_KIND_BUILTIN:
		known = follow_builtin(r, callback);
		break;
	case TASK_KIND_FUNCTION:
		known = follow_function(r, s, callback);
		break;
	case TASK_KIND_METHOD:
		known = follow_method(r, s, callback);
		break;
	case TASK_KIND_PARTIAL:
		known = follow_partial(r, s, callback);
		break;
	default:
		break;
	}
	if (!known)
		s->task->waiters_unknown = true;
}

/* The list of callbacks; from 3.7 on of pairs with a context. */
static void follow_list(struct task_reader *r, struct search *s, uint64_t list)
{
	uint64_t items[CALLBACKS_MAX], pair[2];
	bool whole, pair_whole;
	size_t n = task_sequence(r, list, items, CALLBACKS_MAX, &whole);

	for (size_t i = 0; i < n; i++) {
		if (r->rt->layout.version < PY_HEX(3, 7))
			follow_callback(r, s, items[i]);
		else if (task_sequence(r, items[i], pair, 2, &pair_whole) == 2)
			follow_callback(r, s, pair[0]);
		else
			s->task->waiters_unknown = true;
	}
	if (!whole)
		s->task->waiters_unknown = true;
}

static void follow_callbacks(struct task_reader *r, struct search *s, uint64_t future)
{
	const struct task_members *m = &r->members;
	enum task_kind kind = task_kind_of(r, future);
	uint64_t callback = 0, list = 0;
	bool read = false;

	if (task_is_c(kind)) {
		read = m->known && task_at(r, future, m->callbacks, &list) &&
		       (m->callback0 == 0 || task_at(r, future, m->callback0, &callback));
	} else if (task_is_future(kind)) {
		read = task_attribute(r, future, TASK_NAME_CALLBACKS, &list);
	}
	if (!read)
		s->task->waiters_unknown = true;
	if (callback != 0)
		follow_callback(r, s, callback);
	follow_list(r, s, list);
}

/* --- from 3.14 on --- */

static bool take_awaiting(struct task_reader *r, uint64_t element, void *data)
{
	if (task_is_future(task_kind_of(r, element)))
		add_object(r, data, element);
	return r->res == RES_OK;
}

static void follow_awaited_by(struct task_reader *r, struct search *s, uint64_t future)
{
	const struct task_members *m = &r->members;
	enum task_kind kind = task_kind_of(r, future), by_kind;
	uint64_t by = 0;

	/* _asyncio does not tell what is written in Python who awaits it. */
	if (!task_is_c(kind)) {
		(void)task_attribute(r, future, TASK_NAME_AWAITED_BY, &by);
		follow_callbacks(r, s, future);
	} else if (m->awaited_by == 0 || !task_at(r, future, m->awaited_by, &by)) {
		s->task->waiters_unknown = true;
	}
	by_kind = task_kind_of(r, by);
	if (task_is_future(by_kind))
		add_object(r, s, by);
	else if ((by != 0 && by_kind == TASK_KIND_NONE) ||
		 (by_kind == TASK_KIND_SET && !task_set_each(r, by, take_awaiting, s)))
		s->task->waiters_unknown = true;
}

/* --- both --- */

static void find_waiters(struct task_reader *r, struct py_task *t)
{
	struct search s = { .task = t, .futures = { t->addr }, .n = 1 };
	uint32_t parent;

	t->first_waiter = (uint32_t)r->out->waiters.n;
	if (t->library != PY_TASK_OF_ASYNCIO) {
		if (addrmap_get(&r->by_addr, t->parent, &parent))
			add_waiter(r, &s, parent);
		else if (t->parent != 0)
			t->waiters_unknown = true;
		return;
	}
	for (size_t i = 0; i < s.n && r->res == RES_OK; i++) {
		uint64_t future = s.futures[i];

		(void)add_those_that_wait(r, &s, future);
		if (r->rt->layout.version >= PY_HEX(3, 14))
			follow_awaited_by(r, &s, future);
		else
			follow_callbacks(r, &s, future);
	}
	/* What was found is enough. */
	if (t->n_waiters > 0)
		t->waiters_unknown = false;
}

void task_waiters(struct task_reader *r, size_t first)
{
	struct py_tasks *out = r->out;

	for (size_t i = first; i < out->at.n; i++) {
		uint32_t other = 0;

		if (addrmap_get(&r->by_addr, out->at.at[i].awaits, &other))
			out->at.at[i].awaits_task = other + 1;
		other = 0;
		(void)addrmap_get(&r->by_await, out->at.at[i].awaits, &other);
		while (r->next_await.n < i && r->res == RES_OK) {
			if (!vec_push(&r->next_await, 0))
				(void)task_no_memory(r);
		}
		if (r->res != RES_OK || !vec_push(&r->next_await, other) ||
		    (out->at.at[i].awaits != 0 &&
			!addrmap_put(&r->by_await, out->at.at[i].awaits, (uint32_t)i + 1))) {
			(void)task_no_memory(r);
			return;
		}
	}
	for (size_t i = first; i < out->at.n && r->res == RES_OK; i++)
		find_waiters(r, &out->at.at[i]);
}
