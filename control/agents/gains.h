/* SPDX-License-Identifier: Apache-2.0 */
/* What agents that look for gains have in common: what a change gains by draws of what is not
 * known, whether the money that it frees finds another use, and what was proposed lately. */
#ifndef QBID_CONTROL_AGENTS_GAINS_H
#define QBID_CONTROL_AGENTS_GAINS_H

#include "control/account/dictionary.h"
#include "control/agents/agent.h"
#include "control/models/meta/rate_ratio.h"
#include "control/models/meta/robust.h"
#include "control/store/store.h"

#define QBID_GAINS_DRAWS 200
#define QBID_GAINS_MEMORY 256 /* proposals that are remembered */
#define QBID_GAINS_SURE 0.8   /* probability of a gain, to be proposed at all */
#define QBID_GAINS_LEAST 0.01 /* of the value at stake, on average */

struct qbid_gains_memory;

/* What an agent that looks for gains goes by; valid during the call. */
struct qbid_gains_search {
    const struct qbid_agent_inputs *inputs;
    struct qbid_store *store;
    const struct qbid_dictionary *dictionary;
    struct qbid_random *random;
    uint32_t campaign_id;             /* 0 = all */
    struct qbid_gains_memory *memory; /* NULL = nothing was proposed before */
    uint32_t again_s;                 /* until what nobody acted on is proposed again */
    double confidence; /* probability of a gain from which one may be auto_execute, where any may */
    qbid_agent_take_fn *give;
    void *give_context;
};

struct qbid_gains {
    double gain[QBID_GAINS_DRAWS]; /* value added a day, currency units; given */
    double mean, low, high;        /* 90 % interval */
    double loss;                   /* mean of the worst tenth as a loss, >= 0 */
    double sure;                   /* probability of a gain */
};

/** Sum the draws up; sorts them. */
void qbid_gains_judge(struct qbid_gains *gains);

/** Whether they are worth a proposal, where `value` a day is at stake. */
bool qbid_gains_worth(const struct qbid_gains *gains, double value);

/** Fill a proposal's impact, confidence, risk and priority. */
void qbid_gains_tell(const struct qbid_gains *gains, double value, struct qbid_proposal *proposal);

/** What part of a campaign's spend of the last day a share of a line item's is, in (0, 1]; 0 = not
 *  known. */
double qbid_gains_touched(const struct qbid_agent_inputs *inputs,
                          const struct qbid_line_item_def *item, double share);

/** Fill its current value from the account. False where that is too long for a proposal, or without
 *  memory. */
bool qbid_gains_current(struct qbid_proposal *proposal, const void *item);

/** Whether a campaign spends what it may: else money that is freed finds no other use. */
bool qbid_gains_bound(const struct qbid_agent_inputs *inputs,
                      const struct qbid_campaign_def *campaign);

/** Whether a campaign is after clicks: they are counted then, else conversions. */
bool qbid_gains_wants_clicks(const struct qbid_campaign_def *campaign);

/** The campaign's response to spend, by the library. Errors of the store. */
int qbid_gains_exponent(struct qbid_store *store, const struct qbid_campaign_def *campaign,
                        struct qbid_robust *ret_exponent);
/** A draw of it, in the bounds of the budget agent's. */
double qbid_gains_exponent_draw(const struct qbid_robust *exponent, struct qbid_random *random);

/**
 * A targeting field's text without some values: "!value" more of each, or the values less in a list
 * of accepted ones.
 *
 * Returns: false where none of them is accepted now, or nothing would be left, or it is too long.
 */
bool qbid_gains_without(const struct qbid_target_def *target, const char *const *values,
                        uint32_t cnt, char out[QBID_PROPOSAL_VALUE_MAX]);

/* Counts of events by what they are counted by, over strata, of something (on) and of the rest. */
struct qbid_gains_effect {
    struct qbid_rate_ratio ratio;
    double due; /* events on, were their rate that of the rest */
};
void qbid_gains_effect_add(struct qbid_gains_effect *effect, double events_on, double exposed_on,
                           double events_off, double exposed_off);

#define QBID_GAINS_DUE_MIN 5.0 /* events, seen or due, before an effect is looked at */

/** The log of the ratio that the strata share, its variance, and the p-value of none. Without any
 *  event on it counts as half of one. False where there is too little to say. */
bool qbid_gains_effect_test(const struct qbid_gains_effect *effect, double *ret_log,
                            double *ret_variance, double *ret_p);

/* What was proposed lately, the oldest overwritten. */
struct qbid_gains_memory {
    struct {
        uint64_t what;
        int64_t unix_s;
    } slot[QBID_GAINS_MEMORY];
    uint32_t next;
};

/** Whether it was proposed less than again_s ago; else it is from now on. */
bool qbid_gains_remembered(struct qbid_gains_memory *memory, uint64_t what, int64_t unix_s,
                           uint32_t again_s);

#endif
