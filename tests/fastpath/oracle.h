/* SPDX-License-Identifier: Apache-2.0 */
/* The decision once more, slow and plain: lists and loops over what a test account was built from.
 * No dictionary, index, bitmap, shortlist or atomic word; floats in the same places, so that
 * results must agree to the bit. Q row, shade table, alias line, random stream and rounding are
 * those of shm/, which have tests of their own. */
#ifndef QBID_TESTS_FASTPATH_ORACLE_H
#define QBID_TESTS_FASTPATH_ORACLE_H

#include <stdint.h>

#include "fastpath/decide.h"
#include "tests/shm/image_fixture.h"

struct oracle {
    const struct image_fixture *f;
    uint8_t *accepts; /* by line item, dimension, value index; of oracle_init() */
    /* what the live page says */
    const float *pace;
    const uint32_t *qstate;
    uint32_t line_item_max;
    const int64_t *limit;
    uint32_t limit_cnt;
    uint64_t valid_until_ns;
    uint64_t deadline_ns;
    /* what the worker has done */
    int64_t *committed;
    uint32_t committed_cnt;
    uint64_t seq;
    uint16_t uid;
};

/** f must not change any more; the rest of the fields is the caller's. */
void oracle_init(struct oracle *o, const struct image_fixture *f);
void oracle_done(struct oracle *o);

enum qbid_nobid oracle_decide(struct oracle *o, const struct qbid_request *request, uint64_t now_ns,
                              struct qbid_decision *ret_decision, struct qbid_trace *ret_trace);

#endif
