/* PRIVATE to at*.c: a run of --at.
 *
 *   at.c         what is observed, and for how long
 *   at_stacks.c  each stack is read once, when its key is new
 *   at_events.c  events and counts refer to it by its key */
#ifndef PYSTACK_AT_IMPL_H
#define PYSTACK_AT_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "at_command.h"
#include "at_gil.h"
#include "at_losses.h"
#include "at_observed.h"
#include "at_probes.h"
#include "base/addrmap.h"
#include "base/vec.h"
#include "options.h"
#include "probe/probe.h"
#include "report/counts.h"

/* A stack that was sent. */
struct known_stack {
	struct probe_key key;
	char *text; /* owned; NULL: there is none */
	enum probe_when_result wanted;
	struct probe_count printed; /* what has been printed of its count */
	char *interps;              /* owned; NULL: the process has one interpreter */
	bool awaits_gil;
	size_t gil_at, gil_n; /* where `text` has the line about that; n 0: nowhere */
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
	struct at_gil gil;
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

/* True if processes are observed that were not named. */
static inline bool at_is_open_ended(const struct options *opt)
{
	return opt->exe != NULL || opt->all;
}

/* True if as many events have been printed as were asked for. */
static inline bool at_is_enough(const struct at *a)
{
	return !a->opt->counting && a->opt->samples != 0 && a->events >= (uint64_t)a->opt->samples;
}

/* The stack with this key, or NULL. */
struct known_stack *at_stack_of(const struct at *a, const struct probe_key *key);
void at_stacks_free(struct at *a);

/* For struct probe_reader: stacks and events as they come; and those that there is no time for. */
void at_take_stack(void *at, const struct probe_stack *s);
void at_drop_stack(void *at, const struct probe_stack *s);
void at_take_event(void *at, const struct probe_hit *e);
void at_drop_event(void *at, const struct probe_hit *e);

/* The number of events that the kernel has counted. */
uint64_t at_counted_events(const struct at *a);

/* Print the counts, with --every those since the last time. False: a message was printed. */
bool at_print_counts(struct at *a);

#endif
