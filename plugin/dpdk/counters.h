/* SPDX-License-Identifier: Apache-2.0 */
/* What one lcore counts: it alone writes, status and telemetry read. */
#ifndef QBID_PLUGIN_DPDK_COUNTERS_H
#define QBID_PLUGIN_DPDK_COUNTERS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "plugin/dpdk/frame.h"

/* clang-format off */
#define QBID_COUNT_LIST(X)                                                                     \
    X(RX_FRAMES,      rx_frames,      "frames received")                                       \
    X(RX_BYTES,       rx_bytes,       "their bytes")                                           \
    X(TX_FRAMES,      tx_frames,      "frames sent")                                           \
    X(TX_BYTES,       tx_bytes,       "their bytes")                                           \
    X(TX_FULL,        tx_full,        "answers dropped because the driver took no more")       \
    X(POLLS,          polls,          "rounds of the poll loop")                               \
    X(POLLS_EMPTY,    polls_empty,    "rounds that found nothing")                             \
    X(MESSAGES,       messages,       "MessagePack requests decided")                          \
    X(JSON,           json,           "OpenRTB requests in JSON")                              \
    X(NOTICES,        notices,        "notices taken (status 200 or 302)")                     \
    X(BIDS,           bids,           "answers with a bid")                                    \
    X(NOBIDS,         nobids,         "answers without one")                                   \
    X(MALFORMED,      malformed,      "MessagePack that breaks the schema")                    \
    X(VERSION,        version,        "MessagePack of another version of the schema")          \
    X(OVER_LIMIT,     over_limit,     "MessagePack over a limit of the schema")                \
    X(JSON_MALFORMED, json_malformed, "malformed OpenRTB")                                     \
    X(NOTICE_REFUSED, notice_refused, "notices refused (any other status)")                    \
    X(UNKNOWN_FORMAT, unknown_format, "datagrams that are none of these: never answered")      \
    X(UNSIGNED,       unsigned_bids,  "bids withheld because no key was there to sign them")   \
    X(ERRORS_SENT,    errors_sent,    "malformed datagrams that were told so")                 \
    X(ERRORS_HELD,    errors_held,    "malformed datagrams that were not: over their rate")    \
    X(CONTROL_SENT,   control_sent,   "ARP and echo requests answered")                        \
    X(CONTROL_HELD,   control_held,   "ARP and echo requests not answered: over their rate")
/* clang-format on */

enum qbid_count {
#define X(upper, lower, text) QBID_COUNT_##upper,
    QBID_COUNT_LIST(X)
#undef X
        QBID_COUNT_CNT
};

/* Names under which status and telemetry tell them. */
extern const char *const qbid_count_name[QBID_COUNT_CNT];
extern const char *const qbid_frame_name[QBID_FRAME_KIND_CNT];

struct qbid_counters {
    alignas(64) _Atomic uint64_t count[QBID_COUNT_CNT];
    _Atomic uint64_t frame[QBID_FRAME_KIND_CNT]; /* frames by kind */
};

/** One writer: a load and a store, no locked instruction. */
static inline void qbid_counters_bump(_Atomic uint64_t *word, uint64_t n)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void qbid_counters_add(struct qbid_counters *c, enum qbid_count which, uint64_t n)
{
    qbid_counters_bump(&c->count[which], n);
}

#endif
