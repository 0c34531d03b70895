/* The code of a process as two bit maps: words of a stack that point into it are part of a stack's
 * key. One window holds the program, the other everything else, since the two lie far apart. A bit
 * stands for a page, or for several where the window is wide: then words that point beside code
 * count as well, which makes keys finer but never coarser. */
#include "probe/probe_target.h"

#include <string.h>

#include "arch/arch.h"
#include "os/regs.h"

enum { PAGE_SHIFT = 12 };

struct code_range {
	uint64_t lo, hi;
};

struct code_ranges {
	VEC(struct code_range) at; /* ascending */
	uint64_t vdso_lo, vdso_size;
	bool failed;
};

static int take_map(void *data, const prmap_t *map, const char *name)
{
	struct code_ranges *all = data;
	struct code_range r = { map->pr_vaddr, map->pr_vaddr + map->pr_size };

	if ((map->pr_mflags & MA_EXEC) == 0 || (name != NULL && strcmp(name, "[vsyscall]") == 0))
		return 0;
	if (name != NULL && strcmp(name, "[vdso]") == 0) {
		all->vdso_lo = r.lo;
		all->vdso_size = r.hi - r.lo;
		return 0;
	}
	all->failed |= !vec_push(&all->at, r);
	return 0;
}

static void add_bits(struct probe_window *w, uint64_t lo, uint64_t hi)
{
	uint64_t first = (lo - w->lo) >> w->shift, last = (hi - 1 - w->lo) >> w->shift;

	for (uint64_t bit = first; bit <= last && bit < PROBE_WINDOW_BITS; bit++)
		w->bits[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* A window over ranges [from, to), with as much room above as its bits give. */
static void set_window(struct probe_window *w, const struct code_range *at, size_t n)
{
	uint64_t span;

	if (n == 0)
		return;
	span = at[n - 1].hi - at[0].lo;
	w->lo = at[0].lo;
	w->shift = PAGE_SHIFT;
	while (span >> w->shift >= PROBE_WINDOW_BITS)
		w->shift++;
	w->size = (uint64_t)PROBE_WINDOW_BITS << w->shift;
	for (size_t i = 0; i < n; i++)
		add_bits(w, at[i].lo, at[i].hi);
}

/* Split where the largest gap is. */
static void set_windows(struct probe_target *t, const struct code_range *at, size_t n)
{
	size_t split = n;
	uint64_t gap = 0;

	for (size_t i = 1; i < n; i++) {
		if (at[i].lo - at[i - 1].hi > gap) {
			gap = at[i].lo - at[i - 1].hi;
			split = i;
		}
	}
	set_window(&t->windows[0], at, split);
	set_window(&t->windows[1], at + split, n - split);
}

static void add_blocks(struct probe_target *t, uint64_t lo, uint64_t hi)
{
	uint64_t block = lo >> PROBE_BLOCK_SHIFT;

	for (size_t n = 0; n < PROBE_BLOCKS && block << PROBE_BLOCK_SHIFT < hi; n++, block++)
		t->near_code[block % PROBE_BLOCKS] = 1;
}

bool probe_target_fill_code(struct ps_prochandle *P, struct probe_target *out)
{
	struct code_ranges all = { .failed = false };

	memset(out->windows, 0, sizeof(out->windows));
	(void)Pmapping_iter(P, take_map, &all);
	set_windows(out, all.at.at, all.at.n);
	memset(out->near_code, 0, sizeof(out->near_code));
	for (size_t i = 0; i < all.at.n; i++)
		add_blocks(out, all.at.at[i].lo, all.at.at[i].hi);
	add_blocks(out, all.vdso_lo, all.vdso_lo + all.vdso_size);
	out->vdso_lo = all.vdso_lo;
	out->vdso_size = all.vdso_size;
	vec_free(&all.at);
	return !all.failed;
}

enum res probe_target_fill(
    struct ps_prochandle *P, const struct py_process *py, struct probe_target *out, struct fault *f)
{
	size_t n = py == NULL ? 0 : py_runtimes(py);

	if (n > PROBE_PYTHONS)
		return fault_set(f, 0, 0, 0, "it has more than %d Pythons", PROBE_PYTHONS);
	for (size_t i = 0; i < n; i++) {
		if (!py_offsets_get(py, i, &out->pythons[i]))
			return fault_set(f, 0, 0, 0, "the structures of its Python are too large");
	}
	out->n_pythons = (uint32_t)n;
	out->word = os_arch(P)->pointer_size;
	return probe_target_fill_code(P, out) ? RES_OK : fault_memory(f);
}
