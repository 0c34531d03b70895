#!/usr/sbin/dtrace -s
/* top.d PID   Print the busiest Python functions of process PID every two seconds. */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs

BEGIN
/$1 == 0/
{
	printf("usage: top.d pid\n");
	exit(2);
}

BEGIN
/$1 != 0/
{
	system("pystack-stopped -w %d %d", $pid, $1);
}

tick-2s
/$1 != 0/
{
	system("pystack-top %d; echo", $1);
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
