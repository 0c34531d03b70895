# exempt.awk -v rule=RULE LIST -   Prints lines "FILE:..." of standard input whose file is not
# exempt; exit 1 if there is one. A line "RULE FILE" of LIST exempts a file, a line "RULE
# DIRECTORY/" all files below a directory. A line that exempts nothing is reported.
FNR == NR {
	if ($1 == rule)
		used[$2] = 0
	next
}
{
	file = $0
	sub(/:.*/, "", file)
	found = file in used ? file : ""
	for (i = 1; found == "" && i < length(file); i++)
		if (substr(file, 1, i) in used && substr(file, i, 1) == "/")
			found = substr(file, 1, i)
	if (found != "")
		used[found]++
	else {
		print
		bad = 1
	}
}
END {
	for (file in used)
		if (used[file] == 0)
			printf "nothing wrong in %s: remove \"%s %s\" from test/lint/known\n", file, rule, file
	exit bad
}
