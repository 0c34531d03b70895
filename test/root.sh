#!/bin/sh
# Make the Debian sid root with python3.14 and python3.15 that tests use, once; some 30 seconds.
# MIRROR=url overrides the mirror, which is otherwise the first Debian one that apt uses here.
# Ends with 1 and one line of reason where it cannot be made.
set -u
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pystack
root=$cache/sid

cannot() {
	echo "no root of Debian sid: $*"
	exit 1
}

[ -x "$root/usr/bin/python3.14" ] && [ -x "$root/usr/bin/python3.15" ] && exit 0
[ "$(id -u)" -eq 0 ] || cannot "making it needs root"
[ -d "$root" ] && cannot "$root is incomplete; remove it to have it made again"
command -v debootstrap >/dev/null || "$(dirname "$0")/need.sh" debootstrap
command -v debootstrap >/dev/null || cannot "debootstrap is not installed"
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)}
[ -n "$mirror" ] || cannot "apt has no Debian mirror; give MIRROR=url"

mkdir -p "$cache" || cannot "cannot make $cache"
# Made aside and moved into place, so that a broken one is never used; a second run starts afresh.
new=$(mktemp -d "$cache/sid.XXXXXX") || cannot "cannot write to $cache"
trap 'rm -rf --one-file-system "$new"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$new"
echo "making $root from $mirror"
if ! debootstrap --variant=minbase --include=python3.14,python3.15 sid "$new" "$mirror" >"$cache/sid.log" 2>&1; then
	umount "$new/proc" "$new/sys" 2>/dev/null
	cannot "debootstrap from $mirror failed: $(grep -E '^(E|W):' "$cache/sid.log" | tail -n 1) (all in $cache/sid.log)"
fi
umount "$new/proc" "$new/sys" 2>/dev/null
rm -rf "$new/var/cache/apt/archives" "$new/var/lib/apt/lists"
mv -T "$new" "$root" || cannot "another $root appeared meanwhile"
