/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the slots once: mixes roughly as in the logs, click effects as lognormal factors. */
#include "tools/replay/source/inventory.h"

#include <stdlib.h>

#include "shm/error.h"
#include "tools/replay/source/draw.h"

enum {
    USE_SLOT_CNT = 100,
    USE_TAG,
    USE_EXCHANGE,
    USE_SIZE,
    USE_VISIBILITY,
    USE_FLOOR,
    USE_QUALITY,
    EFFECT_EXCHANGE,
    EFFECT_SIZE,
    EFFECT_VISIBILITY,
    EFFECT_DOMAIN,
    EFFECT_SLOT,
};
#define DOMAIN_SKEW 0.9
/* Standard deviation of the logarithm of each effect. */
#define DEVIATION_EXCHANGE 0.3
#define DEVIATION_SIZE 0.5
#define DEVIATION_VISIBILITY 0.4
#define DEVIATION_DOMAIN 0.6
#define DEVIATION_SLOT 0.2

struct choice {
    double share;
    uint32_t value;
};

static const struct choice exchanges[] = {{0.20, 1}, {0.21, 2}, {0.19, 3}, {0.40, 4}};
static const struct choice floors[] = {{0.39, 0},  {0.14, 5},  {0.08, 20},  {0.21, 30},
                                       {0.06, 50}, {0.06, 70}, {0.03, 100}, {0.03, 150}};

static const struct {
    double share;
    uint32_t width, height;
} sizes[QBID_REPLAY_INVENTORY_SIZES] = {
    {0.34, 300, 250}, {0.18, 960, 90},  {0.13, 728, 90},  {0.08, 1000, 90}, {0.06, 336, 280},
    {0.05, 950, 90},  {0.04, 250, 250}, {0.03, 160, 600}, {0.02, 200, 200}, {0.02, 468, 60},
    {0.01, 120, 600}, {0.01, 640, 90},  {0.02, 320, 50},  {0.01, 300, 600},
};

static const struct {
    double share;
    const char *name;
} visibilities[] = {{0.36, "FirstView"},  {0.27, "Na"},        {0.18, "OtherView"},
                    {0.12, "SecondView"}, {0.03, "ThirdView"}, {0.04, "FourthView"}};

enum { EXCHANGE_CNT = sizeof exchanges / sizeof exchanges[0] };
enum { FLOOR_CNT = sizeof floors / sizeof floors[0] };
enum { VISIBILITY_CNT = sizeof visibilities / sizeof visibilities[0] };

static uint32_t choose(const struct choice *choices, uint32_t cnt, double point)
{
    uint32_t i = 0;
    while (i + 1 < cnt && point >= choices[i].share)
        point -= choices[i++].share;
    return choices[i].value;
}

static uint32_t choose_size(double point)
{
    uint32_t i = 0;
    while (i + 1 < QBID_REPLAY_INVENTORY_SIZES && point >= sizes[i].share)
        point -= sizes[i++].share;
    return i;
}

static uint32_t choose_visibility(double point)
{
    uint32_t i = 0;
    while (i + 1 < VISIBILITY_CNT && point >= visibilities[i].share)
        point -= visibilities[i++].share;
    return i;
}

static double unit(uint64_t seed, uint32_t use, uint64_t a, uint64_t b)
{
    return qbid_replay_draw_unit(qbid_replay_draw_word(seed, use, a, b));
}

static struct qbid_replay_slot draw_slot(uint64_t seed, uint32_t domain, uint32_t nth)
{
    uint32_t size = choose_size(unit(seed, USE_SIZE, domain, nth));
    uint32_t visibility = choose_visibility(unit(seed, USE_VISIBILITY, domain, nth));
    /* All slots of a domain are sold through one exchange. */
    uint32_t exchange = choose(exchanges, EXCHANGE_CNT, unit(seed, USE_EXCHANGE, domain, 0));
    return (struct qbid_replay_slot){
        .tag = qbid_replay_draw_word(seed, USE_TAG, domain, nth),
        .effect =
            qbid_replay_draw_factor(seed, EFFECT_EXCHANGE, exchange, 0, DEVIATION_EXCHANGE) *
            qbid_replay_draw_factor(seed, EFFECT_SIZE, size, 0, DEVIATION_SIZE) *
            qbid_replay_draw_factor(seed, EFFECT_VISIBILITY, visibility, 0, DEVIATION_VISIBILITY) *
            qbid_replay_draw_factor(seed, EFFECT_DOMAIN, domain, 0, DEVIATION_DOMAIN) *
            qbid_replay_draw_factor(seed, EFFECT_SLOT, domain, nth, DEVIATION_SLOT),
        .quality = qbid_replay_draw_normal(seed, USE_QUALITY, domain, nth),
        .domain = domain,
        .exchange = exchange,
        .size = size,
        .width = sizes[size].width,
        .height = sizes[size].height,
        .floor_fen = choose(floors, FLOOR_CNT, unit(seed, USE_FLOOR, domain, nth)),
        .visibility = visibilities[visibility].name,
    };
}

static double weight_at(const struct qbid_replay_inventory *inventory, size_t i)
{
    return inventory->slots[i].cumulative - (i ? inventory->slots[i - 1].cumulative : 0.0);
}

/* Prices must keep their distribution whatever the seed, so quality is centred over the traffic. */
static void standardise_quality(struct qbid_replay_inventory *inventory)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < inventory->slots_cnt; i++) {
        double quality = inventory->slots[i].quality;
        mean += weight_at(inventory, i) * quality;
        square += weight_at(inventory, i) * quality * quality;
    }
    double deviation = sqrt(square - mean * mean);
    for (size_t i = 0; i < inventory->slots_cnt; i++)
        inventory->slots[i].quality = (inventory->slots[i].quality - mean) / deviation;
}

int qbid_replay_inventory_init(struct qbid_replay_inventory *inventory, uint64_t seed)
{
    double total = 0;
    inventory->slots_cnt = 0;
    inventory->slots =
        calloc(QBID_REPLAY_INVENTORY_DOMAINS * QBID_REPLAY_INVENTORY_SLOTS_PER_DOMAIN_MAX,
               sizeof *inventory->slots);
    if (!inventory->slots)
        return QBID_ERR_NOMEM;
    for (uint32_t domain = 0; domain < QBID_REPLAY_INVENTORY_DOMAINS; domain++) {
        double weight = pow(domain + 1.0, -DOMAIN_SKEW);
        uint32_t cnt = 1 + (uint32_t)(qbid_replay_draw_word(seed, USE_SLOT_CNT, domain, 0) %
                                      QBID_REPLAY_INVENTORY_SLOTS_PER_DOMAIN_MAX);
        for (uint32_t nth = 0; nth < cnt; nth++) {
            struct qbid_replay_slot *slot = &inventory->slots[inventory->slots_cnt++];
            *slot = draw_slot(seed, domain, nth);
            total += weight / cnt;
            slot->cumulative = total;
        }
    }
    for (size_t i = 0; i < inventory->slots_cnt; i++)
        inventory->slots[i].cumulative /= total;
    standardise_quality(inventory);
    return 0;
}

void qbid_replay_inventory_done(struct qbid_replay_inventory *inventory)
{
    free(inventory->slots);
    *inventory = (struct qbid_replay_inventory){0};
}

const struct qbid_replay_slot *
qbid_replay_inventory_find(const struct qbid_replay_inventory *inventory, double point)
{
    size_t low = 0, high = inventory->slots_cnt - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (inventory->slots[middle].cumulative > point)
            high = middle;
        else
            low = middle + 1;
    }
    return &inventory->slots[low];
}
