/* SPDX-License-Identifier: Apache-2.0 */
/* qbid: the real stages, an operator's account, nothing else. */
#include <stdlib.h>

#include "shm/error.h"
#include "shm/event.h"
#include "shm/units.h"
#include "tools/sim/stages/stages.h"
#include "tools/sim/strategy/strategy.h"

#define HOUR_S 3600
/* Past the hour: it knows by its traffic then which one it is, and follows in steps. */
#define LEARN_FIRST_S 120
#define LEARN_AGAIN_S 300
#define LIVE_S 2

struct real {
    struct qbid_sim_portfolio portfolio;
    struct qbid_sim_stages *stages;
    uint32_t workers;
    uint64_t learn_s; /* next */
};

static void end(void *self)
{
    struct real *s = self;
    qbid_sim_stages_free(s->stages);
    qbid_sim_portfolio_done(&s->portfolio);
    free(s);
}

static int begin_as(const struct qbid_sim_brief *brief, enum qbid_pacing_mode pacing,
                    void **ret_self)
{
    struct qbid_sim_task task[QBID_SIM_CAMPAIGNS_MAX];
    struct real *s = calloc(1, sizeof *s);
    if (!s)
        return QBID_ERR_NOMEM;
    for (uint32_t c = 0; c < brief->market->params.campaigns; c++) {
        task[c] = brief->task[c];
        task[c].pacing = pacing;
    }
    int err = qbid_sim_portfolio_init(&s->portfolio, brief->market, task, brief->days);
    if (!err) {
        struct qbid_sim_stages_params params = qbid_sim_stages_defaults(&s->portfolio);
        params.seed = brief->seed;
        s->workers = params.workers;
        err = qbid_sim_stages_new(&params, 0, &s->stages);
    }
    if (err)
        end(s);
    else
        *ret_self = s;
    return err;
}

static int begin(const struct qbid_sim_brief *brief, void **ret_self)
{
    return begin_as(brief, QBID_PACING_EVEN, ret_self);
}

static int begin_asap(const struct qbid_sim_brief *brief, void **ret_self)
{
    return begin_as(brief, QBID_PACING_ASAP, ret_self);
}

struct qbid_sim_stages *qbid_sim_qbid_stages(const void *self)
{
    return ((const struct real *)self)->stages;
}

static bool bid(void *self, const struct qbid_sim_auction *a, struct qbid_sim_bid *ret_bid)
{
    struct real *s = self;
    struct qbid_decision d;
    const struct qbid_request *request = qbid_sim_portfolio_request(&s->portfolio, a);
    uint32_t worker = (uint32_t)(a->id % s->workers);
    if (qbid_sim_stages_decide(s->stages, worker, request, a->time_ns, &d) != QBID_NOBID_NONE)
        return false;
    ret_bid->bid_micros = d.bid_micros;
    ret_bid->nonce = d.nonce;
    ret_bid->context = d.context;
    ret_bid->value_micros = d.value_micros;
    ret_bid->gen = (uint32_t)d.gen;
    ret_bid->line_item = d.line_item_idx;
    ret_bid->creative = qbid_sim_creative_design(d.creative_id);
    ret_bid->creative_id = d.creative_id;
    ret_bid->worker = (uint16_t)worker;
    ret_bid->flags = d.auction == QBID_AUCTION_FIRST_PRICE ? QBID_EVENT_FIRST_PRICE : 0;
    return true;
}

static void hear(void *self, const struct qbid_sim_notice *notice, uint32_t worker)
{
    struct real *s = self;
    struct qbid_event event = qbid_sim_stages_event(notice);
    (void)qbid_sim_stages_notice(s->stages, worker % s->workers, &event);
}

static int tick(void *self, uint64_t now_ns)
{
    struct real *s = self;
    uint64_t now_s = now_ns / QBID_NS_PER_S;
    qbid_sim_stages_ingest(s->stages, now_ns);
    if (now_s % LIVE_S == 0)
        qbid_sim_stages_live(s->stages, now_ns);
    if (now_s < s->learn_s)
        return 0;
    bool again = now_s % HOUR_S < LEARN_AGAIN_S;
    s->learn_s = now_s / HOUR_S * HOUR_S + (again ? LEARN_AGAIN_S : HOUR_S + LEARN_FIRST_S);
    return qbid_sim_stages_learn(s->stages, now_ns);
}

static uint64_t faults(const void *self)
{
    return qbid_sim_stages_broken(((const struct real *)self)->stages);
}

const struct qbid_sim_strategy qbid_sim_strategy_qbid = {.name = "qbid",
                                                         .text = "the real control and fast path",
                                                         .begin = begin,
                                                         .end = end,
                                                         .bid = bid,
                                                         .hear = hear,
                                                         .tick = tick,
                                                         .faults = faults};

const struct qbid_sim_strategy qbid_sim_strategy_asap = {.name = "asap",
                                                         .text =
                                                             "qbid that spends as fast as it can",
                                                         .begin = begin_asap,
                                                         .end = end,
                                                         .bid = bid,
                                                         .hear = hear,
                                                         .tick = tick,
                                                         .faults = faults};
