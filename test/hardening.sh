#!/bin/sh
# hardening.sh PROGRAM LIBRARY OBJECT...   What compiler and linker were asked to harden is in what they made.
# Prints what is lacking; the exit status is 1 if anything is. First the check is checked: small programs
# that lack one flag each must be refused. Environment from the Makefile: CC, COMPILE, LINK.
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

lacks() {
	echo "hardening: $1 lacks $2"
}

# A program or library that was linked.
linked() {
	headers=$(readelf -lW "$1") dynamic=$(readelf -dW "$1")
	echo "$headers" | grep -q GNU_RELRO || lacks "$1" 'RELRO (-z relro)'
	echo "$dynamic" | grep -qE 'BIND_NOW|FLAGS_1.*\bNOW\b' || lacks "$1" 'binding at start (-z now)'
	echo "$headers" | grep -E 'GNU_STACK' | grep -q 'RW  ' || lacks "$1" 'a stack that is not executable (-z noexecstack)'
	echo "$headers" | grep -q 'LOAD.*RWE' && lacks "$1" 'a split of code and data'
	readelf -nW "$1" | grep -q 'x86 feature:.*SHSTK' || lacks "$1" 'the mark of shadow stacks (-z shstk)'
}

program() {
	linked "$1"
	echo "$dynamic" | grep -qE 'FLAGS_1.*\bPIE\b' || lacks "$1" 'a position that is not fixed (-pie)'
}

# Objects of one compilation.
compiled() {
	for object in "$@"; do
		case $(readelf -nW "$object") in
		*'x86 feature: IBT, SHSTK'*) ;;
		*) lacks "$object" 'marks of indirect branches and shadow stacks (-fcf-protection)' ;;
		esac
	done
	calls=$(nm -u "$@" 2>/dev/null)
	echo "$calls" | grep -q '__stack_chk_fail' || lacks 'the code' 'stack protectors (-fstack-protector-strong)'
	echo "$calls" | grep -qE ' __[a-z]+_chk$' || lacks 'the code' 'checked calls (_FORTIFY_SOURCE)'
}

# Made of what calls everything above.
cat >"$tmp/small.c" <<'C'
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
	char text[64];

	snprintf(text, (size_t)argc * 8, "%s", argv[0]);
	return (int)strlen(text);
}
C

# Does the check refuse the small program if $1 is replaced by $2? $1 empty: nothing is replaced.
lost() {
	for stage in "$COMPILE -c -o $tmp/small.o $tmp/small.c" "$LINK -o $tmp/small $tmp/small.o"; do
		[ -z "$1" ] || stage=$(echo "$stage" | sed "s/$1/$2/g")
		# shellcheck disable=SC2086
		$CC $stage 2>"$tmp/said" || {
			cat "$tmp/said"
			return 2
		}
	done
	{ program "$tmp/small"; compiled "$tmp/small.o"; } >"$tmp/lacks"
	[ -s "$tmp/lacks" ]
}

bad=0
if lost '' ''; then
	cat "$tmp/lacks"
	bad=1
fi
for flag in z,relro/z,norelro z,now/z,lazy z,noexecstack/z,execstack ,-z,shstk/ -pie/-no-pie \
	fcf-protection=full/fcf-protection=none fstack-protector-strong/fno-stack-protector D_FORTIFY_SOURCE=3/DNOTHING; do
	lost "${flag%%/*}" "${flag#*/}" || {
		echo "hardening: the loss of ${flag%%/*} is not seen"
		bad=1
	}
done

named=$1
program "$1" >"$tmp/found"
[ "$2" = - ] || linked "$2" >>"$tmp/found"
shift 2
compiled "$@" >>"$tmp/found"
cat "$tmp/found"
[ -s "$tmp/found" ] && bad=1
[ $bad -eq 0 ] && echo "hardening: $named: well ($# objects)"
exit $bad
