/* Stacks at probes: each stack is read once, when its key is new; events refer to it by its key. */
#include "at.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "at_arguments.h"
#include "at_command.h"
#include "at_drain.h"
#include "at_every.h"
#include "at_find.h"
#include "at_json.h"
#include "at_losses.h"
#include "at_namespace.h"
#include "at_observed.h"
#include "at_probes.h"
#include "at_python.h"
#include "at_recorded.h"
#include "at_sum.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/hash.h"
#include "interrupts.h"
#include "probe/probe.h"
#include "source.h"
#include "report/collect.h"
#include "report/counts.h"
#include "report/text.h"
#include "report/text_color.h"
#include "print_target.h"
#include "warn.h"

/* A stack that was sent. */
struct known_stack {
	struct probe_key key;
	char *text; /* owned; NULL: there is none */
	enum probe_when_result wanted;
	struct probe_count printed; /* what has been printed of its count */
	char *interps;              /* owned; NULL: the process has one interpreter */
};

struct at {
	const struct options *opt;
	struct command command;
	size_t attached; /* of probes.places */
	struct at_probes probes;
	struct probe_session *session;
	struct observing processes;
	VEC(struct known_stack) stacks;
	struct addrmap by_hash; /* hash of a key → index in stacks */
	struct counts counts;
	struct fault fault; /* of the last stack that could not be read */
	uint64_t unread;    /* stacks that could not be read */
	unsigned remarks;   /* about source files */
	struct at_losses losses;
	uint64_t events;
	bool dropped;         /* stacks or events were not read, as it would have taken too long */
	bool at_end;          /* nothing more comes */
	bool failed;          /* an operand cannot be observed, or a stack is incomplete */
	int64_t clock_offset; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
};

static uint64_t hash_key(const struct probe_key *key)
{
	return hash_word(hash_word(key->hash, key->process), key->spec);
}

static struct known_stack *stack_of(const struct at *a, const struct probe_key *key)
{
	uint32_t i;

	return addrmap_get(&a->by_hash, hash_key(key), &i) ? &a->stacks.at[i] : NULL;
}

/* Takes what *one owns. */
static void add_stack(struct at *a, const struct known_stack *one)
{
	if (vec_push(&a->stacks, *one) &&
	    addrmap_put(&a->by_hash, hash_key(&one->key), (uint32_t)(a->stacks.n - 1)))
		return;
	free(one->text);
	free(one->interps);
	a->counts.failed = true;
}

/* Are processes observed that were not named? */
static bool is_open_ended(const struct options *opt)
{
	return opt->exe != NULL || opt->all;
}

/* The text that a stack is counted by, with its process if that was not named, and with the name of
 * its probe if there are several. Takes `text`. */
static char *counted_text(struct at *a, const struct observed *o, uint32_t spec, char *text)
{
	bool folded = a->opt->output == COUNTS_FOLDED, several = a->probes.n > 1 && spec < a->probes.n;
	struct strbuf named = STRBUF_EMPTY;

	if (text != NULL && a->opt->output == COUNTS_JSON && spec < a->probes.n) {
		char *json = at_json_counted(
		    &a->probes, spec, a->opt->sum, is_open_ended(a->opt) ? o->name : NULL, o->pid, text);

		a->counts.failed |= json == NULL;
		free(text);
		return json;
	}
	if (text == NULL || (!several && !is_open_ended(a->opt)))
		return text;
	if (is_open_ended(a->opt)) {
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

static bool is_off_cpu(const struct at *a, const struct probe_key *key)
{
	const struct at_probe *probe = at_probe_of(&a->probes, key);

	return probe != NULL && probe->spec.kind == PROBE_OFF_CPU;
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
	enum res res;

	at_recorded_set(&recorded, s, replaced);
	recorded.r.wants_status = is_off_cpu(a, &b->key);
	res = at_recorded_read(&recorded, h, a->opt, &th, &a->fault);
	if (res == RES_OK) {
		out->wanted = at_python_judge(&a->probes, a->session, h->target, &th, b);
		if (out->wanted != PROBE_WHEN_TRUE) {
			stack_thread_free(&th);
			return RES_OK;
		}
	}
	if (res == RES_OK)
		res = collect_thread(h->target, &th, &opt, h->names, &record, &a->fault);
	if (res == RES_OK && recorded.r.wants_status && stack_recorded_awaits_gil(h->target, &recorded.r) &&
	    !record_remark_first(&record, REMARK_GIL))
		res = fault_memory(&a->fault);
	source_give(&record, h->sources, h->target, a->opt->counting);
	if (res == RES_OK && a->opt->counting) {
		out->text = counted_text(a, observing_find(&a->processes, b->key.process),
		    b->key.spec & PROBE_KEY_SPEC, counts_text(&a->counts, &record, &h->lines));
	} else if (res == RES_OK) {
		out->text = a->opt->output == COUNTS_JSON ? counts_text(&a->counts, &record, &h->lines)
							  : whole_text(a, &record, &h->lines);
		if (out->text == NULL || !copy_interps(&record, &out->interps))
			res = fault_memory(&a->fault);
	}
	/* It has no Python frame, and nothing else was asked for. */
	if (res == RES_OK && out->text == NULL && !a->counts.failed && a->opt->python_only)
		out->wanted = PROBE_WHEN_FALSE;
	source_warn(h->sources, "--source", a->opt->verbose, &a->remarks);
	a->failed |= res == RES_OK && (record.incomplete || record.unread != 0 || th.failed);
	record_thread_free(&record);
	stack_thread_free(&th);
	return res;
}

/* Have as many events been printed as were asked for? */
static bool is_enough(const struct at *a)
{
	return !a->opt->counting && a->opt->samples != 0 && a->events >= (uint64_t)a->opt->samples;
}

static void take_stack(void *data, const struct probe_stack *s)
{
	struct at *a = data;
	struct known_stack one = { .key = s->begin->key, .wanted = PROBE_WHEN_TRUE };
	struct probe_ranges replaced;
	struct handle *h;

	/* Behind the last event that is printed there may be thousands, of milliseconds each. */
	if (is_enough(a) || stack_of(a, &s->begin->key) != NULL)
		return;
	h = observing_reader(&a->processes, s->begin, &replaced, &a->fault);
	if (h == NULL || read_stack(a, h, &replaced, s, &one) != RES_OK)
		a->unread++;
	vec_free(&replaced.at);
	add_stack(a, &one);
}

/* Is a condition not true of `n` events with this stack, or undecided, and counted as such? */
static bool is_left_out(struct at *a, const struct known_stack *s, uint64_t n)
{
	if (s->wanted == PROBE_WHEN_UNKNOWN)
		a->losses.untested += n;
	return s->wanted != PROBE_WHEN_TRUE;
}

static void take_event(void *data, const struct probe_hit *e)
{
	struct at *a = data;
	const struct known_stack *s = stack_of(a, &e->key);
	const struct observed *o = observing_find(&a->processes, e->key.process);
	const char *text = s == NULL || s->text == NULL ? TEXT_INDENT "(its stack is missing)\n" : s->text;
	struct strbuf when = STRBUF_EMPTY, what = STRBUF_EMPTY, name = STRBUF_EMPTY;

	if (is_enough(a) || (s != NULL && is_left_out(a, s, 1)))
		return;
	a->events++;
	a->losses.unknown += s == NULL || s->text == NULL;
	if (a->opt->output == COUNTS_JSON) {
		at_json_event(&a->probes, e, o == NULL ? 0 : (unsigned)o->pid,
		    (int64_t)e->time + a->clock_offset, s == NULL ? NULL : s->text);
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
}

/* What is printed for a stack: a count, or a sum, that of times in microseconds. */
static uint64_t counted(const struct at *a, const struct probe_key *key, uint64_t n, uint64_t sum)
{
	if (at_sum_is_time(&a->probes, key))
		return (sum + 500) / 1000;
	return a->opt->sum != NULL ? sum : n;
}

/* Add what was counted since the last time. A stack may be on its way: its events are added when it
 * has come. */
static bool add_count(void *data, const struct probe_key *key, const struct probe_count *count)
{
	struct at *a = data;
	struct known_stack *s = stack_of(a, key);
	uint64_t n = count->count, sum = count->sum;

	if (s == NULL) {
		a->losses.unknown += a->at_end ? n : 0;
		a->events += a->at_end ? n : 0;
		return true;
	}
	n -= s->printed.count;
	sum -= s->printed.sum;
	/* A value is added after its event has been counted. */
	if (n == 0 && sum == 0)
		return true;
	s->printed = *count;
	if (is_left_out(a, s, n))
		return true;
	a->events += n;
	if (s->text == NULL)
		a->losses.unknown += n;
	else
		counts_add(&a->counts, s->text, counted(a, key, n, sum));
	return true;
}

/* Print the counts, with --every those since the last time. False: a message was printed. */
static bool print_counts(struct at *a)
{
	uint64_t before = a->events;
	struct fault f;

	if (probe_session_counts(a->session, add_count, a, &f) != RES_OK) {
		(void)fprintf(stderr, "pystack: %s\n", f.text);
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

/* Is there nothing more to wait for? */
static bool is_over(struct at *a, int64_t end)
{
	uint64_t losses[PROBE_LOSSES];

	if (interrupts_came() || clock_now_ns() >= end || is_enough(a) || command_has_ended(&a->command))
		return true;
	if (a->opt->counting && a->opt->samples != 0) {
		probe_session_losses(a->session, losses);
		if (losses[PROBE_EVENTS] + decided_events(a) >= (uint64_t)a->opt->samples)
			return true;
	}
	return !observing_sweep(&a->processes, !probe_session_pending(a->session)) && !is_open_ended(a->opt);
}

/* Set the probes in code that has been mapped, in all processes. */
static void place_new(struct at *a)
{
	struct fault f;

	for (size_t i = 0; i < a->processes.at.n; i++) {
		struct observed *o = a->processes.at.at[i];

		if (o->placed || o->now.P == NULL)
			continue;
		o->placed = true;
		if (!at_probes_place_everywhere(
			a->opt, &a->probes, o->now.P, stack_python_process(o->now.target)))
			a->failed = true;
	}
	if (a->attached < a->probes.places.n &&
	    probe_session_attach_places(a->session, a->probes.places.at + a->attached,
		a->probes.places.n - a->attached, &f) != RES_OK) {
		(void)fprintf(stderr, "pystack: --at %s: %s\n", a->opt->at[0], f.text);
		a->failed = true;
	}
	a->attached = a->probes.places.n;
}

/* Look at the processes that have come and at what they have mapped. */
static void update(struct at *a)
{
	observing_update(&a->processes);
	place_new(a);
}

static void drop_stack(void *data, const struct probe_stack *s)
{
	struct at *a = data;

	(void)s;
	a->dropped = true;
}

static void drop_event(void *data, const struct probe_hit *e)
{
	struct at *a = data;

	(void)e;
	a->dropped = true;
	a->events++;
	a->losses.unknown++;
}

/* False: reading failed; a message was printed. */
static bool at_loop(struct at *a)
{
	enum { WAIT_MS = 100, SEARCH_NS = 1000000000 };
	int64_t search = clock_now_ns() + SEARCH_NS;
	const struct probe_reader reader = { a, take_stack, take_event };
	const struct probe_reader dropping = { a, drop_stack, drop_event };
	int64_t now = clock_now_ns(), every = a->opt->every_ns;
	int64_t end = a->opt->duration_ns == 0 ? INT64_MAX : now + a->opt->duration_ns;
	int64_t next = every == 0 ? INT64_MAX : now + every;
	struct fault f;
	enum res res = RES_OK;
	bool ok = true;

	while (res == RES_OK && ok && !is_over(a, end)) {
		int64_t left;

		now = clock_now_ns();
		if (every != 0 && now >= next) {
			ok = print_counts(a);
			next += (1 + (now - next) / every) * every;
		}
		left = ((end < next ? end : next) - now) / 1000000 + 1;

		res = probe_session_read(a->session, left < WAIT_MS ? (int)left : WAIT_MS, &reader, &f);
		update(a);
		at_find_mapped(&a->processes);
		if (a->opt->all && clock_now_ns() >= search) {
			search = clock_now_ns() + SEARCH_NS;
			at_find_pythons(&a->processes);
		}
		(void)fflush(stdout);
	}
	probe_session_detach(a->session);
	if (res == RES_OK)
		res = at_drain(a->session, &reader, &dropping, &f);
	if (res != RES_OK)
		(void)fprintf(stderr, "pystack: %s\n", f.text);
	return res == RES_OK && ok;
}

static void at_free(struct at *a)
{
	observing_free(&a->processes);
	for (size_t i = 0; i < a->stacks.n; i++)
		free(a->stacks.at[i].text);
	for (size_t i = 0; i < a->stacks.n; i++)
		free(a->stacks.at[i].interps);
	vec_free(&a->stacks);
	addrmap_free(&a->by_hash);
	counts_free(&a->counts);
	probe_session_close(a->session);
	at_probes_free(&a->probes);
}

static bool observe_operands(struct at *a, int argc, char **argv)
{
	for (int i = a->opt->first; i < argc; i++)
		a->failed |= !observing_add(&a->processes, argv[i]);
	for (size_t i = 0; i < a->processes.at.n; i++) {
		struct observed *o = a->processes.at.at[i];

		if (a->opt->children)
			continue; /* their children need them, too: they are set in all processes */
		if (!at_probes_place(a->opt, &a->probes, o->now.P, stack_python_process(o->now.target)))
			return false;
		o->placed = true;
	}
	return a->processes.at.n != 0 || is_open_ended(a->opt);
}

static bool expect_command(struct at *a, char **argv)
{
	return command_start(&a->command, argv) &&
	       observing_expect(&a->processes, a->command.pid, a->command.name);
}

/* Observe the processes that the options ask for and that exist. */
static void find_processes(struct at *a)
{
	if (a->opt->exe != NULL)
		at_find_named(&a->processes, a->opt->exe);
	if (a->opt->all)
		at_find_pythons(&a->processes);
	if (a->opt->children && !a->opt->command)
		at_find_children(&a->processes);
	place_new(a);
}

static bool look(void *data)
{
	enum { WAIT_MS = 1 };
	struct at *a = data;
	const struct probe_reader reader = { a, take_stack, take_event };
	struct fault f;

	if (probe_session_read(a->session, WAIT_MS, &reader, &f) != RES_OK)
		return false; /* told by the next one */
	update(a);
	return true;
}

static bool run_command(struct at *a)
{
	if (!command_go(&a->command))
		return false;
	command_look(&a->command, &a->processes, look, a);
	return true;
}

static bool start(struct at *a, int argc, char **argv)
{
	enum { COMMAND_TARGETS = 3 }; /* it may be a script that executes its interpreter */
	struct probe_config config = { .counting = a->opt->counting, .buffer = a->opt->buffer };
	struct fault f = { 0 };

	if (!at_probes_find(a->opt, &a->probes))
		return false;
	config.specs = a->probes.abi;
	config.n_specs = a->probes.n;
	config.conditions = (const struct probe_when *const *)a->probes.conditions;
	config.follow_forks = a->opt->children || is_open_ended(a->opt);
	config.follow_execs = a->opt->children || !is_open_ended(a->opt);
	config.watches = a->opt->command;
	config.exe = a->opt->all ? "python" : a->opt->exe;
	config.find_pythons = a->opt->all;
	config.targets = config.follow_forks ? PROBE_TARGETS
			 : a->opt->command   ? COMMAND_TARGETS
					     : (size_t)(argc - a->opt->first);
	if (at_namespace_find(&config.pid_namespace, &f) == RES_OK &&
	    probe_session_open(&config, &a->session, &f) == RES_OK) {
		a->processes.session = a->session;
		if (!(a->opt->command ? expect_command(a, argv + a->opt->first)
				      : observe_operands(a, argc, argv)) ||
		    !at_probes_place_kernel(&a->probes))
			return false;
		a->attached = a->probes.places.n;
		if (probe_session_attach(a->session, a->probes.places.at, a->attached, &f) == RES_OK) {
			observing_attached(&a->processes);
			find_processes(a);
			/* The command does not begin after a signal. */
			return !a->opt->command || (!interrupts_came() && run_command(a));
		}
	}
	(void)fprintf(stderr, "pystack: --at %s: %s\n", a->opt->at[0], f.text);
	return false;
}

enum outcome at_run(int argc, char **argv, const struct options *opt)
{
	struct at a = { .opt = opt,
		.processes = { .opt = opt },
		.command = { .go = -1, .error = -1 },
		.counts = { .format = opt->output, .style = text_style_of(opt) } };
	struct timespec mono, real;
	enum outcome outcome = NOTHING;
	bool ok;

	interrupts_catch(NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &mono);
	(void)clock_gettime(CLOCK_REALTIME, &real);
	a.clock_offset = ((int64_t)real.tv_sec - mono.tv_sec) * 1000000000 + real.tv_nsec - mono.tv_nsec;
	if (opt->output == COUNTS_JSON)
		at_json_begin();
	if (start(&a, argc, argv)) {
		if (opt->verbose)
			(void)fputs("pystack: attached; ^C ends\n", stderr);
		at_find_refused(&a.processes, opt->exe != NULL ? "--exe" : opt->all ? "--all" : "-r");
		ok = at_loop(&a);
		a.at_end = true;
		if (opt->counting)
			ok &= print_counts(&a);
		if (a.dropped)
			at_drain_fault(&a.fault);
		at_losses_warn(&a.losses, a.session, opt, a.unread != 0 || a.dropped ? a.fault.text : NULL);
		if (opt->verbose)
			(void)fprintf(stderr, "pystack: %" PRIu64 " events, %zu distinct stacks\n", a.events,
			    a.stacks.n);
		ok &= !a.losses.any && !a.counts.failed && !a.failed && !a.processes.failed;
		outcome = ok ? DONE : PARTLY;
	}
	if (opt->output == COUNTS_JSON)
		at_json_end(a.events, outcome == DONE);
	at_free(&a);
	(void)fflush(stdout);
	command_finish(&a.command, interrupts_by_key());
	return outcome;
}
