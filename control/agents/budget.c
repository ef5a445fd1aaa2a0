/* SPDX-License-Identifier: Apache-2.0 */
/* The budget agent: who is in, what the money should do, and what is proposed. */
#include "control/agents/budget.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/money.h"
#include "control/agents/budget_belief.h"
#include "control/agents/budget_library.h"
#include "control/models/allocate/explore.h"
#include "control/models/allocate/period.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"

#define NAME "budget"
#define DAY_S 86400
#define DRAWS 16
#define EXPLOIT 0.5
#define JUDGED 200    /* draws by which a proposal is judged */
#define UNDERWAY 0.02 /* of a budget: bids without an outcome, bills that come late */
#define SPENDS 0.9    /* of its budget, or more would be no use to a campaign */
#define WIDEN 1.1
#define PERTURB 0.5      /* of the trust region, where exponents are not told yet */
#define RESPONSE_SD 0.05 /* of an exponent that auctions show */
#define NANOS_PER_MICRO 1000

struct qbid_budget_agent {
    struct qbid_budget_agent_params params;
    struct qbid_random random;
    struct qbid_budget_campaign *campaigns; /* by id, ascending */
    uint32_t cnt, max;
    int64_t shapes_day; /* when exponents were last fitted */
};

/* One tenant in one run. */
struct round {
    struct qbid_budget_agent *agent;
    const struct qbid_agent_inputs *inputs;
    struct qbid_budget_campaign **campaigns;
    uint32_t cnt;
    struct qbid_explore_prior prior;
    struct qbid_allocation allocation;
    int64_t *current_micros;
    uint32_t *order;
    double *gain;       /* cnt + 1 rows of JUDGED: of each campaign, then of all */
    double moved_nanos; /* budgets' changes in all, each without its sign */
    bool learning;      /* exponents are not told: budgets were moved at random as well */
    uint64_t group;
};

int qbid_budget_agent_new(const struct qbid_budget_agent_params *params,
                          struct qbid_budget_agent **ret_agent)
{
    if (!(params->trust > 0 && params->trust <= 1) || !(params->change_min >= 0) ||
        !(params->confidence >= 0 && params->confidence <= 1) ||
        !(params->floor >= 0 && params->floor < 1))
        return QBID_ERR_INVAL;
    struct qbid_budget_agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL)
        return QBID_ERR_NOMEM;
    agent->params = *params;
    agent->random = qbid_random_init(params->seed);
    agent->shapes_day = -1;
    *ret_agent = agent;
    return 0;
}

void qbid_budget_agent_free(struct qbid_budget_agent *agent)
{
    if (agent == NULL)
        return;
    free(agent->campaigns);
    free(agent);
}

static bool takes_part(const struct qbid_campaign_def *def, int64_t unix_s)
{
    bool valued = def->goal == QBID_GOAL_MAX_VALUE || def->goal == QBID_GOAL_TARGET_ROAS ||
                  def->goal == QBID_GOAL_MAX_PROFIT || def->goal == QBID_GOAL_MAX_ROAS ||
                  def->goal == QBID_GOAL_MAX_CONVERSIONS || def->goal == QBID_GOAL_TARGET_CPA;
    return def->active && valued && def->period == QBID_BUDGET_DAILY &&
           def->start_unix_s <= unix_s && unix_s < def->end_unix_s;
}

/* Its place, made when it is not there yet. NULL without memory. */
static struct qbid_budget_campaign *campaign_of(struct qbid_budget_agent *agent, uint32_t id)
{
    uint32_t low = 0, high = agent->cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (agent->campaigns[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < agent->cnt && agent->campaigns[low].id == id)
        return &agent->campaigns[low];
    if (agent->cnt == agent->max) {
        uint32_t max = agent->max ? 2 * agent->max : 16;
        void *more = realloc(agent->campaigns, max * sizeof *agent->campaigns);
        if (more == NULL)
            return NULL;
        agent->campaigns = more;
        agent->max = max;
    }
    memmove(agent->campaigns + low + 1, agent->campaigns + low,
            (agent->cnt++ - low) * sizeof *agent->campaigns);
    agent->campaigns[low] = (struct qbid_budget_campaign){.id = id};
    return &agent->campaigns[low];
}

/* A day that left a part of its lowest budget found no more to buy: what it spent is what it can.
 */
static void room_see(struct qbid_budget_campaign *c, int64_t budget_nanos, bool turned)
{
    if (turned) {
        double spent = c->day_cnt ? c->day_spend[c->day_cnt - 1] : 0;
        double had = (double)c->lowest_nanos / (double)QBID_NANOS_PER_UNIT;
        c->most = spent < SPENDS * had ? spent : WIDEN * c->most;
    }
    if (turned || c->lowest_nanos == 0 || budget_nanos < c->lowest_nanos)
        c->lowest_nanos = budget_nanos;
}

static void response_see(const struct qbid_budget_agent *agent, struct qbid_budget_campaign *c,
                         int64_t unix_s)
{
    const struct qbid_budget_agent_params *p = &agent->params;
    double exponent;
    if (p->response && p->response(p->response_context, c->id, &exponent))
        qbid_budget_campaign_respond(c, exponent, unix_s);
}

static int see_all(struct qbid_budget_agent *agent, const struct qbid_agent_inputs *inputs)
{
    const struct qbid_account *account = inputs->account;
    for (uint32_t i = 0; i < agent->cnt; i++)
        agent->campaigns[i].present = false;
    for (uint32_t i = 0; i < account->campaign_cnt; i++) {
        const struct qbid_campaign_def *def = &account->campaigns[i];
        if (!takes_part(def, inputs->unix_s))
            continue;
        struct qbid_budget_campaign *c = campaign_of(agent, def->id);
        if (c == NULL)
            return QBID_ERR_NOMEM;
        int err = c->from_unix_s == 0
                      ? qbid_budget_campaign_recall(c, &agent->params, inputs->unix_s)
                      : 0;
        if (err)
            return err;
        struct qbid_series_key key = {.id = def->id, .kind = QBID_SERIES_CAMPAIGN};
        struct qbid_stats all =
            qbid_snapshot_query(inputs->snapshot, key, QBID_WINDOW_ALL, inputs->now_ns);
        bool turned = c->from_unix_s != 0 && inputs->unix_s / DAY_S != c->from_unix_s / DAY_S;
        qbid_budget_campaign_see(c, &all, inputs->unix_s);
        room_see(c, def->budget_nanos, turned);
        c->gone = c->spend;
        if (c->partial) { /* what was spent before is somewhere in the last 24 hours */
            struct qbid_stats last =
                qbid_snapshot_query(inputs->snapshot, key, QBID_WINDOW_24H, inputs->now_ns);
            c->gone = fmax(c->gone, (double)last.spend_nanos / (double)QBID_NANOS_PER_UNIT);
        }
        c->tenant_id = def->tenant_id;
        c->budget_nanos = def->budget_nanos;
        /* one that is held would hold up all the others: a group stands or falls together */
        c->present = !qbid_agent_held(inputs, def->id);
        response_see(agent, c, inputs->unix_s);
    }
    return 0;
}

/* What auctions show of an exponent is here and now, and nothing that the agent did is in it. */
static void responses_take(struct round *r)
{
    for (uint32_t i = 0; i < r->cnt; i++) {
        struct qbid_budget_campaign *c = r->campaigns[i];
        if (!(c->response > 0))
            continue;
        c->shape = fmin(fmax(c->response, QBID_BUDGET_SHAPE_LOW), QBID_BUDGET_SHAPE_HIGH);
        c->shape_sd = RESPONSE_SD;
    }
}

/* Mean value of a conversion of the tenant; 0 before the first. */
static double worth_of(const struct round *r)
{
    double value = 0, convs = 0;
    for (uint32_t i = 0; i < r->cnt; i++) {
        value += r->campaigns[i]->value_all;
        convs += (double)r->campaigns[i]->convs;
    }
    return convs > 0 ? value / convs : 0;
}

static struct qbid_curve draw(void *context, uint32_t item, struct qbid_random *random)
{
    const struct round *r = context;
    return qbid_budget_curve_draw(r->campaigns[item], r->prior, random);
}

/* What has left a budget today, and a little for what is on its way. Less than that it cannot be
 * today: the money is spent, and whoever were given it would spend it again. */
static int64_t spent_micros(const struct qbid_budget_campaign *c)
{
    return (int64_t)(1e6 * c->gone) + (int64_t)(UNDERWAY * (double)c->budget_nanos) / 1000;
}

/* Most that a budget may change by now, in parts of it: what of the day is left takes all of it. */
static double trust_of(const struct round *r)
{
    double gone = (double)(r->inputs->unix_s % DAY_S) / DAY_S;
    return r->agent->params.trust * (1 - gone);
}

static int64_t most_of(const struct qbid_budget_campaign *c, int64_t least, int64_t now,
                       double trust, bool room_known)
{
    /* from nothing it may rise to what the allocator thinks of as a step */
    double most = now > 0 ? (double)now * (1 + trust) : INFINITY;
    if (room_known && c->most > 0)
        most = fmin(most, fmax(1e6 * c->most, ceil((double)now * (1 - trust))));
    return most < (double)INT64_MAX / 2 ? (int64_t)fmax(most, (double)least) : INT64_MAX;
}

/* Least and most of each: nothing below the floor nor what is spent, nothing above what one can
 * spend, unless all of them together could not. */
static void bounds_set(struct round *r)
{
    struct qbid_allocation *a = &r->allocation;
    int64_t least = (int64_t)(r->agent->params.floor * (double)a->budget_micros / r->cnt);
    double room = 0, trust = trust_of(r);
    for (uint32_t i = 0; i < r->cnt; i++) {
        struct qbid_allocation_item *item = &a->items[i];
        int64_t spent = spent_micros(r->campaigns[i]), now = r->current_micros[i];
        int64_t own = spent > least ? spent : least;
        *item = (struct qbid_allocation_item){.least_micros = own < now ? own : now};
        item->most_micros = most_of(r->campaigns[i], item->least_micros, now, trust, true);
        room += (double)item->most_micros;
    }
    for (uint32_t i = 0; i < r->cnt && room <= (double)a->budget_micros; i++)
        a->items[i].most_micros =
            most_of(r->campaigns[i], a->items[i].least_micros, r->current_micros[i], trust, false);
}

/* New budgets into the items: Thompson's in the trust region, and a little chance. */
static int allocate(struct round *r)
{
    struct qbid_allocation *a = &r->allocation;
    char why[QBID_ALLOCATION_WHY_MAX];
    uint32_t told = 0;
    a->budget_micros = 0;
    for (uint32_t i = 0; i < r->cnt; i++) {
        r->current_micros[i] = r->campaigns[i]->budget_nanos / NANOS_PER_MICRO;
        a->budget_micros += r->current_micros[i];
        told += r->campaigns[i]->varied || r->campaigns[i]->response > 0;
    }
    r->learning = 2 * told < r->cnt;
    double chance = r->learning ? PERTURB * trust_of(r) : 0;
    struct qbid_explore_params params = {draw, r, DRAWS, EXPLOIT, trust_of(r) - chance};
    bounds_set(r);
    for (uint32_t i = 0; i < r->cnt; i++)
        a->items[i].curve = qbid_budget_curve(r->campaigns[i], r->prior);
    int err = qbid_explore(a, r->current_micros, &params, &r->agent->random, why);
    if (!err && chance > 0)
        qbid_explore_perturb(a, chance, &r->agent->random, r->order);
    return err;
}

/* What the new budgets add a day, by draws of all curves. */
static void judge(struct round *r)
{
    for (int d = 0; d < JUDGED; d++) {
        double sum = 0;
        for (uint32_t i = 0; i < r->cnt; i++) {
            struct qbid_curve curve = draw(r, i, &r->agent->random);
            double gain = qbid_curve_value(&curve, r->allocation.items[i].spend) -
                          qbid_curve_value(&curve, (double)r->current_micros[i] / 1e6);
            r->gain[(size_t)i * JUDGED + (size_t)d] = gain;
            sum += gain;
        }
        r->gain[(size_t)r->cnt * JUDGED + (size_t)d] = sum;
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int64_t nanos(double units)
{
    return (int64_t)llround(units * (double)QBID_NANOS_PER_UNIT);
}

struct verdict {
    double mean, low, high, loss; /* loss: mean of the worst tenth, as a loss */
    double sure;                  /* share of draws above 0 */
};

static struct verdict verdict_of(double *gain)
{
    struct verdict v = {0, 0, 0, 0, 0};
    qsort(gain, JUDGED, sizeof *gain, by_size);
    for (int d = 0; d < JUDGED; d++) {
        v.mean += gain[d] / JUDGED;
        v.sure += gain[d] > 0 ? 1.0 / JUDGED : 0;
        v.loss -= d < JUDGED / 10 ? gain[d] / (JUDGED / 10) : 0;
    }
    v.loss = fmax(v.loss, 0);
    v.low = fmin(gain[JUDGED / 20], v.mean);
    v.high = fmax(gain[JUDGED - 1 - JUDGED / 20], v.mean);
    return v;
}

/* How today stands, at an even pace. */
static void today_write(const struct round *r, const struct qbid_budget_campaign *c, char *out,
                        size_t size)
{
    struct qbid_period day;
    struct qbid_period_stand stand;
    int64_t actual_micros = (int64_t)(1e6 * c->spend), unix_s = r->inputs->unix_s;
    out[0] = 0;
    if (c->from_unix_s % DAY_S != 0 && c->day_cnt == 0)
        return; /* it was first seen in the middle of today */
    if (qbid_period_of(QBID_PERIOD_DAILY, unix_s, &day) ||
        qbid_period_stand(&day, unix_s, NULL, c->budget_nanos / NANOS_PER_MICRO, actual_micros,
                          &stand))
        return;
    snprintf(out, size, " Today it has spent %.2f of %.2f expected by now.",
             (double)stand.actual_micros / 1e6, (double)stand.expected_micros / 1e6);
}

static void reason_write(const struct round *r, uint32_t i, const struct verdict *all,
                         struct qbid_proposal *p)
{
    const struct qbid_budget_campaign *c = r->campaigns[i];
    double here =
        qbid_curve_marginal(&r->allocation.items[i].curve, (double)r->current_micros[i] / 1e6);
    char today[128];
    today_write(r, c, today, sizeof today);
    snprintf(
        p->reason, sizeof p->reason,
        "At its budget of %s a day the next unit of budget returns %.3f here and %.3f at the "
        "best split of the tenant's %" PRIu32 " campaigns (exponent %.2f +- %.2f%s). Evidence: "
        "%" PRIu32 " days, %" PRIu64 " conversions.%s All moves of this group together add %.2f a "
        "day (90 %% between %.2f and %.2f).%s",
        p->current, here, r->allocation.marginal, r->cnt, c->shape, c->shape_sd,
        c->response > 0 ? ", as its auctions show"
        : c->varied     ? ""
        : c->informed   ? ", the library's"
                        : ", the prior's",
        c->day_cnt, c->convs, today, all->mean, all->low, all->high,
        r->learning ? " Part of each move is chance, so that response to spend becomes known."
                    : "");
}

/* Members of a group stand or fall together, so what they risk is what all of them lose at once:
 * the group's loss, each with its part of the money moved. A loss of each by itself would count the
 * money taken from it as lost, though it goes to another. */
static void propose_one(struct round *r, uint32_t i, const struct verdict *all,
                        qbid_agent_take_fn *give, void *give_context)
{
    struct qbid_budget_campaign *c = r->campaigns[i];
    const struct qbid_allocation_item *item = &r->allocation.items[i];
    int64_t moved_nanos = (item->spend_micros - r->current_micros[i]) * NANOS_PER_MICRO;
    if (moved_nanos == 0)
        return;
    struct verdict own = verdict_of(r->gain + (size_t)i * JUDGED);
    own.loss = all->loss * fabs((double)moved_nanos) / r->moved_nanos;
    double value = qbid_curve_value(&item->curve, (double)r->current_micros[i] / 1e6);
    struct qbid_proposal p = {
        .type = QBID_PROPOSAL_BUDGET,
        .agent = NAME,
        .item = QBID_ITEM_CAMPAIGN,
        .item_id = c->id,
        .field = "budget",
        .budget_nanos = moved_nanos,
        .group = r->group,
        .impact = {nanos(own.mean), nanos(own.low), nanos(own.high), nanos(own.loss)},
        .confidence = fmin(all->sure, 1),
        .risk = value > 0 ? fmin(own.loss / value, 1) : 1,
        .priority = fmax(fabs(own.mean) / fmax(value, 1e-9), 1e-9),
        .evidence_from_unix_s = c->from_unix_s - (int64_t)c->day_cnt * DAY_S,
        .evidence_to_unix_s = r->inputs->unix_s,
        .auto_execute = all->sure >= r->agent->params.confidence};
    qbid_money_format(c->budget_nanos, p.current);
    qbid_money_format(c->budget_nanos + moved_nanos, p.recommended);
    reason_write(r, i, all, &p);
    p.id = qbid_proposal_id(&p);
    c->proposed_unix_s = r->inputs->unix_s;
    c->proposed_nanos = c->budget_nanos;
    give(give_context, &p);
}

/* One whole day of most campaigns is behind: what hours of a first day bring is mostly chance, and
 * their pace has not settled. */
static bool begun(const struct round *r)
{
    uint32_t known = 0;
    for (uint32_t i = 0; i < r->cnt; i++)
        known += r->campaigns[i]->day_cnt > 0;
    return 2 * known >= r->cnt;
}

/* Today's proposal was acted on, or one lies there that nobody acted on yet. */
static bool awaited(const struct round *r)
{
    int64_t now_s = r->inputs->unix_s;
    for (uint32_t i = 0; i < r->cnt; i++) {
        const struct qbid_budget_campaign *c = r->campaigns[i];
        if (c->proposed_unix_s == 0)
            continue;
        bool acted = c->proposed_nanos != c->budget_nanos;
        if (acted ? c->proposed_unix_s / DAY_S == now_s / DAY_S
                  : now_s < c->proposed_unix_s + (int64_t)r->agent->params.again_s)
            return true;
    }
    return false;
}

/* Worth proposing: one budget changes enough, and money is expected, or knowledge wanted. */
static bool worthwhile(struct round *r, const struct verdict *all)
{
    double most = 0;
    for (uint32_t i = 0; i < r->cnt; i++) {
        double moved = (double)(r->allocation.items[i].spend_micros - r->current_micros[i]);
        r->moved_nanos += fabs(moved) * NANOS_PER_MICRO;
        most = fmax(most, fabs(moved) / (double)(r->current_micros[i] + 1));
    }
    return most >= r->agent->params.change_min && (all->mean > 0 || r->learning);
}

static int round_play(struct round *r, bool shapes, qbid_agent_take_fn *give, void *give_context)
{
    double worth = worth_of(r);
    int err = shapes ? qbid_budget_shapes(r->campaigns, r->cnt) : 0;
    if (!err)
        err = qbid_budget_inform(r->campaigns, r->cnt, shapes, &r->agent->params);
    responses_take(r);
    if (err || r->cnt < 2 || !(worth > 0) || !begun(r) || awaited(r) ||
        !qbid_budget_scales(r->campaigns, r->cnt, worth, r->inputs->unix_s, &r->prior))
        return err;
    err = allocate(r);
    if (err)
        return err;
    judge(r);
    struct verdict all = verdict_of(r->gain + (size_t)r->cnt * JUDGED);
    bool wanted = worthwhile(r, &all);
    for (uint32_t i = 0; i < r->cnt && wanted; i++)
        propose_one(r, i, &all, give, give_context);
    return 0;
}

static int round_new(struct round *r, struct qbid_budget_agent *agent,
                     const struct qbid_agent_inputs *inputs)
{
    size_t n = agent->cnt;
    *r = (struct round){.agent = agent, .inputs = inputs};
    r->campaigns = malloc((n + 1) * sizeof(struct qbid_budget_campaign *));
    r->allocation.items = malloc((n + 1) * sizeof *r->allocation.items);
    r->current_micros = malloc((n + 1) * sizeof *r->current_micros);
    r->order = malloc((n + 1) * sizeof *r->order);
    r->gain = malloc((n + 1) * JUDGED * sizeof *r->gain);
    return r->campaigns && r->allocation.items && r->current_micros && r->order && r->gain
               ? 0
               : QBID_ERR_NOMEM;
}

static void round_done(struct round *r)
{
    free(r->campaigns);
    free(r->allocation.items);
    free(r->current_micros);
    free(r->order);
    free(r->gain);
}

/* The next tenant after one, of those present; false = no more. */
static bool round_take(struct round *r, int64_t *tenant)
{
    int64_t next = INT64_MAX;
    struct qbid_budget_agent *agent = r->agent;
    for (uint32_t i = 0; i < agent->cnt; i++)
        if (agent->campaigns[i].present && agent->campaigns[i].tenant_id > *tenant &&
            agent->campaigns[i].tenant_id < next)
            next = agent->campaigns[i].tenant_id;
    *tenant = next;
    r->cnt = 0;
    for (uint32_t i = 0; i < agent->cnt; i++)
        if (agent->campaigns[i].present && agent->campaigns[i].tenant_id == next)
            r->campaigns[r->cnt++] = &agent->campaigns[i];
    r->allocation.item_cnt = r->cnt;
    r->group = qbid_mix64(qbid_mix64((uint64_t)next + 1) ^ (uint64_t)r->inputs->unix_s) | 1;
    return r->cnt > 0;
}

static int propose(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
                   void *give_context)
{
    struct qbid_budget_agent *agent = state;
    struct round round;
    int64_t tenant = -1, day = inputs->unix_s / DAY_S;
    int err = see_all(agent, inputs);
    if (err)
        return err;
    err = round_new(&round, agent, inputs);
    while (!err && round_take(&round, &tenant))
        err = round_play(&round, day != agent->shapes_day, give, give_context);
    agent->shapes_day = day;
    round_done(&round);
    return err;
}

struct qbid_agent qbid_budget_agent_of(struct qbid_budget_agent *agent)
{
    return (struct qbid_agent){
        .name = NAME, .period_ns = QBID_BUDGET_AGENT_PERIOD_NS, .propose = propose, .state = agent};
}
