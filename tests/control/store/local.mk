# SPDX-License-Identifier: Apache-2.0
# The store, on a real file, with real kills.
STORE_LIBS := store agents account config snapshot keymap shm
STORE_LDLIBS := -lsqlite3 -lsodium -lcyaml -lyaml
$(call test,test_store,tests/control/store/test_store.c,$(STORE_LIBS),$(STORE_LDLIBS))
$(call test,test_store_account,tests/control/store/test_store_account.c,$(STORE_LIBS),$(STORE_LDLIBS))
$(call test,test_store_audit,tests/control/store/test_store_audit.c,$(STORE_LIBS),$(STORE_LDLIBS))
$(call test,test_store_state,tests/control/store/test_store_state.c,$(STORE_LIBS),$(STORE_LDLIBS))
$(call test,test_store_records,tests/control/store/test_store_records.c,$(STORE_LIBS),$(STORE_LDLIBS))
$(call test,test_store_kill,tests/control/store/test_store_kill.c,$(STORE_LIBS),$(STORE_LDLIBS))
