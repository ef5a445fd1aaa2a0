/* SPDX-License-Identifier: Apache-2.0 */
/* One reader of a built table: a worker's pages, a stream of requests made in advance. */
#include "bench/control/build_decide.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/control/build_world.h"
#include "bench/control/ticks.h"
#include "control/models/scratch.h"
#include "fastpath/decide.h"
#include "shm/hash.h"
#include "shm/isa.h"
#include "shm/live.h"
#include "shm/memfd.h"
#include "shm/page.h"

#define REQUESTS 524288
#define DISTINCT 256 /* requests that are made at a time, in cache beside the table */
#define ZIPF_EXPONENT 0.99
#define RING_LG 12

struct build_decide {
    const struct build_world *world;
    struct qbid_image image;
    struct qbid_live live;
    struct qbid_page page;
    void *base, *live_base, *page_base;
    size_t bytes;
    uint32_t *rank; /* of each request's context */
    struct qbid_request *request;
};

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static void *cleared(int64_t bytes)
{
    require(bytes > 0, "footprint");
    size_t whole = ((size_t)bytes + QBID_CACHE_LINE - 1) & ~(size_t)(QBID_CACHE_LINE - 1);
    void *at = aligned_alloc(QBID_CACHE_LINE, whole);
    require(at != NULL, "memory");
    return memset(at, 0, whole);
}

static void table_open(struct build_decide *d)
{
    const struct build_world *w = d->world;
    struct qbid_builder *builder;
    const char *why = "";
    void *base;
    int fd, ro;
    require(qbid_builder_new(&w->account, w->dictionary, &w->plan, &w->params, &builder, &why) == 0,
            why);
    d->bytes = qbid_builder_bytes(builder);
    require(qbid_memfd_make(QBID_MEMFD_IMAGE, d->bytes, &fd, &base) == 0, "memory");
    qbid_builder_fill(builder, base);
    qbid_builder_free(builder);
    require(qbid_memfd_seal_image(fd, base, d->bytes, &ro) == 0, "seal");
    require(qbid_memfd_map(ro, QBID_MEMFD_IMAGE, d->bytes, d->bytes, &d->base, &d->bytes) == 0,
            "map");
    require(qbid_image_attach(d->base, d->bytes, &d->image) == 0, "attach");
    close(fd);
    close(ro);
}

static void pages_open(struct build_decide *d)
{
    const struct build_world *w = d->world;
    struct qbid_live_shape shape = {w->line_items, w->account.campaign_cnt, 1};
    d->live_base = cleared(qbid_live_footprint(shape));
    require(qbid_live_format(d->live_base, shape, 1, &d->live) == 0, "live page");
    for (uint32_t i = 0; i < w->line_items; i++)
        qbid_live_set_pace(&d->live, i, 1.0f);
    for (uint32_t b = 0; b < w->account.campaign_cnt; b++)
        atomic_store(&d->live.limit[b], INT64_MAX / 2);
    atomic_store(&d->live.lease[0].valid_until_ns, UINT64_MAX);
    d->page_base = cleared(qbid_page_footprint(w->account.campaign_cnt, RING_LG));
    require(qbid_page_format(d->page_base, w->account.campaign_cnt, RING_LG, &d->page) == 0,
            "worker page");
}

static void ranks_draw(struct build_decide *d)
{
    uint32_t contexts = d->world->contexts;
    double *sum = qbid_scratch_new(contexts * sizeof *sum), total = 0;
    d->rank = qbid_scratch_new(REQUESTS * sizeof *d->rank);
    require(sum != NULL && d->rank != NULL, "memory");
    for (uint32_t i = 0; i < contexts; i++)
        sum[i] = total += pow(i + 1.0, -ZIPF_EXPONENT);
    for (uint32_t n = 0; n < REQUESTS; n++) {
        double at = (double)(qbid_mix64(n) >> 11) * 0x1p-53 * total;
        uint32_t low = 0, high = contexts - 1;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (sum[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        d->rank[n] = low;
    }
    free(sum);
}

struct build_decide *build_decide_new(const struct build_world *world)
{
    struct build_decide *d = calloc(1, sizeof *d);
    require(d != NULL, "memory");
    d->world = world;
    d->request = malloc(DISTINCT * sizeof *d->request);
    require(d->request != NULL, "memory");
    table_open(d);
    pages_open(d);
    ranks_draw(d);
    return d;
}

void build_decide_free(struct build_decide *d)
{
    munmap(d->base, d->bytes);
    free(d->live_base);
    free(d->page_base);
    free(d->rank);
    free(d->request);
    free(d);
}

double build_decide_run(struct build_decide *d)
{
    struct qbid_view view = {.image = &d->image,
                             .live = &d->live,
                             .page = &d->page,
                             .deadline_ns = UINT64_MAX,
                             .isa = (uint8_t)qbid_isa_best()};
    uint64_t cost_ns = 0;
    uint32_t bids = 0;
    for (uint32_t from = 0; from < REQUESTS; from += DISTINCT) {
        for (uint32_t i = 0; i < DISTINCT; i++)
            build_world_request(d->world, d->rank[from + i], from + i, &d->request[i]);
        uint64_t start_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
        for (uint32_t i = 0; i < DISTINCT; i++) {
            struct qbid_decision decision;
            bids += qbid_decide_one(&view, &d->request[i], 1, &decision, NULL) == QBID_NOBID_NONE;
        }
        cost_ns += ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    }
    require(bids > REQUESTS / 10 * 9, "nine bids in ten");
    return (double)cost_ns / REQUESTS;
}
