/* The compiled form of a condition (`--when EXPR`), and its evaluator. The BPF program and user
 * space include this same file, so that unit tests run what the kernel runs: fixed-width types, no
 * pointers inside structures, loops of constant bounds, no calls of a library or of helpers. BPF
 * sources include vmlinux.h or <linux/types.h> before it.
 *
 * Logic is Kleene's of three values. probe_when.c moves every negation down to the comparisons, so
 * that the rest of the condition is made of "and" and "or" only. Such a condition is true whatever
 * the unknown comparisons are if it is true with all of them false; it can be true only if it is
 * true with all of them true. Two look-ups in a table of 2^8 entries therefore decide. */
#ifndef PROBE_PROBE_WHEN_EVAL_H
#define PROBE_PROBE_WHEN_EVAL_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	PROBE_WHEN_LIMIT = 8,     /* comparisons */
	PROBE_WHEN_ARGS = 24,     /* arguments that a condition can name */
	PROBE_WHEN_TEXT = 256,    /* bytes of a text's buffer; one more than are compared */
	PROBE_WHEN_PATTERN = 128, /* bytes of a pattern, without its asterisks */
};

/* What is compared. 0 … PROBE_WHEN_ARGS - 1: the argument of that index. */
enum probe_when_subject {
	PROBE_WHEN_RETVAL = PROBE_WHEN_ARGS,
	PROBE_WHEN_PID,  /* of the process: the kernel's tgid */
	PROBE_WHEN_TID,  /* of the thread: the kernel's pid */
	PROBE_WHEN_COMM, /* the thread's name */
	PROBE_WHEN_FUNC, /* name of the innermost Python function; "" without Python frames */
	PROBE_WHEN_FILE, /* its file name; "" without Python frames */
	PROBE_WHEN_SUBJECTS,
};

/* The other operators are these ones negated, or with their operands' order changed. */
enum probe_when_op {
	PROBE_WHEN_EQUAL,
	PROBE_WHEN_LESS,
	PROBE_WHEN_GREATER,
	PROBE_WHEN_BITS, /* a bit of `number` is set */
	PROBE_WHEN_MATCH /* a text matches a pattern */
};

enum { /* a pattern's ends without an asterisk */
	PROBE_WHEN_AT_START = 1,
	PROBE_WHEN_AT_END = 2
};

enum { PROBE_WHEN_UNKNOWN_BIT = 1 << PROBE_WHEN_LIMIT };

enum probe_when_result { PROBE_WHEN_FALSE, PROBE_WHEN_TRUE, PROBE_WHEN_UNKNOWN };

struct probe_when_comparison {
	__u8 subject;   /* enum probe_when_subject */
	__u8 op;        /* enum probe_when_op */
	__u8 negated;   /* 1: true where `op` is false */
	__u8 is_signed; /* the subject is signed (LESS and GREATER) */
	__u8 shift;     /* bits of a 64-bit register that are not of the subject: 0, 32, 48 or 56 */
	__u8 text;      /* index in struct probe_when's and probe_when_values' `text` (MATCH) */
	__u8 anchors;   /* PROBE_WHEN_AT_START, PROBE_WHEN_AT_END */
	__u8 n;         /* bytes of the pattern */
	__u64 number;   /* of the subject's width, extended to 64 bits */
	__u64 last[2];  /* the bit of the pattern's last byte */
	/* For each byte value, at which places of the pattern it occurs: bit p % 64 of [p / 64]. */
	__u64 places[256][2];
};

struct probe_when {
	__u32 n;                     /* comparisons; 0: the condition is always true */
	__u32 n_text;                /* different texts that they need, at most PROBE_WHEN_LIMIT */
	__u32 subjects;              /* bit 1 << s for each subject that they need */
	__u32 python;                /* bit 1 << i: comparison i is of FUNC or FILE */
	__u8 text[PROBE_WHEN_LIMIT]; /* the subject of each text */
	__u8 table
	    [1 << PROBE_WHEN_LIMIT]; /* by the bits of comparisons that are true: the condition's result */
	struct probe_when_comparison comparison[PROBE_WHEN_LIMIT];
};

/* A text of an event. `n` bytes without a NUL; `cut`: it is longer than these. `known` is 0 if it
 * could not be read. */
struct probe_when_text {
	__u16 n;
	__u8 known;
	__u8 cut;
	char at[PROBE_WHEN_TEXT];
};

/* The values of an event. Only those in `subjects` of struct probe_when are looked at. */
struct probe_when_values {
	__u32 unknown; /* bit 1 << s: the number of subject s could not be read */
	__u32 unused;
	__u64 number[PROBE_WHEN_SUBJECTS];             /* as in the 64-bit register or field */
	struct probe_when_text text[PROBE_WHEN_LIMIT]; /* in the order of `text` of struct probe_when */
};

#define PROBE_WHEN_INLINE static inline __attribute__((always_inline, unused))
#ifdef __bpf__
#define PROBE_WHEN_GLOBAL __attribute__((noinline))
#else
#define PROBE_WHEN_GLOBAL static inline
#endif

/* The result of one comparison of a number. */
PROBE_WHEN_INLINE __u32 probe_when_number(const struct probe_when_comparison *c, __u64 value)
{
	__u32 shift = c->shift & 63, result;
	__u64 v = value << shift;
	__u64 number = c->number;

	v = c->is_signed ? (__u64)((__s64)v >> shift) : v >> shift;
	/* Two's complement, with the sign bit inverted, is in the order of unsigned numbers. */
	if (c->is_signed) {
		v ^= 1ULL << 63;
		number ^= 1ULL << 63;
	}
	if (c->op == PROBE_WHEN_LESS)
		result = v < number;
	else if (c->op == PROBE_WHEN_GREATER)
		result = v > number;
	else if (c->op == PROBE_WHEN_BITS)
		result = ((value << shift) & (c->number << shift)) != 0;
	else
		result = v == number;
	return result ^ (c->negated & 1);
}

/* Compare a text with a pattern by the shift-and method: bit p of `here` is set if the pattern's
 * bytes 0 … p end at this byte of the text. `negated` is not applied. */
PROBE_WHEN_INLINE __u32 probe_when_match(
    const struct probe_when_comparison *c, const struct probe_when_text *t)
{
	__u64 here[2] = { 0, 0 }, seen[2] = { 0, 0 };
	__u64 start = 1, again = (c->anchors & PROBE_WHEN_AT_START) ? 0 : 1;
	__u32 n = t->n;

	if (c->n == 0) {
		if (c->anchors != (PROBE_WHEN_AT_START | PROBE_WHEN_AT_END))
			return PROBE_WHEN_TRUE;
		return n == 0 && t->cut == 0;
	}
	for (__u32 i = 0; i < PROBE_WHEN_TEXT - 1; i++) {
		__u8 byte;

		if (i >= n)
			break;
		byte = (__u8)t->at[i];
		here[1] = (here[1] << 1 | here[0] >> 63) & c->places[byte][1];
		here[0] = (here[0] << 1 | start) & c->places[byte][0];
		seen[0] |= here[0];
		seen[1] |= here[1];
		start = again;
	}
	if (!(c->anchors & PROBE_WHEN_AT_END)) {
		if (((seen[0] & c->last[0]) | (seen[1] & c->last[1])) != 0)
			return PROBE_WHEN_TRUE;
		/* The start of a text that was cut is longer than a pattern can be. */
		return t->cut && again ? PROBE_WHEN_UNKNOWN : PROBE_WHEN_FALSE;
	}
	if (t->cut)
		return again ? PROBE_WHEN_UNKNOWN : PROBE_WHEN_FALSE;
	return ((here[0] & c->last[0]) | (here[1] & c->last[1])) != 0;
}

/* The result of one comparison of a text. */
PROBE_WHEN_INLINE __u32 probe_when_text(
    const struct probe_when_comparison *c, const struct probe_when_text *t)
{
	__u32 result;

	if (!t->known)
		return PROBE_WHEN_UNKNOWN;
	result = probe_when_match(c, t);
	return result == PROBE_WHEN_UNKNOWN ? result : result ^ (c->negated & 1);
}

/* The condition's result, from the bits of comparisons that are true and of those that are unknown
 * (bit i for comparison i; no bit is in both). */
PROBE_WHEN_INLINE __u32 probe_when_decide(const struct probe_when *w, __u32 truth, __u32 unknown)
{
	if (w->n == 0 || w->table[truth & 255])
		return PROBE_WHEN_TRUE;
	return w->table[(truth | unknown) & 255] ? PROBE_WHEN_UNKNOWN : PROBE_WHEN_FALSE;
}

/* The result of comparison *c for the event *v, as the bits of probe_when_eval's `results`.
 *
 * A global function in BPF: the kernel's verifier looks at it once. Inlined, it would be followed
 * through the loop over the text's bytes for each comparison and for each result of those before,
 * which is too much for it. */
PROBE_WHEN_GLOBAL int probe_when_compare(
    const struct probe_when_comparison *c, const struct probe_when_values *v)
{
	__u32 subject, text, result = PROBE_WHEN_UNKNOWN;

	if (!c || !v)
		return PROBE_WHEN_UNKNOWN_BIT;
	subject = c->subject;
	text = c->text;
	if (c->op == PROBE_WHEN_MATCH) {
		if (text < PROBE_WHEN_LIMIT)
			result = probe_when_text(c, &v->text[text]);
	} else if (subject < PROBE_WHEN_SUBJECTS && (v->unknown >> subject & 1) == 0) {
		result = probe_when_number(c, v->number[subject]);
	}
	if (result == PROBE_WHEN_UNKNOWN)
		return PROBE_WHEN_UNKNOWN_BIT;
	return (int)result;
}

/* The results of all comparisons: bit i of the low half, if comparison i is true; bit i of the high
 * half (PROBE_WHEN_UNKNOWN_BIT << i), if it is unknown. */
PROBE_WHEN_INLINE __u32 probe_when_results(const struct probe_when *w, const struct probe_when_values *v)
{
	__u32 results = 0;

	for (__u32 i = 0; i < PROBE_WHEN_LIMIT; i++) {
		if (i >= w->n)
			break;
		results |= (__u32)probe_when_compare(&w->comparison[i], v) << i;
	}
	return results;
}

/* The condition's result for an event. UNKNOWN: it could not be tested, and is neither true nor
 * false. */
PROBE_WHEN_INLINE __u32 probe_when_eval(const struct probe_when *w, const struct probe_when_values *v)
{
	__u32 results = probe_when_results(w, v);

	return probe_when_decide(w, results, results >> PROBE_WHEN_LIMIT);
}

#endif
