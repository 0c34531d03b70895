/* See json_state.h. */
#ifdef WITH_JANSSON
#include "report/json_state.h"

#include "python/tasks/py_tasks.h"

static void add_call(const struct thread_state *s, struct members *m)
{
	struct members call = members_begin();

	members_number(&call, "number", s->number);
	if (s->call != NULL)
		members_clean(&call, "name", s->call);
	if (s->timeout != TIMEOUT_NONE)
		members_number(&call, s->timeout == TIMEOUT_AFTER ? "timeout_ns" : "left_ns", s->timeout_ns);
	members_value(m, "system_call", members_take(&call, m));
}

static const char *activity_code(uint8_t activity)
{
	static const char *const codes[] = { [ACTIVITY_RUNNING] = "running",
		[ACTIVITY_CALL] = "waiting",
		[ACTIVITY_DISK_SLEEP] = "disk-sleep",
		[ACTIVITY_STOPPED] = "stopped",
		[ACTIVITY_TRACED] = "traced" };

	return codes[activity];
}

static const char *object_code(uint8_t object)
{
	static const char *const codes[] = { [OBJECT_NONE] = "GIL",
		[OBJECT_LOCK] = "Lock",
		[OBJECT_RLOCK] = "RLock",
		[OBJECT_CONDITION] = "Condition",
		[OBJECT_EVENT] = "Event",
		[OBJECT_SEMAPHORE] = "Semaphore",
		[OBJECT_BARRIER] = "Barrier",
		[OBJECT_QUEUE] = "Queue",
		[OBJECT_THREAD] = "Thread",
		[OBJECT_FUTURE] = "Future",
		[OBJECT_MUTEX] = "mutex",
		[OBJECT_PYMUTEX] = "PyMutex" };

	return codes[object];
}

void json_wait_add(struct members *m, uint8_t object, uint64_t address, lwpid_t owner)
{
	members_clean(m, "what", object_code(object));
	if (address != 0)
		members_hex(m, "address", address);
	if (owner != 0)
		members_number(m, "held_by", owner);
}

static void add_wait(struct members *m, const char *key, uint8_t object, uint64_t address, lwpid_t owner)
{
	struct members wait = members_begin();

	json_wait_add(&wait, object, address, owner);
	members_value(m, key, members_take(&wait, m));
}

static void add_python(const struct thread_state *s, struct members *m)
{
	static const char *const attachments[] = { [ATTACHMENT_DETACHED] = "detached",
		[ATTACHMENT_ATTACHED] = "attached",
		[ATTACHMENT_SUSPENDED] = "suspended" };

	if (s->gil == GIL_HELD)
		members_bool(m, "holds_gil", true);
	if (s->gil == GIL_AWAITED)
		add_wait(m, "waits_for_gil", OBJECT_NONE, 0, s->gil_owner);
	if (s->attachment != ATTACHMENT_NONE)
		members_clean(m, "attachment", attachments[s->attachment]);
	if (s->object != OBJECT_NONE)
		add_wait(m, "waits_for", s->object, s->object_at, s->object_owner);
	if (s->collecting) {
		members_bool(m, "collecting", true);
		members_bool(m, "collecting_certain", !s->collecting_unsure);
	}
	if (s->finalizing)
		members_bool(m, "finalizing", true);
	if (s->daemon)
		members_bool(m, "daemon", true);
	if (s->task != NULL)
		members_hex(m, "task", s->task->addr);
}

void json_state_add(const struct thread_state *s, struct members *m)
{
	if (s->name != NULL)
		members_text(m, "python_name", s->name, s->name_n);
	if (s->activity != ACTIVITY_UNKNOWN)
		members_clean(m, "activity", activity_code(s->activity));
	if ((s->activity == ACTIVITY_CALL || s->activity == ACTIVITY_DISK_SLEEP) && s->number >= 0)
		add_call(s, m);
	add_python(s, m);
}
#endif
