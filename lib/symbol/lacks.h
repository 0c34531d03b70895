/* PRIVATE to lib/symbol: what names lack, and why; each cause once. */
#ifndef SYMBOL_LACKS_H
#define SYMBOL_LACKS_H

#include <stdbool.h>

#include "base/vec.h"
#include "symbol/symbolize.h"

enum { SYMBOL_LACKS_MAX = 64 };

/* All zeros: empty. */
struct symbol_lacks { /* a VEC */
	struct symbol_lack *at;
	size_t n, cap;
};

/* Note one, with a copy of the file's path ("": none) and of why->text. Nothing happens if it was
 * noted, without memory, or if there are SYMBOL_LACKS_MAX. */
void symbol_lacks_add(
    struct symbol_lacks *lacks, enum symbol_lack_code code, const char *file, const struct fault *why);

/* True if this lack of this file was noted. */
bool symbol_lacks_has(const struct symbol_lacks *lacks, enum symbol_lack_code code, const char *file);

void symbol_lacks_free(struct symbol_lacks *lacks); /* empty afterwards */

#endif
