/* SPDX-License-Identifier: Apache-2.0 */
/* The learned correction of the pacer: a campaign's situation in six numbers, and the table, made
 * from a trained net, that says by how much to move the multiplier in each. */
#ifndef QBID_CONTROL_MODELS_QLEARNING_CORRECTION_H
#define QBID_CONTROL_MODELS_QLEARNING_CORRECTION_H

#include <stdint.h>

#include "control/models/pacing/pacing.h"

/* The table is the control side's and not the image's Q rows: a Q row knows budget left, time left
 * and win rate only, is shared by all campaigns of a goal, and changes with a generation; the
 * correction looks at six numbers, each of the campaign's own control period, and must be off one
 * period after the guard says so. It reaches the bidders as the pace does, by the live page.
 *
 *     net --distil--> table (file) --load, check--> each period: situation -> step, |step| <= 0.3
 *                                                  pace served = pacer's pace * 2^step
 */
#define QBID_CORRECTION_STEP_MAX 0.3
#define QBID_CORRECTION_ACTIONS 7 /* -0.3, -0.2 ... 0.3 */
#define QBID_CORRECTION_NEUTRAL 3
#define QBID_CORRECTION_FEATURES 6
#define QBID_CORRECTION_EDGES_MAX 7
#define QBID_CORRECTION_STATES_MAX 20480

enum qbid_correction_feature {
    QBID_CORRECTION_TIME,   /* part of the plan that is left, 1 to -1 */
    QBID_CORRECTION_BUDGET, /* log2 of budget left / plan left */
    QBID_CORRECTION_SPEND,  /* log2 of recent spend an auction / wanted */
    QBID_CORRECTION_GOAL,   /* log2 of realised worth / spend; 0 for a goal without a cap */
    QBID_CORRECTION_WINS,   /* recent win rate, -1 to 1 */
    QBID_CORRECTION_TREND   /* 2 log2 of the budget's multiplier / its mean of this flight: prices
                               have risen, or fallen */
};

/* One campaign and period; each number within [-1, 1]. */
struct qbid_situation {
    double x[QBID_CORRECTION_FEATURES];
};

/* The mean multiplier of the flight so far; all 0 at its start. */
struct qbid_correction_memory {
    double alpha_lg; /* sum of log2 alpha, weighted by plan */
    double weight;
};

/**
 * A campaign's situation after a step of the pacer.
 *
 * Shapes:  in and state as the pacer was given and left them; win_rate in [0, 1].
 * Returns: 0; QBID_ERR_INVAL, with all numbers 0, for inputs that are not finite.
 * Threads: pure; writes memory.
 */
int qbid_correction_situation(const struct qbid_pacing_in *in,
                              const struct qbid_pacing_state *state, double win_rate,
                              struct qbid_correction_memory *memory,
                              struct qbid_situation *ret_situation);

/** log2 step of an action. */
double qbid_correction_step(uint32_t action);

/* The file as it is. State of a situation = mixed radix over the buckets, feature 0 slowest; bucket
 * of a number = how many of the feature's edges are not above it. */
struct qbid_correction_table {
    uint64_t magic;
    uint32_t version;
    uint32_t state_cnt;
    int64_t trained_unix_s;
    int64_t valid_until_unix_s;
    uint64_t checksum; /* XXH3 of all that follows, and of the fields above */
    uint32_t edge_cnt[QBID_CORRECTION_FEATURES];
    float edge[QBID_CORRECTION_FEATURES][QBID_CORRECTION_EDGES_MAX]; /* rising; unused 0 */
    float step_lg[QBID_CORRECTION_STATES_MAX];
};
_Static_assert(sizeof(struct qbid_correction_table) ==
                   40 + 24 + 4 * 6 * QBID_CORRECTION_EDGES_MAX + 4 * QBID_CORRECTION_STATES_MAX,
               "no hole that a checksum would pass over");

/** A table without corrections: edges given, every step 0. */
void qbid_correction_init(struct qbid_correction_table *table);

/** Count the states of the edges and seal the table; the last thing that its maker does. */
void qbid_correction_seal(struct qbid_correction_table *table, int64_t trained_unix_s,
                          int64_t valid_until_unix_s);

/**
 * Whether a table may be used at all: sealed, of this version, every edge and step a number, every
 * step within QBID_CORRECTION_STEP_MAX.
 *
 * Returns: 0; QBID_ERR_VERSION, QBID_ERR_CORRUPT, QBID_ERR_STALE at now_unix_s.
 */
int qbid_correction_check(const struct qbid_correction_table *table, int64_t now_unix_s);

/** State index of a situation. */
uint32_t qbid_correction_state(const struct qbid_correction_table *table,
                               const struct qbid_situation *situation);

/**
 * The step for a situation, checked again: memory may go bad after the table was loaded.
 *
 * Returns: 0; QBID_ERR_STALE; QBID_ERR_CORRUPT for a step that is no number or out of range;
 *          QBID_ERR_INVAL for a situation that is none. *ret_step_lg is 0 with every error.
 */
int qbid_correction_find(const struct qbid_correction_table *table,
                         const struct qbid_situation *situation, int64_t now_unix_s,
                         double *ret_step_lg);

#endif
