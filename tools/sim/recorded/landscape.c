/* SPDX-License-Identifier: Apache-2.0 */
/* Counts bids by price, fits control/models/landscape, measures log-loss and calibration. */
#include "tools/sim/recorded/landscape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/models/landscape/landscape.h"
#include "control/models/landscape/shading.h"
#include "shm/error.h"
#include "tools/sim/recorded/logs/text.h"

#define BID_MAX 100000
#define MICROS 10000.0 /* of a fen */
#define RATE_MIN 1e-6  /* no forecast is surer */

struct counts {
    double won[BID_MAX + 1];
    double lost[BID_MAX + 1];
};

struct bids {
    uint32_t *bid; /* bid * 2 + win */
    uint32_t cnt;
};

static int bids_add(struct bids *bids, uint32_t word)
{
    if ((bids->cnt & (bids->cnt - 1)) == 0) { /* a power of two is full */
        uint32_t *grown =
            realloc(bids->bid, (bids->cnt ? 2 * (size_t)bids->cnt : 1) * sizeof *grown);
        if (!grown)
            return QBID_ERR_NOMEM;
        bids->bid = grown;
    }
    bids->bid[bids->cnt++] = word;
    return 0;
}

static int bids_read(const char *path, struct bids *bids, char *message)
{
    struct qbid_recorded_text text;
    int err = qbid_recorded_text_init(&text, path, message);
    while (!err && qbid_recorded_text_next(&text)) {
        int64_t bid = 0, win = 0;
        err = qbid_recorded_text_fields(&text, 2, "bid win", message);
        if (!err)
            err = qbid_recorded_text_whole(&text, 0, "bid", 0, BID_MAX, &bid, message);
        if (!err)
            err = qbid_recorded_text_whole(&text, 1, "win", 0, 1, &win, message);
        if (!err)
            err = bids_add(bids, (uint32_t)bid * 2 + (uint32_t)win);
    }
    qbid_recorded_text_done(&text);
    return err;
}

static double log_loss(double rate, double won, double lost)
{
    double p = fmin(fmax(rate, RATE_MIN), 1 - RATE_MIN);
    return -won * log(p) - lost * log1p(-p);
}

/* Least log-loss of a rising curve: pool adjacent violators over the bids, one by one. */
static double loss_hindsight(const struct counts *test, struct counts *scratch)
{
    double *won = scratch->won, *all = scratch->lost;
    int top = 0;
    for (int b = 0; b <= BID_MAX; b++) {
        double n = test->won[b] + test->lost[b];
        if (!(n > 0))
            continue;
        won[top] = test->won[b];
        all[top++] = n;
        for (; top > 1 && won[top - 2] * all[top - 1] >= won[top - 1] * all[top - 2]; top--) {
            won[top - 2] += won[top - 1];
            all[top - 2] += all[top - 1];
        }
    }
    double loss = 0;
    for (int i = 0; i < top; i++)
        loss += log_loss(won[i] / all[i], won[i], all[i] - won[i]);
    return loss;
}

static void groups_make(const struct counts *test, const struct qbid_landscape_curve *curve,
                        struct qbid_recorded_landscape *l)
{
    double seen = 0, cnt[QBID_RECORDED_GROUPS] = {0}, off = 0;
    for (int b = 0; b <= BID_MAX; b++) {
        double n = test->won[b] + test->lost[b];
        if (!(n > 0))
            continue;
        uint32_t g = (uint32_t)(seen / l->test_cnt * QBID_RECORDED_GROUPS);
        cnt[g] += n;
        l->group_bid[g] += n * b;
        l->group_won[g] += test->won[b];
        l->group_told[g] += n * qbid_landscape_curve_at(curve, b * MICROS);
        seen += n;
    }
    for (uint32_t g = 0; g < QBID_RECORDED_GROUPS; g++) {
        if (!(cnt[g] > 0)) /* one bid fills several groups */
            continue;
        off += fabs(l->group_told[g] - l->group_won[g]);
        l->group_bid[l->group_cnt] = l->group_bid[g] / cnt[g];
        l->group_won[l->group_cnt] = l->group_won[g] / cnt[g];
        l->group_told[l->group_cnt++] = l->group_told[g] / cnt[g];
    }
    l->calibration = off / l->test_cnt;
}

/* counts of the train part, the test part, and room to work in */
static void judge(struct counts counts[3], struct qbid_recorded_landscape *l)
{
    const struct counts *train = &counts[0], *test = &counts[1];
    struct qbid_landscape landscape = {0};
    struct qbid_landscape_curve curve;
    double wins = 0, test_wins = 0;
    for (int b = 0; b <= BID_MAX; b++) {
        if (train->won[b] > 0)
            qbid_landscape_win(&landscape, b * MICROS, train->won[b]);
        if (train->lost[b] > 0)
            qbid_landscape_lose(&landscape, b * MICROS, train->lost[b]);
        wins += train->won[b];
        test_wins += test->won[b];
    }
    (void)qbid_landscape_fit(&landscape, NULL, 0, &curve);
    double c = qbid_shading_median(&landscape, 0) / MICROS, rate = wins / l->train_cnt;
    for (int b = 0; b <= BID_MAX; b++) {
        l->loss +=
            log_loss(qbid_landscape_curve_at(&curve, b * MICROS), test->won[b], test->lost[b]);
        l->loss_ortb += log_loss(b / (c + b), test->won[b], test->lost[b]);
    }
    l->loss /= l->test_cnt;
    l->loss_ortb /= l->test_cnt;
    l->loss_constant = log_loss(rate, test_wins, l->test_cnt - test_wins) / l->test_cnt;
    l->loss_hindsight = loss_hindsight(test, &counts[2]) / l->test_cnt;
    l->win_rate = test_wins / l->test_cnt;
    groups_make(test, &curve, l);
}

static void count(struct counts *counts, uint32_t word)
{
    if (word & 1)
        counts->won[word / 2]++;
    else
        counts->lost[word / 2]++;
}

int qbid_recorded_landscape_judge(const char *path, double train_part,
                                  struct qbid_recorded_landscape *ret_landscape, char *message)
{
    struct qbid_recorded_landscape l = {0};
    struct bids bids = {0};
    struct counts *counts = calloc(3, sizeof *counts);
    snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: out of memory", path);
    int err = counts ? bids_read(path, &bids, message) : QBID_ERR_NOMEM;
    l.train_cnt = (uint32_t)(train_part * bids.cnt);
    l.test_cnt = bids.cnt - l.train_cnt;
    if (!err && (l.train_cnt == 0 || l.test_cnt == 0)) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES,
                 "%s: too few bids to learn from some and judge on the others", path);
        err = QBID_ERR_PARSE;
    }
    for (uint32_t i = 0; i < bids.cnt && !err; i++)
        count(&counts[i >= l.train_cnt], bids.bid[i]);
    if (!err) {
        judge(counts, &l);
        *ret_landscape = l;
    }
    free(bids.bid);
    free(counts);
    return err;
}
