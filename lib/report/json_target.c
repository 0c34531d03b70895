/* Targets and counted stacks as JSON; see json.h. */
#ifdef WITH_JANSSON
#include "report/json.h"

#include <string.h>

#include "report/json_members.h"
#include "report/json_state.h"

struct members json_line_begin(const char *type)
{
	struct members m = members_begin();

	members_number(&m, "schema", JSON_SCHEMA);
	members_clean(&m, "pystack", PYSTACK_VERSION);
	members_clean(&m, "type", type);
	return m;
}

static void add_id(struct members *m, const struct details_id *id)
{
	if (id->n > 0)
		members_bytes(m, "build_id", id->bytes, id->n);
}

static size_t argument_length(const char *at, const char *end)
{
	const char *nul = memchr(at, '\0', (size_t)(end - at));

	return (size_t)((nul == NULL ? end : nul) - at);
}

/* The arguments as a list, and joined by spaces as ps(1) shows them. */
static void add_args(const struct record_details *d, struct members *m)
{
	struct strbuf joined = STRBUF_EMPTY;
	const char *at = strbuf_text(&d->args), *end = at + d->args.n;
	json_t *list = json_array();

	if (d->args.n == 0) {
		json_decref(list);
		members_text(m, "psargs", d->psargs, strlen(d->psargs));
		return;
	}
	while (at < end) {
		size_t n = argument_length(at, end);

		if (joined.n > 0)
			strbuf_char(&joined, ' ');
		strbuf_add(&joined, at, n);
		m->failed |= json_array_append_new(list, members_text_value(m, at, n)) != 0;
		at += n + 1;
	}
	members_text(m, "psargs", strbuf_text(&joined), joined.n);
	members_value(m, "argv", list);
	m->failed |= joined.failed;
	strbuf_free(&joined);
}

static void add_signal(const struct record_process *p, struct members *m)
{
	struct members signal = members_begin();

	members_text(&signal, "name", p->killed_by, strlen(p->killed_by));
	if (p->sender != 0)
		members_number(&signal, "sender", p->sender);
	if (p->has_address)
		members_hex(&signal, "address", p->address);
	members_value(m, "signal", members_take(&signal, m));
}

static void add_container(const struct os_container *c, struct members *m)
{
	struct members container = members_begin();

	if (c->runtime != NULL)
		members_clean(&container, "runtime", c->runtime);
	members_text(&container, "id", c->id, strlen(c->id));
	if (c->pod[0] != '\0')
		members_clean(&container, "pod", c->pod);
	members_value(m, "container", members_take(&container, m));
}

/* "3.11.2", "3.15.0a3": PY_VERSION_HEX is 0xMMmmpplS, level and serial. */
static void add_version(struct members *m, uint32_t version)
{
	static const char *const levels[16] = { [0xa] = "a", [0xb] = "b", [0xc] = "rc" };
	const char *level = levels[version >> 4 & 15];
	char text[48];

	if (level != NULL)
		(void)snprintf(text, sizeof(text), "%u.%u.%u%s%u", version >> 24, version >> 16 & 0xff,
		    version >> 8 & 0xff, level, version & 15);
	else if ((version >> 4 & 15) == 0xf)
		(void)snprintf(
		    text, sizeof(text), "%u.%u.%u", version >> 24, version >> 16 & 0xff, version >> 8 & 0xff);
	else
		(void)snprintf(text, sizeof(text), "%u.%u", version >> 24, version >> 16 & 0xff);
	members_clean(m, "version", text);
}

static json_t *python_value(const struct details_python *p, struct members *to)
{
	static const char *const ways[] = {
		[PY_FOUND_SYMBOL] = "symbol", [PY_FOUND_SECTION] = "section", [PY_FOUND_MEMORY] = "memory"
	};
	struct members m = members_begin();

	members_clean(&m, "implementation", "cpython");
	add_version(&m, p->version);
	members_text(&m, "file", p->file, strlen(p->file));
	add_id(&m, &p->id);
	members_hex(&m, "address", p->address);
	members_clean(&m, "found_by", ways[p->found]);
	members_bool(&m, "free_threaded", p->free_threaded);
	return members_take(&m, to);
}

static void add_details(const struct record_details *d, struct members *m)
{
	const struct record_process *p = &d->process;
	json_t *pythons = json_array();

	members_clean(m, "kind", p->core != NULL ? "core" : "process");
	if (p->core != NULL)
		members_text(m, "file", p->core, strlen(p->core));
	members_number(m, "pid", p->pid);
	if (d->has_uid)
		members_number(m, "uid", d->uid);
	add_args(d, m);
	if (d->executable != NULL)
		members_text(m, "executable", d->executable, strlen(d->executable));
	add_id(m, &d->id);
	if (p->parent > 0)
		members_number(m, "parent", p->parent);
	if (p->container != NULL)
		add_container(p->container, m);
	if (p->killed_by != NULL)
		add_signal(p, m);
	for (size_t i = 0; i < d->pythons.n; i++)
		m->failed |= json_array_append_new(pythons, python_value(&d->pythons.at[i], m)) != 0;
	members_value(m, "interpreters", pythons);
}

/* What is left of a line for whose members there was no memory. */
static void put_bare(const char *type, struct strbuf *out)
{
	strbuf_fmt(
	    out, "\"schema\":%d,\"pystack\":\"%s\",\"type\":\"%s\"", JSON_SCHEMA, PYSTACK_VERSION, type);
}

void json_target_begin(const char *operand, const struct record_details *details, struct strbuf *out)
{
	bool written = false;

	strbuf_char(out, '{');
	/* Without these members the line is of little use, so they are tried twice. */
	for (int i = 0; i < 2 && !written; i++) {
		struct members m = json_line_begin("target");

		members_text(&m, "operand", operand, strlen(operand));
		if (details != NULL)
			add_details(details, &m);
		written = members_write(&m, out);
	}
	if (!written)
		put_bare("target", out);
}

void json_threads_begin(struct strbuf *out)
{
	strbuf_str(out, ",\"threads\":[");
}

void json_threads_end(struct strbuf *out)
{
	strbuf_char(out, ']');
}

static void add_capture(const struct json_end *end, struct members *m)
{
	struct members capture = members_begin();

	members_clean(&capture, "method", end->method);
	if (end->time > 0)
		members_value(&capture, "time", json_real(end->time));
	members_number(&capture, "pause_ns", end->held_ns);
	members_value(m, "capture", members_take(&capture, m));
}

static void add_samples(const struct json_end *end, struct members *m)
{
	static const char *const keys[] = { "taken", "failed", "late", "skipped" };
	struct members samples = members_begin();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		members_number(&samples, keys[i], (int64_t)end->samples[i]);
	members_value(m, "samples", members_take(&samples, m));
}

static void add_messages(const struct json_end *end, struct members *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < end->n; i++) {
		struct members one = members_begin();

		members_clean(&one, "code", end->messages[i].code);
		members_clean(&one, "text", end->messages[i].text);
		m->failed |= json_array_append_new(list, members_take(&one, m)) != 0;
	}
	members_value(m, "messages", list);
}

void json_deadlock(const deadlock_waits *circle, struct strbuf *out)
{
	strbuf_str(out, out->n == 0 ? "[" : ",[");
	for (size_t i = 0; i < circle->n; i++) {
		const struct deadlock_wait *w = &circle->at[i];
		struct members m = members_begin();

		members_number(&m, "lwp", w->id);
		json_wait_add(&m, w->object, w->at, w->owner);
		strbuf_str(out, i == 0 ? "{" : ",{");
		out->failed |= !members_write(&m, out);
		strbuf_char(out, '}');
	}
	strbuf_char(out, ']');
}

bool json_target_end(const struct json_end *end, struct strbuf *out)
{
	struct members m = members_begin();
	bool whole;

	if (end->threads != 0)
		members_number(&m, "thread_count", (int64_t)end->threads);
	if (end->method != NULL)
		add_capture(end, &m);
	if (end->sampled)
		add_samples(end, &m);
	add_messages(end, &m);
	members_bool(&m, "complete", end->complete);
	if (end->deadlocks != NULL && end->deadlocks[0] != '\0')
		strbuf_fmt(out, ",\"deadlocks\":[%s]", end->deadlocks);
	strbuf_char(out, ',');
	whole = members_write(&m, out);
	if (!whole)
		strbuf_str(out, "\"complete\":false");
	strbuf_str(out, "}\n");
	return whole && !out->failed;
}

bool json_stack(const char *members, uint64_t count, struct strbuf *out)
{
	struct members m = json_line_begin("stack");
	bool whole;

	strbuf_char(out, '{');
	members_number(&m, "count", count > INT64_MAX ? INT64_MAX : (int64_t)count);
	whole = members_write(&m, out);
	if (!whole) {
		put_bare("stack", out);
		strbuf_fmt(out, ",\"count\":%llu", (unsigned long long)count);
	}
	strbuf_char(out, ',');
	strbuf_str(out, members);
	strbuf_str(out, "}\n");
	return whole && !out->failed;
}
#endif
