# SPDX-License-Identifier: Apache-2.0
$(call test,test_decision_log,tests/control/decisions/test_decision_log.c,decisions shm)
