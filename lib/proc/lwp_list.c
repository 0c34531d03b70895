/* Lists of LWPs for Pstatus's and Ppsinfo's entries. */
#include "proc/lwp_list.h"

#include <stdlib.h>
#include <string.h>

prheader_t *lwp_list_create(size_t n, size_t size)
{
	prheader_t *list = calloc(1, sizeof(*list) + n * size);

	if (list != NULL)
		list->pr_entsize = (long)size;
	return list;
}

void lwp_list_add(prheader_t *list, const void *entry)
{
	char *entries = (char *)(list + 1);

	memcpy(entries + list->pr_nent++ * list->pr_entsize, entry, (size_t)list->pr_entsize);
}
