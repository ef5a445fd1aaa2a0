/* SPDX-License-Identifier: Apache-2.0 */
/* The noisy generator of 180 cells. */
#include "tests/control/models/allocate/cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/models/allocate/explore.h"
#include "tests/control/models/allocate/notes.h"
#include "tests/control/models/rng.h"

#define BUDGET 10000.0
#define WORTH 50.0
#define SHAPE 0.8
#define DRAWS 8
#define EXPLOIT 0.5
#define TRUST 0.03
#define PRIOR_STEPS 15 /* between two fits of the prior */

struct world {
    double scale[CELLS]; /* value a day = scale spend^0.8, spend a day */
    double spend[CELLS];
    double best;
    struct rng rng;
};

static struct world world_init(uint64_t seed, double level)
{
    struct world w = {.rng = rng_init(seed)};
    double equal = 0, all = 0;
    for (int i = 0; i < CELLS; i++) {
        w.scale[i] = rng_lognormal(&w.rng, 0, 0.5);
        w.spend[i] = BUDGET / CELLS;
        equal += w.scale[i] * pow(w.spend[i], SHAPE);
    }
    for (int i = 0; i < CELLS; i++) {
        w.scale[i] *= level * BUDGET / equal;
        all += pow(w.scale[i], 1 / (1 - SHAPE));
    }
    w.best = pow(all, 1 - SHAPE) * pow(BUDGET, SHAPE);
    return w;
}

static double world_value(const struct world *w)
{
    double sum = 0;
    for (int i = 0; i < CELLS; i++)
        sum += w->scale[i] * pow(w->spend[i], SHAPE);
    return sum / w->best;
}

static int poisson(struct rng *r, double mean)
{
    double product = 1, end = exp(-mean);
    int cnt = -1;
    do {
        product *= rng_uniform(r);
        cnt++;
    } while (product > end);
    return cnt;
}

struct believed {
    struct qbid_explore_evidence evidence[CELLS];
    struct qbid_explore_prior prior;
};

static struct qbid_curve curve_draw(void *context, uint32_t item, struct qbid_random *random)
{
    const struct believed *b = context;
    double scale = qbid_explore_scale(b->prior, &b->evidence[item], random);
    return (struct qbid_curve){QBID_CURVE_POWER, fmax(scale, 1e-6), SHAPE, 0};
}

static void fail(const char *why)
{
    fprintf(stderr, "cells: %s\n", why);
    abort();
}

static void move_qbid(struct world *w, struct believed *b, int step, struct qbid_random *random)
{
    struct qbid_allocation_item items[CELLS] = {0};
    struct qbid_allocation a = {
        .items = items, .item_cnt = CELLS, .budget_micros = (int64_t)(1e6 * BUDGET)};
    struct qbid_explore_params params = {curve_draw, b, DRAWS, EXPLOIT, TRUST};
    int64_t current[CELLS];
    char why[QBID_ALLOCATION_WHY_MAX] = "";
    if (step % PRIOR_STEPS == 0 && qbid_explore_prior_fit(b->evidence, CELLS, &b->prior))
        fail("no prior");
    for (int i = 0; i < CELLS; i++) {
        double mean = qbid_explore_mean(b->prior, &b->evidence[i]);
        items[i].curve = (struct qbid_curve){QBID_CURVE_POWER, mean, SHAPE, 0};
        items[i].most_micros = INT64_MAX;
        current[i] = (int64_t)(1e6 * w->spend[i] + 0.5);
    }
    if (qbid_explore(&a, current, &params, random, why))
        fail(why);
    for (int i = 0; i < CELLS; i++)
        w->spend[i] = (double)items[i].spend_micros / 1e6;
}

/* Two minutes of conversions: into the evidence, and what the notes' rule measures. */
static void observe(struct world *w, struct believed *b, double *measured)
{
    for (int i = 0; i < CELLS; i++) {
        double unit = pow(w->spend[i], SHAPE) / (CELLS_STEPS_A_DAY * WORTH);
        int cnt = poisson(&w->rng, w->scale[i] * unit);
        b->evidence[i].count += cnt;
        b->evidence[i].exposure += unit;
        measured[i] = cnt * WORTH / (w->spend[i] / CELLS_STEPS_A_DAY);
    }
}

struct cells_run cells_play(enum cells_way way, uint64_t seed, int days, double level)
{
    struct world w = world_init(seed, level);
    struct believed b = {0};
    struct qbid_random random = qbid_random_init(seed);
    struct cells_run run = {.start = world_value(&w), .lowest = 1};
    for (int step = 0; step < days * CELLS_STEPS_A_DAY; step++) {
        double measured[CELLS];
        uint32_t order[CELLS];
        observe(&w, &b, measured);
        if (way == CELLS_QBID)
            move_qbid(&w, &b, step, &random);
        else
            notes_shift(measured, CELLS, w.spend, order);
        run.end = world_value(&w);
        run.lowest = fmin(run.lowest, run.end / run.start);
        if (step == CELLS_STEPS_A_DAY / 24 - 1)
            run.hour = run.end;
        if (step == CELLS_STEPS_A_DAY - 1)
            run.day = run.end;
    }
    return run;
}
