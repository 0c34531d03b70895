/* See at_json.h. */
#include "at_json.h"

#ifndef WITH_JANSSON

void at_json_begin(void)
{
}

void at_json_event(
    const struct at_probes *p, const struct probe_hit *e, unsigned pid, int64_t time, const char *stack)
{
	(void)p;
	(void)e;
	(void)pid;
	(void)time;
	(void)stack;
}

char *at_json_counted(const struct at_probes *p, uint32_t spec, const char *sum, const char *name,
    int64_t pid, const char *text)
{
	(void)p;
	(void)spec;
	(void)sum;
	(void)name;
	(void)pid;
	(void)text;
	return NULL;
}

void at_json_interval(int64_t time, uint64_t events)
{
	(void)time;
	(void)events;
}

void at_json_end(uint64_t events, bool complete)
{
	(void)events;
	(void)complete;
}

#else

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at_sum.h"
#include "probe/probe_args.h"
#include "probe/probe_arguments.h"
#include "probe/probe_values.h"
#include "report/json.h"
#include "report/json_members.h"
#include "warn.h"

/* Write a line of these members, followed by `rest`, members that are text already. */
static void put_line(struct members *m, const char *rest)
{
	struct strbuf line = STRBUF_EMPTY;

	strbuf_char(&line, '{');
	if (members_write(m, &line)) {
		strbuf_str(&line, rest);
		strbuf_str(&line, "}\n");
	}
	if (!line.failed && line.n > 1)
		(void)fwrite(strbuf_text(&line), 1, line.n, stdout);
	strbuf_free(&line);
}

/* In seconds. A double holds microseconds, which is what is written. */
static void add_time(struct members *m, int64_t ns)
{
	members_value(m, "time", json_real((double)ns / 1e9));
}

static void put_message(const struct json_message *message)
{
	struct members m = json_line_begin("message");

	members_clean(&m, "code", message->code);
	members_clean(&m, "text", message->text);
	put_line(&m, "");
}

void at_json_begin(void)
{
	warn_keep(put_message);
}

static void add_text(struct members *m, const struct probe_string *string)
{
	size_t n = strnlen(string->bytes, string->n);

	members_text(m, "text", string->bytes, n);
	if (string->cut && n == string->n)
		members_bool(m, "cut", true);
}

/* An argument of a system call. What has more than 32 bits is a string. */
static json_t *call_value(const struct probe_syscall *call, unsigned i, const struct probe_hit *e,
    const struct probe_string *string, struct members *to)
{
	enum probe_arg_kind kind = call->args[i].kind;
	uint64_t value = probe_arg_value(kind, call->arch, e->args[i]);
	struct members m = members_begin();

	members_clean(&m, "name", call->args[i].name);
	if (string->bytes != NULL)
		add_text(&m, string);
	if (probe_arg_bytes(kind, call->arch) == sizeof(uint32_t))
		members_number(&m, "number", (int64_t)value);
	else
		members_hex(&m, "word", value);
	return members_take(&m, to);
}

static void add_call(struct members *m, const struct probe_syscall *call, const struct probe_hit *e)
{
	struct probe_string strings[PROBE_VALUES];
	json_t *list = json_array();

	probe_values_strings(e, strings);
	if (call->name != NULL)
		members_clean(m, "system_call", call->name);
	for (unsigned i = 0; i < call->n_args; i++)
		m->failed |= json_array_append_new(list, call_value(call, i, e, &strings[i], m)) != 0;
	members_value(m, "arguments", list);
}

static void add_result(struct members *m, const struct probe_syscall *call, const struct probe_hit *e)
{
	enum { ERRORS = 4095 }; /* Linux include/linux/err.h, MAX_ERRNO */
	int64_t value = (int64_t)probe_arg_value(PROBE_ARG_LONG, call->arch, (uint64_t)e->result);
	bool failed = value < 0 && value >= -ERRORS;
	const char *name = failed ? probe_errno_name((unsigned)-value) : NULL;
	struct members result = members_begin();

	if (failed || !call->returns_pointer)
		members_number(&result, "number", value);
	else
		members_hex(&result, "word", (uint64_t)value);
	if (name != NULL)
		members_clean(&result, "error", name);
	members_value(m, "result", members_take(&result, m));
}

/* An argument of a tracepoint or static probe. */
static json_t *listed_value(const struct at_probe *probe, uint32_t i, const struct probe_hit *e,
    const struct probe_string *string, struct members *to)
{
	const struct probe_field *field =
	    probe->tracepoint == NULL ? NULL : probe_arguments_field(probe->tracepoint, i);
	struct members m = members_begin();

	if (field != NULL)
		members_text(&m, "name", field->name, strlen(field->name));
	if (string->bytes != NULL)
		add_text(&m, string);
	else if ((e->unknown >> i & 1) == 0)
		members_hex(&m, "word", e->args[i]);
	if ((e->is_signed >> i & 1) != 0)
		members_bool(&m, "signed", true);
	return members_take(&m, to);
}

static void add_listed(struct members *m, const struct at_probe *probe, const struct probe_hit *e)
{
	struct probe_string strings[PROBE_VALUES];
	uint32_t n = e->n_args < PROBE_VALUES ? e->n_args : PROBE_VALUES;
	json_t *list = json_array();

	probe_values_strings(e, strings);
	for (uint32_t i = 0; i < n; i++)
		m->failed |= json_array_append_new(list, listed_value(probe, i, e, &strings[i], m)) != 0;
	members_value(m, "arguments", list);
}

static void add_probe(struct members *m, const struct at_probe *probe, const struct probe_hit *e)
{
	const struct probe_syscall *call = &probe->call[e->is_32bit & 1];

	members_clean(m, "probe", probe->name);
	switch (probe->spec.kind) {
	case PROBE_SYSCALL:
		add_call(m, call, e);
		if (probe->spec.on_return)
			add_result(m, call, e);
		break;
	case PROBE_OFF_CPU:
		members_number(m, "off_cpu_ns", (int64_t)e->sum);
		break;
	case PROBE_TRACEPOINT:
	case PROBE_USDT:
		add_listed(m, probe, e);
		break;
	case PROBE_PROFILE:
	case PROBE_UPROBE:
		break;
	}
}

void at_json_event(
    const struct at_probes *p, const struct probe_hit *e, unsigned pid, int64_t time, const char *stack)
{
	static const char no_stack[] = "\"frames\":[{\"kind\":\"remark\",\"code\":\"no-stack\","
				       "\"text\":\"its stack is missing\"}]";
	const struct at_probe *probe = at_probe_of(p, &e->key);
	struct members m = json_line_begin("event");
	struct strbuf what = STRBUF_EMPTY, rest = STRBUF_EMPTY;

	at_probe_event(p, e, &what);
	add_time(&m, time);
	if (pid != 0)
		members_number(&m, "pid", pid);
	members_number(&m, "lwp", e->tid);
	members_text(&m, "name", e->comm, strnlen(e->comm, sizeof(e->comm)));
	members_clean(&m, "event", strbuf_text(&what)); /* escaped already */
	if (probe != NULL)
		add_probe(&m, probe, e);
	strbuf_fmt(&rest, ",%s", stack == NULL ? no_stack : stack);
	put_line(&m, strbuf_text(&rest));
	strbuf_free(&what);
	strbuf_free(&rest);
}

char *at_json_counted(const struct at_probes *p, uint32_t spec, const char *sum, const char *name,
    int64_t pid, const char *text)
{
	const struct probe_key key = { .spec = spec };
	struct members m = members_begin();
	struct strbuf out = STRBUF_EMPTY;
	char *made = NULL;

	members_clean(&m, "probe", p->at[spec].name);
	if (name != NULL) {
		members_number(&m, "pid", pid);
		members_text(&m, "name", name, strlen(name));
	}
	if (sum != NULL)
		members_text(&m, "sum", sum, strlen(sum));
	if (at_sum_is_time(p, &key))
		members_clean(&m, "unit", "us");
	if (members_write(&m, &out)) {
		strbuf_fmt(&out, ",%s", text);
		made = out.failed ? NULL : strdup(strbuf_text(&out));
	}
	strbuf_free(&out);
	return made;
}

void at_json_interval(int64_t time, uint64_t events)
{
	struct members m = json_line_begin("interval");

	add_time(&m, time);
	members_number(&m, "events", (int64_t)events);
	put_line(&m, "");
}

void at_json_end(uint64_t events, bool complete)
{
	struct members m = json_line_begin("end");

	warn_keep(NULL);
	members_number(&m, "events", (int64_t)events);
	members_bool(&m, "complete", complete);
	put_line(&m, "");
}
#endif
