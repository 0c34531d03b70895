/* An LWP that runs until it is held: its data is that of the hold, whatever was read before and
 * whatever it does later. LWP 1 runs, LWP 2 is blocked. The hold is made up, too. */
#include "os/hold.h"
#include "support/run_suite.h"
#include "unit/capture/capture_scene.h"

enum { HELD_NS = 1234 };

struct os_hold {
	lwpid_t held[LWPS];
	size_t n;
	prgregset_t regs;
};

static struct os_hold hold;

/* This LWP does not stop; 0: all do. */
static lwpid_t late;

/* The time at which LWPs that are stopped during the choice must run again; 0: none is stopped. */
static int64_t choice_end;

/* Called between the choice of LWPs and the hold, and after the release. */
static void (*before_hold)(void), (*after_hold)(void);

static void nothing(void)
{
}

enum res os_hold_during(
    struct ps_prochandle *P, const struct os_hold_call *call, int ms, struct os_hold **h, struct fault *f)
{
	(void)P;
	(void)ms;
	(void)f;
	hold = (struct os_hold){ .n = 0 };
	*h = &hold;
	for (lwpid_t id = 1; id <= LWPS; id++) {
		if (call->wants(call->data, id, choice_end))
			hold.held[hold.n++] = id;
	}
	before_hold();
	call->held(call->data, &hold);
	after_hold();
	return RES_OK;
}

size_t os_hold_count(const struct os_hold *h)
{
	return h->n;
}

enum os_hold_state os_hold_lwp(
    const struct os_hold *h, size_t i, lwpid_t *id, const prgreg_t **regs, const char **why)
{
	*id = h->held[i];
	hold.regs[R_PC] = 0x1000;
	hold.regs[R_SP] = (prgreg_t)lwps[*id].sp;
	hold.regs[PRREG_FSBASE] = (prgreg_t)pointer_of(*id);
	*regs = hold.regs;
	*why = *id == late ? "too slow" : "";
	return *id == late ? OS_TIMEOUT : OS_HELD;
}

int64_t os_hold_ns(const struct os_hold *h)
{
	return h->n == 0 ? 0 : HELD_NS;
}

void os_hold_call_of(struct ps_prochandle *P, const struct os_hold *h, size_t i, struct os_call *out)
{
	(void)P;
	(void)h;
	(void)i;
	*out = (struct os_call)OS_CALL_INIT;
}

void os_hold_free(struct os_hold *h)
{
	(void)h;
}

static void goes_on(lwpid_t id, uint64_t frame)
{
	put_word(&s.m, s.states[id], s.m.is->ts_frame, frame);
	lwps[id].count++;
}

static void first_goes_on(void)
{
	goes_on(1, s.next_frame);
}

static void first_goes_back(void)
{
	goes_on(1, s.frames[1]);
}

static void second_goes_on(void)
{
	goes_on(2, s.next_frame);
}

static void capture(void (*before)(void), void (*after)(void))
{
	struct fault f = { 0 };

	before_hold = before;
	after_hold = after;
	lwps[1].runs = true;
	take();
	ck_assert_int_eq(s.c.lwps.at[0].state, CAPTURE_PENDING);
	runs_frame(2, s.frames[2]);
	s.c.request.policy = STOP_RUNNING;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
}

START_TEST(the_moment_of_the_hold)
{
	capture(first_goes_on, first_goes_back);
	ck_assert_uint_eq(hold.n, 1);
	ck_assert_int_eq(hold.held[0], 1);
	ck_assert_int_eq(s.c.held_ns, HELD_NS);
	runs_frame(1, s.next_frame);
	runs_frame(2, s.frames[2]);
}
END_TEST

/* Data from before the hold is gone. */
START_TEST(a_list_of_states_that_is_too_old)
{
	capture(nothing, nothing);
	runs_frame(1, s.frames[1]);
	capture_undo(&s.c, &s.c.lwps.at[0]);
	new_state(1);
	capture(nothing, nothing);
	runs_frame(1, s.next_frame);
}
END_TEST

static void first_gets_a_state(void)
{
	new_state(1);
}

START_TEST(a_new_state_just_before_the_hold)
{
	capture(first_gets_a_state, nothing);
	runs_frame(1, s.next_frame);
}
END_TEST

/* It has blocked since: nothing is held. */
static void first_sleeps(void)
{
	lwps[1].runs = false;
}

START_TEST(asleep_at_last)
{
	struct fault f = { 0 };

	before_hold = after_hold = nothing;
	lwps[1].runs = true;
	take();
	first_sleeps();
	s.c.request.policy = STOP_RUNNING;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	ck_assert_uint_eq(hold.n, 0);
	runs_frame(1, s.frames[1]);
	ck_assert_int_eq(s.c.lwps.at[0].known_regs, REGS_PC_SP);
}
END_TEST

/* It has blocked since, but others have been stopped for too long already: it is held with them. */
START_TEST(asleep_too_late)
{
	struct fault f = { 0 };

	before_hold = after_hold = nothing;
	lwps[1].runs = true;
	take();
	first_sleeps();
	choice_end = 1;
	s.c.request.policy = STOP_RUNNING;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	choice_end = 0;
	ck_assert_uint_eq(hold.n, 1);
	runs_frame(1, s.frames[1]);
	ck_assert_int_eq(s.c.lwps.at[0].known_regs, REGS_ALL);
	ck_assert(!capture_is_incomplete(&s.c.lwps.at[0]));
}
END_TEST

/* A blocked LWP that has run by the end of the hold is read again. */
START_TEST(a_sleeper_that_ran)
{
	capture(second_goes_on, nothing);
	runs_frame(1, s.frames[1]);
	runs_frame(2, s.next_frame);
}
END_TEST

START_TEST(a_sleeper_that_runs_after_the_hold)
{
	capture(nothing, second_goes_on);
	runs_frame(1, s.frames[1]);
	runs_frame(2, s.next_frame);
}
END_TEST

/* There is no time to read all: the first LWP keeps its earlier copy, with a note. The other one is
 * released and held again. */
START_TEST(a_hold_that_lasts_too_long)
{
	struct capture_lwp *first = &s.c.lwps.at[0], *second = &s.c.lwps.at[1];
	struct fault f = { 0 };

	before_hold = after_hold = nothing;
	lwps[1].runs = lwps[2].runs = true;
	take();
	s.c.request.read_ns = 1;
	s.c.request.hold_ns = 2500000;
	s.c.request.policy = STOP_ALL;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	ck_assert_uint_eq(hold.n, 2);
	ck_assert_int_eq(first->state, CAPTURE_DONE);
	ck_assert_int_eq(first->note.missing, MISSING_TIME);
	ck_assert_ptr_nonnull(strstr(first->note.text, "a stop lasts 2.5 ms"));
	ck_assert_int_eq(second->state, CAPTURE_PENDING);
	ck_assert_int_eq(second->refusal, REFUSED_FOR_NOW);
	ck_assert_int_eq(second->known_regs, REGS_NONE);
	ck_assert_uint_eq(second->copies[0], 0);
	s.c.request.read_ns = TAKES_LONG;
	s.c.request.policy = STOP_ALL;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	ck_assert_uint_eq(hold.n, 1);
	runs_frame(2, s.frames[2]);
	/* All should belong to one instant. */
	ck_assert_int_eq(second->note.missing, MISSING_MOMENT);
	ck_assert_ptr_nonnull(strstr(second->note.text, "later than the others"));
}
END_TEST

START_TEST(gently_held_again)
{
	struct fault f = { 0 };

	before_hold = after_hold = nothing;
	lwps[1].runs = lwps[2].runs = true;
	take();
	s.c.request.read_ns = 1;
	s.c.request.policy = STOP_RUNNING;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	s.c.request.read_ns = TAKES_LONG;
	s.c.request.policy = STOP_RUNNING;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	runs_frame(2, s.frames[2]);
	ck_assert_int_eq(s.c.lwps.at[0].state, CAPTURE_DONE);
	ck_assert(!capture_is_incomplete(&s.c.lwps.at[1]));
}
END_TEST

/* An LWP that does not stop is held again until all the time is spent. */
START_TEST(one_that_does_not_stop)
{
	struct fault f = { 0 };

	before_hold = after_hold = nothing;
	lwps[1].runs = lwps[2].runs = true;
	take();
	late = 2;
	s.c.request.policy = STOP_ALL;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	runs_frame(1, s.frames[1]);
	ck_assert_int_eq(s.c.lwps.at[1].state, CAPTURE_PENDING);
	ck_assert_int_eq(s.c.lwps.at[1].refusal, REFUSED_FOR_NOW);
	ck_assert_str_eq(s.c.lwps.at[1].refused, "too slow");
	s.c.progress.waited_ms = 1000;
	s.c.request.policy = STOP_ALL;
	ck_assert_int_eq(capture_stopped(&s.c, &f), RES_OK);
	ck_assert_int_eq(s.c.lwps.at[1].refusal, REFUSED);
	late = 0;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("held");
	TCase *t = tcase_create("held");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_moment_of_the_hold);
	tcase_add_test(t, a_list_of_states_that_is_too_old);
	tcase_add_test(t, a_new_state_just_before_the_hold);
	tcase_add_test(t, asleep_at_last);
	tcase_add_test(t, asleep_too_late);
	tcase_add_test(t, a_sleeper_that_ran);
	tcase_add_test(t, a_sleeper_that_runs_after_the_hold);
	tcase_add_test(t, a_hold_that_lasts_too_long);
	tcase_add_test(t, gently_held_again);
	tcase_add_test(t, one_that_does_not_stop);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
