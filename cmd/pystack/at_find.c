/* See at_find.h. */
#include "at_find.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The parent of a process; 0: it has none, or has ended. */
static uint32_t parent_of(const char *pid)
{
	char path[64], line[512] = "";
	const char *name;
	unsigned parent = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	in = fopen(path, "re");
	if (in == NULL)
		return 0;
	(void)!fgets(line, sizeof(line), in);
	(void)fclose(in);
	name = strrchr(line, ')'); /* a name may have parentheses and spaces */
	return name != NULL && sscanf(name, ") %*c %u", &parent) == 1 ? parent : 0;
}

/* Observe the children of observed processes. Returns their number. */
static size_t add_children(struct observing *x)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	size_t n = 0;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		uint32_t pid = (uint32_t)strtoul(e->d_name, NULL, 10);

		if (isdigit((unsigned char)e->d_name[0]) && !observing_has(x, pid) &&
		    observing_has(x, parent_of(e->d_name)) && observing_add_pid(x, pid))
			n++;
	}
	if (proc != NULL)
		(void)closedir(proc);
	return n;
}

void at_find_children(struct observing *x)
{
	/* A child that was found after its own child in the list, or that has forked meanwhile. */
	do
		observing_update(x);
	while (add_children(x) > 0);
}
