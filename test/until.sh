#!/bin/sh
# until.sh PART COMMAND…   Run COMMAND, terminate it once its output has PART twice, and print its
# output. A tracer starts within seconds on an idle machine and needs longer on a loaded one, so the
# limit is 150 s. If this shell is killed, timeout still ends the command. Debian 12's bpftrace
# ignores signals while it runs a command, so SIGTERM is repeated, at intervals longer than dtrace
# takes to end. (Without --foreground, timeout forwards only the first signal.) KILL_AFTER=SECONDS:
# SIGKILL follows after this time, by default 30.
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
