# SPDX-License-Identifier: Apache-2.0
$(call test,test_build_image,tests/control/publish/test_build_image.c \
    tests/control/publish/scene.c,publish models account shm,-lm)
