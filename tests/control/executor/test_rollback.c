/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back an execution that others came after: money goes back as the amount that was moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/written/money.h"
#include "shm/error.h"
#include "tests/control/executor/rig.h"

#define UNITS INT64_C(1000000000)
#define GUARD_NS UINT64_C(86400000000000)

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    *state = rig;
    if (!rig)
        return -1;
    rig->executor.limits = (struct qbid_executor_limits){.four_eyes_nanos = 1000 * UNITS,
                                                         .expire_ns = GUARD_NS,
                                                         .guard_error = 0.05,
                                                         .guard_fall = 0.1,
                                                         .guard_ns = GUARD_NS};
    for (int i = 1; i <= RIG_CAMPAIGNS; i++)
        rig->day[i] = rig->all[i] =
            (struct qbid_stats){.imps = 200000, .clicks = 2000, .convs = 40};
    return rig_open(rig, ":memory:", false) || rig_import(rig, rig_document, "uid 1") ||
           rig_import(rig,
                      "{\"campaigns\": [{\"id\": 5, \"tenant\": 1, \"budget\": \"20\", \"end\": "
                      "\"2027-01-01T00:00:00Z\", \"goal\": \"max_clicks\"}]}",
                      "uid 1");
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    free(rig);
    return 0;
}

static int64_t budget(const struct rig *rig, uint32_t campaign)
{
    return qbid_account_campaign(&rig->account, campaign)->budget_nanos;
}

static int64_t sum(const struct rig *rig, uint32_t tenant)
{
    int64_t nanos = 0;
    for (uint32_t i = 0; i < rig->account.campaign_cnt; i++)
        if (rig->account.campaigns[i].tenant_id == tenant)
            nanos += rig->account.campaigns[i].budget_nanos;
    return nanos;
}

static void propose(struct rig *rig, uint32_t campaign, int64_t nanos, struct qbid_proposal *ret)
{
    char value[QBID_MONEY_TEXT_MAX];
    struct qbid_executor_call call = rig_call(rig, "agent");
    bool fresh;
    value[qbid_money_format(budget(rig, campaign) + nanos, value)] = 0;
    *ret = rig_proposal(rig, QBID_ITEM_CAMPAIGN, campaign, "budget", value);
    ret->group = rig->gen + 1;
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, ret, &fresh), 0);
}

/* Move money from one campaign to another as one execution; its number. */
static uint64_t move(struct rig *rig, uint32_t from, uint32_t to, int64_t nanos)
{
    struct qbid_proposal p[2];
    struct qbid_executor_effect effect;
    propose(rig, from, -nanos, &p[0]);
    propose(rig, to, nanos, &p[1]);
    struct qbid_executor_call call = rig_call(rig, "agent");
    assert_int_equal(qbid_executor_apply(&rig->executor, &call, p[0].id, &effect), 0);
    qbid_executor_effect_done(&effect);
    return effect.execution;
}

/* Take back one execution alone. */
static int only(struct rig *rig, uint64_t execution, struct qbid_executor_effect *ret_effect)
{
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    int err = qbid_executor_rollback(&rig->executor, &call, execution, execution, ret_effect);
    if (err == 0)
        qbid_executor_effect_done(ret_effect);
    return err;
}

static void fall(struct rig *rig, uint32_t campaign)
{
    rig->all[campaign].imps += 100000;
    rig->all[campaign].clicks += 300;
    rig->all[campaign].convs += 20;
}

static int tick(struct rig *rig)
{
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    return qbid_executor_tick(&rig->executor, &call);
}

static void verified(struct rig *rig)
{
    uint64_t id;
    assert_int_equal(qbid_store_verify_audit(rig->store, NULL, &id), 0);
}

static void the_sum_stays_when_a_middle_move_goes_back(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    int64_t whole = sum(rig, 1), second = budget(rig, 2);
    uint64_t first = move(rig, 1, 2, 10 * UNITS + 1);
    move(rig, 2, 5, 15 * UNITS + 1000);
    assert_int_equal(only(rig, first, &effect), 0);
    assert_int_equal(sum(rig, 1), whole);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    assert_int_equal(budget(rig, 2), second - 15 * UNITS - 1000);
    assert_int_equal(budget(rig, 5), 35 * UNITS + 1000);
    assert_int_equal(effect.moved, 1);
    assert_int_equal(effect.kept, 0);
    verified(rig);
}

static void nothing_goes_back_twice_and_the_way_back_is_a_way(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    int64_t whole = sum(rig, 1);
    uint64_t first = move(rig, 1, 2, 10 * UNITS);
    move(rig, 2, 5, 5 * UNITS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(only(rig, first, &effect), 0);
        uint64_t back = effect.execution, before = rig_state(rig);
        assert_int_equal(budget(rig, 1), 100 * UNITS);
        assert_int_equal(only(rig, first, &effect), QBID_ERR_STALE);
        assert_non_null(strstr(rig->refusal, "was taken back by"));
        assert_true(rig_state(rig) == before);
        assert_int_equal(only(rig, back, &effect), 0);
        assert_int_equal(budget(rig, 1), 90 * UNITS);
        assert_int_equal(sum(rig, 1), whole);
        assert_int_equal(rig_number(rig, "SELECT count(*) FROM recommendations WHERE status = "
                                         "'applied'"),
                         4);
    }
    assert_int_equal(only(rig, first, &effect), 0);
    uint64_t back = effect.execution;
    move(rig, 5, 2, UNITS);
    assert_int_equal(only(rig, back, &effect), QBID_ERR_STALE);
    assert_non_null(strstr(rig->refusal, "is a rollback"));
    verified(rig);
}

static void what_later_ones_moved_on_is_not_taken_below_nothing(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    uint64_t start = rig_state(rig);
    uint64_t first = move(rig, 1, 2, 40 * UNITS);
    move(rig, 2, 5, 60 * UNITS);
    uint64_t before = rig_state(rig);
    assert_int_equal(only(rig, first, &effect), QBID_ERR_LIMIT);
    assert_non_null(strstr(rig->refusal, "budget of campaign 2"));
    assert_true(rig_state(rig) == before);
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    assert_int_equal(qbid_executor_rollback(&rig->executor, &call, first, UINT32_MAX, &effect), 0);
    qbid_executor_effect_done(&effect);
    assert_true(rig_state(rig) == start);
}

static void an_amount_of_another_period_is_not_taken_back(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    uint64_t first = move(rig, 1, 2, 10 * UNITS);
    assert_int_equal(
        rig_import(rig, "{\"campaigns\": [{\"id\": 2, \"budget\": \"3\", \"period\": \"daily\"}]}",
                   "uid 3"),
        0);
    assert_int_equal(only(rig, first, &effect), QBID_ERR_STALE);
    assert_non_null(strstr(rig->refusal, "period of campaign 2"));
    assert_int_equal(budget(rig, 1), 90 * UNITS);
}

static void other_fields_keep_what_was_decided_later(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    assert_int_equal(
        rig_import(rig,
                   "{\"campaigns\": [{\"id\": 4, \"budget\": \"31\", \"hours\": \"sat 1-2\"}]}",
                   "uid 3"),
        0);
    assert_int_equal(
        rig_import(rig,
                   "{\"campaigns\": [{\"id\": 4, \"budget\": \"29\", \"hours\": \"sun 3-4\"}]}",
                   "uid 3"),
        0);
    assert_int_equal(only(rig, 3, &effect), 0);
    assert_string_equal(qbid_account_campaign(&rig->account, 4)->hours, "sun 3-4");
    assert_int_equal(budget(rig, 4), 28 * UNITS); /* a person may, and sees it in the diff */
    assert_int_equal(effect.moved, 1);
    assert_int_equal(effect.kept, 1);
}

static void a_guard_takes_back_the_middle_one_alone(void **state)
{
    struct rig *rig = *state;
    int64_t whole = sum(rig, 1);
    move(rig, 1, 2, 10 * UNITS);
    move(rig, 2, 5, 5 * UNITS);
    fall(rig, 1); /* only the first touched it */
    assert_int_equal(tick(rig), 1);
    assert_int_equal(sum(rig, 1), whole);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    assert_int_equal(budget(rig, 5), 25 * UNITS);
    verified(rig);
}

static void a_guard_leaves_what_a_person_set_since_and_says_so(void **state)
{
    struct rig *rig = *state;
    uint64_t first = move(rig, 1, 2, 10 * UNITS);
    move(rig, 3, 4, 5 * UNITS);
    assert_int_equal(rig_import(rig, "{\"campaigns\": [{\"id\": 2, \"budget\": \"44\"}]}", "uid 3"),
                     0);
    fall(rig, 1);
    fall(rig, 3); /* of the next execution, which nothing keeps from going back */
    assert_int_equal(tick(rig), 1);
    assert_int_equal(budget(rig, 1), 90 * UNITS);
    assert_int_equal(budget(rig, 2), 44 * UNITS);
    assert_int_equal(budget(rig, 3), 70 * UNITS);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM guards"), 0);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM audit WHERE what LIKE 'execution % not "
                                     "taken back' AND tenant = 1 AND why LIKE 'ctr of campaign 1 "
                                     "fell%budget of campaign 2 was set by uid 3%'"),
                     1);
    assert_int_equal(tick(rig), 0);
    struct qbid_executor_effect effect;
    assert_int_equal(only(rig, first, &effect), 0); /* who wants to, may */
    assert_int_equal(budget(rig, 2), 34 * UNITS);
    verified(rig);
}

/* An operator's change of two tenants, of which one tenant takes back its own part. */
static void what_went_back_in_part_does_not_go_back_again(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    uint64_t own = move(rig, 1, 2, UNITS);
    int64_t whole[] = {sum(rig, 1), sum(rig, 2)};
    assert_int_equal(rig_import(rig,
                                "{\"campaigns\": [{\"id\": 1, \"budget\": \"109\"}, {\"id\": 3, "
                                "\"budget\": \"75\"}]}",
                                "uid 3"),
                     0);
    uint64_t both = own + 1;
    struct qbid_executor_call call = rig_call(rig, "token a");
    call.tenant = 1;
    qbid_store_scope(rig->store, 1);
    assert_int_equal(qbid_executor_rollback(&rig->executor, &call, own, UINT32_MAX, &effect), 0);
    qbid_executor_effect_done(&effect);
    qbid_store_scope(rig->store, 0);
    assert_int_equal(sum(rig, 1), whole[0]);
    assert_int_equal(sum(rig, 2), whole[1] + 5 * UNITS);
    assert_int_equal(only(rig, both, &effect), QBID_ERR_STALE);
    assert_non_null(strstr(rig->refusal, "took back a part"));
    assert_int_equal(sum(rig, 2), whole[1] + 5 * UNITS);
    verified(rig);
}

static void hold(struct rig *rig, enum qbid_item_kind item, uint32_t id, bool on)
{
    struct qbid_executor_call call = rig_call(rig, "uid 3");
    call.why = "promised";
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, item, id, on), 0);
}

static int64_t count(struct rig *rig, const char *what)
{
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit WHERE %s", what);
    return rig_number(rig, sql);
}

/* Neither alone nor with what came after: whoever holds an item lifts that first. */
static void what_is_held_does_not_go_back(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    uint64_t first = move(rig, 1, 2, 10 * UNITS);
    hold(rig, QBID_ITEM_CAMPAIGN, 2, true);
    uint64_t before = rig_state(rig);
    assert_int_equal(only(rig, first, &effect), QBID_ERR_BUSY);
    assert_non_null(strstr(rig->refusal, "campaign 2 is held by uid 3: promised"));
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    call.dry_run = true;
    assert_int_equal(qbid_executor_rollback(&rig->executor, &call, first, UINT32_MAX, &effect),
                     QBID_ERR_BUSY);
    assert_true(rig_state(rig) == before);
    hold(rig, QBID_ITEM_CAMPAIGN, 2, false);
    hold(rig, QBID_ITEM_LINE_ITEM, 20, true); /* which the move did not touch */
    assert_int_equal(only(rig, first, &effect), 0);
    assert_int_equal(rig_import(rig,
                                "{\"campaigns\": [{\"id\": 1, \"line_items\": [{\"id\": 10, "
                                "\"creatives\": [{\"id\": 100, \"markup\": \"<i>\"}]}]}]}",
                                "uid 3"),
                     0);
    hold(rig, QBID_ITEM_LINE_ITEM, 10, true); /* and what is below it */
    uint64_t last = (uint64_t)rig_number(rig, "SELECT max(id) FROM executions");
    assert_int_equal(only(rig, last, &effect), QBID_ERR_BUSY);
    verified(rig);
}

static void what_is_spent_does_not_go_back(void **state)
{
    struct rig *rig = *state;
    struct qbid_executor_effect effect;
    uint64_t first = move(rig, 1, 2, 10 * UNITS);
    rig->committed[1] = 99 * UNITS; /* its budget would rise: no matter */
    rig->committed[2] = 50 * UNITS + 2;
    uint64_t before = rig_state(rig);
    assert_int_equal(only(rig, first, &effect), QBID_ERR_BUSY);
    assert_non_null(strstr(rig->refusal, "budget of campaign 2 would be 50.000000001, and "
                                         "50.000000002 of it are spent or bid already"));
    assert_true(rig_state(rig) == before);
    rig->committed[2]--;
    assert_int_equal(only(rig, first, &effect), 0);
}

/* The guard waits for the hold to be lifted and for the money of another day, and says so once. */
static void a_guard_waits_for_what_is_held_or_spent(void **state)
{
    struct rig *rig = *state;
    move(rig, 1, 2, 10 * UNITS);
    move(rig, 3, 4, 5 * UNITS);
    rig->committed[2] = 55 * UNITS;
    hold(rig, QBID_ITEM_CAMPAIGN, 4, true);
    fall(rig, 1);
    fall(rig, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tick(rig), 0);
    assert_int_equal(count(rig, "what LIKE 'execution % waits to be taken back'"), 2);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM optimization_insights WHERE kind = "
                                     "'warning' AND metric LIKE 'rollback %' AND text LIKE 'ctr of "
                                     "campaign _ fell%'"),
                     2);
    assert_int_equal(budget(rig, 1), 90 * UNITS);
    rig->committed[2] = 0;
    assert_int_equal(tick(rig), 1);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    rig->unix_ns += GUARD_NS; /* the watch of the other is over */
    assert_int_equal(tick(rig), 0);
    assert_int_equal(count(rig,
                           "what LIKE 'execution % not taken back' AND tenant = 2 AND why LIKE "
                           "'ctr of campaign 3 fell%campaign 4 is held by uid 3: promised'"),
                     1);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM guards"), 0);
    assert_int_equal(budget(rig, 3), 65 * UNITS);
    verified(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sum_stays_when_a_middle_move_goes_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_goes_back_twice_and_the_way_back_is_a_way, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_later_ones_moved_on_is_not_taken_below_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_amount_of_another_period_is_not_taken_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(other_fields_keep_what_was_decided_later, setup, teardown),
        cmocka_unit_test_setup_teardown(what_went_back_in_part_does_not_go_back_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_guard_takes_back_the_middle_one_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_guard_leaves_what_a_person_set_since_and_says_so, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_held_does_not_go_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_spent_does_not_go_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_guard_waits_for_what_is_held_or_spent, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
