/* Operands of static probes. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_usdt.h"
#include "support/run_suite.h"

static bool is_32bit;

static void put_register(char *text, size_t size, uint8_t reg)
{
	(void)snprintf(text, size, "%s", reg == ARCH_NO_REG ? "-" : arch_of_host(is_32bit)->names[reg]);
}

/* One argument, rendered: its sign and bytes, then where it is. */
static void check_arg(const char *text, const char *want)
{
	struct probe_usdt_arg args[PROBE_USDT_ARGS];
	char got[128] = "", reg[8], index[8];
	char size[8];

	ck_assert_uint_eq(probe_usdt_parse_args(arch_of_host(is_32bit), text, args), 1);
	(void)snprintf(size, sizeof(size), "%c%u", args[0].is_signed ? 's' : 'u', args[0].bytes);
	put_register(reg, sizeof(reg), args[0].reg);
	put_register(index, sizeof(index), args[0].index);
	switch (args[0].form) {
	case PROBE_USDT_UNKNOWN:
		(void)snprintf(got, sizeof(got), "unknown");
		break;
	case PROBE_USDT_CONSTANT:
		(void)snprintf(got, sizeof(got), "%s %" PRId64, size, args[0].value);
		break;
	case PROBE_USDT_REGISTER:
		(void)snprintf(got, sizeof(got), "%s %s>>%u", size, reg, args[0].shift);
		break;
	case PROBE_USDT_MEMORY:
		(void)snprintf(got, sizeof(got), "%s [%s+%s*%u+%" PRId64 "]", size, reg, index, args[0].scale,
		    args[0].value);
		break;
	}
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s, not %s", text, got, want);
}

START_TEST(registers)
{
	check_arg("8@%rdi", "u8 rdi>>0");
	check_arg("-4@%edi", "s4 rdi>>0");
	check_arg("4@%eax", "u4 rax>>0");
	check_arg("-8@%r12", "s8 r12>>0");
	check_arg("-4@%r10d", "s4 r10>>0");
	check_arg("2@%ax", "u2 rax>>0");
	check_arg("1@%ah", "u1 rax>>8");
	check_arg("-1@%sil", "s1 rsi>>0");
	/* No more bytes than the register has. */
	check_arg("8@%eax", "u4 rax>>0");
	check_arg("-4@%bl", "s1 rbx>>0");
	check_arg("%rdi", "u8 rdi>>0");
}
END_TEST

START_TEST(constants)
{
	check_arg("8@$5", "u8 5");
	check_arg("-4@$-1", "s4 -1");
	check_arg("8@$0x10", "u8 16");
	check_arg("8@$0xffffffffffffffff", "u8 -1");
	check_arg("8@$18446744073709551615", "u8 -1");
	check_arg("-8@$-9223372036854775808", "s8 -9223372036854775808");
	check_arg("$7", "u8 7");
}
END_TEST

START_TEST(memory)
{
	check_arg("-4@-20(%rbp)", "s4 [rbp+-*1+-20]");
	check_arg("-4@112(%rsp)", "s4 [rsp+-*1+112]");
	check_arg("8@(%rdi)", "u8 [rdi+-*1+0]");
	check_arg("8@0x10(%rdi)", "u8 [rdi+-*1+16]");
	check_arg("1@(%rax,%rbx,4)", "u1 [rax+rbx*4+0]");
	check_arg("1@-8(%rax,%rbx)", "u1 [rax+rbx*1+-8]");
	check_arg("8@64(,%r9,8)", "u8 [-+r9*8+64]");
	check_arg("-20(%rbp)", "u8 [rbp+-*1+-20]");
}
END_TEST

START_TEST(i386)
{
	is_32bit = true;
	check_arg("4@%eax", "u4 eax>>0");
	check_arg("-4@8(%ebp)", "s4 [ebp+-*1+8]");
	check_arg("-4@(%eax,%ebx,2)", "s4 [eax+ebx*2+0]");
	check_arg("1@%dh", "u1 edx>>8");
	check_arg("%esi", "u4 esi>>0");
	check_arg("8@%rax", "unknown");
	check_arg("4@(%rax)", "unknown");
	is_32bit = false;
}
END_TEST

START_TEST(not_understood)
{
	static const char *const texts[] = { "8@counter(%rip)", "8@counter+8(%rip)", "8@8(%rip)", "8f@%xmm0",
		"8@%xmm0", "8@%st(0)", "8@%fs:16", "8@", "@", "@%rax", "3@%rax", "16@%rax", "0@%rax",
		"-@%rax", "8@$", "8@$x", "8@$5x", "8@$18446744073709551616", "8@$-9223372036854775809",
		"8@$-", "8@$0x", "8@%", "8@%rax8", "8@rax", "8@-20", "8@(", "8@()", "8@(%rax", "8@(%rax,",
		"8@(%rax,)", "8@(%rax,%rbx", "8@(%rax,%rbx,", "8@(%rax,%rbx,3)", "8@(%rax,%rbx,4",
		"8@(%rax,%rbx,4)x", "8@(%eax)", "8@99999999999999999999(%rax)", "counter", "\xff\xff",
		"8@%\xff", "8@*%rax" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_arg(texts[i], "unknown");
}
END_TEST

START_TEST(lists)
{
	struct probe_usdt_arg args[PROBE_USDT_ARGS + 1];
	const struct arch *arch = arch_of_host(false);

	memset(args, 0x5a, sizeof(args));
	ck_assert_uint_eq(probe_usdt_parse_args(arch, "", args), 0);
	ck_assert_uint_eq(probe_usdt_parse_args(arch, "   ", args), 0);
	ck_assert_uint_eq(probe_usdt_parse_args(arch, " 8@%rbx  what 8@%r15 ", args), 3);
	ck_assert_int_eq(args[0].form, PROBE_USDT_REGISTER);
	ck_assert_int_eq(args[1].form, PROBE_USDT_UNKNOWN);
	ck_assert_uint_eq(args[1].reg, ARCH_NO_REG);
	ck_assert_int_eq(args[2].form, PROBE_USDT_REGISTER);
	ck_assert_uint_eq(
	    probe_usdt_parse_args(arch, "$0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13", args), 14);
	ck_assert_int_eq(args[11].value, 11);
	ck_assert_uint_eq(args[PROBE_USDT_ARGS].reg, 0x5a);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { registers, constants, memory, i386, not_understood, lists };

	return run_suite("probe_usdt_args", tests, sizeof(tests) / sizeof(tests[0]));
}
