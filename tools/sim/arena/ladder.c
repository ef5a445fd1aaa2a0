/* SPDX-License-Identifier: Apache-2.0 */
/* Values of every rung in every auction, and the search for their multipliers. */
#include "tools/sim/arena/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/learn/state/learner_state.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tools/sim/market/prices.h"
#include "tools/sim/stages/stages.h"

#define RUNGS QBID_SIM_LADDER_RUNGS
#define HOURS 24
#define HOUR_NS (3600 * QBID_NS_PER_S)
#define SEARCH_MAX 40
#define SEARCH_NEAR 1e-4

/* The best line item of a campaign, as a rung sees it. */
struct offer {
    float known, worth; /* CPM micros: what it thinks, what is true; 0 = none */
};

struct auction {
    float least_micros, floor_micros, place_lg;
    uint16_t segment;
    uint8_t hour;
};

/* What qbid knows for an hour. */
struct hour {
    bool known;
    uint32_t shade_cnt;
    struct qbid_shade *shade;
    struct qbid_sim_prices prices; /* the truth of that hour */
    double share[QBID_SIM_LINE_ITEMS_MAX][QBID_SIM_SLOTS][QBID_SIM_CREATIVES];
};

struct qbid_sim_ladder {
    struct qbid_sim_market_params market;
    int64_t budget_nanos[QBID_SIM_CAMPAIGNS_MAX];
    struct auction *auction;
    struct offer *offer; /* by auction, rung and campaign */
    uint32_t cnt, max;
    struct hour hour[HOURS];
};

static const char *const part_text[QBID_SIM_LADDER_PARTS] = {
    [QBID_SIM_LADDER_CLICKS] = "clicks",       [QBID_SIM_LADDER_CONVERSIONS] = "conversions",
    [QBID_SIM_LADDER_ORDERS] = "orders",       [QBID_SIM_LADDER_HOURS] = "hours",
    [QBID_SIM_LADDER_CREATIVES] = "creatives", [QBID_SIM_LADDER_FATIGUE] = "fatigue",
    [QBID_SIM_LADDER_PRICES] = "prices"};

const char *qbid_sim_ladder_part_text(unsigned part)
{
    return part_text[part];
}

int qbid_sim_ladder_new(struct qbid_sim_ladder **ret_ladder)
{
    *ret_ladder = calloc(1, sizeof **ret_ladder);
    return *ret_ladder ? 0 : QBID_ERR_NOMEM;
}

void qbid_sim_ladder_free(struct qbid_sim_ladder *ladder)
{
    if (!ladder)
        return;
    for (unsigned h = 0; h < HOURS; h++)
        free(ladder->hour[h].shade);
    free(ladder->auction);
    free(ladder->offer);
    free(ladder);
}

/* Parts that a rung is told, as bits. */
static unsigned told(unsigned rung)
{
    const unsigned all = (1u << QBID_SIM_LADDER_PARTS) - 1;
    if (rung < QBID_SIM_LADDER_ALL)
        return rung == 0 ? 0 : 1u << (rung - 1);
    return rung == QBID_SIM_LADDER_ALL ? all : all & ~(1u << (rung - QBID_SIM_LADDER_ALL - 1));
}

static bool is_told(unsigned rung, enum qbid_sim_ladder_part part)
{
    return told(rung) >> part & 1;
}

/* Shares of the designs, as the next image has them. */
static int shares_note(struct hour *hour, const struct qbid_learner *learner,
                       const struct qbid_account *account)
{
    struct qbid_plan plan = {0};
    int err = qbid_creatives_rotate(&learner->creatives, account, learner->params.rotation_floor,
                                    learner->now_s, &plan);
    for (uint32_t i = 0; i < plan.creative_cnt; i++) {
        uint32_t at = plan.creatives[i].creative_id - 1;
        uint32_t design = at / QBID_SIM_SLOTS;
        hour->share[design / QBID_SIM_CREATIVES][at % QBID_SIM_SLOTS][design % QBID_SIM_CREATIVES] =
            plan.creatives[i].probability;
    }
    qbid_plan_done(&plan);
    return err;
}

static int hour_note(struct hour *hour, const struct qbid_learner *learner,
                     const struct qbid_account *account, const struct qbid_sim_brief *brief)
{
    hour->shade_cnt = learner->segments.cnt;
    hour->shade = calloc(hour->shade_cnt, sizeof *hour->shade);
    if (!hour->shade)
        return QBID_ERR_NOMEM;
    qbid_segments_shades(&learner->segments, hour->shade);
    qbid_sim_prices_make(brief->market, brief->competitors, &hour->prices);
    hour->known = true;
    return shares_note(hour, learner, account);
}

static uint64_t context_of(const struct qbid_sim_auction *a)
{
    uint64_t context = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        context = qbid_dim_pack(context, dim, a->value[dim] + 1u);
    return context;
}

/* The factors of an impression's value for one line item, as qbid has them and as they are. */
struct factors {
    double known[QBID_SIM_LADDER_PARTS], truth[QBID_SIM_LADDER_PARTS];
    double mix; /* what the creatives as qbid shares them make of the click rate */
};

static double effects_of(const struct qbid_sim_rate_model *rate, const struct qbid_sim_auction *a)
{
    return exp2((double)(qbid_sim_market_rate_lg(rate, a->value) -
                         rate->effect_lg[QBID_DIM_HOUR][a->value[QBID_DIM_HOUR]]));
}

static void creatives_fill(const struct qbid_sim_line_item *li, const double *share,
                           uint64_t time_ns, struct factors *f)
{
    double sum = 0, best = 0;
    for (uint32_t k = 0; k < QBID_SIM_CREATIVES; k++) {
        double factor = exp2((double)qbid_sim_market_creative_lg(li, k, time_ns));
        sum += share[k] * factor;
        best = fmax(best, factor);
    }
    f->mix = sum;
    f->known[QBID_SIM_LADDER_CREATIVES] = 1; /* in its click rate */
    f->truth[QBID_SIM_LADDER_CREATIVES] = best / sum;
}

static void factors_fill(const struct qbid_learner *learner, const struct hour *hour,
                         const struct qbid_sim_brief *brief, const struct qbid_sim_auction *a,
                         uint32_t i, struct factors *f)
{
    const struct qbid_sim_market *m = brief->market;
    const struct qbid_sim_line_item *li = &m->line_item[i];
    uint64_t context = context_of(a);
    struct qbid_rate_pair rates =
        qbid_values_rates(&learner->values, i, context & learner->params.level_mask[0], 0);
    float seen = qbid_sim_exposures_load(brief->exposures, a->user, li->campaign, a->time_ns);
    creatives_fill(li, hour->share[i][a->value[QBID_DIM_SLOT]], a->time_ns, f);
    f->known[QBID_SIM_LADDER_CLICKS] = rates.ctr;
    f->truth[QBID_SIM_LADDER_CLICKS] = effects_of(&li->ctr, a) * f->mix;
    f->known[QBID_SIM_LADDER_CONVERSIONS] = rates.cvr;
    f->truth[QBID_SIM_LADDER_CONVERSIONS] = effects_of(&li->cvr, a);
    f->known[QBID_SIM_LADDER_ORDERS] = qbid_values_order(&learner->values, i, context);
    f->truth[QBID_SIM_LADDER_ORDERS] =
        li->order_value_micros * exp2((double)m->ltv_lg[a->value[QBID_DIM_SEGMENT]]);
    f->known[QBID_SIM_LADDER_HOURS] = learner->values.hour[i] *
                                      learner->values.draw[QBID_VALUES_CTR][i] *
                                      learner->values.draw[QBID_VALUES_CVR][i];
    f->truth[QBID_SIM_LADDER_HOURS] =
        exp2((double)(li->ctr.effect_lg[QBID_DIM_HOUR][a->value[QBID_DIM_HOUR]] +
                      li->cvr.effect_lg[QBID_DIM_HOUR][a->value[QBID_DIM_HOUR]]));
    f->known[QBID_SIM_LADDER_FATIGUE] = 1;
    f->truth[QBID_SIM_LADDER_FATIGUE] = qbid_sim_market_fatigue(m, seen);
    f->known[QBID_SIM_LADDER_PRICES] = f->truth[QBID_SIM_LADDER_PRICES] = 1;
}

static struct offer *offer_of(const struct qbid_sim_ladder *ladder, uint32_t auction, unsigned rung)
{
    return &ladder->offer[((size_t)auction * RUNGS + rung) * ladder->market.campaigns];
}

/* What a rung thinks of a line item and what it would get. */
static void offer_make(struct qbid_sim_ladder *ladder, uint32_t auction, uint32_t campaign,
                       const struct factors *f)
{
    double worth = 1000;
    for (unsigned part = 0; part < QBID_SIM_LADDER_PARTS; part++)
        worth *= part == QBID_SIM_LADDER_CREATIVES ? 1 : f->truth[part];
    for (unsigned rung = 0; rung < RUNGS; rung++) {
        double known = 1000, best = f->truth[QBID_SIM_LADDER_CREATIVES];
        for (unsigned part = 0; part < QBID_SIM_LADDER_PARTS; part++)
            known *= is_told(rung, part) ? f->truth[part] : f->known[part];
        struct offer *offer = offer_of(ladder, auction, rung) + campaign;
        if ((float)known <= offer->known)
            continue;
        offer->known = (float)known;
        offer->worth = (float)(worth * (is_told(rung, QBID_SIM_LADDER_CREATIVES) ? best : 1));
    }
}

static int room(struct qbid_sim_ladder *ladder)
{
    if (ladder->cnt < ladder->max)
        return 0;
    uint32_t max = ladder->max ? ladder->max * 2 : 1 << 16;
    struct auction *more = realloc(ladder->auction, max * sizeof *more);
    ladder->auction = more ? more : ladder->auction;
    size_t offers = (size_t)max * RUNGS * ladder->market.campaigns;
    struct offer *offer = realloc(ladder->offer, offers * sizeof *offer);
    ladder->offer = offer ? offer : ladder->offer;
    if (!more || !offer)
        return QBID_ERR_NOMEM;
    ladder->max = max;
    return 0;
}

int qbid_sim_ladder_watch(struct qbid_sim_ladder *ladder, const void *qbid,
                          const struct qbid_sim_brief *brief, const struct qbid_sim_auction *a,
                          float least_micros)
{
    struct qbid_sim_stages *stages = qbid_sim_qbid_stages(qbid);
    const struct qbid_learner *learner = qbid_sim_stages_learner(stages);
    struct hour *hour = &ladder->hour[a->time_ns / HOUR_NS % HOURS];
    ladder->market = brief->market->params;
    for (uint32_t c = 0; c < QBID_SIM_CAMPAIGNS_MAX; c++)
        ladder->budget_nanos[c] = brief->task[c].budget_nanos;
    int err = room(ladder);
    if (!err && !hour->known)
        err = hour_note(hour, learner, qbid_sim_stages_account(stages), brief);
    if (err)
        return err;
    uint32_t at = ladder->cnt++;
    struct auction *to = &ladder->auction[at];
    memset(offer_of(ladder, at, 0), 0, sizeof(struct offer) * RUNGS * ladder->market.campaigns);
    to->least_micros = least_micros;
    to->floor_micros = a->floor_micros;
    to->place_lg = qbid_sim_market_price_lg(brief->market, a->value);
    to->segment = qbid_segments_find(&learner->segments, context_of(a));
    to->hour = (uint8_t)(hour - ladder->hour);
    for (uint32_t i = 0; i < brief->market->line_item_cnt; i++) {
        struct factors f;
        if (!qbid_sim_eligible(&brief->market->line_item[i], a))
            continue;
        factors_fill(learner, hour, brief, a, i, &f);
        offer_make(ladder, at, brief->market->line_item[i].campaign, &f);
    }
    return 0;
}

/* The price that a rung offers for an effective value; 0 = none. */
static double price_of(const struct qbid_sim_ladder *ladder, const struct auction *a, unsigned rung,
                       double e)
{
    const struct hour *hour = &ladder->hour[a->hour];
    if (e < (double)a->floor_micros)
        return 0;
    if (ladder->market.auction == QBID_AUCTION_SECOND_PRICE)
        return e;
    double bid = is_told(rung, QBID_SIM_LADDER_PRICES)
                     ? qbid_sim_prices_shade(&hour->prices, (double)a->place_lg, e)
                     : (double)qbid_shade_eval(
                           &hour->shade[a->segment < hour->shade_cnt ? a->segment : 0], (float)e);
    return fmax(bid, (double)a->floor_micros);
}

struct sums {
    double spend, value; /* nanos, by campaign */
};

static void day_play(const struct qbid_sim_ladder *ladder, unsigned rung, const double *level,
                     struct sums sum[QBID_SIM_CAMPAIGNS_MAX])
{
    bool first = ladder->market.auction == QBID_AUCTION_FIRST_PRICE;
    memset(sum, 0, QBID_SIM_CAMPAIGNS_MAX * sizeof *sum);
    for (uint32_t i = 0; i < ladder->cnt; i++) {
        const struct auction *a = &ladder->auction[i];
        const struct offer *offer = offer_of(ladder, i, rung);
        uint32_t best = 0;
        double most = 0;
        for (uint32_t c = 0; c < ladder->market.campaigns; c++) {
            double e = level[c] * (double)offer[c].known;
            if (e > most) {
                most = e;
                best = c;
            }
        }
        double bid = most > 0 ? price_of(ladder, a, rung, most) : 0;
        if (bid <= 0 || bid < (double)a->least_micros)
            continue;
        sum[best].spend += first ? bid : (double)a->least_micros;
        sum[best].value += (double)offer[best].worth;
    }
}

/* Secant steps on logarithms, as the arena's levels are found. */
static double rung_climb(const struct qbid_sim_ladder *ladder, unsigned rung)
{
    uint32_t cnt = ladder->market.campaigns;
    double level[QBID_SIM_CAMPAIGNS_MAX], last_lg[QBID_SIM_CAMPAIGNS_MAX],
        last_error[QBID_SIM_CAMPAIGNS_MAX], value = 0;
    struct sums sum[QBID_SIM_CAMPAIGNS_MAX];
    for (uint32_t c = 0; c < cnt; c++)
        level[c] = 0.5;
    for (unsigned n = 0; n < SEARCH_MAX; n++) {
        double worst = 0;
        value = 0;
        day_play(ladder, rung, level, sum);
        for (uint32_t c = 0; c < cnt; c++) {
            double error = log2((double)ladder->budget_nanos[c] / fmax(sum[c].spend, 1));
            double lg = log2(level[c]), slope = -1.2;
            if (n > 0 && fabs(lg - last_lg[c]) > 1e-9)
                slope = fmin(fmax((error - last_error[c]) / (lg - last_lg[c]), -4), -0.2);
            last_lg[c] = lg;
            last_error[c] = error;
            worst = fmax(worst, fabs(error));
            level[c] = exp2(lg + fmin(fmax(-error / slope, -1.5), 1.5));
            value += sum[c].value;
        }
        if (worst < SEARCH_NEAR)
            break;
    }
    return value;
}

int qbid_sim_ladder_climb(const struct qbid_sim_ladder *ladder,
                          double ret_value_nanos[QBID_SIM_LADDER_RUNGS])
{
    if (ladder->cnt == 0)
        return QBID_ERR_INVAL;
    for (unsigned rung = 0; rung < RUNGS; rung++)
        ret_value_nanos[rung] = rung_climb(ladder, rung);
    return 0;
}
