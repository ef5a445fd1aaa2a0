/* SPDX-License-Identifier: Apache-2.0 */
/* The learner's state as rows for the store: one kind of row for each kind of statistic. */
#include <stdlib.h>
#include <string.h>

#include "control/learn/state/learner_state.h"
#include "control/learn/state/save.h"
#include "shm/error.h"
#include "shm/hash.h"

#define SEGMENT_WHOLE UINT64_MAX

static uint32_t layout_of(enum qbid_save_kind kind)
{
    static const uint32_t layout[QBID_SAVE_KINDS] = {
#define X(name, number) [QBID_SAVE_##name] = (number),
        QBID_SAVE_LIST(X)
#undef X
    };
    return layout[kind];
}

struct row_cell {
    struct qbid_save_head head;
    struct qbid_cell cell;
};

struct row_segment {
    struct qbid_save_head head;
    struct qbid_landscape landscape;
};

struct row_creative {
    struct qbid_save_head head;
    struct qbid_creative_stats stats;
};

struct row_actions {
    struct qbid_save_head head;
    struct qbid_qlearner actions;
};

/* The samples follow, `samples` of them, oldest first. */
struct row_campaign {
    struct qbid_save_head head;
    struct qbid_flight flight;
    struct qbid_delay_cohorts predicted;
    struct qbid_delay_cohorts billed;
    struct qbid_pacing_state pacing;
    double demand_per_s;
    double win_rate;
    uint32_t first_price;
    uint32_t samples;
};

struct row_fatigue {
    struct qbid_save_head head;
    struct qbid_fatigue fatigue;
};

struct row_strategy {
    struct qbid_save_head head;
    struct qbid_strategy strategy;
};

struct row_tracking {
    struct qbid_save_head head;
    struct qbid_tracking tracking;
};

struct row_item {
    struct qbid_save_head head;
    struct qbid_item_budget_bound bound[QBID_ITEM_BUDGET_SPANS];
};

struct row_traffic {
    struct qbid_save_head head;
    struct qbid_traffic traffic;
};

/* Of the table whose checksum is the key: what is known of one table says nothing of the next. */
struct row_guard {
    struct qbid_save_head head;
    struct qbid_guard guard;
};

void qbid_save_row(struct qbid_saver *saver, enum qbid_save_kind kind, uint64_t key, void *row,
                   size_t bytes)
{
    struct qbid_save_head head = {layout_of(kind), (uint32_t)bytes};
    memcpy(row, &head, sizeof head);
    if (!saver->err)
        saver->err = saver->fn(saver->context, kind, key, row, (uint32_t)bytes);
}

static uint64_t cell_key(const struct qbid_cell *cell)
{
    return qbid_mix64(cell->context ^ qbid_mix64(cell->line_item_idx));
}

static void cells_save(struct qbid_learner *learner, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < learner->cells.cnt && !saver->err; i++) {
        struct qbid_cell *cell = &learner->cells.cell[i];
        if (!cell->dirty && !saver->all)
            continue;
        struct row_cell row = {.cell = *cell};
        row.cell.dirty = 0;
        qbid_save_row(saver, QBID_SAVE_CELL, cell_key(cell), &row, sizeof row);
        cell->dirty = saver->err != 0;
    }
}

static void segments_save(struct qbid_learner *learner, struct qbid_saver *saver)
{
    struct qbid_segments *segments = &learner->segments;
    for (uint32_t i = 0; i < segments->cnt && !saver->err; i++) {
        if (!segments->dirty[i] && !saver->all)
            continue;
        struct row_segment row = {.landscape = segments->landscape[i]};
        qbid_save_row(saver, QBID_SAVE_SEGMENT, i ? segments->key[i] : SEGMENT_WHOLE, &row,
                      sizeof row);
        segments->dirty[i] = saver->err != 0;
    }
}

static void creatives_save(struct qbid_learner *learner, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < learner->creatives.cnt && !saver->err; i++) {
        struct qbid_creative_stats *stats = &learner->creatives.stats[i];
        if (!stats->dirty && !saver->all)
            continue;
        struct row_creative row = {.stats = *stats};
        row.stats.dirty = 0;
        qbid_save_row(saver, QBID_SAVE_CREATIVE, stats->creative_id, &row, sizeof row);
        stats->dirty = saver->err != 0;
    }
}

static void exposures_save(struct qbid_learner *learner, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < learner->exposures.cnt && !saver->err; i++) {
        struct qbid_exposures_item *item = &learner->exposures.item[i];
        if (!item->dirty && !saver->all)
            continue;
        struct row_fatigue row = {.fatigue = item->fatigue};
        qbid_save_row(saver, QBID_SAVE_FATIGUE, item->line_item_id, &row, sizeof row);
        item->dirty = saver->err != 0;
    }
}

static void campaign_save(struct qbid_campaign_state *state, struct qbid_saver *saver)
{
    const struct qbid_price_samples *samples = &state->samples;
    size_t bytes = sizeof(struct row_campaign) + samples->cnt * sizeof(struct qbid_price_sample);
    struct row_campaign *row = calloc(1, bytes);
    if (!row) {
        saver->err = QBID_ERR_NOMEM;
        return;
    }
    row->flight = state->flight;
    row->predicted = state->predicted;
    row->billed = state->billed;
    row->pacing = state->pacing;
    row->demand_per_s = state->demand_per_s;
    row->win_rate = state->win_rate;
    row->first_price = samples->first_price;
    row->samples = samples->cnt;
    struct qbid_price_sample *out = (struct qbid_price_sample *)(void *)(row + 1);
    for (uint32_t i = 0; i < samples->cnt; i++)
        out[i] = samples->sample[(samples->next + samples->max - samples->cnt + i) % samples->max];
    qbid_save_row(saver, QBID_SAVE_CAMPAIGN, state->id, row, bytes);
    struct row_traffic traffic = {.traffic = state->traffic};
    qbid_save_row(saver, QBID_SAVE_TRAFFIC, state->id, &traffic, sizeof traffic);
    struct row_strategy strategy = {.strategy = state->strategy};
    if (memcmp(&state->strategy, &(struct qbid_strategy){0}, sizeof state->strategy) != 0)
        qbid_save_row(saver, QBID_SAVE_STRATEGY, state->id, &strategy, sizeof strategy);
    struct row_tracking tracking = {.tracking = state->tracking};
    if (state->tracking.memory_s != 0)
        qbid_save_row(saver, QBID_SAVE_TRACKING, state->id, &tracking, sizeof tracking);
    state->dirty = saver->err != 0;
    free(row);
}

static void items_save(struct qbid_item_budgets *items, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < items->cnt && !saver->err; i++) {
        struct qbid_item_budget_state *state = &items->state[i];
        if (!state->dirty && !saver->all)
            continue;
        struct row_item row = {0};
        memcpy(row.bound, state->bound, sizeof row.bound);
        qbid_save_row(saver, QBID_SAVE_ITEM, state->id, &row, sizeof row);
        state->dirty = saver->err != 0;
    }
}

static void guard_save(struct qbid_corrections *corrections, struct qbid_saver *saver)
{
    if (!corrections->table || (!corrections->dirty && !saver->all))
        return;
    struct row_guard row = {.guard = corrections->guard};
    qbid_save_row(saver, QBID_SAVE_GUARD, corrections->table->checksum, &row, sizeof row);
    corrections->dirty = saver->err != 0;
}

int qbid_learner_save(struct qbid_learner *learner, bool all, qbid_learner_save_fn *fn,
                      void *context)
{
    struct qbid_saver saver = {.fn = fn, .context = context, .all = all};
    cells_save(learner, &saver);
    segments_save(learner, &saver);
    creatives_save(learner, &saver);
    exposures_save(learner, &saver);
    for (uint32_t i = 0; i < learner->campaigns.cnt && !saver.err; i++)
        if (all || learner->campaigns.state[i].dirty)
            campaign_save(&learner->campaigns.state[i], &saver);
    items_save(&learner->item_budgets, &saver);
    for (uint32_t goal = 0; goal < QBID_GOAL_CNT && !saver.err; goal++) {
        struct row_actions row = {.actions = learner->actions[goal]};
        qbid_save_row(&saver, QBID_SAVE_ACTIONS, goal, &row, sizeof row);
    }
    if (!saver.err)
        qbid_save_values(learner, &saver);
    if (!saver.err && learner->learned)
        saver.err = qbid_learned_save(learner->learned, all, fn, context);
    guard_save(&learner->corrections, &saver);
    return saver.err;
}

static int cell_restore(struct qbid_learner *learner, const struct row_cell *row)
{
    struct qbid_cell *cell = qbid_cells_touch(&learner->cells, row->cell.line_item_idx,
                                              row->cell.context, row->cell.at_s);
    if (!cell)
        return QBID_ERR_NOMEM;
    /* A table that is smaller now folds several rows into one cell. */
    cell->bids += row->cell.bids;
    cell->imps += row->cell.imps;
    cell->bills += row->cell.bills;
    cell->clicks += row->cell.clicks;
    cell->clicked += row->cell.clicked;
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
        bytes != sizeof *row + row->samples * sizeof(struct qbid_price_sample))
        return QBID_ERR_VERSION;
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, (uint32_t)key);
    if (!state)
        return QBID_ERR_NOMEM;
    state->flight = row->flight;
    state->predicted = row->predicted;
    state->billed = row->billed;
    state->pacing = row->pacing;
    state->demand_per_s = row->demand_per_s;
    state->win_rate = row->win_rate;
    state->paced_demand = row->flight.demand;
    struct qbid_price_samples *samples = &state->samples;
    const struct qbid_price_sample *in = (const struct qbid_price_sample *)(const void *)(row + 1);
    samples->first_price = row->first_price;
    samples->cnt = samples->next = 0;
    for (uint32_t i = row->samples > samples->max ? row->samples - samples->max : 0;
         i < row->samples; i++) {
        samples->sample[samples->cnt++] = in[i];
        samples->next = samples->cnt % samples->max;
    }
    return 0;
}

static int fatigue_restore(struct qbid_learner *learner, uint64_t key,
                           const struct row_fatigue *row)
{
    struct qbid_exposures_item *item =
        qbid_exposures_learned_touch(&learner->exposures, (uint32_t)key);
    if (!item)
        return QBID_ERR_NOMEM;
    item->fatigue = row->fatigue;
    return 0;
}

static int item_restore(struct qbid_learner *learner, uint64_t key, const struct row_item *row)
{
    struct qbid_item_budget_state *state =
        qbid_item_budgets_touch(&learner->item_budgets, (uint32_t)key);
    if (!state)
        return QBID_ERR_NOMEM;
    memcpy(state->bound, row->bound, sizeof state->bound);
    for (int k = 0; k < QBID_ITEM_BUDGET_SPANS; k++)
        state->bound[k].paced_ns = 0; /* of another clock: it starts from its campaign's pace */
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

static int tracking_restore(struct qbid_learner *learner, uint64_t key,
                            const struct row_tracking *row)
{
    struct qbid_campaign_state *state = qbid_campaigns_touch(&learner->campaigns, (uint32_t)key);
    if (!state)
        return QBID_ERR_NOMEM;
    state->tracking = row->tracking;
    return 0;
}

static int creative_restore(struct qbid_learner *learner, const struct row_creative *row)
{
    struct qbid_creative_stats *stats =
        qbid_creatives_touch(&learner->creatives, row->stats.creative_id);
    if (stats)
        *stats = row->stats;
    return stats ? 0 : QBID_ERR_NOMEM;
}

static int actions_restore(struct qbid_learner *learner, uint64_t key,
                           const struct row_actions *row)
{
    if (key >= QBID_GOAL_CNT)
        return QBID_ERR_VERSION;
    learner->actions[key] = row->actions;
    return 0;
}

/* A table that is refused or stale now stays so. */
static int guard_restore(struct qbid_learner *learner, uint64_t key, const struct row_guard *row)
{
    struct qbid_corrections *c = &learner->corrections;
    if ((unsigned)row->guard.phase > QBID_GUARD_OFF ||
        (unsigned)row->guard.why > QBID_GUARD_WHY_STALE)
        return QBID_ERR_VERSION;
    if (c->table && c->table->checksum == key && c->guard.phase != QBID_GUARD_OFF)
        c->guard = row->guard;
    return 0;
}

static int row_restore(struct qbid_learner *learner, enum qbid_save_kind kind, uint64_t key,
                       const void *row, uint32_t bytes)
{
    switch (kind) {
    case QBID_SAVE_CELL:
        return cell_restore(learner, row);
    case QBID_SAVE_SEGMENT:
        return segment_restore(learner, key, row);
    case QBID_SAVE_CREATIVE:
        return creative_restore(learner, row);
    case QBID_SAVE_CAMPAIGN:
        return campaign_restore(learner, key, row, bytes);
    case QBID_SAVE_ACTIONS:
        return actions_restore(learner, key, row);
    case QBID_SAVE_TRAFFIC:
        return traffic_restore(learner, key, row);
    case QBID_SAVE_ITEM:
        return item_restore(learner, key, row);
    case QBID_SAVE_FATIGUE:
        return fatigue_restore(learner, key, row);
    case QBID_SAVE_STRATEGY:
        return strategy_restore(learner, key, row);
    case QBID_SAVE_TRACKING:
        return tracking_restore(learner, key, row);
    case QBID_SAVE_GUARD:
        return guard_restore(learner, key, row);
    default:
        return qbid_save_values_restore(learner, kind, key, row, bytes);
    }
}

/* Least bytes of a row. */
static uint32_t bytes_of(enum qbid_save_kind kind)
{
    static const uint32_t least[QBID_SAVE_KINDS] = {
        [QBID_SAVE_CELL] = sizeof(struct row_cell),
        [QBID_SAVE_SEGMENT] = sizeof(struct row_segment),
        [QBID_SAVE_CREATIVE] = sizeof(struct row_creative),
        [QBID_SAVE_CAMPAIGN] = sizeof(struct row_campaign),
        [QBID_SAVE_ACTIONS] = sizeof(struct row_actions),
        [QBID_SAVE_TRAFFIC] = sizeof(struct row_traffic),
        [QBID_SAVE_ITEM] = sizeof(struct row_item),
        [QBID_SAVE_FATIGUE] = sizeof(struct row_fatigue),
        [QBID_SAVE_STRATEGY] = sizeof(struct row_strategy),
        [QBID_SAVE_TRACKING] = sizeof(struct row_tracking),
        [QBID_SAVE_GUARD] = sizeof(struct row_guard),
    };
    return least[kind] ? least[kind] : qbid_save_values_bytes(kind);
}

int qbid_learner_restore(struct qbid_learner *learner, uint32_t kind, uint64_t key,
                         const void *data, uint32_t bytes)
{
    struct qbid_save_head head;
    if (kind >= QBID_LEARNED_ROW && learner->learned)
        return qbid_learned_restore(learner->learned, kind, key, data, bytes);
    if (kind == QBID_SAVE_NONE || kind >= QBID_SAVE_KINDS)
        return QBID_ERR_VERSION;
    enum qbid_save_kind known = (enum qbid_save_kind)kind;
    bool longer = known == QBID_SAVE_CAMPAIGN || known == QBID_SAVE_RATIOS;
    if (bytes < bytes_of(known) || (!longer && bytes != bytes_of(known)))
        return QBID_ERR_VERSION;
    memcpy(&head, data, sizeof head);
    if (head.layout != layout_of(known) || head.bytes != bytes)
        return QBID_ERR_VERSION;
    void *row = malloc(bytes); /* aligned, whatever the store gave */
    if (!row)
        return QBID_ERR_NOMEM;
    memcpy(row, data, bytes);
    int err = row_restore(learner, known, key, row, bytes);
    free(row);
    return err;
}
