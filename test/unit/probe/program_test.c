/* The BPF program before this kernel's verifier: each of its parts is far below the limits, so that
 * other kernels, which count otherwise, accept it as well. */
#include <check.h>
#include <stdio.h>

#include "probe/probe_abi.h"
#include "support/run_suite.h"

#ifdef WITH_LIBBPF
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <probe/probe.skel.h>

enum {
	INSNS_MAX = 100000, /* visited by the verifier, which stops at 1,000,000 */
	STACK_MAX = 512,    /* bytes of the frames of a call chain (MAX_BPF_STACK) */
	ROUND = 32,         /* to which a frame was rounded up before Linux 6.8 */
	SUBPROGS = 256,     /* BPF_MAX_SUBPROGS */
	LOG = 1 << 20,
	LOG_STATS = 4, /* BPF_LOG_STATS */
};

/* A function of a program: its instructions, and its frame. */
struct function {
	size_t from, to;
	unsigned depth;
};

struct program {
	const struct bpf_insn *insns;
	size_t n;
	struct function functions[SUBPROGS];
	size_t n_functions;
};

/* Does an instruction call a function of the program, or pass it to bpf_loop? *at: where it is. */
static bool names_function(const struct program *p, size_t i, size_t *at)
{
	const struct bpf_insn *insn = &p->insns[i];

	if (!(insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) &&
	    !(insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC))
		return false;
	*at = (size_t)((long)i + insn->imm + 1);
	ck_assert_uint_lt(*at, p->n);
	return true;
}

static int compare(const void *a, const void *b)
{
	size_t x = ((const struct function *)a)->from, y = ((const struct function *)b)->from;

	return x < y ? -1 : x > y;
}

static void add_function(struct program *p, size_t from)
{
	for (size_t i = 0; i < p->n_functions; i++) {
		if (p->functions[i].from == from)
			return;
	}
	ck_assert_uint_lt(p->n_functions, SUBPROGS);
	p->functions[p->n_functions++].from = from;
}

static void find_functions(struct program *p)
{
	size_t at;

	add_function(p, 0);
	for (size_t i = 0; i < p->n; i++) {
		if (names_function(p, i, &at))
			add_function(p, at);
	}
	qsort(p->functions, p->n_functions, sizeof(p->functions[0]), compare);
	for (size_t i = 0; i < p->n_functions; i++)
		p->functions[i].to = i + 1 < p->n_functions ? p->functions[i + 1].from : p->n;
}

/* The verifier's line `stack depth 48+0+120…`, a number for each function in order. */
static void read_depths(struct program *p, const char *log)
{
	const char *at = strstr(log, "stack depth ");

	ck_assert_msg(at != NULL, "%s", log);
	at += strlen("stack depth ");
	for (size_t i = 0; i < p->n_functions; i++) {
		char *end;

		p->functions[i].depth = (unsigned)strtoul(at, &end, 10);
		ck_assert_ptr_ne(end, at);
		ck_assert_int_eq(*end == '+', i + 1 < p->n_functions);
		at = end + 1;
	}
}

/* The largest sum of the frames on a chain of calls that begins at function f. */
static unsigned deepest(const struct program *p, size_t f, unsigned level)
{
	unsigned own = p->functions[f].depth < 1 ? 1 : p->functions[f].depth, below = 0;

	ck_assert_uint_lt(level, 8); /* MAX_CALL_FRAMES; no recursion either */
	for (size_t i = p->functions[f].from; i < p->functions[f].to; i++) {
		size_t at, to = 0;
		unsigned depth;

		if (!names_function(p, i, &at))
			continue;
		while (p->functions[to].from != at)
			to++;
		depth = deepest(p, to, level + 1);
		below = depth > below ? depth : below;
	}
	return (own + ROUND - 1) / ROUND * ROUND + below;
}

static const char *name_of(const struct probe_bpf *b, int i)
{
	return b->skeleton->progs[i].name;
}

static void expect_small(const struct probe_bpf *b, int i, const char *log)
{
	struct bpf_program *prog = *b->skeleton->progs[i].prog;
	struct program p = { .insns = bpf_program__insns(prog), .n = bpf_program__insn_cnt(prog) };
	const char *at = strstr(log, "processed ");
	unsigned long insns;
	unsigned stack;

	ck_assert_msg(at != NULL, "%s: %s", name_of(b, i), log);
	insns = strtoul(at + strlen("processed "), NULL, 10);
	find_functions(&p);
	read_depths(&p, log);
	stack = deepest(&p, 0, 0);
	printf("%s: %lu instructions visited, %u bytes of stack\n", name_of(b, i), insns, stack);
	ck_assert_uint_gt(insns, 0);
	ck_assert_uint_lt(insns, INSNS_MAX);
	ck_assert_uint_le(stack, STACK_MAX);
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* As many probes as there can be, with texts and conditions. Constants are known to the verifier,
 * which follows and reports nothing that they rule out. */
static void configure(struct probe_bpf *b, bool counting)
{
	for (size_t i = 0; i < PROBE_SPECS; i++) {
		const struct probe_spec_abi spec = { .kind = PROBE_AT_SYSCALL,
			.texts = { 0x3f, 0x3f },
			.syscall = (int32_t)i,
			.syscall32 = (int32_t)i };

		memcpy((void *)(uintptr_t)&b->rodata->specs[i], &spec, sizeof(spec));
		memset((void *)(uintptr_t)&b->rodata->syscall_specs[0][0][i], (int)i + 1, 1);
		memset((void *)(uintptr_t)&b->rodata->syscall_specs[1][1][i], (int)i + 1, 1);
	}
	*(uint32_t *)(uintptr_t)&b->rodata->counting = counting;
	*(uint32_t *)(uintptr_t)&b->rodata->conditional = *(uint32_t *)(uintptr_t)&b->rodata->timing = 1;
	*(uint32_t *)(uintptr_t)&b->rodata->follow_forks = *(uint32_t *)(uintptr_t)&b->rodata->holders = 1;
	*(uint32_t *)(uintptr_t)&b->rodata->find_pythons = 1;
	memcpy((void *)(uintptr_t)b->rodata->exe_name, "python", 6);
}

/* Load the i-th program alone. False: there is none. */
static bool check_program(int i, bool counting, char *log)
{
	struct probe_bpf *b = probe_bpf__open();
	int error;

	ck_assert_ptr_nonnull(b);
	if (i >= b->skeleton->prog_cnt) {
		probe_bpf__destroy(b);
		return false;
	}
	configure(b, counting);
	for (int k = 0; k < b->skeleton->prog_cnt; k++)
		(void)bpf_program__set_autoload(*b->skeleton->progs[k].prog, k == i);
	ck_assert_int_eq(bpf_program__set_log_buf(*b->skeleton->progs[i].prog, log, LOG), 0);
	ck_assert_int_eq(bpf_program__set_log_level(*b->skeleton->progs[i].prog, LOG_STATS), 0);
	log[0] = '\0';
	error = probe_bpf__load(b);
	ck_assert_msg(error == 0, "%s: %s\n%s", name_of(b, i), strerror(-error), log);
	expect_small(b, i, log);
	probe_bpf__destroy(b);
	return true;
}

/* Why no program can be loaded here; NULL: it can. */
static const char *refusal(void)
{
	struct bpf_insn insns[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_TRACEPOINT,
		.insns = (uintptr_t)insns,
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL" };
	long fd;

	if (geteuid() != 0)
		return "not root";
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		return "this kernel has no BTF";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return errno == ENOSYS ? "this kernel has no bpf(2)" : "bpf(2) is refused";
	(void)close((int)fd);
	return NULL;
}

START_TEST(below_the_limits)
{
	const char *why = refusal();
	char *log;

	if (why != NULL) {
		printf("SKIP: %s\n", why);
		return;
	}
	log = malloc(LOG);
	ck_assert_ptr_nonnull(log);
	(void)libbpf_set_print(be_silent);
	for (int i = 0; check_program(i, _i == 0, log); i++)
		;
	free(log);
}
END_TEST

#else

START_TEST(below_the_limits)
{
	printf("SKIP: built without libbpf\n");
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("program");
	TCase *tcase = tcase_create("program");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, below_the_limits, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
