/* Greenlets as tasks: of greenlet itself, gevent, eventlet and others. */
#include "python/tasks/task_greenlets.h"

#include "python/objects/py_dict.h"
#include "python/tasks/greenlet_chain.h"
#include "python/tasks/greenlet_find.h"
#include "python/tasks/greenlet_layout.h"
#include "python/tasks/greenlet_reader.h"
#include "python/tasks/task_find.h"
#include "python/tasks/task_objects.h"

/* The main greenlet that the parents lead to. 0: they do not. */
static uint64_t main_of(struct greenlet_reader *g, const struct greenlet *of)
{
	enum { PARENTS_MAX = 1000 };
	struct greenlet at = *of;

	for (int i = 0; i < PARENTS_MAX; i++) {
		if (at.main)
			return at.addr;
		if (at.parent == 0 || !greenlet_read(g, at.parent, &at))
			return 0;
	}
	return 0;
}

/* A name that the program has given it: gevent computes the others. */
static void read_name(struct task_reader *r, struct py_task *t)
{
	struct py_dict attributes;
	struct py_dict_entry entry;
	uint64_t key = 0;

	if (py_attributes_open(r->P, r->rt, t->addr, &attributes) &&
	    py_dict_find(&attributes, "name", &key, &entry))
		task_read_name(r, entry.value, t);
}

/* Note the main greenlet of another one. */
static void note_main(struct greenlet_reader *g, uint64_t addr)
{
	struct greenlet of;

	if (greenlet_read(g, addr, &of) && !of.main && !of.ended &&
	    !addrmap_put(&g->mains, main_of(g, &of), 1))
		(void)task_no_memory(g->r);
}

/* mains: take main greenlets only, else the others only. */
static void take_greenlet(struct greenlet_reader *g, uint64_t addr, bool mains)
{
	struct task_reader *r = g->r;
	struct py_task t = { .addr = addr, .library = PY_TASK_OF_GREENLET };
	struct greenlet of;
	uint32_t used;

	/* A thread's main greenlet without others says nothing. */
	if (!greenlet_read(g, addr, &of) || of.main != mains || of.ended ||
	    (mains && !addrmap_get(&g->mains, addr, &used)))
		return;
	if (r->out->at.n >= PY_TASKS_MAX) {
		r->out->lack.left++;
		return;
	}
	t.parent = of.parent;
	t.loop = main_of(g, &of);
	t.stack_end = of.main ? 0 : of.stop;
	t.state = of.stop == 0 ? PY_TASK_CREATED : of.top == 0 ? PY_TASK_RUNNING : PY_TASK_SUSPENDED;
	task_type_name(r, addr, t.type, sizeof(t.type));
	read_name(r, &t);
	if (t.state == PY_TASK_SUSPENDED)
		greenlet_chain(g, &of, &t);
	task_put(r, &t);
}

/* Are the lists those of all interpreters of the runtime, and read for another one? */
static bool is_done(const struct task_reader *r, size_t n)
{
	if (r->rt->layout.version >= PY_HEX(3, 9))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (r->out->greenlets.at[i].runtime == r->runtime)
			return true;
	}
	return false;
}

/* Append the greenlets of the interpreter that an earlier reading has found. */
static void take_over(struct greenlet_reader *g, const struct py_tasks *before)
{
	for (size_t i = 0; i < before->greenlets.n && g->r->res == RES_OK; i++) {
		if (before->greenlets.at[i].interp == g->interp &&
		    !vec_push(&g->r->out->greenlets, before->greenlets.at[i]))
			(void)task_no_memory(g->r);
	}
}

void task_find_greenlets(struct task_reader *r, uint64_t interp, const struct py_tasks_reading *reading)
{
	struct greenlet_reader g = { .r = r, .interp = interp };
	struct py_tasks *out = r->out;
	size_t first = out->greenlets.n;
	const struct py_tasks_source *source = reading->source;
	const struct py_tasks *before = reading->before;
	uint64_t lists = r->runtime < source->lists.n ? source->lists.at[r->runtime] : 0;

	r->unread = false;
	if (!greenlet_type(&g)) {
		out->lack.unread |= r->unread;
		return;
	}
	if (is_done(r, first))
		return;
	/* A search may miss some while objects are moved between lists. */
	if (before != NULL)
		take_over(&g, before);
	if (reading->search)
		greenlet_search(&g, source->bulk != NULL ? source->bulk : r->P, lists);
	else
		out->lack.unsearched |= before != NULL && before->lack.unsearched;
	for (size_t i = first; i < out->greenlets.n && r->res == RES_OK; i++)
		note_main(&g, out->greenlets.at[i].addr);
	for (int mains = 1; mains >= 0; mains--) {
		for (size_t i = first; i < out->greenlets.n && r->res == RES_OK; i++)
			take_greenlet(&g, out->greenlets.at[i].addr, mains != 0);
	}
	/* One alone may have been made or freed at that moment. */
	out->lack.unknown |= g.bad > 0 && g.good == 0;
	out->lack.unread |= g.bad > 0 && g.good > 0;
	addrmap_free(&g.kinds);
	addrmap_free(&g.mains);
}
