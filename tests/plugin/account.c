/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the account with the fixture of tests/shm. */
#include "tests/plugin/account.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/currency.h"
#include "shm/hash.h"
#include "shm/mimes.h"
#include "tests/shm/image_fixture.h"

#define UNIT 1000000

static const char plain_markup[] =
    "<a href=\"{{click_url}}\"><img "
    "src=\"https://cdn.example/{{creative_id}}.png?cb={{cachebuster}}\" "
    "width=\"{{width}}\" height=\"{{height}}\"></a><img src='{{imp_url}}'>";
static const char vast_markup[] =
    "<VAST version=\"3.0\"><Ad><InLine><Impression><![CDATA[{{imp_url}}]]></Impression><Creatives>"
    "<Creative><Linear><VideoClicks><ClickThrough>{{landing_url}}</ClickThrough></VideoClicks>"
    "</Linear></Creative></Creatives></InLine></Ad></VAST>";
static const char native_markup[] = "{\"native\":{\"link\":{\"url\":\"{{click_url|json}}\"},"
                                    "\"imptrackers\":[\"{{imp_url|json}}\"]}}";

static uint64_t name_hash(const char *name)
{
    return qbid_hash_name(name, strlen(name));
}

static uint32_t line_item(struct image_fixture *f, uint32_t id, float value, uint16_t tenant,
                          const char *deal)
{
    return image_fixture_line_item(
        f, (struct qbid_line_item){
               .id = id,
               .campaign_id = 900 + id,
               .budget_idx = id,
               .value_micros = value * UNIT,
               .deal_hash = deal ? name_hash(deal) : 0,
               .adomain_hash = name_hash("shop.example"),
               .tenant = tenant,
               .flags = QBID_LINE_ITEM_ACTIVE | (id == 4 ? 0 : QBID_LINE_ITEM_SECURE),
           });
}

static uint32_t creative_with(struct image_fixture *f, uint32_t idx, const char *slot,
                              uint16_t width, uint16_t height, uint16_t format, const char *markup,
                              const struct qbid_traits *traits, uint32_t id_add)
{
    uint16_t slot_idx = (uint16_t)image_fixture_value(f, QBID_DIM_SLOT, slot);
    uint32_t id = f->line_items.item[idx].id * 100 + slot_idx + id_add;
    return image_fixture_creative(f, &(struct image_fixture_creative){
                                         .id = id,
                                         .line_item_id = f->line_items.item[idx].id,
                                         .width = width,
                                         .height = height,
                                         .format = format,
                                         .slot_idx = slot_idx,
                                         .markup = markup,
                                         .crid = slot_idx % 2 ? "crid-\"odd\"" : "",
                                         .adomain = "shop.example",
                                         .landing = "https://shop.example/p?id={{token}}&x=1",
                                         .cat = idx == 0 ? "IAB2,IAB2-1" : "",
                                         .traits = *traits,
                                     });
}

static void creative_traits(struct image_fixture *f, uint32_t idx, const char *slot, uint16_t width,
                            uint16_t height, uint16_t format, const char *markup,
                            const struct qbid_traits *traits)
{
    const double weight = 1;
    uint16_t slot_idx = (uint16_t)image_fixture_value(f, QBID_DIM_SLOT, slot);
    uint32_t number = creative_with(f, idx, slot, width, height, format, markup, traits, 0);
    image_fixture_target(f, idx, QBID_DIM_SLOT, slot_idx);
    image_fixture_draws(f, idx, slot_idx, 1, &number, &weight);
}

static void creative(struct image_fixture *f, uint32_t idx, const char *slot, uint16_t width,
                     uint16_t height, uint16_t format, const char *markup)
{
    creative_traits(f, idx, slot, width, height, format, markup, &(struct qbid_traits){0});
}

static void fill_with_traits(struct image_fixture *f)
{
    uint32_t seven = line_item(f, 7, 5, 1, NULL), eight = line_item(f, 8, 5, 1, NULL);
    uint32_t nine = line_item(f, 9, 5, 1, NULL);
    f->line_items.item[seven].flags |= QBID_LINE_ITEM_NEEDS;
    creative_traits(f, seven, "banner:120x600", 120, 600, 1, plain_markup,
                    &(struct qbid_traits){
                        .attr = 1u << 3 | 1u << 9,
                        .mimes = UINT64_C(1) << QBID_MIME_PNG | UINT64_C(1) << QBID_MIME_HTML,
                        .language = qbid_language("en-US", 5),
                        .bundle_hash = name_hash("com.game"),
                        .api = 1u << 5,
                        .btype = 1u << 3,
                        .expdir = 1u << 2,
                        .places = QBID_PLACE_REWARDED | QBID_PLACE_INTERSTITIAL,
                        .cattax = 2,
                    });
    image_fixture_cat(f, seven, "223");
    creative_traits(f, eight, "video:640x480", 640, 480, 2, vast_markup,
                    &(struct qbid_traits){
                        .attr = 1u << 16,
                        .mimes = UINT64_C(1) << QBID_MIME_MP4,
                        .protocols = 1u << 2 | 1u << 3,
                        .duration_s = 20,
                        .bitrate_kbps = 1000,
                        .delivery_line = 1u << 4 | 1u << 2,
                        .places = QBID_PLACE_VIDEO << 3,
                    });
    const uint32_t number[2] = {creative_with(f, nine, "banner:468x60", 468, 60, 1, plain_markup,
                                              &(struct qbid_traits){.attr = 1u << 3}, 0),
                                creative_with(f, nine, "banner:468x60", 468, 60, 1, plain_markup,
                                              &(struct qbid_traits){0}, 50)};
    uint32_t slot = image_fixture_value(f, QBID_DIM_SLOT, "banner:468x60");
    image_fixture_target(f, nine, QBID_DIM_SLOT, slot);
    image_fixture_draws(f, nine, (uint16_t)slot, 2, number, (const double[]){3, 1});
}

static void fill(struct image_fixture *f)
{
    static char big[40000];
    memset(big, 'x', sizeof big - 1);
    uint32_t one = line_item(f, 1, 5, 1, NULL), two = line_item(f, 2, 4, 1, NULL);
    uint32_t three = line_item(f, 3, 20, 2, "deal-3"), four = line_item(f, 4, 6, 1, NULL);
    uint32_t five = line_item(f, 5, 8, 1, NULL), six = line_item(f, 6, 9, 1, NULL);
    creative(f, one, "banner:300x250", 300, 250, 1, plain_markup);
    creative(f, one, "banner:728x90", 728, 90, 1, plain_markup);
    creative(f, two, "video:640x360", 640, 360, 2, vast_markup);
    creative(f, two, "video:any", 0, 0, 2, vast_markup);
    creative_traits(f, two, "native", 0, 0, 4, native_markup,
                    &(struct qbid_traits){.attr = 1u << 8,
                                          .title_len = 25,
                                          .image_w = {80, 1200},
                                          .image_h = {80, 627},
                                          .data = 1u << 2,
                                          .data_len = {[QBID_DATA_DESC] = 90}});
    creative_traits(f, two, "audio", 0, 0, 3, vast_markup,
                    &(struct qbid_traits){.mimes = UINT64_C(1) << QBID_MIME_A_MP4,
                                          .protocols = 1u << 9,
                                          .duration_s = 30,
                                          .delivery_line = 1u << 4});
    creative(f, three, "banner:300x250", 300, 250, 1, plain_markup);
    creative(f, four, "banner:160x600", 160, 600, 1, plain_markup);
    creative(f, five, "banner:970x250", 970, 250, 1, big);
    creative(f, six, "banner:336x280", 336, 280, 1, plain_markup);
    fill_with_traits(f);
    image_fixture_cat(f, one, "iab2");
    image_fixture_target(f, four, QBID_DIM_SITE,
                         image_fixture_value(f, QBID_DIM_SITE, "news.example"));
    image_fixture_target(f, six, QBID_DIM_SEGMENT, image_fixture_value(f, QBID_DIM_SEGMENT, "vip"));
    image_fixture_value(f, QBID_DIM_EXCHANGE, "2");
    image_fixture_rate(f, "USD", 7 * UNIT);
    image_fixture_rate(f, "EUR", 8 * UNIT);
}

/* Partners beside exchange "2", which has no profile. */
static void partners(struct image_fixture *f)
{
    struct qbid_partner list[] = {
        {.id = 7,
         .name = "coded",
         .coding = QBID_PRICE_CODING_GOOGLE,
         .notices = 7,
         .seat = "S-1",
         .seat_len = 3,
         .macro = "${AUCTION_PRICE:G}",
         .macro_len = 18,
         .currency = QBID_CURRENCY_USD,
         .flags = QBID_PARTNER_NBR | QBID_PARTNER_TEST_DECLINE,
         .tmax_ms = 50,
         .margin_ms = 10},
        {.id = 8, .name = "winbills", .notices = 5, .flags = QBID_PARTNER_WIN_BILLS},
        {.id = 9, .name = "strict", .notices = 2, .required = 15},
    };
    for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++) {
        list[i].name_len = (uint8_t)strlen(list[i].name);
        list[i].exchange_hash = qbid_hash_dim(QBID_DIM_EXCHANGE, list[i].name, list[i].name_len);
        image_fixture_partner(f, &list[i]);
    }
}

void *account_image(uint64_t gen, size_t *ret_bytes)
{
    struct image_fixture f;
    image_fixture_init(&f);
    f.header.gen = gen;
    f.header.notice_ttl_ns = ACCOUNT_NOTICE_TTL_S * QBID_NS_PER_S;
    f.header.event_ttl_ns = ACCOUNT_EVENT_TTL_S * QBID_NS_PER_S;
    fill(&f);
    partners(&f);
    void *image = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return image;
}
