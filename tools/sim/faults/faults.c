/* SPDX-License-Identifier: Apache-2.0 */
/* One run, step by step: 10 ms each. */
#include "tools/sim/faults/faults.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/sim/market/competitor.h"
#include "tools/sim/stages/stages.h"
#include "tools/sim/market/traffic.h"

#define STEP_NS (10 * QBID_NS_PER_MS)
#define TTL_NS (2000 * QBID_NS_PER_MS)
#define BIDS_MAX 8192
#define LIVES_MAX 16 /* of qbidd: a page of its own each */
#define PAGES_MAX 64
#define CAMPAIGNS 2

struct run {
    const struct qbid_sim_faults_params *p;
    struct qbid_sim_market *market;
    struct qbid_sim_audience audience;
    struct qbid_sim_traffic traffic;
    struct qbid_sim_competitors competitors;
    struct qbid_sim_portfolio portfolio;
    struct qbid_sim_stages *stages;
    struct qbid_sim_calendar calendar;
    struct qbid_sim_random r;
    struct qbid_sim_faults_result *result;
    uint8_t accepted[BIDS_MAX]; /* bills, by number of the bid */
    uint64_t now_ns, live_ns, learn_ns, up_ns, store_ns;
    uint64_t adopt_ns[QBID_SIM_WORKERS_MAX], revive_ns[QBID_SIM_WORKERS_MAX]; /* 0 = not waiting */
    uint32_t workers, lives, pages;
};

static bool chance(struct run *w, double p)
{
    return qbid_sim_chance(&w->r, p);
}

static uint64_t wait_ns(struct run *w, double most_s)
{
    return (uint64_t)(qbid_sim_unit(&w->r) * most_s * 1e9);
}

static int notice_add(struct run *w, const struct qbid_sim_bid *bid, uint8_t kind,
                      int64_t price_nanos)
{
    if (chance(w, 0.1)) {
        w->result->lost++;
        return 0;
    }
    uint32_t copies = chance(w, 0.2) ? 2 + qbid_sim_below(&w->r, 3) : 1;
    w->result->repeated += copies - 1;
    int err = 0;
    for (uint32_t i = 0; i < copies && !err; i++) {
        double most_s = chance(w, 0.5) ? 0.1 : 2.6; /* 2 s is the age that is still accepted */
        struct qbid_sim_notice notice = {.due_ns = bid->time_ns + 1 + wait_ns(w, most_s),
                                         .bid = *bid,
                                         .price_nanos = price_nanos,
                                         .kind = kind};
        err = qbid_sim_calendar_add(&w->calendar, &notice);
    }
    return err;
}

static int auction_run(struct run *w, const struct qbid_sim_auction *a)
{
    struct qbid_decision d;
    float rivals[QBID_SIM_RIVALS];
    uint32_t worker = qbid_sim_below(&w->r, w->workers);
    const struct qbid_request *request = qbid_sim_portfolio_request(&w->portfolio, a);
    w->result->auctions++;
    if (w->result->bids == BIDS_MAX ||
        qbid_sim_stages_decide(w->stages, worker, request, a->time_ns, &d) != QBID_NOBID_NONE)
        return 0;
    struct qbid_sim_bid bid = {.bid_micros = d.bid_micros,
                               .time_ns = a->time_ns,
                               .nonce = d.nonce,
                               .context = d.context,
                               .auction = w->result->bids++,
                               .gen = (uint32_t)d.gen,
                               .line_item = d.line_item_idx,
                               .creative_id = d.creative_id};
    float least = qbid_sim_competitors_bid(&w->competitors, a, rivals);
    bool won = (double)d.bid_micros >= (double)least || chance(w, 0.3);
    if (!won)
        return notice_add(w, &bid, QBID_EVENT_LOSS, chance(w, 0.5) ? (int64_t)ceilf(least) : 0);
    int64_t price = chance(w, 0.3) ? d.bid_micros : (int64_t)least;
    price = price < d.bid_micros ? price : d.bid_micros;
    int err = notice_add(w, &bid, QBID_EVENT_WIN, price);
    if (!err)
        err = notice_add(w, &bid, QBID_EVENT_BILL, price);
    return err || !chance(w, 0.1) ? err : notice_add(w, &bid, QBID_EVENT_CLICK, 0);
}

/* A bill counts when a worker has accepted it: what the exchange may charge. */
static void notice_run(struct run *w, const struct qbid_sim_notice *n)
{
    struct qbid_event event = qbid_sim_stages_event(n);
    uint32_t c = w->market->line_item[n->bid.line_item].campaign;
    if (!qbid_sim_stages_notice(w->stages, qbid_sim_below(&w->r, w->workers), &event)) {
        w->result->late++;
        return;
    }
    if (n->kind != QBID_EVENT_BILL || w->accepted[n->bid.auction])
        return;
    w->accepted[n->bid.auction] = 1;
    w->result->bills++;
    w->result->billed_nanos[c] += n->price_nanos;
    int64_t over = w->result->billed_nanos[c] - w->result->budget_nanos[c];
    w->result->over_nanos = over > w->result->over_nanos ? over : w->result->over_nanos;
}

static void daemon_kill(struct run *w)
{
    w->result->broken += qbid_sim_stages_broken(w->stages) ? 1 : 0;
    qbid_sim_stages_kill(w->stages);
    if (w->p->forgetful)
        qbid_sim_stages_forget_money(w->stages);
    w->result->kills++;
    w->up_ns = w->now_ns + wait_ns(w, 1.2);
}

static int daemon_start(struct run *w)
{
    int err = qbid_sim_stages_start(w->stages, w->now_ns);
    w->lives++;
    w->live_ns = w->now_ns;
    for (uint32_t i = 0; i < w->workers; i++)
        w->adopt_ns[i] = w->now_ns + 1 + wait_ns(w, 0.8);
    return err;
}

/* qbidd may die anywhere, but not while it holds the last copy of a dead worker's ring. */
static void daemon_tick(struct run *w)
{
    bool may_die = w->lives < LIVES_MAX && !qbid_sim_stages_owes(w->stages);
    if (w->now_ns >= w->store_ns && chance(w, 0.01))
        w->store_ns = w->now_ns + wait_ns(w, chance(w, 0.2) ? 5 : 0.3);
    bool refuses = w->now_ns < w->store_ns;
    w->result->refused += refuses;
    qbid_sim_stages_store_refuses(w->stages, refuses);
    if (may_die && chance(w, 0.04))
        qbid_sim_stages_crash_at(w->stages,
                                 (enum qbid_sim_crash_point)(1 + qbid_sim_below(&w->r, 3)));
    qbid_sim_stages_ingest(w->stages, w->now_ns);
    if (!qbid_sim_stages_crashed(w->stages) && !(may_die && chance(w, 0.003)))
        qbid_sim_stages_live(w->stages, w->now_ns);
    if (chance(w, 0.05))
        qbid_sim_stages_persist(w->stages);
    if (qbid_sim_stages_crashed(w->stages) ||
        (w->lives < LIVES_MAX && !qbid_sim_stages_owes(w->stages) && chance(w, 0.01)))
        daemon_kill(w);
    w->live_ns = w->now_ns + 100 * QBID_NS_PER_MS + wait_ns(w, 0.1);
    if (chance(w, 0.01))
        w->live_ns += wait_ns(w, 4); /* it stands still */
}

static int worker_step(struct run *w, uint32_t i)
{
    bool daemon = qbid_sim_stages_up(w->stages);
    int err = 0;
    if (daemon && w->adopt_ns[i] && w->now_ns >= w->adopt_ns[i]) {
        qbid_sim_stages_adopt(w->stages, i);
        w->adopt_ns[i] = 0;
    }
    if (qbid_sim_stages_worker_up(w->stages, i)) {
        if (daemon && w->pages < PAGES_MAX && chance(w, 0.0008)) {
            qbid_sim_stages_worker_kill(w->stages, i);
            w->result->worker_kills++;
            w->revive_ns[i] = w->now_ns + 1 + wait_ns(w, 1);
        }
    } else if (w->now_ns >= w->revive_ns[i]) {
        err = qbid_sim_stages_worker_start(w->stages, i, w->now_ns);
        if (err == QBID_ERR_BUSY)
            return 0; /* its ring is not drained yet */
        w->pages++;
        w->adopt_ns[i] = w->now_ns + 1 + wait_ns(w, 0.3);
    }
    return err;
}

static int steps_run(struct run *w)
{
    struct qbid_sim_auction a = {0};
    uint64_t end_ns = w->p->seconds * QBID_NS_PER_S;
    qbid_sim_traffic_next(&w->traffic, &a);
    int err = 0;
    for (w->now_ns = 0; w->now_ns < end_ns && !err; w->now_ns += STEP_NS) {
        while (qbid_sim_calendar_next(&w->calendar) <= w->now_ns) {
            struct qbid_sim_notice n = qbid_sim_calendar_take(&w->calendar);
            notice_run(w, &n);
        }
        if (qbid_sim_stages_up(w->stages) && w->now_ns >= w->live_ns)
            daemon_tick(w);
        else if (!qbid_sim_stages_up(w->stages) && w->now_ns >= w->up_ns)
            err = daemon_start(w);
        for (uint32_t i = 0; i < w->workers && !err; i++)
            err = worker_step(w, i);
        for (; a.time_ns <= w->now_ns && !err; qbid_sim_traffic_next(&w->traffic, &a))
            err = auction_run(w, &a);
    }
    return err;
}

static void result_close(struct run *w)
{
    const struct qbid_ledger *ledger = qbid_sim_stages_ledger(w->stages);
    w->result->broken += qbid_sim_stages_broken(w->stages);
    for (uint32_t c = 0; c < CAMPAIGNS; c++) {
        int64_t budget = w->result->budget_nanos[c];
        w->result->spent_nanos[c] = ledger ? qbid_ledger_spent(ledger, c) : -1;
        w->result->exhausted += w->result->billed_nanos[c] > budget - budget / 10;
    }
}

static int run_begin(struct run *w)
{
    double profile[QBID_SIM_HOURS];
    struct qbid_sim_task task[QBID_SIM_CAMPAIGNS_MAX] = {0};
    for (unsigned h = 0; h < QBID_SIM_HOURS; h++)
        profile[h] = 1;
    struct qbid_sim_market_params params = qbid_sim_market_defaults();
    params.seed = w->p->seed;
    params.auctions_a_day = 86400 * 100;
    params.users = 100;
    params.campaigns = CAMPAIGNS;
    params.line_items = 2;
    params.profile = profile;
    int err = qbid_sim_market_init(w->market, &params);
    if (!err)
        err = qbid_sim_audience_init(&w->audience, &params);
    if (err)
        return err;
    qbid_sim_traffic_init(&w->traffic, w->market, &w->audience);
    qbid_sim_competitors_init(&w->competitors, w->market);
    for (uint32_t c = 0; c < CAMPAIGNS; c++) {
        double bids = 20 + 100 * qbid_sim_unit(&w->r);
        task[c] = (struct qbid_sim_task){.budget_nanos = (int64_t)(bids * w->market->price_micros),
                                         .goal = QBID_GOAL_MAX_VALUE,
                                         .pacing = QBID_PACING_ASAP};
        w->result->budget_nanos[c] = task[c].budget_nanos;
    }
    err = qbid_sim_portfolio_init(&w->portfolio, w->market, task, 1);
    struct qbid_sim_stages_params stages = qbid_sim_stages_defaults(&w->portfolio);
    stages.workers = w->workers = 1 + qbid_sim_below(&w->r, 4);
    stages.learner.cell_max = stages.learner.context_max = 4096;
    stages.ring_lg = 12;
    stages.notice_ttl_ns = TTL_NS;
    stages.lease_ns = 500 * QBID_NS_PER_MS;
    stages.bucket_ns = 250 * QBID_NS_PER_MS;
    stages.grace_ns = 300 * QBID_NS_PER_MS;
    stages.grant_nanos_min = (int64_t)(8 * w->market->price_micros);
    stages.bids_max = 4096;
    w->lives = 1;
    return err ? err : qbid_sim_stages_new(&stages, 0, &w->stages);
}

int qbid_sim_faults_run(const struct qbid_sim_faults_params *params,
                        struct qbid_sim_faults_result *ret_result)
{
    struct run *w = calloc(1, sizeof *w);
    struct qbid_sim_market *market = calloc(1, sizeof *market);
    int err = w && market ? 0 : QBID_ERR_NOMEM;
    if (!err) {
        *ret_result = (struct qbid_sim_faults_result){.over_nanos = INT64_MIN};
        w->p = params;
        w->market = market;
        w->result = ret_result;
        w->r = qbid_sim_random_of(params->seed, 7);
        err = run_begin(w);
        if (!err)
            err = steps_run(w);
        if (w->stages)
            result_close(w);
        qbid_sim_stages_free(w->stages);
        qbid_sim_portfolio_done(&w->portfolio);
        qbid_sim_audience_done(&w->audience);
        qbid_sim_calendar_done(&w->calendar);
    }
    free(market);
    free(w);
    return err;
}
