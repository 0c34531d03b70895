/* A process or core, captured. */
#include <stdlib.h>

#include "os/images.h"
#include "stack/target.h"
#include "stack/target_capture.h"

enum res stack_target_prepare(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f)
{
	struct stack_target *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return fault_memory(f);
	t->opt = *opt;
	/* Everything that needs symbols is looked up before anything is stopped. */
	t->py_found = opt->early ? py_process_create_early(P, &t->py, &t->py_fault)
				 : py_process_create(P, &t->py, &t->py_fault);
	if (t->py_found != RES_OK)
		t->py = NULL;
	if (t->py != NULL && t->opt.tasks && py_tasks_find(t->py, &t->tasks_source, f) != RES_OK) {
		stack_target_close(t);
		return RES_FAIL;
	}
	t->models = calloc(t->py == NULL ? 1 : py_runtimes(t->py) + 1, sizeof(*t->models));
	t->loops = calloc(t->py == NULL ? 1 : py_runtimes(t->py) + 1, sizeof(*t->loops));
	if (t->models == NULL || t->loops == NULL) {
		stack_target_close(t);
		return fault_memory(f);
	}
	*out = t;
	return RES_OK;
}

enum res stack_target_open(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f)
{
	struct stack_target *t = NULL;
	enum res res = stack_target_prepare(P, opt, &t, f);

	if (res != RES_OK)
		return res;
	res = os_is_core(P) || opt->holds_still ? target_capture_core(t, P, f) : target_capture_live(t, P, f);
	if (res != RES_OK) {
		stack_target_close(t);
		return res;
	}
	capture_finish(&t->capture);
	*out = t;
	return RES_OK;
}

enum res stack_target_recapture(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum res res;

	unwinder_destroy(t->unwinder);
	t->unwinder = NULL;
	target_capture_drop(t, P);
	res = target_capture_live(t, P, f);
	if (res == RES_OK)
		capture_finish(&t->capture);
	else
		target_capture_drop(t, P);
	return res;
}

void stack_target_close(struct stack_target *t)
{
	if (t == NULL)
		return;
	unwinder_destroy(t->unwinder);
	py_tasks_source_free(&t->tasks_source);
	py_process_destroy(t->py);
	capture_free(&t->capture);
	lwp_history_free(&t->history);
	rehold_free(&t->rehold);
	vec_free(&t->replaced);
	free(t->models);
	free(t->loops);
	free(t);
}

struct ps_prochandle *stack_target_handle(const struct stack_target *t)
{
	return t->capture.P;
}

size_t stack_threads(const struct stack_target *t)
{
	return t->capture.lwps.n;
}

size_t stack_threads_all(const struct stack_target *t)
{
	return t->capture.all;
}

size_t stack_threads_left_out(const struct stack_target *t)
{
	return t->capture.left_out;
}

lwpid_t stack_thread_id(const struct stack_target *t, size_t i)
{
	return t->capture.lwps.at[i].id;
}

size_t stack_interpreters(const struct stack_target *t)
{
	return t->py == NULL ? 0 : py_interpreters(t->py);
}

enum res stack_python(const struct stack_target *t, const char **why)
{
	*why = t->py_found == RES_FAIL ? t->py_fault.text : NULL;
	if (t->py_found == RES_FAIL &&
	    (t->py_fault.code == PY_FAULT_TOO_OLD || t->py_fault.code == PY_FAULT_NOT_STARTED))
		return RES_NONE;
	return t->py_found;
}

bool stack_states_cut(const struct stack_target *t)
{
	return capture_states_lack(&t->capture);
}

bool stack_names_cut(const struct stack_target *t)
{
	return t->capture.names_cut;
}

const struct py_tasks *stack_tasks(const struct stack_target *t)
{
	return &t->capture.tasks;
}

const struct fault *stack_not_held(const struct stack_target *t)
{
	return t->capture.none_held ? &t->capture.not_held : NULL;
}

int64_t stack_held_ns(const struct stack_target *t)
{
	return t->capture.held_ns;
}

const struct py_process *stack_python_process(const struct stack_target *t)
{
	return t->py;
}

bool stack_position(const struct stack_target *t, const struct py_frame *frame, struct py_position *out)
{
	return py_frame_position(t->py, frame, out);
}

bool stack_thread_same(const struct stack_target *t, size_t i, lwpid_t *id)
{
	*id = t->capture.lwps.at[i].id;
	return t->capture.lwps.at[i].state == CAPTURE_SAME;
}
