/* See text_tasks.h. */
#include "report/text_tasks.h"

#include <string.h>

#include "base/escape.h"
#include "report/text.h"
#include "report/text_rule.h"

#define SEPARATOR "; "

enum { NAMES_MAX = 8, DEPTH_DRAWN = 24 };

static const char not_started[] = "not started", ready[] = "ready", running[] = "running ?",
		  no_coroutine[] = "coroutine unknown", inner_missing[] = "inner frames missing",
		  awaits[] = "awaits ", awaited_by[] = "awaited by ", in_nursery[] = "in a nursery of ",
		  of_type[] = "of type ", main_greenlet[] = "main greenlet", child_of[] = "child of ";

const char *text_task_kind(const struct py_task *t)
{
	return t->library == PY_TASK_OF_GREENLET ? "greenlet " : "task ";
}

static void add_quoted(const char *text, struct strbuf *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == ';')
			strbuf_fmt(out, "\\x%02x", *text);
		else
			strbuf_char(out, *text);
	}
}

/* A name of a class: it may hold what separates the parts. */
static void put_word(const char *text, struct strbuf *out)
{
	struct strbuf name = STRBUF_EMPTY;

	escape_text(&name, text, strlen(text), true);
	add_quoted(strbuf_text(&name), out);
	out->failed |= name.failed;
	strbuf_free(&name);
}

void text_task_name(const struct py_task *t, struct strbuf *out)
{
	struct strbuf name = STRBUF_EMPTY;

	if (t->name == NULL) {
		strbuf_fmt(out, "0x%llx", (unsigned long long)t->addr);
		return;
	}
	escape_text(&name, t->name, t->name_n, true);
	strbuf_char(out, '"');
	add_quoted(strbuf_text(&name), out);
	strbuf_char(out, '"');
	out->failed |= name.failed;
	strbuf_free(&name);
}

/* Half a line would look like a whole one. */
static void drop_half(struct strbuf *out, size_t begin)
{
	if (out->failed && out->n > begin) {
		out->n = begin;
		out->at[begin] = '\0';
	}
}

/* ` / thread# 4711`; of a loop that no thread is known to run `-`. */
static void put_thread(lwpid_t thread, struct strbuf *out)
{
	if (thread != 0)
		strbuf_fmt(out, " / thread# %d", (int)thread);
	else
		strbuf_str(out, " / thread# -");
}

/* Is it a greenlet that belongs to no loop? */
static bool is_greenlet_lost(const struct py_tasks *all)
{
	for (size_t i = 0; i < all->at.n; i++) {
		if (all->at.at[i].in_loop >= all->loops.n)
			return all->at.at[i].library == PY_TASK_OF_GREENLET;
	}
	return false;
}

void text_loop_header(const struct py_tasks *all, size_t loop, size_t n, struct strbuf *out)
{
	static const char *const kinds[] = { [PY_TASK_OF_ASYNCIO] = "event loop",
		[PY_TASK_OF_TRIO] = "Trio runner",
		[PY_TASK_OF_GREENLET] = "main greenlet" };
	struct strbuf words = STRBUF_EMPTY;
	const char *what = "task";

	if (loop < all->loops.n) {
		const struct py_loop *l = &all->loops.at[loop];

		strbuf_fmt(&words, "%s 0x%llx", kinds[l->library], (unsigned long long)l->addr);
		put_thread(l->thread, &words);
		if (l->library == PY_TASK_OF_GREENLET)
			what = "greenlet";
	} else if (is_greenlet_lost(all)) {
		strbuf_str(&words, "main greenlet unknown / thread# -");
		what = "greenlet";
	} else {
		strbuf_str(&words, "event loop unknown / thread# -");
	}
	strbuf_fmt(&words, " / %zu %s%s", n, what, n == 1 ? "" : "s");
	text_rule(&words, out);
	strbuf_free(&words);
}

void text_task_line(const struct py_tasks *all, const struct task_visit *visit, struct strbuf *out)
{
	const struct py_task *t = &all->at.at[visit->task];
	size_t begin = out->n;

	for (uint32_t i = 1; i < visit->depth && i < DEPTH_DRAWN; i++)
		strbuf_str(out, "|  ");
	if (visit->depth > DEPTH_DRAWN)
		strbuf_fmt(out, "|  (depth %u) ", visit->depth);
	strbuf_str(out, visit->depth == 0 ? "* " : "|- ");
	strbuf_str(out, text_task_kind(t));
	text_task_name(t, out);
	if (t->library == PY_TASK_OF_GREENLET) {
		strbuf_str(out, " (");
		put_word(task_is_main(t) ? "main" : t->type, out);
		strbuf_char(out, ')');
	}
	if (task_runs(t))
		strbuf_fmt(out, " runs in thread# %d", (int)t->thread);
	if (visit->again)
		strbuf_str(out, " (above)");
	if (visit->circle)
		strbuf_str(out, " (in a circle)");
	if (t->unsure || (task_runs(t) && task_moved(t)) || (visit->depth == 0 && t->waiters_unknown))
		strbuf_str(out, " ?");
	strbuf_char(out, '\n');
	drop_half(out, begin);
}

void text_task_header(const struct py_tasks *all, const struct py_task *t, struct strbuf *out)
{
	struct strbuf words = STRBUF_EMPTY;

	strbuf_str(&words, t->library == PY_TASK_OF_GREENLET ? ""
			   : t->library == PY_TASK_OF_TRIO   ? "Trio "
							     : "asyncio ");
	strbuf_str(&words, text_task_kind(t));
	text_task_name(t, &words);
	put_thread(t->in_loop < all->loops.n ? all->loops.at[t->in_loop].thread : 0, &words);
	if (t->unsure)
		strbuf_str(&words, " ?");
	text_rule(&words, out);
	strbuf_free(&words);
}

/* --- the remark --- */

static void begin_part(struct strbuf *out, size_t from)
{
	strbuf_str(out, out->n == from ? "" : SEPARATOR);
}

static void put_part(struct strbuf *out, size_t from, const char *words)
{
	begin_part(out, from);
	strbuf_str(out, words);
}

static void put_awaited(const struct py_tasks *all, const struct py_task *t, struct strbuf *out, size_t from)
{
	put_part(out, from, awaits);
	if (t->awaits_task != 0) {
		strbuf_str(out, "task ");
		text_task_name(&all->at.at[t->awaits_task - 1], out);
		return;
	}
	escape_text(out, t->awaits_type, strlen(t->awaits_type), true);
	strbuf_fmt(out, "%sat 0x%llx", t->awaits_type[0] == '\0' ? "" : " ", (unsigned long long)t->awaits);
}

static void put_waiters(const struct py_tasks *all, const struct py_task *t, struct strbuf *out, size_t from)
{
	static const char *const relations[] = { [PY_TASK_OF_ASYNCIO] = awaited_by,
		[PY_TASK_OF_TRIO] = in_nursery,
		[PY_TASK_OF_GREENLET] = child_of };

	if (t->n_waiters == 0 && !t->waiters_unknown)
		return;
	put_part(out, from, relations[t->library]);
	if (t->n_waiters == 0)
		strbuf_char(out, '?');
	for (uint32_t i = 0; i < t->n_waiters; i++) {
		strbuf_str(out, i == 0 ? text_task_kind(t) : ", ");
		if (i == NAMES_MAX) {
			strbuf_fmt(out, "and %u others", t->n_waiters - i);
			break;
		}
		text_task_name(&all->at.at[all->waiters.at[t->first_waiter + i]], out);
	}
}

static void put_state(const struct py_tasks *all, const struct py_task *t, struct strbuf *out, size_t from)
{
	switch ((enum py_task_state)t->state) {
	case PY_TASK_UNKNOWN:
		put_part(out, from, no_coroutine);
		break;
	case PY_TASK_CREATED:
		put_part(out, from, not_started);
		return;
	case PY_TASK_RUNNING:
		put_part(out, from, running);
		return;
	case PY_TASK_SUSPENDED:
		if (t->ready)
			put_part(out, from, ready);
		break;
	}
	if (t->awaits != 0)
		put_awaited(all, t, out, from);
	if (t->cut)
		put_part(out, from, inner_missing);
}

void text_task_state(const struct py_tasks *all, const struct py_task *t, struct strbuf *out)
{
	static const char start[] = TEXT_INDENT "(";
	size_t begin = out->n, from = begin + sizeof(start) - 1;

	strbuf_str(out, start);
	if (task_is_main(t)) {
		put_part(out, from, main_greenlet);
	} else if (t->type[0] != '\0') {
		put_part(out, from, of_type);
		put_word(t->type, out);
	}
	put_state(all, t, out, from);
	put_waiters(all, t, out, from);
	strbuf_str(out, ")\n");
	/* Nothing may be known of a task of Trio that waits. */
	if (!out->failed && out->n == from + 2) {
		out->n = begin;
		out->at[begin] = '\0';
	}
	drop_half(out, begin);
}

bool text_is_task_part(const char *text, size_t n)
{
	static const char *const whole[] = { not_started, ready, running, no_coroutine, inner_missing,
		main_greenlet };
	static const char *const starts[] = { awaits, awaited_by, in_nursery, of_type, child_of };

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (strlen(whole[i]) == n && memcmp(whole[i], text, n) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t start = strlen(starts[i]);

		if (n > start && memcmp(starts[i], text, start) == 0)
			return true;
	}
	return false;
}
