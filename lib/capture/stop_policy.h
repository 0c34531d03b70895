/* Which threads of a live process are stopped. */
#ifndef CAPTURE_STOP_POLICY_H
#define CAPTURE_STOP_POLICY_H

enum stop_policy {
	STOP_RUNNING, /* stop running threads, all at once; read the others as they are */
	STOP_ALL,     /* stop all threads at once: a picture of one instant */
	STOP_NONE,    /* stop none: running threads have Python frames at most */
};

#endif
