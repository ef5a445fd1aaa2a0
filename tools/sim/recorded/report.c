/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and JSON of the recorded replays. */
#include "tools/sim/recorded/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define print qbid_replay_buffer_print

int qbid_recorded_match_lost(const struct qbid_recorded_match *match)
{
    return match->gain_expected_in.high < 1;
}

uint32_t qbid_recorded_report_lost(const struct qbid_recorded_report *report)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < report->cnt; i++)
        for (uint32_t f = 0; report->entry[i].test_cnt > 0 && f < report->fraction_cnt; f++)
            lost += qbid_recorded_match_lost(&report->entry[i].match[f]) != 0;
    return lost;
}

/* --- text */

static void text_row(struct qbid_replay_buffer *out, const struct qbid_recorded_match *m,
                     struct qbid_recorded_fraction fraction, int clicks)
{
    char budget[32] = "";
    if (!clicks)
        snprintf(budget, sizeof budget, "%u/%u", fraction.part, fraction.over);
    print(out, "  %-8s%-9s", budget, clicks ? "clicks" : "expected");
    for (int s = 0; s < QBID_RECORDED_STRATEGIES; s++)
        print(out, " %9.*f", clicks ? 0 : 2,
              clicks ? m->standing[s].sum.clicks : m->standing[s].sum.expected);
    enum qbid_recorded_strategy best = clicks ? m->best_clicks : m->best_expected;
    struct qbid_recorded_interval in = clicks ? m->gain_clicks_in : m->gain_expected_in;
    print(out, "   %5.3f of %s (%.3f to %.3f)%s\n", clicks ? m->gain_clicks : m->gain_expected,
          qbid_recorded_strategy_name(best), in.low, in.high,
          !clicks && qbid_recorded_match_lost(m) ? " LOST" : "");
}

static void text_log(struct qbid_replay_buffer *out, const struct qbid_recorded_report *report,
                     const struct qbid_recorded_entry *e)
{
    print(out, "%s (%s): trained on %u auctions (cost %.0f), replayed %u (%u clicks, cost %.0f)",
          e->path, qbid_recorded_format_name(e->format), e->train_cnt, e->train_cost, e->test_cnt,
          e->test_clicks, e->test_cost);
    if (e->sampled < 1)
        print(out, "; impressions are a sample of about %.2g %%, clicks all", 100 * e->sampled);
    print(out, "\n  %-8s%-9s", "budget", "");
    for (int s = 0; s < QBID_RECORDED_STRATEGIES; s++)
        print(out, " %9s", qbid_recorded_strategy_name((enum qbid_recorded_strategy)s));
    print(out, "   ours to the best other (95 %%)\n");
    for (uint32_t f = 0; f < report->fraction_cnt; f++) {
        text_row(out, &e->match[f], report->fraction[f], 0);
        text_row(out, &e->match[f], report->fraction[f], 1);
    }
    print(out, "\n");
}

static void text_landscape(struct qbid_replay_buffer *out, const struct qbid_recorded_entry *e)
{
    const struct qbid_recorded_landscape *l = &e->landscape;
    print(out, "%s (bids): fitted on %u won or lost bids, judged on %u (%.1f %% won)\n", e->path,
          l->train_cnt, l->test_cnt, 100 * l->win_rate);
    print(out,
          "  log-loss %.5f; constant rate %.5f, b/(c+b) %.5f, the judged bids' own best rising "
          "curve %.5f\n  mean |told - won| %.4f\n",
          l->loss, l->loss_constant, l->loss_ortb, l->loss_hindsight, l->calibration);
    for (uint32_t g = 0; g < l->group_cnt; g++)
        print(out, "  bid %7.2f  won %.4f  told %.4f\n", l->group_bid[g], l->group_won[g],
              l->group_told[g]);
    print(out, "\n");
}

void qbid_recorded_report_text(struct qbid_replay_buffer *out,
                               const struct qbid_recorded_report *report)
{
    for (uint32_t i = 0; i < report->cnt; i++) {
        if (report->entry[i].format == QBID_RECORDED_BIDS)
            text_landscape(out, &report->entry[i]);
        else
            text_log(out, report, &report->entry[i]);
    }
    print(out, "budgets at which ours is worse than the best other beyond the interval: %u\n",
          qbid_recorded_report_lost(report));
}

/* --- JSON */

static void json_number(struct qbid_replay_buffer *out, const char *name, double number)
{
    if (isfinite(number))
        print(out, ",\"%s\":%.10g", name, number);
    else
        print(out, ",\"%s\":null", name);
}

static void json_interval(struct qbid_replay_buffer *out, const char *name,
                          struct qbid_recorded_interval in)
{
    print(out, ",\"%s\":[", name);
    print(out, isfinite(in.low) ? "%.10g" : "null", in.low);
    print(out, isfinite(in.high) ? ",%.10g]" : ",null]", in.high);
}

static void json_gain(struct qbid_replay_buffer *out, const char *name,
                      enum qbid_recorded_strategy best, double gain,
                      struct qbid_recorded_interval in)
{
    print(out, ",\"%s\":{\"best\":\"%s\"", name, qbid_recorded_strategy_name(best));
    json_number(out, "gain", gain);
    json_interval(out, "gain_95", in);
    print(out, "}");
}

static void json_match(struct qbid_replay_buffer *out, const struct qbid_recorded_match *m,
                       struct qbid_recorded_fraction fraction)
{
    print(out, "{\"fraction\":\"%u/%u\"", fraction.part, fraction.over);
    json_number(out, "budget", m->budget);
    print(out, ",\"strategies\":[");
    for (int s = 0; s < QBID_RECORDED_STRATEGIES; s++) {
        const struct qbid_recorded_standing *st = &m->standing[s];
        print(out, "%s{\"name\":\"%s\"", s ? "," : "",
              qbid_recorded_strategy_name((enum qbid_recorded_strategy)s));
        json_number(out, "clicks", st->sum.clicks);
        json_interval(out, "clicks_95", st->clicks);
        json_number(out, "expected", st->sum.expected);
        json_interval(out, "expected_95", st->expected);
        json_number(out, "cost", st->sum.cost);
        print(out, ",\"wins\":%u}", st->sum.wins);
    }
    print(out, "]");
    json_gain(out, "expected", m->best_expected, m->gain_expected, m->gain_expected_in);
    json_gain(out, "clicks", m->best_clicks, m->gain_clicks, m->gain_clicks_in);
    print(out, "}");
}

static void json_path(struct qbid_replay_buffer *out, const char *path)
{
    print(out, "{\"path\":");
    qbid_replay_buffer_add_json(out, path, strlen(path));
}

static void json_log(struct qbid_replay_buffer *out, const struct qbid_recorded_report *report,
                     const struct qbid_recorded_entry *e)
{
    json_path(out, e->path);
    print(out, ",\"format\":\"%s\"", qbid_recorded_format_name(e->format));
    json_number(out, "sampled", e->sampled);
    print(out, ",\"train\":{\"auctions\":%u", e->train_cnt);
    json_number(out, "cost", e->train_cost);
    print(out, "},\"test\":{\"auctions\":%u,\"clicks\":%u", e->test_cnt, e->test_clicks);
    json_number(out, "cost", e->test_cost);
    print(out, "},\"budgets\":[");
    for (uint32_t f = 0; f < report->fraction_cnt; f++) {
        print(out, f ? "," : "");
        json_match(out, &e->match[f], report->fraction[f]);
    }
    print(out, "]}");
}

static void json_landscape(struct qbid_replay_buffer *out, const struct qbid_recorded_entry *e)
{
    const struct qbid_recorded_landscape *l = &e->landscape;
    json_path(out, e->path);
    print(out, ",\"train\":%u,\"test\":%u", l->train_cnt, l->test_cnt);
    json_number(out, "win_rate", l->win_rate);
    json_number(out, "loss", l->loss);
    json_number(out, "loss_constant", l->loss_constant);
    json_number(out, "loss_ortb", l->loss_ortb);
    json_number(out, "loss_hindsight", l->loss_hindsight);
    json_number(out, "calibration", l->calibration);
    print(out, ",\"groups\":[");
    for (uint32_t g = 0; g < l->group_cnt; g++)
        print(out, "%s{\"bid\":%.6g,\"won\":%.6g,\"told\":%.6g}", g ? "," : "", l->group_bid[g],
              l->group_won[g], l->group_told[g]);
    print(out, "]}");
}

void qbid_recorded_report_json(struct qbid_replay_buffer *out,
                               const struct qbid_recorded_report *report)
{
    print(out, "{\"schema_version\":1,\"episode\":%u", report->episode);
    json_number(out, "train_part", report->train_part);
    for (int bids = 0; bids < 2; bids++) {
        const char *comma = "";
        print(out, bids ? ",\"landscapes\":[" : ",\"logs\":[");
        for (uint32_t i = 0; i < report->cnt; i++) {
            if ((report->entry[i].format == QBID_RECORDED_BIDS) != bids)
                continue;
            print(out, "%s", comma);
            comma = ",";
            if (bids)
                json_landscape(out, &report->entry[i]);
            else
                json_log(out, report, &report->entry[i]);
        }
        print(out, "]");
    }
    print(out, ",\"lost\":%u}\n", qbid_recorded_report_lost(report));
}
