/* See print_json.h. */
#include "print_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/details.h"
#include "report/json.h"
#include "report/json_tasks.h"
#include "warn.h"

struct printing {
	const char *operand;
	bool begun;   /* the line's start is printed */
	bool listing; /* threads are printed */
	bool any;     /* some thread is */
	bool lost;    /* a message could not be kept */
	double time;  /* when the target had been captured */
	struct strbuf text;
	struct strbuf deadlocks;
	VEC(struct json_message) messages;
	struct json_end end;
};

static struct printing now;

static void write_text(void)
{
	(void)fwrite(strbuf_text(&now.text), 1, now.text.n, stdout);
	strbuf_reset(&now.text);
}

static void keep_message(const struct json_message *message)
{
	struct json_message copy = { message->code, strdup(message->text) };

	if (copy.text != NULL && vec_push(&now.messages, copy))
		return;
	free(copy.text);
	now.lost = true;
}

void print_json_begin(const char *operand)
{
	now = (struct printing){ .operand = operand, .text = now.text };
	warn_keep(keep_message);
}

static double seconds_now(void)
{
	struct timespec t = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void print_json_target(struct ps_prochandle *P, const struct stack_target *t,
    const struct record_process *process, bool counting)
{
	struct record_details details;
	struct fault f = { 0 };

	now.time = process->core == NULL ? seconds_now() : 0;
	now.lost |= details_collect(P, t, process, &details, &f) != RES_OK;
	json_target_begin(now.operand, &details, &now.text);
	details_free(&details);
	now.begun = true;
	now.listing = !counting;
	if (now.listing)
		json_threads_begin(&now.text);
	write_text();
}

void print_json_thread(
    const struct record_thread *t, bool read, bool failed, bool ended, struct text_cache *cache)
{
	json_thread_begin(t, ended, read && !failed && !t->incomplete, !now.any, &now.text);
	now.any = true;
	for (size_t i = 0; read && i < t->items.n;) {
		i = json_frames(t, i, false, cache, &now.text);
		write_text();
	}
	json_thread_end(&now.text);
	write_text();
}

void print_json_tasks_begin(const struct py_tasks *all)
{
	json_threads_end(&now.text);
	now.listing = false;
	json_tasks_begin(all, &now.text);
	write_text();
}

void print_json_task(
    const struct py_tasks *all, size_t i, const struct record_thread *record, struct text_cache *cache)
{
	json_task_begin(all, i, &now.text);
	for (size_t k = 0; k < record->items.n;) {
		k = json_frames(record, k, false, cache, &now.text);
		write_text();
	}
	json_task_end(&now.text);
	write_text();
}

void print_json_tasks_end(void)
{
	json_tasks_end(&now.text);
	write_text();
}

void print_json_deadlock(const deadlock_waits *circle)
{
	json_deadlock(circle, &now.deadlocks);
}

void print_json_samples(const uint64_t samples[4])
{
	now.end.sampled = true;
	memcpy(now.end.samples, samples, sizeof(now.end.samples));
}

void print_json_captured(const struct stack_target *t, bool core)
{
	now.end.held_ns = stack_held_ns(t);
	now.end.threads = stack_threads_all(t);
	now.end.time = now.time;
	now.end.method = core ? "core" : now.end.held_ns > 0 ? "stop" : "passive";
}

void print_json_probed(void)
{
	now.end.time = now.time;
	now.end.method = "probe";
}

bool print_json_end(bool complete)
{
	bool whole;

	warn_keep(NULL);
	if (!now.begun)
		json_target_begin(now.operand, NULL, &now.text);
	if (now.listing)
		json_threads_end(&now.text);
	now.lost |= now.deadlocks.failed;
	now.end.deadlocks = now.deadlocks.failed ? NULL : strbuf_text(&now.deadlocks);
	now.end.messages = now.messages.at;
	now.end.n = now.messages.n;
	now.end.complete = complete && !now.lost;
	whole = json_target_end(&now.end, &now.text) && !now.lost;
	write_text();
	for (size_t i = 0; i < now.messages.n; i++)
		free(now.messages.at[i].text);
	vec_free(&now.messages);
	strbuf_free(&now.deadlocks);
	return whole;
}
