# SPDX-License-Identifier: Apache-2.0
# The pattern library on a real store.
$(call test,test_patterns,tests/control/patterns/test_patterns.c,patterns store agents models account config snapshot keymap shm,-lsqlite3 -lsodium -lcyaml -lyaml -lm)
