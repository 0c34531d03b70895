/* What conditions can name at each kind of probe. */
#include <check.h>
#include <string.h>

#include "probe/probe_when_args.h"
#include "support/run_suite.h"

static struct probe_when when;
static struct fault f;

static void check_parses(const struct probe_when_names *names, const char *text, unsigned subject)
{
	f.text[0] = '\0';
	ck_assert_msg(probe_when_parse(text, names, &when, &f) == RES_OK, "%s: %s", text, f.text);
	ck_assert_uint_eq(when.comparison[0].subject, subject);
}

static void check_refused(const struct probe_when_names *names, const char *text, const char *why)
{
	ck_assert_msg(probe_when_parse(text, names, &when, &f) == RES_FAIL, "%s", text);
	ck_assert_msg(strstr(f.text, why) != NULL, "%s: %s", text, f.text);
}

START_TEST(arguments_of_system_calls)
{
	struct probe_syscall call;
	struct probe_when_names names = { probe_when_syscall_arg, &call, NULL };
	struct probe_when_arg result;

	ck_assert(probe_syscall_by_name(&arch_x86_64, "write", &call));
	result = probe_when_syscall_result(&call);
	names.retval = &result;
	check_parses(&names, "fd == -1 && size > 4096", 0);
	ck_assert_uint_eq(when.comparison[0].shift, 32);
	ck_assert_uint_eq(when.comparison[0].is_signed, 1);
	ck_assert_uint_eq(when.comparison[1].subject, 2);
	ck_assert_uint_eq(when.comparison[1].shift, 0);
	ck_assert_uint_eq(when.comparison[1].is_signed, 0);
	check_parses(&names, "retval == -9223372036854775808", PROBE_WHEN_RETVAL);
	check_parses(&names, "str(buf) ~ \"GET *\"", 1);
	check_refused(&names, "arg3 == 0", "found arg3; it has fd, buf, size");
	check_refused(&names, "siez == 0", "is it size?");
	ck_assert(probe_syscall_by_name(&arch_x86_64, "rmdir", &call));
	check_parses(&names, "path ~ \"/tmp/*\"", 0);
	ck_assert_uint_eq(when.comparison[0].op, PROBE_WHEN_MATCH);
	/* An argument is called like the process. */
	ck_assert(probe_syscall_by_name(&arch_x86_64, "kill", &call));
	check_parses(&names, "args.pid == 7", 0);
	check_parses(&names, "task.pid == 7", PROBE_WHEN_PID);
	check_refused(&names, "pid == 7", "write args.pid for it, or task.pid");
	/* 32-bit words, and a call that nobody knows. */
	ck_assert(probe_syscall_by_name(&arch_i386, "read", &call));
	check_parses(&names, "size == 4294967295", 2);
	ck_assert_uint_eq(when.comparison[0].shift, 32);
	check_refused(&names, "size == 4294967296", "from 0 to 4294967295");
	(void)probe_syscall_by_number(&arch_x86_64, 100000, &call);
	check_parses(&names, "arg5 == 1 || arg5 ~ \"a\" || (int32)arg5 < 0", 5);
	check_refused(&names, "arg6 == 1", "arg0, arg1, arg2, arg3, arg4, arg5");
}
END_TEST

START_TEST(fields_of_tracepoints)
{
	static const char format[] = "name: block_rq_issue\nID: 1000\nformat:\n"
				     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
				     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
				     "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"
				     "\tfield:long delta;\toffset:16;\tsize:8;\tsigned:1;\n"
				     "\tfield:char comm[16];\toffset:24;\tsize:16;\tsigned:0;\n"
				     "\tfield:__data_loc char[] cmd;\toffset:40;\tsize:4;\tsigned:0;\n"
				     "\tfield:u8 uuid[16];\toffset:44;\tsize:16;\tsigned:0;\n\n"
				     "print fmt: \"%d\", REC->dev\n";
	struct probe_tracepoint event;
	struct probe_when_names names = { probe_when_field_arg, &event, NULL };

	ck_assert_msg(probe_tracefs_parse(format, sizeof(format) - 1, &event, &f) == RES_OK, "%s", f.text);
	check_parses(&names, "dev == 4294967295 && delta < -1", 0);
	ck_assert_uint_eq(when.comparison[1].subject, 1);
	check_parses(&names, "args.comm == \"a\"", 2);
	check_parses(&names, "task.comm == \"a\"", PROBE_WHEN_COMM);
	check_parses(&names, "cmd ~ \"*x\"", 3);
	check_refused(&names, "uuid == 1", "uuid is neither a number nor a text");
	check_refused(&names, "common_pid == 1", "found common_pid");
	ck_assert_str_eq(probe_when_field(&event, 3)->name, "cmd");
	ck_assert_ptr_null(probe_when_field(&event, 5));
}
END_TEST

START_TEST(arguments_of_static_probes)
{
	struct probe_usdt probe = { .n_args = 4 };
	struct probe_when_names names = { probe_when_usdt_arg, &probe, NULL };

	ck_assert_uint_eq(
	    probe_usdt_parse_args(&arch_x86_64, "8@%rdi -4@%eax 2@8(%rsp) 8@%xmm0", probe.args), 4);
	check_parses(&names, "arg0 ~ \"*.py\" || arg0 == 1", 0);
	check_parses(&names, "arg1 == -1", 1);
	check_parses(&names, "arg2 == 65535", 2);
	check_refused(&names, "arg2 == 65536", "from 0 to 65535");
	check_refused(&names, "arg2 ~ \"a\"", "arg2 is a number");
	check_refused(&names, "arg3 == 1", "arg3 is neither a number nor a text");
	check_refused(&names, "arg4 == 1", "it has arg0, arg1, arg2, arg3");
}
END_TEST

START_TEST(arguments_of_functions)
{
	const struct probe_when_arg result = probe_when_function_result(&arch_i386);
	struct arch arch = arch_i386;
	struct probe_when_names names = { probe_when_function_arg, &arch, &result };

	check_parses(&names, "arg5 == 4294967295", 5);
	check_parses(&names, "str(retval) == \"a\"", PROBE_WHEN_RETVAL);
	check_refused(&names, "retval == -1", "write (int32)retval");
	check_refused(&names, "arg6 == 1", "arg5");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { arguments_of_system_calls, fields_of_tracepoints,
		arguments_of_static_probes, arguments_of_functions };

	return run_suite("probe_when_args", tests, sizeof(tests) / sizeof(tests[0]));
}
