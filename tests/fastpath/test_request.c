/* SPDX-License-Identifier: Apache-2.0 */
/* The range check of requests and their value indices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/fastpath/stage.h"

static void a_request_at_the_ends_of_every_range_is_accepted(void **state)
{
    (void)state;
    static const uint64_t names[UINT16_MAX];
    struct qbid_request q = stage_request();
    assert_int_equal(qbid_request_check(&q), 0);
    q.slot_cnt = q.segment_cnt = q.deal_cnt = 0;
    assert_int_equal(qbid_request_check(&q), 0);
    q.slot_cnt = QBID_REQUEST_SLOTS_MAX;
    q.segment_cnt = QBID_REQUEST_SEGMENTS_MAX;
    q.deal_cnt = QBID_REQUEST_DEALS_MAX;
    q.badv = q.bcat = names;
    q.badv_cnt = q.bcat_cnt = UINT16_MAX;
    q.floor_micros = INT64_MAX;
    q.flags = QBID_REQUEST_SECURE | QBID_REQUEST_PRIVATE_ONLY | QBID_REQUEST_TEST;
    q.auction = QBID_AUCTION_FIRST_PRICE;
    assert_int_equal(qbid_request_check(&q), 0);
    q.segment_cnt = 0;
    q.privacy = QBID_PRIVACY_CONTEXTUAL;
    assert_int_equal(qbid_request_check(&q), 0);
}

static void anything_out_of_range_is_invalid(void **state)
{
    (void)state;
    struct qbid_request bad[15];
    for (size_t i = 0; i < 15; i++)
        bad[i] = stage_request();
    bad[0].slot_cnt = QBID_REQUEST_SLOTS_MAX + 1;
    bad[1].segment_cnt = QBID_REQUEST_SEGMENTS_MAX + 1;
    bad[2].deal_cnt = QBID_REQUEST_DEALS_MAX + 1;
    bad[3].badv_cnt = 1;
    bad[4].bcat_cnt = 1;
    bad[5].auction = 0;
    bad[6].auction = 3;
    bad[7].floor_micros = -1;
    bad[8].floor_micros = INT64_MIN;
    bad[9].flags = 8;
    bad[10].deal_cnt = 1;
    bad[10].deal[0].floor_micros = -1;
    bad[11].auction = UINT8_MAX;
    bad[12].privacy = QBID_PRIVACY_NO_BID;
    bad[12].segment_cnt = 0;
    bad[13].privacy = QBID_PRIVACY_RESTRICTED; /* with segments */
    bad[13].segment_cnt = 1;
    bad[14].privacy = UINT8_MAX;
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(qbid_request_check(&bad[i]), QBID_ERR_INVAL);
}

static void values_resolve_to_their_indices_and_unknown_ones_to_zero(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_request q = stage_request();
    uint16_t slot[QBID_REQUEST_SLOTS_MAX], segment[QBID_REQUEST_SEGMENTS_MAX];
    stage_init(&s);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        image_fixture_value(&s.f, dim, "x");
        image_fixture_value(&s.f, dim, "y");
    }
    stage_open(&s);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        q.dim[dim] = stage_hash(dim, dim % 2 ? "y" : "x");
    q.dim[QBID_DIM_HOUR] = stage_hash(QBID_DIM_HOUR, "never seen");
    q.slot[0] = stage_hash(QBID_DIM_SLOT, "never seen");
    q.slot[1] = stage_hash(QBID_DIM_SLOT, "y");
    q.slot[2] = stage_hash(QBID_DIM_SLOT, "x");
    q.slot_cnt = 3;
    q.segment[0] = stage_hash(QBID_DIM_SEGMENT, "y");
    q.segment[1] = stage_hash(QBID_DIM_SEGMENT, "never seen");
    q.segment[2] = stage_hash(QBID_DIM_SEGMENT, "x");
    q.segment_cnt = 3;
    uint64_t context = qbid_request_resolve(&s.image, &q, slot, segment);
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t want = dim == QBID_DIM_SLOT      ? 3 /* "y": the first known one */
                        : dim == QBID_DIM_SEGMENT ? 1 /* "x": the lowest known one */
                        : dim == QBID_DIM_HOUR    ? 0
                                                  : 1 + dim % 2;
        assert_int_equal(qbid_dim_unpack(context, dim), want);
    }
    const uint16_t slots[] = {0, 3, 2}, segments[] = {2, 0, 1};
    assert_memory_equal(slot, slots, sizeof slots);
    assert_memory_equal(segment, segments, sizeof segments);

    q.slot_cnt = 1;
    q.segment_cnt = 0;
    context = qbid_request_resolve(&s.image, &q, slot, segment);
    assert_int_equal(qbid_dim_unpack(context, QBID_DIM_SLOT), 0);
    assert_int_equal(qbid_dim_unpack(context, QBID_DIM_SEGMENT), 0);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_at_the_ends_of_every_range_is_accepted),
        cmocka_unit_test(anything_out_of_range_is_invalid),
        cmocka_unit_test(values_resolve_to_their_indices_and_unknown_ones_to_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
