#!/usr/sbin/dtrace -s
/* write.d PID FD   Print a thread's stack each time it writes to file descriptor FD in process PID
 * (ls -l /proc/PID/fd, or pfiles, lists the files). The process is stopped at the probe and
 * resumed. */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs

BEGIN
/$1 == 0 || $2 == 0/
{
	printf("usage: write.d pid fd\n");
	exit(2);
}

BEGIN
/$1 != 0/
{
	held = 0;
	stop_number = timestamp;
	system("pystack-stopped -w %d %d", $pid, $1);
}

syscall::write:entry,
syscall::writev:entry,
syscall::pwrite64:entry
/pid == $1 && $1 != 0 && arg0 == $2/
{
	held = 1;
	raise(19);
	system("pystack-stopped -c -s %d.%d -a '* 0x%x 0x%x' %d/%d", $pid, stop_number, uregs[R_SP], uregs[R_PC], pid, tid);
}

/* The process is resumed: later events belong to another stop. */
rawtp:::signal_generate
/arg0 == 18 && ((struct task_struct *)arg2)->tgid == $1/
{
	held = 0;
	stop_number = timestamp;
}

/* ^C or kill. dtrace ignores it while it runs a command. */
rawtp:::signal_generate
/(arg0 == 2 || arg0 == 15) && ((struct task_struct *)arg2)->tgid == $pid/
{
	exit(0);
}

proc:::exit
/pid == $1/
{
	exit(0);
}

/* The script ended after a stop and before the command that resumes the process. */
END
/held/
{
	system("kill -CONT %d", $1);
}

END
/$1 != 0/
{
	system("pystack-stopped -e %d %d", $pid, $1);
}
