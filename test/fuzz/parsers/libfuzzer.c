/* What libFuzzer calls. FUZZ_PARSER is the function of one parser, FUZZ_NAME its name. */
#include <string.h>

#include "mutate.h"
#include "parsers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t most); /* libFuzzer's own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	FUZZ_PARSER(data, n);
	return 0;
}

/* Bytes before the ELF file of an input of elf; bytes of a change of python. */
enum { ELF_HEAD = 2, PYTHON_HEAD = 1, PYTHON_CHANGE = 11 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t most, unsigned seed)
{
	if (seed % 2 == 0 || n < ELF_HEAD)
		return LLVMFuzzerMutate(data, n, most);
	seed /= 2;
	if (strcmp(FUZZ_NAME, "elf") == 0)
		mutate_elf(data + ELF_HEAD, n - ELF_HEAD, seed);
	else if (strcmp(FUZZ_NAME, "core") == 0)
		mutate_elf(data, n, seed);
	else if (strcmp(FUZZ_NAME, "python") == 0)
		mutate_records(data, n, PYTHON_HEAD, PYTHON_CHANGE, seed);
	else
		return LLVMFuzzerMutate(data, n, most);
	return n;
}
