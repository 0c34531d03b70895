/* Notices of a handle, for tests of lib/proc. */
#ifndef SUPPORT_NOTICES_H
#define SUPPORT_NOTICES_H

#include "proc/handle.h"

/* The first notice with this code; NULL: there is none. */
static inline const struct notice *notice_of(struct ps_prochandle *P, enum notice_code code)
{
	const struct proc_objects *o = handle_objects(P);

	for (size_t i = 0; i < o->notices.n; i++) {
		if (o->notices.at[i].what.code == code)
			return &o->notices.at[i].what;
	}
	return NULL;
}

#endif
