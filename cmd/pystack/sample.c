/* Sampling: capture, read, count, sleep.
 *
 * The handle and the target keep from one sample to the next what is known of the process: its
 * files, symbols and code, and which threads have not run. A handle has the mappings of the time
 * when it was grabbed; if code was mapped since (dlopen), a new handle replaces it. */
#include "sample.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/images.h"
#include "os/mappings.h"
#include "os/read.h"
#include "bounds.h"
#include "interrupts.h"
#include "print_json.h"
#include "warn.h"
#include "refusals.h"
#include "sample_cache.h"
#include "warn_target.h"
#include "source.h"

struct sampling {
	struct ps_prochandle *P;   /* the caller's, or own */
	struct ps_prochandle *own; /* NULL: P is the caller's */
	uint64_t code;             /* os_code_token of P; 0 not known yet */
	int64_t code_next;         /* when to ask next */
	bool json, told;           /* what is known of the process has to be printed; was printed */
	bool cut;                  /* its time was over */
	bool ran;                  /* something was captured by the last sample */
	const struct options *opt;
	struct stack_options stack;
	struct stack_target *target; /* NULL before the first sample */
	struct py_sources *sources;
	struct symbolizer *names; /* of target's handle; NULL before the first sample */
	struct text_cache lines;  /* of names */
	struct counts *counts;
	struct sample_cache cache; /* with --idle */
	uint64_t taken, failed;
	uint64_t lacking;      /* stacks of the last sample that lack something, as remarks say */
	uint64_t incomplete;   /* the same of all samples that were counted */
	uint64_t late, missed; /* taken after the next was due; not taken */
	int64_t cpu;           /* processor time of pystack at its last rest */
	uint64_t rested;       /* samples taken until then */
	struct fault fault;    /* of the last failed sample */
};

/* Sleep until then, or until a signal comes. */
static void sleep_until(int64_t ns)
{
	const struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* True if a frame is where nothing was mapped when P was grabbed. */
static bool is_beyond(struct stack_target *t, const struct stack_thread *th)
{
	for (size_t i = 0; i < th->native.frames.n; i++) {
		if (Paddr_to_map(stack_target_handle(t), th->native.frames.at[i].pc) == NULL)
			return true;
	}
	return false;
}

/* The text by which the stack of thread i is counted, malloc'd; NULL: it has none, or *res says
 * why. *beyond is set if is_beyond of its stack. */
static char *thread_text(struct sampling *s, size_t i, bool *beyond, enum res *res)
{
	const struct collect_options opt = collect_options_of(s->opt);
	struct stack_thread th;
	struct record_thread record = { .name = "" };
	char *text = NULL;

	*res = stack_thread_read(s->target, i, &th, &s->fault);
	if (*res == RES_OK)
		*res = collect_thread(s->target, &th, &opt, s->names, &record, &s->fault);
	if (*res == RES_OK) {
		s->lacking += th.failed || record.incomplete;
		source_give(&record, s->sources, s->target, true);
		text = counts_text(s->counts, &record, &s->lines);
		*beyond |= is_beyond(s->target, &th);
	}
	record_thread_free(&record);
	stack_thread_free(&th);
	return text;
}

struct thread_texts {
	VEC(struct thread_text {
		lwpid_t id;
		bool same;  /* unchanged since the last sample: no text */
		char *text; /* NULL: nothing to count */
	})
	at;
};

static void texts_free(struct thread_texts *x)
{
	for (size_t i = 0; i < x->at.n; i++)
		free(x->at.at[i].text);
	vec_free(&x->at);
}

/* Read the threads of the capture. Nothing is counted yet. */
static enum res read_threads(struct sampling *s, struct thread_texts *x, bool *beyond)
{
	enum res res = RES_OK;

	s->ran = false;
	s->lacking = 0;
	for (size_t i = 0; res == RES_OK && i < stack_threads(s->target); i++) {
		struct thread_text one = { 0, false, NULL };

		one.same = stack_thread_same(s->target, i, &one.id);
		if (!one.same) {
			one.text = thread_text(s, i, beyond, &res);
			s->ran = true;
		}
		if (res == RES_OK && !vec_push(&x->at, one)) {
			free(one.text);
			res = fault_memory(&s->fault);
		}
	}
	return res;
}

static void count_threads(struct sampling *s, struct thread_texts *x)
{
	for (size_t i = 0; i < x->at.n; i++) {
		struct thread_text *one = &x->at.at[i];

		if (one->same) {
			/* Without memory for its entry a thread is not counted again. */
			s->counts->failed |= !sample_cache_again(&s->cache, one->id) && s->opt->idle;
		} else if (s->opt->idle) {
			sample_cache_put(&s->cache, one->id, one->text, s->counts);
			one->text = NULL; /* handed on */
		} else if (one->text != NULL) {
			counts_add(s->counts, one->text, 1);
		}
	}
	sample_cache_round(&s->cache, x->at.n, s->counts);
}

/* The next sample reads every thread again. */
static void drop_target(struct sampling *s)
{
	stack_target_close(s->target);
	s->target = NULL;
	text_cache_free(&s->lines);
	symbolizer_destroy(s->names);
	s->names = NULL;
}

static void own_handle_close(struct sampling *s)
{
	drop_target(s);
	if (s->own == NULL)
		return;
	os_release_images(s->own);
	Prelease(s->own, 0);
	s->own = NULL;
}

/* Grab the process again if code was mapped since. True: it was. The current handle proves its
 * identity. After a check, the next one waits 20 times as long as this one took. */
static bool handle_renew(struct sampling *s)
{
	enum { EVERY_NS = 100000000, SHARE = 20 };
	int64_t begin = clock_now_ns();
	uint64_t code;
	struct ps_prochandle *P;
	bool done = false;
	int error;

	if (begin < s->code_next)
		return false;
	code = os_code_token(s->P);
	if (s->code == 0)
		s->code = code;
	if (code != s->code && code != 0) {
		P = os_grab_again(s->P, PGRAB_RDONLY | (s->opt->force ? PGRAB_FORCE : 0), &error);
		if (P != NULL && os_same_process(s->P)) {
			own_handle_close(s);
			s->P = s->own = P;
			s->code = os_code_token_grabbed(P);
			done = true;
		} else if (P != NULL) {
			Prelease(P, 0);
		}
	}
	s->code_next = clock_now_ns() + EVERY_NS + (clock_now_ns() - begin) * SHARE;
	return done;
}

/* Capture. Names are kept from sample to sample; lines are not, as code objects get new numbers. */
static enum res sampling_capture(struct sampling *s)
{
	enum res res = s->target == NULL ? stack_target_open(s->P, &s->stack, &s->target, &s->fault)
					 : stack_target_recapture(s->target, s->P, &s->fault);

	text_cache_free(&s->lines);
	if (res == RES_OK)
		res = symbolizer_follow(&s->names, stack_target_handle(s->target), &s->fault);
	if (res == RES_OK)
		symbolizer_want(s->names, symbol_wants_of(s->opt));
	return res;
}

/* Say what is known of the process, once. */
static void tell_json(struct sampling *s)
{
	struct collect_buffers buffers;
	struct record_process process;

	if (!s->json || s->told)
		return;
	s->told = true;
	collect_process(s->P, NULL, true, &buffers, &process);
	print_json_target(s->P, s->target, &process, true);
}

static enum res sample_take(struct sampling *s)
{
	struct thread_texts texts = { VEC_EMPTY };
	const uint64_t refused = refusals_count();
	bool beyond = false;
	enum res res;

	if (s->ran)
		(void)handle_renew(s);
	bounds_begin(s->opt, true);
	res = sampling_capture(s);
	if (res == RES_OK)
		res = read_threads(s, &texts, &beyond);
	if (res == RES_OK && beyond && handle_renew(s)) {
		texts_free(&texts);
		res = sampling_capture(s);
		if (res == RES_OK)
			res = read_threads(s, &texts, &beyond);
	}
	if (res == RES_OK && stack_states_cut(s->target))
		res = fault_set(&s->fault, 0, 0, 0, "the list of Python threads could not be read whole");
	s->cut = bounds_end();
	if (s->cut)
		res = fault_set(&s->fault, 0, 0, 0, "the time for a sample was over (--timeout)");
	if (res == RES_OK && refusals_count() != refused)
		res = fault_set(&s->fault, 0, 0, 0, "memory or a file was refused");
	if (res == RES_OK) {
		count_threads(s, &texts);
		s->incomplete += s->lacking;
		tell_json(s);
	} else {
		drop_target(s); /* it takes the threads that were read for counted */
	}
	texts_free(&texts);
	return res;
}

static void show_progress(const struct sampling *s, int64_t *shown, int64_t now)
{
	enum { EVERY_NS = 200000000 };

	if (now - *shown < EVERY_NS)
		return;
	*shown = now;
	(void)fprintf(stderr, "\r%" PRIu64 " samples, %" PRIu64 " failed; ^C ends", s->taken, s->failed);
}

/* True if the process has exited or executed another program. */
static bool target_gone(struct ps_prochandle *P)
{
	const psinfo_t *info = Ppsinfo(P);

	return info == NULL || info->pr_lwp.pr_sname == 'Z' || !os_same_process(P);
}

/* Processor time of pystack, ns. */
static int64_t cpu_ns(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The next sample is due already. Leave the target alone for as much time as a sample costs, so
 * that it is not sampled all the time. */
static void rest_after_late(struct sampling *s)
{
	int64_t cpu = cpu_ns(), n = (int64_t)(s->taken - s->rested);
	int64_t cost = n <= 0 ? 0 : (cpu - s->cpu) / n;

	s->cpu = cpu;
	s->rested = s->taken;
	sleep_until(clock_now_ns() + cost);
}

/* Wait until the sample after the one that was due at `due`. Returns the time it is due. */
static int64_t next_due(struct sampling *s, int64_t due)
{
	enum { BEHIND_NS = 1000000000 }; /* later samples are skipped */
	int64_t every = s->opt->interval_ns, now = clock_now_ns();
	int64_t most = every > BEHIND_NS ? every : BEHIND_NS;

	due += every;
	if (due > now) {
		sleep_until(due);
		return due;
	}
	if (now - due > most) {
		int64_t n = (now - due - most) / every + 1;

		s->missed += (uint64_t)n;
		due += n * every;
	}
	rest_after_late(s);
	return due;
}

/* True if the time is over, or will be when the next sample is due. */
static bool sampling_is_over(const struct sampling *s, int64_t begin, int64_t due)
{
	return s->opt->duration_ns != 0 &&
	       (due - begin >= s->opt->duration_ns || clock_now_ns() - begin >= s->opt->duration_ns);
}

static void sampling_loop(struct sampling *s)
{
	int64_t every = s->opt->interval_ns, begin = clock_now_ns(), due = begin, shown = begin, end;
	bool tty = isatty(STDERR_FILENO) != 0;

	while (!interrupts_came() && (s->opt->samples == 0 || s->taken < (uint64_t)s->opt->samples)) {
		s->late += clock_now_ns() >= due + every;
		s->taken++;
		if (sample_take(s) != RES_OK) {
			/* It was broken off: nobody misses it. */
			if (interrupts_came() && s->cut) {
				s->taken--;
				break;
			}
			s->failed++;
			if (target_gone(s->P))
				break;
		}
		if (tty)
			show_progress(s, &shown, clock_now_ns());
		if (sampling_is_over(s, begin, due + every))
			break;
		due = next_due(s, due);
		if (sampling_is_over(s, begin, due)) {
			due -= every;
			break;
		}
	}
	/* Count samples that were due before the end and were not taken. */
	end = clock_now_ns();
	if (s->opt->duration_ns != 0 && end > begin + s->opt->duration_ns)
		end = begin + s->opt->duration_ns;
	if (s->opt->samples == 0 && s->opt->duration_ns != 0 && end > due)
		s->missed += (uint64_t)((end - due - 1) / every);
	if (tty)
		(void)fputs("\r\x1b[K", stderr);
}

static void warn_losses(const struct sampling *s, const char *operand)
{
	struct record_warning w = { .operand = operand };

	if (s->failed > 0) {
		w.code = WARN_SAMPLES_FAILED;
		w.count[0] = s->failed;
		w.count[1] = s->taken;
		w.detail = s->fault.text;
		warn_record(&w);
	}
	if (s->incomplete > 0) {
		w.code = WARN_STACKS_LACKING;
		w.count[0] = s->incomplete;
		warn_record(&w);
	}
	w.count[0] = s->taken;
	w.count[1] = s->late;
	w.count[2] = s->missed;
	if (s->failed > 0 && s->failed == s->taken)
		return; /* that says enough */
	if (s->late > 0 || s->missed > 0)
		w.code = WARN_SAMPLES_LATE;
	else if (s->opt->verbose || s->taken == 0)
		w.code = WARN_SAMPLES_TAKEN; /* none, if it was interrupted before the first */
	else
		return;
	warn_record(&w);
}

enum outcome sample_process(
    struct ps_prochandle *P, const struct operand *o, const struct options *opt, struct counts *counts)
{
	struct sampling s = { .P = P, .opt = opt, .stack = stack_options_of(opt, o), .counts = counts };
	struct interrupts before;
	unsigned remarks = 0;
	bool whole;

	s.json = opt->output == COUNTS_JSON;
	s.stack.sampling = true;
	s.stack.running = !opt->idle;
	if (os_is_core(P)) {
		warn_code(WARN_SAMPLE_CORE, o->typed);
		return NOTHING;
	}
	if (Pstatus(P)->pr_pid == getpid()) {
		warn_code(WARN_SAMPLE_SELF, o->typed);
		return NOTHING;
	}
	s.code = os_code_token_grabbed(P);
	s.sources = source_open(P, NULL, opt);
	interrupts_catch(&before);
	sampling_loop(&s);
	interrupts_release(&before);
	if (s.json && s.target != NULL)
		print_json_captured(s.target, false);
	if (s.json)
		print_json_samples((uint64_t[]){ s.taken, s.failed, s.late, s.missed });
	warn_turn(s.P, o->typed);
	whole = s.target == NULL || warn_files(s.target, o->typed, opt->verbose);
	own_handle_close(&s);
	source_warn(s.sources, o->typed, opt->verbose, &remarks);
	py_sources_destroy(s.sources);
	sample_cache_free(&s.cache, counts);
	warn_losses(&s, o->typed);
	if (s.failed == s.taken)
		return NOTHING;
	return whole && s.failed == 0 && s.incomplete == 0 ? DONE : PARTLY;
}
