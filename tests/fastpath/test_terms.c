/* SPDX-License-Identifier: Apache-2.0 */
/* Each term of an impression, met and not met, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fastpath/terms.h"

#define NAME(n) (UINT64_C(0x9e3779b97f4a7c15) * (n))

static struct qbid_media_terms media;
static struct qbid_native_terms native;
static struct qbid_terms terms;
static struct qbid_traits traits;

/* One format's terms, of which nothing is asked yet, and a creative that declares nothing. */
static void start(unsigned format)
{
    media = (struct qbid_media_terms){0};
    native = (struct qbid_native_terms){0};
    traits = (struct qbid_traits){0};
    terms = (struct qbid_terms){.native = format == QBID_FORMAT_NATIVE ? &native : NULL};
    terms.media[format - 1] = &media;
}

#define BEARS(format)                                                                              \
    assert_int_equal(qbid_terms_creative(&terms, QBID_FORMAT_##format, &traits), QBID_NOBID_NONE)
#define REFUSES(format, reason)                                                                    \
    assert_int_equal(qbid_terms_creative(&terms, QBID_FORMAT_##format, &traits),                   \
                     QBID_NOBID_##reason)

static void where_nothing_is_asked_anything_is_shown(void **state)
{
    (void)state;
    terms = (struct qbid_terms){0};
    traits = (struct qbid_traits){0};
    for (unsigned format = QBID_FORMAT_BANNER; format <= QBID_FORMAT_NATIVE; format++)
        assert_int_equal(qbid_terms_creative(&terms, format, &traits), QBID_NOBID_NONE);
    traits.api = 2; /* a framework that nobody lists is one that nobody has */
    REFUSES(BANNER, API);
}

static void attributes_frameworks_and_types(void **state)
{
    (void)state;
    start(QBID_FORMAT_BANNER);
    traits.attr = qbid_terms_bit(3) | qbid_terms_bit(6);
    media.battr = qbid_terms_bit(5);
    BEARS(BANNER);
    media.battr |= qbid_terms_bit(6);
    REFUSES(BANNER, ATTRIBUTE);
    start(QBID_FORMAT_BANNER);
    traits.api = (uint16_t)(qbid_terms_bit(3) | qbid_terms_bit(5));
    media.api = qbid_terms_bit(3);
    REFUSES(BANNER, API);
    media.api |= qbid_terms_bit(5) | qbid_terms_bit(7);
    BEARS(BANNER);
    start(QBID_FORMAT_VIDEO);
    media.mimes = 6;
    REFUSES(VIDEO, MIME);
    traits.mimes = 4;
    BEARS(VIDEO);
    start(QBID_FORMAT_NATIVE); /* its images' types are not in the request's list */
    media.mimes = 6;
    BEARS(NATIVE);
}

static void banners_of_a_kind_or_that_expand(void **state)
{
    (void)state;
    start(QBID_FORMAT_BANNER);
    traits.btype = 1u << 4;
    media.btype = 1u << 3;
    BEARS(BANNER);
    media.btype |= 1u << 4;
    REFUSES(BANNER, ATTRIBUTE);
    start(QBID_FORMAT_BANNER);
    traits.expdir = 1u << 2;
    REFUSES(BANNER, ATTRIBUTE);
    media.expdir = 1u << 2 | 1u << 3;
    BEARS(BANNER);
}

static void durations(void **state)
{
    (void)state;
    start(QBID_FORMAT_VIDEO);
    media.duration_least_s = 10;
    REFUSES(VIDEO, DURATION); /* not declared */
    traits.duration_s = 9;
    REFUSES(VIDEO, DURATION);
    traits.duration_s = 10;
    BEARS(VIDEO);
    media.duration_most_s = 9;
    REFUSES(VIDEO, DURATION);
    media.duration_least_s = 0;
    REFUSES(VIDEO, DURATION);
    media.duration_most_s = 10;
    BEARS(VIDEO);
    media.duration_listed = true;
    REFUSES(VIDEO, DURATION);
    media.duration_cnt = 2;
    media.duration_s[0] = 15;
    media.duration_s[1] = 10;
    BEARS(VIDEO);
    terms.pod_s[QBID_FORMAT_VIDEO - 1] = 9;
    REFUSES(VIDEO, DURATION);
    terms.pod_s[QBID_FORMAT_VIDEO - 1] = 10;
    BEARS(VIDEO);
    media.duration_listed = false;
    media.duration_most_s = 0;
    traits.duration_s = 0;
    REFUSES(VIDEO, DURATION);
}

static void what_players_can_play(void **state)
{
    (void)state;
    start(QBID_FORMAT_VIDEO);
    traits.attr = qbid_terms_bit(QBID_ATTR_SKIPPABLE);
    BEARS(VIDEO);
    media.no_skip = true;
    REFUSES(VIDEO, ATTRIBUTE);
    traits.attr = 0;
    BEARS(VIDEO);
    media.protocols = 1u << 3;
    REFUSES(VIDEO, PROTOCOL);
    traits.protocols = 1u << 3 | 1u << 7;
    BEARS(VIDEO);
    media.linearity = 1;
    REFUSES(VIDEO, PROTOCOL);
    traits.delivery_line = 1u << 4;
    BEARS(VIDEO);
    media.delivery = 1u << 2;
    REFUSES(VIDEO, BITRATE);
    traits.delivery_line |= 1u << 2;
    BEARS(VIDEO);
    media.bitrate_least_kbps = 500;
    REFUSES(VIDEO, BITRATE);
    traits.bitrate_kbps = 499;
    REFUSES(VIDEO, BITRATE);
    traits.bitrate_kbps = 500;
    BEARS(VIDEO);
    media.bitrate_most_kbps = 499;
    REFUSES(VIDEO, BITRATE);
    media.bitrate_least_kbps = 0;
    REFUSES(VIDEO, BITRATE);
    media.bitrate_most_kbps = 500;
    BEARS(VIDEO);
}

static void assets_of_a_native_impression(void **state)
{
    (void)state;
    start(QBID_FORMAT_NATIVE);
    BEARS(NATIVE);
    native.title = true;
    REFUSES(NATIVE, ASSETS);
    traits.title_len = 30;
    BEARS(NATIVE);
    native.title_len = 29;
    REFUSES(NATIVE, ASSETS);
    native.title_len = 30;
    BEARS(NATIVE);
    native.data = 1u << 2;
    REFUSES(NATIVE, ASSETS);
    traits.data = 1u << 2;
    traits.data_len[QBID_DATA_DESC] = 90;
    BEARS(NATIVE);
    native.data_len[2] = 89;
    REFUSES(NATIVE, ASSETS);
    native.data_len[2] = 90;
    BEARS(NATIVE);
    native.unmeetable = true;
    REFUSES(NATIVE, ASSETS);
    native.unmeetable = false;
    native.image[QBID_NATIVE_MAIN] =
        (struct qbid_native_image_terms){.required = true, .wmin = 300};
    REFUSES(NATIVE, ASSETS); /* no image at all */
    traits.image_w[QBID_NATIVE_MAIN] = 300;
    REFUSES(NATIVE, ASSETS); /* of no height */
    traits.image_h[QBID_NATIVE_MAIN] = 250;
    BEARS(NATIVE);
    native.image[QBID_NATIVE_MAIN].wmin = 301;
    REFUSES(NATIVE, ASSETS);
    native.image[QBID_NATIVE_MAIN].w = 300; /* exact: what is least does not count */
    BEARS(NATIVE);
    native.image[QBID_NATIVE_MAIN].h = 251;
    REFUSES(NATIVE, ASSETS);
    native.image[QBID_NATIVE_MAIN].h = 0;
    native.image[QBID_NATIVE_MAIN].hmin = 251;
    REFUSES(NATIVE, ASSETS);
    native.image[QBID_NATIVE_MAIN].h = 250;
    BEARS(NATIVE);
    terms.native = NULL;
    native.unmeetable = true;
    BEARS(NATIVE);
}

static void places_languages_apps_and_taxonomies(void **state)
{
    const uint64_t language[] = {qbid_language("fr", 2), qbid_language("pt-BR", 5)};
    const uint64_t bapp[] = {NAME(1), NAME(2)};
    (void)state;
    start(QBID_FORMAT_BANNER);
    terms.places = QBID_PLACE_INLINE | QBID_PLACE_PLAIN;
    traits.places = QBID_PLACE_INTERSTITIAL;
    BEARS(BANNER);
    traits.places |= QBID_PLACE_PLAIN;
    REFUSES(BANNER, PLACE);
    start(QBID_FORMAT_BANNER);
    terms.language = language;
    terms.language_given = true;
    REFUSES(BANNER, LANGUAGE);
    terms.language_cnt = 2;
    REFUSES(BANNER, LANGUAGE); /* not declared */
    traits.language = qbid_language("pt", 2);
    REFUSES(BANNER, LANGUAGE);
    traits.language = qbid_language("pt-br", 5);
    BEARS(BANNER);
    traits.language = qbid_language("fr-CA", 5);
    BEARS(BANNER);
    start(QBID_FORMAT_BANNER);
    terms.bapp = bapp;
    terms.bapp_cnt = 2;
    BEARS(BANNER);
    traits.bundle_hash = NAME(3);
    BEARS(BANNER);
    traits.bundle_hash = NAME(2);
    REFUSES(BANNER, APP);
    start(QBID_FORMAT_BANNER);
    traits.cattax = 1;
    BEARS(BANNER);
    terms.cattax = 7;
    REFUSES(BANNER, CATEGORY);
    terms.cattax = 1;
    BEARS(BANNER);
}

/* One line item of tenant 7, with two categories and a domain. */
static struct qbid_line_item line_item = {.tenant = 7, .adomain_hash = NAME(9)};
static struct qbid_shelf shelf = {.cat_first = 1, .cat_cnt = 2};
static const uint64_t names[] = {NAME(50), NAME(51), NAME(52)};
static const struct qbid_image image = {
    .line_items = &line_item, .shelves = &shelf, .names = names};

static void line_item_is(enum qbid_nobid nobid, unsigned deal)
{
    assert_int_equal(qbid_terms_line_item(&image, 0, &terms, deal), nobid);
}

static void seats(void **state)
{
    struct qbid_seats seven = {.given = true, .cnt = 2, .tenant = {6, 7}};
    struct qbid_seats eight = {.given = true, .cnt = 1, .tenant = {8}};
    struct qbid_seats none = {0}, full = {.given = true, .over = true, .cnt = 1, .tenant = {8}};
    (void)state;
    terms = (struct qbid_terms){0};
    line_item_is(QBID_NOBID_NONE, 0);
    terms.wseat = &none;
    line_item_is(QBID_NOBID_NONE, 0);
    terms.wseat = &eight;
    line_item_is(QBID_NOBID_SEAT, 0);
    terms.wseat = &seven;
    line_item_is(QBID_NOBID_NONE, 0);
    terms.bseat = &eight;
    line_item_is(QBID_NOBID_NONE, 0);
    terms.bseat = &full; /* who else is in it was not read */
    line_item_is(QBID_NOBID_SEAT, 0);
    terms.bseat = &seven;
    line_item_is(QBID_NOBID_SEAT, 0);
    terms.bseat = NULL;
    line_item_is(QBID_NOBID_NONE, 1);
    terms.deal[0].wseat = &none;
    line_item_is(QBID_NOBID_NONE, 1);
    terms.deal[0].wseat = &seven;
    line_item_is(QBID_NOBID_NONE, 1);
    terms.deal[0].wseat = &eight;
    line_item_is(QBID_NOBID_SEAT, 1);
    line_item_is(QBID_NOBID_NONE, 2); /* another deal's */
    line_item_is(QBID_NOBID_NONE, 0);
}

static void domains_of_a_deal_and_allowed_categories(void **state)
{
    const uint64_t domain[] = {NAME(8), NAME(9)}, category[] = {NAME(50), NAME(52)};
    (void)state;
    terms = (struct qbid_terms){0};
    terms.deal[0].wadomain = domain;
    terms.deal[0].wadomain_given = true;
    line_item_is(QBID_NOBID_DEAL_DOMAIN, 1);
    line_item_is(QBID_NOBID_NONE, 0);
    terms.deal[0].wadomain_cnt = 1;
    line_item_is(QBID_NOBID_DEAL_DOMAIN, 1);
    terms.deal[0].wadomain_cnt = 2;
    line_item_is(QBID_NOBID_NONE, 1);
    terms.acat = category;
    terms.acat_given = true;
    line_item_is(QBID_NOBID_CATEGORY, 0);
    terms.acat_cnt = 1; /* the name before this line item's own */
    line_item_is(QBID_NOBID_CATEGORY, 0);
    terms.acat_cnt = 2;
    line_item_is(QBID_NOBID_NONE, 0);
}

static void floors_by_duration(void **state)
{
    struct qbid_durfloors floors = {.cnt = 2, .floor = {{0, 15, 100}, {10, 0, 200}}};
    struct qbid_request request = {.floor_micros = 7, .terms = &terms, .deal_cnt = 1};
    (void)state;
    start(QBID_FORMAT_VIDEO);
    request.deal[0].floor_micros = 9;
    traits.duration_s = 15;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), 7);
    terms.durfloors[QBID_FORMAT_VIDEO - 1] = &floors;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), 100);
    traits.duration_s = 16;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), 200);
    floors.cnt = 1;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), 7);
    floors.per_second_micros = 3;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), 48);
    floors.per_second_micros = INT64_MAX / 2;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), INT64_MAX);
    floors.floor[0].least_s = 17;
    floors.floor[0].most_s = 0;
    floors.per_second_micros = 0;
    assert_int_equal(qbid_terms_floor(&request, 0, QBID_FORMAT_VIDEO, &traits), 7);
    /* a deal: by its own durations, else as the impression; its own floor before both */
    terms.deal[0].durfloors = (struct qbid_durfloors){.cnt = 1, .floor = {{16, 16, 300}}};
    assert_int_equal(qbid_terms_floor(&request, 1, QBID_FORMAT_VIDEO, &traits), 300);
    traits.duration_s = 17;
    assert_int_equal(qbid_terms_floor(&request, 1, QBID_FORMAT_VIDEO, &traits), 100);
    terms.deal[0].own_floor = true;
    assert_int_equal(qbid_terms_floor(&request, 1, QBID_FORMAT_VIDEO, &traits), 9);
}

/* Two slots: the first has eight creatives without a last bound, as a broken table might. */
static void a_draw_is_among_those_that_bear_the_terms(void **state)
{
    struct qbid_draw draws[QBID_DRAW_MAX + 1] = {{0}};
    struct qbid_creative creatives[2] = {{.format = QBID_FORMAT_BANNER},
                                         {.format = QBID_FORMAT_BANNER}};
    struct qbid_traits both[2] = {{.api = 2}, {.attr = 4}};
    struct qbid_shelf two = {.slot_idx = {3, 5}, .dir_cnt = 2};
    struct qbid_image table = {.line_items = &line_item,
                               .shelves = &two,
                               .draws = draws,
                               .creatives = creatives,
                               .traits = both};
    struct qbid_request request = {.slot_cnt = 3};
    const uint16_t slots[QBID_REQUEST_SLOTS_MAX] = {0, 3, 5};
    struct qbid_draw draw;
    uint32_t slot;
    (void)state;
    two.inline_cnt = 2;
    two.draw[0] = qbid_shelf_draws(0, QBID_DRAW_MAX);
    two.draw[1] = qbid_shelf_draws(QBID_DRAW_MAX, 1);
    for (unsigned i = 0; i < QBID_DRAW_MAX; i++)
        draws[i] = qbid_draw_make(0, i, i * UINT64_C(1000), 1000);
    draws[QBID_DRAW_MAX] = qbid_draw_make(1, 99, 0, QBID_DRAW_WHOLE);
    start(QBID_FORMAT_BANNER);
    assert_int_equal(qbid_terms_draw(&table, 0, &request, &terms, slots, 1, &draw, &slot),
                     QBID_NOBID_NONE);
    assert_int_equal(slot, 5);
    assert_int_equal(draw.creative_id, 99);
    assert_int_equal(draw.propensity_q32, UINT32_MAX);
    media.battr = 4; /* now nothing is left: the first refusal counts */
    assert_int_equal(qbid_terms_draw(&table, 0, &request, &terms, slots, 1, &draw, &slot),
                     QBID_NOBID_API);
    media.api = 2;
    assert_int_equal(qbid_terms_draw(&table, 0, &request, &terms, slots, UINT32_MAX, &draw, &slot),
                     QBID_NOBID_NONE);
    assert_int_equal(slot, 3);
    assert_int_equal(draw.creative_id, 7);
    assert_int_equal(draw.propensity_q32, UINT32_MAX / 8 + 1);
    request.flags = QBID_REQUEST_SECURE;
    assert_int_equal(qbid_terms_draw(&table, 0, &request, &terms, slots, 1, &draw, &slot),
                     QBID_NOBID_NO_CREATIVE);
    request.flags = 0;
    request.slot_cnt = 1; /* one that the table does not know */
    assert_int_equal(qbid_terms_draw(&table, 0, &request, &terms, slots, 1, &draw, &slot),
                     QBID_NOBID_NO_CREATIVE);
    const uint16_t other[QBID_REQUEST_SLOTS_MAX] = {4};
    assert_int_equal(qbid_terms_draw(&table, 0, &request, &terms, other, 1, &draw, &slot),
                     QBID_NOBID_NO_CREATIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nothing_is_asked_anything_is_shown),
        cmocka_unit_test(attributes_frameworks_and_types),
        cmocka_unit_test(banners_of_a_kind_or_that_expand),
        cmocka_unit_test(durations),
        cmocka_unit_test(what_players_can_play),
        cmocka_unit_test(assets_of_a_native_impression),
        cmocka_unit_test(places_languages_apps_and_taxonomies),
        cmocka_unit_test(seats),
        cmocka_unit_test(domains_of_a_deal_and_allowed_categories),
        cmocka_unit_test(floors_by_duration),
        cmocka_unit_test(a_draw_is_among_those_that_bear_the_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
