#!/usr/sbin/dtrace -s
/* rmdir.d PID   Each time process PID calls rmdir(2), the stack of the thread that does. The process is
 * stopped there, and goes on. */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs

BEGIN
/$1 == 0/
{
	printf("usage: rmdir.d pid\n");
	exit(2);
}

syscall::rmdir:entry
/pid == $1 && $1 != 0/
{
	stopped = 1;
	raise(19);
	system("pystack-stopped -c %d/%d", pid, tid);
}

/* Ended between a stop and the command, which would let it go on. */
END
/stopped/
{
	system("kill -CONT %d", $1);
}
