/* Greenlets in damaged memory: of 3.12, in bytes. */
#include "python/objects/py_code.h"
#include "python/tasks/greenlet_chain.h"
#include "python/tasks/greenlet_find.h"
#include "python/tasks/greenlet_layout.h"
#include "python/tasks/greenlet_reader.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum {
	HEADS = 208, /* of the collector's lists, in an interpreter's state */
	HEAD = 24,
	COLLECTING = 312,
	NODE = 16,
	OBJECT_TYPE = 8,
	BASE = 256, /* tp_base */
	ROOM = 1 << 16,
};

static struct image m;
static struct py_runtime rt;
static struct py_tasks tasks;
static struct task_reader reader;
static struct greenlet_reader g;
static uint64_t meta, interp, other;

static void set_up(void)
{
	memset(&tasks, 0, sizeof(tasks));
	rt = (struct py_runtime){ .version = PY_HEX(3, 12) };
	reader = (struct task_reader){ .rt = &rt, .out = &tasks };
	g = (struct greenlet_reader){ .r = &reader };
	image_init(&m, &specs[SPEC_312], ROOM);
	ck_assert_int_eq(py_layout_of_version(PY_HEX(3, 12), 8, &rt.layout), RES_OK);
	py_layout_add_more(&rt.layout, PY_HEX(3, 12));
	meta = image_type(&m, "type", 1U << 31);
	put_word(&m, meta, OBJECT_TYPE, meta);
	g.type = image_type(&m, "greenlet.greenlet", 0);
	put_word(&m, g.type, OBJECT_TYPE, meta);
	other = image_type(&m, "list", 0);
	put_word(&m, other, OBJECT_TYPE, meta);
	interp = g.interp = image_alloc(&m, 512);
	for (unsigned i = 0; i < 4; i++) {
		put_word(&m, interp + HEADS + i * HEAD, 0, interp + HEADS + i * HEAD);
		put_word(&m, interp + HEADS + i * HEAD, 8, interp + HEADS + i * HEAD);
	}
}

static void tear_down(void)
{
	image_free(&m);
	py_tasks_free(&tasks);
	addrmap_free(&g.kinds);
	addrmap_free(&g.mains);
}

/* Append a node with an object of this type to a list. Returns the node. */
static uint64_t append(unsigned list, uint64_t type)
{
	uint64_t head = interp + HEADS + (uint64_t)list * HEAD, last = get_word(&m, head, 8),
		 node = image_alloc(&m, 256);

	put_word(&m, node, 0, head);
	put_word(&m, node, 8, last);
	put_word(&m, node, NODE + OBJECT_TYPE, type);
	put_word(&m, last, 0, node);
	put_word(&m, head, 8, node);
	return node;
}

static void search(void)
{
	image_grab(&m);
	reader.P = m.P;
	greenlet_search(&g, m.P, 0);
	ck_assert_int_eq(reader.res, RES_OK);
}

/* Of a class that inherits, too. Low bits of links are flags. */
START_TEST(in_each_list)
{
	uint64_t nodes[4], derived;

	set_up();
	derived = image_type(&m, "Hub", 0);
	put_word(&m, derived, BASE, g.type);
	for (unsigned i = 0; i < 4; i++) {
		(void)append(i, other);
		nodes[i] = append(i, i == 2 ? derived : g.type);
		(void)append(i, other);
		put_word(&m, nodes[i], 8, get_word(&m, nodes[i], 8) | 3);
	}
	search();
	ck_assert(!tasks.lack.unsearched);
	ck_assert_uint_eq(tasks.greenlets.n, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(tasks.greenlets.at[i].addr, nodes[i] + NODE);
	tear_down();
}
END_TEST

/* What is wrong with a list is told, and ends. */
START_TEST(damaged_lists)
{
	enum { CIRCLE, HOLE, NOT_BACK, NO_HEAD, COLLECTS, WAYS };

	for (int way = 0; way < WAYS; way++) {
		uint64_t first, middle, last;

		set_up();
		first = append(1, g.type);
		middle = append(1, other);
		last = append(1, other);
		if (way == CIRCLE)
			put_word(&m, last, 0, middle);
		else if (way == HOLE)
			put_word(&m, middle, 0, 0x7000);
		else if (way == NOT_BACK)
			put_word(&m, last, 8, first);
		else if (way == NO_HEAD)
			put_word(&m, interp + HEADS, 0, 0);
		else
			put_word(&m, interp, COLLECTING, 1);
		search();
		ck_assert_msg(tasks.lack.unsearched, "way %d", way);
		/* What was found before that stays; no greenlet is found twice. */
		ck_assert_uint_le(tasks.greenlets.n, 1);
		tear_down();
	}
}
END_TEST

/* The greenlet that starts at addr, of greenlet 3.1: words of its C++ object from 0 on. */
enum { SELF = 1, START = 7, STOP, COPY, SAVED, TOP = 13, MAIN = TOP + 8, RUN, PARENT };

static uint64_t add_greenlet(uint64_t main, uint64_t parent)
{
	uint64_t addr = image_alloc(&m, 64), impl = image_alloc(&m, 512);

	put_word(&m, addr, OBJECT_TYPE, g.type);
	put_word(&m, addr, 32, impl);
	put_word(&m, impl, SELF * 8, addr);
	put_word(&m, impl, MAIN * 8, main == 0 ? addr : main);
	put_word(&m, impl, PARENT * 8, parent);
	put_word(&m, impl, START * 8, 0x7000);
	put_word(&m, impl, STOP * 8, main == 0 ? UINT64_MAX : 0x8000);
	return addr;
}

static void put_impl(uint64_t addr, int word, uint64_t value)
{
	put_word(&m, get_word(&m, addr, 32), word * 8, value);
}

START_TEST(members)
{
	struct greenlet of;
	uint64_t main, one;

	set_up();
	main = add_greenlet(0, 0);
	one = add_greenlet(main, main);
	image_grab(&m);
	reader.P = m.P;
	ck_assert(greenlet_read(&g, main, &of) && of.main && of.parent == 0);
	ck_assert(greenlet_read(&g, one, &of) && !of.main && of.parent == main && of.stop == 0x8000);
	/* Its thread has ended. */
	put_impl(one, START, 0);
	put_impl(one, STOP, 0);
	ck_assert(greenlet_read(&g, one, &of) && of.ended);
	/* It has not started. */
	put_impl(one, MAIN, 0);
	ck_assert(greenlet_read(&g, one, &of) && !of.ended && of.stop == 0 && of.parent == main);
	tear_down();
}
END_TEST

/* Nothing is taken of one that is not as expected. */
START_TEST(damaged_members)
{
	static const struct {
		int word;
		uint64_t value;
	} ways[] = { { SELF, 0x1234 }, { PARENT, 0 }, { PARENT, IMAGE_BASE }, { MAIN, IMAGE_BASE },
		{ START, 0x9000 }, { SAVED, 0x1001 }, { SAVED, UINT64_MAX } };
	struct greenlet of;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		uint64_t main, one;

		set_up();
		main = add_greenlet(0, 0);
		one = add_greenlet(main, main);
		put_impl(one, ways[i].word, ways[i].value);
		image_grab(&m);
		reader.P = m.P;
		ck_assert_msg(!greenlet_read(&g, one, &of), "way %zu", i);
		ck_assert_uint_eq(g.bad, 1);
		put_word(&m, one, 32, 0x7001);
		ck_assert(!greenlet_read(&g, one, &of));
		ck_assert_uint_eq(g.bad, 2);
		/* It was freed. */
		put_word(&m, one, OBJECT_TYPE, other);
		ck_assert(!greenlet_read(&g, one, &of));
		ck_assert_uint_eq(g.bad, 2);
		tear_down();
	}
}
END_TEST

/* Frames that are a circle, or lead to the greenlet's stack, of which only part is copied. */
START_TEST(damaged_frames)
{
	for (int way = 0; way < 3; way++) {
		struct py_task t = { .library = PY_TASK_OF_GREENLET };
		struct greenlet of = { .start = 0x7000, .stop = 0x8000, .saved = 40, .top = 0 };
		struct py_process py = { .P = NULL };
		uint64_t frame, entry;

		set_up();
		reader.py = &py;
		frame = image_frame(&m, image_code(&m, "f.py", "f", 1, "", 0, 16), 2, 0);
		entry = image_entry(&m, 0);
		of.top = image_alloc(&m, 64);
		of.copy = entry;
		put_word(&m, of.top, OBJECT_TYPE, m.t_frame);
		put_word(&m, of.top, NODE + 8, frame);
		put_word(&m, frame, 48, way == 1 ? 0 : of.top); /* frame_obj */
		put_word(&m, frame, m.is->f_prev, way == 0 ? frame : of.start);
		image_grab(&m);
		reader.P = py.P = m.P;
		greenlet_chain(&g, &of, &t);
		ck_assert_msg(t.cut, "way %d", way);
		ck_assert_uint_eq(t.n_frames, way == 0 ? PY_TASK_FRAMES_MAX : way == 1 ? 0 : 1);
		py_codes_free(&py);
		vec_free(&py.codes);
		addrmap_free(&py.code_index);
		tear_down();
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { in_each_list, damaged_lists, members, damaged_members,
		damaged_frames };

	return run_suite("python/greenlets", tests, sizeof(tests) / sizeof(tests[0]));
}
