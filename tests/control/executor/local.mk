# SPDX-License-Identifier: Apache-2.0
# The executor on a store alone.
EXECUTOR_LIBS := executor choice store agents account config snapshot keymap shm
EXECUTOR_LDLIBS := -lsqlite3 -lsodium -lcyaml -lyaml -lcjson -lm
$(call test,test_executor,tests/control/executor/test_executor.c tests/control/executor/rig.c,\
    $(EXECUTOR_LIBS),$(EXECUTOR_LDLIBS))
