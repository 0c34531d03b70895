#!/bin/sh
# inside.sh ROOT COMMAND...   Run a command in a root that test/root.sh made, with its own /proc and
# a minimal environment. The mount is in a mount namespace of its own and vanishes with it.
# shellcheck disable=SC2016
exec unshare -m sh -c 'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"' sh "$1" \
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
	sh -c 'shift && exec "$@"' sh "$@" </dev/null
