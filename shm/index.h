/* SPDX-License-Identifier: Apache-2.0 */
/* The context index of a table image: a context key to its row of candidates.
 *
 *   mix64(key) = h        bucket = mulhi64(h, buckets)         tag = low 8 bits of h, never 0
 *   +---------------------+-----------+-----------+
 *   | tag[0] .. tag[7] 8 B| lines 4 B | first 4 B |   16 bytes, four buckets a cache line
 *   +---------------------+-----------+-----------+
 *     at once               a nibble    the rows of a bucket lie side by side: that of place i
 *                           a row       begins behind those of the places before it
 *   +----------+-------------------------+----------------------+------------------------+
 *   | h 8 B    | cnt, segment, high 8 B  | line items, 2 B each | values, 4 B each       |
 *   +----------+-------------------------+----------------------+------------------------+
 *     a row: whole cache lines, one up to eight candidates
 *
 * The buckets, 3.3 bytes a context, stay in the cache, so that a look-up reads the row's line at
 * once; the hash in it says whether it is the right one. That there is no row a bucket says alone;
 * of keys that have none one in fifty reads a row's line for nothing.
 *
 * Filled by control/publish, checked when an image is attached; a lookup checks nothing more.
 */
#ifndef QBID_SHM_INDEX_H
#define QBID_SHM_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "shm/hash.h"
#include "shm/units.h"

#define QBID_ROW_CANDIDATES_MAX 4096
#define QBID_ROW_PAD 8 /* a row is padded to a multiple of 8 candidates */
#define QBID_ROW_LINES_MAX                                                                         \
    15 /* of one that lies in its bucket's rows; a longer one lies elsewhere */
#define QBID_ROW_NEAR_MAX 152 /* candidates of a row of so many lines */
#define QBID_ROW_NONE_HIGH UINT16_MAX
#define QBID_INDEX_PROBE_MAX 8
#define QBID_INDEX_WAYS 8
#define QBID_INDEX_AHEAD 32 /* buckets, and rows, that qbid_index_find_many() has asked for */
#define QBID_INDEX_MORE UINT32_C(0x80000000)

/* One bucket a probe: bucket = mulhi64(mix64(key), buckets), up to QBID_INDEX_PROBE_MAX buckets on
 * while `more` is set. */
struct qbid_index_bucket {
    _Alignas(16) uint8_t tag[QBID_INDEX_WAYS]; /* 0 = no row */
    uint32_t lines; /* of the row of place i: bits 4 i to 4 i + 3; 0 = no row */
    uint32_t first; /* where the bucket's rows begin, in blocks of 64 bytes; bit 31 is `more`: look
                       in the next bucket too */
};
_Static_assert(sizeof(struct qbid_index_bucket) == 16, "four buckets are one cache line");

/* A row is its head, then n8 = cnt rounded up to QBID_ROW_PAD: uint16_t line_item_idx[n8], then
 * float value_micros[n8]; padding has value 0, which never wins. Line items ascend, so it is the
 * last ones that are 65,536 or more, and stand there less 65,536.
 *
 * Where cnt > QBID_ROW_NEAR_MAX the head is followed by the block where the candidates begin. */
struct qbid_row_head {
    uint64_t hash; /* of the context's key */
    uint16_t cnt;  /* candidates, 1..QBID_ROW_CANDIDATES_MAX */
    uint16_t segment;
    uint16_t high; /* candidates from this one on are line items from 65,536 on;
                      QBID_ROW_NONE_HIGH = none is */
    uint16_t pad;
};
_Static_assert(sizeof(struct qbid_row_head) == 16, "a row of eight candidates is one cache line");

struct qbid_row_block { /* what follows a head: line items; a far row's place */
    _Alignas(QBID_CACHE_LINE) struct qbid_row_head head;
    uint32_t far;
    uint8_t rest[QBID_CACHE_LINE - sizeof(struct qbid_row_head) - sizeof(uint32_t)];
};
_Static_assert(sizeof(struct qbid_row_block) == QBID_CACHE_LINE, "rows are counted in lines");

struct qbid_row_ref {
    const uint16_t *line_item_low; /* less 65,536 from `high` on: qbid_row_line_item() */
    const float *value_micros;
    uint32_t cnt; /* 0 = no such context */
    uint32_t segment;
    uint32_t high;
};

/** Line item of a candidate. */
static inline uint32_t qbid_row_line_item(const struct qbid_row_ref *row, uint32_t i)
{
    return row->line_item_low[i] | (uint32_t)(i >= row->high) << 16;
}

/** Candidates with their padding. */
static inline uint32_t qbid_row_padded(uint32_t cnt)
{
    return (cnt + QBID_ROW_PAD - 1) & ~(uint32_t)(QBID_ROW_PAD - 1);
}

/** Blocks of so many candidates behind a head, or without one. */
static inline uint32_t qbid_row_blocks(uint32_t cnt, bool head)
{
    size_t each = sizeof(uint16_t) + sizeof(float);
    size_t bytes = qbid_row_padded(cnt) * each + (head ? sizeof(struct qbid_row_head) : 0);
    return (uint32_t)((bytes + QBID_CACHE_LINE - 1) / QBID_CACHE_LINE);
}

/** Blocks of a row among those of its bucket. */
static inline uint32_t qbid_row_lines(uint32_t cnt)
{
    return cnt > QBID_ROW_NEAR_MAX ? 1 : qbid_row_blocks(cnt, true);
}

/** A row whose head is there. */
static inline struct qbid_row_ref qbid_row_open(const struct qbid_row_block *rows,
                                                const struct qbid_row_block *row)
{
    const struct qbid_row_head *head = &row->head;
    const uint16_t *items = (const uint16_t *)(const void *)(head + 1);
    if (__builtin_expect(head->cnt > QBID_ROW_NEAR_MAX, 0))
        items = (const uint16_t *)(const void *)&rows[row->far];
    const uint16_t *values = items + qbid_row_padded(head->cnt);
    return (struct qbid_row_ref){items, (const float *)(const void *)values, head->cnt,
                                 head->segment, head->high};
}

/** Tag of a hash: never that of a place without a row. */
static inline uint8_t qbid_index_tag(uint64_t hash)
{
    uint8_t low = (uint8_t)hash;
    return (uint8_t)(low | (low == 0));
}

/** Bit i: the tag of place i is `tag`. */
static inline unsigned qbid_index_match_scalar(const struct qbid_index_bucket *bucket, uint8_t tag)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < QBID_INDEX_WAYS; i++)
        bits |= (unsigned)(bucket->tag[i] == tag) << i;
    return bits;
}

#if defined(__SSE2__)
/* The upper half of the vector is 0, as no tag is. */
static inline unsigned qbid_index_match(const struct qbid_index_bucket *bucket, uint8_t tag)
{
    __m128i tags = _mm_loadl_epi64((const __m128i *)(const void *)bucket->tag);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));
}
#else
static inline unsigned qbid_index_match(const struct qbid_index_bucket *bucket, uint8_t tag)
{
    return qbid_index_match_scalar(bucket, tag);
}
#endif

static inline bool qbid_index_more(const struct qbid_index_bucket *bucket)
{
    return bucket->first & QBID_INDEX_MORE;
}

/** Where the row of a place begins: behind those before it. The nibbles of two are added up in a
 *  byte, and the bytes by a multiplication. */
static inline uint32_t qbid_index_row(const struct qbid_index_bucket *bucket, unsigned place)
{
    uint32_t before = bucket->lines & ((UINT32_C(1) << 4 * place) - 1);
    uint32_t pairs = (before & UINT32_C(0x0f0f0f0f)) + (before >> 4 & UINT32_C(0x0f0f0f0f));
    return (bucket->first & ~QBID_INDEX_MORE) + (pairs * UINT32_C(0x01010101) >> 24);
}

/** The bucket in which the search for a hash begins. */
static inline const struct qbid_index_bucket *
qbid_index_home(const struct qbid_index_bucket *buckets, uint32_t bucket_cnt, uint64_t hash)
{
    return &buckets[qbid_mulhi64(hash, bucket_cnt)];
}

/** The row of a hash, in every bucket and place where it may be: the whole of a search, for where
 *  its first guess was wrong. NULL = there is none. */
static __attribute__((noinline, unused)) const struct qbid_row_block *
qbid_index_search(const struct qbid_index_bucket *buckets, uint32_t bucket_cnt,
                  const struct qbid_row_block *rows, uint64_t hash)
{
    uint32_t at = (uint32_t)qbid_mulhi64(hash, bucket_cnt);
    for (uint32_t probe = 0; probe < QBID_INDEX_PROBE_MAX; probe++) {
        const struct qbid_index_bucket *bucket = &buckets[at];
        for (unsigned match = qbid_index_match(bucket, qbid_index_tag(hash)); match != 0;
             match &= match - 1) {
            const struct qbid_row_block *row =
                &rows[qbid_index_row(bucket, (unsigned)__builtin_ctz(match))];
            if (row->head.hash == hash)
                return row;
        }
        if (!qbid_index_more(bucket))
            break;
        at = at + 1 < bucket_cnt ? at + 1 : 0;
    }
    return NULL;
}

/* What a bucket says of a hash. */
struct qbid_index_guess {
    const struct qbid_row_block *row; /* most likely its own; NULL = qbid_index_search() can tell */
    uint32_t lines;                   /* of it */
};

/**
 * The row that a hash most likely has; nothing of it is read, so that its lines can be asked for.
 *
 * Returns: whether there may be a row: if so *ret_guess, which qbid_index_open() makes certain.
 * Threads: any, wait-free. Cost: one bucket.
 */
static inline bool qbid_index_locate(const struct qbid_index_bucket *buckets, uint32_t bucket_cnt,
                                     const struct qbid_row_block *rows, uint64_t hash,
                                     struct qbid_index_guess *ret_guess)
{
    const struct qbid_index_bucket *bucket = qbid_index_home(buckets, bucket_cnt, hash);
    unsigned match = qbid_index_match(bucket, qbid_index_tag(hash));
    if (__builtin_expect(match == 0, 0)) {
        *ret_guess = (struct qbid_index_guess){0};
        return qbid_index_more(bucket);
    }
    unsigned place = (unsigned)__builtin_ctz(match);
    *ret_guess = (struct qbid_index_guess){&rows[qbid_index_row(bucket, place)],
                                           bucket->lines >> 4 * place & 15};
    return true;
}

/** Whether a guess is right. Cost: the row's first line. */
static inline bool qbid_index_right(const struct qbid_index_guess *guess, uint64_t hash)
{
    return guess->row != NULL && guess->row->head.hash == hash;
}

/** The row of a hash of which there is this guess; cnt 0 when there is none. Threads: any,
 * wait-free. */
static inline struct qbid_row_ref qbid_index_open(const struct qbid_index_bucket *buckets,
                                                  uint32_t bucket_cnt,
                                                  const struct qbid_row_block *rows, uint64_t hash,
                                                  const struct qbid_index_guess *guess)
{
    const struct qbid_row_block *row = guess->row;
    if (__builtin_expect(!qbid_index_right(guess, hash), 0))
        row = qbid_index_search(buckets, bucket_cnt, rows, hash);
    return row ? qbid_row_open(rows, row) : (struct qbid_row_ref){0};
}

/**
 * Row of a context key (qbid_context_key).
 *
 * Shapes:  bucket_cnt >= 1 buckets, filled as control/publish fills them.
 * Returns: the row; cnt 0 when there is none.
 * Threads: any, wait-free. Cost: a bucket and the row's first line; where there is none the bucket,
 *          and now and then a line of another row.
 * Source:  tags of one byte as in Fan, Andersen, Kaminsky, MemC3, NSDI 2013, without their cuckoo
 *          moves: a full bucket overflows into the next. No pointer an entry: rows lie in the order
 *          of the buckets, their sizes are added up within a word (Knuth, TAOCP vol. 4A, 7.1.3).
 */
static inline struct qbid_row_ref qbid_index_find(const struct qbid_index_bucket *buckets,
                                                  uint32_t bucket_cnt,
                                                  const struct qbid_row_block *rows, uint64_t key)
{
    uint64_t hash = qbid_mix64(key);
    struct qbid_index_guess guess;
    if (!qbid_index_locate(buckets, bucket_cnt, rows, hash, &guess))
        return (struct qbid_row_ref){0};
    return qbid_index_open(buckets, bucket_cnt, rows, hash, &guess);
}

/** Ask for the bucket of a key, ahead of a lookup. Threads: any. */
static inline void qbid_index_prefetch(const struct qbid_index_bucket *buckets, uint32_t bucket_cnt,
                                       uint64_t key)
{
    __builtin_prefetch(qbid_index_home(buckets, bucket_cnt, qbid_mix64(key)));
}

/* What qbid_index_find_many() has found out of up to QBID_INDEX_AHEAD keys. */
struct qbid_index_ask {
    uint64_t hash[QBID_INDEX_AHEAD];
    struct qbid_index_guess guess[QBID_INDEX_AHEAD];
    bool likely[QBID_INDEX_AHEAD]; /* qbid_index_locate() */
};

/** Ask for the bucket of a key that is number i. */
static inline void qbid_index_ask_bucket(struct qbid_index_ask *ask, unsigned i,
                                         const struct qbid_index_bucket *buckets,
                                         uint32_t bucket_cnt, uint64_t key)
{
    ask->hash[i] = qbid_mix64(key);
    __builtin_prefetch(qbid_index_home(buckets, bucket_cnt, ask->hash[i]));
}

/** Ask for the row of number i, whose bucket has been asked for. */
static inline void qbid_index_ask_row(struct qbid_index_ask *ask, unsigned i,
                                      const struct qbid_index_bucket *buckets, uint32_t bucket_cnt,
                                      const struct qbid_row_block *rows)
{
    ask->likely[i] = qbid_index_locate(buckets, bucket_cnt, rows, ask->hash[i], &ask->guess[i]);
    __builtin_prefetch(ask->guess[i].row);
}

/** The row of number i, which has been asked for. */
static inline struct qbid_row_ref qbid_index_ask_answer(const struct qbid_index_ask *ask,
                                                        unsigned i,
                                                        const struct qbid_index_bucket *buckets,
                                                        uint32_t bucket_cnt,
                                                        const struct qbid_row_block *rows)
{
    if (!ask->likely[i])
        return (struct qbid_row_ref){0};
    return qbid_index_open(buckets, bucket_cnt, rows, ask->hash[i], &ask->guess[i]);
}

/**
 * Rows of n keys, with the misses of QBID_INDEX_AHEAD buckets and rows under way at a time.
 *
 * Shapes:  any n, 0 too; keys in any order, repeats allowed; ret has n places, all are written.
 * Returns: ret[i] is what qbid_index_find() gives for keys[i].
 * Threads: any, wait-free. Cost: where the rows are in memory, not in a cache, that of as many
 *          independent loads, from 32 keys on (bench/index/lookup.cc).
 */
static inline void qbid_index_find_many(const struct qbid_index_bucket *buckets,
                                        uint32_t bucket_cnt, const struct qbid_row_block *rows,
                                        const uint64_t *keys, unsigned n, struct qbid_row_ref *ret)
{
    struct qbid_index_ask ask;
    unsigned some = n < QBID_INDEX_AHEAD ? n : QBID_INDEX_AHEAD, next;
    for (unsigned i = 0; i < some; i++)
        qbid_index_ask_bucket(&ask, i, buckets, bucket_cnt, keys[i]);
    for (unsigned at = 0; at < n; at += some, some = next) {
        unsigned left = n - at - some;
        next = left < QBID_INDEX_AHEAD ? left : QBID_INDEX_AHEAD;
        for (unsigned i = 0; i < some; i++)
            qbid_index_ask_row(&ask, i, buckets, bucket_cnt, rows);
        for (unsigned i = 0; i < some; i++) {
            ret[at + i] = qbid_index_ask_answer(&ask, i, buckets, bucket_cnt, rows);
            if (i < next)
                qbid_index_ask_bucket(&ask, i, buckets, bucket_cnt, keys[at + some + i]);
        }
    }
}

#endif
