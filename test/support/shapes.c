#include "support/shapes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"

bool shape_library(int i, char out[PATH_MAX])
{
	const struct interpreter *in = &live_interpreters(NULL)[i];
	char folder[512], *slash;
	static const char *const abis[] = { "", "m" };

	if (in->root[0] != 0)
		return false;
	(void)snprintf(folder, sizeof(folder), "%s", in->path);
	slash = strstr(folder, "/bin/");
	if (slash == NULL)
		return false;
	*slash = 0;
	for (size_t k = 0; k < 4; k++) {
		(void)snprintf(out, PATH_MAX, "%s/lib%s/libpython%d.%d%s.so.1.0", folder,
		    k < 2 ? "" : "/x86_64-linux-gnu", in->major, in->minor, abis[k % 2]);
		if (access(out, R_OK) == 0)
			return true;
	}
	return false;
}

/* The library of another interpreter than i, the next that has one. */
static bool other_library(int i, char out[PATH_MAX])
{
	size_t n;

	(void)live_interpreters(&n);
	for (int k = 1; k < (int)n; k++) {
		if (shape_library((i + k) % (int)n, out))
			return true;
	}
	return false;
}

bool shape_start(struct fixture *f, int i, const char *shape, bool two)
{
	const struct interpreter *in = &live_interpreters(NULL)[i];
	char program[PATH_MAX], library[PATH_MAX], other[PATH_MAX];
	struct fixture_options opt = { .executable = program };

	if (!shape_library(i, library) || (two && !other_library(i, other)))
		return false;
	spawn_built("test/programs/embed", program);
	fixture_start(f, in, &opt, ARGS(shape, "%", library, two ? other : NULL));
	return true;
}
