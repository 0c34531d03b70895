/* Steps by call frame information with libunwind's remote interface. The only file that includes
 * its header.
 *
 *   lu_step ──> libunwind: row cached? ──no──> find_proc_info
 *                                                │  find the entry (unwind_modules, cfi_find)
 *                                                │  is it safe to run? (entry_ok)
 *                 access_mem <── made-up bytes <─┘  copy it (entry_make)
 *
 * libunwind never reads the target's tables. It reads an .eh_frame that is made up here: a CIE and
 * an FDE for each function that occurs, from the entry that our own reader found. Entries of
 * .debug_frame and of files without a search table have the same form there, and there are neither
 * addresses that depend on the table's place nor personality routines.
 *
 * Where nothing describes pc, libunwind would go on with rbp and a wrong sp. find_proc_info
 * therefore fails in a way that ends the step, step_without_cfi goes on with the registers of the
 * last activation, and the cursor is set to the caller. A new cursor takes its pc for exact, so a
 * return address is given to it less one, which has the same row.
 *
 * libunwind's register numbers on x86-64 are DWARF's. */
#include "unwind/engine.h"

#ifndef WITH_LIBUNWIND_GENERIC
const struct engine_ops *const engine_libunwind = NULL;
#else

#include <dlfcn.h>
#include <libunwind.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "base/strbuf.h"
#include "unwind/cfi_entry.h"
#include "unwind/unwind_modules.h"

/* Exported by libunwind-x86_64, declared in none of its headers. */
extern int _Ux86_64_dwarf_search_unwind_table(
    unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *);

/* Looked up when the engine is created: loading the library takes a seventh of a short run, and the
 * other engines do not need it. */
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

static bool load_library(struct calls *out, struct fault *f)
{
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL); /* never closed */

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

enum {
	ROWS_CACHED = 1024,
	REGISTERS = 17, /* columns of libunwind */
	STATES_MAX = 32,
	MADE_MAX = 1 << 26, /* bytes of entries */
	BUDGET = 1 << 29,   /* reads by libunwind, and bytes checked, for one process: seconds */
	ENTRY_REFUSED = 0
};

/* The address of the made-up bytes: canonical addresses, and so the target's, are elsewhere. */
#define MADE 0xc000000000000000ULL

struct lu_engine {
	struct engine_target t;
	struct calls calls;
	unw_addr_space_t as;
	unw_cursor_t cursor;
	bool started;
	struct unwind_regs regs; /* those of the cursor when it was set; it reads them later, too */
	struct strbuf made;      /* at MADE: a search table of one row, then entries */
	struct engine_allowance budget;
	struct addrmap made_at; /* a function's address -> its FDE in made, or ENTRY_REFUSED */
	/* Why a step failed: */
	bool miss; /* nothing describes the pc */
	int reg_missing;
	uint64_t va_missing; /* 0: none */
};

/* --- is an entry safe to run? ---
 *
 * Refused, each for what libunwind 1.6 does with it:
 *   register number of 17 or more in DW_CFA_register    reads past its register array
 *   an advance without a CFA rule                       fails an assertion, if compiled in
 *   remember without a CFA rule, unbalanced restore     may lead back to no rule
 *   remember deeper than STATES_MAX                     takes 200 bytes each
 *   DW_CFA_set_loc, DW_OP_addr                          does not add the object's bias
 *   DW_OP_div                                           traps on the smallest number by −1
 *   DW_OP_skip, DW_OP_bra                               may loop endlessly
 *   opcodes it does not know                            skips them without their operands
 * Numbering: DWARF 5 sections 6.4.2 and 7.7, and the GNU operations 0x2e and 0x2f.
 *
 * An opcode's string has a letter for each of its operands and effects:
 *   1 2 4 8  an operand of so many bytes    u  a LEB128 number    r  a register    e  an expression
 *   a  a new row begins    c  a CFA rule is set    <  remember_state    >  restore_state
 * Opcodes without a string are refused. */

static const char *const instructions[0x40] = {
	[0x00] = "",    /* nop */
	[0x02] = "a1",  /* advance_loc1 */
	[0x03] = "a2",  /* advance_loc2 */
	[0x04] = "a4",  /* advance_loc4 */
	[0x05] = "ru",  /* offset_extended */
	[0x06] = "r",   /* restore_extended */
	[0x07] = "r",   /* undefined */
	[0x08] = "r",   /* same_value */
	[0x09] = "rr",  /* register */
	[0x0a] = "<",   /* remember_state */
	[0x0b] = ">",   /* restore_state */
	[0x0c] = "cru", /* def_cfa */
	[0x0d] = "cr",  /* def_cfa_register */
	[0x0e] = "u",   /* def_cfa_offset */
	[0x0f] = "ce",  /* def_cfa_expression */
	[0x10] = "re",  /* expression */
	[0x11] = "ru",  /* offset_extended_sf */
	[0x12] = "cru", /* def_cfa_sf */
	[0x13] = "u",   /* def_cfa_offset_sf */
	[0x16] = "re",  /* val_expression */
	[0x2e] = "u",   /* GNU_args_size */
	[0x2f] = "ru",  /* GNU_negative_offset_extended */
};

/* Instructions that have an operand in their low six bits, by the two high ones. */
static const char *const short_instructions[4] = {
	[1] = "a", /* advance_loc */
	[2] = "u", /* offset; program_ok checks its register */
	[3] = "",  /* restore; and this one's */
};

static const char *const operations[0x100] = {
	[0x06] = "",           /* deref */
	[0x08 ... 0x09] = "1", /* const1u, const1s */
	[0x0a ... 0x0b] = "2", /* const2u, const2s */
	[0x0c ... 0x0d] = "4", /* const4u, const4s */
	[0x0e ... 0x0f] = "8", /* const8u, const8s */
	[0x10 ... 0x11] = "u", /* constu, consts */
	[0x12 ... 0x14] = "",  /* dup, drop, over */
	[0x15] = "1",          /* pick */
	[0x16 ... 0x17] = "",  /* swap, rot */
	[0x19 ... 0x1a] = "",  /* abs, and */
	[0x1c ... 0x22] = "",  /* minus to plus */
	[0x23] = "u",          /* plus_uconst */
	[0x24 ... 0x27] = "",  /* shl to xor */
	[0x29 ... 0x2e] = "",  /* eq to ne */
	[0x30 ... 0x6f] = "",  /* lit0 to reg31 */
	[0x70 ... 0x8f] = "u", /* breg0 to breg31 */
	[0x90] = "u",          /* regx */
	[0x92] = "uu",         /* bregx */
	[0x94] = "1",          /* deref_size */
	[0x96] = "",           /* nop */
};

struct check {
	struct span at;
	struct span expr; /* the expression of the last instruction */
	bool cfa;         /* a CFA rule is set */
	unsigned depth;   /* of remembered states */
};

static bool letter_ok(struct check *c, char letter)
{
	uint64_t n;

	switch (letter) {
	case 'u':
		return cfi_uleb(&c->at, &n);
	case 'r':
		return cfi_uleb(&c->at, &n) && n < REGISTERS;
	case 'e':
		return cfi_uleb(&c->at, &n) && n <= span_left(&c->at) &&
		       span_cut(&c->at, (size_t)n, &c->expr);
	case 'a':
		return c->cfa;
	case 'c':
		c->cfa = true;
		return true;
	case '<':
		return c->cfa && ++c->depth <= STATES_MAX;
	case '>':
		return c->depth-- != 0;
	default:
		return span_skip(&c->at, (size_t)(letter - '0'));
	}
}

static bool letters_ok(struct check *c, const char *letters)
{
	if (letters == NULL)
		return false;
	while (*letters != '\0') {
		if (!letter_ok(c, *letters++))
			return false;
	}
	return true;
}

static bool expression_ok(struct span expr)
{
	struct check c = { .at = expr };
	uint8_t op;

	while (span_u8(&c.at, &op)) {
		if (!letters_ok(&c, operations[op]))
			return false;
	}
	return true;
}

/* Check a program. c->cfa tells whether a CFA rule is set, before the program and after it. */
static bool program_ok(struct check *c, struct span program)
{
	uint8_t op;

	c->at = program;
	c->depth = 0;
	while (span_u8(&c->at, &op)) {
		const char *letters = op < 0x40 ? instructions[op] : short_instructions[op >> 6];

		c->expr = (struct span){ NULL, NULL };
		if ((op >= 0x80 && (op & 0x3f) >= REGISTERS) || !letters_ok(c, letters) ||
		    !expression_ok(c->expr))
			return false;
	}
	return true;
}

static bool entry_ok(const struct cfi_entry *entry, const struct arch *arch)
{
	struct check c = { .cfa = false };

	return entry->ra == arch->pc && program_ok(&c, entry->common) && program_ok(&c, entry->own) && c.cfa;
}

/* --- made-up entries --- */

static void append_made(struct strbuf *made, const void *bytes, size_t n)
{
	strbuf_add(made, bytes, n);
}

/* Append a LEB128 number, signed or unsigned, of 10 bytes. */
static void put_leb(struct strbuf *made, uint64_t value)
{
	uint8_t bytes[10];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((value >> 7 * i & 0x7f) | (i + 1 < sizeof(bytes) ? 0x80 : 0));
	append_made(made, bytes, sizeof(bytes));
}

/* Append the program to the record that begins at `at`, and set its length. */
static void put_end(struct strbuf *made, size_t at, struct span program)
{
	uint32_t length;

	append_made(made, program.at, span_left(&program));
	length = (uint32_t)(made->n - at - sizeof(length));
	if (!made->failed)
		memcpy(made->at + at, &length, sizeof(length));
}

/* Append a CIE and an FDE (LSB, "The .eh_frame section") with absolute addresses. Returns the
 * offset of the FDE; ENTRY_REFUSED: out of memory. */
static uint32_t entry_make(struct strbuf *made, const struct cfi_entry *entry, uint64_t bias)
{
	static const uint8_t version = 1, data[] = { 1, 0 /* DW_EH_PE_absptr */ };
	uint8_t ra = (uint8_t)entry->ra;
	const char *augmentation = entry->signal ? "zRS" : "zR";
	uint64_t range[] = { entry->lo + bias, entry->hi - entry->lo };
	size_t cie = made->n, fde;
	uint32_t head[2] = { 0 }; /* length; 0 (CIE) or the distance back to the CIE (FDE) */

	append_made(made, head, sizeof(head));
	append_made(made, &version, sizeof(version));
	append_made(made, augmentation, strlen(augmentation) + 1);
	put_leb(made, entry->code_align);
	put_leb(made, (uint64_t)entry->data_align);
	append_made(made, &ra, sizeof(ra));
	append_made(made, data, sizeof(data));
	put_end(made, cie, entry->common);
	fde = made->n;
	head[1] = (uint32_t)(fde + sizeof(head[0]) - cie);
	append_made(made, head, sizeof(head));
	append_made(made, range, sizeof(range));
	append_made(made, "", 1); /* no augmentation data */
	put_end(made, fde, entry->own);
	return made->failed ? ENTRY_REFUSED : (uint32_t)fde;
}

/* The offset of the FDE of a function in e->made. ENTRY_REFUSED: the entry is unsafe or too
 * costly, or out of memory. */
static uint32_t entry_of(struct lu_engine *e, const struct cfi_entry *entry, uint64_t bias)
{
	uint64_t bytes = span_left(&entry->common) + span_left(&entry->own);
	uint32_t at = ENTRY_REFUSED;

	if (addrmap_get(&e->made_at, entry->lo + bias, &at))
		return at;
	if (bytes > e->budget.now)
		return ENTRY_REFUSED;
	e->budget.now -= bytes;
	if (e->made.n < MADE_MAX && entry_ok(entry, e->t.arch))
		at = entry_make(&e->made, entry, bias);
	return addrmap_put(&e->made_at, entry->lo + bias, at) ? at : ENTRY_REFUSED;
}

static bool made_word(const struct strbuf *made, uint64_t at, uint64_t *out)
{
	if (at >= made->n)
		return false;
	*out = 0; /* libunwind reads words, and the last one may be incomplete */
	memcpy(out, made->at + at, made->n - at < sizeof(*out) ? made->n - (size_t)at : sizeof(*out));
	return true;
}

/* --- what libunwind calls --- */

static int find_proc_info(
    unw_addr_space_t as, unw_word_t pc, unw_proc_info_t *info, int need_unwind_info, void *arg)
{
	struct lu_engine *e = arg;
	const struct module *m = modules_at(e->t.modules, pc);
	unw_dyn_info_t table = { .format = UNW_INFO_FORMAT_REMOTE_TABLE };
	/* Any pc, relative to MADE, is above the first number, in 32 bits and in 64. */
	int32_t row[2] = { INT32_MIN, ENTRY_REFUSED };
	struct cfi_entry entry;

	e->miss = true;
	if (m == NULL || m->finder == NULL || cfi_find_entry(m->finder, pc - m->bias, &entry) != RES_OK)
		return -UNW_EUNSPEC;
	row[1] = (int32_t)entry_of(e, &entry, m->bias);
	if (row[1] == ENTRY_REFUSED)
		return -UNW_EUNSPEC;
	memcpy(e->made.at, row, sizeof(row));
	table.start_ip = m->lo;
	table.end_ip = m->hi;
	table.u.rti.segbase = MADE;
	table.u.rti.table_data = MADE;
	table.u.rti.table_len = 1; /* word, which is one row */
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
	if (e->budget.now == 0) /* an entry that never ends counts as damaged */
		return -UNW_EINVAL;
	e->budget.now--;
	if (write == 0 && (made_word(&e->made, va - MADE, word) || memory_word(e->t.mem, va, word)))
		return 0;
	e->va_missing = va;
	return -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *word, int write, void *arg)
{
	struct lu_engine *e = arg;

	(void)as;
	if (write == 0 && reg >= 0 && reg < REGISTERS && regs_known(&e->regs, (unsigned)reg)) {
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

static int refuse_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
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
	engine_target_release(&e->t);
	strbuf_free(&e->made);
	addrmap_free(&e->made_at);
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
		.resume = refuse_resume,
	};
	struct lu_engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return fault_memory(f);
	if (!load_library(&e->calls, f)) {
		free(e);
		return RES_FAIL;
	}
	e->as = e->calls.create_addr_space(&accessors, 0);
	append_made(&e->made, (uint64_t[]){ 0 }, sizeof(uint64_t)); /* room for the search table's row */
	if (!engine_target_init(&e->t, P) || e->as == NULL || e->made.failed) {
		lu_destroy(e);
		return fault_memory(f);
	}
	(void)e->calls.set_caching_policy(e->as, UNW_CACHE_GLOBAL);
	(void)e->calls.set_cache_size(e->as, ROWS_CACHED, 0);
	e->budget.left = BUDGET;
	*out = e;
	return RES_OK;
}

/* Set the cursor to *a. */
static void cursor_set(struct lu_engine *e, const struct activation *a)
{
	e->regs = a->regs;
	if (!a->exact)
		e->regs.reg[e->t.arch->pc]--;
	e->started = e->calls.init_remote(&e->cursor, e->as, e) == 0;
}

static void lu_start(void *engine, const struct activation *a, bool resumed)
{
	struct lu_engine *e = engine;

	if (!resumed)
		engine_allow(&e->budget);
	memory_restart(e->t.mem, a->regs.reg[e->t.arch->sp]);
	cursor_set(e, a);
}

/* Get the cursor's registers. False: pc or sp is not known. */
static bool cursor_get(struct lu_engine *e, struct unwind_regs *out)
{
	const struct arch *arch = e->t.arch;
	unw_word_t word;

	*out = (struct unwind_regs){ .reg = { 0 } };
	if (e->calls.get_reg(&e->cursor, UNW_REG_IP, &word) < 0)
		return false;
	regs_set(out, arch->pc, word);
	if (e->calls.get_reg(&e->cursor, UNW_REG_SP, &word) < 0)
		return false;
	regs_set(out, arch->sp, word);
	for (unsigned i = 0; i < arch->n_saved; i++) {
		if (e->calls.get_reg(&e->cursor, arch->saved[i], &word) == 0)
			regs_set(out, arch->saved[i], word);
	}
	return true;
}

static enum engine_end go_without_cfi(struct lu_engine *e, struct activation *a, struct engine_note *note)
{
	enum engine_end end = step_without_cfi(&e->t, a, note);

	if (end == ENGINE_CALLER)
		cursor_set(e, a);
	return end;
}

static enum engine_end lu_step(void *engine, struct activation *a, struct engine_note *note)
{
	struct lu_engine *e = engine;
	struct unwind_regs next;
	enum engine_end proven;
	int res;

	if (step_from_made_code(&e->t, a, note, &proven)) {
		if (proven == ENGINE_CALLER)
			cursor_set(e, a);
		return proven;
	}
	e->miss = false;
	e->reg_missing = REGS_NONE;
	e->va_missing = 0;
	res = e->started ? e->calls.step(&e->cursor) : -UNW_EBADREG;
	if (e->miss)
		return go_without_cfi(e, a, note);
	if (res < 0 || (res > 0 && !cursor_get(e, &next))) {
		engine_note_missing(
		    note, e->t.arch, a->regs.reg[e->t.arch->pc], e->reg_missing, e->va_missing);
		return ENGINE_LOST;
	}
	note->signal = e->calls.is_signal_frame(&e->cursor) > 0;
	/* libunwind does not tell whether it was. After a call it is on the stack. */
	note->in_register = a->exact;
	if (res == 0 || (next.reg[e->t.arch->pc] == 0 && !note->signal))
		return ENGINE_OLDEST;
	*a = (struct activation){ next, note->signal };
	return ENGINE_CALLER;
}

static const struct engine_ops ops = {
	.create = lu_create,
	.destroy = lu_destroy,
	.start = lu_start,
	.step = lu_step,
};
const struct engine_ops *const engine_libunwind = &ops;

#endif
