# SPDX-License-Identifier: Apache-2.0
# The operator's program.
include tests/tools/qbid/explain/local.mk
$(call test,test_columns,tests/tools/qbid/test_columns.c tools/qbid/columns.c,,)
$(call test,test_qbid,tests/tools/qbid/test_qbid.c tests/control/running.c,\
	client config shm,-lcyaml -lyaml -lcjson)
$(B)/tests/test_qbid: | $(B)/bin/qbid $(B)/bin/qbidd
$(call test,test_ope_command,tests/tools/qbid/ope/test_ope.c,decisions shm,-lcjson -lm)
$(B)/tests/test_ope_command: | $(B)/bin/qbid
$(call test,test_allocate_command,tests/tools/qbid/allocate/test_allocate.c,whatif,-lcjson -lm)
$(B)/tests/test_allocate_command: | $(B)/bin/qbid
