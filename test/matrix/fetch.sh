#!/bin/sh
# fetch.sh [fetch]   Get every interpreter of the matrix: packages of Debian's suites, each suite in a root of its own,
# then builds from source of what no package holds (not with `fetch`). What is there stays; what cannot be had is
# said in one line and left out. MIRROR=url overrides the mirror.
here=$(dirname "$0")
bad=0

root() {
	"$here/../root.sh" "$@" || bad=1
}
build() {
	"$here/build.sh" "$@" || bad=1
}

# Optional packages are those that a suite may drop, or take up, while it lives.
root matrix/bullseye bullseye python2.7 python2.7-dbg python3.9 python3.9-dbg
root matrix/trixie trixie python3.13 python3.13-dbg 'python3.13-nopie?'
root matrix/sid sid 'python3.13?' 'python3.13-dbg?' 'python3.13-nopie?' \
	python3.14 'python3.14-dbg?' 'python3.14-nopie?' 'python3.15?' 'python3.15-dbg?' 'python3.15-nopie?'
ARCH=i386
export ARCH
root matrix/bullseye-i386 bullseye python2.7 python3.9
unset ARCH
[ "${1:-}" != fetch ] || exit $bad

root matrix/build sid gcc make libc6-dev dpkg-dev pkg-config libffi-dev zlib1g-dev 'clang?'
build 3.14 freethreaded tailcall tracerefs bare
build 3.15 freethreaded
build 3.13 freethreaded tracerefs bare
exit $bad
