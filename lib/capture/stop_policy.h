/* Which threads of a live process are stopped. */
#ifndef CAPTURE_STOP_POLICY_H
#define CAPTURE_STOP_POLICY_H

enum stack_manner {
	STACK_GENTLE, /* those that are blocked or stopped are read as they lie, the others are held together */
	STACK_STOP,   /* all are held together: a picture of one moment */
	STACK_NO_STOP, /* none is held: of those that run there are Python frames at most */
};

#endif
