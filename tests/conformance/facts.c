/* SPDX-License-Identifier: Apache-2.0 */
/* The account, and its image by the fixture of tests/shm. */
#include "tests/conformance/facts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/hash.h"
#include "shm/mimes.h"
#include "tests/shm/image_fixture.h"

#define UNIT 1000000
#define PLAIN                                                                                      \
    "<a href=\"{{click_url}}\"><img src=\"https://cdn.example/{{creative_id}}.png?"                \
    "cb={{cachebuster}}\" width=\"{{width}}\" height=\"{{height}}\"></a><img src='{{imp_url}}'>"
#define OLD                                                                                        \
    "<a href=\"{{click_url}}\"><img src=\"http://cdn.example/{{creative_id}}.png\"></a>"           \
    "<img src='{{imp_url}}'>"
#define VAST                                                                                       \
    "<VAST version=\"3.0\"><Ad><InLine><Impression><![CDATA[{{imp_url}}]]></Impression>"           \
    "<Creatives><Creative><Linear><VideoClicks><ClickThrough>{{landing_url}}</ClickThrough>"       \
    "</VideoClicks></Linear></Creative></Creatives></InLine></Ad></VAST>"
#define NATIVE                                                                                     \
    "{\"native\":{\"link\":{\"url\":\"{{click_url|json}}\"},\"imptrackers\":["                     \
    "\"{{imp_url|json}}\"]}}"
#define SHOP "https://shop.example/p?id={{token}}&x=1&y=\"<b>\""
#define IMG                                                                                        \
    {                                                                                              \
        .mimes = {"image/jpeg", "text/html"}, .btype = 2                                           \
    }
#define BANNER(id_, w_, h_)                                                                        \
    {                                                                                              \
        .id = (id_), .format = FACTS_BANNER, .width = (w_), .height = (h_), .weight = 1,           \
        .crid = "", .markup = PLAIN, .landing = SHOP, .traits = IMG                                \
    }
#define BANNER_WITH(id_, w_, h_, ...)                                                              \
    {                                                                                              \
        .id = (id_), .format = FACTS_BANNER, .width = (w_), .height = (h_), .weight = 1,           \
        .crid = "", .markup = PLAIN, .landing = SHOP, .traits = {                                  \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OTHER(id_, format_, w_, h_, markup_, ...)                                                  \
    {                                                                                              \
        .id = (id_), .format = (format_), .width = (w_), .height = (h_), .weight = 1,              \
        .crid = "crid-\"\\\xc3\xa9", .markup = (markup_), .landing = SHOP, .traits = {             \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

const struct qbid_privacy_rules facts_privacy = {.vendor_id = 284, .gdpr_unknown_applies_not = 1};
const int64_t facts_ceiling_micros = INT64_C(60) * UNIT;

const struct facts_rate facts_rates[] = {
    {"USD", 7 * UNIT}, {"EUR", 8 * UNIT}, {"JPY", 47619}, {"INR", 83333}, {NULL, 0}};

/* Values that a float holds exactly, and whose halves it does. */
/* clang-format off */
const struct facts_line_item facts_line_items[] = {
    {.id = 1, .campaign_id = 901, .tenant = 1, .value_micros = 5 * UNIT, .adomain = "shop.example",
     .cat = {"iab2", "iab2-1"},
     .creative = {BANNER(101, 300, 250), BANNER(102, 728, 90), BANNER(103, 320, 50)}},
    {.id = 2, .campaign_id = 902, .tenant = 1, .value_micros = 4 * UNIT, .adomain = "film.example",
     .creative = {OTHER(201, FACTS_VIDEO, 640, 360, VAST, .mimes = {"video/mp4"}, .protocols = {2, 3, 7},
                        .duration_s = 20, .bitrate_kbps = 800, .linearity = 1, .delivery = {2}, .attr = {16},
                        .not_plcmt = 4),
                  OTHER(202, FACTS_VIDEO, 0, 0, VAST, .mimes = {"video/mp4", "video/webm"}, .protocols = {2, 3, 5, 6},
                        .duration_s = 10, .bitrate_kbps = 400, .linearity = 1, .delivery = {1, 2}, .language = "en-gb"),
                  OTHER(203, FACTS_NATIVE, 0, 0, NATIVE, .title_len = 25, .icon = {80, 80}, .image = {1200, 627},
                        .data = {{1, 10}, {2, 90}, {3, 3}}, .attr = {8}),
                  OTHER(204, FACTS_AUDIO, 0, 0, VAST, .mimes = {"audio/mp4"}, .protocols = {9, 2}, .duration_s = 15,
                        .bitrate_kbps = 128, .linearity = 1)}},
    {.id = 3, .campaign_id = 903, .tenant = 2, .value_micros = 12 * UNIT, .deal = "deal-3",
     .adomain = "deal.example", .cat = {"iab19"}, .creative = {BANNER(301, 300, 250), BANNER(302, 300, 600)}},
    {.id = 4, .campaign_id = 904, .tenant = 1, .insecure = true, .value_micros = 6 * UNIT,
     .adomain = "old.example",
     .creative = {{.id = 401, .format = FACTS_BANNER, .width = 160, .height = 600, .weight = 1, .crid = "c401",
                   .markup = OLD, .landing = "http://old.example/"},
                  {.id = 402, .format = FACTS_BANNER, .width = 300, .height = 250, .weight = 1, .crid = "c402",
                   .markup = OLD, .landing = "http://old.example/"}}},
    {.id = 5, .campaign_id = 905, .tenant = 2, .value_micros = 9 * UNIT, .floor_micros = 3 * UNIT,
     .adomain = "geo.example", .target = {{"geo", {"DEU/", "USA/CA", "CHN/1"}}},
     .creative = {BANNER_WITH(501, 300, 250, .mimes = {"image/gif"}, .btype = 2, .language = "en"),
                  BANNER_WITH(502, 300, 250, .mimes = {"text/html"}, .btype = 3, .attr = {3, 9}, .language = "de"),
                  BANNER_WITH(503, 300, 250, .btype = 4, .api = {5}, .expdir = {1, 3}, .not_for = FACTS_INTERSTITIAL),
                  BANNER(504, 970, 250)}},
    {.id = 6, .campaign_id = 906, .tenant = 1, .value_micros = 8 * UNIT, .adomain = "vip.example",
     .target = {{"segment", {"vip", "42"}}}, .creative = {BANNER_WITH(601, 300, 250, .mimes = {"image/jpeg"}, .btype = 2, .bundle = "com.app", .attr = {6}),
                  BANNER_WITH(602, 336, 280, .btype = 2, .not_for = FACTS_REWARDED | FACTS_INLINE)}},
    {.id = 7, .campaign_id = 907, .tenant = 3, .value_micros = 7 * UNIT, .ceiling_micros = 2 * UNIT,
     .adomain = "news.example", .target = {{"site", {"news.example", "com.app", "s-1"}}},
     .creative = {{.id = 701, .format = FACTS_BANNER, .width = 300, .height = 250, .weight = 1, .crid = "",
                   .markup = PLAIN, .landing = SHOP},
                  {.id = 702, .format = FACTS_BANNER, .width = 300, .height = 250, .weight = 3, .crid = "",
                   .markup = PLAIN, .landing = SHOP}}},
    {.id = 8, .campaign_id = 908, .tenant = 1, .paused = true, .value_micros = 50 * UNIT,
     .adomain = "paused.example", .creative = {BANNER(801, 300, 250)}},
    {.id = 9, .campaign_id = 909, .tenant = 2, .value_micros = 11 * UNIT, .deal = "d-9",
     .adomain = "deal.example", .creative = {OTHER(901, FACTS_VIDEO, 0, 0, VAST, .mimes = {"video/mp4", "application/javascript"},
                        .protocols = {2, 3, 5, 6}, .duration_s = 15, .bitrate_kbps = 1000, .linearity = 2, .api = {2},
                        .delivery = {2}), BANNER(902, 320, 50)}},
    {.id = 10, .campaign_id = 910, .tenant = 1, .value_micros = 3 * UNIT, .adomain = "phone.example",
     .cat = {"iab9-30"}, .cattax = 2, .target = {{"device", {"4/ios", "4/android", "1/", "/linux"}}, {"position", {"1", "7"}}},
     .creative = {BANNER(1001, 320, 50), OTHER(1002, FACTS_NATIVE, 0, 0, NATIVE, .title_len = 80, .data = {{12, 15}}, .api = {7},
                        .image = {300, 250})}},
    {.id = 11, .campaign_id = 911, .tenant = 2, .value_micros = 5 * UNIT, .adomain = "tie.example",
     .creative = {BANNER(1101, 728, 90), BANNER(1102, 468, 60)}},
    {.id = 12, .campaign_id = 912, .tenant = 1, .value_micros = 1500000, .adomain = "hour.example",
     .target = {{"hour", {"0", "1", "25", "100", "167"}}, {"exchange", {"2"}}},
     .creative = {BANNER(1201, 1, 1), BANNER(1202, 970, 250)}},
};
/* clang-format on */
const unsigned facts_line_item_cnt = sizeof facts_line_items / sizeof facts_line_items[0];

int64_t facts_rate(const char *currency)
{
    if (strcmp(currency, FACTS_CURRENCY) == 0)
        return UNIT;
    for (const struct facts_rate *r = facts_rates; r->currency; r++)
        if (strcmp(r->currency, currency) == 0)
            return r->micros;
    return 0;
}

const struct facts_creative *facts_creative(uint32_t id, const struct facts_line_item **ret_item)
{
    for (unsigned i = 0; i < facts_line_item_cnt; i++)
        for (unsigned c = 0; c < FACTS_CREATIVES_MAX; c++)
            if (id != 0 && facts_line_items[i].creative[c].id == id) {
                *ret_item = &facts_line_items[i];
                return &facts_line_items[i].creative[c];
            }
    return NULL;
}

void facts_slot(const struct facts_creative *creative, char out[32])
{
    static const char *const name[] = {"", "banner", "video", "audio", "native"};
    if (creative->format == FACTS_AUDIO || creative->format == FACTS_NATIVE)
        snprintf(out, 32, "%s", name[creative->format]);
    else if (creative->width == 0)
        snprintf(out, 32, "%s:any", name[creative->format]);
    else
        snprintf(out, 32, "%s:%dx%d", name[creative->format], creative->width, creative->height);
}

/* --- the image */

static unsigned dim_of(const char *name)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        if (strcmp(qbid_dim_name(dim), name) == 0)
            return dim;
    fprintf(stderr, "facts: no dimension %s\n", name);
    abort();
}

static uint64_t bits(const int *number, unsigned max)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < max && number[i]; i++)
        mask |= UINT64_C(1) << number[i];
    return mask;
}

static struct qbid_traits traits_of(const struct facts_line_item *item,
                                    const struct facts_creative *creative)
{
    const struct facts_traits *f = &creative->traits;
    struct qbid_traits t = {
        .attr = bits(f->attr, FACTS_LIST_MAX),
        .api = (uint16_t)bits(f->api, FACTS_LIST_MAX),
        .protocols = (uint16_t)bits(f->protocols, FACTS_LIST_MAX),
        .duration_s = (uint16_t)f->duration_s,
        .bitrate_kbps = (uint16_t)f->bitrate_kbps,
        .btype = (uint8_t)(f->btype ? 1u << f->btype : 0),
        .expdir = (uint8_t)bits(f->expdir, FACTS_LIST_MAX),
        .delivery_line = (uint8_t)(bits(f->delivery, FACTS_LIST_MAX) | (unsigned)f->linearity << 4),
        .title_len = (uint8_t)f->title_len,
        .image_w = {(uint16_t)f->icon[0], (uint16_t)f->image[0]},
        .image_h = {(uint16_t)f->icon[1], (uint16_t)f->image[1]},
        .cattax = (uint8_t)(item->cat[0] ? (item->cattax ? item->cattax : 1) : 0),
    };
    for (unsigned i = 0; i < FACTS_LIST_MAX && f->mimes[i]; i++)
        t.mimes |= qbid_mime_bit(f->mimes[i], (uint32_t)strlen(f->mimes[i]));
    if (f->language)
        t.language = qbid_language(f->language, (uint32_t)strlen(f->language));
    if (f->bundle)
        t.bundle_hash = qbid_hash_name(f->bundle, strlen(f->bundle));
    for (unsigned i = 0; i < FACTS_LIST_MAX && f->data[i].kind; i++) {
        t.data |= (uint16_t)(1u << f->data[i].kind);
        t.data_len[qbid_traits_data((unsigned)f->data[i].kind)] = (uint8_t)f->data[i].len;
    }
    t.places = (uint8_t)((f->not_for & FACTS_INLINE ? QBID_PLACE_INLINE : 0) |
                         (f->not_for & FACTS_INTERSTITIAL ? QBID_PLACE_INTERSTITIAL : 0) |
                         (f->not_for & FACTS_PLAIN ? QBID_PLACE_PLAIN : 0) |
                         (f->not_for & FACTS_REWARDED ? QBID_PLACE_REWARDED : 0) |
                         (f->not_plcmt ? QBID_PLACE_VIDEO << (f->not_plcmt - 1) : 0));
    return t;
}

/* Whether an impression has to say something for a creative to be shown, or not to. */
static bool needs(const struct qbid_traits *t)
{
    return t->api || t->expdir || t->places || t->cattax > 1;
}

static bool item_needs(const struct facts_line_item *item)
{
    bool any = false;
    for (unsigned c = 0; c < FACTS_CREATIVES_MAX && item->creative[c].id; c++) {
        struct qbid_traits traits = traits_of(item, &item->creative[c]);
        any |= needs(&traits);
    }
    return any;
}

static uint32_t add_creative(struct image_fixture *f, const struct facts_line_item *item,
                             const struct facts_creative *creative, uint16_t slot_idx)
{
    char cats[64] = "";
    for (unsigned i = 0; i < 4 && item->cat[i]; i++)
        snprintf(cats + strlen(cats), sizeof cats - strlen(cats), "%s%s", i ? "," : "",
                 item->cat[i]);
    for (char *c = cats; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return image_fixture_creative(f, &(struct image_fixture_creative){
                                         .id = creative->id,
                                         .line_item_id = item->id,
                                         .width = (uint16_t)creative->width,
                                         .height = (uint16_t)creative->height,
                                         .format = (uint16_t)creative->format,
                                         .slot_idx = slot_idx,
                                         .markup = creative->markup,
                                         .crid = creative->crid,
                                         .adomain = item->adomain,
                                         .landing = creative->landing,
                                         .cat = cats,
                                         .traits = traits_of(item, creative),
                                     });
}

/* Creatives of one slot, in the order of the facts, become one rotation. */
static void add_rotations(struct image_fixture *f, const struct facts_line_item *item, uint32_t idx)
{
    char slot[32], other[32];
    bool done[FACTS_CREATIVES_MAX] = {false};
    for (unsigned i = 0; i < FACTS_CREATIVES_MAX && item->creative[i].id; i++) {
        uint32_t number[FACTS_CREATIVES_MAX];
        double weight[FACTS_CREATIVES_MAX];
        unsigned n = 0;
        if (done[i])
            continue;
        facts_slot(&item->creative[i], slot);
        uint16_t slot_idx = (uint16_t)image_fixture_value(f, QBID_DIM_SLOT, slot);
        for (unsigned j = i; j < FACTS_CREATIVES_MAX && item->creative[j].id; j++) {
            facts_slot(&item->creative[j], other);
            if (strcmp(slot, other) != 0)
                continue;
            done[j] = true;
            weight[n] = item->creative[j].weight;
            number[n++] = add_creative(f, item, &item->creative[j], slot_idx);
        }
        image_fixture_target(f, idx, QBID_DIM_SLOT, slot_idx);
        image_fixture_draws(f, idx, slot_idx, n, number, weight);
    }
}

static void add_line_item(struct image_fixture *f, const struct facts_line_item *item)
{
    uint32_t idx = image_fixture_line_item(
        f, (struct qbid_line_item){
               .id = item->id,
               .campaign_id = item->campaign_id,
               .budget_idx = item->id,
               .value_micros = (float)item->value_micros,
               .floor_micros = item->floor_micros,
               .ceiling_micros = item->ceiling_micros,
               .deal_hash = item->deal ? qbid_hash_name(item->deal, strlen(item->deal)) : 0,
               .adomain_hash = qbid_hash_name(item->adomain, strlen(item->adomain)),
               .tenant = item->tenant,
               .flags = (uint8_t)((item->paused ? 0 : QBID_LINE_ITEM_ACTIVE) |
                                  (item->insecure ? 0 : QBID_LINE_ITEM_SECURE) |
                                  (item_needs(item) ? QBID_LINE_ITEM_NEEDS : 0)),
           });
    for (unsigned i = 0; i < 4 && item->cat[i]; i++)
        image_fixture_cat(f, idx, item->cat[i]);
    for (const struct facts_target *t = item->target; t < item->target + 3 && t->dim; t++)
        for (unsigned v = 0; v < FACTS_VALUES_MAX && t->value[v]; v++)
            image_fixture_target(f, idx, dim_of(t->dim),
                                 image_fixture_value(f, dim_of(t->dim), t->value[v]));
    add_rotations(f, item, idx);
}

void *facts_image(size_t *ret_bytes)
{
    struct image_fixture f;
    struct qbid_shade half;
    image_fixture_init(&f);
    f.header.seed = FACTS_SEED;
    f.header.price_ceiling_micros = facts_ceiling_micros;
    f.header.privacy = facts_privacy;
    for (unsigned i = 0; i < QBID_SHADE_KNOTS; i++) {
        half.ratio[i] = 0.5f;
        half.win[i] = 1.0f;
    }
    image_fixture_shade_default(&f, &half);
    image_fixture_value(&f, QBID_DIM_EXCHANGE, "2");
    for (unsigned i = 0; i < facts_line_item_cnt; i++)
        add_line_item(&f, &facts_line_items[i]);
    for (const struct facts_rate *r = facts_rates; r->currency; r++)
        image_fixture_rate(&f, r->currency, r->micros);
    void *image = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return image;
}
