/* SPDX-License-Identifier: Apache-2.0 */
/* What a run or the baselines came to, as a table or as one JSON object on one line.
 *
 * Fields of the JSON object of a run, schema_version 1 (amounts of money are exact, in strings):
 *
 *   source, auction, seed     what was replayed and how
 *   interrupted, gone         ended by a signal; by the server
 *   auctions                  = answered + timeouts + lost
 *   answered                  = answered_200 + answered_204 + non_2xx
 *   answered_200              = unparsed + invalid_bids + bids + (no_bids - answered_204)
 *   bids                      = wins + below_floor + outbid
 *   resent                    sent again: a broken connection had taken nothing of it
 *   connection_errors, connections_made, invalid_reasons {loss reason: n}, nbr {reason: n}
 *   cut_prices                bids finer than a micro, cut
 *   win_rate, win_share       wins of bids, of auctions
 *   clicks, conversions, ctr, cpm_cny, ecpc_cny, bid_cpm_cny
 *   spend_nanos, spend_cny    settled prices of all wins; charged_*: of answered billing notices
 *   offered_clicks, offered_* clicks and market prices of all auctions replayed
 *   elapsed_s, requests_per_s
 *   latency_us, notice_latency_us, lag_us    {count, mean, p50, p90, p99, p999, max}
 *   notices                   {win, billing, impression, click, conversion, loss}, each
 *                             {sent, ok, refused, failed, dropped, missing, foreign}
 *   generations               {answers, distinct, first, last, highest, changes, backward}
 *   slices                    20 times {auctions, wins, clicks, spend_nanos}
 */
#ifndef QBID_TOOLS_REPLAY_REPORT_H
#define QBID_TOOLS_REPLAY_REPORT_H

#include "tools/replay/auction/baseline.h"
#include "tools/replay/options.h"
#include "tools/replay/results/stats.h"

#define QBID_REPLAY_REPORT_SCHEMA 1

struct qbid_replay_report_context {
    const struct qbid_replay_options *options;
    const struct qbid_replay_log *log; /* NULL: generated */
    bool interrupted;
    bool gone; /* the server could not be reached any more */
};

void qbid_replay_report_json(struct qbid_replay_buffer *out,
                             const struct qbid_replay_report_context *context,
                             const struct qbid_replay_stats *stats);

void qbid_replay_report_text(struct qbid_replay_buffer *out,
                             const struct qbid_replay_report_context *context,
                             const struct qbid_replay_stats *stats);

/** {schema_version, source, auction, budget_nanos, run {...}, tune {...}, baselines [...]} */
void qbid_replay_report_baselines_json(
    struct qbid_replay_buffer *out, const struct qbid_replay_report_context *context,
    const struct qbid_replay_items *run, const struct qbid_replay_items *tune, int64_t budget_nanos,
    const struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES]);

void qbid_replay_report_baselines_text(
    struct qbid_replay_buffer *out, const struct qbid_replay_report_context *context,
    const struct qbid_replay_items *run, const struct qbid_replay_items *tune, int64_t budget_nanos,
    const struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES]);

#endif
