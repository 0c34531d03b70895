#!/bin/sh
# Lint: layers, circles, sizes, parameters, names, comments, words, messages, architectures, format, mutable
# data, BPF programs, code points, manual pages, clang-tidy. Prints what is wrong; the exit status is 1 if
# anything is. A missing tool is an error.
# Environment from the Makefile: O, LAYERS, FLAGS (the compiler's). NO_TIDY=1 leaves out clang-tidy.
# test/lint/known lists files that do not keep a rule yet.
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

# Lines "FILE:..." of standard input, without those of files that are exempt from the rule $1.
not_exempt() {
	awk -v rule="$1" -f test/lint/exempt.awk test/lint/known -
}

layers() {
	find lib cmd -name '*.[ch]' -exec awk -v layers="$LAYERS" -f test/lint/layers.awk {} +
}

circles() {
	test/lint/circles.py --known test/lint/known "$O/lib"
}

sizes() {
	git ls-files '*.[ch]' '*.py' '*.sh' | xargs awk -f test/lint/sizes.awk
}

parameters() {
	find lib cmd include -name '*.[ch]' -exec test/lint/parameters.py {} +
}

names() {
	test/lint/figures.py --one-word
}

comments() {
	find lib cmd include -name '*.[ch]' -exec awk -f test/lint/comments.awk {} + | not_exempt comments
}

# lib/ neither prints nor exits nor asks the environment; nothing copies without a length.
words() {
	! grep -nE '\b(TODO|FIXME|XXX)\b' -r lib cmd include test --include='*.[ch]' &&
		! grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|alloca|mktemp)[(]' -r lib cmd --include='*.[ch]' &&
		! grep -nE '\b(printf|puts|perror|exit|_exit|abort|assert|system|popen|getenv)[(]' -r lib --include='*.[ch]' |
		grep -vE '^lib/(dwarf/worker|proc/aside)\.c:[0-9]*:	+_exit[(](0|EXIT_NO_MEMORY|EXIT_UNHEARD)[)];$' # the ends of child processes
}

# No condition asks for a message's text or its presence. Decisions need a code or a bool.
messages() {
	message='([A-Za-z_.>-]*\b(why|reason|refused|message)|(f|[A-Za-z_]*fault)(->|\.)text)'
	grep -rnE --include='*.[ch]' \
		-e "\b(strstr|strn?cmp|strn?casecmp|strchr|strspn|memcmp)\($message\b" \
		-e "\b$message\[0\] *[!=]=" \
		-e "[(!&|] *\*$message( *[!=]=|\))" lib cmd | not_exempt messages
}

# Files that a target, a core or their debug information names are opened by proc/reach.h, which looks
# at what they are first. Other places open what the kernel says of a process, directories, and files that
# a test or a user of the library names. O_PATH opens nothing.
opened() {
	places='base/fileio|proc/(reach|search|ops_maps|core/core_owner|live/live(_info|_wary)?)'
	places="$places|os/(illumos[a-z_]*|linux_(blocked|lwps|mapped|package|perf_map|self|touched))"
	! grep -rnE --include='*.[ch]' '\b(fopen|open|openat|opendir|creat)[(]|syscall[(]SYS_open' lib |
		grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)|O_PATH|/\*.*open[(]' | grep -vE "^lib/($places)\.c:"
}

# Facts about an architecture are in lib/arch: code of other files names no machine, no register, no
# data model and no instruction, gives no register a number, and does not ask which architecture it
# has. Exempt is the BPF program, which reads structures of one architecture's kernel.
architecture() {
	grep -rnE --include='*.[ch]' -f test/lint/architecture.patterns lib cmd |
		grep -vE '^lib/(arch/|probe/bpf/|probe/probe\.bpf\.c)' | not_exempt architecture
}

format() {
	git ls-files '*.[ch]' | xargs clang-format --dry-run -Werror
}

# Objects of lib/ have no data that can change: no .data, no .bss, nothing thread-local.
data() {
	find "$O/lib" -name '*.o' -exec size -A {} + | awk '
		/^[^ ]+\.o +:/ { file = $1 }
		$1 ~ /^\.(data|bss|tdata|tbss)(\.|$)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
			printf "%s: %d bytes of %s\n", file, $2, $1
			bad = 1
		}
		END { exit bad }'
}

# BPF programs, and their objects where clang has made them. Objects without a source are left from
# an earlier build.
bpf() {
	for source in $(git ls-files '*.bpf.c'); do
		echo "$source"
		object=$O/${source%.c}.o
		[ ! -s "$object" ] || echo "$object"
	done | xargs test/lint/bpf.py
}

# The table of code points is what its script makes of the version of Unicode that it names.
unicode() {
	table=lib/base/unicode_table
	if ! made=$($table.py); then
		return 1
	elif [ "$(echo "$made" | grep UNICODE_VERSION)" != "$(grep UNICODE_VERSION $table.h)" ]; then
		echo "not compared: the data files here are of another version of Unicode"
	else
		echo "$made" | diff $table.h -
	fi
}

manual() {
	mandoc -Tlint -W warning man1/*.1
}

tidy() {
	# shellcheck disable=SC2086
	git ls-files 'lib/*.c' 'cmd/*.c' | grep -Ev '^lib/(os|arch)/illumos|[.]bpf[.]c$' | xargs -P 2 -n 4 sh -c \
		'clang-tidy --quiet --warnings-as-errors="*" "$@" -- $FLAGS 2>/dev/null' tidy
}

part layers layers
part "no circles between files of a layer" circles
part sizes sizes
part parameters parameters
part "names of functions" names
part comments comments
part words words
part "no decision by a message" messages
part "files opened by one function" opened
part "no architecture outside lib/arch" architecture
part format format
part "no mutable data in lib" data
part "no BPF newer than Linux 5.17" bpf
part "table of code points" unicode
part manual manual
[ -n "${NO_TIDY:-}" ] || part clang-tidy tidy
exit $bad
