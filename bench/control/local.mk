# SPDX-License-Identifier: Apache-2.0
$(call bench,build,bench/control/build.cc bench/control/build_decide.c bench/control/build_phases.c \
    bench/control/build_tick.c bench/control/build_world.c,learn publish models keymap account config fastpath \
    shm,-lm)
$(call bench,tick,bench/control/tick.cc bench/control/tick_effects.c bench/control/tick_steps.c \
    bench/control/build_world.c,learn publish models keymap account config shm,-lm)
$(call bench,beside,bench/control/beside.cc bench/control/beside_loop.c bench/control/tick_steps.c \
    bench/control/build_world.c bench/decision/swap_side.c $(DECIDE_WORLD) tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c,fastpath learn publish models keymap account config shm,\
    $(call pkg,liburcu-memb) -lm)
$(call bench,allocate,bench/control/allocate.cc bench/control/allocate_ways.c \
    tests/control/models/allocate/notes.c,allocate models shm,-lnlopt -lm)
$(call bench,landscape,bench/control/landscape.cc bench/control/landscape_loop.c,models,-lm)
$(call bench,learned,bench/control/learned.cc bench/control/learned_loop.c,models,-lm)
$(call bench,forecast,bench/control/forecast.cc bench/control/forecast_series.c,models,-lm)
$(call bench,choice,bench/control/choice.cc bench/control/choice_loop.c,choice,-lm)
