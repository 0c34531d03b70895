# `make soak`: servers under load while they are captured in a tight loop.
# TIME: seconds in all. LOADS: idle, saturated or both. STORE=yes: write test/results/soak.md.
SOAK_NEEDS := gunicorn wrk
TIME  ?= 3600
LOADS ?= idle saturated

soak:
	@test/need.sh $(BUILD_NEEDS) $(SOAK_NEEDS)
	$(again) -s all
	@test/soak/soak.py --pystack $(O)/pystack --time $(TIME) --loads '$(LOADS)' \
		$(if $(STORE),--store test/results/soak.md)

.PHONY: soak
