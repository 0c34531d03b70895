/* Lists of addresses. Each is read completely when its iterator is made; circular lists have been
 * cut by then. */
#include <stdlib.h>
#include <string.h>

#include "os/regs.h"
#include "pydb/agent.h"
#include "capture/capture.h"

struct pydb_iter {
	py_addresses list;
	size_t next;
};

static struct pydb_iter *iter_create(py_addresses *list, bool ok)
{
	struct pydb_iter *iter = ok ? calloc(1, sizeof(*iter)) : NULL;

	if (iter == NULL)
		vec_free(list);
	else
		iter->list = *list;
	return iter;
}

struct pydb_iter *pydb_interp_iter_init(struct pydb_agent *agent, uintptr_t addr)
{
	struct py_process *py = agent_python(agent);
	py_addresses list = VEC_EMPTY;

	if (py == NULL)
		return NULL;
	/* A broken list keeps the part before the break. */
	return iter_create(&list, py_interpreters_read(py, addr, &list, NULL) == RES_OK || list.n > 0);
}

struct pydb_iter *pydb_thread_iter_init(struct pydb_agent *agent, uintptr_t addr)
{
	struct py_process *py = agent_python(agent);
	py_addresses list = VEC_EMPTY;
	py_threads threads = VEC_EMPTY;
	bool ok;

	if (py == NULL)
		return NULL;
	ok = py_interpreter_threads(py, addr, &threads, NULL) == RES_OK;
	for (size_t i = 0; i < threads.n; i++)
		ok = ok && vec_push(&list, threads.at[i].tstate);
	vec_free(&threads);
	return iter_create(&list, ok);
}

static const struct py_thread *thread_at(const py_threads *threads, uint64_t tstate)
{
	for (size_t i = 0; i < threads->n; i++) {
		if (threads->at[i].tstate == tstate)
			return &threads->at[i];
	}
	return NULL;
}

struct search {
	struct ps_prochandle *P;
	uint64_t pointer;
	struct capture_lwp found; /* REGS_NONE: not found */
};

static int look_at_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct search *s = data;
	lwpid_t id;

	(void)info;
	if (status == NULL)
		return 0;
	id = (lwpid_t)status->pr_lwpid;
	if (os_thread_pointer(s->P, id, status->pr_reg) != s->pointer)
		return 0;
	s->found = (struct capture_lwp){ .id = id, .known_regs = REGS_ALL, .thread_pointer = s->pointer };
	memcpy(s->found.regs, status->pr_reg, sizeof(s->found.regs));
	return 1;
}

/* Read the frames of the thread as they are printed. The LWP's stack is needed to recognize an
 * entry frame that is not yet marked as one. */
static enum res read_frames(
    struct ps_prochandle *P, struct py_process *py, const struct py_thread *t, struct py_stack *out)
{
	struct capture c = { .P = P, .py = py };
	struct search s = { .P = P, .pointer = t->thread_id };

	if (s.pointer != 0)
		(void)Plwp_iter_all(P, look_at_lwp, &s);
	return capture_state_frames(&c, &s.found, t, out, NULL);
}

/* List the frames of the thread state at addr. False: there is no such state, or it cannot be
 * read. */
static bool list_frames(struct ps_prochandle *P, struct py_process *py, uint64_t addr, py_addresses *out)
{
	py_threads threads = VEC_EMPTY;
	struct py_stack stack = { .broken = false };
	const struct py_thread *t;
	enum res res = RES_FAIL;

	(void)py_threads_read(py, &threads, NULL);
	t = thread_at(&threads, addr);
	if (t != NULL)
		res = read_frames(P, py, t, &stack);
	if (res == RES_OK)
		py_stack_finish(py, &stack);
	for (size_t i = 0; res == RES_OK && i < stack.frames.n; i++) {
		if (!stack.frames.at[i].hidden && !vec_push(out, stack.frames.at[i].addr))
			res = RES_FAIL;
	}
	py_stack_free(&stack);
	vec_free(&threads);
	return res != RES_FAIL;
}

struct pydb_iter *pydb_frame_iter_init(struct pydb_agent *agent, uintptr_t addr)
{
	struct py_process *py = agent_python(agent);
	py_addresses list = VEC_EMPTY;

	return py == NULL ? NULL : iter_create(&list, list_frames(agent->P, py, addr, &list));
}

uintptr_t pydb_iter_next(struct pydb_iter *iter)
{
	return iter->next < iter->list.n ? (uintptr_t)iter->list.at[iter->next++] : 0;
}

void pydb_iter_fini(struct pydb_iter *iter)
{
	if (iter == NULL)
		return;
	vec_free(&iter->list);
	free(iter);
}
