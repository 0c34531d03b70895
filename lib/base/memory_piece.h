/* A piece of a target's memory that was read elsewhere. */
#ifndef BASE_MEMORY_PIECE_H
#define BASE_MEMORY_PIECE_H

#include <stddef.h>
#include <stdint.h>

/* n bytes that were at va. Borrowed. */
struct memory_piece {
	uint64_t va;
	const uint8_t *bytes;
	size_t n;
};

#endif
