/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the truth of a market from its seed. */
#include "tools/sim/market/market.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/sim/random.h"

#define DAY_NS (UINT64_C(86400) * QBID_NS_PER_S)
#define LN2 0.6931471805599453
#define ORDER_MICROS 2e6
#define PRICE_OF_VALUE 0.30 /* median price against the mean value of an average line item */
/* log of the rate: exposures take no more than 30 % (per-user CTR falls by 23 to 29 % in the Criteo
 * attribution data) */
#define FATIGUE_LOST_MAX 0.35

/* log-sd of the effects of each dimension: on clicks, on conversions, on prices. */
static const struct {
    double ctr, cvr, price;
} effect_sd[QBID_DIM_CNT] = {
    [QBID_DIM_EXCHANGE] = {0.05, 0.05, 0.05}, [QBID_DIM_SLOT] = {0.20, 0.10, 0.15},
    [QBID_DIM_POSITION] = {0.20, 0.10, 0.15}, [QBID_DIM_DEVICE] = {0.30, 0.15, 0.15},
    [QBID_DIM_GEO] = {0.40, 0.20, 0.30},      [QBID_DIM_SITE] = {0.05, 0.05, 0.05},
    [QBID_DIM_SEGMENT] = {0.25, 0.25, 0.10},  [QBID_DIM_HOUR] = {0.25, 0.10, 0.15}};

#define INTERACTION_SD 0.3
#define OWN_PART 0.3 /* of a line item's effects that its campaign does not share, as variance */
#define LINE_ITEM_SD 0.35
#define CREATIVE_SD 0.25
#define AGEING_MAX 0.04 /* log of the rate that a creative loses a day at most */
#define LTV_SD 0.3
#define PRICE_FOLLOWS 0.35 /* how far prices follow the market's mean effect on clicks */

struct qbid_sim_market_params qbid_sim_market_defaults(void)
{
    return (struct qbid_sim_market_params){.seed = 1,
                                           .auctions_a_day = 150000,
                                           .users = 20000,
                                           .campaigns = 2,
                                           .line_items = 5,
                                           .auction = QBID_AUCTION_SECOND_PRICE,
                                           .feedback = QBID_SIM_FULL,
                                           .effect_sd = 1,
                                           .fatigue = 0.10,
                                           .delay_s = 6 * 3600,
                                           .rival_share = 1,
                                           .noise = 0.1};
}

uint32_t qbid_sim_dim_values(unsigned dim)
{
    static const uint8_t cnt[QBID_DIM_CNT] = {
        [QBID_DIM_EXCHANGE] = QBID_SIM_EXCHANGES, [QBID_DIM_SLOT] = QBID_SIM_SLOTS,
        [QBID_DIM_POSITION] = QBID_SIM_POSITIONS, [QBID_DIM_DEVICE] = QBID_SIM_DEVICES,
        [QBID_DIM_GEO] = QBID_SIM_GEOS,           [QBID_DIM_SITE] = QBID_SIM_SITES,
        [QBID_DIM_SEGMENT] = QBID_SIM_SEGMENTS,   [QBID_DIM_HOUR] = QBID_SIM_HOURS};
    return cnt[dim];
}

void qbid_sim_dim_text(unsigned dim, uint32_t value, char out[32])
{
    static const char *const slot[QBID_SIM_SLOTS] = {"banner:300x250", "banner:728x90",
                                                     "banner:320x50"};
    static const char *const device[QBID_SIM_DEVICES] = {"2/windows", "4/android", "5/ios"};
    if (dim == QBID_DIM_SLOT)
        snprintf(out, 32, "%s", slot[value]);
    else if (dim == QBID_DIM_DEVICE)
        snprintf(out, 32, "%s", device[value]);
    else if (dim == QBID_DIM_GEO)
        snprintf(out, 32, "CHN/%u", value);
    else if (dim == QBID_DIM_SITE)
        snprintf(out, 32, "site%u.example", value);
    else if (dim == QBID_DIM_SEGMENT)
        snprintf(out, 32, "seg%u", value);
    else
        snprintf(out, 32, "%u", dim == QBID_DIM_HOUR ? value : value + 1);
}

/* log2 of a factor with mean 1 and the given log-sd. */
static float factor_lg(struct qbid_sim_random *r, double sd)
{
    return (float)((sd * qbid_sim_normal(r) - sd * sd / 2) / LN2);
}

/* The hour of the week: an hour of the day, and a little of the weekday. */
static void hours_fill(struct qbid_sim_random *r, double sd, float out[QBID_SIM_VALUES_MAX])
{
    float hour[24], day[7];
    for (unsigned h = 0; h < 24; h++)
        hour[h] = factor_lg(r, sd);
    for (unsigned d = 0; d < 7; d++)
        day[d] = factor_lg(r, sd / 3);
    for (unsigned h = 0; h < QBID_SIM_HOURS; h++)
        out[h] = hour[h % 24] + day[h / 24];
}

static void rate_fill(struct qbid_sim_random *r, double scale, bool clicks,
                      struct qbid_sim_rate_model *out)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        double sd = scale * (clicks ? effect_sd[dim].ctr : effect_sd[dim].cvr);
        if (dim == QBID_DIM_HOUR)
            hours_fill(r, sd, out->effect_lg[dim]);
        for (uint32_t v = 0; dim != QBID_DIM_HOUR && v < qbid_sim_dim_values(dim); v++)
            out->effect_lg[dim][v] = factor_lg(r, sd);
    }
    for (uint32_t c = 0; c < QBID_SIM_CELLS; c++)
        out->interaction_lg[c] = factor_lg(r, scale * INTERACTION_SD * (clicks ? 1 : 0.5));
}

/* Part of a campaign's effects, part of its own. */
static void rate_mix(const struct qbid_sim_rate_model *shared, struct qbid_sim_rate_model *own)
{
    float a = (float)sqrt(1 - OWN_PART), b = (float)sqrt(OWN_PART);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        for (uint32_t v = 0; v < QBID_SIM_VALUES_MAX; v++)
            own->effect_lg[dim][v] = a * shared->effect_lg[dim][v] + b * own->effect_lg[dim][v];
    for (uint32_t c = 0; c < QBID_SIM_CELLS; c++)
        own->interaction_lg[c] = a * shared->interaction_lg[c] + b * own->interaction_lg[c];
}

/* Targeting by the number of the line item: everywhere, phones, desktop, three segments, half of
 * the regions. */
static void targets_fill(struct qbid_sim_random *r, uint32_t kind, struct qbid_sim_line_item *li)
{
    memset(li->accepts, 1, sizeof li->accepts);
    if (kind == 1)
        li->accepts[QBID_DIM_DEVICE][0] = false;
    if (kind == 2)
        li->accepts[QBID_DIM_DEVICE][1] = li->accepts[QBID_DIM_DEVICE][2] = false;
    if (kind == 3)
        li->accepts[QBID_DIM_SEGMENT][0] = li->accepts[QBID_DIM_SEGMENT][4] = false;
    for (uint32_t g = 0; kind == 4 && g < QBID_SIM_GEOS; g++)
        li->accepts[QBID_DIM_GEO][g] = qbid_sim_word(r) & 1;
}

static void line_item_fill(struct qbid_sim_market *m, uint32_t campaign, uint32_t kind,
                           const struct qbid_sim_rate_model shared[2])
{
    struct qbid_sim_line_item *li = &m->line_item[m->line_item_cnt];
    struct qbid_sim_random r = qbid_sim_random_of(m->params.seed, 100 + m->line_item_cnt++);
    double scale = m->params.effect_sd;
    rate_fill(&r, scale, true, &li->ctr);
    rate_fill(&r, scale, false, &li->cvr);
    rate_mix(&shared[0], &li->ctr);
    rate_mix(&shared[1], &li->cvr);
    li->ctr.base_lg = (float)log2(QBID_SIM_BASE_CTR) + factor_lg(&r, scale * LINE_ITEM_SD);
    li->cvr.base_lg = (float)log2(QBID_SIM_BASE_CVR) + factor_lg(&r, scale * LINE_ITEM_SD);
    li->order_value_micros = ORDER_MICROS * exp2((double)factor_lg(&r, scale * LINE_ITEM_SD));
    li->campaign = campaign;
    for (unsigned k = 0; k < QBID_SIM_CREATIVES; k++) {
        li->creative_lg[k] = factor_lg(&r, scale * CREATIVE_SD);
        li->ageing_lg[k] = (float)(-AGEING_MAX * scale * qbid_sim_unit(&r) / LN2);
    }
    targets_fill(&r, kind, li);
}

static void prices_fill(struct qbid_sim_market *m)
{
    struct qbid_sim_random r = qbid_sim_random_of(m->params.seed, 2);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        double sd = m->params.effect_sd * effect_sd[dim].price;
        if (dim == QBID_DIM_HOUR)
            hours_fill(&r, sd, m->price_lg[dim]);
        for (uint32_t v = 0; v < qbid_sim_dim_values(dim); v++) {
            if (dim != QBID_DIM_HOUR)
                m->price_lg[dim][v] = factor_lg(&r, sd);
            float mean = 0;
            for (uint32_t i = 0; i < m->line_item_cnt; i++)
                mean += m->line_item[i].ctr.effect_lg[dim][v] / (float)m->line_item_cnt;
            m->price_lg[dim][v] += (float)PRICE_FOLLOWS * mean;
        }
    }
    m->price_micros = PRICE_OF_VALUE * QBID_SIM_BASE_CTR * QBID_SIM_BASE_CVR * ORDER_MICROS * 1000;
}

int qbid_sim_market_init(struct qbid_sim_market *market,
                         const struct qbid_sim_market_params *params)
{
    uint64_t line_items = (uint64_t)params->campaigns * params->line_items;
    if (params->campaigns == 0 || params->campaigns > QBID_SIM_CAMPAIGNS_MAX || line_items == 0 ||
        line_items > QBID_SIM_LINE_ITEMS_MAX || params->users == 0 || params->auctions_a_day == 0)
        return QBID_ERR_INVAL;
    memset(market, 0, sizeof *market);
    market->params = *params;
    struct qbid_sim_random r = qbid_sim_random_of(params->seed, 1);
    static const struct qbid_sim_rate_model none;
    for (uint32_t c = 0; c < params->campaigns; c++) {
        struct qbid_sim_rate_model shared[2] = {none, none};
        rate_fill(&r, params->effect_sd, true, &shared[0]);
        rate_fill(&r, params->effect_sd, false, &shared[1]);
        for (uint32_t i = 0; i < params->line_items; i++)
            line_item_fill(market, c, i % 5, shared);
    }
    for (unsigned s = 0; s < QBID_SIM_SEGMENTS; s++)
        market->ltv_lg[s] = factor_lg(&r, params->effect_sd * LTV_SD);
    prices_fill(market);
    return 0;
}

float qbid_sim_market_rate_lg(const struct qbid_sim_rate_model *rate,
                              const uint8_t value[QBID_DIM_CNT])
{
    uint32_t place =
        (uint32_t)(value[QBID_DIM_SLOT] * QBID_SIM_POSITIONS + value[QBID_DIM_POSITION]);
    uint32_t row = value[QBID_DIM_DEVICE] * (uint32_t)QBID_SIM_PLACES + place;
    uint32_t cell = row * QBID_SIM_GEOS + value[QBID_DIM_GEO];
    float lg = rate->base_lg + rate->interaction_lg[cell];
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        lg += rate->effect_lg[dim][value[dim]];
    return lg;
}

float qbid_sim_market_creative_lg(const struct qbid_sim_line_item *li, uint32_t creative,
                                  uint64_t time_ns)
{
    return li->creative_lg[creative] + li->ageing_lg[creative] * (float)(time_ns / DAY_NS);
}

double qbid_sim_market_fatigue(const struct qbid_sim_market *market, float exposures)
{
    return exp(-fmin(market->params.fatigue * (double)exposures, FATIGUE_LOST_MAX));
}

struct qbid_sim_rates qbid_sim_market_rates(const struct qbid_sim_market *market,
                                            uint32_t line_item, uint32_t creative,
                                            const struct qbid_sim_auction *a, float user_lg,
                                            float exposures)
{
    const struct qbid_sim_line_item *li = &market->line_item[line_item];
    float ctr_lg = qbid_sim_market_rate_lg(&li->ctr, a->value) +
                   qbid_sim_market_creative_lg(li, creative, a->time_ns);
    float cvr_lg = qbid_sim_market_rate_lg(&li->cvr, a->value) + user_lg;
    struct qbid_sim_rates r = {
        .ctr = fmin((double)exp2f(ctr_lg) * qbid_sim_market_fatigue(market, exposures), 0.9),
        .cvr = fmin((double)exp2f(cvr_lg), 0.9),
        .order_micros =
            li->order_value_micros * (double)exp2f(market->ltv_lg[a->value[QBID_DIM_SEGMENT]])};
    r.value_nanos = r.ctr * r.cvr * r.order_micros * 1000;
    return r;
}

uint32_t qbid_sim_market_best_creative(const struct qbid_sim_market *market, uint32_t line_item,
                                       uint64_t time_ns)
{
    const struct qbid_sim_line_item *li = &market->line_item[line_item];
    uint32_t best = 0;
    for (uint32_t k = 1; k < QBID_SIM_CREATIVES; k++)
        if (qbid_sim_market_creative_lg(li, k, time_ns) >
            qbid_sim_market_creative_lg(li, best, time_ns))
            best = k;
    return best;
}
