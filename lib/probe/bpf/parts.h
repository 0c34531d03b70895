/* PRIVATE to the BPF program: the hash of a stack of words of 8 bytes, part by part.
 *
 * A part is PART bytes at a multiple of that. Its hash covers the words that an unwinder may go by:
 *
 *   addresses of code            they may be return addresses
 *   addresses of older parts     they may be saved frame pointers, which tell where a frame ends
 *
 * each with its place. Most parts are what they were at the event before, since the functions that
 * they belong to have not run. So the last content at an address is kept with its hash: to compare
 * words takes a third of the time that it takes to look at each. All that a hash depends on, apart
 * from the content, is compared as well, so it is the same as if it had been made anew. */
#ifndef PROBE_BPF_PARTS_H
#define PROBE_BPF_PARTS_H

#include "probe/bpf/i386.h"

/* A part of a stack to which words may point. */
struct stack_range {
	uint64_t lo, hi;
};

/* 1 or 0. These two have no branches: the verifier would follow both sides for every word. */
static __always_inline uint64_t window_has(const struct probe_window *x, uint64_t word)
{
	uint64_t bit = (word - x->lo) >> (x->shift & 63), inside = bit / PROBE_WINDOW_BITS - 1;

	asm volatile("" : "+r"(inside)); /* else clang makes a branch of it */
	return inside >> 63 & x->bits[bit / 64 % (PROBE_WINDOW_BITS / 64)] >> (bit % 64);
}

static __always_inline uint64_t is_code(const struct probe_target *t, uint64_t word)
{
	uint64_t at = word - t->vdso_lo, inside = at - t->vdso_size;

	asm volatile("" : "+r"(inside));
	return window_has(&t->windows[1], word) | window_has(&t->windows[0], word) | (inside & ~at) >> 63;
}

/* Mix the words from index `at` on that may be addresses into s->part: the code of the process is
 * not known exactly. */
__noinline int hash_unsure_words(struct scratch *s, uint32_t at)
{
	uint64_t hash;

	if (!s)
		return 0;
	hash = s->part;
	at &= CHUNK / 8 - PART / 8;
#pragma clang loop unroll(disable)
	for (uint32_t k = 0; k < PART / 8; k++) {
		uint64_t word = s->words[at + k];

		if (word >= PAGE && word >> 47 == 0)
			hash = mix_word(hash, word ^ (uint64_t)(8 * k) << 45);
	}
	s->part = hash;
	return 0;
}

/* Mix the words from index `at` on that are addresses of code, or in r, into s->part. Few words are
 * of code: those that are not are told by their bits 16 to 31 alone, as an index. It is a global
 * function, so that the verifier follows it once and not at each call. */
__noinline int hash_words(
    struct scratch *s, const struct probe_target *t, uint32_t at, const struct stack_range *r)
{
	uint64_t hash, lo, size;

	if (!s || !t || !r)
		return 0;
	hash = s->part;
	lo = r->lo;
	size = r->hi - lo;
	at &= CHUNK / 8 - PART / 8;
#pragma clang loop unroll(disable)
	for (uint32_t g = 0; g < PART / 8; g += GROUP) {
#pragma clang loop unroll(full)
		for (uint32_t k = 0; k < GROUP; k++) {
			const uint64_t *word = &s->words[at + g + k];

			if (t->near_code[((const uint16_t *)word)[1]] != 0 && is_code(t, *word))
				hash = mix_word(hash, *word ^ (uint64_t)(8 * (g + k)) << 45);
			/* Relative, so that threads share it. */
			if (*word - lo < size)
				hash = mix_word(hash, (*word - lo) ^ (uint64_t)(8 * (g + k)) << 45);
		}
	}
	s->part = hash;
	return 0;
}

/* Put the words from index `at` on into a known part. Returns 0: they are there already. */
__noinline int replace_words(struct scratch *s, uint32_t at, uint32_t index)
{
	uint64_t differs = 0, *known;
	const uint64_t *words;

	if (!s)
		return 1;
	words = &s->words[at & (CHUNK / 8 - PART / 8)];
	known = s->parts[index & (PARTS - 1)].words;
	/* Each turn waits for the one before it, in the compiler's eyes: else it would have all of
	 * them in registers at the same time. */
#pragma clang loop unroll(full)
	for (uint32_t k = 0; k < PART / 8; k++) {
		differs |= words[k] ^ known[k];
		asm volatile("" : "+r"(differs));
	}
	if (differs == 0)
		return 0;
#pragma clang loop unroll(full)
	for (uint32_t k = 0; k < PART / 8; k++) {
		known[k] = words[k];
		asm volatile("" : "+r"(known));
	}
	return 1;
}

/* Hash the part at va, whose words are those from index `at` on, into s->part. */
static __always_inline void hash_anew(
    struct scratch *s, const struct probe_target *t, uint32_t at, uint64_t va)
{
	struct stack_range r = { .lo = va, .hi = s->upto };

	s->part = 1;
	if (s->unsure) {
		hash_unsure_words(s, at);
		return;
	}
	hash_words(s, t, at, &r);
	if (!s->more)
		return;
	/* The frame of a signal has registers of the stack that it has interrupted. */
	r.lo = s->other_lo;
	r.hi = s->other_hi;
	hash_words(s, t, at, &r);
}

/* Mix the hash of the part at va, whose words are those from index `at` on, into s->hash. A global
 * function, as hash_words. */
__noinline int hash_part(struct scratch *s, const struct probe_target *t, uint32_t at, uint64_t va)
{
	uint32_t index = (uint32_t)(va / PART) & (PARTS - 1);
	struct known_part *known;

	if (!s || !t)
		return 0;
	known = &s->parts[index];
	/* What is further from the top would put out what is near to it. */
	if (s->unsure || s->more || va + PART - s->from > PARTS * PART) {
		hash_anew(s, t, at, va);
		s->hash = mix_word(s->hash, s->part);
		return 0;
	}
	if (replace_words(s, at, index) || known->va != va || known->upto != s->upto ||
	    known->process != s->process || known->target != s->target || known->changes != s->changes) {
		hash_anew(s, t, at, va);
		known->hash = s->part;
		known->va = va;
		known->upto = s->upto;
		known->process = s->process;
		known->target = s->target;
		known->changes = s->changes;
	}
	s->hash = mix_word(s->hash, known->hash);
	return 0;
}

/* Zeros are addresses of nothing. */
static __always_inline void clear_part(struct scratch *s, uint64_t va)
{
	uint64_t *words = &s->words[va / 8 & (CHUNK / 8 - PART / 8)];

#pragma clang loop unroll(full)
	for (uint32_t k = 0; k < PART / 8; k++)
		words[k] = 0;
}

/* Copy n bytes of the stack from va on, none beyond the end of its page, to their places in
 * s->words, and clear the rest of the first and last part. Returns 0 if they were copied. */
__noinline int read_parts(struct scratch *s, uint64_t va, uint32_t n)
{
	if (!s || n > CHUNK)
		return 1;
	if (va % PART != 0)
		clear_part(s, va);
	if ((va + n) % PART != 0)
		clear_part(s, va + n);
	return bpf_probe_read_user(&s->words[va / 8 & (CHUNK / 8 - 1)], n, (const void *)va) != 0;
}

/* Mix the parts of what read_parts has copied into s->hash. */
static void hash_parts(struct scratch *s, const struct probe_target *t, uint64_t va, uint32_t n)
{
	uint64_t part = va & ~(uint64_t)(PART - 1);

	for (uint32_t i = 0; i < CHUNK / PART; i++) {
		if (part >= va + n)
			break;
		hash_part(s, t, part / 8 & (CHUNK / 8 - 1), part);
		part += PART;
	}
}

#endif
