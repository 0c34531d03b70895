/* LWPs that are captured without being held, while they run and change: an outdated list of
 * thread states is noticed. */
#include "os/regs.h"
#include "support/run_suite.h"
#include "unit/capture/capture_scene.h"

START_TEST(both_asleep)
{
	take();
	runs_frame(1, s.frames[1]);
	runs_frame(2, s.frames[2]);
}
END_TEST

/* One LWP runs while it is read: its data is discarded. */
START_TEST(one_runs_while_it_is_read)
{
	wakes = 1;
	take();
	ck_assert_int_eq(s.c.lwps.at[0].state, CAPTURE_PENDING);
	ck_assert_uint_eq(s.c.lwps.at[0].python.frames.n, 0);
	runs_frame(2, s.frames[2]);
}
END_TEST

START_TEST(read_again_by_the_same_list)
{
	take();
	put_word(&s.m, s.states[1], s.m.is->ts_frame, s.next_frame);
	lwps[1].count++;
	capture_blocked_refresh(&s.c, TAKES_LONG);
	capture_states_revalidate(&s.c, STATES_IF_UNPROVED | STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
	runs_frame(1, s.next_frame);
	runs_frame(2, s.frames[2]);
}
END_TEST

/* The LWP has a new thread state that the list lacks. It must not get the old state's frames. */
START_TEST(read_again_by_a_list_that_is_too_old)
{
	static const size_t first = 0;

	take();
	new_state(1);
	capture_blocked_refresh(&s.c, TAKES_LONG);
	capture_states_revalidate(&s.c, STATES_IF_UNPROVED | STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
	ck_assert_int_eq(s.c.lwps.at[0].state, CAPTURE_PENDING);
	runs_frame(2, s.frames[2]);
	capture_blocked(&s.c, &first, 1);
	runs_frame(1, s.next_frame);
}
END_TEST

/* No thread pointers are known, so states are found by the id in glibc's struct pthread, which has
 * pages of its own. The list of pages to fetch is full before they are read. */
START_TEST(states_by_id_though_no_page_is_fetched)
{
	const int tid = (int)os_libc(s.c.P)->tid;
	struct snapshot_prefetch pages = VEC_EMPTY;

	for (lwpid_t id = 1; id <= LWPS; id++) {
		uint64_t thread = image_alloc(&s.m, 3 * 4096);

		put_word(&s.m, thread, tid, (uint64_t)id);
		put_word(&s.m, s.states[id], s.m.is->ts_tid, thread);
		put_word(&s.m, s.states[id], s.m.is->ts_native, 0);
		s.c.lwps.at[id - 1].thread_pointer = 0;
	}
	capture_states_read(&s.c);
	while (pages.n < SNAPSHOT_PREFETCH_MAX - 1)
		snapshot_prefetch_add(&pages, pages.n * 4096, 1);
	capture_prefetch(&s.c, &s.c.lwps.at[0], false, &pages);
	ck_assert(snapshot_prefetch_full(&pages));
	take();
	runs_frame(1, s.frames[1]);
	runs_frame(2, s.frames[2]);
	vec_free(&pages);
}
END_TEST

/* Its state was freed, and reused at the same address for the other LWP. */
START_TEST(read_again_by_a_state_of_another)
{
	take();
	put_state(s.states[1], s.states[2], pointer_of(2), s.next_frame);
	put_state(s.states[2], 0, pointer_of(2), s.frames[2]);
	put_word(&s.m, s.m.interp, s.m.is->threads, s.states[1]);
	lwps[1].count++;
	capture_blocked_refresh(&s.c, TAKES_LONG);
	capture_states_revalidate(&s.c, STATES_IF_UNPROVED | STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
	for (size_t i = 0; i < s.c.lwps.n; i++)
		ck_assert(s.c.lwps.at[i].id == 2 || s.c.lwps.at[i].python.frames.n == 0);
}
END_TEST

/* Nothing was read again: the list is not checked either. */
START_TEST(nothing_to_prove)
{
	size_t reads;

	take();
	capture_blocked_refresh(&s.c, TAKES_LONG);
	reads = s.m.fake.reads;
	capture_states_revalidate(&s.c, STATES_IF_UNPROVED | STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
	ck_assert_uint_eq(s.m.fake.reads, reads);
	runs_frame(1, s.frames[1]);
}
END_TEST

/* One LWP runs and is read as it runs, when another, which was blocked, gets a new state: the
 * capture of that one was right. */
START_TEST(loose_one_costs_no_other)
{
	lwps[2].runs = true;
	take();
	runs_frame(1, s.frames[1]);
	new_state(1);
	capture_running(&s.c, &s.c.lwps.at[1]);
	runs_frame(2, s.frames[2]);
	ck_assert_int_eq(s.c.lwps.at[1].python_is, PYTHON_READ_RUNNING);
	runs_frame(1, s.frames[1]);
}
END_TEST

/* The list has every page that capture_frames reads later; making it changes nothing else. */
START_TEST(prefetch_lists_what_is_read)
{
	struct capture_lwp *l = &s.c.lwps.at[0], before = *l;
	struct snapshot_prefetch pages = VEC_EMPTY;
	size_t reads;

	snapshot_forget(s.c.snapshot);
	capture_prefetch(&s.c, l, false, &pages);
	ck_assert_uint_gt(pages.n, 0);
	ck_assert_mem_eq(l, &before, sizeof(before));
	snapshot_forget(s.c.snapshot);
	snapshot_copy_with_pages(s.c.snapshot, &pages, NULL, 0);
	reads = s.m.fake.reads;
	ck_assert_int_eq(capture_frames(&s.c, l), RES_OK);
	ck_assert_uint_eq(l->python.frames.n, 1);
	ck_assert_uint_eq(s.m.fake.reads, reads);
	vec_free(&pages);
}
END_TEST

/* A thread state that cannot be read while its thread runs does not make the list stale. */
START_TEST(prefetch_of_an_unreadable_state)
{
	struct capture_lwp *l = &s.c.lwps.at[0], before = *l;
	struct snapshot_prefetch pages = VEC_EMPTY;

	for (size_t i = 0; i < s.c.states.list.n; i++)
		s.c.states.list.at[i].tstate = 0x10;
	capture_prefetch(&s.c, l, false, &pages);
	ck_assert(!s.c.states.stale);
	ck_assert_mem_eq(l, &before, sizeof(before));
	ck_assert_int_eq(capture_frames(&s.c, l), RES_FAIL);
	ck_assert(s.c.states.stale);
	vec_free(&pages);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blocked");
	TCase *t = tcase_create("blocked");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, both_asleep);
	tcase_add_test(t, one_runs_while_it_is_read);
	tcase_add_test(t, read_again_by_the_same_list);
	tcase_add_test(t, read_again_by_a_list_that_is_too_old);
	tcase_add_test(t, read_again_by_a_state_of_another);
	tcase_add_test(t, states_by_id_though_no_page_is_fetched);
	tcase_add_test(t, nothing_to_prove);
	tcase_add_test(t, loose_one_costs_no_other);
	tcase_add_test(t, prefetch_lists_what_is_read);
	tcase_add_test(t, prefetch_of_an_unreadable_state);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
