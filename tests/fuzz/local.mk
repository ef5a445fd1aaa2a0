# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. `make fuzz T=60` gives each so many seconds of libFuzzer with the address and undefined
# sanitizers (needs clang and libclang-rt-14-dev) and ends with a table; what it finds stays in build/fuzz.
# `make fuzz-NAME` runs one. `make test` runs each target on its seeds and on mutations of them, as the
# tests test_fuzz_*. A finding becomes a seed of its target, or a test of what was wrong.
#   $(call fuzz,NAME,SOURCES,LIBS,LDLIBS)  tests/fuzz/fuzz_NAME.c with SOURCES, all that it needs; the
#                                          test links LIBS in place of those that are not in tests/
T ?= 60
CLANG ?= clang
FUZZ_FLAGS := -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer -pthread
ifeq ($(PROFILE),release) # the one that fuzz targets are built in
$(call folder,build/fuzz)$(call note,build/fuzz/flags,$(CLANG) $(CPPFLAGS) $(FUZZ_FLAGS))
endif

# A file's own flags hold here, too.
build/fuzz/%.o: %.c build/fuzz/flags | $(PROTOBUF_H)
	@mkdir -p $(@D)
	$(CLANG) -std=c17 $(CPPFLAGS) $(FUZZ_FLAGS) $(CPPFLAGS_$(*F)) -MMD -MP -c -o $@ $<
build/fuzz/%.o: %.cc build/fuzz/flags
	@mkdir -p $(@D)
	$(CLANG)++ -std=c++17 $(CPPFLAGS) $(FUZZ_FLAGS) $(CPPFLAGS_$(*F)) -MMD -MP -c -o $@ $<

# 1 = name, 2 = sources, 3 = linker words
define fuzz_rule
build/fuzz/fuzz_$(1): $(patsubst %,build/fuzz/%.o,$(basename tests/fuzz/fuzz_$(1).c $(2)))
	$$(CLANG) $$(FUZZ_FLAGS) -o $$@ $$^ $(3) $$(RCU_LDLIBS)
-include $(patsubst %,build/fuzz/%.d,$(basename tests/fuzz/fuzz_$(1).c $(2)))
.PHONY: fuzz-$(1)
fuzz-$(1): build/fuzz/fuzz_$(1) build/release/tests/test_fuzz_$(1)
	@tests/fuzz/run.sh $$(T) $(1)
FUZZ += $(1)
endef
fuzz = $(eval $(call fuzz_rule,$(1),$(2),$(4)))$(call test,test_fuzz_$(1),tests/fuzz/fuzz_$(1).c \
    tests/fuzz/replay.c $(filter tests/%,$(2)),$(3),$(4) -lm)

.PHONY: fuzz fuzz-all
fuzz: ## every fuzz target for T=60 seconds; make fuzz-NAME for one
	@command -v $(CLANG) >/dev/null || { echo 'make fuzz: needs clang and libclang-rt-14-dev'; exit 1; }
	@$(MAKE) --no-print-directory PROFILE=release fuzz-all
fuzz-all:
	@$(MAKE) --no-print-directory -s PROFILE=release $(foreach name,$(FUZZ),build/fuzz/fuzz_$(name) \
	    build/release/tests/test_fuzz_$(name))
	@tests/fuzz/run.sh $(T) $(FUZZ)

FUZZ_IMAGE := tests/shm/image_fixture.c tests/shm/image_fixture_build.c
FUZZ_SHM := $(addprefix shm/,base64.c bundle.c clock.c error.c handover.c image.c image_check.c \
    latency.c live.c memfd.c mimes.c page.c part.c partner.c ring.c shelf.c summary.c units.c watcher.c \
    watcher_link.c watcher_stage.c watcher_worker.c)
$(call fuzz,image,$(FUZZ_SHM) $(FUZZ_IMAGE) tests/shm/image_sample.c,shm,$(call pkg,liburcu))
$(call fuzz,page,$(FUZZ_SHM),shm,$(call pkg,liburcu))
$(call fuzz,units,$(FUZZ_SHM),shm,$(call pkg,liburcu))
$(call fuzz,watcher,$(FUZZ_SHM) $(FUZZ_IMAGE) tests/shm/server_image.c,shm,$(call pkg,liburcu))
FUZZ_CONFIG := $(wildcard control/config/*.c) $(addprefix shm/,base64.c error.c units.c)
FUZZ_ACCOUNT := $(wildcard control/account/*.c control/account/*/*.c) shm/mimes.c
$(call fuzz,partner,$(FUZZ_CONFIG),config shm,-lsodium -lcyaml -lyaml)
$(call fuzz,config,$(FUZZ_CONFIG),config shm,-lsodium -lcyaml -lyaml)
$(call fuzz,account,$(FUZZ_ACCOUNT) $(FUZZ_CONFIG),account config shm,-lsodium -lcyaml -lyaml)
FUZZ_CONTROL := control/keymap.c control/client_token.c $(wildcard $(addsuffix /*.c,$(addprefix control/,access account account/* agents api choice \
    config decisions engine executor frequency http ingest insights learn learn/* ledger models models/* patterns publish records rules \
    snapshot store)))
$(call fuzz,control,$(FUZZ_CONTROL) $(FUZZ_SHM) tests/plugin/openrtb/json_oracle.c,\
    commands http http_analysis http_read rules records insights api access executor choice engine agents patterns decisions publish learn allocate models ingest ledger snapshot frequency store account config keymap shm,\
    -lsqlite3 -lsodium -lcyaml -lyaml -lcjson -lwebsockets $(call pkg,liburcu))
$(call fuzz,http,$(addprefix control/http/,body.c refusal.c requests.c) control/api/json.c control/agents/proposal.c $(FUZZ_ACCOUNT) \
    $(FUZZ_CONFIG),http_read commands agents account config shm,-lcjson -lcyaml -lyaml -lsodium)
$(call e2e,fuzz_rebuild,tests/fuzz/rebuild.sh)
