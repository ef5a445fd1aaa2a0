/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of the learned correction: the pacer alone, with the net, with the table, and with steps
 * that nobody can know, on the same new days. */
#ifndef QBID_TOOLS_SIM_TRAIN_GATE_H
#define QBID_TOOLS_SIM_TRAIN_GATE_H

#include "tools/sim/train/train.h"

/* A mean over days with half the width of its 95 % interval. */
struct qbid_gate_mean {
    double mean, half;
};

enum qbid_gate_arm {
    QBID_GATE_PACER,
    QBID_GATE_NET,
    QBID_GATE_TABLE,
    QBID_GATE_ORACLE,
    QBID_GATE_ARMS
};

struct qbid_gate_market {
    const char *name;
    double auctions_min, auctions_max;
    double phase; /* that prices are moved by against the market trained on, in days */
    uint32_t periods, samples;
};

struct qbid_gate_result {
    uint32_t days;
    struct qbid_gate_mean value[QBID_GATE_ARMS]; /* against the best single multiplier */
    struct qbid_gate_mean gain[QBID_GATE_ARMS];  /* over the pacer, day by day */
    double delivered_min[QBID_GATE_ARMS];
    double met_min[QBID_GATE_ARMS];
};

/** The markets that the gate knows; cnt of them. */
const struct qbid_gate_market *qbid_gate_markets(uint32_t *ret_cnt);

/** Returns 0; QBID_ERR_NOMEM. Days are other than any that were trained on. */
int qbid_gate_judge(const struct qbid_gate_market *market, const struct qbid_dqn *dqn,
                    const struct qbid_correction_table *table, uint32_t days, uint64_t seed,
                    struct qbid_gate_result *ret_result);

/** Whether an arm passes: its interval lies above the pacer's. */
int qbid_gate_passes(const struct qbid_gate_result *result, enum qbid_gate_arm arm);

#endif
