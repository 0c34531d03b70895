/* The processes in the maps of the BPF program.
 *
 *   pids ─ pid ─> number ─ processes ─> address space ─ targets ─> its code and its Pythons
 *
 * The program gives numbers to children and to programs that are executed; user space to those that
 * it adds. A target is filled before a process gets it, and afterwards only its windows change. */
#include "probe/probe.h"

#ifdef WITH_LIBBPF

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "probe/probe_session_impl.h"
#include "probe/probe_target.h"

/* Give s->scratch to the program. */
static bool target_update(const struct probe_session *s)
{
	uint32_t index = s->scratch->index;

	return bpf_map__update_elem(s->bpf->maps.targets, &index, sizeof(index), s->scratch,
		   sizeof(*s->scratch), BPF_ANY) == 0;
}

static bool process_update(const struct probe_session *s, const struct probe_process *p)
{
	return bpf_map__update_elem(
		   s->bpf->maps.processes, &p->number, sizeof(p->number), p, sizeof(*p), BPF_ANY) == 0;
}

static enum res refuse_update(struct fault *f)
{
	return fault_set(f, 0, errno, 0, "a map of the BPF program refuses it: %s", strerror(errno));
}

int probe_processes_begin(struct probe_session *s)
{
	memset(s->scratch, 0, sizeof(*s->scratch));
	s->scratch->changes = UINT64_MAX; /* each word that may be an address is code */
	s->scratch->index = PROBE_TARGET_BARE_32;
	s->scratch->word = sizeof(uint32_t);
	if (!target_update(s))
		return errno;
	s->scratch->index = PROBE_TARGET_BARE;
	s->scratch->word = sizeof(uint64_t);
	return target_update(s) ? 0 : errno;
}

/* The id in the initial namespace of process `seen`; 0: it is not there. */
static uint32_t initial_pid(const struct probe_session *s, uint32_t seen)
{
	struct bpf_link *link;
	struct probe_pid one;
	uint32_t pid = 0;
	int fd;

	if (s->config.pid_namespace == 0)
		return seen;
	link = bpf_program__attach_iter(s->bpf->progs.list_processes, NULL);
	fd = link == NULL ? -1 : bpf_iter_create(bpf_link__fd(link));
	/* Records are read whole: the kernel's buffer holds a number of them. */
	while (fd >= 0 && pid == 0 && read(fd, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
		if (one.seen == seen)
			pid = one.pid;
	}
	if (fd >= 0)
		(void)close(fd);
	if (link != NULL)
		(void)bpf_link__destroy(link);
	return pid;
}

/* Add a process that has a target, or waits for its program. */
static enum res process_add(struct probe_session *s, struct probe_process *p,
    const struct probe_threads *threads, uint32_t *number, struct fault *f)
{
	p->pid = initial_pid(s, p->seen);
	if (p->pid == 0)
		return fault_set(f, G_NOPROC, 0, 0, "it is not in this pid namespace, or has ended");
	p->number = p->from = PROBE_ADDED + s->processes.added++;
	p->how = PROBE_PROCESS_ADDED;
	p->since = (uint64_t)clock_now_ns();
	if (p->number >= PROBE_PROCESSES)
		return fault_set(f, 0, 0, 0, "more than %d processes", PROBE_PROCESSES);
	if (!probe_processes_take(&s->processes, p))
		return fault_memory(f);
	p->selected = threads != NULL;
	if (threads != NULL && bpf_map__update_elem(s->bpf->maps.selections, &p->number, sizeof(p->number),
				   threads, sizeof(*threads), BPF_ANY) != 0)
		return refuse_update(f);
	if (!process_update(s, p) || bpf_map__update_elem(s->bpf->maps.pids, &p->pid, sizeof(p->pid),
					 &p->number, sizeof(p->number), BPF_ANY) != 0)
		return refuse_update(f);
	if (s->attached)
		probe_holders_list(s);
	*number = p->number;
	return RES_OK;
}

/* Describe P in a target that is not in use, and pass it to the program. */
static enum res fill_new(struct probe_session *s, struct ps_prochandle *P, const struct py_process *py,
    uint32_t *target, struct fault *f)
{
	*target = probe_processes_free_target(&s->processes, UINT32_MAX);
	if (*target == PROBE_TARGET_BARE)
		return fault_set(
		    f, 0, 0, 0, "more than %u processes", s->processes.targets - PROBE_TARGET_FIRST);
	memset(s->scratch, 0, sizeof(*s->scratch));
	if (probe_target_fill(P, py, s->scratch, f) != RES_OK)
		return RES_FAIL;
	s->scratch->index = *target;
	/* Not the number in the map: P's mappings may be older than the attachment. */
	s->scratch->changes = UINT64_MAX;
	return target_update(s) ? RES_OK : refuse_update(f);
}

enum res probe_session_add(
    struct probe_session *s, const struct probe_observed *one, uint32_t *number, struct fault *f)
{
	struct probe_process p = { .observed = 1, .seen = one->pid };

	(void)ring_buffer__consume(s->ring); /* a child may have the target of a parent that has ended */
	return fill_new(s, one->P, one->py, &p.target, f) == RES_OK
		   ? process_add(s, &p, one->threads, number, f)
		   : RES_FAIL;
}

enum res probe_session_expect(struct probe_session *s, uint32_t pid, uint32_t *number, struct fault *f)
{
	struct probe_process p = { .target = PROBE_TARGET_BARE, .seen = pid };

	return process_add(s, &p, NULL, number, f);
}

bool probe_session_python(struct probe_session *s, uint32_t *pid)
{
	if (s->pythons.n == 0)
		return false;
	*pid = s->pythons.at[--s->pythons.n];
	return true;
}

size_t probe_session_processes(const struct probe_session *s)
{
	return s->processes.at.n;
}

struct probe_process probe_session_process(const struct probe_session *s, size_t i)
{
	return s->processes.at.at[i];
}

bool probe_session_lives(struct probe_session *s, uint32_t number)
{
	const struct probe_process *p = probe_processes_find(&s->processes, number);
	uint32_t now = UINT32_MAX;

	if (p != NULL &&
	    bpf_map__lookup_elem(s->bpf->maps.pids, &p->pid, sizeof(p->pid), &now, sizeof(now), 0) == 0 &&
	    now == number)
		return true;
	probe_processes_end(&s->processes, number);
	return false;
}

void probe_session_remove(struct probe_session *s, uint32_t number)
{
	const struct probe_process *p = probe_processes_find(&s->processes, number);

	if (p != NULL && probe_session_lives(s, number))
		(void)bpf_map__delete_elem(s->bpf->maps.pids, &p->pid, sizeof(p->pid), 0);
	probe_processes_end(&s->processes, number);
}

uint64_t probe_session_changes(const struct probe_session *s, uint32_t number)
{
	const struct probe_process *p = probe_processes_find(&s->processes, number);
	uint64_t changes = 0;

	if (p != NULL)
		(void)bpf_map__lookup_elem(
		    s->bpf->maps.changes, &p->target, sizeof(p->target), &changes, sizeof(changes), 0);
	return changes;
}

/* A child has its parent's code until one of them changes its own: from the fork on, what either
 * has changed until its own moment counts. */
void probe_session_replaced(struct probe_session *s, uint32_t number, uint64_t at,
    const struct probe_reading *reading, struct probe_ranges *out)
{
	const uint64_t from = reading->from, upto = reading->upto;
	const uint32_t zero = 0;
	uint64_t lost = 0;

	*out = (struct probe_ranges){ .all = false };
	if (bpf_map__lookup_elem(s->bpf->maps.changes_lost, &zero, sizeof(zero), &lost, sizeof(lost), 0) == 0)
		probe_changes_forget(&s->changes, lost);
	while (number != reading->process) {
		const struct probe_process *p = probe_processes_find(&s->processes, number);

		if (p == NULL || p->how != PROBE_PROCESS_FORKED || p->from == number) {
			out->all = true;
			return;
		}
		probe_changes_between(&s->changes, number, p->since, at, true, out);
		at = p->since;
		number = p->from;
	}
	if (probe_processes_find(&s->processes, number) == NULL ||
	    from < probe_processes_find(&s->processes, number)->since)
		out->all = true; /* it was not watched */
	if (at < from)
		probe_changes_between(&s->changes, number, at, upto, false, out);
	else
		probe_changes_between(&s->changes, number, from, at > upto ? at : upto, false, out);
}

/* Padding is zero in both. */
static bool same_bytes(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

/* Has the target in s->scratch the interpreters py? */
static bool has_pythons(const struct probe_session *s, const struct py_process *py)
{
	size_t n = py == NULL ? 0 : py_runtimes(py);
	bool same = n == s->scratch->n_pythons;

	for (size_t i = 0; same && i < n; i++) {
		struct py_offsets one;

		memset(&one, 0, sizeof(one));
		same = py_offsets_get(py, i, &one) && same_bytes(&one, &s->scratch->pythons[i], sizeof(one));
	}
	return same;
}

enum res probe_session_refresh(struct probe_session *s, uint32_t number, struct ps_prochandle *P,
    const struct py_process *py, uint64_t *changes, struct fault *f)
{
	struct probe_process *p;
	uint32_t target;

	(void)ring_buffer__consume(s->ring); /* as above; it may move *p */
	p = probe_processes_find(&s->processes, number);
	if (p == NULL)
		return fault_set(f, 0, 0, 0, "it is not observed");
	if (bpf_map__lookup_elem(
		s->bpf->maps.targets, &p->target, sizeof(p->target), s->scratch, sizeof(*s->scratch), 0) != 0)
		return refuse_update(f);
	if (p->target < PROBE_TARGET_FIRST || probe_processes_shares(&s->processes, p->target, number) ||
	    !has_pythons(s, py)) {
		if (fill_new(s, P, py, &target, f) != RES_OK)
			return RES_FAIL;
		p->target = target;
		*changes = UINT64_MAX; /* code mapped since then is counted elsewhere */
		return process_update(s, p) ? RES_OK : refuse_update(f);
	}
	if (!probe_target_fill_code(P, s->scratch))
		return fault_memory(f);
	/* Windows first: a program that reads them while they are copied must not trust them. */
	s->scratch->changes = UINT64_MAX;
	if (!target_update(s))
		return refuse_update(f);
	s->scratch->changes = *changes;
	return target_update(s) ? RES_OK : refuse_update(f);
}

#endif
