/* Records as text. */
#include "report/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/run_suite.h"

static struct symbol_name names[] = {
	{ .id = 0, .pc = 0x101f, .object = "libc.so.6", .symbol = "poll", .offset = 0x1f },
	{ .id = 1, .pc = 0x2000, .object = "python3.11", .symbol = "main" },
	{ .id = 2, .pc = 0x7f000060a172, .object = "python3.11", .address = 0x60a172 },
	{ .id = 3, .pc = 0x7f0000001000 },
	{ .id = 4, .pc = 0x3000, .object = "a[b\x1b.so", .symbol = "f[g", .offset = 1 },
	{ .id = 5,
	    .pc = 0x3100,
	    .object = "  [ ",
	    .symbol = "_Z",
	    .demangled = "[ f[g;\n] (x)",
	    .offset = 1 },
};

static struct py_code code_of(char *file, char *name, char *qualname)
{
	return (struct py_code){ .file = file,
		.name = name,
		.qualname = qualname,
		.file_len = strlen(file),
		.name_len = strlen(name),
		.qualname_len = qualname == NULL ? 0 : strlen(qualname) };
}

static void expect_stack(const struct record_item *items, size_t n, bool qualified, const char *want)
{
	struct record_thread t = { .name = "" };
	struct text_style style = { .qualified = qualified };
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };

	for (size_t i = 0; i < n; i++)
		ck_assert(vec_push(&t.items, items[i]));
	/* The second time lines come from the cache. */
	for (int round = 0; round < 2; round++) {
		struct strbuf out = STRBUF_EMPTY;

		ck_assert_uint_eq(text_stack(&t, 0, &style, &cache, &out), n);
		ck_assert_str_eq(strbuf_text(&out), want);
		ck_assert(!out.failed);
		strbuf_free(&out);
	}
	text_cache_free(&cache);
	record_thread_free(&t);
}

#define EXPECT(items, qualified, want) \
	expect_stack(items, sizeof(items) / sizeof((items)[0]), qualified, want)

START_TEST(native_frames)
{
	struct record_item items[6];

	for (size_t i = 0; i < 6; i++)
		items[i] = (struct record_item){ .kind = RECORD_NATIVE, .name = &names[i] };
	EXPECT(items, false,
	    "              libc.so.6`poll+0x1f\n"
	    "              python3.11`main\n"
	    "              python3.11`0x60a172\n"
	    "              0x7f0000001000\n"
	    "              a\\x5bb\\x1b.so`f\\x5bg+0x1\n"
	    "                \\x5b `[ f[g;\\x0a] (x)+0x1\n");
}
END_TEST

/* Inlined functions have lines of their own, before that of the function they were put into. */
START_TEST(source_lines)
{
	struct symbol_source *source = calloc(1, sizeof(*source) + 3 * sizeof(source->at[0]));
	struct symbol_name name = { .object = "a.so", .symbol = "f", .offset = 1, .source = source };
	struct record_item item = { .kind = RECORD_NATIVE, .name = &name };

	ck_assert_ptr_nonnull(source);
	source->n = 3;
	source->at[0] = (struct symbol_line){ "_Zi", "i[]", "i\n.c", "/", 7, 1 };
	source->at[1] = (struct symbol_line){ "h[", NULL, "", "", 0, 0 };
	source->at[2] = (struct symbol_line){ "f", NULL, "../f.c", "/", 12, 0 };
	expect_stack(&item, 1, false,
	    "              a.so`i[] [inlined] (i\\x0a.c:7)\n"
	    "              a.so`h\\x5b [inlined]\n"
	    "              a.so`f+0x1 (../f.c:12)\n");
	free(source);
}
END_TEST

START_TEST(python_frames)
{
	char file[] = "/srv/a\n.py", name[] = "f", qualname[] = "C.f";
	struct py_code code = code_of(file, name, qualname), other = code_of(file, name, NULL);
	struct record_item items[] = {
		{ .kind = RECORD_PYTHON, .line = 3, .code_id = 1, .code = &code },
		{ .kind = RECORD_PYTHON, .line = 4, .code_id = 1, .code = &code },
		{ .kind = RECORD_PYTHON, .line = 4, .code_id = 1, .code = &code, .uncertain = true },
		{ .kind = RECORD_PYTHON, .line = 4, .code_id = 2, .code = &other },
		{ .kind = RECORD_PYTHON, .uncertain = true },
	};

	EXPECT(items, false,
	    "                [ /srv/a\\x0a.py:3 (f) ]\n"
	    "                [ /srv/a\\x0a.py:4 (f) ]\n"
	    "                [ /srv/a\\x0a.py:4 (f) ] ?\n"
	    "                [ /srv/a\\x0a.py:4 (f) ]\n"
	    "                [ ?:0 (?) ] ?\n");
	EXPECT(items, true,
	    "                [ /srv/a\\x0a.py:3 (C.f) ]\n"
	    "                [ /srv/a\\x0a.py:4 (C.f) ]\n"
	    "                [ /srv/a\\x0a.py:4 (C.f) ] ?\n"
	    "                [ /srv/a\\x0a.py:4 (f) ]\n"
	    "                [ ?:0 (?) ] ?\n");
}
END_TEST

/* Whatever a function's name: a reader of the line finds the frame's own position as the last of
 * its form. */
START_TEST(names_that_look_like_places)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "f:1 (g", "[ /srv/app.py:12 (f:1 \\x28g) ]" },
		{ "a:22 (b:3 (c)", "[ /srv/app.py:12 (a:22 \\x28b:3 \\x28c)) ]" },
		{ ":5 (", "[ /srv/app.py:12 (:5 \\x28) ]" },
		{ "f: (g", "[ /srv/app.py:12 (f: (g) ]" },
		{ "f:1(g) (h:2", "[ /srv/app.py:12 (f:1(g) (h:2) ]" },
		{ "<lambda>", "[ /srv/app.py:12 (<lambda>) ]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char file[] = "/srv/app.py", name[32];
		struct py_code code;
		struct strbuf out = STRBUF_EMPTY;

		(void)snprintf(name, sizeof(name), "%s", cases[i].name);
		code = code_of(file, name, NULL);
		text_python(&code, 12, true, &out);
		ck_assert_str_eq(strbuf_text(&out), cases[i].text);
		strbuf_free(&out);
	}
}
END_TEST

START_TEST(remarks)
{
	struct record_item items[] = {
		{ .kind = RECORD_REMARK, .remark = REMARK_GAP },
		{ .kind = RECORD_REMARK, .remark = REMARK_THREAD, .detail = "no [stack\n" },
		{ .kind = RECORD_REMARK, .remark = REMARK_MORE },
	};

	EXPECT(items, false,
	    "              (unwind gap)\n"
	    "              (no \\x5bstack\\x0a)\n"
	    "              ...\n");
}
END_TEST

/* A remark about the thread comes before its frames. */
START_TEST(remark_first)
{
	struct record_thread t = { .name = "" };
	const struct record_item more = { .kind = RECORD_REMARK, .remark = REMARK_MORE };

	for (int i = 0; i < 3; i++)
		ck_assert(vec_push(&t.items, more));
	ck_assert(record_remark_first(&t, REMARK_GIL));
	ck_assert_uint_eq(t.items.n, 4);
	expect_stack(t.items.at, 2, false,
	    "              (waits for the GIL)\n"
	    "              ...\n");
	record_thread_free(&t);
}
END_TEST

/* Long stacks are written in parts of whole lines. */
START_TEST(parts)
{
	struct record_thread t = { .name = "" };
	struct record_item item = { .kind = RECORD_NATIVE, .name = &names[0] };
	struct text_style style = { false };
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
	struct strbuf out = STRBUF_EMPTY;
	size_t lines = 0, calls = 0;

	for (int i = 0; i < 2000; i++)
		ck_assert(vec_push(&t.items, item));
	for (size_t i = 0; i < t.items.n; calls++) {
		i = text_stack(&t, i, &style, &cache, &out);
		ck_assert_uint_lt(out.n, TEXT_CHUNK + 100);
		ck_assert_int_eq(out.at[out.n - 1], '\n');
		for (size_t k = 0; k < out.n; k++)
			lines += out.at[k] == '\n';
		strbuf_reset(&out);
	}
	ck_assert_uint_eq(lines, 2000);
	ck_assert_uint_gt(calls, 1);
	strbuf_free(&out);
	text_cache_free(&cache);
	record_thread_free(&t);
}
END_TEST

START_TEST(headers)
{
	struct record_thread t = { .id = 4712, .name = "w[1]" };
	struct strbuf out = STRBUF_EMPTY;

	text_header(&t, &out);
	ck_assert_str_eq(
	    strbuf_text(&out), "------------- thread# 4712 / lwp# 4712 [w\\x5b1]] -------------\n");
	strbuf_reset(&out);
	ck_assert(vec_push(&t.interps, ((struct record_interp){ 0x030b0000, 1 })));
	ck_assert(vec_push(&t.interps, ((struct record_interp){ 0, 0 })));
	t.name = "";
	text_header(&t, &out);
	ck_assert_str_eq(
	    strbuf_text(&out), "-------- thread# 4712 / lwp# 4712 / interp# 3.11:1,0 ---------\n");
	strbuf_free(&out);
	record_thread_free(&t);
}
END_TEST

START_TEST(processes)
{
	struct record_process p = { .pid = 4711, .args = "python3 app.py" };
	struct strbuf out = STRBUF_EMPTY;

	text_process(&p, &out);
	ck_assert_str_eq(strbuf_text(&out), "4711:\tpython3 app.py\n");
	strbuf_reset(&out);
	p.core = "co\nre";
	p.killed_by = "SIGSEGV";
	p.has_address = true;
	p.address = 0x10;
	text_process(&p, &out);
	ck_assert_str_eq(
	    strbuf_text(&out), "core 'co\\x0are' of 4711:\tpython3 app.py\nkilled by SIGSEGV at 0x10\n");
	strbuf_free(&out);
}
END_TEST

START_TEST(warnings)
{
	static const struct notice unusable = { .code = NOTICE_NOT_USABLE, .file = "a\x1b", .detail = "why" };
	static const struct {
		struct record_warning w;
		const char *want;
	} rows[] = {
		{ { WARN_NOTICE, .operand = "co\nre", .notice = &unusable },
		    "pystack: co\\x0are: a\\x1b: not usable: why\n" },
		{ { WARN_CANNOT_STOP, .operand = "1", .detail = "process is traced" },
		    "pystack: cannot stop 1: process is traced\n" },
		{ { WARN_MORE_NOTICES, .operand = "1", .count = { 7 } },
		    "pystack: 1: 7 more such messages (-v prints them)\n" },
		{ { WARN_LAYOUT, .operand = "1", .version = 0x03090cf0, .detail = "why" },
		    "pystack: 1: CPython 3.9 has a non-standard layout (why): frames may be missing or "
		    "wrong; "
		    "install its debug information\n" },
		{ { WARN_SOURCE_LINES, .operand = "1", .file = "/f", .detail = "why" },
		    "pystack: 1: /f: why: its frames may lack source lines; install its debug information "
		    "again, or leave out -g\n" },
		{ { WARN_FILE, .operand = "1", .action = "open", .file = "/f", .error = EIO },
		    "pystack: 1: cannot open /f: Input/output error\n" },
		{ { WARN_FILE, .operand = "1", .action = "read", .file = "/f", .error = EIO, .count = { 2 },
		      .printed = true },
		    "pystack: 1: cannot read /f: Input/output error (and 2 more such errors): frames, lines "
		    "or names may be missing\n" },
		{ { WARN_SAMPLES_FAILED, .operand = "1", .count = { 2, 5 }, .detail = "why" },
		    "pystack: 1: 2 of 5 samples failed, the last: why\n" },
		{ { WARN_SAMPLES_TAKEN, .operand = "1", .count = { 9, 0, 0 } },
		    "pystack: 1: 9 samples taken\n" },
		{ { WARN_SAMPLES_LATE, .operand = "1", .count = { 9, 4, 3 } },
		    "pystack: 1: 9 samples taken, 4 late, 3 skipped: sampling takes longer than the "
		    "interval\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct strbuf out = STRBUF_EMPTY;

		text_warning(&rows[i].w, &out);
		ck_assert_str_eq(strbuf_text(&out), rows[i].want);
		strbuf_free(&out);
	}
}
END_TEST

/* Each code has words. */
START_TEST(every_warning)
{
	static const struct notice notice = { .code = NOTICE_CORE_DAMAGED };

	for (int code = 0; code <= WARN_NO_STACKS; code++) {
		struct record_warning w = { (enum record_warning_code)code, .operand = "1", .detail = "why",
			.notice = &notice, .action = "open", .file = "/f" };
		struct strbuf out = STRBUF_EMPTY;

		text_warning(&w, &out);
		ck_assert(!out.failed);
		ck_assert_uint_gt(out.n, strlen("pystack: 1: \n"));
		strbuf_free(&out);
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = { native_frames, source_lines, python_frames, names_that_look_like_places,
		remarks, remark_first, parts, headers, processes, warnings, every_warning };

	return run_suite("report/text", tests, sizeof(tests) / sizeof(tests[0]));
}
