/* SPDX-License-Identifier: Apache-2.0 */
/* A random account with its dictionary and plan, for tests of the builder and the publisher. */
#ifndef QBID_TESTS_CONTROL_PUBLISH_SCENE_H
#define QBID_TESTS_CONTROL_PUBLISH_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/publish/build_image.h"

struct scene_options {
    uint64_t seed;
    uint32_t line_items; /* places; some are holes */
    uint32_t contexts;
    uint32_t candidates; /* in a row at most, 0 < candidates <= line_items */
    uint32_t sites;      /* values of the site dimension */
    bool full_rows;      /* every row has that many candidates */
};

struct scene {
    struct qbid_account account;
    struct qbid_dictionary *dictionary;
    struct qbid_plan plan;
    struct qbid_build_params params;
    struct qbid_rate rate[2];
};

/** Equal options give equal scenes, whatever the heap looks like. Lack of memory aborts. */
void scene_make(struct scene *scene, const struct scene_options *options);
void scene_done(struct scene *scene);

/** Build the image into zeroed, aligned memory that the caller frees; aborts when it is refused. */
void *scene_build(const struct scene *scene, size_t *ret_bytes);

/** A packed context of known values, unknown ones now and then. */
uint64_t scene_context(const struct scene *scene, uint64_t random);

uint64_t scene_roll(uint64_t *state);

#endif
