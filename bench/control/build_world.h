/* SPDX-License-Identifier: Apache-2.0 */
/* An account, its dictionary and a plan of any size, for the builder's benchmark: what the control
 * process holds when it is about to build a table. */
#ifndef QBID_BENCH_CONTROL_BUILD_WORLD_H
#define QBID_BENCH_CONTROL_BUILD_WORLD_H

#include <stdint.h>

#include "control/publish/build_image.h"
#include "shm/request.h"

#define BUILD_WORLD_CANDIDATES 8
#define BUILD_WORLD_NAME_MAX 32

struct build_world {
    struct qbid_account account;
    struct qbid_dictionary *dictionary;
    struct qbid_plan plan;
    struct qbid_build_params params;
    uint32_t line_items;
    uint32_t contexts; /* of the finest level; a coarser one has a few more */
    char *text;        /* every string of the account */
    char **values;     /* targeting values */
    struct qbid_rate rate;
};

/** Make the world of that many line items and contexts; the same arguments give the same one. Lack
 *  of memory ends the process. */
struct build_world *build_world_new(uint32_t line_items, uint32_t contexts);
void build_world_free(struct build_world *world);

/** Other values in every row, as after a period of learning; nothing else changes. */
void build_world_learn(struct build_world *world, uint64_t round);

/** The request that meets context number `rank`, rank < contexts: known values by their hashes. */
void build_world_request(const struct build_world *world, uint32_t rank, uint64_t id,
                         struct qbid_request *ret_request);

#endif
