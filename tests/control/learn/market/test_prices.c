/* SPDX-License-Identifier: Apache-2.0 */
/* What prices teach: market segments and their shade tables, price samples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/learn/market/price_samples.h"
#include "control/learn/market/segments.h"
#include "shm/shade.h"
#include "tests/control/learn/fixture.h"

static struct qbid_outcome priced(const struct learn_fixture *f, int kind, uint32_t exchange,
                                  int64_t price_nanos, uint8_t flags)
{
    struct qbid_outcome o =
        learn_outcome(kind, &f->line_item[0], learn_context(exchange, 0, 0), price_nanos);
    o.flags = flags;
    return o;
}

static void segments_learn_their_own_prices_and_unknown_ones_go_by_the_whole(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_segments segments;
    assert_int_equal(qbid_segments_init(&segments, qbid_dim_mask(QBID_DIM_EXCHANGE)), 0);
    for (unsigned i = 0; i < 2000; i++) {
        double u = (i + 0.5) / 2000; /* prices uniform in [0, 1] and in [0, 4] CPM */
        struct qbid_outcome cheap = priced(&f, QBID_EVENT_LOSS, 1, (int64_t)(u * 1e6), 0);
        struct qbid_outcome dear = priced(&f, QBID_EVENT_LOSS, 2, (int64_t)(u * 4e6), 0);
        qbid_segments_post(&segments, &cheap);
        qbid_segments_post(&segments, &dear);
    }
    assert_int_equal(segments.cnt, 3);
    assert_int_equal(qbid_segments_find(&segments, learn_context(1, 5, 5)), 1);
    assert_int_equal(qbid_segments_find(&segments, learn_context(2, 0, 0)), 2);
    assert_int_equal(qbid_segments_find(&segments, learn_context(3, 0, 0)), 0);
    struct qbid_shade shade[3];
    qbid_segments_shades(&segments, shade);
    /* Uniform on [0, m]: the best bid is e / 2 up to e = 2 m. */
    assert_true(fabsf(qbid_shade_eval(&shade[1], 1e6f) / 0.5e6f - 1) < 0.05f);
    assert_true(fabsf(qbid_shade_eval(&shade[2], 4e6f) / 2e6f - 1) < 0.05f);
    assert_true(fabsf(qbid_shade_eval(&shade[1], 8e6f) / 1e6f - 1) < 0.08f);
    qbid_segments_done(&segments);
}

static void test_and_overpriced_outcomes_teach_no_price(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_segments segments;
    assert_int_equal(qbid_segments_init(&segments, qbid_dim_mask(QBID_DIM_EXCHANGE)), 0);
    struct qbid_outcome o[] = {priced(&f, QBID_EVENT_WIN, 1, 5, QBID_EVENT_TEST),
                               priced(&f, QBID_EVENT_WIN, 1, 5, QBID_EVENT_PRICE_ABOVE),
                               priced(&f, QBID_EVENT_BILL, 1, 5, 0),
                               priced(&f, QBID_EVENT_CLICK, 1, 5, 0)};
    for (unsigned i = 0; i < 4; i++)
        qbid_segments_post(&segments, &o[i]);
    assert_true(qbid_landscape_samples(&segments.landscape[0]) == 0);
    qbid_segments_done(&segments);
}

static void samples_say_what_each_kind_of_feedback_tells(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_price_samples samples;
    assert_int_equal(qbid_price_samples_init(&samples, 4), 0);
    const struct {
        int kind;
        uint8_t flags;
        int64_t price_nanos;
        uint32_t want_kind;
        double want_price;
    } rows[] = {
        {QBID_EVENT_WIN, 0, 700000, QBID_MARKET_SEEN, 700000},
        {QBID_EVENT_WIN, QBID_EVENT_FIRST_PRICE, 600000, QBID_MARKET_WON, 2000000},
        {QBID_EVENT_LOSS, 0, 1500000, QBID_MARKET_SEEN, 1500000},
        {QBID_EVENT_LOSS, 0, 0, QBID_MARKET_LOST, 1000000},
        {QBID_OUTCOME_EXPIRED, QBID_EVENT_FIRST_PRICE, 0, QBID_MARKET_LOST, 2000000},
    };
    for (unsigned i = 0; i < 5; i++) {
        struct qbid_outcome o = priced(&f, rows[i].kind, 1, rows[i].price_nanos, rows[i].flags);
        o.pace = 2; /* the effective value is 2.00 CPM, the bid 1.00 */
        qbid_price_samples_post(&samples, &o);
        const struct qbid_price_sample *s = &samples.sample[i % 4];
        assert_int_equal(s->kind, rows[i].want_kind);
        assert_true(s->price_micros == rows[i].want_price);
    }
    assert_int_equal(samples.cnt, 4);
    struct qbid_outcome click = priced(&f, QBID_EVENT_CLICK, 1, 0, 0);
    qbid_price_samples_post(&samples, &click);
    assert_int_equal(samples.next, 1);
    qbid_price_samples_done(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_learn_their_own_prices_and_unknown_ones_go_by_the_whole),
        cmocka_unit_test(test_and_overpriced_outcomes_teach_no_price),
        cmocka_unit_test(samples_say_what_each_kind_of_feedback_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
