/* PRIVATE to lib/probe: records of the ring buffer put together to stacks. */
#ifndef PROBE_PROBE_STACKS_H
#define PROBE_PROBE_STACKS_H

#include "base/addrmap.h"
#include "probe/probe.h"

/* A stack whose records are arriving. */
struct probe_partial {
	uint64_t id;
	uint64_t order; /* of its arrival */
	struct probe_begin begin;
	VEC(uint8_t) bytes; /* its memory records, one after the other */
};

enum {
	PROBE_PARTIAL_BYTES = 64 << 20, /* of all stacks that are arriving; the oldest gives way */
	PROBE_NAMES_BYTES = 256 << 20,  /* that are kept; further names are sent with each stack */
};

/* The pieces of code objects that are sent once, by the hash of the code object. */
struct probe_names {
	struct addrmap first; /* hash → index of its first piece */
	VEC(struct probe_name {
		struct memory_piece piece; /* its bytes are owned */
		uint64_t code;             /* hash of its code object */
		uint32_t next;             /* of the same code object; UINT32_MAX: none */
	})
	at;
	size_t bytes; /* of all pieces */
};

struct probe_stacks {
	struct probe_names names;
	VEC(struct probe_partial) partial;
	size_t partial_bytes;
	VEC(struct memory_piece) pieces; /* of the stack that is handed on */
	uint64_t arrived;
	bool failed; /* out of memory: a stack was dropped */
};

/* Take one record of n bytes; hands on what is complete. Records that are damaged are ignored. */
void probe_stacks_take(
    struct probe_stacks *x, const void *record, size_t n, const struct probe_reader *reader);
void probe_stacks_free(struct probe_stacks *x);

#endif
