#!/usr/sbin/dtrace -s
/* function.d PID FUNCTION   Each time process PID enters a Python function of that name, the stack of the thread that does.
 * The process is stopped there, and goes on. Needs a Python that was built with its probes for tracers (--with-dtrace) and fires them: see
 * function.bt. dtrace on Linux looks for the program's file by its path, so not from outside of a container. */
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

python$1:::function-entry
/pid == $1 && $1 != 0 && copyinstr(arg1) == $$2/
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
