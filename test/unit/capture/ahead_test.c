/* A second thread looks at LWPs before they are captured: each LWP is looked at once, by either
 * thread, and its result is its own. */
#include "capture/capture_ahead.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/blocked.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum { LWPS = 1000, FIRST_ID = 5000, NEAR = 10, FEW = 20, FAR = 500 };

static atomic_int looks[LWPS], ended;
static atomic_size_t furthest;
static bool second_processor;

bool os_probe_ahead_prepare(struct ps_prochandle *P, size_t n)
{
	(void)P;
	(void)n;
	return second_processor;
}

enum os_lwp_state os_lwp_probe(struct ps_prochandle *P, lwpid_t id, struct os_blocked *a)
{
	size_t i = (size_t)(id - FIRST_ID);

	(void)P;
	ck_assert_uint_lt(i, LWPS);
	if (i % 2 == 0)
		(void)sched_yield(); /* to the other thread, which may reach the same LWP */
	(void)atomic_fetch_add(&looks[i], 1);
	if (i > atomic_load(&furthest))
		atomic_store(&furthest, i);
	a->fd = (int)id;
	a->sp = (uint64_t)id * 16;
	a->pc = (uint64_t)id;
	return id % 3 == 0 ? OS_LWP_RUNS : OS_LWP_BLOCKED;
}

void os_blocked_free(struct os_blocked *a)
{
	if (a->fd >= 0)
		(void)atomic_fetch_add(&ended, 1);
	a->fd = -1;
}

static struct fake_process fake = { .pid = 1 };
static struct ps_prochandle *live;
static lwpid_t ids[LWPS];

static struct capture_ahead *begin(size_t n)
{
	for (size_t i = 0; i < LWPS; i++) {
		ids[i] = FIRST_ID + (lwpid_t)i;
		atomic_store(&looks[i], 0);
	}
	atomic_store(&ended, 0);
	atomic_store(&furthest, 0);
	live = fake_grab(&fake);
	ck_assert_ptr_nonnull(live);
	return capture_ahead_start(live, ids, n);
}

static void end(struct capture_ahead *a)
{
	capture_ahead_end(a);
	Prelease(live, 0);
}

START_TEST(each_is_looked_at_once)
{
	struct capture_ahead *a;
	enum os_lwp_state look;

	second_processor = true;
	a = begin(LWPS);
	ck_assert_ptr_nonnull(a);
	for (size_t i = 0; i < LWPS; i++) {
		struct os_blocked said = OS_BLOCKED_INIT;

		if (i == FIRST_ID % 100)
			continue; /* nothing was requested for it */
		ck_assert(capture_ahead_look(a, i, ids[i], &look, &said));
		ck_assert_int_eq(look, ids[i] % 3 == 0 ? OS_LWP_RUNS : OS_LWP_BLOCKED);
		ck_assert_uint_eq(said.sp, (uint64_t)ids[i] * 16);
		ck_assert_int_eq(atomic_load(&looks[i]), 1);
		/* A second question, or one for another LWP or a later one, is not answered from
		 * the first. */
		ck_assert(!capture_ahead_look(a, i, ids[i], &look, &said));
		ck_assert(!capture_ahead_look(a, i, ids[i] + 1, &look, &said));
		ck_assert(!capture_ahead_look(a, LWPS, FIRST_ID + LWPS, &look, &said));
		os_blocked_free(&said);
	}
	end(a);
	for (size_t i = 0; i < LWPS; i++)
		ck_assert_int_le(atomic_load(&looks[i]), 1);
	/* Nothing stays open. */
	ck_assert_int_eq(atomic_load(&ended), LWPS - 1 + atomic_load(&looks[FIRST_ID % 100]));
}
END_TEST

/* LWPs seen long before their capture have run since, and right before it the capture would wait
 * for the look. The end does not wait for all looks. */
START_TEST(not_too_far_nor_near)
{
	struct os_blocked said = OS_BLOCKED_INIT;
	struct capture_ahead *a;
	enum os_lwp_state look;

	second_processor = true;
	a = begin(LWPS);
	while (atomic_load(&furthest) < FEW)
		(void)sched_yield();
	for (size_t i = 0; i < NEAR; i++)
		ck_assert_int_eq(atomic_load(&looks[i]), 0);
	ck_assert(capture_ahead_look(a, 0, ids[0], &look, &said));
	end(a);
	ck_assert_uint_lt(atomic_load(&furthest), FAR);
	os_blocked_free(&said);
	for (size_t i = 0; i < LWPS; i++)
		(void)atomic_fetch_sub(&ended, atomic_load(&looks[i]));
	ck_assert_int_eq(atomic_load(&ended), 0);
}
END_TEST

START_TEST(few_or_one_processor)
{
	enum os_lwp_state look;
	struct os_blocked said;
	char name[16];

	second_processor = true;
	ck_assert_ptr_null(begin(FEW));
	end(NULL);
	second_processor = false;
	ck_assert_ptr_null(begin(LWPS));
	end(NULL);
	ck_assert(!capture_ahead_look(NULL, 0, FIRST_ID, &look, &said));
	ck_assert(!capture_ahead_name(NULL, FIRST_ID, name, sizeof(name)));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { each_is_looked_at_once, not_too_far_nor_near, few_or_one_processor };

	return run_suite("looking ahead", tests, sizeof(tests) / sizeof(tests[0]));
}
