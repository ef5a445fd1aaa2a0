# SPDX-License-Identifier: Apache-2.0
# The one entry: one make process; each folder adds itself in its local.mk.
PROFILE ?= release
B := build/$(PROFILE)

CC := gcc
CXX := g++
AR := ar

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
HARDEN := -fstack-protector-strong -fcf-protection
CPPFLAGS := -I. -D_GNU_SOURCE -D_LGPL_SOURCE -DRCU_MEMBARRIER
# a sanitizer's report names functions and lines, for which -g1 is enough; it compiles a tenth faster
OPT_release := -O2 -D_FORTIFY_SOURCE=2 -g
OPT_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
OPT_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer -g1
OPT_cov := -O0 --coverage -g
ifeq ($(OPT_$(PROFILE)),)
$(error PROFILE is release, asan, tsan or cov, not '$(PROFILE)')
endif
OPT := $(OPT_$(PROFILE))
# a section for every function lets tests/lint/symbols.sh follow what the fast path reaches
CODEGEN := -fPIC -fvisibility=hidden -ffunction-sections -pthread
CFLAGS := -std=c17 $(OPT) $(WARN) $(HARDEN) $(CODEGEN)
CXXFLAGS := -std=c++17 $(OPT) $(WARN) $(HARDEN) $(CODEGEN)
LDFLAGS := $(OPT) -Wl,-z,relro,-z,now -pthread

# what runs at bid rate: a bid takes about 4 % less time than with -O2. What gcc 12 for x86 sets or copies of a few
# hundred bytes by itself, it does with rep stos and rep movs, whose start alone takes longer: 4 % of a bid.
ifeq ($(shell uname -m),x86_64)
FAST_STRINGS := unrolled_loop:256:noalign,libcall:-1:noalign
FAST_release := -O3 -mmemset-strategy=$(FAST_STRINGS) -mmemcpy-strategy=$(FAST_STRINGS)
else
FAST_release := -O3
endif
$(foreach folder,shm fastpath plugin,$(B)/$(folder)/%.o): CFLAGS += $(FAST_$(PROFILE))
$(foreach folder,shm fastpath plugin,$(B)/$(folder)/%.o): CXXFLAGS += $(FAST_$(PROFILE))

# The code of the tests themselves: what they test is in libraries, built as it is shipped; for this a third less
# time to compile. The undefined sanitizer doubles gcc's time for large files and looks at what is tested, not at tests.
TESTS_release := -O1 -g1
TESTS_asan := -fno-sanitize=undefined
$(B)/tests/%.o: CFLAGS += $(TESTS_$(PROFILE))

# A process costs milliseconds where memory is virtual, and a build starts thousands: make itself reads and writes what it
# compares, makes all folders at once, and runs a recipe of one plain command without a shell.
folder = $(if $(filter-out $(wildcard $(1)),$(1)),$(shell mkdir -p $(filter-out $(wildcard $(1)),$(1))))
# $(call note,FILE,TEXT) writes the text when it is not in the file: what depends on it is made again
note = $(if $(subst x$(file <$(1))x,,x$(strip $(2))x),$(file >$(1),$(strip $(2))))

# objects are older than the flags that they were compiled with only if the flags have changed
FLAGS := $(CC) $(CXX) $(CPPFLAGS) $(CFLAGS) $(CXXFLAGS) $(FAST_$(PROFILE)) $(TESTS_$(PROFILE))
$(call folder,$(B))$(call note,$(B)/flags,$(FLAGS))

PREFIX ?= /usr/local
PROFILES ?= release asan tsan
JOBS ?= 2
export JOBS

FOLDERS := shm fastpath plugin control tools bench tests

.DEFAULT_GOAL := all
.PHONY: all

# --- what a local.mk may say (paths from the project's root, objects under build/<profile>/)
#   $(call lib,NAME,SOURCES)                     build/<profile>/libNAME.a
#   $(call prog,NAME,SOURCES,LIBS,LDLIBS)        build/<profile>/bin/NAME
#   $(call test,NAME,SOURCES,LIBS,LDLIBS)        build/<profile>/tests/NAME, run under release and asan
#   $(call race,NAME,SOURCES,LIBS,LDLIBS)        like test, run under tsan only
#   TSAN_TESTS += NAME                           this test is run under tsan as well
#   $(call e2e,NAME,SCRIPT[,PROFILE])            run by `make test` after `all` was built; env B, PROFILE;
#                                                exit 0 passed, 77 skipped (last line: why), else failed;
#                                                or a last line "N passed, N failed, N skipped"
#   $(call bench,NAME,SOURCES,LIBS,LDLIBS)       build/<profile>/bench/NAME (Google Benchmark)
#   $(call figure,NN,SCRIPT)                     run by `make figures`, see tests/figures/collect.py
#   $(call install,SRC,DIR,MODE)                 DIR under PREFIX, or absolute; MODE 755, 644, or link
#                                                (a symbolic link is copied as one)
# LIBS are our own libraries, each before the ones that it needs; LDLIBS are linker words. Packages may not
# be there yet while this is read: write $(call pkg,NAMES), which asks pkg-config and never fails the parse.
# A test that runs a program: `$(B)/tests/NAME: | $(B)/bin/PROG`.
pkg = $(call pkg_asked,$(subst $(SPACE),+,$(1)),$(1))
SPACE := $() $()
# each set of names is asked for once
pkg_asked = $(if $(pkg_$(1)),,$(eval pkg_$(1) := $(shell pkg-config --libs $(2) 2>/dev/null)))$(pkg_$(1))
obj = $(patsubst %,$(B)/%.o,$(basename $(1)))

define lib_rule
all: $(B)/lib$(1).a
$(B)/lib$(1).a: $(call obj,$(2))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
ALL_SOURCES += $(2)
endef
lib = $(eval $(call lib_rule,$(1),$(2)))

# libshm's two flavours of RCU, for programs that have the watcher
RCU_LDLIBS = -Wl,--as-needed $(call pkg,liburcu-memb liburcu-qsbr)
# gold links a program in half of the time of ld, which is a minute over all tests; what is installed is ld's
LD_tests := $(if $(shell command -v ld.gold),-fuse-ld=gold)
# 1 = folder, 2 = name, 3 = sources, 4 = libs, 5 = linker words
define exe_rule
$(B)/$(1)/$(2): $(call obj,$(3)) $(patsubst %,$(B)/lib%.a,$(4))
	$$(if $$(filter %.cc,$(3)),$$(CXX),$$(CC)) $$(LDFLAGS) $$(LD_$(1)) -o $$@ $$^ $(5) $$(if $$(filter shm,$(4)),$$(RCU_LDLIBS))
ALL_SOURCES += $(3)
EXE_FOLDERS += $(B)/$(1)/
endef
prog = $(eval $(call exe_rule,bin,$(1),$(2),$(3),$(4)))$(eval all: $(B)/bin/$(1))
test = $(eval $(call exe_rule,tests,$(1),$(2),$(3),$(4) -lcmocka))$(eval TESTS += $(B)/tests/$(1))
race = $(eval $(call exe_rule,tests,$(1),$(2),$(3),$(4) -lcmocka))$(eval RACES += $(B)/tests/$(1))
bench = $(eval $(call exe_rule,bench,$(1),$(2),$(3),$(4) -lbenchmark))$(eval BENCHES += $(B)/bench/$(1))
e2e = $(eval E2E += $(1):$(2):$(or $(3),release))
figure = $(eval FIGURES += $(1):$(2))

define install_rule
INSTALLS += install-$(1)
.PHONY: install-$(1)
install-$(1): $(1)
	@install -d '$$(DESTDIR)$(2)'
	$(if $(filter link,$(3)),cp -P $(1),install -m $(3) $(1)) '$$(DESTDIR)$(2)/'
endef
install = $(eval $(call install_rule,$(1),$(if $(filter /%,$(2)),$(2),$$(PREFIX)/$(2)),$(3)))

include $(wildcard $(FOLDERS:%=%/local.mk))

$(B)/%.o: %.c $(B)/flags
	$(CC) $(CPPFLAGS) $(CFLAGS) $(CPPFLAGS_$(*F)) -MMD -MP -c -o $@ $<

$(B)/%.o: %.cc $(B)/flags
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(CPPFLAGS_$(*F)) -MMD -MP -c -o $@ $<

$(call folder,$(sort $(dir $(call obj,$(ALL_SOURCES))) $(EXE_FOLDERS)))
-include $(patsubst %.o,%.d,$(sort $(call obj,$(ALL_SOURCES))))

.PHONY: tests races benches clean
tests: $(TESTS)
races: $(RACES)
benches: $(BENCHES)
clean:
	rm -rf build

include deps.mk
include tests/coverage.mk

# --- what people call; the lines after ## are what `make help` prints
.PHONY: help deps deps-run deps-test deps-coverage deps-bench run stop test check lint bench bench-compare bench-plot \
    figures coverage install nginx test-bare
help:
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1~\2/p' $(MAKEFILE_LIST) | column -t -s '~'

all: ## build everything

deps: ## install the Debian packages that are missing (run and test do it themselves)
	@.ci/deps.sh $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_COVERAGE) $(DEPS_BENCH)
deps-run:
	@.ci/deps.sh $(DEPS_BUILD)
deps-test:
	@.ci/deps.sh $(DEPS_BUILD) $(DEPS_TEST)
deps-coverage:
	@.ci/deps.sh $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_COVERAGE)
deps-bench:
	@.ci/deps.sh $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_BENCH)

# The packages change what a local.mk sees, so what comes after them is read by a make of its own.
rebuild = $(MAKE) -s --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) PROFILE=release

nginx: deps-run ## the nginx module alone, for the installed nginx (NGINX=binary, NGINX_SOURCE=its sources)
	@+$(rebuild) build/release/ngx_http_qbid_module.so
	@echo "build/release/ngx_http_qbid_module.so fits $${NGINX:-$$(PATH=$$PATH:/usr/sbin command -v nginx)}"

run: deps-run ## demonstration: control process, nginx, replayed traffic (QBID_LOG=file, KEEP=1)
	@+$(rebuild) all
	@B=build/release tools/demo/run.sh

stop: ## end what `make run KEEP=1` left running
	@tools/demo/stop.sh

test: deps-test ## lints, unit tests in PROFILES="release asan tsan", end-to-end tests
	@tests/run.sh lint $(filter release,$(PROFILES)) $(if $(filter release,$(PROFILES)),e2e) $(filter-out release,$(PROFILES))

check: deps-test ## lints and unit tests of the release build
	@tests/run.sh lint release

lint: deps-test ## layers, symbols, exports, guards, words, format
	@tests/run.sh lint

bench: deps-bench ## speed of the decision and of nginx with the module
	@+$(rebuild) all benches
	@B=build/release bench/run.sh

bench-compare: deps-bench ## speed beside that of commit BASE= (PROGRAM=decide, FILTER=, ROUNDS=5)
	@bench/compare.sh

bench-plot: deps-bench ## build/bench/latency.svg and scale.svg, measured where missing (SCALE=small or full)
	@+$(rebuild) build/release/bench/decide build/release/bench/build
	@B=build/release bench/plots.py

figures: deps-bench ## reproduce the stated figures into build/figures/NN.json (N=01 for one set)
	@+$(rebuild) all benches tests
	@B=build/release tests/figures/collect.py $(if $(N),--only $(N)) $(FIGURES)

coverage: deps-coverage ## branch coverage of parser, floors and tokens: build/coverage/index.html
	@+$(MAKE) -s --no-print-directory PROFILE=cov coverage-tests
	@tests/coverage.sh $(COVERAGE_FILES) -- $(COVERAGE_TESTS:%=build/cov/tests/%)

install: $(INSTALLS) ## into PREFIX=/usr/local, below DESTDIR=

test-bare: ## make test and make run in a fresh Debian 12 root (needs root)
	@tests/bare/bare.sh

# --- what tests/run.sh asks
SUITE_release := $(TESTS)
SUITE_asan := $(TESTS)
SUITE_cov := $(TESTS)
SUITE_tsan := $(RACES) $(TSAN_TESTS:%=$(B)/tests/%)
.PHONY: suite manifest
suite: $(SUITE_$(PROFILE))
manifest:
	@:$(foreach path,$(SUITE_$(PROFILE)),$(info suite $(path)))
	@:$(foreach entry,$(E2E),$(info e2e $(subst :, ,$(entry))))
