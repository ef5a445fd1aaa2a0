/* SPDX-License-Identifier: Apache-2.0 */
/* A table, a live page and a worker page for tests of the decision.
 *
 *     struct stage s;
 *     stage_init(&s);                   then fill s.f, see tests/shm/image_fixture.h
 *     stage_open(&s);                   builds and attaches; every pace 1, much allowance
 *     qbid_decide_one(&s.view, ...);
 *     stage_done(&s);
 */
#ifndef QBID_TESTS_FASTPATH_STAGE_H
#define QBID_TESTS_FASTPATH_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "fastpath/decide.h"
#include "shm/isa.h"
#include "tests/shm/image_fixture.h"

#define STAGE_BUDGETS 8
#define STAGE_WORKERS 3
#define STAGE_SLOT 1
#define STAGE_UID 0xabcc
#define STAGE_LG_BUCKETS 10
#define STAGE_MINUTE 28000000
#define STAGE_NOW_NS UINT64_C(1000000000)
#define STAGE_LIMIT_NANOS INT64_C(1000000000000)

struct stage {
    struct image_fixture f;
    bool counting;          /* the live page has a table of exposures, the view counts own ones */
    uint32_t line_item_max; /* of the live page; 0 = as many as the image has */
    void *image_base, *live_base, *page_base;
    size_t image_bytes, live_bytes, page_bytes;
    struct qbid_image image;
    struct qbid_live live;
    struct qbid_page page;
    struct qbid_view view;
    struct qbid_exposures *exposures;
};

/** Vector instructions of the stages opened from now on; at first the best of this processor. */
void stage_use_isa(enum qbid_isa isa);

void stage_init(struct stage *s);
void stage_open(struct stage *s);
void stage_done(struct stage *s);

/** A request for slot "banner:300x250", first in `f` or not, second price, floor 0. */
struct qbid_request stage_request(void);

/** An active, secure line item of budget 0 with one creative (id 1000 + id) for that slot. */
uint32_t stage_line_item(struct stage *s, struct qbid_line_item item);

/** Raw value hash as a request carries it. */
uint64_t stage_hash(unsigned dim, const char *raw);

void stage_set_limit(struct stage *s, uint32_t budget_idx, int64_t nanos);
int64_t stage_committed(const struct stage *s, uint32_t budget_idx);

/** Decide at STAGE_NOW_NS without a trace. */
enum qbid_nobid stage_decide(struct stage *s, const struct qbid_request *request,
                             struct qbid_decision *ret_decision);

#endif
