/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a worker page, which qbidd drains, and as a live page, which a worker
 * reads. */
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "shm/live.h"
#include "shm/page.h"
#include "tests/fuzz/fuzz.h"

#define BYTES_MAX ((size_t)1 << 20)

const unsigned fuzz_replays = 100000;

static void require(int condition)
{
    if (!condition)
        abort();
}

/* Whatever the words are, what is made of them holds together. */
static void use_latency(const struct qbid_page *page)
{
    static struct qbid_latency_view all, one;
    memset(&all, 0, sizeof all);
    for (unsigned k = 0; k < QBID_LATENCY_CNT; k++) {
        qbid_latency_add(&page->latency[k], page->header->heartbeat_ns, 3);
        qbid_latency_load(&page->latency[k], &one);
        qbid_latency_merge(&all, &one);
        uint64_t last = 0;
        for (unsigned permille = 0; permille <= 1000; permille += 50) {
            uint64_t at = qbid_latency_quantile(&all, permille);
            require(at >= last && at <= all.max_ns);
            last = at;
        }
        require(qbid_latency_below(&all, QBID_LATENCY_LG_TOP) <= all.count);
    }
}

static void use_page(void *base, size_t size)
{
    struct qbid_page page;
    struct qbid_event out[16];
    if (qbid_page_attach(base, size, &page) != 0)
        return;
    for (uint32_t b = 0; b < page.budget_max; b++) {
        atomic_fetch_add_explicit(&page.committed[b], 1, memory_order_relaxed);
        atomic_store_explicit(&page.refused[b], b, memory_order_relaxed);
    }
    for (unsigned c = 0; c < QBID_COUNTER_CNT; c++)
        qbid_page_count(&page, (enum qbid_counter)c);
    use_latency(&page);
    /* the ring holds what it says, or is found corrupt */
    uint64_t taken = 0;
    int n;
    while ((n = qbid_ring_pop(page.ring, page.events, page.event_mask, out, 16)) > 0)
        taken += (uint64_t)n;
    require(n == 0 || (n == QBID_ERR_CORRUPT && taken == 0));
    require(taken <= page.event_mask + 1);
    for (unsigned i = 0; i < 100; i++) {
        struct qbid_event event = {.nonce = i};
        qbid_page_push(&page, &event);
    }
    n = qbid_ring_pop(page.ring, page.events, page.event_mask, out, 16);
    require(n >= 0 || n == QBID_ERR_CORRUPT);
}

static void use_live(void *base, size_t size)
{
    struct qbid_live live;
    if (qbid_live_attach(base, size, &live) != 0)
        return;
    uint64_t digest = 0;
    for (uint32_t i = 0; i < live.shape.line_item_max; i++)
        digest += (qbid_live_pace(&live, i) > 0) + (uint64_t)atomic_load(&live.qstate[i]);
    for (uint32_t i = 0; i < live.shape.worker_max * live.shape.budget_max; i++)
        digest += (uint64_t)atomic_load(&live.limit[i]);
    for (uint32_t i = 0; i < live.shape.worker_max; i++)
        digest += atomic_load(&live.lease[i].valid_until_ns);
    atomic_store(&live.header->heartbeat_ns, digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *base;
    if (size == 0 || size > BYTES_MAX || posix_memalign(&base, QBID_CACHE_LINE, size) != 0)
        return 0;
    memcpy(base, data, size);
    use_page(base, size);
    memcpy(base, data, size);
    use_live(base, size);
    free(base);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    struct qbid_live_shape shape = {17, 5, 3};
    struct qbid_page page;
    struct qbid_live live;
    size_t bytes = (size_t)qbid_page_footprint(9, QBID_PAGE_RING_LG_MIN);
    void *base = aligned_alloc(QBID_CACHE_LINE, bytes);
    memset(base, 0, bytes);
    qbid_page_format(base, 9, QBID_PAGE_RING_LG_MIN, &page);
    fn(context, base, bytes); /* empty */
    for (unsigned i = 0; i < 40; i++)
        qbid_page_push(&page, &(struct qbid_event){.nonce = i, .kind = QBID_EVENT_BID});
    for (unsigned i = 0; i < 40; i++)
        qbid_latency_add(&page.latency[i % QBID_LATENCY_CNT], UINT64_C(1) << i, 1);
    fn(context, base, bytes); /* half full */
    free(base);
    bytes = (size_t)qbid_live_footprint(shape);
    base = aligned_alloc(QBID_CACHE_LINE, bytes);
    memset(base, 0, bytes);
    qbid_live_format(base, shape, 1, &live);
    qbid_live_set_pace(&live, 3, 1.0f);
    fn(context, base, bytes);
    free(base);
}
