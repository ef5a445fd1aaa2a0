/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, questions, and the round in which the designs take turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/index/lookup.h"
#include "bench/control/ticks.h"
#include "shm/hash.h"

#define HUGE_BYTES ((size_t)2 << 20)
#define TURNS 3
/* Before a turn is timed half as many lookups bring the design's own lines back into the caches: it
 * is measured as the one that is in use, not as one that others have just pushed out. */
#define WARM 2

void lookup_must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench: lookup: %s\n", what);
    exit(1);
}

void *lookup_memory(size_t bytes, int huge)
{
    bytes = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    void *base = aligned_alloc(HUGE_BYTES, bytes);
    lookup_must(base != NULL, "no memory");
    (void)madvise(base, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    memset(base, 0, bytes);
    return base;
}

void lookup_design_add(struct lookup_bench *bench, struct lookup_design design)
{
    lookup_must(bench->cnt < LOOKUP_DESIGNS_MAX, "too many designs");
    bench->design[bench->cnt++] = design;
}

/* Number i of a sequence without repeats: the mixer is a bijection, and what it maps out of range
 * is passed over by counting on. Even places are keys, odd ones are asked for in vain. */
static uint64_t next_key(uint64_t *at)
{
    uint64_t key;
    do
        key = qbid_mix64(++*at);
    while (key == 0 || key >> 62 != 0);
    return key;
}

static void make_world(struct lookup_world *world)
{
    uint64_t *absent = malloc(LOOKUP_KEYS * sizeof *absent), at = 0;
    world->key = malloc(LOOKUP_KEYS * sizeof *world->key);
    world->value = malloc(LOOKUP_KEYS * sizeof *world->value);
    world->stream = malloc(LOOKUP_STREAM * sizeof *world->stream);
    lookup_must(absent && world->key && world->value && world->stream, "no memory");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++) {
        world->key[i] = next_key(&at);
        absent[i] = next_key(&at);
        world->value[i] =
            i | (uint64_t)(1 + i % LOOKUP_CANDIDATES_MAX) << 32 | (uint64_t)(i % 251) << 48;
    }
    for (uint32_t i = 0; i < LOOKUP_STREAM; i++) {
        uint64_t random = qbid_roll(i, 71, 0);
        uint64_t which = qbid_mulhi64(random, LOOKUP_KEYS);
        world->stream[i] = qbid_roll(i, 71, 1) % 10 == 0 ? absent[which] : world->key[which];
    }
    volatile uint64_t zero = 0;
    world->zero = zero;
    free(absent);
}

/* Sums of the stream by a plain search: right by construction, no design's own code. */
static int by_key(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

struct pair {
    uint64_t key, value;
};

/* sum[i]: digests of the first i questions. */
static uint64_t *make_sums(const struct lookup_world *world)
{
    struct pair *pair = malloc(LOOKUP_KEYS * sizeof *pair);
    uint64_t *sum = malloc((LOOKUP_STREAM + 1) * sizeof *sum);
    lookup_must(pair && sum, "no memory");
    for (uint32_t i = 0; i < LOOKUP_KEYS; i++)
        pair[i] = (struct pair){world->key[i], world->value[i]};
    qsort(pair, LOOKUP_KEYS, sizeof *pair, by_key);
    sum[0] = 0;
    for (uint32_t i = 0; i < LOOKUP_STREAM; i++) {
        const struct pair *found =
            bsearch(&world->stream[i], pair, LOOKUP_KEYS, sizeof *pair, by_key);
        sum[i + 1] = sum[i] + (found ? lookup_digest(found->value) : 0);
    }
    free(pair);
    return sum;
}

const struct lookup_bench *lookup_bench_get(void)
{
    static struct lookup_bench *bench;
    if (bench)
        return bench;
    bench = calloc(1, sizeof *bench);
    lookup_must(bench != NULL, "no memory");
    make_world(&bench->world);
    lookup_qbid_add(bench);
    lookup_dpdk_add(bench);
    lookup_urcu_add(bench);
    lookup_ck_add(bench);
    lookup_lmdb_add(bench);
    lookup_sqlite_add(bench);
    lookup_redis_add(bench);
    return bench;
}

static int by_ns(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* A turn of one design: ns a question. */
static double turn(const struct lookup_bench *bench, const struct lookup_design *design,
                   uint64_t number, const uint64_t *sum)
{
    clockid_t clock = design->wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    size_t warm = design->slice / WARM, all = design->slice + warm;
    size_t first = qbid_mulhi64(qbid_mix64(number), LOOKUP_STREAM - all);
    const uint64_t *keys = bench->world.stream + first;
    uint64_t got = design->run(design->peer, keys, warm);
    uint64_t start = ticks_clock_ns(clock);
    got += design->run(design->peer, keys + warm, design->slice);
    double ns = (double)(ticks_clock_ns(clock) - start) / (double)design->slice;
    if (!design->limit && got != sum[first + all] - sum[first])
        lookup_must(0, design->name);
    return ns;
}

void lookup_round(const struct lookup_bench *bench, double ret_ns[LOOKUP_DESIGNS_MAX])
{
    static uint64_t *sum, number;
    if (!sum)
        sum = make_sums(&bench->world);
    static double ns[LOOKUP_DESIGNS_MAX][TURNS];
    for (unsigned t = 0; t < TURNS; t++) {
        for (unsigned i = 0; i < bench->cnt; i++)
            ns[i][t] = turn(bench, &bench->design[i], number++, sum);
    }
    for (unsigned i = 0; i < bench->cnt; i++) {
        qsort(ns[i], TURNS, sizeof ns[i][0], by_ns);
        ret_ns[i] = ns[i][TURNS / 2];
    }
}
