/* What a thread is called and does, as text. */
#include "report/text_state.h"

#include <string.h>

#include "report/text.h"
#include "support/run_suite.h"

static void check_line(const struct thread_state *s, const char *want)
{
	struct strbuf out = STRBUF_EMPTY;

	text_state(s, &out);
	ck_assert(!out.failed);
	ck_assert_str_eq(strbuf_text(&out), want);
	if (want[0] != '\0')
		ck_assert(text_is_state(want + strlen(TEXT_INDENT), strlen(want) - strlen(TEXT_INDENT) - 1));
	strbuf_free(&out);
}

START_TEST(states)
{
	struct thread_state s = THREAD_STATE_INIT;

	check_line(&s, "");
	s.activity = ACTIVITY_RUNNING;
	check_line(&s, TEXT_INDENT "(running)\n");
	s.gil = GIL_HELD;
	s.collecting = s.collecting_unsure = true;
	check_line(&s, TEXT_INDENT "(running; holds the GIL; collecting garbage ?)\n");
	s.collecting_unsure = false;
	s.finalizing = true;
	check_line(&s, TEXT_INDENT "(running; holds the GIL; collecting garbage; finalizing)\n");
	s = (struct thread_state){
		.activity = ACTIVITY_CALL, .number = 202, .call = "futex", .daemon = true
	};
	check_line(&s, TEXT_INDENT "(in futex; daemon)\n");
	s.gil = GIL_AWAITED;
	s.gil_owner = 4711;
	check_line(&s, TEXT_INDENT "(in futex; waits for the GIL held by 4711; daemon)\n");
	s.gil = GIL_UNKNOWN;
	s.daemon = false;
	s.object = OBJECT_RLOCK;
	s.object_at = 0x7f00;
	s.object_owner = 4712;
	check_line(&s, TEXT_INDENT "(in futex; waits for the RLock at 0x7f00 held by 4712)\n");
	s = (struct thread_state){ .activity = ACTIVITY_DISK_SLEEP, .number = 999 };
	check_line(&s, TEXT_INDENT "(in system call 999; in disk sleep)\n");
	s.number = -1;
	s.attachment = ATTACHMENT_DETACHED;
	check_line(&s, TEXT_INDENT "(in disk sleep; detached)\n");
	s.activity = ACTIVITY_TRACED;
	s.attachment = ATTACHMENT_NONE;
	check_line(&s, TEXT_INDENT "(stopped by a tracer)\n");
}
END_TEST

START_TEST(times)
{
	static const struct {
		int64_t ns;
		uint8_t kind;
		const char *line;
	} rows[] = {
		{ 0, TIMEOUT_AFTER, TEXT_INDENT "(in poll, time-out 0 ms)\n" },
		{ 500000000, TIMEOUT_AFTER, TEXT_INDENT "(in poll, time-out 500 ms)\n" },
		{ 4213999999, TIMEOUT_LEFT, TEXT_INDENT "(in poll, 4.213 s left)\n" },
		{ 3050000000, TIMEOUT_LEFT, TEXT_INDENT "(in poll, 3.05 s left)\n" },
		{ -1, TIMEOUT_LEFT, TEXT_INDENT "(in poll, 0 ms left)\n" },
		{ 1500, TIMEOUT_AFTER, TEXT_INDENT "(in poll, time-out 0.001 ms)\n" },
		{ 7, TIMEOUT_NONE, TEXT_INDENT "(in poll)\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct thread_state s = { .activity = ACTIVITY_CALL, .number = 7, .call = "poll" };

		s.timeout = rows[i].kind;
		s.timeout_ns = rows[i].ns;
		check_line(&s, rows[i].line);
	}
}
END_TEST

START_TEST(names)
{
	static const char name[] = "a \"b\" [c]\n\xc3\xa9";
	struct thread_state s = { .name = name, .name_n = strlen(name) };
	struct strbuf out = STRBUF_EMPTY;

	text_thread_name(&s, "python3", &out);
	ck_assert_str_eq(strbuf_text(&out), " \"a \\x22b\\x22 \\x5bc]\\x0a\xc3\xa9\"");
	strbuf_reset(&out);
	text_thread_name(&s, name, &out);
	s.name = NULL;
	text_thread_name(&s, "python3", &out);
	ck_assert_uint_eq(out.n, 0);
	strbuf_free(&out);
}
END_TEST

/* Other remarks, and frames that look alike. */
START_TEST(others)
{
	static const char *const lines[] = { "(running, and --no-stop was given)", "()", "(", "",
		"(running; )", "(running; x)", "(in )", "(signal handler called)", "(JIT)", "(Python frames)",
		"running" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(!text_is_state(lines[i], strlen(lines[i])), "%s", lines[i]);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { states, times, names, others };

	return run_suite("report/text_state", tests, sizeof(tests) / sizeof(tests[0]));
}
