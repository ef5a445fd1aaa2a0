/* SPDX-License-Identifier: Apache-2.0 */
/* Budget allocation: water-filling, the design notes' ascent, NLopt's SLSQP and MMA. */
#include "bench/control/allocate_ways.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <nlopt.h>

#include "control/models/allocate/allocation.h"
#include "control/models/random.h"
#include "tests/control/models/allocate/notes.h"

#define EQUAL 100.0 /* units a campaign */

struct bench_allocate {
    struct qbid_allocation allocation;
    struct qbid_curve *curves;
    double *least, *most, *spend;
    double budget;
};

struct bench_allocate *bench_allocate_new(uint32_t cnt, int own, uint32_t platforms)
{
    struct bench_allocate *world = calloc(1, sizeof *world);
    struct qbid_random random = qbid_random_init(4);
    struct qbid_allocation *a = &world->allocation;
    *a = (struct qbid_allocation){.item_cnt = cnt, .group_cnt = platforms};
    a->items = calloc(cnt, sizeof *a->items);
    a->groups = platforms ? calloc(platforms, sizeof *a->groups) : NULL;
    world->curves = calloc(cnt, sizeof *world->curves);
    world->least = calloc(cnt, sizeof *world->least);
    world->most = calloc(cnt, sizeof *world->most);
    world->spend = calloc(cnt, sizeof *world->spend);
    world->budget = EQUAL * cnt;
    a->budget_micros = (int64_t)(1e6 * world->budget);
    for (uint32_t i = 0; i < cnt; i++) {
        double scale = exp(0.5 * qbid_random_normal(&random));
        double shape = own ? 0.6 + 0.3 * qbid_random_uniform(&random) : 0.8;
        world->curves[i] = (struct qbid_curve){QBID_CURVE_POWER, scale, shape, 0};
        world->least[i] = 0.2 * EQUAL;
        world->most[i] = 5 * EQUAL;
        a->items[i] = (struct qbid_allocation_item){.curve = world->curves[i],
                                                    .least_micros = (int64_t)(0.2e6 * EQUAL),
                                                    .most_micros = (int64_t)(5e6 * EQUAL),
                                                    .group = platforms ? i % platforms : 0};
    }
    for (uint32_t g = 0; g < platforms; g++)
        a->groups[g].most_micros = (int64_t)((double)a->budget_micros * 1.02 / platforms);
    return world;
}

void bench_allocate_free(struct bench_allocate *world)
{
    free(world->allocation.items);
    free(world->allocation.groups);
    free(world->curves);
    free(world->least);
    free(world->most);
    free(world->spend);
    free(world);
}

static double value(unsigned n, const double *x, double *gradient, void *context)
{
    const struct bench_allocate *world = context;
    double sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += qbid_curve_value(&world->curves[i], x[i]);
        if (gradient)
            gradient[i] = qbid_curve_marginal(&world->curves[i], x[i]);
    }
    return sum;
}

static double over(unsigned n, const double *x, double *gradient, void *context)
{
    const struct bench_allocate *world = context;
    double sum = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += x[i];
        if (gradient)
            gradient[i] = 1 / world->budget;
    }
    return sum / world->budget - 1;
}

static void solve(struct bench_allocate *world, nlopt_algorithm algorithm)
{
    unsigned n = world->allocation.item_cnt;
    double best;
    nlopt_opt opt = nlopt_create(algorithm, n);
    for (unsigned i = 0; i < n; i++)
        world->spend[i] = EQUAL;
    nlopt_set_lower_bounds(opt, world->least);
    nlopt_set_upper_bounds(opt, world->most);
    nlopt_set_max_objective(opt, value, world);
    nlopt_add_inequality_constraint(opt, over, world, 1e-9);
    nlopt_set_ftol_rel(opt, 1e-10);
    nlopt_set_maxeval(opt, 500);
    nlopt_optimize(opt, world->spend, &best);
    nlopt_destroy(opt);
}

static void run_qbid(struct bench_allocate *world)
{
    char why[QBID_ALLOCATION_WHY_MAX] = "";
    if (qbid_allocate(&world->allocation, why)) {
        fprintf(stderr, "bench_allocate: %s\n", why);
        abort();
    }
}

double bench_allocate_run(struct bench_allocate *world, enum bench_allocate_way way)
{
    uint32_t cnt = world->allocation.item_cnt;
    switch (way) {
    case BENCH_ALLOCATE_QBID:
        run_qbid(world);
        return world->allocation.marginal;
    case BENCH_ALLOCATE_NOTES:
        notes_ascent(world->curves, world->least, world->most, cnt, world->budget, world->spend);
        break;
    case BENCH_ALLOCATE_SLSQP:
        solve(world, NLOPT_LD_SLSQP);
        break;
    case BENCH_ALLOCATE_MMA:
        solve(world, NLOPT_LD_MMA);
        break;
    }
    return world->spend[0];
}

/* Of the last run. */
static double spend_of(const struct bench_allocate *world, enum bench_allocate_way way, uint32_t i)
{
    return way == BENCH_ALLOCATE_QBID ? (double)world->allocation.items[i].spend_micros / 1e6
                                      : world->spend[i];
}

double bench_allocate_value(const struct bench_allocate *world, enum bench_allocate_way way)
{
    double sum = 0;
    for (uint32_t i = 0; i < world->allocation.item_cnt; i++)
        sum += qbid_curve_value(&world->curves[i], spend_of(world, way, i));
    return sum;
}

double bench_allocate_off(const struct bench_allocate *world, enum bench_allocate_way way)
{
    double sum = 0;
    for (uint32_t i = 0; i < world->allocation.item_cnt; i++)
        sum += spend_of(world, way, i);
    return fabs(sum / world->budget - 1);
}
