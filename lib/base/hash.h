/* FNV-1a, 64 bits: for tables and for telling whether something has changed. Whoever chooses the bytes can make two that are
 * equal by it: where that matters, compare them too. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

/* The hash of what was hashed so far (HASH_START: nothing) and these bytes. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * HASH_PRIME;
	return hash;
}

/* The same for a word's 8 bytes, the lowest first. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	for (unsigned i = 0; i < 64; i += 8)
		hash = (hash ^ (word >> i & 0xff)) * HASH_PRIME;
	return hash;
}

#endif
