/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of outcomes and generations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tools/replay/results/stats.h"

static void outcomes_go_to_their_counters_and_slice(void **state)
{
    struct qbid_replay_stats *stats = calloc(1, sizeof *stats);
    struct qbid_replay_row row = {.click = true};
    struct qbid_replay_answer answer = {.nbr = -1}, reason = {.nbr = 8}, odd = {.nbr = 4000};
    const struct qbid_replay_outcome win = {QBID_REPLAY_WIN, 0, 900, 700, 700};
    const struct qbid_replay_outcome below = {QBID_REPLAY_LOSS, 100, 100, 0, 200};
    const struct qbid_replay_outcome outbid = {QBID_REPLAY_LOSS, 102, 100, 0, 200};
    const struct qbid_replay_outcome invalid = {QBID_REPLAY_INVALID, 5, 0, 0, 200};
    const struct qbid_replay_outcome none = {.kind = QBID_REPLAY_NO_BID};
    (void)state;
    assert_non_null(stats);
    qbid_replay_stats_add_outcome(stats, 3, &row, &answer, &win);
    qbid_replay_stats_add_outcome(stats, 3, &row, &answer, &win);
    qbid_replay_stats_add_outcome(stats, 19, &row, &answer, &below);
    qbid_replay_stats_add_outcome(stats, 0, &row, &answer, &outbid);
    qbid_replay_stats_add_outcome(stats, 0, &row, &answer, &invalid);
    qbid_replay_stats_add_outcome(stats, 0, &row, &reason, &none);
    qbid_replay_stats_add_outcome(stats, 0, &row, &odd, &none);
    assert_int_equal(stats->bids, 4);
    assert_int_equal(stats->wins, 2);
    assert_int_equal(stats->below_floor, 1);
    assert_int_equal(stats->outbid, 1);
    assert_int_equal(stats->invalid, 1);
    assert_int_equal(stats->invalid_reasons[5], 1);
    assert_int_equal(stats->no_bid_200, 2);
    assert_int_equal(stats->nbr[8], 1);
    assert_int_equal(stats->nbr[QBID_REPLAY_STATS_NBR_MAX - 1], 1);
    assert_int_equal(stats->spend_nanos, 1400);
    assert_int_equal(stats->bid_sum_nanos, 2000);
    assert_int_equal(stats->clicks, 2);
    assert_int_equal(stats->slices[3].wins, 2);
    assert_int_equal(stats->slices[3].spend_nanos, 1400);
    assert_int_equal(stats->slices[3].clicks, 2);
    assert_int_equal(stats->slices[19].wins, 0);
    free(stats);
}

static void generations_count_changes_steps_back_and_distinct_ones(void **state)
{
    static const uint64_t seen[] = {7, 7, 8, 7, 8, 8, 10, 9, 10};
    struct qbid_replay_stats *stats = calloc(1, sizeof *stats);
    (void)state;
    assert_non_null(stats);
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        assert_int_equal(qbid_replay_stats_add_gen(&stats->generations, seen[i]), 0);
    assert_int_equal(stats->generations.answers, 9);
    assert_int_equal(stats->generations.distinct, 4);
    assert_int_equal(stats->generations.first, 7);
    assert_int_equal(stats->generations.last, 10);
    assert_int_equal(stats->generations.highest, 10);
    assert_int_equal(stats->generations.changes, 2);
    assert_int_equal(stats->generations.backward, 2);
    qbid_replay_stats_done(stats);
    free(stats);
}

static void thousands_of_generations_stay_distinct(void **state)
{
    struct qbid_replay_stats *stats = calloc(1, sizeof *stats);
    (void)state;
    assert_non_null(stats);
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t gen = 0; gen < 5000; gen++)
            assert_int_equal(qbid_replay_stats_add_gen(&stats->generations, gen * 64), 0);
    assert_int_equal(stats->generations.distinct, 5000);
    assert_int_equal(stats->generations.changes, 4999);
    assert_int_equal(stats->generations.backward, 4999);
    qbid_replay_stats_done(stats);
    free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_go_to_their_counters_and_slice),
        cmocka_unit_test(generations_count_changes_steps_back_and_distinct_ones),
        cmocka_unit_test(thousands_of_generations_stay_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
