/* Which threads of a live process are stopped. */
#ifndef CAPTURE_STOP_POLICY_H
#define CAPTURE_STOP_POLICY_H

enum stop_policy {
	STOP_RUNNING, /* those that are blocked or stopped are read as they lie, the others are held together */
	STOP_ALL,     /* all are held together: a picture of one moment */
	STOP_NONE,    /* none is held: of those that run there are Python frames at most */
};

#endif
