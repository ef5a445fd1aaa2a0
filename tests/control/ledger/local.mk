# SPDX-License-Identifier: Apache-2.0
$(call test,test_ledger_world,tests/control/ledger/test_ledger_world.c \
    tests/control/ledger/world.c,ledger shm)
$(call test,test_tally,tests/control/ledger/test_tally.c,ledger shm)
$(call test,test_ledger,tests/control/ledger/test_ledger.c,ledger shm)
$(call test,test_grant_bid,tests/control/ledger/test_grant_bid.c,ledger shm,-lm)
$(call test,test_ledger_faults,tests/control/ledger/test_ledger_faults.c,ledger shm)
$(call test,test_speed,tests/control/ledger/test_speed.c,ledger shm,-lm)
