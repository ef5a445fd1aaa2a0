/* SPDX-License-Identifier: Apache-2.0 */
/* What `qbid-sim recorded` found: text tables, one JSON object, a plot.
 *
 * JSON, schema_version 1:
 *   episode, train_part     as asked
 *   logs [{path, format, sampled, train {auctions, cost}, test {auctions, clicks, cost},
 *     budgets [{fraction, budget, strategies [{name, clicks, clicks_95, expected, expected_95,
 * cost, wins}], expected {best, gain, gain_95}, clicks {best, gain, gain_95}}]}] landscapes [{path,
 * train, test, win_rate, loss, loss_constant, loss_ortb, loss_hindsight, calibration, groups [{bid,
 * won, told}]}] lost                    budgets at which ours is worse beyond the interval, in
 * expected clicks gain is ours / best; *_95 are [low, high]; an infinite number is null. */
#ifndef QBID_TOOLS_SIM_RECORDED_REPORT_H
#define QBID_TOOLS_SIM_RECORDED_REPORT_H

#include "tools/replay/text/buffer.h"
#include "tools/sim/recorded/landscape.h"
#include "tools/sim/recorded/match.h"

#define QBID_RECORDED_BUDGETS_MAX 16

struct qbid_recorded_fraction {
    uint32_t part, over;
};

/* One log that was replayed, without its auctions. */
struct qbid_recorded_entry {
    char *path;
    enum qbid_recorded_format format;
    double sampled;
    uint32_t train_cnt;
    double train_cost; /* sum of prices */
    uint32_t test_cnt, test_clicks;
    double test_cost;
    struct qbid_recorded_match match[QBID_RECORDED_BUDGETS_MAX]; /* by budget */
    struct qbid_recorded_landscape landscape;                    /* of a log of bids alone */
};

struct qbid_recorded_report {
    struct qbid_recorded_entry *entry;
    uint32_t cnt;
    struct qbid_recorded_fraction fraction[QBID_RECORDED_BUDGETS_MAX];
    uint32_t fraction_cnt;
    uint32_t episode;
    double train_part;
};

/** Whether ours is worse than the best of the others, and the interval has no doubt of it. */
int qbid_recorded_match_lost(const struct qbid_recorded_match *match);

/** Budgets of all logs at which it is. */
uint32_t qbid_recorded_report_lost(const struct qbid_recorded_report *report);

void qbid_recorded_report_text(struct qbid_replay_buffer *out,
                               const struct qbid_recorded_report *report);
void qbid_recorded_report_json(struct qbid_replay_buffer *out,
                               const struct qbid_recorded_report *report);

/** An SVG: for each log expected clicks against budget, by strategy, as parts of hindsight's. */
void qbid_recorded_report_svg(struct qbid_replay_buffer *out,
                              const struct qbid_recorded_report *report);

#endif
