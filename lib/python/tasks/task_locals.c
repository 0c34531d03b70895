/* Values of the variables of tasks' frames, and the comparison of two readings of them. */
#include "python/tasks/task_locals.h"

#include "base/addrmap.h"
#include "python/locals/py_locals.h"
#include "python/tasks/py_tasks.h"

/* Each reading is made over a handle of its own, so what a reader knows of types is of no use to
 * the next one. */
enum res task_read_locals(struct py_process *py, int level, struct py_stack *s, struct fault *f)
{
	struct py_locals_reader *r = py_locals_reader_create(py, level);

	if (r != NULL)
		s->locals = py_locals_read(r, s);
	py_locals_reader_free(r);
	return s->locals != NULL ? RES_OK : fault_memory(f);
}

size_t py_tasks_compare_locals(const struct py_tasks *before, struct py_tasks *now, unsigned most, bool last)
{
	struct addrmap index = ADDRMAP_EMPTY;
	size_t unproved = 0;

	for (uint32_t i = 0; i < before->at.n; i++)
		(void)addrmap_put(&index, before->at.at[i].addr, i);
	for (size_t i = 0; i < now->at.n; i++) {
		const struct py_task *t = &now->at.at[i];
		struct py_locals_pair pair = { .now = now->stack.locals, .frame = t->first_frame };
		uint32_t at;

		/* The frames of a task that has changed may be other ones. */
		if (!t->unsure && addrmap_get(&index, t->addr, &at)) {
			pair.before = before->stack.locals;
			pair.frame_before = before->at.at[at].first_frame;
		}
		for (uint32_t k = 0; k < t->n_frames; k++, pair.frame++, pair.frame_before++)
			unproved += py_locals_compare_frame(&pair, most, last);
	}
	addrmap_free(&index);
	return unproved;
}
