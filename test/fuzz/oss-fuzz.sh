#!/bin/sh
# Build the programs of libFuzzer as OSS-Fuzz wants them: each parser, its corpus as NAME_seed_corpus.zip,
# and the libraries that the machine which runs them lacks, all in OUT.
#
#     OUT=DIR test/fuzz/oss-fuzz.sh
#
# CC, CFLAGS and LIB_FUZZING_ENGINE have OSS-Fuzz's meaning; without it, those of a trial. The build goes to
# WORK. Packages: BUILD_NEEDS and CHECK_NEEDS of test/rules.mk, clang and its run-time libraries.
set -eu
: "${OUT:?the directory to build into}"
: "${CC:=clang}"
: "${CFLAGS:=-O1 -gline-tables-only -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined}"
: "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}"
: "${WORK:=build-oss-fuzz}"
cd "$(dirname "$0")/../.."
mkdir -p "$OUT/lib"
make -s -j"$(nproc)" libfuzzer-programs O="$WORK" CC="$CC" OPT= SAN="$CFLAGS" FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
	LDFLAGS='-Wl,-rpath,\$$ORIGIN/lib'
for program in "$WORK"/test/fuzz/libfuzzer/*; do
	[ -x "$program" ] || continue
	name=$(basename "$program")
	cp "$program" "$OUT/$name"
	python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" "test/fuzz/corpus/$name"/*
	# The C library and the loader are the machine's own.
	ldd "$program" | awk '$3 ~ /^\// && $1 !~ /^(libc|libm|libdl|librt|libpthread|libresolv)\.so/ { print $3 }' |
		xargs -r cp -Lt "$OUT/lib"
done
