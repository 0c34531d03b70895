/* Stand-in for illumos <sys/siginfo.h>. */
#ifndef STAND_IN_SYS_SIGINFO_H
#define STAND_IN_SYS_SIGINFO_H

#include <sys/types.h>

typedef struct siginfo {
	int si_signo;
	int si_code;
	int si_errno;
	int si_pad; /* LP64 */
	union {
		int __pad[60]; /* 256 bytes in all */
		struct {
			pid_t __pid;
			uid_t __uid;
		} __proc;
		struct {
			void *__addr;
		} __fault;
	} __data;
} siginfo_t;

#define si_pid __data.__proc.__pid
#define si_uid __data.__proc.__uid
#define si_addr __data.__fault.__addr

#define SI_USER 0
#define SI_FROMUSER(sip) ((sip)->si_code <= 0)

#endif
