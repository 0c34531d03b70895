/* Changes that libFuzzer makes by itself seldom, by what the input consists of. Each function changes
 * n bytes in place; seed chooses how. Linked into the programs of libFuzzer only. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* A field of the headers or notes of the ELF file at data. */
void mutate_elf(uint8_t *data, size_t n, unsigned seed);

/* One of the records of `record` bytes from `from` on, each a place, a kind and a value as in
 * python.c. */
void mutate_records(uint8_t *data, size_t n, size_t from, size_t record, unsigned seed);

#endif
