/* SPDX-License-Identifier: Apache-2.0 */
/* The 64-byte event record that a worker writes into its ring and that control ingests. */
#ifndef QBID_SHM_EVENT_H
#define QBID_SHM_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "shm/units.h"

/* Kind, its word in notice URLs and counters. BID and SEEN are made by the bidder itself;
 * EXPOSE too, ahead of the BID that it belongs to: whom it would count for, see shm/frequency.h;
 * the others are notices that came back with a valid token. */
/* clang-format off */
#define QBID_EVENT_LIST(X)  \
    X(BID,    1, "bid")     \
    X(WIN,    2, "win")     \
    X(LOSS,   3, "loss")    \
    X(BILL,   4, "bill")    \
    X(IMP,    5, "imp")     \
    X(CLICK,  6, "click")   \
    X(CONV,   7, "conv")    \
    X(SEEN,   8, "seen")    \
    X(NOBID,  9, "nobid")   \
    X(EXPOSE, 10, "expose") \
    X(VIDEO,  11, "video")
/* clang-format on */

enum qbid_event_kind {
    QBID_EVENT_NONE = 0,
#define X(name, code, word) QBID_EVENT_##name = (code),
    QBID_EVENT_LIST(X)
#undef X
        QBID_EVENT_KIND_END = 12
};

enum qbid_event_flag {
    QBID_EVENT_FIRST_PRICE = 1u << 0,   /* auction type of the bid */
    QBID_EVENT_PRICE_UNKNOWN = 1u << 1, /* macro not replaced or unreadable: price_nanos is 0 */
    QBID_EVENT_PRICE_ABOVE = 1u << 2,   /* claimed price above our bid: never charged */
    QBID_EVENT_TEST = 1u << 3,          /* test = 1: never counted */
    QBID_EVENT_DEAL = 1u << 4,
    QBID_EVENT_STALE = 1u << 5,          /* bid made in conservative mode */
    QBID_EVENT_CODE_UNREADABLE = 1u << 6 /* LOSS, VIDEO: the code was there and is none */
};

/* What happened to a video, by its word in notice URLs; the names are those of VAST. */
/* clang-format off */
#define QBID_VIDEO_LIST(X)          \
    X(START,          "start")          \
    X(FIRST_QUARTILE, "firstQuartile")  \
    X(MIDPOINT,       "midpoint")       \
    X(THIRD_QUARTILE, "thirdQuartile")  \
    X(COMPLETE,       "complete")       \
    X(SKIP,           "skip")           \
    X(MUTE,           "mute")           \
    X(UNMUTE,         "unmute")         \
    X(PAUSE,          "pause")          \
    X(RESUME,         "resume")         \
    X(REWIND,         "rewind")         \
    X(FULLSCREEN,     "fullscreen")     \
    X(CLOSE,          "close")          \
    X(VIEWABLE,       "viewable")       \
    X(ERROR,          "error")
/* clang-format on */

enum qbid_video_event {
#define X(upper, word) QBID_VIDEO_##upper,
    QBID_VIDEO_LIST(X)
#undef X
        QBID_VIDEO_CNT
};

/* Loss reasons beside those of the exchange (OpenRTB 3.0, "Loss Reason Codes", and its own ones
 * from 500). */
enum qbid_loss {
    QBID_LOSS_WITHDRAWN = 65534, /* we did not send the bid */
    QBID_LOSS_UNKNOWN = 65535    /* nobody said why */
};

struct qbid_event {
    uint64_t time_ns;    /* CLOCK_BOOTTIME when the record was written */
    uint64_t nonce;      /* of the bid: worker uid in the top 16 bits */
    uint32_t gen;        /* generation of the bid, low 32 bits */
    uint8_t kind;        /* enum qbid_event_kind */
    uint8_t level : 4;   /* backoff level of the bid */
    uint8_t privacy : 4; /* enum qbid_privacy_class of the request */
    uint8_t action;      /* Q action of the bid */
    uint8_t flags;       /* enum qbid_event_flag */
    union {
        struct { /* BID, and NOBID with nobid in `action` */
            uint64_t context;
            int64_t bid_nanos; /* reserved */
            uint32_t line_item_id;
            uint32_t creative_id;
            float value_micros; /* in the row, before pacing */
            float pace;         /* below 0: a fixed price, qbid_pace_price() */
            uint32_t q_propensity_q32;
            uint8_t q_state;
            uint8_t segment;             /* market segment */
            uint16_t creative_share_q16; /* with which the creative was drawn, see below */
        } bid;
        struct { /* WIN LOSS BILL IMP CLICK CONV VIDEO */
            uint64_t context;
            int64_t bid_nanos;
            uint32_t line_item_id;
            uint32_t creative_id;
            union {
                int64_t price_nanos; /* WIN, BILL: clearing price; CONV: order value */
                uint64_t detail;     /* LOSS: minimum to win and enum qbid_loss; VIDEO: its event */
            };
            uint64_t bid_time_ns; /* of the bid, CLOCK_BOOTTIME */
        } notice;
        struct {          /* EXPOSE */
            uint64_t key; /* qbid_frequency_key() */
            uint32_t line_item_id;
            uint32_t counted; /* exposures that the decision counted before this one */
        } expose;
        struct { /* SEEN: a raw value that the dictionary does not hold */
            uint64_t hash;
            uint8_t dim;
            uint8_t len; /* of the raw value; text holds its first 30 bytes */
            char text[30];
        } seen;
    } u;
};
_Static_assert(sizeof(struct qbid_event) == QBID_CACHE_LINE, "an event is one cache line");
_Static_assert(offsetof(struct qbid_event, u) == 24, "event layout is ABI");

/** Probability as Q0.16 from Q0.32 (UINT32_MAX = 1), and back as a number in (0, 1]. */
static inline uint16_t qbid_event_share(uint32_t share_q32)
{
    return (uint16_t)(share_q32 >> 16);
}

static inline float qbid_event_share_load(uint16_t share_q16)
{
    return share_q16 == UINT16_MAX ? 1.0f : ((float)share_q16 + 0.5f) / 65536.0f;
}

/** Pack what a LOSS or a VIDEO tells: an amount, held at 2^48 - 1 nanos, 0 = unknown; and a code.
 */
static inline uint64_t qbid_event_detail(int64_t nanos, uint16_t code)
{
    const int64_t most = (INT64_C(1) << 48) - 1;
    return (uint64_t)(nanos < most ? nanos : most) << 16 | code;
}

static inline int64_t qbid_event_detail_nanos(uint64_t detail)
{
    return (int64_t)(detail >> 16);
}

static inline uint16_t qbid_event_detail_code(uint64_t detail)
{
    return (uint16_t)detail;
}

#endif
