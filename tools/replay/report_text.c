/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of the reports. */
#include <inttypes.h>

#include "tools/replay/report.h"
#include "tools/replay/results/ratio.h"
#include "tools/replay/text/money.h"

static void add_amount(struct qbid_replay_buffer *out, const char *name, int64_t nanos)
{
    char units[QBID_REPLAY_MONEY_TEXT_BYTES];
    qbid_replay_money_print(nanos, 9, units);
    qbid_replay_buffer_print(out, "%-20s CNY %s  (%" PRId64 " nanos)\n", name, units, nanos);
}

static void add_times(struct qbid_replay_buffer *out, const char *name,
                      const struct qbid_replay_histogram *histogram)
{
    if (histogram->total_cnt == 0)
        return;
    qbid_replay_buffer_print(
        out, "%-20s p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f us  (%" PRIu64 ")\n", name,
        (double)qbid_replay_histogram_query(histogram, 0.5) / 1e3,
        (double)qbid_replay_histogram_query(histogram, 0.9) / 1e3,
        (double)qbid_replay_histogram_query(histogram, 0.99) / 1e3,
        (double)qbid_replay_histogram_query(histogram, 0.999) / 1e3,
        (double)histogram->max_ns / 1e3, histogram->total_cnt);
}

static void add_source(struct qbid_replay_buffer *out,
                       const struct qbid_replay_report_context *context)
{
    if (context->log) {
        struct qbid_replay_log_facts facts = qbid_replay_log_query(context->log);
        qbid_replay_buffer_print(
            out,
            "%-20s %zu auctions of %zu lines in %zu files, %zu clicked; %zu click "
            "lines joined, %zu repeated ids, %zu damaged\n",
            "log", facts.rows, facts.lines, facts.files, facts.clicks, facts.joined, facts.repeated,
            facts.damaged);
    } else {
        qbid_replay_buffer_print(out, "%-20s campaign %s, seed %" PRIu64 "\n", "generated",
                                 context->options->campaign ? context->options->campaign->id
                                                            : "all nine",
                                 context->options->seed);
    }
    qbid_replay_buffer_print(out, "%-20s %s; a bid equal to the market price wins\n", "auction",
                             context->options->request.auction == QBID_REPLAY_FIRST_PRICE
                                 ? "first price, a winner pays its bid"
                                 : "second price, a winner pays max(market, floor)");
}

static void add_answers(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    double elapsed_s = (double)(stats->end_ns - stats->begin_ns) * 1e-9;
    qbid_replay_buffer_print(out, "%-20s %" PRIu64 " in %.2f s, %.0f/s\n", "auctions",
                             stats->auctions, elapsed_s,
                             qbid_replay_ratio((double)stats->auctions, elapsed_s));
    qbid_replay_buffer_print(out,
                             "%-20s %" PRIu64 ": 200 %" PRIu64 ", 204 %" PRIu64 ", other %" PRIu64
                             "; not a bid response %" PRIu64 "\n",
                             "answered", stats->answered, stats->answered_200, stats->answered_204,
                             stats->answered_other, stats->unparsed);
    qbid_replay_buffer_print(out,
                             "%-20s time-outs %" PRIu64 ", lost %" PRIu64 ", sent again %" PRIu64
                             ", connection errors %" PRIu64 " (%" PRIu64 " connections made)\n",
                             "not answered", stats->timeouts, stats->lost, stats->resent,
                             stats->pool.errors, stats->pool.connects);
}

static void add_results(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    double wins = (double)stats->wins, spend = (double)stats->spend_nanos;
    qbid_replay_buffer_print(
        out, "%-20s %" PRIu64 ", mean CPM CNY %.4f; invalid %" PRIu64 ", no bid %" PRIu64 "\n",
        "bids", stats->bids,
        qbid_replay_ratio((double)stats->bid_sum_nanos, (double)stats->bids) * 1e-6, stats->invalid,
        stats->no_bid_200 + stats->answered_204);
    qbid_replay_buffer_print(
        out,
        "%-20s %" PRIu64 ", %.2f %% of bids, %.2f %% of auctions; below floor %" PRIu64
        ", outbid %" PRIu64 "\n",
        "wins", stats->wins, 100 * qbid_replay_ratio(wins, (double)stats->bids),
        100 * qbid_replay_ratio(wins, (double)stats->auctions), stats->below_floor, stats->outbid);
    add_amount(out, "spend", stats->spend_nanos);
    if (stats->charged_nanos != stats->spend_nanos)
        add_amount(out, "  billing answered", stats->charged_nanos);
    qbid_replay_buffer_print(out, "%-20s CNY %.4f\n", "CPM", qbid_replay_ratio(spend, wins) * 1e-6);
    qbid_replay_buffer_print(out, "%-20s %" PRIu64 " of %" PRIu64 " offered, CTR %.4f %%\n",
                             "clicks", stats->clicks, stats->offered_clicks,
                             100 * qbid_replay_ratio((double)stats->clicks, wins));
    qbid_replay_buffer_print(out, "%-20s CNY %.6f\n", "eCPC",
                             qbid_replay_ratio(spend, (double)stats->clicks) * 1e-9);
    if (stats->conversions)
        qbid_replay_buffer_print(out, "%-20s %" PRIu64 "\n", "conversions", stats->conversions);
}

static void add_notices(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    qbid_replay_buffer_print(out, "\n%-12s %10s %10s %10s %10s %10s %10s %10s\n", "notices", "sent",
                             "ok", "refused", "failed", "dropped", "no url", "foreign");
    for (unsigned kind = 0; kind < QBID_REPLAY_NOTICE_KINDS; kind++) {
        const struct qbid_replay_notice_counts *counts = &stats->notices[kind];
        qbid_replay_buffer_print(out,
                                 "%-12s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
                                 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
                                 qbid_replay_notice_name(kind), counts->sent, counts->ok,
                                 counts->refused, counts->failed, counts->dropped, counts->missing,
                                 counts->foreign);
    }
}

static void add_slices(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    qbid_replay_buffer_print(out, "\n%-8s %10s %10s %10s %14s\n", "run", "auctions", "wins",
                             "clicks", "spend CNY");
    for (unsigned i = 0; i < QBID_REPLAY_STATS_SLICES; i++)
        qbid_replay_buffer_print(
            out, "%3u %%    %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %14.6f\n",
            (i + 1) * 100 / QBID_REPLAY_STATS_SLICES, stats->slices[i].auctions,
            stats->slices[i].wins, stats->slices[i].clicks,
            (double)stats->slices[i].spend_nanos * 1e-9);
}

static void add_tail(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    const struct qbid_replay_generations *generations = &stats->generations;
    if (generations->answers)
        qbid_replay_buffer_print(out,
                                 "%-20s %" PRIu64 " in %" PRIu64 " answers, %" PRIu64 " to %" PRIu64
                                 ", %" PRIu64 " changes\n",
                                 "generations", generations->distinct, generations->answers,
                                 generations->first, generations->highest, generations->changes);
    for (unsigned i = 0; i < QBID_REPLAY_STATS_NBR_MAX; i++)
        if (stats->nbr[i])
            qbid_replay_buffer_print(out, "%-20s %u: %" PRIu64 "\n", "no-bid reason", i,
                                     stats->nbr[i]);
}

void qbid_replay_report_text(struct qbid_replay_buffer *out,
                             const struct qbid_replay_report_context *context,
                             const struct qbid_replay_stats *stats)
{
    if (context->interrupted)
        qbid_replay_buffer_add_text(out,
                                    "interrupted: the report of what was replayed until then\n");
    if (context->gone)
        qbid_replay_buffer_add_text(out, "the server went away: the report until then\n");
    add_source(out, context);
    add_answers(out, stats);
    add_results(out, stats);
    add_times(out, "latency", &stats->latency);
    add_times(out, "notice latency", &stats->notice_latency);
    add_times(out, "behind --rate", &stats->lag);
    add_tail(out, stats);
    add_notices(out, stats);
    add_slices(out, stats);
}

void qbid_replay_report_baselines_text(
    struct qbid_replay_buffer *out, const struct qbid_replay_report_context *context,
    const struct qbid_replay_items *run, const struct qbid_replay_items *tune, int64_t budget_nanos,
    const struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES])
{
    add_source(out, context);
    qbid_replay_buffer_print(out, "%-20s %zu, %" PRIu64 " clicked; tuned on %zu\n", "auctions",
                             run->cnt, run->clicks, tune->cnt);
    add_amount(out, "cost", run->cost_nanos);
    add_amount(out, "budget", budget_nanos);
    qbid_replay_buffer_print(out, "\n%-16s %10s %10s %10s %8s %14s %12s\n", "strategy", "bid CPM",
                             "auctions", "wins", "clicks", "spend CNY", "eCPC CNY");
    for (unsigned i = 0; i < QBID_REPLAY_STRATEGIES; i++) {
        const struct qbid_replay_baseline *result = &results[i];
        qbid_replay_buffer_print(
            out, "%-16s %10.4f %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %14.6f %12.6f\n",
            qbid_replay_baseline_name(i), (double)result->bid_micros * 1e-6, result->auctions,
            result->wins, result->clicks, (double)result->spend_nanos * 1e-9,
            qbid_replay_ratio((double)result->spend_nanos, (double)result->clicks) * 1e-9);
    }
}
