/* SPDX-License-Identifier: Apache-2.0 */
/* Faults between what the pacer is told and what is bid: stale, missing, NaN, zero, negative, huge,
 * and clocks that jump. Learner, live page and the decision are the real ones. No bid may leave its
 * line item's floor and ceiling, no reservation its allowance, no pace its limits. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/state/learner_state.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"
#include "tests/fastpath/stage.h"

#define PACE_MIN 0.125
#define PACE_MAX 8.0
#define FLOOR_MICROS 200000
#define CEILING_MICROS 3000000
#define START_S (INT64_C(20003) * 86400)
#define PERIOD_NS (10 * QBID_NS_PER_S)
#define STEPS 1500
#define ALLOWANCE INT64_C(20000000)

enum fault {
    FAULT_NONE,
    FAULT_STALE,   /* nothing is heard */
    FAULT_MISSING, /* money is not known: all zero */
    FAULT_NAN,
    FAULT_ZERO,
    FAULT_NEGATIVE,
    FAULT_HUGE,
    FAULT_CLOCK_BACK,
    FAULT_CLOCK_AHEAD,
    FAULTS
};

struct scene {
    struct learn_fixture f;
    struct stage stage;
    struct qbid_learner *learner;
    struct qbid_learner_money money[2];
    struct qbid_learner_pace out[3];
    struct rng r;
    uint64_t now_ns;
    int64_t unix_ns;
    int64_t billed; /* by an honest ledger */
    uint64_t bids;
};

static void scene_open(struct scene *s, uint64_t seed, enum qbid_pacing_mode mode)
{
    memset(s, 0, sizeof *s);
    learn_fixture_init(&s->f);
    for (int c = 0; c < 2; c++) {
        s->f.campaign[c].start_unix_s = START_S;
        s->f.campaign[c].end_unix_s = START_S + 3 * 86400;
        s->f.campaign[c].pacing = mode;
        s->f.campaign[c].period = seed % 2 ? QBID_BUDGET_DAILY : QBID_BUDGET_TOTAL;
    }
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 100,
                                    .context_max = 10,
                                    .sample_max = 100,
                                    .pace_min = PACE_MIN,
                                    .pace_max = PACE_MAX,
                                    .pace_period_ns = PERIOD_NS,
                                    .step_log2_max = 0.3};
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE);
    assert_int_equal(qbid_learner_new(&p, &s->learner), 0);
    s->r = rng_init(seed);
    s->now_ns = 1000 * QBID_NS_PER_S;
    s->unix_ns = START_S * (int64_t)QBID_NS_PER_S;
    s->money[0].budget_nanos = s->money[1].budget_nanos = INT64_C(1000000000);
    stage_init(&s->stage);
    for (uint32_t i = 0; i < 3; i++)
        stage_line_item(&s->stage, (struct qbid_line_item){.id = 100 + i,
                                                           .value_micros = 1e6f,
                                                           .floor_micros = FLOOR_MICROS,
                                                           .ceiling_micros = CEILING_MICROS});
    stage_open(&s->stage);
}

static void scene_close(struct scene *s)
{
    stage_done(&s->stage);
    qbid_learner_free(s->learner);
}

static double odd_number(struct scene *s, enum fault fault)
{
    switch (fault) {
    case FAULT_NAN:
        return NAN;
    case FAULT_ZERO:
        return 0;
    case FAULT_NEGATIVE:
        return -1e6;
    case FAULT_HUGE:
        return rng_below(&s->r, 2) ? INFINITY : DBL_MAX;
    default:
        return 1e6;
    }
}

static int64_t odd_money(enum fault fault, int64_t right)
{
    switch (fault) {
    case FAULT_MISSING:
    case FAULT_NAN: /* money is an integer: what it would have become */
    case FAULT_ZERO:
        return 0;
    case FAULT_NEGATIVE:
        return -right - 1;
    case FAULT_HUGE:
        return INT64_MAX / 16;
    default:
        return right;
    }
}

static void results_tell(struct scene *s, enum fault fault)
{
    const struct qbid_line_item_def *li = &s->f.line_item[rng_below(&s->r, 3)];
    const struct qbid_campaign_def *c = &s->f.campaign[li->campaign_id == 20];
    static const int kinds[] = {QBID_EVENT_BID,  QBID_EVENT_WIN,   QBID_EVENT_LOSS,
                                QBID_EVENT_BILL, QBID_EVENT_CLICK, QBID_EVENT_CONV};
    for (uint32_t i = rng_below(&s->r, 20); i > 0; i--) {
        struct qbid_outcome o = learn_outcome(kinds[rng_below(&s->r, 6)], li,
                                              learn_context(1, 0, 0), odd_money(fault, 400000));
        o.time_ns = s->now_ns;
        o.value_micros = (float)odd_number(s, fault);
        o.pace = (float)odd_number(s, fault);
        o.flags = rng_below(&s->r, 2) ? QBID_EVENT_FIRST_PRICE : 0;
        qbid_learner_post(s->learner, &o, li, c,
                          o.kind == QBID_EVENT_BILL ? odd_money(fault, 400000) : 0);
    }
}

static void clocks_move(struct scene *s, enum fault fault)
{
    int64_t jump_s = (int64_t)rng_below(&s->r, 400000);
    s->now_ns += PERIOD_NS;
    s->unix_ns += (int64_t)PERIOD_NS;
    if (fault == FAULT_CLOCK_BACK)
        s->unix_ns -= jump_s * (int64_t)QBID_NS_PER_S;
    if (fault == FAULT_CLOCK_AHEAD)
        s->unix_ns += jump_s * (int64_t)QBID_NS_PER_S;
    if (s->unix_ns < 0 || s->unix_ns > (START_S + 4 * 86400) * (int64_t)QBID_NS_PER_S)
        s->unix_ns = START_S * (int64_t)QBID_NS_PER_S; /* and it is set right again */
}

/* What was paced is bid on: a few requests against an allowance that is small. */
static void bids_check(struct scene *s)
{
    struct qbid_request request = stage_request();
    for (uint32_t i = 0; i < 3; i++) {
        double pace = (double)s->out[i].pace;
        assert_true(pace == 0 || (pace >= PACE_MIN * 0.2 && pace <= PACE_MAX * 5));
    }
    qbid_learner_pace_store(s->out, 3, &s->stage.live);
    for (int i = 0; i < 5; i++) {
        struct qbid_decision d;
        int64_t before = stage_committed(&s->stage, 0);
        request.auction =
            rng_below(&s->r, 2) ? QBID_AUCTION_FIRST_PRICE : QBID_AUCTION_SECOND_PRICE;
        if (stage_decide(&s->stage, &request, &d) == QBID_NOBID_NONE) {
            assert_true(d.bid_micros >= FLOOR_MICROS && d.bid_micros <= CEILING_MICROS);
            assert_int_equal(stage_committed(&s->stage, 0), before + d.bid_micros);
            s->bids++;
        }
        assert_true(stage_committed(&s->stage, 0) <= s->billed + ALLOWANCE);
    }
    s->billed = stage_committed(&s->stage, 0); /* all of it is billed, and as much is allowed */
    stage_set_limit(&s->stage, 0, s->billed + ALLOWANCE);
}

static void step(struct scene *s, enum fault fault)
{
    struct qbid_learner_money told[2];
    clocks_move(s, fault);
    if (fault != FAULT_STALE)
        results_tell(s, fault);
    for (int c = 0; c < 2; c++) {
        s->money[c].spent_nanos += 100000;
        told[c] = s->money[c];
        if (fault != FAULT_NONE && rng_below(&s->r, 2))
            told[c].budget_nanos = odd_money(fault, told[c].budget_nanos);
        if (fault != FAULT_NONE && rng_below(&s->r, 2))
            told[c].spent_nanos = odd_money(fault, told[c].spent_nanos);
    }
    assert_int_equal(
        qbid_learner_pace(s->learner, &s->f.account, told, s->now_ns, s->unix_ns, s->out), 3);
    bids_check(s);
}

/* Each fault for a while, with quiet before and after; then all of them mixed. */
static void faults_lead_to_no_bid_outside_its_limits(void **state)
{
    (void)state;
    static struct scene s;
    uint64_t bids = 0;
    for (uint64_t seed = 1; seed <= 3 * FAULTS; seed++) {
        enum fault fault = (enum fault)(seed % FAULTS);
        scene_open(&s, seed, (enum qbid_pacing_mode)(QBID_PACING_EVEN + (seed / FAULTS) % 3));
        stage_set_limit(&s.stage, 0, ALLOWANCE);
        for (int k = 0; k < STEPS; k++) {
            enum fault now = k % 100 < 40                  ? FAULT_NONE
                             : k < STEPS / 2 || fault == 0 ? (enum fault)rng_below(&s.r, FAULTS)
                                                           : fault;
            step(&s, now);
            if (k % 200 == 199) {
                struct qbid_plan plan;
                struct qbid_dictionary *dictionary;
                assert_int_equal(qbid_dictionary_new(&dictionary), 0);
                assert_int_equal(qbid_learner_plan(s.learner, &s.f.account, dictionary, &plan), 0);
                qbid_plan_done(&plan);
                qbid_dictionary_free(dictionary);
            }
        }
        bids += s.bids;
        scene_close(&s);
    }
    print_message("%u scenes of %d periods: %llu bids, all within floor, ceiling and allowance\n",
                  3 * FAULTS, STEPS, (unsigned long long)bids);
    assert_true(bids > 10000);
}

/* Stale data: the pace is held for three periods, and after ten goes down to the safe one. */
static void stale_data_hold_the_pace_and_then_let_it_down(void **state)
{
    (void)state;
    static struct scene s;
    scene_open(&s, 2, QBID_PACING_EVEN);
    stage_set_limit(&s.stage, 0, ALLOWANCE);
    for (int k = 0; k < 30; k++)
        step(&s, FAULT_NONE);
    struct qbid_campaign_state *c = qbid_campaigns_touch(&s.learner->campaigns, 10);
    struct qbid_outcome o =
        learn_outcome(QBID_EVENT_BID, &s.f.line_item[0], learn_context(1, 0, 0), 0);
    o.time_ns = s.now_ns;
    qbid_learner_post(s.learner, &o, &s.f.line_item[0], &s.f.campaign[0], 0);
    c->pacing.pace = c->pacing.alpha_budget = c->pacing.alpha_goal = 4;
    double last = 4, safe = s.learner->campaigns.pacing.pace_safe;
    for (int age = 1; age <= 30; age++) {
        clocks_move(&s, FAULT_NONE);
        assert_int_equal(
            qbid_learner_pace(s.learner, &s.f.account, s.money, s.now_ns, s.unix_ns, s.out), 3);
        if (age > 3 && age <= 10)
            assert_true(c->pacing.pace == last && (c->pacing.why & QBID_PACING_WHY_HELD));
        if (age > 10)
            assert_true(c->pacing.pace <= last);
        last = c->pacing.pace;
    }
    assert_true(last == safe);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_lead_to_no_bid_outside_its_limits),
        cmocka_unit_test(stale_data_hold_the_pace_and_then_let_it_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
