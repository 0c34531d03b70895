# No file has more than 600 lines, no function more than 60 between its braces (the format puts both
# in the first column). A longer function gives its reason in it or on the line before, after "long:".
FNR == 1 {
	if (NR > 1)
		file_end()
	name = FILENAME
}
{ last = FNR }
/^\{/ {
	start = FNR
	excused = 0
}
start && /long:/ { excused = 1 }
/^\}/ && start {
	if (FNR - start - 1 > 60 && !excused) {
		printf "%s:%d: function of %d lines\n", FILENAME, start, FNR - start - 1
		bad = 1
	}
	start = 0
}
function file_end() {
	if (last > 600) {
		printf "%s: %d lines\n", name, last
		bad = 1
	}
	start = 0
}
END {
	file_end()
	exit bad
}
