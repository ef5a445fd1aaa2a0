# SPDX-License-Identifier: Apache-2.0
# What two processes agree on. Programs that use the watcher link $(call pkg,liburcu).
$(call lib,shm,shm/base64.c shm/bundle.c shm/clock.c shm/error.c shm/handover.c shm/image.c \
    shm/image_check.c shm/isa.c shm/latency.c shm/live.c shm/memfd.c shm/mimes.c shm/page.c shm/part.c \
    shm/partner.c shm/ring.c shm/shelf.c shm/summary.c shm/units.c shm/watcher.c shm/watcher_link.c \
    shm/watcher_stage.c shm/watcher_worker.c)
