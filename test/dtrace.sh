#!/bin/sh
# dtrace.sh ROOT ARG...   Run the dtrace of a root (test/root.sh dtrace sid dtrace) with the
# arguments. dtrace sees its own root, with the machine's root at /mnt, and wrappers that run the
# machine's pystack and its commands. All mounts are in a mount namespace of their own. DTrace's
# library io.d is removed: on a kernel without full symbols dtrace would not start with it.
if [ "${DTRACE_INSIDE:-}" = "" ]; then
	DTRACE_INSIDE=1 exec unshare -m sh "$0" "$@"
fi
root=$1
shift
find "$root/usr/lib" -path '*/dtrace/*' -name io.d -delete
mount --rbind / "$root/mnt" && mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" &&
	mount -t tmpfs none "$root/usr/local/bin" || exit 2
mountpoint -q "$root/sys/kernel/debug" || mount -t debugfs none "$root/sys/kernel/debug"
mountpoint -q "$root/sys/kernel/tracing" || mount -t tracefs none "$root/sys/kernel/tracing"
for command in pystack pystack-stopped pystack-top; do
	printf '#!/bin/sh\nexec chroot /mnt env "PATH=%s" "PYSTACK_BIN=%s" %s "$@"\n' "$PATH" "${PYSTACK_BIN:-}" "$command" >"$root/usr/local/bin/$command"
	chmod +x "$root/usr/local/bin/$command"
done
exec chroot "$root" /usr/sbin/dtrace "$@"
