# SPDX-License-Identifier: Apache-2.0
# The HTTP operations without sockets; tests/e2e/http has them.
$(call test,test_http_requests,tests/control/http/test_requests.c,http_read commands agents account config shm,\
    -lcjson -lcyaml -lyaml -lm)
$(call test,test_http_exchange,tests/control/http/test_exchange.c,http shm,-lm -pthread)
TSAN_TESTS += test_http_exchange
$(call test,test_http_analysis,tests/control/http/test_analysis.c,\
    http_analysis choice agents patterns store allocate models snapshot account config keymap shm,\
    -lsqlite3 -lcyaml -lyaml -lsodium -lm)
