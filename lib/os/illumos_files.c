/* Files of mappings on illumos, and the objects that a captured process shares with the live one.
 *
 * libproc's handle has no room for data of its users. Data about a handle is in a list of its own,
 * from which os_release_images removes it. This list is the only mutable file-scope data in lib.
 *
 *   /proc/PID/object/NAME   the mapped file, NAME as in pr_mapname: certain, even if its path names
 *                           another file now
 *   a core                  the path in the link map; the file's first page must equal memory */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "base/vec.h"
#include "os/images.h"
#include "os/made_code.h"
#include "os/package.h"
#include "os/perf_map.h"
#include "os/source.h"

enum { HEAD = 1024 };

struct file {
	char name[PRMAPSZ];
	struct elf_image *image; /* NULL: not available */
};

struct handle_data {
	struct ps_prochandle *P;
	struct ps_prochandle *live; /* the live process of a captured one; else NULL */
	VEC(struct file) files;
};

static VEC(struct handle_data *) handles;

static struct handle_data *data_of(const struct ps_prochandle *P)
{
	for (size_t i = 0; i < handles.n; i++) {
		if (handles.at[i]->P == P)
			return handles.at[i];
	}
	return NULL;
}

/* The data of P, created at the first call. NULL: out of memory. */
static struct handle_data *data_make(struct ps_prochandle *P)
{
	struct handle_data *b = data_of(P);

	if (b != NULL)
		return b;
	b = calloc(1, sizeof(*b));
	if (b == NULL || !vec_push(&handles, b)) {
		free(b);
		return NULL;
	}
	b->P = P;
	return b;
}

void os_release_images(struct ps_prochandle *P)
{
	struct handle_data *b = data_of(P);
	size_t kept = 0;

	if (b == NULL)
		return;
	for (size_t i = 0; i < b->files.n; i++)
		elf_image_close(b->files.at[i].image);
	vec_free(&b->files);
	free(b);
	for (size_t i = 0; i < handles.n; i++) {
		if (handles.at[i] != b)
			handles.at[kept++] = handles.at[i];
	}
	handles.n = kept;
	if (kept == 0)
		vec_free(&handles);
}

void os_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live)
{
	struct handle_data *b = data_make(captured);

	if (b != NULL)
		b->live = live;
}

/* --- files --- */

/* Open a regular file without waiting. -1: it is another type of file, or cannot be opened. */
static int open_regular(const char *path)
{
	OWNED(fd_release) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fd_keep(&fd) : -1;
}

/* True if the file begins like the memory at base. The header and the program headers describe
 * where everything else in it is. */
static bool begins_alike(struct ps_prochandle *P, int fd, uintptr_t base)
{
	char file[HEAD], memory[HEAD];
	ssize_t n = fileio_pread(fd, file, sizeof(file), 0);

	return n > 0 && Pread(P, memory, (size_t)n, base) == n && memcmp(file, memory, (size_t)n) == 0;
}

struct first_map {
	const char *name;
	uintptr_t base; /* 0: not found */
};

static int find_first(void *data, const prmap_t *map, const char *name)
{
	struct first_map *first = data;

	(void)name;
	if (map->pr_offset != 0 || strncmp(map->pr_mapname, first->name, PRMAPSZ) != 0)
		return 0;
	first->base = map->pr_vaddr;
	return 1;
}

static int open_object(struct ps_prochandle *P, const prmap_t *map)
{
	struct first_map first = { map->pr_mapname, 0 };
	OWNED(fd_release) int fd = -1;
	char path[1024];

	if (Pstate(P) != PS_DEAD) {
		(void)snprintf(path, sizeof(path), "/proc/%d/object/%.*s", (int)Pstatus(P)->pr_pid, PRMAPSZ,
		    map->pr_mapname);
		return strchr(map->pr_mapname, '/') == NULL ? open_regular(path) : -1;
	}
	if (Pobjname(P, map->pr_vaddr, path, sizeof(path)) == NULL)
		return -1;
	fd = open_regular(path);
	(void)Pmapping_iter(P, find_first, &first);
	return fd >= 0 && first.base != 0 && begins_alike(P, fd, first.base) ? fd_keep(&fd) : -1;
}

/* The image of the file of map, opened at the first call. NULL: there is none. */
static struct elf_image *image_of(struct ps_prochandle *P, const prmap_t *map)
{
	struct handle_data *b = data_make(P);
	struct file file = { .image = NULL };
	OWNED(fd_release) int fd = -1;

	if (b == NULL)
		return NULL;
	for (size_t i = 0; i < b->files.n; i++) {
		if (strncmp(b->files.at[i].name, map->pr_mapname, PRMAPSZ) == 0)
			return b->files.at[i].image;
	}
	memcpy(file.name, map->pr_mapname, sizeof(file.name));
	fd = open_object(P, map);
	if (fd >= 0 && elf_image_open(fd, &file.image, NULL) != RES_OK)
		file.image = NULL;
	if (!vec_push(&b->files, file)) {
		elf_image_close(file.image);
		return NULL;
	}
	return file.image;
}

enum res os_object_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img, uint64_t *bias)
{
	const prmap_t *found = Paddr_to_map(P, addr);
	struct elf_image *image;
	uint64_t vaddr;
	prmap_t map;

	if (found == NULL || found->pr_mapname[0] == '\0')
		return RES_NONE;
	map = *found; /* libproc may reread the mappings */
	image = image_of(P, &map);
	if (image == NULL || elf_image_vaddr_of_offset(image, (uint64_t)map.pr_offset,
				 (map.pr_mflags & MA_EXEC) != 0, &vaddr) != RES_OK)
		return RES_NONE;
	*img = image;
	*bias = map.pr_vaddr - vaddr;
	return RES_OK;
}

enum res os_object_bias(struct ps_prochandle *P, uintptr_t addr, uint64_t *bias)
{
	struct elf_image *image;

	return os_object_image(P, addr, &image, bias);
}

/* illumos has no separate debug files. */
enum res os_debug_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img)
{
	struct elf_image *image;
	GElf_Shdr sh;
	uint64_t bias;

	if (os_object_image(P, addr, &image, &bias) != RES_OK ||
	    elf_image_section(image, ".debug_info", &sh, NULL) != RES_OK || sh.sh_type == SHT_NOBITS ||
	    sh.sh_size == 0)
		return RES_NONE;
	*img = image;
	return RES_OK;
}

enum res os_open_perf_map(struct ps_prochandle *P, int *fd, bool *certain, struct fault *f)
{
	(void)P;
	(void)fd;
	(void)certain;
	(void)f;
	return RES_NONE;
}

enum res os_open_jit_dump(struct ps_prochandle *P, int *fd, pid_t *pid, struct fault *f)
{
	(void)P;
	(void)fd;
	(void)pid;
	(void)f;
	return RES_NONE;
}

enum res os_made_code(struct ps_prochandle *P, uint64_t addr, struct made_code *out, struct fault *f)
{
	(void)P;
	(void)addr;
	(void)f;
	*out = (struct made_code){ .hi = UINT64_MAX };
	return RES_NONE;
}

/* Debug information is in the files themselves (CTF), or nowhere. */
bool os_debug_package(struct ps_prochandle *P, const char *path, char *out, size_t n)
{
	(void)P;
	(void)path;
	(void)n;
	out[0] = '\0';
	return false;
}

/* No search for the files of debug information is made here. */
enum res os_open_image(struct ps_prochandle *P, const char *path, struct elf_image **img)
{
	(void)P;
	(void)path;
	(void)img;
	return RES_NONE;
}

/* As /proc/PID/root leads to the root, the rest must have no absolute links. */
int os_open_source(struct ps_prochandle *P, const char *path)
{
	char whole[PATH_MAX];
	struct stat st;
	int fd;

	if (os_is_core(P))
		(void)snprintf(whole, sizeof(whole), "%s", path);
	else
		(void)snprintf(whole, sizeof(whole), "/proc/%d/root%s", (int)Pstatus(P)->pr_pid, path);
	fd = open(whole, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd >= 0) {
		(void)close(fd);
		errno = EINVAL;
	}
	return -1;
}

bool os_working_directory(struct ps_prochandle *P, char *buf, size_t size)
{
	(void)P;
	(void)buf;
	(void)size;
	return false;
}

int64_t os_source_moment(struct ps_prochandle *P, const char *core)
{
	(void)P;
	(void)core;
	return 0;
}

int64_t os_source_written(int fd)
{
	(void)fd;
	return 0;
}

/* Memory is as quick: read(2) of /proc/PID/as. */
enum res os_file_bytes(struct ps_prochandle *P, uintptr_t addr, struct span *out)
{
	(void)P;
	(void)addr;
	(void)out;
	return RES_NONE;
}

bool os_is_core(struct ps_prochandle *P)
{
	return Pstate(P) == PS_DEAD;
}

/* The system's libproc does not report it. */
bool os_core_cut(struct ps_prochandle *P)
{
	(void)P;
	return false;
}

void os_notices(struct ps_prochandle *P, os_notice_fn *report, void *data)
{
	enum { AT_BASE_TYPE = 7 }; /* <sys/auxv.h> AT_BASE: the program has a dynamic linker */

	if (Pgetauxval(P, AT_BASE_TYPE) != -1 && Prd_agent(P) == NULL)
		report(data, &(struct notice){ .code = NOTICE_NO_RTLD_DB, .failed = true });
}

/* --- functions of a captured process --- */

struct copying {
	VEC(prmap_t) maps;
	bool failed;
};

static int copy_map(void *data, const prmap_t *map, const char *name)
{
	struct copying *c = data;

	(void)name;
	c->failed = !vec_push(&c->maps, *map);
	return c->failed;
}

static int captured_maps(struct ps_prochandle *P, prmap_t **out, ssize_t *n, void *data)
{
	struct handle_data *b = data_of(P);
	struct copying c = { .failed = false };

	(void)data;
	if (b == NULL || b->live == NULL || Pmapping_iter(b->live, copy_map, &c) != 0 || c.maps.n == 0) {
		vec_free(&c.maps);
		return -1;
	}
	*out = c.maps.at;
	*n = (ssize_t)c.maps.n;
	return 0;
}

/* /proc/PID/auxv is an array of auxv_t. */
static void captured_auxv(struct ps_prochandle *P, auxv_t **out, int *n, void *data)
{
	enum { ENTRIES = 128 };
	auxv_t *auxv = calloc(ENTRIES + 1, sizeof(*auxv));
	OWNED(fd_release) int fd = -1;
	ssize_t got = 0;
	char path[32];

	(void)data;
	(void)snprintf(path, sizeof(path), "/proc/%d/auxv", (int)Pstatus(P)->pr_pid);
	if (auxv != NULL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = fileio_pread(fd, auxv, ENTRIES * sizeof(*auxv), 0);
	*out = auxv;
	*n = got > 0 ? (int)((size_t)got / sizeof(*auxv)) : 0;
}

void os_captured_ops(ps_ops_t *ops)
{
	ops->pop_read_maps = captured_maps;
	ops->pop_read_aux = captured_auxv;
}
