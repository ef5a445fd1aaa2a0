/* SPDX-License-Identifier: Apache-2.0 */
/* The publishing side of the swap benchmark: a process of its own. */
#ifndef QBID_BENCH_DECISION_SWAP_SIDE_H
#define QBID_BENCH_DECISION_SWAP_SIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/decision/decide_world.h"

#define SWAP_GENS_MAX 4096
#define SWAP_POOL 6 /* images made beforehand: one swapping phase uses 5 */

/* Shared with the reader's process. */
struct swap_shared {
    _Atomic bool swapping, filling, stop;
    _Atomic uint32_t pool; /* images that are ready to be published */
    _Atomic uint64_t gen, late;
    _Atomic uint64_t fill_ns;                  /* of the last image */
    _Atomic uint64_t commit_ns[SWAP_GENS_MAX]; /* CLOCK_MONOTONIC before it, by generation */
};

/** Make and seal an image of the world with this generation; its read-only descriptor. */
int swap_image_make(const struct bench_world *world, const void *content, uint64_t gen);

/** Fork the publisher; it serves on path, and publishes while told to, until told to stop. */
pid_t swap_side_start(const struct bench_world *world, const char *path,
                      struct swap_shared *shared);

void swap_require(int condition, const char *what);

/** Stay on the first allowed processor, or (helper) on the last. */
void swap_pin(bool helper);

#endif
