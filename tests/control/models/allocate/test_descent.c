/* SPDX-License-Identifier: Apache-2.0 */
/* Projected gradient: Rosenbrock, separable and coupled problems against NLopt's SLSQP,
 * projections.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nlopt.h>

#include "control/models/allocate/curve.h"
#include "control/models/allocate/descent.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define N 12

static char why[QBID_DESCENT_WHY_MAX];
static double low[N], high[N];

static double rosenbrock(void *context, const double *x, double *gradient)
{
    (void)context;
    double a = 1 - x[0], b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * x[0] * b;
    gradient[1] = 200 * b;
    return a * a + 100 * b * b;
}

static void rosenbrock_is_solved(void **state)
{
    (void)state;
    double least[2] = {-2, -2}, most[2] = {2, 2}, x[2] = {-1.2, 1};
    struct qbid_descent end;
    struct qbid_descent_params p = {rosenbrock, NULL, least, most, 2, 0, 0, 1000, 1e-10};
    assert_int_equal(qbid_descent_run(&p, x, &end, why), 0);
    assert_true(end.converged && end.value < 1e-16);
    assert_true(fabs(x[0] - 1) < 1e-8 && fabs(x[1] - 1) < 1e-8);
    print_message("descent: Rosenbrock in %u steps, %u evaluations\n", end.steps, end.evaluations);
    most[0] = 0.5; /* bound: x1 = 0.25 */
    x[0] = -1.2, x[1] = 1;
    assert_int_equal(qbid_descent_run(&p, x, &end, why), 0);
    assert_true(fabs(x[0] - 0.5) < 1e-8 && fabs(x[1] - 0.25) < 1e-8);
}

/* Curves less what campaigns that share an audience take from each other. */
struct campaigns {
    struct qbid_curve curve[N];
    double shared[N][N];
};

static double loss(void *context, const double *x, double *gradient)
{
    const struct campaigns *c = context;
    double sum = 0;
    for (int i = 0; i < N; i++) {
        sum -= qbid_curve_value(&c->curve[i], x[i]);
        gradient[i] = -qbid_curve_marginal(&c->curve[i], x[i]);
        for (int j = 0; j < N; j++) {
            sum += 0.5 * c->shared[i][j] * x[i] * x[j];
            gradient[i] += c->shared[i][j] * x[j];
        }
    }
    return sum;
}

static double slsqp_loss(unsigned n, const double *x, double *gradient, void *context)
{
    (void)n;
    double none[N];
    return loss(context, x, gradient ? gradient : none);
}

static double slsqp_sum(unsigned n, const double *x, double *gradient, void *context)
{
    double sum = -*(double *)context;
    for (unsigned i = 0; i < n; i++) {
        sum += x[i];
        if (gradient)
            gradient[i] = 1;
    }
    return sum;
}

static double slsqp(struct campaigns *c, double total, double *x)
{
    nlopt_opt opt = nlopt_create(NLOPT_LD_SLSQP, N);
    double best = NAN;
    nlopt_set_lower_bounds(opt, low);
    nlopt_set_upper_bounds(opt, high);
    nlopt_set_min_objective(opt, slsqp_loss, c);
    nlopt_add_equality_constraint(opt, slsqp_sum, &total, 1e-12);
    nlopt_set_xtol_rel(opt, 1e-13);
    nlopt_set_maxeval(opt, 2000);
    nlopt_optimize(opt, x, &best);
    nlopt_destroy(opt);
    return best;
}

static struct campaigns campaigns_draw(struct rng *r, double coupling)
{
    struct campaigns c = {.shared = {{0}}};
    for (int i = 0; i < N; i++) {
        low[i] = 1 + 2 * rng_uniform(r), high[i] = 15 + 20 * rng_uniform(r);
        c.curve[i] = (struct qbid_curve){QBID_CURVE_POWER, rng_lognormal(r, 0, 0.5),
                                         0.5 + 0.4 * rng_uniform(r), 0};
        for (int j = 0; j < i; j++)
            c.shared[i][j] = c.shared[j][i] = coupling * rng_uniform(r);
        c.shared[i][i] = coupling * N; /* keeps it convex */
    }
    return c;
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    struct rng r = rng_init(1);
    struct campaigns c = campaigns_draw(&r, 0.001);
    for (int round = 0; round < 100; round++) {
        double x[N], gradient[N], none[N];
        for (int i = 0; i < N; i++)
            x[i] = low[i] + rng_uniform(&r) * (high[i] - low[i]);
        loss(&c, x, gradient);
        for (int i = 0; i < N; i++) {
            double keep = x[i], h = 1e-4;
            x[i] = keep + h;
            double up = loss(&c, x, none);
            x[i] = keep - h;
            double down = loss(&c, x, none);
            x[i] = keep;
            assert_true(fabs((up - down) / (2 * h) - gradient[i]) < 1e-6);
        }
    }
}

static void problems_equal_slsqp(void **state)
{
    (void)state;
    struct rng r = rng_init(2);
    double worst = 0;
    for (int round = 0; round < 100; round++) {
        struct campaigns c = campaigns_draw(&r, round < 50 ? 0 : 0.002);
        double x[N], y[N], sum = 0;
        struct qbid_descent end;
        for (int i = 0; i < N; i++)
            x[i] = y[i] = 10;
        struct qbid_descent_params p = {loss, &c, low, high, N, 1, 120, 3000, 1e-9};
        assert_int_equal(qbid_descent_run(&p, x, &end, why), 0);
        for (int i = 0; i < N; i++) {
            sum += x[i];
            assert_true(x[i] >= low[i] && x[i] <= high[i]);
        }
        assert_true(fabs(sum - 120) < 1e-9);
        double best = slsqp(&c, 120, y);
        worst = fmax(worst, end.value - best);
        assert_true(end.value - best < 1e-8 * fabs(best));
    }
    print_message("descent: against NLopt's SLSQP, 100 problems: at most %.2g above\n", worst);
}

static void projections_are_nearest(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    struct qbid_descent_params p = {
        .low = low, .high = high, .dims = N, .has_total = 1, .total = 7};
    for (int round = 0; round < 1000; round++) {
        double x[N], y[N], sum = 0;
        for (int i = 0; i < N; i++) {
            low[i] = rng_uniform(&r) * 0.5;
            high[i] = low[i] + rng_uniform(&r) * 3 + 0.2;
            sum += high[i];
            x[i] = y[i] = 3 * rng_normal(&r);
        }
        if (sum < 7)
            continue;
        sum = 0;
        qbid_descent_project(&p, x);
        double shift = NAN; /* inside coordinates moved alike; those at a bound at least as far */
        for (int i = 0; i < N; i++) {
            sum += x[i];
            if (x[i] > low[i] && x[i] < high[i])
                shift = y[i] - x[i];
        }
        assert_true(fabs(sum - 7) < 1e-12);
        for (int i = 0; i < N && !isnan(shift); i++)
            assert_true(fabs(fmin(fmax(y[i] - shift, low[i]), high[i]) - x[i]) < 1e-12);
    }
}

static void bad_params_are_named(void **state)
{
    (void)state;
    double x[2] = {0, 0}, least[2] = {0, 0}, most[2] = {1, 1};
    struct qbid_descent end;
    struct qbid_descent_params p = {rosenbrock, NULL, least, most, 2, 1, 3, 10, 1e-9};
    assert_int_equal(qbid_descent_run(&p, x, &end, why), QBID_ERR_LIMIT);
    assert_string_equal(why, "total is outside low and high");
    most[1] = -1;
    assert_int_equal(qbid_descent_run(&p, x, &end, why), QBID_ERR_INVAL);
    assert_string_equal(why, "low is above high or no number");
    p.dims = 0;
    assert_int_equal(qbid_descent_run(&p, x, &end, why), QBID_ERR_INVAL);
    assert_string_equal(why, "dims is not between 1 and 4096");
    p.dims = 1, p.tolerance = -1;
    assert_int_equal(qbid_descent_run(&p, x, &end, why), QBID_ERR_INVAL);
    assert_string_equal(why, "tolerance is negative");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rosenbrock_is_solved), cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(problems_equal_slsqp), cmocka_unit_test(projections_are_nearest),
        cmocka_unit_test(bad_params_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
