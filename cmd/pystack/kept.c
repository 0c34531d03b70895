/* See kept.h. */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE = 256 }; /* threads that are no more and still kept */

/* As if it had been printed so often. */
static void give(char *text, uint64_t times, struct stack_text *to)
{
	to->times = times;
	stack_text_lines(to, text);
	to->times = 0;
	free(text);
}

bool kept_again(struct kept *k, lwpid_t id)
{
	uint32_t i;

	if (!addrmap_get(&k->index, (uint64_t)id, &i))
		return false;
	k->at.at[i].times++;
	k->at.at[i].round = k->round;
	return true;
}

bool kept_put(struct kept *k, lwpid_t id, char *text, struct stack_text *to)
{
	struct kept_text one = { id, text, 1, k->round };
	uint32_t i;

	if (addrmap_get(&k->index, (uint64_t)id, &i)) {
		give(k->at.at[i].text, k->at.at[i].times, to);
		k->at.at[i] = one;
		return true;
	}
	if (vec_push(&k->at, one)) {
		if (addrmap_put(&k->index, (uint64_t)id, (uint32_t)(k->at.n - 1)))
			return true;
		k->at.n--;
	}
	give(text, 1, to);
	return false;
}

void kept_round(struct kept *k, size_t threads, struct stack_text *to)
{
	size_t n = 0;

	if (k->at.n > 2 * threads + SPARE) {
		addrmap_clear(&k->index);
		for (size_t i = 0; i < k->at.n; i++) {
			struct kept_text *one = &k->at.at[i];

			if (one->round == k->round && addrmap_put(&k->index, (uint64_t)one->id, (uint32_t)n))
				k->at.at[n++] = *one;
			else
				give(one->text, one->times, to);
		}
		k->at.n = n;
	}
	k->round++;
}

void kept_end(struct kept *k, struct stack_text *to)
{
	for (size_t i = 0; i < k->at.n; i++)
		give(k->at.at[i].text, k->at.at[i].times, to);
	vec_free(&k->at);
	addrmap_free(&k->index);
	memset(k, 0, sizeof(*k));
}
