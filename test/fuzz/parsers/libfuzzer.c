/* What libFuzzer calls. FUZZ_PARSER is the function of one parser. */
#include "parsers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	FUZZ_PARSER(data, n);
	return 0;
}
