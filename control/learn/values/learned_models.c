/* SPDX-License-Identifier: Apache-2.0 */
/* A line item in a context as features of the regression and as columns of the trees. */
#include <math.h>
#include <stdlib.h>

#include "control/learn/values/learned_state.h"
#include "control/models/rates/effects.h"
#include "shm/error.h"

#define GROWTH_SUCCESSES_MIN 100.0
#define STRENGTH_CELLS 2048 /* that a strength is fitted on */
#define GROWTH_PART 0.2     /* trees are grown again after a fifth more successes */

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

/* Before what was seen of the key itself. */
static double model_rate(const struct qbid_learned *learned, enum qbid_learned_head head,
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

static bool ready(const struct qbid_learned_side *side, enum qbid_learned_model model)
{
    return (model == QBID_LEARNED_FTRL && side->started) ||
           (model == QBID_LEARNED_TREES && side->grown);
}

double qbid_learned_raw(const struct qbid_learned *learned, enum qbid_learned_head head,
                        enum qbid_learned_model model, uint32_t line_item_idx, uint64_t context,
                        struct qbid_learned_seen seen, double rate)
{
    const struct qbid_learned_side *side = &learned->side[head];
    double own = model_rate(learned, head, model, line_item_idx, context, rate);
    if (!ready(side, model) || !(side->strength[model] > 0))
        return own;
    return fmin(
        own * qbid_effects_multiplier(side->strength[model], seen.trials * own, seen.successes), 1);
}

static struct qbid_learned_seen seen_of(const struct qbid_cell *cell, enum qbid_learned_head head)
{
    if (head == QBID_LEARNED_CTR)
        return (struct qbid_learned_seen){qbid_cell_trials(cell), cell->clicks};
    return (struct qbid_learned_seen){fmax(cell->clicked, cell->convs), cell->convs};
}

struct qbid_learned_seen qbid_learned_seen(const struct qbid_learned *learned,
                                           enum qbid_learned_head head, uint32_t line_item_idx,
                                           uint64_t context)
{
    uint32_t i = learned->cells ? qbid_keymap_find(&learned->cells->map, context, line_item_idx)
                                : QBID_KEYMAP_NONE;
    return i == QBID_KEYMAP_NONE ? (struct qbid_learned_seen){0}
                                 : seen_of(&learned->cells->cell[i], head);
}

static bool cell_counts(const struct qbid_learned *l, const struct qbid_cell *c)
{
    return c->line_item_idx < l->item_cnt && (c->context & l->params.mask) &&
           l->item[c->line_item_idx].campaign_id != 0;
}

void qbid_learned_strengths(struct qbid_learned *learned, enum qbid_learned_head head)
{
    double expected[STRENGTH_CELLS], successes[STRENGTH_CELLS];
    const struct qbid_cells *cells = learned->cells;
    struct qbid_learned_side *side = &learned->side[head];
    for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++) {
        uint32_t cnt = 0;
        for (uint32_t k = 0; k < STRENGTH_CELLS && ready(side, m); k++) {
            uint64_t pick = cells->cnt <= STRENGTH_CELLS
                                ? k
                                : (uint64_t)k * cells->cnt / STRENGTH_CELLS; /* evenly */
            if (pick >= cells->cnt)
                break;
            const struct qbid_cell *c = &cells->cell[pick];
            struct qbid_learned_seen seen = seen_of(c, head);
            if (!cell_counts(learned, c) || !(seen.trials > 0))
                continue;
            double own = model_rate(learned, head, m, c->line_item_idx,
                                    c->context & learned->params.mask, 0);
            expected[cnt] = seen.trials * own;
            successes[cnt++] = seen.successes;
        }
        side->strength[m] = cnt ? qbid_effects_strength(expected, successes, cnt) : 0;
    }
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
        struct qbid_learned_seen seen = seen_of(c, head);
        if (!cell_counts(l, c) || !(seen.trials > 0))
            continue;
        rows->columns = qbid_learned_columns(l, c->line_item_idx, c->context, value);
        for (uint32_t k = 0; k < rows->columns; k++)
            rows->value[(size_t)rows->cnt * rows->columns + k] = value[k];
        rows->trials[rows->cnt] = seen.trials;
        rows->successes[rows->cnt++] = seen.successes;
        rows->good += seen.successes;
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
