/* SPDX-License-Identifier: Apache-2.0 */
/* Insights of a snapshot: what is found, what it says, and what is not found. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/insights/insights.h"
#include "shm/hash.h"
#include "shm/units.h"

#define ITEMS 8
#define DAY_NS (UINT64_C(86400) * QBID_NS_PER_S)
#define START_NS (10 * DAY_NS)

static struct qbid_campaign_def campaign = {.id = 10, .active = true};
static struct qbid_line_item_def items[ITEMS];

static struct qbid_account account_make(void)
{
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = (struct qbid_line_item_def){.id = 100 + i, .campaign_id = 10, .active = true};
    return (struct qbid_account){
        .campaigns = &campaign, .campaign_cnt = 1, .line_items = items, .line_item_cnt = ITEMS};
}

static struct qbid_snapshot *snapshot_make(void)
{
    struct qbid_snapshot_params params = {100, 0};
    struct qbid_snapshot *snapshot;
    assert_int_equal(qbid_snapshot_new(&params, &snapshot), 0);
    return snapshot;
}

static void post(struct qbid_snapshot *snapshot, int kind, uint32_t id, uint64_t time_ns)
{
    struct qbid_outcome o = {.kind = (uint8_t)kind,
                             .line_item_id = id,
                             .creative_id = id * 10,
                             .price_nanos = kind == QBID_EVENT_CONV ? 5 * QBID_NANOS_PER_UNIT : 0,
                             .time_ns = time_ns};
    qbid_snapshot_post(snapshot, &o, 10, kind == QBID_EVENT_BILL ? QBID_NANOS_PER_UNIT / 1000 : 0);
}

/* One day of 4,000 impressions an item at a click rate each, a tenth of the clicks convert. */
static void day(struct qbid_snapshot *snapshot, uint64_t from_ns, const double *ctr)
{
    static const int before[] = {QBID_EVENT_BID, QBID_EVENT_WIN, QBID_EVENT_BILL, QBID_EVENT_IMP};
    for (uint64_t n = 0; n < 4000; n++) {
        uint64_t at = from_ns + n * (DAY_NS / 4000);
        for (uint32_t i = 0; i < ITEMS; i++) {
            uint64_t roll = qbid_roll(n + from_ns, 7, i);
            for (unsigned k = 0; k < sizeof before / sizeof *before; k++)
                post(snapshot, before[k], items[i].id, at);
            if ((double)(roll >> 11) * 0x1p-53 >= ctr[i])
                continue;
            post(snapshot, QBID_EVENT_CLICK, items[i].id, at);
            if (qbid_mix64(roll) % 10 == 0)
                post(snapshot, QBID_EVENT_CONV, items[i].id, at);
        }
    }
}

static const struct qbid_insight *find(const struct qbid_insights *all, uint32_t kind, uint32_t id,
                                       enum qbid_insight_metric metric)
{
    for (uint32_t i = 0; i < all->cnt; i++) {
        const struct qbid_insight *insight = &all->list[i];
        if (insight->key.kind == kind && insight->key.id == id && insight->metric == metric)
            return insight;
    }
    return NULL;
}

static void a_better_and_a_worse_line_item_are_found(void **state)
{
    (void)state;
    static const double ctr[ITEMS] = {0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.04, 0.01};
    struct qbid_account account = account_make();
    struct qbid_snapshot *snapshot = snapshot_make();
    struct qbid_insights all;
    day(snapshot, START_NS, ctr);
    assert_int_equal(qbid_insights_find(&account, snapshot, START_NS + DAY_NS - 1, &all), 0);
    const struct qbid_insight *good = find(&all, QBID_SERIES_LINE_ITEM, 106, QBID_INSIGHT_CTR);
    const struct qbid_insight *bad = find(&all, QBID_SERIES_LINE_ITEM, 107, QBID_INSIGHT_CTR);
    assert_non_null(good);
    assert_non_null(bad);
    print_message("%s\n%s\n", good->text, bad->text);
    assert_int_equal(good->kind, QBID_INSIGHT_OPPORTUNITY);
    assert_int_equal(bad->kind, QBID_INSIGHT_WARNING);
    assert_true(good->confidence > 0.999 && good->low > good->against && good->rate < 0.045);
    assert_true(good->impact_low_nanos > 0 && good->impact_low_nanos < good->impact_nanos &&
                good->impact_nanos < good->impact_high_nanos);
    assert_true(bad->impact_nanos < 0);
    assert_true(all.list[0].impact_nanos >= llabs(all.list[all.cnt - 1].impact_nanos));
    assert_non_null(strstr(good->text, "line item 106: click rate "));
    assert_true(all.tests > all.cnt);
    qbid_insights_done(&all);
    qbid_snapshot_free(snapshot);
}

static void a_campaign_that_fell_is_told_apart_from_before(void **state)
{
    (void)state;
    double ctr[ITEMS];
    struct qbid_account account = account_make();
    struct qbid_snapshot *snapshot = snapshot_make();
    struct qbid_insights all;
    for (uint32_t i = 0; i < ITEMS; i++)
        ctr[i] = 0.03;
    day(snapshot, START_NS, ctr);
    for (uint32_t i = 0; i < ITEMS; i++)
        ctr[i] = 0.02;
    day(snapshot, START_NS + 2 * DAY_NS, ctr);
    assert_int_equal(qbid_insights_find(&account, snapshot, START_NS + 3 * DAY_NS - 1, &all), 0);
    const struct qbid_insight *fell = find(&all, QBID_SERIES_CAMPAIGN, 10, QBID_INSIGHT_CTR);
    assert_non_null(fell);
    print_message("%s\n", fell->text);
    assert_int_equal(fell->kind, QBID_INSIGHT_WARNING);
    assert_true(fabs(fell->against - 0.03) < 0.002 && fabs(fell->rate - 0.02) < 0.002);
    assert_null(find(&all, QBID_SERIES_CAMPAIGN, 10, QBID_INSIGHT_WIN_RATE));
    qbid_insights_done(&all);
    qbid_snapshot_free(snapshot);
}

static void nothing_is_said_of_alike_items_or_of_nothing(void **state)
{
    (void)state;
    double ctr[ITEMS];
    struct qbid_account account = account_make();
    struct qbid_snapshot *snapshot = snapshot_make();
    struct qbid_insights all;
    assert_int_equal(qbid_insights_find(&account, snapshot, START_NS, &all), 0);
    assert_true(all.cnt == 0 && all.tests == 0 && all.p_limit < 0);
    qbid_insights_done(&all);
    for (uint32_t i = 0; i < ITEMS; i++)
        ctr[i] = 0.03;
    day(snapshot, START_NS, ctr);
    day(snapshot, START_NS + 2 * DAY_NS, ctr);
    assert_int_equal(qbid_insights_find(&account, snapshot, START_NS + 3 * DAY_NS - 1, &all), 0);
    assert_true(all.cnt == 0 && all.tests > 2 * ITEMS);
    qbid_insights_done(&all);
    qbid_snapshot_free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_better_and_a_worse_line_item_are_found),
        cmocka_unit_test(a_campaign_that_fell_is_told_apart_from_before),
        cmocka_unit_test(nothing_is_said_of_alike_items_or_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
