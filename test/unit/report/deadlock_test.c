/* Circles of threads that wait for each other. */
#include "report/deadlock.h"

#include "support/run_suite.h"

static void add(deadlock_waits *waits, lwpid_t id, uint8_t object, lwpid_t owner)
{
	struct thread_state s = THREAD_STATE_INIT;

	if (object == OBJECT_NONE) {
		s.gil = GIL_AWAITED;
		s.gil_owner = owner;
	} else {
		s.object = object;
		s.object_at = 0x7f00;
		s.object_owner = owner;
	}
	ck_assert(deadlock_add(waits, waits->n, id, &s));
}

static void check_next(deadlock_waits *waits, const char *want)
{
	deadlock_waits circle = VEC_EMPTY;
	struct strbuf out = STRBUF_EMPTY;
	bool found = deadlock_next(waits, &circle);

	if (found)
		deadlock_text(&circle, &out);
	ck_assert_str_eq(strbuf_text(&out), want);
	strbuf_free(&out);
	vec_free(&circle);
}

START_TEST(circles)
{
	deadlock_waits waits = VEC_EMPTY;

	add(&waits, 1, OBJECT_MUTEX, 2); /* waits for a circle, and is not in it */
	add(&waits, 2, OBJECT_MUTEX, 3);
	add(&waits, 3, OBJECT_NONE, 2);
	add(&waits, 4, OBJECT_MUTEX, 5); /* 5 waits for nothing */
	add(&waits, 6, OBJECT_RLOCK, 7);
	add(&waits, 7, OBJECT_RLOCK, 8);
	add(&waits, 8, OBJECT_RLOCK, 6);
	check_next(&waits,
	    "deadlock: 2 waits for the mutex at 0x7f00 held by 3, which waits for the GIL held by 2\n");
	check_next(&waits,
	    "deadlock: 6 waits for the RLock at 0x7f00 held by 7, which waits for the RLock at 0x7f00 "
	    "held by 8, which waits for the RLock at 0x7f00 held by 6\n");
	check_next(&waits, "");
	vec_free(&waits);
}
END_TEST

START_TEST(none)
{
	deadlock_waits waits = VEC_EMPTY;
	struct thread_state s = { .object = OBJECT_LOCK, .gil = GIL_AWAITED };

	ck_assert(deadlock_add(&waits, 0, 1, &s)); /* nobody is known to hold either */
	s = (struct thread_state){ .object = OBJECT_LOCK, .object_owner = 1, .timeout = TIMEOUT_LEFT };
	ck_assert(deadlock_add(&waits, 0, 1, &s)); /* it ends */
	ck_assert_uint_eq(waits.n, 0);
	check_next(&waits, "");
	vec_free(&waits);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { circles, none };

	return run_suite("report/deadlock", tests, sizeof(tests) / sizeof(tests[0]));
}
