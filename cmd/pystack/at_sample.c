/* Sampling by clocks in the kernel, where threads are not stopped: see lib/probe/bpf/samples.h for
 * what is counted. */
#include "at_sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "at_drain.h"
#include "at_key.h"
#include "at_losses.h"
#include "at_namespace.h"
#include "at_observed.h"
#include "at_recorded.h"
#include "base/clock.h"
#include "interrupts.h"
#include "os/restrict.h"
#include "print_json.h"
#include "report/collect.h"
#include "source.h"
#include "warn.h"

/* A stack that was sent. */
struct sent {
	struct probe_key key;
	char *text; /* owned; NULL: it is not counted, or could not be read */
	bool unread;
	bool lacks; /* something, as a remark says */
};

struct sampling {
	struct options opt; /* with the operand as its only probe, for messages */
	struct probe_session *session;
	struct observing processes; /* the first is the operand */
	struct counts *counts;
	VEC(struct sent) stacks;
	struct addrmap by_hash; /* hash of a key → index in stacks */
	struct at_losses losses;
	struct fault fault; /* of the last stack that could not be read */
	uint64_t unread;
	uint64_t incomplete; /* counted stacks that lack something, as remarks say */
	unsigned remarks;    /* about source files */
	bool dropped;        /* stacks were not read, as it would have taken too long */
	uint64_t samples;    /* to be taken; 0: without end */
	int64_t begin, end;  /* end: 0 until then */
	bool gone;           /* the process has exited, or has executed another program */
};

/* --- stacks --- */

static const struct sent *sent_of(const struct sampling *s, const struct probe_key *key)
{
	uint32_t i;

	return addrmap_get(&s->by_hash, at_key_hash(key), &i) ? &s->stacks.at[i] : NULL;
}

/* The text that a stack is counted by. NULL: it has none, as by -p without Python. */
static enum res read_stack(struct sampling *s, struct handle *h, const struct probe_ranges *replaced,
    const struct probe_stack *stack, struct sent *out)
{
	const struct collect_options opt = collect_options_of(&s->opt);
	struct at_recorded recorded;
	struct stack_thread th = { .failed = false };
	struct record_thread record = { .name = "" };
	enum res res;

	at_recorded_set(&recorded, stack, replaced);
	res = at_recorded_read(&recorded, h, &s->opt, &th, &s->fault);
	if (res == RES_OK)
		res = collect_thread(h->target, &th, &opt, h->names, &record, &s->fault);
	if (res == RES_OK) {
		source_give(&record, h->sources, h->target, true);
		out->text = counts_text(s->counts, &record, &h->lines);
		out->lacks = th.failed || record.incomplete;
		source_warn(h->sources, s->opt.at[0], s->opt.verbose, &s->remarks);
	}
	record_thread_free(&record);
	stack_thread_free(&th);
	return res;
}

static void take_stack(void *data, const struct probe_stack *stack)
{
	struct sampling *s = data;
	struct sent one = { .key = stack->begin->key };
	struct probe_ranges replaced;
	struct handle *h;

	if (sent_of(s, &one.key) != NULL)
		return;
	h = observing_reader(&s->processes, stack->begin, &replaced, &s->fault);
	one.unread = h == NULL || read_stack(s, h, &replaced, stack, &one) != RES_OK;
	vec_free(&replaced.at);
	s->unread += one.unread;
	if (vec_push(&s->stacks, one) &&
	    addrmap_put(&s->by_hash, at_key_hash(&one.key), (uint32_t)(s->stacks.n - 1)))
		return;
	free(one.text);
	s->counts->failed = true;
}

static void drop_stack(void *data, const struct probe_stack *stack)
{
	struct sampling *s = data;

	(void)stack;
	s->dropped = true;
}

static void take_event(void *data, const struct probe_hit *event)
{
	(void)data; /* the kernel counts */
	(void)event;
}

static bool add_count(void *data, const struct probe_key *key, const struct probe_count *count)
{
	struct sampling *s = data;
	const struct sent *sent = sent_of(s, key);

	/* Another program that the process has executed is not sampled. */
	if (count->count == 0 || key->process != s->processes.at.at[0]->number)
		return true;
	if (sent == NULL || sent->unread)
		s->losses.unknown += count->count;
	else if (sent->text != NULL)
		counts_add(s->counts, sent->text, count->count);
	if (sent != NULL && sent->text != NULL && sent->lacks)
		s->incomplete += count->count;
	return true;
}

/* --- time --- */

/* The number of samples that were due until now, or the end. */
static uint64_t samples_taken(const struct sampling *s)
{
	int64_t now = s->end != 0 ? s->end : clock_now_ns();
	uint64_t n = (uint64_t)((now - s->begin) / s->opt.interval_ns);

	return s->samples != 0 && n > s->samples ? s->samples : n;
}

/* As many as from outside, where the first one is taken at once. */
static uint64_t samples_wanted(const struct options *opt)
{
	uint64_t every = (uint64_t)opt->interval_ns, n = ((uint64_t)opt->duration_ns + every - 1) / every;

	if (opt->samples == 0 || (n != 0 && n < (uint64_t)opt->samples))
		return n;
	return (uint64_t)opt->samples;
}

/* When the last sample is over, which may be a little later than it is due. */
static int64_t end_of(const struct sampling *s)
{
	enum { LATE_NS = 2000000 };
	int64_t every = s->opt.interval_ns;

	if (s->samples == 0 || s->samples > (uint64_t)(INT64_MAX - s->begin) / (uint64_t)every - 1)
		return INT64_MAX;
	return s->begin + (int64_t)s->samples * every + (every / 2 < LATE_NS ? every / 2 : LATE_NS);
}

static void show_progress(const struct sampling *s)
{
	(void)fprintf(stderr, "\r%" PRIu64 " samples; ^C ends", samples_taken(s));
}

/* RES_FAIL: reading failed; s->fault has the reason. */
static enum res sampling_loop(struct sampling *s)
{
	enum { WAIT_MS = 100 };
	const struct probe_reader reader = { s, take_stack, take_event };
	const struct probe_reader dropping = { s, drop_stack, take_event };
	bool tty = isatty(STDERR_FILENO) != 0;
	int64_t end = end_of(s);
	enum res res = RES_OK;

	while (res == RES_OK && !interrupts_came() && !s->gone && clock_now_ns() < end) {
		int64_t left = (end - clock_now_ns()) / 1000000 + 1;

		res =
		    probe_session_read(s->session, left < WAIT_MS ? (int)left : WAIT_MS, &reader, &s->fault);
		observing_update(&s->processes);
		(void)observing_sweep(&s->processes, !probe_session_pending(s->session));
		s->gone = s->processes.at.at[0]->gone;
		if (tty)
			show_progress(s);
	}
	s->end = clock_now_ns();
	probe_session_detach(s->session);
	if (res == RES_OK)
		res = at_drain(s->session, &reader, &dropping, &s->fault);
	if (s->dropped && res == RES_OK)
		at_drain_fault(&s->fault);
	if (tty)
		(void)fputs("\r\x1b[K", stderr);
	return res;
}

/* --- the whole --- */

static void sampling_free(struct sampling *s)
{
	observing_free(&s->processes);
	for (size_t i = 0; i < s->stacks.n; i++)
		free(s->stacks.at[i].text);
	vec_free(&s->stacks);
	addrmap_free(&s->by_hash);
	probe_session_close(s->session);
}

/* RES_FAIL: f says why it cannot be done. RES_NONE: the process cannot be observed; a message was
 * printed. */
static enum res sampling_start(struct sampling *s, const struct operand *o, struct fault *f)
{
	enum { BUFFER = 1 << 23 }; /* bytes; only new stacks are sent, one for each clock and tick at most */
	static const struct probe_spec_abi spec = {
		.kind = PROBE_AT_TICK, .syscall = -1, .syscall32 = -1, .hz = 1
	};
	struct probe_config config = { .specs = &spec,
		.n_specs = 1,
		.counting = true,
		.targets = 1,
		.buffer = BUFFER,
		.sample_ns = (uint64_t)s->opt.interval_ns,
		.samples = s->samples };

	if (at_namespace_find(&config.pid_namespace, f) != RES_OK ||
	    probe_session_open(&config, &s->session, f) != RES_OK)
		return RES_FAIL;
	os_restrict_programs();
	s->processes.session = s->session;
	if (!observing_add(&s->processes, o->typed))
		return RES_NONE;
	s->begin = clock_now_ns();
	if (probe_session_attach(s->session, NULL, 0, f) != RES_OK)
		return RES_FAIL;
	observing_attached(&s->processes);
	return RES_OK;
}

/* Is there something that is done from outside only? */
static enum res check_request(const struct operand *o, const struct options *opt, struct fault *why)
{
	enum { SHORTEST_NS = 100000 };

	if (o->lwps != NULL)
		return fault_set(why, 0, 0, 0, "threads are selected");
	if (opt->interval_ns < SHORTEST_NS)
		return fault_set(why, 0, 0, 0, "-i is less than 100us");
	return RES_OK;
}

/* Say what is known of the process. */
static void tell_json(const struct sampling *s)
{
	const struct observed *o = s->processes.at.at[0];
	struct collect_buffers buffers;
	struct record_process process;

	collect_process(o->now.P, NULL, true, &buffers, &process);
	print_json_target(o->now.P, o->now.target, &process, true);
	print_json_probed();
}

static enum outcome sampling_finish(struct sampling *s, const struct operand *o, enum res res)
{
	struct record_warning w = { .code = WARN_SAMPLES_TAKEN, .operand = o->typed };
	bool ok = true;

	w.count[0] = samples_taken(s);
	if (s->opt.output == COUNTS_JSON)
		print_json_samples((uint64_t[]){ w.count[0], 0, 0, 0 });
	if (res == RES_OK)
		res = probe_session_counts(s->session, add_count, s, &s->fault);
	if (res == RES_OK)
		probe_session_waiting(s->session, add_count, s);
	if (res != RES_OK) {
		warn_line("%s", s->fault.text);
		ok = false;
	}
	if (s->gone) {
		w = (struct record_warning){ .code = WARN_SAMPLES_FAILED,
			.operand = o->typed,
			.count = { 1, w.count[0] + 1 },
			.detail = "the process has exited or executed another program" };
		ok = false;
	}
	if (s->gone || s->opt.verbose)
		warn_record(&w);
	if (s->incomplete > 0)
		warn_record(&(struct record_warning){
		    .code = WARN_STACKS_LACKING, .operand = o->typed, .count = { s->incomplete } });
	at_losses_warn(&s->losses, s->session, &s->opt, s->unread != 0 || s->dropped ? s->fault.text : NULL);
	return ok && s->incomplete == 0 && !s->losses.any && !s->processes.failed ? DONE : PARTLY;
}

bool at_sample(const struct operand *o, const struct options *opt, struct counts *counts,
    enum outcome *outcome, struct fault *why)
{
	struct sampling s = { .opt = *opt, .counts = counts, .samples = samples_wanted(opt) };
	struct interrupts before;
	enum res res;

	*why = (struct fault){ 0 };
	if (check_request(o, opt, why) != RES_OK)
		return false;
	s.opt.at[0] = o->typed;
	s.processes.opt = &s.opt;
	interrupts_catch(&before);
	res = sampling_start(&s, o, why);
	if (res == RES_OK && opt->output == COUNTS_JSON)
		tell_json(&s);
	if (res == RES_OK) {
		(void)fputs(
		    "pystack: sampling in the kernel (profile); --no-bpf samples from outside\n", stderr);
		*outcome = sampling_finish(&s, o, sampling_loop(&s));
	} else if (res == RES_NONE) {
		*outcome = NOTHING;
	}
	sampling_free(&s);
	interrupts_release(&before);
	return res != RES_FAIL;
}
