/* SPDX-License-Identifier: Apache-2.0 */
/* A line item in a context as features of the regression and as columns of the trees. */
#include <stdlib.h>

#include "control/learn/learned_state.h"
#include "shm/error.h"

#define GROWTH_SUCCESSES_MIN 100.0
#define GROWTH_PART 0.1 /* trees are grown again after a tenth more successes */

/* Kinds of features; the dimensions follow in the low bits. */
enum feature {
    FEATURE_ALL,
    FEATURE_CAMPAIGN,
    FEATURE_LINE_ITEM,
    FEATURE_DIM = 64,
    FEATURE_CAMPAIGN_DIM = 128,
    FEATURE_PAIR = 256
};

uint32_t qbid_learned_features(const struct qbid_learned *learned, const struct qbid_ftrl *ftrl,
                               const struct qbid_learned_item *item, uint64_t context,
                               uint32_t slot[QBID_FTRL_FEATURES_MAX])
{
    _Static_assert(3 + 2 * QBID_DIM_CNT + QBID_DIM_CNT * (QBID_DIM_CNT - 1) / 2 <=
                       QBID_FTRL_FEATURES_MAX,
                   "all features fit");
    uint32_t cnt = 0;
    slot[cnt++] = qbid_ftrl_hash(ftrl, FEATURE_ALL, 0);
    slot[cnt++] = qbid_ftrl_hash(ftrl, FEATURE_CAMPAIGN, item->campaign_id);
    slot[cnt++] = qbid_ftrl_hash(ftrl, FEATURE_LINE_ITEM, item->id);
    for (unsigned a = 0; a < QBID_DIM_CNT; a++) {
        if (!(learned->params.mask & qbid_dim_mask(a)))
            continue;
        uint64_t value = qbid_dim_unpack(context, a);
        slot[cnt++] = qbid_ftrl_hash(ftrl, FEATURE_DIM + a, value);
        slot[cnt++] =
            qbid_ftrl_hash(ftrl, FEATURE_CAMPAIGN_DIM + a, value << 32 | item->campaign_id);
        for (unsigned b = a + 1; b < QBID_DIM_CNT; b++)
            if (learned->params.mask & qbid_dim_mask(b))
                slot[cnt++] = qbid_ftrl_hash(ftrl, FEATURE_PAIR + a * QBID_DIM_CNT + b,
                                             value << 32 | qbid_dim_unpack(context, b));
    }
    return cnt;
}

uint32_t qbid_learned_columns(const struct qbid_learned *learned, uint32_t line_item_idx,
                              uint64_t context, uint32_t value[QBID_CODEBOOK_COLUMNS_MAX])
{
    _Static_assert(2 + QBID_DIM_CNT <= QBID_CODEBOOK_COLUMNS_MAX, "all columns fit");
    uint32_t cnt = 0;
    value[cnt++] = learned->item[line_item_idx].campaign_code;
    value[cnt++] = line_item_idx + 1;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        if (learned->params.mask & qbid_dim_mask(dim))
            value[cnt++] = qbid_dim_unpack(context, dim);
    return cnt;
}

double qbid_learned_raw(const struct qbid_learned *learned, enum qbid_learned_head head,
                        enum qbid_learned_model model, uint32_t line_item_idx, uint64_t context,
                        double rate)
{
    const struct qbid_learned_side *side = &learned->side[head];
    if (model == QBID_LEARNED_FTRL && side->started) {
        uint32_t slot[QBID_FTRL_FEATURES_MAX];
        uint32_t cnt = qbid_learned_features(learned, &side->ftrl, &learned->item[line_item_idx],
                                             context, slot);
        return qbid_ftrl_predict(&side->ftrl, slot, cnt);
    }
    if (model == QBID_LEARNED_TREES && side->grown) {
        uint32_t value[QBID_CODEBOOK_COLUMNS_MAX];
        (void)qbid_learned_columns(learned, line_item_idx, context, value);
        return qbid_trees_predict(&side->trees, value);
    }
    return rate;
}

/* Cells as rows of trials; the caller's to free. */
struct rows {
    uint32_t *value;
    double *trials;
    double *successes;
    uint32_t cnt;
    uint32_t columns;
    double good;
};

static void rows_done(struct rows *rows)
{
    free(rows->value);
    free(rows->trials);
    free(rows->successes);
}

static int rows_take(const struct qbid_learned *l, enum qbid_learned_head head,
                     const struct qbid_cells *cells, struct rows *rows)
{
    size_t max = cells->cnt + (size_t)1;
    uint32_t value[QBID_CODEBOOK_COLUMNS_MAX];
    *rows = (struct rows){.value = malloc(max * QBID_CODEBOOK_COLUMNS_MAX * sizeof *rows->value),
                          .trials = malloc(max * sizeof *rows->trials),
                          .successes = malloc(max * sizeof *rows->successes)};
    if (!rows->value || !rows->trials || !rows->successes) {
        rows_done(rows);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < cells->cnt; i++) {
        const struct qbid_cell *c = &cells->cell[i];
        if (c->line_item_idx >= l->item_cnt || !(c->context & l->params.mask) ||
            l->item[c->line_item_idx].campaign_id == 0)
            continue;
        double clicks = (double)c->clicks, convs = (double)c->convs;
        double trials = head == QBID_LEARNED_CTR ? (double)qbid_cell_trials(c)
                                                 : (clicks > convs ? clicks : convs);
        double successes = head == QBID_LEARNED_CTR ? clicks : convs;
        if (!(trials > 0))
            continue;
        rows->columns = qbid_learned_columns(l, c->line_item_idx, c->context, value);
        for (uint32_t k = 0; k < rows->columns; k++)
            rows->value[(size_t)rows->cnt * rows->columns + k] = value[k];
        rows->trials[rows->cnt] = trials;
        rows->successes[rows->cnt++] = successes;
        rows->good += successes;
    }
    return 0;
}

static void side_grow(struct qbid_learned *l, enum qbid_learned_head head,
                      const struct qbid_cells *cells)
{
    struct qbid_learned_side *side = &l->side[head];
    struct rows rows;
    if (side->since < GROWTH_SUCCESSES_MIN || rows_take(l, head, cells, &rows))
        return;
    if (side->since >= GROWTH_PART * rows.good) {
        struct qbid_codebook_rows data = {rows.value, rows.trials, rows.successes, rows.cnt,
                                          rows.columns};
        struct qbid_trees trees;
        int err = qbid_trees_grow(&data, &l->params.tree, &trees, NULL, l->growth.why);
        *(err ? &l->growth.failed : &l->growth.grown) += 1;
        side->since = 0; /* also after a failure: not at every tick */
        if (!err) {
            qbid_trees_done(&side->trees);
            side->trees = trees;
            side->grown = side->trees_dirty = true;
            l->growth.why[0] = '\0';
        }
    }
    rows_done(&rows);
}

void qbid_learned_grow(struct qbid_learned *learned, const struct qbid_cells *cells)
{
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT; h++)
        side_grow(learned, h, cells);
}
