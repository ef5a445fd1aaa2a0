/* SPDX-License-Identifier: Apache-2.0 */
/* The body of the simulated stages, shared by the files that implement tools/sim/stages/stages.h.
 */
#ifndef QBID_TOOLS_SIM_STAGES_STATE_H
#define QBID_TOOLS_SIM_STAGES_STATE_H

#include "control/ingest/ingest.h"
#include "control/publish/build_image.h"
#include "tools/sim/stages/stages.h"
#include "tools/sim/stages/store.h"

#define QBID_SIM_SLOTS_MAX 32
#define QBID_SIM_LIVES_MAX 64 /* of qbidd in one simulation */

struct qbid_sim_worker {
    void *memory;
    struct qbid_page page;
    uint32_t page_id; /* its place among the store's tails */
    uint32_t held;    /* events taken that the store has not heard of */
    bool up;
    bool attached; /* qbidd has it, in `slot` */
    uint16_t uid, slot;
    int own_life; /* whose live page it reads, -1 = none yet */
    uint16_t own_slot;
};

struct qbid_sim_day {
    int64_t day, spent_nanos;
};

struct qbid_sim_stages {
    struct qbid_sim_stages_params params;
    struct qbid_sim_store store;
    struct qbid_sim_worker worker[QBID_SIM_WORKERS_MAX];
    uint32_t page_cnt;
    uint16_t uid_cnt;
    uint64_t now_ns; /* since the simulation began, at the last call */
    /* qbidd: gone with a crash */
    bool up;
    struct qbid_ledger *ledger;
    struct qbid_ingest *ingest;
    struct qbid_learner *learner;
    struct qbid_builder *builder;
    struct qbid_sim_day day[QBID_SIM_CAMPAIGNS_MAX];
    bool spent_changed[QBID_SIM_CAMPAIGNS_MAX];
    uint64_t *billed; /* nonces charged since the store heard of them */
    uint32_t billed_cnt, billed_max;
    uint16_t slot_next;
    struct qbid_learner_money *money;
    struct qbid_learner_pace *pace;
    uint64_t broken;
    enum qbid_sim_crash_point crash_at;
    bool crashed; /* crash_at was reached: nothing more reaches store or shared memory */
    /* shared memory */
    struct qbid_live live[QBID_SIM_LIVES_MAX];
    void *live_memory[QBID_SIM_LIVES_MAX];
    int life;
    void *image_memory;
    struct qbid_image image;
    uint64_t gen;
    uint8_t isa;
};

static inline uint64_t qbid_sim_boot_ns(uint64_t now_ns)
{
    return QBID_SIM_EPOCH_BOOT_NS + now_ns;
}

/** Zeroed, in whole cache lines; NULL when there is none. */
void *qbid_sim_lines_new(int64_t bytes);

/** One outcome to everybody; the shape of qbid_outcome_fn, context is the stages. */
void qbid_sim_stages_post(void *context, const struct qbid_outcome *outcome);

/** Read what a worker's ring holds, at most `max` events, settle it and let it go. */
int qbid_sim_stages_drain(struct qbid_sim_stages *stages, struct qbid_sim_worker *worker, int max);

/** Give a living worker a slot. */
int qbid_sim_stages_attach(struct qbid_sim_stages *stages, struct qbid_sim_worker *worker);

/** Allowances and leases. */
void qbid_sim_stages_allow(struct qbid_sim_stages *stages);

#endif
