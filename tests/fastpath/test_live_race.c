/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions while control writes the live page: every answer is made of words that were there. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fastpath/stage.h"

enum { LINE_ITEMS = 40, DECISIONS = 40000, CONTROL_MAX = 4000000 };

/* Paces that control goes through: with values of 1,000,000 each gives a price of its own. */
static const float paces[] = {0.0f, 0.25f, 0.5f, 1.0f, 2.0f};

struct control {
    struct stage *s;
    _Atomic bool stop;
    int64_t granted;
};

/* W1 and W2 of shm/live.h. Ends with every line item at pace 1. */
static void *write_live_page(void *arg)
{
    struct control *c = arg;
    for (uint32_t n = 0; !atomic_load(&c->stop); n++) {
        uint32_t i = n % LINE_ITEMS;
        qbid_live_set_pace(&c->s->live, i, paces[(n / 7 + i) % 5]);
        atomic_store_explicit(&c->s->live.qstate[i], (uint8_t)(n % 200), memory_order_relaxed);
        c->granted += 1500000;
        atomic_store_explicit(&c->s->live.limit[STAGE_SLOT * STAGE_BUDGETS], c->granted,
                              memory_order_release);
    }
    return NULL;
}

static void open_stage(struct stage *s, struct control *c, pthread_t *thread)
{
    stage_init(s);
    for (uint32_t i = 0; i < LINE_ITEMS; i++)
        stage_line_item(s, (struct qbid_line_item){.id = 1 + i, .value_micros = 1e6f});
    stage_open(s);
    stage_set_limit(s, 0, 0);
    *c = (struct control){.s = s};
    assert_int_equal(pthread_create(thread, NULL, write_live_page, c), 0);
}

static bool is_a_pace(float pace)
{
    for (int i = 1; i < 5; i++)
        if (pace == paces[i])
            return true;
    return false;
}

static void each_bid_is_the_value_times_one_pace_that_was_written(void **state)
{
    (void)state;
    struct stage s;
    struct control c;
    pthread_t thread;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    int64_t spent = 0;
    unsigned bids = 0;
    open_stage(&s, &c, &thread);
    for (int i = 0; i < DECISIONS || bids == 0; i++) {
        q.id_hash = (uint64_t)i;
        enum qbid_nobid nobid = stage_decide(&s, &q, &d);
        if (nobid != QBID_NOBID_NONE) {
            assert_true(nobid == QBID_NOBID_NO_VALUE || nobid == QBID_NOBID_NO_ALLOWANCE);
            continue;
        }
        bids++;
        spent += d.bid_micros;
        assert_true(is_a_pace(d.pace));
        assert_int_equal(d.bid_micros, (int64_t)(1e6f * d.pace));
        assert_true(d.q_state < QBID_QSTATES);
        assert_int_equal(stage_committed(&s, 0), spent);
    }
    atomic_store(&c.stop, true);
    pthread_join(thread, NULL);
    assert_true(spent <= c.granted);
    stage_done(&s);
}

/* The control of the test above: a pace that is read again after the decision does not fit. */
static void a_pace_read_twice_is_noticed(void **state)
{
    (void)state;
    struct stage s;
    struct control c;
    pthread_t thread;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    bool noticed = false;
    open_stage(&s, &c, &thread);
    for (int i = 0; i < CONTROL_MAX && !noticed; i++) {
        if (stage_decide(&s, &q, &d) != QBID_NOBID_NONE)
            continue;
        float again = qbid_live_pace(&s.live, d.line_item_idx);
        noticed = d.bid_micros != (int64_t)(1e6f * again);
    }
    atomic_store(&c.stop, true);
    pthread_join(thread, NULL);
    assert_true(noticed);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bid_is_the_value_times_one_pace_that_was_written),
        cmocka_unit_test(a_pace_read_twice_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
