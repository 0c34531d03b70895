/* Arguments of tracepoints and static probes: where the BPF program is told to look, and events as
 * text. */
#include <check.h>
#include <string.h>

#include "probe/probe_values.h"
#include "support/run_suite.h"

static const char format[] = "name: made\n"
			     "ID: 7\n"
			     "format:\n"
			     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
			     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
			     "\n"
			     "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"
			     "\tfield:long left;\toffset:16;\tsize:8;\tsigned:1;\n"
			     "\tfield:char rwbs[10];\toffset:24;\tsize:10;\tsigned:0;\n"
			     "\tfield:__data_loc char[] cmd;\toffset:36;\tsize:4;\tsigned:0;\n"
			     "\tfield:__rel_loc char[] name;\toffset:40;\tsize:4;\tsigned:0;\n"
			     "\tfield:u8 address[16];\toffset:44;\tsize:16;\tsigned:0;\n"
			     "\n"
			     "print fmt: \"\"\n";

static struct probe_tracepoint event;
static struct probe_value_list list;

static void of_tracepoint(void)
{
	struct fault f;

	ck_assert_int_eq(probe_tracefs_parse(format, strlen(format), &event, &f), RES_OK);
	probe_values_list(&arch_x86_64, &(struct probe_arguments){ .tracepoint = &event }, &list);
}

START_TEST(fields)
{
	static const struct {
		enum probe_value_form form;
		int64_t offset;
		uint8_t bytes, is_signed;
		uint32_t size;
	} want[] = {
		{ PROBE_VALUE_FIELD, 8, 4, 0, 0 },
		{ PROBE_VALUE_FIELD, 16, 8, 1, 0 },
		{ PROBE_VALUE_BYTES, 24, 0, 0, 10 },
		{ PROBE_VALUE_DATA_LOC, 36, 0, 0, 0 },
		{ PROBE_VALUE_REL_LOC, 40, 0, 0, 0 },
		{ PROBE_VALUE_UNKNOWN, 44, 0, 0, 0 },
	};

	of_tracepoint();
	ck_assert_uint_eq(list.n, 6);
	ck_assert_uint_eq(list.texts, 0x1c);
	for (size_t i = 0; i < list.n; i++) {
		ck_assert_uint_eq(list.at[i].form, want[i].form);
		ck_assert_int_eq(list.at[i].offset, want[i].offset);
		ck_assert_uint_eq(list.at[i].bytes, want[i].bytes);
		ck_assert_uint_eq(list.at[i].is_signed, want[i].is_signed);
		ck_assert_uint_eq(list.at[i].size, want[i].size);
	}
}
END_TEST

/* Words of struct pt_regs (arch/x86/include/asm/ptrace.h). */
START_TEST(operands)
{
	enum { BP = 4, BX = 5, CX = 11, DI = 14, SP = 19 };
	struct probe_usdt usdt = { .provider = "python", .name = "function__entry" };

	usdt.n_args = (uint8_t)probe_usdt_parse_args(
	    &arch_x86_64, "8@%rdi 8@-16(%rbp,%rcx,8) -4@$-5 -1@%bh 8@(%rsp) 4@counter(%rip)", usdt.args);
	probe_values_list(&arch_x86_64, &(struct probe_arguments){ .usdt = &usdt }, &list);
	ck_assert_uint_eq(list.n, 6);
	ck_assert_uint_eq(list.texts, 3); /* filename and funcname */
	ck_assert_uint_eq(list.at[0].form, PROBE_VALUE_REGISTER);
	ck_assert_uint_eq(list.at[0].reg, DI);
	ck_assert_uint_eq(list.at[1].form, PROBE_VALUE_MEMORY);
	ck_assert_uint_eq(list.at[1].reg, BP);
	ck_assert_uint_eq(list.at[1].index, CX);
	ck_assert_uint_eq(list.at[1].scale, 8);
	ck_assert_int_eq(list.at[1].offset, -16);
	ck_assert_uint_eq(list.at[2].form, PROBE_VALUE_CONSTANT);
	ck_assert_int_eq(list.at[2].offset, -5);
	ck_assert_uint_eq(list.at[3].reg, BX);
	ck_assert_uint_eq(list.at[3].shift, 8);
	ck_assert_uint_eq(list.at[3].bytes, 1);
	ck_assert_uint_eq(list.at[3].is_signed, 1);
	ck_assert_uint_eq(list.at[4].reg, SP);
	ck_assert_uint_eq(list.at[4].index, PROBE_VALUE_NO_REG);
	ck_assert_uint_eq(list.at[5].form, PROBE_VALUE_UNKNOWN);
}
END_TEST

static void check_text(const struct probe_hit *hit, const struct probe_tracepoint *names, const char *want)
{
	struct strbuf text = STRBUF_EMPTY;

	probe_values_render(&text, hit, names);
	ck_assert_str_eq(strbuf_text(&text), want);
	strbuf_free(&text);
}

START_TEST(rendered)
{
	struct probe_hit hit = { .n_args = 6,
		.texts = 0x1c,
		.unknown = 0x20,
		.is_signed = 2,
		.n_text = 2,
		.args = { 266338304, (uint64_t)-3, 0xffff888000000000, 0xffff888000000010 },
		.text_n = { 3, 0 },
		.text = { "W\"" } };

	of_tracepoint();
	check_text(&hit, &event, "(dev=266338304, left=-3, rwbs=\"W\\\"\", cmd=?, name=?, address=?)");
	hit.texts = 4;
	hit.n_args = 3;
	hit.args[0] = (uint64_t)1 << 40;
	check_text(&hit, NULL, "(0x10000000000, -3, \"W\\\"\")");
	/* Of a string that could not be read there is the address, unless it is the kernel's. */
	hit.text_n[0] = 0;
	hit.args[2] = 0x7f0000001000;
	check_text(&hit, NULL, "(0x10000000000, -3, 0x7f0000001000)");
	hit.n_args = 0;
	check_text(&hit, NULL, "()");
	hit.n_args = 1000;
	hit.n_text = 1000;
	hit.text_n[0] = 1000;
	memset(hit.text, 'a', sizeof(hit.text));
	hit.n_args = 3;
	{
		struct probe_string strings[PROBE_VALUES];

		probe_values_strings(&hit, strings);
		ck_assert_uint_eq(strings[2].n, PROBE_TEXT_MAX - 1);
		ck_assert(strings[2].cut);
		ck_assert_ptr_null(strings[1].bytes);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("values");
	TCase *tcase = tcase_create("values");

	tcase_add_test(tcase, fields);
	tcase_add_test(tcase, operands);
	tcase_add_test(tcase, rendered);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
