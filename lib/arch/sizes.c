/* Sizes of a frame. */
#include "arch/arch.h"

bool arch_sizes_add(struct arch_sizes *sizes, int64_t size)
{
	if (size > ARCH_SIZE_MAX)
		return false;
	for (size_t i = 0; i < sizes->n; i++) {
		if (sizes->of[i] == (uint64_t)size)
			return true;
	}
	if (sizes->n == ARCH_SIZES_MAX)
		return false;
	sizes->of[sizes->n++] = (uint64_t)size;
	return true;
}
