#!/bin/sh
# check.sh DIRECTORY PYSTACK [LABEL...]   Run the live and core tests of DIRECTORY (the built
# test/live) and test/fidelity with each interpreter of test/matrix/rows, or with those whose label
# begins with a LABEL, and print a table. Columns of the tests: passed/all. Columns of fidelity:
# calls of pystack on busy programs, and the numbers of exact, marked and wrong stacks. FIDELITY=n:
# calls for each of the four programs (0: none). JOBS=n: rows at a time. The logs are in
# DIRECTORY/matrix/. The exit status is 1 if anything failed or nothing was run.
folder=$1 pystack=$2
shift 2
here=$(dirname "$0")
# Limits of libcheck, as in test/report.
: "${CK_TIMEOUT_MULTIPLIER:=4}" "${CK_DEFAULT_TIMEOUT:=60}"
export CK_TIMEOUT_MULTIPLIER CK_DEFAULT_TIMEOUT
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pystack/matrix
out=$folder/matrix
mkdir -p "$out" || exit 2
rm -f "$out"/*.log "$out"/*.row "$out"/*.part "$out/failed"
: >"$out/failed"
trap 'rm -f "$out"/*.row "$out/failed"' EXIT

wanted() {
	label=$1
	shift
	[ $# -gt 0 ] || return 0
	for start in "$@"; do
		case $label in "$start"*) return 0 ;; esac
	done
	return 1
}

# One cell of the tests: passed/run, or the reason for a skip.
tests() {
	log=$out/$2.$1.log
	"$folder/${1}_test" >"$log" 2>&1
	awk -v status=$? '/^[0-9]+%: Checks: / { gsub(/,/, ""); checks += $3; bad += $5 + $7 }
		/^SKIP: / { skips++; why = why == "" ? substr($0, 7) : why }
		END {
			if (checks == 0)
				print "skipped: " (why == "" ? "exit " status : why)
			else
				print checks - bad - skips "/" checks (skips ? " (" skips " skipped)" : "")
			exit status != 0 && (bad > 0 || status > 1 || why == "")
		}' "$log" || echo "$2 $1" >>"$out/failed"
}

# The four cells of fidelity.
fidelity() {
	log=$out/$1.fidelity.log
	[ "${FIDELITY:=50}" -gt 0 ] || return
	"$here/../fidelity/check.py" --pystack "$pystack" -n $((FIDELITY * 4)) --root "$PYSTACK_TEST_ROOT" \
		--python "$PYTHON" >"$log" 2>&1
	awk -v status=$? '$3 == "stops" { printf "%6d %7d %6d %5d", $2, $4, $6, $8; seen = 1 }
		END { if (!seen) printf "no result"; exit !seen || status != 0 }' "$log" ||
		echo "$1 fidelity" >>"$out/failed"
}

# LABEL ROOT PATH VERSION [NAME=VALUE...]
row() {
	label=$1 root=$cache/$2 path=$3 version=$4
	shift 4
	if [ ! -e "$root$path" ]; then
		printf '%-22s missing: run make matrix\n' "$label"
		return
	fi
	[ $# -eq 0 ] || export "$@"
	PYTHON=$path PYSTACK_TEST_ROOT=$root PYSTACK_TEST_VERSION=$version
	export PYTHON PYSTACK_TEST_ROOT PYSTACK_TEST_VERSION
	live=$(tests live_python "$label")
	case $live in skipped*) printf '%-22s %s\n' "$label" "$live" && return ;; esac
	case $label in
	*-asan*) core="not tried" ;; # they hold AddressSanitizer's shadow memory: 16 GB and more
	*) core=$(tests live_core "$label") ;;
	esac
	printf '%-22s %-18s %-16s %s\n' "$label" "$live" "$core" "$(fidelity "$label")"
}

# Rows run in parallel. Each waits for a token from the pipe. They are printed in the order of the
# list.
pending=
show() {
	while first=${pending%% *} && [ -n "$first" ] && [ -e "$out/$first.row" ]; do
		cat "$out/$first.row"
		pending=${pending#* }
	done
}
rm -f "$out/tokens" && mkfifo "$out/tokens" && exec 3<>"$out/tokens" && rm "$out/tokens" || exit 2
yes '' | head -n "${JOBS:-$(nproc)}" >&3

printf '%-22s %-18s %-16s %6s %7s %6s %5s\n' interpreter live core stops exact marked wrong
sed 's/#.*//' "$here/rows" >"$out/rows.log"
while read -r label rest; do
	[ -n "$label" ] && wanted "$label" "$@" || continue
	read -r _ <&3
	show
	# shellcheck disable=SC2086
	(
		trap - EXIT
		row "$label" $rest >"$out/$label.part" 2>&1
		mv "$out/$label.part" "$out/$label.row"
		echo >&3
	) </dev/null &
	pending="$pending$label "
done <"$out/rows.log"
wait
show
rm -f "$cache"/*/tmp/perf-*.map
if [ -s "$out/failed" ]; then
	sed 's/^/failed: /' "$out/failed"
	exit 1
fi
