/* Events and counts at probes: each refers to a stack by its key. */
#include "at_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at_arguments.h"
#include "at_every.h"
#include "at_json.h"
#include "at_sum.h"
#include "warn.h"
#include "base/clock.h"
#include "base/escape.h"
#include "report/text.h"
#include "report/text_color.h"

/* Is a condition not true of `n` events with this stack, or undecided, and counted as such? */
static bool is_left_out(struct at *a, const struct known_stack *s, uint64_t n)
{
	if (s->wanted == PROBE_WHEN_UNKNOWN)
		a->losses.untested += n;
	return s->wanted != PROBE_WHEN_TRUE;
}

void at_take_event(void *data, const struct probe_hit *e)
{
	struct at *a = data;
	const struct known_stack *s = at_stack_of(a, &e->key);
	const struct observed *o = observing_find(&a->processes, e->key.process);
	const char *text = s == NULL || s->text == NULL ? TEXT_INDENT "(its stack is missing)\n" : s->text;
	struct strbuf when = STRBUF_EMPTY, what = STRBUF_EMPTY, name = STRBUF_EMPTY;
	char *held = NULL;

	if (at_is_enough(a) || (s != NULL && is_left_out(a, s, 1)))
		return;
	a->events++;
	a->losses.unknown += s == NULL || s->text == NULL;
	if (e->holder != 0 && s != NULL && s->text != NULL) {
		held = at_gil_text(s, e->holder, a->opt->output);
		text = held != NULL ? held : text;
		a->failed |= held == NULL;
	}
	if (a->opt->output == COUNTS_JSON) {
		at_json_event(&a->probes, e, o == NULL ? 0 : (unsigned)o->pid,
		    (int64_t)e->time + a->clock_offset, s == NULL || s->text == NULL ? NULL : text);
		free(held);
		return;
	}
	at_probe_event(&a->probes, e, &what);
	escape_text(&name, e->comm, strnlen(e->comm, sizeof(e->comm)), true);
	at_time_text(&when, (int64_t)e->time + a->clock_offset, true);
	strbuf_fmt(&when, " %u/%u [%s] %s%s\n", o == NULL ? 0 : o->pid, e->tid, strbuf_text(&name),
	    strbuf_text(&what), s == NULL || s->interps == NULL ? "" : s->interps);
	text_write(strbuf_text(&when), when.n, a->counts.style.color, stdout);
	text_write(text, strlen(text), a->counts.style.color, stdout);
	(void)putchar('\n');
	strbuf_free(&when);
	strbuf_free(&what);
	strbuf_free(&name);
	free(held);
}

/* What is printed for a stack: a count, or a sum, that of times in microseconds. */
static uint64_t printed_value(const struct at *a, const struct probe_key *key, uint64_t n, uint64_t sum)
{
	if (at_sum_is_time(&a->probes, key))
		return (sum + 500) / 1000;
	return a->opt->sum != NULL ? sum : n;
}

/* Add `count` times to the counts of a stack; holder: of the GIL that it waits for, 0: unknown. */
static void add_times(struct at *a, const struct known_stack *s, uint32_t holder, uint64_t count)
{
	char *held = holder != 0 ? at_gil_text(s, holder, a->opt->output) : NULL;

	a->counts.failed |= holder != 0 && held == NULL;
	counts_add(&a->counts, held != NULL ? held : s->text, count);
	free(held);
}

/* Add what was counted since the last time. A stack may be on its way: its events are added when it
 * has come. printed: what was printed of it; NULL: that of the stack. */
static void add_new(struct at *a, const struct probe_key *key, uint32_t holder, struct probe_count *printed,
    const struct probe_count *count)
{
	struct known_stack *s = at_stack_of(a, key);
	uint64_t n = count->count, sum = count->sum;

	if (s == NULL) {
		a->losses.unknown += a->at_end ? n : 0;
		a->events += a->at_end ? n : 0;
		return;
	}
	printed = printed != NULL ? printed : &s->printed;
	n -= printed->count;
	sum -= printed->sum;
	/* A value is added after its event has been counted. */
	if (n == 0 && sum == 0)
		return;
	*printed = *count;
	if (is_left_out(a, s, n))
		return;
	a->events += n;
	if (s->text == NULL)
		a->losses.unknown += n;
	else
		add_times(a, s, holder, printed_value(a, key, n, sum));
}

static bool add_count(void *data, const struct probe_key *key, const struct probe_count *count)
{
	add_new(data, key, 0, NULL, count);
	return true;
}

static bool add_held(void *data, const struct probe_held *held, const struct probe_count *count)
{
	struct at *a = data;
	struct probe_count *printed = at_gil_printed(&a->gil, held);

	if (printed == NULL)
		a->counts.failed = true;
	else
		add_new(a, &held->key, held->holder, printed, count);
	return true;
}

bool at_print_counts(struct at *a)
{
	uint64_t before = a->events;
	struct fault f;

	if (probe_session_counts(a->session, add_count, a, &f) != RES_OK ||
	    probe_session_held(a->session, add_held, a, &f) != RES_OK) {
		warn_line("%s", f.text);
		return false;
	}
	if (a->opt->every_ns == 0) {
		counts_print(&a->counts, (size_t)a->opt->top, stdout);
		return true;
	}
	if (a->at_end && a->events == before && a->counts.at.n == 0)
		return true;
	at_every_print(&a->counts, a->opt, clock_now_ns() + a->clock_offset, a->events - before);
	counts_clear(&a->counts);
	at_losses_warn(&a->losses, a->session, a->opt, a->unread != 0 ? a->fault.text : NULL);
	return true;
}

void at_drop_event(void *data, const struct probe_hit *e)
{
	struct at *a = data;

	(void)e;
	a->dropped = true;
	a->events++;
	a->losses.unknown++;
}

/* The events of stacks on whose condition user space has decided: the kernel does not count them as
 * events. */
static uint64_t decided_events(const struct at *a)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->stacks.n; i++) {
		const struct known_stack *s = &a->stacks.at[i];

		if ((s->key.spec & PROBE_KEY_UNDECIDED) != 0 && s->wanted == PROBE_WHEN_TRUE)
			n += probe_session_count(a->session, &s->key);
	}
	return n;
}

uint64_t at_counted_events(const struct at *a)
{
	uint64_t losses[PROBE_LOSSES];

	probe_session_losses(a->session, losses);
	return losses[PROBE_EVENTS] + decided_events(a);
}
