/* See text_state.h. */
#include "report/text_state.h"

#include <string.h>

#include "base/escape.h"
#include "report/text.h"
#include "report/text_tasks.h"

#define SEPARATOR "; "

/* Parts that are always the same, and the first words of the others. */
static const char running[] = "running", disk_sleep[] = "in disk sleep", stopped[] = "stopped",
		  traced[] = "stopped by a tracer", holds_gil[] = "holds the GIL", detached[] = "detached",
		  attached[] = "attached", suspended[] = "suspended", collecting[] = "collecting garbage",
		  maybe_collecting[] = "collecting garbage ?", finalizing[] = "finalizing",
		  daemon_thread[] = "daemon";
static const char in_call[] = "in ", waits[] = "waits for the ", runs[] = "runs ";

static const char *const whole_parts[] = { running, disk_sleep, stopped, traced, holds_gil, detached,
	attached, suspended, collecting, maybe_collecting, finalizing, daemon_thread };
static const char *const part_starts[] = { in_call, waits, runs };

static const char *const object_names[] = {
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
	[OBJECT_PYMUTEX] = "PyMutex",
};

void text_thread_name(const struct thread_state *s, const char *kernel, struct strbuf *out)
{
	struct strbuf name = STRBUF_EMPTY;

	if (s->name == NULL || (strlen(kernel) == s->name_n && memcmp(kernel, s->name, s->name_n) == 0))
		return;
	strbuf_str(out, " \"");
	if (memchr(s->name, '"', s->name_n) == NULL) {
		escape_text(out, s->name, s->name_n, true);
		strbuf_char(out, '"');
		return;
	}
	escape_text(&name, s->name, s->name_n, true);
	for (const char *at = strbuf_text(&name); *at != '\0'; at++) {
		if (*at == '"')
			strbuf_str(out, "\\x22");
		else
			strbuf_char(out, *at);
	}
	strbuf_char(out, '"');
	out->failed |= name.failed;
	strbuf_free(&name);
}

/* Begin a part of the line, whose first part is at `from`. */
static void begin_part(struct strbuf *out, size_t from)
{
	strbuf_str(out, out->n == from ? "" : SEPARATOR);
}

static void put_part(struct strbuf *out, size_t from, const char *words)
{
	begin_part(out, from);
	strbuf_str(out, words);
}

/* `1.5 s`, `20 ms`: up to three digits after the point. */
static void put_time(struct strbuf *out, int64_t ns)
{
	uint64_t n = ns < 0 ? 0 : (uint64_t)ns, unit = n < 1000000000 ? 1000000 : 1000000000;
	unsigned part = (unsigned)(n % unit / (unit / 1000)), digits = 3;

	strbuf_fmt(out, "%llu", (unsigned long long)(n / unit));
	while (part != 0 && part % 10 == 0) {
		part /= 10;
		digits--;
	}
	if (part != 0)
		strbuf_fmt(out, ".%0*u", (int)digits, part);
	strbuf_str(out, unit == 1000000 ? " ms" : " s");
}

static void put_call(struct strbuf *out, size_t from, const struct thread_state *s)
{
	if (s->number < 0)
		return;
	put_part(out, from, in_call);
	if (s->call != NULL)
		strbuf_str(out, s->call);
	else
		strbuf_fmt(out, "system call %d", (int)s->number);
	if (s->timeout == TIMEOUT_NONE)
		return;
	strbuf_str(out, s->timeout == TIMEOUT_AFTER ? ", time-out " : ", ");
	put_time(out, s->timeout_ns);
	strbuf_str(out, s->timeout == TIMEOUT_AFTER ? "" : " left");
}

static void put_activity(struct strbuf *out, size_t from, const struct thread_state *s)
{
	switch ((enum thread_activity)s->activity) {
	case ACTIVITY_UNKNOWN:
		break;
	case ACTIVITY_RUNNING:
		put_part(out, from, running);
		break;
	case ACTIVITY_DISK_SLEEP:
		put_call(out, from, s);
		put_part(out, from, disk_sleep);
		break;
	case ACTIVITY_CALL:
		put_call(out, from, s);
		break;
	case ACTIVITY_STOPPED:
		put_part(out, from, stopped);
		break;
	case ACTIVITY_TRACED:
		put_part(out, from, traced);
		break;
	}
}

void text_wait(uint8_t object, uint64_t at, lwpid_t owner, struct strbuf *out)
{
	strbuf_str(out, waits);
	strbuf_str(out, object == OBJECT_NONE ? "GIL" : object_names[object]);
	if (at != 0)
		strbuf_fmt(out, " at 0x%llx", (unsigned long long)at);
	if (owner != 0)
		strbuf_fmt(out, " held by %d", (int)owner);
}

static void put_wait(struct strbuf *out, size_t from, uint8_t object, uint64_t at, lwpid_t owner)
{
	begin_part(out, from);
	text_wait(object, at, owner, out);
}

static void put_python(struct strbuf *out, size_t from, const struct thread_state *s)
{
	static const char *const attachments[] = { [ATTACHMENT_DETACHED] = detached,
		[ATTACHMENT_ATTACHED] = attached,
		[ATTACHMENT_SUSPENDED] = suspended };

	if (s->gil == GIL_HELD)
		put_part(out, from, holds_gil);
	if (s->gil == GIL_AWAITED)
		put_wait(out, from, OBJECT_NONE, 0, s->gil_owner);
	if (s->attachment != ATTACHMENT_NONE)
		put_part(out, from, attachments[s->attachment]);
	if (s->object != OBJECT_NONE)
		put_wait(out, from, s->object, s->object_at, s->object_owner);
	if (s->collecting)
		put_part(out, from, s->collecting_unsure ? maybe_collecting : collecting);
	if (s->finalizing)
		put_part(out, from, finalizing);
	if (s->daemon)
		put_part(out, from, daemon_thread);
	if (s->task != NULL) {
		put_part(out, from, runs);
		strbuf_str(out, text_task_kind(s->task));
		text_task_name(s->task, out);
		strbuf_str(out, task_moved(s->task) ? " ?" : "");
	}
}

void text_state(const struct thread_state *s, struct strbuf *out)
{
	static const char start[] = TEXT_INDENT "(";
	size_t begin = out->n, from = begin + sizeof(start) - 1;

	strbuf_str(out, start);
	put_activity(out, from, s);
	put_python(out, from, s);
	strbuf_str(out, ")\n");
	if ((out->failed && out->n > begin) || out->n == from + 2) {
		out->n = begin;
		out->at[begin] = '\0';
	}
}

static bool is_part(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(whole_parts) / sizeof(whole_parts[0]); i++) {
		if (strlen(whole_parts[i]) == n && memcmp(whole_parts[i], text, n) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(part_starts) / sizeof(part_starts[0]); i++) {
		size_t start = strlen(part_starts[i]);

		if (n > start && memcmp(part_starts[i], text, start) == 0)
			return true;
	}
	return text_is_task_part(text, n);
}

/* The first separator in the text. NULL: none. */
static const char *find_separator(const char *text, size_t n)
{
	const char *at = n == 0 ? NULL : memchr(text, SEPARATOR[0], n);

	return at != NULL && at + 1 < text + n && at[1] == SEPARATOR[1] ? at : NULL;
}

bool text_is_state(const char *text, size_t n)
{
	const char *end, *next;

	if (n < 3 || text[0] != '(' || text[n - 1] != ')')
		return false;
	end = text + n - 1;
	for (text++; (next = find_separator(text, (size_t)(end - text))) != NULL; text = next + 2) {
		if (!is_part(text, (size_t)(next - text)))
			return false;
	}
	return is_part(text, (size_t)(end - text));
}
