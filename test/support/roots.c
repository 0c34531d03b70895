/* Interpreters, by the names that their installers use: /usr/bin/python3 is a link to python3.N,
 * pyenv has version X in versions/X, and test/root.sh makes a root with python3.14 and python3.15.
 * PYTHON=/path in the environment: this interpreter alone, which may be in another root and have
 * any name. */
#include "support/roots.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/spawn_files.h"

static void add(struct interpreter *out, size_t max, size_t *n, const struct interpreter *one)
{
	if (*n < max && (one->major >= 3 || (one->major == 2 && one->minor >= 4)))
		out[(*n)++] = *one;
}

/* path is or leads to a file pythonX.Y. */
static void find_named(const char *path, struct interpreter *out, size_t max, size_t *n)
{
	struct interpreter one = { .root = "" };
	char target[PATH_MAX];
	const char *base;

	if (snprintf(one.path, sizeof(one.path), "%s", path) >= (int)sizeof(one.path) ||
	    realpath(path, target) == NULL)
		return;
	base = strrchr(target, '/') + 1;
	if (sscanf(base, "python%d.%d", &one.major, &one.minor) != 2)
		return;
	(void)snprintf(one.label, sizeof(one.label), "%.*s%.40s",
	    (int)(strrchr(path, '/') == NULL ? 0 : strrchr(path, '/') + 1 - path), path, base);
	add(out, max, n, &one);
}

static void find_pyenv(struct interpreter *out, size_t max, size_t *n)
{
	const char *home = getenv("HOME");
	char folder[PATH_MAX];
	struct dirent **names = NULL;
	int count;

	(void)snprintf(folder, sizeof(folder), "%s/.pyenv/versions", home == NULL ? "" : home);
	count = scandir(folder, &names, NULL, versionsort);
	for (int i = 0; i < count; i++) {
		struct interpreter one = { .root = "" };

		if (sscanf(names[i]->d_name, "%d.%d", &one.major, &one.minor) == 2 &&
		    snprintf(one.path, sizeof(one.path), "%s/%s/bin/python", folder, names[i]->d_name) <
			(int)sizeof(one.path) &&
		    access(one.path, X_OK) == 0) {
			(void)snprintf(one.label, sizeof(one.label), "%.60s", names[i]->d_name);
			add(out, max, n, &one);
		}
		free(names[i]);
	}
	free(names);
}

static void find_root(struct interpreter *out, size_t max, size_t *n, int say)
{
	static const int minors[] = { 14, 15 };
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char root[200], path[PATH_MAX];
	const char *why;

	if (cache != NULL && cache[0] != 0)
		(void)snprintf(root, sizeof(root), "%s/pystack/matrix/sid", cache);
	else
		(void)snprintf(root, sizeof(root), "%s/.cache/pystack/matrix/sid", home == NULL ? "" : home);
	if (geteuid() != 0) {
		if (say)
			(void)printf("SKIP: Python 3.14 and 3.15: chroot into %s needs root\n", root);
		return;
	}
	why = spawn_no_mounts();
	if (why != NULL) {
		if (say)
			(void)printf("SKIP: Python 3.14 and 3.15 in a root of their own: %s\n", why);
		return;
	}
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		struct interpreter one = { .major = 3, .minor = minors[i] };

		(void)snprintf(one.path, sizeof(one.path), "/usr/bin/python3.%d", one.minor);
		(void)snprintf(one.root, sizeof(one.root), "%s", root);
		(void)snprintf(one.label, sizeof(one.label), "sid 3.%d", one.minor);
		(void)snprintf(path, sizeof(path), "%s%s", root, one.path);
		if (access(path, X_OK) == 0)
			add(out, max, n, &one);
		else if (say)
			(void)printf("SKIP: Python 3.%d: no %s (made by test/root.sh)\n", one.minor, path);
	}
}

/* The one of the environment. Why there is none, or NULL. */
static const char *find_only(const char *path, struct interpreter *out, size_t max, size_t *n)
{
	const char *root = getenv("PYSTACK_TEST_ROOT"), *version = getenv("PYSTACK_TEST_VERSION");
	struct interpreter one = { .root = "" };
	char file[PATH_MAX];

	if (root == NULL && version == NULL) {
		find_named(path, out, max, n);
		return *n == 0 ? "leads to no file named pythonX.Y" : NULL;
	}
	(void)snprintf(one.path, sizeof(one.path), "%s", path);
	(void)snprintf(one.root, sizeof(one.root), "%s", root == NULL ? "" : root);
	(void)snprintf(one.label, sizeof(one.label), "%.63s", path);
	(void)snprintf(file, sizeof(file), "%s%s", one.root, path);
	if (version == NULL || sscanf(version, "%d.%d", &one.major, &one.minor) != 2)
		return "needs PYSTACK_TEST_VERSION=X.Y too";
	if (access(file, X_OK) != 0)
		return "is not there";
	if (one.root[0] != 0 && spawn_no_mounts() != NULL)
		return spawn_no_mounts();
	add(out, max, n, &one);
	return NULL;
}

size_t roots_find(struct interpreter *out, size_t max, int say)
{
	const char *only = getenv("PYTHON"), *why;
	size_t n = 0;

	if (only != NULL && only[0] == '/') {
		why = find_only(only, out, max, &n);
		if (why != NULL && say)
			(void)printf("SKIP: PYTHON=%s: %s\n", only, why);
		(void)fflush(stdout);
		return n;
	}
	find_named("/usr/bin/python3", out, max, &n);
	find_pyenv(out, max, &n);
	find_root(out, max, &n, say);
	(void)fflush(stdout);
	return n;
}
