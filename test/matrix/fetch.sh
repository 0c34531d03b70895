#!/bin/sh
# fetch.sh [BUILD...]   Get the interpreters of the matrix: packages of Debian's suites, each suite
# in a root of its own, then builds of what Debian does not package: those named (such as
# 3.13-freethreaded, or `none`), by default all. Existing ones are kept. An unavailable one is
# reported in one line and left out; then the exit status is 1. MIRROR=url replaces the mirror.
here=$(dirname "$0")
failed=$(mktemp) || exit 2
trap 'rm -f "$failed"' EXIT
wanted=" $* "

root() {
	"$here/../root.sh" "$@" || echo "$1" >>"$failed"
}

# build VERSION KIND...: builds the kinds that are wanted.
build() {
	version=$1 kinds=
	shift
	for kind in "$@"; do
		case $wanted in "  " | *" $version-$kind "*) kinds="$kinds $kind" ;; esac
	done
	# shellcheck disable=SC2086
	[ -z "$kinds" ] || "$here/build.sh" "$version" $kinds || echo "$version" >>"$failed"
}

# Packages that a suite may drop or add during its life are optional. Two roots are made at a time.
{
	root matrix/bullseye bullseye python2.7 python2.7-dbg python3.9 python3.9-dbg
	ARCH=i386 "$here/../root.sh" matrix/bullseye-i386 bullseye python2.7 python3.9 || echo i386 >>"$failed"
	root dtrace sid 'dtrace?' 'python3.15-minimal?'
	root matrix/trixie trixie python3.13 python3.13-dbg 'python3.13-nopie?'
} &
"$here/../root.sh" || echo sid >>"$failed"
[ "$wanted" = " none " ] ||
	root matrix/build sid gcc make libc6-dev dpkg-dev pkg-config libffi-dev zlib1g-dev libexpat1-dev gdb
wait
build 3.13 freethreaded tracerefs bare static asan musl
build 3.14 freethreaded tailcall tracerefs bare static
build 3.15 freethreaded tailcall
build 3.9 static
build 2.7 ucs2
[ ! -s "$failed" ]
