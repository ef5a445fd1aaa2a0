/* SPDX-License-Identifier: Apache-2.0 */
/* A proposal: one field of one item of the account that an agent would change, and why. Agents make
 * them, the decision engine chooses among them, the executor applies them. */
#ifndef QBID_CONTROL_AGENTS_PROPOSAL_H
#define QBID_CONTROL_AGENTS_PROPOSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/fields.h"

#define QBID_PROPOSAL_VALUE_MAX 512   /* a value as the account's file holds it, with its end */
#define QBID_PROPOSAL_REASON_MAX 1024 /* plain words with the numbers that they rest on */
#define QBID_PROPOSAL_AGENT_MAX 32
#define QBID_PROPOSAL_FIELD_MAX 32
#define QBID_PROPOSAL_WHY_MAX 160

/* What kind of change: what operators filter by, and what a rule or a limit may name. */
enum qbid_proposal_type {
    QBID_PROPOSAL_BUDGET = 1,
    QBID_PROPOSAL_BID,
    QBID_PROPOSAL_TARGETING,
    QBID_PROPOSAL_CREATIVE,
    QBID_PROPOSAL_SCHEDULE
};
#define QBID_PROPOSAL_TYPE_CNT QBID_PROPOSAL_SCHEDULE

/* Value that a proposal is expected to add a day, in nanos of the account's currency; what it costs
 * in budget is not taken off (see budget_nanos). */
struct qbid_proposal_impact {
    int64_t mean_nanos;
    int64_t low_nanos; /* 90 % interval: low <= mean <= high */
    int64_t high_nanos;
    int64_t loss_nanos; /* risk: the mean of the worst tenth as a loss (CVaR), >= 0 */
};

struct qbid_proposal {
    uint64_t id; /* the same for the same agent, field and values at one time: applied once */
    enum qbid_proposal_type type;
    char agent[QBID_PROPOSAL_AGENT_MAX];
    /* what would change: a field of qbid_fields(item), its values as the account's file holds them
     */
    enum qbid_item_kind item;
    uint32_t item_id;
    char field[QBID_PROPOSAL_FIELD_MAX];
    char current[QBID_PROPOSAL_VALUE_MAX];
    char recommended[QBID_PROPOSAL_VALUE_MAX];
    int64_t
        budget_nanos; /* money that it adds to (or takes from) what may be spent a day; else 0 */
    uint64_t group;   /* proposals of a non-zero group stand or fall together (money moved) */
    /* why */
    struct qbid_proposal_impact impact;
    double confidence; /* probability that it adds value, in [0, 1] */
    double risk;       /* share of the value at stake that the worst tenth loses, in [0, 1] */
    double priority;   /* > 0; higher first among equals */
    double touched;    /* share of its campaign's spend that it is about, what is put at stake; 0 =
                          all of it. Not kept: what it puts at stake is. */
    char reason[QBID_PROPOSAL_REASON_MAX];
    int64_t evidence_from_unix_s; /* what was observed, from <= to */
    int64_t evidence_to_unix_s;
    bool auto_execute; /* the agent holds it small and sure enough to go without approval */
};

/** "budget", "bid", "targeting", "creative", "schedule"; "?" for another number. */
const char *qbid_proposal_type_name(enum qbid_proposal_type type);

/**
 * Whether a proposal says everything that it must, in range: text ends, numbers, a known field,
 * values that differ. Whether the values fit the field is for the account's import to say.
 *
 * Returns: 0.
 * Errors:  QBID_ERR_INVAL; why names the field and the reason.
 * Threads: pure.
 */
int qbid_proposal_check(const struct qbid_proposal *proposal, char why[QBID_PROPOSAL_WHY_MAX]);

/** Its id, from agent, item, field, values and the end of the evidence; never 0. */
uint64_t qbid_proposal_id(const struct qbid_proposal *proposal);

#endif
