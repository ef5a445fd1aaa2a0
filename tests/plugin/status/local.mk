# SPDX-License-Identifier: Apache-2.0
# Tests of plugin/status: what a worker says of itself.
$(call test,test_status,tests/plugin/status/test_status.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(call test,test_status_merge,tests/plugin/status/test_status_merge.c,qbid,)
$(call test,test_recorder,tests/plugin/status/test_recorder.c $(TEST_HOST),qbid fastpath shm,\
    -Xlinker --wrap=clock_gettime $(TEST_HOST_LDLIBS))
