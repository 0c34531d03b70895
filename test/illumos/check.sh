#!/bin/sh
# Compile the sources of the illumos build against our own declarations (test/illumos/include). This
# finds what a compiler can find without the system. Environment from the Makefile, as on SunOS:
# SOURCES, FLAGS. The exit status is 1 if anything is wrong.
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d) || exit 2
mkdir "$work/build" && touch "$work/build/pystack" || exit 2 # stands for the program
trap 'rm -rf "$work"' EXIT
bad=0

# illumos's compiler is gcc, which unlike clang defines none of these macros for C (gcc
# config/sol2.h).
compile() {
	# shellcheck disable=SC2086
	clang --target=x86_64-pc-solaris2.11 -fsyntax-only -nostdinc -ffreestanding -Wno-unknown-warning-option \
		-U__EXTENSIONS__ -U_XOPEN_SOURCE -U_LARGEFILE_SOURCE -U_LARGEFILE64_SOURCE -U_POSIX_PTHREAD_SEMANTICS -U_REENTRANT \
		-DPYSTACK_VERSION='""' -isystem test/illumos/include -isystem "$(clang -print-resource-dir)/include" $FLAGS -Werror "$@"
}

# Report a fault.
wrong() {
	echo "check-illumos: $*"
	bad=1
}

n=0
for source in $SOURCES test/illumos/layout.c; do
	compile "$source" || wrong "$source: does not compile for illumos"
	n=$((n + 1))
done
[ "$n" -gt 40 ] || wrong "only $n sources: the list is incomplete"

# refuse HEADER CALL: the declarations must refuse a call that illumos lacks, and accept the same
# program with another call.
refuse() {
	printf '#include <%s>\nconst void *probe(const char *s);\nconst void *probe(const char *s)\n{\n\treturn %s;\n}\n' \
		"$1" "$2" >"$work/probe.c"
	compile "$work/probe.c" 2>/dev/null && wrong "$2: compiles, but illumos does not have it"
}
printf '#include <string.h>\nconst void *probe(const char *s);\nconst void *probe(const char *s)\n{\n\treturn memchr(s, 1, 2);\n}\n' \
	>"$work/probe.c"
compile "$work/probe.c" || wrong "a valid program is refused"
refuse string.h 'memrchr(s, 1, 2)'
refuse string.h 'strchrnul(s, 1)'
refuse string.h 'mempcpy(0, s, 2)'
refuse string.h 'rawmemchr(s, 1)'
refuse string.h 'sigabbrev_np(1)'
refuse errno.h 'program_invocation_name'
refuse unistd.h 's + gettid()'
refuse sys/ptrace.h 's'
refuse sys/syscall.h 's'
refuse linux/types.h 's'

# The manifest must name the files that SunOS installs, and no others.
make -s SYSTEM=SunOS INSTALL=install O="$work/build" DESTDIR="$work/proto" PREFIX=/usr -o all install || wrong "make install fails"
(cd "$work/proto" && find . -type f | sed 's|^\./||' | sort) >"$work/installed"
sed -n 's/^file path=\([^ ]*\) .*/\1/p' pkg/pystack.p5m | grep -v '/libpython_db\.so' | sort >"$work/listed"
diff "$work/installed" "$work/listed" >&2 || wrong "pkg/pystack.p5m names other files than are installed"
grep -l 'raise(\|pystack-stopped\|kill -CONT\|rawtp\|task_struct' "$work"/proto/usr/share/pystack/* && wrong "a script is not rewritten for illumos"

[ "$bad" -ne 0 ] || echo "check-illumos: $n sources, well"
exit $bad
