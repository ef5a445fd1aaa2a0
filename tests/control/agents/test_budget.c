/* SPDX-License-Identifier: Apache-2.0 */
/* The budget agent in a world of noisy campaigns: it earns more than the budgets that it found, and
 * keeps every tenant's sum, its trust region, and what is not its own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/money.h"
#include "control/agents/budget.h"
#include "control/agents/budget_belief.h"
#include "control/agents/budget_library.h"
#include "control/agents/scheduler.h"
#include "control/ingest/outcome.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

#define CAMPAIGNS 12 /* 10 of tenant 1, of which two are not the agent's; 2 of tenant 2 */
#define OWN 8
#define STEPS_A_DAY 72
#define DAY_S 86400
#define STEP_S (DAY_S / STEPS_A_DAY)
#define WORTH 20.0
#define START_UNIX_S INT64_C(1790000000)
#ifdef __SANITIZE_ADDRESS__
#define DAYS 3
#define RESPONSE_DAYS 3
#else
#define DAYS 10
#define RESPONSE_DAYS 6
#endif

struct world {
    struct qbid_account account;
    struct qbid_campaign_def campaigns[CAMPAIGNS];
    double scale[CAMPAIGNS]; /* value a day = scale spend^exponent */
    double exponent;
    struct qbid_snapshot *snapshot;
    struct qbid_scheduler scheduler;
    struct rng rng;
    uint64_t now_ns;
    int64_t unix_s;
    int proposals, automatic;
    char reason[QBID_PROPOSAL_REASON_MAX];
    double largest; /* change of a budget, in parts of it */
    uint32_t held[1];
    uint32_t held_cnt;
    int64_t spent_nanos[CAMPAIGNS]; /* today */
    int64_t market_nanos;           /* all that the first campaign can spend a day; 0 = any */
};

static uint64_t no_time(void *context)
{
    (void)context;
    return 0;
}

/* Applies everything: budgets as they are recommended. */
static int apply(void *context, const struct qbid_proposal *p)
{
    struct world *w = context;
    int64_t now, next;
    assert_int_equal(qbid_money_parse(p->current, strlen(p->current), &now), 0);
    assert_int_equal(qbid_money_parse(p->recommended, strlen(p->recommended), &next), 0);
    struct qbid_campaign_def *def = &w->campaigns[p->item_id - 1];
    assert_true(def->budget_nanos == now && next - now == p->budget_nanos);
    assert_true(p->group != 0 && p->item_id <= OWN + 4);
    def->budget_nanos = next;
    /* what is spent today stays in the budget of today */
    assert_true(next >= now || next >= w->spent_nanos[p->item_id - 1]);
    /* a group that gains in every draw risks nothing, though some of its members lose money */
    assert_true(p->impact.loss_nanos == 0 || p->confidence < 1);
    assert_true(p->auto_execute || p->confidence < 0.9);
    w->largest = fmax(w->largest, fabs((double)(next - now)) / (double)now);
    w->proposals++;
    w->automatic += p->auto_execute;
    memcpy(w->reason, p->reason, sizeof w->reason);
    return 0;
}

static void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.now_ns = 1000 * QBID_NS_PER_S, .unix_s = START_UNIX_S, .exponent = 0.7};
    w->rng = rng_init(seed);
    for (uint32_t i = 0; i < CAMPAIGNS; i++) {
        w->campaigns[i] = (struct qbid_campaign_def){.id = i + 1,
                                                     .tenant_id = i < OWN + 2 ? 1 : 2,
                                                     .budget_nanos = INT64_C(100000000007),
                                                     .start_unix_s = 1,
                                                     .end_unix_s = INT64_MAX,
                                                     .goal = QBID_GOAL_MAX_VALUE,
                                                     .period = QBID_BUDGET_DAILY,
                                                     .active = true};
        w->scale[i] = 12 * rng_lognormal(&w->rng, 0, 0.5);
    }
    w->campaigns[OWN].goal = QBID_GOAL_MAX_CLICKS;
    w->campaigns[OWN + 1].period = QBID_BUDGET_TOTAL;
    w->account = (struct qbid_account){.campaigns = w->campaigns, .campaign_cnt = CAMPAIGNS};
    struct qbid_snapshot_params params = {16, 0};
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
    struct qbid_scheduler_params schedule = {1, no_time, w, apply, w};
    assert_int_equal(qbid_scheduler_init(&w->scheduler, &schedule), 0);
}

static void post(struct world *w, uint32_t i, int kind, int64_t nanos)
{
    struct qbid_outcome outcome = {.kind = (uint8_t)kind,
                                   .line_item_id = 100 + i,
                                   .creative_id = 200 + i,
                                   .price_nanos = nanos,
                                   .time_ns = w->now_ns};
    qbid_snapshot_post(w->snapshot, &outcome, i + 1, kind == QBID_EVENT_BILL ? nanos : 0);
}

/* A stretch of the day: spend as budgeted, conversions by chance. */
static void step(struct world *w)
{
    w->now_ns += STEP_S * QBID_NS_PER_S;
    w->unix_s += STEP_S;
    for (uint32_t i = 0; i < CAMPAIGNS; i++) {
        int64_t spends = w->campaigns[i].budget_nanos;
        if (i == 0 && w->market_nanos > 0 && spends > w->market_nanos)
            spends = w->market_nanos;
        double budget = (double)spends * 1e-9;
        double mean = w->scale[i] * pow(budget, w->exponent) / (STEPS_A_DAY * WORTH);
        post(w, i, QBID_EVENT_BILL, spends / STEPS_A_DAY);
        w->spent_nanos[i] += spends / STEPS_A_DAY;
        for (double at = -log(rng_uniform(&w->rng)); at < mean; at -= log(rng_uniform(&w->rng)))
            post(w, i, QBID_EVENT_CONV, (int64_t)(WORTH * 1e9));
    }
    if (w->unix_s / DAY_S != (w->unix_s - STEP_S) / DAY_S)
        memset(w->spent_nanos, 0, sizeof w->spent_nanos);
    struct qbid_agent_inputs inputs = {&w->account, w->snapshot, w->now_ns,
                                       w->unix_s,   w->held,     w->held_cnt};
    qbid_scheduler_tick(&w->scheduler, &inputs);
}

/* Expected value a day of the agent's campaigns of tenant 1, of the best split's. */
static double value_of(const struct world *w)
{
    double sum = 0, all = 0, budget = 0;
    for (uint32_t i = 0; i < OWN; i++) {
        sum += w->scale[i] * pow((double)w->campaigns[i].budget_nanos * 1e-9, w->exponent);
        all += pow(w->scale[i], 1 / (1 - w->exponent));
        budget += (double)w->campaigns[i].budget_nanos * 1e-9;
    }
    return sum / (pow(all, 1 - w->exponent) * pow(budget, w->exponent));
}

static int64_t budgets_of(const struct world *w, uint32_t tenant)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < CAMPAIGNS; i++)
        sum += w->campaigns[i].tenant_id == tenant ? w->campaigns[i].budget_nanos : 0;
    return sum;
}

static const struct qbid_budget_agent_params usual = {
    .trust = 0.3, .change_min = 0.01, .confidence = 0.9, .again_s = 3600, .floor = 0.1, .seed = 1};

static struct qbid_budget_agent *agent_with(struct world *w,
                                            const struct qbid_budget_agent_params *params)
{
    struct qbid_budget_agent *agent;
    assert_int_equal(qbid_budget_agent_new(params, &agent), 0);
    struct qbid_agent it = qbid_budget_agent_of(agent);
    assert_true(it.period_ns == QBID_BUDGET_AGENT_PERIOD_NS);
    it.period_ns = STEP_S * QBID_NS_PER_S;
    assert_int_equal(qbid_scheduler_add(&w->scheduler, &it, w->now_ns), 0);
    return agent;
}

static struct qbid_budget_agent *agent_add(struct world *w)
{
    return agent_with(w, &usual);
}

static void budgets_go_where_they_earn(void **state)
{
    (void)state;
    double start = 0, end = 0;
    int proposals = 0, automatic = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w;
        world_init(&w, seed);
        struct qbid_budget_agent *agent = agent_add(&w);
        int64_t first = budgets_of(&w, 1), second = budgets_of(&w, 2);
        start += value_of(&w) / 4;
        for (int i = 0; i < DAYS * STEPS_A_DAY; i++) {
            step(&w);
            assert_true(budgets_of(&w, 1) == first && budgets_of(&w, 2) == second);
        }
        end += value_of(&w) / 4;
        assert_int_equal(w.campaigns[OWN].budget_nanos, INT64_C(100000000007));
        assert_int_equal(w.campaigns[OWN + 1].budget_nanos, INT64_C(100000000007));
        assert_int_equal(w.scheduler.status[0].broken + w.scheduler.status[0].failures, 0);
        assert_true(w.proposals >= (DAYS - 1) * OWN);
        proposals += w.proposals, automatic += w.automatic;
        assert_true(w.largest <= 0.3); /* the trust region, chance in it */
        if (seed == 1)
            print_message("budget agent: %s\n", w.reason);
        qbid_budget_agent_free(agent);
        qbid_snapshot_free(w.snapshot);
    }
    print_message(
        "budget agent: %d days of 8 campaigns, 4 seeds: %.4f of the best split, from %.4f\n", DAYS,
        end, start);
    print_message("budget agent: %d of %d proposals sure enough to go by themselves\n", automatic,
                  proposals);
    assert_true(automatic > 0 && automatic < proposals);
    assert_true(end > start + 0.02);
    assert_true(DAYS < 10 || end > 0.95);
}

static void a_seed_is_a_history(void **state)
{
    (void)state;
    int64_t ended[2][CAMPAIGNS];
    for (int k = 0; k < 2; k++) {
        struct world w;
        world_init(&w, 9);
        struct qbid_budget_agent *agent = agent_add(&w);
        for (int i = 0; i < STEPS_A_DAY; i++)
            step(&w);
        for (int i = 0; i < CAMPAIGNS; i++)
            ended[k][i] = w.campaigns[i].budget_nanos;
        qbid_budget_agent_free(agent);
        qbid_snapshot_free(w.snapshot);
    }
    assert_memory_equal(ended[0], ended[1], sizeof ended[0]);
}

static int leave(void *context, const struct qbid_proposal *proposal)
{
    struct world *w = context;
    (void)proposal;
    w->proposals++;
    return 0;
}

/* Nobody acts: the next comes after an hour, not after the next run. */
static void undecided_proposals_are_not_repeated(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 5);
    w.account.campaign_cnt = OWN; /* one tenant */
    w.scheduler.params.take = leave;
    struct qbid_budget_agent *agent = agent_add(&w);
    for (int i = 0; i < 3 * STEPS_A_DAY; i++)
        step(&w);
    /* three runs an hour, one proposes; the first when a day is known: it began in the middle */
    int64_t first_s = (START_UNIX_S / DAY_S + 2) * DAY_S - START_UNIX_S;
    int runs = w.proposals / OWN, most = (3 * DAY_S - (int)first_s) / 3600 + 1;
    assert_true(w.proposals % OWN == 0);
    assert_true(runs > most / 2 && runs <= most);
    qbid_budget_agent_free(agent);
    qbid_snapshot_free(w.snapshot);
}

static void a_held_campaign_holds_up_no_other(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 6);
    w.held[0] = 3;
    w.held_cnt = 1;
    struct qbid_budget_agent *agent = agent_add(&w);
    int64_t sum = budgets_of(&w, 1);
    for (int i = 0; i < 2 * STEPS_A_DAY; i++)
        step(&w);
    assert_int_equal(w.campaigns[2].budget_nanos, INT64_C(100000000007));
    assert_true(w.proposals >= OWN && budgets_of(&w, 1) == sum);
    w.held_cnt = 0;
    for (int i = 0; i < STEPS_A_DAY; i++)
        step(&w);
    assert_true(w.campaigns[2].budget_nanos != INT64_C(100000000007));
    qbid_budget_agent_free(agent);
    qbid_snapshot_free(w.snapshot);
}

static bool respond(const void *context, uint32_t campaign_id, double *ret_exponent)
{
    const struct world *w = context;
    *ret_exponent = w->exponent;
    return campaign_id != 2; /* of one nothing is known */
}

/* Returns fall faster than the usual prior has it, and auctions show it: money moves less far, and
 * nothing is left to chance. */
static void what_auctions_show_is_believed(void **state)
{
    (void)state;
    double value[2];
    for (int told = 0; told < 2; told++) {
        struct world w;
        struct qbid_budget_agent_params params = usual;
        world_init(&w, 11);
        w.exponent = 0.4;
        for (int i = 0; i < CAMPAIGNS; i++)
            w.scale[i] *= 4;
        params.response = told ? respond : NULL;
        params.response_context = &w;
        struct qbid_budget_agent *agent = agent_with(&w, &params);
        for (int i = 0; i < RESPONSE_DAYS * STEPS_A_DAY; i++)
            step(&w);
        value[told] = value_of(&w);
        const char *said = strstr(w.reason, told ? "as its auctions show" : "Part of each move");
        assert_true(w.proposals > 0 && said != NULL);
        qbid_budget_agent_free(agent);
        qbid_snapshot_free(w.snapshot);
    }
    print_message("budget agent: exponent 0.4, of the best split after %d days: %.4f, where "
                  "auctions show it %.4f\n",
                  RESPONSE_DAYS, value[0], value[1]);
    assert_true(value[1] > value[0]);
}

/* A day is spread over what is left of it: at noon half as much moves as at midnight, and what was
 * acted on today is not moved again. */
static void money_moves_once_a_day(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 5);
    struct qbid_budget_agent *agent = agent_add(&w);
    w.scheduler.params.take = leave; /* until a day begins */
    while (w.unix_s < (START_UNIX_S / DAY_S + 3) * DAY_S + DAY_S / 2)
        step(&w);
    w.scheduler.params.take = apply;
    w.proposals = 0, w.largest = 0;
    for (int i = 0; i < STEPS_A_DAY / 4; i++)
        step(&w);
    assert_in_range(w.proposals, 1, OWN + 2); /* each tenant once */
    assert_true(w.largest <= 0.15);
    while (w.unix_s < (START_UNIX_S / DAY_S + 4) * DAY_S + DAY_S / 4)
        step(&w);
    assert_in_range(w.proposals, OWN, 2 * (OWN + 2));
    assert_true(w.largest > 0.15 && w.largest <= 0.3);
    qbid_budget_agent_free(agent);
    qbid_snapshot_free(w.snapshot);
}

/* The best of all, and no market for more than half of its budget. */
static void a_campaign_that_cannot_spend_more_gets_no_more(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 7);
    w.scale[0] *= 4;
    w.market_nanos = INT64_C(50000000000);
    struct qbid_budget_agent *agent = agent_add(&w);
    int64_t sum = budgets_of(&w, 1);
    for (int i = 0; i < 4 * STEPS_A_DAY; i++)
        step(&w);
    assert_true(w.campaigns[0].budget_nanos < INT64_C(65000000000));
    assert_true(w.campaigns[0].budget_nanos > INT64_C(40000000000));
    assert_true(budgets_of(&w, 1) == sum);
    qbid_budget_agent_free(agent);
    qbid_snapshot_free(w.snapshot);
}

static void without_conversions_nothing_is_proposed(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    for (int i = 0; i < CAMPAIGNS; i++)
        w.scale[i] = 0;
    struct qbid_budget_agent *agent = agent_add(&w);
    for (int i = 0; i < 2 * STEPS_A_DAY; i++)
        step(&w);
    assert_int_equal(w.proposals, 0);
    assert_int_equal(w.scheduler.status[0].failures, 0);
    w.account.campaign_cnt = 0; /* and an empty account is no error */
    step(&w);
    assert_int_equal(w.scheduler.status[0].failures, 0);
    qbid_budget_agent_free(agent);
    qbid_snapshot_free(w.snapshot);
}

static struct qbid_pattern_key exponents = {
    .tenant = 1, .metric = "exponent", .subject = "budget", .across = "campaign"};

/* What its days show of a campaign is in the library, and a new agent begins there. */
static void what_days_show_is_told_to_the_library(void **state)
{
    (void)state;
    void *scratch = NULL;
    assert_int_equal(scratch_setup(&scratch), 0);
    struct scratch *s = scratch;
    struct qbid_budget_agent_params params = usual;
    struct qbid_patterns_prior prior;
    struct qbid_budget_campaign c[3] = {
        {.id = 7, .tenant_id = 1}, {.id = 8, .tenant_id = 1}, {.id = 9, .tenant_id = 1}};
    struct qbid_budget_campaign *all[3] = {&c[0], &c[1], &c[2]};
    params.store = s->store, params.prior = qbid_patterns_prior, params.tell = qbid_patterns_see;
    assert_int_equal(qbid_budget_inform(all, 3, false, &params), 0); /* nobody knows anything */
    assert_true(fabs(c[0].shape - 0.8) < 1e-12 && fabs(c[0].shape_sd - 0.1) < 1e-12);
    for (int i = 0; i < 2; i++)
        c[i].own_shape = 0.55, c[i].own_variance = 0.0025, c[i].day_cnt = 20;
    assert_int_equal(qbid_budget_inform(all, 3, true, &params), 0);
    assert_true(c[0].shape < 0.65 && c[2].shape < c[0].shape + 0.15 && c[2].shape < 0.75);
    assert_true(c[2].shape_sd > c[0].shape_sd);
    assert_int_equal(qbid_patterns_prior(s->store, &exponents, "7", 0.8, 0.1, &prior), 0);
    assert_true(prior.known && prior.cnt == 1 && prior.own.effect == 0.55 &&
                prior.own.events == 20);
    /* after a restart: its own days are gone, not what they showed */
    struct qbid_budget_campaign again = {.id = 7, .tenant_id = 1}, *one[1] = {&again};
    assert_int_equal(qbid_budget_inform(one, 1, false, &params), 0);
    assert_true(fabs(again.shape - 0.55) < 0.08 && again.informed);
    /* another tenant's campaigns are not asked */
    struct qbid_budget_campaign foreign = {.id = 7, .tenant_id = 2};
    one[0] = &foreign;
    assert_int_equal(qbid_budget_inform(one, 1, false, &params), 0);
    assert_true(fabs(foreign.shape - 0.8) < 1e-12);
    assert_int_equal(scratch_teardown(&scratch), 0);
}

static void params_out_of_range_are_refused(void **state)
{
    (void)state;
    struct qbid_budget_agent *agent;
    struct qbid_budget_agent_params bad[6] = {usual, usual, usual, usual, usual, usual};
    bad[0].trust = 0, bad[1].trust = 1.5, bad[2].change_min = -1;
    bad[3].confidence = 1.1, bad[4].floor = 1, bad[5].trust = NAN;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(qbid_budget_agent_new(&bad[i], &agent), QBID_ERR_INVAL);
}

/* --- what a restart finds again */

#define PAST_DAYS 5

/* A campaign that spends (d + 1) an hour on day d from 06:00 to 22:00, and sells for thrice that.
 */
static int past_give(struct qbid_store *store, uint32_t campaign_id, int64_t from_unix_s,
                     qbid_store_point_fn *fn, void *context)
{
    struct qbid_stats all = {.spend_nanos = 7000000000};
    const int64_t begin = START_UNIX_S / DAY_S * DAY_S;
    (void)store;
    if (campaign_id != 1)
        return QBID_ERR_STORE;
    for (int64_t hour = 0; hour < PAST_DAYS * 24; hour++) {
        int64_t of_day = hour % 24, spend = (hour / 24 + 1) * INT64_C(1000000000);
        bool idle = of_day < 6 || of_day >= 22;
        if (hour > 0 && idle)
            continue;
        all.spend_nanos += idle ? 0 : spend;
        all.value_nanos += idle ? 0 : 3 * spend;
        struct qbid_store_point point = {begin + (hour + 1) * 3600 - 3600 * idle, all};
        assert_true(point.unix_s >= from_unix_s);
        int err = fn(context, &point);
        if (err)
            return err;
    }
    all.spend_nanos = INT64_C(1000000000000); /* of an hour that has not ended yet */
    struct qbid_store_point future = {begin + (PAST_DAYS + 2) * DAY_S, all};
    return fn(context, &future);
}

static void days_before_a_restart_are_known_again(void **state)
{
    (void)state;
    struct qbid_budget_agent_params params = usual;
    struct qbid_budget_campaign c = {.id = 1};
    int64_t now = START_UNIX_S / DAY_S * DAY_S + PAST_DAYS * DAY_S + 5400;
    assert_int_equal(qbid_budget_campaign_recall(&c, &params, now), 0);
    assert_true(c.from_unix_s == 0 && c.id == 1); /* no past, nothing known */
    params.past = past_give;
    assert_int_equal(qbid_budget_campaign_recall(&c, &params, now), 0);
    assert_int_equal(c.day_cnt, PAST_DAYS);
    for (int d = 0; d < PAST_DAYS; d++) {
        assert_true(fabs(c.day_spend[d] - 16.0 * (d + 1)) < 1e-9);
        assert_true(fabs(c.day_value[d] - 48.0 * (d + 1)) < 1e-9);
    }
    assert_true(c.from_unix_s == now / DAY_S * DAY_S); /* today goes on where it stands */
    assert_true(fabs(c.spend_base - (7 + 16.0 * (1 + 2 + 3 + 4 + 5))) < 1e-9);
    struct qbid_budget_campaign other = {.id = 2};
    assert_int_equal(qbid_budget_campaign_recall(&other, &params, now), QBID_ERR_STORE);
    assert_true(other.from_unix_s == 0);
}

/* --- what the library of patterns is worth to campaigns that are new */

#define PAST_CAMPAIGNS 10
#ifdef __SANITIZE_ADDRESS__
#define NEW_DAYS 2
#else
#define NEW_DAYS 7
#endif

static int seeds = 1; /* the first argument */

/* Exponents of campaigns that are over. */
static void past_tell(struct qbid_store *store, double exponent, uint64_t seed)
{
    struct rng rng = rng_init(seed);
    for (int i = 0; i < PAST_CAMPAIGNS; i++) {
        struct qbid_pattern_source source = {
            .effect = exponent + 0.05 * rng_normal(&rng), .variance = 0.04 * 0.04, .events = 60};
        snprintf(source.source, sizeof source.source, "%d", 1000 + i);
        assert_int_equal(qbid_patterns_see(store, &exponents, &source), 0);
    }
}

/* Mean part of the best split's value over the first days of campaigns of an exponent. */
static double first_days(struct qbid_store *store, double exponent, uint64_t seed)
{
    struct world w;
    struct qbid_budget_agent_params params = usual;
    params.store = store;
    params.prior = store ? qbid_patterns_prior : NULL;
    params.tell = store ? qbid_patterns_see : NULL;
    world_init(&w, seed);
    w.exponent = exponent;
    for (int i = 0; i < CAMPAIGNS; i++)
        w.scale[i] *= pow(100, 0.7 - exponent);
    struct qbid_budget_agent *agent = agent_with(&w, &params);
    double sum = 0;
    for (int i = 0; i < NEW_DAYS * STEPS_A_DAY; i++) {
        step(&w);
        sum += value_of(&w) / (NEW_DAYS * STEPS_A_DAY);
    }
    assert_int_equal(w.scheduler.status[0].failures, 0);
    qbid_budget_agent_free(agent);
    qbid_snapshot_free(w.snapshot);
    return sum;
}

/* Campaigns whose returns fall faster than the usual prior has it. */
static void a_library_saves_new_campaigns_their_first_week(void **state)
{
    (void)state;
    double value[2][2] = {{0}}; /* the library right, wrong; without it, with it */
    for (int seed = 1; seed <= seeds; seed++)
        for (int wrong = 0; wrong < 2; wrong++) {
            void *scratch = NULL;
            assert_int_equal(scratch_setup(&scratch), 0);
            struct scratch *s = scratch;
            past_tell(s->store, 0.65, (uint64_t)seed);
            double exponent = wrong ? 0.9 : 0.65;
            value[wrong][0] += first_days(NULL, exponent, 100 + (uint64_t)seed) / seeds;
            value[wrong][1] += first_days(s->store, exponent, 100 + (uint64_t)seed) / seeds;
            assert_int_equal(scratch_teardown(&scratch), 0);
        }
    print_message("budget agent: first %d days of 8 new campaigns, of the best split, without and "
                  "with a library: %.4f, %.4f where it is right; %.4f, %.4f where it is wrong\n",
                  NEW_DAYS, value[0][0], value[0][1], value[1][0], value[1][1]);
    /* few seeds are noise */
    assert_true(NEW_DAYS < 7 || value[0][1] > value[0][0] - (seeds < 10 ? 0.01 : 0));
    assert_true(value[1][1] > value[1][0] - (seeds < 10 ? 0.1 : 0.02));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_go_where_they_earn),
        cmocka_unit_test(a_seed_is_a_history),
        cmocka_unit_test(undecided_proposals_are_not_repeated),
        cmocka_unit_test(a_held_campaign_holds_up_no_other),
        cmocka_unit_test(what_auctions_show_is_believed),
        cmocka_unit_test(money_moves_once_a_day),
        cmocka_unit_test(a_campaign_that_cannot_spend_more_gets_no_more),
        cmocka_unit_test(without_conversions_nothing_is_proposed),
        cmocka_unit_test(params_out_of_range_are_refused),
        cmocka_unit_test(days_before_a_restart_are_known_again),
        cmocka_unit_test(what_days_show_is_told_to_the_library),
        cmocka_unit_test(a_library_saves_new_campaigns_their_first_week),
    };
    seeds = argc > 1 ? atoi(argv[1]) : seeds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
