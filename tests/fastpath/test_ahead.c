/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of asking ahead: how many there are, and that a table replaced in between starts them anew.
 * That they change no answer is shown by test_agreement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fastpath/ahead.h"
#include "tests/fastpath/stage.h"

static struct qbid_view view_of(const struct stage *s)
{
    return s->view;
}

static void stage_with_row(struct stage *s)
{
    const float value = 1e6f;
    stage_init(s);
    uint32_t li = stage_line_item(s, (struct qbid_line_item){.id = 1, .value_micros = 1e6f});
    image_fixture_row(&s->f, 3, qbid_dim_pack(0, QBID_DIM_SLOT, 1), 0, 1, &li, &value);
    stage_open(s);
}

static void four_steps_lead_to_the_line_item(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_ahead ahead = {0};
    struct qbid_request q = stage_request();
    stage_with_row(&s);
    struct qbid_view view = view_of(&s);
    for (unsigned left = QBID_AHEAD_STEPS; left-- > 0;)
        assert_int_equal(qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS), left);
    assert_int_equal(ahead.ask.place.level, 3);
    assert_int_equal(qbid_candidate_line_item(&ahead.ask.best), 0);
    assert_int_equal(qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS), 0);
    stage_done(&s);
}

static void where_nothing_can_be_asked_for_there_are_no_steps(void **state)
{
    (void)state;
    struct stage s;
    struct qbid_ahead ahead = {0};
    struct qbid_request q = stage_request();
    struct qbid_view none = {0};
    assert_int_equal(qbid_ahead_step(&ahead, &none, &q, STAGE_NOW_NS), 0);
    stage_with_row(&s);
    struct qbid_view view = view_of(&s);
    assert_int_equal(qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS + 2), 0); /* no lease */
    memset(&ahead, 0, sizeof ahead);
    q.slot_cnt = 0; /* no row */
    assert_int_equal(qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS), 3);
    assert_int_equal(qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS), 0);
    stage_done(&s);
}

static void another_table_starts_the_steps_anew(void **state)
{
    (void)state;
    struct stage one, two;
    struct qbid_ahead ahead = {0};
    struct qbid_request q = stage_request();
    stage_with_row(&one);
    stage_with_row(&two);
    struct qbid_view first = view_of(&one), second = view_of(&two);
    for (unsigned i = 0; i < 3; i++)
        (void)qbid_ahead_step(&ahead, &first, &q, STAGE_NOW_NS);
    const char *from = two.image_base, *to = from + two.image_bytes;
    for (unsigned left = QBID_AHEAD_STEPS; left-- > 0;)
        assert_int_equal(qbid_ahead_step(&ahead, &second, &q, STAGE_NOW_NS), left);
    const char *row = (const char *)ahead.ask.place.row.line_item_low;
    assert_true(row > from && row < to);
    stage_done(&one);
    stage_done(&two);
}

/* The watcher makes a table of its own for each change, also where the image stays. */
static void another_live_page_beside_the_same_image_is_the_one_that_is_read(void **state)
{
    (void)state;
    struct stage one, two;
    struct qbid_ahead ahead = {0};
    struct qbid_request q = stage_request();
    stage_with_row(&one);
    stage_with_row(&two);
    struct qbid_view view = view_of(&one);
    for (unsigned i = 0; i < 2; i++)
        (void)qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS);
    view.live = &two.live;
    assert_int_equal(qbid_ahead_step(&ahead, &view, &q, STAGE_NOW_NS), 1); /* goes on */
    assert_ptr_equal(ahead.ask.pricer.live, &two.live);
    stage_done(&one);
    stage_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_steps_lead_to_the_line_item),
        cmocka_unit_test(where_nothing_can_be_asked_for_there_are_no_steps),
        cmocka_unit_test(another_table_starts_the_steps_anew),
        cmocka_unit_test(another_live_page_beside_the_same_image_is_the_one_that_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
