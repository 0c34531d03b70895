/* package.h on Linux: dpkg's lists of files, one a package, a path a line.
 *
 * Debian builds debug information as NAME-dbgsym of each package NAME, unless the source has a
 * package of its own for it. Of two it is known that they have: those of CPython and of glibc. */
#include "os/package.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bound.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "proc/handle.h"

enum { LISTS_MAX = 1 << 14, LIST_BYTES_MAX = 8 << 20, LISTS_BYTES_MAX = 256 << 20, PATH_BYTES = 4096 };

static const char suffix[] = ".list";

static void dir_release(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static bool has_line(const char *text, size_t n, const char *line)
{
	size_t length = strlen(line);
	const char *end = text + n;

	for (const char *at = text; (at = memmem(at, (size_t)(end - at), line, length)) != NULL; at++) {
		if ((at == text || at[-1] == '\n') && (at + length == end || at[length] == '\n'))
			return true;
	}
	return false;
}

/* Does the list have the path, or what it was before /lib became a link to /usr/lib? */
static bool list_has(int dir, const char *list, const char *path, size_t *left)
{
	static const char usr[] = "/usr";
	OWNED(mem_release) char *text = NULL;
	size_t n = 0;

	if (*left < LIST_BYTES_MAX || fileio_slurp(dir, list, LIST_BYTES_MAX, &text, &n) != 0)
		return false;
	*left -= n;
	return has_line(text, n, path) ||
	       (strncmp(path, "/usr/lib", 8) == 0 && has_line(text, n, path + sizeof(usr) - 1));
}

/* Is it a package of CPython's source, such as libpython3.11-stdlib? *version: 3.11, n bytes. */
static bool is_python(const char *name, const char **version, size_t *n)
{
	static const char *const rests[] = { "", "-minimal", "-stdlib" };
	size_t minor;

	if (strncmp(name, "lib", 3) == 0)
		name += 3;
	if (strncmp(name, "python3.", 8) != 0)
		return false;
	minor = strspn(name + 8, "0123456789");
	*version = name + 6;
	*n = 2 + minor;
	for (size_t i = 0; minor > 0 && i < sizeof(rests) / sizeof(rests[0]); i++) {
		if (strcmp(name + 8 + minor, rests[i]) == 0)
			return true;
	}
	return false;
}

static bool debug_package(const char *name, char *out, size_t n)
{
	const char *version;
	size_t length;

	if (is_python(name, &version, &length)) {
		(void)snprintf(out, n, "python%.*s-dbg", (int)length, version);
		return true;
	}
	(void)snprintf(out, n, "%s%s", name, strcmp(name, "libc6") == 0 ? "-dbg" : "");
	return strcmp(name, "libc6") == 0;
}

bool os_debug_package_in(const char *lists, const char *path, char *out, size_t n)
{
	OWNED(fd_release) int fd = open(lists, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWNED(dir_release) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t left = LISTS_BYTES_MAX;
	const struct dirent *entry;

	out[0] = '\0';
	if (dir == NULL)
		return false;
	(void)fd_keep(&fd); /* it is dir's */
	for (int i = 0; i < LISTS_MAX && (entry = readdir(dir)) != NULL && !bound_passed(BOUND_FILES); i++) {
		size_t length = strlen(entry->d_name);
		char name[256];

		if (length < sizeof(suffix) || length >= sizeof(name) ||
		    strcmp(entry->d_name + length - (sizeof(suffix) - 1), suffix) != 0 ||
		    !list_has(dirfd(dir), entry->d_name, path, &left))
			continue;
		memcpy(name, entry->d_name, length + 1);
		name[length - (sizeof(suffix) - 1)] = '\0';
		name[strcspn(name, ":")] = '\0';
		return debug_package(name, out, n);
	}
	return false;
}

/* Is the file at that path here the one that P has mapped? It may have another root. */
static bool is_mapped_here(const struct proc_objects *o, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < o->maps.n; i++) {
		const struct proc_map *m = &o->maps.at[i];

		if (m->path != NULL && m->inode != 0 && strcmp(m->path, path) == 0)
			return stat(path, &st) == 0 && st.st_ino == m->inode && st.st_dev == m->dev;
	}
	return false;
}

bool os_debug_package(struct ps_prochandle *P, const char *path, char *out, size_t n)
{
	const struct proc_objects *o = handle_objects(P);
	bool known;

	out[0] = '\0';
	if (o == NULL || path[0] != '/')
		return false;
	known = os_debug_package_in("/var/lib/dpkg/info", path, out, n);
	if (out[0] == '\0' || is_mapped_here(o, path))
		return known;
	out[0] = '\0';
	return false;
}
