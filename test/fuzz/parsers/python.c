/* The memory of a Python process. Byte 0: the version, and what its thread runs (enum scene); then
 * changes of 11 bytes: a u16 place, a u8 kind, a u64 value. Kinds: 0 a word, 1 an address in the image,
 * 2 a byte, 3 bits of a word. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "parsers.h"

/* libcheck's need a test that runs, and py_image.h checks itself by them. */
#undef ck_assert
#undef ck_assert_ptr_nonnull
#undef ck_assert_uint_le
#define ck_assert(holds) fuzz_must(holds)
#define ck_assert_ptr_nonnull(p) fuzz_must((p) != NULL)
#define ck_assert_uint_le(a, b) fuzz_must((a) <= (b))

#include "python/locals/py_locals.h"
#include "python/threads/py_names.h"
#include "python/threads/py_status.h"
#include "unit/python/py_image_read.h"

enum scene { CALLS, CUT, SCENES };
enum { ROOM = 1 << 15, CHANGE = 11, CHANGES_MAX = 64, FRAMES = 6, THREADS_MAX = 4 };

/* An image as it was drawn, and the frames on it. */
struct drawn {
	struct image m;
	uint8_t *bytes; /* a copy of m.bytes */
	uint64_t frames[FRAMES];
};

static uint64_t frame(struct image *m, const char *name, uint64_t previous)
{
	static const uint8_t table[] = { 8, 1, 60, 1 };

	return image_frame(m, image_code(m, "/srv/app.py", name, 10, table, sizeof(table), 64), 8, previous);
}

/* 3.9 and 3.10: frames that a chain lacks, as of frames_cut_test.c. */
static void draw_cut(struct drawn *d, const struct spec *is)
{
	struct image *m = &d->m;
	uint64_t *f = d->frames;

	image_init(m, is, ROOM);
	f[0] = frame(m, "<module>", 0);
	f[1] = frame(m, "thrower", f[0]);
	f[2] = frame(m, "outer", 0);
	f[3] = frame(m, "middle", 0);
	f[4] = frame(m, "inner", f[3]);
	(void)image_suspend(m, f[2], image_suspend(m, f[3], image_alloc(m, 64)));
	image_start(m, f[4]);
	put_word(m, m->tstate, is->ts_cframe, m->root);
}

/* The image is drawn once, and restored from its copy. */
static struct drawn *drawn_of(uint8_t choice)
{
	static struct drawn *all[SCENES][SPECS];
	const struct spec *is = &specs[choice % SPECS];
	const bool cut =
	    choice / SPECS % SCENES == CUT && (is->hex >> 16 == 0x0309 || is->hex >> 16 == 0x030a);
	struct drawn **d = &all[cut ? CUT : CALLS][choice % SPECS];

	if (*d == NULL) {
		*d = calloc(1, sizeof(**d));
		fuzz_must(*d != NULL);
		if (cut)
			draw_cut(*d, is);
		else
			image_draw(&(*d)->m, is, ROOM, 2);
		(*d)->bytes = fuzz_copy((*d)->m.bytes, (*d)->m.n);
	}
	memcpy((*d)->m.bytes, (*d)->bytes, (*d)->m.n);
	return *d;
}

static void change(struct image *m, struct span *changes)
{
	uint16_t place;
	uint8_t kind;
	uint64_t value, word;
	uint8_t *at;

	if (!span_u16(changes, &place) || !span_u8(changes, &kind) || !span_u64(changes, &value))
		return;
	at = m->bytes + place % (m->used - sizeof(word));
	memcpy(&word, at, sizeof(word));
	switch (kind % 4) {
	case 0:
		word = value;
		break;
	case 1:
		word = IMAGE_BASE + value % m->used;
		break;
	case 2:
		word = (word & ~UINT64_C(0xff)) | (value & 0xff);
		break;
	default:
		word ^= value;
	}
	memcpy(at, &word, sizeof(word));
}

/* What is read of a stack once its frames are known. */
static void read_more(struct py_process *py, const struct py_thread *t, struct py_stack *s)
{
	struct py_locals_reader *reader = py_locals_reader_create(py, 1);
	struct py_status status;
	struct py_position position;

	fuzz_must(reader != NULL);
	py_status_read(py, t, s, &status);
	py_locals_free(py_locals_read(reader, s));
	py_locals_reader_free(reader);
	for (size_t i = 0; i < s->frames.n; i++) {
		(void)py_code_get(py, &s->frames.at[i]);
		(void)py_frame_position(py, &s->frames.at[i], &position);
	}
}

static void read_stack(struct py_process *py, const struct drawn *d, const struct py_thread *t)
{
	const struct py_words words = { d->frames, FRAMES };
	struct py_stack s, other = { .broken = false };
	struct py_thread again;
	struct py_frame one;
	uint64_t places[PY_STATUS_PLACES];

	(void)py_thread_at(py, t->runtime, t->tstate, &again);
	(void)py_status_places(py, t, 0, places);
	py_stack_prefetch(py, t, &other);
	if (py_stack_read(py, t, &s, NULL) == RES_OK) {
		if (s.cut)
			(void)py_stack_recover(py, t, words, &s, NULL);
		py_stack_finish(py, &s);
		read_more(py, t, &s);
		if (s.frames.n != 0)
			(void)py_frame_at(py, s.frames.at[0].addr, &one);
		py_stack_drop_recovered(&s);
		if (s.frames.n > 1 && s.runs.n != 0 && s.runs.at[0].count > 1)
			py_stack_unowned(&s);
		(void)py_stack_merge(&s, &other, NULL);
		py_stack_free(&s);
	}
	py_stack_free(&other);
}

static void read_names(struct py_process *py, struct ps_prochandle *P, const struct py_thread *t)
{
	const struct py_names_source from = { .P = P };
	py_names names = VEC_EMPTY;

	fuzz_must(vec_push(&names, ((struct py_name){ .thread_id = t->thread_id })));
	py_names_read(py, &from, t->runtime, t->interp, &names);
	py_names_free(&names);
}

static void read_all(struct drawn *d)
{
	struct ps_prochandle *P = d->m.P;
	struct py_process *py;
	py_threads threads = VEC_EMPTY;
	py_addresses interpreters = VEC_EMPTY;

	if (py_process_create(P, &py, NULL) != RES_OK)
		return;
	(void)py_threads_read(py, &threads, NULL);
	for (size_t i = 0; i < threads.n && i < THREADS_MAX; i++)
		read_stack(py, d, &threads.at[i]);
	if (threads.n != 0)
		read_names(py, P, &threads.at[0]);
	(void)py_threads_same(py, &threads);
	(void)py_interpreters_read(py, 0, &interpreters, NULL);
	vec_free(&interpreters);
	vec_free(&threads);
	py_process_destroy(py);
}

void fuzz_python(const uint8_t *data, size_t n)
{
	struct span changes;
	struct drawn *d;

	if (n == 0)
		return;
	d = drawn_of(data[0]);
	changes = span_of(data + 1, n - 1);
	for (int i = 0; i < CHANGES_MAX && span_left(&changes) >= CHANGE; i++)
		change(&d->m, &changes);
	image_grab(&d->m);
	read_all(d);
	Prelease(d->m.P, 0);
}
