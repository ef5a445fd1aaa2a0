/* SPDX-License-Identifier: Apache-2.0 */
/* Rolling windows against a recomputation from the list of all events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/snapshot/series.h"
#include "control/snapshot/snapshot.h"
#include "shm/dims.h"
#include "shm/hash.h"
#include "shm/units.h"

#define EVENTS 20000
#define START_NS (100000 * QBID_NS_PER_S)

static const struct {
    uint64_t bucket_s, cnt;
} windows[] = {{5, 6}, {30, 10}, {300, 12}, {3600, 24}};

static struct qbid_snapshot *snapshot_make(uint32_t context_max)
{
    struct qbid_snapshot_params params = {context_max, qbid_dim_mask(QBID_DIM_SITE)};
    struct qbid_snapshot *snapshot;
    assert_int_equal(qbid_snapshot_new(&params, &snapshot), 0);
    return snapshot;
}

static struct qbid_outcome outcome_of(int kind, uint32_t line_item_id, uint32_t site,
                                      uint64_t time_ns)
{
    return (struct qbid_outcome){.kind = (uint8_t)kind,
                                 .line_item_id = line_item_id,
                                 .creative_id = line_item_id * 10,
                                 .context = qbid_dim_pack(3, QBID_DIM_SITE, site),
                                 .bid_nanos = 7,
                                 .price_nanos = 11,
                                 .time_ns = time_ns};
}

static bool is_video(const struct qbid_outcome *o, enum qbid_video_event event)
{
    return o->kind == QBID_EVENT_VIDEO && o->code == event;
}

/* Events arrive out of order by up to 20 s; whatever the arrival, a window holds exactly the events
 * of its buckets. */
static void windows_equal_a_recount_of_all_events(void **state)
{
    (void)state;
    struct qbid_snapshot *snapshot = snapshot_make(1000);
    struct qbid_outcome *event = calloc(EVENTS, sizeof *event);
    assert_non_null(event);
    static const int kinds[] = {QBID_EVENT_BID,  QBID_EVENT_WIN,  QBID_EVENT_LOSS,
                                QBID_EVENT_BILL, QBID_EVENT_IMP,  QBID_EVENT_CLICK,
                                QBID_EVENT_CONV, QBID_EVENT_VIDEO};
    uint64_t clock_ns = START_NS;
    for (unsigned i = 0; i < EVENTS; i++) {
        uint64_t r = qbid_roll(i, 5, 0);
        clock_ns += r % (30 * QBID_NS_PER_S);
        uint64_t late_ns = (r >> 32) % (20 * QBID_NS_PER_S);
        event[i] = outcome_of(kinds[(r >> 20) % 8], 100 + (uint32_t)(r >> 40) % 3,
                              1 + (uint32_t)(r >> 50) % 5, clock_ns - late_ns);
        event[i].code = (uint16_t)(r >> 24) % QBID_VIDEO_CNT;
        qbid_snapshot_post(snapshot, &event[i], 1, event[i].kind == QBID_EVENT_BILL ? 5 : 0);
        if (i % 97)
            continue;
        for (unsigned w = 0; w < 4; w++) {
            uint64_t bucket_ns = windows[w].bucket_s * QBID_NS_PER_S;
            uint64_t last = clock_ns / bucket_ns;
            struct qbid_stats want = {0};
            for (unsigned k = 0; k <= i; k++) {
                uint64_t bucket = event[k].time_ns / bucket_ns;
                if (event[k].line_item_id != 100 || bucket + windows[w].cnt <= last)
                    continue;
                want.bids += event[k].kind == QBID_EVENT_BID;
                want.clicks += event[k].kind == QBID_EVENT_CLICK;
                want.views += is_video(&event[k], QBID_VIDEO_VIEWABLE);
                want.starts += is_video(&event[k], QBID_VIDEO_START);
                want.completes += is_video(&event[k], QBID_VIDEO_COMPLETE);
                want.spend_nanos += event[k].kind == QBID_EVENT_BILL ? 5 : 0;
                want.value_nanos += event[k].kind == QBID_EVENT_CONV ? 11 : 0;
            }
            struct qbid_stats have = qbid_snapshot_query(
                snapshot, (struct qbid_series_key){0, 100, QBID_SERIES_LINE_ITEM},
                (enum qbid_window)w, clock_ns);
            assert_int_equal(have.bids, want.bids);
            assert_int_equal(have.clicks, want.clicks);
            assert_int_equal(have.views, want.views);
            assert_int_equal(have.starts, want.starts);
            assert_int_equal(have.completes, want.completes);
            assert_int_equal(have.spend_nanos, want.spend_nanos);
            assert_int_equal(have.value_nanos, want.value_nanos);
        }
    }
    free(event);
    qbid_snapshot_free(snapshot);
}

static void an_event_older_than_a_window_counts_in_the_longer_ones_only(void **state)
{
    (void)state;
    struct qbid_snapshot *snapshot = snapshot_make(10);
    struct qbid_outcome now = outcome_of(QBID_EVENT_BID, 1, 1, START_NS);
    struct qbid_outcome old = outcome_of(QBID_EVENT_BID, 1, 1, START_NS - 120 * QBID_NS_PER_S);
    qbid_snapshot_post(snapshot, &now, 1, 0);
    qbid_snapshot_post(snapshot, &old, 1, 0);
    struct qbid_series_key key = {0, 1, QBID_SERIES_LINE_ITEM};
    assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_30S, START_NS).bids, 1);
    assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_5MIN, START_NS).bids, 2);
    assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_ALL, START_NS).bids, 2);
    qbid_snapshot_free(snapshot);
}

static void a_quiet_window_empties_as_time_passes(void **state)
{
    (void)state;
    struct qbid_snapshot *snapshot = snapshot_make(10);
    struct qbid_outcome now = outcome_of(QBID_EVENT_CLICK, 1, 1, START_NS);
    qbid_snapshot_post(snapshot, &now, 1, 0);
    struct qbid_series_key key = {0, 10, QBID_SERIES_CREATIVE};
    uint64_t later = START_NS + 31 * QBID_NS_PER_S;
    assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_30S, START_NS).clicks, 1);
    assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_30S, later).clicks, 0);
    assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_1H, later).clicks, 1);
    qbid_snapshot_free(snapshot);
}

static void the_least_recently_used_context_goes_first_and_is_counted(void **state)
{
    (void)state;
    struct qbid_snapshot *snapshot = snapshot_make(3);
    for (uint32_t site = 1; site <= 3; site++) {
        struct qbid_outcome o = outcome_of(QBID_EVENT_BID, 1, site, START_NS);
        qbid_snapshot_post(snapshot, &o, 1, 0);
    }
    struct qbid_outcome again = outcome_of(QBID_EVENT_BID, 1, 1, START_NS);
    struct qbid_outcome fresh = outcome_of(QBID_EVENT_BID, 1, 4, START_NS);
    qbid_snapshot_post(snapshot, &again, 1, 0);
    qbid_snapshot_post(snapshot, &fresh, 1, 0);
    const uint64_t bids[] = {0, 2, 0, 1, 1};
    for (uint32_t site = 1; site <= 4; site++) {
        struct qbid_series_key key = {qbid_dim_pack(0, QBID_DIM_SITE, site), 1,
                                      QBID_SERIES_CONTEXT};
        assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_ALL, START_NS).bids,
                         bids[site]);
    }
    assert_int_equal(qbid_snapshot_evicted(snapshot), 1);
    qbid_snapshot_free(snapshot);
}

static void eviction_under_load_keeps_every_kept_series_whole(void **state)
{
    (void)state;
    enum { SITES = 400, KEPT = 50, POSTS = 40000 };
    struct qbid_snapshot *snapshot = snapshot_make(KEPT);
    uint64_t last_use[SITES + 1] = {0}, since[SITES + 1] = {0};
    uint64_t evictions = 0, live = 0;
    for (uint64_t n = 1; n <= POSTS; n++) {
        uint32_t site = 1 + (uint32_t)(qbid_roll(n, 9, 0) % SITES);
        struct qbid_outcome o = outcome_of(QBID_EVENT_BID, 1, site, START_NS);
        qbid_snapshot_post(snapshot, &o, 1, 0);
        if (since[site] == 0) {
            if (live == KEPT) { /* a model of least recent use, by a scan */
                uint32_t oldest = 0;
                for (uint32_t s = 1; s <= SITES; s++)
                    if (since[s] && (!oldest || last_use[s] < last_use[oldest]))
                        oldest = s;
                since[oldest] = 0;
                evictions++;
                live--;
            }
            live++;
        }
        since[site]++;
        last_use[site] = n;
    }
    for (uint32_t site = 1; site <= SITES; site++) {
        struct qbid_series_key key = {qbid_dim_pack(0, QBID_DIM_SITE, site), 1,
                                      QBID_SERIES_CONTEXT};
        assert_int_equal(qbid_snapshot_query(snapshot, key, QBID_WINDOW_ALL, START_NS).bids,
                         since[site]);
    }
    assert_int_equal(qbid_snapshot_evicted(snapshot), evictions);
    qbid_snapshot_free(snapshot);
}

struct visit {
    struct qbid_snapshot *copy;
    struct qbid_series_key last;
    unsigned cnt;
};

static int copy_one(void *context, struct qbid_series_key key, const struct qbid_stats *all)
{
    struct visit *visit = context;
    if (visit->cnt++)
        assert_true(visit->last.kind < key.kind ||
                    (visit->last.kind == key.kind &&
                     (visit->last.id < key.id ||
                      (visit->last.id == key.id && visit->last.context < key.context))));
    visit->last = key;
    return qbid_snapshot_restore(visit->copy, key, all);
}

static void totals_visited_in_order_come_back_by_restore(void **state)
{
    (void)state;
    struct qbid_snapshot *snapshot = snapshot_make(100);
    for (uint64_t n = 0; n < 1000; n++) {
        uint64_t r = qbid_roll(n, 3, 0);
        struct qbid_outcome o = outcome_of((int)(1 + r % 7), 1 + (uint32_t)(r >> 8) % 4,
                                           1 + (uint32_t)(r >> 16) % 6, START_NS);
        qbid_snapshot_post(snapshot, &o, 1, o.kind == QBID_EVENT_BILL ? 5 : 0);
    }
    struct visit visit = {.copy = snapshot_make(100)};
    assert_int_equal(qbid_snapshot_visit(snapshot, copy_one, &visit), 0);
    assert_int_equal(visit.cnt, 1 + 4 + 4 + 4 * 6);
    struct qbid_series_key key = {0, 1, QBID_SERIES_CAMPAIGN};
    struct qbid_stats a = qbid_snapshot_query(snapshot, key, QBID_WINDOW_ALL, START_NS);
    struct qbid_stats b = qbid_snapshot_query(visit.copy, key, QBID_WINDOW_ALL, START_NS);
    assert_memory_equal(&a, &b, sizeof a);
    print_message("a series takes %zu bytes\n", sizeof(struct qbid_series));
    qbid_snapshot_free(visit.copy);
    qbid_snapshot_free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_equal_a_recount_of_all_events),
        cmocka_unit_test(an_event_older_than_a_window_counts_in_the_longer_ones_only),
        cmocka_unit_test(a_quiet_window_empties_as_time_passes),
        cmocka_unit_test(the_least_recently_used_context_goes_first_and_is_counted),
        cmocka_unit_test(eviction_under_load_keeps_every_kept_series_whole),
        cmocka_unit_test(totals_visited_in_order_come_back_by_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
