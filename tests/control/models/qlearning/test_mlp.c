/* SPDX-License-Identifier: Apache-2.0 */
/* The perceptron against central differences, a second forward pass, Adam by hand, damaged saves.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/qlearning/mlp.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define IN 6
#define OUT 7

/* Forward written anew, neuron by neuron, in long double. */
static void forward_plain(const struct qbid_mlp *mlp, const double *in, double *out)
{
    long double x[QBID_MLP_WIDTH_MAX], y[QBID_MLP_WIDTH_MAX];
    const double *w = mlp->weight;
    for (uint32_t i = 0; i < mlp->width[0]; i++)
        x[i] = (long double)in[i];
    for (int l = 0; l < QBID_MLP_LAYERS; l++) {
        uint32_t ins = mlp->width[l], outs = mlp->width[l + 1];
        for (uint32_t j = 0; j < outs; j++) {
            y[j] = (long double)w[ins * outs + j];
            for (uint32_t i = 0; i < ins; i++)
                y[j] += x[i] * (long double)w[i * outs + j];
            if (l + 1 < QBID_MLP_LAYERS && y[j] < 0)
                y[j] = 0;
        }
        memcpy(x, y, sizeof x);
        w += (ins + 1) * outs;
    }
    for (uint32_t j = 0; j < mlp->width[QBID_MLP_LAYERS]; j++)
        out[j] = (double)x[j];
}

/* Huber loss of the outputs against targets. */
static double loss_of(const struct qbid_mlp *mlp, const double *in, const double *target,
                      double *slope)
{
    struct qbid_mlp_trace trace;
    const double *out = qbid_mlp_forward(mlp, in, &trace);
    double sum = 0;
    for (int j = 0; j < OUT; j++)
        sum += qbid_mlp_huber(out[j] - target[j], &slope[j]);
    return sum;
}

static void example_draw(struct rng *r, double in[IN], double target[OUT])
{
    for (int i = 0; i < IN; i++)
        in[i] = rng_normal(r);
    for (int j = 0; j < OUT; j++)
        target[j] = 2 * rng_normal(r);
}

static void biases_draw(struct qbid_mlp *mlp, struct rng *r)
{
    for (uint32_t i = 0; i < mlp->weight_cnt; i++)
        mlp->weight[i] += 0.05 * rng_normal(r);
}

static void gradients_agree_with_central_differences(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    double worst = 0, in[IN], target[OUT], slope[OUT], side[OUT];
    int checked = 0, kinks = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct qbid_mlp mlp;
        struct qbid_mlp_trace trace;
        assert_int_equal(qbid_mlp_init(&mlp, IN, OUT, seed), 0);
        biases_draw(&mlp, &r);
        example_draw(&r, in, target);
        loss_of(&mlp, in, target, slope);
        qbid_mlp_forward(&mlp, in, &trace);
        qbid_mlp_backward(&mlp, &trace, slope);
        double difference = 0, size = 0;
        for (uint32_t i = 0; i < mlp.weight_cnt; i++) {
            const double h = 1e-5;
            double keep = mlp.weight[i];
            mlp.weight[i] = keep + h;
            double above = loss_of(&mlp, in, target, side);
            mlp.weight[i] = keep - h;
            double below = loss_of(&mlp, in, target, side);
            mlp.weight[i] = keep;
            double middle = loss_of(&mlp, in, target, side);
            if (fabs(above + below - 2 * middle) > 1e-7) { /* a unit switches within the step */
                kinks++;
                continue;
            }
            double numeric = (above - below) / (2 * h);
            difference += pow(numeric - mlp.gradient[i], 2);
            size += pow(fabs(numeric) + fabs(mlp.gradient[i]), 2);
            checked++;
        }
        worst = fmax(worst, sqrt(difference / size));
        qbid_mlp_done(&mlp);
    }
    print_message("gradient: relative error %.2g over %d weights, %d at a kink\n", worst, checked,
                  kinks);
    assert_true(worst < 1e-6);
    assert_true(kinks <= checked / 100);
}

static void forward_agrees_with_a_plain_one(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    struct qbid_mlp mlp;
    struct qbid_mlp_trace trace;
    double in[IN], target[OUT], plain[OUT];
    assert_int_equal(qbid_mlp_init(&mlp, IN, OUT, 9), 0);
    biases_draw(&mlp, &r);
    for (int n = 0; n < 200; n++) {
        example_draw(&r, in, target);
        const double *out = qbid_mlp_forward(&mlp, in, &trace);
        forward_plain(&mlp, in, plain);
        for (int j = 0; j < OUT; j++)
            assert_true(fabs(out[j] - plain[j]) < 1e-12 * (1 + fabs(plain[j])));
    }
    in[2] = NAN; /* no unit may swallow it */
    const double *out = qbid_mlp_forward(&mlp, in, &trace);
    for (int j = 0; j < OUT; j++)
        assert_true(isnan(out[j]));
    qbid_mlp_done(&mlp);
}

static void adam_takes_the_steps_of_the_paper(void **state)
{
    (void)state;
    struct qbid_mlp mlp;
    assert_int_equal(qbid_mlp_init(&mlp, 1, 1, 3), 0);
    const double g[] = {0.5, -0.25, 1};
    double m = 0, v = 0, w = mlp.weight[0];
    for (int t = 1; t <= 3; t++) {
        mlp.gradient[0] = 4 * g[t - 1];
        assert_int_equal(qbid_mlp_step(&mlp, 0.01, 0.25, 1e9), 0);
        m = 0.9 * m + 0.1 * g[t - 1];
        v = 0.999 * v + 0.001 * g[t - 1] * g[t - 1];
        w -= 0.01 * (m / (1 - pow(0.9, t))) / (sqrt(v / (1 - pow(0.999, t))) + 1e-8);
        assert_true(fabs(mlp.weight[0] - w) < 1e-14);
        assert_true(mlp.gradient[0] == 0);
    }
    mlp.gradient[0] = 30; /* 3, 4 scaled: length 5, cut to 1 */
    mlp.gradient[1] = 40;
    double before = mlp.mean[0];
    assert_int_equal(qbid_mlp_step(&mlp, 0, 0.1, 1), 0);
    assert_true(fabs(mlp.mean[0] - (0.9 * before + 0.1 * 0.6)) < 1e-14);
    double keep = mlp.weight[1];
    mlp.gradient[0] = NAN;
    assert_int_equal(qbid_mlp_step(&mlp, 0.1, 1, 1), QBID_ERR_INVAL);
    assert_true(mlp.weight[1] == keep && mlp.gradient[0] == 0);
    qbid_mlp_done(&mlp);
}

static void huber_is_quadratic_within_one(void **state)
{
    (void)state;
    double slope;
    assert_true(qbid_mlp_huber(0.5, &slope) == 0.125 && slope == 0.5);
    assert_true(qbid_mlp_huber(-3, &slope) == 2.5 && slope == -1);
    assert_true(qbid_mlp_huber(1, &slope) == 0.5 && slope == 1);
}

/* A curved target in six numbers. */
static double curve(const double *in, int j)
{
    return sin(in[0] + 0.3 * j) + 0.5 * in[1] * in[2] - 0.2 * fabs(in[3]);
}

static double fit(struct qbid_mlp *mlp, uint64_t seed, int steps)
{
    struct rng r = rng_init(seed);
    double in[IN], target[OUT], slope[OUT], late = 0;
    for (int step = 0; step < steps; step++) {
        for (int n = 0; n < 32; n++) {
            struct qbid_mlp_trace trace;
            example_draw(&r, in, target);
            for (int j = 0; j < OUT; j++)
                target[j] = curve(in, j);
            double loss = loss_of(mlp, in, target, slope);
            late += step >= steps - 100 ? loss / (100 * 32 * OUT) : 0;
            qbid_mlp_forward(mlp, in, &trace);
            qbid_mlp_backward(mlp, &trace, slope);
        }
        assert_int_equal(qbid_mlp_step(mlp, 1e-3, 1.0 / 32, 10), 0);
    }
    return late;
}

static void it_learns_a_curved_target_alike_by_seed(void **state)
{
    (void)state;
    struct qbid_mlp mlp, again, other;
    assert_int_equal(qbid_mlp_init(&mlp, IN, OUT, 4), 0);
    double loss = fit(&mlp, 5, 1500);
    print_message("curved target: loss %.4f (variance 0.9)\n", loss);
    assert_true(loss < 0.02);
    qbid_mlp_done(&mlp);
    assert_int_equal(qbid_mlp_init(&mlp, IN, OUT, 4), 0);
    assert_int_equal(qbid_mlp_init(&again, IN, OUT, 4), 0);
    assert_int_equal(qbid_mlp_init(&other, IN, OUT, 5), 0);
    fit(&mlp, 5, 150);
    fit(&again, 5, 150);
    assert_memory_equal(mlp.weight, again.weight, mlp.weight_cnt * sizeof(double));
    assert_memory_not_equal(mlp.weight, other.weight, 64);
    qbid_mlp_copy(&other, &mlp);
    assert_memory_equal(mlp.weight, other.weight, mlp.weight_cnt * sizeof(double));
    qbid_mlp_done(&mlp);
    qbid_mlp_done(&again);
    qbid_mlp_done(&other);
}

static void a_saved_net_comes_back_and_a_damaged_one_does_not(void **state)
{
    (void)state;
    struct qbid_mlp mlp, back;
    assert_int_equal(qbid_mlp_init(&mlp, IN, OUT, 6), 0);
    uint32_t bytes = qbid_mlp_save_bytes(&mlp);
    unsigned char *saved = malloc(bytes);
    assert_non_null(saved);
    qbid_mlp_save(&mlp, saved);
    assert_int_equal(qbid_mlp_restore(&back, saved, bytes), 0);
    assert_memory_equal(mlp.weight, back.weight, mlp.weight_cnt * sizeof(double));
    qbid_mlp_done(&back);
    for (uint32_t cut = 0; cut < bytes; cut += cut < 64 ? 1 : 997)
        assert_true(qbid_mlp_restore(&back, saved, cut) < 0);
    for (uint32_t bit = 0; bit < 8 * bytes; bit += bit < 512 ? 1 : 131) {
        saved[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(qbid_mlp_restore(&back, saved, bytes) < 0);
        saved[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    mlp.weight[77] = NAN;
    qbid_mlp_save(&mlp, saved);
    assert_int_equal(qbid_mlp_restore(&back, saved, bytes), QBID_ERR_CORRUPT);
    assert_int_equal(qbid_mlp_init(&back, 0, OUT, 1), QBID_ERR_INVAL);
    assert_int_equal(qbid_mlp_init(&back, IN, QBID_MLP_WIDTH_MAX + 1, 1), QBID_ERR_INVAL);
    free(saved);
    qbid_mlp_done(&mlp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_agree_with_central_differences),
        cmocka_unit_test(forward_agrees_with_a_plain_one),
        cmocka_unit_test(adam_takes_the_steps_of_the_paper),
        cmocka_unit_test(huber_is_quadratic_within_one),
        cmocka_unit_test(it_learns_a_curved_target_alike_by_seed),
        cmocka_unit_test(a_saved_net_comes_back_and_a_damaged_one_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
