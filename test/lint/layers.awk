# A file of lib/ includes its own layer and those before it in -v layers="base elf ...", nothing behind.
# unwind and python are side by side: neither sees the other.
BEGIN {
	n = split(layers, names, " ")
	for (i = 1; i <= n; i++)
		rank[names[i]] = i
}
FNR == 1 {
	split(FILENAME, part, "/")
	own = part[2]
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	other = path
	if (!sub(/\/.*/, "", other) || !(other in rank))
		next
	if (rank[other] > rank[own] || (own == "python" && other == "unwind")) {
		printf "%s:%d: %s does not know %s\n", FILENAME, FNR, own, path
		bad = 1
	}
}
# The remote interface, ptrace and the interpreter's headers have one place each.
/^[ \t]*#[ \t]*include[ \t]*<(Python\.h|libunwind-ptrace\.h|libunwind-coredump\.h)>/ {
	printf "%s:%d: %s is not for lib/\n", FILENAME, FNR, $2
	bad = 1
}
END { exit bad }
