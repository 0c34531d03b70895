# The agent: a shared library that contains all layers but probe and libproc, and on Linux, which has
# no libproc, that too. It is linked with shared libraries because archives may hold code that is not
# position-independent. Included by the Makefile.

AGENT     := $(O)/libpython_db.so.1
AGENT_MAP := lib/pydb/libpython_db.map
AGENT_OBJ := $(patsubst %.c,$(O)/pic/%.o,$(call sources,$(filter-out probe,$(LAYERS))))

$(O)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(pkg_cflags) $(CFLAGS) -fPIC -MMD -MP -c -o $@ $<

$(AGENT): $(AGENT_OBJ) $(AGENT_MAP)
	$(CC) $(LDFLAGS) $(call SHARED,libpython_db.so.1,$(AGENT_MAP)) -o $@ $(AGENT_OBJ) $(shared) $(SYSTEM_LIBS)

agent: $(AGENT)

# The directories in which install-agent looks for libpython.
AGENT_DIRS ?= $(wildcard /usr/lib/amd64 /usr/lib/64 /usr/lib /usr/lib/*-linux-gnu $(PREFIX)/lib)

install-agent: $(AGENT)
	lib/pydb/install-agent.sh '$(DESTDIR)' $(AGENT) $(LIBDIR)/pystack $(AGENT_DIRS)

.PHONY: agent install-agent
