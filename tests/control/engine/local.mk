# SPDX-License-Identifier: Apache-2.0
# The whole loop: engine and ad server.
$(call test,test_engine,tests/control/engine/test_engine.c,engine decisions frequency store agents config ingest ledger snapshot learn publish models keymap account qbid fastpath shm,-lcyaml -lyaml -lsqlite3 -lm $(QBID_LDLIBS))
$(call test,test_engine_frequency,tests/control/engine/test_engine_frequency.c \
    tests/plugin/lines.c tests/plugin/openrtb/protobuf_encode.c,engine decisions frequency store agents config ingest ledger snapshot learn publish models keymap account qbid fastpath shm,-lcyaml -lyaml -lsqlite3 -lm $(QBID_LDLIBS) -lcjson)
$(call test,test_overridden,tests/control/engine/test_overridden.c,engine learn publish models keymap account config shm,-lcyaml -lyaml -lm)
