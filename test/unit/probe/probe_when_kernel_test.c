/* The kernel's verifier takes the evaluator, and its results are those of user space. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/probe_when.h"
#include "support/run_suite.h"
#include "unit/probe/when_args.h"

#ifdef WITH_LIBBPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static struct probe_when when;
static struct probe_when_values values;
static uint32_t state;

static uint32_t random_below(uint32_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list list)
{
	(void)level;
	(void)format;
	(void)list;
	return 0;
}

/* Numbers near the constants of the conditions and far from them; texts of two letters. */
static void make_values(void)
{
	memset(&values, 0, sizeof(values));
	values.unknown = random_below(4) == 0 ? random_below(1 << 20) : 0;
	for (size_t i = 0; i < PROBE_WHEN_SUBJECTS; i++) {
		values.number[i] = (uint64_t)random_below(7) - 3;
		if (random_below(8) == 0)
			values.number[i] ^= (uint64_t)random_below(1 << 16) << 28;
	}
	for (size_t i = 0; i < PROBE_WHEN_LIMIT; i++) {
		struct probe_when_text *t = &values.text[i];

		t->known = random_below(8) != 0;
		t->n = (uint16_t)(random_below(4) == 0 ? random_below(PROBE_WHEN_TEXT) : random_below(6));
		t->cut = t->n == PROBE_WHEN_TEXT - 1;
		for (size_t j = 0; j < sizeof(t->at); j++)
			t->at[j] = "ab"[random_below(2)];
	}
}

START_TEST(kernel_and_user_space_agree)
{
	static const char *const conditions[] = {
		"fd == -1 && size > 4K || !(path ~ \"*ab*\") && flags < 0",
		"path ~ \"a*\" || func ~ \"*b\" && !(comm == \"ab\" || fd & 1)",
		"func ~ \"*aabb\" && (size <= 3 || fd >= -2)",
		"path == \"abab\" || path !~ \"*ba*\" || func != \"a\" || file ~ \"b*\" || comm ~ \"*a\" || "
		"fd > 0 || "
		"fd < -1 || size & 3",
		"path ~ \"*\" && (byte != 0 || (int64)arg6 < 0)",
	};
	static const struct probe_when_names names = { arg_at, NULL, NULL };
	struct bpf_object *object = bpf_object__open(PROBE_WHEN_OBJECT);
	uint32_t zero = 0, seen[3] = { 0 };
	int program, conditions_fd, values_fd;
	struct fault f = { 0 };

	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(bpf_object__load(object), 0);
	program = bpf_program__fd(bpf_object__next_program(object, NULL));
	conditions_fd = bpf_object__find_map_fd_by_name(object, "when");
	values_fd = bpf_object__find_map_fd_by_name(object, "values");
	for (size_t k = 0; k < sizeof(conditions) / sizeof(conditions[0]); k++) {
		ck_assert_msg(probe_when_parse(conditions[k], &names, &when, &f) == RES_OK, "%s: %s",
		    conditions[k], f.text);
		ck_assert_int_eq(bpf_map_update_elem(conditions_fd, &zero, &when, BPF_ANY), 0);
		for (int i = 0; i < 2000; i++) {
			LIBBPF_OPTS(bpf_test_run_opts, run);
			uint32_t want;

			make_values();
			want = probe_when_eval(&when, &values);
			ck_assert_int_eq(bpf_map_update_elem(values_fd, &zero, &values, BPF_ANY), 0);
			ck_assert_int_eq(bpf_prog_test_run_opts(program, &run), 0);
			ck_assert_msg(run.retval == want, "%s: %u, not %u", conditions[k], run.retval, want);
			seen[want]++;
		}
	}
	for (int i = 0; i < 3; i++)
		ck_assert_uint_gt(seen[i], 100);
	bpf_object__close(object);
}
END_TEST
#endif

int main(void)
{
#ifdef WITH_LIBBPF
	const TTest *const tests[] = { kernel_and_user_space_agree };
	int map;

	(void)libbpf_set_print(be_silent);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", sizeof(uint32_t), sizeof(uint32_t), 1, NULL);
	if (map >= 0 && access(PROBE_WHEN_OBJECT, R_OK) == 0) {
		(void)close(map);
		return run_suite("probe_when_kernel", tests, sizeof(tests) / sizeof(tests[0]));
	}
#endif
	(void)printf("SKIP: no BPF program can be made or loaded here\n");
	return run_suite("probe_when_kernel", NULL, 0);
}
