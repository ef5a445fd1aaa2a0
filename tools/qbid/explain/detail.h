/* SPDX-License-Identifier: Apache-2.0 */
/* What lies around a decision: context, candidates that it did not reach, the factors of the bid.
 */
#ifndef QBID_TOOLS_QBID_EXPLAIN_DETAIL_H
#define QBID_TOOLS_QBID_EXPLAIN_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/price.h"
#include "tools/qbid/explain/ask.h"

#define QBID_EXPLAIN_WAITING_MAX 64

/* A candidate behind the last one that was tried. */
struct qbid_explain_waiting {
    uint32_t line_item_idx;
    float value_micros;
    float pace;
};

struct qbid_explain_detail {
    uint16_t slot_idx[QBID_REQUEST_SLOTS_MAX];
    uint16_t segment_idx[QBID_REQUEST_SEGMENTS_MAX];
    uint32_t row_cnt;      /* candidates of the row that answered; 0 = bitmaps */
    uint32_t segment;      /* market segment of that row */
    uint32_t eligible_cnt; /* line items whose targeting accepts the impression */
    uint32_t waiting_cnt;
    struct qbid_explain_waiting waiting[QBID_EXPLAIN_WAITING_MAX]; /* by price, best first */
    /* of a bid: */
    struct qbid_offer offer;     /* before floors and ceilings */
    int64_t floor_micros;        /* of the impression or the deal, account currency */
    int64_t line_floor_micros;   /* of the line item */
    int64_t line_ceiling_micros; /* of the line item */
    int64_t ceiling_micros;      /* of the image */
    bool fixed;                  /* the deal's floor is its price */
};

/**
 * Fill in the details of a decided impression.
 *
 * Shapes:  imp->decided; view is the one that it was decided with.
 * Threads: any, reads only.
 */
void qbid_explain_detail_fill(const struct qbid_view *view, const struct qbid_explain_imp *imp,
                              struct qbid_explain_detail *ret_detail);

#endif
