/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the analysis share. */
#ifndef QBID_CONTROL_HTTP_ANALYSIS_PARTS_H
#define QBID_CONTROL_HTTP_ANALYSIS_PARTS_H

#include "control/http/analysis.h"
#include "control/models/random.h"

#define QBID_ANALYSIS_DRAWS 400

struct qbid_analysis_part;

/** Spend and value of a budget; the ceiling of a line item. Each adds advice or a note. NOMEM, and
 *  for the budget an error of the past. */
int qbid_analysis_budget(const struct qbid_analysis_input *input, struct qbid_random *random,
                         struct qbid_analysis *analysis);
int qbid_analysis_bid(const struct qbid_analysis_input *input,
                      const struct qbid_analysis_part *part, struct qbid_random *random,
                      struct qbid_analysis *analysis);

/** What agents find in the campaign: hours, creatives, values of contexts. NOMEM, errors of the
 *  store. */
int qbid_analysis_agents(const struct qbid_analysis_input *input, struct qbid_random *random,
                         struct qbid_analysis *analysis);

/* The part of the line item's contexts that platform and bid_context name. */
struct qbid_analysis_part {
    bool asked;                             /* something that contexts tell apart was named */
    struct qbid_stats all, day;             /* of it: since the beginning, and of the last 24 h */
    char words[QBID_ANALYSIS_NOTE_MAX / 2]; /* "device_type mobile, hour_of_day 14" */
    char note[4][QBID_ANALYSIS_NOTE_MAX];   /* what is named and not told apart, and why */
    uint32_t note_cnt;
};

/** Look it up; without a line item only what cannot be told apart. Cost: one look at each context.
 */
void qbid_analysis_part(const struct qbid_analysis_input *input,
                        struct qbid_analysis_part *ret_part);

/** What is expected, by draws. */
struct qbid_analysis_verdict {
    double mean, low, high; /* of value added a day; 90 % interval */
    double loss;            /* mean of the worst tenth of value less cost, as a loss, >= 0 */
    double net;             /* mean of value less cost */
    double sure;            /* share of draws in which it is worth its cost */
};

/** From QBID_ANALYSIS_DRAWS of value added and of what that costs, both a day in currency units;
 *  each unit of cost has to bring `worth` of value. Sorts both arrays. */
struct qbid_analysis_verdict qbid_analysis_judge(double *value, double *net, double *surplus);

/** Fill impact, confidence, risk, evidence, agent and id of advice whose field, values and reason
 *  are set. at_stake is the value a day that is in question. */
void qbid_analysis_finish(const struct qbid_analysis_input *input,
                          const struct qbid_analysis_verdict *verdict, double at_stake,
                          struct qbid_advice *advice);

/** Value that a unit of spend has to bring at the margin: the campaign's target or least ROAS,
 *  else 1. */
double qbid_analysis_threshold(const struct qbid_campaign_def *campaign);

/** Most that one number may change by, as a share. */
double qbid_analysis_step(const struct qbid_analysis_input *input);

struct qbid_advice *qbid_analysis_add(struct qbid_analysis *analysis);
void qbid_analysis_note(struct qbid_analysis *analysis, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int64_t qbid_analysis_nanos(double units);

#endif
