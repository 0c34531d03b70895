/* Tasks are read once the threads are captured, while the process runs: what does not differ
 * between two readings is of one moment. The stacks of threads say which tasks they run, by the
 * addresses of frames. A task that ends leaves its memory to the next one, so those that exist
 * before the threads are captured are read, too: the memory was that task's in between. */
#include <string.h>

#include "base/addrmap.h"
#include "base/bytes.h"
#include "capture/capture.h"
#include "python/locals/py_locals.h"

/* Is it the same task, in readings between which it may have ended? */
static bool is_same_task(const struct py_task *a, const struct py_task *b)
{
	return a->addr == b->addr && a->coro == b->coro && a->frame == b->frame && a->code == b->code &&
	       a->name_n == b->name_n && (a->name_n == 0 || memcmp(a->name, b->name, a->name_n) == 0);
}

/* Mark the tasks of threads that did not exist yet, or were others, before the threads were
 * captured. */
static void mark_new(struct capture *c)
{
	struct addrmap by_addr = ADDRMAP_EMPTY;
	uint32_t before;

	for (uint32_t i = 0; i < c->tasks_before.at.n; i++)
		(void)addrmap_put(&by_addr, c->tasks_before.at.at[i].addr, i);
	for (size_t i = 0; i < c->tasks.at.n; i++) {
		struct py_task *t = &c->tasks.at.at[i];

		t->other = t->thread != 0 && (!addrmap_get(&by_addr, t->addr, &before) ||
						 !is_same_task(t, &c->tasks_before.at.at[before]));
	}
	addrmap_free(&by_addr);
}

static void match_threads(struct capture *c)
{
	struct addrmap by_frame = ADDRMAP_EMPTY;
	bool ok = true;
	uint32_t task;

	for (uint32_t i = 0; ok && i < c->tasks.at.n; i++)
		ok = c->tasks.at.at[i].frame == 0 || addrmap_put(&by_frame, c->tasks.at.at[i].frame, i);
	for (size_t i = 0; ok && i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		l->about.task = NULL;
		for (size_t k = 0; l->python_is != PYTHON_UNREAD && k < l->python.frames.n; k++) {
			/* Another task may have got the memory of one that has ended since. */
			if (!addrmap_get(&by_frame, l->python.frames.at[k].addr, &task) ||
			    l->python.frames.at[k].code != c->tasks.at.at[task].code)
				continue;
			c->tasks.at.at[task].thread = l->id;
			/* The innermost is the one that runs: it was started by the others. */
			if (l->about.task == NULL)
				l->about.task = &c->tasks.at.at[task];
		}
	}
	addrmap_free(&by_frame);
	if (c->request.live != NULL)
		mark_new(c);
}

/* Is it a frame of trio.run()? */
static bool is_trio_run(const struct capture *c, const struct py_frame *frame)
{
	const struct py_code *code = frame->bad ? NULL : py_code_get(c->py, frame);

	return code != NULL && code->name_len == 3 && memcmp(code->name, "run", 3) == 0 &&
	       bytes_end_with(code->file, code->file_len, "/trio/_core/_run.py");
}

/* The thread that has called trio.run(). 0: several have, or none. */
static lwpid_t trio_thread(const struct capture *c)
{
	lwpid_t found = 0;

	for (size_t i = 0; i < c->lwps.n; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];
		bool calls = false;

		for (size_t k = 0; l->python_is != PYTHON_UNREAD && k < l->python.frames.n && !calls; k++)
			calls = is_trio_run(c, &l->python.frames.at[k]);
		if (calls && found != 0)
			return 0;
		if (calls)
			found = l->id;
	}
	return found;
}

static bool is_only_of_trio(const struct capture *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->tasks.loops.n; i++)
		n += c->tasks.loops.at[i].library == PY_TASK_OF_TRIO;
	return n == 1;
}

/* The loop of a task that runs does. Some loops do not say what thread they are of. */
static void match_loops(struct capture *c)
{
	for (size_t i = 0; i < c->tasks.loops.n; i++) {
		struct py_loop *loop = &c->tasks.loops.at[i];

		for (size_t k = 0; loop->thread_id != 0 && k < c->lwps.n; k++) {
			if (c->lwps.at[k].python_is != PYTHON_UNREAD &&
			    c->lwps.at[k].thread.thread_id == loop->thread_id)
				loop->thread = c->lwps.at[k].id;
		}
		if (loop->library == PY_TASK_OF_TRIO && is_only_of_trio(c))
			loop->thread = trio_thread(c);
		for (size_t k = 0; loop->thread == 0 && k < c->tasks.at.n; k++) {
			if (c->tasks.at.at[k].loop == loop->addr)
				loop->thread = c->tasks.at.at[k].thread;
		}
	}
}

/* how: its P is not set yet. */
static enum res read_once(
    struct capture *c, const struct py_tasks_reading *how, struct py_tasks *out, struct fault *f)
{
	struct snapshot *copy;
	struct py_tasks_reading reading = *how;
	enum res res = snapshot_create(c->request.live, &copy, f);

	if (res != RES_OK)
		return res;
	reading.P = snapshot_handle(copy);
	res = py_tasks_read(c->py, &reading, out, f);
	snapshot_destroy(copy);
	return res;
}

void capture_tasks_before(struct capture *c)
{
	const struct py_tasks_reading how = { .source = c->request.tasks, .search = true };
	struct fault f = { 0 };

	if (c->request.tasks == NULL || c->py == NULL)
		return;
	py_tasks_free(&c->tasks_before);
	if (read_once(c, &how, &c->tasks_before, &f) != RES_OK)
		py_tasks_free(&c->tasks_before);
}

enum { READINGS = 4 };

/* Are the tasks, and the values of their variables, the same as in the reading before? */
static bool compare_readings(const struct py_tasks *before, struct py_tasks *now, bool last)
{
	bool same = py_tasks_compare(before, now);

	if (now->stack.locals != NULL)
		same &= py_tasks_compare_locals(before, now, READINGS, last) == 0;
	return same;
}

static enum res read_until_same(struct capture *c, struct fault *f)
{
	bool same = false;

	for (int i = 0; i < READINGS && !same; i++) {
		const struct py_tasks_reading how = { .source = c->request.tasks,
			.before = i == 0 ? &c->tasks_before : &c->tasks,
			.search = i == 0,
			.locals = c->request.locals };
		struct py_tasks now = { .more = false };
		enum res res = read_once(c, &how, &now, f);

		if (res != RES_OK) {
			py_tasks_free(&now);
			return res;
		}
		same = i == 0 ? now.at.n == 0 && !now.missed
			      : compare_readings(&c->tasks, &now, i == READINGS - 1);
		py_tasks_free(&c->tasks);
		c->tasks = now;
	}
	return RES_OK;
}

enum res capture_tasks(struct capture *c, struct fault *f)
{
	struct py_tasks_reading reading = {
		.P = c->P, .source = c->request.tasks, .search = true, .locals = c->request.locals
	};
	enum res res;

	if (c->request.tasks == NULL || c->py == NULL)
		return RES_OK;
	res = c->request.live != NULL ? read_until_same(c, f) : py_tasks_read(c->py, &reading, &c->tasks, f);
	if (c->tasks.stack.locals != NULL)
		py_locals_finish(c->tasks.stack.locals);
	if (res == RES_OK)
		match_threads(c);
	match_loops(c);
	if (res == RES_OK)
		capture_greenlets(c);
	return res;
}
