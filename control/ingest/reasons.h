/* SPDX-License-Identifier: Apache-2.0 */
/* Losses by reason, and video events: counts since the daemon's start, under names. */
#ifndef QBID_CONTROL_INGEST_REASONS_H
#define QBID_CONTROL_INGEST_REASONS_H

#include <stdint.h>

#include "shm/event.h"

/* Codes and their names. Source: OpenRTB 3.0, "Loss Reason Codes", which 2.6 uses as well. */
/* clang-format off */
#define QBID_LOSS_LIST(X)                    \
    X(0,   "won")                            \
    X(1,   "internal_error")                 \
    X(2,   "expired")                        \
    X(3,   "invalid_response")               \
    X(4,   "invalid_deal")                   \
    X(5,   "invalid_auction_id")             \
    X(6,   "invalid_advertiser_domain")      \
    X(7,   "missing_markup")                 \
    X(8,   "missing_creative_id")            \
    X(9,   "missing_price")                  \
    X(10,  "missing_approval_data")          \
    X(100, "below_floor")                    \
    X(101, "below_deal_floor")               \
    X(102, "higher_bid")                     \
    X(103, "lost_to_deal")                   \
    X(104, "seat_blocked")                   \
    X(200, "creative_filtered")              \
    X(201, "creative_pending")               \
    X(202, "creative_disapproved")           \
    X(203, "creative_size")                  \
    X(204, "creative_format")                \
    X(205, "creative_advertiser")            \
    X(206, "creative_app_store_id")          \
    X(207, "creative_not_secure")            \
    X(208, "creative_language")              \
    X(209, "creative_category")              \
    X(210, "creative_attribute")             \
    X(211, "creative_ad_type")               \
    X(212, "creative_animation")             \
    X(213, "creative_not_in_deal")           \
    X(214, "creative_skadnetwork")           \
    X(215, "creative_app_bundle")
/* clang-format on */

#define QBID_REASONS_OTHER                                                                         \
    32 /* codes that no list has, by number; the rest are counted together                         \
        */

#define X(code, word) +1
enum { QBID_REASONS_LOSSES = 0 QBID_LOSS_LIST(X) };
#undef X

struct qbid_reasons {
    uint64_t loss[QBID_REASONS_LOSSES]; /* by place in the list */
    struct {
        uint16_t code;
        uint64_t cnt; /* 0 = free */
    } other[QBID_REASONS_OTHER];
    uint64_t loss_other;      /* what found no place there */
    uint64_t loss_unknown;    /* nobody said why */
    uint64_t loss_withdrawn;  /* bids that we did not send */
    uint64_t code_unreadable; /* something stood there that is no code */
    uint64_t video[QBID_VIDEO_CNT];
    uint64_t video_unknown;
};

/** Count a LOSS or a VIDEO; flags and code of its event. */
void qbid_reasons_count(struct qbid_reasons *reasons, unsigned kind, uint16_t code, uint8_t flags);

/** Visit every count that is not 0: "loss.higher_bid", "loss.code_555", "video.start". */
typedef void qbid_reasons_fn(void *context, const char *name, uint64_t count);
void qbid_reasons_visit(const struct qbid_reasons *reasons, qbid_reasons_fn *fn, void *context);

#endif
