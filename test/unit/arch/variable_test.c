/* Functions that return a variable, as compilers write them, and pointers that lead astray. */
#include <check.h>
#include <string.h>

#include "arch/arch.h"
#include "support/run_suite.h"

enum { CODE_AT = 0x401000, DATA_AT = 0x500000 };

/* A piece of memory; the last has no bytes. */
struct piece {
	uint64_t at;
	const void *bytes;
	size_t n;
};

static bool read_pieces(void *data, void *buf, size_t n, uint64_t va)
{
	for (const struct piece *p = data; p->n != 0; p++) {
		if (va >= p->at && va - p->at <= p->n && n <= p->n - (va - p->at)) {
			memcpy(buf, (const char *)p->bytes + (va - p->at), n);
			return true;
		}
	}
	return false;
}

/* The variable's address that the code gives; the word at DATA_AT is `word`. */
static uint64_t answer(const void *code, size_t n, uint64_t word)
{
	struct piece pieces[] = { { DATA_AT, &word, sizeof(word) }, { 0 } };

	return arch_x86_64.returned_variable(
	    &(struct arch_memory){ read_pieces, pieces }, span_of(code, n), CODE_AT);
}

#define ANSWER(bytes, word) answer(bytes, sizeof(bytes) - 1, word)
/* From the end of an instruction that is `n` bytes into the code to DATA_AT: 0xff000 - n. */
#define TO_DATA(low) low "\xef\x0f\0"

START_TEST(pointer_in_reach)
{
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05" TO_DATA("\xf9") "\xc3", 0), DATA_AT);
	ck_assert_uint_eq(ANSWER("\xf3\x0f\x1e\xfa\x48\x8b\x05" TO_DATA("\xf5") "\xc3", 0), DATA_AT);
	ck_assert_uint_eq(ANSWER("\x55\x48\x89\xe5\x48\x8b\x05" TO_DATA("\xf5") "\x5d\xc3", 0), DATA_AT);
	ck_assert_uint_eq(ANSWER("\x55\x48\x89\xe5\x48\x8b\x05" TO_DATA("\xf5") "\xc9\xc3", 0), DATA_AT);
	/* After the code and before it. */
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05\xf9\xff\xff\xff\xc3", 0), CODE_AT);
}
END_TEST

START_TEST(pointer_by_another)
{
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05" TO_DATA("\xf9") "\x48\x8b\x00\xc3", 0x7000), 0x7000);
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05" TO_DATA("\xf9") "\x48\x8b\x40\x18\xc3", 0x7000), 0x7018);
	ck_assert_uint_eq(
	    ANSWER("\x48\x8b\x05" TO_DATA("\xf9") "\x48\x8b\x80\x68\x02\0\0\xc3", 0x7000), 0x7268);
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05" TO_DATA("\xf9") "\x48\x8b\x40\xf8\xc3", 0x7000), 0x6ff8);
	ck_assert_uint_eq(ANSWER("\x48\x8d\x05" TO_DATA("\xf9") "\x48\x8b\x40\x18\xc3", 0), DATA_AT + 0x18);
}
END_TEST

START_TEST(other_code)
{
	ck_assert_uint_eq(ANSWER("", 0), 0);
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05\xf9\xef", 0), 0);                        /* cut */
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05" TO_DATA("\xf9"), 0), 0);                /* no end */
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05" TO_DATA("\xf9") "\x48\x8b\x40", 0), 0); /* cut */
	ck_assert_uint_eq(ANSWER("\x48\x8d\x05" TO_DATA("\xf9") "\xc3", 0), 0); /* an address, no pointer */
	ck_assert_uint_eq(ANSWER("\x48\x8b\x07\xc3", 0), 0);
	ck_assert_uint_eq(ANSWER("\xe8\0\0\0\0\xc3", 0), 0);
	/* By another pointer, which is not there. */
	ck_assert_uint_eq(ANSWER("\x48\x8b\x05\0\0\0\0\x48\x8b\x00\xc3", 0), 0);
}
END_TEST

enum { THUNKS_AT = 0x402000 };

/* As answer, of i386, with a thunk for eax and one for ebx. */
static uint64_t answer32(const void *code, size_t n, uint32_t word)
{
	static const char thunks[] = "\x8b\x04\x24\xc3\x8b\x1c\x24\xc3\x90\x8b\x04\x24";
	struct piece pieces[] = { { DATA_AT, &word, sizeof(word) }, { THUNKS_AT, thunks, sizeof(thunks) - 1 },
		{ 0 } };

	return arch_i386.returned_variable(
	    &(struct arch_memory){ read_pieces, pieces }, span_of(code, n), CODE_AT);
}

#define ANSWER32(bytes, word) answer32(bytes, sizeof(bytes) - 1, word)
/* call THUNK; add $0xfdffb,%eax: then it is DATA_AT − 0x1000. */
#define BASE "\xe8\xfb\x0f\0\0\x05\xfb\xdf\x0f\0"
#define BASE_EBX "\xe8\xfe\x0f\0\0\x81\xc3\xfa\xdf\x0f\0" /* one byte into the code */

START_TEST(code_of_i386)
{
	ck_assert_uint_eq(ANSWER32("\xa1\0\0\x50\0\xc3", 0), DATA_AT);
	ck_assert_uint_eq(ANSWER32("\x55\x89\xe5\xa1\0\0\x50\0\x5d\xc3", 0), DATA_AT);
	ck_assert_uint_eq(ANSWER32("\xa1\0\0\x50\0\x8b\x40\x0c\xc3", 0x7000), 0x700c);
	ck_assert_uint_eq(ANSWER32(BASE "\x8b\x80\0\x10\0\0\xc3", 0), DATA_AT);
	ck_assert_uint_eq(ANSWER32("\xf3\x0f\x1e\xfb\xe8\xf7\x0f\0\0\x05\xf7\xdf\x0f\0"
				   "\x8b\x80\0\x10\0\0\xc3",
			      0),
	    DATA_AT);
	ck_assert_uint_eq(ANSWER32(BASE "\x8b\x80\0\x10\0\0\x8b\0\xc3", 0xf7007000), 0xf7007000);
	ck_assert_uint_eq(ANSWER32(BASE "\x8b\x80\0\x10\0\0\x8b\x40\x10\xc3", 0x7000), 0x7010);
	ck_assert_uint_eq(ANSWER32(BASE "\x8d\x80\0\x10\0\0\x8b\x40\x18\xc3", 0), DATA_AT + 0x18);
	ck_assert_uint_eq(ANSWER32(BASE "\x8b\x40\xf8\xc3", 0), DATA_AT - 0x1008);
	ck_assert_uint_eq(ANSWER32("\x53" BASE_EBX "\x8b\x83\0\x10\0\0\x5b\xc3", 0), DATA_AT);
}
END_TEST

START_TEST(other_code_of_i386)
{
	ck_assert_uint_eq(ANSWER32("", 0), 0);
	ck_assert_uint_eq(ANSWER32("\xa1\0\0\x50", 0), 0);                           /* cut */
	ck_assert_uint_eq(ANSWER32("\xa1\0\0\x50\0", 0), 0);                         /* no end */
	ck_assert_uint_eq(ANSWER32(BASE, 0), 0);                                     /* cut */
	ck_assert_uint_eq(ANSWER32(BASE "\x8b\x80\0\x10", 0), 0);                    /* cut */
	ck_assert_uint_eq(ANSWER32(BASE "\x8d\x80\0\x10\0\0\xc3", 0), 0);            /* an address */
	ck_assert_uint_eq(ANSWER32(BASE "\x8b\x83\0\x10\0\0\xc3", 0), 0);            /* relative to
	                                                                              * another
	                                                                              * register */
	ck_assert_uint_eq(ANSWER32("\x53" BASE_EBX "\x8b\x83\0\x10\0\0\xc3", 0), 0); /* not given back */
	/* The callee is not a thunk, not complete, or missing. */
	ck_assert_uint_eq(ANSWER32("\xe8\x03\x10\0\0\x05\xfb\xdf\x0f\0\x8b\x80\0\x10\0\0\xc3", 0), 0);
	ck_assert_uint_eq(ANSWER32("\xe8\x04\x10\0\0\x05\xfb\xdf\x0f\0\x8b\x80\0\x10\0\0\xc3", 0), 0);
	ck_assert_uint_eq(ANSWER32("\xe8\0\0\0\0\x05\xfb\xdf\x0f\0\x8b\x80\0\x10\0\0\xc3", 0), 0);
	/* A pointer that is not there. */
	ck_assert_uint_eq(ANSWER32("\xa1\0\0\x60\0\x8b\0\xc3", 0), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { pointer_in_reach, pointer_by_another, other_code, code_of_i386,
		other_code_of_i386 };

	return run_suite("variable", tests, sizeof(tests) / sizeof(tests[0]));
}
