/* Names of Cython: those of a module that Cython 0.29 has compiled, and others. */
#include "symbol/cython_name.h"

#include <stdlib.h>
#include <string.h>

#include "support/run_suite.h"

static const struct {
	const char *name, *python; /* NULL: none */
} cases[] = {
	{ "__pyx_pw_3hcy_4go", "hcy.go" },
	{ "__pyx_pw_3hcy_1gen", "hcy.gen" },
	{ "__pyx_pf_3hcy_gen", "hcy.gen" },
	{ "__pyx_f_3hcy_helper", "hcy.helper" },
	{ "__pyx_f_3hcy_5Shape_wait", "hcy.Shape.wait" },
	{ "__pyx_pw_3pkg_6module_12run", "pkg.module.run?" },
	{ "__pyx_pw_3hcy_5Shape_3area", "hcy.Shape.area?" },
	{ "__pyx_pf_3hcy_5Shape_2area", "hcy.Shape.area?" },
	{ "__pyx_pw_3hcz_5Shape_8longarea_1inner", "hcz.Shape.longarea.inner?" },
	{ "__pyx_pw_3mod_2sort_2d", "mod.sort_2d" },
	{ "__pyx_pw_3mod_4sort_2d", "mod.sort.d?" },
	{ "__pyx_gb_3hcy_2generator", NULL },
	{ "__pyx_pw_", NULL },
	{ "__pyx_pw_3hcy", NULL },
	{ "__pyx_pw_3hcy_", NULL },
	{ "__pyx_pw_3hcy_7", NULL },
	{ "__pyx_pw_9999999999hcy_1f", NULL },
	{ "__pyx_pw_0_1f", NULL },
	{ "__pyx_f_hcy_f", NULL },
	{ "__pyx_tp_new_3hcy_Shape", NULL },
	{ "poll", NULL },
	{ "", NULL },
};

START_TEST(names)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = cython_name(cases[i].name);

		if (cases[i].python == NULL)
			ck_assert_msg(got == NULL, "%s: %s", cases[i].name, got);
		else
			ck_assert_str_eq(got, cases[i].python);
		if (got != NULL)
			ck_assert(cython_is_function(cases[i].name));
		free(got);
	}
	ck_assert(!cython_is_function("") && !cython_is_function("poll") && !cython_is_function("__pyx_"));
}
END_TEST

int main(void)
{
	const TTest *tests[] = { names };

	return run_suite("symbol/cython_name", tests, sizeof(tests) / sizeof(tests[0]));
}
