/* The mappings of a core. No note lists them. They are the union of two lists, which need not
 * agree:
 *
 *   PT_LOADs   |---- rw- ----|      |-- r-- --|        all mappings (kernel), or saved ones (gcore)
 *   NT_FILE           |=== libx ===|=== libx ===|      mappings of files, saved or not
 *   mappings   |  anon |libx|libx  |libx       |libx|  cut at every boundary of either list
 *
 * Rights come from the PT_LOAD. Without one they are unknown. Gcore leaves out text and constants,
 * so the mapping is taken for readable and executable. */
#include "proc/core/core.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int mflags_of(const struct core_segment *seg)
{
	if (seg == NULL)
		return MA_READ | MA_EXEC;
	return ((seg->flags & PF_R) != 0 ? MA_READ : 0) | ((seg->flags & PF_W) != 0 ? MA_WRITE : 0) |
	       ((seg->flags & PF_X) != 0 ? MA_EXEC : 0);
}

/* Copy the last bytes of a path that fit. */
static void set_mapname(prmap_t *pr, const char *path)
{
	size_t n = strlen(path);

	(void)snprintf(pr->pr_mapname, sizeof(pr->pr_mapname), "%s",
	    n < sizeof(pr->pr_mapname) ? path : path + (n - (sizeof(pr->pr_mapname) - 1)));
}

/* The mappings so far, and the path of the last mapping of a file. Pieces of one range share their
 * path, because pieces can be many and paths long. */
struct united {
	struct proc_maps *maps;
	const struct core_range *range;
	char *path;
};

static bool name_piece(struct united *u, const struct core_range *range, struct proc_map *map)
{
	map->shared = u->range == range;
	map->path = map->shared ? u->path : strndup(range->path, range->path_len);
	u->range = range;
	u->path = map->path;
	return map->path != NULL;
}

/* The rest of an interval; {UINT64_MAX, UINT64_MAX}: none. */
struct interval {
	uint64_t from, end;
};

/* Append the interval, which is in seg, in range, or in both. */
static enum res add_map(struct united *u, struct interval x, const struct core_segment *seg,
    const struct core_range *range, struct fault *f)
{
	struct proc_map map = {
		.pr = { .pr_vaddr = x.from,
		    .pr_size = x.end - x.from,
		    .pr_mflags = mflags_of(seg),
		    .pr_pagesize = CORE_PAGE },
		.object = -1,
	};

	if (range == NULL) {
		map.pr.pr_mflags |= MA_ANON;
	} else {
		if (!name_piece(u, range, &map))
			return fault_memory(f);
		map.deleted = range->deleted;
		map.pr.pr_offset = (off_t)(range->off + (x.from - range->start));
		set_mapname(&map.pr, map.path);
	}
	if (!vec_push(u->maps, map)) {
		if (!map.shared)
			free(map.path);
		return fault_memory(f);
	}
	return RES_OK;
}

static struct interval rest_of(uint64_t from, uint64_t end, uint64_t at)
{
	return (struct interval){ from > at ? from : at, end };
}

/* The first boundary of x after start: its start or its end. */
static uint64_t next_boundary(struct interval x, uint64_t start)
{
	return x.from > start ? x.from : x.end;
}

/* Walk both lists together, from boundary to boundary. */
static enum res unite_maps(const struct core *core, struct proc_maps *maps, struct fault *f)
{
	const struct interval none = { UINT64_MAX, UINT64_MAX };
	struct united u = { .maps = maps };
	uint64_t at = 0;
	size_t i = 0, j = 0;

	while (maps->n < CORE_MAPS_MAX) {
		struct interval seg = none, range = none;
		const struct core_segment *in_seg = NULL;
		const struct core_range *in_range = NULL;
		uint64_t start, a, b;

		while (i < core->segments.n && core->segments.at[i].va + core->segments.at[i].memsz <= at)
			i++;
		while (j < core->ranges.n && core->ranges.at[j].end <= at)
			j++;
		if (i < core->segments.n) {
			in_seg = &core->segments.at[i];
			seg = rest_of(in_seg->va, in_seg->va + in_seg->memsz, at);
		}
		if (j < core->ranges.n) {
			in_range = &core->ranges.at[j];
			range = rest_of(in_range->start, in_range->end, at);
		}
		start = seg.from < range.from ? seg.from : range.from;
		if (start == UINT64_MAX)
			return RES_OK;
		a = next_boundary(seg, start);
		b = next_boundary(range, start);
		at = a < b ? a : b;
		if (add_map(&u, (struct interval){ start, at }, seg.from == start ? in_seg : NULL,
			range.from == start ? in_range : NULL, f) != RES_OK)
			return RES_FAIL;
	}
	return RES_OK;
}

/* Give the anonymous mapping that holds va a name like the kernel's in /proc/PID/maps. */
static enum res name_map(struct proc_maps *maps, uint64_t va, const char *name, int mflags, struct fault *f)
{
	for (size_t i = 0; va != 0 && i < maps->n; i++) {
		struct proc_map *map = &maps->at[i];

		if (va < map->pr.pr_vaddr || va - map->pr.pr_vaddr >= map->pr.pr_size)
			continue;
		if (map->path != NULL)
			return RES_OK;
		map->path = strdup(name);
		if (map->path == NULL)
			return fault_memory(f);
		set_mapname(&map->pr, name);
		map->pr.pr_mflags |= mflags;
		return RES_OK;
	}
	return RES_OK;
}

/* An address in the main thread's stack: AT_RANDOM's bytes, which the kernel puts there, else the
 * stack pointer, which may be in a signal stack. */
static uint64_t main_stack(const struct core *core)
{
	uint64_t va = core->illumos ? 0 : core_auxv(core, AT_RANDOM);
	lwpid_t main_id = core->illumos ? 1 : core->psinfo.pr_pid;

	if (va != 0)
		return va;
	for (size_t i = 0; i < core->lwps.n; i++) {
		if (core->lwps.at[i].pr_lwpid == main_id)
			return (uint64_t)core->lwps.at[i].pr_reg[R_SP];
	}
	return 0;
}

enum res core_maps_read(const struct core *core, struct proc_maps *maps, struct fault *f)
{
	if (unite_maps(core, maps, f) != RES_OK ||
	    name_map(maps, core->illumos ? 0 : core_auxv(core, AT_SYSINFO_EHDR), "[vdso]", 0, f) != RES_OK ||
	    name_map(maps, main_stack(core), "[stack]", MA_STACK, f) != RES_OK)
		return RES_FAIL;
	return RES_OK;
}
