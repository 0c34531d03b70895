#!/usr/sbin/dtrace -s
/* top.d PID   Every two seconds the Python functions of process PID that ran most. */
#pragma D option quiet
#pragma D option destructive
#pragma D option defaultargs

BEGIN
/$1 == 0/
{
	printf("usage: top.d pid\n");
	exit(2);
}

tick-2s
/$1 != 0/
{
	system("pystack-top %d; echo", $1);
}
