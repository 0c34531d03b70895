/* Which C library a program has, by the names of its files. */
#include <string.h>

#include "arch/arch.h"

/* Base names of each library's files: the whole name, or how it begins. musl is one file, which
 * is the dynamic linker too; Debian installs it as libc.so, which is a text in glibc and never
 * mapped. */
static const struct {
	const char *library, *file;
	bool whole;
} files[] = {
	{ "glibc", "libc.so.6", true },
	{ "glibc", "libc-2.", false }, /* up to 2.33 */
	{ "glibc", "ld-linux", false },
	{ "musl", "ld-musl-", false },
	{ "musl", "libc.musl-", false },
	{ "musl", "libc.so", true },
};

/* The library that has a file of this name; NULL: none. */
static const char *library_of(const char *file)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].whole ? strcmp(file, files[i].file) == 0
				   : strncmp(file, files[i].file, strlen(files[i].file)) == 0)
			return files[i].library;
	}
	return NULL;
}

const struct arch_libc *arch_libc_of_file(const struct arch *arch, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *library = library_of(slash == NULL ? path : slash + 1);

	for (size_t i = 0; library != NULL && i < arch->n_libc; i++) {
		if (strcmp(arch->libc[i].name, library) == 0)
			return &arch->libc[i];
	}
	return NULL;
}
