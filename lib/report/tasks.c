/* See tasks.h. */
#include "report/tasks.h"

#include <stdlib.h>

struct step {
	uint32_t task, next; /* the next of its children */
};

/* The tasks that each task awaits: those from start[i] to start[i + 1]. */
struct ordering {
	const struct py_tasks *t;
	uint32_t *start, *children;
	bool *reached; /* from a task that nobody awaits */
	bool *visited;
	VEC(struct step) stack;
};

static void ordering_free(struct ordering *o)
{
	free(o->start);
	free(o->children);
	free(o->reached);
	free(o->visited);
	vec_free(&o->stack);
}

static bool ordering_make(struct ordering *o)
{
	const struct py_tasks *t = o->t;
	size_t n = t->at.n;

	o->start = calloc(n + 2, sizeof(*o->start));
	o->children = calloc(t->waiters.n + 1, sizeof(*o->children));
	o->reached = calloc(n + 1, sizeof(*o->reached));
	o->visited = calloc(n + 1, sizeof(*o->visited));
	if (o->start == NULL || o->children == NULL || o->reached == NULL || o->visited == NULL)
		return false;
	for (size_t i = 0; i < t->waiters.n; i++)
		o->start[t->waiters.at[i] + 2]++;
	for (size_t i = 2; i < n + 2; i++)
		o->start[i] += o->start[i - 1];
	/* Each start is moved to the next one's while its children are put there. */
	for (size_t i = 0; i < n; i++) {
		const struct py_task *task = &t->at.at[i];

		for (uint32_t k = 0; k < task->n_waiters; k++)
			o->children[o->start[t->waiters.at[task->first_waiter + k] + 1]++] = (uint32_t)i;
	}
	return true;
}

/* Go from `root` to all that it awaits. Each task met: a line in out, unless that is NULL. */
static bool walk_from(struct ordering *o, uint32_t root, bool circle, bool *met, task_visits *out)
{
	struct step first = { root, o->start[root] };
	struct task_visit line = { .task = root, .circle = circle };

	if (met[root])
		return true;
	met[root] = true;
	o->stack.n = 0;
	if (!vec_push(&o->stack, first) || (out != NULL && !vec_push(out, line)))
		return false;
	while (o->stack.n > 0) {
		struct step *top = &o->stack.at[o->stack.n - 1], next;

		if (top->next == o->start[top->task + 1]) {
			o->stack.n--;
			continue;
		}
		next.task = o->children[top->next++];
		next.next = o->start[next.task];
		line = (struct task_visit){
			.task = next.task, .depth = (uint32_t)o->stack.n, .again = met[next.task]
		};
		if (out != NULL && !vec_push(out, line))
			return false;
		if (!met[next.task] && !vec_push(&o->stack, next))
			return false;
		met[next.task] = true;
	}
	return true;
}

static bool is_of_loop(const struct py_tasks *t, const struct py_task *task, size_t loop)
{
	return task->in_loop == (loop < t->loops.n ? loop : PY_LOOPS_MAX);
}

/* circles: those that no task without a waiter leads to. */
static bool walk_roots(struct ordering *o, size_t loop, bool circles, task_visits *out)
{
	const struct py_tasks *t = o->t;

	for (uint32_t i = 0; i < t->at.n; i++) {
		const struct py_task *task = &t->at.at[i];
		bool root = circles ? !o->reached[i] : task->n_waiters == 0;

		if (root && is_of_loop(t, task, loop) && !walk_from(o, i, circles, o->visited, out))
			return false;
	}
	return true;
}

enum res tasks_order(const struct py_tasks *t, size_t loop, task_visits *out, struct fault *f)
{
	struct ordering o = { .t = t };
	bool ok = ordering_make(&o);

	*out = (task_visits)VEC_EMPTY;
	for (uint32_t i = 0; ok && i < t->at.n; i++)
		ok = t->at.at[i].n_waiters != 0 || walk_from(&o, i, false, o.reached, NULL);
	ok = ok && walk_roots(&o, loop, false, out) && walk_roots(&o, loop, true, out);
	ordering_free(&o);
	return ok ? RES_OK : fault_memory(f);
}

enum res tasks_collect(
    const struct stack_target *target, size_t i, struct record_thread *out, struct fault *f)
{
	const struct py_tasks *all = stack_tasks(target);
	const struct py_task *t = &all->at.at[i];

	*out = (struct record_thread){ .name = "", .locals = all->stack.locals };
	for (uint32_t k = 0; k < t->n_frames; k++) {
		uint32_t index = t->first_frame + k;
		const struct py_frame *fr = &all->stack.frames.at[index];
		const struct py_code *code = fr->bad ? NULL : py_code_get(stack_python_process(target), fr);
		struct record_item item = { .kind = RECORD_PYTHON,
			.uncertain = t->unsure || code == NULL || fr->line_unread,
			.line = fr->line,
			.code_id = fr->known,
			.index = index,
			.code = code };

		if (fr->hidden)
			continue;
		out->unread += code == NULL || fr->line_unread;
		if (!vec_push(&out->items, item))
			return fault_memory(f);
	}
	out->incomplete = task_lacks(t);
	return RES_OK;
}
