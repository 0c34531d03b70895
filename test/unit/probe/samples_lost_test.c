/* Samples that the BPF program cannot count are counted as lost. */
#include <check.h>
#include <stdio.h>

#include "support/run_suite.h"
#include "support/victim.h"

#ifdef WITH_LIBBPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <signal.h>

#include "base/clock.h"
#include "probe/probe_session_impl.h"

enum { INTERVAL_NS = 1000000, TRIES = 6000 };

/* A spinning process, of which samples are counted. */
struct scene {
	struct victim v;
	struct ps_prochandle *P;
	struct probe_session *s;
};

/* False: the kernel refuses, and a message was printed. */
static bool scene_begin(struct scene *x)
{
	static const struct probe_spec_abi spec = {
		.kind = PROBE_AT_TICK, .syscall = -1, .syscall32 = -1, .hz = 1
	};
	const struct probe_config config = {
		.specs = &spec, .n_specs = 1, .counting = true, .targets = 1, .sample_ns = INTERVAL_NS
	};
	uint32_t number;
	struct fault f;
	int code = 0;

	if (probe_session_open(&config, &x->s, &f) != RES_OK) {
		printf("SKIP: %s\n", f.text);
		return false;
	}
	x->v = victim_start(victim_spinning, 0);
	x->P = Pgrab(x->v.pid, PGRAB_RDONLY, &code);
	ck_assert_ptr_nonnull(x->P);
	ck_assert_msg(
	    probe_session_add(x->s, &(struct probe_observed){ .pid = (uint32_t)x->v.pid, .P = x->P }, &number,
		&f) == RES_OK,
	    "%s", f.text);
	ck_assert_msg(probe_session_attach(x->s, NULL, 0, &f) == RES_OK, "%s", f.text);
	return true;
}

static void scene_end(struct scene *x)
{
	probe_session_close(x->s);
	Prelease(x->P, 0);
	victim_end(&x->v);
}

static void ignore_stack(void *data, const struct probe_stack *stack)
{
	(void)data;
	(void)stack;
}

static void ignore_event(void *data, const struct probe_hit *event)
{
	(void)data;
	(void)event;
}

/* Wait until some are lost for a reason, and call meanwhile() again and again. Returns how many. */
static uint64_t await_loss(struct scene *x, enum probe_loss why, void (*meanwhile)(struct scene *x))
{
	const struct probe_reader reader = { NULL, ignore_stack, ignore_event };
	uint64_t losses[PROBE_LOSSES] = { 0 };
	struct fault f;

	for (int i = 0; losses[why] == 0 && i < TRIES; i++) {
		meanwhile(x);
		ck_assert_int_eq(probe_session_read(x->s, 10, &reader, &f), RES_OK);
		probe_session_losses(x->s, losses);
	}
	return losses[why];
}

/* Forget that samples of the process have been counted. */
static void forget_sampled(struct scene *x)
{
	const uint32_t tid = (uint32_t)x->v.pid;

	(void)bpf_map__delete_elem(x->s->bpf->maps.sampled, &tid, sizeof(tid), 0);
}

/* Pretend that sampling has begun some seconds earlier, and that no sample was counted since. If the
 * process gets its processor anew, nothing is late; else the clock is, at its next tick. */
START_TEST(late_clock)
{
	enum { LATE = 5000 };
	struct probe_sampling sampling;
	const uint32_t zero = 0;
	struct scene x;
	uint64_t lost;

	if (!scene_begin(&x))
		return;
	sampling = x.s->sampling;
	sampling.from -= (uint64_t)LATE * INTERVAL_NS;
	ck_assert_int_eq(bpf_map__update_elem(x.s->bpf->maps.sampling, &zero, sizeof(zero), &sampling,
			     sizeof(sampling), BPF_ANY),
	    0);
	lost = await_loss(&x, PROBE_LOST_LATE, forget_sampled);
	ck_assert_msg(lost >= LATE - 1000, "%lu", (unsigned long)lost);
	scene_end(&x);
}
END_TEST

static void forget_counts(struct scene *x)
{
	struct probe_key key;

	while (bpf_map__get_next_key(x->s->bpf->maps.counts, NULL, &key, sizeof(key)) == 0)
		(void)bpf_map__delete_elem(x->s->bpf->maps.counts, &key, sizeof(key), 0);
}

static void pin(pid_t pid)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ck_assert_int_eq(sched_setaffinity(pid, sizeof(one), &one), 0);
}

/* The process waits for a processor while its stack is forgotten. */
START_TEST(forgotten_stack)
{
	struct scene x;
	struct victim other;

	if (!scene_begin(&x))
		return;
	other = victim_start(victim_spinning, 0);
	pin(x.v.pid);
	pin(other.pid);
	ck_assert_uint_gt(await_loss(&x, PROBE_LOST_MAP, forget_counts), 0);
	victim_end(&other);
	scene_end(&x);
}
END_TEST

/* Fill the map of threads with some that do not exist, so that there is no room for the process. */
static void fill_sampled(struct scene *x)
{
	const uint64_t last = 0;
	uint32_t tid = (uint32_t)x->v.pid;

	ck_assert_int_eq(kill(x->v.pid, SIGSTOP), 0);
	ck_assert(victim_settles(x->v.pid, x->v.pid, 'T'));
	(void)bpf_map__delete_elem(x->s->bpf->maps.sampled, &tid, sizeof(tid), 0);
	for (tid = 1 << 30; bpf_map__update_elem(x->s->bpf->maps.sampled, &tid, sizeof(tid), &last,
				sizeof(last), BPF_ANY) == 0;
	     tid++)
		;
	ck_assert_int_eq(kill(x->v.pid, SIGCONT), 0);
}

static void do_nothing(struct scene *x)
{
	(void)x;
}

static void empty_sampled(struct scene *x)
{
	uint32_t tid;

	while (bpf_map__get_next_key(x->s->bpf->maps.sampled, NULL, &tid, sizeof(tid)) == 0)
		(void)bpf_map__delete_elem(x->s->bpf->maps.sampled, &tid, sizeof(tid), 0);
}

static bool add_count(void *data, const struct probe_key *key, const struct probe_count *count)
{
	(void)key;
	*(uint64_t *)data += count->count;
	return true;
}

static uint64_t counted(struct scene *x)
{
	uint64_t sum = 0;
	struct fault f;

	ck_assert_int_eq(probe_session_counts(x->s, add_count, &sum, &f), RES_OK);
	return sum;
}

/* A thread of which nothing can be noted is lost at each tick. When there is room again, it is not
 * counted for the time before. */
START_TEST(more_threads_than_fit)
{
	const struct probe_reader reader = { NULL, ignore_stack, ignore_event };
	uint64_t before, now, due;
	struct scene x;
	struct fault f;

	if (!scene_begin(&x))
		return;
	fill_sampled(&x);
	ck_assert_uint_gt(await_loss(&x, PROBE_LOST_SAMPLED, do_nothing), 0);
	empty_sampled(&x);
	before = counted(&x);
	for (int i = 0; (now = counted(&x)) == before && i < TRIES; i++)
		ck_assert_int_eq(probe_session_read(x.s, 10, &reader, &f), RES_OK);
	due = ((uint64_t)clock_now_ns() - x.s->sampling.from) / INTERVAL_NS + 1;
	ck_assert_uint_gt(now, before);
	ck_assert_msg(now <= due, "counted %lu, due %lu", (unsigned long)now, (unsigned long)due);
	scene_end(&x);
}
END_TEST
#endif

int main(void)
{
#ifdef WITH_LIBBPF
	const TTest *const tests[] = { late_clock, forgotten_stack, more_threads_than_fit };
	Suite *suite = suite_create("lost samples");
	TCase *tcase = tcase_create("lost samples");

	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
#else
	(void)printf("SKIP: built without libbpf\n");
	return 0;
#endif
}
