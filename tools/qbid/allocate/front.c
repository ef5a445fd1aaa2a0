/* SPDX-License-Identifier: Apache-2.0 */
/* Value, reach and risk of a split by the draws of its curves, and the front of them by NSGA-II. */
#include "tools/qbid/allocate/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/allocate/nsga.h"
#include "shm/error.h"

#define POPULATION 64
#define EVALUATIONS 6400
#define INDEX 20
#define DRAWS_MOST 100
#define WEIGHT_LEAST 1e-6
#define HALF_OF_NOTHING 1e-7 /* currency units */
#define OBJECTIVES 3

struct judging {
    const struct qbid_whatif_plan *plan;
    struct qbid_allocation at; /* with items and groups of its own */
    double *values;            /* of draws */
    uint32_t draw_cnt;
    bool failed;
};

/* The split in proportion to weights, as far as bounds let. */
static int weights_split(struct judging *j, const double *weights)
{
    char why[QBID_ALLOCATION_WHY_MAX];
    for (uint32_t i = 0; i < j->at.item_cnt; i++)
        j->at.items[i].curve =
            (struct qbid_curve){QBID_CURVE_LOG, fmax(weights[i], WEIGHT_LEAST), 1, HALF_OF_NOTHING};
    return qbid_allocate(&j->at, why);
}

/* Objectives of the split in `at`, in the order that makes each small. */
static void split_judge(struct judging *j, double ret_objectives[OBJECTIVES])
{
    const struct qbid_whatif_plan *plan = j->plan;
    uint32_t cnt = j->at.item_cnt;
    double mean = 0, reach = 0;
    for (uint32_t d = 0; d < j->draw_cnt; d++) {
        const struct qbid_curve *draw = &plan->draw[(size_t)d * cnt];
        j->values[d] = 0;
        for (uint32_t i = 0; i < cnt; i++)
            j->values[d] += qbid_curve_value(&draw[i], (double)j->at.items[i].spend_micros / 1e6);
        mean += j->values[d] / j->draw_cnt;
    }
    for (uint32_t i = 0; i < cnt; i++)
        if (plan->line[i].reach.scale > 0)
            reach +=
                qbid_curve_value(&plan->line[i].reach, (double)j->at.items[i].spend_micros / 1e6);
    ret_objectives[0] = -mean;
    ret_objectives[1] = qbid_whatif_shortfall(j->values, j->draw_cnt);
    ret_objectives[2] = -reach;
}

static void objectives_at(void *context, const double *x, double *ret_objectives)
{
    struct judging *j = context;
    double objectives[OBJECTIVES] = {0};
    if (weights_split(j, x) != 0)
        j->failed = true;
    else
        split_judge(j, objectives);
    memcpy(ret_objectives, objectives, (j->plan->input->has_reach ? 3 : 2) * sizeof(double));
}

static int judging_init(struct judging *j, const struct qbid_whatif_plan *plan)
{
    const struct qbid_allocation *a = &plan->allocation;
    *j = (struct judging){.plan = plan, .at = *a};
    j->draw_cnt = plan->draw_cnt < DRAWS_MOST ? plan->draw_cnt : DRAWS_MOST;
    j->values = malloc(j->draw_cnt * sizeof *j->values);
    j->at.items = malloc(a->item_cnt * sizeof *a->items);
    j->at.groups = a->groups ? malloc(a->group_cnt * sizeof *a->groups) : NULL;
    if (!j->values || !j->at.items || (a->groups && !j->at.groups))
        return QBID_ERR_NOMEM;
    memcpy(j->at.items, a->items, a->item_cnt * sizeof *a->items);
    if (a->groups)
        memcpy(j->at.groups, a->groups, a->group_cnt * sizeof *a->groups);
    return 0;
}

static void judging_done(struct judging *j)
{
    free(j->values);
    free(j->at.items);
    free(j->at.groups);
}

/* The split in `at` becomes a point. */
static int point_add(struct judging *j, struct qbid_whatif_front *front)
{
    double objectives[OBJECTIVES];
    uint32_t cnt = j->at.item_cnt;
    int64_t *spends = malloc(cnt * sizeof *spends);
    if (!spends)
        return QBID_ERR_NOMEM;
    split_judge(j, objectives);
    for (uint32_t i = 0; i < cnt; i++)
        spends[i] = j->at.items[i].spend_micros;
    front->point[front->cnt++] =
        (struct qbid_whatif_point){-objectives[0], -objectives[2], objectives[1], spends};
    return 0;
}

static bool dominates(const struct qbid_whatif_point *a, const struct qbid_whatif_point *b)
{
    return a->value >= b->value && a->reach >= b->reach && a->risk <= b->risk &&
           (a->value > b->value || a->reach > b->reach || a->risk < b->risk);
}

static int point_compare(const void *a, const void *b)
{
    const struct qbid_whatif_point *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value) - (x->value > y->value)
                                : (x->risk > y->risk) - (x->risk < y->risk);
}

/* Points that another betters, or that are there already, go. */
static void front_sift(struct qbid_whatif_front *front)
{
    uint32_t kept = 0;
    bool *goes = calloc(front->cnt + 1, sizeof *goes);
    qsort(front->point, front->cnt, sizeof *front->point, point_compare);
    for (uint32_t i = 0; i < front->cnt && goes; i++)
        for (uint32_t k = 0; k < front->cnt && !goes[i]; k++) {
            const struct qbid_whatif_point *a = &front->point[k], *b = &front->point[i];
            bool same = a->value == b->value && a->reach == b->reach && a->risk == b->risk;
            goes[i] = dominates(a, b) || (same && k < i);
        }
    for (uint32_t i = 0; i < front->cnt && goes; i++) {
        if (goes[i])
            free(front->point[i].spend_micros);
        else
            front->point[kept++] = front->point[i];
    }
    front->cnt = goes ? kept : front->cnt;
    free(goes);
}

static int front_run(struct judging *j, uint64_t seed, struct qbid_whatif_front *front)
{
    double low[QBID_WHATIF_FRONT_CAMPAIGNS_MAX] = {0}, high[QBID_WHATIF_FRONT_CAMPAIGNS_MAX];
    uint32_t dims = j->at.item_cnt;
    struct qbid_nsga nsga = {0};
    char why[QBID_NSGA_WHY_MAX];
    for (uint32_t i = 0; i < dims; i++)
        high[i] = 1;
    struct qbid_nsga_params params = {.objectives = objectives_at,
                                      .context = j,
                                      .low = low,
                                      .high = high,
                                      .dims = dims,
                                      .objective_cnt = front->has_reach ? 3 : 2,
                                      .population = POPULATION,
                                      .evaluations = EVALUATIONS,
                                      .seed = seed,
                                      .index = INDEX};
    int err = qbid_nsga_new(&params, &nsga, why);
    if (!err && j->failed)
        err = QBID_ERR_NOMEM;
    /* the plan's own split: what is best in value alone */
    for (uint32_t i = 0; i < dims; i++)
        j->at.items[i].spend_micros = j->plan->allocation.items[i].spend_micros;
    if (!err)
        err = point_add(j, front);
    for (uint32_t n = 0; n < nsga.front_cnt && front->cnt < QBID_WHATIF_FRONT_MAX && !err; n++) {
        err = weights_split(j, &nsga.x[(size_t)n * dims]);
        if (!err)
            err = point_add(j, front);
    }
    qbid_nsga_done(&nsga);
    return err;
}

int qbid_whatif_front_new(const struct qbid_whatif_plan *plan, uint64_t seed,
                          struct qbid_whatif_front *ret_front, char why[QBID_CSV_WHY_MAX])
{
    struct judging j;
    *ret_front = (struct qbid_whatif_front){.has_reach = plan->input->has_reach};
    if (plan->input->campaign_cnt > QBID_WHATIF_FRONT_CAMPAIGNS_MAX) {
        snprintf(why, QBID_CSV_WHY_MAX, "a front of more than %d campaigns",
                 QBID_WHATIF_FRONT_CAMPAIGNS_MAX);
        return QBID_ERR_LIMIT;
    }
    ret_front->point = calloc(QBID_WHATIF_FRONT_MAX, sizeof *ret_front->point);
    int err = judging_init(&j, plan);
    if (!err && !ret_front->point)
        err = QBID_ERR_NOMEM;
    if (!err)
        err = front_run(&j, seed, ret_front);
    if (!err)
        front_sift(ret_front);
    judging_done(&j);
    return err;
}

void qbid_whatif_front_done(struct qbid_whatif_front *front)
{
    for (uint32_t i = 0; i < front->cnt; i++)
        free(front->point[i].spend_micros);
    free(front->point);
}
