#!/usr/sbin/dtrace -s
/* function.d PID FUNCTION   Print a thread's stack each time it enters the Python function FUNCTION
 * in process PID. The process is stopped at the probe and resumed. Needs a Python that was built
 * with probes (--with-dtrace) and fires them: see function.bt. On Linux dtrace opens the program's
 * file by its path, so it cannot probe a process in a container from outside. */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs
#pragma D option zdefs

BEGIN
/$1 == 0/
{
	printf("usage: function.d pid function\n");
	exit(2);
}

BEGIN
/$1 != 0/
{
	held = 0;
	stop_number = timestamp;
	system("pystack-stopped -w %d %d", $pid, $1);
}

python$1:::function-entry
/pid == $1 && $1 != 0 && copyinstr(arg1) == $$2/
{
	held = 1;
	raise(19);
	system("pystack-stopped -c -s %d.%d -a '* 0x%x *' %d/%d", $pid, stop_number, uregs[R_SP], pid, tid);
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
