/* Finds the evaluation loop where no symbol names it. The loop has one activation per frame, and in
 * each of them a callee-saved register holds the frame's address, the same register in all.
 *
 *   activations of F    rbx = f0   rbx = f1   rbx = f2    the unwind table has F's range, .cold too
 *   chain                     f0 ──────> f1 ──────> f2
 *
 * Two other kinds of function have one activation per frame: those that call the loop with a frame
 * they have created, and those through which the loop calls another function, where the register
 * may still be the loop's. They are small: at most 3 KB, against at least 38 KB for the loop in all
 * builds examined. */
#include "stack/join/find_loop.h"

#include "stack/join/join_loop.h"

enum { LOOP_MIN = 8 << 10, PAIRS_MIN = 2 };

static uint64_t ranges_size(const struct py_range *ranges, size_t n)
{
	uint64_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += ranges[i].hi - ranges[i].lo;
	return size;
}

static bool frame_names(const struct native_frame *fr, int reg, uint64_t addr)
{
	return (fr->saved_known >> reg & 1) != 0 && fr->saved[reg] == addr;
}

/* Index of the next frame younger than frames[j] that has an activation; -1: none. */
static int64_t younger_with_activation(const struct py_stack *python, int64_t j)
{
	do
		j--;
	while (j >= 0 && python->frames.at[j].synthetic);
	return j;
}

/* Do the activations of this function, oldest first, name all frames in reg? The youngest
 * activation need not name its frame (no callee may have saved the register), and it may have
 * none. */
static bool runs_all(const struct native_stack *native, const struct py_stack *python,
    const struct py_range *ranges, size_t n, int reg)
{
	int64_t j = younger_with_activation(python, (int64_t)python->frames.n), bare = 0;
	size_t pairs = 0;

	for (size_t i = native->frames.n; i-- > 0;) {
		const struct native_frame *fr = &native->frames.at[i];

		if (!join_in_loop(ranges, n, fr))
			continue;
		if (j < 0) {
			bare++;
			continue;
		}
		if (frame_names(fr, reg, python->frames.at[j].addr))
			pairs++;
		else if (younger_with_activation(python, j) >= 0)
			return false;
		j = younger_with_activation(python, j);
	}
	return j < 0 && bare <= 1 && pairs >= PAIRS_MIN;
}

size_t find_loop(struct py_process *py, size_t runtime, const struct native_stack *native,
    const struct py_stack *python, struct py_range out[2])
{
	int64_t oldest = younger_with_activation(python, (int64_t)python->frames.n);
	struct py_range ranges[2];
	size_t found = 0, n;

	for (size_t i = 0; oldest >= 0 && i < native->frames.n; i++) {
		const struct native_frame *fr = &native->frames.at[i];

		for (int reg = 0; reg < ARCH_SAVED_MAX; reg++) {
			if (!frame_names(fr, reg, python->frames.at[oldest].addr))
				continue;
			n = py_function_ranges(py, runtime, fr->exact ? fr->pc : fr->pc - 1, ranges);
			if (n == 0 || ranges_size(ranges, n) < LOOP_MIN ||
			    !runs_all(native, python, ranges, n, reg))
				continue;
			if (found != 0 && out[0].lo != ranges[0].lo)
				return 0;
			found = n;
			out[0] = ranges[0];
			out[1] = ranges[1];
		}
	}
	return found;
}
