/* See unwind_modules.h. */
#include "unwind/unwind_modules.h"

#include <stdlib.h>

#include "base/vec.h"
#include "os/images.h"
#include "os/regs.h"
#include "unwind/regs.h"

struct object {
	const struct elf_image *img;
	struct cfi_finder *finder;
};

struct regions {
	struct ps_prochandle *P;
	unsigned word;
	VEC(struct object) objects;
	VEC(struct region) all;
	size_t last;
};

struct regions *regions_create(struct ps_prochandle *P)
{
	struct regions *e = calloc(1, sizeof(*e));

	if (e != NULL) {
		e->P = P;
		e->word = os_arch(P)->pointer_size;
	}
	return e;
}

void regions_destroy(struct regions *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->objects.n; i++)
		cfi_finder_destroy(e->objects.at[i].finder);
	vec_free(&e->objects);
	vec_free(&e->all);
	free(e);
}

static struct cfi_finder *finder_of(struct regions *e, struct elf_image *img)
{
	struct object o = { .img = img };

	for (size_t i = 0; i < e->objects.n; i++) {
		if (e->objects.at[i].img == img)
			return e->objects.at[i].finder;
	}
	o.finder = cfi_finder_create(img, e->word);
	if (o.finder != NULL && !vec_push(&e->objects, o)) {
		cfi_finder_destroy(o.finder);
		return NULL;
	}
	return o.finder;
}

static bool region_holds(const struct region *r, uint64_t pc)
{
	return pc >= r->lo && pc < r->hi;
}

const struct region *regions_at(struct regions *e, uint64_t pc)
{
	struct region r = { .lo = 0 };
	const prmap_t *map;
	struct elf_image *img;

	if (e->all.n != 0 && region_holds(&e->all.at[e->last], pc))
		return &e->all.at[e->last];
	for (size_t i = 0; i < e->all.n; i++) {
		if (region_holds(&e->all.at[i], pc)) {
			e->last = i;
			return &e->all.at[i];
		}
	}
	map = Paddr_to_map(e->P, pc);
	if (map == NULL)
		return NULL;
	r.lo = map->pr_vaddr;
	r.hi = r.lo + map->pr_size;
	if (os_object_image(e->P, pc, &img, &r.bias) == RES_OK)
		r.finder = finder_of(e, img);
	if (!region_holds(&r, pc) || !vec_push(&e->all, r))
		return NULL;
	e->last = e->all.n - 1;
	return &e->all.at[e->last];
}
