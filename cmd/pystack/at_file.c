/* See at_file.h. */
#include "at_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "os/same_file.h"

/* The path of a file that P has mapped, by its name or full path as P sees it. */
struct mapped_search {
	struct ps_prochandle *P;
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

/* The link to the mapped file, malloc'd. NULL: out of memory. */
static char *link_of(pid_t pid, uintptr_t lo, uintptr_t hi)
{
	char *link;

	return asprintf(&link, "/proc/%d/map_files/%lx-%lx", (int)pid, (unsigned long)lo, (unsigned long)hi) <
		       0
		   ? NULL
		   : link;
}

static char *link_of_map(struct ps_prochandle *P, const prmap_t *map)
{
	return link_of(Pstatus(P)->pr_pid, map->pr_vaddr, map->pr_vaddr + map->pr_size);
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
	struct os_file_id mapped;
	bool whole = m->name[0] == '/';

	if (path == NULL || path[0] != '/' || (!whole && strchr(m->name, '/') != NULL))
		return 0;
	if (asprintf(&alias, "%.*s%s", whole ? 0 : (int)(strrchr(path, '/') + 1 - path), path, m->name) < 0)
		return 0;
	link = link_of_map(m->P, map);
	if (link == NULL || !os_file_of_link(link, &mapped) || !os_file_is_below(m->P, alias, &mapped))
		return 0;
	return found_mapping(m, map, path);
}

static bool is_file(const char *path, const struct os_file_id *file)
{
	struct os_file_id its;

	return os_file_at(path, &its) && os_file_same(&its, file);
}

/* The path from here of the file that m has found in process pid: if possible one that is valid
 * without that process. Another file may have taken its name, as after an upgrade: a probe in that
 * one would never be met. */
static char *mapped_path(const struct mapped_search *m)
{
	const pid_t pid = Pstatus(m->P)->pr_pid;
	OWNED(mem_release) char *link = link_of(pid, m->lo, m->hi);
	char *path = NULL;
	struct os_file_id mapped;
	bool known;

	if (link == NULL)
		return NULL;
	known = os_file_of_link(link, &mapped);
	if (known && is_file(m->path, &mapped))
		return strdup(m->path);
	if (asprintf(&path, "/proc/%d/root%s", (int)pid, m->path) < 0)
		return NULL;
	if (!known || os_file_is_below(m->P, m->path, &mapped))
		return path;
	free(path);
	return strdup(link);
}

char *at_file_path(struct ps_prochandle *P, const char *file)
{
	struct mapped_search m = { .P = P, .name = file };
	char *path;

	if (Pobject_iter(P, is_mapped, &m) == 0)
		(void)Pobject_iter(P, is_alias, &m);
	path = m.path == NULL ? strdup(file) : mapped_path(&m);
	free(m.path);
	return path;
}

struct inode_search {
	struct os_file_id file;
	struct ps_prochandle *P;
};

static int is_inode(void *data, const prmap_t *map, const char *path)
{
	const struct inode_search *s = data;
	OWNED(mem_release) char *link = NULL;
	struct os_file_id mapped;

	if (path == NULL || path[0] != '/')
		return 0;
	link = link_of_map(s->P, map);
	if (link == NULL)
		return 0;
	if (os_file_of_link(link, &mapped))
		return os_file_same(&mapped, &s->file);
	/* These links take a capability more than probes do. */
	return os_file_is_below(s->P, path, &s->file);
}

bool at_file_is_mapped(struct ps_prochandle *P, const char *path)
{
	struct inode_search s = { .P = P };

	return os_file_at(path, &s.file) && Pobject_iter(P, is_inode, &s) != 0;
}
