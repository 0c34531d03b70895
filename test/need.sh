#!/bin/sh
# need.sh PACKAGE...   Install the Debian packages that are missing, saying which. Asks dpkg and apt-get alone.
# Ends with 0 also where it cannot: what follows then fails, or skips, by its own reason.
missing=
for package in "$@"; do
	# One word for each architecture; "not-installed" is another.
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
	echo "apt-get could not install them; going on without"
