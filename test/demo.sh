#!/bin/sh
# demo.sh PYSTACK   Start a small web server in Python, print its stacks, stop it.
set -eu
pystack=$1
python=/usr/bin/python3
[ -x "$python" ] || python=python3
dir=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	rm -rf "$dir"
}
trap finish EXIT
mkfifo "$dir/ready"
"$python" "$(dirname "$0")/programs/webserver.py" >"$dir/ready" &
server=$!
# The server prints its port once its workers wait for requests. End of file means that it died.
read -r port <"$dir/ready"
echo "a web server in Python listens on 127.0.0.1:$port; pystack $server:"
echo
"$pystack" "$server"
