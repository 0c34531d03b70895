/* What made_code.c has read, and its end. */
#include "proc/made_code.h"

#include <stdlib.h>

void made_codes_clear(struct made_codes *m)
{
	for (size_t i = 0; i < m->files.n; i++) {
		elf_symbols_destroy(m->files.at[i].symbols);
		elf_image_close(m->files.at[i].image);
	}
	vec_free(&m->files);
	vec_free(&m->pieces);
	m->bytes = m->entries = 0;
	m->lacking = false;
}

void made_codes_destroy(struct made_codes *m)
{
	if (m != NULL)
		made_codes_clear(m);
	free(m);
}
