/* What threads do, from what was captured of them.
 *
 * A blocked thread's system call and its arguments are read with its position, and the kernel's
 * word for how it rests before it is asked whether the thread still does. A thread that is held
 * tells its call by its registers. */
#include "capture/capture.h"
#include "os/calls.h"

void capture_about_blocked(struct capture *c, struct capture_lwp *l)
{
	if (!c->request.about)
		return;
	l->call.number = l->asleep.number;
	for (int i = 0; i < ARCH_ARGS; i++)
		l->call.args[i] = l->asleep.args[i];
	if (os_rest_varies(c->request.live, &l->call))
		l->rest = (uint8_t)os_lwp_rest(c->request.live, l->id);
}

static enum thread_activity activity_of(const struct capture *c, const struct capture_lwp *l)
{
	if (l->rest == OS_REST_STOPPED)
		return ACTIVITY_STOPPED;
	if (l->rest == OS_REST_TRACED)
		return ACTIVITY_TRACED;
	if (l->rest == OS_REST_DISK)
		return ACTIVITY_DISK_SLEEP;
	if (l->call.number >= 0)
		return ACTIVITY_CALL;
	/* A core does not tell what a thread outside of a call did. */
	return l->known_regs == REGS_ALL && c->request.live != NULL ? ACTIVITY_RUNNING : ACTIVITY_UNKNOWN;
}

static void about_timeout(struct capture *c, const struct capture_lwp *l, struct thread_state *s)
{
	static const uint8_t kinds[] = { [OS_TIMEOUT_NONE] = TIMEOUT_NONE,
		[OS_TIMEOUT_AFTER] = TIMEOUT_AFTER,
		[OS_TIMEOUT_LEFT] = TIMEOUT_LEFT };
	int64_t ns = 0;

	s->timeout = kinds[os_call_timeout(c->P, c->request.live, &l->call, &ns)];
	s->timeout_ns = s->timeout == TIMEOUT_NONE ? 0 : ns;
}

void capture_about(struct capture *c, struct capture_lwp *l)
{
	struct thread_state *s = &l->about;
	enum os_rest rest = OS_REST_UNKNOWN;

	s->number = -1;
	if (l->state == CAPTURE_ENDED)
		return;
	/* A thread that a signal has stopped stands still again after it was held. */
	if (l->known_regs == REGS_ALL && c->request.live != NULL && os_may_be_stopped(c->request.live))
		rest = os_lwp_rest(c->request.live, l->id);
	if (rest == OS_REST_STOPPED || rest == OS_REST_TRACED)
		l->rest = (uint8_t)rest;
	s->activity = (uint8_t)activity_of(c, l);
	if (s->activity != ACTIVITY_CALL && s->activity != ACTIVITY_DISK_SLEEP)
		return;
	s->number = l->call.number;
	s->call = os_call_name(c->P, l->call.number);
	about_timeout(c, l, s);
}
