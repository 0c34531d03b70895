/* The BPF program: loaded, attached, read (libbpf). */
#ifdef WITH_LIBBPF

#include "probe/probe_session_impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/probe_lack.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>

enum {
	TRIM = 1 << 24,
	WAITING_RINGS = 4, /* times the ring's size that wait; beyond it the ring gets full */
};

static size_t padded_size(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Wait as many records to be read as may? */
static bool is_full(const struct probe_session *s)
{
	return s->waiting.n - s->read >= WAITING_RINGS * s->ring_size;
}

/* Not 0: no more is to be taken now. */
static int take_record(void *data, void *record, size_t n)
{
	struct probe_session *s = data;
	const struct probe_process_record *process = record; /* if it is one */
	uint64_t size = n;

	if (n >= sizeof(*process) && process->head.kind == PROBE_RECORD_PROCESS) {
		s->stacks.failed |= !probe_processes_take(&s->processes, &process->process);
		s->urgent = true;
		return 0;
	}
	if (process->head.kind == PROBE_RECORD_PYTHON) {
		s->stacks.failed |=
		    !vec_push(&s->pythons, ((const struct probe_pid_record *)record)->pid.seen);
		s->urgent = true;
		return 0;
	}
	if (process->head.kind == PROBE_RECORD_CODE) {
		probe_changes_take(&s->changes, record);
		s->urgent |= ((const struct probe_code_record *)record)->change.kind != PROBE_CODE_UNMAPPED;
		return 0;
	}
	if (!vec_reserve(&s->waiting, s->waiting.n + sizeof(size) + padded_size(n))) {
		s->stacks.failed = true;
		return 0;
	}
	memcpy(s->waiting.at + s->waiting.n, &size, sizeof(size));
	memcpy(s->waiting.at + s->waiting.n + sizeof(size), record, n);
	s->waiting.n += sizeof(size) + padded_size(n);
	return is_full(s) ? -EAGAIN : 0;
}

/* Forget what has been read. */
static void waiting_trim(struct probe_session *s)
{
	s->waiting.n -= s->read;
	memmove(s->waiting.at, s->waiting.at + s->read, s->waiting.n);
	s->read = 0;
}

bool probe_session_pending(const struct probe_session *s)
{
	return s->read < s->waiting.n;
}

/* Tell the program of which code objects the names have arrived: they need not be sent any more.
 * The pieces of one follow each other. */
static void tell_names(struct probe_session *s)
{
	const struct probe_names *names = &s->stacks.names;
	uint32_t yes = 1;

	for (; s->confirmed < names->at.n; s->confirmed++) {
		uint64_t code = names->at.at[s->confirmed].code;

		if (s->confirmed == 0 || names->at.at[s->confirmed - 1].code != code)
			(void)bpf_map__update_elem(
			    s->bpf->maps.codes, &code, sizeof(code), &yes, sizeof(yes), BPF_ANY);
	}
}

/* Read records that wait, for `ns` at most. A stack takes a millisecond or more, so the ring is
 * emptied after each. */
static void read_waiting(struct probe_session *s, int64_t ns, const struct probe_reader *reader)
{
	int64_t end = clock_now_ns() + ns;

	while (probe_session_pending(s) && !s->urgent && clock_now_ns() < end) {
		uint64_t size;

		memcpy(&size, s->waiting.at + s->read, sizeof(size));
		probe_stacks_take(&s->stacks, s->waiting.at + s->read + sizeof(size), size, reader);
		tell_names(s);
		s->read += sizeof(size) + padded_size(size);
		if (s->read == s->waiting.n || s->read > TRIM)
			waiting_trim(s);
		if (!is_full(s))
			(void)ring_buffer__consume(s->ring);
	}
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Returns 0 or an error number. */
static int set_conditions(struct probe_session *s, const struct probe_config *c)
{
	for (uint32_t i = 0; c->conditions != NULL && i < 2 * c->n_specs; i++) {
		if (c->conditions[i] != NULL &&
		    bpf_map__update_elem(s->bpf->maps.conditions, &i, sizeof(i), c->conditions[i],
			sizeof(*c->conditions[i]), BPF_ANY) != 0)
			return errno;
	}
	return 0;
}

/* Load the programs that the probes need, and no others. */
static void choose_programs(struct probe_bpf *b, const struct probe_config *c)
{
	bool enter = false, leave = false, tick = false, off = false, code = false, event = false;

	for (size_t i = 0; i < c->n_specs; i++) {
		enter |= c->specs[i].kind == PROBE_AT_SYSCALL &&
			 (!c->specs[i].is_return || c->specs[i].sums[0].what == PROBE_SUM_DURATION);
		leave |= c->specs[i].kind == PROBE_AT_SYSCALL && c->specs[i].is_return;
		tick |= c->specs[i].kind == PROBE_AT_TICK;
		off |= c->specs[i].kind == PROBE_AT_SWITCH;
		code |= c->specs[i].kind == PROBE_AT_CODE;
		event |= c->specs[i].kind == PROBE_AT_TRACEPOINT;
		if (c->specs[i].kind == PROBE_AT_SWITCH) {
			*(uint32_t *)(uintptr_t)&b->rodata->off_cpu_spec = (uint32_t)i;
			*(uint64_t *)(uintptr_t)&b->rodata->off_cpu_min = c->specs[i].min_ns;
		}
	}
	off |= c->sample_ns != 0; /* of its only spec, 0 */
	(void)bpf_program__set_autoload(b->progs.at_sys_enter, enter);
	(void)bpf_program__set_autoload(b->progs.at_sys_exit, leave);
	(void)bpf_program__set_autoload(b->progs.at_tick, tick);
	(void)bpf_program__set_autoload(b->progs.at_switch, off);
	(void)bpf_program__set_autoload(b->progs.at_code, code);
	(void)bpf_program__set_autoload(b->progs.at_tracepoint, event);
}

/* Enter a system call in the program's table. A number of -1: it has none there. */
static int enter_syscall(struct probe_bpf *b, uint32_t is_return, bool is_32bit, int32_t number, size_t spec)
{
	if (number < 0)
		return 0;
	if (number >= PROBE_SYSCALLS)
		return -EINVAL;
	*(uint8_t *)(uintptr_t)&b->rodata->syscall_specs[is_return != 0][is_32bit][number] =
	    (uint8_t)(spec + 1);
	return 0;
}

static int enter_syscalls(struct probe_bpf *b, const struct probe_config *c)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < c->n_specs; i++) {
		const struct probe_spec_abi *spec = &c->specs[i];

		if (spec->kind != PROBE_AT_SYSCALL)
			continue;
		error = enter_syscall(b, spec->is_return, false, spec->syscall, i);
		if (error == 0)
			error = enter_syscall(b, spec->is_return, true, spec->syscall32, i);
	}
	return error;
}

static int configure_program(struct probe_session *s, const struct probe_config *c)
{
	struct probe_bpf *b = s->bpf;
	int n = libbpf_num_possible_cpus();
	int error;

	if (n <= 0)
		return n == 0 ? -EINVAL : n;
	for (size_t i = 0; i < c->n_specs; i++) {
		struct probe_spec_abi spec = c->specs[i];

		if (c->counting) /* there is no event to put them into */
			spec.texts[0] = spec.texts[1] = 0;
		memcpy((void *)(uintptr_t)&b->rodata->specs[i], &spec, sizeof(spec));
	}
	*(uint32_t *)(uintptr_t)&b->rodata->counting = c->counting;
	*(uint32_t *)(uintptr_t)&b->rodata->conditional = c->conditions != NULL;
	*(uint32_t *)(uintptr_t)&b->rodata->follow_forks = c->follow_forks;
	*(uint32_t *)(uintptr_t)&b->rodata->find_pythons = c->find_pythons;
	*(uint32_t *)(uintptr_t)&b->rodata->pid_namespace = c->pid_namespace;
	(void)bpf_program__set_autoload(b->progs.list_processes, c->pid_namespace != 0);
	*(uint32_t *)(uintptr_t)&b->rodata->follow_execs = c->follow_execs;
	if (c->exe != NULL)
		(void)snprintf((char *)(uintptr_t)b->rodata->exe_name, PROBE_EXE_MAX, "%s", c->exe);
	*(uint64_t *)(uintptr_t)&b->rodata->sample_ns = c->sample_ns;
	s->ring_size = PROBE_BUFFER_MAX;
	while (s->ring_size > PROBE_BUFFER_MIN && s->ring_size > (c->buffer != 0 ? c->buffer : PROBE_BUFFER))
		s->ring_size /= 2;
	choose_programs(b, c);
	probe_holders_choose(b, c);
	(void)bpf_program__set_autoload(b->progs.at_watch, c->watches);
	error = enter_syscalls(b, c);
	if (error == 0)
		error = bpf_map__set_max_entries(b->maps.ring, (uint32_t)s->ring_size);
	for (size_t i = 0; error == 0 && i < c->n_specs; i++) {
		if (c->specs[i].sums[0].what != PROBE_SUM_DURATION)
			continue;
		*(uint32_t *)(uintptr_t)&b->rodata->timing = 1;
		error = bpf_map__set_max_entries(b->maps.calls, PROBE_CALLS);
	}
	if (error == 0)
		error = bpf_map__set_max_entries(b->maps.conditions, 2 * (uint32_t)c->n_specs);
	if (error == 0)
		error = bpf_map__set_max_entries(b->maps.scratches, (uint32_t)n * PROBE_SLOTS);
	if (error == 0)
		error = bpf_map__set_max_entries(b->maps.targets, s->processes.targets);
	if (error == 0)
		error = bpf_map__set_max_entries(b->maps.changes, s->processes.targets);
	if (error == 0 && bpf_program__autoload(b->progs.at_switch))
		error = bpf_map__set_max_entries(b->maps.offs, PROBE_OFFS);
	if (error == 0)
		error = probe_holders_size(b, c);
	return error;
}

/* libbpf finds out by a program of its own, the first time that it attaches one to an event,
 * whether the kernel has links for that. Let it do so now: later, no program may be loaded. */
static void learn_links(struct probe_session *s)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY, .disabled = 1
	};
	struct bpf_program *const of_events[] = { s->bpf->progs.at_code, s->bpf->progs.at_tracepoint,
		s->bpf->progs.at_tick };
	struct bpf_program *one = NULL;
	struct bpf_link *link;
	int fd;

	for (size_t i = 0; one == NULL && i < sizeof(of_events) / sizeof(of_events[0]); i++)
		one = bpf_program__autoload(of_events[i]) ? of_events[i] : NULL;
	fd = one == NULL ? -1 : (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return;
	link = bpf_program__attach_perf_event(one, fd); /* two of them are of another kind: refused */
	if (link == NULL)
		(void)close(fd);
	(void)bpf_link__destroy(link);
}

enum res probe_session_open(const struct probe_config *config, struct probe_session **out, struct fault *f)
{
	struct probe_session *s = calloc(1, sizeof(*s));
	int error = 0;

	if (s == NULL)
		return fault_memory(f);
	s->config = *config;
	/* With the bare ones. A target is filled while the one before is still used. */
	s->processes.targets =
	    config->targets + 3 < PROBE_TARGETS ? (uint32_t)config->targets + 3 : PROBE_TARGETS;
	s->scratch = malloc(sizeof(*s->scratch));
	(void)libbpf_set_print(be_silent);
	s->bpf = probe_bpf__open();
	if (s->scratch == NULL || s->bpf == NULL) {
		error = s->bpf == NULL ? errno : ENOMEM;
	} else {
		error = -configure_program(s, config);
		if (error == 0)
			error = -probe_bpf__load(s->bpf);
		if (error == 0)
			error = probe_processes_begin(s);
		if (error == 0) {
			learn_links(s);
			s->ring = ring_buffer__new(bpf_map__fd(s->bpf->maps.ring), take_record, s, NULL);
			error = s->ring == NULL ? errno : 0;
		}
	}
	if (error == 0) {
		*out = s;
		return RES_OK;
	}
	probe_session_close(s);
	return probe_lack(f, error);
}

void probe_session_close(struct probe_session *s)
{
	if (s == NULL)
		return;
	probe_session_detach(s);
	ring_buffer__free(s->ring);
	probe_bpf__destroy(s->bpf);
	probe_stacks_free(&s->stacks);
	probe_processes_free(&s->processes);
	probe_changes_free(&s->changes);
	vec_free(&s->pythons);
	vec_free(&s->links);
	(void)bpf_link__destroy(s->watch);
	vec_free(&s->lists);
	vec_free(&s->waiting);
	free(s->scratch);
	free(s);
}

void probe_session_decide(struct probe_session *s, const struct probe_begin *begin, uint32_t results)
{
	const struct probe_code_key key = { begin->innermost, begin->key.process };

	if (key.innermost != 0)
		(void)bpf_map__update_elem(
		    s->bpf->maps.named, &key, sizeof(key), &results, sizeof(results), BPF_ANY);
}

/* Set *cookie for a place: its probe, and in the upper half the list of its values plus one.
 * Returns 0 or an error number. */
static int place_cookie(struct probe_session *s, const struct probe_place *p, uint64_t *cookie)
{
	struct probe_value_list list;
	uint32_t i = 0;

	*cookie = p->spec;
	if (p->values == NULL)
		return 0;
	list = *p->values;
	list.texts = s->config.counting ? 0 : list.texts;
	while (i < s->lists.n && memcmp(&s->lists.at[i], &list, sizeof(list)) != 0)
		i++;
	*cookie |= (uint64_t)(i + 1) << 32;
	if (i < s->lists.n)
		return 0;
	if (i == PROBE_VALUE_LISTS)
		return E2BIG;
	if (!vec_push(&s->lists, list))
		return ENOMEM;
	return bpf_map__update_elem(s->bpf->maps.value_lists, &i, sizeof(i), &list, sizeof(list), BPF_ANY) !=
		       0
		   ? errno
		   : 0;
}

static int attach_place(struct probe_session *s, const struct probe_place *p)
{
	bool on_return = s->config.specs[p->spec].is_return != 0 && !p->is_begin;
	LIBBPF_OPTS(bpf_uprobe_opts, code, .retprobe = on_return, .ref_ctr_offset = p->semaphore);
	LIBBPF_OPTS(bpf_tracepoint_opts, event);
	uint64_t cookie;
	int error = place_cookie(s, p, &cookie);
	struct bpf_link *link;

	if (error != 0)
		return error;
	cookie |= p->is_begin ? PROBE_COOKIE_BEGIN : 0;
	code.bpf_cookie = event.bpf_cookie = cookie;
	link = p->file != NULL
		   ? bpf_program__attach_uprobe_opts(s->bpf->progs.at_code, p->pid, p->file, p->offset, &code)
		   : bpf_program__attach_tracepoint_opts(
			 s->bpf->progs.at_tracepoint, p->category, p->event, &event);

	if (link == NULL)
		return errno;
	return vec_push(&s->links, link) ? 0 : ENOMEM;
}

enum res probe_session_attach_places(
    struct probe_session *s, const struct probe_place *places, size_t n, struct fault *f)
{
	int error = set_conditions(s, &s->config);

	for (size_t i = 0; error == 0 && i < n; i++)
		error = attach_place(s, &places[i]);
	return error == 0 ? RES_OK
			  : fault_set(f, 0, error, 0, "the probe cannot be set: %s", strerror(error));
}

enum res probe_session_attach(
    struct probe_session *s, const struct probe_place *places, size_t n, struct fault *f)
{
	int error = set_conditions(s, &s->config);

	if (error == 0)
		error = -probe_bpf__attach(s->bpf);
	probe_processes_begun(&s->processes, (uint64_t)clock_now_ns());
	if (error == 0 && probe_session_attach_places(s, places, n, f) != RES_OK)
		return RES_FAIL;
	s->attached = error == 0;
	probe_holders_list(s);
	for (uint32_t i = 0; error == 0 && i < s->config.n_specs; i++) {
		if (s->config.specs[i].kind == PROBE_AT_TICK)
			error = probe_clocks_attach(s, i, s->config.specs[i].hz);
		if (error == EINVAL && s->config.specs[i].kind == PROBE_AT_TICK)
			return probe_clocks_refused(s->config.specs[i].hz, f);
	}
	if (error == 0 && s->config.sample_ns != 0)
		probe_samples_start(s);
	return error == 0 ? RES_OK : probe_lack(f, error);
}

void probe_session_detach(struct probe_session *s)
{
	if (s->detached == 0)
		s->detached = (uint64_t)clock_now_ns();
	for (size_t i = 0; i < s->links.n; i++)
		(void)bpf_link__destroy(s->links.at[i]);
	s->links.n = 0;
	if (s->bpf != NULL)
		probe_bpf__detach(s->bpf);
}

/* Has a process come or mapped code just now? */
static bool is_hurried(struct probe_session *s)
{
	enum { STILL_NS = 10000000, LONGEST_NS = 500000000 };
	int64_t now = clock_now_ns();

	if (s->urgent) {
		if (now >= s->still_from)
			s->hurried_from = now;
		s->still_from = now + STILL_NS;
		s->urgent = false;
	}
	return now < s->still_from && now < s->hurried_from + LONGEST_NS &&
	       s->waiting.n - s->read < s->ring_size;
}

enum res probe_session_read(
    struct probe_session *s, int ms, const struct probe_reader *reader, struct fault *f)
{
	enum { READ_NS = 50000000, STILL_MS = 10 };
	int still = is_hurried(s) ? STILL_MS : 0;
	int wait = probe_session_pending(s) && still < ms ? still : ms;
	int got = is_full(s) ? 0 : ring_buffer__poll(s->ring, wait);

	if (!is_hurried(s))
		read_waiting(s, READ_NS, reader);
	if (s->stacks.failed) {
		s->stacks.failed = false;
		return fault_memory(f);
	}
	if (got < 0 && got != -EINTR && got != -EAGAIN)
		return fault_set(f, 0, -got, 0, "the ring buffer cannot be read: %s", strerror(-got));
	return RES_OK;
}

enum res probe_session_counts(struct probe_session *s,
    bool (*each)(void *data, const struct probe_key *key, const struct probe_count *count), void *data,
    struct fault *f)
{
	struct probe_key key, *last = NULL;
	struct probe_count count;
	int fd = bpf_map__fd(s->bpf->maps.counts);

	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, &count) != 0)
			return fault_set(f, 0, errno, 0, "the counts cannot be read: %s", strerror(errno));
		if (!each(data, &key, &count))
			return RES_OK;
		last = &key;
	}
	return errno == ENOENT ? RES_OK
			       : fault_set(f, 0, errno, 0, "the counts cannot be read: %s", strerror(errno));
}

uint64_t probe_session_count(const struct probe_session *s, const struct probe_key *key)
{
	struct probe_count count = { 0, 0, 0 };

	(void)bpf_map__lookup_elem(s->bpf->maps.counts, key, sizeof(*key), &count, sizeof(count), 0);
	return count.count;
}

void probe_session_losses(struct probe_session *s, uint64_t out[PROBE_LOSSES])
{
	for (uint32_t i = 0; i < PROBE_LOSSES; i++) {
		out[i] = 0;
		(void)bpf_map__lookup_elem(s->bpf->maps.losses, &i, sizeof(i), &out[i], sizeof(out[i]), 0);
	}
}

#endif
