/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON form of the reports. */
#include "tools/replay/report.h"

#include <inttypes.h>

#include "tools/replay/results/ratio.h"
#include "tools/replay/text/money.h"

static void add_source(struct qbid_replay_buffer *out,
                       const struct qbid_replay_report_context *context)
{
    const struct qbid_replay_options *options = context->options;
    qbid_replay_buffer_add_text(out, "\"source\":");
    if (context->log) {
        struct qbid_replay_log_facts facts = qbid_replay_log_query(context->log);
        qbid_replay_buffer_print(out,
                                 "{\"kind\":\"log\",\"files\":%zu,\"lines\":%zu,\"rows\":%zu,"
                                 "\"clicks\":%zu,\"joined\":%zu,\"repeated\":%zu,\"damaged\":%zu}",
                                 facts.files, facts.lines, facts.rows, facts.clicks, facts.joined,
                                 facts.repeated, facts.damaged);
    } else {
        qbid_replay_buffer_print(out, "{\"kind\":\"generated\",\"campaign\":\"%s\",\"ctr\":%.6g}",
                                 options->campaign ? options->campaign->id : "all", options->ctr);
    }
    qbid_replay_buffer_print(
        out, ",\"auction\":\"%s\",\"seed\":%" PRIu64,
        options->request.auction == QBID_REPLAY_FIRST_PRICE ? "first" : "second", options->seed);
}

/* "name_nanos":"1500000000","name_cny":"1.5" */
static void add_money(struct qbid_replay_buffer *out, const char *name, int64_t nanos)
{
    char units[QBID_REPLAY_MONEY_TEXT_BYTES];
    qbid_replay_money_print(nanos, 9, units);
    qbid_replay_buffer_print(out, ",\"%s_nanos\":\"%" PRId64 "\",\"%s_cny\":\"%s\"", name, nanos,
                             name, units);
}

static void add_times(struct qbid_replay_buffer *out, const char *name,
                      const struct qbid_replay_histogram *histogram)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    double mean_ns = qbid_replay_ratio((double)histogram->sum_ns, (double)histogram->total_cnt);
    qbid_replay_buffer_print(out, ",\"%s\":{\"count\":%" PRIu64 ",\"mean\":%.1f", name,
                             histogram->total_cnt, mean_ns / 1e3);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        qbid_replay_buffer_print(out, ",\"%s\":%.1f", quantiles[i].name,
                                 (double)qbid_replay_histogram_query(histogram, quantiles[i].q) /
                                     1e3);
    qbid_replay_buffer_print(out, ",\"max\":%.1f}", (double)histogram->max_ns / 1e3);
}

static void add_counts(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"auctions", stats->auctions},
        {"answered", stats->answered},
        {"answered_200", stats->answered_200},
        {"answered_204", stats->answered_204},
        {"non_2xx", stats->answered_other},
        {"timeouts", stats->timeouts},
        {"lost", stats->lost},
        {"resent", stats->resent},
        {"connection_errors", stats->pool.errors},
        {"connections_made", stats->pool.connects},
        {"unparsed", stats->unparsed},
        {"no_bids", stats->no_bid_200 + stats->answered_204},
        {"invalid_bids", stats->invalid},
        {"bids", stats->bids},
        {"wins", stats->wins},
        {"below_floor", stats->below_floor},
        {"outbid", stats->outbid},
        {"cut_prices", stats->cut_prices},
        {"clicks", stats->clicks},
        {"conversions", stats->conversions},
        {"offered_clicks", stats->offered_clicks},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        qbid_replay_buffer_print(out, ",\"%s\":%" PRIu64, counts[i].name, counts[i].count);
}

/* The counters that are not zero, by their index. */
static void add_sparse(struct qbid_replay_buffer *out, const char *name, const uint64_t *counts,
                       size_t cnt)
{
    const char *comma = "";
    qbid_replay_buffer_print(out, ",\"%s\":{", name);
    for (size_t i = 0; i < cnt; i++) {
        if (counts[i] == 0)
            continue;
        qbid_replay_buffer_print(out, "%s\"%zu\":%" PRIu64, comma, i, counts[i]);
        comma = ",";
    }
    qbid_replay_buffer_add(out, "}", 1);
}

static void add_rates(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    double wins = (double)stats->wins, spend = (double)stats->spend_nanos;
    double elapsed_s = (double)(stats->end_ns - stats->begin_ns) * 1e-9;
    qbid_replay_buffer_print(
        out,
        ",\"win_rate\":%.6f,\"win_share\":%.6f,\"ctr\":%.8f,\"cpm_cny\":%.6f,\"ecpc_cny\":%.9f"
        ",\"bid_cpm_cny\":%.6f,\"elapsed_s\":%.6f,\"requests_per_s\":%.1f",
        qbid_replay_ratio(wins, (double)stats->bids),
        qbid_replay_ratio(wins, (double)stats->auctions),
        qbid_replay_ratio((double)stats->clicks, wins), qbid_replay_ratio(spend, wins) * 1e-6,
        qbid_replay_ratio(spend, (double)stats->clicks) * 1e-9,
        qbid_replay_ratio((double)stats->bid_sum_nanos, (double)stats->bids) * 1e-6, elapsed_s,
        qbid_replay_ratio((double)stats->auctions, elapsed_s));
}

static void add_notices(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    qbid_replay_buffer_add_text(out, ",\"notices\":{");
    for (unsigned kind = 0; kind < QBID_REPLAY_NOTICE_KINDS; kind++) {
        const struct qbid_replay_notice_counts *counts = &stats->notices[kind];
        qbid_replay_buffer_print(
            out,
            "%s\"%s\":{\"sent\":%" PRIu64 ",\"ok\":%" PRIu64 ",\"refused\":%" PRIu64
            ",\"failed\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"missing\":%" PRIu64
            ",\"foreign\":%" PRIu64 "}",
            kind ? "," : "", qbid_replay_notice_name(kind), counts->sent, counts->ok,
            counts->refused, counts->failed, counts->dropped, counts->missing, counts->foreign);
    }
    qbid_replay_buffer_add(out, "}", 1);
}

static void add_generations(struct qbid_replay_buffer *out,
                            const struct qbid_replay_generations *generations)
{
    qbid_replay_buffer_print(out,
                             ",\"generations\":{\"answers\":%" PRIu64 ",\"distinct\":%" PRIu64
                             ",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"highest\":%" PRIu64
                             ",\"changes\":%" PRIu64 ",\"backward\":%" PRIu64 "}",
                             generations->answers, generations->distinct, generations->first,
                             generations->last, generations->highest, generations->changes,
                             generations->backward);
}

static void add_slices(struct qbid_replay_buffer *out, const struct qbid_replay_stats *stats)
{
    qbid_replay_buffer_add_text(out, ",\"slices\":[");
    for (size_t i = 0; i < QBID_REPLAY_STATS_SLICES; i++)
        qbid_replay_buffer_print(out,
                                 "%s{\"auctions\":%" PRIu64 ",\"wins\":%" PRIu64
                                 ",\"clicks\":%" PRIu64 ",\"spend_nanos\":\"%" PRId64 "\"}",
                                 i ? "," : "", stats->slices[i].auctions, stats->slices[i].wins,
                                 stats->slices[i].clicks, stats->slices[i].spend_nanos);
    qbid_replay_buffer_add(out, "]", 1);
}

void qbid_replay_report_json(struct qbid_replay_buffer *out,
                             const struct qbid_replay_report_context *context,
                             const struct qbid_replay_stats *stats)
{
    qbid_replay_buffer_print(out, "{\"schema_version\":%d,", QBID_REPLAY_REPORT_SCHEMA);
    add_source(out, context);
    qbid_replay_buffer_print(out, ",\"interrupted\":%s,\"gone\":%s",
                             context->interrupted ? "true" : "false",
                             context->gone ? "true" : "false");
    add_counts(out, stats);
    add_sparse(out, "invalid_reasons", stats->invalid_reasons, QBID_REPLAY_STATS_REASON_MAX);
    add_sparse(out, "nbr", stats->nbr, QBID_REPLAY_STATS_NBR_MAX);
    add_money(out, "spend", stats->spend_nanos);
    add_money(out, "charged", stats->charged_nanos);
    add_money(out, "offered", stats->offered_nanos);
    add_rates(out, stats);
    add_times(out, "latency_us", &stats->latency);
    add_times(out, "notice_latency_us", &stats->notice_latency);
    add_times(out, "lag_us", &stats->lag);
    add_notices(out, stats);
    add_generations(out, &stats->generations);
    add_slices(out, stats);
    qbid_replay_buffer_add_text(out, "}\n");
}

static void add_items(struct qbid_replay_buffer *out, const char *name,
                      const struct qbid_replay_items *items)
{
    qbid_replay_buffer_print(
        out, ",\"%s\":{\"auctions\":%zu,\"clicks\":%" PRIu64 ",\"cost_nanos\":\"%" PRId64 "\"}",
        name, items->cnt, items->clicks, items->cost_nanos);
}

void qbid_replay_report_baselines_json(
    struct qbid_replay_buffer *out, const struct qbid_replay_report_context *context,
    const struct qbid_replay_items *run, const struct qbid_replay_items *tune, int64_t budget_nanos,
    const struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES])
{
    qbid_replay_buffer_print(out, "{\"schema_version\":%d,", QBID_REPLAY_REPORT_SCHEMA);
    add_source(out, context);
    add_money(out, "budget", budget_nanos);
    add_items(out, "run", run);
    add_items(out, "tune", tune);
    qbid_replay_buffer_add_text(out, ",\"baselines\":[");
    for (unsigned i = 0; i < QBID_REPLAY_STRATEGIES; i++) {
        const struct qbid_replay_baseline *result = &results[i];
        qbid_replay_buffer_print(out, "%s{\"name\":\"%s\",\"bid_cpm_cny\":", i ? "," : "",
                                 qbid_replay_baseline_name(i));
        qbid_replay_buffer_add_micros(out, result->bid_micros);
        qbid_replay_buffer_print(
            out, ",\"auctions\":%" PRIu64 ",\"wins\":%" PRIu64 ",\"clicks\":%" PRIu64,
            result->auctions, result->wins, result->clicks);
        add_money(out, "spend", result->spend_nanos);
        qbid_replay_buffer_add(out, "}", 1);
    }
    qbid_replay_buffer_add_text(out, "]}\n");
}
