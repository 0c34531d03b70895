# This test makes calls of malloc and realloc fail. Included by test/rules.mk.
$(O)/test/unit/capture/put_test: LDFLAGS += $(WRAP_ONE)malloc $(WRAP_ONE)realloc
