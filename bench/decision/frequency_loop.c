/* SPDX-License-Identifier: Apache-2.0 */
/* Times decisions of one context with eight candidates, capped and not. */
#include "bench/decision/frequency_loop.h"

#include <stdlib.h>
#include <string.h>

#include "bench/control/ticks.h"
#include "fastpath/frequency.h"
#include "shm/hash.h"
#include "tests/fastpath/stage.h"

#define ITEMS 8
#define TURNS 201
#define BLOCK 2048
#define LG_BUCKETS 17 /* 2^20 entries, qbidd's default */

/* FIRST, TIRED: exposures are given, none or two of everything, in place of a count. */
enum way { PLAIN, UNKNOWN, KNOWN, FIRST, TIRED, COUNT, WAYS };

struct bench {
    struct stage plain, capped;
    struct qbid_live live; /* with a table of the default size */
    void *live_base;
    uint64_t at, users;
    double ns[WAYS][TURNS];
};

static void open_stage(struct stage *s, bool capped)
{
    const float r[] = {1.0f, 1.0f, 0.9f};
    stage_init(s);
    s->counting = capped;
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t idx = stage_line_item(
            s, (struct qbid_line_item){.id = 1 + i, .value_micros = 1e6f + (float)i});
        if (capped)
            image_fixture_cap(&s->f, idx, 100, 3, r);
    }
    stage_open(s);
}

static void open_table(struct bench *b)
{
    struct qbid_live_shape shape = b->capped.live.shape;
    size_t bytes = (size_t)qbid_live_footprint_counting(shape, LG_BUCKETS);
    b->live_base = aligned_alloc(QBID_CACHE_LINE, bytes);
    if (!b->live_base)
        abort();
    memset(b->live_base, 0, bytes);
    if (qbid_live_format_counting(b->live_base, shape, LG_BUCKETS, 1, &b->live) != 0)
        abort();
    for (uint32_t i = 0; i < ITEMS; i++)
        qbid_live_set_pace(&b->live, i, 1.0f);
    for (uint32_t i = 0; i < STAGE_BUDGETS; i++)
        atomic_store(&b->live.limit[STAGE_SLOT * STAGE_BUDGETS + i], INT64_MAX);
    atomic_store(&b->live.lease[STAGE_SLOT].valid_until_ns, UINT64_MAX);
    atomic_store(&b->live.frequency.header->salt, 12345);
    atomic_store(&b->live.frequency.header->minute, STAGE_MINUTE);
    b->capped.view.live = &b->live;
}

static uint64_t next_user(struct bench *b)
{
    return 1 + (qbid_mix64(++b->at) & (b->users - 1));
}

/* One after another: the next user depends on what was counted. */
static double count_block(struct bench *b)
{
    const struct qbid_frequency *t = &b->live.frequency;
    uint64_t sum = 0, start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t key = qbid_frequency_key(next_user(b) + sum, ITEMS, 12345);
        sum += qbid_frequency_count(t, key, STAGE_MINUTE);
    }
    __asm__ volatile("" : : "r"(sum) : "memory");
    return (double)(ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / BLOCK;
}

static double decide_block(struct bench *b, enum way way)
{
    struct stage *s = way == PLAIN ? &b->plain : &b->capped;
    struct qbid_request q = stage_request();
    struct qbid_decision d;
    /* test requests reserve and count nothing, so that every block meets the same state */
    q.flags = QBID_REQUEST_TEST;
    static const uint8_t first[ITEMS] = {0}, tired[ITEMS] = {2, 2, 2, 2, 2, 2, 2, 2};
    s->view.assumed = way == FIRST ? first : way == TIRED ? tired : NULL;
    uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t user = next_user(b);
        q.id_hash = b->at;
        q.user_key = way == KNOWN ? user : 0;
        if (stage_decide(s, &q, &d) != QBID_NOBID_NONE)
            abort();
        __asm__ volatile("" : : "r"(&d) : "memory");
    }
    return (double)(ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / BLOCK;
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double median(double ns[TURNS])
{
    qsort(ns, TURNS, sizeof *ns, ascending);
    return ns[TURNS / 2];
}

struct bench_frequency bench_frequency_run(unsigned lg_users)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    b.users = UINT64_C(1) << lg_users;
    open_stage(&b.plain, false);
    open_stage(&b.capped, true);
    open_table(&b);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned w = PLAIN; w <= TIRED; w++) {
            enum way way = (enum way)((w + turn) % COUNT);
            b.ns[way][turn] = decide_block(&b, way);
        }
        b.ns[COUNT][turn] = count_block(&b);
    }
    struct bench_frequency result = {median(b.ns[PLAIN]),
                                     median(b.ns[UNKNOWN]),
                                     median(b.ns[KNOWN]),
                                     median(b.ns[COUNT]),
                                     median(b.ns[TIRED]) - median(b.ns[FIRST]),
                                     (double)qbid_frequency_bytes(LG_BUCKETS),
                                     (double)sizeof(struct qbid_exposures)};
    stage_done(&b.plain);
    stage_done(&b.capped);
    free(b.live_base);
    return result;
}
