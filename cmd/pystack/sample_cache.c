/* See sample_cache.h. */
#include "sample_cache.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE = 256 }; /* ended threads that may be kept */

static void hand_over(char *text, uint64_t times, struct counts *counts)
{
	if (text != NULL)
		counts_add(counts, text, times);
	free(text);
}

bool sample_cache_again(struct sample_cache *k, lwpid_t id)
{
	uint32_t i;

	if (!addrmap_get(&k->index, (uint64_t)id, &i))
		return false;
	k->at.at[i].times++;
	k->at.at[i].round = k->round;
	return true;
}

void sample_cache_put(struct sample_cache *k, lwpid_t id, char *text, struct counts *counts)
{
	struct sample_cached one = { id, text, 1, k->round };
	uint32_t i;

	if (addrmap_get(&k->index, (uint64_t)id, &i)) {
		hand_over(k->at.at[i].text, k->at.at[i].times, counts);
		k->at.at[i] = one;
		return;
	}
	if (vec_push(&k->at, one)) {
		if (addrmap_put(&k->index, (uint64_t)id, (uint32_t)(k->at.n - 1)))
			return;
		k->at.n--;
	}
	hand_over(text, 1, counts);
}

void sample_cache_round(struct sample_cache *k, size_t threads, struct counts *counts)
{
	size_t n = 0;

	if (k->at.n > 2 * threads + SPARE) {
		addrmap_clear(&k->index);
		for (size_t i = 0; i < k->at.n; i++) {
			struct sample_cached *one = &k->at.at[i];

			if (one->round == k->round && addrmap_put(&k->index, (uint64_t)one->id, (uint32_t)n))
				k->at.at[n++] = *one;
			else
				hand_over(one->text, one->times, counts);
		}
		k->at.n = n;
	}
	k->round++;
}

void sample_cache_free(struct sample_cache *k, struct counts *counts)
{
	for (size_t i = 0; i < k->at.n; i++)
		hand_over(k->at.at[i].text, k->at.at[i].times, counts);
	vec_free(&k->at);
	addrmap_free(&k->index);
	memset(k, 0, sizeof(*k));
}
