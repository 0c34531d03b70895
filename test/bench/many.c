/* Part of libmany.so, see many.S: it calls a function of the C library, so that the library has a
 * dynamic symbol table. */
#include <stdio.h>

int many(void);

int many(void)
{
	return puts("many");
}
