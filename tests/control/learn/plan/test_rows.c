/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the plan against a brute-force listing of who may bid where. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/learn/plan/rows.h"
#include "control/publish/build_image.h"
#include "shm/hash.h"
#include "tests/control/learn/fixture.h"

#define LINE_ITEMS 90
#define VALUES 6 /* of each dimension */

struct market {
    struct qbid_account account;
    struct qbid_campaign_def campaign[3];
    struct qbid_line_item_def line_item[LINE_ITEMS];
    char *target[LINE_ITEMS][2];
    char text[VALUES + 1][8], not_text[VALUES + 1][8];
    struct qbid_dictionary *dictionary;
    struct qbid_cells cells;
    struct qbid_segments segments;
    struct qbid_values values;
    struct qbid_plan plan;
};

static uint64_t masks[QBID_LEVEL_MAX];

/* Random line items that target a device value, exclude one, or take all; random cells. */
static void market_make(struct market *m, uint64_t seed, uint32_t context_max)
{
    struct learn_fixture f;
    learn_fixture_init(&f);
    masks[0] = qbid_dim_mask(QBID_DIM_DEVICE) | qbid_dim_mask(QBID_DIM_SITE);
    masks[1] = qbid_dim_mask(QBID_DIM_DEVICE);
    assert_int_equal(qbid_dictionary_new(&m->dictionary), 0);
    for (unsigned v = 1; v <= VALUES; v++) {
        snprintf(m->text[v], sizeof m->text[v], "v%u", v);
        snprintf(m->not_text[v], sizeof m->not_text[v], "!v%u", v);
        assert_int_equal(qbid_dictionary_add(m->dictionary, QBID_DIM_DEVICE, m->text[v]), v);
        assert_int_equal(qbid_dictionary_add(m->dictionary, QBID_DIM_SITE, m->text[v]), v);
    }
    for (unsigned c = 0; c < 3; c++) {
        m->campaign[c] = f.campaign[1];
        m->campaign[c].id = 10 + c;
        m->campaign[c].active = c != 2;
    }
    for (unsigned i = 0; i < LINE_ITEMS; i++) {
        uint64_t r = qbid_roll(i, seed, 0);
        m->line_item[i] = f.line_item[0];
        m->line_item[i].id = 100 + i;
        m->line_item[i].idx = LINE_ITEMS - 1 - i;
        m->line_item[i].campaign_id = 10 + (uint32_t)(r % 3);
        m->line_item[i].active = r >> 8 & 7;
        m->line_item[i].prior_ctr = 0.001 * (double)(1 + (r >> 20) % 50);
        m->target[i][0] = (r >> 12 & 3) == 0 ? m->not_text[1 + (r >> 16) % VALUES]
                                             : m->text[1 + (r >> 16) % VALUES];
        m->line_item[i].target[QBID_DIM_DEVICE] =
            (struct qbid_target_def){m->target[i], (r >> 12 & 3) != 3};
    }
    m->account = (struct qbid_account){.campaigns = m->campaign,
                                       .line_items = m->line_item,
                                       .campaign_cnt = 3,
                                       .line_item_cnt = LINE_ITEMS,
                                       .line_item_max = LINE_ITEMS};
    assert_int_equal(qbid_cells_init(&m->cells, 10000), 0);
    assert_int_equal(qbid_segments_init(&m->segments, qbid_dim_mask(QBID_DIM_DEVICE)), 0);
    for (unsigned n = 0; n < 400; n++) {
        uint64_t r = qbid_roll(n, seed, 1);
        uint64_t context =
            learn_context(0, 1 + (uint32_t)(r % VALUES), 1 + (uint32_t)((r >> 8) % VALUES));
        qbid_cells_touch(&m->cells, (uint32_t)((r >> 16) % LINE_ITEMS), context, 0)->bids +=
            (double)(r >> 32 & 63);
    }
    struct qbid_outcome win =
        learn_outcome(QBID_EVENT_WIN, &m->line_item[0], learn_context(0, 2, 0), 500000);
    qbid_segments_post(&m->segments, &win);
    struct qbid_values_in in = {.account = &m->account, .cells = &m->cells};
    qbid_values_init(&m->values, masks);
    assert_int_equal(qbid_values_fit(&m->values, &in), 0);
    m->plan = (struct qbid_plan){0};
    assert_int_equal(qbid_rows_fill(&m->account, m->dictionary, &m->cells, &m->values, &m->segments,
                                    context_max, &m->plan),
                     0);
}

static void market_free(struct market *m)
{
    free(m->plan.contexts);
    free(m->plan.candidates);
    free(m->plan.line_value_micros);
    free(m->plan.line_q_group);
    qbid_values_done(&m->values);
    qbid_segments_done(&m->segments);
    qbid_cells_done(&m->cells);
    qbid_dictionary_free(m->dictionary);
}

static void a_row_lists_exactly_who_may_bid_there_at_the_fitted_value(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct market m;
        market_make(&m, seed, 1000);
        for (uint32_t c = 0; c < m.plan.context_cnt; c++) {
            const struct qbid_plan_context *row = &m.plan.contexts[c];
            unsigned level = (unsigned)(row->key >> 62);
            uint64_t context = row->key & ((UINT64_C(1) << 62) - 1);
            uint32_t next = row->first;
            assert_true(c == 0 || m.plan.contexts[c - 1].key < row->key);
            for (uint32_t idx = 0; idx < LINE_ITEMS; idx++) {
                const struct qbid_line_item_def *li = &m.line_item[LINE_ITEMS - 1 - idx];
                int may =
                    li->active && li->campaign_id != 12 &&
                    qbid_target_accepts(li, QBID_DIM_DEVICE,
                                        qbid_dim_unpack(context, QBID_DIM_DEVICE), m.dictionary);
                if (!may)
                    continue;
                assert_true(next < row->first + row->cnt);
                assert_int_equal(m.plan.candidates[next].line_item_idx, idx);
                assert_true(m.plan.candidates[next].value_micros ==
                            (float)qbid_values_impression(&m.values, idx, context, level));
                next++;
            }
            assert_int_equal(next, row->first + row->cnt);
        }
        market_free(&m);
    }
}

static void every_seen_context_gets_a_row_and_knows_its_segment(void **state)
{
    (void)state;
    struct market m;
    market_make(&m, 3, 1000);
    unsigned fine = 0, coarse = 0, segmented = 0;
    for (uint32_t c = 0; c < m.plan.context_cnt; c++) {
        unsigned level = (unsigned)(m.plan.contexts[c].key >> 62);
        fine += level == 0;
        coarse += level == 1;
        segmented += m.plan.contexts[c].segment == 1;
        assert_int_equal(m.plan.contexts[c].segment == 1,
                         qbid_dim_unpack(m.plan.contexts[c].key, QBID_DIM_DEVICE) == 2);
    }
    assert_int_equal(fine, VALUES * VALUES);
    assert_int_equal(coarse, VALUES);
    assert_int_equal(segmented, VALUES + 1);
    market_free(&m);
}

static void a_small_table_keeps_the_coarse_level_and_the_busiest_contexts(void **state)
{
    (void)state;
    struct market m;
    market_make(&m, 4, VALUES + 5);
    uint64_t bids[VALUES + 1][VALUES + 1] = {{0}};
    for (uint32_t i = 0; i < m.cells.cnt; i++)
        bids[qbid_dim_unpack(m.cells.cell[i].context, QBID_DIM_DEVICE)]
            [qbid_dim_unpack(m.cells.cell[i].context, QBID_DIM_SITE)] +=
            (uint64_t)m.cells.cell[i].bids;
    unsigned fine = 0, coarse = 0;
    uint64_t least = UINT64_MAX;
    int kept[VALUES + 1][VALUES + 1] = {{0}};
    for (uint32_t c = 0; c < m.plan.context_cnt; c++) {
        uint64_t key = m.plan.contexts[c].key;
        coarse += key >> 62 == 1;
        if (key >> 62 == 1)
            continue;
        fine++;
        uint32_t device = qbid_dim_unpack(key, QBID_DIM_DEVICE);
        uint32_t site = qbid_dim_unpack(key, QBID_DIM_SITE);
        kept[device][site] = 1;
        if (bids[device][site] < least)
            least = bids[device][site];
    }
    assert_int_equal(coarse, VALUES);
    assert_int_equal(fine, 5);
    for (unsigned d = 1; d <= VALUES; d++)
        for (unsigned s = 1; s <= VALUES; s++)
            assert_true(kept[d][s] || bids[d][s] <= least);
    market_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_lists_exactly_who_may_bid_there_at_the_fitted_value),
        cmocka_unit_test(every_seen_context_gets_a_row_and_knows_its_segment),
        cmocka_unit_test(a_small_table_keeps_the_coarse_level_and_the_busiest_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
