/* Finding the interpreters of a process, cheapest way first; whatever is found must prove itself.
 *
 *   1. symbol _PyRuntime: the executable and files named like a Python, then every other object
 *   2. section .PyRuntime of the file (3.10+; the name survives strip)
 *   3. content of writable memory (py_scan.c)
 *
 *   up to 3.6 there is no _PyRuntime: symbol PyInterpreterState_Head tells such an object (py_head.c), then 3.
 *
 *   version: published offsets (3.13+), else symbol Py_Version (3.11+), else Py_GetVersion's buffer, else
 *   the file's name. Proof: interpreters.head → interpreter → thread state → back to the interpreter. */
#include <stdio.h>
#include <stdlib.h>

#include "base/owned.h"
#include "os/target_os.h"
#include "python/py_head.h"
#include "python/py_process.h"
#include "python/py_scan.h"

struct object {
	char *path;
	uint64_t addr;
	bool likely;
};

/* The most telling reason for not accepting a candidate wins. */
enum refusal { REFUSED_NOTHING, REFUSED_OLD, REFUSED_UNKNOWN, REFUSED_INVALID, REFUSED_NOT_STARTED };

struct finder {
	struct py_process *py;
	struct ps_prochandle *P;
	VEC(struct object) objects;
	py_regions regions;    /* of the object looked at last */
	const char *region_of; /* its path */
	bool failed;           /* out of memory */
	enum refusal refusal;
	struct fault fault;
};

static void finder_release(struct finder *fd)
{
	for (size_t i = 0; i < fd->objects.n; i++)
		free(fd->objects.at[i].path);
	vec_free(&fd->objects);
	vec_free(&fd->regions);
}

static void refuse(struct finder *fd, enum refusal refusal, const struct fault *fault)
{
	if (refusal <= fd->refusal)
		return;
	fd->refusal = refusal;
	fd->fault = *fault;
}

static int add_object(void *data, const prmap_t *map, const char *name)
{
	struct finder *fd = data;
	const char *base;
	struct object o = { .addr = map->pr_vaddr };

	if (name == NULL || name[0] != '/')
		return 0;
	o.path = strdup(name);
	if (o.path == NULL) {
		fd->failed = true;
		return 1;
	}
	base = strrchr(o.path, '/') + 1;
	o.likely = strstr(base, "python") != NULL;
	if (!vec_push(&fd->objects, o)) {
		free(o.path);
		fd->failed = true;
	}
	return fd->failed;
}

/* The address of a symbol that the object itself defines; 0: it does not. */
static uint64_t symbol(struct ps_prochandle *P, const char *path, const char *name)
{
	GElf_Sym sym;

	if (Plookup_by_name(P, path, name, &sym) != 0 || sym.st_shndx == SHN_UNDEF)
		return 0;
	return sym.st_value;
}

static const py_regions *regions_of(struct finder *fd, const struct object *o)
{
	if (fd->region_of != o->path) {
		if (!py_scan_regions(fd->P, o->path, &fd->regions))
			fd->failed = true;
		fd->region_of = o->path;
	}
	return &fd->regions;
}

/* The version of a Python below 3.13 in object o; 0 unknown. */
static uint32_t version_of(struct finder *fd, const struct object *o)
{
	uint64_t va = symbol(fd->P, o->path, "Py_Version"), hex;
	uint32_t version;

	if (va != 0 && py_read(fd->P, &hex, sizeof(hex), va) && hex > PY_HEX(3, 11) && hex < PY_HEX(5, 0))
		return (uint32_t)hex;
	version = py_scan_version(fd->P, regions_of(fd, o));
	return version != 0 ? version : py_version_of_name(o->path);
}

enum res py_runtime_validate(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct fault *f)
{
	uint64_t interp, tstate, back;
	int started = 0;

	if (!py_read_word(P, l, addr, l->runtime.interpreters_head, &interp))
		return fault_set(f, 0, 0, addr, "the state of the interpreter cannot be read");
	for (int i = 0; interp != 0 && i < PY_INTERPS_MAX && started == 0; i++) {
		if (!py_pointer_sane(interp, l->word) ||
		    !py_read_word(P, l, interp, l->interp.threads_head, &tstate))
			return fault_set(f, 0, 0, interp, "the list of interpreters is damaged");
		if (tstate != 0) {
			if (!py_pointer_sane(tstate, l->word) ||
			    !py_read_word(P, l, tstate, l->tstate.interp, &back) || back != interp)
				return fault_set(f, 0, 0, tstate,
				    "no thread state where this version has one (damaged, or an unknown "
				    "build)");
			started++;
		}
		if (!py_read_word(P, l, interp, l->interp.next, &interp))
			return fault_set(f, 0, 0, addr, "the list of interpreters is damaged");
	}
	return started != 0 ? RES_OK : RES_NONE;
}

enum res py_runtime_add(struct py_process *py, uint64_t addr, uint32_t version, const struct py_layout *l,
    const char *path, struct fault *f)
{
	struct py_runtime rt = { .addr = addr, .version = version, .layout = *l };

	for (size_t i = 0; i < py->runtimes.n; i++) {
		if (py->runtimes.at[i].addr == addr)
			return RES_OK;
	}
	rt.object = strdup(path);
	if (rt.object == NULL)
		return fault_memory(f);
	rt.code_type = symbol(py->P, path, "PyCode_Type");
	if (l->marking == PY_MARK_NONE)
		rt.frame_type = symbol(py->P, path, "PyFrame_Type");
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

static void refuse_unknown(struct finder *fd, const struct object *o, uint64_t addr)
{
	struct fault f = { 0 };

	(void)fault_set(&f, 0, 0, addr, "a CPython of unknown version found in %.160s", o->path);
	refuse(fd, REFUSED_UNKNOWN, &f);
}

static void refuse_not_started(struct finder *fd, uint64_t addr, uint32_t version)
{
	struct fault f = { 0 };

	(void)fault_set(&f, 0, 0, addr, "CPython %u.%u found: it is not initialised (yet, or any more)",
	    version >> 24, version >> 16 & 0xff);
	refuse(fd, REFUSED_NOT_STARTED, &f);
}

enum { BUILDS = 4 };

/* Was it built with Py_TRACE_REFS? `type` is an instance of itself: 1 yes, 0 no, -1 cannot be told. */
static int has_refs(struct finder *fd, const struct object *o, const struct py_layout *l)
{
	uint64_t type = symbol(fd->P, o->path, "PyType_Type"), meta;

	if (type == 0)
		return -1;
	if (py_read_word(fd->P, l, type, l->object.type, &meta) && meta == type)
		return 0;
	return py_read_word(fd->P, l, type, l->object.type + 2U * l->word, &meta) && meta == type ? 1 : -1;
}

/* How wide is its Py_UNICODE? Exported names say it. 0: cannot be told. */
static uint8_t char_width(struct finder *fd, const struct object *o)
{
	if (symbol(fd->P, o->path, "PyUnicodeUCS2_AsUTF8String") != 0)
		return 2;
	return symbol(fd->P, o->path, "PyUnicodeUCS4_AsUTF8String") != 0 ? 4 : 0;
}

/* The layouts that a binary of this version can have, likeliest first. A Py_UNICODE of 4 bytes is tried first: text of
 * 2 read that way gives no characters, the other way round it may. Returns how many. */
static size_t builds(
    struct finder *fd, const struct object *o, uint32_t version, struct py_layout out[BUILDS])
{
	struct py_layout l;
	uint8_t width = 0;
	size_t n = 0;
	int refs;

	if (py_layout_of_version(version, &l) != RES_OK)
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

/* Take the runtime at addr with this layout if it proves itself. */
static void judge(
    struct finder *fd, const struct object *o, uint64_t addr, uint32_t version, const struct py_layout *l)
{
	struct fault f = { 0 };
	enum res res = py_runtime_validate(fd->P, l, addr, &f);

	if (res == RES_OK) {
		if (py_runtime_add(fd->py, addr, version, l, o->path, &f) != RES_OK)
			fd->failed = true;
	} else if (res == RES_NONE) {
		refuse_not_started(fd, addr, version);
	} else {
		refuse(fd, REFUSED_INVALID, &f);
	}
}

/* A _PyRuntime at addr of object o, by symbol, section or cookie. */
static void consider(struct finder *fd, const struct object *o, uint64_t addr)
{
	struct py_layout l[BUILDS];
	struct fault f = { 0 };
	uint32_t version;
	size_t n = 1;
	enum res res = py_layout_from_target(fd->P, addr, &version, &l[0], &f);

	if (res == RES_FAIL) {
		refuse(fd, REFUSED_INVALID, &f);
		return;
	}
	if (res == RES_NONE) {
		version = version_of(fd, o);
		n = version < PY_HEX(3, 7) ? 0 : builds(fd, o, version, l);
		if (n == 0) {
			refuse_unknown(fd, o, addr);
			return;
		}
	}
	judge(fd, o, addr, version, best_build(fd, l, n, addr));
}

/* An object that exports PyInterpreterState_Head and no _PyRuntime: 2.4 to 3.6. */
static void consider_old(struct finder *fd, const struct object *o)
{
	struct py_layout l[BUILDS];
	struct fault f = { 0 };
	uint32_t version = version_of(fd, o);
	uint64_t addr = 0;
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
	if (res == RES_OK)
		judge(fd, o, addr, version, best_build(fd, l, n, addr));
	else if (res == RES_NONE)
		refuse_not_started(fd, addr, version);
	else
		refuse(fd, REFUSED_INVALID, &f);
}

static void find_by_symbol(struct finder *fd, bool likely)
{
	for (size_t i = 0; i < fd->objects.n && !fd->failed; i++) {
		const struct object *o = &fd->objects.at[i];
		uint64_t addr;

		if (o->likely != likely)
			continue;
		addr = symbol(fd->P, o->path, "_PyRuntime");
		if (addr != 0)
			consider(fd, o, addr);
		else if (symbol(fd->P, o->path, "PyInterpreterState_Head") != 0)
			consider_old(fd, o);
	}
}

static void find_by_section(struct finder *fd)
{
	for (size_t i = 0; i < fd->objects.n && !fd->failed; i++) {
		const struct object *o = &fd->objects.at[i];
		struct elf_image *img;
		GElf_Shdr shdr;
		uint64_t bias;

		if (os_object_image(fd->P, (uintptr_t)o->addr, &img, &bias) != RES_OK)
			continue;
		if (elf_image_section(img, ".PyRuntime", &shdr, NULL) == RES_OK && shdr.sh_addr != 0)
			consider(fd, o, shdr.sh_addr + bias);
	}
}

static void find_by_content(struct finder *fd)
{
	py_addresses cookies = VEC_EMPTY;

	for (size_t i = 0; i < fd->objects.n && !fd->failed; i++) {
		const struct object *o = &fd->objects.at[i];
		struct py_layout l[BUILDS];
		uint32_t version;
		uint64_t addr;
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
		for (size_t k = 0; k < n; k++) {
			if (py_scan_runtime(fd->P, regions_of(fd, o), &l[k], &addr) == RES_OK) {
				judge(fd, o, addr, version, &l[k]);
				break;
			}
		}
	}
	vec_free(&cookies);
}

/* The executable is the place to begin, whatever it is called. */
static void mark_executable(struct finder *fd)
{
	char exec[4096];

	if (Pexecname(fd->P, exec, sizeof(exec)) == NULL)
		return;
	for (size_t i = 0; i < fd->objects.n; i++) {
		if (strcmp(fd->objects.at[i].path, exec) == 0)
			fd->objects.at[i].likely = true;
	}
}

enum res py_runtime_find(struct py_process *py, struct fault *f)
{
	OWNED(finder_release) struct finder fd = { .py = py, .P = py->P };

	(void)Pobject_iter(py->P, add_object, &fd);
	mark_executable(&fd);
	find_by_symbol(&fd, true);
	if (py->runtimes.n == 0)
		find_by_symbol(&fd, false);
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
