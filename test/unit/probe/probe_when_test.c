/* What conditions mean, and the evaluator. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_when.h"
#include "support/run_suite.h"
#include "unit/probe/when_args.h"

static const struct probe_when_arg syscall_result = { NULL, PROBE_WHEN_SIGNED, 8 };
static const struct probe_when_names at_return = { arg_at, NULL, &syscall_result };

static struct probe_when when;
static struct probe_when_values values;

static void parse(const char *text)
{
	struct fault f = { 0 };

	ck_assert_msg(probe_when_parse(text, &at_return, &when, &f) == RES_OK, "%s: %s", text, f.text);
}

static void set_text(const char *text)
{
	for (uint32_t i = 0; i < when.n_text; i++) {
		struct probe_when_text *t = &values.text[i];
		size_t n = strlen(text);

		memset(t, 0xaa, sizeof(*t));
		t->known = 1;
		t->cut = n > PROBE_WHEN_TEXT - 1;
		t->n = (uint16_t)(t->cut ? PROBE_WHEN_TEXT - 1 : n);
		memcpy(t->at, text, t->n);
	}
}

/* The result of a condition on one number. */
static uint32_t on_number(const char *condition, uint64_t number)
{
	parse(condition);
	memset(&values, 0, sizeof(values));
	for (size_t i = 0; i < PROBE_WHEN_SUBJECTS; i++)
		values.number[i] = number;
	return probe_when_eval(&when, &values);
}

/* The result of a condition on one text. */
static uint32_t on_text(const char *condition, const char *text)
{
	parse(condition);
	memset(&values, 0, sizeof(values));
	set_text(text);
	return probe_when_eval(&when, &values);
}

#define ck_true(result) ck_assert_uint_eq((result), PROBE_WHEN_TRUE)
#define ck_false(result) ck_assert_uint_eq((result), PROBE_WHEN_FALSE)
#define ck_unknown(result) ck_assert_uint_eq((result), PROBE_WHEN_UNKNOWN)

/* --- numbers --- */

/* Each operator, with each type, of and with values at the type's limits. */
START_TEST(numbers_compare_as_in_c)
{
	static const char *const types[] = { "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
		"uint64" };
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	static const uint64_t edges[] = { 0, 1, 2, 0x7e, 0x7f, 0x80, 0x81, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffffffff };
	const size_t n = sizeof(edges) / sizeof(edges[0]);

	for (size_t k = 0; k < n * n * 8; k++) {
		const size_t type = k % 8;
		const unsigned shift = (unsigned)(64 - (8 << type % 4));
		uint64_t left = edges[k / 8 % n], right = edges[k / 8 / n] << shift >> shift;
		int64_t sl = (int64_t)(left << shift) >> shift, sr = (int64_t)(right << shift) >> shift;
		uint64_t ul = left << shift >> shift;
		const bool is_signed = type < 4;
		bool want[] = { ul == right, ul != right, is_signed ? sl < sr : ul < right,
			is_signed ? sl <= sr : ul <= right, is_signed ? sl > sr : ul > right,
			is_signed ? sl >= sr : ul >= right };

		for (size_t op = 0; op < 6; op++) {
			char text[64];

			if (is_signed)
				(void)snprintf(text, sizeof(text), "(%s)arg6 %s %lld", types[type], ops[op],
				    (long long)sr);
			else
				(void)snprintf(text, sizeof(text), "(%s)arg6%s%llu", types[type], ops[op],
				    (unsigned long long)right);
			ck_assert_msg(
			    on_number(text, left) == want[op], "%s of %llx", text, (unsigned long long)left);
		}
	}
}
END_TEST

/* The upper half of a register that holds an int is not part of it. */
START_TEST(numbers_are_as_wide_as_their_arguments)
{
	ck_true(on_number("fd == 11", 0xdeadbeef0000000b));
	ck_true(on_number("fd == -1", 0xffffffff));
	ck_true(on_number("fd < 0", 0x80000000));
	ck_true(on_number("arg0 < 0", 0x80000000));
	ck_false(on_number("size == 11", 0xdeadbeef0000000b));
	ck_true(on_number("byte == 0xff", 0x1ff));
	ck_true(on_number("mode == 0644", 0xffff000001a4));
	ck_true(on_number("retval < 0", (uint64_t)-13));
	ck_false(on_number("retval < 0", 0xffffffff));
	ck_true(on_number("task.pid == 7 && args.pid == 7", 7));
	ck_true(on_number("tid == 4294967295", UINT64_MAX));
}
END_TEST

START_TEST(bits_are_tested)
{
	ck_true(on_number("flags & 0x41", 0x40));
	ck_false(on_number("flags & 0x41", 0x82));
	ck_true(on_number("flags & 0x80000000", 0x80000000));
	ck_true(on_number("flags & -2147483648", 0x80000000));
	ck_false(on_number("flags & 0x80000000", 0x7fffffff));
	ck_false(on_number("flags & -1", 0xffffffff00000000));
	ck_true(on_number("!(flags & 1)", 2));
	ck_true(on_number("size&0x8000000000000000", UINT64_MAX));
	ck_true(on_number("size&1&&size&2", 3));
}
END_TEST

START_TEST(numbers_have_bases_and_suffixes)
{
	ck_true(on_number("size == 0x1fF", 511));
	ck_true(on_number("size == 0777 && size == 0o777 && size == 0X1FF", 511));
	ck_true(on_number("size == 4K", 4096));
	ck_true(on_number("size == 0x10k", 16384));
	ck_true(on_number("size == 3M || size == 1", 3 << 20));
	ck_true(on_number("size == 16G", 1ULL << 34));
	ck_true(on_number("size == 0", 0));
	ck_true(on_number("size == -0", 0));
	ck_true(on_number("fd == -1K", (uint64_t)-1024));
	ck_true(on_number("fd == 0xffffff9c", (uint64_t)-100));
	ck_true(on_number("size == 18446744073709551615", UINT64_MAX));
	ck_true(on_number("retval == -9223372036854775808", 1ULL << 63));
}
END_TEST

/* --- texts --- */

START_TEST(texts_are_compared)
{
	ck_true(on_text("comm == \"nginx\"", "nginx"));
	ck_false(on_text("comm == \"nginx\"", "nginx2"));
	ck_false(on_text("comm == \"nginx\"", "ngin"));
	ck_false(on_text("comm == \"nginx\"", "xnginx"));
	ck_true(on_text("comm != \"nginx\"", "nginx2"));
	ck_true(on_text("comm ~ \"nginx\"", "nginx"));
	ck_false(on_text("comm ~ \"nginx\"", "nginx2"));
	ck_true(on_text("file ~ \"*/ssl.py\"", "/usr/lib/ssl.py"));
	ck_false(on_text("file ~ \"*/ssl.py\"", "/usr/lib/ssl.py/"));
	ck_true(on_text("path~\"/var/*\"", "/var/"));
	ck_false(on_text("path~\"/var/*\"", "/opt/var/"));
	ck_true(on_text("path~\"*/var/*\"", "/opt/var/"));
	ck_false(on_text("path !~ \"*/var/*\"", "/opt/var/"));
	ck_true(on_text("path == \"\"", ""));
	ck_false(on_text("path == \"\"", "a"));
	ck_true(on_text("path ~ \"*\" && path ~ \"**\"", ""));
	ck_true(on_text("path ~ \"*\" && path ~ \"**\"", "abc"));
	ck_true(on_text("str(arg6) == \"a\" && arg6 ~ \"a\"", "a"));
}
END_TEST

START_TEST(texts_have_escapes)
{
	ck_true(
	    on_text("path == \"a\\\"b\\\\c\\*\\n\\t\\r\\x41\\x7g\\101\\0101\"", "a\"b\\c*\n\t\rA\x07gA\x08"
										"1"));
	ck_true(on_text("path ~ \"*\\*\"", "ab*"));
	ck_false(on_text("path ~ \"*\\*\"", "ab"));
	ck_true(on_text("path == \"\\xc3\\xa4\xc3\xb6\"", "\xc3\xa4\xc3\xb6"));
	ck_true(on_text("path == \"&& || ) ( '\"", "&& || ) ( '"));
}
END_TEST

/* Patterns of a small alphabet against texts of it, some of them longer than the buffer. */
START_TEST(patterns_match_as_a_search_finds)
{
	uint32_t random = 1, seen[4][3] = { { 0 } };

	for (int k = 0; k < 60000; k++) {
		char pattern[PROBE_WHEN_PATTERN + 3], condition[sizeof(pattern) + 16], text[300];
		size_t n_pattern, n_text;
		bool starts, ends, contains, is_equal, cut;
		uint32_t got, want, kind;

		random = random * 1664525 + 1013904223;
		kind = random >> 30;
		n_pattern = (random >> 8) % ((random >> 28 & 3) == 0 ? PROBE_WHEN_PATTERN + 1 : 4);
		n_text = (random >> 16) % ((random >> 26 & 3) == 0 ? 290 : 8);
		for (size_t i = 0; i < n_text; i++) {
			random = random * 1664525 + 1013904223;
			text[i] = "ab"[random >> 31];
		}
		text[n_text] = '\0';
		for (size_t i = 0; i < n_pattern; i++) {
			random = random * 1664525 + 1013904223;
			pattern[i] = "ab"[random >> 31];
		}
		/* Long patterns seldom match by chance. */
		if (n_text >= n_pattern && (random >> 20 & 1) != 0)
			memcpy(pattern, text + (random >> 21) % (n_text - n_pattern + 1), n_pattern);
		pattern[n_pattern] = '\0';
		(void)snprintf(condition, sizeof(condition), "path ~ \"%s%s%s\"", kind & 1 ? "*" : "",
		    pattern, kind & 2 ? "*" : "");
		got = on_text(condition, text);

		/* The whole text decides, except where its cut part is looked at. */
		cut = n_text > PROBE_WHEN_TEXT - 1;
		starts = strncmp(text, pattern, n_pattern) == 0;
		ends = n_text >= n_pattern && strcmp(text + n_text - n_pattern, pattern) == 0;
		is_equal = strcmp(text, pattern) == 0;
		if (cut)
			text[PROBE_WHEN_TEXT - 1] = '\0';
		contains = strstr(text, pattern) != NULL;
		want = kind == 0 ? is_equal : kind == 1 ? ends : kind == 2 ? starts : contains;
		if (cut && ((kind == 1 && n_pattern > 0) || (kind == 3 && !contains)))
			want = PROBE_WHEN_UNKNOWN;
		ck_assert_msg(got == want, "%s with %s: %u", condition, text, got);
		seen[kind][got]++;
	}
	for (int kind = 0; kind < 4; kind++)
		for (int result = 0; result < 2; result++)
			ck_assert_uint_gt(seen[kind][result], 100);
	ck_assert_uint_gt(seen[1][PROBE_WHEN_UNKNOWN], 30);
	ck_assert_uint_gt(seen[3][PROBE_WHEN_UNKNOWN], 30);
}
END_TEST

/* Bytes behind a text's length, and a length beyond the buffer. */
START_TEST(texts_end_where_they_say)
{
	parse("path ~ \"*b\"");
	memset(&values, 0, sizeof(values));
	memcpy(values.text[0].at, "ab", 2);
	values.text[0] = (struct probe_when_text){ .n = 1, .known = 1, .at = "ab" };
	ck_false(probe_when_eval(&when, &values));
	values.text[0].n = 2;
	ck_true(probe_when_eval(&when, &values));
	values.text[0].known = 0;
	ck_unknown(probe_when_eval(&when, &values));
	values.text[0].known = 1;
	values.text[0].n = UINT16_MAX;
	ck_false(probe_when_eval(&when, &values));
}
END_TEST

START_TEST(subjects_are_listed_once)
{
	parse("comm == \"a\" || path == \"b\" || comm ~ \"c*\" || fd == 1 || func == \"f\"");
	ck_assert_uint_eq(when.n, 5);
	ck_assert_uint_eq(when.n_text, 3);
	ck_assert_uint_eq(when.text[0], PROBE_WHEN_COMM);
	ck_assert_uint_eq(when.text[1], PATH);
	ck_assert_uint_eq(when.text[2], PROBE_WHEN_FUNC);
	ck_assert_uint_eq(when.comparison[2].text, 0);
	ck_assert_uint_eq(
	    when.subjects, 1u << FD | 1u << PATH | 1u << PROBE_WHEN_COMM | 1u << PROBE_WHEN_FUNC);
	for (uint32_t i = 0; i < when.n; i++)
		ck_assert_int_eq(when.python >> i & 1, when.comparison[i].subject == PROBE_WHEN_FUNC);
}
END_TEST

/* --- logic --- */

START_TEST(and_binds_before_or)
{
	ck_true(on_number("fd == 1 || fd == 2 && fd == 3", 1));
	ck_false(on_number("(fd == 1 || fd == 2) && fd == 3", 1));
	ck_true(on_number("fd == 2 && fd == 3 || fd == 1", 1));
	ck_false(on_number("!(fd == 1 || fd == 2 && fd == 3)", 1));
	ck_true(on_number("! ( fd != 1 ) && !!(fd == 1)", 1));
	ck_true(on_number("!(!(fd == 1) || !(fd < 2))", 1));
}
END_TEST

/* A random condition, as text and as a tree. */
struct node {
	char kind; /* '&', '|', '!', or 'x' */
	unsigned leaf;
	struct node *left, *right;
};

struct made {
	struct node node[64];
	size_t n;
	unsigned leaves;
	char text[1024];
	uint32_t random;
};

static uint32_t made_random(struct made *m)
{
	m->random = m->random * 1664525 + 1013904223;
	return m->random >> 16;
}

/* A part that binds at least as `level` asks: 0 or, 1 and, 2 in itself. `budget`: its leaves. */
static struct node *make(struct made *m, unsigned level, unsigned budget)
{
	struct node *node = &m->node[m->n++];
	unsigned first = budget < 2 ? 0 : 1 + made_random(m) % (budget - 1);

	if (made_random(m) % 4 == 0 && m->n < 32) {
		*node = (struct node){ .kind = '!' };
		strcat(m->text, "!(");
		node->left = make(m, 0, budget);
		strcat(m->text, ")");
	} else if (budget < 2) {
		*node = (struct node){ .kind = 'x', .leaf = m->leaves++ };
		(void)sprintf(m->text + strlen(m->text), "x%u == 1", node->leaf);
	} else {
		*node = (struct node){ .kind = made_random(m) % 2 == 0 ? '&' : '|' };
		unsigned own = node->kind == '&' ? 1 : 0;

		strcat(m->text, own < level ? "(" : "");
		node->left = make(m, own, first);
		strcat(m->text, own == 1 ? " && " : "||");
		node->right = make(m, own + 1, budget - first);
		strcat(m->text, own < level ? ")" : "");
	}
	return node;
}

/* Kleene's logic by its definition: false 0, unknown 1, true 2; and is the least, or the greatest. */
static int kleene(const struct node *node, const int *leaf)
{
	int left, right;

	if (node->kind == 'x')
		return leaf[node->leaf];
	left = kleene(node->left, leaf);
	if (node->kind == '!')
		return 2 - left;
	right = kleene(node->right, leaf);
	return (node->kind == '&') == (left < right) ? left : right;
}

static bool leaf_arg(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	static const char *const names[] = { "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7" };

	(void)ctx;
	if (index >= PROBE_WHEN_LIMIT)
		return false;
	*out = (struct probe_when_arg){ names[index], PROBE_WHEN_UNSIGNED, 8 };
	return true;
}

START_TEST(logic_is_kleenes)
{
	static const struct probe_when_names names = { leaf_arg, NULL, NULL };
	static const uint32_t results[] = { PROBE_WHEN_FALSE, PROBE_WHEN_UNKNOWN, PROBE_WHEN_TRUE };
	static struct made m;

	for (unsigned k = 0; k < 600; k++) {
		const unsigned n = 1 + k % PROBE_WHEN_LIMIT;
		const struct node *top;
		struct fault f = { 0 };
		unsigned all = 1;

		m = (struct made){ .random = k * 2654435761u + 12345 };
		top = make(&m, 0, n);
		for (unsigned i = 0; i < n; i++)
			all *= 3;
		ck_assert_msg(
		    probe_when_parse(m.text, &names, &when, &f) == RES_OK, "%s: %s", m.text, f.text);
		ck_assert_uint_eq(when.n, n);
		for (unsigned i = 0; i < all; i++) {
			int leaf[PROBE_WHEN_LIMIT];

			memset(&values, 0, sizeof(values));
			for (unsigned j = 0, rest = i; j < n; j++, rest /= 3) {
				leaf[j] = (int)(rest % 3);
				values.number[j] = leaf[j] == 2 ? 1 : leaf[j] == 0 ? 0 : made_random(&m) % 2;
				values.unknown |= (uint32_t)(leaf[j] == 1) << j;
			}
			ck_assert_msg(probe_when_eval(&when, &values) == results[kleene(top, leaf)],
			    "%s at %u: %u", m.text, i, probe_when_eval(&when, &values));
		}
	}
}
END_TEST

/* What no parser made: an evaluator in the kernel must not leave its arrays. */
START_TEST(damaged_programs_do_no_harm)
{
	memset(&when, 0xff, sizeof(when));
	memset(&values, 0xff, sizeof(values));
	ck_assert_uint_le(probe_when_eval(&when, &values), PROBE_WHEN_UNKNOWN);
	for (uint32_t i = 0; i < PROBE_WHEN_LIMIT; i++)
		when.comparison[i].op = PROBE_WHEN_MATCH;
	ck_assert_uint_le(probe_when_eval(&when, &values), PROBE_WHEN_UNKNOWN);
	for (uint32_t i = 0; i < PROBE_WHEN_LIMIT; i++)
		when.comparison[i].text = 0;
	ck_assert_uint_le(probe_when_eval(&when, &values), PROBE_WHEN_UNKNOWN);
	memset(&when, 0, sizeof(when));
	ck_true(probe_when_eval(&when, &values));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { numbers_compare_as_in_c, numbers_are_as_wide_as_their_arguments,
		bits_are_tested, numbers_have_bases_and_suffixes, texts_are_compared, texts_have_escapes,
		patterns_match_as_a_search_finds, texts_end_where_they_say, subjects_are_listed_once,
		and_binds_before_or, logic_is_kleenes, damaged_programs_do_no_harm };

	return run_suite("probe_when", tests, sizeof(tests) / sizeof(tests[0]));
}
