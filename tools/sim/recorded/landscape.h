/* SPDX-License-Identifier: Apache-2.0 */
/* A win curve from won and lost bids alone, judged on bids that it has not seen. */
#ifndef QBID_TOOLS_SIM_RECORDED_LANDSCAPE_H
#define QBID_TOOLS_SIM_RECORDED_LANDSCAPE_H

#include <stdint.h>

#define QBID_RECORDED_GROUPS 10 /* of held-out bids, by bid, about equally many in each */

/* Log-losses are nats a bid. */
struct qbid_recorded_landscape {
    uint32_t train_cnt, test_cnt;
    double win_rate;       /* of the test part */
    double loss;           /* of qbid's curve */
    double loss_constant;  /* of the train part's win rate */
    double loss_ortb;      /* of b / (c + b), c by maximum likelihood on the train part */
    double loss_hindsight; /* of the test part's own isotonic fit: no rising curve has less */
    uint32_t group_cnt;
    double group_bid[QBID_RECORDED_GROUPS];  /* mean bid, log's unit */
    double group_won[QBID_RECORDED_GROUPS];  /* share won */
    double group_told[QBID_RECORDED_GROUPS]; /* mean of the curve */
    double calibration;                      /* mean |told - won| over the bids */
};

/**
 * Read `bid win` lines, fit on the first train_part of them, judge on the others.
 *
 * Errors:  QBID_ERR_PARSE, QBID_ERR_SYS, QBID_ERR_NOMEM; the message names file, line and field.
 */
int qbid_recorded_landscape_judge(const char *path, double train_part,
                                  struct qbid_recorded_landscape *ret_landscape, char *message);

#endif
