# SPDX-License-Identifier: Apache-2.0
# The executor on a store alone.
EXECUTOR_LIBS := executor choice store agents account config snapshot keymap shm
EXECUTOR_LDLIBS := -lsqlite3 -lsodium -lcyaml -lyaml -lcjson -lm
$(call test,test_executor,tests/control/executor/test_executor.c tests/control/executor/rig.c,\
    $(EXECUTOR_LIBS),$(EXECUTOR_LDLIBS))
$(call test,test_rollback,tests/control/executor/test_rollback.c tests/control/executor/rig.c,\
    $(EXECUTOR_LIBS),$(EXECUTOR_LDLIBS))
$(call test,test_fall,tests/control/executor/test_fall.c,executor,-lm)
# Random commands with a crash at their writes: some in `make test`, all of them in `make executor-proof`.
$(call test,executor_crashes,tests/control/executor/crashes.c tests/control/executor/crash_vfs.c \
    tests/control/executor/rig.c,$(EXECUTOR_LIBS),$(EXECUTOR_LDLIBS))
.PHONY: executor-proof
executor-proof: build/release/tests/executor_crashes ## command sequences with crashes at their writes (SEQUENCES=100000)
	@build/release/tests/executor_crashes $(or $(SEQUENCES),100000)
