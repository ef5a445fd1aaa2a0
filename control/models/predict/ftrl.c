/* SPDX-License-Identifier: Apache-2.0 */
/* FTRL-proximal: weights in closed form from each slot's two sums. */
#include "control/models/predict/ftrl.h"

#include <math.h>
#include <stdlib.h>

#include "shm/error.h"
#include "shm/hash.h"

#define ODDS_MAX 35.0

struct qbid_ftrl_params qbid_ftrl_defaults(void)
{
    return (struct qbid_ftrl_params){.alpha = 0.05, .beta = 1, .l1 = 0.5, .l2 = 1, .start = -6};
}

int qbid_ftrl_init(struct qbid_ftrl *ftrl, const struct qbid_ftrl_params *params, uint32_t lg)
{
    if (!(params->alpha > 0 && params->beta >= 0 && params->l1 >= 0 && params->l2 >= 0 &&
          fabs(params->start) <= ODDS_MAX) ||
        lg < QBID_FTRL_LG_MIN || lg > QBID_FTRL_LG_MAX)
        return QBID_ERR_INVAL;
    *ftrl = (struct qbid_ftrl){.params = *params, .lg = lg};
    ftrl->slot = calloc((size_t)1 << lg, sizeof *ftrl->slot);
    ftrl->dirty = calloc(qbid_ftrl_block_cnt(ftrl), 1);
    if (ftrl->slot && ftrl->dirty)
        return 0;
    qbid_ftrl_done(ftrl);
    return QBID_ERR_NOMEM;
}

void qbid_ftrl_done(struct qbid_ftrl *ftrl)
{
    free(ftrl->slot);
    free(ftrl->dirty);
    *ftrl = (struct qbid_ftrl){0};
}

uint32_t qbid_ftrl_hash(const struct qbid_ftrl *ftrl, uint64_t feature, uint64_t value)
{
    return (uint32_t)(qbid_mix64(value ^ qbid_mix64(feature + 1)) >> (64 - ftrl->lg));
}

static double weight(const struct qbid_ftrl_params *p, struct qbid_ftrl_slot s)
{
    double z = s.z;
    if (fabs(z) <= p->l1)
        return 0;
    double shrunk = z > 0 ? z - p->l1 : z + p->l1;
    return -shrunk / ((p->beta + sqrt(s.n)) / p->alpha + p->l2);
}

double qbid_ftrl_predict(const struct qbid_ftrl *ftrl, const uint32_t *slot, uint32_t cnt)
{
    double odds = ftrl->params.start;
    for (uint32_t i = 0; i < cnt; i++)
        odds += weight(&ftrl->params, ftrl->slot[slot[i]]);
    return 1 / (1 + exp(-fmin(fmax(odds, -ODDS_MAX), ODDS_MAX)));
}

/* Trials of one prediction p: gradient of their loss, and the sum of squares of each one's. */
static void step(struct qbid_ftrl *ftrl, const uint32_t *slot, uint32_t cnt, double p,
                 double trials, double successes)
{
    double gradient = trials * p - successes;
    double squares = successes * (1 - p) * (1 - p) + fmax(trials - successes, 0) * p * p;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_ftrl_slot *s = &ftrl->slot[slot[i]];
        double sigma = (sqrt(s->n + squares) - sqrt(s->n)) / ftrl->params.alpha;
        s->z += gradient - sigma * weight(&ftrl->params, *s);
        s->n += squares;
        ftrl->dirty[slot[i] / QBID_FTRL_BLOCK] = 1;
    }
}

/* Successes whose trials came before; one by one as far as there are few. */
static void late_learn(struct qbid_ftrl *ftrl, const uint32_t *slot, uint32_t cnt, double late)
{
    for (unsigned k = QBID_FTRL_STEPS_MAX; k > 0 && late > 0; k--) {
        double now = fmin(fmax(1, late / k), late);
        step(ftrl, slot, cnt, qbid_ftrl_predict(ftrl, slot, cnt), 0, now);
        late -= now;
    }
}

double qbid_ftrl_learn(struct qbid_ftrl *ftrl, const uint32_t *slot, uint32_t cnt, double trials,
                       double successes)
{
    double first = qbid_ftrl_predict(ftrl, slot, cnt), p = first;
    if (!(trials >= 0 && successes >= 0) || fmax(trials, successes) > QBID_FTRL_TRIALS_MAX)
        return first;
    double late = fmax(successes - trials, 0), left = trials;
    double rate = trials > 0 ? (successes - late) / trials : 0;
    for (unsigned k = QBID_FTRL_STEPS_MAX; k > 0 && left > 0; k--) {
        double information = fmax(fmax(p * (1 - p), rate * (1 - rate)), 1e-12);
        double now = fmin(fmax(QBID_FTRL_STEP_INFORMATION / information, left / k), left);
        step(ftrl, slot, cnt, p, now, now * rate);
        left -= now;
        p = qbid_ftrl_predict(ftrl, slot, cnt);
    }
    late_learn(ftrl, slot, cnt, late);
    return first;
}

uint32_t qbid_ftrl_block_cnt(const struct qbid_ftrl *ftrl)
{
    uint32_t slots = UINT32_C(1) << ftrl->lg;
    return (slots + QBID_FTRL_BLOCK - 1) / QBID_FTRL_BLOCK;
}

const struct qbid_ftrl_slot *qbid_ftrl_block(const struct qbid_ftrl *ftrl, uint32_t block,
                                             uint32_t *ret_cnt)
{
    uint32_t slots = UINT32_C(1) << ftrl->lg;
    *ret_cnt = slots < QBID_FTRL_BLOCK ? slots : QBID_FTRL_BLOCK;
    return ftrl->slot + (size_t)block * QBID_FTRL_BLOCK;
}

int qbid_ftrl_block_restore(struct qbid_ftrl *ftrl, uint32_t block,
                            const struct qbid_ftrl_slot *slot, uint32_t cnt)
{
    uint32_t own = 0;
    if (block >= qbid_ftrl_block_cnt(ftrl))
        return QBID_ERR_INVAL;
    (void)qbid_ftrl_block(ftrl, block, &own);
    if (cnt != own)
        return QBID_ERR_INVAL;
    struct qbid_ftrl_slot *to = ftrl->slot + (size_t)block * QBID_FTRL_BLOCK;
    for (uint32_t i = 0; i < cnt; i++) {
        int sound = isfinite(slot[i].z) && isfinite(slot[i].n) && slot[i].n >= 0;
        to[i] = sound ? slot[i] : (struct qbid_ftrl_slot){0};
    }
    return 0;
}
