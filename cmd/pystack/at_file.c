/* See at_file.h. */
#include "at_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/owned.h"

/* The path of a file that P has mapped, by its name or full path as P sees it. */
struct mapped_search {
	pid_t pid;
	const char *name;
	char *path;
	uintptr_t lo, hi; /* the first mapping of it */
};

static int found_mapping(struct mapped_search *m, const prmap_t *map, const char *path)
{
	m->path = strdup(path);
	m->lo = map->pr_vaddr;
	m->hi = map->pr_vaddr + map->pr_size;
	return 1;
}

static int is_mapped(void *data, const prmap_t *map, const char *path)
{
	struct mapped_search *m = data;
	const char *base;

	if (path == NULL || path[0] != '/')
		return 0;
	base = strrchr(path, '/') + 1;
	if (strcmp(strchr(m->name, '/') != NULL ? path : base, m->name) != 0)
		return 0;
	return found_mapping(m, map, path);
}

/* Is the mapped file known by m's name, too: by another path, or by a link in its directory, as
 * libc.so.6 is to libc-2.31.so? */
static int is_alias(void *data, const prmap_t *map, const char *path)
{
	OWNED(mem_release) char *alias = NULL, *link = NULL;
	struct mapped_search *m = data;
	struct stat named, mapped;
	bool whole = m->name[0] == '/';

	if (path == NULL || path[0] != '/' || (!whole && strchr(m->name, '/') != NULL))
		return 0;
	if (asprintf(&alias, "/proc/%d/root%.*s%s", (int)m->pid,
		whole ? 0 : (int)(strrchr(path, '/') + 1 - path), path, m->name) < 0 ||
	    asprintf(&link, "/proc/%d/map_files/%lx-%lx", (int)m->pid, (unsigned long)map->pr_vaddr,
		(unsigned long)(map->pr_vaddr + map->pr_size)) < 0)
		return 0;
	if (stat(alias, &named) != 0 || stat(link, &mapped) != 0 || named.st_dev != mapped.st_dev ||
	    named.st_ino != mapped.st_ino)
		return 0;
	return found_mapping(m, map, path);
}

static bool is_file(const char *path, const struct stat *file)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* The path from here of the file that m has found in process pid: if possible one that is valid
 * without that process. Another file may have taken its name, as after an upgrade: a probe in that
 * one would never be met. */
static char *mapped_path(const struct mapped_search *m)
{
	OWNED(mem_release) char *link = NULL;
	char *path = NULL;
	struct stat mapped;
	bool known;

	if (asprintf(&link, "/proc/%d/map_files/%lx-%lx", (int)m->pid, (unsigned long)m->lo,
		(unsigned long)m->hi) < 0)
		return NULL;
	known = stat(link, &mapped) == 0;
	if (known && is_file(m->path, &mapped))
		return strdup(m->path);
	if (asprintf(&path, "/proc/%d/root%s", (int)m->pid, m->path) < 0)
		return NULL;
	if (!known || is_file(path, &mapped))
		return path;
	free(path);
	return strdup(link);
}

char *at_file_path(struct ps_prochandle *P, const char *file)
{
	struct mapped_search m = { .pid = Pstatus(P)->pr_pid, .name = file };
	char *path;

	if (Pobject_iter(P, is_mapped, &m) == 0)
		(void)Pobject_iter(P, is_alias, &m);
	path = m.path == NULL ? strdup(file) : mapped_path(&m);
	free(m.path);
	return path;
}

struct inode_search {
	struct stat st;
	pid_t pid;
};

static int is_inode(void *data, const prmap_t *map, const char *path)
{
	const struct inode_search *s = data;
	OWNED(mem_release) char *link = NULL, *name = NULL;
	struct stat st;

	if (path == NULL || path[0] != '/' ||
	    asprintf(&link, "/proc/%d/map_files/%lx-%lx", (int)s->pid, (unsigned long)map->pr_vaddr,
		(unsigned long)(map->pr_vaddr + map->pr_size)) < 0)
		return 0;
	if (stat(link, &st) == 0)
		return st.st_dev == s->st.st_dev && st.st_ino == s->st.st_ino;
	/* These links take a capability more than probes do. */
	return asprintf(&name, "/proc/%d/root%s", (int)s->pid, path) >= 0 && is_file(name, &s->st);
}

bool at_file_is_mapped(struct ps_prochandle *P, const char *path)
{
	struct inode_search s = { .pid = Pstatus(P)->pr_pid };

	return stat(path, &s.st) == 0 && Pobject_iter(P, is_inode, &s) != 0;
}
