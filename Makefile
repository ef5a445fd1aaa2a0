# SPDX-License-Identifier: Apache-2.0
# The one entry: one make process; each folder adds itself in its local.mk.
PROFILE ?= release
B := build/$(PROFILE)

CC := gcc
CXX := g++
AR := ar
SHELL := /bin/bash

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
HARDEN := -fstack-protector-strong -fcf-protection
CPPFLAGS := -I. -D_GNU_SOURCE -D_LGPL_SOURCE -DRCU_MEMBARRIER
OPT_release := -O2 -D_FORTIFY_SOURCE=2
OPT_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer
OPT_cov := -O0 --coverage
ifeq ($(OPT_$(PROFILE)),)
$(error PROFILE is release, asan, tsan or cov, not '$(PROFILE)')
endif
OPT := $(OPT_$(PROFILE)) -g
CFLAGS := -std=c17 $(OPT) $(WARN) $(HARDEN) -fPIC -fvisibility=hidden -pthread
CXXFLAGS := -std=c++17 $(OPT) $(WARN) $(HARDEN) -fPIC -fvisibility=hidden -pthread
LDFLAGS := $(OPT) -Wl,-z,relro,-z,now -pthread

FOLDERS := shm fastpath plugin control tools bench tests

.DEFAULT_GOAL := all
.PHONY: all
all:

# --- what a local.mk may say (paths from the project's root, objects under build/<profile>/)
#   $(call lib,NAME,SOURCES)                     build/<profile>/libNAME.a
#   $(call prog,NAME,SOURCES,LIBS,LDLIBS)        build/<profile>/bin/NAME
#   $(call test,NAME,SOURCES,LIBS,LDLIBS)        build/<profile>/tests/NAME, run by `make check`
#   $(call race,NAME,SOURCES,LIBS,LDLIBS)        like test, run by `make check` under tsan only
#   $(call bench,NAME,SOURCES,LIBS,LDLIBS)       build/<profile>/bench/NAME (Google Benchmark)
# LIBS are our own libraries, each before the ones that it needs; LDLIBS are linker words.
obj = $(patsubst %,$(B)/%.o,$(basename $(1)))

define lib_rule
all: $(B)/lib$(1).a
$(B)/lib$(1).a: $(call obj,$(2))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
ALL_SOURCES += $(2)
endef
lib = $(eval $(call lib_rule,$(1),$(2)))

# 1 = folder, 2 = name, 3 = sources, 4 = libs, 5 = linker words
define exe_rule
$(B)/$(1)/$(2): $(call obj,$(3)) $(patsubst %,$(B)/lib%.a,$(4))
	@mkdir -p $$(@D)
	$$(if $$(filter %.cc,$(3)),$$(CXX),$$(CC)) $$(LDFLAGS) -o $$@ $$^ $(5)
ALL_SOURCES += $(3)
endef
prog = $(eval $(call exe_rule,bin,$(1),$(2),$(3),$(4)))$(eval all: $(B)/bin/$(1))
test = $(eval $(call exe_rule,tests,$(1),$(2),$(3),$(4) -lcmocka))$(eval TESTS += $(B)/tests/$(1))
race = $(eval $(call exe_rule,tests,$(1),$(2),$(3),$(4) -lcmocka))$(eval RACES += $(B)/tests/$(1))
bench = $(eval $(call exe_rule,bench,$(1),$(2),$(3),$(4) -lbenchmark))$(eval BENCHES += $(B)/bench/$(1))

include $(wildcard $(FOLDERS:%=%/local.mk))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(CPPFLAGS_$(*F)) -MMD -MP -c -o $@ $<

$(B)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(CPPFLAGS_$(*F)) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(sort $(call obj,$(ALL_SOURCES))))

.PHONY: tests races benches clean
tests: $(TESTS)
races: $(RACES)
benches: $(BENCHES)
clean:
	rm -rf build
