/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts contexts by hash in two radix steps, then places them by linear probing in that order. */
#include "control/publish/section_index.h"

#include <stdlib.h>
#include <string.h>

#include "control/models/scratch.h"
#include "shm/error.h"
#include "shm/hash.h"

#define WAYS QBID_INDEX_WAYS
#define FIRST_LG_MAX 10   /* so many streams are written at once */
#define PART_CONTEXTS 512 /* aimed at for a value of the first digit */
#define AHEAD 24          /* rows whose candidates are fetched while one is written */
#define DIGEST_RECORDS 64

/* Bits of the two digits from the top of a hash, and the counts of their values. */
struct digits {
    unsigned first_lg, second_lg;
    uint32_t *first, *second;
};

/* Counts become places: where the first record of each value goes. */
static void places_of(uint32_t *cnt, size_t values, uint32_t at)
{
    for (size_t i = 0; i < values; i++) {
        uint32_t here = cnt[i];
        cnt[i] = at;
        at += here;
    }
}

static uint32_t digit_of(uint64_t hash, unsigned skip, unsigned lg)
{
    return (uint32_t)(lg ? hash << skip >> (64 - lg) : 0);
}

/* Records by their first digit. */
static void sort_coarse(const struct qbid_plan *plan, const struct digits *d,
                        struct qbid_index_record *out)
{
    for (uint32_t i = 0; i < plan->context_cnt; i++)
        d->first[digit_of(qbid_mix64(plan->contexts[i].key), 0, d->first_lg)]++;
    places_of(d->first, (size_t)1 << d->first_lg, 0);
    for (uint32_t i = 0; i < plan->context_cnt; i++) {
        const struct qbid_plan_context *context = &plan->contexts[i];
        uint64_t hash = qbid_mix64(context->key);
        out[d->first[digit_of(hash, 0, d->first_lg)]++] = (struct qbid_index_record){
            hash, context->first, (uint16_t)context->cnt, context->segment};
    }
}

/* Short distances only: the digits have done the rest. */
static void sort_insert(struct qbid_index_record *record, uint32_t cnt)
{
    for (uint32_t i = 1; i < cnt; i++) {
        struct qbid_index_record moving = record[i];
        uint32_t k = i;
        for (; k > 0 && record[k - 1].hash > moving.hash; k--)
            record[k] = record[k - 1];
        record[k] = moving;
    }
}

static int by_hash(const void *a, const void *b)
{
    const struct qbid_index_record *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Records of one value of the first digit, from `from` to the same place of `out`. Keys that were
 * chosen to collide go another way: no input may take quadratic time. */
static void sort_part(const struct digits *d, const struct qbid_index_record *from, uint32_t begin,
                      uint32_t end, struct qbid_index_record *out)
{
    size_t values = (size_t)1 << d->second_lg;
    memset(d->second, 0, values * sizeof *d->second);
    uint32_t most = 0;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t cnt = ++d->second[digit_of(from[i].hash, d->first_lg, d->second_lg)];
        most = cnt > most ? cnt : most;
    }
    places_of(d->second, values, begin);
    for (uint32_t i = begin; i < end; i++)
        out[d->second[digit_of(from[i].hash, d->first_lg, d->second_lg)]++] = from[i];
    if (most > 64)
        qsort(out + begin, end - begin, sizeof *out, by_hash);
    else
        sort_insert(out + begin, end - begin);
}

static int records_sort(const struct qbid_plan *plan, struct qbid_index_record *out)
{
    struct digits d = {0};
    while (d.first_lg < FIRST_LG_MAX && plan->context_cnt >> d.first_lg > PART_CONTEXTS)
        d.first_lg++;
    while (plan->context_cnt >> d.first_lg >> d.second_lg > 0) /* less than one a value */
        d.second_lg++;
    size_t values = (size_t)1 << d.first_lg;
    struct qbid_index_record *coarse = qbid_scratch_new((size_t)plan->context_cnt * sizeof *coarse);
    d.first = calloc(values + ((size_t)1 << d.second_lg), sizeof *d.first);
    if (!coarse || !d.first) {
        free(coarse);
        free(d.first);
        return QBID_ERR_NOMEM;
    }
    d.second = d.first + values;
    sort_coarse(plan, &d, coarse);
    for (size_t i = 0; i < values; i++)
        sort_part(&d, coarse, i ? d.first[i - 1] : 0, d.first[i], out);
    free(coarse);
    free(d.first);
    return 0;
}

/* Where the place behind the last record is when the first `taken` places are not free, counted
 * without going round; UINT64_MAX when a lookup would not find one. */
static uint64_t places_end(const struct qbid_section_index *index, uint64_t taken)
{
    uint64_t at = taken, far = 0;
    for (uint32_t i = 0; i < index->record_cnt; i++) {
        uint64_t home = qbid_mulhi64(index->record[i].hash, index->bucket_cnt);
        at = at > home * WAYS ? at : home * WAYS;
        uint64_t distance = at / WAYS - home;
        far = distance > far ? distance : far;
        at++;
    }
    return far < QBID_INDEX_PROBE_MAX ? at : UINT64_MAX;
}

/* Whether all records find a place; what runs over the end takes the first places. */
static int index_try(struct qbid_section_index *index)
{
    uint64_t all = (uint64_t)index->bucket_cnt * WAYS, wrapped = 0;
    for (;;) {
        uint64_t end = places_end(index, wrapped);
        if (end == UINT64_MAX || (end > all && end - all > index->record_cnt))
            return QBID_ERR_LIMIT;
        uint64_t over = end > all ? end - all : 0;
        if (over <= wrapped)
            break;
        wrapped = over;
    }
    index->wrapped = (uint32_t)wrapped;
    return 0;
}

/* Blocks of rows: those of the buckets, and behind them those of rows that are too long for one. */
struct blocks {
    uint64_t near, far;
};

static uint32_t far_blocks(uint32_t cnt)
{
    return cnt > QBID_ROW_NEAR_MAX ? qbid_row_blocks(cnt, false) : 0;
}

/* Of all that the records say, in the order of the plan; counts the blocks as well. */
static XXH128_hash_t contexts_digest(const struct qbid_plan *plan, struct blocks *ret_blocks)
{
    struct qbid_index_record some[DIGEST_RECORDS];
    XXH3_state_t state;
    struct blocks blocks = {0};
    uint32_t cnt = 0;
    XXH3_128bits_reset(&state);
    for (uint32_t i = 0; i < plan->context_cnt; i++) {
        const struct qbid_plan_context *context = &plan->contexts[i];
        some[cnt++] = (struct qbid_index_record){context->key, context->first,
                                                 (uint16_t)context->cnt, context->segment};
        blocks.near += qbid_row_lines(context->cnt);
        blocks.far += far_blocks(context->cnt);
        if (cnt == DIGEST_RECORDS || i + 1 == plan->context_cnt) {
            XXH3_128bits_update(&state, some, cnt * sizeof *some);
            cnt = 0;
        }
    }
    *ret_blocks = blocks;
    return XXH3_128bits_digest(&state);
}

/* Records in order, index sized; what was there before is gone. */
static int index_make(const struct qbid_plan *plan, const struct blocks *blocks,
                      struct qbid_section_index *index)
{
    uint64_t buckets = ((uint64_t)plan->context_cnt * 5 + 23) / 24; /* 8 x 0.6 a bucket */
    qbid_section_index_done(index);
    if (blocks->near + blocks->far >= QBID_INDEX_MORE || buckets > UINT32_MAX / 2)
        return QBID_ERR_LIMIT;
    index->record = qbid_scratch_new((size_t)plan->context_cnt * sizeof *index->record);
    int err = index->record ? records_sort(plan, index->record) : QBID_ERR_NOMEM;
    index->record_cnt = plan->context_cnt;
    index->bucket_cnt = buckets ? (uint32_t)buckets : 1;
    index->near_cnt = (uint32_t)blocks->near;
    index->block_cnt = (uint32_t)(blocks->near + blocks->far);
    if (!err)
        err = index_try(index);
    while (err == QBID_ERR_LIMIT && index->bucket_cnt < UINT32_MAX / 2) {
        index->bucket_cnt += index->bucket_cnt / 8 + 1;
        err = index_try(index);
    }
    return err;
}

int qbid_section_index_make(const struct qbid_plan *plan, struct qbid_section_index *index)
{
    struct blocks blocks;
    XXH128_hash_t digest = contexts_digest(plan, &blocks);
    if (index->record && XXH128_isEqual(digest, index->digest))
        return 0;
    int err = index_make(plan, &blocks, index);
    if (err)
        qbid_section_index_done(index);
    else
        index->digest = digest;
    return err;
}

void qbid_section_index_done(struct qbid_section_index *index)
{
    free(index->record);
    *index = (struct qbid_section_index){0};
}

/* Record number `place` in the order of the places: what runs over the end comes first. */
static const struct qbid_index_record *record_at(const struct qbid_section_index *index,
                                                 uint32_t place)
{
    uint32_t over = index->wrapped;
    return &index->record[place < over ? index->record_cnt - over + place : place - over];
}

/* Every bucket from home up to the one before `bucket` says that a lookup must go on. */
static void say_more(struct qbid_index_bucket *out, uint32_t bucket_cnt, uint32_t home,
                     uint32_t bucket)
{
    while (home != bucket) {
        out[home].first |= QBID_INDEX_MORE;
        home = home + 1 < bucket_cnt ? home + 1 : 0;
    }
}

void qbid_section_index_fill(const struct qbid_section_index *index, struct qbid_index_bucket *out)
{
    uint64_t at = 0;
    uint32_t row = 0;
    for (uint32_t i = 0; i < index->record_cnt; i++, at++) {
        const struct qbid_index_record *r = record_at(index, i);
        uint32_t home = (uint32_t)qbid_mulhi64(r->hash, index->bucket_cnt);
        if (i >= index->wrapped)
            at = at > (uint64_t)home * WAYS ? at : (uint64_t)home * WAYS;
        uint32_t number = (uint32_t)(at / WAYS), place = at % WAYS, lines = qbid_row_lines(r->cnt);
        struct qbid_index_bucket *bucket = &out[number];
        if (place == 0)
            bucket->first |= row;
        bucket->tag[place] = qbid_index_tag(r->hash);
        bucket->lines |= lines << 4 * place;
        if (number != home)
            say_more(out, index->bucket_cnt, home, number);
        row += lines;
    }
}

/* The first candidate that is a line item from 65,536 on. */
static uint16_t first_high(const struct qbid_plan_candidate *candidate, uint32_t cnt)
{
    uint32_t high = cnt;
    while (high > 0 && candidate[high - 1].line_item_idx > UINT16_MAX)
        high--;
    return high < cnt ? (uint16_t)high : QBID_ROW_NONE_HIGH;
}

static void candidates_fill(const struct qbid_plan_candidate *candidate, uint32_t cnt,
                            uint16_t *low)
{
    char *value = (char *)(low + qbid_row_padded(cnt));
    for (uint32_t k = 0; k < cnt; k++) {
        low[k] = (uint16_t)candidate[k].line_item_idx;
        memcpy(value + k * sizeof(float), &candidate[k].value_micros, sizeof(float));
    }
}

void qbid_section_rows_fill(const struct qbid_section_index *index, const struct qbid_plan *plan,
                            struct qbid_row_block *out)
{
    struct qbid_row_block *row = out;
    uint32_t far = index->near_cnt;
    for (uint32_t i = 0; i < index->record_cnt; i++) {
        const struct qbid_index_record *r = record_at(index, i);
        if (i + AHEAD < index->record_cnt) {
            const struct qbid_plan_candidate *soon =
                &plan->candidates[record_at(index, i + AHEAD)->first];
            __builtin_prefetch(soon);
            __builtin_prefetch(&soon[8]);
        }
        void *low = &row->head + 1;
        if (far_blocks(r->cnt) != 0) {
            low = &out[far];
            row->far = far;
            far += far_blocks(r->cnt);
        }
        row->head.hash = r->hash;
        row->head.cnt = r->cnt;
        row->head.segment = r->segment;
        row->head.high = first_high(&plan->candidates[r->first], r->cnt);
        candidates_fill(&plan->candidates[r->first], r->cnt, low);
        row += qbid_row_lines(r->cnt);
    }
}
