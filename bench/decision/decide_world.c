/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the benchmark's account: image, live page, worker page, request stream. */
#include "bench/decision/decide_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/decision/decide_formula.h"
#include "bench/decision/decide_naive.h"
#include "shm/hash.h"
#include "shm/memfd.h"
#include "tests/shm/image_fixture.h"

#define IMAGE_BYTES_MIN (100u << 20) /* the strings section is filled up to that */
#define ZIPF_EXPONENT 0.99
#define RING_LG 16

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

static uint64_t draw(uint64_t a, uint64_t b)
{
    return qbid_mix64(qbid_mix64(a) + b * UINT64_C(0x9e3779b97f4a7c15));
}

/* In (0, 1). */
static float unit(uint64_t random)
{
    return ((float)(random >> 44) + 0.5f) / 1048576.0f;
}

float bench_line_item_value(uint32_t line_item_idx)
{
    return 4e5f + 1.6e6f * unit(draw(line_item_idx, 1));
}

int bench_value_known(uint32_t line_item_idx, unsigned level, uint32_t a, uint32_t b,
                      float *ret_value)
{
    static const float share[] = {0.5f, 0.6f, 0.75f};
    uint64_t random = draw((uint64_t)line_item_idx << 32 | level << 24 | a << 12 | b, 2);
    *ret_value = bench_line_item_value(line_item_idx) * (0.5f + unit(random));
    return unit(draw(random, 3)) < share[level];
}

float bench_value(uint32_t line_item_idx, struct bench_context context, unsigned *ret_level)
{
    float value;
    *ret_level = 0;
    if (context.site != BENCH_NO_SITE &&
        bench_value_known(line_item_idx, 0, context.slot, context.site, &value))
        return value;
    *ret_level = 1;
    if (context.geo != BENCH_NO_GEO && bench_value_known(line_item_idx, 1, context.geo, 0, &value))
        return value;
    *ret_level = 2;
    if (bench_value_known(line_item_idx, 2, context.exchange, 0, &value))
        return value;
    *ret_level = 3;
    return bench_line_item_value(line_item_idx);
}

void bench_q_multipliers(uint32_t line_item_idx, float ret_multiplier[QBID_QROW_ACTIONS])
{
    for (uint32_t a = 0; a < QBID_QROW_ACTIONS; a++)
        ret_multiplier[a] = 0.5f + unit(draw(line_item_idx, 10 + a));
}

float bench_pace(uint32_t line_item_idx, const float multiplier[QBID_QROW_ACTIONS])
{
    float best = 0.0f;
    for (unsigned a = 0; a < QBID_QROW_ACTIONS; a++)
        best = multiplier[a] > best ? multiplier[a] : best;
    return draw(line_item_idx, 4) % 20 == 0 ? 0.0f : best; /* 5 % are paused */
}

/* K line items of a context, ascending, as a builder writes them. */
static int ascending(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void pick_line_items(uint64_t context, unsigned k, uint32_t *ret_idx)
{
    uint64_t random = draw(context, 5);
    uint64_t first = random % BENCH_LINE_ITEMS, step = (random >> 32) % 997 * 10 + 3;
    for (unsigned i = 0; i < k; i++) /* step has no divisor in common with 10,000 */
        ret_idx[i] = (uint32_t)((first + i * step) % BENCH_LINE_ITEMS);
    qsort(ret_idx, k, sizeof *ret_idx, ascending);
}

static void fill_values(struct bench_world *w, struct image_fixture *f)
{
    static const unsigned cnt[QBID_DIM_CNT] = {
        [QBID_DIM_EXCHANGE] = BENCH_EXCHANGES, [QBID_DIM_SLOT] = BENCH_SLOTS,
        [QBID_DIM_POSITION] = BENCH_POSITIONS, [QBID_DIM_DEVICE] = BENCH_DEVICES,
        [QBID_DIM_GEO] = BENCH_GEOS,           [QBID_DIM_SITE] = BENCH_SITES,
        [QBID_DIM_SEGMENT] = BENCH_SEGMENTS,   [QBID_DIM_HOUR] = BENCH_HOURS};
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        for (unsigned i = 0; i < cnt[dim]; i++) {
            char name[BENCH_NAME_LEN + 1] = {0};
            bench_value_name(i, name);
            uint32_t index = image_fixture_value(f, dim, name);
            require(index == i + 1, "value index");
            w->hash[dim][i] = qbid_hash_dim(dim, name, BENCH_NAME_LEN);
        }
    }
}

static void fill_tables(struct image_fixture *f)
{
    for (unsigned s = 1; s < 16; s++) {
        struct qbid_shade shade;
        for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++) {
            shade.ratio[i] = 0.95f - 0.006f * (float)i;
            shade.win[i] = 0.01f * (float)i;
        }
        image_fixture_shade(f, &shade);
    }
    for (unsigned g = 1; g < BENCH_Q_GROUPS; g++) {
        struct qbid_qrow row = {
            .explore_q32 = UINT32_MAX / 20, .n = QBID_QROW_ACTIONS, .greedy = 3};
        for (unsigned a = 0; a < QBID_QROW_ACTIONS; a++)
            row.ratio[a] = 0.7f + 0.1f * (float)a;
        row.ratio[3] = 1.0f;
        image_fixture_q_group(f, &row);
    }
}

static void fill_line_items(struct image_fixture *f)
{
    for (uint32_t i = 0; i < BENCH_LINE_ITEMS; i++) {
        char cat[16];
        uint32_t idx = image_fixture_line_item(
            f, (struct qbid_line_item){.id = 1 + i,
                                       .campaign_id = 1 + i % BENCH_BUDGETS,
                                       .budget_idx = i % BENCH_BUDGETS,
                                       .value_micros = bench_line_item_value(i),
                                       .adomain_hash = draw(i % BENCH_BUDGETS, 6),
                                       .q_group = (uint16_t)(i % BENCH_Q_GROUPS),
                                       .flags = QBID_LINE_ITEM_ACTIVE | QBID_LINE_ITEM_SECURE});
        /* half of them target hours, which no row has resolved; the stream's are among them */
        for (uint32_t hour = 0; i % 2 == 0 && hour < 48; hour++)
            image_fixture_target(f, idx, QBID_DIM_HOUR, 1 + 90 + hour);
        for (uint32_t c = 0; c < 2; c++) {
            snprintf(cat, sizeof cat, "IAB%u", (i + 7 * c) % 26);
            image_fixture_cat(f, idx, cat);
        }
        for (uint16_t slot = 1; slot <= BENCH_SLOTS; slot++) {
            uint32_t creative[3];
            double weight[3];
            unsigned n = 1 + (unsigned)(draw(i, slot) % 3);
            for (unsigned c = 0; c < n; c++) {
                creative[c] = image_fixture_creative(
                    f, &(struct image_fixture_creative){
                           .id = f->creatives.cnt + 1, .line_item_id = 1 + i, .slot_idx = slot});
                weight[c] = 1.0 + c;
            }
            image_fixture_draws(f, idx, slot, n, creative, weight);
        }
    }
}

/* Adds the row of one context at a level and returns its candidates, to be kept. */
static struct bench_list add_row(struct image_fixture *f, unsigned k, unsigned level,
                                 struct bench_context c)
{
    uint32_t *idx = malloc(k * sizeof *idx);
    float *value = malloc(k * sizeof *value);
    uint64_t context = qbid_dim_pack(0, QBID_DIM_EXCHANGE, c.exchange + 1);
    require(idx != NULL && value != NULL, "memory");
    context = qbid_dim_pack(context, QBID_DIM_SLOT, c.slot + 1);
    if (level < 2)
        context = qbid_dim_pack(context, QBID_DIM_GEO, c.geo + 1);
    if (level < 1)
        context = qbid_dim_pack(context, QBID_DIM_SITE, c.site + 1);
    c.geo = level < 2 ? c.geo : BENCH_NO_GEO;
    c.site = level < 1 ? c.site : BENCH_NO_SITE;
    pick_line_items(qbid_context_key(context, UINT64_MAX, level), k, idx);
    for (unsigned i = 0; i < k; i++) {
        unsigned known;
        value[i] = bench_value(idx[i], c, &known);
    }
    image_fixture_row(f, level, context, (uint32_t)(context % 16), k, idx, value);
    free(value);
    return (struct bench_list){idx, k, level};
}

/* 70 % of the contexts have a row of their own, two thirds of the rest one without site. */
static void fill_rows(struct bench_world *w, struct image_fixture *f)
{
    static struct bench_list coarse[16], middle[1024];
    for (uint32_t i = 0; i < 16; i++)
        coarse[i] = add_row(f, w->k, 2, bench_context_of(i));
    for (uint32_t i = 0; i < 1024; i++)
        middle[i] = draw(i, 7) % 3 ? add_row(f, w->k, 1, bench_context_of(i)) : coarse[i & 15];
    for (uint32_t i = 0; i < BENCH_CONTEXTS; i++)
        w->list[i] =
            draw(i, 8) % 10 < 7 ? add_row(f, w->k, 0, bench_context_of(i)) : middle[i & 1023];
}

static void seal_images(struct bench_world *w, struct image_fixture *f)
{
    for (unsigned i = 0; i < 2; i++) {
        void *base;
        int fd;
        f->header.gen = i + 1;
        void *image = image_fixture_build(f, &w->image_bytes);
        require(qbid_memfd_make(QBID_MEMFD_IMAGE, w->image_bytes, &fd, &base) == 0, "memfd");
        memcpy(base, image, w->image_bytes);
        free(image);
        require(qbid_memfd_seal_image(fd, base, w->image_bytes, &w->image_fd[i]) == 0, "seal");
        if (i == 0 && w->image_bytes < IMAGE_BYTES_MIN)
            i--; /* once more, filled up */
        else
            continue;
        uint32_t missing = IMAGE_BYTES_MIN - (uint32_t)w->image_bytes + 64;
        f->strings.item = realloc(f->strings.item, f->strings.cnt + missing);
        require(f->strings.item != NULL, "memory");
        memset(f->strings.item + f->strings.cnt, ' ', missing);
        f->strings.cnt += missing;
    }
}

static void *mapped(int64_t bytes)
{
    require(bytes > 0, "footprint");
    void *base = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    require(base != MAP_FAILED, "mmap");
    return base;
}

static void make_pages(struct bench_world *w)
{
    struct qbid_live_shape shape = {BENCH_LINE_ITEMS, BENCH_BUDGETS, 1};
    void *base = mapped(qbid_live_footprint(shape));
    require(qbid_live_format(base, shape, 1, &w->live) == 0, "live page");
    for (uint32_t i = 0; i < BENCH_LINE_ITEMS; i++) {
        float multiplier[QBID_QROW_ACTIONS];
        bench_q_multipliers(i, multiplier);
        qbid_live_set_pace(&w->live, i, bench_pace(i, multiplier));
        atomic_store(&w->live.qstate[i], (uint8_t)(draw(i, 9) % QBID_QSTATES));
    }
    for (uint32_t b = 0; b < BENCH_BUDGETS; b++)
        atomic_store(&w->live.limit[b], INT64_MAX / 2);
    atomic_store(&w->live.lease[0].valid_until_ns, UINT64_MAX);
    base = mapped(qbid_page_footprint(BENCH_BUDGETS, RING_LG));
    require(qbid_page_format(base, BENCH_BUDGETS, RING_LG, &w->page) == 0, "worker page");
}

static void fill_uniform(struct bench_world *w)
{
    for (uint32_t n = 0; n < BENCH_ORDER; n++)
        w->uniform[n] = (uint16_t)(draw(n, 13) % BENCH_CONTEXTS);
}

/* Ranks by Zipf's law, spread over the contexts. */
static void fill_order(struct bench_world *w)
{
    double *sum = malloc(BENCH_CONTEXTS * sizeof *sum), total = 0;
    require(sum != NULL, "memory");
    for (uint32_t i = 0; i < BENCH_CONTEXTS; i++)
        sum[i] = total += pow(i + 1.0, -ZIPF_EXPONENT);
    for (uint32_t n = 0; n < BENCH_ORDER; n++) {
        double at = (double)(draw(n, 11) >> 11) * 0x1p-53 * total;
        uint32_t low = 0, high = BENCH_CONTEXTS - 1;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if (sum[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        w->order[n] = (uint16_t)(low * 40503u);
    }
    free(sum);
}

static struct bench_world *build(unsigned k)
{
    struct bench_world *w = calloc(1, sizeof *w);
    struct image_fixture f;
    require(w != NULL, "memory");
    w->k = k;
    image_fixture_init(&f);
    f.dict_sparse = 64; /* as control/publish does with so few values */
    uint64_t coarse = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT);
    f.header.level_mask[3] = 0;
    f.header.level_mask[2] = coarse;
    f.header.level_mask[1] = coarse | qbid_dim_mask(QBID_DIM_GEO);
    f.header.level_mask[0] = f.header.level_mask[1] | qbid_dim_mask(QBID_DIM_SITE);
    fill_values(w, &f);
    fill_tables(&f);
    fill_line_items(&f);
    fill_rows(w, &f);
    seal_images(w, &f);
    image_fixture_done(&f);
    make_pages(w);
    fill_order(w);
    fill_uniform(w);
    for (uint64_t i = 0; i < BENCH_BLOCKS; i++)
        w->badv[i] = w->bcat[i] = draw(i, 12) | 1;
    w->naive = bench_naive_new();
    w->formula = bench_formula_new();
    require(w->naive != NULL && w->formula != NULL, "memory");
    return w;
}

const struct bench_world *bench_world_get(unsigned k)
{
    static struct bench_world *worlds[129];
    require(k < 129, "K");
    if (worlds[k] == NULL)
        worlds[k] = build(k);
    return worlds[k];
}

void bench_request_init(const struct bench_world *world, struct qbid_request *request)
{
    memset(request, 0, sizeof *request);
    request->slot_cnt = 1;
    request->segment_cnt = 3;
    request->badv = world->badv;
    request->bcat = world->bcat;
    request->badv_cnt = request->bcat_cnt = BENCH_BLOCKS;
    request->auction = QBID_AUCTION_FIRST_PRICE;
    request->flags = QBID_REQUEST_SECURE;
    request->floor_micros = 1000;
}
