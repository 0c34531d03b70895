/* Stacks at probes are read and named, each once. */
#include "at_impl.h"

#include <stdlib.h>
#include <string.h>

#include "at_json.h"
#include "at_key.h"
#include "at_python.h"
#include "at_recorded.h"
#include "base/escape.h"
#include "source.h"
#include "report/collect.h"
#include "report/text.h"
#include "print_target.h"

struct known_stack *at_stack_of(const struct at *a, const struct probe_key *key)
{
	uint32_t i;

	return addrmap_get(&a->by_hash, at_key_hash(key), &i) ? &a->stacks.at[i] : NULL;
}

/* Takes what *one owns. */
static void add_stack(struct at *a, const struct known_stack *one)
{
	if (vec_push(&a->stacks, *one) &&
	    addrmap_put(&a->by_hash, at_key_hash(&one->key), (uint32_t)(a->stacks.n - 1)))
		return;
	free(one->text);
	free(one->interps);
	a->counts.failed = true;
}

/* The text that a stack is counted by, with its process if that was not named, and with the name of
 * its probe if there are several. Takes `text`. */
static char *counted_text(struct at *a, const struct observed *o, uint32_t spec, char *text)
{
	bool folded = a->opt->output == COUNTS_FOLDED, several = a->probes.n > 1 && spec < a->probes.n;
	struct strbuf named = STRBUF_EMPTY;

	if (text != NULL && a->opt->output == COUNTS_JSON && spec < a->probes.n) {
		char *json = at_json_counted(
		    &a->probes, spec, a->opt->sum, at_is_open_ended(a->opt) ? o->name : NULL, o->pid, text);

		a->counts.failed |= json == NULL;
		free(text);
		return json;
	}
	if (text == NULL || (!several && !at_is_open_ended(a->opt)))
		return text;
	if (at_is_open_ended(a->opt)) {
		strbuf_str(&named, folded ? "" : "  ");
		escape_text(&named, o->name, strlen(o->name), folded);
		strbuf_fmt(&named, folded ? "-%u;" : "-%u\n", o->pid);
	}
	if (several)
		strbuf_fmt(&named, folded ? "%s;" : "  %s\n", a->probes.at[spec].name);
	strbuf_str(&named, text);
	free(text);
	text = named.failed ? NULL : strdup(strbuf_text(&named));
	a->counts.failed |= text == NULL;
	strbuf_free(&named);
	return text;
}

/* The text of a stack, however long it is. NULL: out of memory. */
static char *whole_text(const struct at *a, const struct record_thread *record, struct text_cache *lines)
{
	const struct text_style style = text_style_of(a->opt);
	struct strbuf out = STRBUF_EMPTY;
	char *text;

	for (size_t i = 0; i < record->items.n;) {
		struct strbuf part = STRBUF_EMPTY; /* text_stack stops at one that is full */

		i = text_stack(record, i, &style, lines, &part);
		strbuf_str(&out, strbuf_text(&part));
		out.failed |= part.failed;
		strbuf_free(&part);
	}
	text = out.failed ? NULL : strdup(strbuf_text(&out));
	strbuf_free(&out);
	return text;
}

/* Set *out to the interpreters of a stack, NULL if the process has one. False: out of memory. */
static bool copy_interps(const struct record_thread *record, char **out)
{
	struct strbuf text = STRBUF_EMPTY;

	text_interps(record, &text);
	*out = text.n == 0 || text.failed ? NULL : strdup(strbuf_text(&text));
	text.failed |= text.n != 0 && *out == NULL;
	strbuf_free(&text);
	return !text.failed;
}

/* Make the text of a stack. */
static enum res make_text(struct at *a, struct handle *h, const struct probe_begin *b,
    struct record_thread *record, struct known_stack *out)
{
	enum counts_format format = a->opt->output;
	char *text;
	size_t n;

	if (out->awaits_gil && format == COUNTS_JSON && !record_remark_first(record, REMARK_GIL))
		return fault_memory(&a->fault);
	text = a->opt->counting || format == COUNTS_JSON ? counts_text(&a->counts, record, &h->lines)
							 : whole_text(a, record, &h->lines);
	/* With -p, and no Python frame, the event is printed all the same. */
	if (!a->opt->counting && text == NULL && record->items.n == 0)
		text = strdup("\"frames\":[]");
	n = text == NULL ? 0 : strlen(text);
	if (!a->opt->counting && (text == NULL || !copy_interps(record, &out->interps))) {
		free(text);
		return fault_memory(&a->fault);
	}
	out->text = a->opt->counting ? counted_text(a, observing_find(&a->processes, b->key.process),
					   b->key.spec & PROBE_KEY_SPEC, text)
				     : text;
	if (out->awaits_gil && out->text != NULL && !at_gil_mark(out, n, format))
		return fault_memory(&a->fault);
	return RES_OK;
}

/* Is there an activation whose Python frames are missing? */
static bool lacks_python(const struct stack_thread *th)
{
	for (size_t i = 0; i < th->join.items.n; i++) {
		if (th->join.items.at[i].kind == JOIN_BARE)
			return true;
	}
	return false;
}

/* As collect_thread, of a thread that has no stack any more. */
static enum res collect_gone(const struct collect_options *opt, struct record_thread *record, struct fault *f)
{
	return opt->python_only || record_remark_first(record, REMARK_EXITS) ? RES_OK : fault_memory(f);
}

/* The thread of a record, read, joined and named. */
static enum res read_stack(struct at *a, struct handle *h, const struct probe_ranges *replaced,
    const struct probe_stack *s, struct known_stack *out)
{
	const struct collect_options opt = collect_options_of(a->opt);
	const struct probe_begin *b = s->begin;
	struct at_recorded recorded;
	struct stack_thread th = { .failed = false };
	struct record_thread record = { .name = "" };
	bool is_gone = (b->flags & PROBE_STACK_GONE) != 0;
	enum res res;

	at_recorded_set(&recorded, s, replaced);
	out->awaits_gil = (b->flags & PROBE_STACK_GIL) != 0;
	res = is_gone ? RES_OK : at_recorded_read(&recorded, h, a->opt, &th, &a->fault);
	if (res == RES_OK) {
		out->wanted = at_python_judge(&a->probes, a->session, h->target, &th, b);
		if (out->wanted != PROBE_WHEN_TRUE) {
			stack_thread_free(&th);
			return RES_OK;
		}
	}
	if (res == RES_OK)
		res = is_gone ? collect_gone(&opt, &record, &a->fault)
			      : collect_thread(h->target, &th, &opt, h->names, &record, &a->fault);
	source_give(&record, h->sources, h->target, a->opt->counting);
	if (res == RES_OK)
		res = make_text(a, h, b, &record, out);
	/* It has no Python frame, and nothing else was asked for. */
	if (res == RES_OK && out->text == NULL && !a->counts.failed && a->opt->python_only) {
		if (lacks_python(&th))
			res = fault_set(&a->fault, 0, 0, 0, "their Python frames are not known");
		else
			out->wanted = PROBE_WHEN_FALSE;
	}
	source_warn(h->sources, "--source", a->opt->verbose, &a->remarks);
	a->failed |= res == RES_OK && (record.incomplete || record.unread != 0 || th.failed);
	record_thread_free(&record);
	stack_thread_free(&th);
	return res;
}

void at_take_stack(void *data, const struct probe_stack *s)
{
	struct at *a = data;
	struct known_stack one = { .key = s->begin->key, .wanted = PROBE_WHEN_TRUE };
	const uint32_t spec = s->begin->key.spec & PROBE_KEY_SPEC;
	struct probe_ranges replaced;
	struct handle *h;

	if (spec < a->probes.n) /* for a moment only, perhaps */
		a->probes.at[spec].mapped = true;
	/* Behind the last event that is printed there may be thousands, of milliseconds each. */
	if (at_is_enough(a) || at_stack_of(a, &s->begin->key) != NULL)
		return;
	h = observing_reader(&a->processes, s->begin, &replaced, &a->fault);
	if (h == NULL || read_stack(a, h, &replaced, s, &one) != RES_OK)
		a->unread++;
	vec_free(&replaced.at);
	add_stack(a, &one);
}

void at_drop_stack(void *data, const struct probe_stack *s)
{
	struct at *a = data;

	(void)s;
	a->dropped = true;
}

void at_stacks_free(struct at *a)
{
	for (size_t i = 0; i < a->stacks.n; i++) {
		free(a->stacks.at[i].text);
		free(a->stacks.at[i].interps);
	}
	vec_free(&a->stacks);
	addrmap_free(&a->by_hash);
	at_gil_free(&a->gil);
}
