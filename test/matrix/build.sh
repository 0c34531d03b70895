#!/bin/sh
# build.sh VERSION KIND...   Build interpreters that Debian does not package from its source package
# pythonVERSION, in the root matrix/build. Each KIND is built in /opt/VERSION-KIND and runs from
# there.
#   freethreaded   --disable-gil                       tracerefs   --with-trace-refs
#   tailcall       clang, --with-tail-call-interp      ucs2        Python 2 with 16-bit characters
#   static         linked statically; with a copy python-stripped that has no symbols
#   bare           no exported symbols, no section headers, stripped    plain      no options, for SOURCE=
#   asan           --with-address-sanitizer             musl       on musl, with Debian's libffi
# Existing builds are kept, and interrupted ones resumed. For each build that fails, prints one line
# with the reason; then the exit status is 1.
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

# Get the unpacked source; it is moved into place when complete. A mirror may lack source files that
# its index lists, so each version of each suite is tried, newest first. SOURCE=directory is copied
# instead.
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

# In 3.14 two modules contain code that other modules or the interpreter have too. A static program
# would define it twice.
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
	musl) echo "CC=/src/musl-cc PKG_CONFIG=false --build=x86_64-linux-musl --disable-test-modules" ;;
	bare) echo "LINKFORSHARED=-Wl,--gc-sections MODULE_BUILDTYPE=static --disable-test-modules $no_doubles" ;;
	*) return 1 ;;
	esac
}

# The steps run in the root: configure, make, try the interpreter. Before 3.11 a list names the
# static modules.
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
	case $kind in
	musl) # The other libraries for glibc are not used: pkg-config finds none.
		cp /usr/lib/x86_64-linux-gnu/libffi_pic.a ffi.a
		/src/musl-cc -D_GNU_SOURCE -O1 -fPIC -c -o ffi.o /src/musl-ffi.c && ar r ffi.a ffi.o
		set -- "$@" LIBFFI_CFLAGS=-I. "LIBFFI_LIBS=$PWD/ffi.a" ;;
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
	case $1 in
	tailcall) "$here/../root.sh" matrix/build sid clang || return 1 ;;
	musl) "$here/../root.sh" matrix/build sid musl-tools linux-libc-dev || return 1 ;;
	esac
	echo "building $name"
	cp "$here/static-modules" "$here"/musl-* "$root/src/"
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
