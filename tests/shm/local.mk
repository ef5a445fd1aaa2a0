# SPDX-License-Identifier: Apache-2.0
# Tests of what two processes share. Other folders that need table images add the sources
# tests/shm/image_fixture.c tests/shm/image_fixture_build.c to theirs, and the library shm.
$(call test,test_error,tests/shm/test_error.c,shm)
$(call test,test_units,tests/shm/test_units.c,shm,-lm)
$(call test,test_memfd,tests/shm/test_memfd.c,shm)
$(call test,test_memfd_huge,tests/shm/test_memfd_huge.c,shm)
$(call test,test_partner_keys,tests/shm/test_partner_keys.c,shm)
$(call test,test_clock,tests/shm/test_clock.c,shm,-lm)
$(call test,test_latency,tests/shm/test_latency.c,shm)
$(call test,test_live,tests/shm/test_live.c,shm)
$(call test,test_page,tests/shm/test_page.c,shm)
$(call test,test_ring,tests/shm/test_ring.c,shm,-lm)
$(call test,test_index,tests/shm/test_index.c,,-lm)
$(call test,test_image,tests/shm/test_image.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c tests/shm/image_sample.c,shm,-lm)
$(call test,test_image_check,tests/shm/test_image_check.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c tests/shm/image_sample.c,shm)
$(call test,test_handover,tests/shm/test_handover.c,shm)
$(call test,test_watcher,tests/shm/test_watcher.c tests/shm/watch.c tests/shm/server.c \
    tests/shm/server_fd.c tests/shm/server_image.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c,shm,$(call pkg,liburcu))
$(call test,test_watcher_hostile,tests/shm/test_watcher_hostile.c tests/shm/watch.c \
    tests/shm/server.c tests/shm/server_fd.c tests/shm/server_image.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c,shm,$(call pkg,liburcu))
TSAN_TESTS += test_watcher test_watcher_hostile
