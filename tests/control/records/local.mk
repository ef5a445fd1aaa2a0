# SPDX-License-Identifier: Apache-2.0
# What is taken down of models and insights.
$(call test,test_records,tests/control/records/test_records.c tests/control/learn/values/learned_world.c \
    tests/control/learn/fixture.c,records insights learn publish store agents snapshot keymap models account config shm,\
	-lsqlite3 -lsodium -lcyaml -lyaml -lm)
$(call test,test_overlaps,tests/control/records/test_overlaps.c,records publish store snapshot keymap models account config shm,\
	-lsqlite3 -lsodium -lcyaml -lyaml -lm)
