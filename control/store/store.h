/* SPDX-License-Identifier: Apache-2.0 */
/* The store: what must outlive qbidd, in one SQLite file (WAL, one writer).
 *
 * Every change is a transaction: kill -9 at any instant leaves the old state or the new one. With
 * QBID_DURABILITY_FAST a power failure may take the last transactions back; STRICT waits for the
 * disk at each. A full disk refuses changes (QBID_ERR_STORE, qbid_store_why()); reading goes on.
 *
 * All functions: one thread. Errors: QBID_ERR_STORE unless said otherwise.
 */
#ifndef QBID_CONTROL_STORE_STORE_H
#define QBID_CONTROL_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/account/diff.h"
#include "control/ledger/ledger.h"
#include "control/ledger/speed.h"
#include "control/snapshot/snapshot.h"
#include "control/store/audit_key.h"

#define QBID_STORE_WHY_MAX 256
#define QBID_STORE_TEXT_MAX 512

struct qbid_store; /* opaque */

struct qbid_store_params {
    const char *path;
    bool strict;
};

/** Open or create, and bring to this program's schema. VERSION when a newer program wrote it,
 *  CORRUPT when it fails its check; why says more. */
int qbid_store_new(const struct qbid_store_params *params, struct qbid_store **ret_store,
                   char why[QBID_STORE_WHY_MAX]);
void qbid_store_free(struct qbid_store *store);

/** Words of the last error. */
const char *qbid_store_why(const struct qbid_store *store);

/** Make several calls one transaction; may nest. end with an error takes all of it back, and
 *  returns it; else the result of the commit. */
int qbid_store_begin(struct qbid_store *store);
int qbid_store_end(struct qbid_store *store, int err);

/** Whose rows the tables of tenants show and take from here on; 0 = everybody's. Enforced by views
 *  and triggers (control/store/schema.c), so no statement can forget it. Returns whose it was. */
uint32_t qbid_store_scope(struct qbid_store *store, uint32_t tenant);

/* --- numbers that never go back */

/** Take `cnt` numbers: *ret_first is the first of them, at least `least`; whoever asks next gets
 *  later ones. Names: "generation", "worker_uid". */
int qbid_store_take(struct qbid_store *store, const char *name, uint64_t least, uint64_t cnt,
                    uint64_t *ret_first);

int qbid_store_set(struct qbid_store *store, const char *name, uint64_t value);
/** preset when it was never set. */
int qbid_store_get(struct qbid_store *store, const char *name, uint64_t preset,
                   uint64_t *ret_value);

/* --- account */

/** Who changes what, for the audit. */
struct qbid_store_cause {
    uint64_t unix_ns;
    const char *actor; /* "uid 1000", "qbidd" */
    const char *why;   /* "import spring.yaml" */
};

struct qbid_store_limits {
    uint32_t budgets, line_items;
};

/** Everything, sorted; currency stays 0. CORRUPT for a row that breaks a contract. */
int qbid_store_load_account(struct qbid_store *store, struct qbid_account *ret_account);

/** Write the changed items of `next`, with an audit record each; gives new campaigns and line items
 *  their indices, in `next` too: the next free one, never one that was used before. LIMIT when they
 *  run out, with why; nothing is written then. */
int qbid_store_apply(struct qbid_store *store, const struct qbid_diff *diff,
                     struct qbid_account *next, const struct qbid_store_limits *limits,
                     const struct qbid_store_cause *cause);

/** Something to do in the transaction of a change, once its rows are written. */
typedef int qbid_store_also_fn(void *context, uint64_t execution);

/** The same, with one row of the history (control/store/store_executions.h), and `also` before the
 *  commit: what it refuses is not applied. also may be NULL. */
int qbid_store_execute(struct qbid_store *store, const struct qbid_diff *diff,
                       struct qbid_account *next, const struct qbid_store_limits *limits,
                       const struct qbid_store_cause *cause, qbid_store_also_fn *also,
                       void *context);

/* --- dictionary */

int qbid_store_load_dictionary(struct qbid_store *store, struct qbid_dictionary *dictionary);
/** Write entries [from, qbid_dictionary_cnt). */
int qbid_store_save_dictionary(struct qbid_store *store, const struct qbid_dictionary *dictionary,
                               uint32_t from);

/* --- ledger */

struct qbid_store_budget {
    struct qbid_ledger_row row;
    int64_t day;             /* UTC day since 1970 that day_spent_nanos belongs to; -1 = none */
    int64_t day_spent_nanos; /* spent when that day began */
};

typedef int qbid_store_budget_fn(void *context, const struct qbid_store_budget *budget);
int qbid_store_load_ledger(struct qbid_store *store, qbid_store_budget_fn *fn, void *context);
int qbid_store_save_ledger(struct qbid_store *store, const struct qbid_ledger_row *rows,
                           uint32_t cnt);
/** Raise spent only; exposure stays: on the safe side until the next full row. */
int qbid_store_save_spent(struct qbid_store *store, uint32_t budget_idx, int64_t spent_nanos);
/** Samples of a budget's speed (control/ledger/speed.h): one more, and those before oldest_unix_s
 *  forgotten; and all of them, oldest first. */
int qbid_store_save_speed(struct qbid_store *store, uint32_t budget_idx,
                          struct qbid_speed_sample sample, int64_t oldest_unix_s);
typedef void qbid_store_speed_fn(void *context, struct qbid_speed_sample sample);
int qbid_store_load_speed(struct qbid_store *store, uint32_t budget_idx, qbid_store_speed_fn *fn,
                          void *context);
int qbid_store_save_day(struct qbid_store *store, uint32_t budget_idx, int64_t day,
                        int64_t day_spent_nanos);

/* --- settled bills: nonces of what spent already counts, written in the same transaction, so that
 * the next qbidd does not charge a notice that is repeated to it */

int qbid_store_add_settled(struct qbid_store *store, uint64_t nonce, int64_t unix_s);
typedef int qbid_store_nonce_fn(void *context, uint64_t nonce);
int qbid_store_load_settled(struct qbid_store *store, qbid_store_nonce_fn *fn, void *context);
/** Forget those from before then, at most max a call; they must be older than notice_ttl and any
 *  time that a ring may wait. Returns how many. */
int qbid_store_prune_settled(struct qbid_store *store, int64_t unix_s, uint32_t max);

/* --- statistics */

/** Totals by series for qbid_snapshot_restore(), the latest context_max contexts. */
int qbid_store_load_series(struct qbid_store *store, struct qbid_snapshot *snapshot,
                           uint32_t context_max);
/** Write totals that changed since the last call; campaigns, line items and creatives go into the
 *  history too. Returns series written. */
int qbid_store_save_series(struct qbid_store *store, const struct qbid_snapshot *snapshot,
                           int64_t unix_s);
/** Delete history, and totals of contexts, from before then. At most `max` rows a call: returns how
 *  many. */
int qbid_store_prune_series(struct qbid_store *store, int64_t unix_s, uint32_t max);

struct qbid_store_point {
    int64_t unix_s;
    struct qbid_stats all; /* totals since the beginning, as of then */
};
typedef int qbid_store_point_fn(void *context, const struct qbid_store_point *point);
/** History of one series, oldest first. Stops at fn's first error and returns it. */
int qbid_store_load_history(struct qbid_store *store, struct qbid_series_key key,
                            int64_t from_unix_s, qbid_store_point_fn *fn, void *context);

/** Totals of a campaign at the ends of hours in which they changed (of the running one: as of now),
 *  oldest first, from that time on. Errors as above. */
int qbid_store_load_hours(struct qbid_store *store, uint32_t campaign_id, int64_t from_unix_s,
                          qbid_store_point_fn *fn, void *context);
/** Delete those from before then, at most `max` a call: returns how many. */
int qbid_store_prune_hours(struct qbid_store *store, int64_t unix_s, uint32_t max);

/* --- generations */

struct qbid_store_generation {
    uint64_t gen;
    uint64_t built_unix_ns;
    uint64_t bytes;
    uint64_t checksum;
    bool held; /* its file is on disk */
    char reason[64];
    char file[64]; /* name in the image folder */
};

int qbid_store_add_generation(struct qbid_store *store,
                              const struct qbid_store_generation *generation);
typedef int qbid_store_generation_fn(void *context, const struct qbid_store_generation *generation);
/** Latest first, at most max. */
int qbid_store_load_generations(struct qbid_store *store, uint32_t max,
                                qbid_store_generation_fn *fn, void *context);
/** Mark all but the latest `kept` as not held, 64 a call; fn is called for each that was. */
int qbid_store_release_generations(struct qbid_store *store, uint32_t kept,
                                   qbid_store_generation_fn *fn, void *context);

/* --- learner */

int qbid_store_save_learner(struct qbid_store *store, uint32_t kind, uint64_t key, const void *data,
                            uint32_t bytes);
typedef int qbid_store_learner_fn(void *context, uint32_t kind, uint64_t key, const void *data,
                                  uint32_t bytes);
int qbid_store_load_learner(struct qbid_store *store, qbid_store_learner_fn *fn, void *context);

/* --- audit */

struct qbid_store_record {
    uint64_t id; /* 1, 2, 3 ... */
    uint64_t unix_ns;
    const char *actor, *what, *why, *before, *after; /* never NULL when read */
    uint32_t tenant;                                 /* 0 = of several, or of qbidd itself */
};

/** Append; `before` and `after` may be NULL. Each record holds the hash of the one before it. */
int qbid_store_audit(struct qbid_store *store, const struct qbid_store_cause *cause,
                     const char *what, const char *before, const char *after);
/** The same for a record that belongs to one tenant. */
int qbid_store_audit_of(struct qbid_store *store, uint32_t tenant,
                        const struct qbid_store_cause *cause, const char *what, const char *before,
                        const char *after);
typedef int qbid_store_record_fn(void *context, const struct qbid_store_record *record);
/** Latest first, at most max. */
int qbid_store_load_audit(struct qbid_store *store, uint32_t max, qbid_store_record_fn *fn,
                          void *context);
/** The same without generations, which come every few seconds: found by an index of their own, so
 *  that it costs what it returns. */
int qbid_store_load_audit_changes(struct qbid_store *store, uint32_t max, qbid_store_record_fn *fn,
                                  void *context);
/** The last record and its hash, as the file has it; id 0 = none. */
int qbid_store_audit_head(struct qbid_store *store, struct qbid_audit_head *ret_head);

/** Hash with this key from here on. When the next record is key->from and not the first, one that
 *  says so is appended: it seals those before it, which have no key. */
int qbid_store_audit_key(struct qbid_store *store, const struct qbid_audit_key *key,
                         uint64_t unix_ns);

/* What the last record's hash was made with. */
enum qbid_audit_seal {
    QBID_AUDIT_EMPTY, /* there is no record */
    QBID_AUDIT_PLAIN, /* no key */
    QBID_AUDIT_OURS,  /* the key that was asked about */
    QBID_AUDIT_OTHER  /* another one, or the record was changed */
};

/** Ask about a key, NULL = none. */
int qbid_store_audit_sealed(struct qbid_store *store, const struct qbid_audit_key *key,
                            enum qbid_audit_seal *ret_seal);

/** A signed checkpoint of the last record, as a line (control/store/audit_key.h). DENIED without a
 *  key. */
int qbid_store_audit_checkpoint(struct qbid_store *store, int64_t unix_s,
                                char out[QBID_AUDIT_CHECKPOINT_MAX],
                                struct qbid_audit_head *ret_head);

/** The key in use; NULL = none. */
const struct qbid_audit_key *qbid_store_audit_key_load(const struct qbid_store *store);

/**
 * Recompute the chain.
 *
 * Shapes:  checkpoint is a head that was kept outside the store, NULL = none.
 * Returns: 0 and the number of records.
 * Errors:  CORRUPT with the id of the first record that was edited, deleted, inserted, reordered or
 *          cut off, that has not this key's hash, or not that which this process or the checkpoint
 *          knows. Without a key a chain that was written anew as a whole is only found by the last
 *          two. NOT found, by anything: records cut off since the checkpoint before this process
 *          began.
 * Cost:    one pass over the records.
 */
int qbid_store_verify_audit(struct qbid_store *store, const struct qbid_audit_head *checkpoint,
                            uint64_t *ret_id);

/** What it could not verify: records from this one on, to the one before the key's first, have
 *  another key, as the key's first record says; their order was verified alone. 0 = none. */
uint64_t qbid_store_audit_foreign(const struct qbid_store *store);

#endif
