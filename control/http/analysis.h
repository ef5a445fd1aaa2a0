/* SPDX-License-Identifier: Apache-2.0 */
/* What could be done better with a campaign, by the models: from what a client reports of it and
 * what qbid has counted itself.
 *
 *   metrics, hourly history --> response curve of spend --> budget        analysis_budget.c
 *   tenant's counts --> shrunken rates --> value of an impression --> ceiling   analysis_bid.c
 *   a part of its contexts, where bid_context names one --> what that is worth   analysis_part.c
 *   agents' own ways: schedule, creative, targeting                       analysis_agents.c
 *   all of them --> decision engine: priority, and what may go by itself  analysis.c
 *
 * Counts that both know are not added: of one campaign the larger of the two is taken, for they may
 * be of the same impressions. Draws are seeded by the request, so the same one finds the same.
 */
#ifndef QBID_CONTROL_HTTP_ANALYSIS_H
#define QBID_CONTROL_HTTP_ANALYSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/agents/budget.h"
#include "control/agents/proposal.h"
#include "control/http/requests.h"
#include "control/snapshot/snapshot.h"

#define QBID_ANALYSIS_ADVICE_MAX 8
#define QBID_ANALYSIS_NOTE_MAX 240
#define QBID_ANALYSIS_NOTES_MAX 8

struct qbid_analysis_input {
    const struct qbid_analyze_request *request;
    const struct qbid_account *account; /* the tenant's */
    const struct qbid_campaign_def *campaign;
    const struct qbid_line_item_def *line_item; /* of bid_context.ad_set_id; NULL = not said */
    const struct qbid_snapshot *snapshot;
    const struct qbid_dictionary *dictionary; /* of its contexts; NULL = none are told apart */
    struct qbid_budget_agent_params agent;    /* confidence, change_min, past and its store */
    double item_change;      /* most that one number may change, as a share; 0 = any */
    double day_change, risk; /* see struct qbid_executor_limits */
    int64_t four_eyes_nanos;
    uint64_t now_ns;
    int64_t unix_s;
    uint64_t seed;
};

/* One recommendation. */
struct qbid_advice {
    struct qbid_proposal proposal;
    int64_t revenue_nanos; /* expected to be added a day */
    double roas;           /* expected to be added */
    int64_t net_nanos;     /* the same less what it costs */
    int64_t moved_nanos;   /* money that it puts at stake */
    bool partial;          /* rests on a part of what it would change: a person decides */
};

struct qbid_analysis {
    struct qbid_advice advice[QBID_ANALYSIS_ADVICE_MAX]; /* highest priority first */
    uint32_t cnt;
    char note[QBID_ANALYSIS_NOTES_MAX][QBID_ANALYSIS_NOTE_MAX]; /* why something is not advised */
    uint32_t note_cnt;
};

/**
 * Analyse.
 *
 * Returns: 0 and *ret_analysis, maybe without advice.
 * Errors:  NOMEM; what input->agent.past returns.
 * Threads: one that may read the inputs.
 * Cost:    milliseconds: a curve fit over at most QBID_ANALYSIS_CAMPAIGNS_MAX campaigns with a week
 *          of history or more.
 */
int qbid_analyze(const struct qbid_analysis_input *input, struct qbid_analysis *ret_analysis);

#define QBID_ANALYSIS_CAMPAIGNS_MAX 16

#endif
