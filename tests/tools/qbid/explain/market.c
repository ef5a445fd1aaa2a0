/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the account and the requests from the same short lists of raw values. */
#include "tests/tools/qbid/explain/market.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shm/hash.h"
#include "tests/plugin/broker.h"
#include "tests/shm/image_fixture.h"

#define UNIT 1000000.0f
#define ROWS 160
#define LISTED(list) (sizeof(list) / sizeof((list)[0]))

static const char *const exchanges[] = {"1", "2", "3"};
static const char *const positions[] = {"1", "3"};
static const char *const devices[] = {"2/windows", "4/ios", "1/android"};
static const char *const geos[] = {"CHN/1", "USA/CA", "DEU/"};
static const char *const sites[] = {"news.example", "shop.example", "com.game"};
static const char *const segments[] = {"s1", "s2", "s3", "s4", "s5"};
static const char *const deals[] = {"d1", "d2", "d3"};
static const char *const domains[] = {"a.example", "b.example", "c.example"};
static const char *const categories[] = {"iab1", "iab2", "iab3"};

static const struct {
    const char *raw;
    uint16_t width, height, format;
} slots[] = {
    {"banner:300x250", 300, 250, QBID_FORMAT_BANNER},
    {"banner:728x90", 728, 90, QBID_FORMAT_BANNER},
    {"banner:320x50", 320, 50, QBID_FORMAT_BANNER},
    {"video:640x360", 640, 360, QBID_FORMAT_VIDEO},
    {"video:any", 0, 0, QBID_FORMAT_VIDEO},
    {"native", 0, 0, QBID_FORMAT_NATIVE},
};

static int chance(struct rng *r, uint32_t percent)
{
    return rng_below(r, 100) < percent;
}

static uint64_t name_hash(const char *name)
{
    return qbid_hash_name(name, strlen(name));
}

/* --- the account */

static void add_values(struct image_fixture *f)
{
    char hour[8];
    const struct {
        unsigned dim;
        const char *const *raw;
        size_t cnt;
    } lists[] = {
        {QBID_DIM_EXCHANGE, exchanges, LISTED(exchanges)},
        {QBID_DIM_POSITION, positions, LISTED(positions)},
        {QBID_DIM_DEVICE, devices, LISTED(devices)},
        {QBID_DIM_GEO, geos, LISTED(geos)},
        {QBID_DIM_SITE, sites, LISTED(sites)},
        {QBID_DIM_SEGMENT, segments, LISTED(segments)},
    };
    for (size_t l = 0; l < LISTED(lists); l++)
        for (size_t i = 0; i < lists[l].cnt; i++)
            image_fixture_value(f, lists[l].dim, lists[l].raw[i]);
    for (size_t i = 0; i < LISTED(slots); i++)
        image_fixture_value(f, QBID_DIM_SLOT, slots[i].raw);
    for (unsigned i = 0; i < 168; i++) {
        snprintf(hour, sizeof hour, "%u", i);
        image_fixture_value(f, QBID_DIM_HOUR, hour);
    }
}

static void add_shades_and_q(struct image_fixture *f, struct rng *r)
{
    for (unsigned s = 0; s < 3; s++) {
        struct qbid_shade shade;
        for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++) {
            shade.ratio[i] = 0.5f + 0.5f * (float)rng_uniform(r);
            shade.win[i] = (float)rng_uniform(r);
        }
        image_fixture_shade(f, &shade);
    }
    struct qbid_qrow none = {0};
    image_fixture_q_group(f, &none);
    for (unsigned state = 0; state < QBID_QSTATES; state++) {
        struct qbid_qrow *q = &f->qrows.item[QBID_QSTATES + state];
        q->n = (uint8_t)(1 + rng_below(r, QBID_QROW_ACTIONS));
        q->greedy = (uint8_t)rng_below(r, q->n);
        q->explore_q32 = UINT32_C(1) << 31;
        for (unsigned a = 0; a < QBID_QROW_ACTIONS; a++)
            q->ratio[a] = a < q->n ? 0.5f + (float)rng_uniform(r) : 1.0f;
        q->ratio[q->greedy] = 1.0f;
    }
}

static void add_creatives(struct image_fixture *f, struct rng *r, uint32_t idx,
                          int rotate_creatives)
{
    for (uint16_t slot = 1; slot <= LISTED(slots); slot++) {
        uint32_t number[QBID_DRAW_MAX];
        double weight[QBID_DRAW_MAX];
        if (chance(r, 40))
            continue;
        unsigned n = 1 + rng_below(r, 4);
        for (unsigned i = 0; i < n; i++) {
            number[i] = image_fixture_creative(f, &(struct image_fixture_creative){
                                                      .id = 100000 + idx * 100 + slot * 10u + i,
                                                      .line_item_id = f->line_items.item[idx].id,
                                                      .width = slots[slot - 1].width,
                                                      .height = slots[slot - 1].height,
                                                      .format = slots[slot - 1].format,
                                                      .slot_idx = slot,
                                                      .markup = "<a href=\"{{click_url}}\">x</a>",
                                                      .adomain = "a.example",
                                                      .landing = "https://a.example/",
                                                  });
            weight[i] = rng_uniform(r);
        }
        if (rotate_creatives)
            weight[0] *= 50;
        image_fixture_draws(f, idx, slot, n, number, weight);
    }
}

static void add_line_item(struct image_fixture *f, struct rng *r, uint32_t i,
                          const struct market_terms *terms)
{
    float value = (float)(terms->value_factor * 2.0 * rng_lognormal(r, 0, 0.7));
    uint32_t idx = image_fixture_line_item(
        f, (struct qbid_line_item){
               .id = MARKET_ID(i),
               .campaign_id = 900 + i % 7,
               .budget_idx = rng_below(r, BROKER_BUDGETS),
               .value_micros = value * UNIT,
               .floor_micros = chance(r, 80) ? 0 : (int64_t)rng_below(r, 2000000),
               .ceiling_micros = chance(r, 80) ? 0 : (int64_t)rng_below(r, 4000000),
               .deal_hash = chance(r, 80) ? 0 : name_hash(deals[rng_below(r, LISTED(deals))]),
               .adomain_hash = name_hash(domains[rng_below(r, LISTED(domains))]),
               .q_group = (uint16_t)rng_below(r, 2),
               .tenant = (uint16_t)(1 + rng_below(r, 2)),
               .flags = (uint8_t)((chance(r, 95) ? QBID_LINE_ITEM_ACTIVE : 0) |
                                  (chance(r, 80) ? QBID_LINE_ITEM_SECURE : 0)),
           });
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        for (unsigned n = chance(r, 8) ? 2 : 0; n > 0; n--)
            image_fixture_target(f, idx, dim, rng_below(r, f->value_cnt[dim]));
    if (chance(r, 30))
        image_fixture_cat(f, idx, categories[rng_below(r, LISTED(categories))]);
    add_creatives(f, r, idx, terms->rotate_creatives);
}

static bool has_row(const struct image_fixture *f, uint64_t key)
{
    for (uint32_t i = 0; i < f->rows.cnt; i++)
        if (f->rows.item[i].key == key)
            return true;
    return false;
}

static void add_row(struct image_fixture *f, struct rng *r, const struct market_terms *terms)
{
    uint32_t idx[MARKET_LINE_ITEMS], cnt = 0;
    float value[MARKET_LINE_ITEMS];
    uint32_t part = rng_below(r, 100); /* the coarse levels would soon hold every context */
    unsigned level = part < 65 ? 0 : part < 92 ? 1 : part < 98 ? 2 : 3;
    uint64_t context = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        context = qbid_dim_pack(context, dim, rng_below(r, f->value_cnt[dim]));
    bool known = has_row(f, qbid_context_key(context, f->header.level_mask[level], level));
    uint32_t segment = rng_below(r, f->shades.cnt);
    for (uint32_t i = 0; i < MARKET_LINE_ITEMS; i++) {
        if (!chance(r, 35))
            continue;
        idx[cnt] = i;
        value[cnt++] = (float)(terms->value_factor * 2.0 * rng_lognormal(r, 0, 0.8)) * UNIT;
    }
    if (cnt && !known)
        image_fixture_row(f, level, context, segment, cnt, idx, value);
}

void *market_image(const struct market_terms *terms, size_t *ret_bytes)
{
    struct market_terms t = *terms;
    struct image_fixture f;
    struct rng r = rng_init(t.seed);
    t.value_factor = t.value_factor > 0 ? t.value_factor : 1;
    image_fixture_init(&f);
    f.header.gen = t.gen;
    f.header.seed = t.seed;
    if (t.built_unix_ns) {
        f.header.built_unix_ns = t.built_unix_ns;
        f.header.boot_hash = 2; /* of another boot */
    }
    f.header.level_mask[0] =
        qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_HOUR); /* often met */
    f.header.level_mask[1] = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT) |
                             qbid_dim_mask(QBID_DIM_SITE);
    f.header.level_mask[2] = qbid_dim_mask(QBID_DIM_SEGMENT) | qbid_dim_mask(QBID_DIM_GEO);
    f.header.level_mask[3] = qbid_dim_mask(QBID_DIM_DEVICE) | qbid_dim_mask(QBID_DIM_POSITION);
    add_values(&f);
    add_shades_and_q(&f, &r);
    for (uint32_t i = 0; i < MARKET_LINE_ITEMS; i++)
        add_line_item(&f, &r, i, &t);
    for (unsigned i = 0; i < ROWS; i++)
        add_row(&f, &r, &t);
    image_fixture_rate(&f, "USD", 7100000);
    image_fixture_rate(&f, "EUR", 7700000);
    void *image = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return image;
}

/* --- requests */

static void print_floor(struct rng *r, struct qbid_replay_buffer *out)
{
    static const char *const currencies[] = {"CNY", "USD", "EUR", "JPY"};
    if (chance(r, 40))
        return;
    qbid_replay_buffer_print(out, ",\"bidfloor\":%u.%04u", rng_below(r, 2), rng_below(r, 10000));
    if (chance(r, 90))
        qbid_replay_buffer_print(out, ",\"bidfloorcur\":\"%s\"",
                                 currencies[chance(r, 95) ? rng_below(r, 3) : 3]);
}

static void print_banner(struct rng *r, struct qbid_replay_buffer *out)
{
    qbid_replay_buffer_print(out, ",\"banner\":{\"w\":300,\"h\":250,\"pos\":%u", rng_below(r, 5));
    if (chance(r, 50))
        qbid_replay_buffer_print(out,
                                 ",\"format\":[{\"w\":728,\"h\":90},{\"w\":%u,\"h\":50},"
                                 "{\"w\":300,\"h\":250}]",
                                 chance(r, 50) ? 320 : 321);
    qbid_replay_buffer_add_text(out, "}");
}

static void print_deals(struct rng *r, struct qbid_replay_buffer *out)
{
    qbid_replay_buffer_print(out, ",\"pmp\":{\"private_auction\":%u,\"deals\":[", rng_below(r, 2));
    for (unsigned i = 0; i < LISTED(deals); i++) {
        qbid_replay_buffer_print(out, "%s{\"id\":\"%s\",\"bidfloor\":0.%u", i ? "," : "", deals[i],
                                 rng_below(r, 10));
        if (chance(r, 20))
            qbid_replay_buffer_print(out, ",\"wseat\":[\"%u\"]", 1 + rng_below(r, 3));
        qbid_replay_buffer_add_text(out, "}");
    }
    qbid_replay_buffer_add_text(out, "]}");
}

static void print_imp(struct rng *r, struct qbid_replay_buffer *out, unsigned i)
{
    static const char *const names[] = {"1", "i\\\"2", "\\u4e2d"};
    qbid_replay_buffer_print(out, "%s{\"id\":\"%s\"", i ? "," : "", chance(r, 97) ? names[i] : "");
    unsigned kind = rng_below(r, 10);
    if (kind < 7)
        print_banner(r, out);
    if (kind >= 6)
        qbid_replay_buffer_add_text(out, kind == 9 ? ",\"native\":{\"request\":\"{}\"}"
                                                   : ",\"video\":{\"w\":640,\"h\":360}");
    print_floor(r, out);
    if (chance(r, 25))
        print_deals(r, out);
    if (chance(r, 50))
        qbid_replay_buffer_add_text(out, ",\"secure\":1");
    qbid_replay_buffer_add_text(out, "}");
}

static void print_lists(struct rng *r, struct qbid_replay_buffer *out)
{
    static const char *const curs[] = {"\"USD\"", "\"EUR\",\"CNY\"", "\"GBP\",\"EUR\"", "\"GBP\""};
    if (chance(r, 40))
        qbid_replay_buffer_print(out, ",\"cur\":[%s]", curs[chance(r, 92) ? rng_below(r, 3) : 3]);
    if (chance(r, 15))
        qbid_replay_buffer_print(out, ",\"badv\":[\"%s\"]", domains[rng_below(r, LISTED(domains))]);
    if (chance(r, 15))
        qbid_replay_buffer_print(out, ",\"bcat\":[\"IAB%u\"]", 1 + rng_below(r, 3));
    if (chance(r, 8))
        qbid_replay_buffer_print(out, ",\"%cseat\":[\"%u\"]", chance(r, 50) ? 'w' : 'b',
                                 1 + rng_below(r, 3));
    if (chance(r, 5))
        qbid_replay_buffer_add_text(out, ",\"test\":1");
    if (chance(r, 10))
        qbid_replay_buffer_add_text(out, ",\"regs\":{\"gdpr\":1}");
}

void market_request(struct rng *r, struct qbid_replay_buffer *out)
{
    static const char *const oses[] = {"2,\"os\":\"Windows\"", "4,\"os\":\"iOS\"",
                                       "1,\"os\":\"Android\"", "3"};
    static const char *const places[] = {"CHN\",\"region\":\"1", "usa\",\"region\":\"CA", "DEU",
                                         "FRA"};
    qbid_replay_buffer_print(out, "{\"id\":\"r%016llx\",\"imp\":[",
                             (unsigned long long)rng_next(r));
    for (unsigned i = 0, n = chance(r, 70) ? 1 : 1 + rng_below(r, 3); i < n; i++)
        print_imp(r, out, i);
    qbid_replay_buffer_print(out, "],\"site\":{\"domain\":\"%s\"}",
                             chance(r, 80) ? sites[rng_below(r, LISTED(sites))] : "else.example");
    qbid_replay_buffer_print(out, ",\"device\":{\"devicetype\":%s,\"geo\":{\"country\":\"%s\"",
                             oses[rng_below(r, LISTED(oses))],
                             places[rng_below(r, LISTED(places))]);
    if (chance(r, 70))
        qbid_replay_buffer_print(out, ",\"utcoffset\":%d", (int)rng_below(r, 1440) - 720);
    qbid_replay_buffer_add_text(out, "}},\"user\":{\"data\":[{\"segment\":[");
    for (unsigned i = 0, n = rng_below(r, 4); i < n; i++)
        qbid_replay_buffer_print(out, "%s{\"id\":\"s%u\"}", i ? "," : "", 1 + rng_below(r, 7));
    qbid_replay_buffer_add_text(out, "]}]}");
    if (chance(r, 80))
        qbid_replay_buffer_print(out, ",\"at\":%u", 1 + rng_below(r, 2));
    print_lists(r, out);
    qbid_replay_buffer_add_text(out, "}");
}
