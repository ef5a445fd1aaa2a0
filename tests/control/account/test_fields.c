/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields: every member is reached, values are shown as files hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/fields.h"

static void shows(enum qbid_item_kind kind, const char *name, const void *item, const char *want)
{
    const struct qbid_field *field = qbid_fields_find(kind, name);
    assert_non_null(field);
    char *text = qbid_field_text(field, item);
    assert_string_equal(text, want);
    free(text);
}

static void values_are_shown_as_files_hold_them(void **state)
{
    (void)state;
    struct qbid_campaign_def c = {.name = (char *)(uintptr_t) "spring",
                                  .budget_nanos = INT64_C(1500250000001),
                                  .start_unix_s = 1370476800,
                                  .target_micros = 1200000,
                                  .goal = QBID_GOAL_TARGET_CPC,
                                  .pacing = QBID_PACING_ASAP,
                                  .period = QBID_BUDGET_DAILY,
                                  .active = true};
    shows(QBID_ITEM_CAMPAIGN, "name", &c, "spring");
    shows(QBID_ITEM_CAMPAIGN, "budget", &c, "1500.250000001");
    shows(QBID_ITEM_CAMPAIGN, "start", &c, "2013-06-06T00:00:00Z");
    shows(QBID_ITEM_CAMPAIGN, "target", &c, "1.2");
    shows(QBID_ITEM_CAMPAIGN, "goal", &c, "target_cpc");
    shows(QBID_ITEM_CAMPAIGN, "pacing", &c, "asap");
    shows(QBID_ITEM_CAMPAIGN, "period", &c, "daily");
    shows(QBID_ITEM_CAMPAIGN, "active", &c, "true");
    char *values[] = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "!b"};
    struct qbid_line_item_def li = {.prior_ctr = 0.1, .prior_cvr = 1.0 / 3};
    li.target[QBID_DIM_SITE] = (struct qbid_target_def){values, 2};
    shows(QBID_ITEM_LINE_ITEM, "site", &li, "a,!b");
    shows(QBID_ITEM_LINE_ITEM, "geo", &li, "");
    shows(QBID_ITEM_LINE_ITEM, "deal", &li, "");
    shows(QBID_ITEM_LINE_ITEM, "prior_ctr", &li, "0.1");
    shows(QBID_ITEM_LINE_ITEM, "prior_cvr", &li, "0.3333333333333333");
    struct qbid_creative_def cr = {.format = QBID_FORMAT_NATIVE, .width = 300};
    shows(QBID_ITEM_CREATIVE, "format", &cr, "native");
    shows(QBID_ITEM_CREATIVE, "width", &cr, "300");
}

static void a_change_of_any_field_is_seen(void **state)
{
    (void)state;
    char *text_a = (char *)(uintptr_t) "a", *text_b = (char *)(uintptr_t) "b";
    for (unsigned kind = 0; kind < QBID_ITEM_CNT; kind++) {
        for (const struct qbid_field *field = qbid_fields(kind); field->name; field++) {
            union {
                struct qbid_campaign_def campaign;
                struct qbid_line_item_def line_item;
                struct qbid_creative_def creative;
                char bytes[sizeof(struct qbid_line_item_def)];
            } a = {0}, b = {0};
            assert_true(qbid_field_equal(field, &a, &b));
            struct qbid_target_def target = {&text_a, 1};
            if (field->type == QBID_FIELD_TEXT)
                memcpy(b.bytes + field->off, &text_b, sizeof text_b);
            else if (field->type == QBID_FIELD_TARGET)
                memcpy(b.bytes + field->off, &target, sizeof target);
            else
                b.bytes[field->off] = 1;
            assert_false(qbid_field_equal(field, &a, &b));
        }
    }
}

static void a_name_is_of_one_field_only(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < QBID_ITEM_CNT; kind++)
        for (const struct qbid_field *field = qbid_fields(kind); field->name; field++)
            assert_ptr_equal(qbid_fields_find(kind, field->name), field);
    assert_null(qbid_fields_find(QBID_ITEM_CAMPAIGN, "markup"));
    assert_int_equal(qbid_words_value(qbid_words_goal, "max_value"), QBID_GOAL_MAX_VALUE);
    assert_int_equal(qbid_words_value(qbid_words_goal, "max"), -1);
    assert_string_equal(qbid_words_text(qbid_words_goal, 99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_shown_as_files_hold_them),
        cmocka_unit_test(a_change_of_any_field_is_seen),
        cmocka_unit_test(a_name_is_of_one_field_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
