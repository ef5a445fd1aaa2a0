/* SPDX-License-Identifier: Apache-2.0 */
/* The creative agent in worlds whose creatives are known: it stops those that do worse, whatever
 * days they were shown on, and keeps quiet where they are alike. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/agents/creative.h"
#include "control/store/store_db.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

#define ITEMS 3
#define EACH 4 /* creatives of one slot; one more has a slot of its own */
#define CREATIVES (ITEMS * (EACH + 1))
#define DAYS 28
#define NOW_S (INT64_C(20000) * 86400 + 7000)

struct world {
    struct scratch *scratch;
    struct qbid_account account;
    struct qbid_campaign_def campaign;
    struct qbid_line_item_def items[ITEMS];
    struct qbid_creative_def creatives[CREATIVES];
    struct qbid_snapshot *snapshot;
    struct rng rng;
    double effect[CREATIVES]; /* log of clicks an impression */
    double shown[CREATIVES];  /* weight */
    double late[CREATIVES];   /* the same in the second half, when every rate is a third */
    struct qbid_proposal proposal[CREATIVES];
    int proposals;
};

static void world_new(struct world *w, struct scratch *scratch, uint64_t seed)
{
    struct qbid_snapshot_params params = {4, 0};
    *w = (struct world){.scratch = scratch, .rng = rng_init(seed)};
    assert_int_equal(qbid_snapshot_new(&params, &w->snapshot), 0);
    w->campaign = (struct qbid_campaign_def){.id = 1,
                                             .tenant_id = 3,
                                             .end_unix_s = INT64_MAX,
                                             .goal = QBID_GOAL_MAX_CLICKS,
                                             .active = true};
    for (uint32_t i = 0; i < ITEMS; i++)
        w->items[i] = (struct qbid_line_item_def){.id = 10 + i, .campaign_id = 1, .active = true};
    for (uint32_t k = 0; k < CREATIVES; k++) {
        w->creatives[k] = (struct qbid_creative_def){.id = 100 + k,
                                                     .line_item_id = 10 + k / (EACH + 1),
                                                     .width = 300,
                                                     .height = k % (EACH + 1) == EACH ? 600 : 250,
                                                     .format = QBID_FORMAT_BANNER,
                                                     .active = true};
        w->shown[k] = w->late[k] = 1;
    }
    w->account = (struct qbid_account){.campaigns = &w->campaign,
                                       .line_items = w->items,
                                       .creatives = w->creatives,
                                       .campaign_cnt = 1,
                                       .line_item_cnt = ITEMS,
                                       .creative_cnt = CREATIVES};
}

/* Totals at the end of each day, as the store keeps them; the first row is what was before. */
static void world_fill(struct world *w)
{
    sqlite3 *db = w->scratch->store->db;
    sqlite3_stmt *s;
    assert_int_equal(
        sqlite3_exec(db, "BEGIN; DELETE FROM creative_performance_rows", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(
                         db,
                         "INSERT INTO creative_performance_rows(tenant, campaign, line_item, id, "
                         "day, bids, wins, losses, bills, imps, clicks, convs, spend_nanos, "
                         "bid_nanos, value_nanos) VALUES(3, 1, ?1, ?2, ?3, 0, 0, 0, 0, ?4, ?5, 0, "
                         "?6, 0, 0)",
                         -1, &s, NULL),
                     SQLITE_OK);
    for (uint32_t k = 0; k < CREATIVES; k++) {
        uint64_t imps = 0, clicks = 0;
        for (int64_t day = 0; day <= DAYS; day++) {
            double wave = day > DAYS / 2 ? 0.3 : 1,
                   weight = day > DAYS / 2 ? w->late[k] : w->shown[k];
            uint32_t n = day ? (uint32_t)(1000 * weight) : 0;
            imps += n;
            clicks += rng_binomial(&w->rng, n, 0.02 * wave * exp(w->effect[k]));
            sqlite3_bind_int64(s, 1, w->creatives[k].line_item_id);
            sqlite3_bind_int64(s, 2, w->creatives[k].id);
            sqlite3_bind_int64(s, 3, NOW_S / 86400 - DAYS + day);
            sqlite3_bind_int64(s, 4, (int64_t)imps);
            sqlite3_bind_int64(s, 5, (int64_t)clicks);
            sqlite3_bind_int64(s, 6, (int64_t)imps * 2000000);
            assert_int_equal(sqlite3_step(s), SQLITE_DONE);
            sqlite3_reset(s);
        }
    }
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
}

static int keep(void *context, const struct qbid_proposal *proposal)
{
    struct world *w = context;
    char why[QBID_PROPOSAL_WHY_MAX] = "";
    if (qbid_proposal_check(proposal, why))
        fail_msg("proposal: %s", why);
    assert_true(w->proposals < CREATIVES && proposal->type == QBID_PROPOSAL_CREATIVE);
    assert_true(proposal->item == QBID_ITEM_CREATIVE && !proposal->auto_execute);
    assert_string_equal(proposal->field, "active");
    assert_string_equal(proposal->current, "true");
    assert_string_equal(proposal->recommended, "false");
    w->proposal[w->proposals++] = *proposal;
    return 0;
}

static struct qbid_agent_inputs inputs_of(const struct world *w)
{
    return (struct qbid_agent_inputs){
        .account = &w->account, .snapshot = w->snapshot, .unix_s = NOW_S};
}

static void find(struct world *w)
{
    struct qbid_agent_inputs inputs = inputs_of(w);
    struct qbid_random random = qbid_random_init(1);
    struct qbid_gains_search search = {.inputs = &inputs,
                                       .store = w->scratch->store,
                                       .random = &random,
                                       .give = keep,
                                       .give_context = w};
    world_fill(w);
    w->proposals = 0;
    assert_int_equal(qbid_creative_find(&search), 0);
}

/* Its siblings' effect, by impressions. */
static double siblings_of(const struct world *w, uint32_t k)
{
    double sum = 0, weight = 0;
    for (uint32_t j = k / (EACH + 1) * (EACH + 1); j < k / (EACH + 1) * (EACH + 1) + EACH; j++)
        if (j != k)
            sum += w->late[j] * exp(w->effect[j]), weight += w->late[j];
    return log(sum / weight);
}

static void what_does_worse_is_stopped(void **state)
{
    static struct world w;
    world_new(&w, *state, 1);
    w.effect[1] = -1;
    w.effect[EACH] = -2;       /* alone in its slot */
    w.effect[EACH + 1] = -0.8; /* two of one slot: the worse of them first */
    w.effect[EACH + 2] = -1.6;
    w.late[2 * (EACH + 1)] = 9; /* shown when nobody clicks: it does as well as the others */
    w.shown[2 * (EACH + 1)] = 0.3;
    find(&w);
    assert_int_equal(w.proposals, 2);
    assert_true(w.proposal[0].item_id == 101 && w.proposal[1].item_id == 100 + EACH + 2);
    for (int i = 0; i < 2; i++) {
        const struct qbid_proposal *p = &w.proposal[i];
        uint32_t k = p->item_id - 100;
        double x = w.effect[k] - siblings_of(&w, k);
        double value = EACH * 1000 * 0.002, truth = value * (1 / (0.25 * exp(x) + 0.75) - 1) * 1e9;
        assert_true((double)p->impact.low_nanos <= truth && truth <= (double)p->impact.high_nanos);
        assert_true(p->confidence >= 0.95 && p->impact.mean_nanos > 0 && p->risk < 0.05);
        assert_true(p->evidence_to_unix_s == NOW_S);
    }
    print_message("creative: %s\n", w.proposal[0].reason);
    assert_non_null(
        strstr(w.proposal[0].reason, "of the 3 others of line item 10 in banner:300x250"));
    w.late[1] = 0.002; /* rotation has taken nearly all of it away */
    find(&w);
    assert_int_equal(w.proposals, 1);
    qbid_snapshot_free(w.snapshot);
}

static void creatives_that_are_alike_go_on(void **state)
{
    int said = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        static struct world w;
        world_new(&w, *state, 50 + seed);
        find(&w);
        said += w.proposals > 0;
        qbid_snapshot_free(w.snapshot);
    }
    print_message("creative: proposals in %d of 12 worlds without effects\n", said);
    assert_true(said <= 2);
}

static void what_is_stopped_does_do_worse(void **state)
{
    int said = 0, wrong = 0, inside = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        static struct world w;
        world_new(&w, *state, 200 + seed);
        for (int k = 0; k < CREATIVES; k++)
            w.effect[k] = 0.25 * rng_normal(&w.rng);
        find(&w);
        for (int i = 0; i < w.proposals; i++) {
            uint32_t k = w.proposal[i].item_id - 100;
            double x = w.effect[k] - siblings_of(&w, k);
            double truth = EACH * 2 * (1 / (0.25 * exp(x) + 0.75) - 1) * 1e9;
            said++;
            wrong += x > 0;
            inside += (double)w.proposal[i].impact.low_nanos <= truth &&
                      truth <= (double)w.proposal[i].impact.high_nanos;
        }
        qbid_snapshot_free(w.snapshot);
    }
    print_message("creative: of %d stopped %d do better; %d intervals hold the gain\n", said, wrong,
                  inside);
    assert_true(said >= 20 && wrong <= 0.1 * said && inside >= 0.8 * said);
}

static void the_agent_does_not_repeat_itself(void **state)
{
    static struct world w;
    struct qbid_gains_agent *creative;
    world_new(&w, *state, 2);
    w.effect[1] = -1.2;
    world_fill(&w);
    struct qbid_dictionary *dictionary;
    assert_int_equal(qbid_dictionary_new(&dictionary), 0);
    struct qbid_gains_params params = {NULL, dictionary, 0.9, 3600, 1};
    assert_int_equal(qbid_gains_agent_new(&qbid_creative_kind, &params, &creative), QBID_ERR_INVAL);
    params.store = w.scratch->store;
    assert_int_equal(qbid_gains_agent_new(&qbid_creative_kind, &params, &creative), 0);
    struct qbid_agent agent = qbid_gains_agent_of(creative);
    struct qbid_agent_inputs inputs = inputs_of(&w);
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 1);
    inputs.unix_s += 3599;
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 1);
    w.creatives[1].active = false;
    inputs.unix_s++;
    assert_int_equal(agent.propose(agent.state, &inputs, keep, &w), 0);
    assert_int_equal(w.proposals, 1);
    qbid_gains_agent_free(creative);
    qbid_dictionary_free(dictionary);
    qbid_snapshot_free(w.snapshot);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_does_worse_is_stopped),
        TEST(creatives_that_are_alike_go_on),
        TEST(what_is_stopped_does_do_worse),
        TEST(the_agent_does_not_repeat_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
