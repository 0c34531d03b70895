/* Finding the interpreters of a process, cheapest way first; whatever is found must prove itself.
 *
 *   1. symbol _PyRuntime: the executable and files named like a Python, then every other object; if those gave
 *      one, of the others only objects as big as an interpreter. A symbol table that is not for the dynamic linker is
 *      searched only in the executable, and where a Python can be (can_hold_python)
 *   2. section .PyRuntime of the file (3.10+; the name survives strip)
 *   3. content of writable memory (py_scan.c)
 *
 *   up to 3.6 there is no _PyRuntime: symbol PyInterpreterState_Head tells such an object (py_interp_head.c), then 3.
 *
 *   layout: published offsets (3.13+), else of the table, else by debug information (right_build)
 *   version: published offsets (3.13+), else symbol Py_Version (3.11+), else Py_GetVersion's buffer, else
 *   the file's name. Proof: interpreters.head → interpreter → thread state → back to the interpreter. */
#include "python/find/py_runtime.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/owned.h"
#include "elf/symbols.h"
#include "os/images.h"
#include "python/find/py_interp_head.h"
#include "python/find/py_objects.h"
#include "python/find/py_runtime_check.h"
#include "python/py_memory.h"
#include "python/py_symbol.h"

/* No build of CPython is smaller (2.4 without optimisation: 1.2 MB, 130 kB of it writable). */
enum { LEAST_MAPPED = 1 << 20, LEAST_WRITABLE = 96 << 10 };

/* The most telling reason for not accepting a candidate wins. */
enum refusal { REFUSED_NOTHING, REFUSED_OLD, REFUSED_UNKNOWN, REFUSED_INVALID, REFUSED_NOT_STARTED };

struct finder {
	struct py_process *py;
	struct ps_prochandle *P;
	struct py_objects objects;
	py_regions none; /* empty */
	bool failed;     /* out of memory */
	enum refusal refusal;
	struct fault fault;
};

static void finder_release(struct finder *fd)
{
	py_objects_free(&fd->objects);
}

static void refuse(struct finder *fd, enum refusal refusal, const struct fault *fault)
{
	if (refusal <= fd->refusal)
		return;
	fd->refusal = refusal;
	fd->fault = *fault;
}

static const py_regions *regions_of(struct finder *fd, const struct py_object *o)
{
	const py_regions *regions = py_objects_regions(fd->P, &fd->objects, (size_t)(o - fd->objects.at.at));

	if (regions != NULL)
		return regions;
	fd->failed = true;
	return &fd->none;
}

/* The version of a Python below 3.13 in object o; 0 unknown. */
static uint32_t version_of(struct finder *fd, const struct py_object *o)
{
	uint64_t va = py_symbol_address(fd->P, o->path, "Py_Version"), hex = 0; /* an unsigned long */
	uint32_t version;

	if (va != 0 && py_read(fd->P, &hex, py_layout_word(fd->P), va) && hex > PY_HEX(3, 11) &&
	    hex < PY_HEX(5, 0))
		return (uint32_t)hex;
	version = py_scan_version(fd->P, regions_of(fd, o));
	return version != 0 ? version : py_version_of_name(o->path);
}

static enum res runtime_add(struct py_process *py, uint64_t addr, uint32_t version, const struct py_layout *l,
    const char *path, const char *why, struct fault *f)
{
	struct py_runtime rt = { .addr = addr, .version = version, .layout = *l, .mismatch = why };

	for (size_t i = 0; i < py->runtimes.n; i++) {
		if (py->runtimes.at[i].addr == addr)
			return RES_OK;
	}
	rt.object = strdup(path);
	if (rt.object == NULL)
		return fault_memory(f);
	rt.code_type = py_symbol_address(py->P, path, "PyCode_Type");
	if (l->marking == PY_MARK_NONE)
		rt.frame_type = py_symbol_address(py->P, path, "PyFrame_Type");
	if (!vec_push(&py->runtimes, rt)) {
		free(rt.object);
		return fault_memory(f);
	}
	return RES_OK;
}

static void refuse_old(struct finder *fd, uint32_t version)
{
	struct fault f = { 0 };

	(void)fault_set(&f, PY_FAULT_TOO_OLD, 0, 0,
	    "CPython %u.%u found: versions before 2.4 are not decoded", version >> 24, version >> 16 & 0xff);
	refuse(fd, REFUSED_OLD, &f);
}

static void refuse_unknown(struct finder *fd, const struct py_object *o, uint64_t addr)
{
	struct fault f = { 0 };

	(void)fault_set(&f, 0, 0, addr, "a CPython of unknown version found in %.160s", o->path);
	refuse(fd, REFUSED_UNKNOWN, &f);
}

static void refuse_not_started(struct finder *fd, uint64_t addr, uint32_t version)
{
	struct fault f = { 0 };

	(void)fault_set(&f, PY_FAULT_NOT_STARTED, 0, addr,
	    "CPython %u.%u found: it is not initialised (yet, or any more)", version >> 24,
	    version >> 16 & 0xff);
	refuse(fd, REFUSED_NOT_STARTED, &f);
}

enum { BUILDS = 4, SCANS = 3 };

/* Was it built with Py_TRACE_REFS? `type` is an instance of itself: 1 yes, 0 no, -1 cannot be told. */
static int has_refs(struct finder *fd, const struct py_object *o, const struct py_layout *l)
{
	uint64_t type = py_symbol_address(fd->P, o->path, "PyType_Type"), meta;

	if (type == 0)
		return -1;
	if (py_read_word(fd->P, l, type, l->object.type, &meta) && meta == type)
		return 0;
	return py_read_word(fd->P, l, type, l->object.type + 2U * l->word, &meta) && meta == type ? 1 : -1;
}

/* How wide is its Py_UNICODE? Exported names say it. 0: cannot be told. */
static uint8_t char_width(struct finder *fd, const struct py_object *o)
{
	if (py_symbol_address(fd->P, o->path, "PyUnicodeUCS2_AsUTF8String") != 0)
		return 2;
	return py_symbol_address(fd->P, o->path, "PyUnicodeUCS4_AsUTF8String") != 0 ? 4 : 0;
}

/* The layouts that a binary of this version can have, likeliest first. A Py_UNICODE of 4 bytes is tried first: text of
 * 2 read that way gives no characters, the other way round it may. Returns how many. */
static size_t builds(
    struct finder *fd, const struct py_object *o, uint32_t version, struct py_layout out[BUILDS])
{
	struct py_layout l;
	uint8_t width = 0;
	size_t n = 0;
	int refs;

	if (py_layout_of_version(version, py_layout_word(fd->P), &l) != RES_OK)
		return 0;
	refs = has_refs(fd, o, &l);
	if (l.texts == PY_TEXT_UNICODE)
		width = char_width(fd, o);
	for (unsigned i = 0; i < BUILDS; i++) {
		uint8_t one = i % 2 == 0 ? 4 : 2;

		if ((refs >= 0 && refs != (int)i / 2) || (width != 0 && width != one) ||
		    (l.texts != PY_TEXT_UNICODE && i % 2 != 0))
			continue;
		out[n] = l;
		out[n].char_width = one;
		if (i / 2 != 0)
			py_layout_add_refs(&out[n]);
		n++;
	}
	return n;
}

/* Which of these layouts can read what is at addr? The first, if none can. */
static const struct py_layout *best_build(
    struct finder *fd, const struct py_layout *layouts, size_t n, uint64_t addr)
{
	for (size_t i = 0; n > 1 && i < n; i++) {
		if (py_scan_decodes(fd->P, &layouts[i], addr))
			return &layouts[i];
	}
	return &layouts[0];
}

/* What contradicts a layout, however often it is asked; NULL: nothing. A process that runs may make a right one look wrong
 * for once. */
static const char *doubt(
    struct finder *fd, const struct py_object *o, uint64_t addr, const struct py_layout *l, bool by_table)
{
	const char *why = "";

	for (int i = 0; i < 3 && why != NULL; i++)
		why = py_layout_check(fd->P, l, addr, o->path, by_table);
	return why;
}

/* The layout that the binary's debug information gives, if it leads to an interpreter at addr (0: not known yet). `like`
 * is one of the builds. */
static bool patched_build(struct finder *fd, const struct py_object *o, uint64_t addr,
    const struct py_layout *like, struct py_layout *out)
{
	struct py_layout row;

	if (py_layout_of_version(like->version, like->word, &row) != RES_OK)
		return false;
	row.char_width = like->char_width;
	if (py_layout_from_debug(fd->P, o->path, o->addr, &row, out, NULL) != RES_OK)
		return false;
	return addr == 0 || py_runtime_validate(fd->P, out, addr, NULL) == RES_OK;
}

/* Which layout is right for what is at addr: one of the builds or, where memory contradicts it and debug information is
 * there, the one by that. *why: what contradicts it all the same, or NULL. */
static const struct py_layout *right_build(struct finder *fd, const struct py_object *o, uint64_t addr,
    const struct py_layout *layouts, size_t n, struct py_layout *patched, const char **why)
{
	const struct py_layout *best = best_build(fd, layouts, n, addr);
	enum res res = py_runtime_validate(fd->P, best, addr, NULL);

	*why = res == RES_OK ? doubt(fd, o, addr, best, true) : NULL;
	/* One that has not started may be one whose list of interpreters is elsewhere. */
	if ((res == RES_OK && *why == NULL) || !patched_build(fd, o, addr, best, patched))
		return best;
	if (res == RES_OK && doubt(fd, o, addr, patched, false) != NULL) {
		*why = doubt(fd, o, addr, best, true);
		if (*why == NULL)
			return best;
	}
	*why = NULL;
	return patched;
}

/* Take the runtime at addr with this layout if it proves itself. why: what contradicts it, or NULL. */
static void judge(struct finder *fd, const struct py_object *o, uint64_t addr, uint32_t version,
    const struct py_layout *l, const char *why)
{
	struct fault f = { 0 };
	enum res res = py_runtime_validate(fd->P, l, addr, &f);

	if (res == RES_OK) {
		if (runtime_add(fd->py, addr, version, l, o->path, why, &f) != RES_OK)
			fd->failed = true;
	} else if (res == RES_NONE) {
		refuse_not_started(fd, addr, version);
	} else {
		refuse(fd, REFUSED_INVALID, &f);
	}
}

/* A _PyRuntime at addr of object o, by symbol, section or cookie. */
static void consider(struct finder *fd, const struct py_object *o, uint64_t addr)
{
	struct py_layout l[BUILDS], patched;
	const struct py_layout *right;
	const char *why;
	struct fault f = { 0 };
	uint32_t version;
	size_t n;
	enum res res = py_layout_from_target(fd->P, addr, &version, &l[0], &f);

	if (res == RES_FAIL) {
		refuse(fd, REFUSED_INVALID, &f);
		return;
	}
	if (res == RES_OK) {
		judge(fd, o, addr, version, &l[0], NULL);
		return;
	}
	version = version_of(fd, o);
	n = version < PY_HEX(3, 7) ? 0 : builds(fd, o, version, l);
	if (n == 0) {
		refuse_unknown(fd, o, addr);
		return;
	}
	right = right_build(fd, o, addr, l, n, &patched, &why);
	judge(fd, o, addr, version, right, why);
}

/* An object that exports PyInterpreterState_Head and no _PyRuntime: 2.4 to 3.6. */
static void consider_old(struct finder *fd, const struct py_object *o)
{
	struct py_layout l[BUILDS], patched;
	const struct py_layout *right;
	const char *why;
	struct fault f = { 0 };
	uint32_t version = version_of(fd, o);
	struct fault ignored = { 0 };
	uint64_t addr = 0, patched_addr;
	enum res res;
	size_t n = version < PY_HEX(3, 7) ? builds(fd, o, version, l) : 0;

	if (version != 0 && version < PY_HEX(2, 4)) {
		refuse_old(fd, version);
		return;
	}
	if (n == 0) {
		refuse_unknown(fd, o, 0);
		return;
	}
	res = py_head_find(fd->P, o->path, &l[0], &addr, &f);
	if (res == RES_OK) {
		right = right_build(fd, o, addr, l, n, &patched, &why);
		judge(fd, o, addr, version, right, why);
		return;
	}
	if (patched_build(fd, o, 0, &l[0], &patched) &&
	    py_head_find(fd->P, o->path, &patched, &patched_addr, &ignored) == RES_OK) {
		judge(fd, o, patched_addr, version, &patched, NULL);
		return;
	}
	if (res == RES_NONE)
		refuse_not_started(fd, addr, version);
	else if (res == RES_FAIL)
		refuse(fd, REFUSED_INVALID, &f);
}

static bool has_section(struct elf_image *img, GElf_Shdr *shdr)
{
	return elf_image_section(img, ".PyRuntime", shdr, NULL) == RES_OK && shdr->sh_addr != 0;
}

/* Can there be a Python in o? A search through .symtab would tell; LLVM's has 200,000 symbols. A Python that is not exported
 * is linked into something, which then wants of the C library what a Python wants: localeconv() for each number it reads or
 * writes (CPython 2.4 to 3.15 Python/pystrtod.c). A static program wants nothing of anybody. */
static bool can_hold_python(struct finder *fd, const struct py_object *o)
{
	struct elf_symbols *syms;
	struct elf_image *img;
	GElf_Shdr shdr;
	uint64_t bias;
	bool can;

	if (o->program || os_object_image(fd->P, (uintptr_t)o->addr, &img, &bias) != RES_OK)
		return true;
	syms = elf_symbols_create(img);
	can = syms == NULL || !elf_symbols_dynamic(syms) || elf_symbols_exports(syms, "_PyRuntime") ||
	      elf_symbols_exports(syms, "PyInterpreterState_Head") ||
	      elf_symbols_imports(syms, "localeconv") || has_section(img, &shdr);
	elf_symbols_destroy(syms);
	return can;
}

static bool look_at_names(struct finder *fd, const struct py_object *o)
{
	uint64_t addr;

	if (!can_hold_python(fd, o))
		return false;
	addr = py_symbol_address(fd->P, o->path, "_PyRuntime");
	if (addr != 0) {
		consider(fd, o, addr);
		return true;
	}
	if (py_symbol_address(fd->P, o->path, "PyInterpreterState_Head") == 0)
		return false;
	consider_old(fd, o);
	return true;
}

static void look_at_section(struct finder *fd, const struct py_object *o)
{
	struct elf_image *img;
	GElf_Shdr shdr;
	uint64_t bias;

	if (os_object_image(fd->P, (uintptr_t)o->addr, &img, &bias) == RES_OK && has_section(img, &shdr))
		consider(fd, o, shdr.sh_addr + bias);
}

static void find_by_symbol(struct finder *fd, bool likely)
{
	for (size_t i = 0; i < fd->objects.at.n && !fd->failed; i++) {
		if (fd->objects.at.at[i].likely == likely)
			(void)look_at_names(fd, &fd->objects.at.at[i]);
	}
}

/* Beside an interpreter found: one more under another name, or without one? Its size is known for nothing; what is as
 * big as an interpreter and is none (libcrypto, libstdc++) is asked for an export, or the section. */
static void find_further(struct finder *fd)
{
	fd->failed = !py_objects_measure(fd->P, &fd->objects);
	for (size_t i = 0; i < fd->objects.at.n && !fd->failed; i++) {
		const struct py_object *o = &fd->objects.at.at[i];

		if (!o->likely && o->mapped >= LEAST_MAPPED && o->writable >= LEAST_WRITABLE &&
		    !look_at_names(fd, o))
			look_at_section(fd, o);
	}
}

static void find_by_section(struct finder *fd)
{
	for (size_t i = 0; i < fd->objects.at.n && !fd->failed; i++)
		look_at_section(fd, &fd->objects.at.at[i]);
}

/* Is there what one of the layouts can read? */
static bool scan_with(
    struct finder *fd, const struct py_object *o, uint32_t version, const struct py_layout *l, size_t n)
{
	uint64_t addr;

	for (size_t i = 0; i < n; i++) {
		if (py_scan_runtime(fd->P, regions_of(fd, o), &l[i], &addr) == RES_OK) {
			judge(fd, o, addr, version, &l[i], doubt(fd, o, addr, &l[i], true));
			return true;
		}
	}
	return false;
}

static void find_by_content(struct finder *fd)
{
	py_addresses cookies = VEC_EMPTY;

	for (size_t i = 0; i < fd->objects.at.n && !fd->failed; i++) {
		const struct py_object *o = &fd->objects.at.at[i];
		struct py_layout l[BUILDS];
		uint32_t version;
		size_t n;

		if (py_scan_cookies(fd->P, regions_of(fd, o), &cookies)) {
			for (size_t k = 0; k < cookies.n; k++)
				consider(fd, o, cookies.at[k]);
			continue;
		}
		version = py_scan_version(fd->P, regions_of(fd, o));
		if (version == 0)
			continue;
		if (version < PY_HEX(2, 4)) {
			refuse_old(fd, version);
			continue;
		}
		n = builds(fd, o, version, l);
		/* What runs may look like none for once. */
		for (int times = 0; times < (Pstate(fd->P) == PS_DEAD ? 1 : SCANS); times++) {
			if (scan_with(fd, o, version, l, n))
				break;
		}
	}
	vec_free(&cookies);
}

/* The executable is the place to begin, whatever it is called. */
static void mark_likely(struct finder *fd)
{
	char exec[4096];

	if (Pexecname(fd->P, exec, sizeof(exec)) == NULL)
		exec[0] = '\0';
	for (size_t i = 0; i < fd->objects.at.n; i++) {
		struct py_object *o = &fd->objects.at.at[i];
		const char *base = strrchr(o->path, '/') + 1;

		/* _x.cpython-311-x86_64-linux-gnu.so is an extension module: there may be hundreds. */
		o->program = strcmp(o->path, exec) == 0;
		o->likely =
		    (strstr(base, "python") != NULL && strstr(base, ".cpython-") == NULL) || o->program;
	}
}

enum res py_runtime_find(struct py_process *py, struct fault *f)
{
	OWNED(finder_release) struct finder fd = { .py = py, .P = py->P };

	fd.failed = !py_objects_list(py->P, &fd.objects);
	mark_likely(&fd);
	find_by_symbol(&fd, true);
	if (py->runtimes.n == 0)
		find_by_symbol(&fd, false);
	else
		find_further(&fd);
	if (py->runtimes.n == 0 && fd.refusal != REFUSED_OLD && fd.refusal != REFUSED_NOT_STARTED)
		find_by_section(&fd);
	if (py->runtimes.n == 0 && fd.refusal != REFUSED_OLD && fd.refusal != REFUSED_NOT_STARTED)
		find_by_content(&fd);
	if (fd.failed)
		return fault_memory(f);
	if (py->runtimes.n != 0)
		return RES_OK;
	if (fd.refusal == REFUSED_NOTHING)
		return RES_NONE;
	if (f != NULL)
		*f = fd.fault;
	return RES_FAIL;
}
