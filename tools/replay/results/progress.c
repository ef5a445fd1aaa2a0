/* SPDX-License-Identifier: Apache-2.0 */
/* One line, redrawn or repeated: share done, rate, time left, wins and spend so far. */
#include "tools/replay/results/progress.h"

#include <inttypes.h>
#include <string.h>

#include "shm/units.h"

enum { BAR_CELLS = 24 };
#define TERMINAL_PERIOD_NS (200 * QBID_NS_PER_MS)
#define LINE_PERIOD_NS (5 * QBID_NS_PER_S)

void qbid_replay_progress_init(struct qbid_replay_progress *progress, FILE *out, bool is_terminal,
                               uint64_t total, uint64_t duration_ns)
{
    *progress = (struct qbid_replay_progress){
        .out = out, .is_terminal = is_terminal, .total = total, .duration_ns = duration_ns};
}

/* How much of the run is done, 0..1; negative when nobody knows. */
static double share_done(const struct qbid_replay_progress *progress,
                         const struct qbid_replay_stats *stats, uint64_t now_ns)
{
    double share = -1;
    if (progress->total)
        share = (double)stats->auctions / (double)progress->total;
    if (progress->duration_ns) {
        double by_time = (double)(now_ns - stats->begin_ns) / (double)progress->duration_ns;
        share = by_time > share ? by_time : share;
    }
    return share > 1 ? 1 : share;
}

static void print_line(const struct qbid_replay_progress *progress,
                       const struct qbid_replay_stats *stats, double share, double rate,
                       double left_s)
{
    char bar[BAR_CELLS + 1];
    int full = (int)(share * BAR_CELLS);
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', (size_t)(full > 0 ? full : 0));
    bar[BAR_CELLS] = '\0';
    if (progress->is_terminal)
        fprintf(progress->out, "\r\033[K[%s] ", bar);
    fprintf(progress->out, "%3.0f %%  %" PRIu64 " auctions  %.0f/s", share * 100, stats->auctions,
            rate);
    if (left_s >= 0 && left_s < 360000)
        fprintf(progress->out, "  %d:%02d left", (int)left_s / 60, (int)left_s % 60);
    fprintf(progress->out, "  %" PRIu64 " wins  %" PRIu64 " clicks  CNY %.4f  %" PRIu64 " lost%s",
            stats->wins, stats->clicks, (double)stats->spend_nanos * 1e-9,
            stats->timeouts + stats->lost, progress->is_terminal ? "" : "\n");
    fflush(progress->out);
}

void qbid_replay_progress_tick(struct qbid_replay_progress *progress,
                               const struct qbid_replay_stats *stats, uint64_t now_ns)
{
    uint64_t period_ns = progress->is_terminal ? TERMINAL_PERIOD_NS : LINE_PERIOD_NS;
    if (now_ns < progress->next_ns)
        return;
    uint64_t elapsed_ns = now_ns - progress->last_ns;
    if (progress->out && progress->last_ns != 0) {
        double share = share_done(progress, stats, now_ns);
        double rate =
            (double)(stats->auctions - progress->last_auctions) * 1e9 / (double)elapsed_ns;
        double run_s = (double)(now_ns - stats->begin_ns) * 1e-9;
        double left_s = share > 0 ? run_s * (1 - share) / share : -1;
        print_line(progress, stats, share > 0 ? share : 0, rate, left_s);
    }
    progress->last_ns = now_ns;
    progress->last_auctions = stats->auctions;
    progress->next_ns = now_ns + period_ns;
}

void qbid_replay_progress_done(struct qbid_replay_progress *progress)
{
    if (progress->out && progress->is_terminal)
        fputs("\r\033[K", progress->out);
}
