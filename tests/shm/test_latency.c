/* SPDX-License-Identifier: Apache-2.0 */
/* Latency histograms against sorted samples, and against memory that no writer would leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/hash.h"
#include "shm/latency.h"

#define SAMPLES 20000
#define TOP_NS (UINT64_C(1) << QBID_LATENCY_LG_TOP)

static struct qbid_latency *latency;
static struct qbid_latency_view view;
static uint64_t sample[2 * SAMPLES];

static int fresh(void **state)
{
    (void)state;
    latency = aligned_alloc(QBID_CACHE_LINE, sizeof *latency);
    if (!latency)
        return 1;
    memset(latency, 0, sizeof *latency);
    return 0;
}

static int done(void **state)
{
    (void)state;
    free(latency);
    return 0;
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* A value below 2^lg, each octave as likely as another. */
static uint64_t draw(uint64_t *random, unsigned lg)
{
    *random = qbid_mix64(*random + 1);
    return (*random >> 1) >> (63 - 1 - *random % lg);
}

/* What holds of any view, made of any memory. */
static void is_sound(const struct qbid_latency_view *v)
{
    uint64_t last = 0, below = 0;
    for (unsigned permille = 0; permille <= 1000; permille++) {
        uint64_t at = qbid_latency_quantile(v, permille);
        assert_true(at >= last && at <= v->max_ns);
        last = at;
    }
    assert_true(last == v->max_ns);
    for (unsigned lg = 0; lg <= QBID_LATENCY_LG_TOP; lg++) {
        uint64_t n = qbid_latency_below(v, lg);
        assert_true(n >= below && n <= v->count);
        below = n;
    }
    if (v->max_ns < TOP_NS)
        assert_true(below == v->count);
}

static void every_value_lies_in_its_bucket_and_buckets_leave_no_gap(void **state)
{
    (void)state;
    assert_int_equal(qbid_latency_low(0), 0);
    for (unsigned i = 0; i + 1 < QBID_LATENCY_BUCKETS; i++) {
        uint64_t low = qbid_latency_low(i), high = qbid_latency_high(i);
        assert_true(high + 1 == qbid_latency_low(i + 1));
        assert_int_equal(qbid_latency_index(low), i);
        assert_int_equal(qbid_latency_index(high), i);
        assert_int_equal(qbid_latency_index(low + (high - low) / 2), i);
        assert_true(i < 64 ? low == high : (high - low + 1) * 32 <= low);
    }
    const uint64_t outside[] = {TOP_NS, TOP_NS + 1, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_int_equal(qbid_latency_index(outside[i]), QBID_LATENCY_BUCKETS - 1);
    assert_true(qbid_latency_low(QBID_LATENCY_BUCKETS - 1) == TOP_NS);
    assert_true(qbid_latency_high(QBID_LATENCY_BUCKETS - 1) == UINT64_MAX);
}

/* sorted: the oracle. */
static void quantiles_are_those_of(const struct qbid_latency_view *v, const uint64_t *sorted,
                                   size_t n)
{
    for (unsigned permille = 0; permille <= 1000; permille++) {
        size_t rank = (n * permille + 999) / 1000;
        uint64_t exact = sorted[rank ? rank - 1 : 0], at = qbid_latency_quantile(v, permille);
        uint64_t off = at > exact ? at - exact : exact - at;
        if (exact >= TOP_NS)
            assert_true(at == v->max_ns);
        else
            assert_true(off * 64 <= exact);
        if (exact < 64)
            assert_true(off == 0);
    }
}

static void quantiles_are_within_a_64th_of_those_of_the_sorted_samples(void **state)
{
    uint64_t random = 7;
    (void)state;
    for (unsigned lg = 1; lg <= 36; lg++) {
        size_t n = lg % 7 == 0 ? 3 : SAMPLES / lg;
        memset(latency, 0, sizeof *latency);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            sample[i] = draw(&random, lg);
            sum += sample[i];
            qbid_latency_add(latency, sample[i], 1);
        }
        qsort(sample, n, sizeof *sample, ascending);
        qbid_latency_load(latency, &view);
        assert_int_equal(view.count, n);
        assert_true(view.sum_ns == sum);
        assert_true(view.max_ns == sample[n - 1]);
        quantiles_are_those_of(&view, sample, n);
        for (unsigned edge = 0; edge <= QBID_LATENCY_LG_TOP; edge++) {
            size_t below = 0;
            while (below < n && sample[below] < UINT64_C(1) << edge)
                below++;
            assert_int_equal(qbid_latency_below(&view, edge), below);
        }
        is_sound(&view);
    }
}

static void an_empty_histogram_has_only_zeros(void **state)
{
    (void)state;
    qbid_latency_load(latency, &view);
    assert_true(view.count == 0 && view.sum_ns == 0 && view.max_ns == 0);
    assert_int_equal(qbid_latency_quantile(&view, 500), 0);
    assert_int_equal(qbid_latency_quantile(&view, 1000), 0);
    is_sound(&view);
}

static void extreme_values_are_counted_and_bounded_by_the_greatest(void **state)
{
    (void)state;
    qbid_latency_add(latency, 0, 1);
    qbid_latency_add(latency, TOP_NS - 1, 1);
    qbid_latency_add(latency, TOP_NS, 1);
    qbid_latency_add(latency, TOP_NS * 8, 1);
    qbid_latency_load(latency, &view);
    assert_int_equal(view.count, 4);
    assert_int_equal(qbid_latency_quantile(&view, 0), 0);
    assert_true(qbid_latency_quantile(&view, 500) < TOP_NS);
    assert_true(qbid_latency_quantile(&view, 750) == TOP_NS * 8);
    assert_true(view.max_ns == TOP_NS * 8);
    assert_int_equal(qbid_latency_below(&view, QBID_LATENCY_LG_TOP), 2);
    qbid_latency_add(latency, UINT64_MAX, 1);
    qbid_latency_load(latency, &view);
    assert_true(view.max_ns == UINT64_MAX);
    is_sound(&view);
}

static void samples_added_together_count_each_with_an_even_share(void **state)
{
    (void)state;
    qbid_latency_add(latency, 1003, 8); /* 125 each, and 3 over */
    qbid_latency_add(latency, 50, 1);
    qbid_latency_load(latency, &view);
    assert_int_equal(view.count, 9);
    assert_int_equal(view.sum_ns, 1053);
    assert_int_equal(view.max_ns, 125);
    assert_int_equal(view.bucket[qbid_latency_index(125)], 8);
    assert_int_equal(qbid_latency_quantile(&view, 100), 50);
}

static void a_merge_is_the_view_of_all_samples(void **state)
{
    static struct qbid_latency *part[2];
    static struct qbid_latency_view of[2], empty;
    uint64_t random = 11;
    (void)state;
    for (unsigned p = 0; p < 2; p++) {
        part[p] = aligned_alloc(QBID_CACHE_LINE, sizeof *part[p]);
        memset(part[p], 0, sizeof *part[p]);
        for (size_t i = 0; i < SAMPLES; i++) {
            uint64_t ns = draw(&random, p ? 34 : 12);
            sample[p * SAMPLES + i] = ns;
            qbid_latency_add(part[p], ns, 1);
            qbid_latency_add(latency, ns, 1);
        }
        qbid_latency_load(part[p], &of[p]);
        free(part[p]);
    }
    qbid_latency_load(latency, &view);
    qbid_latency_merge(&of[0], &of[1]);
    assert_memory_equal(&of[0], &view, sizeof view);
    qbid_latency_merge(&of[0], &empty);
    assert_memory_equal(&of[0], &view, sizeof view);
    qbid_latency_merge(&empty, &of[0]);
    assert_memory_equal(&empty, &view, sizeof view);
    qsort(sample, SAMPLES + (size_t)SAMPLES, sizeof *sample, ascending);
    quantiles_are_those_of(&view, sample, SAMPLES + (size_t)SAMPLES);
}

static void impossible_memory_gives_sound_views(void **state)
{
    static struct qbid_latency_view merged;
    uint64_t random = 3;
    (void)state;
    /* counts that do not fit together, a sum and a greatest that contradict them */
    for (unsigned i = 0; i < QBID_LATENCY_BUCKETS; i++)
        latency->bucket[i] = UINT64_MAX - i;
    latency->max_ns = 5;
    latency->sum_ns = UINT64_MAX;
    qbid_latency_load(latency, &view);
    assert_true(view.count == UINT64_MAX && view.max_ns == TOP_NS);
    is_sound(&view);
    qbid_latency_merge(&merged, &view);
    qbid_latency_merge(&merged, &view);
    assert_true(merged.count == UINT64_MAX && merged.sum_ns == UINT64_MAX);
    is_sound(&merged);
    /* sums that do not fit are reached, not passed by */
    memset(latency, 0, sizeof *latency);
    latency->bucket[10] = latency->bucket[20] = latency->bucket[30] = UINT64_C(1) << 63;
    latency->max_ns = 30;
    qbid_latency_load(latency, &view);
    assert_int_equal(qbid_latency_quantile(&view, 400), 10);
    assert_int_equal(qbid_latency_quantile(&view, 999), 20);
    assert_int_equal(qbid_latency_quantile(&view, 1000), 30);
    /* a greatest that is too great, and a sum of nothing */
    memset(latency, 0, sizeof *latency);
    latency->max_ns = UINT64_MAX;
    latency->sum_ns = 1;
    qbid_latency_load(latency, &view);
    assert_true(view.count == 0 && view.sum_ns == 0 && view.max_ns == 0);
    latency->bucket[200] = 1;
    qbid_latency_load(latency, &view);
    assert_true(view.max_ns == qbid_latency_high(200));
    is_sound(&view);
    for (unsigned round = 0; round < 50; round++) {
        uint64_t *word = (void *)latency;
        for (size_t i = 0; i < sizeof *latency / sizeof *word; i++) {
            random = qbid_mix64(random + 1);
            word[i] = random % 8 ? 0 : random >> (random >> 3) % 64;
        }
        qbid_latency_load(latency, &view);
        is_sound(&view);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_in_its_bucket_and_buckets_leave_no_gap),
        cmocka_unit_test_setup_teardown(quantiles_are_within_a_64th_of_those_of_the_sorted_samples,
                                        fresh, done),
        cmocka_unit_test_setup_teardown(an_empty_histogram_has_only_zeros, fresh, done),
        cmocka_unit_test_setup_teardown(extreme_values_are_counted_and_bounded_by_the_greatest,
                                        fresh, done),
        cmocka_unit_test_setup_teardown(samples_added_together_count_each_with_an_even_share, fresh,
                                        done),
        cmocka_unit_test_setup_teardown(a_merge_is_the_view_of_all_samples, fresh, done),
        cmocka_unit_test_setup_teardown(impossible_memory_gives_sound_views, fresh, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
