# SPDX-License-Identifier: Apache-2.0
# Response curves and allocators; NLopt is the peer.
$(call test,test_curve,tests/control/models/allocate/test_curve.c,allocate models shm,-lm)
$(call test,test_shares,tests/control/models/allocate/test_shares.c,allocate models shm,-lm)
$(call test,test_allocation,tests/control/models/allocate/test_allocation.c \
    tests/control/models/allocate/notes.c tests/control/models/allocate/slsqp.c,allocate models shm,-lnlopt -lm)
$(call test,test_fit,tests/control/models/allocate/test_fit.c,allocate models shm,-lm)
$(call test,test_explore,tests/control/models/allocate/test_explore.c \
    tests/control/models/allocate/cells.c tests/control/models/allocate/notes.c,allocate models shm,-lm)
$(call test,test_mmm,tests/control/models/allocate/test_mmm.c,allocate models shm,-lm)
$(call test,test_nsga,tests/control/models/allocate/test_nsga.c,allocate models shm,-lm)
$(call test,test_descent,tests/control/models/allocate/test_descent.c,allocate models shm,-lnlopt -lm)
$(call test,test_bayes,tests/control/models/allocate/test_bayes.c,allocate models shm,-lm)
$(call test,test_period,tests/control/models/allocate/test_period.c,allocate models shm,-lm)
