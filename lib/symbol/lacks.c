/* See lacks.h. */
#include "symbol/lacks.h"

#include <stdlib.h>
#include <string.h>

bool symbol_lacks_has(const struct symbol_lacks *lacks, enum symbol_lack_code code, const char *file)
{
	for (size_t i = 0; i < lacks->n; i++) {
		if (lacks->at[i].code == code && strcmp(lacks->at[i].file, file) == 0)
			return true;
	}
	return false;
}

void symbol_lacks_add(
    struct symbol_lacks *lacks, enum symbol_lack_code code, const char *file, const struct fault *why)
{
	struct symbol_lack lack = { .code = code, .why = *why };

	if (lacks->n == SYMBOL_LACKS_MAX || symbol_lacks_has(lacks, code, file))
		return;
	lack.file = strdup(file);
	if (lack.file == NULL || !vec_push(lacks, lack))
		free(lack.file);
}

void symbol_lacks_free(struct symbol_lacks *lacks)
{
	for (size_t i = 0; i < lacks->n; i++)
		free(lacks->at[i].file);
	vec_free(lacks);
}
