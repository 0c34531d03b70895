#!/bin/sh
# until.sh PART COMMAND…   Run the command, end it (TERM) once its output has PART twice, print what it printed. A tracer
# starts within seconds on an idle machine, and needs many on one that builds something too: 150 s at most, and if this
# shell is killed the command still ends.
part=$1
shift
out=$(mktemp) || exit 2
end=$(($(date +%s) + 150))
timeout -k 5 180 "$@" >"$out" 2>&1 &
command=$!
while [ "$(grep -cF "$part" "$out")" -lt 2 ] && kill -0 $command 2>/dev/null && [ "$(date +%s)" -lt $end ]; do
	sleep 0.1
done
kill -TERM $command 2>/dev/null
wait $command
cat "$out"
rm "$out"
