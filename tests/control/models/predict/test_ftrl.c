/* SPDX-License-Identifier: Apache-2.0 */
/* FTRL-proximal against the paper's algorithm written down plainly, and against batch logistic
 * regression of liblinear on the same data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/predict/ftrl.h"
#include "shm/error.h"
#include "tests/control/models/learned_fixture.h"
#include "tests/control/models/rng.h"

#define VALUES 12
#define DIMS 4
#define FEATURES (DIMS + 1)
#define TRAIN 20000
#define TEST 20000
#define LG 16
#define TURNS 16

/* --- the data of tests/oracle/learned.py, from the same words */

static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t i)
{
    return (double)(mix(i) >> 11) * 0x1p-53;
}

struct example {
    uint32_t value[DIMS];
    int good;
};

static struct example *examples(void)
{
    static struct example all[TRAIN + TEST];
    unsigned good = 0;
    for (uint64_t i = 0; i < TRAIN + TEST; i++) {
        double odds = -2.5, effects = 0;
        for (unsigned d = 0; d < DIMS; d++) {
            all[i].value[d] = (uint32_t)(mix(1000003 * i + d + 1) % VALUES);
            effects += 1.6 * (uniform(UINT64_C(7000000000) + 100 * d + all[i].value[d]) - 0.5);
        }
        all[i].good = uniform(UINT64_C(9000000000) + i) < 1 / (1 + exp(-(odds + effects)));
        good += (unsigned)all[i].good;
    }
    assert_int_equal(good, REGRESSION_SUCCESSES);
    return all;
}

static void slots_of(const struct qbid_ftrl *f, const struct example *e, uint32_t slot[FEATURES])
{
    for (unsigned d = 0; d < DIMS; d++)
        slot[d] = qbid_ftrl_hash(f, d, e->value[d]);
    slot[DIMS] = qbid_ftrl_hash(f, DIMS, 0);
}

static struct qbid_ftrl make(double l1, double l2)
{
    struct qbid_ftrl f;
    struct qbid_ftrl_params params = {.alpha = 0.1, .beta = 1, .l1 = l1, .l2 = l2};
    assert_int_equal(qbid_ftrl_init(&f, &params, LG), 0);
    return f;
}

static double loss_of(double p, int good)
{
    return good ? -log(p) : -log1p(-p);
}

/* --- the paper's algorithm 1, one feature one variable, one trial one step, nothing hashed */

struct plain {
    double z[FEATURES][VALUES], n[FEATURES][VALUES];
};

static double plain_weight(const struct plain *m, unsigned d, unsigned v, double l1, double l2)
{
    double z = m->z[d][v], sign = z < 0 ? -1 : 1;
    if (fabs(z) <= l1)
        return 0;
    return -1 / ((1 + sqrt(m->n[d][v])) / 0.1 + l2) * (z - sign * l1);
}

static double plain_learn(struct plain *m, const struct example *e, double l1, double l2)
{
    double odds = 0, w[FEATURES];
    for (unsigned d = 0; d < FEATURES; d++) {
        w[d] = plain_weight(m, d, d < DIMS ? e->value[d] : 0, l1, l2);
        odds += w[d];
    }
    double p = 1 / (1 + exp(-odds)), g = p - e->good;
    for (unsigned d = 0; d < FEATURES; d++) {
        double *z = &m->z[d][d < DIMS ? e->value[d] : 0], *n = &m->n[d][d < DIMS ? e->value[d] : 0];
        double sigma = 1 / 0.1 * (sqrt(*n + g * g) - sqrt(*n));
        *z += g - sigma * w[d];
        *n += g * g;
    }
    return p;
}

static void single_trials_follow_the_paper(void **state)
{
    (void)state;
    const struct example *e = examples();
    const double l1[] = {0, 1, 3}, l2[] = {0, 1, 10};
    for (unsigned c = 0; c < 3; c++) {
        static struct plain plain;
        memset(&plain, 0, sizeof plain);
        struct qbid_ftrl f = make(l1[c], l2[c]);
        double worst = 0;
        for (unsigned i = 0; i < TRAIN; i++) {
            uint32_t slot[FEATURES];
            slots_of(&f, &e[i], slot);
            double ours = qbid_ftrl_learn(&f, slot, FEATURES, 1, e[i].good);
            worst = fmax(worst, fabs(ours - plain_learn(&plain, &e[i], l1[c], l2[c])));
        }
        assert_true(worst < 1e-12);
        qbid_ftrl_done(&f);
    }
}

/* Several passes, the ridge of each being the batch's: the optimum of the sum is the batch's. */
static void it_ends_where_batch_regression_does(void **state)
{
    (void)state;
    const struct example *e = examples();
    const unsigned passes = 20;
    struct qbid_ftrl f = make(0, REGRESSION_L2 * passes);
    double train = 0, test = 0, ahead = 0;
    uint32_t slot[FEATURES];
    for (unsigned pass = 0; pass < passes; pass++) {
        for (unsigned i = 0; i < TRAIN; i++) {
            slots_of(&f, &e[i], slot);
            qbid_ftrl_learn(&f, slot, FEATURES, 1, e[i].good);
        }
    }
    struct qbid_ftrl online = make(0, REGRESSION_L2);
    for (unsigned i = 0; i < TRAIN; i++) {
        slots_of(&online, &e[i], slot);
        ahead += loss_of(qbid_ftrl_learn(&online, slot, FEATURES, 1, e[i].good), e[i].good) / TRAIN;
    }
    qbid_ftrl_done(&online);
    for (unsigned i = 0; i < TRAIN + TEST; i++) {
        slots_of(&f, &e[i], slot);
        double loss = loss_of(qbid_ftrl_predict(&f, slot, FEATURES), e[i].good);
        *(i < TRAIN ? &train : &test) += loss / TRAIN;
    }
    print_message("ftrl: log-loss %.6f, liblinear %.6f (%+.4f %%), one-step-ahead %.6f\n", test,
                  REGRESSION_TEST_LOSS, 100 * (test / REGRESSION_TEST_LOSS - 1), ahead);
    assert_true(fabs(test / REGRESSION_TEST_LOSS - 1) < 0.002);
    assert_true(fabs(train / REGRESSION_TRAIN_LOSS - 1) < 0.002);
    assert_true(ahead < REGRESSION_TRAIN_LOSS * 1.04); /* regret of the first pass */
    qbid_ftrl_done(&f);
}

/* 12 x 12 x 12 x 12 kinds are too many to meet twice: two dimensions only. */
static void trials_in_bulk_teach_what_single_ones_do(void **state)
{
    (void)state;
    const struct example *e = examples();
    double trials[VALUES][VALUES] = {{0}}, good[VALUES][VALUES] = {{0}};
    struct qbid_ftrl one = make(0, 1), bulk = make(0, 1);
    for (unsigned i = 0; i < TRAIN + TEST; i++) {
        uint32_t slot[2] = {qbid_ftrl_hash(&one, 0, e[i].value[0]),
                            qbid_ftrl_hash(&one, 1, e[i].value[1])};
        qbid_ftrl_learn(&one, slot, 2, 1, e[i].good);
        trials[e[i].value[0]][e[i].value[1]]++;
        good[e[i].value[0]][e[i].value[1]] += e[i].good;
    }
    /* kind after kind in turns: all of one at once would forget the one before */
    for (unsigned turn = 0; turn < TURNS; turn++)
        for (uint32_t a = 0; a < VALUES; a++)
            for (uint32_t b = 0; b < VALUES; b++) {
                uint32_t slot[2] = {qbid_ftrl_hash(&bulk, 0, a), qbid_ftrl_hash(&bulk, 1, b)};
                qbid_ftrl_learn(&bulk, slot, 2, trials[a][b] / TURNS, good[a][b] / TURNS);
            }
    double loss[2] = {0};
    for (uint32_t a = 0; a < VALUES; a++)
        for (uint32_t b = 0; b < VALUES; b++) {
            uint32_t slot[2] = {qbid_ftrl_hash(&one, 0, a), qbid_ftrl_hash(&one, 1, b)};
            for (unsigned m = 0; m < 2; m++) {
                double p = qbid_ftrl_predict(m ? &bulk : &one, slot, 2);
                loss[m] += good[a][b] * loss_of(p, 1) + (trials[a][b] - good[a][b]) * loss_of(p, 0);
            }
        }
    assert_true(fabs(loss[1] / loss[0] - 1) < 0.01);
    qbid_ftrl_done(&one);
    qbid_ftrl_done(&bulk);
}

static void a_step_never_overshoots(void **state)
{
    (void)state;
    const double rate[] = {0.0001, 0.01, 0.5, 0.99, 0, 1};
    for (unsigned i = 0; i < 6; i++) {
        struct qbid_ftrl f = make(0, 0);
        uint32_t slot[1] = {qbid_ftrl_hash(&f, 1, 2)};
        for (unsigned round = 0; round < 20; round++) {
            qbid_ftrl_learn(&f, slot, 1, 1e6, 1e6 * rate[i]);
            double p = qbid_ftrl_predict(&f, slot, 1);
            assert_true(isfinite(p) && p > 0 && p < 1);
        }
        double p = qbid_ftrl_predict(&f, slot, 1);
        assert_true(fabs(p - rate[i]) < 0.01 * rate[i] + 1e-4);
        qbid_ftrl_done(&f);
    }
}

/* Clicks that come after their impressions were learned as without. */
static void late_successes_end_at_the_same_rate(void **state)
{
    (void)state;
    struct qbid_ftrl f = make(0, 0);
    uint32_t slot[1] = {qbid_ftrl_hash(&f, 1, 2)};
    for (unsigned round = 0; round < 4000; round++) {
        qbid_ftrl_learn(&f, slot, 1, 100, 0);
        qbid_ftrl_learn(&f, slot, 1, 0, 3);
    }
    assert_true(fabs(qbid_ftrl_predict(&f, slot, 1) / 0.03 - 1) < 0.05);
    qbid_ftrl_done(&f);
}

static void nonsense_teaches_nothing(void **state)
{
    (void)state;
    struct qbid_ftrl f = make(0, 0);
    uint32_t slot[1] = {3};
    const double bad[][2] = {{-1, 0}, {NAN, 0}, {10, -1}, {10, NAN}, {INFINITY, 1}, {0, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        qbid_ftrl_learn(&f, slot, 1, bad[i][0], bad[i][1]);
    assert_true(f.slot[3].n == 0 && f.slot[3].z == 0);
    qbid_ftrl_done(&f);
    struct qbid_ftrl_params params = {.alpha = 0, .beta = 1};
    assert_int_equal(qbid_ftrl_init(&f, &params, LG), QBID_ERR_INVAL);
    params.alpha = 0.1;
    params.l1 = -1;
    assert_int_equal(qbid_ftrl_init(&f, &params, LG), QBID_ERR_INVAL);
    params.l1 = 0;
    assert_int_equal(qbid_ftrl_init(&f, &params, 40), QBID_ERR_INVAL);
}

static void a_restored_model_is_the_same_and_learns_on_alike(void **state)
{
    (void)state;
    const struct example *e = examples();
    struct qbid_ftrl a = make(0.5, 1), b = make(0.5, 1);
    uint32_t slot[FEATURES], cnt;
    for (unsigned i = 0; i < 5000; i++) {
        slots_of(&a, &e[i], slot);
        qbid_ftrl_learn(&a, slot, FEATURES, 1, e[i].good);
    }
    unsigned saved = 0;
    for (uint32_t k = 0; k < qbid_ftrl_block_cnt(&a); k++) {
        const struct qbid_ftrl_slot *block = qbid_ftrl_block(&a, k, &cnt);
        if (!a.dirty[k])
            continue;
        assert_int_equal(qbid_ftrl_block_restore(&b, k, block, cnt), 0);
        saved++;
    }
    assert_true(saved > 0);
    for (unsigned i = 5000; i < 10000; i++) {
        slots_of(&a, &e[i], slot);
        double p = qbid_ftrl_learn(&a, slot, FEATURES, 1, e[i].good);
        assert_true(p == qbid_ftrl_learn(&b, slot, FEATURES, 1, e[i].good));
    }
    assert_memory_equal(a.slot, b.slot, sizeof *a.slot << LG);
    assert_int_equal(qbid_ftrl_block_restore(&b, qbid_ftrl_block_cnt(&b), b.slot, cnt),
                     QBID_ERR_INVAL);
    assert_int_equal(qbid_ftrl_block_restore(&b, 0, b.slot, cnt - 1), QBID_ERR_INVAL);
    qbid_ftrl_done(&a);
    qbid_ftrl_done(&b);
}

static void l1_leaves_rare_features_without_weight(void **state)
{
    (void)state;
    const struct example *e = examples();
    unsigned used[2] = {0};
    for (unsigned sparse = 0; sparse < 2; sparse++) {
        struct qbid_ftrl f = make(sparse ? 2 : 0, 1);
        for (unsigned i = 0; i < TRAIN; i++) {
            uint32_t slot[2] = {qbid_ftrl_hash(&f, 0, 0), qbid_ftrl_hash(&f, 9, mix(i) % 5000)};
            qbid_ftrl_learn(&f, slot, 2, 1, e[i].good);
        }
        for (uint64_t v = 0; v < 5000; v++) {
            uint32_t rare = qbid_ftrl_hash(&f, 9, v);
            used[sparse] += fabs(qbid_ftrl_predict(&f, &rare, 1) - 0.5) > 1e-12;
        }
        qbid_ftrl_done(&f);
    }
    assert_true(used[0] > 4800 && used[1] < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_trials_follow_the_paper),
        cmocka_unit_test(it_ends_where_batch_regression_does),
        cmocka_unit_test(trials_in_bulk_teach_what_single_ones_do),
        cmocka_unit_test(a_step_never_overshoots),
        cmocka_unit_test(late_successes_end_at_the_same_rate),
        cmocka_unit_test(nonsense_teaches_nothing),
        cmocka_unit_test(a_restored_model_is_the_same_and_learns_on_alike),
        cmocka_unit_test(l1_leaves_rare_features_without_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
