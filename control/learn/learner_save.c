/* SPDX-License-Identifier: Apache-2.0 */
/* The learner's state as rows for the store: one kind of row for each kind of statistic. */
#include <stdlib.h>
#include <string.h>

#include "control/learn/learner_state.h"
#include "shm/error.h"
#include "shm/hash.h"

#define LAYOUT 1
#define SEGMENT_WHOLE UINT64_MAX

enum row_kind {
    ROW_CELL = 1,
    ROW_SEGMENT,
    ROW_CREATIVE,
    ROW_CAMPAIGN,
    ROW_ACTIONS,
    ROW_STRENGTHS,
    ROW_TRAFFIC,
    ROW_STRATEGY,
    ROW_KIND_END,
};

/* In front of every row: another layout is refused, not misread. */
struct row_head {
    uint32_t layout;
    uint32_t bytes; /* of the row, this head included */
};

struct row_cell {
    struct row_head head;
    struct qbid_cell cell;
};

struct row_segment {
    struct row_head head;
    struct qbid_landscape landscape;
};

struct row_creative {
    struct row_head head;
    struct qbid_creative_stats stats;
};

struct row_actions {
    struct row_head head;
    struct qbid_qlearner actions;
};

struct row_strengths {
    struct row_head head;
    double ctr[QBID_VALUES_LEVELS_MAX];
    double cvr[QBID_VALUES_LEVELS_MAX];
};

/* The samples follow, `samples` of them, oldest first. */
struct row_campaign {
    struct row_head head;
    struct qbid_flight flight;
    struct qbid_pacing_state pacing;
    double auctions_per_s;
    double win_rate;
    uint32_t first_price;
    uint32_t samples;
};

struct row_strategy {
    struct row_head head;
    struct qbid_strategy strategy;
};

struct row_traffic {
    struct row_head head;
    struct qbid_traffic traffic;
};

struct saver {
    qbid_learner_save_fn *fn;
    void *context;
    bool all;
    int err;
};

static void row_save(struct saver *saver, enum row_kind kind, uint64_t key, void *row, size_t bytes)
{
    struct row_head head = {LAYOUT, (uint32_t)bytes};
    memcpy(row, &head, sizeof head);
    if (!saver->err)
        saver->err = saver->fn(saver->context, kind, key, row, (uint32_t)bytes);
}

static uint64_t cell_key(const struct qbid_cell *cell)
{
    return qbid_mix64(cell->context ^ qbid_mix64(cell->line_item_idx));
}

static void cells_save(struct qbid_learner *learner, struct saver *saver)
{
    for (uint32_t i = 0; i < learner->cells.cnt && !saver->err; i++) {
        struct qbid_cell *cell = &learner->cells.cell[i];
        if (!cell->dirty && !saver->all)
            continue;
        struct row_cell row = {.cell = *cell};
        row.cell.dirty = 0;
        row_save(saver, ROW_CELL, cell_key(cell), &row, sizeof row);
        cell->dirty = saver->err != 0;
    }
}

static void segments_save(struct qbid_learner *learner, struct saver *saver)
{
    struct qbid_segments *segments = &learner->segments;
    for (uint32_t i = 0; i < segments->cnt && !saver->err; i++) {
        if (!segments->dirty[i] && !saver->all)
            continue;
        struct row_segment row = {.landscape = segments->landscape[i]};
        row_save(saver, ROW_SEGMENT, i ? segments->key[i] : SEGMENT_WHOLE, &row, sizeof row);
        segments->dirty[i] = saver->err != 0;
    }
}

static void creatives_save(struct qbid_learner *learner, struct saver *saver)
{
    for (uint32_t i = 0; i < learner->creatives.cnt && !saver->err; i++) {
        struct qbid_creative_stats *stats = &learner->creatives.stats[i];
        if (!stats->dirty && !saver->all)
            continue;
        struct row_creative row = {.stats = *stats};
        row.stats.dirty = 0;
        row_save(saver, ROW_CREATIVE, stats->creative_id, &row, sizeof row);
        stats->dirty = saver->err != 0;
    }
}

static void campaign_save(struct qbid_campaign_state *state, struct saver *saver)
{
    const struct qbid_samples *samples = &state->samples;
    size_t bytes = sizeof(struct row_campaign) + samples->cnt * sizeof(struct qbid_sample);
    struct row_campaign *row = calloc(1, bytes);
    if (!row) {
        saver->err = QBID_ERR_NOMEM;
        return;
    }
    row->flight = state->flight;
    row->pacing = state->pacing;
    row->auctions_per_s = state->auctions_per_s;
    row->win_rate = state->win_rate;
    row->first_price = samples->first_price;
    row->samples = samples->cnt;
    struct qbid_sample *out = (struct qbid_sample *)(void *)(row + 1);
    for (uint32_t i = 0; i < samples->cnt; i++)
        out[i] = samples->sample[(samples->next + samples->max - samples->cnt + i) % samples->max];
    row_save(saver, ROW_CAMPAIGN, state->id, row, bytes);
    struct row_traffic traffic = {.traffic = state->traffic};
    row_save(saver, ROW_TRAFFIC, state->id, &traffic, sizeof traffic);
    struct row_strategy strategy = {.strategy = state->strategy};
    if (memcmp(&state->strategy, &(struct qbid_strategy){0}, sizeof state->strategy) != 0)
        row_save(saver, ROW_STRATEGY, state->id, &strategy, sizeof strategy);
    state->dirty = saver->err != 0;
    free(row);
}

int qbid_learner_save(struct qbid_learner *learner, bool all, qbid_learner_save_fn *fn,
                      void *context)
{
    struct saver saver = {.fn = fn, .context = context, .all = all};
    cells_save(learner, &saver);
    segments_save(learner, &saver);
    creatives_save(learner, &saver);
    for (uint32_t i = 0; i < learner->campaigns.cnt && !saver.err; i++)
        if (all || learner->campaigns.state[i].dirty)
            campaign_save(&learner->campaigns.state[i], &saver);
    for (uint32_t goal = 0; goal < QBID_GOAL_CNT && !saver.err; goal++) {
        struct row_actions row = {.actions = learner->actions[goal]};
        row_save(&saver, ROW_ACTIONS, goal, &row, sizeof row);
    }
    struct row_strengths row = {0};
    memcpy(row.ctr, learner->strength_ctr, sizeof row.ctr);
    memcpy(row.cvr, learner->strength_cvr, sizeof row.cvr);
    row_save(&saver, ROW_STRENGTHS, 0, &row, sizeof row);
    return saver.err;
}

static int cell_restore(struct qbid_learner *learner, const struct row_cell *row)
{
    struct qbid_cell *cell =
        qbid_cells_touch(&learner->cells, row->cell.line_item_idx, row->cell.context);
    if (!cell)
        return QBID_ERR_NOMEM;
    /* A table that is smaller now folds several rows into one cell. */
    cell->bids += row->cell.bids;
    cell->imps += row->cell.imps;
    cell->bills += row->cell.bills;
    cell->clicks += row->cell.clicks;
    cell->convs += row->cell.convs;
    cell->value_nanos += row->cell.value_nanos;
    cell->dirty = 0;
    return 0;
}

static int segment_restore(struct qbid_learner *learner, uint64_t key,
                           const struct row_segment *row)
{
    uint16_t i = key == SEGMENT_WHOLE ? 0 : qbid_segments_touch(&learner->segments, key);
    if (i == 0 && key != SEGMENT_WHOLE)
        return 0; /* no place: segment 0 has its counts already */
    learner->segments.landscape[i] = row->landscape;
    return 0;
}

static int campaign_restore(struct qbid_learner *learner, uint64_t key,
                            const struct row_campaign *row, uint32_t bytes)
{
    if (row->samples > QBID_MARKET_POINTS_MAX ||
        bytes != sizeof *row + row->samples * sizeof(struct qbid_sample))
        return QBID_ERR_VERSION;
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, (uint32_t)key);
    if (!state)
        return QBID_ERR_NOMEM;
    state->flight = row->flight;
    state->pacing = row->pacing;
    state->auctions_per_s = row->auctions_per_s;
    state->win_rate = row->win_rate;
    state->paced_bids = row->flight.bids;
    struct qbid_samples *samples = &state->samples;
    const struct qbid_sample *in = (const struct qbid_sample *)(const void *)(row + 1);
    samples->first_price = row->first_price;
    samples->cnt = samples->next = 0;
    for (uint32_t i = row->samples > samples->max ? row->samples - samples->max : 0;
         i < row->samples; i++) {
        samples->sample[samples->cnt++] = in[i];
        samples->next = samples->cnt % samples->max;
    }
    return 0;
}

static int traffic_restore(struct qbid_learner *learner, uint64_t key,
                           const struct row_traffic *row)
{
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, (uint32_t)key);
    if (!state)
        return QBID_ERR_NOMEM;
    state->traffic = row->traffic;
    learner->curve_hour = 0; /* curves are fitted anew */
    return 0;
}

static int strategy_restore(struct qbid_learner *learner, uint64_t key,
                            const struct row_strategy *row)
{
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, (uint32_t)key);
    if (!state)
        return QBID_ERR_NOMEM;
    state->strategy = row->strategy;
    return 0;
}

int qbid_learner_restore(struct qbid_learner *learner, uint32_t kind, uint64_t key,
                         const void *data, uint32_t bytes)
{
    static const uint32_t least[] = {
        [ROW_CELL] = sizeof(struct row_cell),
        [ROW_SEGMENT] = sizeof(struct row_segment),
        [ROW_CREATIVE] = sizeof(struct row_creative),
        [ROW_CAMPAIGN] = sizeof(struct row_campaign),
        [ROW_ACTIONS] = sizeof(struct row_actions),
        [ROW_STRENGTHS] = sizeof(struct row_strengths),
        [ROW_TRAFFIC] = sizeof(struct row_traffic),
        [ROW_STRATEGY] = sizeof(struct row_strategy),
    };
    struct row_head head;
    if (kind < ROW_CELL || kind >= ROW_KIND_END || bytes < least[kind] ||
        (kind != ROW_CAMPAIGN && bytes != least[kind]))
        return QBID_ERR_VERSION;
    memcpy(&head, data, sizeof head);
    if (head.layout != LAYOUT || head.bytes != bytes)
        return QBID_ERR_VERSION;
    void *row = malloc(bytes); /* aligned, whatever the store gave */
    if (!row)
        return QBID_ERR_NOMEM;
    memcpy(row, data, bytes);
    int err = 0;
    switch ((enum row_kind)kind) {
    case ROW_CELL:
        err = cell_restore(learner, row);
        break;
    case ROW_SEGMENT:
        err = segment_restore(learner, key, row);
        break;
    case ROW_CREATIVE: {
        const struct row_creative *creative = row;
        struct qbid_creative_stats *stats =
            qbid_creatives_touch(&learner->creatives, creative->stats.creative_id);
        if (stats)
            *stats = creative->stats;
        err = stats ? 0 : QBID_ERR_NOMEM;
        break;
    }
    case ROW_CAMPAIGN:
        err = campaign_restore(learner, key, row, bytes);
        break;
    case ROW_ACTIONS:
        if (key < QBID_GOAL_CNT)
            learner->actions[key] = ((const struct row_actions *)row)->actions;
        else
            err = QBID_ERR_VERSION;
        break;
    case ROW_STRENGTHS:
        memcpy(learner->strength_ctr, ((const struct row_strengths *)row)->ctr,
               sizeof learner->strength_ctr);
        memcpy(learner->strength_cvr, ((const struct row_strengths *)row)->cvr,
               sizeof learner->strength_cvr);
        break;
    case ROW_TRAFFIC:
        err = traffic_restore(learner, key, row);
        break;
    case ROW_STRATEGY:
        err = strategy_restore(learner, key, row);
        break;
    case ROW_KIND_END: /* refused above */
        break;
    }
    free(row);
    return err;
}
