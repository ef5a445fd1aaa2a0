/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: ticks, notices and auctions in order of time. */
#include "tools/sim/market/world.h"

#include <math.h>
#include <string.h>

#include "shm/error.h"
#include "shm/event.h"
#include "shm/units.h"

#define DAY_NS (UINT64_C(86400) * QBID_NS_PER_S)
#define SLICE_NS (DAY_NS / QBID_SIM_SLICES)
#define TICK_NS QBID_NS_PER_S
#define CLICK_S 30.0
#define LATE_S 120.0 /* longer than notices are accepted */

struct world {
    const struct qbid_sim_world_params *p;
    const struct qbid_sim_strategy *strategy;
    void *self;
    struct qbid_sim_brief brief;
    struct qbid_sim_traffic traffic;
    struct qbid_sim_competitors competitors;
    struct qbid_sim_exposures exposures;
    struct qbid_sim_calendar calendar;
    struct qbid_sim_random
        r; /* of notices: drawn for won bids alone, so not shared by strategies */
    struct qbid_sim_result *result;
};

static bool judged(const struct world *w, uint64_t time_ns)
{
    return time_ns / DAY_NS == w->p->judged_day;
}

static int notice_add(struct world *w, const struct qbid_sim_bid *bid, uint8_t kind, double after_s,
                      int64_t price_nanos)
{
    const struct qbid_sim_notices *n = &w->p->notices;
    bool certain = kind == QBID_EVENT_BILL || kind == QBID_EVENT_CONV;
    if (!certain && qbid_sim_chance(&w->r, n->lost))
        return 0;
    double wait_s = after_s + n->delay_s * qbid_sim_wait(&w->r);
    if (!certain && qbid_sim_chance(&w->r, n->late))
        wait_s += LATE_S;
    struct qbid_sim_notice notice = {.due_ns = bid->time_ns + (uint64_t)(wait_s * 1e9) + 1,
                                     .bid = *bid,
                                     .price_nanos = price_nanos,
                                     .kind = kind};
    int err = qbid_sim_calendar_add(&w->calendar, &notice);
    if (!err && qbid_sim_chance(&w->r, n->twice)) {
        notice.due_ns += (uint64_t)(n->delay_s * 10e9 * qbid_sim_wait(&w->r));
        err = qbid_sim_calendar_add(&w->calendar, &notice);
    }
    return err;
}

static int lose(struct world *w, const struct qbid_sim_bid *bid, float least_micros)
{
    enum qbid_sim_feedback feedback = w->p->market->params.feedback;
    if (feedback == QBID_SIM_NONE)
        return 0;
    return notice_add(w, bid, QBID_EVENT_LOSS, 0,
                      feedback == QBID_SIM_FULL ? (int64_t)ceilf(least_micros) : 0);
}

/* What the impression comes to: to the sums at once, to the strategy when its notices come. */
static int win(struct world *w, const struct qbid_sim_auction *a, const struct qbid_sim_bid *bid,
               int64_t price_nanos)
{
    const struct qbid_sim_market *m = w->p->market;
    uint32_t c = m->line_item[bid->line_item].campaign;
    float seen = qbid_sim_exposures_load(&w->exposures, a->user, c, a->time_ns);
    struct qbid_sim_rates rates = qbid_sim_market_rates(m, bid->line_item, bid->creative, a,
                                                        w->p->audience->user[a->user].cvr_lg, seen);
    qbid_sim_exposures_add(&w->exposures, a->user, c, a->time_ns);
    bool click = (double)a->click < rates.ctr, convert = click && (double)a->convert < rates.cvr;
    double revenue = rates.order_micros * 1000 * (double)exp2f(a->order_lg);
    if (judged(w, a->time_ns)) {
        struct qbid_sim_campaign_sums *sums = &w->result->campaign[c];
        uint64_t slice = a->time_ns % DAY_NS / SLICE_NS;
        sums->wins++;
        sums->spend_nanos += price_nanos;
        sums->value_nanos += rates.value_nanos;
        sums->conversions_expected += rates.ctr * rates.cvr;
        sums->clicks += click;
        sums->conversions += convert;
        sums->revenue_nanos += convert ? revenue : 0;
        w->result->spend_by[slice] += (double)price_nanos;
        w->result->value_by[slice] += rates.value_nanos;
    }
    int err = notice_add(w, bid, QBID_EVENT_WIN, 0, price_nanos);
    if (!err)
        err = notice_add(w, bid, QBID_EVENT_BILL, 0.2, price_nanos);
    if (!err)
        err = notice_add(w, bid, QBID_EVENT_IMP, 0.5, 0);
    double clicked_s = 1 + CLICK_S * (double)a->click_wait;
    if (!err && click)
        err = notice_add(w, bid, QBID_EVENT_CLICK, clicked_s, 0);
    if (!err && convert)
        err = notice_add(w, bid, QBID_EVENT_CONV,
                         clicked_s + m->params.delay_s * (double)a->conversion_wait,
                         (int64_t)revenue);
    return err;
}

static int auction_run(struct world *w, const struct qbid_sim_auction *a)
{
    enum qbid_auction kind = w->p->market->params.auction;
    float rivals[QBID_SIM_RIVALS];
    float least = qbid_sim_competitors_bid(&w->competitors, a, rivals);
    struct qbid_sim_bid bid = {.time_ns = a->time_ns, .auction = a->id};
    memcpy(bid.value, a->value, sizeof bid.value);
    if (w->p->ladder && judged(w, a->time_ns)) {
        int err = qbid_sim_ladder_watch(w->p->ladder, w->self, &w->brief, a, least);
        if (err)
            return err;
    }
    bool made = w->strategy->bid(w->self, a, &bid) && bid.bid_micros > 0;
    bool won = made && (double)bid.bid_micros >= (double)least;
    qbid_sim_competitors_learn(&w->competitors, a, kind, rivals, won ? (float)bid.bid_micros : 0);
    if (judged(w, a->time_ns)) {
        w->result->auctions++;
        w->result->auctions_by[a->time_ns % DAY_NS / SLICE_NS]++;
        if (made)
            w->result->campaign[w->p->market->line_item[bid.line_item].campaign].bids++;
    }
    if (!made)
        return 0;
    int64_t price = kind == QBID_AUCTION_FIRST_PRICE ? bid.bid_micros : (int64_t)ceilf(least);
    return won ? win(w, a, &bid, price < bid.bid_micros ? price : bid.bid_micros)
               : lose(w, &bid, least);
}

/* Everything that happens before `until_ns`. */
static int time_pass(struct world *w, uint64_t *tick_ns, uint64_t until_ns)
{
    int err = 0;
    while (!err) {
        uint64_t due_ns = qbid_sim_calendar_next(&w->calendar);
        if (due_ns < *tick_ns && due_ns < until_ns) {
            struct qbid_sim_notice notice = qbid_sim_calendar_take(&w->calendar);
            w->strategy->hear(w->self, &notice, (uint32_t)(notice.number % 1024));
        } else if (*tick_ns < until_ns) {
            err = w->strategy->tick(w->self, *tick_ns);
            *tick_ns += TICK_NS;
        } else {
            break;
        }
    }
    return err;
}

static void sums_close(struct qbid_sim_result *r)
{
    for (unsigned i = 1; i < QBID_SIM_SLICES; i++) {
        r->spend_by[i] += r->spend_by[i - 1];
        r->value_by[i] += r->value_by[i - 1];
        r->auctions_by[i] += r->auctions_by[i - 1];
    }
}

static int days_run(struct world *w)
{
    uint64_t end_ns = ((uint64_t)w->p->judged_day + 1) * DAY_NS;
    uint64_t tick_ns = w->p->first_day * DAY_NS;
    struct qbid_sim_auction a = {0};
    int err = 0;
    for (qbid_sim_traffic_next(&w->traffic, &a); a.time_ns < end_ns && !err;
         qbid_sim_traffic_next(&w->traffic, &a)) {
        if (a.time_ns < w->p->first_day * DAY_NS)
            continue;
        err = time_pass(w, &tick_ns, a.time_ns);
        if (!err)
            err = auction_run(w, &a);
    }
    return err ? err : time_pass(w, &tick_ns, end_ns);
}

int qbid_sim_world_run(const struct qbid_sim_world_params *params,
                       const struct qbid_sim_strategy *strategy, struct qbid_sim_result *ret_result)
{
    const struct qbid_sim_market *m = params->market;
    struct qbid_sim_result result = {0};
    struct world w = {.p = params,
                      .strategy = strategy,
                      .r = qbid_sim_random_of(m->params.seed, 5),
                      .result = &result};
    int err = qbid_sim_exposures_init(&w.exposures, m->params.users, m->params.campaigns);
    if (err)
        return err;
    w.brief = (struct qbid_sim_brief){.market = m,
                                      .audience = params->audience,
                                      .exposures = &w.exposures,
                                      .competitors = &w.competitors,
                                      .days = params->judged_day + 1,
                                      .seed = m->params.seed};
    memcpy(w.brief.task, params->task, sizeof w.brief.task);
    memcpy(w.brief.level, params->level, sizeof w.brief.level);
    for (uint32_t c = 0; c < m->params.campaigns; c++)
        result.campaign[c].budget_nanos = params->task[c].budget_nanos;
    if (params->from)
        w.traffic = *params->from;
    else
        qbid_sim_traffic_init(&w.traffic, m, params->audience);
    qbid_sim_competitors_init(&w.competitors, m);
    err = strategy->begin(&w.brief, &w.self);
    if (!err) {
        err = days_run(&w);
        result.faults = strategy->faults ? strategy->faults(w.self) : 0;
        strategy->end(w.self);
    }
    qbid_sim_calendar_done(&w.calendar);
    qbid_sim_exposures_done(&w.exposures);
    sums_close(&result);
    if (!err)
        *ret_result = result;
    return err;
}
