/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of qbidd: every stage wired together, without an event loop or a command line.
 *
 *     rings -> ingest -> ledger, snapshot, learner
 *     learner + account -> plan -> image -> file, store, readers      (publish)
 *     ledger + learner  -> live page                                  (allowances, pace)
 *
 * The caller owns time: it calls the ticks at the configuration's periods, and the readers'
 * descriptor when it is readable. One thread. Whatever is made known to a reader is in the store
 * before.
 */
#ifndef QBID_CONTROL_ENGINE_ENGINE_H
#define QBID_CONTROL_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/account/diff.h"
#include "control/config/config.h"
#include "control/decisions/decision_log.h"
#include "control/frequency/frequency_book.h"
#include "control/ingest/ingest.h"
#include "control/learn/learner.h"
#include "control/ledger/ledger.h"
#include "control/publish/publisher.h"
#include "control/snapshot/snapshot.h"
#include "control/store/store.h"

#define QBID_ENGINE_WHY_MAX 2048
#define QBID_ENGINE_REASON_MAX 64 /* why a generation was published: fits the store */

struct qbid_engine; /* opaque */

typedef void qbid_engine_log_fn(void *context, enum qbid_log_level level, const char *line);

struct qbid_engine_counters {
    uint64_t gen;               /* last published, 0 = none in this life */
    uint64_t published;         /* in this life */
    uint64_t unchanged;         /* learn ticks whose plan was the one in force */
    uint64_t publish_failed;    /* busy readers, full disk, store */
    int32_t last_publish_error; /* enum qbid_err, 0 = the last one went well */
    uint64_t published_ns;      /* CLOCK_BOOTTIME */
    uint64_t image_bytes;
    uint64_t build_ns;         /* plan to sealed, of the last publish */
    uint64_t store_failed;     /* ticks in which the store refused */
    uint64_t rows_skipped;     /* learner rows of another layout, at start */
    uint64_t bills_repeated;   /* of a former life, charged once all the same */
    uint64_t invariant_broken; /* budgets that failed the ledger's check: must stay 0 */
};

/**
 * Open the store, restore everything, open the hand-over socket, publish the first generation.
 *
 * Errors:  STORE, SYS, FULL (another qbidd has the socket), NOMEM, INVAL; why says more.
 */
int qbid_engine_new(const struct qbid_config *config, qbid_engine_log_fn *log, void *log_context,
                    struct qbid_engine **ret_engine, char why[QBID_ENGINE_WHY_MAX]);

/** Drain, write what is known, hang up on the readers; they go on until their leases end. */
void qbid_engine_free(struct qbid_engine *engine);

/** Readable when a reader wants something; then call readers(). */
int qbid_engine_fd(const struct qbid_engine *engine);
void qbid_engine_readers(struct qbid_engine *engine);

/** Period ticks.ingest_ms. Returns events read. */
int qbid_engine_ingest(struct qbid_engine *engine);
/** Period ticks.live_ms: allowances, pace factors, leases, day boundaries. */
void qbid_engine_live(struct qbid_engine *engine);
/** Period ticks.learn_ms: a new generation when the plan changed or the old one ages. */
void qbid_engine_learn(struct qbid_engine *engine);
/** Period ticks.snapshot_ms: statistics, learner state, dictionary. */
void qbid_engine_persist(struct qbid_engine *engine);

/**
 * Publish now, whether or not anything changed.
 *
 * Returns: 0; BUSY, STORE, SYS, NOMEM: the old generation stays in force, and why says more.
 */
int qbid_engine_publish(struct qbid_engine *engine, const char *reason,
                        char why[QBID_ENGINE_WHY_MAX]);

/**
 * Make `next` the account (its content moves in): to the store first, then budgets, then a publish.
 *
 * Returns: 0; STORE or LIMIT with why, and nothing has changed. A publish that fails afterwards is
 *          tried again at the next learn tick.
 */
int qbid_engine_apply(struct qbid_engine *engine, struct qbid_account *next,
                      const struct qbid_diff *diff, const struct qbid_store_cause *cause,
                      char why[QBID_ENGINE_WHY_MAX]);

/** The same, with `also` in the transaction that writes it (qbid_store_execute()): what that
 * refuses is not applied. */
int qbid_engine_execute(struct qbid_engine *engine, struct qbid_account *next,
                        const struct qbid_diff *diff, const struct qbid_store_cause *cause,
                        qbid_store_also_fn *also, void *context, char why[QBID_ENGINE_WHY_MAX]);

/** Hold the models still, or let them learn again; remembered by the store. */
int qbid_engine_freeze(struct qbid_engine *engine, bool frozen,
                       const struct qbid_store_cause *cause, char why[QBID_ENGINE_WHY_MAX]);

/**
 * Take over what qbid_config_take() can, and read the key file again; the next learn tick
 * publishes.
 *
 * Returns: 0; what the key file is refused for, with why, and nothing has changed.
 */
int qbid_engine_reload(struct qbid_engine *engine, const struct qbid_config *config,
                       char why[QBID_ENGINE_WHY_MAX]);

/** What is spent of the budget of a campaign of the account in the period that `campaign` has, and
 *  what bidders may still spend of it: nanos. Today's for a daily one. */
int64_t qbid_engine_committed(const struct qbid_engine *engine,
                              const struct qbid_campaign_def *campaign, int64_t unix_s);

/* What the stages know; valid until the next call of the engine. */
const struct qbid_account *qbid_engine_account(const struct qbid_engine *engine);
const struct qbid_dictionary *qbid_engine_dictionary(const struct qbid_engine *engine);
const struct qbid_ledger *qbid_engine_ledger(const struct qbid_engine *engine);
const struct qbid_snapshot *qbid_engine_snapshot(const struct qbid_engine *engine);
const struct qbid_publisher *qbid_engine_publisher(const struct qbid_engine *engine);
const struct qbid_ingest *qbid_engine_ingest_stage(const struct qbid_engine *engine);
const struct qbid_frequency_book *qbid_engine_frequency(const struct qbid_engine *engine);
/** NULL = nothing is logged. */
const struct qbid_decision_log *qbid_engine_decisions(const struct qbid_engine *engine);
/** A line item's pace as it was last computed; NULL before. */
const struct qbid_learner_pace *qbid_engine_paced(const struct qbid_engine *engine,
                                                  uint32_t line_item_idx);
const struct qbid_learner *qbid_engine_learner(const struct qbid_engine *engine);
struct qbid_store *qbid_engine_store(struct qbid_engine *engine);
struct qbid_engine_counters qbid_engine_counters_load(const struct qbid_engine *engine);

#endif
