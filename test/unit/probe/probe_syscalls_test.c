/* The table of system calls, compared with the kernel's headers as the compiler finds them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "arch/syscalls.h"
#include "probe/probe_syscalls.h"
#include "support/run_suite.h"

enum { YOUNGEST = 469 }; /* file_setattr, the last call of the table */

static const struct arch *arch(int is_32bit)
{
	return arch_of_host(is_32bit == 1);
}

static void by_name(int is_32bit, const char *name, struct probe_syscall *call)
{
	ck_assert_msg(probe_syscall_by_name(arch(is_32bit), name, call), "%s", name);
	ck_assert_str_eq(call->name, name);
}

/* Every call of the kernel's header has its number in the table, in both directions. */
START_TEST(numbers_of_the_kernels_headers)
{
	char command[160], name[64];
	unsigned number, n = 0;
	FILE *macros;

	(void)snprintf(command, sizeof(command),
	    "echo '#include <asm/unistd_%d.h>' | cc -E -dM - 2>/dev/null | sed -n "
	    "'s/^#define __NR_\\([a-z0-9_]*\\) \\([0-9]*\\)$/\\1 \\2/p'",
	    _i == 0 ? 64 : 32);
	macros = popen(command, "r");
	ck_assert_ptr_nonnull(macros);
	while (fscanf(macros, "%63s %u", name, &number) == 2) {
		struct probe_syscall call;

		n++;
		if (number > YOUNGEST)
			continue;
		by_name(_i, name, &call);
		ck_assert_msg(call.number == number, "%s", name);
		ck_assert(probe_syscall_by_number(arch(_i), number, &call));
		ck_assert_str_eq(call.name, name);
	}
	if (pclose(macros) != 0 || n == 0)
		printf("SKIP: no compiler to ask for numbers\n");
	else
		ck_assert_uint_gt(n, 350);
}
END_TEST

/* The same without a compiler at run time, for a few. */
START_TEST(numbers_of_the_c_library)
{
	static const struct {
		const char *name;
		unsigned number;
	} known[] = { { "read", SYS_read }, { "openat", SYS_openat }, { "rmdir", SYS_rmdir },
		{ "futex", SYS_futex }, { "epoll_wait", SYS_epoll_wait }, { "exit_group", SYS_exit_group },
		{ "newfstatat", SYS_newfstatat } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct probe_syscall call;

		by_name(0, known[i].name, &call);
		ck_assert_uint_eq(call.number, known[i].number);
	}
}
END_TEST

static void check_args(int is_32bit, const char *name, const char *want)
{
	static const char letters[] = "iufdocxlzwpPs";
	struct probe_syscall call;
	char text[160] = "";

	by_name(is_32bit, name, &call);
	ck_assert(call.known);
	for (unsigned i = 0; i < call.n_args; i++) {
		size_t n = strlen(text);

		(void)snprintf(text + n, sizeof(text) - n, "%s%c:%s", i == 0 ? "" : " ",
		    letters[call.args[i].kind], call.args[i].name);
		ck_assert_int_eq(probe_syscall_arg(&call, call.args[i].name), (int)i);
	}
	ck_assert_str_eq(text, want);
}

START_TEST(arguments)
{
	for (int is_32bit = 0; is_32bit < 2; is_32bit++) {
		check_args(is_32bit, "rmdir", "P:path");
		check_args(is_32bit, "write", "f:fd p:buf z:size");
		check_args(is_32bit, "openat", "d:dirfd P:path x:flags c:mode");
		check_args(is_32bit, "renameat2", "d:olddirfd P:oldpath d:newdirfd P:newpath x:flags");
		check_args(is_32bit, "getpid", "");
		check_args(is_32bit, "futex", "p:uaddr x:op u:val p:timeout p:uaddr2 u:val3");
	}
}
END_TEST

START_TEST(arguments_that_differ)
{
	check_args(0, "mmap", "p:addr z:size x:prot x:flags f:fd w:offset");
	check_args(1, "mmap", "p:args");
	check_args(0, "clone", "w:flags p:stack p:parent_tid p:child_tid p:tls");
	check_args(1, "clone", "w:flags p:stack p:parent_tid p:tls p:child_tid");
	check_args(0, "pread64", "f:fd p:buf z:size l:offset");
	check_args(1, "pread64", "f:fd p:buf z:size w:offset_low w:offset_high");
	check_args(1, "socketcall", "i:call p:args");
}
END_TEST

START_TEST(calls_of_one_architecture)
{
	struct probe_syscall call = { .number = 4711 };

	ck_assert(!probe_syscall_by_name(arch(0), "socketcall", &call));
	ck_assert(!probe_syscall_by_name(arch(1), "accept", &call));
	ck_assert(!probe_syscall_by_name(arch(0), "", &call));
	ck_assert(!probe_syscall_by_name(arch(0), "rmdi", &call));
	ck_assert_uint_eq(call.number, 4711);
}
END_TEST

START_TEST(unknown_numbers)
{
	static const uint32_t numbers[] = { 4711, 0x40000001, 0x7fff, 0x8000, 0xffff, 0xffffffff };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct probe_syscall call;

		ck_assert(!probe_syscall_by_number(arch(_i), numbers[i], &call));
		ck_assert_ptr_null(call.name);
		ck_assert(!call.known);
		ck_assert_uint_eq(call.number, numbers[i]);
		ck_assert_uint_eq(call.n_args, PROBE_ARGS);
		ck_assert_str_eq(call.args[5].name, "arg5");
		ck_assert_int_eq(call.args[5].kind, PROBE_ARG_WORD);
	}
}
END_TEST

START_TEST(arguments_by_place)
{
	struct probe_syscall call;

	by_name(0, "rmdir", &call);
	ck_assert_int_eq(probe_syscall_arg(&call, "arg0"), 0);
	ck_assert_int_eq(probe_syscall_arg(&call, "arg5"), 5);
	ck_assert_int_eq(probe_syscall_arg(&call, "arg6"), -1);
	ck_assert_int_eq(probe_syscall_arg(&call, "fd"), -1);
	ck_assert_int_eq(probe_syscall_arg(&call, ""), -1);
	ck_assert_int_eq(probe_syscall_arg_kind(&call, 0), PROBE_ARG_PATH);
	ck_assert_int_eq(probe_syscall_arg_kind(&call, 1), PROBE_ARG_WORD);
	/* The manual's arg2 is the second argument of prctl, which is the same as by place. */
	by_name(0, "prctl", &call);
	ck_assert_int_eq(probe_syscall_arg(&call, "arg2"), 2);
}
END_TEST

START_TEST(strings)
{
	struct probe_syscall call;

	by_name(0, "rmdir", &call);
	ck_assert_uint_eq(probe_syscall_strings(&call), 1);
	by_name(0, "mount", &call);
	ck_assert_uint_eq(probe_syscall_strings(&call), 7);
	by_name(0, "renameat2", &call);
	ck_assert_uint_eq(probe_syscall_strings(&call), 1 << 1 | 1 << 3);
	by_name(0, "write", &call);
	ck_assert_uint_eq(probe_syscall_strings(&call), 0);
}
END_TEST

START_TEST(values)
{
	ck_assert_uint_eq(probe_arg_value(PROBE_ARG_FD, arch(0), 0xdead0000ffffffffU), (uint64_t)-1);
	ck_assert_uint_eq(probe_arg_value(PROBE_ARG_FLAGS, arch(0), 0xdead0000ffffffffU), 0xffffffffU);
	ck_assert_uint_eq(probe_arg_value(PROBE_ARG_SIZE, arch(0), 0xdead0000ffffffffU), 0xdead0000ffffffffU);
	ck_assert_uint_eq(probe_arg_value(PROBE_ARG_SIZE, arch(1), 0xdead0000ffffffffU), 0xffffffffU);
	ck_assert_uint_eq(probe_arg_value(PROBE_ARG_LONG, arch(1), 0x00000000fffffffeU), (uint64_t)-2);
	ck_assert_uint_eq(probe_arg_value(PROBE_ARG_PTR, arch(1), 0xffffffff00001000U), 0x1000);
	ck_assert(probe_arg_is_signed(PROBE_ARG_LONG) && !probe_arg_is_signed(PROBE_ARG_SIZE));
	ck_assert_uint_eq(probe_arg_bytes(PROBE_ARG_PATH, arch(0)), 8);
	ck_assert_uint_eq(probe_arg_bytes(PROBE_ARG_PATH, arch(1)), 4);
	ck_assert_uint_eq(probe_arg_bytes(PROBE_ARG_MODE, arch(0)), 4);
}
END_TEST

/* No row was cut by the compiler, none is there twice, and no argument has two meanings. */
START_TEST(rows_are_whole)
{
	const struct arch_syscalls *rows = arch(_i)->system->calls;
	struct probe_syscall call, other;
	size_t n = 0;

	for (; probe_syscall_at(arch(_i), n, &call); n++) {
		const struct arch_syscall *row = &rows->rows[n];

		ck_assert_int_eq(row->name[sizeof(row->name) - 1], '\0');
		ck_assert_int_eq(row->args[sizeof(row->args) - 1], '\0');
		ck_assert_int_eq(row->args[sizeof(row->args) - 2], '\0');
		for (unsigned i = 0; i < call.n_args; i++) {
			int by_place = probe_syscall_arg(&call, call.args[i].name);

			ck_assert_msg(by_place == (int)i, "%s: %s", call.name, call.args[i].name);
			if (strncmp(call.args[i].name, "arg", 3) == 0 && strlen(call.args[i].name) == 4)
				ck_assert_msg(call.args[i].name[3] == (char)('0' + i) ||
						  call.args[i].name[3] > '5' || call.args[i].name[3] < '0',
				    "%s", call.name);
		}
		ck_assert_uint_eq(arch_syscall_argc(row), call.n_args);
		for (size_t k = 0; k < n; k++) {
			ck_assert(probe_syscall_at(arch(_i), k, &other));
			ck_assert_str_ne(call.name, other.name);
			ck_assert(call.number != other.number);
		}
	}
	ck_assert_uint_eq(n, rows->n);
	ck_assert_uint_gt(n, 370);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_syscalls");
	TCase *tcase = tcase_create("probe_syscalls");

	tcase_add_loop_test(tcase, numbers_of_the_kernels_headers, 0, 2);
	tcase_add_test(tcase, numbers_of_the_c_library);
	tcase_add_test(tcase, arguments);
	tcase_add_test(tcase, arguments_that_differ);
	tcase_add_test(tcase, calls_of_one_architecture);
	tcase_add_loop_test(tcase, unknown_numbers, 0, 2);
	tcase_add_test(tcase, arguments_by_place);
	tcase_add_test(tcase, strings);
	tcase_add_test(tcase, values);
	tcase_add_loop_test(tcase, rows_are_whole, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
