# SPDX-License-Identifier: Apache-2.0
# Tests of the stages of qbidd, a folder for each.
include $(wildcard tests/control/*/local.mk)
$(call test,test_daemon,tests/control/test_daemon.c tests/control/running.c,\
	client config shm,-lcyaml -lyaml -lcjson)
$(B)/tests/test_daemon: | $(B)/bin/qbidd
$(call test,test_crew,tests/control/test_crew.c,daemon commands http http_analysis http_read rules records insights api access executor choice engine agents patterns decisions publish learn allocate models ingest \
    ledger snapshot frequency store account config keymap shm,\
	-lsqlite3 -lsodium -lcyaml -lyaml -lcjson -lwebsockets -lm)
$(call test,test_keymap,tests/control/test_keymap.c,keymap shm,)
