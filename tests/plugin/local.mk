# SPDX-License-Identifier: Apache-2.0
# Tests of the plugin. QBID_LDLIBS comes from plugin/local.mk.
$(call test,test_openrtb_agreement,tests/plugin/test_openrtb_agreement.c tests/plugin/lines.c \
    tests/plugin/openrtb_oracle.c tests/plugin/openrtb_differ.c tests/plugin/json_oracle.c,\
    qbid shm,$(QBID_LDLIBS) -lcjson -lm)
