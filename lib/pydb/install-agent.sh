#!/bin/sh
# install-agent.sh DESTDIR AGENT DIRECTORY LIBDIR...   Install AGENT in DIRECTORY. For each
# libpythonX.Y.so.N in a LIBDIR, install a link to it under the name that pstack and mdb derive from
# the library's: libpythonX.Y_db.so.N. A file of that name that is not such a link is kept and
# reported on standard error, and the exit status is 1.
set -u
dest=$1 agent=$2 folder=$3
shift 3
base=$(basename "$agent")
bad=0

mkdir -p "$dest$folder" && cp "$agent" "$dest$folder/$base" && chmod 755 "$dest$folder/$base" || exit 2
echo "$folder/$base"
for libs in "$@"; do
	for library in "$dest$libs"/libpython*.so.*; do
		name=$(basename "$library")
		case $name in
		*'*'* | *_db.so*) continue ;;
		esac
		link=${name%%.so*}_db.so${name#*.so}
		old=$(readlink "$dest$libs/$link") || old=
		if [ -n "$old" ] && [ "$old" != "$folder/$base" ] || { [ -z "$old" ] && [ -e "$dest$libs/$link" ]; }; then
			echo "install-agent: $libs/$link exists and is not a link to the agent: not replaced" >&2
			bad=1
			continue
		fi
		ln -sf "$folder/$base" "$dest$libs/$link" || exit 2
		echo "$libs/$link"
	done
done
exit $bad
