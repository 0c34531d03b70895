#!/bin/sh
# need.sh PACKAGE...   Install missing Debian packages and print their names. Uses only dpkg and
# apt-get. The exit status is 0 even if they cannot be installed: what needs them then fails or
# skips with its own reason.
missing=
for package in "$@"; do
	# dpkg-query prints one status per architecture, and "not-installed" is one of them.
	case " $(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null)" in
	*" installed "*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "not installed (names as in Debian):$missing"
	exit 0
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "missing, and installing needs root:$missing"
		exit 0
	fi
	as_root=sudo
fi
echo "installing with apt-get:$missing"
install() {
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null
}
install >/dev/null 2>&1 || { $as_root apt-get update -q >/dev/null && install; } ||
	echo "apt-get could not install them; continuing without"
