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

/* The process goes on: what fires from here on belongs to another stop. */
rawtp:::signal_generate
/arg0 == 18 && ((struct task_struct *)arg2)->tgid == $1/
{
	held = 0;
	stop_number = timestamp;
}

/* ^C or kill: dtrace itself does not hear it while it runs a command. */
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

/* Ended between a stop and the command, which would let it go on. */
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
