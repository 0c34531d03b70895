/* PRIVATE to lib/symbol: source names of mangled ones, each found once. */
#ifndef SYMBOL_SOURCE_NAMES_H
#define SYMBOL_SOURCE_NAMES_H

#include <stdbool.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "symbol/demangle.h"

struct source_name {
	const char *mangled; /* borrowed */
	char *source;        /* owned; NULL: it has none */
};

/* All zeros at the start. */
struct source_names {
	VEC(struct source_name) at;
	struct addrmap index; /* hash of the mangled name → index in `at` */
	size_t found;         /* the first so many were looked for */
	bool given_up;        /* names of this process break the library */
};
void source_names_free(struct source_names *s);

/* True if the name is of a kind that may have a source name: of C++, Rust or Cython. */
bool source_names_wanted(const char *name);

/* Note such a name, which must outlive s. Without memory it is not noted. */
void source_names_add(struct source_names *s, const char *mangled);

/* Find the source names of all that were noted. RES_FAIL: not all could be found; *f says why.
 * After that s finds no more, so that hostile names cost the time of one child process. */
enum res source_names_find(struct source_names *s, struct fault *f);

/* The source name of a mangled one; NULL: it has none, or was not noted. */
const char *source_name_of(const struct source_names *s, const char *mangled);

#endif
