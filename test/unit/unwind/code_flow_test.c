/* Following code: the effect of instructions on a frame, and the ways that are followed; on code in
 * memory that belongs to no file, as written here. */
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unwind/code_flow.h"
#include "unwind/unwind.h"

enum { CODE = 0x10000, DATA = 0x20000, SIZE = 0x200 };

struct written {
	uint8_t code[SIZE];
	uint64_t data[4];
	struct fake_segment segments[3];
	struct fake_map maps[3];
	struct fake_process fake;
	struct ps_prochandle *P;
	struct flow *flow;
};

static void written_init(struct written *w)
{
	memset(w, 0, sizeof(*w));
	memset(w->code, 0x90, sizeof(w->code));
	w->segments[0] = (struct fake_segment){ CODE, w->code, SIZE };
	w->segments[1] = (struct fake_segment){ DATA, w->data, sizeof(w->data) };
	w->maps[0] = (struct fake_map){ CODE, SIZE, MA_READ | MA_EXEC, 0, NULL };
	w->maps[1] = (struct fake_map){ DATA, sizeof(w->data), MA_READ | MA_WRITE, 0, NULL };
	w->fake = (struct fake_process){ .segments = w->segments, .maps = w->maps };
	w->P = fake_grab(&w->fake);
	w->flow = flow_create(w->P, arch_x86_64.code);
	ck_assert(w->P != NULL && w->flow != NULL);
}

static void written_free(struct written *w)
{
	flow_destroy(w->flow);
	Prelease(w->P, 0);
}

static void code(struct written *w, size_t at, const void *bytes, size_t n)
{
	memcpy(w->code + at, bytes, n);
}

#define BYTES(s) (s), sizeof(s) - 1

/* The state at pc, in the function at start. */
static enum flow_end at(struct written *w, size_t start, size_t pc, struct arch_frame *s)
{
	struct flow_query q = { CODE + start, CODE + pc, true, CODE, CODE + 0x100, 0 };

	memset(s, 0, sizeof(*s));
	return flow_to(w->flow, &q, s, NULL);
}

/* push %rbp; mov %rsp,%rbp; push %rbx; sub $0x28,%rsp; nop; lea -8(%rbp),%rsp;
 * pop %rbx; pop %rbp; ret */
START_TEST(a_frame_is_made_and_left)
{
	static const struct {
		uint8_t at;
		int32_t sp;
		bool frame;
		uint8_t saved;
	} rows[] = { { 0, 8, false, 0 }, { 1, 16, false, 2 }, { 4, 16, true, 2 }, { 5, 24, true, 3 },
		{ 9, 64, true, 3 }, { 14, 24, true, 3 }, { 15, 16, true, 2 }, { 16, 8, false, 0 } };
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x55\x48\x89\xe5\x53\x48\x83\xec\x28\x90\x48\x8d\x65\xf8\x5b\x5d\xc3"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(at(&w, 0, rows[i].at, &s), FLOW_LEADS);
		ck_assert(s.sp_known && s.sp_below == rows[i].sp);
		ck_assert(s.is_frame == rows[i].frame && (!s.is_frame || s.fp_below == 16));
		ck_assert_uint_eq(s.saved, rows[i].saved);
		ck_assert((s.saved & 2) == 0 || s.saved_below[X86_64_SAVED_RBP] == 16);
		ck_assert((s.saved & 1) == 0 || s.saved_below[X86_64_SAVED_RBX] == 24);
	}
	ck_assert_int_eq(at(&w, 0, 17, &s), FLOW_NONE);
	ck_assert_int_eq(at(&w, 0, 2, &s), FLOW_NONE); /* within an instruction */
	written_free(&w);
}
END_TEST

/* and $-16,%rsp without a frame: the return address cannot be located. lea -8(%rbp),%rsp locates it
 * again. */
START_TEST(a_stack_pointer_that_no_code_says)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x55\x48\x89\xe5\x48\x83\xe4\xf0\x50\x48\x29\xc4\x90\xc9\xc3"));
	ck_assert_int_eq(at(&w, 0, 12, &s), FLOW_LEADS);
	ck_assert(!s.sp_known && s.is_frame && s.fp_below == 16);
	ck_assert_int_eq(at(&w, 0, 14, &s), FLOW_LEADS);
	ck_assert(s.sp_known && s.sp_below == 8 && !s.is_frame);
	written_free(&w);
}
END_TEST

/* sub $8,%rsp; call X, which does not return. Another part of the function starts here, to which a
 * jump leads before the subtraction. */
START_TEST(a_call_that_does_not_return)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x85\xff\x74\x09\x48\x83\xec\x08\xe8\x80\0\0\0\x50\x90\xc3"));
	ck_assert_int_eq(at(&w, 0, 14, &s), FLOW_LEADS);
	ck_assert_int_eq(s.sp_below, 16);
	written_free(&w);
}
END_TEST

/* push %rbx; jmp *%rax, which leads to the code after it. */
START_TEST(a_table_of_jumps)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x53\xff\xe0\x0f\x0b\x90\xc3"));
	code(&w, 0x40, BYTES("\x53\xc3\x0f\x0b\x90\xc3")); /* without the jump nothing leads there */
	ck_assert_int_eq(at(&w, 0, 5, &s), FLOW_LEADS);
	ck_assert_int_eq(s.sp_below, 16);
	ck_assert_int_eq(at(&w, 0x40, 0x44, &s), FLOW_NONE);
	written_free(&w);
}
END_TEST

/* An entry of a linkage table leads to the address in its word, and anywhere if that is
 * unreadable. */
START_TEST(a_linkage_table)
{
	struct flow_query q = { CODE + 0x100, CODE + 1, true, CODE, CODE + 0x40, 0 };
	int32_t rel = DATA + 8 - (CODE + 0x10a);
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x53\x90\xc3"));
	code(&w, 0x100, BYTES("\xf3\x0f\x1e\xfa\xff\x25"));
	code(&w, 0x106, &rel, sizeof(rel));
	w.data[1] = CODE;
	ck_assert_int_eq(flow_to(w.flow, &q, &s, NULL), FLOW_LEADS);
	ck_assert_int_eq(s.sp_below, 16);
	w.data[1] = 0x123456;
	q.pc = CODE + 2; /* another question: answers are kept */
	ck_assert_int_eq(flow_to(w.flow, &q, &s, NULL), FLOW_ANYWHERE);
	written_free(&w);
}
END_TEST

/* xor %ebp,%ebp shows that there is no caller, unless rbp was saved. */
START_TEST(the_first_function)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x31\xed\x5e\x90\xf4"));
	code(&w, 0x20, BYTES("\x55\x31\xed\x90\x5d\xc3"));
	ck_assert_int_eq(at(&w, 0, 3, &s), FLOW_LEADS);
	ck_assert(s.first);
	ck_assert_int_eq(at(&w, 0x20, 0x23, &s), FLOW_LEADS);
	ck_assert(!s.first && s.saved == 2 && (s.kept & 2) == 0);
	written_free(&w);
}
END_TEST

/* lea -0x4000(%rsp),%r11; 1: sub $0x1000,%rsp; orq $0,(%rsp); cmp %r11,%rsp; jne 1b; nop */
START_TEST(a_frame_made_in_a_loop)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0,
	    BYTES("\x4c\x8d\x9c\x24\x00\xc0\xff\xff\x48\x81\xec\x00\x10\x00\x00\x48\x83\x0c\x24\x00\x4c\x39"
		  "\xdc\x75\xef"
		  "\x90\xc3"));
	ck_assert_int_eq(at(&w, 0, 25, &s), FLOW_LEADS);
	ck_assert(s.sp_known && s.sp_below == 0x4008);
	written_free(&w);
}
END_TEST

/* libffi's call: mov (%rsp),%r10; lea (%rdi,%rsi),%rax; mov %rbp,16(%rax); mov %r10,24(%rax);
 * mov %rax,%rbp; nop */
START_TEST(a_frame_that_is_moved)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0,
	    BYTES("\x4c\x8b\x14\x24\x48\x8d\x04\x37\x48\x89\x68\x10\x4c\x89\x50\x18\x48\x89\xc5\x90\xc3"));
	ck_assert_int_eq(at(&w, 0, 19, &s), FLOW_LEADS);
	ck_assert(!s.sp_known && s.is_frame && s.fp_below == 32);
	ck_assert(s.saved == 2 && s.saved_below[X86_64_SAVED_RBP] == 16);
	written_free(&w);
}
END_TEST

/* vfork: pop %rdi; mov $58,%eax; syscall; push %rdi; ret. The end of a function pops other
 * registers, and more of them. */
START_TEST(a_return_address_that_is_popped)
{
	struct arch_frame s;
	struct written w;

	written_init(&w);
	code(&w, 0, BYTES("\x5f\xb8\x3a\x00\x00\x00\x0f\x05\x57\xc3"));
	code(&w, 0x20, BYTES("\x5b\x90\xc3"));         /* pop %rbx; nop */
	code(&w, 0x40, BYTES("\x59\x0f\x05\x90\xc3")); /* pop %rcx; syscall; nop */
	code(&w, 0x60, BYTES("\x5f\x5e\x90\xc3"));     /* pop %rdi; pop %rsi; nop */
	ck_assert_int_eq(at(&w, 0, 8, &s), FLOW_LEADS);
	ck_assert(s.sp_known && s.sp_below == 0 && s.ra_in == 5 /* rdi */ && arch_frame_ra_in_register(&s));
	ck_assert_int_eq(at(&w, 0, 9, &s), FLOW_LEADS);
	ck_assert(s.sp_known && s.sp_below == 8 && !arch_frame_ra_in_register(&s));
	ck_assert_int_eq(at(&w, 0x20, 0x21, &s), FLOW_NONE);
	ck_assert_int_eq(at(&w, 0x40, 0x41, &s), FLOW_LEADS);
	ck_assert_int_eq(at(&w, 0x40, 0x43, &s), FLOW_NONE);
	ck_assert_int_eq(at(&w, 0x60, 0x62, &s), FLOW_NONE);
	written_free(&w);
}
END_TEST

/* Code of which every byte jumps on, and of which some are missing: an answer, in bounded time. */
START_TEST(any_code_ends)
{
	uint32_t x = 12345;

	for (int round = 0; round < 200; round++) {
		struct arch_frame s;
		struct written w;

		written_init(&w);
		for (size_t i = 0; i < SIZE; i++) {
			x = x * 1103515245 + 12345;
			w.code[i] = (uint8_t)(x >> 16);
		}
		for (size_t pc = 0; pc < SIZE; pc += 16) {
			struct flow_query q = { CODE, CODE + pc + 1, (pc & 16) != 0, 0, 0, 0 };

			(void)flow_to(w.flow, &q, &s, NULL);
		}
		written_free(&w);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flow");
	TCase *tcase = tcase_create("flow");

	tcase_add_test(tcase, a_frame_is_made_and_left);
	tcase_add_test(tcase, a_stack_pointer_that_no_code_says);
	tcase_add_test(tcase, a_call_that_does_not_return);
	tcase_add_test(tcase, a_table_of_jumps);
	tcase_add_test(tcase, a_linkage_table);
	tcase_add_test(tcase, the_first_function);
	tcase_add_test(tcase, a_frame_made_in_a_loop);
	tcase_add_test(tcase, a_frame_that_is_moved);
	tcase_add_test(tcase, a_return_address_that_is_popped);
	tcase_add_test(tcase, any_code_ends);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
