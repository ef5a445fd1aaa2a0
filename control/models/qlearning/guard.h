/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of the learned correction: lets it serve only while what was measured says that it
 * beats the pacer alone, at any time it is asked. */
#ifndef QBID_CONTROL_MODELS_QLEARNING_GUARD_H
#define QBID_CONTROL_MODELS_QLEARNING_GUARD_H

#include <stdint.h>

/* Time is cut into blocks of a campaign; each is given to the correction or to the pacer alone by
 * chance, with a known share, and ends with one number, its reward.
 *
 *              proof: gain > 0                     gain < 0, quickly
 *     TRIAL ---------------------> SERVING -------------------------> TRIAL, at half the error
 *    share 0.2                    share 0.8
 *       |   gain < 0, nothing shown in trial_max blocks, or trials_max trials begun
 *       +-------------------------------------------> OFF <--- any fault: NaN, out of range, stale
 *                                                   share 0, until a new table
 *
 * Proof is a bet against "the correction gains nothing": wealth that multiplies by 1 + bet * Y each
 * block, Y the block's estimate of the gain by inverse shares, |Y| <= 1. If it gains nothing, the
 * wealth is a supermartingale, so it ever passes 1 / error with probability at most error (Ville):
 * the lower confidence bound of the gain is above 0 exactly where wealth has passed. Harm is the
 * bet the other way, begun anew whenever it is below 1 (an e-detector): from a table that harms, or
 * that has begun to, it passes 1 / harm_error soon; from one that does not, one block in 1 /
 * harm_error at most. */
#define QBID_GUARD_BETS 6

enum qbid_guard_phase { QBID_GUARD_TRIAL, QBID_GUARD_SERVING, QBID_GUARD_OFF };

enum qbid_guard_why {
    QBID_GUARD_WHY_NEW, /* no evidence yet */
    QBID_GUARD_WHY_PROVEN,
    QBID_GUARD_WHY_HARM,  /* the pacer alone does better */
    QBID_GUARD_WHY_IDLE,  /* nothing shown in trial_max blocks */
    QBID_GUARD_WHY_FAULT, /* a step was no number or out of range */
    QBID_GUARD_WHY_STALE  /* the table is too old */
};

struct qbid_guard_params {
    double error;        /* chance to ever serve a correction that gains nothing, default 0.05 */
    double harm_error;   /* default 0.001 */
    double trial_share;  /* of blocks with the correction while on trial, default 0.2 */
    double serve_share;  /* when proven, default 0.8 */
    uint32_t trial_max;  /* blocks of a trial, default 20,000 */
    uint32_t trials_max; /* a correction that was dropped so often stays off, default 3 */
    uint32_t warm;       /* blocks from which the usual reward is known, default 50 */
};

struct qbid_guard {
    struct qbid_guard_params params;
    enum qbid_guard_phase phase;
    enum qbid_guard_why why;
    uint32_t trials; /* begun */
    uint32_t blocks; /* of this phase */
    uint64_t blocks_all;
    double error;                  /* that this trial may spend */
    double proof[QBID_GUARD_BETS]; /* log wealth of each bet */
    double harm[QBID_GUARD_BETS];
    double mean, spread;         /* of rewards so far */
    double gain_sum, weight_sum; /* inverse-share estimate of the gain, for status */
};

/** The defaults named above. */
struct qbid_guard_params qbid_guard_defaults(void);

/** Begin with a new table: on trial. Parameters out of range are taken as the defaults. */
void qbid_guard_init(struct qbid_guard *guard, const struct qbid_guard_params *params);

/** Share of blocks that get the correction now. */
double qbid_guard_share(const struct qbid_guard *guard);

/** Whether a block gets the correction; random is a uniform word. */
int qbid_guard_draw(const struct qbid_guard *guard, uint64_t random);

/**
 * A block ended.
 *
 * Shapes:  corrected and share as they were when it was drawn; a reward that is no number, and a
 *          share outside (0, 1), count for nothing. Rewards of all campaigns in one unit, e.g.
 * parts of the wanted spend; each is cut to four usual deviations from the usual. Threads: pure.
 * Source:  betting: Waudby-Smith and Ramdas 2024; e-detectors: Shin, Ramdas and Rinaldo 2023.
 */
void qbid_guard_post(struct qbid_guard *guard, int corrected, double share, double reward);

/** The table is faulty (why = FAULT or STALE): off from now on. */
void qbid_guard_fault(struct qbid_guard *guard, enum qbid_guard_why why);

/** Evidence that the correction gains: wealth; proven at 1 / error. */
double qbid_guard_evidence(const struct qbid_guard *guard);

/** Estimated gain of a corrected block, in the unit of rewards; 0 before there are any. */
double qbid_guard_gain(const struct qbid_guard *guard);

/** A word for status: "trial", "serving", "off"; and why: "new", "proven", "harm" ... */
const char *qbid_guard_phase_text(enum qbid_guard_phase phase);
const char *qbid_guard_why_text(enum qbid_guard_why why);

#endif
