/* See return_probe.h. Code is read as bytes here: a call found by chance adds a place to try. */
#include "unwind/return_probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "base/owned.h"
#include "base/vec.h"
#include "elf/slots.h"
#include "os/images.h"
#include "os/regs.h"
#include "unwind/callsite.h"

/* CODE_ALL: bytes of code that are searched for one handle, which takes less than a second. */
enum {
	FUNCTIONS_MAX = 256,
	PLACES_MAX = 1 << 14,
	PIECE = 1 << 16,
	PAGE = 4096,
	CODE_ALL = 1 << 28,
	STUBS_MAX = 256
};

/* The calls of a function: addresses after them. */
struct calls {
	uint64_t function;
	bool all; /* none was left out */
	VEC(uint64_t) after;
};

struct return_probes {
	VEC(struct calls) functions;
	uint64_t left; /* bytes that may still be searched */
};

struct return_probes *return_probes_create(void)
{
	struct return_probes *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->left = CODE_ALL;
	return r;
}

void return_probes_destroy(struct return_probes *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->functions.n; i++)
		vec_free(&r->functions.at[i].after);
	vec_free(&r->functions);
	free(r);
}

static int take_page(void *data, const prmap_t *map, const char *name)
{
	uint64_t *page = data;

	if (name != NULL && strcmp(name, "[uprobes]") == 0)
		*page = map->pr_vaddr;
	return *page != 0;
}

uint64_t return_probe_trampoline(struct ps_prochandle *P)
{
	uint64_t page = 0, usual = os_arch(P)->system->uprobe_page;
	const prmap_t *map;

	(void)Pmapping_iter(P, take_page, &page);
	if (page != 0 || usual == 0)
		return page;
	/* Cores have no name for it, and those of gdb lack it. A handle may be older than it. */
	map = Paddr_to_map(P, usual);
	return map == NULL || (map->pr_mapname[0] == '\0' && map->pr_mflags == (MA_EXEC | MA_ANON)) ? usual
												    : 0;
}

/* --- the calls of a function --- */

/* A copy of n bytes of code at va. */
struct piece {
	const uint8_t *at;
	size_t n;
	uint64_t va;
};

struct search {
	const struct frame_search *g;
	struct return_probes *r;
	struct calls *calls;
	VEC(uint64_t) slots;       /* words that the dynamic linker sets to the function's address */
	uint64_t bias;             /* of the object whose words are added */
	uint64_t stubs[STUBS_MAX]; /* linkage table entries that jump to the function */
	size_t n_stubs;
	char name[256];  /* of the function */
	uint8_t *buffer; /* of PIECE bytes */
	/* What is done with the bytes of a mapping. */
	void (*look)(struct search *s, const struct piece *code);
};

/* Call s->look with all code of a mapping, in pieces that overlap by the longest instruction. */
static int search_map(void *data, const prmap_t *map, const char *name)
{
	struct search *s = data;
	struct elf_image *img;
	uint64_t bias;
	size_t done = 0;

	/* Of some files that are mapped, a core tells neither that they are no code nor what is in
	 * them. */
	if ((map->pr_mflags & MA_EXEC) == 0 || name == NULL || name[0] != '/' ||
	    os_object_image(s->g->t->P, map->pr_vaddr, &img, &bias) != RES_OK)
		return 0;
	while (done + ARCH_CALL_BYTES < map->pr_size) {
		size_t n = map->pr_size - done < PIECE ? map->pr_size - done : PIECE, have;
		ssize_t got;

		if (s->r->left < n) {
			s->calls->all = false;
			return 1;
		}
		s->r->left -= n;
		got = Pread(s->g->t->P, s->buffer, n, map->pr_vaddr + done);
		if (got > 0)
			s->look(s, &(struct piece){ s->buffer, (size_t)got, map->pr_vaddr + done });
		/* A core has no more of the last page than its file, which may end earlier. */
		have = got > 0 ? (size_t)got : 0;
		s->calls->all &= have == n || done + have + PAGE > map->pr_size;
		done += n == PIECE ? n - ARCH_CALL_BYTES : n;
	}
	return 0;
}

/* The place that an instruction like ref refers to, which is at code->at[i], and where it ends.
 * False: it is another. */
static bool decode_reference(
    const struct arch_reference *ref, const struct piece *code, size_t i, uint64_t *to, uint64_t *end)
{
	const uint8_t *at = code->at + i;
	int32_t distance;

	if (ref->n == 0 || i + ref->n + sizeof(distance) > code->n || memcmp(at, ref->code, ref->n) != 0)
		return false;
	memcpy(&distance, at + ref->n, sizeof(distance));
	*end = code->va + i + ref->n + sizeof(distance);
	*to = *end + (uint64_t)(int64_t)distance;
	return true;
}

static bool refers_to_function(const struct search *s, uint64_t word)
{
	for (size_t i = 0; i < s->slots.n; i++) {
		if (s->slots.at[i] == word)
			return true;
	}
	return false;
}

/* Note entries of linkage tables. Such an entry may begin with a mark for the processor. */
static void find_stubs(struct search *s, const struct piece *code)
{
	enum { MARK = 4 };
	const struct arch *arch = s->g->t->arch;
	uint64_t to, end;

	for (size_t i = 0; i < code->n; i++) {
		const uint8_t *at = memchr(code->at + i, arch->jump_by_word.code[0], code->n - i);

		if (at == NULL)
			return;
		i = (size_t)(at - code->at);
		if (!decode_reference(&arch->jump_by_word, code, i, &to, &end) || !refers_to_function(s, to))
			continue;
		if (s->n_stubs + MARK + 2 > STUBS_MAX) {
			s->calls->all = false;
			return;
		}
		for (uint64_t before = 0; before <= MARK + 1; before++)
			s->stubs[s->n_stubs++] = code->va + i - before;
	}
}

static void add_call(struct search *s, uint64_t after)
{
	s->calls->all &= s->calls->after.n < PLACES_MAX && vec_push(&s->calls->after, after);
}

static void find_calls(struct search *s, const struct piece *code)
{
	const struct arch_reference *call = &s->g->t->arch->call;
	uint64_t to, end;

	for (size_t i = 0; i < code->n; i++) {
		const uint8_t *at = memchr(code->at + i, call->code[0], code->n - i);
		bool is_stub = false;

		if (at == NULL)
			return;
		i = (size_t)(at - code->at);
		if (!decode_reference(call, code, i, &to, &end))
			continue;
		for (size_t k = 0; k < s->n_stubs && to != s->calls->function && !is_stub; k++)
			is_stub = s->stubs[k] == to;
		if (is_stub || to == s->calls->function)
			add_call(s, end);
	}
}

static void find_calls_by_word(struct search *s, const struct piece *code)
{
	const struct arch_reference *call = &s->g->t->arch->call_by_word;
	uint64_t to, end;

	for (size_t i = 0; i < code->n; i++) {
		const uint8_t *at = memchr(code->at + i, call->code[0], code->n - i);

		if (at == NULL)
			return;
		i = (size_t)(at - code->at);
		if (decode_reference(call, code, i, &to, &end) && refers_to_function(s, to))
			add_call(s, end);
	}
}

/* Another function of this name may be meant, or the word not be set yet. It may not be readable,
 * as it can change. */
static bool add_slot(void *data, uint64_t vaddr)
{
	struct search *s = data;
	uint64_t at = vaddr + s->bias, word;

	return (memory_number(s->g->t->mem, at, s->g->t->arch->pointer_size, &word) &&
		   word != s->calls->function) ||
	       vec_push(&s->slots, at);
}

static int add_slots(void *data, const prmap_t *map, const char *name)
{
	struct search *s = data;
	struct elf_image *img;

	if ((map->pr_mflags & MA_EXEC) != 0 && name != NULL && name[0] == '/' &&
	    os_object_image(s->g->t->P, map->pr_vaddr, &img, &s->bias) == RES_OK)
		s->calls->all &= elf_slots_of(img, s->name, add_slot, s) != RES_FAIL;
	return 0;
}

static void search_code(struct search *s, void (*look)(struct search *s, const struct piece *code))
{
	s->look = look;
	(void)Pmapping_iter(s->g->t->P, search_map, s);
}

static const struct calls *calls_of(struct return_probes *r, const struct frame_search *g, uint64_t function)
{
	OWNED(mem_release) uint8_t *buffer = malloc(PIECE);
	struct calls calls = { .function = function, .all = true };
	struct search s = { .g = g, .r = r, .calls = &calls, .buffer = buffer };
	GElf_Sym sym;

	for (size_t i = 0; i < r->functions.n; i++) {
		if (r->functions.at[i].function == function)
			return &r->functions.at[i];
	}
	if (buffer == NULL || r->functions.n == FUNCTIONS_MAX)
		return NULL;
	if (Plookup_by_addr(g->t->P, function, s.name, sizeof(s.name), &sym) == 0 && sym.st_value == function)
		(void)Pmapping_iter(g->t->P, add_slots, &s);
	if (s.slots.n != 0 && g->t->arch->jump_by_word.n != 0)
		search_code(&s, find_stubs);
	search_code(&s, find_calls);
	if (s.slots.n != 0 && g->t->arch->call_by_word.n != 0)
		search_code(&s, find_calls_by_word);
	vec_free(&s.slots);
	if (!vec_push(&r->functions, calls)) {
		vec_free(&calls.after);
		return NULL;
	}
	return &r->functions.at[r->functions.n - 1];
}

/* --- the caller --- */

/* Does the row need a register that is not known? */
static bool lacks_register(
    const struct frame_search *g, const struct cfi_row *row, const struct activation *a)
{
	return row->cfa.kind == CFI_REGISTER && row->cfa.reg == g->t->arch->fp &&
	       !regs_known(&a->regs, g->t->arch->fp);
}

static bool same_place(const struct arch *arch, const struct activation *a, const struct activation *b)
{
	arch_set of_a = a->regs.known, of_b = b->regs.known;

	arch_set_intersect(&of_a, arch->kept);
	arch_set_intersect(&of_b, arch->kept);
	if (a->regs.reg[arch->pc] != b->regs.reg[arch->pc] ||
	    a->regs.reg[arch->sp] != b->regs.reg[arch->sp] || !arch_set_equal(of_a, of_b))
		return false;
	for (unsigned i = 0; i < arch->n_saved; i++) {
		if (regs_known(&a->regs, arch->saved[i]) &&
		    a->regs.reg[arch->saved[i]] != b->regs.reg[arch->saved[i]])
			return false;
	}
	return true;
}

/* Places that fit, all for the same reason. */
struct fitting {
	size_t n;
	uint64_t pc, function;    /* of the first */
	struct activation beyond; /* its caller */
	bool one_function, one_caller;
};

static void add_fitting(const struct frame_search *g, struct fitting *p, uint64_t pc, uint64_t function,
    const struct activation *beyond)
{
	if (p->n++ == 0) {
		p->pc = pc;
		p->function = function;
		p->beyond = *beyond;
		p->one_function = p->one_caller = true;
		return;
	}
	p->one_function &= p->function == function;
	p->one_caller &= same_place(g->t->arch, &p->beyond, beyond);
}

/* Does a call of the function precede ra? */
static bool calls_function(
    struct return_probes *r, const struct frame_search *g, uint64_t ra, uint64_t function)
{
	struct arch_call call = { .direct = false };
	const struct calls *calls;

	if (call_is_code(g->t->P, ra - 1))
		call = call_before(g->t->arch, g->t->mem, ra);
	if (!call.direct && call.word == 0)
		return false;
	if (call.direct && call.target == function)
		return true;
	calls = calls_of(r, g, function);
	for (size_t i = 0; calls != NULL && i < calls->after.n; i++) {
		if (calls->after.at[i] == ra)
			return true;
	}
	return false;
}

struct found {
	struct fitting named, probed, likely;
	bool lacks_registers;
};

/* Try the place after one call. */
static void try_place(struct return_probes *r, const struct frame_search *g, const struct activation *a,
    uint64_t pc, struct found *out)
{
	const struct arch *arch = g->t->arch;
	const struct cfi_row *row = g->row(g->engine, pc - 1);
	struct activation tried = *a, beyond;
	uint64_t start = row == NULL ? 0 : row->start;
	bool oldest = false;

	if (row == NULL)
		return;
	if (lacks_register(g, row, a)) {
		out->lacks_registers = true;
		return;
	}
	regs_set(&tried.regs, arch->pc, pc);
	tried.exact = false;
	beyond = tried;
	if (!g->step(g->engine, &beyond, &oldest) || beyond.exact ||
	    beyond.regs.reg[arch->sp] <= a->regs.reg[arch->sp])
		return;
	if (beyond.regs.reg[arch->pc] == g->trampoline)
		add_fitting(g, &out->probed, pc, start, &beyond);
	else if (calls_function(r, g, beyond.regs.reg[arch->pc], start))
		add_fitting(g, &out->named, pc, start, &beyond);
	else if (frame_search_leads_to_end(g, &tried, start))
		add_fitting(g, &out->likely, pc, start, &beyond);
}

enum return_probe_caller return_probe_find(
    struct return_probes *r, const struct frame_search *g, uint64_t function, struct activation *a)
{
	const struct calls *calls = calls_of(r, g, function);
	VEC(uint64_t) after = VEC_EMPTY; /* a copy: the search adds calls of other functions */
	struct found found = { .lacks_registers = false };
	const struct fitting *best;

	if (calls == NULL || !calls->all || !vec_reserve(&after, calls->after.n + 1))
		return RETURN_PROBE_UNKNOWN;
	for (size_t i = 0; i < calls->after.n; i++)
		(void)vec_push(&after, calls->after.at[i]);
	for (size_t i = 0; i < after.n; i++)
		try_place(r, g, a, after.at[i], &found);
	vec_free(&after);
	if (*g->steps == 0)
		return RETURN_PROBE_UNKNOWN;
	if (found.lacks_registers)
		return RETURN_PROBE_REGISTERS;
	best = found.named.n != 0 ? &found.named : found.probed.n != 0 ? &found.probed : &found.likely;
	if (best->n == 0 || !best->one_caller || (!best->one_function && best == &found.likely))
		return RETURN_PROBE_UNKNOWN;
	if (!best->one_function) {
		*a = best->beyond;
		return RETURN_PROBE_BEYOND;
	}
	regs_set(&a->regs, g->t->arch->pc, best->pc);
	return best == &found.likely ? RETURN_PROBE_LIKELY
	       : best->n == 1        ? RETURN_PROBE_CALLER
				     : RETURN_PROBE_SEVERAL;
}
