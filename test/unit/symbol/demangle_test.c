/* Names of C++ and Rust. Those of C++ are as c++filt has them, those of Rust as rustc's symbols are documented. */
#include "symbol/demangle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "support/run_suite.h"
#include "symbol/source_names.h"

static const struct {
	const char *mangled, *source; /* NULL: none */
} cases[] = {
	{ "_Z1fv", "f()" },
	{ "_ZN3lib5outerERKSt6vectorIiSaIiEE", "lib::outer(std::vector<int, std::allocator<int> > const&)" },
	{ "_ZN3libixEi", "lib::operator[](int)" },
	{ "_ZN3lib1fEv.cold", "lib::f() [clone .cold]" },
	{ "_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place" },
	{ "_ZN42_$LT$test..Type$u20$as$u20$test..Trait$GT$4call17h0123456789abcdefE",
	    "<test::Type as test::Trait>::call" },
	{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
	{ "_RINvNtC3std3mem8align_ofjE", "std::mem::align_of::<usize>" },
	{ "_Z9short", NULL },
	{ "_Z", NULL },
	{ "_R", NULL },
	{ "_ZN3lib5oute", NULL },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void expect(const char *got, size_t i)
{
	if (!demangle_is_built() || cases[i].source == NULL) {
		ck_assert_ptr_null(got);
	} else {
		ck_assert_ptr_nonnull(got);
		ck_assert_str_eq(got, cases[i].source);
	}
}

START_TEST(names)
{
	const char *mangled[CASES];
	char *out[CASES];
	struct fault f;

	for (size_t i = 0; i < CASES; i++) {
		mangled[i] = cases[i].mangled;
		ck_assert(demangle_is_mangled(mangled[i]));
	}
	ck_assert_int_eq(demangle_names(mangled, CASES, out, &f), RES_OK);
	for (size_t i = 0; i < CASES; i++) {
		expect(out[i], i);
		free(out[i]);
	}
	ck_assert(!demangle_is_mangled("") && !demangle_is_mangled("_") && !demangle_is_mangled("poll"));
}
END_TEST

/* Each argument is twice as long as the one before. */
static void put_doubling(struct strbuf *out, int arguments)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	strbuf_str(out, "_Z1fSt4pairIiiE");
	for (int i = 0; i < arguments; i++)
		strbuf_fmt(out, "S_IS%c_S%c_E", digits[i], digits[i]);
}

/* Hostile names have no source name; they neither end nor delay the others. */
START_TEST(hostile)
{
	struct strbuf doubling = STRBUF_EMPTY, deep = STRBUF_EMPTY, wide = STRBUF_EMPTY;
	const char *mangled[5];
	char *out[5];
	struct fault f;

	put_doubling(&doubling, 30);
	strbuf_str(&deep, "_Z1f");
	for (int i = 0; i < DEMANGLED_MAX - 8; i++)
		strbuf_char(&deep, 'P');
	strbuf_char(&deep, 'i');
	strbuf_str(&wide, "_Z1f");
	for (int i = 0; i < DEMANGLED_MAX; i++)
		strbuf_char(&wide, 'i');
	mangled[0] = "_Z1gv";
	mangled[1] = strbuf_text(&doubling);
	mangled[2] = strbuf_text(&deep);
	mangled[3] = strbuf_text(&wide);
	mangled[4] = "_Z1hi";
	ck_assert_int_eq(demangle_names(mangled, 5, out, &f), RES_OK);
	for (size_t i = 1; i < 4; i++)
		ck_assert_ptr_null(out[i]);
	if (demangle_is_built()) {
		ck_assert_str_eq(out[0], "g()");
		ck_assert_str_eq(out[4], "h(int)");
	}
	free(out[0]);
	free(out[4]);
	strbuf_free(&doubling);
	strbuf_free(&deep);
	strbuf_free(&wide);
}
END_TEST

/* More names than a child process gets at once; a template's name of more than a kilobyte. */
START_TEST(many)
{
	struct fault f;
	enum { N = 150 };
	struct strbuf text[N];
	struct source_names s = { VEC_EMPTY, ADDRMAP_EMPTY, 0, false };

	for (int i = 0; i < N; i++) {
		text[i] = (struct strbuf)STRBUF_EMPTY;
		strbuf_fmt(&text[i], "_Z4f%03di", i);
	}
	strbuf_reset(&text[N - 1]);
	strbuf_str(&text[N - 1], "_Z1f");
	for (int i = 0; i < 500; i++)
		strbuf_str(&text[N - 1], "Pi");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++)
			source_names_add(&s, strbuf_text(&text[i]));
		ck_assert_int_eq(source_names_find(&s, &f), RES_OK);
		ck_assert_uint_eq(s.at.n, N);
	}
	for (int i = 0; demangle_is_built() && i < N - 1; i++) {
		char want[32];

		(void)snprintf(want, sizeof(want), "f%03d(int)", i);
		ck_assert_str_eq(source_name_of(&s, strbuf_text(&text[i])), want);
	}
	if (demangle_is_built())
		ck_assert_ptr_nonnull(source_name_of(&s, strbuf_text(&text[N - 1])));
	ck_assert_ptr_null(source_name_of(&s, "_Z5otherv"));
	source_names_free(&s);
	for (int i = 0; i < N; i++)
		strbuf_free(&text[i]);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { names, hostile, many };

	return run_suite("symbol/demangle", tests, sizeof(tests) / sizeof(tests[0]));
}
