/* See json_tasks.h. */
#include "report/json_tasks.h"

#ifdef WITH_JANSSON
#include <stdio.h>
#include <string.h>

#include "report/json_members.h"

static const char *state_code(const struct py_task *t)
{
	if (task_runs(t))
		return "running";
	switch ((enum py_task_state)t->state) {
	case PY_TASK_CREATED:
		return "created";
	case PY_TASK_RUNNING:
		return "running";
	case PY_TASK_SUSPENDED:
		return t->ready ? "ready" : "suspended";
	case PY_TASK_UNKNOWN:
		break;
	}
	return "unknown";
}

static void put_loop(const struct py_loop *l, struct strbuf *out)
{
	struct members m = members_begin();

	members_hex(&m, "address", l->addr);
	if (l->thread != 0)
		members_number(&m, "thread", l->thread);
	if (l->known || l->thread != 0)
		members_bool(&m, "running", l->thread_id != 0 || l->thread != 0);
	out->failed |= !members_write(&m, out);
}

void json_tasks_begin(const struct py_tasks *all, struct strbuf *out)
{
	strbuf_str(out, ",\"event_loops\":[");
	for (size_t i = 0; i < all->loops.n; i++) {
		strbuf_str(out, i == 0 ? "{" : ",{");
		put_loop(&all->loops.at[i], out);
		strbuf_char(out, '}');
	}
	strbuf_str(out, "],\"tasks\":[");
}

static void add_waiters(const struct py_tasks *all, const struct py_task *t, struct members *m)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < t->n_waiters; i++) {
		char id[20];

		(void)snprintf(id, sizeof(id), "0x%llx",
		    (unsigned long long)all->at.at[all->waiters.at[t->first_waiter + i]].addr);
		m->failed |= json_array_append_new(list, json_string(id)) != 0;
	}
	members_value(m, "awaited_by", list);
	members_bool(m, "awaited_by_known", !t->waiters_unknown);
}

static void add_awaited(const struct py_task *t, struct members *m)
{
	struct members awaits = members_begin();

	members_hex(&awaits, "address", t->awaits);
	if (t->awaits_type[0] != '\0')
		members_text(&awaits, "type", t->awaits_type, strlen(t->awaits_type));
	members_value(m, "awaits", members_take(&awaits, m));
}

void json_task_begin(const struct py_tasks *all, size_t i, struct strbuf *out)
{
	static const char *const libraries[] = { [PY_TASK_OF_ASYNCIO] = "asyncio",
		[PY_TASK_OF_TRIO] = "trio",
		[PY_TASK_OF_GREENLET] = "greenlet" };
	const struct py_task *t = &all->at.at[i];
	struct members m = members_begin();

	strbuf_str(out, i == 0 ? "{" : ",{");
	members_hex(&m, "id", t->addr);
	members_clean(&m, "library", libraries[t->library]);
	if (t->type[0] != '\0')
		members_text(&m, "type", t->type, strlen(t->type));
	if (t->name != NULL)
		members_text(&m, "name", t->name, t->name_n);
	members_clean(&m, "state", state_code(t));
	if (t->loop != 0)
		members_hex(&m, "event_loop", t->loop);
	if (task_runs(t))
		members_number(&m, "thread", t->thread);
	if (t->awaits != 0)
		add_awaited(t, &m);
	add_waiters(all, t, &m);
	members_bool(&m, "certain", !(t->unsure || (task_runs(t) && task_moved(t))));
	members_bool(&m, "complete", !task_lacks(t));
	if (!members_write(&m, out))
		strbuf_fmt(out, "\"id\":\"0x%llx\",\"complete\":false", (unsigned long long)t->addr);
	strbuf_str(out, ",\"frames\":[");
}

void json_task_end(struct strbuf *out)
{
	strbuf_str(out, "]}");
}

void json_tasks_end(struct strbuf *out)
{
	strbuf_char(out, ']');
}
#else
void json_tasks_begin(const struct py_tasks *all, struct strbuf *out)
{
	(void)all;
	(void)out;
}

void json_task_begin(const struct py_tasks *all, size_t i, struct strbuf *out)
{
	(void)all;
	(void)i;
	(void)out;
}

void json_task_end(struct strbuf *out)
{
	(void)out;
}

void json_tasks_end(struct strbuf *out)
{
	(void)out;
}
#endif
