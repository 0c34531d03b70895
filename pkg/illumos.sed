# Rewrites the dtrace scripts for illumos: its stop() takes effect at once, and its signals have
# other probes and numbers. If several threads reach the probe in one stop, the first is printed and
# the others are reported as lost, because prun has resumed them.
s/raise(19);/stop();/
s/kill -CONT/prun/
s/held = 1;/this->first = held == 0;\
	held = 1;/
s|system("pystack-stopped -c .*|system("%s %d/%d; %s %d", this->first ? "pystack -F" : "echo its stack at the probe could not be had:",\
	    pid, tid, this->first ? "prun" : ":", pid);|
/pystack-stopped/d
s/rawtp:::signal_generate/proc:::signal-send/
s/((struct task_struct \*)arg2)->tgid/args[1]->pr_pid/
s/arg0 == 18 &&/args[2] == 25 \&\&/
s/(arg0 == 2 || arg0 == 15)/(args[2] == 2 || args[2] == 15)/
