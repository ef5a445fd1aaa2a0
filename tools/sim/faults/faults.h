/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets when everything goes wrong: short runs of the whole system in which workers and qbidd
 * are killed, the store refuses, and notices are lost, late and repeated. */
#ifndef QBID_TOOLS_SIM_FAULTS_FAULTS_H
#define QBID_TOOLS_SIM_FAULTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/market/market.h"

struct qbid_sim_faults_params {
    uint64_t seed;
    uint32_t seconds;
    bool forgetful; /* negative control: money in the store does not survive qbidd */
};

struct qbid_sim_faults_result {
    int64_t budget_nanos[QBID_SIM_CAMPAIGNS_MAX];
    /* by the exchange: the price of every bid whose bill a worker has accepted */
    int64_t billed_nanos[QBID_SIM_CAMPAIGNS_MAX];
    int64_t spent_nanos[QBID_SIM_CAMPAIGNS_MAX]; /* by the ledger, at the end */
    int64_t over_nanos; /* most that was billed beyond a budget, ever; <= 0 is well */
    uint64_t auctions, bids, bills, kills, worker_kills, lost, late, repeated, refused;
    uint64_t broken;    /* checks of the ledger's books that failed */
    uint32_t exhausted; /* campaigns that ended with less than a tenth of their budget left */
};

/** One run. NOMEM, INVAL. */
int qbid_sim_faults_run(const struct qbid_sim_faults_params *params,
                        struct qbid_sim_faults_result *ret_result);

/** The command `qbid-sim faults`. */
int qbid_sim_faults(int argc, char **argv);

#endif
