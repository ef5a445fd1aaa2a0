/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's body, shared by the files that implement control/engine/engine.h. */
#ifndef QBID_CONTROL_ENGINE_ENGINE_STATE_H
#define QBID_CONTROL_ENGINE_ENGINE_STATE_H

#include "control/decisions/decision_log.h"
#include "control/engine/engine.h"
#include "control/engine/overridden.h"
#include "control/frequency/frequency_book.h"
#include "control/keymap.h"
#include "control/ledger/speed.h"
#include "control/publish/build_image.h"

/* Day of a daily budget and what was spent when it began. */
struct qbid_engine_day {
    int64_t day; /* UTC days since 1970, -1 = none */
    int64_t spent_nanos;
    bool late; /* raised by a late bill, the store does not know yet */
};

/* What was known of a line item at the last publish, for the audit. */
struct qbid_engine_said {
    float value_micros;
    float pace;
};

/* Where a line item stands in the pacer's list, and which pace the decision log knows of it. */
struct qbid_engine_paced {
    uint32_t at; /* from 1; 0 = nowhere */
    float logged;
    uint64_t logged_file;
};

struct qbid_engine {
    struct qbid_config config;
    qbid_engine_log_fn *log;
    void *log_context;
    struct qbid_store *store;
    struct qbid_account account;
    struct qbid_dictionary *dictionary;
    uint32_t dictionary_saved; /* entries that the store has */
    struct qbid_ledger *ledger;
    struct qbid_snapshot *snapshot;
    struct qbid_learner *learner;
    struct qbid_ingest *ingest;
    struct qbid_frequency_book *frequency;
    struct qbid_decision_log *decisions; /* NULL = none */
    uint16_t *q_group;                   /* by line item index, of the last plan */
    bool decisions_down;                 /* said so already */
    struct qbid_publisher *publisher;
    struct qbid_engine_counters counters;
    struct qbid_engine_day *day; /* by budget index */
    int64_t *whole;              /* by budget index: authority without a limit on its speed */
    struct qbid_speed **speed;   /* by budget index, NULL = no limit on the speed of spend */
    uint8_t *spent_changed;      /* by budget index, since the store heard of it */
    uint32_t *changed;           /* budget indices of spent_changed */
    uint32_t changed_cnt;
    uint32_t
        held[QBID_LIVE_WORKERS_MAX]; /* by slot: events taken that the store has not heard of */
    uint32_t
        page_id[QBID_LIVE_WORKERS_MAX]; /* by slot: under which its ring's position is stored */
    bool store_down;                    /* said so already */
    struct qbid_keymap billed_before;   /* nonces of bills that a former life charged */
    uint64_t *billed;                   /* nonces charged since the store heard of them */
    uint32_t billed_cnt, billed_max;
    struct qbid_learner_money *money; /* by campaign, scratch of the live tick */
    struct qbid_learner_pace *pace;   /* by line item, as last computed */
    uint32_t pace_cnt;
    struct qbid_engine_paced *paced;    /* by line item index */
    struct qbid_overridden *overridden; /* what of the account is an operator's */
    int64_t expire_again_s;             /* not before then, when the store refused to */
    struct qbid_engine_said *said;      /* by line item index */
    uint64_t body_checksum;             /* of the published image behind its header */
    struct qbid_builder *builder;       /* keeps what the next build has in common with the last */
    uint64_t account_version;           /* another one after every change of the account */
    bool publish_wanted;                /* the account changed */
    uint64_t audit_said;                /* last record whose checkpoint is in the log */
    int64_t audit_said_s;
};

/** Give the store the audit's key, which is made when there is none and no record needs one, or the
 *  configuration says begin_anew; NOENT, DENIED, PARSE, SYS, STORE with why. */
int qbid_engine_audit_open(struct qbid_engine *engine, char *why);
/** A signed checkpoint to the log, when there are records since the last. */
void qbid_engine_audit_say(struct qbid_engine *engine);
/** The same once an hour. */
void qbid_engine_audit_tick(struct qbid_engine *engine, int64_t unix_s);

/** A line to the log, printf style. */
void qbid_engine_say(const struct qbid_engine *engine, enum qbid_log_level level,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Arrays that have the account's shape; call it after the account changed. NOMEM. */
int qbid_engine_shape(struct qbid_engine *engine);

/** Pace factors now, overrides over them, to the live page. */
void qbid_engine_pace(struct qbid_engine *engine);

/** Take overrides whose time is over out of the account, for they have no effect any more. */
void qbid_engine_overrides_expire(struct qbid_engine *engine, int64_t unix_s);

/** Put every value that the account names into the dictionary. */
void qbid_engine_name_values(struct qbid_engine *engine);

/** Bring new dictionary entries to the store. */
int qbid_engine_save_dictionary(struct qbid_engine *engine);

/** Authority of every budget, day boundaries included. */
int qbid_engine_budgets(struct qbid_engine *engine, int64_t unix_s);

/** Take the limits on the speed of spend from the account, after it changed. NOMEM, STORE. */
int qbid_engine_velocities(struct qbid_engine *engine);

/** Lower *authority of a budget to what its limit on the speed of spend leaves by now. An error of
 * the store: *authority is right all the same. */
int qbid_engine_velocity(struct qbid_engine *engine, uint32_t budget_idx, int64_t unix_s,
                         int64_t *authority);

/** Events of one worker: taken, posted, stored, and only then let go. */
int qbid_engine_drain(struct qbid_engine *engine, const struct qbid_page *page, uint16_t slot,
                      uint16_t uid, int max);

/** Whether a former life charged this bill; and remember one for the next life. */
bool qbid_engine_bill_known(const struct qbid_engine *engine, uint64_t nonce);
void qbid_engine_bill_note(struct qbid_engine *engine, uint64_t nonce);
/** Write what was noted, in the transaction that writes what was spent. */
int qbid_engine_bills_save(struct qbid_engine *engine, int64_t unix_s);
int qbid_engine_bills_load(struct qbid_engine *engine);

/* Callbacks of the publisher; context is the engine. */
int qbid_engine_attached(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page);
void qbid_engine_detached(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page);

/** What a bid of this wall-clock second cost, charged now, to a daily budget: that of an earlier
 * day counts for that day, so it takes nothing from today's. */
void qbid_engine_day_charge(struct qbid_engine_day *day, int64_t bid_unix_s, int64_t spent_nanos);

#endif
