#!/bin/sh
# build.sh VERSION KIND...   Build what no package holds from Debian's source package pythonVERSION, in the root
# matrix/build, each KIND into its /opt/VERSION-KIND (the build folder itself: the interpreter runs from there).
#   freethreaded   --disable-gil                       tracerefs   --with-trace-refs
#   tailcall       clang, --with-tail-call-interp      ucs2        Python 2 with 16-bit characters
#   static         no shared library at all; beside it python-stripped, with nothing to look names up by
#   bare           exports nothing, no section headers, stripped        plain      nothing of these, for SOURCE=
#   asan           --with-address-sanitizer
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

# The unpacked source, moved into place when it is whole. A mirror need not hold every source file that an index
# names, so each version of each suite is tried, newest first; SOURCE=folder takes an unpacked one instead.
source_get() {
	[ -d "$root/src/$version" ] && return 0
	mkdir -p "$root/src" || return 1
	rm -rf "$root/src/new"
	if [ -n "${SOURCE:-}" ]; then
		cp -a "$SOURCE" "$root/src/new" && mv -T "$root/src/new" "$root/src/$version"
		return
	fi
	for suite in sid testing trixie bullseye; do
		sed -n "s/^deb \\([^ ]*\\) sid .*/deb-src \\1 $suite main/p" "$root/etc/apt/sources.list"
	done >"$root/etc/apt/sources.list.d/source.list"
	# shellcheck disable=SC2016
	inside sh -c '[ -n "$(find /var/lib/apt/lists -name "*_Sources*" -mmin -60 2>/dev/null)" ] || apt-get update -q
		for one in $(apt-cache showsrc --only-source "python$1" | sed -n "s/^Version: //p" | sort -Vru); do
			rm -rf /src/new && mkdir -p /src/new && cd /src/new || exit 1
			apt-get source -q --only-source "python$1=$one" && mv -T /src/new/python*/ "/src/$1" &&
				rm -rf /src/new && exit 0
		done
		rm -rf /src/new
		exit 1' sh "$version" >"$cache/build-$version.log" 2>&1
}

# Of 3.14, two modules have code that other ones, or the interpreter, have too: static, it would be there twice.
no_doubles="py_cv_module__hmac=n/a py_cv_module__remote_debugging=n/a"

flags() {
	case $1 in
	plain) ;;
	freethreaded) echo "--disable-gil" ;;
	tailcall) echo "--with-tail-call-interp CC=clang" ;;
	tracerefs) echo "--with-trace-refs" ;;
	ucs2) echo "--enable-unicode=ucs2 --with-system-ffi" ;;
	static) echo "LDFLAGS=-static LINKFORSHARED=-static MODULE_BUILDTYPE=static --disable-test-modules $no_doubles" ;;
	asan) echo "--with-address-sanitizer --without-pymalloc LDFLAGS=-fsanitize=address" ;;
	bare) echo "LINKFORSHARED=-Wl,--gc-sections MODULE_BUILDTYPE=static --disable-test-modules $no_doubles" ;;
	*) return 1 ;;
	esac
}

# Runs below the root: configure, make, try it. Before 3.11 modules are static where a list says so.
# shellcheck disable=SC2016
steps='
	export ASAN_OPTIONS=detect_leaks=0
	mkdir -p "/opt/$1.part" && cd "/opt/$1.part"
	name=$1 kind=$2 src=$3 target=all
	shift 3
	case $src in
	2.[0-6] | 3.[0-3]) set -- "$@" "CC=gcc -std=gnu11 -fpermissive -fwrapv -fno-strict-aliasing -fno-tree-vectorize" ;;
	2.* | 3.? | 3.10) set -- "$@" "CC=gcc -std=gnu11 -fpermissive" ;;
	esac
	[ -f .configured ] || { "../../src/$src/configure" -q --without-ensurepip OPT="-DNDEBUG -O2" "$@" && : >.configured; }
	case $kind-$src in
	static-3.? | static-3.10) cp /src/static-modules Modules/Setup.local && target="python platform" ;;
	esac
	make -s -j2 $target
	case $kind in
	static) strip -s -o python-stripped python ;;
	bare) strip -s --strip-section-headers python ;;
	tailcall) nm python | grep -q _TAIL_CALL_ ;;
	esac
	./python -c "import sys, threading; (2, 7) > sys.version_info or (3,) <= sys.version_info < (3, 6) or __import__(\"ctypes\")"
	find . -name "*.o" -delete
	mv -T "/opt/$name.part" "/opt/$name"'

build() {
	name=$version-$1 log=$cache/build-$version-$1.log
	[ -d "$root/opt/$name" ] && return 0
	flags "$1" >/dev/null || { cannot "$1" "no such kind"; return 1; }
	[ "$1" != tailcall ] || "$here/../root.sh" matrix/build sid clang || return 1
	echo "building $name"
	cp "$here/static-modules" "$root/src/"
	# shellcheck disable=SC2046
	inside nice -n 10 sh -ec "$steps" sh "$name" "$1" "$version" $(flags "$1") >"$log" 2>&1 ||
		cannot "$1" "$(grep -iE 'error|not found' "$log" | tail -n 1) (all in $log)"
}

[ -d "$root" ] || { cannot "$*" "no $root"; exit 1; }
wanted=
for kind in "$@"; do
	[ -d "$root/opt/$version-$kind" ] || wanted="$wanted $kind"
done
[ -n "$wanted" ] || exit 0
source_get || { cannot "${wanted# }" "no source: $(grep '^E:' "$cache/build-$version.log" | head -n 1)"; exit 1; }
bad=0
for kind in $wanted; do
	build "$kind" || bad=1
done
exit $bad
