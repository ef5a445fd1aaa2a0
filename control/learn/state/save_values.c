/* SPDX-License-Identifier: Apache-2.0 */
/* What the values are fitted with, as rows: the next life's first fit starts where this one's last
 * ended. */
#include <stdlib.h>
#include <string.h>

#include "control/learn/state/learner_state.h"
#include "control/learn/state/save.h"
#include "shm/error.h"

#define ITEM_MAX (UINT32_C(1) << 22) /* no line item has a higher index */
#define RATE_SHIFT 40                /* of the rate in a key, above an id or a dimension */

struct rate_strengths {
    double tree[QBID_TREE_DEPTH_MAX];
    double node[QBID_TREE_DEPTH_MAX];
    double dim[QBID_TREE_DIMS_MAX];
    double base;
    uint64_t warm;
};

struct row_values {
    struct qbid_save_head head;
    int64_t now_s;
    int64_t fitted_s;
    struct qbid_decay_race race[QBID_RECENCY_RATES];
    struct rate_strengths rate[QBID_VALUES_RATES];
};

/* The ratios follow, `cnt` of them. */
struct row_ratios {
    struct qbid_save_head head;
    uint64_t cnt;
};

struct row_contest {
    struct qbid_save_head head;
    struct qbid_contest_entry entry;
};

struct row_recency {
    struct qbid_save_head head;
    struct qbid_decay_series series[QBID_RECENCY_RATES];
    double matured, convs_a_click, clicks_known;
};

struct row_ages {
    struct qbid_save_head head;
    struct qbid_delay_cohorts clicks;
};

struct row_hours {
    struct qbid_save_head head;
    struct qbid_hours hours;
};

struct row_item_hours {
    struct qbid_save_head head;
    struct qbid_item_hours_item item;
    double multiplier;
};

struct row_delays {
    struct qbid_save_head head;
    double convs[QBID_DELAY_BINS];
};

static void strengths_save(const struct qbid_learner *learner, struct qbid_saver *saver)
{
    struct row_values row = {.now_s = learner->now_s, .fitted_s = learner->fitted_s};
    memcpy(row.race, learner->recency.race, sizeof row.race);
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
        const struct qbid_estimate *e = &learner->values.rate[kind];
        struct rate_strengths *out = &row.rate[kind];
        memcpy(out->tree, e->strength, sizeof out->tree);
        memcpy(out->node, e->node_strength, sizeof out->node);
        for (uint32_t d = 0; d < e->dim_cnt; d++)
            out->dim[d] = e->dim[d].strength;
        out->base = e->base;
        out->warm = e->warm;
    }
    qbid_save_row(saver, QBID_SAVE_VALUES, 0, &row, sizeof row);
}

static void ratios_save(const struct qbid_effects_dim *dim, uint64_t key, struct qbid_saver *saver)
{
    uint32_t cnt = dim->value_cnt;
    while (cnt > 0 && dim->ratio[cnt - 1] == 1)
        cnt--;
    size_t bytes = sizeof(struct row_ratios) + cnt * sizeof *dim->ratio;
    struct row_ratios *row = calloc(1, bytes);
    if (!row) {
        saver->err = QBID_ERR_NOMEM;
        return;
    }
    row->cnt = cnt;
    if (cnt)
        memcpy(row + 1, dim->ratio, cnt * sizeof *dim->ratio);
    qbid_save_row(saver, QBID_SAVE_RATIOS, key, row, bytes);
    free(row);
}

static void rate_save(struct qbid_learner *learner, unsigned kind, struct qbid_saver *saver)
{
    struct qbid_estimate *e = &learner->values.rate[kind];
    uint64_t rate = (uint64_t)kind << RATE_SHIFT;
    if (e->dirty || saver->all)
        for (uint32_t d = 0; d < e->dim_cnt && !saver->err; d++)
            ratios_save(&e->dim[d], rate | learner->values.tree.dim[d], saver);
    e->dirty = e->dirty && saver->err;
    for (uint32_t i = 0; i < e->contest.cnt && !saver->err; i++) {
        struct qbid_contest_entry *entry = &e->contest.entry[i];
        if (!entry->dirty && !saver->all)
            continue;
        struct row_contest row = {.entry = *entry};
        row.entry.dirty = 0;
        qbid_save_row(saver, QBID_SAVE_CONTEST, rate | entry->id, &row, sizeof row);
        entry->dirty = saver->err != 0;
    }
}

static void recency_save(struct qbid_recency *recency, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < recency->item_max && !saver->err; i++) {
        struct qbid_recency_item *item = &recency->item[i];
        if (!item->dirty && !(saver->all && item->series[0].at_s))
            continue;
        struct row_recency row;
        memcpy(row.series, item->series, sizeof row.series);
        row.matured = item->matured;
        row.convs_a_click = item->convs_a_click;
        row.clicks_known = item->clicks_known;
        qbid_save_row(saver, QBID_SAVE_RECENCY, i, &row, sizeof row);
        item->dirty = saver->err != 0;
    }
}

static void delays_save(struct qbid_delays *delays, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < delays->item_max && !saver->err; i++) {
        struct qbid_delays_item *item = &delays->item[i];
        if (!item->dirty && !(saver->all && item->clicks.newest[0]))
            continue;
        struct row_ages row = {.clicks = item->clicks};
        qbid_save_row(saver, QBID_SAVE_AGES, i, &row, sizeof row);
        item->dirty = saver->err != 0;
    }
    for (uint32_t i = 0; i < delays->campaign_cnt && !saver->err; i++) {
        struct qbid_delays_campaign *c = &delays->campaign[i];
        if (!c->dirty && !saver->all)
            continue;
        struct row_delays row;
        memcpy(row.convs, c->convs, sizeof row.convs);
        qbid_save_row(saver, QBID_SAVE_DELAYS, c->id, &row, sizeof row);
        c->dirty = saver->err != 0;
    }
}

static void hours_save(struct qbid_hours *hours, struct qbid_saver *saver)
{
    if (!hours->dirty && !saver->all)
        return;
    struct row_hours row = {.hours = *hours};
    row.hours.dirty = 0;
    qbid_save_row(saver, QBID_SAVE_HOURS, 0, &row, sizeof row);
    hours->dirty = saver->err != 0;
}

static void item_hours_save(struct qbid_item_hours *hours, struct qbid_saver *saver)
{
    for (uint32_t i = 0; i < hours->item_max && !saver->err; i++) {
        if (!hours->dirty[i] && !(saver->all && hours->item[i].at_s))
            continue;
        struct row_item_hours row = {.item = hours->item[i], .multiplier = hours->multiplier[i]};
        qbid_save_row(saver, QBID_SAVE_ITEM_HOURS, i, &row, sizeof row);
        hours->dirty[i] = saver->err != 0;
    }
}

void qbid_save_values(struct qbid_learner *learner, struct qbid_saver *saver)
{
    strengths_save(learner, saver);
    for (unsigned kind = 0; kind < QBID_VALUES_RATES && !saver->err; kind++)
        rate_save(learner, kind, saver);
    if (!saver->err)
        recency_save(&learner->recency, saver);
    if (!saver->err)
        delays_save(&learner->delays, saver);
    if (!saver->err)
        hours_save(&learner->hours, saver);
    if (!saver->err)
        item_hours_save(&learner->item_hours, saver);
}

uint32_t qbid_save_values_bytes(enum qbid_save_kind kind)
{
    static const uint32_t least[QBID_SAVE_KINDS] = {
        [QBID_SAVE_VALUES] = sizeof(struct row_values),
        [QBID_SAVE_RATIOS] = sizeof(struct row_ratios),
        [QBID_SAVE_CONTEST] = sizeof(struct row_contest),
        [QBID_SAVE_RECENCY] = sizeof(struct row_recency),
        [QBID_SAVE_AGES] = sizeof(struct row_ages),
        [QBID_SAVE_DELAYS] = sizeof(struct row_delays),
        [QBID_SAVE_HOURS] = sizeof(struct row_hours),
        [QBID_SAVE_ITEM_HOURS] = sizeof(struct row_item_hours),
    };
    return least[kind];
}

static int strengths_restore(struct qbid_learner *learner, const struct row_values *row)
{
    learner->now_s = row->now_s;
    learner->fitted_s = row->fitted_s;
    memcpy(learner->recency.race, row->race, sizeof row->race);
    learner->cells.memory = qbid_recency_memory(&learner->recency);
    for (unsigned kind = 0; kind < QBID_VALUES_RATES; kind++) {
        struct qbid_estimate *e = &learner->values.rate[kind];
        const struct rate_strengths *in = &row->rate[kind];
        memcpy(e->strength, in->tree, sizeof in->tree);
        memcpy(e->node_strength, in->node, sizeof in->node);
        for (uint32_t d = 0; d < QBID_TREE_DIMS_MAX; d++)
            e->dim[d].strength = in->dim[d];
        e->base = in->base;
        e->warm = in->warm != 0;
    }
    return 0;
}

static int ratios_restore(struct qbid_learner *learner, uint64_t key, const struct row_ratios *row,
                          uint32_t bytes)
{
    uint64_t kind = key >> RATE_SHIFT;
    uint32_t dim = (uint32_t)key, d = 0;
    const struct qbid_tree *tree = &learner->values.tree;
    if (kind >= QBID_VALUES_RATES || row->cnt > bytes / sizeof(double) ||
        bytes != sizeof *row + row->cnt * sizeof(double))
        return QBID_ERR_VERSION;
    while (d < tree->dim_cnt && tree->dim[d] != dim)
        d++;
    if (d == tree->dim_cnt)
        return 0; /* of a dimension that no level has any more */
    struct qbid_effects_dim *out =
        qbid_estimate_dim(&learner->values.rate[kind], tree, d, (uint32_t)row->cnt);
    if (!out)
        return QBID_ERR_NOMEM;
    if (row->cnt)
        memcpy(out->ratio, row + 1, row->cnt * sizeof(double));
    return 0;
}

static int contest_restore(struct qbid_learner *learner, uint64_t key,
                           const struct row_contest *row)
{
    uint64_t kind = key >> RATE_SHIFT;
    if (kind >= QBID_VALUES_RATES || row->entry.id != (uint32_t)key)
        return QBID_ERR_VERSION;
    struct qbid_contest_entry *entry =
        qbid_contest_touch(&learner->values.rate[kind].contest, row->entry.id);
    if (entry)
        *entry = row->entry;
    return entry ? 0 : QBID_ERR_NOMEM;
}

static int recency_restore(struct qbid_learner *learner, uint64_t key,
                           const struct row_recency *row)
{
    struct qbid_recency_item *item =
        key < ITEM_MAX ? qbid_recency_touch(&learner->recency, (uint32_t)key) : NULL;
    if (!item)
        return QBID_ERR_NOMEM;
    memcpy(item->series, row->series, sizeof row->series);
    item->matured = row->matured;
    item->convs_a_click = row->convs_a_click;
    item->clicks_known = row->clicks_known;
    return 0;
}

static int ages_restore(struct qbid_learner *learner, uint64_t key, const struct row_ages *row)
{
    struct qbid_delays_item *item =
        key < ITEM_MAX ? qbid_delays_item(&learner->delays, (uint32_t)key) : NULL;
    if (item)
        item->clicks = row->clicks;
    return item ? 0 : QBID_ERR_NOMEM;
}

static int delays_restore(struct qbid_learner *learner, uint64_t key, const struct row_delays *row)
{
    struct qbid_delays_campaign *c = qbid_delays_campaign(&learner->delays, (uint32_t)key);
    if (c)
        memcpy(c->convs, row->convs, sizeof row->convs);
    return c ? 0 : QBID_ERR_NOMEM;
}

static int item_hours_restore(struct qbid_learner *learner, uint64_t key,
                              const struct row_item_hours *row)
{
    struct qbid_item_hours_item *item =
        key < ITEM_MAX ? qbid_item_hours_touch(&learner->item_hours, (uint32_t)key) : NULL;
    if (!item)
        return QBID_ERR_NOMEM;
    *item = row->item;
    learner->item_hours.multiplier[key] = row->multiplier;
    return 0;
}

int qbid_save_values_restore(struct qbid_learner *learner, enum qbid_save_kind kind, uint64_t key,
                             const void *row, uint32_t bytes)
{
    switch (kind) {
    case QBID_SAVE_VALUES:
        return strengths_restore(learner, row);
    case QBID_SAVE_RATIOS:
        return ratios_restore(learner, key, row, bytes);
    case QBID_SAVE_CONTEST:
        return contest_restore(learner, key, row);
    case QBID_SAVE_RECENCY:
        return recency_restore(learner, key, row);
    case QBID_SAVE_AGES:
        return ages_restore(learner, key, row);
    case QBID_SAVE_DELAYS:
        return delays_restore(learner, key, row);
    case QBID_SAVE_HOURS:
        learner->hours = ((const struct row_hours *)row)->hours;
        return 0;
    case QBID_SAVE_ITEM_HOURS:
        return item_hours_restore(learner, key, row);
    default:
        return QBID_ERR_VERSION;
    }
}
