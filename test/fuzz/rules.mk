# test/fuzz/NAME_fuzz.c         damage with a fixed seed, to whole cores and debug information
# test/fuzz/parsers/NAME.c      a parser, for libFuzzer and for the files of test/fuzz/corpus/NAME
# test/fuzz/parsers_test.c      replays these; part of `make check`

PARSERS     := cfi conditions core elf lines names proc python records stacks unwind values
PARSERS_OBJ := $(patsubst %,$(O)/test/fuzz/parsers/%.o,$(PARSERS) parsers)
PARSERS_BIN := $(O)/test/fuzz/parsers_test
parser_libs  = -Wl,--start-group $(SUPPORT_A) $(LIB_A) -Wl,--end-group $(CHECK_LIBS) $(pkg_libs)

$(PARSERS_BIN).o: CPPFLAGS += -DFUZZ_CORPUS='"$(CURDIR)/test/fuzz/corpus"'

$(PARSERS_BIN): $(PARSERS_BIN).o $(PARSERS_OBJ) $(SUPPORT_A) $(LIB_A)
	$(CC) $(LDFLAGS) -o $@ $(PARSERS_BIN).o $(PARSERS_OBJ) $(parser_libs)

# One program of libFuzzer for each parser; needs clang, and SAN with -fsanitize=fuzzer-no-link.
LIBFUZZER_BIN := $(PARSERS:%=$(O)/test/fuzz/libfuzzer/%)

$(LIBFUZZER_BIN): $(O)/test/fuzz/libfuzzer/%: test/fuzz/parsers/libfuzzer.c test/fuzz/parsers/mutate.c $(PARSERS_OBJ) $(SUPPORT_A) $(LIB_A)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itest $(CFLAGS) $(FUZZ_ENGINE) -DFUZZ_PARSER=fuzz_$* -DFUZZ_NAME='"$*"' $(LDFLAGS) -o $@ \
		$< test/fuzz/parsers/mutate.c $(PARSERS_OBJ) $(parser_libs)

# FUZZ_ENGINE: what has main(). test/fuzz/oss-fuzz.sh passes that of OSS-Fuzz.
FUZZ_ENGINE ?= -fsanitize=fuzzer

libfuzzer-programs: $(LIBFUZZER_BIN)

# FUZZ_TIME=60: seconds for each parser. New inputs go to build-fuzz/corpus, findings to build-fuzz.
FUZZ_TIME ?= 60
FUZZ_NEEDS := clang libclang-rt-dev
LIBFUZZER = O=build-fuzz CC=clang OPT='-O1 -gline-tables-only' \
	SAN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

fuzz-parsers:
	@test/need.sh $(BUILD_NEEDS) $(CHECK_NEEDS) $(FUZZ_NEEDS)
	$(again) -s -j2 libfuzzer-programs $(LIBFUZZER)
	@test/fuzz/seeds.py build-fuzz/seeds
	@for p in $(PARSERS); do \
		mkdir -p build-fuzz/corpus/$$p; echo "== $$p"; \
		build-fuzz/test/fuzz/libfuzzer/$$p -max_total_time=$(FUZZ_TIME) -timeout=20 -max_len=16384 -verbosity=0 \
			-print_final_stats=1 -artifact_prefix=build-fuzz/finding-$$p- \
			build-fuzz/corpus/$$p test/fuzz/corpus/$$p build-fuzz/seeds/$$p || exit 1; \
	done

# Lines of lib/ that the corpus reaches. STORE=yes writes test/results/fuzz.md.
fuzz-coverage:
	@test/need.sh $(BUILD_NEEDS) $(CHECK_NEEDS) llvm
	$(again) -s -j2 O=build-coverage CC=clang OPT='-O1 -g' \
		SAN='-fprofile-instr-generate -fcoverage-mapping' build-coverage/test/fuzz/parsers_test
	@rm -rf build-coverage/profile
	@LLVM_PROFILE_FILE=build-coverage/profile/%p.raw build-coverage/test/fuzz/parsers_test
	@llvm-profdata merge -o build-coverage/profile/all build-coverage/profile/*.raw
	@llvm-cov report build-coverage/test/fuzz/parsers_test -instr-profile=build-coverage/profile/all lib >build-coverage/report
	@cat build-coverage/report
	@test/fuzz/coverage.py <build-coverage/report >build-coverage/fuzz.md
	@if [ '$(STORE)' = yes ]; then cp build-coverage/fuzz.md test/results/fuzz.md; fi
