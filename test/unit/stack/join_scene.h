/* Stacks to be joined, drawn as text: the native frames, youngest first, and the runs that belong
 * to them. */
#ifndef UNIT_STACK_JOIN_SCENE_H
#define UNIT_STACK_JOIN_SCENE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "stack/join/join.h"

enum { SIZE = 0x100 }; /* bytes of stack per native frame */

struct scene {
	struct native_stack native;
	struct py_stack python;
	struct join_loop loop; /* of all runs, unless `in` has loops */
	struct join_input in;
	struct join join;
	struct strbuf text;
	uint64_t words[64]; /* for slot verification: va / 8 % 64 */
};

/* n native frames from address base up, SIZE bytes each; code at 0x400000 + 0x10 * i. */
static inline void native(struct scene *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct native_frame fr = { .pc = 0x400000 + 0x10 * i + 1,
			.sp = 0x7000 + SIZE * i,
			.cfa = 0x7000 + SIZE * (i + 1),
			.how = i == 0 ? UNWIND_FIRST : UNWIND_CFI };

		ck_assert(vec_push(&s->native.frames, fr));
	}
}

static inline void run(struct scene *s, uint64_t marker, uint32_t count)
{
	struct py_run r = { .marker = marker, .first = (uint32_t)s->python.frames.n, .count = count };

	for (uint32_t i = 0; i < count; i++) {
		struct py_frame fr = { .addr = 0x9000 + 0x100 * s->python.frames.n };

		ck_assert(vec_push(&s->python.frames, fr));
	}
	ck_assert(vec_push(&s->python.runs, r));
}

/* "n0 n1 p0 p1? G2 L": n native, p python (? unsure), G gap, L loose. */
static inline const char *joined(struct scene *s)
{
	struct fault f = { 0 };

	if (s->in.arch == NULL)
		s->in.arch = &arch_x86_64;
	s->in.native = &s->native;
	s->in.python = &s->python;
	if (s->in.n_loops == 0) {
		s->in.loops = &s->loop;
		s->in.n_loops = 1;
	}
	ck_assert_int_eq(stack_join(&s->in, &s->join, &f), RES_OK);
	for (size_t i = 0; i < s->join.items.n; i++) {
		const struct join_item *item = &s->join.items.at[i];
		static const char letters[] = { [JOIN_NATIVE] = 'n',
			[JOIN_PYTHON] = 'p',
			[JOIN_GAP] = 'G',
			[JOIN_UNPLACED] = 'L',
			[JOIN_BARE] = 'B',
			[JOIN_ENDED] = 'E',
			[JOIN_START] = 'S' };

		strbuf_fmt(&s->text, "%s%c", i > 0 ? " " : "", letters[item->kind]);
		if (item->kind != JOIN_UNPLACED)
			strbuf_fmt(&s->text, "%u%s", item->index, item->unsure ? "?" : "");
	}
	return strbuf_text(&s->text);
}

static inline void done(struct scene *s)
{
	native_stack_free(&s->native);
	vec_free(&s->python.frames);
	vec_free(&s->python.runs);
	vec_free(&s->python.cframes);
	join_free(&s->join);
	strbuf_free(&s->text);
}

static inline uint64_t sp_of(size_t frame)
{
	return 0x7000 + SIZE * frame;
}

#endif
