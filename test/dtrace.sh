#!/bin/sh
# dtrace.sh ROOT ARG...   Run the dtrace of a root (test/root.sh dtrace sid dtrace) with the arguments. It sees its own root, the
# machine's below /mnt, and the tool and its commands as the machine has them. All mounts are in a namespace of their own.
# DTrace's library io.d wants a kernel with all symbols, and without it nothing would start: it is taken out.
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
