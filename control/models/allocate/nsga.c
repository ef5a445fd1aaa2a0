/* SPDX-License-Identifier: Apache-2.0 */
/* NSGA-II. */
#include "control/models/allocate/nsga.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/random.h"
#include "shm/error.h"

#define CROSS_PROBABILITY 0.9

struct member {
    double objectives[QBID_NSGA_OBJECTIVES_MAX];
    double crowding;
    uint32_t rank;
    uint32_t row; /* of its x */
};

struct evolution {
    const struct qbid_nsga_params *params;
    struct qbid_random random;
    struct member *members; /* 2 x population: parents, then children */
    double *x;              /* 2 x population rows */
    uint32_t *left;         /* how many dominate a member that is not ranked */
    uint32_t *order;
    uint32_t ranked; /* of order */
    int by;          /* objective that order is sorted by; -1 = what survives first */
};

static int dominates(const struct member *a, const struct member *b, uint32_t cnt)
{
    int better = 0;
    for (uint32_t k = 0; k < cnt; k++) {
        if (a->objectives[k] > b->objectives[k])
            return 0;
        better |= a->objectives[k] < b->objectives[k];
    }
    return better;
}

/* Peel fronts off until `enough` members have a rank. */
static void rank_all(struct evolution *e, uint32_t cnt, uint32_t enough)
{
    uint32_t objectives = e->params->objective_cnt, ranked = 0;
    memset(e->left, 0, cnt * sizeof *e->left);
    for (uint32_t i = 0; i < cnt; i++) {
        e->members[i].rank = UINT32_MAX;
        for (uint32_t j = 0; j < cnt; j++)
            e->left[i] += (uint32_t)dominates(&e->members[j], &e->members[i], objectives);
    }
    for (uint32_t rank = 0; ranked < enough; rank++) {
        uint32_t first = ranked;
        for (uint32_t i = 0; i < cnt; i++)
            if (e->members[i].rank == UINT32_MAX && e->left[i] == 0)
                e->order[ranked++] = i;
        for (uint32_t k = first; k < ranked; k++)
            e->members[e->order[k]].rank = rank;
        for (uint32_t k = first; k < ranked; k++)
            for (uint32_t j = 0; j < cnt; j++)
                e->left[j] -=
                    (uint32_t)(e->members[j].rank == UINT32_MAX &&
                               dominates(&e->members[e->order[k]], &e->members[j], objectives));
    }
    e->ranked = ranked;
}

static int by_objective(const void *a, const void *b, void *context)
{
    const struct evolution *e = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    double x = e->members[i].objectives[e->by], y = e->members[j].objectives[e->by];
    if (x != y)
        return x < y ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Lower rank first, then the lonelier. */
static int by_rank(const void *a, const void *b, void *context)
{
    const struct evolution *e = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct member *x = &e->members[i], *y = &e->members[j];
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->crowding != y->crowding)
        return x->crowding > y->crowding ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Distance to the neighbours of the same front, in parts of the front's width, by objective. */
static void crowd_front(struct evolution *e, uint32_t first, uint32_t cnt)
{
    uint32_t *order = e->order + first;
    for (uint32_t k = 0; k < cnt; k++)
        e->members[order[k]].crowding = 0;
    for (uint32_t m = 0; m < e->params->objective_cnt; m++) {
        e->by = (int)m;
        qsort_r(order, cnt, sizeof *order, by_objective, e);
        double low = e->members[order[0]].objectives[m];
        double width = e->members[order[cnt - 1]].objectives[m] - low;
        e->members[order[0]].crowding = e->members[order[cnt - 1]].crowding = INFINITY;
        for (uint32_t k = 1; k + 1 < cnt && width > 0; k++) {
            double gap =
                e->members[order[k + 1]].objectives[m] - e->members[order[k - 1]].objectives[m];
            e->members[order[k]].crowding += gap / width;
        }
    }
}

/* Rank and crowd `cnt` members; order then lists those of the fronts that reach `enough`. */
static uint32_t sort_members(struct evolution *e, uint32_t cnt, uint32_t enough)
{
    rank_all(e, cnt, enough);
    uint32_t first = 0;
    while (first < enough) {
        uint32_t rank = e->members[e->order[first]].rank, last = first;
        while (last < e->ranked && e->members[e->order[last]].rank == rank)
            last++;
        crowd_front(e, first, last - first);
        first = last;
    }
    qsort_r(e->order, first, sizeof *e->order, by_rank, e);
    return first;
}

static void evaluate(struct evolution *e, uint32_t i)
{
    struct member *member = &e->members[i];
    const double *x = e->x + (size_t)member->row * e->params->dims;
    e->params->objectives(e->params->context, x, member->objectives);
}

/* Deb and Agrawal 1995, cut at the range as Deb's own code does it. */
static double cross_spread(double u, double room, double eta)
{
    double alpha = 2 - pow(1 + 2 * room, -eta);
    if (u <= 1 / alpha)
        return pow(u * alpha, 1 / eta);
    return pow(1 / (2 - u * alpha), 1 / eta);
}

static double clamp(double x, double low, double high)
{
    return fmin(fmax(x, low), high);
}

static void cross(struct evolution *e, const double *a, const double *b, double *c, double *d)
{
    const struct qbid_nsga_params *p = e->params;
    int mix = qbid_random_uniform(&e->random) < CROSS_PROBABILITY;
    for (uint32_t k = 0; k < p->dims; k++) {
        c[k] = a[k], d[k] = b[k];
        if (!mix || qbid_random_uniform(&e->random) < 0.5 || fabs(a[k] - b[k]) < 1e-14)
            continue;
        double low = fmin(a[k], b[k]), high = fmax(a[k], b[k]), apart = high - low;
        double u = qbid_random_uniform(&e->random);
        double down = cross_spread(u, (low - p->low[k]) / apart, p->index + 1);
        double up = cross_spread(u, (p->high[k] - high) / apart, p->index + 1);
        double first = clamp(0.5 * (low + high - down * apart), p->low[k], p->high[k]);
        double second = clamp(0.5 * (low + high + up * apart), p->low[k], p->high[k]);
        int swap = qbid_random_uniform(&e->random) < 0.5;
        c[k] = swap ? second : first;
        d[k] = swap ? first : second;
    }
}

static void mutate(struct evolution *e, double *x)
{
    const struct qbid_nsga_params *p = e->params;
    for (uint32_t k = 0; k < p->dims; k++) {
        if (qbid_random_uniform(&e->random) >= 1.0 / p->dims)
            continue;
        double width = p->high[k] - p->low[k], power = p->index + 1;
        double u = qbid_random_uniform(&e->random), step;
        if (u < 0.5)
            step =
                pow(2 * u + (1 - 2 * u) * pow((p->high[k] - x[k]) / width, power), 1 / power) - 1;
        else
            step = 1 - pow(2 * (1 - u) + (2 * u - 1) * pow((x[k] - p->low[k]) / width, power),
                           1 / power);
        x[k] = clamp(x[k] + step * width, p->low[k], p->high[k]);
    }
}

/* The better of two at random. */
static uint32_t tournament(struct evolution *e)
{
    uint32_t i = qbid_random_below(&e->random, e->params->population);
    uint32_t j = qbid_random_below(&e->random, e->params->population);
    return by_rank(&i, &j, e) <= 0 ? i : j;
}

static void children_make(struct evolution *e, uint32_t cnt)
{
    uint32_t size = e->params->population, dims = e->params->dims;
    for (uint32_t k = 0; k < cnt; k += 2) {
        struct member *c = &e->members[size + k], *d = &e->members[size + k + 1];
        const double *a = e->x + (size_t)e->members[tournament(e)].row * dims;
        const double *b = e->x + (size_t)e->members[tournament(e)].row * dims;
        cross(e, a, b, e->x + (size_t)c->row * dims, e->x + (size_t)d->row * dims);
        mutate(e, e->x + (size_t)c->row * dims);
        mutate(e, e->x + (size_t)d->row * dims);
        evaluate(e, size + k);
        evaluate(e, size + k + 1);
    }
}

/* The first `population` of the order become the parents; rows change hands, x stays. */
static void survive(struct evolution *e, struct member *scratch, uint32_t cnt)
{
    uint32_t size = e->params->population;
    memcpy(scratch, e->members, cnt * sizeof *scratch);
    for (uint32_t i = 0; i < cnt; i++)
        e->left[i] = 0;
    for (uint32_t k = 0; k < size; k++) {
        e->members[k] = scratch[e->order[k]];
        e->left[e->order[k]] = 1;
    }
    for (uint32_t i = 0, k = size; i < cnt; i++)
        if (!e->left[i])
            e->members[k++] = scratch[i];
}

static void evolve(struct evolution *e, struct member *scratch)
{
    const struct qbid_nsga_params *p = e->params;
    uint32_t size = p->population, left = p->evaluations - size;
    for (uint32_t i = 0; i < 2 * size; i++)
        e->members[i].row = i;
    for (uint32_t i = 0; i < size; i++) {
        for (uint32_t k = 0; k < p->dims; k++)
            e->x[(size_t)i * p->dims + k] =
                p->low[k] + (p->high[k] - p->low[k]) * qbid_random_uniform(&e->random);
        evaluate(e, i);
    }
    sort_members(e, size, size);
    while (left >= 2) {
        uint32_t cnt = left < size ? left & ~1u : size;
        children_make(e, cnt);
        sort_members(e, size + cnt, size);
        survive(e, scratch, size + cnt);
        left -= cnt;
    }
    sort_members(e, size, size);
}

static int refuse(char *why, const char *field, const char *reason)
{
    snprintf(why, QBID_NSGA_WHY_MAX, "%s %s", field, reason);
    return QBID_ERR_INVAL;
}

static int params_check(const struct qbid_nsga_params *p, char *why)
{
    if (p->dims < 1 || p->dims > QBID_NSGA_DIMS_MAX)
        return refuse(why, "dims", "is not between 1 and 256");
    if (p->objective_cnt < 1 || p->objective_cnt > QBID_NSGA_OBJECTIVES_MAX)
        return refuse(why, "objective_cnt", "is not between 1 and 4");
    if (p->population < 4 || p->population > QBID_NSGA_POPULATION_MAX || p->population % 2)
        return refuse(why, "population", "is not an even number between 4 and 1024");
    if (p->evaluations < p->population)
        return refuse(why, "evaluations", "are fewer than the population");
    if (!(p->index >= 0 && isfinite(p->index)))
        return refuse(why, "index", "is negative");
    for (uint32_t k = 0; k < p->dims; k++)
        if (!(p->low[k] < p->high[k]) || !isfinite(p->high[k] - p->low[k]))
            return refuse(why, "low", "is not below high");
    return 0;
}

/* The front first, in order of the first objective. */
static void result_fill(struct evolution *e, struct qbid_nsga *ret)
{
    const struct qbid_nsga_params *p = e->params;
    while (ret->front_cnt < p->population && e->members[e->order[ret->front_cnt]].rank == 0)
        ret->front_cnt++;
    e->by = 0;
    qsort_r(e->order, ret->front_cnt, sizeof *e->order, by_objective, e);
    for (uint32_t k = 0; k < p->population; k++) {
        const struct member *member = &e->members[e->order[k]];
        memcpy(ret->x + (size_t)k * p->dims, e->x + (size_t)member->row * p->dims,
               p->dims * sizeof(double));
        memcpy(ret->objectives + (size_t)k * p->objective_cnt, member->objectives,
               p->objective_cnt * sizeof(double));
    }
}

int qbid_nsga_new(const struct qbid_nsga_params *params, struct qbid_nsga *ret_nsga,
                  char why[QBID_NSGA_WHY_MAX])
{
    int err = params_check(params, why);
    if (err)
        return err;
    size_t size = params->population, both = 2 * size;
    struct evolution e = {.params = params, .random = qbid_random_init(params->seed)};
    struct qbid_nsga result = {.cnt = params->population};
    struct member *scratch = malloc(both * sizeof *scratch);
    e.members = calloc(both, sizeof *e.members);
    e.x = malloc(both * params->dims * sizeof *e.x);
    e.left = malloc(both * sizeof *e.left);
    e.order = malloc(both * sizeof *e.order);
    result.x = malloc(size * params->dims * sizeof *result.x);
    result.objectives = malloc(size * params->objective_cnt * sizeof *result.objectives);
    if (scratch && e.members && e.x && e.left && e.order && result.x && result.objectives) {
        evolve(&e, scratch);
        result_fill(&e, &result);
        *ret_nsga = result;
    } else {
        qbid_nsga_done(&result);
        err = QBID_ERR_NOMEM;
    }
    free(scratch);
    free(e.members);
    free(e.x);
    free(e.left);
    free(e.order);
    return err;
}

void qbid_nsga_done(struct qbid_nsga *nsga)
{
    free(nsga->x);
    free(nsga->objectives);
    nsga->x = nsga->objectives = NULL;
}

double qbid_nsga_area(const double *objectives, uint32_t cnt, const double reference[2])
{
    double area = 0, height = reference[1];
    for (uint32_t i = 0; i < cnt; i++) {
        double x = objectives[2 * i], y = objectives[2 * i + 1];
        if (x >= reference[0] || y >= height)
            continue;
        area += (reference[0] - x) * (height - y);
        height = y;
    }
    return area;
}
