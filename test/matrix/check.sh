#!/bin/sh
# check.sh FOLDER [LABEL...]   Run the live and the core tests of FOLDER (the built test/live) with every interpreter of
# test/matrix/rows, or with those whose labels begin like LABEL, and print a table. What failed is in FOLDER/matrix/.
# Ends with 1 if anything failed, or if nothing ran.
folder=$1
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pystack/matrix
out=$folder/matrix
mkdir -p "$out" || exit 2
rm -f "$out"/*.log "$out/failed"
trap 'rm -f "$out/failed"' EXIT

wanted() {
	label=$1
	shift
	[ $# -gt 0 ] || return 0
	for start in "$@"; do
		case $label in "$start"*) return 0 ;; esac
	done
	return 1
}

# One cell: passed/run, or why not.
cell() {
	program=$1 log=$out/$2.$1.log
	"$folder/${program}_test" >"$log" 2>&1
	awk -v status=$? '/^[0-9]+%: Checks: / { gsub(/,/, ""); checks += $3; bad += $5 + $7 }
		/^SKIP: / { skips++; why = why == "" ? substr($0, 7) : why }
		END {
			if (checks == 0)
				print "skipped: " (why == "" ? "exit " status : why)
			else
				print checks - bad - skips "/" checks (skips ? " (" skips " skipped)" : "")
			exit status != 0 && (bad > 0 || status > 1 || why == "")
		}' "$log" || echo "$2 $program" >>"$out/failed"
}

run() {
	label=$1 root=$cache/$2 path=$3 version=$4
	shift 4
	if [ ! -e "$root$path" ]; then
		printf '%-20s not there: make matrix says why\n' "$label"
		return
	fi
	case $(od -An -tu1 -j4 -N1 "$root$path") in
	*1) printf '%-20s %s\n' "$label" "skipped: 32-bit, not decoded yet" && return ;;
	esac
	for program in live_python live_core; do
		env "$@" true || return
		result=$(
			[ $# -eq 0 ] || export "$@"
			PYTHON=$path PYSTACK_TEST_ROOT=$root PYSTACK_TEST_VERSION=$version
			export PYTHON PYSTACK_TEST_ROOT PYSTACK_TEST_VERSION
			cell "$program" "$label"
		)
		case $result in skipped*) break ;; esac
		[ "$program" = live_core ] || printf '%-20s %-18s ' "$label" "$result"
	done
	case $result in
	skipped*) printf '%-20s %s\n' "$label" "$result" ;;
	*) printf '%s\n' "$result" ;;
	esac
	rm -f "$root"/tmp/perf-*.map
}

printf '%-20s %-18s %s\n' interpreter live core
sed 's/#.*//' "$(dirname "$0")/rows" | while read -r label rest; do
	[ -n "$label" ] && wanted "$label" "$@" || continue
	# shellcheck disable=SC2086
	run "$label" $rest </dev/null
done
if [ -s "$out/failed" ]; then
	sed 's/^/failed: /' "$out/failed"
	exit 1
fi
