#!/bin/sh
# install-agent.sh DESTDIR AGENT FOLDER LIBFOLDER...   Install AGENT in FOLDER, and beside each libpythonX.Y.so.N of the
# LIBFOLDERs a link to it under the name that pstack and mdb make of that library's: libpythonX.Y_db.so.N.
# A file of that name which is no link of ours stays, with a line on standard error; then the exit status is 1.
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
			echo "install-agent: $libs/$link is somebody else's: left alone" >&2
			bad=1
			continue
		fi
		ln -sf "$folder/$base" "$dest$libs/$link" || exit 2
		echo "$libs/$link"
	done
done
exit $bad
