/* SPDX-License-Identifier: Apache-2.0 */
/* All advice together: what is expected of each, and which may go at once. */
#include "control/http/analysis.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/view.h"
#include "control/choice/choice.h"
#include "control/http/analysis_parts.h"
#include "shm/error.h"
#include "shm/units.h"

#define STEP_PRESET 0.2 /* where the configuration sets no limit */
#define DAY_S 86400

struct qbid_advice *qbid_analysis_add(struct qbid_analysis *analysis)
{
    if (analysis->cnt == QBID_ANALYSIS_ADVICE_MAX)
        return NULL;
    struct qbid_advice *advice = &analysis->advice[analysis->cnt++];
    memset(advice, 0, sizeof *advice);
    return advice;
}

void qbid_analysis_note(struct qbid_analysis *analysis, const char *format, ...)
{
    va_list args;
    if (analysis->note_cnt == QBID_ANALYSIS_NOTES_MAX)
        return;
    va_start(args, format);
    vsnprintf(analysis->note[analysis->note_cnt++], QBID_ANALYSIS_NOTE_MAX, format, args);
    va_end(args);
}

int64_t qbid_analysis_nanos(double units)
{
    double nanos = units * (double)QBID_NANOS_PER_UNIT;
    return nanos >= 9e18 ? INT64_MAX : nanos <= -9e18 ? -INT64_MAX : (int64_t)llround(nanos);
}

double qbid_analysis_threshold(const struct qbid_campaign_def *campaign)
{
    int64_t target = campaign->goal == QBID_GOAL_TARGET_ROAS ? campaign->target_micros : 0;
    int64_t least = campaign->cap_micros[QBID_CAP_ROAS];
    int64_t micros = target > least ? target : least;
    return micros > 0 ? (double)micros / 1e6 : 1;
}

double qbid_analysis_step(const struct qbid_analysis_input *input)
{
    return input->item_change > 0 ? fmin(input->item_change, 1) : STEP_PRESET;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct qbid_analysis_verdict qbid_analysis_judge(double *value, double *net, double *surplus)
{
    const int n = QBID_ANALYSIS_DRAWS, tail = QBID_ANALYSIS_DRAWS / 20;
    struct qbid_analysis_verdict v = {0};
    int worth = 0;
    for (int d = 0; d < n; d++) {
        v.mean += value[d] / n;
        v.net += net[d] / n;
        worth += surplus[d] > 0;
    }
    v.sure = (double)worth / n;
    qsort(value, (size_t)n, sizeof *value, by_size);
    qsort(net, (size_t)n, sizeof *net, by_size);
    for (int d = 0; d < 2 * tail; d++)
        v.loss -= net[d] / (2 * tail);
    v.loss = fmax(v.loss, 0);
    v.low = fmin(value[tail], v.mean);
    v.high = fmax(value[n - 1 - tail], v.mean);
    return v;
}

void qbid_analysis_finish(const struct qbid_analysis_input *input,
                          const struct qbid_analysis_verdict *v, double at_stake,
                          struct qbid_advice *advice)
{
    struct qbid_proposal *p = &advice->proposal;
    snprintf(p->agent, sizeof p->agent, QBID_HTTP_AGENT);
    p->impact.mean_nanos = qbid_analysis_nanos(v->mean);
    p->impact.low_nanos = qbid_analysis_nanos(v->low);
    p->impact.high_nanos = qbid_analysis_nanos(v->high);
    p->impact.loss_nanos = qbid_analysis_nanos(v->loss);
    p->confidence = v->sure;
    p->risk = at_stake > 0 ? fmin(v->loss / at_stake, 1) : 1;
    p->priority = fmax(fabs(v->net) / fmax(at_stake, 1e-9), 1e-9);
    p->evidence_from_unix_s = input->unix_s - (int64_t)(input->request->metrics.days * DAY_S);
    p->evidence_to_unix_s = input->unix_s;
    p->id = qbid_proposal_id(p);
    advice->revenue_nanos = p->impact.mean_nanos;
    advice->net_nanos = qbid_analysis_nanos(v->net);
}

static int by_priority(const void *a, const void *b)
{
    const struct qbid_advice *x = a, *y = b;
    if (x->proposal.auto_execute != y->proposal.auto_execute)
        return x->proposal.auto_execute ? -1 : 1;
    if (x->proposal.priority != y->proposal.priority)
        return x->proposal.priority > y->proposal.priority ? -1 : 1;
    return (x->proposal.id > y->proposal.id) - (x->proposal.id < y->proposal.id);
}

/* The decision engine's choice among what is sure and small enough, within the limits of risk and
 * of money moved: one change of a campaign at a time, as the executor's own plan has it. */
static int choose(const struct qbid_analysis_input *input, struct qbid_analysis *analysis)
{
    double budgets = (double)qbid_account_budgets(input->account, 0);
    struct qbid_choice_limits limits = {.risk_nanos = (int64_t)(input->risk * budgets),
                                        .moved_nanos = input->day_change > 0
                                                           ? (int64_t)(input->day_change * budgets)
                                                           : INT64_MAX / 4};
    struct qbid_choice_option option[QBID_ANALYSIS_ADVICE_MAX];
    bool chosen[QBID_ANALYSIS_ADVICE_MAX];
    uint32_t source[QBID_ANALYSIS_ADVICE_MAX], cnt = 0;
    struct qbid_choice choice;
    for (uint32_t i = 0; i < analysis->cnt; i++) {
        const struct qbid_advice *a = &analysis->advice[i];
        if (a->partial || a->proposal.confidence < input->agent.confidence ||
            a->moved_nanos > input->four_eyes_nanos)
            continue;
        option[cnt] = (struct qbid_choice_option){.id = a->proposal.id,
                                                  .group = input->campaign->id,
                                                  .gain_nanos = a->net_nanos,
                                                  .risk_nanos = a->proposal.impact.loss_nanos,
                                                  .moved_nanos = a->moved_nanos};
        source[cnt++] = i;
    }
    int err = qbid_choice_solve(option, cnt, &limits, chosen, &choice);
    if (err == QBID_ERR_LIMIT)
        return 0; /* beyond all measure: a person decides on it */
    for (uint32_t i = 0; i < cnt && !err; i++)
        analysis->advice[source[i]].proposal.auto_execute = chosen[i];
    return err;
}

int qbid_analyze(const struct qbid_analysis_input *input, struct qbid_analysis *ret_analysis)
{
    struct qbid_random random = qbid_random_init(input->seed);
    struct qbid_analysis_part part;
    memset(ret_analysis, 0, sizeof *ret_analysis);
    int err = qbid_analysis_budget(input, &random, ret_analysis);
    qbid_analysis_part(input, &part);
    if (!err)
        err = qbid_analysis_bid(input, &part, &random, ret_analysis);
    if (!err)
        err = qbid_analysis_agents(input, &random, ret_analysis);
    for (uint32_t i = 0; i < part.note_cnt; i++)
        qbid_analysis_note(ret_analysis, "%s", part.note[i]);
    if (!err)
        err = choose(input, ret_analysis);
    if (!err)
        qsort(ret_analysis->advice, ret_analysis->cnt, sizeof *ret_analysis->advice, by_priority);
    return err;
}
