# Prints comment lines of more than 100 columns (a tab goes to the next multiple of 8). Code that a
# comment follows may be as long as the format lets it be.
function columns(line,    part, n, i, sum) {
	gsub(/[\200-\277]/, "", line) # the further bytes of a character
	n = split(line, part, "\t")
	sum = length(part[1])
	for (i = 2; i <= n; i++)
		sum = int(sum / 8) * 8 + 8 + length(part[i])
	return sum
}
FNR == 1 { inside = 0 }
{
	if ((inside || $0 ~ /^[ \t]*(\/\*|\/\/)/) && columns($0) > 100)
		printf "%s:%d: comment of %d columns\n", FILENAME, FNR, columns($0)
	rest = $0
	if (!inside)
		gsub(/"([^"\\]|\\.)*"/, "", rest) # a string may have what begins a comment
	while ((at = index(rest, inside ? "*/" : "/*")) > 0) {
		rest = substr(rest, at + 2)
		inside = !inside
	}
}
