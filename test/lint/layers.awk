# A file of lib/ includes headers of its own layer and of the layers before it in
# -v layers="base elf ...", never of a later one. unwind and python do not include each other. dwarf
# knows files but no processes. Only lib/os includes lib/proc's private headers; other layers use
# <libproc.h>. probe includes base, arch, elf, os, symbol and python; only cmd includes it. cmd/
# includes base, os, symbol, stack, report and probe.
BEGIN {
	n = split(layers, names, " ")
	for (i = 1; i <= n; i++)
		rank[names[i]] = i
}
FNR == 1 {
	split(FILENAME, part, "/")
	own = part[1] == "lib" ? part[2] : part[1]
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	other = path
	if (!sub(/\/.*/, "", other) || !(other in rank))
		next
	if (own == "cmd")
		bad_here = other != "base" && other != "os" && other != "stack" &&
			other != "report" && other != "symbol" && other != "probe"
	else
		bad_here = rank[other] > rank[own] || (own == "python" && other == "unwind") ||
			(own == "dwarf" && (other == "proc" || other == "unwind" ||
			    (other == "os" && path != "os/confine.h"))) ||
			(other == "proc" && own != "proc" && own != "os") ||
			(own == "probe" && other !~ /^(base|arch|elf|os|symbol|python|probe)$/) ||
			(own == "pydb" && other == "probe")
	if (bad_here) {
		printf "%s:%d: %s does not know %s\n", FILENAME, FNR, own, path
		bad = 1
	}
}
# libunwind's interface and ptrace are used in few places, the interpreter's headers nowhere.
/^[ \t]*#[ \t]*include[ \t]*<(Python\.h|libunwind-ptrace\.h|libunwind-coredump\.h)>/ {
	printf "%s:%d: %s is not for lib/\n", FILENAME, FNR, $2
	bad = 1
}
/^[ \t]*#[ \t]*include[ \t]*<(libunwind|sys\/ptrace)\.h>/ {
	if (FILENAME != "lib/unwind/engine_libunwind.c" && FILENAME !~ /^lib\/proc\/live\/hold/ &&
	    FILENAME != "lib/os/linux_child.c" && FILENAME != "lib/os/linux_restrict.c") {
		printf "%s:%d: %s has its place elsewhere\n", FILENAME, FNR, $2
		bad = 1
	}
}
END { exit bad }
