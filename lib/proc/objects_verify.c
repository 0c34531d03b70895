/* Opening an object's file and verifying it.
 *
 *   open_mapping ─┬─ proven (same inode) ──────────────────────────> use the file
 *                 ├─ equal build-ids in memory and file ───────────> use the file
 *                 ├─ no build-id in either, or memory unreadable ──> use the file, with a notice
 *                 └─ another file, or none ─┬─ o->search has it ──> use that
 *                                           └─ else ──> loaded segments, with a notice
 *
 * The build-id in memory is found from the ELF header at the mapping of file offset 0, by the
 * program headers and PT_NOTE. None of them is trusted. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "elf/class.h"
#include "elf/debugfile.h"
#include "elf/notes.h"
#include "proc/mapped.h"
#include "proc/objects.h"
#include "proc/objects_build_id.h"

enum {
	MEMORY_LIMIT = 256u << 20, /* bytes of an image from memory */
	PAGE = 4096
};

/* Is an ELF file mapped there? RES_NONE: no, but a JIT's memfd or data; RES_FAIL: memory cannot be
 * read. */
static enum res maps_elf(struct proc_objects *o, const struct proc_object *obj)
{
	char magic[SELFMAG];

	if (o->read == NULL || !objects_maps_start(o, obj) ||
	    o->read(o->read_data, magic, sizeof(magic), obj->base) != (ssize_t)sizeof(magic))
		return RES_FAIL;
	return memcmp(magic, ELFMAG, SELFMAG) == 0 ? RES_OK : RES_NONE;
}

static bool is_of(const struct proc_objects *o, const struct proc_object *obj, const struct proc_map *m)
{
	return m->object >= 0 && &o->objects.at[m->object] == obj;
}

/* The best mapping for the load bias: an executable one, else the first. */
static const struct proc_map *main_mapping(const struct proc_objects *o, const struct proc_object *obj)
{
	for (size_t i = obj->first; i <= obj->last; i++) {
		const struct proc_map *m = &o->maps.at[i];

		if (is_of(o, obj, m) && (m->pr.pr_mflags & MA_EXEC) != 0)
			return m;
	}
	return &o->maps.at[obj->first];
}

/* The mapping through which the file is opened: not a moved one, unless all are. */
static const struct proc_map *file_mapping(const struct proc_objects *o, const struct proc_object *obj)
{
	const struct proc_map *m = main_mapping(o, obj);

	for (size_t i = obj->first; m->moved && i <= obj->last; i++) {
		if (is_of(o, obj, &o->maps.at[i]) && !o->maps.at[i].moved)
			m = &o->maps.at[i];
	}
	return m;
}

/* False: no segment of img matches the mapping. */
static bool bias_from_mapping(struct elf_image *img, const struct proc_map *m, uint64_t *bias)
{
	uint64_t vaddr;
	bool exec = (m->pr.pr_mflags & MA_EXEC) != 0;

	if (elf_image_vaddr_of_offset(img, (uint64_t)m->pr.pr_offset, exec, &vaddr) != RES_OK)
		return false;
	*bias = m->pr.pr_vaddr - vaddr;
	return true;
}

static bool find_bias(
    const struct proc_objects *o, const struct proc_object *obj, struct elf_image *img, uint64_t *bias)
{
	if (bias_from_mapping(img, main_mapping(o, obj), bias))
		return true;
	for (size_t i = obj->first; i <= obj->last; i++)
		if (is_of(o, obj, &o->maps.at[i]) && bias_from_mapping(img, &o->maps.at[i], bias))
			return true;
	return false;
}

/* Does it have more than headers? Cores save only the first page of a file mapping, and an image
 * without unwind tables would only hide that the file is missing. */
static bool has_substance(const struct elf_image *img)
{
	const GElf_Phdr *eh_frame = elf_image_phdr(img, PT_GNU_EH_FRAME);
	struct span bytes;

	return eh_frame == NULL || elf_image_at(img, eh_frame->p_vaddr, &bytes, NULL) == RES_OK;
}

/* Build the image from loaded segments. */
static enum res image_from_memory(struct proc_objects *o, struct proc_object *obj)
{
	const struct elf_memory memory = { o->read, o->read_data, obj->base, MEMORY_LIMIT };
	struct elf_image *img;

	if (o->read == NULL || !objects_maps_start(o, obj) ||
	    elf_image_from_memory(&memory, &img, NULL) != RES_OK)
		return RES_NONE;
	if (!has_substance(img)) {
		elf_image_close(img);
		return RES_NONE;
	}
	obj->bias = obj->base - elf_image_base(img);
	obj->image = img;
	obj->from_memory = true;
	return RES_OK;
}

/* Without build-ids: do the program headers in memory, which contain all positions in the file,
 * equal the file's? */
static enum res headers_equal(struct proc_objects *o, const struct proc_object *obj, struct elf_image *img)
{
	const GElf_Ehdr *eh = elf_image_ehdr(img);
	uint64_t n = eh->e_phoff + (uint64_t)eh->e_phnum * elf_image_class(img)->phdr;
	const void *file = n > PAGE ? NULL : elf_image_bytes(img, 0, (size_t)n);
	uint8_t memory[PAGE];

	if (file == NULL || o->read == NULL || !objects_maps_start(o, obj) ||
	    o->read(o->read_data, memory, (size_t)n, obj->base) != (ssize_t)n)
		return RES_FAIL;
	return memcmp(file, memory, (size_t)n) == 0 ? RES_OK : RES_NONE;
}

/* Widen [*lo, *hi) to hold [from, to) in whole pages. */
static void widen_range(uint64_t *lo, uint64_t *hi, uint64_t from, uint64_t to)
{
	from &= ~(uint64_t)(PAGE - 1);
	to = (to + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	*lo = from < *lo ? from : *lo;
	*hi = to > *hi ? to : *hi;
}

/* Is the mapped code of obj the same part of the file as the code of img? Another version of the
 * file rarely matches. */
static bool same_code_range(
    const struct proc_objects *o, const struct proc_object *obj, const struct elf_image *img)
{
	uint64_t lo = UINT64_MAX, hi = 0, file_lo = UINT64_MAX, file_hi = 0;
	const GElf_Phdr *ph = elf_image_phdrs(img);

	for (size_t i = obj->first; i <= obj->last; i++) {
		const struct proc_map *m = &o->maps.at[i];

		if (is_of(o, obj, m) && (m->pr.pr_mflags & MA_EXEC) != 0)
			widen_range(
			    &lo, &hi, (uint64_t)m->pr.pr_offset, (uint64_t)m->pr.pr_offset + m->pr.pr_size);
	}
	for (size_t i = 0; i < elf_image_phnum(img); i++) {
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X) != 0)
			widen_range(&file_lo, &file_hi, ph[i].p_offset, ph[i].p_offset + ph[i].p_filesz);
	}
	return hi == 0 || (lo == file_lo && hi == file_hi);
}

/* Use a file that only its name identifies. All such files are reported in one line (os_notices),
 * because a core may lack the headers of all files. */
static void take_unverified(struct proc_objects *o, struct proc_object *obj)
{
	if (o->cut)
		return; /* another message says that the core lacks its end */
	for (size_t i = 0; i < o->objects.n; i++) {
		if (o->objects.at[i].unverified && strcmp(o->objects.at[i].path, obj->path) == 0)
			return;
	}
	obj->unverified = true;
	if (o->unverified++ == 0)
		o->first_unverified = obj->path;
}

/* Does nothing contradict that img is the mapped file? Records a notice if nothing can be
 * checked. */
static bool is_believed(struct proc_objects *o, struct proc_object *obj, struct elf_image *img)
{
	struct notice_id file = { .n = 0 };
	enum res res = objects_mapped_build_id(o, obj);
	struct span bytes;

	if (elf_image_build_id(img, &bytes) == RES_OK)
		build_id_set(&file, &bytes);
	if (o->no_build_ids && obj->mapped.n == 0 && file.n == 0) {
		enum res equal = headers_equal(o, obj, img);

		if (equal != RES_FAIL)
			return equal == RES_OK;
	}
	if (res == RES_FAIL) {
		if (!same_code_range(o, obj, img))
			return false;
		take_unverified(o, obj);
		return true;
	}
	if (obj->mapped.n == 0 && file.n == 0) {
		objects_notice(o, &(struct notice){ .code = NOTICE_NO_BUILD_ID, .file = obj->path });
		return true;
	}
	return build_id_equal(&obj->mapped, &file);
}

/* A file that is looked for. */
struct found {
	struct proc_objects *o;
	struct proc_object *obj;
};

/* Use the file open at fd if it is the mapped one. */
static bool use_found(void *data, int fd)
{
	struct found *found = data;
	struct elf_image *img;

	if (elf_image_open(fd, &img, NULL) != RES_OK)
		return false;
	if (is_believed(found->o, found->obj, img) &&
	    find_bias(found->o, found->obj, img, &found->obj->bias)) {
		found->obj->image = img;
		return true;
	}
	elf_image_close(img);
	return false;
}

/* Look for the file elsewhere. */
static bool image_elsewhere(struct proc_objects *o, struct proc_object *obj)
{
	struct found found = { o, obj };
	struct notice_id none = { .n = 0 };
	enum res id;

	if (o->search == NULL || maps_elf(o, obj) == RES_NONE)
		return false;
	id = objects_mapped_build_id(o, obj);
	return search_files(o->search, id == RES_OK ? &obj->mapped : &none, obj->path, use_found, &found);
}

/* Use the image in memory instead of the file, and record the notice why. */
static enum res memory_instead(struct proc_objects *o, struct proc_object *obj, struct notice why)
{
	enum res id = RES_FAIL, res;

	if (image_elsewhere(o, obj))
		return RES_OK;
	if (maps_elf(o, obj) == RES_NONE)
		return RES_NONE;
	id = objects_mapped_build_id(o, obj);
	res = image_from_memory(o, obj);
	why.file = obj->path;
	why.id_unknown = id == RES_FAIL;
	if (id == RES_OK)
		why.id = obj->mapped;
	why.instead = res == RES_OK ? NOTICE_FROM_MEMORY : NOTICE_NOTHING;
	why.failed = why.at_hand || res != RES_OK;
	objects_notice(o, &why);
	return res;
}

/* RES_FAIL: it cannot be read; errno is set. */
static enum res has_elf_magic(int fd)
{
	char magic[SELFMAG];
	ssize_t got = fileio_pread(fd, magic, sizeof(magic), 0);

	if (got < 0)
		return RES_FAIL;
	return got == (ssize_t)sizeof(magic) && memcmp(magic, ELFMAG, SELFMAG) == 0 ? RES_OK : RES_NONE;
}

/* The path of the file open at fd if it differs from the object's (-e, a root); else NULL. */
static const char *other_path(int fd, const struct proc_object *obj, char real[PATH_MAX])
{
	char self[32];
	ssize_t n;

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, real, PATH_MAX - 1);
	if (n <= 0)
		return NULL;
	real[n] = '\0';
	/* A file from another machine is a copy in a memfd, whose name is meaningless. */
	return strncmp(real, "/memfd:", 7) == 0 || strcmp(real, obj->path) == 0 ? NULL : real;
}

static enum res not_opened(struct proc_objects *o, struct proc_object *obj, const struct fault *f)
{
	struct notice why = {
		.code = NOTICE_NOT_OPENED,
		.error = f->sys,
		.failure = (enum notice_failure)f->code,
		.at_hand = f->sys == EFBIG,
	};

	/* One message reports all files of a file system that does not answer. */
	if (f->code == PROC_FILE_LATE)
		return image_elsewhere(o, obj) ? RES_OK : image_from_memory(o, obj);
	if (f->sys == ENOTSUP && maps_elf(o, obj) != RES_OK) {
		why.failed = true;
		why.file = obj->path; /* not known to be ELF, so nothing may be missing */
		objects_notice(o, &why);
		return RES_NONE;
	}
	return memory_instead(o, obj, why);
}

/* Use the file open at fd. proven: it is the mapped one. */
static enum res image_from_fd(struct proc_objects *o, struct proc_object *obj, int fd, bool proven)
{
	struct fault f = { .text = "" };
	struct elf_image *img;
	char real[PATH_MAX];
	enum res magic = has_elf_magic(fd);

	if (magic == RES_FAIL)
		return memory_instead(
		    o, obj, (struct notice){ .code = NOTICE_NOT_READ, .at_hand = true, .error = errno });
	/* Fonts, locales and shared memory are mapped too; their symbols are not missed. */
	if (magic == RES_NONE) {
		if (proven || maps_elf(o, obj) != RES_OK)
			return RES_NONE;
		return memory_instead(o, obj, (struct notice){ .code = NOTICE_NOT_ELF });
	}
	if (elf_image_open(fd, &img, &f) != RES_OK)
		return memory_instead(o, obj, (struct notice){ .code = NOTICE_NOT_USABLE, .detail = f.text });
	if ((proven || is_believed(o, obj, img)) && find_bias(o, obj, img, &obj->bias)) {
		obj->image = img;
		return RES_OK;
	}
	elf_image_close(img);
	return memory_instead(
	    o, obj, (struct notice){ .code = NOTICE_OTHER_FILE, .detail = other_path(fd, obj, real) });
}

static enum res image_from_file(struct proc_objects *o, struct proc_object *obj)
{
	struct fault f = { .sys = ENOENT };
	bool proven = false;
	OWNED(fd_release)
	int fd = o->files.open_mapping == NULL
		     ? -1
		     : o->files.open_mapping(o->files.data, file_mapping(o, obj), &proven, &f);

	if (fd >= 0 && o->files.suspect != NULL && o->files.suspect(o->files.data) &&
	    !objects_same_build_id(o, obj, fd)) {
		(void)fault_set(&f, NOTICE_FOREIGN, EACCES, obj->base, "%s", fileio_open_error(EACCES));
		return not_opened(o, obj, &f);
	}
	return fd < 0 ? not_opened(o, obj, &f) : image_from_fd(o, obj, fd, proven);
}

enum res objects_image(struct proc_objects *o, struct proc_object *obj)
{
	if (!obj->tried) {
		obj->tried = true;
		if (strcmp(obj->path, "linux-vdso.so.1") == 0)
			(void)image_from_memory(o, obj);
		else
			(void)image_from_file(o, obj);
	}
	return obj->image != NULL ? RES_OK : RES_NONE;
}

enum res objects_bias(struct proc_objects *o, struct proc_object *obj, uint64_t *bias)
{
	GElf_Phdr phdrs[MAPPED_PHDRS];
	struct mapped w;
	size_t n;

	if (objects_image(o, obj) == RES_OK) {
		*bias = obj->bias;
		return RES_OK;
	}
	if (!objects_maps_start(o, obj) || !mapped_open(&w, o->read, o->read_data, obj->base) ||
	    mapped_phdrs(&w, phdrs, &n) != RES_OK)
		return RES_NONE;
	*bias = mapped_bias(phdrs, n, obj->base);
	return RES_OK;
}

void objects_remember(struct proc_objects *o)
{
	if (o->remembered)
		return;
	o->remembered = true;
	for (size_t i = 0; i < o->objects.n; i++) {
		struct proc_object *obj = &o->objects.at[i];

		if (!obj->loaded)
			continue;
		if (obj->path[0] != '/' || o->maps.at[obj->first].deleted)
			(void)objects_image(o, obj);
		else
			(void)objects_mapped_build_id(o, obj);
	}
}

/* An elf_open_fn. */
static int open_debug(void *data, const char *path)
{
	return objects_open_debug(data, path);
}

int objects_open_debug(struct proc_objects *o, const char *path)
{
	int fd = o->files.open_path == NULL ? -1 : o->files.open_path(o->files.data, path);

	return fd >= 0 || o->search == NULL ? fd : search_open_debug(o->search, path);
}

/* Find symbols elsewhere if the image lacks them. */
static void attach_debug(struct proc_objects *o, struct proc_object *obj)
{
	const struct elf_disk disk = { open_debug, o };
	struct elf_image *debug = NULL;
	struct fault file = { 0 }, packed = { 0 };
	enum res separate = RES_NONE, mini;

	if (o->files.open_path != NULL)
		separate = elf_debugfile_open(obj->image, obj->path, &disk, &debug, &file);
	mini = separate == RES_OK ? RES_NONE : elf_minidebug_open(obj->image, &debug, &packed);
	if (separate == RES_OK || mini == RES_OK) {
		elf_symbols_attach_debug(obj->symbols, debug);
		return;
	}
	if (separate == RES_FAIL)
		objects_notice(o,
		    &(struct notice){
			.code = NOTICE_DEBUG_FILE, .failed = true, .file = obj->path, .detail = file.text });
	if (mini == RES_FAIL)
		objects_notice(o, &(struct notice){ .code = NOTICE_MINI_DEBUG,
				      .failed = packed.code != ELF_FAULT_NOT_BUILT,
				      .file = obj->path,
				      .detail = packed.text });
}

struct elf_symbols *objects_symbols(struct proc_objects *o, struct proc_object *obj)
{
	if (obj->symbols != NULL)
		return obj->symbols;
	if (objects_image(o, obj) != RES_OK)
		return NULL;
	obj->symbols = elf_symbols_create(obj->image);
	if (obj->symbols == NULL || elf_symbols_has_symtab(obj->symbols) || obj->path[0] != '/')
		return obj->symbols;
	attach_debug(o, obj);
	return obj->symbols;
}

static bool has_bytes(struct elf_image *img, const char *section)
{
	GElf_Shdr sh;

	return elf_image_section(img, section, &sh, NULL) == RES_OK && sh.sh_type != SHT_NOBITS &&
	       sh.sh_size != 0;
}

enum res objects_debug(struct proc_objects *o, struct proc_object *obj, struct elf_image **out)
{
	const struct elf_disk disk = { open_debug, o };

	if (objects_image(o, obj) != RES_OK)
		return RES_NONE;
	if (has_bytes(obj->image, ".debug_info")) {
		*out = obj->image;
		return RES_OK;
	}
	if (!obj->debug_tried && o->files.open_path != NULL && obj->path[0] == '/') {
		obj->debug_tried = true;
		(void)elf_debugfile_open(obj->image, obj->path, &disk, &obj->debug, NULL);
	}
	if (obj->debug == NULL || !has_bytes(obj->debug, ".debug_info"))
		return RES_NONE;
	*out = obj->debug;
	return RES_OK;
}

struct elf_symbols *objects_names(struct proc_objects *o, struct proc_object *obj)
{
	if (obj->symbols != NULL || obj->names != NULL)
		return obj->symbols != NULL ? obj->symbols : obj->names;
	if (objects_image(o, obj) != RES_OK)
		return NULL;
	obj->names = elf_symbols_create(obj->image);
	if (obj->names != NULL && elf_symbols_has_symtab(obj->names)) {
		/* It is complete, so it serves all lookups. */
		obj->symbols = obj->names;
		obj->names = NULL;
		return obj->symbols;
	}
	return obj->names;
}
