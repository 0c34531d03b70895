/* See made_code.h.
 *
 * The list is read after the capture, from the process itself, which may change it meanwhile: then
 * it is read again. */
#include "proc/made_code.h"

#include <stdlib.h>
#include <string.h>

#include "base/bound.h"
#include "proc/handle.h"
#include "proc/live/live.h"

enum { DESCRIPTORS_MAX = 16, VERSION = 1, TRIES = 3 };

/* An elf_read_fn. A process that has executed another program is not read. */
static ssize_t read_target(void *data, void *buf, size_t n, uint64_t va)
{
	struct ps_prochandle *P = data;
	const struct live *live = live_of(P);

	if (va + n < va || va > UINTPTR_MAX)
		return 0;
	return live == NULL ? handle_read_raw(P, buf, n, va) : live_read_same(live, buf, n, (uintptr_t)va);
}

static bool read_whole(struct made_codes *m, void *buf, size_t n, uint64_t va)
{
	return read_target(m->P, buf, n, va) == (ssize_t)n;
}

/* A pointer at *at, which is moved past it. */
static uint64_t take_pointer(const uint8_t **at, unsigned word)
{
	uint64_t value = 0;

	memcpy(&value, *at, word); /* both architectures are little-endian */
	*at += word;
	return value;
}

static enum res refuse_file(struct made_codes *m, const char *what, uint64_t va)
{
	m->lacking = true;
	return fault_set(&m->why, 0, 0, va, "%s at 0x%llx", what, (unsigned long long)va);
}

/* Add a file's pieces. One that is damaged has none, and says so. */
static enum res add_file(struct made_codes *m, uint64_t va, uint64_t n)
{
	const struct elf_memory memory = { read_target, m->P, va, (size_t)n };
	struct made_file file = { .image = NULL };
	struct made_code piece;
	size_t section = 0;

	if (n > MADE_FILE_MAX || n > MADE_BYTES_MAX - m->bytes)
		return refuse_file(m, "too much registered code", va);
	m->bytes += (size_t)n;
	if (elf_image_made(&memory, &file.image, &m->why) != RES_OK)
		return refuse_file(m, "registered code without a readable ELF file", va);
	file.symbols = elf_symbols_create(file.image);
	if (!vec_push(&m->files, file)) {
		elf_symbols_destroy(file.symbols);
		elf_image_close(file.image);
		return refuse_file(m, "no memory for registered code", va);
	}
	piece = (struct made_code){ .image = file.image, .symbols = file.symbols };
	while (elf_image_made_code(file.image, &section, &piece.lo, &piece.hi)) {
		if (!vec_push(&m->pieces, piece))
			return refuse_file(m, "no memory for registered code", va);
	}
	return RES_OK;
}

/* Read the list that a descriptor leads to. A list without end is met by Brent's algorithm. */
static enum res read_list(struct made_codes *m, uint64_t descriptor, unsigned word)
{
	uint8_t bytes[2 * sizeof(uint32_t) + 2 * sizeof(uint64_t)], entry[4 * sizeof(uint64_t)];
	const uint8_t *at = bytes + 2 * sizeof(uint32_t);
	uint64_t va, seen = 0;
	uint32_t version;
	size_t steps = 0, turn = 1;

	if (!read_whole(m, bytes, 2 * sizeof(uint32_t) + 2 * word, descriptor))
		return refuse_file(m, "unreadable list of registered code", descriptor);
	memcpy(&version, bytes, sizeof(version));
	(void)take_pointer(&at, word);
	va = take_pointer(&at, word);
	if (va != 0 && version != VERSION)
		return refuse_file(m, "unknown list of registered code", descriptor);
	while (va != 0) {
		uint64_t next, file, n;

		if (va == seen || m->entries == MADE_ENTRIES_MAX)
			return refuse_file(m, "endless list of registered code", va);
		if (bound_passed(BOUND_NAMES))
			return refuse_file(m, "no time for registered code", va);
		if (!read_whole(m, entry, 3 * word + sizeof(n), va))
			return refuse_file(m, "unreadable list of registered code", va);
		if (++steps == turn) {
			seen = va;
			steps = 0;
			turn *= 2;
		}
		m->entries++;
		at = entry;
		next = take_pointer(&at, word);
		(void)take_pointer(&at, word);
		file = take_pointer(&at, word);
		memcpy(&n, at, sizeof(n));
		/* The rest is good even if one is not. */
		if (file != 0 && n != 0)
			(void)add_file(m, file, n);
		va = next;
	}
	return RES_OK;
}

/* The addresses of descriptors, from exported symbols or symbol tables of the files themselves. */
static size_t find_descriptors(struct proc_objects *o, uint64_t out[DESCRIPTORS_MAX])
{
	static const char name[] = "__jit_debug_descriptor";
	size_t n = 0;

	for (size_t i = 0; i < o->objects.n && n < DESCRIPTORS_MAX; i++) {
		struct proc_object *obj = &o->objects.at[i];
		struct elf_symbols *syms = obj->loaded ? objects_names(o, obj) : NULL;
		struct elf_symbol found;

		if (syms != NULL && elf_symbols_by_name(syms, name, &found) == RES_OK &&
		    found.sym.st_shndx != SHN_UNDEF && GELF_ST_TYPE(found.sym.st_info) == STT_OBJECT)
			out[n++] = found.sym.st_value + obj->bias;
	}
	return n;
}

static struct made_codes *made_codes_read(struct ps_prochandle *P, struct proc_objects *o)
{
	struct made_codes *m = calloc(1, sizeof(*m));
	uint64_t at[DESCRIPTORS_MAX];
	size_t n;

	if (m == NULL)
		return NULL;
	m->P = o->origin != NULL ? o->origin : P;
	n = find_descriptors(o, at);
	for (int i = 0; i < TRIES && (i == 0 || (m->lacking && live_of(m->P) != NULL)); i++) {
		made_codes_clear(m);
		for (size_t k = 0; k < n; k++)
			(void)read_list(m, at[k], handle_arch(P)->pointer_size);
	}
	return m;
}

enum res made_code_at(struct ps_prochandle *P, uint64_t addr, struct made_code *out, struct fault *f)
{
	struct proc_objects *o = handle_objects(P);
	uint64_t lo = 0, hi = UINT64_MAX;

	if (o != NULL && o->made == NULL)
		o->made = made_codes_read(P, o);
	for (size_t i = 0; o != NULL && o->made != NULL && i < o->made->pieces.n; i++) {
		const struct made_code *piece = &o->made->pieces.at[i];

		if (addr >= piece->lo && addr < piece->hi) {
			*out = *piece;
			return RES_OK;
		}
		if (piece->hi <= addr && piece->hi > lo)
			lo = piece->hi;
		if (piece->lo > addr && piece->lo < hi)
			hi = piece->lo;
	}
	*out = (struct made_code){ .lo = lo, .hi = hi };
	if (o == NULL || o->made == NULL)
		return fault_memory(f);
	if (!o->made->lacking)
		return RES_NONE;
	*f = o->made->why;
	return RES_FAIL;
}
