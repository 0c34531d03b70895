#include "stack/join/join_loop.h"

bool join_in_loop(const struct py_range *ranges, size_t n, const struct native_frame *fr)
{
	uint64_t pc = fr->exact ? fr->pc : fr->pc - 1;

	for (size_t i = 0; i < n; i++) {
		if (ranges[i].lo <= pc && pc < ranges[i].hi)
			return true;
	}
	return false;
}
