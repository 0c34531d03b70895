#!/bin/sh
# threads.sh PYTHON COMMAND… PID   Run test/programs/traced_threads.py, and on it a tracer's script
# that prints the stack of each rmdir(2), until the program ends and the script with it. The
# program's process ID replaces the word PID. For each removal that the program counts there must be
# its stack or a report that it was lost; a few are always lost (see pystack-stopped). Prints what
# is wrong, with the end of the tracer's output.
python=$1
shift
folder=$(mktemp -d) || exit 2
"$python" test/programs/traced_threads.py "$folder" &
target=$!
for word in "$@"; do
	shift
	[ "$word" != PID ] || word=$target
	set -- "$@" "$word"
done
timeout --foreground -k 30 180 "$@" >"$folder/out" 2>&1 &
tracer=$!
end=$(($(date +%s) + 150))
while [ "$(grep -c '(warm) \]' "$folder/out")" -lt 2 ] && kill -0 $tracer 2>/dev/null && [ "$(date +%s)" -lt $end ]; do
	sleep 0.1
done
: >"$folder/go"
wait $tracer
status=$?
kill -CONT $target 2>/dev/null
wait $target
stacks=$(grep -c "^$target:" "$folder/out")
places=$(grep -c '`rmdir+' "$folder/out")
removed=$(grep -c '(remove) \]' "$folder/out")
count=$(cat "$folder/count")
gone=$(grep -c 'could not be had)' "$folder/out")
# What the script says at its end: of what it lost, an event that never reached a command as well.
said=$(sed -n 's/^pystack-stopped: \([0-9]*\) of [0-9]* stacks could not be printed$/\1/p' "$folder/out" | tail -n 1)
said=${said:-0}
if [ $status -ne 0 ] || [ "$stacks" -ne $((places + gone)) ] || [ $((removed + said)) -lt "$count" ] || [ "$said" -lt "$gone" ] ||
	[ "$removed" -gt "$count" ] || [ "$said" -gt 15 ]; then
	echo "status $status, $stacks stacks, $places at rmdir, $removed of $count removals, $gone lost, $said said to be"
	grep '^pystack-stopped:\|^Lost ' "$folder/out"
	tail -n 40 "$folder/out"
fi
rm -rf "$folder"
