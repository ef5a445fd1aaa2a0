# SPDX-License-Identifier: Apache-2.0
# Tests of qbid-replay; cJSON is the other reader of what it writes.
replay_test = $(call test,test_replay_$(1),tests/tools/replay/test_$(1).c $(2),replay,-lcjson -lm)
$(call replay_test,money)
$(call replay_test,histogram)
$(call replay_test,buffer)
$(call replay_test,json)
$(call replay_test,row)
$(call replay_test,log)
$(call replay_test,device)
$(call replay_test,request)
