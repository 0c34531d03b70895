/* Parsers of hostile bytes, each as a function that takes any bytes. `make check` calls them with
 * the files of test/fuzz/corpus/NAME (parsers_test.c), `make fuzz` with what libFuzzer makes of these
 * (libfuzzer.c). They return nothing: a sanitizer, an abort or a limit of time is the finding. Bytes
 * are copied to memory of their own size where the parser keeps pointers, so that a read past their
 * end is noticed. */
#ifndef FUZZ_PARSERS_H
#define FUZZ_PARSERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define FUZZ_PARSERS(X) \
	X(lines)        \
	X(cfi)          \
	X(elf)          \
	X(core)         \
	X(python)       \
	X(proc)         \
	X(stacks)       \
	X(conditions)   \
	X(names)        \
	X(records)      \
	X(unwind)       \
	X(values)

#define FUZZ_DECLARE(name) void fuzz_##name(const uint8_t *data, size_t n);
FUZZ_PARSERS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

/* Abort unless `holds`. */
static inline void fuzz_must(bool holds)
{
	if (!holds)
		abort();
}

/* A copy of n bytes, which the caller frees. Not NULL, even if n is 0. */
void *fuzz_copy(const void *data, size_t n);

/* Abort unless the text is what pystack may print: lines without control characters. */
void fuzz_check_printed(const char *text, size_t n);

#endif
