/* SPDX-License-Identifier: Apache-2.0 */
/* qbid-blast: its exit codes and what it prints. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/blast/flight.h"

static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
static const char *const quantile_names[] = {"p50", "p90", "p99", "p999", "p9999"};
#define QUANTILES 5
#define BAR 50

static double us_at(const struct qbid_blast_stats *s, double q)
{
    return (double)qbid_replay_histogram_query(&s->latency, q) * 1e-3;
}

static void print_json(const struct qbid_blast_stats *s)
{
    printf("{\"sent\":%lu,\"answered\":%lu,\"lost\":%lu,\"wrong\":%lu,\"stray\":%lu,\"bids\":%lu,"
           "\"nobids\":%lu,\"cut\":%lu,\"cut_answered\":%lu,\"seconds\":%.3f,\"per_s\":%.0f,"
           "\"sent_bytes\":%lu,\"received_bytes\":%lu,\"why\":\"%s\",\"latency_us\":{",
           s->sent, s->answered, s->lost, s->wrong, s->stray, s->bids, s->nobids, s->cut,
           s->cut_answered, s->seconds, (double)s->answered / s->seconds, s->sent_bytes,
           s->received_bytes, s->why ? s->why : "");
    for (unsigned i = 0; i < QUANTILES; i++)
        printf("\"%s\":%.1f,", quantile_names[i], us_at(s, quantiles[i]));
    printf("\"max\":%.1f}}\n", (double)s->latency.max_ns * 1e-3);
}

/* Answers by powers of two of their time. */
static void print_histogram(const struct qbid_blast_stats *s)
{
    uint64_t cnt[64] = {0}, most = 1;
    const unsigned lg_parts = QBID_REPLAY_HISTOGRAM_LG_PARTS;
    for (unsigned i = 0; i < QBID_REPLAY_HISTOGRAM_BUCKETS; i++) {
        unsigned octave = i >> lg_parts ? (i >> lg_parts) + lg_parts - 1 : 0;
        cnt[octave] += s->latency.counts[i];
    }
    for (unsigned i = 0; i < 64; i++)
        most = cnt[i] > most ? cnt[i] : most;
    for (unsigned i = 0; i < 63; i++) {
        if (cnt[i] == 0)
            continue;
        int bar = (int)(cnt[i] * BAR / most);
        printf("  %10.1f us  %10lu  %.*s\n", (double)(UINT64_C(2) << i) * 1e-3, cnt[i], bar,
               "##################################################");
    }
}

static void print_text(const struct qbid_blast_stats *s)
{
    printf("%lu requests in %.2f s, %.0f answers a second: %lu bids, %lu without\n", s->sent,
           s->seconds, (double)s->answered / s->seconds, s->bids, s->nobids);
    printf("lost %lu, wrong %lu%s%s%s, stray %lu", s->lost, s->wrong, s->why ? " (" : "",
           s->why ? s->why : "", s->why ? ")" : "", s->stray);
    if (s->cut != 0)
        printf("; malformed %lu, of which told so %lu", s->cut, s->cut_answered);
    printf("\nlatency");
    for (unsigned i = 0; i < QUANTILES; i++)
        printf(" %s %.1f", quantile_names[i], us_at(s, quantiles[i]));
    printf(" max %.1f us; up to\n", (double)s->latency.max_ns * 1e-3);
    print_histogram(s);
}

static int fly(const struct qbid_blast_options *options)
{
    static struct qbid_blast_stats stats;
    FILE *answers = options->answers_path ? fopen(options->answers_path, "wb") : NULL;
    if (options->answers_path && !answers) {
        fprintf(stderr, "qbid-blast: --answers: %s: %s\n", options->answers_path, strerror(errno));
        return 1;
    }
    int err = qbid_blast_fly(options, answers, &stats);
    bool written = !answers || fclose(answers) == 0;
    if (err != 0 || !written) {
        fprintf(stderr, "qbid-blast: %s\n", strerror(errno));
        return 1;
    }
    if (options->json_output)
        print_json(&stats);
    else
        print_text(&stats);
    return stats.lost == 0 && stats.wrong == 0 && stats.stray == 0 && stats.answered > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct qbid_blast_options options;
    int rc = qbid_blast_options_read(argc, argv, &options);
    if (rc >= 0)
        return rc;
    if (!options.serve)
        return fly(&options);
    (void)qbid_blast_serve(&options);
    fprintf(stderr, "qbid-blast: --serve: %s\n", strerror(errno));
    return 1;
}
