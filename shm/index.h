/* SPDX-License-Identifier: Apache-2.0 */
/* The context index of a table image: a context key to its row of candidates.
 *
 *   mix64(key) = h        line = mulhi64(h, lines)
 *   +--------+--------+--------+--------+-----------------+-----+
 *   | tag[0] | tag[1] | tag[2] | tag[3] | entry[0] 12 B   | ... |    one cache line
 *   +--------+--------+--------+--------+-----------------+-----+
 *     low 31 bits of h, four at once      row, bits 31..62 of h, candidates, segment
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
#define QBID_INDEX_PROBE_MAX 8
#define QBID_INDEX_WAYS 4
#define QBID_INDEX_AHEAD 32 /* lines that qbid_index_find_many() has asked for at a time */
#define QBID_INDEX_TAG_MASK UINT32_C(0x7fffffff)
#define QBID_INDEX_TAG_MORE UINT32_C(0x80000000)

struct qbid_index_entry {
    uint32_t row;   /* into rows, in blocks of 64 bytes */
    uint32_t check; /* bits 31..62 of the hash */
    uint16_t cnt;   /* candidates, 1..QBID_ROW_CANDIDATES_MAX; 0 = empty entry */
    uint16_t segment;
};

/* One cache line a probe: line = mulhi64(mix64(key), lines), up to QBID_INDEX_PROBE_MAX lines on
 * while `more` is set. tag and check together hold 63 bits of the bijective hash. */
struct qbid_index_line {
    uint32_t tag[QBID_INDEX_WAYS]; /* low 31 bits of the hash; bit 31 of tag[0] is `more`: look in
                                      the next line too */
    struct qbid_index_entry entry[QBID_INDEX_WAYS];
};
_Static_assert(sizeof(struct qbid_index_line) == QBID_CACHE_LINE, "one line a probe");

/* A row is n8 = cnt rounded up to QBID_ROW_PAD: uint32_t line_item_idx[n8], then
 * float value_micros[n8]; padding has value 0, which never wins. */
struct qbid_row_block {
    uint32_t word[16];
};
_Static_assert(sizeof(struct qbid_row_block) == QBID_CACHE_LINE, "rows are counted in lines");

struct qbid_row_ref {
    const uint32_t *line_item_idx;
    const float *value_micros;
    uint32_t cnt; /* 0 = no such context */
    uint32_t segment;
};

/* Bit i: tag[i] is `tag`, bit 31 aside. */
static inline unsigned qbid_index_match_scalar(const struct qbid_index_line *line, uint32_t tag)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < QBID_INDEX_WAYS; i++)
        bits |= (unsigned)((line->tag[i] & QBID_INDEX_TAG_MASK) == tag) << i;
    return bits;
}

#if defined(__SSE2__)
static inline unsigned qbid_index_match(const struct qbid_index_line *line, uint32_t tag)
{
    __m128i tags = _mm_loadu_si128((const __m128i *)(const void *)line->tag);
    __m128i want = _mm_set1_epi32((int)(tag << 1)); /* the shift drops bit 31 */
    __m128i same = _mm_cmpeq_epi32(_mm_slli_epi32(tags, 1), want);
    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(same));
}
#else
static inline unsigned qbid_index_match(const struct qbid_index_line *line, uint32_t tag)
{
    return qbid_index_match_scalar(line, tag);
}
#endif

/* The row that an entry names. */
static inline struct qbid_row_ref qbid_index_ref(const struct qbid_index_entry *entry,
                                                 const struct qbid_row_block *rows)
{
    uint32_t cnt = entry->cnt;
    uint32_t n8 = (cnt + QBID_ROW_PAD - 1) & ~(uint32_t)(QBID_ROW_PAD - 1);
    const uint32_t *words = rows[entry->row].word;
    return (struct qbid_row_ref){words, (const float *)(const void *)(words + n8), cnt,
                                 entry->segment};
}

/* The first way of a match; where there is none any. */
static inline unsigned qbid_index_way(unsigned match)
{
    return (unsigned)__builtin_ctz(match | 1u << (QBID_INDEX_WAYS - 1));
}

/* Look on where the first line does not answer: more lines, or a tag that is there twice. Out of
 * line, so that the usual look-up has one branch, which is never taken. */
static __attribute__((noinline, unused)) struct qbid_row_ref
qbid_index_find_far(const struct qbid_index_line *lines, uint32_t line_cnt,
                    const struct qbid_row_block *rows, uint64_t hash)
{
    uint32_t tag = (uint32_t)hash & QBID_INDEX_TAG_MASK, check = (uint32_t)(hash >> 31);
    uint32_t at = (uint32_t)qbid_mulhi64(hash, line_cnt);
    for (uint32_t probe = 0; probe < QBID_INDEX_PROBE_MAX; probe++) {
        const struct qbid_index_line *line = &lines[at];
        for (unsigned match = qbid_index_match(line, tag); match != 0; match &= match - 1) {
            const struct qbid_index_entry *entry = &line->entry[__builtin_ctz(match)];
            if (entry->check == check && entry->cnt != 0)
                return qbid_index_ref(entry, rows);
        }
        if (!(line->tag[0] & QBID_INDEX_TAG_MORE))
            break;
        at = at + 1 < line_cnt ? at + 1 : 0;
    }
    return (struct qbid_row_ref){0};
}

/* The same as qbid_index_find() once the key is hashed. Neither which of the four entries it is nor
 * whether it is there makes a branch: a wrong guess would wait for the line from memory, and take
 * the look-ups behind it along. */
static inline struct qbid_row_ref qbid_index_find_hash(const struct qbid_index_line *lines,
                                                       uint32_t line_cnt,
                                                       const struct qbid_row_block *rows,
                                                       uint64_t hash)
{
    uint32_t tag = (uint32_t)hash & QBID_INDEX_TAG_MASK, check = (uint32_t)(hash >> 31);
    const struct qbid_index_line *line = &lines[qbid_mulhi64(hash, line_cnt)];
    unsigned match = qbid_index_match(line, tag);
    const struct qbid_index_entry *entry = &line->entry[qbid_index_way(match)];
    uint32_t found = -(uint32_t)((match != 0) & (entry->check == check) & (entry->cnt != 0));
    uint32_t more = (line->tag[0] & QBID_INDEX_TAG_MORE) | (match & (match - 1));
    if (__builtin_expect((more & ~found) != 0, 0))
        return qbid_index_find_far(lines, line_cnt, rows, hash);
    struct qbid_row_ref row = qbid_index_ref(entry, rows);
    row.cnt &= found;
    row.segment &= found;
    return row;
}

/**
 * Row of a context key (qbid_context_key).
 *
 * Shapes:  line_cnt >= 1 lines, filled as control/publish fills them.
 * Returns: the row; cnt 0 when there is none.
 * Threads: any, wait-free. Cost: one cache line on a direct hit; the row's own lines are not read.
 * Source:  buckets of one cache line as in Fan, Andersen, Kaminsky, MemC3, NSDI 2013, without
 *          their cuckoo moves: a full line overflows into the next.
 */
static inline struct qbid_row_ref qbid_index_find(const struct qbid_index_line *lines,
                                                  uint32_t line_cnt,
                                                  const struct qbid_row_block *rows, uint64_t key)
{
    return qbid_index_find_hash(lines, line_cnt, rows, qbid_mix64(key));
}

/**
 * The same where the caller goes on by whether there is a row: that is then the look-up's one
 * branch, taken as soon as the line's tags are there.
 *
 * Returns: whether there is a row; if so, *ret_row.
 */
static inline bool qbid_index_seek(const struct qbid_index_line *lines, uint32_t line_cnt,
                                   const struct qbid_row_block *rows, uint64_t key,
                                   struct qbid_row_ref *ret_row)
{
    uint64_t hash = qbid_mix64(key);
    const struct qbid_index_line *line = &lines[qbid_mulhi64(hash, line_cnt)];
    unsigned match = qbid_index_match(line, (uint32_t)hash & QBID_INDEX_TAG_MASK);
    const struct qbid_index_entry *entry = &line->entry[qbid_index_way(match)];
    bool here = match != 0 && entry->check == (uint32_t)(hash >> 31);
    if (!here && ((line->tag[0] & QBID_INDEX_TAG_MORE) | (match & (match - 1)))) {
        *ret_row = qbid_index_find_far(lines, line_cnt, rows, hash);
        return ret_row->cnt != 0;
    }
    if (!here || entry->cnt == 0)
        return false;
    *ret_row = qbid_index_ref(entry, rows);
    return true;
}

/** Ask for the first line of a key, ahead of a lookup. Threads: any. */
static inline void qbid_index_prefetch(const struct qbid_index_line *lines, uint32_t line_cnt,
                                       uint64_t key)
{
    __builtin_prefetch(&lines[qbid_mulhi64(qbid_mix64(key), line_cnt)]);
}

/**
 * Rows of n keys, with QBID_INDEX_AHEAD of their misses under way at a time.
 *
 * Shapes:  any n, 0 too; keys in any order, repeats allowed; ret has n places, all are written.
 * Returns: ret[i] is what qbid_index_find() gives for keys[i].
 * Threads: any, wait-free. Cost: where the index is in memory, not in a cache, that of as many
 *          independent loads, from 32 keys on (bench/lookup.cc).
 */
static inline void qbid_index_find_many(const struct qbid_index_line *lines, uint32_t line_cnt,
                                        const struct qbid_row_block *rows, const uint64_t *keys,
                                        unsigned n, struct qbid_row_ref *ret)
{
    uint64_t hash[QBID_INDEX_AHEAD];
    for (unsigned i = 0; i < n && i < QBID_INDEX_AHEAD; i++) {
        hash[i] = qbid_mix64(keys[i]);
        __builtin_prefetch(&lines[qbid_mulhi64(hash[i], line_cnt)]);
    }
    for (unsigned i = 0; i < n; i++) {
        uint64_t now = hash[i % QBID_INDEX_AHEAD];
        if (n - i > QBID_INDEX_AHEAD) {
            uint64_t later = qbid_mix64(keys[i + QBID_INDEX_AHEAD]);
            __builtin_prefetch(&lines[qbid_mulhi64(later, line_cnt)]);
            hash[i % QBID_INDEX_AHEAD] = later;
        }
        ret[i] = qbid_index_find_hash(lines, line_cnt, rows, now);
    }
}

#endif
