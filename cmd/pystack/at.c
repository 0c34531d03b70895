/* Stacks at probes: what is observed, and for how long. */
#include "at.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "at_drain.h"
#include "at_find.h"
#include "at_impl.h"
#include "at_json.h"
#include "at_namespace.h"
#include "base/clock.h"
#include "interrupts.h"
#include "os/restrict.h"
#include "print_target.h"
#include "refusals.h"
#include "rights.h"
#include "warn.h"

/* Is there nothing more to wait for? */
static bool is_over(struct at *a, int64_t end)
{
	if (interrupts_came() || clock_now_ns() >= end || at_is_enough(a) || command_has_ended(&a->command))
		return true;
	if (a->opt->counting && a->opt->samples != 0 && at_counted_events(a) >= (uint64_t)a->opt->samples)
		return true;
	return !observing_sweep(&a->processes, !probe_session_pending(a->session)) &&
	       !at_is_open_ended(a->opt);
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
		warn_line("--at %s: %s", a->opt->at[0], f.text);
		a->failed = true;
	}
	a->attached = a->probes.places.n;
}

/* Look at the processes that have come and at what they have mapped. */
static void update_processes(struct at *a)
{
	observing_update(&a->processes);
	place_new(a);
}

/* False: reading failed; a message was printed. */
static bool at_loop(struct at *a)
{
	enum { WAIT_MS = 100, SEARCH_NS = 1000000000 };
	int64_t search = clock_now_ns() + SEARCH_NS;
	const struct probe_reader reader = { a, at_take_stack, at_take_event };
	const struct probe_reader dropping = { a, at_drop_stack, at_drop_event };
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
			ok = at_print_counts(a);
			next += (1 + (now - next) / every) * every;
		}
		left = ((end < next ? end : next) - now) / 1000000 + 1;

		res = probe_session_read(a->session, left < WAIT_MS ? (int)left : WAIT_MS, &reader, &f);
		update_processes(a);
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
		warn_line("%s", f.text);
	return res == RES_OK && ok;
}

static void at_free(struct at *a)
{
	observing_free(&a->processes);
	at_stacks_free(a);
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
	return a->processes.at.n != 0 || at_is_open_ended(a->opt);
}

static bool expect_command(struct at *a)
{
	return observing_expect(&a->processes, a->command.pid, a->command.name);
}

/* A command keeps the rights that pystack gives up before it reads a file. */
static bool fork_command(struct at *a, int argc, char **argv)
{
	if (!a->opt->command)
		return true;
	if (!command_start(&a->command, argv + a->opt->first))
		return false;
	rights_drop(a->opt, argc, argv);
	return true;
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

static bool read_records(void *data)
{
	enum { WAIT_MS = 1 };
	struct at *a = data;
	const struct probe_reader reader = { a, at_take_stack, at_take_event };
	struct fault f;

	if (probe_session_read(a->session, WAIT_MS, &reader, &f) != RES_OK)
		return false; /* told by the next one */
	update_processes(a);
	return true;
}

static bool run_command(struct at *a)
{
	if (!command_go(&a->command))
		return false;
	command_look(&a->command, &a->processes, read_records, a);
	return true;
}

static bool start_observing(struct at *a, int argc, char **argv)
{
	enum { COMMAND_TARGETS = 3 }; /* it may be a script that executes its interpreter */
	struct probe_config config = { .counting = a->opt->counting, .buffer = a->opt->buffer };
	struct fault f = { 0 };

	if (!fork_command(a, argc, argv) || !at_probes_find(a->opt, &a->probes))
		return false;
	config.specs = a->probes.abi;
	config.n_specs = a->probes.n;
	config.conditions = (const struct probe_when *const *)a->probes.conditions;
	config.follow_forks = a->opt->children || at_is_open_ended(a->opt);
	config.follow_execs = a->opt->children || !at_is_open_ended(a->opt);
	config.watches = a->opt->command;
	config.exe = a->opt->all ? "python" : a->opt->exe;
	config.find_pythons = a->opt->all;
	config.targets = config.follow_forks ? PROBE_TARGETS
			 : a->opt->command   ? COMMAND_TARGETS
					     : (size_t)(argc - a->opt->first);
	if (at_namespace_find(&config.pid_namespace, &f) == RES_OK &&
	    probe_session_open(&config, &a->session, &f) == RES_OK) {
		os_restrict_programs();
		a->processes.session = a->session;
		if (!(a->opt->command ? expect_command(a) : observe_operands(a, argc, argv)) ||
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
	warn_line("--at %s: %s", a->opt->at[0], f.text);
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
	if (start_observing(&a, argc, argv)) {
		if (opt->verbose)
			(void)fputs("pystack: attached; ^C ends\n", stderr);
		at_find_refused(&a.processes, opt->exe != NULL ? "--exe" : opt->all ? "--all" : "-r");
		if (opt->exe != NULL)
			at_find_none(&a.processes, opt->exe);
		ok = at_loop(&a);
		a.at_end = true;
		if (opt->counting)
			ok &= at_print_counts(&a);
		if (a.dropped)
			at_drain_fault(&a.fault);
		at_losses_warn(&a.losses, a.session, opt, a.unread != 0 || a.dropped ? a.fault.text : NULL);
		/* Without a process that was said at the beginning. */
		a.failed |= a.processes.at.n != 0 && !at_probes_are_mapped(&a.probes);
		if (opt->verbose)
			(void)fprintf(stderr, "pystack: %" PRIu64 " events, %zu distinct stacks\n", a.events,
			    a.stacks.n);
		ok &= !refusals_warn("--at", true) && !a.losses.any && !a.counts.failed && !a.failed &&
		      !a.processes.failed;
		outcome = ok ? DONE : PARTLY;
	}
	if (opt->output == COUNTS_JSON)
		at_json_end(a.events, outcome == DONE);
	at_free(&a);
	(void)fflush(stdout);
	command_finish(&a.command, interrupts_by_key());
	return outcome;
}
