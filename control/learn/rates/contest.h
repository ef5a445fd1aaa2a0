/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to predict one rate, judged by campaign on what comes next. */
#ifndef QBID_CONTROL_LEARN_RATES_CONTEST_H
#define QBID_CONTROL_LEARN_RATES_CONTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"

enum qbid_contest_way {
    QBID_CONTEST_TREE,    /* shrinkage through the levels */
    QBID_CONTEST_EFFECTS, /* main effects of the dimensions, corrected by node */
    QBID_CONTEST_WAYS
};
#define QBID_CONTEST_MARGIN 3.0 /* nats by which another way must be better to be chosen */
#define QBID_CONTEST_ACCOUNT 0  /* id of the whole account; campaigns' are above */

/* Counts that come are first predicted by every way: loss = rate * trials - successes * log(rate),
 * the log-loss of counts. Old losses fade. */
struct qbid_contest_entry {
    uint32_t id;
    uint32_t chosen; /* enum qbid_contest_way */
    uint32_t dirty;  /* changed since the last save */
    uint32_t pad;
    int64_t at_s;
    double loss[QBID_CONTEST_WAYS];
};

struct qbid_contest {
    struct qbid_contest_entry *entry;
    uint32_t cnt;
    uint32_t capacity;
    struct qbid_keymap map;
};

void qbid_contest_done(struct qbid_contest *contest);

/** Entry of a campaign, made when missing; NULL without memory. Valid until the next touch. */
struct qbid_contest_entry *qbid_contest_touch(struct qbid_contest *contest, uint32_t id);

/** Add losses to an entry at a time. */
void qbid_contest_add(struct qbid_contest_entry *entry, int64_t now_s,
                      const double loss[QBID_CONTEST_WAYS]);

/** Log-loss of counts under a rate. */
double qbid_contest_loss(double rate, double trials, double successes);

/** Way of a campaign: its own when one of its losses leads by the margin, else the account's; the
 *  account's is the tree until another leads. */
enum qbid_contest_way qbid_contest_choose(struct qbid_contest *contest, uint32_t id);

#endif
