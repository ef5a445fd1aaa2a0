/* SPDX-License-Identifier: Apache-2.0 */
/* The fast path against the oracle on random accounts and requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fastpath/ahead.h"
#include "tests/fastpath/oracle.h"
#include "tests/fastpath/random_account.h"
#include "tests/rounds.h"

/* for each instruction set */
#define REQUESTS                                                                                   \
    120 /* for each account; a million and more at each level of vectors for a figure */

/* An oracle over copies of the words that an open stage has now. */
struct twin {
    struct oracle oracle;
    float *pace;
    uint32_t *qstate;
    int64_t limit[STAGE_BUDGETS], committed[STAGE_BUDGETS];
};

static void twin_init(struct twin *t, const struct stage *s)
{
    uint32_t items = s->live.shape.line_item_max;
    oracle_init(&t->oracle, &s->f);
    t->pace = malloc(items * sizeof *t->pace);
    t->qstate = malloc(items * sizeof *t->qstate);
    for (uint32_t i = 0; i < items; i++) {
        uint64_t until_ns = atomic_load(&s->live.override[i].until_ns);
        bool over = until_ns != 0 && until_ns <= STAGE_NOW_NS;
        uint32_t bits = atomic_load(over ? &s->live.override[i].after : &s->live.pace[i]);
        memcpy(&t->pace[i], &bits, sizeof bits);
        t->qstate[i] = atomic_load(&s->live.qstate[i]);
    }
    for (uint32_t b = 0; b < STAGE_BUDGETS; b++) {
        t->limit[b] = atomic_load(&s->live.limit[STAGE_SLOT * STAGE_BUDGETS + b]);
        t->committed[b] = stage_committed(s, b);
    }
    struct oracle *o = &t->oracle;
    o->pace = t->pace;
    o->qstate = t->qstate;
    o->line_item_max = items;
    o->limit = t->limit;
    o->committed = t->committed;
    o->limit_cnt = o->committed_cnt = STAGE_BUDGETS;
    o->valid_until_ns = atomic_load(&s->live.lease[STAGE_SLOT].valid_until_ns);
    o->deadline_ns = s->view.deadline_ns;
    o->seq = atomic_load(&s->page.header->seq);
    o->uid = s->view.uid;
}

static void twin_done(struct twin *t)
{
    oracle_done(&t->oracle);
    free(t->pace);
    free(t->qstate);
}

static int same_trace(const struct qbid_trace *a, const struct qbid_trace *b)
{
    if (a->cnt != b->cnt)
        return 0;
    for (uint32_t i = 0; i < a->cnt; i++) {
        const struct qbid_trace_candidate *x = &a->candidate[i], *y = &b->candidate[i];
        if (x->line_item_idx != y->line_item_idx || x->rejected != y->rejected ||
            memcmp(&x->value_micros, &y->value_micros, sizeof(float)) != 0 ||
            memcmp(&x->pace, &y->pace, sizeof(float)) != 0)
            return 0;
    }
    return 1;
}

static void print_both(const struct qbid_decision *got, const struct qbid_decision *want)
{
    const struct qbid_decision *d[] = {got, want};
    for (int i = 0; i < 2; i++)
        print_message("%s nobid %u li %u bid %lld level %u cand %u skip %u q %u/%u ctx %llx\n",
                      i ? "want" : "got ", d[i]->nobid, d[i]->line_item_idx,
                      (long long)d[i]->bid_micros, d[i]->level, d[i]->candidates, d[i]->skipped,
                      d[i]->q_state, d[i]->q_action, (unsigned long long)d[i]->context);
}

static void compare_one(struct stage *s, struct twin *t, const struct qbid_request *request,
                        uint64_t *reasons)
{
    struct qbid_decision got, want;
    struct qbid_trace got_trace, want_trace;
    memset(&got, 0xee, sizeof got);
    assert_int_equal(qbid_request_check(request), 0);
    struct qbid_ahead ahead = {0}; /* any number of steps changes nothing */
    for (uint64_t steps = request->id_hash % 6; steps; steps--)
        (void)qbid_ahead_step(&ahead, &s->view, request, STAGE_NOW_NS);
    enum qbid_nobid a = qbid_decide_one(&s->view, request, STAGE_NOW_NS, &got, &got_trace);
    enum qbid_nobid b = oracle_decide(&t->oracle, request, STAGE_NOW_NS, &want, &want_trace);
    if (a != b || memcmp(&got, &want, offsetof(struct qbid_decision, pad)) != 0 ||
        !same_trace(&got_trace, &want_trace)) {
        print_both(&got, &want);
        fail();
    }
    for (uint32_t i = 0; i < STAGE_BUDGETS; i++)
        assert_int_equal(stage_committed(s, i), t->committed[i]);
    assert_int_equal(atomic_load(&s->page.header->seq), t->oracle.seq);
    reasons[a]++;
}

static void the_fast_path_agrees_with_brute_force_on_random_accounts_and_requests(void **state)
{
    (void)state;
    const unsigned *isa = *state;
    struct rng r = rng_init(2024 + *isa);
    uint64_t reasons[QBID_NOBID_CNT] = {0};
    unsigned accounts = (unsigned)rounds(8400, 2800, 300);
    for (unsigned account = 0; account < accounts; account++) {
        struct stage s;
        struct twin t;
        stage_init(&s);
        random_account_fill(&s, &r, account % 20 == 0 ? 300 : 15);
        stage_open(&s);
        random_account_scramble(&s, &r);
        twin_init(&t, &s);
        for (unsigned i = 0; i < REQUESTS; i++) {
            struct random_request request;
            random_request_fill(&s, &r, &request);
            compare_one(&s, &t, &request.request, reasons);
        }
        twin_done(&t);
        stage_done(&s);
    }
    static const enum qbid_nobid reachable[] = {QBID_NOBID_NONE,        QBID_NOBID_STALE,
                                                QBID_NOBID_NO_LEASE,    QBID_NOBID_NO_CANDIDATE,
                                                QBID_NOBID_NO_VALUE,    QBID_NOBID_NO_DEAL,
                                                QBID_NOBID_BLOCKED,     QBID_NOBID_NO_CREATIVE,
                                                QBID_NOBID_BELOW_FLOOR, QBID_NOBID_NO_ALLOWANCE};
    for (size_t i = 0; i < sizeof reachable / sizeof *reachable; i++) {
        print_message("reason %d: %llu\n", reachable[i], (unsigned long long)reasons[reachable[i]]);
        assert_true(reasons[reachable[i]] >= REQUESTS); /* an account of it, or more */
    }
}

int main(void)
{
    int failed = 0;
    for (unsigned isa = 0; isa < QBID_ISA_CNT; isa++) {
        if (isa > qbid_isa_best()) {
            print_message("%s: not run, this processor lacks it\n", qbid_isa_name(isa));
            continue;
        }
        stage_use_isa(isa);
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(
                the_fast_path_agrees_with_brute_force_on_random_accounts_and_requests, &isa),
        };
        failed += cmocka_run_group_tests_name(qbid_isa_name(isa), tests, NULL, NULL);
    }
    return failed;
}
