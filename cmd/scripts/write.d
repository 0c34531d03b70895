#!/usr/sbin/dtrace -s
/* write.d PID FD   Each time process PID writes to descriptor FD (ls -l /proc/PID/fd, or pfiles, says which file that
 * is), the stack of the thread that does. The process is stopped there, and goes on. */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs

BEGIN
/$1 == 0 || $2 == 0/
{
	printf("usage: write.d pid fd\n");
	exit(2);
}

syscall::write:entry,
syscall::writev:entry,
syscall::pwrite64:entry
/pid == $1 && $1 != 0 && arg0 == $2/
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
