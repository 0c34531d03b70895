/* See probe_processes.h. */
#include "probe/probe_processes.h"

struct probe_process *probe_processes_find(const struct probe_processes *x, uint32_t number)
{
	uint32_t i;

	return addrmap_get(&x->by_number, number, &i) ? &x->at.at[i] : NULL;
}

void probe_processes_end(struct probe_processes *x, uint32_t number)
{
	for (size_t i = 0; i < x->living.n; i++) {
		if (x->living.at[i] == number) {
			x->living.at[i] = x->living.at[--x->living.n];
			return;
		}
	}
}

bool probe_processes_take(struct probe_processes *x, const struct probe_process *process)
{
	if (probe_processes_find(x, process->number) != NULL)
		return true;
	if (process->how == PROBE_PROCESS_EXECED)
		probe_processes_end(x, process->from);
	return vec_reserve(&x->living, x->living.n + 1) && vec_push(&x->at, *process) &&
	       addrmap_put(&x->by_number, process->number, (uint32_t)(x->at.n - 1)) &&
	       vec_push(&x->living, process->number);
}

bool probe_processes_shares(const struct probe_processes *x, uint32_t target, uint32_t mine)
{
	for (size_t i = 0; i < x->living.n; i++) {
		const struct probe_process *p = probe_processes_find(x, x->living.at[i]);

		if (p != NULL && p->number != mine && p->target == target)
			return true;
	}
	return false;
}

uint32_t probe_processes_free_target(const struct probe_processes *x, uint32_t mine)
{
	for (uint32_t target = PROBE_TARGET_FIRST; target < x->targets; target++) {
		if (!probe_processes_shares(x, target, mine))
			return target;
	}
	return PROBE_TARGET_BARE;
}

void probe_processes_begun(struct probe_processes *x, uint64_t time)
{
	for (size_t i = 0; i < x->at.n; i++)
		x->at.at[i].since = time;
}

void probe_processes_free(struct probe_processes *x)
{
	vec_free(&x->at);
	vec_free(&x->living);
	addrmap_free(&x->by_number);
}
