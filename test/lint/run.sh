#!/bin/sh
# Lint: layers, sizes, words, format, mutable data, manual, clang-tidy. Prints what is wrong; exit 1 if anything is.
# Environment from the Makefile: O, LAYERS, FLAGS (to compile with). A tool that is missing is an error: it is said.
cd "$(dirname "$0")/../.." || exit 2
bad=0

part() {
	name=$1
	shift
	if "$@"; then
		echo "lint: $name: well"
	else
		echo "lint: $name: see above"
		bad=1
	fi
}

layers() {
	find lib cmd -name '*.[ch]' -exec awk -v layers="$LAYERS" -f test/lint/layers.awk {} +
}

sizes() {
	git ls-files '*.[ch]' '*.py' '*.sh' | xargs awk -f test/lint/sizes.awk
}

# lib/ neither prints nor exits nor asks the environment; nothing copies without a length.
words() {
	! grep -nE '\b(TODO|FIXME|XXX)\b' -r lib cmd include test --include='*.[ch]' &&
		! grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|alloca|mktemp)[(]' -r lib cmd --include='*.[ch]' &&
		! grep -nE '\b(printf|puts|perror|exit|_exit|abort|assert|system|popen|getenv)[(]' -r lib --include='*.[ch]' |
		grep -vE '^lib/(dwarf/worker|proc/aside)\.c:[0-9]*:	+_exit[(]0[)];$' # the ends of child processes
}

format() {
	git ls-files '*.[ch]' | xargs clang-format --dry-run -Werror
}

# Objects of lib/ keep nothing that can change: no .data, no .bss, no thread-local ones.
data() {
	find "$O/lib" -name '*.o' -exec size -A {} + | awk '
		/^[^ ]+\.o +:/ { file = $1 }
		$1 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
			printf "%s: %d bytes of %s\n", file, $2, $1
			bad = 1
		}
		END { exit bad }'
}

manual() {
	mandoc -Tlint -W warning man1/*.1
}

tidy() {
	# shellcheck disable=SC2086
	git ls-files 'lib/*.c' 'cmd/*.c' | grep -v '^lib/os/illumos' | xargs -P 2 -n 4 sh -c \
		'clang-tidy --quiet --warnings-as-errors="*" "$@" -- $FLAGS 2>/dev/null' tidy
}

part layers layers
part sizes sizes
part words words
part format format
part "no mutable data in lib" data
part manual manual
[ -n "${NO_TIDY:-}" ] || part clang-tidy tidy
exit $bad
