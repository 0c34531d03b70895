/* Look-ups in the notes of a core. */
#include <string.h>

#include "proc/core/core.h"
#include "proc/core/core_notes.h"

uint64_t core_auxv(const struct core *core, int type)
{
	for (size_t i = 0; i < core->auxv.n; i++) {
		if (core->auxv.at[i].a_type == type)
			return (uint64_t)core->auxv.at[i].a_un.a_val;
	}
	return 0;
}

const struct core_range *core_range_at(const struct core *core, uint64_t va)
{
	size_t lo = 0, hi = core->ranges.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct core_range *range = &core->ranges.at[mid];

		if (va < range->start)
			hi = mid;
		else if (va >= range->end)
			lo = mid + 1;
		else
			return range;
	}
	return NULL;
}

const struct core_range *core_exe(const struct core *core)
{
	const struct core_range *range = core_range_at(core, core_auxv(core, AT_PHDR));

	return range != NULL ? range : core_range_at(core, core_auxv(core, AT_ENTRY));
}

void core_note_field(const struct elf_note *note, size_t off, void *out, size_t n)
{
	struct span s = note->desc;

	if (!span_skip(&s, off) || !span_take(&s, out, n))
		memset(out, 0, n);
}
