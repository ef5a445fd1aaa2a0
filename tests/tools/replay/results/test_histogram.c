/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of the histogram against sorting. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tools/replay/results/histogram.h"

enum { SAMPLE = 20000 };

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t next_word(uint64_t *word)
{
    *word ^= *word << 13;
    *word ^= *word >> 7;
    *word ^= *word << 17;
    return *word;
}

static void quantiles_are_within_a_128th_of_sorting(void **state)
{
    static const double quantiles[] = {0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    static uint64_t values[SAMPLE];
    uint64_t word = 7;
    (void)state;
    /* spread is the number of powers of two that the sample covers */
    for (unsigned spread = 1; spread <= 39; spread++) {
        struct qbid_replay_histogram *histogram = calloc(1, sizeof *histogram);
        assert_non_null(histogram);
        for (int i = 0; i < SAMPLE; i++) {
            unsigned power = (unsigned)(next_word(&word) % spread);
            values[i] = next_word(&word) & ((UINT64_C(2) << power) - 1);
            qbid_replay_histogram_add(histogram, values[i]);
        }
        qsort(values, SAMPLE, sizeof values[0], compare);
        assert_int_equal(histogram->total_cnt, SAMPLE);
        assert_int_equal(histogram->max_ns, values[SAMPLE - 1]);
        for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
            size_t rank = (size_t)ceil(quantiles[i] * SAMPLE);
            uint64_t exact = values[rank ? rank - 1 : 0];
            uint64_t found = qbid_replay_histogram_query(histogram, quantiles[i]);
            assert_true(found >= exact);
            assert_true((double)found <= (double)exact * (1 + 1.0 / 128));
            assert_true(found <= values[SAMPLE - 1]);
        }
        free(histogram);
    }
}

static void every_power_of_two_and_its_neighbours_stay_within_the_bound(void **state)
{
    (void)state;
    for (unsigned power = 1; power < 40; power++) {
        for (int step = -1; step <= 1; step++) {
            struct qbid_replay_histogram *histogram = calloc(1, sizeof *histogram);
            assert_non_null(histogram);
            uint64_t value = (UINT64_C(1) << power) + (uint64_t)step;
            qbid_replay_histogram_add(histogram, value);
            qbid_replay_histogram_add(histogram, UINT64_C(1) << 39); /* lifts the maximum */
            uint64_t found = qbid_replay_histogram_query(histogram, 0.5);
            assert_true(found >= value && found - value <= value / 128);
            free(histogram);
        }
    }
}

static void an_empty_histogram_answers_zero(void **state)
{
    struct qbid_replay_histogram *histogram = calloc(1, sizeof *histogram);
    (void)state;
    assert_non_null(histogram);
    assert_int_equal(qbid_replay_histogram_query(histogram, 0.5), 0);
    free(histogram);
}

static void times_above_the_top_keep_their_maximum(void **state)
{
    struct qbid_replay_histogram *histogram = calloc(1, sizeof *histogram);
    (void)state;
    assert_non_null(histogram);
    qbid_replay_histogram_add(histogram, 5);
    qbid_replay_histogram_add(histogram, UINT64_MAX);
    assert_int_equal(qbid_replay_histogram_query(histogram, 0.5), 5);
    assert_true(qbid_replay_histogram_query(histogram, 1) == UINT64_MAX);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_a_128th_of_sorting),
        cmocka_unit_test(every_power_of_two_and_its_neighbours_stay_within_the_bound),
        cmocka_unit_test(an_empty_histogram_answers_zero),
        cmocka_unit_test(times_above_the_top_keep_their_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
