/* Of libmany.so, see many.S: a function of the C library that it wants, so that it has a dynamic symbol table. */
#include <stdio.h>

int many(void);

int many(void)
{
	return puts("many");
}
