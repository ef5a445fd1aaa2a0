# SPDX-License-Identifier: Apache-2.0
# What two processes agree on.
$(call lib,shm,shm/clock.c shm/error.c shm/handover.c shm/image.c shm/image_check.c shm/live.c shm/memfd.c \
    shm/page.c shm/ring.c shm/units.c)
