/* SPDX-License-Identifier: Apache-2.0 */
/* A market whose rates are told, and its days. */
#include "tests/control/learn/pacing/strategy_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shm/units.h"

struct qbid_campaign_def *world_campaign(struct world *w)
{
    return &w->f.campaign[0];
}

static void places_draw(struct world *w)
{
    for (uint32_t i = 0; i < CONTEXTS; i++) {
        double shared = rng_normal(&w->r);
        w->place[i] = (struct place){
            .context = learn_context(1 + i % 4, 1 + i / 4 % 4, 1 + i / 16),
            .ctr = fmin(0.08 * exp(0.4 * shared + 0.3 * rng_normal(&w->r)), 0.5),
            .cvr = fmin(0.15 * exp(0.5 * rng_normal(&w->r)), 0.8),
            .price_micros = 2e6 * exp(0.3 * shared),
        };
    }
    for (uint32_t i = 0; i < AUCTIONS * DAYS; i++) {
        uint32_t at = rng_below(&w->r, CONTEXTS);
        w->auction[i] =
            (struct auction){at, (float)(w->place[at].price_micros * exp(0.5 * rng_normal(&w->r)))};
    }
}

static void world_post_as(struct world *w, const struct qbid_line_item_def *li, int kind,
                          const struct auction *a, double bid_micros, int64_t price_nanos,
                          float value, float pace, uint64_t now_ns)
{
    struct qbid_outcome o = learn_outcome(kind, li, w->place[a->place].context, price_nanos);
    o.time_ns = o.bid_time_ns = now_ns;
    o.bid_nanos = (int64_t)bid_micros;
    o.value_micros = value;
    o.pace = pace;
    o.flags = w->first_price ? QBID_EVENT_FIRST_PRICE : 0;
    qbid_learner_post(w->learner, &o, li, world_campaign(w),
                      kind == QBID_EVENT_BILL ? price_nanos : 0);
}

void world_post(struct world *w, int kind, const struct auction *a, double bid_micros,
                int64_t price_nanos, float value, float pace, uint64_t now_ns)
{
    world_post_as(w, &w->f.line_item[0], kind, a, bid_micros, price_nanos, value, pace, now_ns);
}

float world_pace(struct world *w, int64_t now_s)
{
    struct qbid_learner_pace out[1];
    struct qbid_learner_money money = {w->day_spent_nanos + world_campaign(w)->budget_nanos,
                                       w->spent_nanos, 0};
    int n = qbid_learner_pace(w->learner, &w->f.account, &money, (uint64_t)now_s * QBID_NS_PER_S,
                              now_s * (int64_t)QBID_NS_PER_S, out);
    assert_int_equal(n, 1);
    assert_true(isfinite(out[0].pace) && out[0].pace >= 0 && out[0].pace <= 64.001f);
    double product = 1;
    for (unsigned i = 0; i < QBID_PACE_TERM_CNT; i++)
        product *= (double)out[0].terms.factor[i];
    assert_true(fabs(product - (double)out[0].pace) <= 1e-5 * (double)out[0].pace);
    return out[0].pace;
}

void world_teach(struct world *w, int day)
{
    const int trials = 4000;
    struct qbid_line_item_def li = w->f.line_item[0];
    li.campaign_id = TEACHER;
    uint64_t now_ns = (uint64_t)(BEGIN_S + day * DAY_S) * QBID_NS_PER_S;
    if (day == 0)
        (void)world_pace(w,
                         BEGIN_S); /* what comes now is of then; later days: of the day that ends */
    for (uint32_t i = 0; i < CONTEXTS; i++) {
        struct auction a = {i, 0};
        int clicks = (int)lround(trials * w->place[i].ctr);
        int convs = (int)lround(clicks * w->place[i].cvr);
        for (int k = 0; k < trials; k++) {
            world_post_as(w, &li, QBID_EVENT_IMP, &a, 1, 0, 0, 0, now_ns);
            if (k < clicks)
                world_post_as(w, &li, QBID_EVENT_CLICK, &a, 1, 0, 0, 0, now_ns);
            if (k < convs)
                world_post_as(w, &li, QBID_EVENT_CONV, &a, 1, ORDER_NANOS, 0, 0, now_ns);
        }
    }
}

struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    struct qbid_learner_params params = {
        .level_mask = {qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_DEVICE) |
                           qbid_dim_mask(QBID_DIM_SITE),
                       qbid_dim_mask(QBID_DIM_EXCHANGE)},
        .segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
        .cell_max = 1000,
        .context_max = 1000,
        .sample_max = 600,
        .rotation_floor = 0.02,
        .pace_min = 1.0 / 64,
        .pace_max = 64,
        .pace_period_ns = PERIOD_S * QBID_NS_PER_S,
        .step_log2_max = 0.3,
    };
    w->r = rng_init(seed);
    w->click_lift = w->conv_lift = 1;
    learn_fixture_init(&w->f);
    w->f.account.campaign_cnt = 1;
    w->f.account.line_item_cnt = 1;
    w->f.account.creative_cnt = 1;
    w->f.account.line_item_max = 1;
    w->f.line_item[0].ceiling_micros = 20000000;
    w->f.line_item[0].order_value_micros = ORDER_NANOS / 1000;
    w->f.line_item[0].prior_ctr = 0.08;
    w->f.line_item[0].prior_cvr = 0.15;
    world_campaign(w)->period = QBID_BUDGET_DAILY;
    world_campaign(w)->start_unix_s = BEGIN_S;
    world_campaign(w)->end_unix_s = BEGIN_S + DAYS * DAY_S;
    places_draw(w);
    assert_int_equal(qbid_learner_new(&params, &w->learner), 0);
    assert_int_equal(qbid_dictionary_new(&w->dictionary), 0);
    return w;
}

void world_free(struct world *w)
{
    qbid_learner_free(w->learner);
    qbid_dictionary_free(w->dictionary);
    free(w->late);
    free(w);
}

void world_plan(struct world *w)
{
    struct qbid_plan plan;
    assert_int_equal(qbid_learner_plan(w->learner, &w->f.account, w->dictionary, &plan), 0);
    qbid_plan_done(&plan);
}

double world_lift(const struct world *w, int64_t now_s)
{
    double turn = 6.283185307179586 * (double)(now_s % DAY_S) / DAY_S;
    return w->click_lift * (1 + w->swing * sin(turn));
}

static void late_add(struct world *w, struct late late)
{
    if (w->late_cnt == w->late_max) {
        w->late_max = w->late_max ? 2 * w->late_max : 1024;
        w->late = realloc(w->late, w->late_max * sizeof *w->late);
        assert_non_null(w->late);
    }
    w->late[w->late_cnt++] = late;
}

static void conversion(struct world *w, const struct auction *a, uint64_t now_ns, struct won *won)
{
    double noise = exp(w->order_sd * rng_normal(&w->r) - 0.5 * w->order_sd * w->order_sd);
    struct late late = {.due_s = (int64_t)(now_ns / QBID_NS_PER_S),
                        .bid_ns = now_ns,
                        .place = a->place,
                        .value_nanos = (int64_t)(ORDER_NANOS * (w->order_sd > 0 ? noise : 1))};
    if (w->delay_s > 0)
        late.due_s += (int64_t)(-w->delay_s * log(1 - rng_uniform(&w->r)));
    won->convs_seen++;
    won->revenue_seen += (double)late.value_nanos / 1e9;
    late_add(w, late);
}

/* Conversions whose time has come. */
static void late_post(struct world *w, int64_t now_s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->late_cnt; i++) {
        const struct late *l = &w->late[i];
        if (l->due_s > now_s) {
            w->late[kept++] = *l;
            continue;
        }
        struct qbid_outcome o = learn_outcome(QBID_EVENT_CONV, &w->f.line_item[0],
                                              w->place[l->place].context, l->value_nanos);
        o.bid_time_ns = l->bid_ns;
        o.time_ns = (uint64_t)l->due_s * QBID_NS_PER_S;
        qbid_learner_post(w->learner, &o, &w->f.line_item[0], world_campaign(w), 0);
    }
    w->late_cnt = kept;
}

void world_bid(struct world *w, const struct auction *a, float paced, uint64_t now_ns,
               struct won *won)
{
    const struct place *p = &w->place[a->place];
    double value = qbid_values_impression(&w->learner->values, 0, p->context, 0);
    double e = value * (double)paced, offer = e;
    if (w->first_price)
        offer = (double)qbid_shade_eval(&w->learner->shade, (float)e);
    offer = floor(fmin(offer, (double)w->f.line_item[0].ceiling_micros));
    int64_t reserved = (int64_t)offer; /* CPM micros are nanos an impression */
    if (offer <= 0 ||
        w->spent_nanos - w->day_spent_nanos + reserved > world_campaign(w)->budget_nanos)
        return;
    int64_t price = w->first_price ? reserved : (int64_t)a->price_micros;
    world_post(w, QBID_EVENT_BID, a, offer, 0, (float)value, paced, now_ns);
    if (offer < (double)a->price_micros) {
        world_post(w, QBID_EVENT_LOSS, a, offer, (int64_t)a->price_micros, (float)value, paced,
                   now_ns);
        return;
    }
    w->spent_nanos += price;
    won->spend += (double)price / 1e9;
    double ctr = p->ctr * world_lift(w, (int64_t)(now_ns / QBID_NS_PER_S));
    double cvr = p->cvr * w->conv_lift;
    won->clicks += ctr;
    won->convs += ctr * cvr;
    world_post(w, QBID_EVENT_WIN, a, offer, price, (float)value, paced, now_ns);
    world_post(w, QBID_EVENT_BILL, a, offer, price, (float)value, paced, now_ns);
    world_post(w, QBID_EVENT_IMP, a, offer, 0, (float)value, paced, now_ns);
    if (rng_uniform(&w->r) < ctr) {
        world_post(w, QBID_EVENT_CLICK, a, offer, 0, (float)value, paced, now_ns);
        won->clicks_seen++;
        if (rng_uniform(&w->r) < cvr)
            conversion(w, a, now_ns, won);
    }
}

struct won world_day(struct world *w, int day)
{
    struct won won = {0};
    const int periods = DAY_S / PERIOD_S;
    w->day_spent_nanos = w->spent_nanos;
    world_teach(w, day);
    for (int k = 0; k < periods; k++) {
        int64_t now_s = BEGIN_S + day * DAY_S + k * PERIOD_S;
        if (k % LEARN_PERIODS == 0)
            world_plan(w);
        late_post(w, now_s);
        float paced = world_pace(w, now_s);
        int from = day * AUCTIONS + (int)((int64_t)AUCTIONS * k / periods);
        int to = day * AUCTIONS + (int)((int64_t)AUCTIONS * (k + 1) / periods);
        for (int i = from; i < to; i++)
            world_bid(w, &w->auction[i], paced, (uint64_t)now_s * QBID_NS_PER_S, &won);
    }
    assert_true(w->spent_nanos - w->day_spent_nanos <= world_campaign(w)->budget_nanos);
    return won;
}
