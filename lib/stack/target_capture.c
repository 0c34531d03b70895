#include "stack/target_capture.h"

#include <string.h>
#include <time.h>

#include "os/regs.h"
#include "python/locals/py_locals.h"

static void capture_set_up(struct stack_target *t)
{
	t->capture.py = t->py;
	t->capture.request.history = t->opt.sampling && t->opt.policy != STOP_ALL ? &t->history : NULL;
	t->capture.request.running_only = t->opt.running && t->capture.request.history != NULL;
	t->capture.request.force = t->opt.force;
	t->capture.request.about = t->opt.about;
	t->capture.request.set = t->opt.lwps;
	t->capture.request.tasks = t->opt.tasks ? &t->tasks_source : NULL;
	t->capture.request.policy = t->opt.policy;
	t->capture.request.hold_ns = t->opt.hold_ns;
	t->capture.request.locals = t->opt.locals;
}

/* False: out of memory. */
static bool begin_locals(struct capture *c)
{
	if (c->request.locals == 0 || c->py == NULL)
		return true;
	c->locals = py_locals_reader_create(c->py, c->request.locals);
	return c->locals != NULL;
}

enum res target_capture_prepare(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum res res;

	capture_set_up(t);
	res = snapshot_create(P, &t->capture.snapshot, f);
	if (res != RES_OK)
		return res;
	t->capture.request.live = P;
	t->capture.P = snapshot_handle(t->capture.snapshot);
	if (t->py != NULL) {
		py_process_move(t->py, t->capture.P);
		py_process_later(t->py, P);
	}
	if (!begin_locals(&t->capture))
		return fault_memory(f);
	return RES_OK;
}

static enum res capture_once(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum res res = target_capture_prepare(t, P, f);

	if (res != RES_OK)
		return res;
	capture_tasks_before(&t->capture);
	return capture_process(&t->capture, f);
}

/* Was a thread caught while its Python frames were not linked? */
static bool is_entering(const struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].python.entering)
			return true;
	}
	return false;
}

void target_capture_drop(struct stack_target *t, struct ps_prochandle *P)
{
	capture_free(&t->capture);
	if (t->py != NULL)
		py_process_move(t->py, P);
}

/* That state lasts some ten instructions, so a capture a little later finds it over, unless the
 * target does not run. */
enum res target_capture_live(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum { LOOKS = 4, PAUSE_NS = 1000000 };
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	enum res res = capture_once(t, P, f);

	for (int i = 1; i < LOOKS && res == RES_OK && is_entering(&t->capture); i++) {
		(void)nanosleep(&pause, NULL);
		target_capture_drop(t, P);
		res = capture_once(t, P, f);
	}
	return res == RES_OK ? capture_tasks(&t->capture, f) : res;
}

struct core_lwps {
	struct stack_target *t;
	struct ps_prochandle *P;
};

static int add_core_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct core_lwps *core = data;
	struct capture *c = &core->t->capture;
	struct capture_lwp *l;
	lwpid_t id = (lwpid_t)(status != NULL ? status->pr_lwpid : info->pr_lwpid);
	int64_t i;

	c->all++;
	if (!proc_lwp_in_set(core->t->opt.lwps, id))
		return 0;
	i = c->left_out == 0 ? capture_add(c, id, 0) : -1;
	if (i < 0) {
		c->left_out++;
		return 0;
	}
	l = &c->lwps.at[i];
	if (status != NULL) {
		memcpy(l->regs, status->pr_reg, sizeof(l->regs));
		l->known_regs = REGS_ALL;
		os_status_call(status, &l->call);
		l->thread_pointer = os_thread_pointer(core->P, l->id, l->regs);
	} else {
		capture_mark_zombie(l);
	}
	if (Plwp_getname(core->P, l->id, l->name, sizeof(l->name)) != 0)
		l->name[0] = '\0';
	return 0;
}

enum res target_capture_core(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	struct core_lwps core = { t, P };

	capture_set_up(t);
	t->capture.P = P;
	if (!begin_locals(&t->capture) || Plwp_iter_all(P, add_core_lwp, &core) != 0 ||
	    (t->capture.left_out != 0 && t->capture.lwps.n == 0))
		return fault_memory(f);
	capture_states_read(&t->capture);
	for (size_t i = 0; i < t->capture.lwps.n; i++) {
		if (t->capture.lwps.at[i].state != CAPTURE_ENDED)
			(void)capture_frames(&t->capture, &t->capture.lwps.at[i]);
	}
	capture_locals_core(&t->capture);
	if (t->opt.about && t->capture.lwps.n > 1)
		capture_about_names(&t->capture, NULL);
	return capture_tasks(&t->capture, f);
}
