/* Lists of probes, patterns, and the nearest names. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "probe/probe_list.h"
#include "probe/probe_meant.h"
#include "probe/probe_syscalls.h"
#include "support/run_suite.h"

static char top[] = "/tmp/probe_list_test.XXXXXX";

static struct probe_tracefs tracefs = { -1, NULL };
static struct probe_usdt_list python_probes, other_probes;
static struct probe_source_file files[3];
static struct probe_sources sources;

static void add_probe(struct probe_usdt_list *list, const char *provider, const char *name)
{
	struct probe_usdt probe = { .n_args = 0 };

	(void)snprintf(probe.provider, sizeof(probe.provider), "%s", provider);
	(void)snprintf(probe.name, sizeof(probe.name), "%s", name);
	ck_assert(vec_push(&list->probes, probe));
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	(void)fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_dir(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void setup(void)
{
	const char *const paths[] = { top };

	ck_assert_ptr_nonnull(mkdtemp(top));
	make_dir("events");
	make_dir("events/block");
	make_dir("events/block/block_rq_issue");
	put("events/block/block_rq_issue/format", "ID: 7\n");
	put("available_events", "sched:sched_switch\nblock:block_rq_issue\nblock:block_rq_complete\n"
				"syscalls:sys_enter_rmdir\n");
	ck_assert_int_eq(probe_tracefs_open_at(paths, 1, &tracefs, NULL), RES_OK);
	add_probe(&python_probes, "python", "gc__start");
	add_probe(&python_probes, "python", "gc__done");
	add_probe(&python_probes, "python", "import__find__load__start");
	add_probe(&python_probes, "python", "gc__start"); /* another place */
	add_probe(&other_probes, "lib", "read__start");
	files[0] = (struct probe_source_file){ "/bin/py:thon", &python_probes, true };
	files[1] = (struct probe_source_file){ "/lib/libx.so", &other_probes, false };
	files[2] = (struct probe_source_file){ "/lib/none.so", NULL, false };
	sources = (struct probe_sources){ &tracefs, files, 3 };
}

static void teardown(void)
{
	char command[64];

	probe_tracefs_close(&tracefs);
	probe_usdt_free(&python_probes);
	probe_usdt_free(&other_probes);
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void check_list(const char *pattern, const char *want)
{
	struct probe_list list;
	struct strbuf b = STRBUF_EMPTY;
	struct fault f = { 0 };

	ck_assert_msg(probe_list_make(&sources, pattern, &list, &f) == RES_OK, "%s", f.text);
	for (size_t i = 0; i < list.names.n; i++)
		strbuf_fmt(&b, "%s%s", i == 0 ? "" : " ", list.names.at[i]);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
	probe_list_free(&list);
}

START_TEST(patterns)
{
	ck_assert(probe_list_matches("", "syscall:rmdir"));
	ck_assert(probe_list_matches("*", "syscall:rmdir"));
	ck_assert(probe_list_matches("rmdir", "syscall:rmdir"));
	ck_assert(probe_list_matches("l:rm", "syscall:rmdir"));
	ck_assert(probe_list_matches("syscall:*dir", "syscall:rmdir"));
	ck_assert(probe_list_matches("epoll_*", "syscall:epoll_wait"));
	ck_assert(probe_list_matches("epoll_*", "syscall:epoll_wait:return"));
	ck_assert(probe_list_matches("gc__*", "usdt:/bin/x:python:gc__done"));
	ck_assert(probe_list_matches("usdt:*:gc__*", "usdt:/bin/x:python:gc__done"));
	ck_assert(probe_list_matches("usdt:/bin/?:python:gc__[a-d]*", "usdt:/bin/x:python:gc__done"));
	ck_assert(!probe_list_matches("dir*", "syscall:rmdir"));
	ck_assert(!probe_list_matches("epoll_*", "tracepoint:eventpoll:some_epoll_x"));
	ck_assert(!probe_list_matches("l:rm*", "syscall:rmdir")); /* with a colon: the whole text */
	ck_assert(!probe_list_matches("mkdir", "syscall:rmdir"));
	ck_assert(!probe_list_matches("[", "syscall:rmdir"));
}
END_TEST

START_TEST(lists)
{
	check_list("rmdir", "syscall:rmdir syscall:rmdir:return");
	check_list("tracepoint:*", "tracepoint:block:block_rq_complete tracepoint:block:block_rq_issue "
				   "tracepoint:sched:sched_switch");
	check_list("usdt:*",
	    "usdt:/bin/py:thon:python:gc__done usdt:/bin/py:thon:python:gc__start "
	    "usdt:/bin/py:thon:python:import__find__load__start usdt:/lib/libx.so:lib:read__start");
	check_list("python:*", "python:gc-done python:gc-start python:import-start");
	check_list("gc*start", "python:gc-start usdt:/bin/py:thon:python:gc__start");
	check_list("off-cpu", "off-cpu");
	check_list("profile:*", "profile:HZ");
	check_list("socketcall", "syscall:socketcall syscall:socketcall:return"); /* of i386 */
	check_list("no such probe", "");
	sources.tracefs = NULL;
	check_list("sched_switch", "");
}
END_TEST

/* A parse of what is listed leads to the same text. */
START_TEST(what_is_listed_is_a_probe)
{
	struct probe_list list;
	struct fault f = { 0 };
	static struct probe_spec spec;

	ck_assert_int_eq(probe_list_make(&sources, NULL, &list, &f), RES_OK);
	ck_assert_uint_gt(list.names.n, 700);
	for (size_t i = 0; i < list.names.n; i++) {
		struct strbuf b = STRBUF_EMPTY;

		if (strcmp(list.names.at[i], "profile:HZ") == 0)
			continue;
		ck_assert_msg(probe_spec_parse(list.names.at[i], &spec, &f) == RES_OK, "%s", f.text);
		probe_spec_print(&spec, &b);
		ck_assert_str_eq(strbuf_text(&b), list.names.at[i]);
		strbuf_free(&b);
		if (spec.kind != PROBE_TRACEPOINT) /* the made tracefs describes one event only */
			ck_assert_msg(probe_list_check(&sources, &spec, &f) == RES_OK, "%s", f.text);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(list.names.at[k], list.names.at[i]);
	}
	probe_list_free(&list);
}
END_TEST

/* want: NULL, or the message. */
static void check_probe(const char *text, const char *want)
{
	static struct probe_spec spec;
	struct fault f = { 0 };

	ck_assert_int_eq(probe_spec_parse(text, &spec, &f), RES_OK);
	ck_assert_int_eq(probe_list_check(&sources, &spec, &f), want == NULL ? RES_OK : RES_FAIL);
	ck_assert_str_eq(f.text, want == NULL ? "" : want);
}

START_TEST(existing_probes)
{
	check_probe("syscall:rmdir", NULL);
	check_probe("syscall:socketcall", NULL);
	check_probe("tracepoint:block:block_rq_issue", NULL);
	check_probe("profile:997", NULL);
	check_probe("off-cpu", NULL);
	check_probe("uprobe:/bin/x:f", NULL);
	check_probe("python:gc-start", NULL);
	check_probe("usdt:/bin/py:thon:python:gc__start", NULL);
	check_probe("usdt:/bin/unread:python:gc__start", NULL);
	sources.tracefs = NULL;
	check_probe("tracepoint:foo:bar", NULL);
}
END_TEST

START_TEST(wrong_probes_get_the_nearest)
{
	check_probe("syscall:rmdr", "syscall:rmdr: no such system call; is it syscall:rmdir?");
	check_probe(
	    "syscall:rmdr:return", "syscall:rmdr:return: no such system call; is it syscall:rmdir:return?");
	check_probe("syscall:oepnat", "syscall:oepnat: no such system call; is it syscall:openat or "
				      "syscall:openat2?");
	check_probe("syscall:xyzzyx", "syscall:xyzzyx: no such system call");
	check_probe("tracepoint:block:block_rq_isue",
	    "tracepoint:block:block_rq_isue: no such tracepoint; is it tracepoint:block:block_rq_issue?");
	check_probe("tracepoint:foo:sched_switch",
	    "tracepoint:foo:sched_switch: no such tracepoint; is it tracepoint:sched:sched_switch?");
	check_probe("tracepoint:block:rq_issue",
	    "tracepoint:block:rq_issue: no such tracepoint; is it tracepoint:block:block_rq_issue?");
	check_probe(
	    "syscall:sys_enter_write", "syscall:sys_enter_write: no such system call; is it syscall:write?");
	check_probe("syscall:sys_exit_newstat",
	    "syscall:sys_exit_newstat: no such system call; is it syscall:stat:return?");
	check_probe("syscall:_rcvmsg", "syscall:_rcvmsg: no such system call; is it syscall:recvmsg?");
	check_probe("python:begin",
	    "/bin/py:thon: no probe begin of provider python; there are gc__start, "
	    "gc__done, import__find__load__start; profile: and uprobe: do not need them");
	check_probe(
	    "python:gc-strat", "/bin/py:thon: no probe gc__strat of provider python; is it gc__start?");
	check_probe("usdt:/lib/libx.so:lib:read-stat",
	    "/lib/libx.so: no probe read__stat of provider lib; is it read__start?");
	check_probe("usdt:/lib/none.so:lib:x", "/lib/none.so: no probes of provider lib");
}
END_TEST

/* Names of other tools, and those without a kind. */
START_TEST(other_names)
{
	static const char *const names[][2] = {
		{ "rmdir", "; is it syscall:rmdir?" },
		{ "rmdir:return", "; is it syscall:rmdir:return?" },
		{ "sys_enter_rmdir", "; is it syscall:rmdir?" },
		{ "syscalls:sys_exit_rmdir", "; is it syscall:rmdir:return?" },
		{ "__x64_sys_rmdir", "; is it syscall:rmdir?" },
		{ "block_rq_issue", "; is it tracepoint:block:block_rq_issue?" },
		{ "block:block_rq_issue", "; is it tracepoint:block:block_rq_issue?" },
		{ "sched:block_rq_issue", "" },
		{ "block_rq", "" },
		{ "block:", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct strbuf out = STRBUF_EMPTY;

		ck_assert(probe_meant_ask(names[i][0], &tracefs, &out) == (names[i][1][0] != '\0'));
		ck_assert_str_eq(strbuf_text(&out), names[i][1]);
		strbuf_free(&out);
	}
}
END_TEST

START_TEST(a_tracefs_that_cannot_be_read)
{
	struct probe_list list = { { NULL, 4711, 0 } };
	struct fault f = { 0 };
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/available_events", top);
	ck_assert_int_eq(remove(path), 0);
	ck_assert_int_eq(probe_list_make(&sources, NULL, &list, &f), RES_FAIL);
	ck_assert_uint_eq(list.names.n, 4711);
	ck_assert_msg(strstr(f.text, top) != NULL, "%s", f.text);
	/* What is wrong is still said, without the nearest. */
	check_probe("tracepoint:foo:bar", "tracepoint:foo:bar: no such tracepoint");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_list");
	TCase *tcase = tcase_create("probe_list");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, patterns);
	tcase_add_test(tcase, lists);
	tcase_add_test(tcase, what_is_listed_is_a_probe);
	tcase_add_test(tcase, existing_probes);
	tcase_add_test(tcase, wrong_probes_get_the_nearest);
	tcase_add_test(tcase, other_names);
	tcase_add_test(tcase, a_tracefs_that_cannot_be_read);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
