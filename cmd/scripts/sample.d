#!/usr/sbin/dtrace -s
/* sample.d PID SECONDS   The stacks of process PID ten times a second, nothing stopped that waits.
 * sample.d 4711 30 | pystack -c counts them. (pystack -i samples by itself, and quicker.) */
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
