/* SPDX-License-Identifier: Apache-2.0 */
/* Whole micros: exact sums, boxes kept, and the same answer as sorting the remainders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/models/allocate/shares.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define N 400

static struct qbid_share shares[N];
static double scratch[N];

struct rest {
    double rest;
    int idx;
};

static int rest_compare(const void *a, const void *b)
{
    const struct rest *x = a, *y = b;
    return x->rest != y->rest ? (x->rest < y->rest ? 1 : -1) : x->idx - y->idx;
}

/* Sort the remainders, give one each from the top. */
static void oracle(int cnt, int64_t total, int64_t *ret)
{
    struct rest rests[N];
    int64_t sum = 0;
    for (int i = 0; i < cnt; i++) {
        ret[i] = (int64_t)floor(shares[i].wanted);
        rests[i] = (struct rest){shares[i].wanted - (double)ret[i], i};
        sum += ret[i];
    }
    qsort(rests, (size_t)cnt, sizeof rests[0], rest_compare);
    for (int i = 0; i < total - sum; i++)
        ret[rests[i].idx]++;
}

static void largest_remainders_get_the_rest(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    for (int round = 0; round < 2000; round++) {
        int cnt = 1 + (int)rng_below(&r, N);
        int64_t want[N];
        double sum = 0;
        for (int i = 0; i < cnt; i++) {
            double coarse = round % 2 ? 4 : 1e6; /* quarters make ties */
            double wanted = floor(1e3 * rng_uniform(&r) * coarse) / coarse;
            shares[i] = (struct qbid_share){wanted, 0, INT64_MAX, 0};
            sum += wanted;
        }
        int64_t total = (int64_t)floor(sum);
        oracle(cnt, total, want);
        assert_int_equal(qbid_shares_round(shares, (uint32_t)cnt, total, scratch), 0);
        for (int i = 0; i < cnt; i++)
            assert_int_equal(shares[i].micros, want[i]);
    }
}

static void any_total_inside_the_boxes_is_met(void **state)
{
    (void)state;
    struct rng r = rng_init(4);
    for (int round = 0; round < 2000; round++) {
        uint32_t cnt = 1 + rng_below(&r, N);
        int64_t least = 0, most = 0, sum = 0;
        for (uint32_t i = 0; i < cnt; i++) {
            int64_t low = rng_below(&r, 1000), high = low + rng_below(&r, round % 3 ? 1000 : 2);
            shares[i] = (struct qbid_share){2000 * rng_uniform(&r), low, high, 0};
            least += low;
            most += high;
        }
        int64_t total = least + (int64_t)(rng_uniform(&r) * (double)(most - least + 1));
        assert_int_equal(qbid_shares_round(shares, cnt, total, scratch), 0);
        for (uint32_t i = 0; i < cnt; i++) {
            assert_in_range(shares[i].micros, shares[i].least, shares[i].most);
            sum += shares[i].micros;
        }
        assert_int_equal(sum, total);
        assert_int_equal(qbid_shares_round(shares, cnt, most + 1, scratch), QBID_ERR_INVAL);
        assert_int_equal(qbid_shares_round(shares, cnt, least - 1, scratch), QBID_ERR_INVAL);
    }
}

static void large_sums_are_exact(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++)
        shares[i] = (struct qbid_share){1e15 / 3, 0, INT64_MAX, 0};
    int64_t total = INT64_C(133333333333333333), sum = 0;
    assert_int_equal(qbid_shares_round(shares, N, total, scratch), 0);
    for (int i = 0; i < N; i++)
        sum += shares[i].micros;
    assert_true(sum == total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_remainders_get_the_rest),
        cmocka_unit_test(any_total_inside_the_boxes_is_met),
        cmocka_unit_test(large_sums_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
