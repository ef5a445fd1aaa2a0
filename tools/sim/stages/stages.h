/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of qbidd and the workers of an ad server under a virtual clock, in one process: the
 * real ingest, ledger, learner, builder, live page, worker pages and decisions. Beside the clock
 * two things are other than in qbidd: the store is memory (what it holds survives a crash of qbidd
 * here), and an image is attached where it was built instead of being handed over a socket.
 *
 *     decide  -> ring -> ingest -> ledger, learner       (outcomes)
 *     learner -> plan -> image  -> decide                (learn)
 *     ledger, learner -> live page -> decide             (live)
 */
#ifndef QBID_TOOLS_SIM_STAGES_STAGES_H
#define QBID_TOOLS_SIM_STAGES_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "control/learn/learner.h"
#include "control/ledger/ledger.h"
#include "fastpath/decide.h"
#include "shm/event.h"
#include "tools/sim/market/calendar.h"
#include "tools/sim/market/portfolio.h"

#define QBID_SIM_WORKERS_MAX 8

struct qbid_sim_stages; /* opaque */

struct qbid_sim_stages_params {
    struct qbid_sim_portfolio *portfolio; /* the dictionary may grow */
    struct qbid_learner_params learner;
    uint32_t workers;
    uint32_t ring_lg;
    uint64_t notice_ttl_ns, event_ttl_ns, lease_ns, bucket_ns, grace_ns;
    int64_t grant_ppm, grant_nanos_min;
    uint32_t bids_max; /* in a notice_ttl: how many wait for their outcome */
    uint64_t seed;
};

/** What qbidd.yaml would have without a word on it, but for the periods of learning and pacing. */
struct qbid_sim_stages_params qbid_sim_stages_defaults(struct qbid_sim_portfolio *portfolio);

/** Everything started, the first image in force, no lease yet: call live(). Time is since the
 * simulation began. NOMEM, INVAL. */
int qbid_sim_stages_new(const struct qbid_sim_stages_params *params, uint64_t now_ns,
                        struct qbid_sim_stages **ret_stages);
void qbid_sim_stages_free(struct qbid_sim_stages *stages);

/** Decide one impression in a worker and record it, as the plugin does. */
enum qbid_nobid qbid_sim_stages_decide(struct qbid_sim_stages *stages, uint32_t worker,
                                       const struct qbid_request *request, uint64_t now_ns,
                                       struct qbid_decision *ret_decision);

/** A notice as the event that a worker writes for it. */
struct qbid_event qbid_sim_stages_event(const struct qbid_sim_notice *notice);

/** A notice with a valid token comes to a worker. False: the worker is dead, or the notice too old.
 */
bool qbid_sim_stages_notice(struct qbid_sim_stages *stages, uint32_t worker,
                            const struct qbid_event *event);

/** The ticks of qbidd. Nothing happens while it is down. learn: NOMEM, INVAL. */
void qbid_sim_stages_ingest(struct qbid_sim_stages *stages, uint64_t now_ns);
void qbid_sim_stages_live(struct qbid_sim_stages *stages, uint64_t now_ns);
int qbid_sim_stages_learn(struct qbid_sim_stages *stages, uint64_t now_ns);
void qbid_sim_stages_persist(struct qbid_sim_stages *stages);

/* Faults. A worker that is killed leaves its page; qbidd reads what is left in it. A qbidd that is
 * killed forgets everything but the store; workers go on with the live page that they have until
 * they hear of the new one (adopt), or their lease is over. */
void qbid_sim_stages_worker_kill(struct qbid_sim_stages *stages, uint32_t worker);
int qbid_sim_stages_worker_start(struct qbid_sim_stages *stages, uint32_t worker, uint64_t now_ns);
void qbid_sim_stages_kill(struct qbid_sim_stages *stages);
int qbid_sim_stages_start(struct qbid_sim_stages *stages, uint64_t now_ns);
void qbid_sim_stages_adopt(struct qbid_sim_stages *stages, uint32_t worker);
/* Where qbidd is to die next. */
enum qbid_sim_crash_point {
    QBID_SIM_CRASH_NOWHERE,
    QBID_SIM_CRASH_UNSTORED, /* limits planned, nothing stored */
    QBID_SIM_CRASH_STORED,   /* exposure stored, no limit raised */
    QBID_SIM_CRASH_SETTLED   /* money and position stored, the ring's tail not moved */
};
void qbid_sim_stages_crash_at(struct qbid_sim_stages *stages, enum qbid_sim_crash_point point);
/** Whether that point was passed: kill() it before anything else. */
bool qbid_sim_stages_crashed(const struct qbid_sim_stages *stages);
/** Negative control: what was spent and promised is not in the store. */
void qbid_sim_stages_forget_money(struct qbid_sim_stages *stages);

/** While the store refuses nothing is granted and no event is let go of. */
void qbid_sim_stages_store_refuses(struct qbid_sim_stages *stages, bool refuses);

bool qbid_sim_stages_up(const struct qbid_sim_stages *stages);
bool qbid_sim_stages_worker_up(const struct qbid_sim_stages *stages, uint32_t worker);
/** Whether a dead worker's ring holds what the store has not: qbidd's last copy of it. */
bool qbid_sim_stages_owes(const struct qbid_sim_stages *stages);

/* NULL while qbidd is down. */
const struct qbid_ledger *qbid_sim_stages_ledger(const struct qbid_sim_stages *stages);
struct qbid_learner *qbid_sim_stages_learner(const struct qbid_sim_stages *stages);
const struct qbid_image *qbid_sim_stages_image(const struct qbid_sim_stages *stages);
/** What qbidd would have in its configuration and account. */
const struct qbid_account *qbid_sim_stages_account(const struct qbid_sim_stages *stages);
/** Pace factor in force of a line item, as a worker reads it. */
float qbid_sim_stages_pace(const struct qbid_sim_stages *stages, uint32_t line_item_idx);
/** Budgets that failed the ledger's own check: must stay 0. */
uint64_t qbid_sim_stages_broken(const struct qbid_sim_stages *stages);

#endif
