/* Records as JSON. */
#include "report/json.h"

#include <stdio.h>
#include <string.h>

#include "report/text.h"
#include "report/warning_code.h"
#include "support/run_suite.h"

static const uint8_t id[] = { 0x0f, 0xa0, 0xff };

static const struct symbol_place place = { .path = "/lib/libc.so.6",
	.id = id,
	.id_n = sizeof(id),
	.has_address = true,
	.address = 0x101f,
	.has_offset = true,
	.offset = 0x1f };
static const struct symbol_place vdso = { .path = "linux-vdso.so.1" };

static struct symbol_name names[] = {
	{ .pc = 0x7f000000101f, .object = "libc.so.6", .symbol = "poll", .offset = 0x1f, .place = &place },
	{ .id = 1, .pc = 0x2000, .object = "python3.11", .symbol = "main", .demangled = "main()" },
	{ .id = 2, .pc = 0x7f000060a172, .object = "linux-vdso.so.1", .address = 0x60a172, .place = &vdso },
	{ .id = 3, .pc = 0x7f0000001000 },
	{ .id = 4, .pc = 0x3000, .object = "a\xff[\\.so", .symbol = "f\x1b\"\xc2\x9b", .offset = 1 },
};

static struct py_code code_of(char *file, char *name, char *qualname)
{
	return (struct py_code){ .addr = 0xc0de,
		.first_line = 1,
		.file = file,
		.name = name,
		.qualname = qualname,
		.file_len = strlen(file),
		.name_len = strlen(name),
		.qualname_len = qualname == NULL ? 0 : strlen(qualname) };
}

static void expect(struct strbuf *out, const char *want)
{
	ck_assert_str_eq(strbuf_text(out), want);
	ck_assert(!out->failed);
	strbuf_reset(out);
}

/* The frames of t, twice: the second time parts of them come from the cache. */
static void expect_frames(const struct record_thread *t, bool apart, const char *want)
{
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
	struct strbuf out = STRBUF_EMPTY;

	for (int round = 0; round < 2; round++) {
		ck_assert_uint_eq(json_frames(t, 0, apart, &cache, &out), t->items.n);
		expect(&out, want);
	}
	strbuf_free(&out);
	text_cache_free(&cache);
}

static void add(struct record_thread *t, struct record_item item)
{
	ck_assert(vec_push(&t->items, item));
}

START_TEST(native_frames)
{
	struct record_thread t = { .name = "" };

	for (size_t i = 0; i < 4; i++)
		add(&t, (struct record_item){ .kind = RECORD_NATIVE, .name = &names[i] });
	expect_frames(&t, true,
	    "{\"kind\":\"native\",\"module\":\"/lib/"
	    "libc.so.6\",\"build_id\":\"0fa0ff\",\"address\":\"0x101f\","
	    "\"file_offset\":\"0x1f\",\"symbol\":\"poll\",\"offset\":31},"
	    "{\"kind\":\"native\",\"module\":\"python3.11\",\"symbol\":\"main\",\"demangled\":\"main()\","
	    "\"offset\":0},"
	    "{\"kind\":\"native\",\"module\":\"linux-vdso.so.1\",\"pc\":\"0x7f000060a172\"},"
	    "{\"kind\":\"native\",\"pc\":\"0x7f0000001000\"}");
	record_thread_free(&t);
}
END_TEST

/* What belongs to an activation is not cached. */
START_TEST(activations)
{
	static struct native_frame natives[] = {
		{ .pc = 0x7f000000101f, .sp = 0x10, .cfa = 0x20, .exact = true },
		{ .pc = 0x7f000000101f, .sp = 0xfffffffffffffff0, .how = UNWIND_FP }
	};
	struct py_frame pythons[] = { { .addr = 0xf0 }, { .addr = 0xf1 }, { .addr = 0xf2 } };
	struct py_run runs[] = { { .marker = 0x15, .first = 0, .count = 0 },
		{ .marker = 0x16, .first = 0, .count = 2 }, { .first = 2, .count = 1, .runtime = 1 } };
	char file[] = "/srv/a.py", name[] = "f", qualname[] = "C.f";
	struct py_code code = code_of(file, name, qualname);
	struct stack_thread stack = { .thread_pointer = 0xabc };
	struct record_thread t = { .id = 4711, .stack = &stack, .name = "worker" };
	struct strbuf out = STRBUF_EMPTY;

	stack.native.frames.at = natives;
	stack.python.frames.at = pythons;
	stack.python.frames.n = 3;
	stack.python.runs.at = runs;
	stack.python.runs.n = 3;
	for (uint32_t i = 0; i < 2; i++)
		add(&t, (struct record_item){ .kind = RECORD_NATIVE, .index = i, .name = &names[0] });
	for (uint32_t i = 0; i < 3; i++)
		add(&t, (struct record_item){ .kind = RECORD_PYTHON,
			    .index = i,
			    .line = 3,
			    .code_id = 1,
			    .code = &code,
			    .uncertain = i == 2 });
#define POLL                                                                                                 \
	"{\"kind\":\"native\",\"module\":\"/lib/libc.so.6\",\"build_id\":\"0fa0ff\",\"address\":\"0x101f\"," \
	"\"file_offset\":\"0x1f\",\"symbol\":\"poll\",\"offset\":31"
#define LINE                                                                                              \
	"{\"kind\":\"python\",\"function\":\"f\",\"qualname\":\"C.f\",\"file\":\"/srv/a.py\",\"line\":3," \
	"\"first_line\":1,\"certain\":"
	expect_frames(&t, false,
	    POLL
	    ",\"pc\":\"0x7f000000101f\",\"exact\":true,\"sp\":\"0x10\",\"cfa\":\"0x20\",\"how\":"
	    "\"registers\"}," POLL
	    ",\"pc\":\"0x7f000000101f\",\"exact\":false,\"sp\":\"0xfffffffffffffff0\",\"how\":\"fp\"}," LINE
	    "true,\"frame\":\"0xf0\",\"code\":\"0xc0de\",\"interpreter\":0,\"entry\":false,\"activation\":"
	    "\"0x16\"}," LINE "true,\"frame\":\"0xf1\",\"code\":\"0xc0de\",\"interpreter\":0,\"entry\":true,"
	    "\"activation\":\"0x16\"}," LINE
	    "false,\"frame\":\"0xf2\",\"code\":\"0xc0de\",\"interpreter\":1,\"entry\":true}");
	expect_frames(&t, true, POLL "}," POLL "}," LINE "true}," LINE "true}," LINE "false}");
	json_thread_begin(&t, false, true, false, &out);
	json_thread_end(&out);
	expect(&out,
	    ",{\"lwp\":4711,\"pthread_id\":\"0xabc\",\"name\":\"worker\",\"complete\":true,\"frames\":[]}");
	strbuf_free(&out);
	record_thread_free(&t);
}
END_TEST

START_TEST(remarks_and_unknown_code)
{
	struct record_thread t = { .name = "" };

	add(&t, (struct record_item){ .kind = RECORD_REMARK, .remark = REMARK_GAP });
	add(&t, (struct record_item){ .kind = RECORD_REMARK, .remark = REMARK_THREAD, .detail = "\\ \x1b" });
	add(&t, (struct record_item){ .kind = RECORD_PYTHON, .uncertain = true });
	expect_frames(&t, false,
	    "{\"kind\":\"remark\",\"code\":\"gap\",\"text\":\"unwind gap\"},"
	    "{\"kind\":\"remark\",\"code\":\"thread\",\"text\":\"\\\\\\\\ \\u001B\"},"
	    "{\"kind\":\"python\",\"certain\":false}");
	record_thread_free(&t);
}
END_TEST

/* Undecodable bytes, surrogates and backslashes are visible; the rest is as it is, but nothing that
 * could deceive a terminal is written. */
START_TEST(hostile_names)
{
	char file[] = "/\xe2\x80\xae\xed\xb3\xbf.py", name[] = "caf\xc3\xa9",
	     qualname[] = "\\udcff\n\xf0\x9f\x90\x8d\x7f";
	struct py_code code = code_of(file, name, qualname);
	struct record_thread t = { .name = "" };

	add(&t, (struct record_item){ .kind = RECORD_NATIVE, .name = &names[4] });
	add(&t, (struct record_item){ .kind = RECORD_PYTHON, .line = -1, .code_id = 1, .code = &code });
	expect_frames(&t, true,
	    "{\"kind\":\"native\",\"module\":\"a\\\\udcff[\\\\\\\\.so\",\"symbol\":\"f\\u001B\\\"\\u009B\","
	    "\"offset\":1},"
	    "{\"kind\":\"python\",\"function\":\"caf\\u00E9\",\"qualname\":"
	    "\"\\\\\\\\udcff\\n\\uD83D\\uDC0D\x7f\","
	    "\"file\":\"/\\u202E\\\\udcff.py\",\"line\":-1,\"first_line\":1,\"certain\":true}");
	record_thread_free(&t);
}
END_TEST

/* Each state has a name: without one the members of the thread would be missing. */
START_TEST(states_of_a_thread)
{
	struct record_thread t = { .id = 1, .name = "" };
	struct strbuf out = STRBUF_EMPTY;
	static const char python_name[] = "a\"b";

	t.state = (struct thread_state){ .name = python_name,
		.name_n = 3,
		.activity = ACTIVITY_CALL,
		.number = 202,
		.call = "futex",
		.timeout = TIMEOUT_LEFT,
		.timeout_ns = -5,
		.gil = GIL_AWAITED,
		.gil_owner = 2,
		.collecting = true,
		.collecting_unsure = true,
		.finalizing = true,
		.daemon = true,
		.object = OBJECT_RLOCK,
		.object_at = 16,
		.object_owner = 3 };
	json_thread_begin(&t, false, true, true, &out);
	expect(&out, "{\"lwp\":1,\"python_name\":\"a\\\"b\",\"activity\":\"waiting\","
		     "\"system_call\":{\"number\":202,\"name\":\"futex\",\"left_ns\":-5},"
		     "\"waits_for_gil\":{\"what\":\"GIL\",\"held_by\":2},"
		     "\"waits_for\":{\"what\":\"RLock\",\"address\":\"0x10\",\"held_by\":3},"
		     "\"collecting\":true,\"collecting_certain\":false,\"finalizing\":true,\"daemon\":true,"
		     "\"complete\":true,\"frames\":[");
	for (uint8_t i = 1; i <= OBJECT_MUTEX; i++) {
		t.state = (struct thread_state){ .number = -1,
			.object = i,
			.activity = i <= ACTIVITY_TRACED ? i : ACTIVITY_UNKNOWN,
			.gil = i == 1 ? GIL_HELD : GIL_UNKNOWN,
			.attachment = i <= ATTACHMENT_SUSPENDED ? i : ATTACHMENT_NONE };
		json_thread_begin(&t, false, true, true, &out);
		ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "\"waits_for\":{\"what\":\""));
		ck_assert_ptr_nonnull(strstr(strbuf_text(&out), "\"complete\":true"));
		strbuf_reset(&out);
	}
	strbuf_free(&out);
}
END_TEST

START_TEST(interpreters_of_a_thread)
{
	struct record_thread t = { .id = 1, .name = "\xff" };
	struct record_interp one = { 0, 3 }, other = { 0x030b02f0, 0 };
	struct strbuf out = STRBUF_EMPTY;

	ck_assert(vec_push(&t.interps, one));
	ck_assert(vec_push(&t.interps, other));
	json_thread_begin(&t, true, false, true, &out);
	expect(&out,
	    "{\"lwp\":1,\"name\":\"\\\\udcff\",\"interpreters\":[{\"id\":3},{\"id\":0,\"version\":\"3.11\"}],"
	    "\"ended\":true,\"complete\":false,\"frames\":[");
	record_thread_free(&t);
	strbuf_free(&out);
}
END_TEST

#define LINE_START "{\"schema\":1,\"pystack\":\"" PYSTACK_VERSION "\",\"type\":\""

START_TEST(unread_target)
{
	char text[] = "cannot examine x";
	struct json_message message = { "cannot-examine", text };
	struct json_end end = { .messages = &message, .n = 1 };
	struct strbuf out = STRBUF_EMPTY;

	json_target_begin("x\\\xff", NULL, &out);
	json_target_end(&end, &out);
	expect(&out, LINE_START "target\",\"operand\":\"x\\\\\\\\\\\\udcff\","
				"\"messages\":[{\"code\":\"cannot-examine\",\"text\":\"cannot examine x\"}],"
				"\"complete\":false}\n");
	strbuf_free(&out);
}
END_TEST

START_TEST(target)
{
	struct record_details d = { .process = { .pid = 7,
					.core = "c",
					.killed_by = "SIGSEGV",
					.has_address = true,
					.address = UINT64_MAX },
		.has_uid = true,
		.uid = 4294967294,
		.psargs = "p" };
	struct details_python python = {
		.version = 0x030f00a3, .file = "/py", .address = 16, .free_threaded = true
	};
	struct json_end end = { .method = "core", .threads = 2, .complete = true };
	struct strbuf out = STRBUF_EMPTY;

	strbuf_add(&d.args, "p\0\0a b\0", 7);
	ck_assert(vec_push(&d.pythons, python));
	json_target_begin("c/7", &d, &out);
	json_threads_begin(&out);
	json_threads_end(&out);
	json_target_end(&end, &out);
	expect(&out, LINE_START
	    "target\",\"operand\":\"c/7\",\"kind\":\"core\",\"file\":\"c\",\"pid\":7,\"uid\":4294967294,"
	    "\"psargs\":\"p  a b\",\"argv\":[\"p\",\"\",\"a b\"],"
	    "\"signal\":{\"name\":\"SIGSEGV\",\"address\":\"0xffffffffffffffff\"},"
	    "\"interpreters\":[{\"implementation\":\"cpython\",\"version\":\"3.15.0a3\",\"file\":\"/py\","
	    "\"address\":\"0x10\",\"found_by\":\"symbol\",\"free_threaded\":true}],\"threads\":[],"
	    "\"thread_count\":2,\"capture\":{\"method\":\"core\",\"pause_ns\":0},\"messages\":[],"
	    "\"complete\":true}\n");
	details_free(&d);
	strbuf_free(&out);
}
END_TEST

START_TEST(deadlocks)
{
	struct deadlock_wait waits[] = { { .id = 1, .owner = 2, .object = OBJECT_MUTEX, .at = 16 },
		{ .id = 2, .owner = 1 } };
	deadlock_waits circle = VEC_EMPTY;
	struct json_end end = { .complete = true };
	struct strbuf out = STRBUF_EMPTY, line = STRBUF_EMPTY;

	circle.at = waits;
	circle.n = 2;
	json_deadlock(&circle, &out);
	circle.n = 1;
	json_deadlock(&circle, &out);
	end.deadlocks = strbuf_text(&out);
	ck_assert(json_target_end(&end, &line));
	expect(&line, ",\"deadlocks\":[[{\"lwp\":1,\"what\":\"mutex\",\"address\":\"0x10\",\"held_by\":2},"
		      "{\"lwp\":2,\"what\":\"GIL\",\"held_by\":1}],"
		      "[{\"lwp\":1,\"what\":\"mutex\",\"address\":\"0x10\",\"held_by\":2}]],"
		      "\"messages\":[],\"complete\":true}\n");
	strbuf_free(&out);
	strbuf_free(&line);
}
END_TEST

START_TEST(time_and_samples)
{
	struct json_end end = { .method = "stop",
		.time = 1795903301.2345678,
		.held_ns = 1234,
		.sampled = true,
		.samples = { 5, 1, 2, 3 } };
	struct strbuf out = STRBUF_EMPTY;

	json_target_end(&end, &out);
	expect(&out, ",\"capture\":{\"method\":\"stop\",\"time\":1795903301.234568,\"pause_ns\":1234},"
		     "\"samples\":{\"taken\":5,\"failed\":1,\"late\":2,\"skipped\":3},\"messages\":[],"
		     "\"complete\":false}\n");
	json_stack("\"frames\":[{}]", 3, &out);
	expect(&out, LINE_START "stack\",\"count\":3,\"frames\":[{}]}\n");
	strbuf_free(&out);
}
END_TEST

/* A deep stack is written in parts. */
START_TEST(deep_stack)
{
	struct record_thread t = { .name = "" };
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
	struct strbuf out = STRBUF_EMPTY;
	size_t parts = 0, bytes = 0;

	for (size_t i = 0; i < 1000; i++)
		add(&t, (struct record_item){ .kind = RECORD_NATIVE, .name = &names[1] });
	for (size_t i = 0; i < t.items.n; parts++) {
		i = json_frames(&t, i, true, &cache, &out);
		ck_assert_uint_lt(out.n, TEXT_CHUNK + 100);
		ck_assert_int_eq(out.at[0], parts == 0 ? '{' : ',');
		bytes += out.n;
		strbuf_reset(&out);
	}
	ck_assert_uint_gt(parts, 3);
	ck_assert_uint_eq(
	    bytes, 1000 * (strlen("{\"kind\":\"native\",\"module\":\"python3.11\","
				  "\"symbol\":\"main\",\"demangled\":\"main()\",\"offset\":0}") +
			      1) -
		       1);
	text_cache_free(&cache);
	strbuf_free(&out);
	record_thread_free(&t);
}
END_TEST

/* Each warning has a code, and no two warnings the same one. */
START_TEST(codes_of_warnings)
{
	const char *codes[WARN_NO_STACKS + NOTICE_NO_RTLD_DB + 2];
	size_t n = 0;

	for (int i = 0; i <= WARN_NO_STACKS + NOTICE_NO_RTLD_DB + 1; i++) {
		struct notice notice = { .code = (enum notice_code)(i - WARN_NO_STACKS - 1) };
		struct record_warning w = { .code = i > WARN_NO_STACKS ? WARN_NOTICE
								       : (enum record_warning_code)i,
			.notice = &notice };

		if (i == WARN_NOTICE || notice.code == NOTICE_SILENT_UNKNOWN)
			continue;
		codes[n] = warning_code(&w);
		ck_assert_ptr_nonnull(codes[n]);
		for (size_t k = 0; k < n; k++)
			ck_assert_str_ne(codes[k], codes[n]);
		n++;
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = { native_frames, activations, remarks_and_unknown_code, hostile_names,
		states_of_a_thread, interpreters_of_a_thread, unread_target, target, deadlocks,
		time_and_samples, deep_stack, codes_of_warnings };

	if (!json_is_built()) {
		(void)puts("SKIP: built without jansson");
		return run_suite("report/json", NULL, 0);
	}
	return run_suite("report/json", tests, sizeof(tests) / sizeof(tests[0]));
}
