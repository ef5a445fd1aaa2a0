/* SPDX-License-Identifier: Apache-2.0 */
/* The executor: approvals, limits, holds, dry runs, the way back, and whose rows are whose. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/account/view.h"
#include "control/store/store_db.h"
#include "shm/error.h"
#include "tests/control/executor/rig.h"

#define UNITS INT64_C(1000000000)

struct fixture {
    struct rig rig;
    char folder[32], path[64];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    strcpy(f->folder, "/tmp/qbid-executor-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/q.db", f->folder);
    f->rig.executor.limits = (struct qbid_executor_limits){.four_eyes_nanos = 10 * UNITS,
                                                           .item_change = 0.5,
                                                           .day_change = 0.5,
                                                           .risk = 0.5,
                                                           .expire_ns = UINT64_C(3600000000000),
                                                           .guard_error = 0.05,
                                                           .guard_fall = 0.1,
                                                           .guard_ns = UINT64_C(86400000000000)};
    return rig_open(&f->rig, f->path, false) || rig_import(&f->rig, rig_document, "uid 1");
}

static int teardown(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct fixture *f = *state;
    rig_close(&f->rig);
    for (int i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
    int err = rmdir(f->folder);
    free(f);
    return err;
}

static uint64_t propose(struct rig *rig, uint32_t campaign, const char *budget, const char *actor)
{
    struct qbid_proposal p = rig_proposal(rig, QBID_ITEM_CAMPAIGN, campaign, "budget", budget);
    struct qbid_executor_call call = rig_call(rig, actor);
    bool fresh = false;
    int err = qbid_executor_propose(&rig->executor, &call, &p, &fresh);
    if (err || !fresh)
        fail_msg("proposing %s: %d %s", budget, err, rig->refusal);
    return p.id;
}

static int apply(struct rig *rig, uint64_t id, const char *actor, uint64_t *execution)
{
    struct qbid_executor_effect effect;
    struct qbid_executor_call call = rig_call(rig, actor);
    int err = qbid_executor_apply(&rig->executor, &call, id, &effect);
    if (err)
        return err;
    if (execution)
        *execution = effect.execution;
    qbid_executor_effect_done(&effect);
    return 0;
}

static int decide(struct rig *rig, uint64_t id, const char *actor, bool approve)
{
    struct qbid_executor_call call = rig_call(rig, actor);
    return qbid_executor_decide(&rig->executor, &call, id, approve);
}

static int rollback(struct rig *rig, uint64_t from, uint64_t until)
{
    struct qbid_executor_effect effect;
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    int err = qbid_executor_rollback(&rig->executor, &call, from, until, &effect);
    if (err == 0)
        qbid_executor_effect_done(&effect);
    return err;
}

static void verified(struct rig *rig)
{
    uint64_t id;
    assert_int_equal(qbid_store_verify_audit(rig->store, NULL, &id), 0);
}

static int64_t budget(const struct rig *rig, uint32_t campaign)
{
    return qbid_account_campaign(&rig->account, campaign)->budget_nanos;
}

static void a_small_one_is_applied_once_published_and_audited(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t first, again;
    uint64_t id = propose(rig, 1, "105", "budget agent");
    assert_int_equal(apply(rig, id, "uid 1", &first), 0);
    assert_int_equal(budget(rig, 1), 105 * UNITS);
    assert_int_equal(rig_number(rig, "SELECT budget_nanos FROM campaigns WHERE id = 1"),
                     105 * UNITS);
    int64_t records = rig_number(rig, "SELECT count(*) FROM audit");
    assert_int_equal(apply(rig, id, "uid 2", &again), 0);
    assert_int_equal(again, first);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM audit"), records);
    assert_int_equal(rig_number(rig, "SELECT gen FROM executions ORDER BY id DESC LIMIT 1"),
                     (int64_t)rig->gen);
    verified(rig);
}

static void a_dry_run_shows_all_and_changes_nothing(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_executor_effect effect;
    uint64_t id = propose(rig, 2, "55.000000001", "budget agent");
    uint64_t before = rig_state(rig);
    int64_t records = rig_number(rig, "SELECT count(*) FROM audit");
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    call.dry_run = true;
    assert_int_equal(qbid_executor_apply(&rig->executor, &call, id, &effect), 0);
    assert_int_equal(effect.diff.change_cnt, 1);
    assert_string_equal(effect.diff.change[0].field[0].after, "55.000000001");
    assert_int_equal(effect.budgets_after - effect.budgets_before, 5 * UNITS);
    assert_int_equal(effect.money_nanos, 5 * UNITS);
    assert_int_equal(effect.execution, 0);
    qbid_executor_effect_done(&effect);
    assert_int_equal(qbid_executor_decide(&rig->executor, &call, id, true), 0);
    assert_int_equal(qbid_executor_rollback(&rig->executor, &call, 1, UINT32_MAX, &effect), 0);
    assert_true(effect.inactive > 0);
    qbid_executor_effect_done(&effect);
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 1, true), 0);
    assert_true(rig_state(rig) == before);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM audit"), records);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM holds"), 0);
    assert_int_equal(budget(rig, 2), 50 * UNITS + 1);
}

static void four_eyes_are_two_people(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t id = propose(rig, 1, "120", "uid 5"); /* 20 at stake */
    assert_int_equal(apply(rig, id, "uid 6", NULL), QBID_ERR_DENIED);
    assert_int_equal(decide(rig, id, "uid 5", true), QBID_ERR_DENIED);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    assert_int_equal(decide(rig, id, "uid 6", true), 0);
    assert_int_equal(decide(rig, id, "uid 6", true), QBID_ERR_INVAL);
    assert_int_equal(apply(rig, id, "uid 5", NULL), 0);
    assert_int_equal(budget(rig, 1), 120 * UNITS);
    uint64_t small = propose(rig, 3, "71", "uid 5");
    assert_int_equal(decide(rig, small, "uid 5", true), 0); /* below the limit two eyes do */
    verified(rig);
}

static void what_was_rejected_or_is_stale_or_held_is_not_applied(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t id = propose(rig, 1, "101", "a"), other = propose(rig, 1, "102", "a");
    assert_int_equal(decide(rig, id, "uid 1", false), 0);
    assert_int_equal(apply(rig, id, "uid 1", NULL), QBID_ERR_INVAL);
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    call.why = "the client asked";
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 1, true), 0);
    assert_int_equal(apply(rig, other, "uid 1", NULL), QBID_ERR_BUSY);
    assert_non_null(strstr(rig->refusal, "campaign 1 is held by uid 1: the client asked"));
    struct qbid_proposal below = rig_proposal(rig, QBID_ITEM_CREATIVE, 100, "crid", "x");
    bool fresh;
    call = rig_call(rig, "a");
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &below, &fresh), 0);
    assert_int_equal(decide(rig, below.id, "uid 1", true), 0);
    assert_int_equal(apply(rig, below.id, "uid 1", NULL), QBID_ERR_BUSY);
    call = rig_call(rig, "uid 1");
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 1, false), 0);
    assert_int_equal(rig_import(rig, "{\"campaigns\": [{\"id\": 1, \"budget\": \"99\"}]}", "uid 2"),
                     0);
    assert_int_equal(apply(rig, other, "uid 1", NULL), QBID_ERR_STALE);
    assert_int_equal(budget(rig, 1), 99 * UNITS);
}

/* What agents of schedules and creatives propose are changes like any other, there and back. */
static void hours_and_creatives_are_changed_like_budgets(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint32_t item = rig->account.creatives[0].line_item_id;
    struct qbid_proposal change[] = {
        rig_proposal(rig, QBID_ITEM_LINE_ITEM, item, "hour", "!2,!26,!167"),
        rig_proposal(rig, QBID_ITEM_CREATIVE, 100, "active", "false")};
    const struct qbid_field *hour = qbid_fields_find(QBID_ITEM_LINE_ITEM, "hour");
    uint64_t execution[2];
    /* what they put at stake is the part of the campaign's spend that they are about */
    rig->executor.limits.day_change = 0.1;
    rig->executor.limits.four_eyes_nanos = 10 * UNITS;
    for (int i = 0; i < 2; i++) {
        struct qbid_executor_call call = rig_call(rig, "agent");
        bool fresh;
        change[i].type = i ? QBID_PROPOSAL_CREATIVE : QBID_PROPOSAL_SCHEDULE;
        change[i].touched = 0.05;
        assert_int_equal(qbid_executor_propose(&rig->executor, &call, &change[i], &fresh), 0);
        assert_int_equal(apply(rig, change[i].id, "uid 1", &execution[i]), 0);
    }
    char *text = qbid_field_text(hour, qbid_account_line_item(&rig->account, item));
    assert_string_equal(text, "!2,!26,!167");
    free(text);
    assert_false(qbid_account_creative(&rig->account, 100)->active);
    assert_int_equal(rollback(rig, execution[0], UINT32_MAX), 0);
    assert_true(qbid_account_creative(&rig->account, 100)->active);
    assert_int_equal(qbid_account_line_item(&rig->account, item)->target[QBID_DIM_HOUR].cnt, 0);
    verified(rig);
}

static void limits_of_one_change_and_of_a_day_hold(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    rig->executor.limits.four_eyes_nanos = 1000 * UNITS;
    uint64_t id = propose(rig, 1, "151", "a");
    assert_int_equal(apply(rig, id, "uid 1", NULL), QBID_ERR_LIMIT);
    assert_non_null(strstr(rig->refusal, "budget of campaign 1 would change by 51 %"));
    rig->executor.limits.day_change = 0.2; /* of 250 */
    assert_int_equal(apply(rig, propose(rig, 1, "140", "a"), "uid 1", NULL), 0);
    assert_int_equal(apply(rig, propose(rig, 3, "90", "a"), "uid 1", NULL), QBID_ERR_LIMIT);
    rig->unix_ns += UINT64_C(86400000000000);
    assert_int_equal(apply(rig, propose(rig, 3, "86", "a"), "uid 1", NULL), 0);
}

static void bad_proposals_are_refused_by_name(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_executor_call call = rig_call(rig, "a");
    bool fresh;
    struct qbid_proposal p = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 1, "budget", "-3");
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &p, &fresh), QBID_ERR_INVAL);
    assert_non_null(strstr(rig->refusal, "budget"));
    p = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 9, "budget", "3");
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &p, &fresh), QBID_ERR_NOENT);
    p = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 1, "budget", "3");
    p.id++;
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &p, &fresh), QBID_ERR_INVAL);
    strcpy(p.current, "7");
    p.id = qbid_proposal_id(&p);
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &p, &fresh), QBID_ERR_STALE);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM recommendations"), 0);
    assert_int_equal(apply(rig, 77, "uid 1", NULL), QBID_ERR_NOENT);
}

/* Changes of every type of field, then back step by step: the bytes of each former state. */
static void every_suffix_is_taken_back_to_the_byte(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    static const char *const documents[] = {
        "{\"campaigns\": [{\"id\": 1, \"name\": \"\xc3\xbc, 'x'\", \"max_change\": 0.1}]}",
        "{\"campaigns\": [{\"id\": 1, \"line_items\": [{\"id\": 10, \"targeting\": {\"exchange\": "
        "[\"9\"], \"site\": [\"a b\", \"'\\\"\"]}}, {\"id\": 11, \"deal\": \"\"}]}]}",
        "{\"campaigns\": [{\"id\": 2, \"goal\": {\"target_cpc\": 1.7}, \"hours\": \"sat 1-2\"}]}",
        "{\"campaigns\": [{\"id\": 1, \"line_items\": [{\"id\": 10, \"targeting\": {\"exchange\": "
        "[\"2\"]}, \"creatives\": [{\"id\": 100, \"markup\": \"<i>\", \"size\": \"320x50\"}]}]}]}",
        "{\"campaigns\": [{\"id\": 4, \"active\": false, \"pacing\": \"asap\"}]}",
        "{\"campaigns\": [{\"id\": 1, \"line_items\": [{\"id\": 11, \"prior_ctr\": 0.3}]}]}"};
    enum { STEPS = sizeof documents / sizeof documents[0] };
    uint64_t before[STEPS + 1];
    for (int i = 0; i < STEPS; i++) {
        before[i] = rig_state(rig);
        assert_int_equal(rig_import(rig, documents[i], "uid 1"), 0);
        assert_true(rig_state(rig) != before[i]);
    }
    for (int i = STEPS; i-- > 0;) { /* execution 1 is the setup's import */
        assert_int_equal(rollback(rig, (uint64_t)i + 2, UINT32_MAX), 0);
        assert_true(rig_state(rig) == before[i]);
    }
    for (int i = 0; i < STEPS; i++) { /* the way back is a way, too */
        assert_int_equal(rollback(rig, STEPS + 2, UINT32_MAX), 0);
        assert_int_equal(rollback(rig, (uint64_t)i + 2, UINT32_MAX), 0);
        assert_true(rig_state(rig) == before[i]);
    }
    assert_int_equal(rollback(rig, 1000, UINT32_MAX), QBID_ERR_NOENT);
    verified(rig);
}

static void one_execution_alone_goes_back(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t first;
    assert_int_equal(apply(rig, propose(rig, 1, "105", "a"), "uid 1", &first), 0);
    assert_int_equal(apply(rig, propose(rig, 2, "52", "a"), "uid 1", NULL), 0);
    assert_int_equal(rollback(rig, first, first), 0);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    assert_int_equal(budget(rig, 2), 52 * UNITS);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM recommendations WHERE status = "
                                     "'rolled_back'"),
                     1);
    assert_int_equal(apply(rig, propose(rig, 3, "75", "a"), "uid 1", &first), 0);
    assert_int_equal(apply(rig, propose(rig, 3, "74", "a"), "uid 1", NULL), 0);
    assert_int_equal(rollback(rig, first, first), 0);
    assert_int_equal(budget(rig, 3), 69 * UNITS); /* the later one took 1, the first had given 5 */
}

static void added_items_stay_behind_inactive(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    assert_int_equal(rig_import(rig,
                                "{\"campaigns\": [{\"id\": 7, \"budget\": \"5\", \"end\": \"+7d\", "
                                "\"goal\": \"max_clicks\"}]}",
                                "uid 1"),
                     0);
    assert_int_equal(rig_import(rig, "{\"campaigns\": [{\"id\": 7, \"active\": false}]}", "uid 1"),
                     0);
    assert_int_equal(rollback(rig, 2, UINT32_MAX), 0);
    assert_false(qbid_account_campaign(&rig->account, 7)->active);
    assert_int_equal(rollback(rig, 4, UINT32_MAX), 0);
    verified(rig);
}

static void a_group_stands_or_falls_together(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_proposal from = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 1, "budget", "97");
    struct qbid_proposal to = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 2, "budget", "53.000000001");
    bool fresh;
    struct qbid_executor_call call = rig_call(rig, "a");
    from.group = to.group = 99;
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &from, &fresh), 0);
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &to, &fresh), 0);
    call = rig_call(rig, "uid 1");
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 2, true), 0);
    assert_int_equal(apply(rig, from.id, "uid 1", NULL), QBID_ERR_BUSY);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    call = rig_call(rig, "uid 1");
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 2, false), 0);
    assert_int_equal(apply(rig, from.id, "uid 1", NULL), 0);
    assert_int_equal(budget(rig, 1), 97 * UNITS);
    assert_int_equal(budget(rig, 2), 53 * UNITS + 1);
    assert_int_equal(rig_number(rig, "SELECT count(DISTINCT execution) FROM recommendations"), 1);
}

static uint64_t propose_auto(struct rig *rig, uint32_t campaign, const char *value, int64_t gain,
                             int64_t loss, uint64_t group)
{
    struct qbid_proposal p = rig_proposal(rig, QBID_ITEM_CAMPAIGN, campaign, "budget", value);
    struct qbid_executor_call call = rig_call(rig, "agent");
    bool fresh;
    p.auto_execute = true;
    p.group = group;
    p.impact = (struct qbid_proposal_impact){gain, gain, gain, loss};
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &p, &fresh), 0);
    return p.id;
}

static void the_plan_takes_what_gains_most_within_the_risk(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    rig->executor.limits.automatic = true;
    rig->executor.limits.risk = 10.0 / 250; /* 10 units of the budgets' 250 */
    propose_auto(rig, 1, "105", 8 * UNITS, 9 * UNITS, 0);
    propose_auto(rig, 1, "104", 5 * UNITS, 4 * UNITS, 0); /* the same campaign: one of the two */
    propose_auto(rig, 3, "73", 4 * UNITS, 5 * UNITS, 0);
    propose_auto(rig, 4, "31", -1, 0, 0);
    /* a group over two campaigns: 6 for a risk of 10, worse than 5 + 4 for 9 */
    propose_auto(rig, 1, "103", 3 * UNITS, 5 * UNITS, 5);
    propose_auto(rig, 2, "51", 3 * UNITS, 5 * UNITS, 5);
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 1);
    assert_int_equal(budget(rig, 1), 104 * UNITS);
    assert_int_equal(budget(rig, 2), 50 * UNITS + 1);
    assert_int_equal(budget(rig, 3), 73 * UNITS);
    assert_int_equal(budget(rig, 4), 30 * UNITS);
    call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0); /* the others are stale */
    verified(rig);
}

static void a_group_over_campaigns_is_planned_when_it_is_best(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    rig->executor.limits.automatic = true;
    propose_auto(rig, 1, "104", 5 * UNITS, 4 * UNITS, 0);
    propose_auto(rig, 1, "103", 3 * UNITS, 1 * UNITS, 5);
    propose_auto(rig, 2, "51", 3 * UNITS, 1 * UNITS, 5);
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 1);
    assert_int_equal(budget(rig, 1), 103 * UNITS);
    assert_int_equal(budget(rig, 2), 51 * UNITS);
}

static void what_is_beyond_all_measure_is_not_planned(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    rig->executor.limits.automatic = true;
    propose_auto(rig, 1, "104", INT64_MAX, 0, 0);
    propose_auto(rig, 2, "51", INT64_MAX, INT64_MAX, 0);
    propose_auto(rig, 3, "73", 4 * UNITS, 5 * UNITS, 0);
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 1);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    assert_int_equal(budget(rig, 3), 73 * UNITS);
}

static void nobody_decided_so_it_ends(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t id = propose(rig, 1, "105", "a");
    rig->unix_ns += UINT64_C(3600000000001);
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0);
    assert_int_equal(apply(rig, id, "uid 1", NULL), QBID_ERR_INVAL);
    assert_non_null(strstr(rig->refusal, "is expired"));
}

static uint64_t agent_says(struct rig *rig, uint32_t campaign, const char *value, uint64_t group)
{
    struct qbid_proposal p = rig_proposal(rig, QBID_ITEM_CAMPAIGN, campaign, "budget", value);
    struct qbid_executor_call call = rig_call(rig, p.agent);
    bool fresh;
    p.group = group;
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &p, &fresh), 0);
    assert_true(fresh);
    return p.id;
}

static const char *status_of(struct rig *rig, uint64_t id)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT instr('pending approved superseded', status) FROM recommendations WHERE id = "
             "%lld",
             (long long)id);
    int64_t at = rig_number(rig, sql);
    return at == 1 ? "pending" : at == 9 ? "approved" : at == 18 ? "superseded" : "?";
}

static void what_an_agent_says_anew_takes_the_place_of_what_it_said(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t one = agent_says(rig, 1, "97", 5), two = agent_says(rig, 2, "53.000000001", 5);
    uint64_t twin = agent_says(rig, 1, "96", 0); /* of the same evidence */
    uint64_t decided = agent_says(rig, 3, "71", 0), other = agent_says(rig, 4, "31", 0);
    struct qbid_proposal person = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 1, "budget", "95");
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    bool fresh;
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &person, &fresh), 0);
    assert_int_equal(decide(rig, decided, "uid 1", true), 0);
    rig->unix_ns += 2 * UNITS; /* newer evidence */
    struct qbid_proposal dry = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 1, "budget", "94");
    call = rig_call(rig, dry.agent);
    call.dry_run = true;
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &dry, &fresh), 0);
    assert_string_equal(status_of(rig, one), "pending");
    uint64_t newer[] = {agent_says(rig, 1, "98", 6), agent_says(rig, 3, "72", 6)};
    assert_string_equal(status_of(rig, one), "superseded");
    assert_string_equal(status_of(rig, two), "superseded"); /* its group falls with it */
    assert_string_equal(status_of(rig, twin), "superseded");
    assert_string_equal(status_of(rig, decided), "approved");
    assert_string_equal(status_of(rig, other), "pending");
    assert_string_equal(status_of(rig, person.id), "pending");
    assert_string_equal(status_of(rig, newer[0]), "pending");
    assert_string_equal(status_of(rig, newer[1]), "pending");
    assert_int_equal(apply(rig, two, "uid 1", NULL), QBID_ERR_INVAL);
    assert_non_null(strstr(rig->refusal, "is superseded"));
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM audit WHERE what LIKE 'recommendation % "
                                     "superseded' AND before = 'pending' AND after = 'superseded' "
                                     "AND why LIKE '% is of newer evidence'"),
                     3);
    assert_int_equal(apply(rig, newer[0], "uid 1", NULL), 0);
    verified(rig);
}

static void a_metric_that_falls_takes_the_execution_back(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t execution;
    rig->day[1] = (struct qbid_stats){.imps = 200000, .clicks = 2000, .convs = 40};
    rig->all[1] = rig->day[1];
    assert_int_equal(apply(rig, propose(rig, 1, "105", "a"), "uid 1", &execution), 0);
    rig->all[1].imps += 50000;
    rig->all[1].clicks += 500;
    rig->all[1].convs += 10;
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0);
    assert_int_equal(budget(rig, 1), 105 * UNITS);
    rig->all[1].imps += 50000;
    rig->all[1].clicks += 150;
    rig->all[1].convs += 10;
    call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 1);
    assert_int_equal(budget(rig, 1), 100 * UNITS);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM guards"), 0);
    /* and what it did is known: 650 clicks in 100,000 where there were 1 in 100 */
    assert_int_equal(rig_number(rig, "SELECT round(effect * 1e6) FROM pattern_sources WHERE "
                                     "metric = 'ctr' AND subject = 'budget up'"),
                     lround(log(0.65) * 1e6));
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM executions WHERE kind = 'rollback' AND "
                                     "why LIKE 'ctr of campaign 1 fell by more than 10 %'"),
                     1);
    call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0);
    verified(rig);
}

static void what_a_finished_execution_did_is_told_to_the_library(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t execution;
    rig->day[1] = (struct qbid_stats){.imps = 200000, .clicks = 2000, .convs = 40};
    rig->all[1] = rig->day[1];
    assert_int_equal(apply(rig, propose(rig, 1, "95", "a"), "uid 1", &execution), 0);
    rig->all[1].imps += 50000;
    rig->all[1].clicks += 600;
    rig->all[1].convs += 4; /* too few to say anything of conversions */
    struct qbid_executor_call call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM pattern_sources"), 0);
    rig->unix_ns += rig->executor.limits.guard_ns + 1;
    call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM guards"), 0);
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM pattern_sources"), 1);
    assert_int_equal(rig_number(rig, "SELECT round(effect * 1e6) FROM pattern_sources WHERE "
                                     "tenant = 1 AND metric = 'ctr' AND subject = 'budget down' "
                                     "AND across = 'execution' AND events = 2600 AND stale = 1"),
                     lround(log(1.2) * 1e6));
    assert_int_equal(rig_number(rig, "SELECT round(variance * 1e9) FROM pattern_sources"),
                     lround((1 / 600.0 + 1 / 2000.0) * 1e9));
    call = rig_call(rig, "qbidd");
    assert_int_equal(qbid_executor_tick(&rig->executor, &call), 0); /* once */
    assert_int_equal(rig_number(rig, "SELECT count(*) FROM pattern_sources"), 1);
    verified(rig);
}

static int count_recommendation(void *context, const struct qbid_recommendation *r)
{
    (void)r;
    ++*(int *)context;
    return 0;
}

static int count_execution(void *context, const struct qbid_store_execution *e)
{
    (void)e;
    ++*(int *)context;
    return 0;
}

static int count_hold(void *context, const struct qbid_store_hold *hold)
{
    (void)hold;
    ++*(int *)context;
    return 0;
}

static int count_guard(void *context, const struct qbid_store_guard *guard)
{
    (void)guard;
    ++*(int *)context;
    return 0;
}

static int count_change(void *context, const struct qbid_store_execution_change *change)
{
    (void)change;
    ++*(int *)context;
    return 0;
}

/* Every table, seen and written from inside one tenant's scope. */
static void rows_of_another_tenant_are_neither_seen_nor_written(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    struct qbid_recommendation_filter all = {.status = -1, .max = 100};
    uint64_t execution;
    uint64_t id = propose(rig, 1, "105", "a"); /* tenant 1 */
    struct qbid_executor_call call = rig_call(rig, "uid 1");
    rig->day[1].imps = rig->all[1].imps = 100;
    assert_int_equal(apply(rig, id, "uid 1", &execution), 0);
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 1, true), 0);
    for (uint32_t tenant = 1; tenant <= 2; tenant++) {
        int seen[5] = {0}, own = tenant == 1;
        qbid_store_scope(rig->store, tenant);
        assert_int_equal(
            qbid_store_load_recommendations(rig->store, &all, count_recommendation, &seen[0]), 0);
        assert_int_equal(qbid_store_load_executions(rig->store, 0, 100, count_execution, &seen[1]),
                         0);
        assert_int_equal(qbid_store_load_holds(rig->store, count_hold, &seen[2]), 0);
        assert_int_equal(qbid_store_load_guards(rig->store, count_guard, &seen[3]), 0);
        assert_int_equal(
            qbid_store_load_execution_changes(rig->store, execution, count_change, &seen[4]), 0);
        assert_int_equal(seen[0], own);
        assert_int_equal(seen[1], own); /* the setup's import is of several tenants */
        assert_int_equal(seen[2], own);
        assert_int_equal(seen[3], 2 * own);
        assert_int_equal(seen[4], own);
    }
    assert_int_equal(
        qbid_store_set_recommendation(rig->store, id, QBID_RECOMMENDATION_REJECTED, "x", 1, 0),
        QBID_ERR_STORE);
    assert_string_equal(qbid_store_why(rig->store), "the row is of another tenant");
    assert_int_equal(qbid_store_drop_hold(rig->store, QBID_ITEM_CAMPAIGN, 1), QBID_ERR_STORE);
    assert_int_equal(qbid_store_drop_guards(rig->store, 1, 100), 0); /* of its own: none */
    assert_int_equal(qbid_store_execution_kind(rig->store, execution, "x"), QBID_ERR_STORE);
    struct qbid_store_hold hold = {QBID_ITEM_CAMPAIGN, 2, 1, 1, "x", ""};
    assert_int_equal(qbid_store_add_hold(rig->store, &hold), QBID_ERR_STORE);
    qbid_store_scope(rig->store, 0);
    int guards = 0;
    assert_int_equal(qbid_store_load_guards(rig->store, count_guard, &guards), 0);
    assert_int_equal(guards, 2);
}

/* What the socket and HTTP do for a tenant: scope and call together. */
static void a_tenant_changes_and_takes_back_its_own_alone(void **state)
{
    struct rig *rig = &((struct fixture *)*state)->rig;
    uint64_t own = 0, other = 0;
    bool fresh;
    struct qbid_proposal theirs = rig_proposal(rig, QBID_ITEM_CAMPAIGN, 3, "budget", "41");
    uint32_t tenants[2] = {qbid_account_campaign(&rig->account, 1)->tenant_id,
                           qbid_account_campaign(&rig->account, 3)->tenant_id};
    assert_int_not_equal(tenants[0], tenants[1]);
    int64_t before = budget(rig, 1), theirs_before = budget(rig, 3);
    struct qbid_executor_call call = rig_call(rig, "token a");
    call.tenant = tenants[0];
    qbid_store_scope(rig->store, tenants[0]);
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &theirs, &fresh), QBID_ERR_NOENT);
    assert_string_equal(rig->refusal, "there is no campaign 3");
    assert_int_equal(qbid_executor_hold(&rig->executor, &call, QBID_ITEM_CAMPAIGN, 3, true),
                     QBID_ERR_NOENT);
    assert_int_equal(apply(rig, propose(rig, 1, "105", "token a"), "token a", &own), 0);
    qbid_store_scope(rig->store, 0);
    assert_int_equal(qbid_executor_propose(&rig->executor, &call, &theirs, &fresh),
                     QBID_ERR_NOENT); /* the call alone */
    char value[32];
    snprintf(value, sizeof value, "%lld", (long long)(theirs_before / UNITS + 1));
    assert_int_equal(apply(rig, propose(rig, 3, value, "uid 1"), "uid 1", &other), 0);
    assert_int_equal(other, own + 1);

    struct qbid_executor_effect effect;
    call = rig_call(rig, "token a");
    call.tenant = tenants[0];
    qbid_store_scope(rig->store, tenants[0]);
    assert_int_equal(qbid_executor_rollback(&rig->executor, &call, other, UINT32_MAX, &effect),
                     QBID_ERR_NOENT);
    assert_int_equal(qbid_executor_rollback(&rig->executor, &call, own, UINT32_MAX, &effect), 0);
    qbid_executor_effect_done(&effect);
    qbid_store_scope(rig->store, 0);
    assert_int_equal(budget(rig, 1), before);
    assert_int_equal(budget(rig, 3), theirs_before + UNITS);
    assert_int_equal(effect.budgets_after, qbid_account_budgets(&rig->account, tenants[0]));
    verified(rig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_small_one_is_applied_once_published_and_audited),
        TEST(a_dry_run_shows_all_and_changes_nothing),
        TEST(four_eyes_are_two_people),
        TEST(what_was_rejected_or_is_stale_or_held_is_not_applied),
        TEST(hours_and_creatives_are_changed_like_budgets),
        TEST(limits_of_one_change_and_of_a_day_hold),
        TEST(bad_proposals_are_refused_by_name),
        TEST(every_suffix_is_taken_back_to_the_byte),
        TEST(one_execution_alone_goes_back),
        TEST(added_items_stay_behind_inactive),
        TEST(a_group_stands_or_falls_together),
        TEST(the_plan_takes_what_gains_most_within_the_risk),
        TEST(a_group_over_campaigns_is_planned_when_it_is_best),
        TEST(what_is_beyond_all_measure_is_not_planned),
        TEST(what_an_agent_says_anew_takes_the_place_of_what_it_said),
        TEST(nobody_decided_so_it_ends),
        TEST(a_metric_that_falls_takes_the_execution_back),
        TEST(what_a_finished_execution_did_is_told_to_the_library),
        TEST(rows_of_another_tenant_are_neither_seen_nor_written),
        TEST(a_tenant_changes_and_takes_back_its_own_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
