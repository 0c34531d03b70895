#!/bin/sh
# build.sh VERSION KIND...   Build what no package holds from Debian's source package pythonVERSION, in the root
# matrix/build, each KIND into its /opt/VERSION-KIND (the build folder itself: the interpreter runs from there).
#   freethreaded   --disable-gil                       tracerefs   --with-trace-refs
#   tailcall       clang, --with-tail-call-interp      static      no shared library at all, nothing to look names up by
#   bare           exports nothing, no section headers, stripped
# What is there already stays; a build that was cut off goes on where it was.
# Ends with 1 if one could not be made, each with one line of reason.
set -u
version=$1
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pystack/matrix
root=$cache/build
here=$(dirname "$0")
inside() {
	"$here/../inside.sh" "$root" "$@"
}
cannot() {
	echo "SKIP: $version $1: $2"
	return 1
}

# The unpacked source, moved into place when it is whole. Of several suites, since a mirror need not hold every
# source file that an index names; SOURCE=folder takes an unpacked one instead.
source_get() {
	[ -d "$root/src/$version" ] && return 0
	mkdir -p "$root/src" || return 1
	rm -rf "$root/src/new"
	if [ -n "${SOURCE:-}" ]; then
		cp -a "$SOURCE" "$root/src/new" && mv -T "$root/src/new" "$root/src/$version"
		return
	fi
	for suite in sid testing trixie; do
		sed -n "s/^deb \\([^ ]*\\) sid .*/deb-src \\1 $suite main/p" "$root/etc/apt/sources.list"
	done >"$root/etc/apt/sources.list.d/source.list"
	# How old an index may be is what apt of this machine says.
	valid=true
	eval "$(apt-config shell valid Acquire::Check-Valid-Until)"
	# shellcheck disable=SC2016
	inside sh -c 'apt-get update -q -o "Acquire::Check-Valid-Until=$2"
		for suite in sid testing trixie; do
			rm -rf /src/new && mkdir -p /src/new && cd /src/new || exit 1
			apt-get source -q --only-source "python$1/$suite" && mv -T /src/new/python*/ "/src/$1" &&
				rm -rf /src/new && exit 0
		done
		rm -rf /src/new
		exit 1' sh "$version" "$valid" >"$cache/build-$version.log" 2>&1
}

flags() {
	case $1 in
	freethreaded) echo "--disable-gil" ;;
	tailcall) echo "--with-tail-call-interp CC=clang" ;;
	tracerefs) echo "--with-trace-refs" ;;
	static) echo "LDFLAGS=-static LINKFORSHARED=-static MODULE_BUILDTYPE=static --disable-test-modules" ;;
	bare) echo "LINKFORSHARED=-Wl,--gc-sections MODULE_BUILDTYPE=static --disable-test-modules" ;;
	*) return 1 ;;
	esac
}

# Runs below the root: configure, make, try it.
# shellcheck disable=SC2016
steps='
	mkdir -p "/opt/$1.part" && cd "/opt/$1.part"
	name=$1 kind=$2 src=$3
	shift 3
	[ -f .configured ] || { "../../src/$src/configure" -q --without-ensurepip OPT="-DNDEBUG -O2" "$@" && : >.configured; }
	make -s -j2
	case $kind in
	static) strip -s python ;;
	bare) strip -s --strip-section-headers python ;;
	esac
	./python -c "import ctypes, threading; print(ctypes, threading)"
	find . -name "*.o" -delete
	mv -T "/opt/$name.part" "/opt/$name"'

build() {
	name=$version-$1 log=$cache/build-$version-$1.log
	[ -d "$root/opt/$name" ] && return 0
	flags "$1" >/dev/null || { cannot "$1" "no such kind"; return 1; }
	echo "building $name"
	# shellcheck disable=SC2046
	inside nice -n 10 sh -ec "$steps" sh "$name" "$1" "$version" $(flags "$1") >"$log" 2>&1 ||
		cannot "$1" "$(grep -iE 'error|not found' "$log" | tail -n 1) (all in $log)"
}

[ -d "$root" ] || { cannot "$*" "no $root"; exit 1; }
source_get || { cannot "$*" "no source: $(grep '^E:' "$cache/build-$version.log" | head -n 1)"; exit 1; }
bad=0
for kind in "$@"; do
	build "$kind" || bad=1
done
exit $bad
