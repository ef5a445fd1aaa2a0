/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/diff.h"
#include "control/account/import/import.h"
#include "control/config/config.h"

#define CREATIVES                                                                                  \
    "creatives: [{id: 7, size: 1x1, markup: x, landing: http://a/}, {id: 8, size: 2x2, "           \
    "markup: x, landing: http://a/}]"

static struct qbid_account import(const struct qbid_account *current, const char *text, bool prune)
{
    struct qbid_problems problems = {.file = "a"};
    struct qbid_import_params params = {current, 0, prune, NULL};
    struct qbid_account next;
    if (qbid_account_import(text, strlen(text), &params, &problems, &next) != 0)
        fail_msg("%s", problems.problem[0].text);
    return next;
}

static void added_changed_removed_and_unchanged_are_told_apart(void **state)
{
    (void)state;
    struct qbid_account none = {.currency = qbid_currency_parse("USD")};
    struct qbid_account a =
        import(&none,
               "campaigns: [{id: 1, budget: 1, end: +1h, goal: max_clicks, line_items: [{id: 5, "
               "ceiling: 1, adomain: a.b, " CREATIVES "}]}, "
               "{id: 2, budget: 5, end: +1h, goal: max_clicks}]\n",
               false);
    struct qbid_diff diff;
    assert_int_equal(qbid_diff_new(&none, &a, &diff), 0);
    assert_int_equal(diff.added, 5);
    assert_int_equal(diff.change_cnt, 5);
    assert_int_equal(diff.changed + diff.removed + diff.unchanged, 0);
    assert_null(diff.change[0].field[0].before);
    qbid_diff_done(&diff);

    struct qbid_account b =
        import(&a,
               "campaigns: [{id: 1, budget: 2.50, pacing: asap, line_items: [{id: 5, creatives: "
               "[{id: 7}, {id: 9, size: 3x3, markup: y, landing: http://b/}]}]}]\n",
               true);
    assert_int_equal(qbid_diff_new(&a, &b, &diff), 0);
    assert_int_equal(diff.added, 1);     /* creative 9 */
    assert_int_equal(diff.changed, 1);   /* campaign 1 */
    assert_int_equal(diff.removed, 2);   /* campaign 2, creative 8 */
    assert_int_equal(diff.unchanged, 2); /* line item 5, creative 7 */
    const struct qbid_change *c = &diff.change[0];
    assert_int_equal(c->kind, QBID_CHANGE_CHANGED);
    assert_int_equal(c->id, 1);
    assert_int_equal(c->field_cnt, 2);
    assert_string_equal(c->field[0].name, "budget");
    assert_string_equal(c->field[0].before, "1");
    assert_string_equal(c->field[0].after, "2.5");
    assert_string_equal(c->field[1].after, "asap");
    assert_int_equal(diff.change[1].kind, QBID_CHANGE_REMOVED);
    assert_int_equal(diff.change[1].id, 2);
    assert_int_equal(diff.change[3].kind, QBID_CHANGE_ADDED);
    assert_int_equal(diff.change[3].item, QBID_ITEM_CREATIVE);
    assert_int_equal(diff.change[3].parent_id, 5);
    qbid_diff_done(&diff);

    assert_int_equal(qbid_diff_new(&b, &b, &diff), 0);
    assert_int_equal(diff.change_cnt, 0);
    assert_int_equal(diff.unchanged, 6);
    qbid_diff_done(&diff);
    qbid_account_done(&a);
    qbid_account_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_changed_removed_and_unchanged_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
