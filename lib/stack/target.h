/* PRIVATE to lib/stack: a process or core, captured. */
#ifndef STACK_TARGET_H
#define STACK_TARGET_H

#include "capture/capture.h"
#include "capture/lwp_history.h"
#include "stack/eval_loop.h"
#include "stack/rehold.h"
#include "stack/stack.h"
#include "stack/walk/walk.h"

struct stack_target {
	struct stack_options opt;
	struct py_process *py; /* NULL: no Python, or one that cannot be read */
	enum res py_found;     /* of py_process_create */
	struct fault py_fault;
	struct py_tasks_source tasks_source; /* with opt.tasks */
	struct capture capture;
	struct lwp_history history; /* with sampling */
	struct unwinder *unwinder;  /* created for the first thread that is unwound */
	struct walk_model *models;  /* one per runtime of py */
	struct eval_loop *loops;    /* one per runtime of py */
	struct rehold rehold;
	/* Of the recorded thread. */
	bool states_unknown;
	bool all_replaced;
	VEC(struct stack_recorded_range) replaced;
};

#endif
