/* A map from addresses in the target to small integers (indices into an array of the owner):
 * page caches, code caches, cycle checks. Open addressing; no deletion. */
#ifndef BASE_ADDRMAP_H
#define BASE_ADDRMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addrmap {
	struct addrmap_slot *slots;
	size_t n;    /* entries */
	size_t size; /* slots, a power of two, or 0 */
};

#define ADDRMAP_EMPTY      \
	{                  \
		NULL, 0, 0 \
	}

/* The value stored for key; false when there is none (out unchanged). */
bool addrmap_get(const struct addrmap *m, uint64_t key, uint32_t *out);

/* Store value for key, over any older one. False: out of memory, nothing changed. */
bool addrmap_put(struct addrmap *m, uint64_t key, uint32_t value);

/* Forget all entries, keep the memory. */
void addrmap_clear(struct addrmap *m);
void addrmap_free(struct addrmap *m);

#endif
