/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting bitmaps against one bit at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fastpath/eligible.h"
#include "fastpath/scan.h"
#include "tests/fastpath/random_account.h"

static struct qbid_place place_of(const struct stage *s, const struct qbid_request *q)
{
    struct qbid_place place;
    memset(&place, 0, sizeof place);
    place.context = qbid_request_resolve(&s->image, q, place.slot_idx, place.segment_idx);
    return place;
}

/* How many line items one kernel lists; each must pass, and those between must not. */
static uint64_t listed_rightly(const struct stage *s, const struct qbid_request *q,
                               const struct qbid_place *place, enum qbid_isa isa)
{
    struct qbid_eligible e;
    uint32_t idx[QBID_SCAN_SPAN], next = 0;
    uint64_t listed = 0;
    qbid_eligible_init(&e, &s->image, q, place);
    for (uint32_t n; (n = qbid_scan_next(&e, isa, idx)) != 0; listed += n) {
        for (uint32_t k = 0; k < n; k++) {
            for (; next < idx[k]; next++)
                assert_false(qbid_eligible_test(&s->image, q, place, next));
            assert_true(qbid_eligible_test(&s->image, q, place, next++));
        }
    }
    for (; next < s->image.line_item_cnt; next++)
        assert_false(qbid_eligible_test(&s->image, q, place, next));
    return listed;
}

static void the_and_of_rows_lists_the_line_items_that_pass_the_single_test(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    uint64_t listed = 0;
    for (int account = 0; account < 150; account++) {
        struct stage s;
        stage_init(&s);
        random_account_fill(&s, &r, account % 3 ? 30 : 300);
        stage_open(&s);
        for (int i = 0; i < 20; i++) {
            struct random_request random;
            random_request_fill(&s, &r, &random);
            struct qbid_place place = place_of(&s, &random.request);
            for (unsigned isa = 0; isa <= qbid_isa_best(); isa++)
                listed += listed_rightly(&s, &random.request, &place, isa);
        }
        stage_done(&s);
    }
    assert_true(listed > 10000);
}

/* Line item 0 wants segment 2, line item 1 wants an unknown segment, line item 2 takes all. */
static unsigned accepted(const struct stage *s, const struct qbid_request *q)
{
    struct qbid_place place = place_of(s, q);
    unsigned bits = 0;
    for (uint32_t i = 0; i < 3; i++)
        bits |= qbid_eligible_test(&s->image, q, &place, i) << i;
    return bits;
}

static void any_of_the_segments_will_do_and_none_counts_as_unknown(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_request q = stage_request();
    const char *names[] = {"s1", "s2", "s3"};
    stage_init(&s);
    for (uint32_t i = 0; i < 3; i++) {
        stage_line_item(&s, (struct qbid_line_item){.id = 1 + i});
        image_fixture_value(&s.f, QBID_DIM_SEGMENT, names[i]);
    }
    image_fixture_target(&s.f, 0, QBID_DIM_SEGMENT, 2);
    image_fixture_target(&s.f, 1, QBID_DIM_SEGMENT, 0);
    stage_open(&s);
    assert_int_equal(accepted(&s, &q), 6);
    q.segment[0] = stage_hash(QBID_DIM_SEGMENT, "s3");
    q.segment[1] = stage_hash(QBID_DIM_SEGMENT, "s2");
    q.segment[2] = stage_hash(QBID_DIM_SEGMENT, "nobody knows it");
    q.segment_cnt = 1;
    assert_int_equal(accepted(&s, &q), 4);
    q.segment_cnt = 2;
    assert_int_equal(accepted(&s, &q), 5);
    q.segment_cnt = 3;
    assert_int_equal(accepted(&s, &q), 7);
    stage_done(&s);
}

static void a_line_item_for_a_less_preferred_slot_is_eligible(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_request q = stage_request();
    stage_init(&s);
    uint32_t native = image_fixture_value(&s.f, QBID_DIM_SLOT, "native");
    for (uint32_t i = 0; i < 3; i++)
        stage_line_item(&s, (struct qbid_line_item){.id = 1 + i});
    image_fixture_target(&s.f, 0, QBID_DIM_SLOT, native);
    image_fixture_target(&s.f, 1, QBID_DIM_SLOT, 1);
    stage_open(&s);
    assert_int_equal(accepted(&s, &q), 6);
    q.slot[1] = stage_hash(QBID_DIM_SLOT, "native");
    q.slot_cnt = 2;
    assert_int_equal(accepted(&s, &q), 7);
    q.slot_cnt = 0;
    assert_int_equal(accepted(&s, &q), 4);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_and_of_rows_lists_the_line_items_that_pass_the_single_test),
        cmocka_unit_test(any_of_the_segments_will_do_and_none_counts_as_unknown),
        cmocka_unit_test(a_line_item_for_a_less_preferred_slot_is_eligible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
