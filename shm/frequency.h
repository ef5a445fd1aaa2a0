/* SPDX-License-Identifier: Apache-2.0 */
/* How often one user saw one line item: a table of fixed size behind the live page.
 *
 *   worker                                    qbidd (the only writer)
 *   bid on a capped line item
 *   O1 own pending entry, this thread
 *   P4 ring: EXPOSE key, nonce, then BID --->  C1 takes EXPOSE, later IMP, BILL, WIN, LOSS
 *                                             F1 store of the entry's word, relaxed
 *   R1 load ring tail, acquire          <---  C3 store of the tail, release
 *   R2 load of the entry's word, relaxed
 *
 * An entry is one atomic word, so no reader sees half of one. What lies behind the tail that R1
 * read is in the words that R2 reads; what does not, the worker's own entries hold. So within one
 * worker no bid is ever uncounted; between workers it is from its push until qbidd has taken it.
 *
 * The key is a hash of the user's key, the line item and a salt that only this host knows and that
 * changes (control/frequency); the word keeps 32 bits of it. No key reaches a notice or a log.
 *
 *   word:  tag 32 | window's end, minutes mod 2^16 | shown 8 | pending 8        0 = empty
 *
 * Windows are whole minutes from the first impression, up to one minute longer than asked, never
 * shorter. `shown` counts inside the window, `pending` bids that may yet be shown.
 */
#ifndef QBID_SHM_FREQUENCY_H
#define QBID_SHM_FREQUENCY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/hash.h"
#include "shm/units.h"

#define QBID_FREQUENCY_WAYS 8            /* entries of a bucket, one cache line */
#define QBID_FREQUENCY_LG_MAX 24         /* log2 of buckets: 2^27 entries, 1 GiB */
#define QBID_FREQUENCY_CAP_MAX 100       /* below what a count can hold */
#define QBID_FREQUENCY_VALUES_MAX 16     /* r(k) of one line item */
#define QBID_FREQUENCY_MINUTES_MAX 43200 /* a window: 30 days */

struct qbid_frequency_header {
    alignas(QBID_CACHE_LINE) _Atomic uint64_t salt;
    _Atomic uint32_t minute; /* qbidd's clock, minutes since 1970; stands still without it */
    uint8_t pad[QBID_CACHE_LINE - 12];
};
_Static_assert(sizeof(struct qbid_frequency_header) == QBID_CACHE_LINE, "live layout is ABI");

/* A mapped table; header NULL = none. */
struct qbid_frequency {
    struct qbid_frequency_header *header;
    _Atomic uint64_t *words; /* (bucket_mask + 1) * QBID_FREQUENCY_WAYS */
    uint64_t bucket_mask;
};

/* A word, taken apart. */
struct qbid_frequency_entry {
    uint32_t tag; /* never 0 */
    uint16_t end; /* first minute behind the window, mod 2^16 */
    uint8_t shown;
    uint8_t pending;
};

static inline uint64_t qbid_frequency_pack(struct qbid_frequency_entry e)
{
    return (uint64_t)e.tag << 32 | (uint64_t)e.end << 16 | (uint64_t)e.shown << 8 | e.pending;
}

static inline struct qbid_frequency_entry qbid_frequency_unpack(uint64_t word)
{
    return (struct qbid_frequency_entry){(uint32_t)(word >> 32), (uint16_t)(word >> 16),
                                         (uint8_t)(word >> 8), (uint8_t)word};
}

/** Whether the window is still open. Ends lie at most QBID_FREQUENCY_MINUTES_MAX + 1 ahead, so what
 *  looks further away is behind; qbidd sweeps entries before the minutes have gone round. */
static inline bool qbid_frequency_open(struct qbid_frequency_entry e, uint32_t minute)
{
    uint16_t left = (uint16_t)(e.end - (uint16_t)minute);
    return left != 0 && left <= QBID_FREQUENCY_MINUTES_MAX + 1;
}

/** Exposures that an entry stands for: those of an open window, and bids that may become some. */
static inline unsigned qbid_frequency_exposures(struct qbid_frequency_entry e, uint32_t minute)
{
    return (qbid_frequency_open(e, minute) ? e.shown : 0u) + e.pending;
}

/** Key of a user's exposures to a line item; never 0. */
static inline uint64_t qbid_frequency_key(uint64_t user_key, uint32_t line_item_id, uint64_t salt)
{
    uint64_t key = qbid_mix64(qbid_mix64(user_key ^ salt) +
                              UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)line_item_id + 1));
    return key ? key : 1;
}

static inline uint32_t qbid_frequency_tag(uint64_t key)
{
    uint32_t tag = (uint32_t)key;
    return tag ? tag : 1;
}

static inline _Atomic uint64_t *qbid_frequency_bucket(const struct qbid_frequency *table,
                                                      uint64_t key)
{
    return table->words + ((key >> 32) & table->bucket_mask) * QBID_FREQUENCY_WAYS;
}

/**
 * Exposures of a key.
 *
 * Threads: any, wait-free, no writes. R2 of the picture: load the ring's tail before.
 * Cost:    one cache line.
 */
static inline unsigned qbid_frequency_count(const struct qbid_frequency *table, uint64_t key,
                                            uint32_t minute)
{
    const _Atomic uint64_t *bucket = qbid_frequency_bucket(table, key);
    uint32_t tag = qbid_frequency_tag(key);
    unsigned cnt = 0;
#pragma GCC unroll 8
    for (unsigned i = 0; i < QBID_FREQUENCY_WAYS; i++) {
        uint64_t word = atomic_load_explicit(&bucket[i], memory_order_relaxed); /* R2 <- F1 */
        unsigned here = qbid_frequency_exposures(qbid_frequency_unpack(word), minute);
        cnt = (uint32_t)(word >> 32) == tag ? here : cnt;
    }
    return cnt;
}

/** Bytes of a table of 2^lg_buckets buckets: header, then words. */
static inline uint64_t qbid_frequency_bytes(unsigned lg_buckets)
{
    return sizeof(struct qbid_frequency_header) +
           ((uint64_t)QBID_FREQUENCY_WAYS * sizeof(uint64_t) << lg_buckets);
}

static inline struct qbid_frequency qbid_frequency_at(void *base, unsigned lg_buckets)
{
    return (struct qbid_frequency){
        .header = base,
        .words = (void *)((char *)base + sizeof(struct qbid_frequency_header)),
        .bucket_mask = (UINT64_C(1) << lg_buckets) - 1,
    };
}

/* --- bids of this worker that qbidd has not taken yet */

#define QBID_EXPOSURE_BUCKETS 1024 /* a power of two */
#define QBID_EXPOSURE_WAYS 8
#define QBID_EXPOSURE_BY_MINUTE (UINT64_C(1) << 63)
#define QBID_EXPOSURE_HOLD_MINUTES 2 /* that a bid counts whose event the ring could not hold */

/* Worker-local, written by its thread alone. A bucket without a free place refuses the bid: what
 * cannot be counted is not shown. */
struct qbid_exposures {
    struct {
        alignas(QBID_CACHE_LINE) uint64_t key[QBID_EXPOSURE_WAYS]; /* 0 = free */
        uint64_t until[QBID_EXPOSURE_WAYS]; /* ring position behind its event; or BY_MINUTE | minute
                                               at which it is let go of */
    } bucket[QBID_EXPOSURE_BUCKETS];
};

/* Whether qbidd has taken an entry's event by now, so that the table counts it. */
static inline bool qbid_exposure_over(uint64_t until, uint64_t tail, uint32_t minute)
{
    if (until & QBID_EXPOSURE_BY_MINUTE)
        return minute >= (uint32_t)until;
    return tail >= until;
}

/** Own bids of a key that the table does not count yet. Places of those it counts become free. */
static inline unsigned qbid_exposures_count(struct qbid_exposures *own, uint64_t key, uint64_t tail,
                                            uint32_t minute)
{
    uint64_t *keys = own->bucket[key % QBID_EXPOSURE_BUCKETS].key;
    const uint64_t *until = own->bucket[key % QBID_EXPOSURE_BUCKETS].until;
    unsigned cnt = 0;
    for (unsigned i = 0; i < QBID_EXPOSURE_WAYS; i++) {
        if (keys[i] != 0 && qbid_exposure_over(until[i], tail, minute))
            keys[i] = 0;
        cnt += keys[i] == key;
    }
    return cnt;
}

/** Place for one more bid of a key, after qbid_exposures_count(); -1 when the bucket is full. */
static inline int qbid_exposures_room(const struct qbid_exposures *own, uint64_t key)
{
    const uint64_t *keys = own->bucket[key % QBID_EXPOSURE_BUCKETS].key;
    for (int i = 0; i < QBID_EXPOSURE_WAYS; i++)
        if (keys[i] == 0)
            return i;
    return -1;
}

/** Count a bid; its event is pushed later, qbid_exposures_sent() says where. */
static inline void qbid_exposures_add(struct qbid_exposures *own, uint64_t key, int room,
                                      uint32_t minute)
{
    own->bucket[key % QBID_EXPOSURE_BUCKETS].key[room] = key;
    own->bucket[key % QBID_EXPOSURE_BUCKETS].until[room] =
        QBID_EXPOSURE_BY_MINUTE | (minute + QBID_EXPOSURE_HOLD_MINUTES);
}

/** The event of a bid of this key is in the ring, `position` lies behind it. */
static inline void qbid_exposures_sent(struct qbid_exposures *own, uint64_t key, uint64_t position)
{
    uint64_t *until = own->bucket[key % QBID_EXPOSURE_BUCKETS].until;
    const uint64_t *keys = own->bucket[key % QBID_EXPOSURE_BUCKETS].key;
    for (unsigned i = 0; i < QBID_EXPOSURE_WAYS; i++)
        if (keys[i] == key && (until[i] & QBID_EXPOSURE_BY_MINUTE)) {
            until[i] = position;
            return;
        }
}

#endif
