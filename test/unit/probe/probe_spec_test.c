/* Parsing of probes: canonical forms, those of other tracers, and wrong ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "probe/probe_spec.h"
#include "support/run_suite.h"

static struct probe_spec spec;

static void parse(const char *text)
{
	struct fault f = { 0 };

	ck_assert_msg(probe_spec_parse(text, &spec, &f) == RES_OK, "%s", f.text);
}

static void check_print(const char *want)
{
	struct strbuf b = STRBUF_EMPTY;

	probe_spec_print(&spec, &b);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
}

/* `text` means `want`, and `want` means itself. */
static void check_canonical(const char *text, const char *want)
{
	parse(text);
	check_print(want);
	parse(want);
	check_print(want);
}

/* `text` is refused with `why` in one short line, and nothing is written. */
static void check_refused(const char *text, const char *why)
{
	struct probe_spec before;
	struct fault f = { 0 };

	memset(&before, 0x5a, sizeof(before));
	spec = before;
	ck_assert_msg(probe_spec_parse(text, &spec, &f) == RES_FAIL, "%s is accepted", text);
	ck_assert_mem_eq(&spec, &before, sizeof(spec));
	ck_assert_msg(strstr(f.text, why) != NULL, "%s", f.text);
	ck_assert_ptr_null(strchr(f.text, '\n'));
	ck_assert_int_eq(probe_spec_parse(text, &spec, NULL), RES_FAIL);
}

START_TEST(canonical_forms_stay)
{
	static const char *const forms[] = { "syscall:rmdir", "syscall:rmdir:return", "syscall:_newselect",
		"tracepoint:block:block_rq_issue", "profile:997", "profile:1", "profile:10000", "off-cpu",
		"uprobe:/bin/bash:readline", "uprobe:/bin/bash:readline+16", "uretprobe:/bin/bash:readline",
		"usdt:/usr/bin/python3.11:python:gc__start", "python:function-entry", "python:gc-start",
		"python:import-start" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		check_canonical(forms[i], forms[i]);
}
END_TEST

START_TEST(members_are_filled_in)
{
	parse("syscall:rmdir:return");
	ck_assert_int_eq(spec.kind, PROBE_SYSCALL);
	ck_assert(spec.on_return);
	ck_assert_str_eq(spec.call, "rmdir");
	parse("tracepoint:block:block_rq_issue");
	ck_assert_int_eq(spec.kind, PROBE_TRACEPOINT);
	ck_assert_str_eq(spec.category, "block");
	ck_assert_str_eq(spec.event, "block_rq_issue");
	parse("profile:997");
	ck_assert_int_eq(spec.kind, PROBE_PROFILE);
	ck_assert_uint_eq(spec.hz, 997);
	parse("off-cpu");
	ck_assert_int_eq(spec.kind, PROBE_OFF_CPU);
	parse("uprobe:/bin/bash:readline+0x10");
	ck_assert_int_eq(spec.kind, PROBE_UPROBE);
	ck_assert(!spec.on_return);
	ck_assert_str_eq(spec.file, "/bin/bash");
	ck_assert_str_eq(spec.symbol, "readline");
	ck_assert_uint_eq(spec.offset, 16);
	parse("usdt:/bin/x:some-provider:a-probe");
	ck_assert_int_eq(spec.kind, PROBE_USDT);
	ck_assert_str_eq(spec.file, "/bin/x");
	ck_assert_str_eq(spec.provider, "some__provider");
	ck_assert_str_eq(spec.name, "a__probe");
	parse("python:import-start");
	ck_assert_int_eq(spec.kind, PROBE_USDT);
	ck_assert_str_eq(spec.file, "");
	ck_assert_str_eq(spec.provider, "python");
	ck_assert_str_eq(spec.name, "import__find__load__start");
}
END_TEST

START_TEST(files_may_have_colons_and_blanks)
{
	parse("uprobe:/a:b c/prog:main");
	ck_assert_str_eq(spec.file, "/a:b c/prog");
	ck_assert_str_eq(spec.symbol, "main");
	parse("usdt:/a:b/prog:p:n");
	ck_assert_str_eq(spec.file, "/a:b/prog");
	ck_assert_str_eq(spec.provider, "p");
	check_canonical("uprobe:/\xc3\xa4/prog:_ZN1a1bEv+1", "uprobe:/\xc3\xa4/prog:_ZN1a1bEv+1");
}
END_TEST

START_TEST(forms_of_other_tracers)
{
	check_canonical("t:block:block_rq_issue", "tracepoint:block:block_rq_issue");
	check_canonical("tracepoint:syscalls:sys_enter_rmdir", "syscall:rmdir");
	check_canonical("tracepoint:syscalls:sys_exit_openat", "syscall:openat:return");
	check_canonical("tracepoint:syscalls:sys_enter_newstat", "syscall:stat");
	check_canonical("p:hz:99", "profile:99");
	check_canonical("profile:hz:99", "profile:99");
	check_canonical("u:/bin/x:f", "uprobe:/bin/x:f");
	check_canonical("ur:/bin/x:f", "uretprobe:/bin/x:f");
	check_canonical("U:/bin/x:p:n", "usdt:/bin/x:p:n");
	check_canonical("profile-997", "profile:997");
	check_canonical("syscall::rmdir:entry", "syscall:rmdir");
	check_canonical("syscall::rmdir:return", "syscall:rmdir:return");
	check_canonical("syscall:rmdir:entry", "syscall:rmdir");
	check_canonical("python:::function-entry", "python:function-entry");
	check_canonical("python:function__entry", "python:function-entry");
	check_canonical("python:import-find-load-start", "python:import-start");
	check_canonical("offcpu", "off-cpu");
}
END_TEST

START_TEST(wrong_kinds_get_the_nearest)
{
	check_refused("sycall:rmdir", "is it syscall?");
	check_refused("uprob:/bin/x:f", "is it uprobe?");
	check_refused("kprobe:vfs_read", "is it uprobe?");
	check_refused("", "there are syscall:");
	check_refused("4711", "there are syscall:");
	check_refused(":", "there are syscall:");
}
END_TEST

START_TEST(missing_and_superfluous_parts)
{
	check_refused("syscall", "a system call is wanted");
	check_refused("syscall:", "a system call is wanted");
	check_refused("syscall:*", "a pattern is for --list");
	check_refused("syscall:rmdir:exit", "only :entry or :return");
	check_refused("syscall:rmdir:return:", "only :entry or :return");
	check_refused("tracepoint:block", "tracepoint:CATEGORY:EVENT");
	check_refused("tracepoint::x", "category is wrong");
	check_refused("tracepoint:block:", "event is wrong");
	check_refused("tracepoint:../../etc:passwd", "category is wrong");
	check_refused("tracepoint:block:../x", "event is wrong");
	check_refused("off-cpu:1", "nothing can follow");
	check_refused("uprobe:/bin/x", "uprobe:FILE:SYMBOL");
	check_refused("uretprobe:/bin/x", "uretprobe:FILE:SYMBOL");
	check_refused("uprobe::f", "file is missing");
	check_refused("uprobe:/bin/x:", "symbol is missing");
	check_refused("uprobe:/bin/x:+4", "symbol is missing");
	check_refused("uprobe:/bin/x:0x1234", "not an address");
	check_refused("uprobe:/bin/x:f+", "offset is no number");
	check_refused("uprobe:/bin/x:f+-4", "offset is no number");
	check_refused("uprobe:/bin/x:f+0x", "offset is no number");
	check_refused("uprobe:/bin/x:f+4294967296", "offset is no number");
	check_refused("uprobe:/bin/x:f+18446744073709551617", "offset is no number");
	check_refused("uretprobe:/bin/x:f+4", "a return has no offset");
	check_refused("usdt:/bin/x:n", "usdt:FILE:PROVIDER:NAME");
	check_refused("usdt:/bin/x::n", "provider is wrong");
	check_refused("usdt:/bin/x:p:", "name of the probe is wrong");
	check_refused("usdt::p:n", "file is missing");
	check_refused("python:", "python:gc-start");
	check_refused("python:a/b", "python:gc-start");
}
END_TEST

START_TEST(frequencies_are_bounded)
{
	check_refused("profile", "1 to 10000 Hz");
	check_refused("profile:0", "1 to 10000 Hz");
	check_refused("profile:10001", "1 to 10000 Hz");
	check_refused("profile:-1", "1 to 10000 Hz");
	check_refused("profile:99Hz", "1 to 10000 Hz");
	check_refused("profile:18446744073709551715", "1 to 10000 Hz");
	check_refused("profile-", "1 to 10000 Hz");
	check_refused("profile:ms:10", "only hz");
}
END_TEST

/* "KIND" with `n` times `c` and `tail`. */
static const char *long_text(const char *head, char c, size_t n, const char *tail)
{
	static char text[16384];
	size_t at = strlen(head);

	memcpy(text, head, at);
	memset(text + at, c, n);
	memcpy(text + at + n, tail, strlen(tail) + 1);
	return text;
}

START_TEST(lengths_are_bounded)
{
	parse(long_text("syscall:", 'a', PROBE_NAME_MAX, ""));
	check_refused(long_text("syscall:", 'a', PROBE_NAME_MAX + 1, ""), "a system call is wanted");
	parse(long_text("tracepoint:", 'a', PROBE_NAME_MAX, ":e"));
	check_refused(long_text("tracepoint:", 'a', PROBE_NAME_MAX + 1, ":e"), "category is wrong");
	check_refused(long_text("tracepoint:c:", 'a', PROBE_NAME_MAX + 1, ""), "event is wrong");
	parse(long_text("uprobe:", 'a', PROBE_FILE_MAX, ":f"));
	check_refused(long_text("uprobe:", 'a', PROBE_FILE_MAX + 1, ":f"), "file is too long");
	parse(long_text("uprobe:f:", 'a', PROBE_SYMBOL_MAX, ""));
	check_refused(long_text("uprobe:f:", 'a', PROBE_SYMBOL_MAX + 1, ""), "symbol is too long");
	/* A hyphen is two bytes afterwards. */
	parse(long_text("python:", '-', PROBE_NAME_MAX / 2, "a"));
	check_refused(long_text("python:", '-', PROBE_NAME_MAX / 2, "aa"), "python:gc-start");
	check_refused(long_text("usdt:f:", '-', PROBE_NAME_MAX, ":n"), "provider is wrong");
	check_refused(long_text("", 'x', 16000, ""), "xxx...: no kind of probe");
}
END_TEST

START_TEST(messages_are_safe_to_print)
{
	check_refused("syscall:a\nb", "syscall:a\\x0ab: a control character");
	check_refused("\x1b[2J", "\\x1b[2J: a control");
	check_refused("uprobe:/bin/x:f\x7f", "a control character");
	check_refused("\xe2\x80\xae:x", "\\u202e:x: no kind");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { canonical_forms_stay, members_are_filled_in,
		files_may_have_colons_and_blanks, forms_of_other_tracers, wrong_kinds_get_the_nearest,
		missing_and_superfluous_parts, frequencies_are_bounded, lengths_are_bounded,
		messages_are_safe_to_print };

	return run_suite("probe_spec", tests, sizeof(tests) / sizeof(tests[0]));
}
