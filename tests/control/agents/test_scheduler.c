/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler on simulated time: periods, order, late ticks, appetite, and broken proposals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/agents/scheduler.h"
#include "shm/error.h"
#include "shm/units.h"

struct world {
    uint64_t clock_ns; /* what runs take */
    char order[64];
    int taken, refuse;
};

struct actor {
    struct world *world;
    char mark;
    uint64_t takes_ns;
    int err, proposals;
    bool broken;
};

static uint64_t spent(void *context)
{
    return ((struct world *)context)->clock_ns;
}

static int take(void *context, const struct qbid_proposal *proposal)
{
    struct world *w = context;
    assert_string_equal(proposal->agent, "actor");
    w->taken += !w->refuse;
    return w->refuse ? QBID_ERR_DENIED : 0;
}

static int act(void *state, const struct qbid_agent_inputs *inputs, qbid_agent_take_fn *give,
               void *give_context)
{
    struct actor *a = state;
    (void)inputs;
    size_t len = strlen(a->world->order);
    if (len + 1 < sizeof a->world->order)
        a->world->order[len] = a->mark;
    a->world->clock_ns += a->takes_ns;
    for (int i = 0; i < a->proposals; i++) {
        struct qbid_proposal p = {.type = QBID_PROPOSAL_BUDGET,
                                  .agent = "actor",
                                  .item = QBID_ITEM_CAMPAIGN,
                                  .item_id = 1,
                                  .field = "budget",
                                  .current = "1",
                                  .recommended = "2",
                                  .priority = a->broken ? -1 : 1,
                                  .reason = "because"};
        p.id = qbid_proposal_id(&p);
        give(give_context, &p);
    }
    return a->err;
}

static struct qbid_scheduler scheduler_of(struct world *w)
{
    struct qbid_scheduler s;
    struct qbid_scheduler_params params = {0.1, spent, w, take, w};
    assert_int_equal(qbid_scheduler_init(&s, &params), 0);
    return s;
}

static void add(struct qbid_scheduler *s, const char *name, struct actor *actor, uint64_t period_s)
{
    struct qbid_agent agent = {name, period_s * QBID_NS_PER_S, act, actor};
    assert_int_equal(qbid_scheduler_add(s, &agent, 0), 0);
}

static int tick(struct qbid_scheduler *s, uint64_t now_s)
{
    struct qbid_agent_inputs inputs = {.now_ns = now_s * QBID_NS_PER_S};
    return qbid_scheduler_tick(s, &inputs);
}

static void agents_run_at_their_periods(void **state)
{
    (void)state;
    struct world w = {0};
    struct actor a = {&w, 'a', 0, 0, 0, false}, b = {&w, 'b', 0, 0, 0, false};
    struct qbid_scheduler s = scheduler_of(&w);
    assert_true(qbid_scheduler_due_ns(&s) == UINT64_MAX);
    add(&s, "a", &a, 30);
    add(&s, "b", &b, 120);
    assert_true(qbid_scheduler_due_ns(&s) == 30 * QBID_NS_PER_S);
    int ran = 0;
    for (uint64_t now = 1; now <= 240; now++)
        ran += tick(&s, now);
    assert_int_equal(ran, 10);
    assert_string_equal(w.order, "aaaabaaaab"); /* a is due as long as b, and came first */
    assert_int_equal(s.status[0].missed + s.status[1].missed, 0);
}

static void a_late_tick_runs_each_once(void **state)
{
    (void)state;
    struct world w = {0};
    struct actor a = {&w, 'a', 0, 0, 0, false}, b = {&w, 'b', 0, 0, 0, false};
    struct qbid_scheduler s = scheduler_of(&w);
    add(&s, "a", &a, 30);
    add(&s, "b", &b, 20);
    assert_int_equal(tick(&s, 100), 2);
    assert_string_equal(w.order, "ba"); /* the longest due first */
    assert_int_equal(s.status[0].missed, 2);
    assert_int_equal(s.status[1].missed, 4);
    assert_true(s.status[0].due_ns == 120 * QBID_NS_PER_S);
    assert_int_equal(tick(&s, 100), 0);
}

static void who_takes_too_long_runs_less_often(void **state)
{
    (void)state;
    struct world w = {0};
    struct actor a = {&w, 'a', 5 * QBID_NS_PER_S, 0, 0, false};
    struct qbid_scheduler s = scheduler_of(&w);
    add(&s, "a", &a, 20); /* 5 s of 20 s is above a tenth; of 80 s it is not */
    tick(&s, 20);
    assert_int_equal(s.status[0].stretch, 2);
    assert_string_equal(s.status[0].why,
                        "a run took 5.000 s, more than 0.1 of its time: period x 2");
    assert_true(s.status[0].due_ns == 60 * QBID_NS_PER_S);
    tick(&s, 60);
    tick(&s, 140);
    assert_int_equal(s.status[0].stretch, 4);
    assert_true(s.status[0].due_ns == 220 * QBID_NS_PER_S);
    a.takes_ns = 1000;
    tick(&s, 220);
    assert_int_equal(s.status[0].stretch, 2);
    tick(&s, 260);
    tick(&s, 280);
    assert_int_equal(s.status[0].stretch, 1);
    assert_true(s.status[0].longest_ns == 5 * QBID_NS_PER_S);
    a.takes_ns = 1000 * QBID_NS_PER_S; /* never more than QBID_SCHEDULER_STRETCH_MAX times */
    for (int i = 0; i < 20; i++)
        tick(&s, s.status[0].due_ns / QBID_NS_PER_S);
    assert_int_equal(s.status[0].stretch, QBID_SCHEDULER_STRETCH_MAX);
}

static void what_is_proposed_is_checked_and_counted(void **state)
{
    (void)state;
    struct world w = {0};
    struct actor a = {&w, 'a', 0, 0, 3, false}, b = {&w, 'b', 0, QBID_ERR_NOMEM, 2, true};
    struct qbid_scheduler s = scheduler_of(&w);
    add(&s, "a", &a, 30);
    add(&s, "b", &b, 30);
    tick(&s, 30);
    assert_int_equal(w.taken, 3);
    assert_int_equal(s.status[0].proposals, 3);
    assert_int_equal(s.status[1].broken, 2);
    assert_int_equal(s.status[1].failures, 1);
    assert_string_equal(s.status[1].why, "propose: out of memory");
    b.err = 0;
    w.refuse = 1;
    tick(&s, 60);
    assert_int_equal(s.status[0].refused, 3);
    assert_int_equal(s.status[1].runs, 2);
    assert_string_equal(s.status[1].why, "proposal: priority is not a positive number");
}

static void what_cannot_be_an_agent_is_refused(void **state)
{
    (void)state;
    struct world w = {0};
    struct actor a = {&w, 'a', 0, 0, 0, false};
    struct qbid_scheduler s = scheduler_of(&w), t;
    struct qbid_scheduler_params params = {0, spent, &w, take, &w};
    assert_int_equal(qbid_scheduler_init(&t, &params), QBID_ERR_INVAL);
    params.duty_max = 1, params.take = NULL;
    assert_int_equal(qbid_scheduler_init(&t, &params), QBID_ERR_INVAL);
    struct qbid_agent agent = {"", 1, act, &a};
    assert_int_equal(qbid_scheduler_add(&s, &agent, 0), QBID_ERR_INVAL);
    agent = (struct qbid_agent){"a", 0, act, &a};
    assert_int_equal(qbid_scheduler_add(&s, &agent, 0), QBID_ERR_INVAL);
    agent.period_ns = 1;
    assert_int_equal(qbid_scheduler_add(&s, &agent, 0), 0);
    assert_int_equal(qbid_scheduler_add(&s, &agent, 0), QBID_ERR_INVAL);
    char names[QBID_SCHEDULER_AGENTS_MAX][16];
    for (int i = 1; i < QBID_SCHEDULER_AGENTS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "a%d", i);
        agent.name = names[i];
        assert_int_equal(qbid_scheduler_add(&s, &agent, 0), 0);
    }
    agent.name = "z";
    assert_int_equal(qbid_scheduler_add(&s, &agent, 0), QBID_ERR_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_run_at_their_periods),
        cmocka_unit_test(a_late_tick_runs_each_once),
        cmocka_unit_test(who_takes_too_long_runs_less_often),
        cmocka_unit_test(what_is_proposed_is_checked_and_counted),
        cmocka_unit_test(what_cannot_be_an_agent_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
