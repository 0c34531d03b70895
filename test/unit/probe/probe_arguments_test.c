/* Arguments of probes in conditions: what is accepted, and what is found. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_arguments.h"
#include "support/run_suite.h"

static struct probe_arguments arguments;
static struct probe_when compiled;
static struct probe_when_values values;

static void check_accepted(const char *text)
{
	struct probe_when_names names;
	struct fault f = { 0 };

	probe_arguments_names(&arguments, &names);
	ck_assert_msg(probe_when_parse(text, &names, &compiled, &f) == RES_OK, "%s: %s", text, f.text);
}

static void check_refused(const char *text, const char *why)
{
	struct probe_when_names names;
	struct fault f = { 0 };

	probe_arguments_names(&arguments, &names);
	ck_assert_msg(probe_when_parse(text, &names, &compiled, &f) == RES_FAIL, "%s", text);
	ck_assert_msg(strstr(f.text, why) != NULL, "%s", f.text);
}

/* The condition's result with these words in the registers. */
static void check_result(const char *text, uint64_t first, uint64_t second, uint64_t third, bool want)
{
	check_accepted(text);
	memset(&values, 0, sizeof(values));
	values.number[0] = first;
	values.number[1] = second;
	values.number[2] = third;
	ck_assert_msg((probe_when_eval(&compiled, &values) == PROBE_WHEN_TRUE) == want, "%s", text);
}

static struct probe_syscall call;

static void choose(bool is_32bit, const char *name)
{
	ck_assert(probe_syscall_by_name(arch_of_host(is_32bit), name, &call));
	arguments = (struct probe_arguments){ .call = &call };
}

START_TEST(system_calls)
{
	choose(false, "write");
	check_result("fd == 11 && size > 4096", 11, 0x7f0000001000, 4097, true);
	check_result("fd == 11 && size > 4096", 11, 0x7f0000001000, 4096, false);
	check_result("fd == -1", 0xffffffff, 0, 0, true); /* the upper half of the register is not fd's */
	check_result("size > 0xffffffff", 0, 0, 1ULL << 32, true);
	check_result("arg2 == 5", 0, 0, 5, true);
	check_result("buf == 0", 0, 0, 0, true);
	check_refused("sizee == 1", "is it size?");
	check_refused("arg3 == 1", "");
	check_refused("retval == 1", "");
	check_refused("path ~ \"/x\"", "");
	choose(false, "lseek");
	check_result("offset < 0", 3, (uint64_t)-1, 0, true);
	choose(false, "rmdir");
	check_accepted("path ~ \"/var/*\"");
	choose(false, "getpid");
	check_refused("arg0 == 1", "");
}
END_TEST

static void check_value(const char *text, uint8_t subject, uint8_t shift, bool is_signed)
{
	struct probe_when_names names;
	struct probe_when_value value;
	struct fault f = { 0 };

	probe_arguments_names(&arguments, &names);
	ck_assert_msg(probe_when_parse_value(text, &names, &value, &f) == RES_OK, "%s: %s", text, f.text);
	ck_assert_uint_eq(value.subject, subject);
	ck_assert_uint_eq(value.shift, shift);
	ck_assert_int_eq(value.is_signed, is_signed);
}

static void check_no_value(const char *text)
{
	struct probe_when_names names;
	struct probe_when_value value;
	struct fault f;

	probe_arguments_names(&arguments, &names);
	ck_assert_msg(probe_when_parse_value(text, &names, &value, &f) == RES_FAIL, "%s", text);
}

/* What can be summed. */
START_TEST(values_of_calls)
{
	choose(false, "write");
	check_value("size", 2, 0, false);
	check_value(" fd ", 0, 32, true);
	check_value("(uint8)arg1", 1, 56, false);
	check_no_value("retval");
	check_no_value("size > 1");
	check_no_value("pid");
	check_no_value("comm");
	check_no_value("func");
	check_no_value("");
	check_no_value("arg3");
	arguments.on_return = true;
	check_value("retval", PROBE_WHEN_RETVAL, 0, true);
	choose(false, "rmdir");
	check_no_value("path");
}
END_TEST

START_TEST(words_of_4_bytes)
{
	choose(true, "write");
	check_result("size == 5", 0, 0, 0xdead00000005, true);
	check_result("buf == 0x1000", 0, 0xdead00001000, 0, true);
	choose(true, "lseek");
	check_result("offset < 0", 3, 0xffffffff, 0, true);
}
END_TEST

static void check_retval(const char *text, uint64_t value, bool want)
{
	arguments.on_return = true;
	check_accepted(text);
	memset(&values, 0, sizeof(values));
	values.number[PROBE_WHEN_RETVAL] = value;
	ck_assert_msg((probe_when_eval(&compiled, &values) == PROBE_WHEN_TRUE) == want, "%s", text);
}

START_TEST(values_returned)
{
	choose(false, "read");
	check_retval("retval < 0", (uint64_t)-11, true);
	check_retval("retval == -11", (uint64_t)-11, true);
	check_retval("retval > 100", 101, true);
	choose(true, "read");
	check_retval("retval == -11", 0xfffffff5, true);
	choose(false, "mmap");
	check_retval("retval > 0x7f0000000000", 0x7f0000001000, true);
	check_retval("retval < 0", (uint64_t)-12, true);
	check_retval("retval == -12", (uint64_t)-12, true);
	arguments = (struct probe_arguments){ .call = NULL };
	check_retval("retval == 7", 7, true);
}
END_TEST

START_TEST(unknown_calls_and_functions)
{
	ck_assert(!probe_syscall_by_number(arch_of_host(false), 4711, &call));
	arguments = (struct probe_arguments){ .call = &call };
	check_result("arg1 == 7", 0, 7, 0, true);
	check_accepted("str(arg5) == \"x\"");
	check_refused("arg6 == 7", "");
	arguments = (struct probe_arguments){ .call = NULL };
	check_result("arg1 == 7", 0, 7, 0, true);
	check_accepted("str(arg5) == \"x\"");
	check_refused("arg6 == 7", "");
	check_refused("fd == 7", "");
}
END_TEST

START_TEST(tracepoints)
{
	static const char format[] = "ID: 1\n"
				     "\tfield:int common_pid; offset:4; size:4; signed:1;\n"
				     "\tfield:int prio; offset:8; size:4; signed:1;\n"
				     "\tfield:u16 flags; offset:12; size:2; signed:0;\n"
				     "\tfield:char name[16]; offset:16; size:16; signed:0;\n"
				     "\tfield:u8 mac[6]; offset:32; size:6; signed:0;\n"
				     "\tfield:__data_loc char[] cmd; offset:40; size:4; signed:0;\n";
	static struct probe_tracepoint tracepoint;

	ck_assert_int_eq(probe_tracefs_parse(format, sizeof(format) - 1, &tracepoint, NULL), RES_OK);
	arguments = (struct probe_arguments){ .tracepoint = &tracepoint };
	check_result("prio < 0 && flags == 3", 0xffffffff, 0x50003, 0, true);
	check_accepted("name == \"x\" && cmd ~ \"y*\"");
	check_refused("mac == 1", "");
	check_refused("common_pid == 1", "");
	check_refused("arg5 == 1", "");
	ck_assert_str_eq(probe_arguments_field(&tracepoint, 0)->name, "prio");
	ck_assert_str_eq(probe_arguments_field(&tracepoint, 4)->name, "cmd");
	ck_assert_ptr_null(probe_arguments_field(&tracepoint, 5));
}
END_TEST

static void choose_usdt(const char *provider, const char *name, const char *text)
{
	static struct probe_usdt usdt;

	memset(&usdt, 0, sizeof(usdt));
	memcpy(usdt.provider, provider, strlen(provider));
	memcpy(usdt.name, name, strlen(name));
	usdt.n_args = (uint8_t)probe_usdt_parse_args(arch_of_host(false), text, usdt.args);
	arguments = (struct probe_arguments){ .usdt = &usdt };
}

START_TEST(static_probes)
{
	choose_usdt("python", "function__entry", "8@%rbx 8@%rcx -4@%eax");
	check_accepted("funcname == \"send_head\" && filename ~ \"*/ssl.py\"");
	check_result("lineno == 7", 0, 0, 7, true);
	check_result("arg2 == -1", 0, 0, 0xffffffff, true);
	check_refused("arg3 == 1", "");
	choose_usdt("python", "gc__start", "-4@112(%rsp)");
	check_result("generation == 2", 2, 0, 0, true);
	choose_usdt("other", "gc__start", "-4@112(%rsp) 8@counter(%rip) 8@%rax 1@$1");
	check_refused("generation == 2", "");
	check_refused("arg1 == 2", "");
	check_result("arg2 == 5", 0, 0, 5, true);
	check_accepted("str(arg2) == \"x\"");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { system_calls, values_of_calls, words_of_4_bytes, values_returned,
		unknown_calls_and_functions, tracepoints, static_probes };

	return run_suite("probe_arguments", tests, sizeof(tests) / sizeof(tests[0]));
}
