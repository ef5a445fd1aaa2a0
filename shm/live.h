/* SPDX-License-Identifier: Apache-2.0 */
/* The live page: what control changes between generations. One writer, readers map it read-only.
 *
 *   qbidd                                          ad-server worker in slot w
 *   W1 pace[i], qstate[i]   relaxed store  --->    R1 relaxed load; each word stands alone
 *   W2 limit[w][b]          release store  --->    R2 relaxed load; bids while its own
 *                                                     committed[b] + bid <= limit[w][b]
 *   W3 valid_until[w]       release store  --->    R3 relaxed load; compared with the host's clock
 *   W4 heartbeat            relaxed store  --->    (status only)
 *   W5 override[i], earliest, then pace[i],
 *      each a release store --->                   R5 relaxed load of earliest with the lease; only
 *                                                     past it is override[i] looked at
 *
 * pace[i] may be an operator's: then override[i] says until when, and which pace holds from then
 * on, so that its end needs no control. A pace below 0 is no factor but a price, see
 * qbid_pace_price().
 *
 * limit is cumulative over the worker's life and normally only grows: control raises it when a
 * reservation is settled or released (control/ledger). No two words must be seen together, so there
 * is no sequence lock: a limit is money that was set aside before the store, and a stale lower
 * limit only delays a bid. Ordering is needed nowhere for safety; release keeps the page tidy under
 * TSan.
 */
#ifndef QBID_SHM_LIVE_H
#define QBID_SHM_LIVE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/frequency.h"
#include "shm/units.h"

#define QBID_LIVE_MAGIC UINT64_C(0x314556494c444251) /* "QBDLIVE1" */
#define QBID_LIVE_WORKERS_MAX 256
#define QBID_LIVE_BUDGETS_MAX 65536
#define QBID_LIVE_SLOT_NONE UINT16_MAX

struct qbid_live_header {
    uint64_t magic; /* stored last, with release */
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t owner_pid;
    uint64_t fingerprint;
    uint64_t bytes;
    uint32_t line_item_max;
    uint32_t budget_max;
    uint32_t worker_max;
    uint32_t frequency_lg;    /* 1 + log2 of buckets; 0 = no table of exposures */
    uint64_t pace_off;        /* _Atomic uint32_t[line_item_max]: float bits */
    uint64_t qstate_off;      /* _Atomic uint8_t[line_item_max] */
    uint64_t limit_off;       /* _Atomic int64_t[worker_max][budget_max] */
    uint64_t valid_until_off; /* struct qbid_live_lease[worker_max] */
    uint64_t override_off;    /* struct qbid_live_override[line_item_max] */
    alignas(QBID_CACHE_LINE) _Atomic uint64_t heartbeat_ns;
    uint8_t line_pad[QBID_CACHE_LINE - sizeof(uint64_t)];
};
_Static_assert(offsetof(struct qbid_live_header, heartbeat_ns) == 128, "live layout is ABI");
_Static_assert(sizeof(struct qbid_live_header) == 192, "live layout is ABI");

struct qbid_live_lease {
    _Atomic uint64_t valid_until_ns;    /* CLOCK_BOOTTIME; 0 = no lease */
    _Atomic uint64_t override_until_ns; /* earliest of all overrides, in every lease; 0 = none */
    uint8_t pad[QBID_CACHE_LINE - 2 * sizeof(uint64_t)];
};
_Static_assert(sizeof(struct qbid_live_lease) == QBID_CACHE_LINE, "a lease is one cache line");

/* Zeroed, and never touched, for line items that were not overridden. */
struct qbid_live_override {
    _Atomic uint64_t until_ns; /* CLOCK_BOOTTIME; 0 = pace[] stands */
    _Atomic uint32_t after;    /* float bits: the pace from then on */
    uint8_t pad[4];
};
_Static_assert(sizeof(struct qbid_live_override) == 16, "live layout is ABI");

struct qbid_live_shape {
    uint32_t line_item_max;
    uint32_t budget_max;
    uint32_t worker_max;
};

/* A mapped page, by array. The writer's view has the same fields; only control casts const away by
 * calling qbid_live_format() itself. */
struct qbid_live {
    struct qbid_live_header *header;
    _Atomic uint32_t *pace;
    _Atomic uint8_t *qstate;
    _Atomic int64_t *limit;
    struct qbid_live_lease *lease;
    struct qbid_live_override *override;
    struct qbid_frequency frequency; /* behind the limits; header NULL = none */
    struct qbid_live_shape shape;
};

/** Bytes of a live page; QBID_ERR_LIMIT (negative) over the maxima of this header. */
int64_t qbid_live_footprint(struct qbid_live_shape shape);

/** Lay out zeroed memory of qbid_live_footprint() bytes: every pace 0, every lease invalid. */
int qbid_live_format(void *base, struct qbid_live_shape shape, uint32_t owner_pid,
                     struct qbid_live *ret_live);

/** The same with a table of exposures of 2^lg_buckets buckets (shm/frequency.h) at the end. LIMIT
 *  over QBID_FREQUENCY_LG_MAX. */
int64_t qbid_live_footprint_counting(struct qbid_live_shape shape, unsigned lg_buckets);
int qbid_live_format_counting(void *base, struct qbid_live_shape shape, unsigned lg_buckets,
                              uint32_t owner_pid, struct qbid_live *ret_live);

/** Check a mapped page (untrusted size, offsets) and resolve it. VERSION or CORRUPT on refusal. */
int qbid_live_attach(void *base, size_t bytes, struct qbid_live *ret_live);

/** What an impression is bid for, before Q action, shading and bounds: value x pace; or, below 0, a
 *  fixed price of -pace micros CPM, which is then neither multiplied nor shaded. */
static inline float qbid_pace_price(float value_micros, float pace)
{
    return pace < 0.0f ? -pace : value_micros * pace;
}

static inline float qbid_live_pace_of_bits(uint32_t bits)
{
    float pace;
    __builtin_memcpy(&pace, &bits, sizeof pace);
    return pace;
}

static inline float qbid_live_pace(const struct qbid_live *live, uint32_t line_item_idx)
{
    return qbid_live_pace_of_bits(
        atomic_load_explicit(&live->pace[line_item_idx], memory_order_relaxed));
}

/** The same where an override may have ended that control has not taken back. */
static inline float qbid_live_pace_at(const struct qbid_live *live, uint32_t line_item_idx,
                                      uint64_t now_ns)
{
    const struct qbid_live_override *override = &live->override[line_item_idx];
    uint64_t until_ns = atomic_load_explicit(&override->until_ns, memory_order_relaxed);
    if (until_ns == 0 || now_ns < until_ns)
        return qbid_live_pace(live, line_item_idx);
    return qbid_live_pace_of_bits(atomic_load_explicit(&override->after, memory_order_relaxed));
}

static inline void qbid_live_set_pace(const struct qbid_live *live, uint32_t idx, float pace)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &pace, sizeof bits);
    atomic_store_explicit(&live->pace[idx], bits, memory_order_release);
}

/** A pace until a time, and the one from then on. qbid_live_set_override_until() must not be later
 *  than until_ns before this, or a reader would not look. */
static inline void qbid_live_set_override(const struct qbid_live *live, uint32_t idx, float pace,
                                          uint64_t until_ns, float after)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &after, sizeof bits);
    atomic_store_explicit(&live->override[idx].after, bits, memory_order_release);
    atomic_store_explicit(&live->override[idx].until_ns, until_ns, memory_order_release);
    qbid_live_set_pace(live, idx, pace);
}

/** Its end, once pace[idx] is what holds. */
static inline void qbid_live_end_override(const struct qbid_live *live, uint32_t idx)
{
    atomic_store_explicit(&live->override[idx].until_ns, 0, memory_order_release);
}

/** The earliest end of all overrides, to every worker; 0 = there is none. */
static inline void qbid_live_set_override_until(const struct qbid_live *live, uint64_t until_ns)
{
    for (uint32_t i = 0; i < live->shape.worker_max; i++)
        atomic_store_explicit(&live->lease[i].override_until_ns, until_ns, memory_order_release);
}

#endif
