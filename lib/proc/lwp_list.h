/* Lists that a backend gives: a header, and entries of one size for the LWPs. */
#ifndef PROC_LWP_LIST_H
#define PROC_LWP_LIST_H

#include <stddef.h>

#include <libproc.h>

/* Create an empty list with room for n entries of `size` bytes. The caller frees it.
 * NULL: out of memory. */
prheader_t *lwp_list_create(size_t n, size_t size);

/* Append the entry, of which the list copies pr_entsize bytes. There must be room for it. */
void lwp_list_add(prheader_t *list, const void *entry);

#endif
