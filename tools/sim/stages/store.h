/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a simulated qbidd: what is in it survives a crash. Memory in place of SQLite, with
 * the same transactions: spent is written together with the bills that make it, and with how far
 * the ring was read. */
#ifndef QBID_TOOLS_SIM_STAGES_STORE_H
#define QBID_TOOLS_SIM_STAGES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/keymap.h"
#include "control/ledger/ledger.h"
#include "tools/sim/market/market.h"

#define QBID_SIM_PAGES_MAX 256 /* of all workers of a simulation */

struct qbid_sim_store_budget {
    int64_t spent_nanos, exposure_nanos;
    int64_t day, day_spent_nanos; /* spent when the day began */
    bool known;
};

struct qbid_sim_store_row {
    void *data;
    uint64_t key;
    uint32_t kind, bytes;
};

struct qbid_sim_store {
    struct qbid_sim_store_budget budget[QBID_SIM_CAMPAIGNS_MAX];
    uint64_t tail[QBID_SIM_PAGES_MAX]; /* by page: events taken */
    struct qbid_keymap billed;         /* nonces that were charged */
    struct qbid_sim_store_row *row;    /* of the learner */
    uint32_t row_cnt, row_capacity;
    struct qbid_keymap rows;
    bool refuses;
};

void qbid_sim_store_init(struct qbid_sim_store *store);
void qbid_sim_store_done(struct qbid_sim_store *store);

/** Keep a row of the learner; context is the store. The shape of qbid_learner_save_fn. */
int qbid_sim_store_save(void *context, uint32_t kind, uint64_t key, const void *data,
                        uint32_t bytes);

#endif
