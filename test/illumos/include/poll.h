/* Stand-in for illumos <poll.h>. */
#ifndef STAND_IN_POLL_H
#define STAND_IN_POLL_H

typedef unsigned long nfds_t;
struct pollfd {
	int fd;
	short events;
	short revents;
};
#define POLLIN 1
extern int poll(struct pollfd *, nfds_t, int);

#endif
