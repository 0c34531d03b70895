/* Steps by call frame information, with libunwind's remote interface. The only file that knows it.
 *
 * libunwind gets an address space of our own accessors. Per step it asks find_proc_info for a pc it has
 * no row for in its cache; we answer out of the one table entry that cfi.c found and checked, through
 * libunwind's own reader of such tables. All it reads besides comes through access_mem.
 *
 * What it would do on its own where a pc has no CFI (go on with rbp, sp then being wrong) is not
 * wanted: find_proc_info then fails in a way that ends the step, and fallback_step takes over with the
 * registers of the last good activation. The cursor starts anew behind it. A new cursor takes its pc for
 * exact; a return address is therefore given to it less one, which finds the same row.
 *
 * libunwind's register numbers on x86-64 are DWARF's. */
#include "unwind/engine.h"
#include "unwind/prologue.h"

#ifndef WITH_LIBUNWIND_GENERIC
const struct engine_ops *const engine_libunwind = NULL;
#else

#include <dlfcn.h>
#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/images.h"
#include "unwind/cfi.h"

/* Exported by libunwind-x86_64, declared in none of its headers. */
extern int _Ux86_64_dwarf_search_unwind_table(
    unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *);

/* Looked up when the first of these engines is made: loading the library costs a seventh of a short run, and the other
 * engines do without. */
#define CALLS(call)                                                                                     \
	call(create_addr_space, unw_create_addr_space) call(destroy_addr_space, unw_destroy_addr_space) \
	    call(set_caching_policy, unw_set_caching_policy) call(set_cache_size, unw_set_cache_size)   \
		call(init_remote, unw_init_remote) call(get_reg, unw_get_reg) call(step, unw_step)      \
		    call(is_signal_frame, unw_is_signal_frame)                                          \
			call(search_unwind_table, _Ux86_64_dwarf_search_unwind_table)

#define MEMBER(member, function) __typeof__(function) *member;
struct calls {
	CALLS(MEMBER)
};

static const char library[] = "libunwind-x86_64.so.8";

static bool load(struct calls *out, struct fault *f)
{
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL); /* stays */

	if (lib == NULL) {
		(void)fault_set(f, 0, 0, 0, "-m libunwind needs %s: %s", library, dlerror());
		return false;
	}
#define NAME_OF(text) #text
#define NAME(text) NAME_OF(text)
#define LOOK_UP(member, function)                                                             \
	do {                                                                                  \
		void *found = dlsym(lib, NAME(function));                                     \
		if (found == NULL) {                                                          \
			(void)fault_set(f, 0, 0, 0, "%s has no %s", library, NAME(function)); \
			return false;                                                         \
		}                                                                             \
		memcpy(&out->member, &found, sizeof(found));                                  \
	} while (0);
	CALLS(LOOK_UP)
#undef LOOK_UP
	return true;
}

enum { ROWS_CACHED = 1024, NO_REGISTER = -1 };

/* An executable mapping, and the tables that describe it. */
struct region {
	uint64_t lo, hi;
	uint64_t bias;
	bool has_table;
	struct cfi_table table;
};

struct lu_engine {
	struct ps_prochandle *P;
	struct memory *mem;
	struct calls calls;
	unw_addr_space_t as;
	unw_cursor_t cursor;
	bool started;
	struct unwind_regs regs; /* what the cursor started with; it refers to them */
	struct prover *prover;
	VEC(struct region) regions;
	size_t region_last;
	/* Why a step failed: */
	bool miss;
	int reg_missing;
	uint64_t va_missing; /* 0: none */
};

static bool region_holds(const struct region *r, uint64_t pc)
{
	return pc >= r->lo && pc < r->hi;
}

/* The region of a pc, made when it is new. NULL: not in a mapping, or no memory. */
static const struct region *region_of(struct lu_engine *e, uint64_t pc)
{
	const prmap_t *map;
	struct elf_image *img;
	struct region r = { .lo = 0 };

	if (e->regions.n != 0 && region_holds(&e->regions.at[e->region_last], pc))
		return &e->regions.at[e->region_last];
	for (size_t i = 0; i < e->regions.n; i++) {
		if (region_holds(&e->regions.at[i], pc)) {
			e->region_last = i;
			return &e->regions.at[i];
		}
	}
	map = Paddr_to_map(e->P, pc);
	if (map == NULL)
		return NULL;
	r.lo = map->pr_vaddr;
	r.hi = r.lo + map->pr_size;
	r.has_table = os_object_image(e->P, pc, &img, &r.bias) == RES_OK &&
		      cfi_table_of(img, &r.table) == RES_OK &&
		      memory_pin(e->mem, r.table.run_va + r.bias, r.table.run);
	if (!region_holds(&r, pc) || !vec_push(&e->regions, r))
		return NULL;
	e->region_last = e->regions.n - 1;
	return &e->regions.at[e->region_last];
}

static int find_proc_info(
    unw_addr_space_t as, unw_word_t pc, unw_proc_info_t *info, int need_unwind_info, void *arg)
{
	struct lu_engine *e = arg;
	const struct region *r = region_of(e, pc);
	unw_dyn_info_t table = { .format = UNW_INFO_FORMAT_REMOTE_TABLE };
	uint64_t entry;

	e->miss = true;
	if (r == NULL || !r->has_table || cfi_find(&r->table, pc - r->bias, &entry) != RES_OK)
		return -UNW_EUNSPEC;
	table.start_ip = r->lo;
	table.end_ip = r->hi;
	table.u.rti.segbase = r->table.hdr + r->bias;
	table.u.rti.table_data = entry + r->bias;
	table.u.rti.table_len = 1;
	if (e->calls.search_unwind_table(as, pc, &table, info, need_unwind_info, arg) < 0)
		return -UNW_EUNSPEC;
	e->miss = false;
	return 0;
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *info, void *arg)
{
	(void)as;
	(void)info;
	(void)arg;
}

static int get_dyn_info_list_addr(unw_addr_space_t as, unw_word_t *list, void *arg)
{
	(void)as;
	(void)list;
	(void)arg;
	return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t as, unw_word_t va, unw_word_t *word, int write, void *arg)
{
	struct lu_engine *e = arg;

	(void)as;
	if (write == 0 && memory_word(e->mem, va, word))
		return 0;
	e->va_missing = va;
	return -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *word, int write, void *arg)
{
	struct lu_engine *e = arg;

	(void)as;
	if (write == 0 && reg >= 0 && reg <= UNWIND_DWARF_PC && regs_known(&e->regs, (unsigned)reg)) {
		*word = e->regs.reg[reg];
		return 0;
	}
	e->reg_missing = reg;
	return -UNW_EBADREG;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t reg, unw_fpreg_t *value, int write, void *arg)
{
	(void)as;
	(void)reg;
	(void)value;
	(void)write;
	(void)arg;
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as;
	(void)cursor;
	(void)arg;
	return -UNW_EINVAL;
}

static void lu_destroy(void *engine)
{
	struct lu_engine *e = engine;

	if (e == NULL)
		return;
	if (e->as != NULL)
		e->calls.destroy_addr_space(e->as);
	prover_destroy(e->prover);
	memory_destroy(e->mem);
	vec_free(&e->regions);
	free(e);
}

static enum res lu_create(struct ps_prochandle *P, void **out, struct fault *f)
{
	unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
	};
	struct lu_engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return fault_memory(f);
	if (!load(&e->calls, f)) {
		free(e);
		return RES_FAIL;
	}
	e->P = P;
	e->mem = memory_create(P, true);
	e->as = e->calls.create_addr_space(&accessors, 0);
	if (e->mem == NULL || e->as == NULL) {
		lu_destroy(e);
		return fault_memory(f);
	}
	(void)e->calls.set_caching_policy(e->as, UNW_CACHE_GLOBAL);
	(void)e->calls.set_cache_size(e->as, ROWS_CACHED, 0);
	*out = e;
	return RES_OK;
}

/* Point the cursor at *a. */
static void cursor_set(struct lu_engine *e, const struct activation *a)
{
	e->regs = a->regs;
	if (!a->exact)
		e->regs.reg[UNWIND_DWARF_PC]--;
	e->started = e->calls.init_remote(&e->cursor, e->as, e) == 0;
}

static void lu_start(void *engine, const struct activation *a, bool resumed)
{
	struct lu_engine *e = engine;

	(void)resumed;
	memory_restart(e->mem, a->regs.reg[UNWIND_DWARF_RSP]);
	cursor_set(e, a);
}

/* The cursor's registers; false without pc and sp. */
static bool cursor_get(struct lu_engine *e, struct unwind_regs *out)
{
	unw_word_t word;

	*out = (struct unwind_regs){ .known = 0 };
	if (e->calls.get_reg(&e->cursor, UNW_REG_IP, &word) < 0)
		return false;
	regs_set(out, UNWIND_DWARF_PC, word);
	if (e->calls.get_reg(&e->cursor, UNW_REG_SP, &word) < 0)
		return false;
	regs_set(out, UNWIND_DWARF_RSP, word);
	for (unsigned i = 0; i < UNWIND_SAVED; i++) {
		if (e->calls.get_reg(&e->cursor, arch_x86_64.saved[i], &word) == 0)
			regs_set(out, arch_x86_64.saved[i], word);
	}
	return true;
}

static const char *register_name(int reg)
{
	return reg >= 0 && reg < arch_x86_64.n_regs ? arch_x86_64.names[reg] : "a register";
}

static enum engine_end go_without_cfi(struct lu_engine *e, struct activation *a, struct engine_note *note)
{
	enum engine_end end = step_without_cfi(e->P, &arch_x86_64, e->mem, &e->prover, a, note);

	if (end == ENGINE_CALLER)
		cursor_set(e, a);
	return end;
}

static void why_failed(const struct lu_engine *e, uint64_t pc, struct engine_note *note)
{
	if (e->reg_missing != NO_REGISTER)
		engine_note_lost(
		    note, UNWIND_NO_REGISTER, "needs %s, which is not known", register_name(e->reg_missing));
	else if (e->va_missing != 0)
		engine_note_lost(note, UNWIND_NO_MEMORY, "stack not readable at 0x%llx",
		    (unsigned long long)e->va_missing);
	else
		engine_note_lost(
		    note, UNWIND_DAMAGED, "unwind information at 0x%llx is damaged", (unsigned long long)pc);
}

static enum engine_end lu_step(void *engine, struct activation *a, struct engine_note *note)
{
	struct lu_engine *e = engine;
	struct unwind_regs next;
	int res;

	e->miss = false;
	e->reg_missing = NO_REGISTER;
	e->va_missing = 0;
	res = e->started ? e->calls.step(&e->cursor) : -UNW_EBADREG;
	if (e->miss)
		return go_without_cfi(e, a, note);
	/* A personality routine's address may be unreadable without harm; what counts is the result. */
	if (res < 0 || (res > 0 && !cursor_get(e, &next))) {
		why_failed(e, a->regs.reg[UNWIND_DWARF_PC], note);
		return ENGINE_LOST;
	}
	note->signal = e->calls.is_signal_frame(&e->cursor) > 0;
	/* It does not tell where it had the return address from; of one that calls, it lies on the stack. */
	note->in_register = a->exact;
	if (res == 0 || (next.reg[UNWIND_DWARF_PC] == 0 && !note->signal))
		return ENGINE_OLDEST;
	*a = (struct activation){ next, note->signal };
	return ENGINE_CALLER;
}

static const struct engine_ops ops = { lu_create, lu_destroy, lu_start, lu_step };
const struct engine_ops *const engine_libunwind = &ops;

#endif
