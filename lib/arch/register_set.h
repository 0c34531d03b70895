/* Sets of registers, by DWARF number. */
#ifndef ARCH_REGISTER_SET_H
#define ARCH_REGISTER_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	ARCH_REGS_MAX = 17, /* most registers of an architecture that are followed */
	ARCH_SET_BITS = 64, /* registers in a word of a set */
	ARCH_SET_WORDS = (ARCH_REGS_MAX + ARCH_SET_BITS - 1) / ARCH_SET_BITS,
};

/* A bit per register, from the lowest bit of the first word on. Registers that functions are given
 * are below ARCH_REGS_MAX. */
typedef struct {
	uint64_t words[ARCH_SET_WORDS];
} arch_set;

static inline bool arch_set_has(arch_set set, unsigned dwarf)
{
	return (set.words[dwarf / ARCH_SET_BITS] >> dwarf % ARCH_SET_BITS & 1) != 0;
}

static inline void arch_set_add(arch_set *set, unsigned dwarf)
{
	set->words[dwarf / ARCH_SET_BITS] |= (uint64_t)1 << dwarf % ARCH_SET_BITS;
}

static inline void arch_set_remove(arch_set *set, unsigned dwarf)
{
	set->words[dwarf / ARCH_SET_BITS] &= ~((uint64_t)1 << dwarf % ARCH_SET_BITS);
}

/* Remove the registers that are not in `other`. */
static inline void arch_set_intersect(arch_set *set, arch_set other)
{
	for (unsigned i = 0; i < ARCH_SET_WORDS; i++)
		set->words[i] &= other.words[i];
}

/* Remove the registers that are in `other`. */
static inline void arch_set_subtract(arch_set *set, arch_set other)
{
	for (unsigned i = 0; i < ARCH_SET_WORDS; i++)
		set->words[i] &= ~other.words[i];
}

static inline bool arch_set_equal(arch_set a, arch_set b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Remove the first register, and return it. ARCH_REGS_MAX: there is none. */
static inline unsigned arch_set_take(arch_set *set)
{
	for (unsigned i = 0; i < ARCH_SET_WORDS; i++) {
		uint64_t word = set->words[i];

		if (word == 0)
			continue;
		set->words[i] = word & (word - 1);
		return i * ARCH_SET_BITS + (unsigned)__builtin_ctzll(word);
	}
	return ARCH_REGS_MAX;
}

/* The first register of the set from `dwarf` on (ARCH_REGS_MAX at most); ARCH_REGS_MAX: none. */
static inline unsigned arch_set_next(arch_set set, unsigned dwarf)
{
	while (dwarf < ARCH_REGS_MAX) {
		uint64_t word = set.words[dwarf / ARCH_SET_BITS] >> dwarf % ARCH_SET_BITS;

		if (word != 0)
			return dwarf + (unsigned)__builtin_ctzll(word);
		dwarf = (dwarf / ARCH_SET_BITS + 1) * ARCH_SET_BITS;
	}
	return ARCH_REGS_MAX;
}

#endif
