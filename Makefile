# pocketmesh - Istio's traffic rules on a laptop.
#
#   make              build build/pocketmesh (installs nothing; `make deps` does)
#   make guided       the same program, a sixth faster: compiled by a profile of itself (gcc)
#   make demo         the bookstore's tests in virtual time, then on real sockets
#   make test         lint, unit tests and end-to-end tests, with sanitizers
#   make conformance  agreement with the recorded answers of the real ones, a table
#   make lint         layers, symbols, format        make format   reformat
#   make bench        micro benchmarks               make fuzz     fuzz each door
#   make tsan         the unit tests with threads, under ThreadSanitizer
#   make differential COUNT=5000 SEED=1: the same bytes to our proxy and to a real Envoy
#   make meshes COUNT=1000 SEED=1: the same manifests to a real istiod and to ours
#   make agree PAIRS=300 LAWS=1000 CELLS=100 WITNESS=100 SEED=1: virtual time against sockets and
#                     against a real Envoy (if there is one), made-up meshes; laws of loads
#   make mtls-envoys  a sample of the TLS modes' matrix on real Envoys, pairs and gateways (4 minutes)
#   make third        our tests, examples and recordings on real Envoys
#   make envoy        a real Envoy below build/, for the tests that ask one
#   make objects      manifests of public repositories: load, translate, in any order
#   make soak         `up` under load, edits and failing pods for SECONDS (60), with sanitizers
#   make install      DESTDIR and PREFIX are honoured; make uninstall, clean, help
#
#   MODE=release|debug  SAN=address,undefined|thread  CC=gcc|clang  V=1
-include config.mk

REFERENCE ?= ../shared
PREFIX    ?= /usr/local
MODE      ?= release
SAN       ?=
BUILD     ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := $(if $(findstring clang,$(CC)),clang++,g++)
endif
CLANG_FORMAT ?= clang-format
CC_NAME   := $(notdir $(firstword $(CC)))
comma     := ,
B         := $(BUILD)/$(MODE)-$(CC_NAME)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
Q         := $(if $(V),,@)

LAYER_LIST := $(shell sed -n 's/^\([a-z][a-z/]*\):.*/\1/p' LAYERS)
# What a layer may include, and with it what those may: for linking.
layer_deps  = $(shell awk -v want='$(1)' '/^[a-z]/ { name = $$1; sub(/:$$/, "", name); $$1 = ""; deps[name] = $$0 } \
    END { todo[n = 1] = want; for (i = 1; i <= n; i++) { c = split(deps[todo[i]], d, " "); \
    for (k = 1; k <= c; k++) if (!(d[k] in seen) && d[k] != want) { seen[d[k]]; todo[++n] = d[k]; printf "%s ", d[k] } } }' LAYERS)
slug        = $(subst /,-,$(1))
lib         = $(B)/lib$(call slug,$(1)).a
objects     = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c)) $(patsubst %.cc,$(B)/%.o,$(wildcard $(1)/*.cc))

PKGS := libuv libnghttp2 yaml-0.1 re2 openssl
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wvla -Werror
WARN_C := -Wstrict-prototypes -Wmissing-prototypes
# A request crosses some ten files: the linker looks at them as one (a sixth of
# the instructions). Archives stay ordinary ones for tests and nm.
OPT_release := -O2 -g $(if $(findstring gcc,$(CC_NAME)),-flto=auto -ffat-lto-objects)
# make guided: the same, told by a profile of itself which roads are taken. What the
# compiler then warns of are roads that it has cut short, so nothing is an error.
OPT_guided  := $(OPT_release) -fprofile-$(STEP)=$(abspath $(BUILD))/profile -Wno-error -Wno-missing-profile
OPT_debug   := -O1 -g -fno-omit-frame-pointer
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
COMMON := -I. $(PKG_CFLAGS) $(OPT_$(MODE)) $(SANFLAGS) -D_POSIX_C_SOURCE=200809L -MMD -MP $(WARN)
ALL_C  = $(COMMON) -std=c17 $(WARN_C) $(CFLAGS)
ALL_CXX = $(COMMON) -std=c++17 $(CXXFLAGS)

# Each third-party library is linked only where a layer that uses it is linked.
LIBS_base        := -lre2 -lstdc++ -lm -lpthread
LIBS_config-yaml := -lyaml
LIBS_proxy-http  := -lnghttp2
LIBS_proxy-live  := -luv -lssl -lcrypto
LIBS_proxy-crypto := -lcrypto
LIBS_testbed-world := -lcrypto
libs_of = $(sort $(foreach l,$(1),$(LIBS_$(call slug,$(l)))))

# What is missing is installed; then make begins again, to see it.
HAVE := $(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes)
ifeq ($(HAVE),yes)
all: $(B)/pocketmesh
	$(if $(filter release-,$(MODE)-$(SAN)),$(Q)ln -sf $(patsubst $(BUILD)/%,%,$(B)/pocketmesh) $(BUILD)/pocketmesh)
else
all:
	@tests/deps
	@$(MAKE) --no-print-directory HAVE=yes all
endif

REVERSED := $(shell sed -n 's/^\([a-z][a-z/]*\):.*/\1/p' LAYERS | tac)
BIN_LIBS := $(foreach l,$(REVERSED),$(if $(wildcard $(l)/*.c),$(call lib,$(l))))
$(B)/pocketmesh: $(BIN_LIBS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(OPT_$(MODE)) $(SANFLAGS) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call libs_of,$(LAYER_LIST))

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<")
	$(Q)$(CC) $(ALL_C) -c -o $@ $<
$(B)/%.o: %.cc Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CXX) $(ALL_CXX) -c -o $@ $<

define layer
$(call lib,$(1)): $(call objects,$(1))
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
layer-$(call slug,$(1)): $(call lib,$(1))
endef
$(foreach l,$(LAYER_LIST),$(eval $(call layer,$(l))))
lib: $(BIN_LIBS)

# A layer's tests link that layer and those below it, and nothing else.
TEST_B := $(B)
define layer_tests
$(B)/tests/$(1)/%: tests/$(1)/%.c $(call lib,$(1)) $(foreach d,$(call layer_deps,$(1)),$(call lib,$(d)))
	@mkdir -p $$(@D)
	$(if $(V),,@echo "  TEST  $$<")
	$(Q)$$(CC) $$(ALL_C) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(call libs_of,$(1) $(call layer_deps,$(1))) -lcmocka
TESTS_$(call slug,$(1)) := $$(patsubst %.c,$(B)/%,$$(wildcard tests/$(1)/test_*.c))
run-$(call slug,$(1)): $$(TESTS_$(call slug,$(1)))
	@tests/run-unit $$^
test-$(call slug,$(1)):
	@$(MAKE) --no-print-directory MODE=debug SAN=address,undefined run-$(call slug,$(1))
UNIT_TESTS += $$(TESTS_$(call slug,$(1)))
endef
$(foreach l,$(LAYER_LIST),$(eval $(call layer_tests,$(l))))

# Fuzzing: corpora are replayed by `make test`; `make fuzz` searches, with clang.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIBS := $(filter-out $(call lib,cli),$(BIN_LIBS))
fuzz_link = -Wl,--start-group $(FUZZ_LIBS) -Wl,--end-group $(call libs_of,$(LAYER_LIST))
$(BUILD)/fuzz-replay/%: tests/fuzz/%.c $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_C) -DREPLAY -o $@ $< $(fuzz_link)
$(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_C) -fsanitize=fuzzer -o $@ $< $(fuzz_link) -lstdc++
run-fuzz: $(addprefix $(B)/fuzz/,$(FUZZERS))
	@for f in $(FUZZERS); do echo "== $$f"; mkdir -p $(B)/fuzz/corpus/$$f; \
	    $(B)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 $(B)/fuzz/corpus/$$f tests/fuzz/corpus/$${f#fuzz_} || exit 1; done
fuzz:
	@tests/deps --fuzz
	@$(MAKE) --no-print-directory CC=clang CXX=clang++ MODE=debug SAN=address,fuzzer-no-link run-fuzz
# The same bytes through our proxy and through a real Envoy.
COUNT ?= 5000
SEED  ?= 1
SERVE_LIBS := $(call lib,cli) $(FUZZ_LIBS)
$(B)/differential/serve: tests/differential/serve.c $(SERVE_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_C) -o $@ $< -Wl,--start-group $(SERVE_LIBS) -Wl,--end-group $(call libs_of,$(LAYER_LIST))
# Virtual time against real sockets, on what a seed makes up.
$(B)/agree: $(wildcard tests/agree/*.c) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_C) -o $@ $(filter %.c,$^) $(fuzz_link)
# Manifests that others wrote: see tests/objects/objects.c.
$(B)/objects: $(wildcard tests/objects/*.c) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_C) -o $@ $(filter %.c,$^) $(fuzz_link)
# Truth tables of Istio's unit tests: see tests/rows/rows.c.
$(B)/rows: $(wildcard tests/rows/*.c) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_C) -o $@ $(filter %.c,$^) $(fuzz_link)
run-objects: $(B)/objects
	@$(B)/objects $(REFERENCE)/data
objects:
	@$(MAKE) --no-print-directory MODE=debug SAN=address,undefined run-objects
run-agree: $(B)/agree
	@$(B)/agree pairs $(PAIRS) $(SEED)
	@$(B)/agree laws $(LAWS) $(SEED)
	@$(B)/agree cells $(CELLS) $(SEED)
	@if envoy=$$(tests/envoy $(BUILD)); then ENVOY=$$envoy $(B)/agree witness $(WITNESS) $(SEED); \
	    else echo "no Envoy as third witness: \`make envoy\` installs one, or \$$ENVOY names it"; fi
PAIRS ?= 300
LAWS  ?= 1000
CELLS ?= 100
WITNESS ?= 100
# The same files on real Envoys, one process each.
third: all
	@REFERENCE=$(REFERENCE) BUILD=$(BUILD) tests/third $(BUILD)/pocketmesh
mtls-envoys: all
	@ENVOY=$$(tests/envoy $(BUILD)) tests/e2e/mtls-matrix $(BUILD)/pocketmesh --envoy
agree:
	@$(MAKE) --no-print-directory MODE=debug SAN=address,undefined run-agree
run-differential: $(B)/pocketmesh $(B)/differential/serve
	@BUILD=$(BUILD) tests/differential/run --pocketmesh $(B)/pocketmesh --serve $(B)/differential/serve --count $(COUNT) --seed $(SEED)
differential:
	@$(MAKE) --no-print-directory MODE=debug SAN=address,undefined run-differential
# The same meshes to a real istiod (a program that $ORACLE names) and to ours.
run-meshes: $(B)/pocketmesh
	@tests/meshes/run --pocketmesh $(B)/pocketmesh --reference $(REFERENCE) --count $(if $(filter file,$(origin COUNT)),300,$(COUNT)) --seed $(SEED)
meshes:
	@$(MAKE) --no-print-directory MODE=debug SAN=address,undefined run-meshes
# What has threads: proxy/live, on memory that it shares (snapshots, engines).
tsan:
	@$(MAKE) --no-print-directory MODE=debug SAN=thread run-proxy-live
SECONDS ?= 60
soak:
	@$(MAKE) --no-print-directory MODE=debug SAN=address,undefined all
	@tests/soak $(BUILD)/debug-$(CC_NAME)-address-undefined/pocketmesh $(SECONDS)
# Twice as long to build, a sixth faster; gcc only. Learns from loads in virtual time, the
# proxy between buffers, manifests and the example's tests.
GUIDED = $(BUILD)/guided-$(CC_NAME)
guided:
	@rm -rf $(GUIDED) $(BUILD)/profile
	@$(MAKE) --no-print-directory MODE=guided STEP=generate all
	@for lesson in 'sim 200000' 'wire 200000' 'exchange 200000' 'lb 200000' 'translate 100'; do $(GUIDED)/pocketmesh bench $$lesson >/dev/null || exit 1; done
	@$(GUIDED)/pocketmesh test -q examples/bookstore/tests/*.yaml
	@rm -rf $(GUIDED)
	@$(MAKE) --no-print-directory MODE=guided STEP=use all
	@echo "$(GUIDED)/pocketmesh"
bench: all
	@$(BUILD)/pocketmesh bench sim
	@$(BUILD)/pocketmesh bench wire

test:
	@REFERENCE=$(REFERENCE) BUILD=$(BUILD) tests/run
unit: $(UNIT_TESTS)
unit-list:
	@echo $(UNIT_TESTS)
where:
	@echo $(B)/pocketmesh
demo: all
	@examples/demo $(BUILD)/pocketmesh
conformance: all
	@if [ -d $(REFERENCE)/data/public-manifests ]; then $(MAKE) --no-print-directory objects; else echo "skipped: no public objects in $(REFERENCE)"; fi
	@$(MAKE) --no-print-directory run-agreement
run-agreement: $(B)/rows
	@REFERENCE=$(REFERENCE) tests/agreement $(BUILD)/pocketmesh $(B)/rows
lint: lib
	@B=$(B) tests/lint/lint
format:
	@git ls-files '*.c' '*.h' '*.cc' | xargs $(CLANG_FORMAT) -i
check: test
deps:
	@tests/deps
envoy:
	@tests/envoy --install $(BUILD)
install: all
	install -D $(B)/pocketmesh $(DESTDIR)$(PREFIX)/bin/pocketmesh
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/pocketmesh
clean:
	rm -rf $(BUILD)
help:
	@sed -n '1,/^-include/s/^# \{0,1\}//p' Makefile

.PHONY: all guided third mtls-envoys run-agreement agree run-agree objects run-objects differential run-differential meshes run-meshes soak bench tsan fuzz run-fuzz lib unit unit-list where test demo conformance lint format check deps envoy install uninstall clean help
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
