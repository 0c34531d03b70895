/* The command line: messages about what is typed wrong. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/live.h"

/* A run that printed nothing but an error with this text. */
static void refused(struct run r, const char *text)
{
	ck_assert_msg(r.status == 2 && r.out[0] == '\0' && strstr(r.err, text) != NULL,
	    "no %s: exit %d, %.800s%.800s", text, r.status, r.out, r.err);
	run_free(&r);
}

/* The option that is wrong is named, not the one before it. */
START_TEST(wrong_options)
{
	refused(TOOL("--all", "-Zp"), "pystack: option -Z is unknown\n");
	refused(TOOL("--all", "-pZ"), "pystack: option -Z is unknown\n");
	refused(TOOL("--all", "-:p"), "pystack: option -: is unknown\n");
	refused(TOOL("1", "-\xc3p"), "pystack: option -? is unknown\n");
	refused(TOOL("--all", "-pn"), "pystack: option -n needs a value\n");
	refused(TOOL("-p", "--at"), "pystack: option --at needs a value\n");
	refused(TOOL("1", "--all=2"), "pystack: option --all=2 takes no value\n");
	refused(TOOL("1", "--python=2"), "pystack: option --python=2 takes no value\n");
	refused(TOOL("1", "--unknown=2"), "pystack: option --unknown=2 is unknown, or ambiguous\n");
}
END_TEST

/* What was typed does not reach the terminal as it is. */
START_TEST(typed_controls)
{
	refused(TOOL("x\033[31m"), "cannot examine x\\x1b[31m: ");
	refused(TOOL("-o", "x\033[31m", "1"), "not 'x\\x1b[31m'");
	refused(TOOL("--x\033[31m", "1"), "option --x\\x1b[31m is unknown");
	refused(TOOL("--exe", "x\033[31m/"), "not 'x\\x1b[31m/'");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wrong command lines");
	TCase *c = tcase_create("wrong");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, wrong_options);
	tcase_add_test(c, typed_controls);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
