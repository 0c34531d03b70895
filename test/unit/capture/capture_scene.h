/* Shared by tests of captures: a 3.13 with a thread state for each of two LWPs. The kernel is made
 * up: the test sets whether an LWP runs, and its run count. */
#ifndef UNIT_CAPTURE_SCENE_H
#define UNIT_CAPTURE_SCENE_H

#include "capture/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/blocked.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { LWPS = 2, TAKES_LONG = 1000000000 };

/* The kernel's data about LWPs 1 and 2. */
static struct lwp {
	bool runs;
	unsigned count;
	uint64_t sp;
} lwps[LWPS + 1];

/* This LWP runs after each look at it; 0: none. */
static lwpid_t wakes;

enum os_lwp_state os_lwp_probe(struct ps_prochandle *P, lwpid_t id, struct os_blocked *a)
{
	(void)P;
	(void)snprintf(a->count, sizeof(a->count), "%u", lwps[id].count);
	a->pc = 0x1000;
	a->sp = lwps[id].sp;
	if (id == wakes)
		lwps[id].count++;
	return lwps[id].runs ? OS_LWP_RUNS : OS_LWP_BLOCKED;
}

bool os_lwp_still_blocked(struct ps_prochandle *P, lwpid_t id, const struct os_blocked *a)
{
	(void)P;
	return strtoul(a->count, NULL, 10) == lwps[id].count;
}

void os_blocked_free(struct os_blocked *a)
{
	(void)a;
}

bool os_probe_ahead_prepare(struct ps_prochandle *P, size_t n)
{
	(void)P;
	(void)n;
	return false;
}

/* A 3.13 with a thread state for each of two LWPs, which runs one frame each. */
struct scene {
	struct image m;
	struct capture c;
	uint64_t states[LWPS + 1], frames[LWPS + 1], next_state, next_frame;
};

static struct scene s;

static uint64_t pointer_of(lwpid_t id)
{
	return image_thread_id(s.m.is) + (uint64_t)id * 0x10000;
}

static void put_state(uint64_t tstate, uint64_t next, uint64_t thread, uint64_t frame)
{
	put_word(&s.m, tstate, s.m.is->ts_next, next);
	put_word(&s.m, tstate, s.m.is->ts_interp, s.m.interp);
	put_word(&s.m, tstate, s.m.is->ts_tid, thread);
	put_word(&s.m, tstate, s.m.is->ts_frame, frame);
}

static uint64_t draw_frame(const char *name)
{
	uint64_t code = image_code(&s.m, "/srv/app.py", name, 10, "", 0, 64);

	return image_frame(&s.m, code, 8, image_entry(&s.m, 0));
}

static void setup(void)
{
	struct fault f = { 0 };

	memset(&s, 0, sizeof(s));
	memset(lwps, 0, sizeof(lwps));
	wakes = 0;
	image_init(&s.m, &specs[SPEC_313], 1 << 16);
	s.states[1] = s.m.tstate;
	s.states[2] = image_alloc(&s.m, 1024);
	s.next_state = image_alloc(&s.m, 1024);
	s.frames[1] = draw_frame("first");
	s.frames[2] = draw_frame("second");
	s.next_frame = draw_frame("next");
	for (lwpid_t id = 1; id <= LWPS; id++) {
		lwps[id] = (struct lwp){ .count = 1, .sp = image_alloc(&s.m, 512) + 256 };
		put_state(s.states[id], id > 1 ? s.states[id - 1] : 0, pointer_of(id), s.frames[id]);
	}
	put_word(&s.m, s.m.interp, s.m.is->threads, s.states[2]);
	image_grab(&s.m);
	ck_assert_int_eq(py_process_create(s.m.P, &s.c.py, &f), RES_OK);
	s.c.request.live = s.m.P;
	ck_assert_int_eq(snapshot_create(s.m.P, &s.c.snapshot, &f), RES_OK);
	s.c.P = snapshot_handle(s.c.snapshot);
	py_process_move(s.c.py, s.c.P);
	for (lwpid_t id = 1; id <= LWPS; id++)
		ck_assert_int_eq(capture_add(&s.c, id, pointer_of(id)), id - 1);
	capture_states_read(&s.c);
	ck_assert_uint_eq(s.c.states.list.n, 2);
}

static void teardown(void)
{
	struct py_process *py = s.c.py;

	capture_free(&s.c);
	py_process_destroy(py);
	image_free(&s.m);
}

static void take(void)
{
	static const size_t all[] = { 0, 1 };

	capture_blocked(&s.c, all, LWPS);
	capture_states_revalidate(&s.c, STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
}

static void runs_frame(lwpid_t id, uint64_t frame)
{
	const struct capture_lwp *l = &s.c.lwps.at[id - 1];

	ck_assert_int_eq(l->state, CAPTURE_DONE);
	ck_assert_uint_eq(l->python.frames.n, 1);
	ck_assert_uint_eq(l->python.frames.at[0].addr, frame);
}

/* LWP id gives up its thread state and gets a new one. */
static void new_state(lwpid_t id)
{
	put_state(s.next_state, s.states[2], pointer_of(id), s.next_frame);
	put_word(&s.m, s.m.interp, s.m.is->threads, s.next_state);
	lwps[id].count++;
}

#endif
