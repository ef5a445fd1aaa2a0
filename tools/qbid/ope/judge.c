/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the samples; the estimators are control/models/ope. */
#include "tools/qbid/ope/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/dims.h"
#include "shm/error.h"
#include "shm/hash.h"

#define STRENGTH 20.0 /* samples that the coarser mean is worth */
#define CHOICES_MAX 64

/* What may be chosen, and how the policy judged would: actions of a row, creatives of a slot. */
struct choice {
    uint64_t place; /* group and state; line item and slot */
    uint32_t cnt;
    uint32_t taken;           /* index of what was chosen */
    uint32_t id[CHOICES_MAX]; /* across places: action, creative */
    double share[CHOICES_MAX];
};

/* Reward and size of a key, in the two halves of the log. */
struct cell {
    uint64_t key; /* 0 = free */
    double reward[2], size[2];
};

struct cells {
    struct cell *cell;
    uint64_t mask, used;
};

/* The creatives of a line item and slot, as the log shows them. */
struct shelf {
    uint64_t place;
    uint32_t creative_id;
};

struct work {
    const struct qbid_ope_question *q;
    const struct qbid_ope_policy *policy;
    struct cells cells;
    double reward[2], size[2];
    uint64_t learned;    /* samples behind these */
    struct shelf *shelf; /* by place, then creative; each once */
    uint64_t shelf_cnt;
    struct qbid_ope_sample *sample;
    uint64_t sample_cnt;
    double wanted, covered;
    uint64_t rowless, choiceless;
};

static uint64_t place_of(const struct qbid_ope_bid *bid)
{
    return (uint64_t)bid->line_item_id << 32 | qbid_dim_unpack(bid->context, QBID_DIM_SLOT);
}

static int shelf_order(const void *a, const void *b)
{
    const struct shelf *x = a, *y = b;
    if (x->place != y->place)
        return x->place > y->place ? 1 : -1;
    return (x->creative_id > y->creative_id) - (x->creative_id < y->creative_id);
}

static int shelves_fill(struct work *w)
{
    const struct qbid_ope_log *log = w->q->log;
    w->shelf = calloc(log->bid_cnt + 1, sizeof *w->shelf);
    if (!w->shelf)
        return QBID_ERR_NOMEM;
    for (uint64_t i = 0; i < log->bid_cnt; i++)
        w->shelf[i] = (struct shelf){place_of(&log->bid[i]), log->bid[i].creative_id};
    qsort(w->shelf, log->bid_cnt, sizeof *w->shelf, shelf_order);
    for (uint64_t i = 0; i < log->bid_cnt; i++)
        if (i == 0 || shelf_order(&w->shelf[i], &w->shelf[w->shelf_cnt - 1]) != 0)
            w->shelf[w->shelf_cnt++] = w->shelf[i];
    return 0;
}

static bool creatives_of(const struct work *w, const struct qbid_ope_bid *bid, struct choice *c)
{
    uint64_t low = 0, high = w->shelf_cnt;
    bool there = w->policy->kind == QBID_OPE_UNIFORM;
    c->place = place_of(bid);
    c->cnt = 0;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (w->shelf[mid].place < c->place)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < w->shelf_cnt && w->shelf[low].place == c->place && c->cnt < CHOICES_MAX; low++) {
        uint32_t id = w->shelf[low].creative_id;
        if (id == bid->creative_id)
            c->taken = c->cnt;
        there |= id == w->policy->id;
        c->id[c->cnt++] = id;
    }
    for (uint32_t i = 0; i < c->cnt; i++)
        c->share[i] =
            w->policy->kind == QBID_OPE_UNIFORM ? 1.0 / c->cnt : c->id[i] == w->policy->id;
    return there && c->cnt > 0 && c->id[c->taken] == bid->creative_id;
}

static bool actions_of(struct work *w, const struct qbid_ope_bid *bid, struct choice *c)
{
    const struct qbid_qrow *row = qbid_ope_log_row(w->q->log, bid);
    if (!row || bid->action >= row->n || row->n > QBID_QROW_ACTIONS) {
        w->rowless++;
        return false;
    }
    if (row->n < 2 || row->explore_q32 == 0) { /* a fixed price, say: no policy changes it */
        w->choiceless++;
        return false;
    }
    c->place = (uint64_t)bid->q_group * QBID_QSTATES + bid->q_state;
    c->taken = bid->action;
    c->cnt = qbid_ope_policy_actions(w->policy, bid, row, qbid_ope_log_row_now(w->q->log, bid),
                                     c->share);
    double covered = 0;
    for (uint32_t a = 0; a < c->cnt; a++) {
        c->id[a] = a;
        covered += c->share[a]; /* less than 1 for an action that the row does not have */
    }
    w->covered += covered;
    w->wanted++;
    return true;
}

/* The random choice behind a bid; false when it has none to tell of. */
static bool choice_of(struct work *w, const struct qbid_ope_bid *bid, struct choice *c)
{
    if (!w->q->creatives)
        return actions_of(w, bid, c);
    return bid->shown && creatives_of(w, bid, c);
}

static double reward_of(const struct work *w, const struct qbid_ope_bid *bid, double *ret_size)
{
    return qbid_ope_reward_of(w->q->reward, bid, qbid_ope_log_row(w->q->log, bid), ret_size);
}

/* --- the model */

static struct cell *cell_at(struct cells *cells, uint64_t key)
{
    uint64_t at = qbid_mix64(key) & cells->mask;
    while (cells->cell[at].key != 0 && cells->cell[at].key != key)
        at = (at + 1) & cells->mask;
    return &cells->cell[at];
}

/* Place 0 is that of all. */
static uint64_t cell_key(uint64_t place, uint32_t id)
{
    return qbid_mix64(place ^ UINT64_C(0x9e3779b97f4a7c15)) ^ ((uint64_t)id + 1);
}

static int cells_grow(struct cells *cells)
{
    if (cells->cell && cells->used * 2 <= cells->mask)
        return 0;
    struct cells more = {.mask = cells->cell ? cells->mask * 2 + 1 : 1023};
    more.cell = calloc(more.mask + 1, sizeof *more.cell);
    if (!more.cell)
        return QBID_ERR_NOMEM;
    for (uint64_t i = 0; cells->cell && i <= cells->mask; i++)
        if (cells->cell[i].key) {
            *cell_at(&more, cells->cell[i].key) = cells->cell[i];
            more.used++;
        }
    free(cells->cell);
    *cells = more;
    return 0;
}

static int cell_learn(struct cells *cells, uint64_t key, int half, double reward, double size)
{
    int err = cells_grow(cells);
    if (err)
        return err;
    struct cell *cell = cell_at(cells, key);
    cells->used += cell->key == 0;
    cell->key = key;
    cell->reward[half] += reward;
    cell->size[half] += size;
    return 0;
}

static int half_of(const struct qbid_ope_bid *bid)
{
    return (int)(qbid_mix64(bid->nonce) & 1);
}

static int model_learn(struct work *w, const struct qbid_ope_bid *bid, const struct choice *c)
{
    double size, reward = reward_of(w, bid, &size);
    int half = half_of(bid);
    w->reward[half] += reward;
    w->size[half] += size;
    w->learned++;
    int err = cell_learn(&w->cells, cell_key(0, c->id[c->taken]), half, reward, size);
    return err ? err
               : cell_learn(&w->cells, cell_key(c->place + 1, c->id[c->taken]), half, reward, size);
}

/* Reward by size of one choice, told by one half. `unit` is a typical size. */
static double model_rate(struct work *w, const struct choice *c, uint32_t i, int half, double unit)
{
    double prior = STRENGTH * unit, rate = w->size[half] > 0 ? w->reward[half] / w->size[half] : 0;
    const struct cell *cell = cell_at(&w->cells, cell_key(0, c->id[i]));
    rate = (cell->reward[half] + prior * rate) / (cell->size[half] + prior);
    cell = cell_at(&w->cells, cell_key(c->place + 1, c->id[i]));
    return (cell->reward[half] + prior * rate) / (cell->size[half] + prior);
}

/* --- the samples */

static void sample_add(struct work *w, const struct qbid_ope_bid *bid, const struct choice *c)
{
    double size, reward = reward_of(w, bid, &size);
    int other = 1 - half_of(bid);
    double unit = (w->size[0] + w->size[1]) / (double)w->learned;
    struct qbid_ope_sample *s = &w->sample[w->sample_cnt++];
    *s = (struct qbid_ope_sample){
        .reward = reward,
        .propensity = (double)(w->q->creatives ? bid->creative_share : bid->propensity),
        .target = c->share[c->taken],
    };
    if (!(unit > 0))
        return;
    for (uint32_t i = 0; i < c->cnt; i++) {
        double model = size * model_rate(w, c, i, other, unit);
        s->model_value += c->share[i] * model;
        s->model += i == c->taken ? model : 0;
    }
}

static int samples_make(struct work *w)
{
    const struct qbid_ope_log *log = w->q->log;
    struct choice c = {0};
    int err = 0;
    for (uint64_t i = 0; i < log->bid_cnt && !err; i++)
        if (choice_of(w, &log->bid[i], &c))
            err = model_learn(w, &log->bid[i], &c);
    w->wanted = w->covered = 0;
    w->rowless = w->choiceless = 0;
    for (uint64_t i = 0; i < log->bid_cnt && !err; i++)
        if (choice_of(w, &log->bid[i], &c))
            sample_add(w, &log->bid[i], &c);
    return err;
}

static int policy_fits(const struct qbid_ope_question *q, const struct qbid_ope_policy *policy,
                       char *why)
{
    bool rotation = policy->kind == QBID_OPE_CREATIVE;
    if (policy->kind == QBID_OPE_UNIFORM || rotation == q->creatives)
        return 0;
    snprintf(why, QBID_OPE_WHY_MAX, "policy '%s' is one of %s", policy->name,
             rotation ? "creatives: it goes with --creatives"
                      : "bids: it goes without --creatives");
    return QBID_ERR_INVAL;
}

int qbid_ope_judge(const struct qbid_ope_question *question, const struct qbid_ope_policy *policy,
                   struct qbid_ope_answer *ret_answer, char why[QBID_OPE_WHY_MAX])
{
    struct work w = {.q = question, .policy = policy};
    int err = policy_fits(question, policy, why);
    if (err)
        return err;
    w.sample = malloc((question->log->bid_cnt + 1) * sizeof *w.sample);
    err = w.sample ? cells_grow(&w.cells) : QBID_ERR_NOMEM;
    if (!err && question->creatives)
        err = shelves_fill(&w);
    if (!err)
        err = samples_make(&w);
    if (!err)
        err = qbid_ope_evaluate(w.sample, w.sample_cnt, &question->params, &ret_answer->ope);
    if (!err) {
        ret_answer->rowless = w.rowless;
        ret_answer->choiceless = w.choiceless;
        ret_answer->unsupported = w.wanted > 0 ? 1 - w.covered / w.wanted : 0;
        if (ret_answer->unsupported > 1e-6)
            ret_answer->ope.verdict = QBID_OPE_UNSUPPORTED;
        else
            ret_answer->unsupported = 0;
    } else {
        snprintf(why, QBID_OPE_WHY_MAX, "%s", qbid_strerror(err));
    }
    free(w.sample);
    free(w.cells.cell);
    free(w.shelf);
    return err;
}
