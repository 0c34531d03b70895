/* Cores that are not a plain file: compressed ones, and those that come through standard input. */
#ifndef PYSTACK_CORE_OPEN_H
#define PYSTACK_CORE_OPEN_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"

enum core_opened {
	CORE_OTHER,   /* it is none of these */
	CORE_OPENED,  /* P is the core */
	CORE_REFUSED, /* it cannot be read; why says so */
	CORE_TEXT,    /* standard input is not a core; `text` has what it was, from its start */
};

struct core_open {
	struct ps_prochandle *P; /* the core; NULL: see what core_grab returned */
	char *name;              /* of the file; owned; NULL: standard input */
	const char *lwps;        /* what follows its last slash, a set of LWPs; NULL: none is given */
	bool partly;             /* its end or a part is missing, which was told */
	int text;                /* with CORE_TEXT a descriptor, the caller's, of what was read */
	struct fault why;        /* with CORE_REFUSED */
};

#define CORE_STDIN "standard input"

/* True if this operand is standard input: `-`, or `-/lwps`. */
bool core_is_stdin(const char *typed);

/* Grab the core that comes through standard input or is compressed, with or without /lwps.
 * aout: as for Pfgrab_core. text: standard input may as well be stacks as text. The caller frees
 * out->name. */
enum core_opened core_grab(const char *typed, const char *aout, bool text, struct core_open *out);

#endif
