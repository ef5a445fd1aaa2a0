/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a table: one checked mapping, shared by the bundles that hold it; used by the watcher.
 */
#ifndef QBID_SHM_PART_H
#define QBID_SHM_PART_H

#include <stddef.h>
#include <stdint.h>

#include "shm/image.h"
#include "shm/live.h"
#include "shm/page.h"

struct qbid_part {
    void *base;
    size_t bytes;
    unsigned refs;
    int fd; /* pages keep theirs for the next qbidd; others -1 */
    union {
        struct qbid_image image;
        struct qbid_live live;
        struct qbid_page page;
    } as;
    uint64_t deadline_ns; /* images: CLOCK_BOOTTIME of this host */
    uint64_t received_ns; /* images: when the adoption began */
};

/**
 * Map and check what a peer sent; the part has one reference.
 *
 * Shapes:  fd is a descriptor that nothing is known of; gen and bytes are what the message said.
 * Returns: 0 and *ret_part, or SEAL, LIMIT, VERSION, CORRUPT (also: not what the message said),
 * SYS, NOMEM. Lifetime: image and live page leave fd to the caller; a page takes it over on
 * success. Cost:    an image is read once completely.
 */
int qbid_part_image(int fd, uint64_t gen, uint64_t bytes, struct qbid_part **ret_part);
int qbid_part_live(int fd, uint64_t bytes, struct qbid_part **ret_part);
int qbid_part_page(int fd, struct qbid_part **ret_part);

/** A published image from a file: copied into a sealed memory file, then as above. NOENT without
 *  the file. */
int qbid_part_image_file(const char *path, struct qbid_part **ret_part);

/** A worker page of our own making. */
int qbid_part_page_make(uint32_t budget_max, unsigned lg_events, struct qbid_part **ret_part);

/** One more reference; NULL gives NULL. */
struct qbid_part *qbid_part_hold(struct qbid_part *part);

/** One less; returns 1 when that unmapped it. NULL is fine. No reader may be left by then. */
int qbid_part_drop(struct qbid_part *part);

#endif
