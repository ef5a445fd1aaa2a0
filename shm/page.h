/* SPDX-License-Identifier: Apache-2.0 */
/* The worker page: what one ad-server worker tells control. One writer; control distrusts it.
 *
 *   +--------+----------+-----------------------+---------------------+---------+------+--------+
 *   | header | counters | committed[budget_max] | refused[budget_max] | latency | ring | events |
 *   +--------+----------+-----------------------+---------------------+---------+------+--------+
 *
 * Made by qbidd (memfd, seals SHRINK and GROW), mapped read-write by its worker. It survives both a
 * dead worker (qbidd keeps the mapping) and a dead qbidd (the worker hands it to the next one).
 */
#ifndef QBID_SHM_PAGE_H
#define QBID_SHM_PAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/latency.h"
#include "shm/privacy.h"
#include "shm/request.h"
#include "shm/ring.h"
#include "shm/units.h"

#define QBID_PAGE_MAGIC UINT64_C(0x3145474150444251) /* "QBDPAGE1" */
#define QBID_PAGE_RING_LG_MIN 6
#define QBID_PAGE_RING_LG_MAX 20

/* Counters of a worker beside the no-bid reasons: each counted once, in one place. */
/* clang-format off */
#define QBID_COUNTER_LIST(X)                                                  \
    X(REQUESTS,        requests,        "bid requests received")               \
    X(MALFORMED,       malformed,       "requests refused as malformed")       \
    X(OVER_LIMIT,      over_limit,      "requests over a size, depth or impression limit") \
    X(IMPRESSIONS,     impressions,     "impressions decided")                 \
    X(BIDS,            bids,            "bids made")                           \
    X(BID_NANOS,       bid_nanos,       "money reserved by bids")              \
    X(NOTICES,         notices,         "notices accepted")                    \
    X(NOTICE_WIN,      notice_win,      "win notices")                         \
    X(NOTICE_LOSS,     notice_loss,     "loss notices")                        \
    X(NOTICE_BILL,     notice_bill,     "billing notices")                     \
    X(NOTICE_IMP,      notice_imp,      "impression notices")                  \
    X(NOTICE_CLICK,    notice_click,    "click notices")                       \
    X(NOTICE_CONV,     notice_conv,     "conversion notices")                  \
    X(NOTICE_VIDEO,    notice_video,    "notices of video events")             \
    X(TOKEN_FORGED,    token_forged,    "notices with a forged or altered token") \
    X(TOKEN_EXPIRED,   token_expired,   "notices with an expired token")       \
    X(TOKEN_MALFORMED, token_malformed, "notices without a readable token")    \
    X(PRICE_ABOVE,     price_above,     "notices with a price above the bid")  \
    X(PRICE_UNKNOWN,   price_unknown,   "notices with an unreadable price")    \
    X(WITHDRAWN,       withdrawn,       "bids not sent: a required field is missing, or no room") \
    X(STALE_BIDS,      stale_bids,      "bids in conservative mode")           \
    X(UNKNOWN_VALUES,  unknown_values,  "raw values that the dictionary lacks")
/* clang-format on */

enum qbid_counter {
#define X(upper, lower, text) QBID_COUNTER_##upper,
    QBID_COUNTER_LIST(X)
#undef X
        QBID_COUNTER_CNT
};

struct qbid_page_header {
    uint64_t magic; /* stored last, with release */
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t lg_events;
    uint64_t fingerprint;
    uint64_t bytes;
    uint32_t budget_max;
    uint32_t id; /* given by qbidd when it first sees the page: what it read is stored under it */
    uint64_t committed_off; /* _Atomic int64_t[budget_max], then refused, of the same shape */
    uint64_t ring_off;      /* struct qbid_ring, then events */
    uint64_t events_off;
    /* line 1: the worker */
    alignas(QBID_CACHE_LINE) _Atomic uint64_t heartbeat_ns;
    _Atomic uint64_t gen; /* generation of its last decision */
    _Atomic uint32_t pid;
    _Atomic uint32_t latency_every; /* the worker times one of so many, 0 = none */
    _Atomic uint64_t seq;           /* nonces given out */
    /* own lines: the worker */
    alignas(QBID_CACHE_LINE) _Atomic uint64_t counter[QBID_COUNTER_CNT];
    _Atomic uint64_t nobid[QBID_NOBID_CNT];
    _Atomic uint64_t privacy[QBID_PRIVACY_REASON_CNT]; /* bid requests by reason of their class */
};
_Static_assert(offsetof(struct qbid_page_header, heartbeat_ns) == 64, "the worker owns its line");

/* A mapped page, by array. */
struct qbid_page {
    struct qbid_page_header *header;
    _Atomic int64_t *committed; /* by budget: sum of every bid ever reserved, never falls */
    _Atomic int64_t *refused;   /* by budget: the last bid that its allowance did not hold, nanos */
    struct qbid_latency *latency; /* by kind */
    struct qbid_ring *ring;
    struct qbid_event *events;
    uint64_t event_mask;
    uint32_t budget_max;
};

/** Bytes of a page; negative QBID_ERR_LIMIT outside the maxima. */
int64_t qbid_page_footprint(uint32_t budget_max, unsigned lg_events);

/** Lay out zeroed memory of that size. */
int qbid_page_format(void *base, uint32_t budget_max, unsigned lg_events,
                     struct qbid_page *ret_page);

/** Check an untrusted mapping and resolve it. VERSION or CORRUPT on refusal. */
int qbid_page_attach(void *base, size_t bytes, struct qbid_page *ret_page);

/** Count: single writer, so a relaxed load and store, no locked instruction. */
static inline void qbid_count_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void qbid_page_count(const struct qbid_page *page, enum qbid_counter which)
{
    qbid_count_add(&page->header->counter[which], 1);
}

static inline bool qbid_page_push(const struct qbid_page *page, const struct qbid_event *event)
{
    return qbid_ring_push(page->ring, page->events, page->event_mask, event);
}

#endif
