/* The cache of modules. Files mapped more than once share a finder. */
#include "unwind/unwind_modules.h"

#include <stdlib.h>

#include "base/vec.h"
#include "os/images.h"
#include "os/made_code.h"
#include "os/regs.h"
#include "unwind/regs.h"

struct object {
	const struct elf_image *img;
	struct cfi_finder *finder;
};

struct modules {
	struct ps_prochandle *P;
	unsigned word;
	VEC(struct object) objects;
	VEC(struct module) all;
	size_t last;
};

struct modules *modules_create(struct ps_prochandle *P)
{
	struct modules *m = calloc(1, sizeof(*m));

	if (m != NULL) {
		m->P = P;
		m->word = os_arch(P)->pointer_size;
	}
	return m;
}

void modules_destroy(struct modules *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->objects.n; i++)
		cfi_finder_destroy(m->objects.at[i].finder);
	vec_free(&m->objects);
	vec_free(&m->all);
	free(m);
}

static struct cfi_finder *finder_of(struct modules *m, struct elf_image *img)
{
	struct object o = { .img = img };

	for (size_t i = 0; i < m->objects.n; i++) {
		if (m->objects.at[i].img == img)
			return m->objects.at[i].finder;
	}
	o.finder = cfi_finder_create(img, m->word);
	if (o.finder != NULL && !vec_push(&m->objects, o)) {
		cfi_finder_destroy(o.finder);
		return NULL;
	}
	return o.finder;
}

static bool module_holds(const struct module *module, uint64_t pc)
{
	return pc >= module->lo && pc < module->hi;
}

/* Code of no file, which the program may have described. Only the piece, or the gap between two, is
 * a module. What cannot be read describes nothing; symbolize.c says so. */
static void take_made_code(struct modules *m, uint64_t pc, struct module *found)
{
	struct made_code piece;
	struct fault ignored;

	if (os_made_code(m->P, pc, &piece, &ignored) == RES_OK) {
		found->finder = finder_of(m, piece.image);
		found->made = piece.symbols;
	}
	if (piece.lo > found->lo)
		found->lo = piece.lo;
	if (piece.hi < found->hi)
		found->hi = piece.hi;
}

const struct module *modules_at(struct modules *m, uint64_t pc)
{
	struct module found = { .lo = 0 };
	const prmap_t *map;
	struct elf_image *img;

	if (m->all.n != 0 && module_holds(&m->all.at[m->last], pc))
		return &m->all.at[m->last];
	for (size_t i = 0; i < m->all.n; i++) {
		if (module_holds(&m->all.at[i], pc)) {
			m->last = i;
			return &m->all.at[i];
		}
	}
	map = Paddr_to_map(m->P, pc);
	if (map == NULL)
		return NULL;
	found.lo = map->pr_vaddr;
	found.hi = found.lo + map->pr_size;
	if (os_object_image(m->P, pc, &img, &found.bias) == RES_OK)
		found.finder = finder_of(m, img);
	else if ((map->pr_mflags & (MA_ANON | MA_EXEC)) == (MA_ANON | MA_EXEC))
		take_made_code(m, pc, &found);
	if (!module_holds(&found, pc) || !vec_push(&m->all, found))
		return NULL;
	m->last = m->all.n - 1;
	return &m->all.at[m->last];
}
