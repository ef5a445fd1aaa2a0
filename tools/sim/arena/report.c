/* SPDX-License-Identifier: Apache-2.0 */
/* A table of text, and JSON. */
#include "tools/sim/arena/report.h"

#include <inttypes.h>

static const char *goal_name(enum qbid_goal goal)
{
    return goal == QBID_GOAL_TARGET_ROAS ? "roas" : goal == QBID_GOAL_TARGET_CPA ? "cpa" : "value";
}

static const char *feedback_name(enum qbid_sim_feedback feedback)
{
    return feedback == QBID_SIM_FULL ? "full" : feedback == QBID_SIM_WIN_ONLY ? "win-only" : "none";
}

static const char *auction_name(enum qbid_auction auction)
{
    return auction == QBID_AUCTION_FIRST_PRICE ? "first" : "second";
}

static void cell(FILE *out, struct qbid_sim_mean m, int digits, int width)
{
    char text[64];
    snprintf(text, sizeof text, "%.*f +-%.*f", digits, m.mean, digits, m.half);
    fprintf(out, " %*s", width, text);
}

void qbid_sim_report_table(FILE *out, const struct qbid_sim_match_params *params,
                           const struct qbid_sim_match *matches, uint32_t seeds)
{
    const struct qbid_sim_market_params *m = &params->market;
    fprintf(out,
            "%u markets of %u auctions a day, %s price, feedback %s; goal %s; day %u judged\n"
            "means over the markets with their 95 %% interval; goal: 1 = target met\n\n",
            seeds, m->auctions_a_day, auction_name(m->auction), feedback_name(m->feedback),
            goal_name(params->goal), params->learn_days + 1);
    fprintf(out, "%-10s %16s %16s %14s %14s %9s %14s %14s %14s %14s %14s\n", "strategy", "value",
            "spend", "ROAS", "goal", "pooled", "delivery", "win rate", "/ oracle", "/ hindsight",
            "/ notes*");
    for (unsigned s = 0; s < QBID_SIM_STRATEGIES; s++) {
        if (!(params->strategies >> s & 1))
            continue;
        struct qbid_sim_score k = qbid_sim_score_of(matches, seeds, s, m->campaigns);
        fprintf(out, "%-10s", qbid_sim_strategies[s]->name);
        cell(out, k.value, 1, 16);
        cell(out, k.spend, 1, 16);
        cell(out, k.roas, 3, 14);
        cell(out, k.goal, 3, 14);
        fprintf(out, " %9.4f", k.goal_pooled);
        cell(out, k.delivery, 4, 14);
        cell(out, k.win_rate, 3, 14);
        cell(out, k.to_oracle, 3, 14);
        cell(out, k.to_hindsight, 3, 14);
        cell(out, k.to_notes, 3, 14);
        fputc('\n', out);
        if (k.overspend_nanos > 0 || k.faults > 0)
            fprintf(out, "%-10s spent %.9f beyond a budget; %" PRIu64 " broken books\n", "",
                    (double)k.overspend_nanos / 1e9, k.faults);
    }
    fprintf(out, "\n* at equal spend: whoever spends more is scaled down\n");
}

static void mean_json(FILE *out, const char *name, struct qbid_sim_mean m)
{
    fprintf(out, ", \"%s\": {\"mean\": %.9g, \"half\": %.9g, \"least\": %.9g, \"most\": %.9g}",
            name, m.mean, m.half, m.least, m.most);
}

static void seeds_json(FILE *out, const struct qbid_sim_match_params *params,
                       const struct qbid_sim_match *matches, uint32_t seeds, unsigned s)
{
    fprintf(out, ", \"seeds\": [");
    for (uint32_t i = 0; i < seeds; i++) {
        fprintf(out, "%s[", i ? ", " : "");
        for (uint32_t c = 0; c < params->market.campaigns; c++) {
            const struct qbid_sim_campaign_sums *sums = &matches[i].result[s].campaign[c];
            fprintf(out,
                    "%s{\"budget\": %.9f, \"spend\": %.9f, \"value\": %.6f, \"revenue\": %.6f, "
                    "\"bids\": %" PRIu64 ", \"wins\": %" PRIu64 ", \"clicks\": %" PRIu64
                    ", \"conversions\": %" PRIu64 "}",
                    c ? ", " : "", (double)matches[i].task[c].budget_nanos / 1e9,
                    (double)sums->spend_nanos / 1e9, sums->value_nanos / 1e9,
                    sums->revenue_nanos / 1e9, sums->bids, sums->wins, sums->clicks,
                    sums->conversions);
        }
        fputc(']', out);
    }
    fputc(']', out);
}

void qbid_sim_report_json(FILE *out, const struct qbid_sim_match_params *params,
                          const struct qbid_sim_match *matches, uint32_t seeds)
{
    const struct qbid_sim_market_params *m = &params->market;
    fprintf(out,
            "{\"market\": {\"first_seed\": %" PRIu64
            ", \"seeds\": %u, \"auctions_a_day\": %u, \"auction\": "
            "\"%s\", \"feedback\": \"%s\", \"goal\": \"%s\", \"budget\": %g, \"target\": %g, "
            "\"learn_days\": %u, \"campaigns\": %u, \"line_items\": %u},\n \"strategies\": [",
            m->seed, seeds, m->auctions_a_day, auction_name(m->auction), feedback_name(m->feedback),
            goal_name(params->goal), params->budget, params->target, params->learn_days,
            m->campaigns, m->line_items);
    const char *comma = "";
    for (unsigned s = 0; s < QBID_SIM_STRATEGIES; s++) {
        if (!(params->strategies >> s & 1))
            continue;
        struct qbid_sim_score k = qbid_sim_score_of(matches, seeds, s, m->campaigns);
        fprintf(out, "%s\n  {\"name\": \"%s\"", comma, qbid_sim_strategies[s]->name);
        mean_json(out, "value", k.value);
        mean_json(out, "spend", k.spend);
        mean_json(out, "roas", k.roas);
        mean_json(out, "goal", k.goal);
        mean_json(out, "delivery", k.delivery);
        mean_json(out, "win_rate", k.win_rate);
        mean_json(out, "to_oracle", k.to_oracle);
        mean_json(out, "to_hindsight", k.to_hindsight);
        mean_json(out, "to_notes", k.to_notes);
        fprintf(out, ", \"goal_pooled\": %.9g, \"overspend\": %.9f, \"broken_books\": %" PRIu64,
                k.goal_pooled, (double)k.overspend_nanos / 1e9, k.faults);
        seeds_json(out, params, matches, seeds, s);
        fputc('}', out);
        comma = ",";
    }
    fprintf(out, "]}\n");
}
