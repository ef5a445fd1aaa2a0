/* SPDX-License-Identifier: Apache-2.0 */
/* qbid's context index, as control/publish builds it, in 4K and in huge pages, and beside it what
 * the machine allows: one word of a random row, and nothing done with it. A look-up ends with the
 * row's first line, which holds the key that it is compared with and up to eight candidates; those
 * of the peers end with where the row is. */
#include <stdlib.h>
#include <string.h>

#include "bench/index/lookup.h"
#include "control/publish/section_index.h"
#include "shm/index.h"

struct qbid {
    const struct qbid_index_bucket *bucket;
    const struct qbid_row_block *rows;
    uint64_t bucket_cnt, row_cnt;
    uint64_t zero;
};

/* The digest of what a row says of itself; both addresses are worked out as well. */
static inline uint64_t digest(const struct qbid_row_ref *row)
{
    __asm__ volatile("" : : "r"(row->line_item_low), "r"(row->value_micros));
    return row->cnt | (uint64_t)row->segment << 16;
}

static inline uint64_t find(void *peer, uint64_t key)
{
    const struct qbid *q = peer;
    struct qbid_row_ref row = qbid_index_find(q->bucket, (uint32_t)q->bucket_cnt, q->rows, key);
    return digest(&row) << 32;
}

static uint64_t run_each(void *peer, const uint64_t *keys, size_t n)
{
    return lookup_each(find, peer, keys, n);
}

static uint64_t run_chain(void *peer, const uint64_t *keys, size_t n)
{
    const struct qbid *q = peer;
    return lookup_chain(find, peer, keys, n, q->zero);
}

/* In a function of its own, as a host would call it. */
__attribute__((noinline)) static void find_many(const struct qbid *q, const uint64_t *keys,
                                                unsigned n, struct qbid_row_ref *ret)
{
    qbid_index_find_many(q->bucket, (uint32_t)q->bucket_cnt, q->rows, keys, n, ret);
}

static inline __attribute__((always_inline)) uint64_t run_batch(void *peer, const uint64_t *keys,
                                                                size_t n, unsigned batch)
{
    struct qbid_row_ref row[128];
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += batch) {
        find_many(peer, keys + i, batch, row);
        for (unsigned k = 0; k < batch; k++)
            sum += digest(&row[k]);
    }
    return sum;
}

static uint64_t run_8(void *peer, const uint64_t *keys, size_t n)
{
    return run_batch(peer, keys, n, 8);
}

static uint64_t run_16(void *peer, const uint64_t *keys, size_t n)
{
    return run_batch(peer, keys, n, 16);
}

static uint64_t run_32(void *peer, const uint64_t *keys, size_t n)
{
    return run_batch(peer, keys, n, 32);
}

static uint64_t run_128(void *peer, const uint64_t *keys, size_t n)
{
    return run_batch(peer, keys, n, 128);
}

static inline uint64_t touch(void *peer, uint64_t key)
{
    const struct qbid *q = peer;
    return q->rows[qbid_mulhi64(qbid_mix64(key), q->row_cnt)].head.hash;
}

static uint64_t run_touch(void *peer, const uint64_t *keys, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += touch(peer, keys[i]);
    return sum;
}

static uint64_t run_touch_chain(void *peer, const uint64_t *keys, size_t n)
{
    const struct qbid *q = peer;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += touch(peer, keys[i] ^ (sum & q->zero));
    return sum;
}

static int by_key(const void *a, const void *b)
{
    const struct qbid_plan_context *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

struct built {
    struct qbid_section_index index;
    struct qbid_plan plan;
};

/* The candidates are those of one line item, over and over: no look-up reads them. */
static struct built build(const struct lookup_world *world)
{
    struct built b = {.plan = {.context_cnt = LOOKUP_KEYS}};
    struct qbid_plan_context *context = calloc(LOOKUP_KEYS, sizeof *context);
    lookup_must(context != NULL, "no memory");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        context[i].key = world->key[i];
        context[i].cnt = (uint16_t)(world->value[i] >> 32);
        context[i].segment = (uint16_t)(world->value[i] >> 48);
    }
    qsort(context, LOOKUP_KEYS, sizeof *context, by_key);
    b.plan.contexts = context;
    b.plan.candidates = calloc(LOOKUP_CANDIDATES_MAX, sizeof *b.plan.candidates);
    lookup_must(b.plan.candidates != NULL, "no memory");
    lookup_must(qbid_section_index_make(&b.plan, &b.index) == 0, "the index cannot be built");
    return b;
}

static struct qbid *place(const struct lookup_world *world, const struct built *b, int huge)
{
    struct qbid *q = malloc(sizeof *q);
    lookup_must(q != NULL, "no memory");
    void *bucket = lookup_memory(b->index.bucket_cnt * sizeof(struct qbid_index_bucket), huge);
    void *rows = lookup_memory(b->index.block_cnt * sizeof(struct qbid_row_block), huge);
    qbid_section_index_fill(&b->index, bucket);
    qbid_section_rows_fill(&b->index, &b->plan, rows);
    *q = (struct qbid){bucket, rows, b->index.bucket_cnt, b->index.block_cnt, world->zero};
    return q;
}

void lookup_qbid_add(struct lookup_bench *bench)
{
    struct built b = build(&bench->world);
    struct qbid *huge = place(&bench->world, &b, 1), *small = place(&bench->world, &b, 0);
    qbid_section_index_done(&b.index);
    free(b.plan.contexts);
    free(b.plan.candidates);
    const size_t n = 1u << 19;
    const struct lookup_design designs[] = {
        {.name = "qbid", .slice = n, .run = run_each, .peer = huge},
        {.name = "qbid_chain", .slice = n / 4, .run = run_chain, .peer = huge},
        {.name = "qbid_8", .slice = n, .run = run_8, .peer = huge},
        {.name = "qbid_16", .slice = n, .run = run_16, .peer = huge},
        {.name = "qbid_32", .slice = n, .run = run_32, .peer = huge},
        {.name = "qbid_128", .slice = n, .run = run_128, .peer = huge},
        {.name = "limit", .slice = n, .run = run_touch, .peer = huge, .limit = 1},
        {.name = "limit_chain", .slice = n / 4, .run = run_touch_chain, .peer = huge, .limit = 1},
        {.name = "qbid_4k", .slice = n, .run = run_each, .peer = small},
        {.name = "qbid_4k_chain", .slice = n / 4, .run = run_chain, .peer = small},
        {.name = "qbid_4k_8", .slice = n, .run = run_8, .peer = small},
        {.name = "qbid_4k_16", .slice = n, .run = run_16, .peer = small},
        {.name = "qbid_4k_32", .slice = n, .run = run_32, .peer = small},
        {.name = "limit_4k", .slice = n, .run = run_touch, .peer = small, .limit = 1},
        {.name = "limit_4k_chain",
         .slice = n / 4,
         .run = run_touch_chain,
         .peer = small,
         .limit = 1},
    };
    for (size_t i = 0; i < sizeof designs / sizeof *designs; i++)
        lookup_design_add(bench, designs[i]);
}
