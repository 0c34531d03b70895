/* See print_tasks.h. */
#include "print_tasks.h"

#include <stdio.h>
#include <stdlib.h>

#include "print_json.h"
#include "print_target.h"
#include "report/tasks.h"
#include "report/text.h"
#include "report/text_color.h"
#include "report/text_tasks.h"
#include "warn.h"

static const char lost_line[] = TEXT_INDENT "(a line is missing: out of memory)\n";

/* Print the text; a line that had no room is told. */
static void flush_text(const struct print_tasks *p, struct strbuf *text)
{
	bool missing = text->failed;

	text_write(strbuf_text(text), text->n, p->opt->color == COLOR_ALWAYS, stdout);
	strbuf_reset(text);
	text->failed = false;
	if (missing)
		(void)fputs(lost_line, stdout);
}

static void print_block(struct print_tasks *p, size_t i, const struct record_thread *record)
{
	const struct text_style style = text_style_of(p->opt);
	const struct py_tasks *all = stack_tasks(p->target);
	struct strbuf text = STRBUF_EMPTY;

	text_task_header(all, &all->at.at[i], &text);
	flush_text(p, &text);
	text_task_state(all, &all->at.at[i], &text);
	flush_text(p, &text);
	for (size_t k = 0; k < record->items.n;) {
		k = text_stack(record, k, &style, p->cache, &text);
		flush_text(p, &text);
	}
	strbuf_free(&text);
}

static void count_task(struct print_tasks *p, const struct record_thread *record)
{
	char *text = counts_text(p->counts, record, p->cache);

	if (text != NULL)
		counts_add(p->counts, text, 1);
	free(text);
}

/* False: something of it is missing. */
static bool print_task(struct print_tasks *p, size_t i)
{
	struct record_thread record;
	struct fault f = { 0 };
	bool ok = tasks_collect(p->target, i, &record, &f) == RES_OK;

	record.source = (struct record_source){ .files = p->sources,
		.target = p->target,
		.frames = stack_tasks(p->target)->stack.frames.at,
		.places = p->counts != NULL };
	if (p->counts != NULL)
		count_task(p, &record);
	else if (p->opt->output == COUNTS_JSON)
		print_json_task(stack_tasks(p->target), i, &record, p->cache);
	else
		print_block(p, i, &record);
	ok = ok && !record.incomplete;
	p->unread += record.unread;
	record_thread_free(&record);
	return ok;
}

static bool print_loop(struct print_tasks *p, size_t loop)
{
	const struct py_tasks *all = stack_tasks(p->target);
	struct strbuf text = STRBUF_EMPTY;
	task_visits visits;
	struct fault f = { 0 };
	size_t n = 0;
	bool ok = tasks_order(all, loop, &visits, &f) == RES_OK;

	for (size_t i = 0; i < visits.n; i++)
		n += !visits.at[i].again;
	if (n > 0) {
		text_loop_header(all, loop, n, &text);
		flush_text(p, &text);
	}
	for (size_t i = 0; i < visits.n; i++) {
		text_task_line(all, &visits.at[i], &text);
		flush_text(p, &text);
	}
	if (!ok)
		(void)fputs(lost_line, stdout);
	for (size_t i = 0; i < visits.n; i++) {
		if (!visits.at[i].again && !task_runs(&all->at.at[visits.at[i].task]))
			ok &= print_task(p, visits.at[i].task);
	}
	strbuf_free(&text);
	vec_free(&visits);
	return ok;
}

static bool warn_greenlets(struct print_tasks *p)
{
	const struct py_greenlets_lack *lack = &stack_tasks(p->target)->lack;

	if (lack->free_threaded)
		warn_code(WARN_GREENLETS_BUILD, p->operand);
	if (lack->unsearched || lack->unread)
		warn_code(WARN_GREENLETS_UNREAD, p->operand);
	if (lack->unknown)
		warn_record(&(struct record_warning){ .code = WARN_GREENLET_UNKNOWN,
		    .operand = p->operand,
		    .detail = lack->version[0] == '\0' ? "?" : lack->version });
	if (lack->left != 0)
		warn_record(&(struct record_warning){
		    .code = WARN_GREENLETS_MORE, .operand = p->operand, .count = { lack->left } });
	return !lack->free_threaded && !lack->unsearched && !lack->unread && !lack->unknown &&
	       lack->left == 0;
}

static bool warn_missing(struct print_tasks *p)
{
	const struct py_tasks *all = stack_tasks(p->target);

	if (all->more)
		warn_record(&(struct record_warning){
		    .code = WARN_TASKS_MORE, .operand = p->operand, .count = { PY_TASKS_MAX } });
	if (all->missed)
		warn_code(WARN_TASKS_UNREAD, p->operand);
	return warn_greenlets(p) && !all->more && !all->missed;
}

bool print_tasks(struct print_tasks *p)
{
	const struct py_tasks *all = stack_tasks(p->target);
	bool json = p->opt->output == COUNTS_JSON && p->counts == NULL, ok = true;

	if (json)
		print_json_tasks_begin(all);
	for (size_t i = 0; (json || p->counts != NULL) && i < all->at.n; i++) {
		if (json || !task_runs(&all->at.at[i]))
			ok &= print_task(p, i);
	}
	if (json)
		print_json_tasks_end();
	for (size_t i = 0; !json && p->counts == NULL && i <= all->loops.n && all->at.n > 0; i++)
		ok &= print_loop(p, i);
	return warn_missing(p) && ok;
}
