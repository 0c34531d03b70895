#!/bin/sh
# root.sh [NAME SUITE PACKAGE...]   Make a root of a Debian suite with these packages, once, for
# tests to run in. Without operands: the root that `make check` uses, sid with all its Pythons and
# gdb, in about 40 seconds. The root is ${XDG_CACHE_HOME:-~/.cache}/pystack/NAME. A package written
# PACKAGE? may be absent from the suite: it is reported and left out. A package that an existing
# root lacks is added to it if the suite still has matching versions, else the root is made again.
# ARCH=i386 selects another architecture. MIRROR=url replaces the mirror, by default the first
# Debian one in apt's configuration. If the root cannot be made, prints one line with the reason and
# exits with 1.
set -u
[ $# -gt 0 ] || set -- matrix/sid sid 'python3.13?' 'python3.13-dbg?' 'python3.13-nopie?' \
	python3.14 'python3.14-dbg?' 'python3.14-nopie?' \
	python3.15 'python3.15-dbg?' 'python3.15-nopie?' gdb
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pystack
name=$1 suite=$2
root=$cache/$name
log=$root.log
shift 2

cannot() {
	echo "no root $name of Debian $suite: $*"
	exit 1
}

# Reads the root's dpkg database. Nothing is run in the root.
lacking() {
	for package in "$@"; do
		grep -qxF "$package" "$root/etc/pystack-left-out" 2>/dev/null && continue
		case $(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status} ' "${package%\?}" 2>/dev/null) in
		*installed*) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

# choose ROOT PACKAGE...: prints the packages that the suite has, and records optional ones that it
# lacks.
choose() {
	new=$1
	shift
	for package in "$@"; do
		if [ -n "$("$here/inside.sh" "$new" apt-cache show "${package%\?}" 2>/dev/null | head -n 1)" ]; then
			printf '%s ' "${package%\?}"
		elif [ "$package" != "${package%\?}" ]; then
			echo "$package" >>"$new/etc/pystack-left-out"
			echo "SKIP: ${package%\?}: not in Debian $suite" >&2
		else
			echo "$package" # apt reports the error
		fi
	done
}

install() {
	new=$1
	shift
	# shellcheck disable=SC2046
	"$here/inside.sh" "$new" apt-get install -y -q --no-install-recommends $(choose "$new" "$@") >>"$log" 2>&1
}

# The root accepts expired package indexes if this machine's apt does.
settle() {
	valid=true
	eval "$(apt-config shell valid Acquire::Check-Valid-Until)"
	echo "Acquire::Check-Valid-Until \"$valid\";" >"$1/etc/apt/apt.conf.d/50pystack"
}

here=$(dirname "$0")
if [ -d "$root" ]; then
	missing=$(lacking "$@")
	[ -n "$missing" ] || exit 0
	[ "$(id -u)" -eq 0 ] || cannot "adding $missing to it needs root"
	echo "$root lacks $(echo "$missing" | tr -d ?): added"
	settle "$root"
	# shellcheck disable=SC2086
	"$here/inside.sh" "$root" apt-get update -q >"$log" 2>&1 && install "$root" $missing
	rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists"
	missing=$(lacking "$@")
	[ -n "$missing" ] || exit 0
	echo "$root lacks $(echo "$missing" | tr -d ?): made again"
fi
[ "$(id -u)" -eq 0 ] || cannot "making it needs root"
command -v debootstrap >/dev/null || "$here/need.sh" debootstrap
command -v debootstrap >/dev/null || cannot "debootstrap is not installed"
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)}
[ -n "$mirror" ] || cannot "apt has no Debian mirror; set MIRROR=url"

mkdir -p "$(dirname "$root")" || cannot "cannot create its directory"
# It is made in another directory and moved into place, so that an incomplete root is never used.
new=$(mktemp -d "$root.XXXXXX") || cannot "cannot write to $cache"
trap 'rm -rf --one-file-system "$new"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$new"
echo "making $root from $mirror"
if ! debootstrap ${ARCH:+--arch="$ARCH"} --variant=minbase "$suite" "$new" "$mirror" >"$log" 2>&1; then
	umount "$new/proc" "$new/sys" 2>/dev/null
	cannot "debootstrap from $mirror failed: $(grep -E '^(E|W):' "$log" | tail -n 1) (all in $log)"
fi
umount "$new/proc" "$new/sys" 2>/dev/null
settle "$new"
install "$new" "$@" || cannot "apt-get failed: $(grep '^E:' "$log" | tail -n 1) (all in $log)"
rm -rf "$new/var/cache/apt/archives" "$new/var/lib/apt/lists"
if [ -d "$root" ]; then
	old=$(mktemp -d "$root.XXXXXX") || cannot "cannot write to $cache"
	mv -T "$root" "$old/old" && mv -T "$new" "$root" || cannot "cannot put it in place"
	rm -rf --one-file-system "$old"
else
	mv -T "$new" "$root" || cannot "another process has made $root"
fi
