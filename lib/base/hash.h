/* FNV-1a, 64 bits: for tables, and to detect changes. An author of the bytes can produce
 * collisions: where that matters, compare the bytes too. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

/* Add these bytes to `hash`. Start with HASH_START. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * HASH_PRIME;
	return hash;
}

/* Add the 8 bytes of a word, lowest first. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	for (unsigned i = 0; i < 64; i += 8)
		hash = (hash ^ (word >> i & 0xff)) * HASH_PRIME;
	return hash;
}

#endif
