/* The files a core's process had mapped, on this machine.
 *
 * They are looked for where the core says they were. A core out of a container names them as seen there:
 * when the executable given for it ends in the path the core has for it, what comes before is the root
 * of that container, and files are looked for in it first:
 *
 *   -e /srv/root/usr/bin/python3, core: /usr/bin/python3   =>   root /srv/root
 *
 * Or the root is given, and then nothing outside it is opened.
 *
 * Whether a file is still the one that was mapped cannot be told from here: none is `proven`, the caller
 * compares build-ids. Names come from the core and may be anything, so what is no regular file, or one of the kernel's
 * own, is not even opened. */
#include "proc/core/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/stored.h"

struct core_files {
	char *exe;  /* path of the executable as the core names it, or NULL */
	char *aout; /* where it is instead, or NULL */
	int root;   /* O_PATH fd of the folder the core's paths are relative to, -1: this machine's root */
	bool only;  /* and they are nowhere else */
};

/* open(2), for a root other than -1 with that folder as "/", also for absolute links. */
static int open_in(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (root < 0)
		return open(path, flags);
	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static int open_regular(int root, const char *path)
{
	OWNED(fd_release) int look = open_in(root, path, O_PATH | O_CLOEXEC);
	OWNED(fd_release) int fd = -1;
	struct stat before, after;

	if (look < 0 || stored_check(look, &before) != 0)
		return -1;
	fd = open_in(root, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &after) != 0)
		return -1;
	/* Replaced between the two: then what was opened may be anything. */
	if (!S_ISREG(after.st_mode) || before.st_dev != after.st_dev || before.st_ino != after.st_ino) {
		errno = EINVAL;
		return -1;
	}
	return fd_keep(&fd);
}

int core_open_regular(const char *path)
{
	return open_regular(-1, path);
}

/* A file by the path the core has for it. */
static int open_recorded(const struct core_files *files, const char *path)
{
	int fd = files->root < 0 ? -1 : open_regular(files->root, path);

	return fd >= 0 || files->only ? fd : core_open_regular(path);
}

static int open_mapping(void *data, const struct proc_map *m, bool *proven, struct fault *f)
{
	const struct core_files *files = data;
	bool is_exe = m->path != NULL && files->exe != NULL && strcmp(m->path, files->exe) == 0;
	const char *path = is_exe && files->aout != NULL ? files->aout : m->path;
	const char *remedy = "";
	int fd;

	if (path == NULL || path[0] == '\0' || (path == m->path && path[0] != '/')) {
		(void)fault_set(f, 0, ENOENT, m->pr.pr_vaddr, "no file is behind this mapping");
		return -1;
	}
	fd = path == m->path ? open_recorded(files, path) : core_open_regular(path);
	if (fd >= 0) {
		*proven = false;
		return fd;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		remedy = files->only ? "; it is not below the folder of --sysroot"
			 : is_exe    ? "; give the executable of the core with -e FILE"
				     : "; the core needs the files of the machine or container it comes from";
	/* The caller names the file the core names. */
	(void)fault_set(f, 0, errno, m->pr.pr_vaddr, "%s%s%s%s", path == m->path ? "" : path,
	    path == m->path ? "" : ": ", stored_error(errno), remedy);
	return -1;
}

static int open_path(void *data, const char *path)
{
	return path[0] == '/' ? open_recorded(data, path) : -1;
}

static void files_destroy(void *data)
{
	struct core_files *files = data;

	if (files == NULL)
		return;
	fd_release(&files->root);
	free(files->exe);
	free(files->aout);
	free(files);
}

/* RES_OK: there is an ELF file at path. */
static enum res check_aout(const char *path, struct fault *f)
{
	OWNED(fd_release) int fd = core_open_regular(path);
	char magic[SELFMAG];

	if (fd < 0)
		return fault_set(f, G_NOEXEC, errno, 0, "%s: %s", path, stored_error(errno));
	if (fileio_pread(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, ELFMAG, SELFMAG) != 0)
		return fault_set(f, G_NOEXEC, ENOEXEC, 0, "%s: not an ELF file", path);
	return RES_OK;
}

/* The folder before `exe` in `aout`, opened; -1: aout does not end so, or is exe itself. */
static int root_of(const char *aout, const char *exe)
{
	OWNED(mem_release) char *real = realpath(aout, NULL);
	size_t n = real == NULL ? 0 : strlen(real), exe_n = strlen(exe);

	if (exe[0] != '/' || n <= exe_n || strcmp(real + n - exe_n, exe) != 0)
		return -1;
	real[n - exe_n] = '\0';
	return open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

enum res core_files_create(struct core *core, const char *aout, struct proc_files *out, struct fault *f)
{
	struct core_files *files;
	OWNED(fd_release) int root = aout == NULL ? -1 : open(aout, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0)
		aout = NULL;
	if (aout != NULL && check_aout(aout, f) != RES_OK)
		return RES_FAIL;
	files = calloc(1, sizeof(*files));
	if (files == NULL)
		return fault_memory(f);
	files->only = root >= 0;
	files->root = fd_keep(&root);
	files->exe = core_exe_path(core);
	if (aout != NULL)
		files->aout = strdup(aout);
	if (aout != NULL && files->aout == NULL) {
		files_destroy(files);
		return fault_memory(f);
	}
	if (files->exe != NULL && files->aout != NULL)
		files->root = root_of(files->aout, files->exe);
	*out = (struct proc_files){
		.open_mapping = open_mapping,
		.open_path = open_path,
		.destroy = files_destroy,
		.data = files,
	};
	return RES_OK;
}
