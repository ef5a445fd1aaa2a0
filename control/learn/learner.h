/* SPDX-License-Identifier: Apache-2.0 */
/* The learner: gathers outcomes as sufficient statistics, and turns them, with the models, into the
 * next plan (values, shading, rotation, Q rows) and into the live pace factors.
 *
 *     outcomes --post--> cells, landscapes, price samples, creatives, action values
 *                             |                                  |
 *                        plan (each learn tick)            pace (each live tick)
 *
 * It holds no policy of the operator's: goals, budgets and limits come in with the account. Pure in
 * the sense that time is an argument; the same calls give the same plan. One thread.
 */
#ifndef QBID_CONTROL_LEARN_LEARNER_H
#define QBID_CONTROL_LEARN_LEARNER_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/config/zone.h"
#include "control/decisions/pace_terms.h"
#include "control/ingest/outcome.h"
#include "control/learn/campaigns/emergency.h"
#include "control/learn/plan/plan.h"
#include "control/learn/values/learned.h"
#include "control/models/qlearning/correction.h"
#include "shm/live.h"

struct qbid_learner; /* opaque */

struct qbid_learner_params {
    uint64_t level_mask[QBID_LEVEL_MAX]; /* finest first; 0 = unused */
    uint64_t segment_mask;   /* dimensions that make a market segment, e.g. exchange and slot */
    uint32_t cell_max;       /* (line item, context) cells kept */
    uint32_t context_max;    /* rows in an image */
    uint32_t sample_max;     /* price samples kept by campaign */
    double explore;          /* share of bids that try another Q action, 0..0.1 */
    bool explore_line_items; /* of a campaign by Thompson sampling: control/learn/values/values.h */
    double rotation_floor;   /* least share of a creative, 0..1/8 */
    double pace_min, pace_max;
    uint64_t pace_period_ns;            /* control period of the pacer */
    double step_log2_max;               /* largest change of a pace factor in one period */
    char time_zone[QBID_ZONE_NAME_MAX]; /* of campaigns with hours that name none; "" = UTC */
    struct qbid_learned_params learned; /* its mask is the finest level's, whatever it says here */
};

/* Money of a campaign's budget as the ledger has it. */
struct qbid_learner_money {
    int64_t budget_nanos; /* cumulative authority */
    int64_t spent_nanos;
    int64_t exposure_nanos;
};

/* What the pacer decided for one line item. */
struct qbid_learner_pace {
    uint32_t line_item_idx;
    float pace; /* below 0 a fixed price, qbid_pace_price() */
    uint32_t q_state;
    uint64_t until_ns;            /* of an override, CLOCK_BOOTTIME; 0 = none */
    float after;                  /* the pace from then on */
    struct qbid_pace_terms terms; /* their product is the pace, or where that is fixed, after */
};

int qbid_learner_new(const struct qbid_learner_params *params, struct qbid_learner **ret_learner);
void qbid_learner_free(struct qbid_learner *learner);

/** While frozen, outcomes teach nothing but the pacer's feedback. */
void qbid_learner_freeze(struct qbid_learner *learner, bool frozen);
bool qbid_learner_frozen(const struct qbid_learner *learner);

/** Take one outcome; spent_nanos is what the ledger charged for it (BILL), else 0. */
void qbid_learner_post(struct qbid_learner *learner, const struct qbid_outcome *outcome,
                       const struct qbid_line_item_def *line_item,
                       const struct qbid_campaign_def *campaign, int64_t spent_nanos);

/**
 * Make the plan of the next generation.
 *
 * Returns: 0 and *ret_plan (the caller's; qbid_plan_done()); QBID_ERR_NOMEM.
 * Cost:    one hierarchical fit over the cells, one argmax table by market segment, one row by
 *          context: tens of milliseconds for 64k contexts.
 */
int qbid_learner_plan(struct qbid_learner *learner, const struct qbid_account *account,
                      const struct qbid_dictionary *dictionary, struct qbid_plan *ret_plan);

/**
 * Pace factors of every line item now.
 *
 * Shapes:  money[i] belongs to account->campaigns[i]; out has room for account->line_item_cnt
 *          entries and gets one for each line item, campaign by campaign.
 * Returns: entries written; QBID_ERR_NOMEM. Line items of an inactive, not started or ended
 *          campaign, or of one without money, get pace 0. Within one control period repeated calls
 *          give the same factors.
 * Cost:    linear in line items; one inversion of the price sample for each campaign whose period
 *          is over.
 */
int qbid_learner_pace(struct qbid_learner *learner, const struct qbid_account *account,
                      const struct qbid_learner_money *money, uint64_t now_ns, int64_t now_unix_ns,
                      struct qbid_learner_pace *out);

/** Take what an emergency adjustment has to tell, in the order in which it came: 1 and *ret_news,
 * or 0. The last pace may bring some; more than 64 are forgotten. */
int qbid_learner_news(struct qbid_learner *learner, struct qbid_emergency_news *ret_news);

/** Another time zone for the hours of campaigns that name none, from the next pace on. */
void qbid_learner_set_zone(struct qbid_learner *learner, const char *time_zone);

/** Say that all line items of a campaign bid as the operator says, or no longer: its pacer waits
 *  meanwhile. Until the next word; not saved. */
void qbid_learner_override(struct qbid_learner *learner, uint32_t campaign_id, bool overridden);

/** Bring pace factors, Q states and overrides to the live page; line items beyond its shape are
 *  passed over. Each word stands alone, readers need no more. The end of an override that is no
 *  more is for the caller to take out, as is the earliest of all. Cost: two stores a line item. */
void qbid_learner_pace_store(const struct qbid_learner_pace *pace, uint32_t cnt,
                             const struct qbid_live *live);

/**
 * Correct the pacer by a table, as far as its guard lets it (control/models/qlearning/guard.h);
 * NULL = not at all. The learner keeps a copy.
 *
 * Returns: 0; QBID_ERR_VERSION, QBID_ERR_CORRUPT for a table that cannot be used, QBID_ERR_NOMEM. A
 *          stale table is taken and stays off.
 */
int qbid_learner_correct(struct qbid_learner *learner, const struct qbid_correction_table *table,
                         int64_t now_unix_s);

/* How the correction is. */
struct qbid_learner_correction {
    bool table;        /* there is one */
    const char *phase; /* "trial", "serving", "off" */
    const char *why;
    double share;    /* of blocks that are corrected */
    double evidence; /* that it gains: proven at 1 / error */
    double gain;     /* of a corrected block, in parts of the wanted spend */
    uint64_t blocks;
    uint64_t faults; /* steps refused */
};
struct qbid_learner_correction qbid_learner_correction(const struct qbid_learner *learner);

/* State as rows for the store: kind and key identify a row, data is an opaque blob. */
typedef int qbid_learner_save_fn(void *context, uint32_t kind, uint64_t key, const void *data,
                                 uint32_t bytes);
/** Give every row that changed since the last save (all = true: every row). First error of fn ends
 * it. */
int qbid_learner_save(struct qbid_learner *learner, bool all, qbid_learner_save_fn *fn,
                      void *context);
/** Put one row back. QBID_ERR_VERSION for a row of another layout: skipped by the caller, counted.
 */
int qbid_learner_restore(struct qbid_learner *learner, uint32_t kind, uint64_t key,
                         const void *data, uint32_t bytes);

/** The learned models; NULL when all are off. */
const struct qbid_learned *qbid_learner_learned(const struct qbid_learner *learner);

/** Conversions of a campaign by delay (control/models/rates/delay.h), all that ever came with one;
 * NULL = none. Valid until the next outcome. */
const double *qbid_learner_delays(const struct qbid_learner *learner, uint32_t campaign_id);

/** Cells kept: pairs of line item and context that were seen. */
uint32_t qbid_learner_cells(const struct qbid_learner *learner);

/** r(k) as learned by now, by line item index: qbid_exposures_learned_fit(). The result is the
 *  caller's to free; NULL when no rule is learned. */
int qbid_learner_exposures(const struct qbid_learner *learner, const struct qbid_account *account,
                           float (**ret_value)[QBID_FREQUENCY_VALUES_MAX]);

/** Evicted cells, for the "no silent capacity limit" counters. */
uint64_t qbid_learner_evicted(const struct qbid_learner *learner);

#endif
