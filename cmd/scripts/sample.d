#!/usr/sbin/dtrace -s
/* sample.d PID SECONDS   Print the stacks of process PID ten times a second. Waiting threads are
 * not stopped. `sample.d 4711 30 | pystack -c` counts the stacks. (pystack -i does both,
 * faster.) */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs
#pragma D option switchrate=100ms

BEGIN
/$1 == 0 || $2 == 0/
{
	printf("usage: sample.d pid seconds\n");
	exit(2);
}

BEGIN
/$1 != 0 && $2 != 0/
{
	system("pystack-stopped -w %d %d", $pid, $1);
}

tick-10hz
/$1 != 0/
{
	system("pystack %d", $1);
}

tick-1s
/$2 != 0 && ++seconds == $2/
{
	exit(0);
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
