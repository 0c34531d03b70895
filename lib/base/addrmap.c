/* The address map: linear probing in a table that is at most 3/4 full. */
#include "base/addrmap.h"

#include <stdlib.h>

struct addrmap_slot {
	uint64_t key;
	uint32_t value;
	uint32_t used;
};

static size_t slot_home(uint64_t key, size_t size)
{
	/* Fibonacci hashing: addresses differ in their middle bits. */
	return (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) & (size - 1);
}

static struct addrmap_slot *slot_find(struct addrmap_slot *slots, size_t size, uint64_t key)
{
	size_t i = slot_home(key, size);

	while (slots[i].used && slots[i].key != key)
		i = (i + 1) & (size - 1);
	return &slots[i];
}

bool addrmap_get(const struct addrmap *m, uint64_t key, uint32_t *out)
{
	struct addrmap_slot *slot;

	if (m->size == 0)
		return false;
	slot = slot_find(m->slots, m->size, key);
	if (!slot->used)
		return false;
	*out = slot->value;
	return true;
}

static bool grow_table(struct addrmap *m)
{
	size_t size = m->size == 0 ? 64 : m->size * 2;
	struct addrmap_slot *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < m->size; i++) {
		if (m->slots[i].used)
			*slot_find(slots, size, m->slots[i].key) = m->slots[i];
	}
	free(m->slots);
	m->slots = slots;
	m->size = size;
	return true;
}

bool addrmap_put(struct addrmap *m, uint64_t key, uint32_t value)
{
	struct addrmap_slot *slot;

	if ((m->n + 1) * 4 > m->size * 3 && !grow_table(m))
		return false;
	slot = slot_find(m->slots, m->size, key);
	if (!slot->used)
		m->n++;
	*slot = (struct addrmap_slot){ key, value, 1 };
	return true;
}

void addrmap_clear(struct addrmap *m)
{
	for (size_t i = 0; i < m->size; i++)
		m->slots[i].used = 0;
	m->n = 0;
}

void addrmap_free(struct addrmap *m)
{
	free(m->slots);
	*m = (struct addrmap)ADDRMAP_EMPTY;
}
