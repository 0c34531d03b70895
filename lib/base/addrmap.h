/* A map from addresses in the target to small integers (indices into an array of the owner), for
 * page caches, code caches and cycle checks. Open addressing; single entries cannot be deleted. */
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

/* Set *out to the value of key. False: there is none, and *out is unchanged. */
bool addrmap_get(const struct addrmap *m, uint64_t key, uint32_t *out);

/* Store value for key; it replaces an older one. False: out of memory, and nothing changed. */
bool addrmap_put(struct addrmap *m, uint64_t key, uint32_t value);

/* Remove all entries and keep the memory. */
void addrmap_clear(struct addrmap *m);

/* Free the memory. The map is empty afterwards and can be used again. */
void addrmap_free(struct addrmap *m);

#endif
