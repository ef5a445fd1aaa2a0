# SPDX-License-Identifier: Apache-2.0
$(call test,test_build_image,tests/control/publish/test_build_image.c \
    tests/control/publish/scene.c,publish models account shm,-lm)
$(call test,test_publisher,tests/control/publish/test_publisher.c tests/control/publish/rig.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,publish shm,$(call pkg,liburcu))
$(call test,test_publisher_hostile,tests/control/publish/test_publisher_hostile.c \
    tests/control/publish/rig.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    publish shm,$(call pkg,liburcu))
$(call test,test_publisher_slots,tests/control/publish/test_publisher_slots.c \
    tests/control/publish/rig.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    publish shm,$(call pkg,liburcu))
$(call test,test_publisher_stage,tests/control/publish/test_publisher_stage.c \
    tests/control/publish/rig.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    publish shm,$(call pkg,liburcu))
$(call test,test_build_input,tests/control/publish/test_build_input.c \
    tests/control/publish/scene.c,publish models account shm,-lm)
$(call test,test_build_renew,tests/control/publish/test_build_renew.c \
    tests/control/publish/scene.c,publish models account shm,-lm)
$(call test,test_section_index,tests/control/publish/test_section_index.c,publish models shm,-lm)
