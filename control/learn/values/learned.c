/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a batch of outcomes, learning from them, and deciding who serves. */
#include "control/learn/values/learned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/learn/values/learned_state.h"
#include "shm/error.h"

#define MEMORY_SUCCESSES 50000.0 /* what is further back has faded */
#define TURNS_MAX 16
#define ANCHOR_SUCCESSES 5.0 /* expected; with fewer no model's level is compared */

int qbid_learned_new(const struct qbid_learned_params *params, struct qbid_learned **ret_learned)
{
    struct qbid_learned *l = calloc(1, sizeof *l);
    struct qbid_ftrl_params ftrl = qbid_ftrl_defaults();
    int err = l ? 0 : QBID_ERR_NOMEM;
    if (l)
        l->params = *params;
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT && params->ftrl && !err; h++)
        err = qbid_ftrl_init(&l->side[h].ftrl, &ftrl, params->ftrl_lg);
    if (err)
        qbid_learned_free(l);
    else
        *ret_learned = l;
    return err;
}

void qbid_learned_free(struct qbid_learned *learned)
{
    if (!learned)
        return;
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT; h++) {
        struct qbid_learned_side *side = &learned->side[h];
        qbid_ftrl_done(&side->ftrl);
        qbid_trees_done(&side->trees);
        qbid_keymap_done(&side->map);
        free(side->record);
        free(side->table);
    }
    qbid_learned_batch_done(&learned->batch);
    free(learned->item);
    free(learned);
}

const char *qbid_learned_name(enum qbid_learned_model model)
{
    static const char *const names[] = {
#define X(upper, word) word,
        QBID_LEARNED_MODEL_LIST(X)
#undef X
    };
    return model < QBID_LEARNED_MODEL_CNT ? names[model] : "?";
}

bool qbid_learned_has(const struct qbid_learned *learned, enum qbid_learned_model model)
{
    return model == QBID_LEARNED_FTRL    ? learned->params.ftrl
           : model == QBID_LEARNED_TREES ? learned->params.trees
                                         : true;
}

const struct qbid_learned_growth *qbid_learned_growth(const struct qbid_learned *learned)
{
    return &learned->growth;
}

void qbid_learned_post(struct qbid_learned *learned, uint32_t line_item_idx, uint64_t context,
                       double trials, double clicks, double convs, struct qbid_rate_pair rates)
{
    struct qbid_learned_batch_entry entry = {.context = context & learned->params.mask,
                                             .line_item_idx = line_item_idx,
                                             .trials = trials,
                                             .clicks = clicks,
                                             .convs = convs,
                                             .clicks_expected = trials * rates.ctr,
                                             .convs_expected = clicks * rates.cvr};
    if (entry.context != 0 && (trials > 0 || clicks > 0 || convs > 0))
        (void)qbid_learned_batch_add(&learned->batch, &entry);
}

uint32_t qbid_learned_record_touch(struct qbid_learned_side *side, uint32_t campaign_id)
{
    uint32_t i = qbid_keymap_find(&side->map, 0, campaign_id);
    if (i != QBID_KEYMAP_NONE)
        return i;
    if (side->record_cnt == side->record_capacity) {
        uint32_t capacity = side->record_capacity ? side->record_capacity * 2 : 16;
        struct qbid_learned_record *record = realloc(side->record, capacity * sizeof *record);
        if (!record)
            return QBID_KEYMAP_NONE;
        side->record = record;
        void *table = realloc(side->table, capacity * sizeof *side->table);
        if (!table)
            return QBID_KEYMAP_NONE;
        side->table = table;
        side->record_capacity = capacity;
    }
    if (qbid_keymap_add(&side->map, 0, campaign_id, side->record_cnt))
        return QBID_KEYMAP_NONE;
    side->record[side->record_cnt] = (struct qbid_learned_record){.campaign_id = campaign_id};
    memset(&side->table[side->record_cnt], 0, sizeof *side->table);
    return side->record_cnt++;
}

/* Line items as the account has them now, each with its campaign's records. */
static int items_take(struct qbid_learned *l, const struct qbid_account *account)
{
    struct qbid_learned_item *item = calloc(account->line_item_max + (size_t)1, sizeof *item);
    if (!item)
        return QBID_ERR_NOMEM;
    free(l->item);
    l->item = item;
    l->item_cnt = account->line_item_max;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        const struct qbid_campaign_def *c = qbid_account_campaign(account, li->campaign_id);
        item[li->idx] = (struct qbid_learned_item){
            li->id, c ? c->id : 0, c ? c->budget_idx + 1 : 0, {QBID_KEYMAP_NONE, QBID_KEYMAP_NONE}};
        for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT && c; h++)
            item[li->idx].record[h] = qbid_keymap_find(&l->side[h].map, 0, c->id);
    }
    return 0;
}

static double trials_of(const struct qbid_learned_batch_entry *e, enum qbid_learned_head head)
{
    return head == QBID_LEARNED_CTR ? e->trials : e->clicks;
}

static double successes_of(const struct qbid_learned_batch_entry *e, enum qbid_learned_head head)
{
    return head == QBID_LEARNED_CTR ? e->clicks : e->convs;
}

/* The hierarchical rate that had not seen these outcomes; of late ones without trials, today's. */
static double rate_of(const struct qbid_learned_batch_entry *e, enum qbid_learned_head head,
                      const struct qbid_values *values)
{
    double trials = trials_of(e, head);
    double expected = head == QBID_LEARNED_CTR ? e->clicks_expected : e->convs_expected;
    if (trials > 0 && expected > 0)
        return fmin(expected / trials, 1);
    struct qbid_rate_pair pair = qbid_values_rates(values, e->line_item_idx, e->context, 0);
    return head == QBID_LEARNED_CTR ? pair.ctr : pair.cvr;
}

/* A model's level against the hierarchical one's, where that knows better (conversions). */
static double anchor(const struct qbid_learned_record *record, enum qbid_learned_head head,
                     enum qbid_learned_model model)
{
    double own = record->expected[model], base = record->expected[QBID_LEARNED_RATES];
    if (head == QBID_LEARNED_CTR || own < ANCHOR_SUCCESSES || base < ANCHOR_SUCCESSES)
        return 1;
    return base / own;
}

static double calibrated(const struct qbid_learned_side *side, uint32_t record,
                         enum qbid_learned_head head, enum qbid_learned_model model, double raw)
{
    if (model == QBID_LEARNED_RATES || record == QBID_KEYMAP_NONE)
        return raw;
    double p = qbid_calibration_apply(&side->table[record][model], raw);
    return fmin(p * anchor(&side->record[record], head, model), 1);
}

/* Models get better as they learn, so each step's evidence weighs by all that came before it, up to
 * MEMORY_SUCCESSES: what models said when they knew little soon counts little, and their
 * calibration then by the square. */
static void fade(struct qbid_learned_side *side)
{
    for (uint32_t i = 0; i < side->record_cnt; i++) {
        struct qbid_learned_record *record = &side->record[i];
        if (!(record->last_successes > 0))
            continue;
        double memory = fmin(record->seen_successes, MEMORY_SUCCESSES);
        double factor = fmax(1 - record->last_successes / memory, 0);
        record->last_successes = 0;
        qbid_ranking_fade(&record->ranking, factor);
        for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++) {
            record->expected[m] *= pow(factor, 4);
            qbid_calibration_fade(&record->counts[m], factor * factor);
        }
    }
}

/* Every model's prediction of the batch, made before it is learned. */
static int judge(struct qbid_learned *l, enum qbid_learned_head head,
                 const struct qbid_values *values)
{
    struct qbid_learned_side *side = &l->side[head];
    for (uint32_t i = 0; i < l->batch.cnt; i++) {
        const struct qbid_learned_batch_entry *e = &l->batch.entry[i];
        double t = trials_of(e, head), s = successes_of(e, head);
        if (e->line_item_idx >= l->item_cnt || !(t > 0 || s > 0))
            continue;
        struct qbid_learned_item *item = &l->item[e->line_item_idx];
        double rate = rate_of(e, head, values);
        if (item->campaign_id == 0 || !(rate > 0))
            continue;
        item->record[head] = qbid_learned_record_touch(side, item->campaign_id);
        if (item->record[head] == QBID_KEYMAP_NONE)
            return QBID_ERR_NOMEM;
        struct qbid_learned_record *record = &side->record[item->record[head]];
        struct qbid_learned_seen seen = qbid_learned_seen(l, head, e->line_item_idx, e->context);
        seen.trials = fmax(seen.trials - t, 0); /* the cell has those of the batch already */
        seen.successes = fmax(seen.successes - s, 0);
        double p[QBID_LEARNED_MODEL_CNT], level[QBID_LEARNED_MODEL_CNT];
        for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++) {
            double raw = qbid_learned_raw(l, head, m, e->line_item_idx, e->context, seen, rate);
            p[m] = calibrated(side, item->record[head], head, m, raw);
            level[m] = p[m] / anchor(record, head, m);
            if (m != QBID_LEARNED_RATES)
                qbid_calibration_add(&record->counts[m], raw, t, s);
        }
        for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++)
            record->expected[m] += t * level[m];
        qbid_ranking_add(&record->ranking, p, QBID_LEARNED_MODEL_CNT, t, s);
        record->seen_trials += t;
        record->seen_successes += s;
        record->last_successes += s;
        record->dirty = 1;
    }
    return 0;
}

/* Where the regression starts from: the rate that the hierarchical model expects on the whole. */
static void start(struct qbid_learned *l, enum qbid_learned_head head,
                  const struct qbid_values *values)
{
    double trials = 0, expected = 0;
    for (uint32_t i = 0; i < l->batch.cnt; i++) {
        const struct qbid_learned_batch_entry *e = &l->batch.entry[i];
        double t = trials_of(e, head);
        trials += t;
        expected += t * rate_of(e, head, values);
    }
    if (!(expected > 0 && expected < trials))
        return;
    l->side[head].ftrl.params.start = qbid_calibration_odds(expected / trials);
    l->side[head].started = true;
}

/* Keys in turns: all outcomes of one at once would push aside what the others have taught. */
static void learn(struct qbid_learned *l, enum qbid_learned_head head)
{
    struct qbid_ftrl *ftrl = &l->side[head].ftrl;
    double most = 1, mean = qbid_calibration_probability(ftrl->params.start);
    for (uint32_t i = 0; i < l->batch.cnt; i++)
        most = fmax(most, trials_of(&l->batch.entry[i], head) * mean);
    unsigned turns = (unsigned)fmin(ceil(most), TURNS_MAX);
    for (unsigned turn = 0; turn < turns; turn++) {
        for (uint32_t i = 0; i < l->batch.cnt; i++) {
            const struct qbid_learned_batch_entry *e = &l->batch.entry[i];
            double t = trials_of(e, head) / turns, s = successes_of(e, head) / turns;
            if (e->line_item_idx >= l->item_cnt || !(t > 0 || s > 0) ||
                l->item[e->line_item_idx].campaign_id == 0)
                continue;
            uint32_t slot[QBID_FTRL_FEATURES_MAX];
            uint32_t cnt =
                qbid_learned_features(l, ftrl, &l->item[e->line_item_idx], e->context, slot);
            qbid_ftrl_learn(ftrl, slot, cnt, t, s);
        }
    }
}

static void decide(struct qbid_learned *l, enum qbid_learned_head head)
{
    struct qbid_learned_side *side = &l->side[head];
    for (uint32_t i = 0; i < side->record_cnt; i++) {
        struct qbid_learned_record *record = &side->record[i];
        for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++)
            if (!qbid_learned_has(l, m))
                qbid_ranking_leave(&record->ranking, m);
        if (!record->dirty)
            continue;
        for (unsigned m = 1; m < QBID_LEARNED_MODEL_CNT; m++)
            qbid_calibration_fit(&record->counts[m], &side->table[i][m]);
        (void)qbid_ranking_decide(&record->ranking, QBID_LEARNED_MODEL_CNT,
                                  QBID_LEARNED_ERROR_RATE);
    }
}

int qbid_learned_step(struct qbid_learned *learned, const struct qbid_account *account,
                      const struct qbid_cells *cells, const struct qbid_values *values,
                      int64_t now_s)
{
    if (learned->stepped_s == 0)
        learned->stepped_s = now_s;
    if (now_s < learned->stepped_s + learned->params.period_s)
        return 0;
    learned->stepped_s = now_s;
    double successes[QBID_LEARNED_HEAD_CNT] = {0};
    int err = items_take(learned, account);
    learned->cells = cells;
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT && !err; h++) {
        struct qbid_learned_side *side = &learned->side[h];
        if (learned->params.ftrl && !side->started)
            start(learned, h, values);
        fade(side);
        err = judge(learned, h, values);
        if (err)
            break;
        if (side->started)
            learn(learned, h);
        for (uint32_t i = 0; i < learned->batch.cnt; i++)
            successes[h] += successes_of(&learned->batch.entry[i], h);
        side->since += successes[h];
        decide(learned, h);
    }
    if (err)
        return err;
    qbid_learned_batch_clear(&learned->batch);
    if (learned->params.trees)
        qbid_learned_grow(learned, cells);
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT; h++)
        if (successes[h] > 0)
            qbid_learned_strengths(learned, h);
    return 0;
}

double qbid_learned_rate(const struct qbid_learned *learned, enum qbid_learned_head head,
                         enum qbid_learned_model model, uint32_t line_item_idx, uint64_t context,
                         double rate)
{
    if (line_item_idx >= learned->item_cnt || model == QBID_LEARNED_RATES)
        return rate;
    struct qbid_learned_seen seen = qbid_learned_seen(learned, head, line_item_idx, context);
    double raw = qbid_learned_raw(learned, head, model, line_item_idx, context, seen, rate);
    return calibrated(&learned->side[head], learned->item[line_item_idx].record[head], head, model,
                      raw);
}

static double serve(const struct qbid_learned *l, enum qbid_learned_head head,
                    uint32_t line_item_idx, uint64_t context, double rate)
{
    uint32_t record = l->item[line_item_idx].record[head];
    if (record == QBID_KEYMAP_NONE)
        return rate;
    uint32_t model = l->side[head].record[record].ranking.serving;
    return qbid_learned_rate(l, head, model, line_item_idx, context, rate);
}

struct qbid_rate_pair qbid_learned_rates(const struct qbid_learned *learned, uint32_t line_item_idx,
                                         uint64_t context, bool conversions,
                                         struct qbid_rate_pair rates)
{
    context &= learned->params.mask;
    if (line_item_idx >= learned->item_cnt || context == 0)
        return rates;
    struct qbid_rate_pair served = rates;
    served.ctr = serve(learned, QBID_LEARNED_CTR, line_item_idx, context, rates.ctr);
    if (conversions)
        served.cvr = serve(learned, QBID_LEARNED_CVR, line_item_idx, context, rates.cvr);
    return served;
}

bool qbid_learned_serves(const struct qbid_learned *learned, uint32_t line_item_idx)
{
    bool serves = false;
    for (unsigned h = 0; h < QBID_LEARNED_HEAD_CNT && line_item_idx < learned->item_cnt; h++) {
        uint32_t record = learned->item[line_item_idx].record[h];
        serves = serves || (record != QBID_KEYMAP_NONE &&
                            learned->side[h].record[record].ranking.serving != QBID_LEARNED_RATES);
    }
    return serves;
}

bool qbid_learned_view(const struct qbid_learned *learned, uint32_t campaign_id,
                       enum qbid_learned_head head, struct qbid_learned_view *ret_view)
{
    const struct qbid_learned_side *side = &learned->side[head];
    uint32_t i = qbid_keymap_find(&side->map, 0, campaign_id);
    if (i == QBID_KEYMAP_NONE)
        return false;
    const struct qbid_ranking *c = &side->record[i].ranking;
    struct qbid_learned_view view = {.serving = c->serving,
                                     .switches = c->switches,
                                     .trials = side->record[i].seen_trials,
                                     .successes = side->record[i].seen_successes};
    for (unsigned m = 0; m < QBID_LEARNED_MODEL_CNT; m++) {
        view.loss[m] = qbid_ranking_loss(c, m);
        view.width[m] = qbid_ranking_width(c, m, QBID_LEARNED_RATES, QBID_LEARNED_ERROR_RATE);
        view.calibration[m] = side->table[i][m].kind;
    }
    *ret_view = view;
    return true;
}

const struct qbid_calibration *qbid_learned_table(const struct qbid_learned *learned,
                                                  uint32_t campaign_id, enum qbid_learned_head head,
                                                  enum qbid_learned_model model)
{
    const struct qbid_learned_side *side = &learned->side[head];
    uint32_t i = qbid_keymap_find(&side->map, 0, campaign_id);
    if (i == QBID_KEYMAP_NONE || side->table[i][model].cnt == 0)
        return NULL;
    return &side->table[i][model];
}
