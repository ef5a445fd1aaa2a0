/* SPDX-License-Identifier: Apache-2.0 */
/* The terms of random bids multiply to the price, and each is what the tables hold. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fastpath/random_account.h"
#include "tools/qbid/explain/terms.h"

#define BIDS 10000

static const struct qbid_explain_term *find(const struct qbid_explain_terms *t,
                                            enum qbid_explain_term_kind kind)
{
    for (uint32_t i = 0; i < t->cnt; i++)
        if (t->term[i].kind == kind)
            return &t->term[i];
    return NULL;
}

/* Whether an agreed price was bid, as the decision has it. */
static bool fixed_price(const struct qbid_request *request, const struct qbid_decision *d)
{
    return d->deal && request->terms && request->terms->deal[d->deal - 1].fixed;
}

static void check(const struct stage *s, const struct qbid_request *request,
                  const struct qbid_decision *d, unsigned seen[QBID_EXPLAIN_TERM_CNT])
{
    struct qbid_explain_terms t;
    double product = 1, logs = 0;
    qbid_explain_terms_fill(&s->image, d, fixed_price(request, d), &t);
    assert_true(t.cnt >= 2 && t.cnt <= QBID_EXPLAIN_TERMS_MAX);
    assert_int_equal(t.term[0].kind,
                     d->pace < 0 ? QBID_EXPLAIN_TERM_PRICE : QBID_EXPLAIN_TERM_VALUE);
    for (uint32_t i = 0; i < t.cnt; i++) {
        product *= t.term[i].factor;
        logs += log2(t.term[i].factor);
        seen[t.term[i].kind]++;
        assert_true(i == 0 || t.term[i].kind >= t.term[i - 1].kind);
    }
    assert_true(t.term[t.cnt - 1].price_micros == (double)d->bid_micros);
    assert_int_equal(llround(product), d->bid_micros);
    assert_true(fabs(product / (double)d->bid_micros - 1) < 1e-12);
    assert_true(fabs(logs - log2((double)d->bid_micros)) < 1e-12 * 64);
    double stale = d->stale ? (double)s->image.header->stale_factor : 1;
    if (d->pace < 0) {
        const struct qbid_explain_term *price = find(&t, QBID_EXPLAIN_TERM_PRICE);
        assert_true(fabs(price->price_micros * stale / -(double)d->pace - 1) < 1e-12);
        assert_null(find(&t, QBID_EXPLAIN_TERM_PACE));
        assert_null(find(&t, QBID_EXPLAIN_TERM_ACTION));
        assert_null(find(&t, QBID_EXPLAIN_TERM_SHADE));
    } else {
        assert_true(fabs(find(&t, QBID_EXPLAIN_TERM_PACE)->factor * stale / (double)d->pace - 1) <
                    1e-12);
        assert_true(find(&t, QBID_EXPLAIN_TERM_ACTION)->factor == (double)d->q_ratio);
    }
    const struct qbid_explain_term *exposed = find(&t, QBID_EXPLAIN_TERM_EXPOSED);
    assert_true(!exposed || exposed->factor <= 1);
    /* the value that the row or the line item had stands among the running prices */
    bool found = d->pace < 0;
    for (uint32_t i = 0; i < t.cnt; i++)
        found |= t.term[i].price_micros == (double)d->value_micros;
    assert_true(found);
    const struct qbid_explain_term *micros = find(&t, QBID_EXPLAIN_TERM_MICROS);
    if (micros) /* nothing but rounding is left over */
        assert_true(fabs(micros->factor - 1) * (double)d->bid_micros <=
                    1.01 + 4e-7 * (double)d->bid_micros);
}

static void ten_thousand_random_bids_are_the_product_of_their_terms(void **state)
{
    (void)state;
    struct rng r = rng_init(77);
    unsigned seen[QBID_EXPLAIN_TERM_CNT] = {0}, bids = 0;
    while (bids < BIDS) {
        struct stage s;
        stage_init(&s);
        random_account_fill(&s, &r, 30);
        stage_open(&s);
        random_account_scramble(&s, &r);
        for (unsigned i = 0; i < 120; i++) {
            struct random_request request;
            struct qbid_decision d;
            random_request_fill(&s, &r, &request);
            if (stage_decide(&s, &request.request, &d) != QBID_NOBID_NONE)
                continue;
            check(&s, &request.request, &d, seen);
            bids++;
        }
        stage_done(&s);
    }
    static const enum qbid_explain_term_kind reached[] = {
        QBID_EXPLAIN_TERM_CONTEXT, QBID_EXPLAIN_TERM_STALE, QBID_EXPLAIN_TERM_SHADE,
        QBID_EXPLAIN_TERM_PRICE,   QBID_EXPLAIN_TERM_FLOOR, QBID_EXPLAIN_TERM_CEILING,
        QBID_EXPLAIN_TERM_MICROS};
    for (size_t i = 0; i < sizeof reached / sizeof *reached; i++)
        if (seen[reached[i]] < 10)
            fail_msg("term %u was seen %u times only", reached[i], seen[reached[i]]);
}

/* The pace in random factors: the product stays the bid, each factor stands as it was given, those
 * that are 1 are left out, and factors of another pace are not believed. */
static void the_pace_is_the_product_of_its_factors(void **state)
{
    (void)state;
    struct rng r = rng_init(78);
    unsigned split = 0, refused = 0;
    for (int round = 0; round < 2000; round++) {
        struct stage s;
        struct qbid_decision d;
        struct qbid_explain_terms whole, t;
        struct qbid_pace_terms terms;
        struct qbid_request request = stage_request();
        double product = 1;
        unsigned ones = 0;
        for (unsigned i = 0; i < QBID_PACE_TERM_CNT; i++) {
            terms.factor[i] = rng_below(&r, 3) ? 1.0f : (float)exp2(rng_uniform(&r) * 4 - 2);
            product *= (double)terms.factor[i];
            ones += i > 0 && terms.factor[i] == 1;
        }
        stage_init(&s);
        stage_line_item(&s, (struct qbid_line_item){.id = 7, .value_micros = 2e6f});
        stage_open(&s);
        qbid_live_set_pace(&s.live, 0, (float)product);
        assert_int_equal(stage_decide(&s, &request, &d), QBID_NOBID_NONE);
        qbid_explain_terms_fill(&s.image, &d, false, &whole);
        t = whole;
        if (rng_below(&r, 10) == 0) {
            terms.factor[QBID_PACE_TERM_BUDGET] *= 1.01f;
            qbid_explain_terms_split(&t, &d, &terms);
            assert_int_equal(t.cnt, whole.cnt);
            assert_non_null(find(&t, QBID_EXPLAIN_TERM_PACE));
            refused++;
        } else {
            qbid_explain_terms_split(&t, &d, &terms);
            assert_null(find(&t, QBID_EXPLAIN_TERM_PACE));
            assert_int_equal(t.cnt, whole.cnt - 1 + QBID_PACE_TERM_CNT - ones);
            for (uint32_t i = 0; i < t.cnt; i++)
                if (t.term[i].kind == QBID_EXPLAIN_TERM_PACED)
                    assert_true(fabs(t.term[i].factor / (double)terms.factor[t.term[i].pace_term] -
                                     1) < (t.term[i].pace_term ? 1e-15 : 1e-6));
            split++;
        }
        double bid = 1;
        for (uint32_t i = 0; i < t.cnt; i++)
            bid *= t.term[i].factor;
        assert_int_equal(llround(bid), d.bid_micros);
        assert_true(t.term[t.cnt - 1].price_micros == (double)d.bid_micros);
        stage_done(&s);
    }
    assert_true(split > 1000 && refused > 100);
}

/* By hand: 1 CPM by default, 2 at exchange x, 3 at exchange x and site y; second exposure 0.8. */
static void levels_and_exposures_are_terms_of_their_own(void **state)
{
    (void)state;
    struct stage s;
    stage_init(&s);
    struct qbid_line_item item = {.id = 7, .value_micros = 1e6f, .ceiling_micros = 100000000};
    uint32_t idx = stage_line_item(&s, item);
    uint32_t exchange = image_fixture_value(&s.f, QBID_DIM_EXCHANGE, "x");
    uint32_t site = image_fixture_value(&s.f, QBID_DIM_SITE, "y");
    s.f.header.level_mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SITE);
    s.f.header.level_mask[1] = qbid_dim_mask(QBID_DIM_EXCHANGE);
    uint64_t context =
        qbid_dim_pack(qbid_dim_pack(0, QBID_DIM_EXCHANGE, exchange), QBID_DIM_SITE, site);
    const float coarse = 2e6f, fine = 3e6f;
    s.f.header.level_mask[2] = s.f.header.level_mask[3] = 0;
    image_fixture_row(&s.f, 1, context, 0, 1, &idx, &coarse);
    image_fixture_row(&s.f, 0, context, 0, 1, &idx, &fine);
    const float values[] = {1, 0.8f};
    image_fixture_cap(&s.f, idx, 5, 2, values);
    stage_open(&s);
    uint8_t assumed[1] = {1};
    s.view.assumed = assumed;
    struct qbid_request request = stage_request();
    request.dim[QBID_DIM_EXCHANGE] = stage_hash(QBID_DIM_EXCHANGE, "x");
    request.dim[QBID_DIM_SITE] = stage_hash(QBID_DIM_SITE, "y");
    struct qbid_decision d;
    struct qbid_explain_terms t;
    assert_int_equal(stage_decide(&s, &request, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 2400000);
    qbid_explain_terms_fill(&s.image, &d, false, &t);
    static const enum qbid_explain_term_kind want[] = {
        QBID_EXPLAIN_TERM_VALUE,   QBID_EXPLAIN_TERM_CONTEXT, QBID_EXPLAIN_TERM_CONTEXT,
        QBID_EXPLAIN_TERM_EXPOSED, QBID_EXPLAIN_TERM_PACE,    QBID_EXPLAIN_TERM_ACTION,
        QBID_EXPLAIN_TERM_MICROS};
    static const double factor[] = {1e6, 2, 1.5, 0.8, 1, 1, 1};
    assert_int_equal(t.cnt, 7);
    for (uint32_t i = 0; i < t.cnt; i++) {
        assert_int_equal(t.term[i].kind, want[i]);
        assert_true(fabs(t.term[i].factor / factor[i] - 1) < 1e-7);
    }
    assert_true(t.term[1].dims == qbid_dim_mask(QBID_DIM_EXCHANGE));
    assert_true(t.term[2].dims == qbid_dim_mask(QBID_DIM_SITE));
    struct qbid_replay_buffer text = {0};
    qbid_explain_terms_table(&text, &t);
    qbid_replay_buffer_add(&text, "", 1); /* a buffer is not terminated */
    assert_non_null(strstr(text.text, "context  x          1.5"));
    assert_non_null(strstr(text.text, "coarser one: site\n"));
    qbid_replay_buffer_done(&text);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_random_bids_are_the_product_of_their_terms),
        cmocka_unit_test(the_pace_is_the_product_of_its_factors),
        cmocka_unit_test(levels_and_exposures_are_terms_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
