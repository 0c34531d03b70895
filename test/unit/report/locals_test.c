/* Variables of frames: as text, read back, and as JSON. */
#include <string.h>

#include "python/locals/py_locals.h"
#include "report/json.h"
#include "report/parse.h"
#include "report/text.h"
#include "report/text_locals.h"
#include "support/run_suite.h"

static char file[] = "/srv/a.py", name[] = "f";
static struct py_code code = { .file = file, .name = name, .file_len = 9, .name_len = 1 };

static void put(struct py_locals *l, const char *variable, const char *value, enum py_local_state state)
{
	struct py_local one = {
		.name = l->text.n, .name_n = strlen(variable), .at = 0x7f10, .state = (uint8_t)state
	};

	strbuf_str(&l->text, variable);
	one.value = l->text.n;
	one.value_n = strlen(value);
	strbuf_str(&l->text, value);
	ck_assert(vec_push(&l->list, one));
}

/* A frame with variables, one that has more of them, and one of which none was read. */
static struct py_locals some_locals(void)
{
	struct py_locals l = { .text = STRBUF_EMPTY };

	put(&l, "job", "'a\\n                [ x:1 (y) ]'", PY_LOCAL_READ);
	put(&l, "\n                [ x:1 (y) ]", "'\\\\'", PY_LOCAL_READ);
	put(&l, "raw", "\n                [ x:1 (y) ]\x1b\xe2\x80\xae\xff", PY_LOCAL_READ);
	put(&l, "lost", "", PY_LOCAL_UNREADABLE);
	put(&l, "busy", "", PY_LOCAL_CHANGING);
	put(&l, "unbound", "", PY_LOCAL_UNBOUND);
	put(&l, "beyond", "", PY_LOCAL_UNREAD);
	put(&l, "", "1", PY_LOCAL_READ);
	ck_assert(vec_push(&l.frames, ((struct py_frame_locals){ .first = 0, .count = 7 })));
	ck_assert(vec_push(&l.frames, ((struct py_frame_locals){ .first = 7, .count = 1, .cut = true })));
	py_locals_finish(&l);
	return l;
}

struct scene {
	struct py_locals locals;
	struct py_frame frames[3];
	struct stack_thread stack;
	struct record_thread thread;
};

static void begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->locals = some_locals();
	s->thread.locals = &s->locals;
	s->stack.python.frames.at = s->frames;
	s->stack.python.frames.n = 3;
	s->thread.name = "";
	s->thread.stack = &s->stack;
	for (uint32_t i = 0; i < 3; i++) {
		struct record_item item = {
			.kind = RECORD_PYTHON, .line = 1, .code_id = 1, .index = i, .code = &code
		};

		ck_assert(vec_push(&s->thread.items, item));
	}
}

static void end(struct scene *s)
{
	record_thread_free(&s->thread);
	strbuf_free(&s->locals.text);
	vec_free(&s->locals.list);
	vec_free(&s->locals.frames);
}

#define AT "                [ /srv/a.py:1 (f) ]\n"
#define VARIABLE "                    "

static const char in_text[] =
    AT VARIABLE "job = 'a\\n                [ x:1 (y) ]'\n" VARIABLE
		"\\x0a                [ x:1 (y) ] = '\\\\'\n" VARIABLE
		"raw = \\x0a                [ x:1 (y) ]\\x1b\\u202e\\xff\n" VARIABLE
		"lost = <unreadable at 0x7f10>\n" VARIABLE "busy = <changed while read>\n" AT VARIABLE
		" = 1\n" VARIABLE "...\n" AT VARIABLE "...\n";

START_TEST(text)
{
	const struct text_style style = { false };
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
	struct strbuf out = STRBUF_EMPTY;
	struct scene s;

	begin(&s);
	ck_assert_uint_eq(text_stack(&s.thread, 0, &style, &cache, &out), 3);
	ck_assert_str_eq(strbuf_text(&out), in_text);
	strbuf_free(&out);
	text_cache_free(&cache);
	end(&s);
}
END_TEST

static void take(void *data, const struct record_thread *stack, uint64_t count)
{
	ck_assert_uint_eq(count, 1);
	*(size_t *)data += stack->items.n;
	for (size_t i = 0; i < stack->items.n; i++)
		ck_assert_int_eq(stack->items.at[i].kind, RECORD_QUOTED_PYTHON);
}

/* Lines of variables are no frames; elsewhere lines like these may be. */
START_TEST(read_back)
{
	size_t frames = 0;
	struct parse p = { .take = take, .data = &frames };

	for (const char *at = in_text; *at != '\0'; at += strcspn(at, "\n") + 1)
		parse_line(&p, at, strcspn(at, "\n"));
	parse_finish(&p);
	ck_assert(!p.failed);
	ck_assert_uint_eq(frames, 3);
	ck_assert(!text_is_local("libc.so.6`poll+0x1", 18, 20));
	ck_assert(!text_is_local("a = 1", 5, 14));
	ck_assert(text_is_local("a = 1", 5, 22));
}
END_TEST

START_TEST(json)
{
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
	struct strbuf out = STRBUF_EMPTY;
	struct scene s;

	if (!json_is_built())
		return;
	begin(&s);
	ck_assert_uint_eq(json_frames(&s.thread, 0, false, &cache, &out), 3);
	ck_assert_ptr_nonnull(strstr(strbuf_text(&out),
	    "\"locals\":[{\"name\":\"job\",\"value\":\"'a\\\\n                [ x:1 (y) "
	    "]'\",\"object\":\"0x7f10\"},"
	    "{\"name\":\"\\n                [ x:1 (y) ]\",\"value\":\"'\\\\\\\\'\",\"object\":\"0x7f10\"}"));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "{\"name\":\"lost\",\"error\":\"unreadable\","));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "{\"name\":\"busy\",\"error\":\"changed\","));
	ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "\"locals\":[],\"locals_cut\":true}"));
	strbuf_free(&out);
	text_cache_free(&cache);
	end(&s);
}
END_TEST

/* What differs in two readings is not proved; nor is what is unreadable in both. */
START_TEST(readings)
{
	struct py_locals before = some_locals(), now = some_locals();

	ck_assert_uint_eq(py_locals_compare(&before, &now, 4, false), 1); /* busy is, already */
	now.list.at[3].partial = true;
	ck_assert_uint_eq(py_locals_compare(&before, &now, 4, false), 2);
	before.list.at[3].same = 2;
	ck_assert_uint_eq(py_locals_compare(&before, &now, 4, false), 1);
	now.list.at[0].at++;
	now.list.at[0].same = 0;
	ck_assert_uint_eq(py_locals_compare(&before, &now, 4, true), 2);
	ck_assert_uint_eq(now.list.at[0].state, PY_LOCAL_CHANGING);
	ck_assert_uint_eq(now.list.at[1].state, PY_LOCAL_READ);
	for (int i = 0; i < 2; i++) {
		struct py_locals *one = i == 0 ? &before : &now;

		strbuf_free(&one->text);
		vec_free(&one->list);
		vec_free(&one->frames);
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = { text, read_back, json, readings };

	return run_suite("report/locals", tests, sizeof(tests) / sizeof(tests[0]));
}
