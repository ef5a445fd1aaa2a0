/* SPDX-License-Identifier: Apache-2.0 */
/* Bucket arithmetic: a bucket is reused as soon as a later one needs its place. */
#include "control/snapshot/series.h"

#include "shm/units.h"

struct window {
    uint32_t first; /* bucket of the array */
    uint32_t cnt;
    uint64_t bucket_ns;
};

static const struct {
    uint32_t cnt;
    uint64_t seconds;
} shape[] = {
#define X(name, cnt, seconds) [QBID_WINDOW_##name] = {(cnt), (seconds)},
    QBID_SERIES_WINDOW_LIST(X)
#undef X
};

static struct window window_at(enum qbid_window which)
{
    uint32_t first = 0;
    for (unsigned w = 0; w < (unsigned)which; w++)
        first += shape[w].cnt;
    return (struct window){first, shape[which].cnt, shape[which].seconds * QBID_NS_PER_S};
}

/* Buckets of 5 s number 2^32 in 680 years, more than a 64-bit clock of nanoseconds holds. */
static uint32_t epoch_of(const struct window *window, uint64_t time_ns)
{
    return (uint32_t)(time_ns / window->bucket_ns + 1);
}

void qbid_stats_add(struct qbid_stats *a, const struct qbid_stats *b)
{
    a->bids += b->bids;
    a->wins += b->wins;
    a->losses += b->losses;
    a->bills += b->bills;
    a->imps += b->imps;
    a->clicks += b->clicks;
    a->convs += b->convs;
    a->views += b->views;
    a->starts += b->starts;
    a->completes += b->completes;
    a->spend_nanos = qbid_add_sat(a->spend_nanos, b->spend_nanos);
    a->bid_nanos = qbid_add_sat(a->bid_nanos, b->bid_nanos);
    a->value_nanos = qbid_add_sat(a->value_nanos, b->value_nanos);
}

static void count_add(uint32_t *count, uint64_t n)
{
    *count = n > UINT32_MAX - *count ? UINT32_MAX : *count + (uint32_t)n;
}

static void bucket_add(struct qbid_series_bucket *bucket, const struct qbid_stats *delta)
{
    count_add(&bucket->bids, delta->bids);
    count_add(&bucket->wins, delta->wins);
    count_add(&bucket->losses, delta->losses);
    count_add(&bucket->bills, delta->bills);
    count_add(&bucket->imps, delta->imps);
    count_add(&bucket->clicks, delta->clicks);
    count_add(&bucket->convs, delta->convs);
    count_add(&bucket->views, delta->views);
    count_add(&bucket->starts, delta->starts);
    count_add(&bucket->completes, delta->completes);
    bucket->spend_nanos = qbid_add_sat(bucket->spend_nanos, delta->spend_nanos);
    bucket->bid_nanos = qbid_add_sat(bucket->bid_nanos, delta->bid_nanos);
    bucket->value_nanos = qbid_add_sat(bucket->value_nanos, delta->value_nanos);
}

void qbid_series_add(struct qbid_series *series, const struct qbid_stats *delta, uint64_t time_ns)
{
    qbid_stats_add(&series->all, delta);
    for (unsigned w = 0; w < QBID_WINDOW_ALL; w++) {
        struct window window = window_at((enum qbid_window)w);
        uint32_t epoch = epoch_of(&window, time_ns);
        struct qbid_series_bucket *bucket = &series->bucket[window.first + epoch % window.cnt];
        if (epoch < bucket->epoch)
            continue; /* older than the window reaches */
        if (epoch > bucket->epoch)
            *bucket = (struct qbid_series_bucket){.epoch = epoch};
        bucket_add(bucket, delta);
    }
}

struct qbid_stats qbid_series_query(const struct qbid_series *series, enum qbid_window which,
                                    uint64_t now_ns)
{
    if (which == QBID_WINDOW_ALL)
        return series->all;
    struct qbid_stats sum = {0};
    struct window window = window_at(which);
    uint64_t last = epoch_of(&window, now_ns);
    for (uint32_t i = 0; i < window.cnt; i++) {
        const struct qbid_series_bucket *b = &series->bucket[window.first + i];
        if (b->epoch == 0 || b->epoch > last || b->epoch + window.cnt <= last)
            continue;
        struct qbid_stats part = {.bids = b->bids,
                                  .wins = b->wins,
                                  .losses = b->losses,
                                  .bills = b->bills,
                                  .imps = b->imps,
                                  .clicks = b->clicks,
                                  .convs = b->convs,
                                  .views = b->views,
                                  .starts = b->starts,
                                  .completes = b->completes,
                                  .spend_nanos = b->spend_nanos,
                                  .bid_nanos = b->bid_nanos,
                                  .value_nanos = b->value_nanos};
        qbid_stats_add(&sum, &part);
    }
    return sum;
}
