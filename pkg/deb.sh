#!/bin/sh
# deb.sh DIRECTORY: build Debian packages of the tree, with its uncommitted changes, below
# DIRECTORY. Nothing else is written to. A missing tool is named. The exit status is 1 if a package
# cannot be built or lintian reports an error.
cd "$(dirname "$0")/.." || exit 2
out=${1:?directory}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
for tool in dpkg-buildpackage dh; do
	command -v "$tool" >/dev/null || {
		echo "deb: $tool is missing: apt-get install dpkg-dev debhelper" >&2
		exit 1
	}
done
rm -rf "$out/pystack" && mkdir "$out/pystack" || exit 2
git ls-files -z --cached --others --exclude-standard | xargs -0 tar cf - --no-recursion | tar xf - -C "$out/pystack" || exit 2
cp -R pkg/debian "$out/pystack/debian" || exit 2
(cd "$out/pystack" && dpkg-buildpackage -b -us -uc) >"$out/log" 2>&1 || {
	tail -30 "$out/log" >&2
	exit 1
}
rm -rf "$out/pystack"
ls "$out"/*.deb
echo "deb: install with 'apt install $(echo "$out"/pystack_*.deb)': dpkg -i does not install dependencies"
if command -v lintian >/dev/null; then
	lintian --fail-on error --allow-root "$out"/*.changes
else
	echo "deb: packages not checked: lintian is missing"
fi
