/* SPDX-License-Identifier: Apache-2.0 */
/* Rows out of hashes of (seed, number): a slot, a person, a price, a click. */
#include "tools/replay/source/generator.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/source/audience.h"
#include "tools/replay/source/draw.h"
#include "tools/replay/source/inventory.h"
#include "tools/replay/text/money.h"

enum {
    USE_CAMPAIGN = 300,
    USE_ID,
    USE_SLOT,
    USE_PERSON,
    USE_PAGE,
    USE_PRICE,
    USE_CLICK,
    USE_DOMAIN_NAME,
    USE_PAGE_NAME,
    USE_PERSON_NAME,
    EFFECT_DEVICE_SIZE,
};
enum { PAGES_PER_DOMAIN = 50, FIRST_REGION = 1, REGION_STEP = 20, FIRST_TAG = 10001 };
#define DEVIATION_DEVICE_SIZE 0.25
/* Correlation of the price's normal score with the slot's quality. */
#define PRICE_SLOT_CORRELATION 0.5
#define CTR_MEAN_MAX 0.5

/* What differs between campaigns. */
struct market {
    double cumulative; /* share of the traffic up to and with this one */
    double scale;      /* mean click rate / mean of the product of effects */
    double price_cdf[QBID_REPLAY_PRICE_FEN_MAX + 1];
    struct qbid_replay_audience audience;
};

struct qbid_replay_generator {
    uint64_t seed;
    size_t markets_cnt;
    struct market markets[QBID_REPLAY_IPINYOU_CNT];
    struct qbid_replay_inventory inventory;
    double device_size_effect[QBID_REPLAY_AUDIENCE_DEVICES][QBID_REPLAY_INVENTORY_SIZES];
};

static double device_effect(const struct qbid_replay_generator *generator,
                            const struct market *market, uint32_t device, uint32_t size)
{
    return market->audience.device_effect[device] * generator->device_size_effect[device][size];
}

/* Mean of the product of all effects over the traffic: slots and people are independent. */
static double mean_effect(const struct qbid_replay_generator *generator,
                          const struct market *market)
{
    double mean = 0, before = 0;
    for (size_t i = 0; i < generator->inventory.slots_cnt; i++) {
        const struct qbid_replay_slot *slot = &generator->inventory.slots[i];
        double over_devices = 0;
        for (uint32_t d = 0; d < QBID_REPLAY_AUDIENCE_DEVICES; d++)
            over_devices +=
                market->audience.device_share[d] * device_effect(generator, market, d, slot->size);
        mean += (slot->cumulative - before) * slot->effect * over_devices;
        before = slot->cumulative;
    }
    return mean * market->audience.mean_effect;
}

static void init_market(struct qbid_replay_generator *generator, struct market *market,
                        const struct qbid_replay_ipinyou_campaign *campaign, double ctr)
{
    double published = (double)campaign->clicks / (double)campaign->impressions;
    qbid_replay_ipinyou_prices(campaign, market->price_cdf);
    qbid_replay_audience_init(&market->audience, generator->seed, campaign->mobile_ppm);
    market->scale = (ctr > 0 ? ctr : published) / mean_effect(generator, market);
}

static void init_markets(struct qbid_replay_generator *generator,
                         const struct qbid_replay_generator_terms *terms)
{
    double total = 0;
    for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CNT; i++) {
        const struct qbid_replay_ipinyou_campaign *campaign = &qbid_replay_ipinyou_campaigns[i];
        if (terms->campaign && terms->campaign != campaign)
            continue;
        struct market *market = &generator->markets[generator->markets_cnt++];
        init_market(generator, market, campaign, terms->ctr);
        total += (double)campaign->impressions;
        market->cumulative = total;
    }
    for (size_t i = 0; i < generator->markets_cnt; i++)
        generator->markets[i].cumulative /= total;
}

int qbid_replay_generator_new(const struct qbid_replay_generator_terms *terms,
                              struct qbid_replay_generator **ret_generator)
{
    if (!(terms->ctr >= 0 && terms->ctr <= CTR_MEAN_MAX))
        return QBID_ERR_INVAL;
    struct qbid_replay_generator *generator = calloc(1, sizeof *generator);
    if (!generator)
        return QBID_ERR_NOMEM;
    generator->seed = terms->seed;
    int err = qbid_replay_inventory_init(&generator->inventory, terms->seed);
    if (err) {
        free(generator);
        return err;
    }
    for (uint32_t d = 0; d < QBID_REPLAY_AUDIENCE_DEVICES; d++)
        for (uint32_t s = 0; s < QBID_REPLAY_INVENTORY_SIZES; s++)
            generator->device_size_effect[d][s] = qbid_replay_draw_factor(
                terms->seed, EFFECT_DEVICE_SIZE, d, s, DEVIATION_DEVICE_SIZE);
    init_markets(generator, terms);
    *ret_generator = generator;
    return 0;
}

void qbid_replay_generator_free(struct qbid_replay_generator *generator)
{
    if (!generator)
        return;
    qbid_replay_inventory_done(&generator->inventory);
    free(generator);
}

/* Where the next text of the row goes. All texts together take under 600 bytes of the store. */
struct pen {
    char *at;
};
_Static_assert(QBID_REPLAY_ROW_STORE_BYTES >= 4 * 32 + 3 * 16 + 3 * 20 +
                                                  6 * QBID_REPLAY_AUDIENCE_TAGS +
                                                  QBID_REPLAY_MONEY_TEXT_BYTES,
               "a generated row's texts fit");

static struct qbid_replay_span write_hex(struct pen *pen, uint64_t word)
{
    static const char hex[] = "0123456789abcdef";
    char *from = pen->at;
    for (int shift = 60; shift >= 0; shift -= 4)
        *pen->at++ = hex[word >> shift & 15];
    return (struct qbid_replay_span){from, 16};
}

static struct qbid_replay_span write_hash(struct pen *pen, uint64_t seed, uint32_t use, uint64_t a)
{
    struct qbid_replay_span span = write_hex(pen, qbid_replay_draw_word(seed, use, a, 0));
    write_hex(pen, qbid_replay_draw_word(seed, use, a, 1));
    span.len = 32;
    return span;
}

static struct qbid_replay_span write_number(struct pen *pen, uint64_t number)
{
    char *from = pen->at;
    pen->at += qbid_replay_money_print((int64_t)number, 0, from);
    return (struct qbid_replay_span){from, (size_t)(pen->at - from)};
}

static struct qbid_replay_span write_ip(struct pen *pen, const struct qbid_replay_person *person)
{
    char *from = pen->at;
    write_number(pen, 101 + person->region);
    *pen->at++ = '.';
    write_number(pen, person->number >> 8 & 255);
    *pen->at++ = '.';
    write_number(pen, person->number & 255);
    *pen->at++ = '.';
    *pen->at++ = '*';
    return (struct qbid_replay_span){from, (size_t)(pen->at - from)};
}

static struct qbid_replay_span write_tags(struct pen *pen, uint64_t tags)
{
    char *from = pen->at;
    for (uint32_t i = 0; i < QBID_REPLAY_AUDIENCE_TAGS; i++) {
        if (!(tags >> i & 1))
            continue;
        if (pen->at != from)
            *pen->at++ = ',';
        write_number(pen, FIRST_TAG + i);
    }
    return (struct qbid_replay_span){from, (size_t)(pen->at - from)};
}

static double unit(const struct qbid_replay_generator *generator, uint32_t use, uint64_t idx)
{
    return qbid_replay_draw_unit(qbid_replay_draw_word(generator->seed, use, idx, 0));
}

/* Lowest price whose cumulative share passes the normal score's. */
static uint32_t draw_price(const struct qbid_replay_generator *generator,
                           const struct market *market, const struct qbid_replay_slot *slot,
                           uint64_t idx)
{
    double score = PRICE_SLOT_CORRELATION * slot->quality +
                   sqrt(1 - PRICE_SLOT_CORRELATION * PRICE_SLOT_CORRELATION) *
                       qbid_replay_draw_normal(generator->seed, USE_PRICE, idx, 0);
    double point = 0.5 * erfc(-score * M_SQRT1_2);
    uint32_t low = 1, high = QBID_REPLAY_PRICE_FEN_MAX;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (market->price_cdf[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static const struct market *draw_market(const struct qbid_replay_generator *generator, uint64_t idx)
{
    double point = unit(generator, USE_CAMPAIGN, idx);
    size_t i = 0;
    while (i + 1 < generator->markets_cnt && point >= generator->markets[i].cumulative)
        i++;
    return &generator->markets[i];
}

static void write_texts(const struct qbid_replay_generator *generator, uint64_t idx,
                        const struct qbid_replay_slot *slot,
                        const struct qbid_replay_person *person, struct qbid_replay_row *row)
{
    struct pen pen = {row->store};
    uint64_t seed = generator->seed;
    uint64_t page = qbid_replay_draw_word(seed, USE_PAGE, idx, 0) % PAGES_PER_DOMAIN;
    const char *ua = qbid_replay_audience_ua(person->device);
    uint64_t region = FIRST_REGION + (uint64_t)person->region * REGION_STEP;
    row->bidid = write_hash(&pen, seed, USE_ID, idx);
    row->user = write_hex(&pen, qbid_replay_draw_word(seed, USE_PERSON_NAME, person->number, 0));
    row->ua = (struct qbid_replay_span){ua, strlen(ua)};
    row->ip = write_ip(&pen, person);
    row->region = write_number(&pen, region);
    row->city = write_number(&pen, region + person->city);
    row->domain = write_hash(&pen, seed, USE_DOMAIN_NAME, slot->domain);
    row->url = write_hash(&pen, seed, USE_PAGE_NAME, slot->domain * PAGES_PER_DOMAIN + page);
    row->slot = write_hex(&pen, slot->tag);
    row->visibility = (struct qbid_replay_span){slot->visibility, strlen(slot->visibility)};
    row->tags = write_tags(&pen, person->tags);
}

void qbid_replay_generator_load(const struct qbid_replay_generator *generator, uint64_t idx,
                                struct qbid_replay_row *ret_row)
{
    const struct market *market = draw_market(generator, idx);
    const struct qbid_replay_slot *slot =
        qbid_replay_inventory_find(&generator->inventory, unit(generator, USE_SLOT, idx));
    struct qbid_replay_person person;
    uint64_t number = qbid_replay_draw_word(generator->seed, USE_PERSON, idx, 0);
    qbid_replay_audience_query(&market->audience, number % QBID_REPLAY_AUDIENCE_PEOPLE, &person);

    uint32_t price_fen = draw_price(generator, market, slot, idx);
    uint32_t floor_fen = slot->floor_fen < price_fen ? slot->floor_fen : price_fen;
    double ctr = market->scale * slot->effect * person.effect *
                 device_effect(generator, market, person.device, slot->size);
    if (ctr > QBID_REPLAY_GENERATOR_CTR_MAX)
        ctr = QBID_REPLAY_GENERATOR_CTR_MAX;

    write_texts(generator, idx, slot, &person, ret_row);
    ret_row->timestamp = idx;
    ret_row->floor_micros = floor_fen * QBID_REPLAY_MICROS_PER_FEN;
    ret_row->market_micros = price_fen * QBID_REPLAY_MICROS_PER_FEN;
    ret_row->true_ctr = ctr;
    ret_row->exchange = slot->exchange;
    ret_row->width = slot->width;
    ret_row->height = slot->height;
    ret_row->repeat = 0;
    ret_row->click = unit(generator, USE_CLICK, idx) < ctr;
}
