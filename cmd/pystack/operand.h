/* One operand of the command line. */
#ifndef PYSTACK_OPERAND_H
#define PYSTACK_OPERAND_H

/* The strings are the caller's. */
struct operand {
	const char *typed; /* as typed; messages name it so */
	const char *name;  /* without its set of LWPs */
	const char *lwps;  /* that set; NULL: all */
};

#endif
