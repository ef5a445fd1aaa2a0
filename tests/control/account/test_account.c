/* SPDX-License-Identifier: Apache-2.0 */
/* The account's memory: order, lookup, deep copies, slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/account.h"

static void fill(struct qbid_account *a)
{
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t id = (i * 37) % 100 + 1; /* every id once, out of order */
        struct qbid_campaign_def *c = qbid_account_add_campaign(a, id);
        c->name = strdup("campaign");
        c->budget_nanos = id;
        struct qbid_line_item_def *li = qbid_account_add_line_item(a, id);
        li->campaign_id = id;
        li->idx = id < 50 ? id : QBID_ACCOUNT_IDX_NONE;
        li->target[QBID_DIM_GEO].value = calloc(1, sizeof(char *));
        li->target[QBID_DIM_GEO].value[0] = strdup("!CHN/1");
        li->target[QBID_DIM_GEO].cnt = 1;
        struct qbid_creative_def *cr = qbid_account_add_creative(a, id);
        cr->line_item_id = id;
        cr->markup = strdup("<b>");
    }
    qbid_account_sort(a);
}

static void items_are_found_by_id_after_sorting(void **state)
{
    (void)state;
    struct qbid_account a = {0};
    assert_null(qbid_account_campaign(&a, 1));
    fill(&a);
    for (uint32_t id = 1; id <= 100; id++) {
        assert_int_equal(qbid_account_campaign(&a, id)->budget_nanos, id);
        assert_int_equal(qbid_account_line_item(&a, id)->campaign_id, id);
        assert_int_equal(qbid_account_creative(&a, id)->line_item_id, id);
    }
    assert_null(qbid_account_campaign(&a, 0));
    assert_null(qbid_account_line_item(&a, 101));
    assert_int_equal(a.line_item_max, 50);
    qbid_account_done(&a);
    assert_int_equal(a.creative_cnt, 0);
}

static void a_copy_shares_nothing(void **state)
{
    (void)state;
    struct qbid_account a = {.currency = 7}, b;
    fill(&a);
    assert_int_equal(qbid_account_copy(&a, &b), 0);
    b.campaigns[0].name[0] = 'X';
    b.line_items[0].target[QBID_DIM_GEO].value[0][1] = 'X';
    b.creatives[0].markup[0] = 'X';
    assert_string_equal(a.campaigns[0].name, "campaign");
    assert_string_equal(a.line_items[0].target[QBID_DIM_GEO].value[0], "!CHN/1");
    assert_string_equal(a.creatives[0].markup, "<b>");
    qbid_account_done(&a);
    assert_int_equal(b.campaign_cnt, 100);
    assert_int_equal(b.line_item_max, 50);
    assert_int_equal(b.currency, 7);
    assert_string_equal(b.campaigns[99].name, "campaign");
    qbid_account_done(&b);
}

static void a_creative_names_its_slot_as_requests_do(void **state)
{
    (void)state;
    char out[32];
    struct qbid_creative_def c = {.width = 300, .height = 250, .format = QBID_FORMAT_BANNER};
    qbid_creative_slot(&c, out);
    assert_string_equal(out, "banner:300x250");
    c = (struct qbid_creative_def){.width = 65535, .height = 65535, .format = QBID_FORMAT_VIDEO};
    qbid_creative_slot(&c, out);
    assert_string_equal(out, "video:65535x65535");
    c.format = QBID_FORMAT_NATIVE;
    qbid_creative_slot(&c, out);
    assert_string_equal(out, "native");
    c.format = QBID_FORMAT_AUDIO;
    qbid_creative_slot(&c, out);
    assert_string_equal(out, "audio");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_found_by_id_after_sorting),
        cmocka_unit_test(a_copy_shares_nothing),
        cmocka_unit_test(a_creative_names_its_slot_as_requests_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
