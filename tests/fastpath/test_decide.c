/* SPDX-License-Identifier: Apache-2.0 */
/* The decision's own rules: gates, the order of tries, reasons, batch and determinism. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fastpath/random_account.h"

/* Line items of 1, 2, ... units CPM that all accept everything; budget 0. */
static void open_ladder(struct stage *s, uint32_t line_items)
{
    stage_init(s);
    for (uint32_t i = 0; i < line_items; i++)
        stage_line_item(
            s, (struct qbid_line_item){.id = 1 + i, .value_micros = (float)(i + 1) * 1e6f});
    stage_open(s);
}

static void without_an_image_the_reason_is_no_table(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    const struct qbid_image empty = {0};
    open_ladder(&s, 1);
    s.view.image = NULL;
    s.view.live = NULL;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_TABLE);
    assert_int_equal(d.nobid, QBID_NOBID_NO_TABLE);
    assert_int_equal(d.gen, 0);
    s.view.image = &empty;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_TABLE);
    stage_done(&s);
}

static void an_image_serves_until_just_before_its_deadline(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_ladder(&s, 1);
    s.view.deadline_ns = STAGE_NOW_NS + 1;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.stale, 0);
    s.view.deadline_ns = STAGE_NOW_NS;
    s.view.live = NULL; /* stale is said before no lease */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_STALE);
    assert_int_equal(d.gen, 77);
    assert_int_equal(d.context, 0);
    stage_done(&s);
}

static void a_stale_image_with_a_factor_bids_that_much_less_and_says_so(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    s.f.header.stale_factor = 0.25f;
    stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f});
    stage_open(&s);
    qbid_live_set_pace(&s.live, 0, 0.5f);
    s.view.deadline_ns = STAGE_NOW_NS;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.stale, 1);
    assert_int_equal(d.bid_micros, 125000);
    assert_true(d.pace == 0.125f && d.value_micros == 1e6f);
    q.floor_micros = 125001;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    assert_int_equal(d.stale, 0);
    stage_done(&s);
}

static void the_finest_level_that_has_a_row_decides(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    uint32_t li = stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 5e6f});
    uint32_t geo = image_fixture_value(&s.f, QBID_DIM_GEO, "CHN/1");
    uint32_t site = image_fixture_value(&s.f, QBID_DIM_SITE, "a.example");
    uint64_t slot = qbid_dim_pack(0, QBID_DIM_SLOT, 1);
    uint64_t in_geo = qbid_dim_pack(slot, QBID_DIM_GEO, geo);
    uint64_t on_site = qbid_dim_pack(in_geo, QBID_DIM_SITE, site);
    image_fixture_row(&s.f, 3, slot, 0, 1, &li, &(float){3e6f});
    image_fixture_row(&s.f, 2, in_geo, 0, 1, &li, &(float){2e6f});
    image_fixture_row(&s.f, 1, on_site, 0, 1, &li, &(float){1e6f});
    stage_open(&s);

    const struct {
        const char *geo, *site;
        unsigned level;
        float value;
    } cases[] = {{"CHN/1", "a.example", 1, 1e6f},
                 {"CHN/1", "b.example", 2, 2e6f},
                 {"CHN/2", "a.example", 3, 3e6f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        q.dim[QBID_DIM_GEO] = stage_hash(QBID_DIM_GEO, cases[i].geo);
        q.dim[QBID_DIM_SITE] = stage_hash(QBID_DIM_SITE, cases[i].site);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.level, cases[i].level);
        assert_true(d.value_micros == cases[i].value);
        assert_int_equal(d.candidates, 1);
    }
    q.dim[QBID_DIM_EXCHANGE] = stage_hash(QBID_DIM_EXCHANGE, "9"); /* unknown: as absent */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.level, 3);
    stage_done(&s);
}

static void without_a_row_the_bitmaps_and_default_values_decide(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_ladder(&s, 130); /* three words of bits */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.level, QBID_LEVEL_DEFAULT);
    assert_int_equal(d.candidates, 130);
    assert_int_equal(d.line_item_idx, 129);
    assert_int_equal(d.line_item_id, 130);
    assert_int_equal(d.bid_micros, 130000000);
    stage_done(&s);
}

/* More line items than one span of the bitmaps holds: the best one stands in each place once that
 * is at an edge of a span; a private auction takes the only one with a deal from there. */
static void the_best_of_the_bitmaps_is_found_beyond_the_first_span(void **state)
{
    (void)state;
    static const uint32_t places[] = {0, 1023, 1024, 2047, 2048, 2499};
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    for (uint32_t i = 0; i < 2500; i++)
        stage_line_item(&s, (struct qbid_line_item){.id = 1 + i, .value_micros = 1e6f});
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        s.f.line_items.item[places[i]].deal_hash = 70 + i;
    stage_open(&s);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        q.deal_cnt = 1;
        q.deal[0] = (struct qbid_deal){.id_hash = 70 + i};
        q.flags = QBID_REQUEST_TEST;
        qbid_live_set_pace(&s.live, places[i], 2.0f);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_idx, places[i]);
        assert_int_equal(d.candidates, 2500);
        q.flags |= QBID_REQUEST_PRIVATE_ONLY;
        qbid_live_set_pace(&s.live, places[i], 0.5f);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_idx, places[i]);
    }
    stage_done(&s);
}

static void a_request_that_nobody_targets_has_no_candidate(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_ladder(&s, 0);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CANDIDATE);
    stage_done(&s);

    stage_init(&s);
    uint32_t geo = image_fixture_value(&s.f, QBID_DIM_GEO, "CHN/1");
    uint32_t li = stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f});
    image_fixture_target(&s.f, li, QBID_DIM_GEO, geo);
    stage_open(&s);
    q.dim[QBID_DIM_GEO] = stage_hash(QBID_DIM_GEO, "CHN/2");
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_CANDIDATE);
    assert_int_equal(d.candidates, 0);
    assert_int_equal(d.level, QBID_LEVEL_DEFAULT);
    assert_int_equal(d.context, qbid_dim_pack(0, QBID_DIM_SLOT, 1));
    q.dim[QBID_DIM_GEO] = stage_hash(QBID_DIM_GEO, "CHN/1");
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_done(&s);
}

/* An override of line item 1 until a time, with pace 1 of both from then on. */
static void override_until(struct stage *s, float pace, uint64_t until_ns)
{
    qbid_live_set_pace(&s->live, 0, 1.0f);
    qbid_live_set_override_until(&s->live, until_ns);
    qbid_live_set_override(&s->live, 1, pace, until_ns, 1.0f);
}

static void a_pace_below_zero_is_a_price_that_orders_and_is_bid_as_it_is(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_ladder(&s, 2);
    qbid_live_set_pace(&s.live, 0, -7654321.0f);
    for (unsigned first = 0; first < 2; first++) {
        q.auction = first ? QBID_AUCTION_FIRST_PRICE : QBID_AUCTION_SECOND_PRICE;
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_idx, 0);
        assert_int_equal(d.bid_micros, 7654321);
        assert_true(d.pace == -7654321.0f && d.q_ratio == 1.0f && d.shade_ratio == 1.0f);
        assert_int_equal(d.q_propensity_q32, UINT32_MAX);
    }
    qbid_live_set_pace(&s.live, 0, -1.0f); /* a micro: the other one is dearer */
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, 1);
    stage_done(&s);
}

static void floors_ceilings_and_money_hold_a_fixed_price(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    stage_line_item(
        &s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .ceiling_micros = 3000000});
    stage_open(&s);
    qbid_live_set_pace(&s.live, 0, -9000000.0f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.bid_micros, 3000000);
    qbid_live_set_pace(&s.live, 0, -2000000.0f);
    q.floor_micros = 2000001;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_BELOW_FLOOR);
    q.floor_micros = 2000000;
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    stage_set_limit(&s, 0, stage_committed(&s, 0) + 1999999);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_ALLOWANCE);
    stage_done(&s);
}

/* Nobody writes the page any more: the clock of the request alone ends it. */
static void an_override_ends_at_its_nanosecond_without_control(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d[3];
    struct qbid_request q = stage_request();
    const float paces[] = {-9000000.0f, 0.0f, 0.25f, 3.0f};
    for (size_t i = 0; i < sizeof paces / sizeof *paces; i++)
        for (unsigned rows = 1; rows <= 12; rows += 11) {
            open_ladder(&s, rows + 1);
            override_until(&s, paces[i], STAGE_NOW_NS);
            for (uint32_t k = 2; k <= rows; k++)
                qbid_live_set_pace(&s.live, k, 0.01f);
            uint64_t until_ns = STAGE_NOW_NS;
            for (unsigned after = 0; after < 2; after++) {
                memset(d, 0, sizeof d);
                qbid_decide_one(&s.view, &q, until_ns - 1 + after, &d[0], NULL);
                qbid_decide_many(&s.view, (struct qbid_request[]){q, q}, 2, until_ns - 1 + after,
                                 d + 1);
                for (unsigned k = 0; k < 3; k++) {
                    /* worth 2, beside one that is worth 1 */
                    bool wins = after || paces[i] < 0 || paces[i] > 1;
                    assert_int_equal(d[k].line_item_idx, wins ? 1 : 0);
                    assert_true(d[k].pace == (wins && !after ? paces[i] : 1.0f));
                    assert_int_equal(d[k].bid_micros, d[0].bid_micros);
                }
            }
            stage_done(&s);
        }
}

/* The earliest end makes readers look; a later one is no end yet. */
static void each_override_has_its_own_end(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    open_ladder(&s, 2);
    qbid_live_set_override_until(&s.live, STAGE_NOW_NS - 5);
    qbid_live_set_override(&s.live, 0, 50.0f, STAGE_NOW_NS - 5, 0.0f);
    qbid_live_set_override(&s.live, 1, 0.5f, STAGE_NOW_NS + 5, 1.0f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, 1);
    assert_true(d.pace == 0.5f);
    qbid_live_set_pace(&s.live, 0, 1.0f); /* control takes the first one back */
    qbid_live_end_override(&s.live, 0);
    qbid_live_set_pace(&s.live, 1, 0.0f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_true(d.line_item_idx == 0 && d.pace == 1.0f);
    stage_done(&s);
}

static void a_pace_that_is_no_number_at_all_or_zero_pauses_a_line_item(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    const float bad[] = {0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY};
    open_ladder(&s, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        qbid_live_set_pace(&s.live, 0, 1.0f);
        qbid_live_set_pace(&s.live, 1, bad[i]);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.line_item_idx, 0);
        assert_int_equal(d.skipped, 0);
        qbid_live_set_pace(&s.live, 0, bad[i]);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_VALUE);
        assert_int_equal(d.candidates, 2);
    }
    stage_done(&s);
}

static void a_line_item_beyond_the_live_page_is_paused(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    s.line_item_max = 2;
    for (uint32_t i = 0; i < 3; i++)
        stage_line_item(
            &s, (struct qbid_line_item){.id = 1 + i, .value_micros = (float)(i + 1) * 1e6f});
    stage_open(&s);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, 1);
    assert_int_equal(d.candidates, 3);
    stage_done(&s);
}

static void equal_prices_go_to_the_lower_line_item(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    for (uint32_t i = 0; i < 9; i++)
        stage_line_item(&s, (struct qbid_line_item){.id = 1 + i, .value_micros = 1e6f});
    const uint32_t order[] = {7, 4, 5, 8};
    const float value[] = {1e6f, 1e6f, 1e6f, 1e6f};
    uint64_t context = qbid_dim_pack(0, QBID_DIM_SLOT, 1);
    image_fixture_row(&s.f, 3, context, 0, 4, order, value);
    stage_open(&s);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, 4);
    qbid_live_set_pace(&s.live, 4, 0.0f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, 5);
    stage_done(&s);
}

static void a_row_of_the_longest_kind_finds_its_best_at_any_place(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    static uint32_t idx[QBID_ROW_CANDIDATES_MAX];
    static float value[QBID_ROW_CANDIDATES_MAX];
    stage_init(&s);
    for (uint32_t i = 0; i < QBID_ROW_CANDIDATES_MAX; i++) {
        idx[i] = stage_line_item(&s, (struct qbid_line_item){.id = 1 + i});
        value[i] = 1e6f;
    }
    image_fixture_row(&s.f, 3, qbid_dim_pack(0, QBID_DIM_SLOT, 1), 0, QBID_ROW_CANDIDATES_MAX, idx,
                      value);
    stage_open(&s);
    for (uint32_t i = 0; i < QBID_ROW_CANDIDATES_MAX; i += 455) {
        qbid_live_set_pace(&s.live, i, 2.0f);
        assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
        assert_int_equal(d.candidates, QBID_ROW_CANDIDATES_MAX);
        assert_int_equal(d.line_item_idx, i);
        qbid_live_set_pace(&s.live, i, 1.0f);
    }
    stage_done(&s);
}

static void a_row_s_candidate_is_still_held_to_the_targeting_of_every_dimension(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    uint32_t position = image_fixture_value(&s.f, QBID_DIM_POSITION, "1");
    uint32_t first = stage_line_item(&s, (struct qbid_line_item){.id = 1});
    uint32_t second = stage_line_item(&s, (struct qbid_line_item){.id = 2});
    image_fixture_target(&s.f, first, QBID_DIM_POSITION, position); /* in no level */
    image_fixture_row(&s.f, 3, qbid_dim_pack(0, QBID_DIM_SLOT, 1), 0, 2,
                      (uint32_t[]){first, second}, (float[]){2e6f, 1e6f});
    stage_open(&s);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, second);
    assert_int_equal(d.skipped, 1);
    q.dim[QBID_DIM_POSITION] = stage_hash(QBID_DIM_POSITION, "1");
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_idx, first);
    stage_done(&s);
}

static void an_inactive_line_item_is_passed_over(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    stage_init(&s);
    stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f});
    uint32_t off = stage_line_item(&s, (struct qbid_line_item){.id = 2, .value_micros = 2e6f});
    s.f.line_items.item[off].flags &= (uint8_t)~QBID_LINE_ITEM_ACTIVE;
    stage_open(&s);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NONE);
    assert_int_equal(d.line_item_id, 1);
    qbid_live_set_pace(&s.live, 0, 0.0f);
    assert_int_equal(stage_decide(&s, &q, &d), QBID_NOBID_NO_VALUE);
    assert_int_equal(d.skipped, 1);
    stage_done(&s);
}

static void when_all_fall_the_reason_is_that_of_the_best_priced(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_trace trace;
    struct qbid_request q = stage_request();
    const uint64_t badv[] = {5};
    stage_init(&s);
    stage_line_item(&s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f, .deal_hash = 9});
    stage_line_item(&s, (struct qbid_line_item){.id = 2, .value_micros = 3e6f, .adomain_hash = 5});
    stage_line_item(&s, (struct qbid_line_item){.id = 3, .value_micros = 2e6f, .budget_idx = 99});
    stage_open(&s);
    q.badv = badv;
    q.badv_cnt = 1;
    assert_int_equal(qbid_decide_one(&s.view, &q, STAGE_NOW_NS, &d, &trace), QBID_NOBID_BLOCKED);
    assert_int_equal(d.skipped, 3);
    assert_int_equal(d.candidates, 3);
    assert_int_equal(d.bid_micros, 0);
    assert_int_equal(trace.cnt, 3);
    const uint32_t order[] = {1, 2, 0};
    const uint8_t why[] = {QBID_NOBID_BLOCKED, QBID_NOBID_NO_ALLOWANCE, QBID_NOBID_NO_DEAL};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(trace.candidate[i].line_item_idx, order[i]);
        assert_int_equal(trace.candidate[i].rejected, why[i]);
    }
    stage_done(&s);
}

static void the_last_try_of_the_bound_still_counts_and_the_next_one_is_not_made(void **state)
{
    (void)state;
    struct qbid_request q = stage_request();
    for (uint32_t blocked = QBID_TRACE_MAX - 1; blocked <= QBID_TRACE_MAX; blocked++) {
        struct stage s;
        struct qbid_decision d;
        struct qbid_trace trace;
        stage_init(&s);
        for (uint32_t i = 0; i <= blocked; i++)
            stage_line_item(&s, (struct qbid_line_item){.id = 1 + i,
                                                        .value_micros = (float)(i + 1) * 1e6f,
                                                        .deal_hash = i == 0 ? 0 : 9});
        stage_open(&s);
        enum qbid_nobid nobid = qbid_decide_one(&s.view, &q, STAGE_NOW_NS, &d, &trace);
        assert_int_equal(nobid, blocked < QBID_TRACE_MAX ? QBID_NOBID_NONE : QBID_NOBID_NO_DEAL);
        assert_int_equal(d.skipped, blocked);
        assert_int_equal(trace.cnt, QBID_TRACE_MAX);
        stage_done(&s);
    }
}

static void a_batch_decides_in_order_and_each_sees_what_was_reserved_before(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_request q[3] = {stage_request(), stage_request(), stage_request()};
    struct qbid_decision d[3];
    open_ladder(&s, 2);
    stage_set_limit(&s, 0, 3500000);
    qbid_decide_many(&s.view, q, 3, STAGE_NOW_NS, d);
    assert_int_equal(d[0].bid_micros, 2000000);
    assert_int_equal(d[1].bid_micros, 1000000); /* 1.5 units were left */
    assert_int_equal(d[2].nobid, QBID_NOBID_NO_ALLOWANCE);
    assert_int_equal(stage_committed(&s, 0), 3000000);
    stage_done(&s);
}

/* Two stages of the same account, so that both sides reserve. */
static void a_batch_gives_the_answers_of_single_decisions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        enum { N = 37 };
        static struct random_request random[N];
        static struct qbid_request requests[N];
        static struct qbid_decision many[N];
        struct stage one_by_one, batch;
        struct stage *both[] = {&one_by_one, &batch};
        for (int i = 0; i < 2; i++) {
            struct rng r = rng_init(seed);
            stage_init(both[i]);
            random_account_fill(both[i], &r, 40);
            stage_open(both[i]);
            random_account_scramble(both[i], &r);
        }
        struct rng r = rng_init(~seed);
        for (int i = 0; i < N; i++) {
            random_request_fill(&batch, &r, &random[i]);
            requests[i] = random[i].request;
        }
        qbid_decide_many(&batch.view, requests, N, STAGE_NOW_NS, many);
        for (int i = 0; i < N; i++) {
            struct qbid_decision d;
            (void)stage_decide(&one_by_one, &requests[i], &d);
            assert_memory_equal(&d, &many[i], offsetof(struct qbid_decision, pad));
        }
        for (uint32_t b = 0; b < STAGE_BUDGETS; b++)
            assert_int_equal(stage_committed(&one_by_one, b), stage_committed(&batch, b));
        stage_done(&batch);
        stage_done(&one_by_one);
    }
}

/* Same request, generation and seed: the same answer, whatever was asked before. */
static void an_answer_does_not_depend_on_the_requests_before_it(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct random_request random[N];
    static struct qbid_decision forth[N];
    struct rng r = rng_init(99);
    struct stage s;
    stage_init(&s);
    random_account_fill(&s, &r, 200);
    stage_open(&s);
    random_account_scramble(&s, &r);
    atomic_store(&s.live.lease[STAGE_SLOT].valid_until_ns, UINT64_MAX);
    for (int i = 0; i < N; i++) {
        random_request_fill(&s, &r, &random[i]);
        random[i].request.flags |= QBID_REQUEST_TEST; /* committed stays as it is */
        (void)stage_decide(&s, &random[i].request, &forth[i]);
    }
    unsigned bids = 0;
    for (int i = N - 1; i >= 0; i--) {
        struct qbid_decision back;
        (void)stage_decide(&s, &random[i].request, &back);
        back.nonce = forth[i].nonce;
        assert_memory_equal(&back, &forth[i], offsetof(struct qbid_decision, pad));
        bids += back.nobid == QBID_NOBID_NONE;
    }
    assert_true(bids > 20);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_image_the_reason_is_no_table),
        cmocka_unit_test(an_image_serves_until_just_before_its_deadline),
        cmocka_unit_test(a_stale_image_with_a_factor_bids_that_much_less_and_says_so),
        cmocka_unit_test(the_finest_level_that_has_a_row_decides),
        cmocka_unit_test(without_a_row_the_bitmaps_and_default_values_decide),
        cmocka_unit_test(the_best_of_the_bitmaps_is_found_beyond_the_first_span),
        cmocka_unit_test(a_request_that_nobody_targets_has_no_candidate),
        cmocka_unit_test(a_pace_below_zero_is_a_price_that_orders_and_is_bid_as_it_is),
        cmocka_unit_test(floors_ceilings_and_money_hold_a_fixed_price),
        cmocka_unit_test(an_override_ends_at_its_nanosecond_without_control),
        cmocka_unit_test(each_override_has_its_own_end),
        cmocka_unit_test(a_pace_that_is_no_number_at_all_or_zero_pauses_a_line_item),
        cmocka_unit_test(a_line_item_beyond_the_live_page_is_paused),
        cmocka_unit_test(equal_prices_go_to_the_lower_line_item),
        cmocka_unit_test(a_row_of_the_longest_kind_finds_its_best_at_any_place),
        cmocka_unit_test(a_row_s_candidate_is_still_held_to_the_targeting_of_every_dimension),
        cmocka_unit_test(an_inactive_line_item_is_passed_over),
        cmocka_unit_test(when_all_fall_the_reason_is_that_of_the_best_priced),
        cmocka_unit_test(the_last_try_of_the_bound_still_counts_and_the_next_one_is_not_made),
        cmocka_unit_test(a_batch_decides_in_order_and_each_sees_what_was_reserved_before),
        cmocka_unit_test(a_batch_gives_the_answers_of_single_decisions),
        cmocka_unit_test(an_answer_does_not_depend_on_the_requests_before_it),
    };
    int failed = 0;
    for (unsigned isa = 0; isa < QBID_ISA_CNT; isa++) {
        if (isa > qbid_isa_best()) {
            print_message("%s: not run, this processor lacks it\n", qbid_isa_name(isa));
            continue;
        }
        stage_use_isa(isa);
        failed += cmocka_run_group_tests_name(qbid_isa_name(isa), tests, NULL, NULL);
    }
    return failed;
}
