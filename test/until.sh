#!/bin/sh
# until.sh PART COMMAND…   Run the command, end it (TERM) once its output has PART twice, print what it printed. A tracer
# starts within seconds on an idle machine, and needs many on one that builds something too: 150 s at most, and if this
# shell is killed the command still ends. Debian 12's bpftrace is deaf to a signal that comes while it runs a command: it
# is sent again, after what dtrace takes to end. (Without --foreground timeout passes on the first one only.)
# KILL_AFTER=SECONDS: how long it may take to end, 30 unless set.
part=$1
shift
out=$(mktemp) || exit 2
end=$(($(date +%s) + 150))
timeout --foreground -k "${KILL_AFTER:-30}" 180 "$@" >"$out" 2>&1 &
command=$!
while [ "$(grep -cF "$part" "$out")" -lt 2 ] && kill -0 $command 2>/dev/null && [ "$(date +%s)" -lt $end ]; do
	sleep 0.1
done
tries=0
while kill -0 $command 2>/dev/null; do
	[ $((tries % 80)) -eq 0 ] && kill -TERM $command 2>/dev/null
	tries=$((tries + 1))
	sleep 0.1
done
wait $command
cat "$out"
rm "$out"
