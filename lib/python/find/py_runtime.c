/* Finding the interpreters of a process, cheapest way first. Each candidate must prove itself.
 *
 *   1. symbol _PyRuntime: in the executable and files named like a Python, then in every other
 *      object. If the former have one, only others as big as an interpreter are tried. A full
 *      symbol table (.symtab) is searched only in the executable, and where a Python can be
 *      (can_hold_python)
 *   2. section .PyRuntime of the file (3.10+; strip keeps its name)
 *   3. content of writable memory (py_scan.c)
 *
 *   Up to 3.6 there is no _PyRuntime: symbol PyInterpreterState_Head identifies the object
 *   (py_interp_head.c); then 3.
 *
 *   layout: published offsets (3.13+), else the table, else debug information (choose_layout)
 *   version: published offsets (3.13+), else symbol Py_Version (3.11+), else Py_GetVersion's
 *   buffer, else the file's name. Proof: py_runtime_check.c. */
#include "python/find/py_runtime.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/owned.h"
#include "base/path.h"
#include "elf/symbols.h"
#include "os/images.h"
#include "python/find/py_interp_head.h"
#include "python/find/py_objects.h"
#include "python/find/py_runtime_check.h"
#include "python/py_memory.h"
#include "python/py_symbol.h"

/* No build of CPython is smaller (2.4 without optimisation: 1.2 MB, 130 kB of it writable). */
enum { LEAST_MAPPED = 1 << 20, LEAST_WRITABLE = 96 << 10 };

enum { LAYOUTS_MAX = 4, CHECKS = 3, SCANS = 3 };

/* Reasons for not accepting a candidate; the last one wins. */
enum refusal { REFUSED_NOTHING, REFUSED_OLD, REFUSED_UNKNOWN, REFUSED_INVALID, REFUSED_NOT_STARTED };

struct finder {
	struct py_process *py;
	struct ps_prochandle *P;
	struct py_objects objects;
	py_regions none;   /* empty */
	bool failed;       /* out of memory */
	bool early;        /* take those that have not started, too */
	enum py_found how; /* what is looked for now */
	enum refusal refusal;
	struct fault fault;
};

/* A place that may hold an interpreter, and how it may be laid out. */
struct candidate {
	const struct py_object *object;
	uint64_t addr; /* of _PyRuntime; 0 while not known */
	uint32_t version;
	struct py_layout layouts[LAYOUTS_MAX]; /* of the table, likeliest first */
	size_t n;
	struct py_layout by_debug;      /* by debug information, if that was read */
	const struct py_layout *layout; /* the chosen one */
	const char *mismatch;           /* how memory contradicts it (a constant), or NULL */
};

static void finder_release(struct finder *fd)
{
	py_objects_free(&fd->objects);
}

static void finder_refuse(struct finder *fd, enum refusal refusal, const struct fault *fault)
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

/* Variables of CPython up to 3.6. */
static void find_variables(struct ps_prochandle *P, const char *path, struct py_runtime *rt)
{
	rt->current = py_symbol_address(P, path, "_PyThreadState_Current");
	if (rt->version >= PY_HEX(3, 2))
		rt->gil_condition = py_symbol_address(P, path, "gil_cond");
	else
		rt->gil_lock = py_symbol_address(P, path, "interpreter_lock");
	rt->collecting = py_symbol_address(P, path, "collecting");
}

/* Take a candidate that has proved itself. */
static enum res add_runtime(struct finder *fd, const struct candidate *c, struct fault *f)
{
	struct py_process *py = fd->py;
	const char *path = c->object->path;
	struct py_runtime rt = { .addr = c->addr,
		.version = c->version,
		.found = fd->how,
		.layout = *c->layout,
		.mismatch = c->mismatch };

	for (size_t i = 0; i < py->runtimes.n; i++) {
		if (py->runtimes.at[i].addr == c->addr)
			return RES_OK;
	}
	rt.object = strdup(path);
	if (rt.object == NULL)
		return fault_memory(f);
	if (py_layout_is_bare(&rt.layout))
		find_variables(py->P, path, &rt);
	rt.code_type = py_symbol_address(py->P, path, "PyCode_Type");
	if (c->layout->marking == PY_MARK_NONE)
		rt.frame_type = py_symbol_address(py->P, path, "PyFrame_Type");
	/* Recorded frames may be read when the process has ended: then nothing is learned. */
	if (fd->early)
		rt.str_type = py_symbol_address(
		    py->P, path, c->version < PY_HEX(3, 0) ? "PyString_Type" : "PyUnicode_Type");
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
	finder_refuse(fd, REFUSED_OLD, &f);
}

static void refuse_unknown(struct finder *fd, const struct py_object *o, uint64_t addr)
{
	struct fault f = { 0 };

	(void)fault_set(&f, 0, 0, addr, "a CPython of unknown version found in %.160s", o->path);
	finder_refuse(fd, REFUSED_UNKNOWN, &f);
}

static void refuse_not_started(struct finder *fd, uint64_t addr, uint32_t version)
{
	struct fault f = { 0 };

	(void)fault_set(&f, PY_FAULT_NOT_STARTED, 0, addr,
	    "CPython %u.%u found: it is not initialised (yet, or any more)", version >> 24,
	    version >> 16 & 0xff);
	finder_refuse(fd, REFUSED_NOT_STARTED, &f);
}

/* Was it built with Py_TRACE_REFS? `type` is an instance of itself. 1: yes; 0: no; -1: unknown. */
static int has_refs(struct finder *fd, const struct py_object *o, const struct py_layout *l)
{
	uint64_t type = py_symbol_address(fd->P, o->path, "PyType_Type"), meta;

	if (type == 0)
		return -1;
	if (py_read_word(fd->P, l, type, l->object.type, &meta) && meta == type)
		return 0;
	return py_read_word(fd->P, l, type, l->object.type + 2U * l->word, &meta) && meta == type ? 1 : -1;
}

/* Bytes in its Py_UNICODE, by exported names; 0: unknown. */
static uint8_t char_width(struct finder *fd, const struct py_object *o)
{
	if (py_symbol_address(fd->P, o->path, "PyUnicodeUCS2_AsUTF8String") != 0)
		return 2;
	return py_symbol_address(fd->P, o->path, "PyUnicodeUCS4_AsUTF8String") != 0 ? 4 : 0;
}

/* Set c->layouts to those that a binary of its version can have. A Py_UNICODE of 4 bytes is tried
 * first: text of 2 bytes read that way gives no characters, but not always the other way round. */
static void list_layouts(struct finder *fd, struct candidate *c)
{
	struct py_layout l;
	uint8_t known_width = 0;
	int refs;

	c->n = 0;
	if (py_layout_of_version(c->version, py_layout_word(fd->P), &l) != RES_OK)
		return;
	refs = has_refs(fd, c->object, &l);
	if (l.texts == PY_TEXT_UNICODE)
		known_width = char_width(fd, c->object);
	for (unsigned i = 0; i < LAYOUTS_MAX; i++) {
		uint8_t width = i % 2 == 0 ? 4 : 2;

		if ((refs >= 0 && refs != (int)i / 2) || (known_width != 0 && known_width != width) ||
		    (l.texts != PY_TEXT_UNICODE && i % 2 != 0))
			continue;
		c->layouts[c->n] = l;
		c->layouts[c->n].char_width = width;
		if (i / 2 != 0)
			py_layout_add_refs(&c->layouts[c->n]);
		c->n++;
	}
}

/* The first layout that can read what is at c->addr; if none can, the first. */
static const struct py_layout *best_layout(struct finder *fd, const struct candidate *c)
{
	for (size_t i = 0; c->n > 1 && i < c->n; i++) {
		if (py_scan_decodes(fd->P, &c->layouts[i], c->addr))
			return &c->layouts[i];
	}
	return &c->layouts[0];
}

/* How memory contradicts a layout each time it is checked; NULL: it does not. In a running process
 * a right layout may look wrong once. */
static const char *mismatch_of(
    struct finder *fd, const struct candidate *c, const struct py_layout *l, bool by_table)
{
	const char *why = "";

	for (int i = 0; i < CHECKS && why != NULL; i++)
		why = py_layout_check(fd->P, l, c->addr, c->object->path, by_table);
	return why;
}

/* Set c->by_debug by the binary's debug information, if that leads to an interpreter at c->addr (0:
 * any). `like` is one of the layouts of the table. */
static bool read_debug_layout(struct finder *fd, struct candidate *c, const struct py_layout *like)
{
	struct py_layout row;

	if (py_layout_of_version(like->version, like->word, &row) != RES_OK)
		return false;
	row.char_width = like->char_width;
	if (py_layout_from_debug(fd->P, c->object->path, c->object->addr, &row, &c->by_debug) != RES_OK)
		return false;
	return c->addr == 0 || py_runtime_validate(fd->P, &c->by_debug, c->addr, NULL) == RES_OK;
}

/* Set c->layout to one of the table or, where memory contradicts that, to the one by debug
 * information. Set c->mismatch if none is right. */
static void choose_layout(struct finder *fd, struct candidate *c)
{
	const struct py_layout *best = best_layout(fd, c);
	enum res res = py_runtime_validate(fd->P, best, c->addr, NULL);

	if (res == RES_FAIL) /* its lists may have changed while they were read */
		res = py_runtime_validate(fd->P, best, c->addr, NULL);
	c->layout = best;
	c->mismatch = res == RES_OK ? mismatch_of(fd, c, best, true) : NULL;
	/* One that has not started may be one whose list of interpreters is elsewhere. */
	if ((res == RES_OK && c->mismatch == NULL) || !read_debug_layout(fd, c, best))
		return;
	if (res == RES_OK && mismatch_of(fd, c, &c->by_debug, false) != NULL) {
		c->mismatch = mismatch_of(fd, c, best, true);
		if (c->mismatch == NULL)
			return;
	}
	c->mismatch = NULL;
	c->layout = &c->by_debug;
}

/* Take the candidate with its chosen layout if it proves itself. */
static void accept_candidate(struct finder *fd, const struct candidate *c)
{
	struct fault f = { 0 };
	enum res res = py_runtime_validate(fd->P, c->layout, c->addr, &f);

	if (res == RES_OK || (res == RES_NONE && fd->early)) {
		if (add_runtime(fd, c, &f) != RES_OK)
			fd->failed = true;
	} else if (res == RES_NONE) {
		refuse_not_started(fd, c->addr, c->version);
	} else {
		finder_refuse(fd, REFUSED_INVALID, &f);
	}
}

/* Try the _PyRuntime at addr of object o, found by symbol, section or cookie. */
static void try_runtime(struct finder *fd, const struct py_object *o, uint64_t addr)
{
	struct candidate c;
	struct fault f = { 0 };
	enum res res = py_layout_from_target(fd->P, addr, &c.version, &c.layouts[0], &f);

	c.object = o;
	c.addr = addr;
	c.layout = &c.layouts[0];
	c.mismatch = NULL;
	if (res == RES_FAIL) {
		finder_refuse(fd, REFUSED_INVALID, &f);
		return;
	}
	if (res == RES_OK) {
		accept_candidate(fd, &c);
		return;
	}
	c.version = version_of(fd, o);
	c.n = 0;
	if (c.version >= PY_HEX(3, 7))
		list_layouts(fd, &c);
	if (c.n == 0) {
		refuse_unknown(fd, o, addr);
		return;
	}
	choose_layout(fd, &c);
	accept_candidate(fd, &c);
}

/* Try an object that exports PyInterpreterState_Head and has no _PyRuntime: 2.4 to 3.6. */
static void try_interp_head(struct finder *fd, const struct py_object *o)
{
	struct candidate c;
	struct fault f = { 0 }, ignored = { 0 };
	uint64_t head;
	enum res res;

	c.object = o;
	c.addr = 0;
	c.version = version_of(fd, o);
	c.n = 0;
	if (c.version != 0 && c.version < PY_HEX(2, 4)) {
		refuse_old(fd, c.version);
		return;
	}
	if (c.version < PY_HEX(3, 7))
		list_layouts(fd, &c);
	if (c.n == 0) {
		refuse_unknown(fd, o, 0);
		return;
	}
	res = py_head_find(fd->P, o->path, &c.layouts[0], &c.addr, &f);
	if (res == RES_OK) {
		choose_layout(fd, &c);
		accept_candidate(fd, &c);
		return;
	}
	head = c.addr;
	c.addr = 0;
	if (read_debug_layout(fd, &c, &c.layouts[0]) &&
	    py_head_find(fd->P, o->path, &c.by_debug, &c.addr, &ignored) == RES_OK) {
		c.layout = &c.by_debug;
		c.mismatch = NULL;
		accept_candidate(fd, &c);
		return;
	}
	if (res == RES_NONE && head != 0 && fd->early) {
		c.addr = head;
		c.layout = &c.layouts[0];
		c.mismatch = NULL;
		accept_candidate(fd, &c);
	} else if (res == RES_NONE) {
		refuse_not_started(fd, head, c.version);
	} else if (res == RES_FAIL) {
		finder_refuse(fd, REFUSED_INVALID, &f);
	}
}

static bool has_section(struct elf_image *img, GElf_Shdr *shdr)
{
	return elf_image_section(img, ".PyRuntime", shdr, NULL) == RES_OK && shdr->sh_addr != 0;
}

/* Can there be a Python in o? .symtab would say, but a search may be long: LLVM's has 200,000
 * symbols. A Python that is not exported is linked into something that imports from the C library
 * what a Python needs: localeconv() for each number it reads or writes (CPython 2.4 to 3.15
 * Python/pystrtod.c). A static program imports nothing. */
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

	fd->how = PY_FOUND_SYMBOL;
	if (!can_hold_python(fd, o))
		return false;
	addr = py_symbol_address(fd->P, o->path, "_PyRuntime");
	if (addr != 0) {
		try_runtime(fd, o, addr);
		return true;
	}
	if (py_symbol_address(fd->P, o->path, "PyInterpreterState_Head") == 0)
		return false;
	try_interp_head(fd, o);
	return true;
}

static void look_at_section(struct finder *fd, const struct py_object *o)
{
	struct elf_image *img;
	GElf_Shdr shdr;
	uint64_t bias;

	fd->how = PY_FOUND_SECTION;
	if (os_object_image(fd->P, (uintptr_t)o->addr, &img, &bias) == RES_OK && has_section(img, &shdr))
		try_runtime(fd, o, shdr.sh_addr + bias);
}

static void find_by_symbol(struct finder *fd, bool likely)
{
	for (size_t i = 0; i < fd->objects.at.n && !fd->failed; i++) {
		if (fd->objects.at.at[i].likely == likely)
			(void)look_at_names(fd, &fd->objects.at.at[i]);
	}
}

/* After one interpreter: is there one more, under another name or without one? Sizes are known at
 * no cost; what is as big as an interpreter but is not one (libcrypto, libstdc++) is searched for
 * an export or the section only. */
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

/* Try what one of the candidate's layouts can read in the object's memory. */
static bool scan_memory(struct finder *fd, struct candidate *c)
{
	for (size_t i = 0; i < c->n; i++) {
		c->layout = &c->layouts[i];
		if (py_scan_runtime(fd->P, regions_of(fd, c->object), c->layout, &c->addr) == RES_OK) {
			c->mismatch = mismatch_of(fd, c, c->layout, true);
			accept_candidate(fd, c);
			return true;
		}
	}
	return false;
}

static void find_in_memory(struct finder *fd, const struct py_object *o)
{
	/* A running process may look like none once. */
	int scans = Pstate(fd->P) == PS_DEAD ? 1 : SCANS;
	struct candidate c;

	c.object = o;
	c.version = py_scan_version(fd->P, regions_of(fd, o));
	if (c.version == 0)
		return;
	if (c.version < PY_HEX(2, 4)) {
		refuse_old(fd, c.version);
		return;
	}
	list_layouts(fd, &c);
	while (scans > 0 && !scan_memory(fd, &c))
		scans--;
}

static void find_by_content(struct finder *fd)
{
	py_addresses cookies = VEC_EMPTY;

	fd->how = PY_FOUND_MEMORY;
	for (size_t i = 0; i < fd->objects.at.n && !fd->failed; i++) {
		const struct py_object *o = &fd->objects.at.at[i];

		if (!py_scan_cookies(fd->P, regions_of(fd, o), &cookies)) {
			find_in_memory(fd, o);
			continue;
		}
		for (size_t k = 0; k < cookies.n; k++)
			try_runtime(fd, o, cookies.at[k]);
	}
	vec_free(&cookies);
}

/* The executable is likely whatever its name. */
static void mark_likely(struct finder *fd)
{
	char exec[4096];

	if (Pexecname(fd->P, exec, sizeof(exec)) == NULL)
		exec[0] = '\0';
	for (size_t i = 0; i < fd->objects.at.n; i++) {
		struct py_object *o = &fd->objects.at.at[i];
		const char *base = path_base(o->path);

		/* _x.cpython-311-x86_64-linux-gnu.so is an extension module: there may be
		 * hundreds. */
		o->program = strcmp(o->path, exec) == 0;
		o->likely =
		    (strstr(base, "python") != NULL && strstr(base, ".cpython-") == NULL) || o->program;
	}
}

enum res py_runtime_find(struct py_process *py, bool early, struct fault *f)
{
	OWNED(finder_release) struct finder fd = { .py = py, .P = py->P, .early = early };

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
