/* Lifetime of records. */
#include "report/record.h"

void record_thread_free(struct record_thread *t)
{
	vec_free(&t->interps);
	vec_free(&t->items);
}
