/* SPDX-License-Identifier: Apache-2.0 */
/* At the prices of the limits each group has one best way, and each other way loses something
 * against it. */
#include "control/choice/choice_core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double way_value(const struct qbid_choice_run *run, uint32_t item)
{
    return item == QBID_CHOICE_NONE ? 0 : qbid_choice_reduced(run->prices, &run->book->item[item]);
}

static void item_by(const struct qbid_choice_run *run, uint32_t item,
                    int64_t by[QBID_CHOICE_COORDINATES])
{
    static const struct qbid_choice_item nothing;
    const struct qbid_choice_item *i = item == QBID_CHOICE_NONE ? &nothing : &run->book->item[item];
    by[QBID_CHOICE_KEY] = i->use[run->key];
    by[QBID_CHOICE_COST] = -i->gain;
    by[QBID_CHOICE_OTHER] = i->use[!run->key];
}

static int core_compare(const void *a, const void *b)
{
    const struct qbid_choice_core *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss)
                              : (x->group > y->group) - (x->group < y->group);
}

static void best_take(struct qbid_choice_run *run)
{
    const struct qbid_choice_book *book = run->book;
    run->bound = (double)book->gain;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        run->bound += run->prices->price[k] * (double)book->left[k];
    run->left[QBID_CHOICE_KEY] = book->left[run->key];
    run->left[QBID_CHOICE_COST] = -book->gain;
    run->left[QBID_CHOICE_OTHER] = book->left[!run->key];
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = 0;
        run->best[g] = book->fixed[g];
        if (book->first[g] == book->end[g])
            continue;
        for (uint32_t i = book->first[g]; i < book->end[g]; i++) {
            double value = way_value(run, i);
            if (value > most) {
                most = value;
                run->best[g] = i;
            }
        }
        int64_t by[QBID_CHOICE_COORDINATES];
        item_by(run, run->best[g], by);
        run->bound += most;
        run->left[QBID_CHOICE_KEY] -= by[QBID_CHOICE_KEY];
        run->left[QBID_CHOICE_COST] += by[QBID_CHOICE_COST];
        run->left[QBID_CHOICE_OTHER] -= by[QBID_CHOICE_OTHER];
    }
}

/* What the prices make of a distance from both limits. */
static double distance(const struct qbid_choice_run *run,
                       const int64_t left[QBID_CHOICE_COORDINATES])
{
    return run->prices->price[run->key] * fabs((double)left[QBID_CHOICE_KEY]) +
           run->prices->price[!run->key] * fabs((double)left[QBID_CHOICE_OTHER]);
}

/* Of ways that are equally good, those that bring the whole nearer to the limits: lists of
 * departures need not reach as far then. */
static void ties_settle(struct qbid_choice_run *run)
{
    const struct qbid_choice_book *book = run->book;
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = way_value(run, run->best[g]);
        for (uint32_t i = book->first[g]; i <= book->end[g] && book->end[g] > book->first[g]; i++) {
            uint32_t item = i < book->end[g] ? i : QBID_CHOICE_NONE;
            int64_t from[QBID_CHOICE_COORDINATES], to[QBID_CHOICE_COORDINATES],
                left[QBID_CHOICE_COORDINATES];
            if (item == run->best[g] || most - way_value(run, item) > run->slack)
                continue;
            item_by(run, run->best[g], from);
            item_by(run, item, to);
            for (int c = 0; c < QBID_CHOICE_COORDINATES; c++)
                left[c] = c == QBID_CHOICE_COST ? run->left[c] + to[c] - from[c]
                                                : run->left[c] - to[c] + from[c];
            if (distance(run, left) < distance(run, run->left)) {
                memcpy(run->left, left, sizeof left);
                run->best[g] = item;
            }
        }
    }
}

void qbid_choice_best_find(struct qbid_choice_run *run)
{
    best_take(run);
    ties_settle(run);
}

static void way_add(struct qbid_choice_run *run, uint32_t group, uint32_t item, double most)
{
    double loss = most - way_value(run, item);
    if (item == run->best[group] || loss > run->most + run->slack)
        return;
    loss = loss > run->slack ? loss : 0; /* rounding makes no order */
    struct qbid_choice_way *way = &run->way[run->way_cnt++];
    int64_t from[QBID_CHOICE_COORDINATES];
    *way = (struct qbid_choice_way){.loss = loss, .group = group, .item = item};
    item_by(run, run->best[group], from);
    item_by(run, item, way->by);
    for (int c = 0; c < QBID_CHOICE_COORDINATES; c++)
        way->by[c] -= from[c];
}

void qbid_choice_core_find(struct qbid_choice_run *run)
{
    const struct qbid_choice_book *book = run->book;
    run->way_cnt = run->core_cnt = 0;
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        if (book->first[g] == book->end[g])
            continue;
        double most = way_value(run, run->best[g]);
        struct qbid_choice_core core = {INFINITY, g, run->way_cnt, 0};
        for (uint32_t i = book->first[g]; i < book->end[g]; i++)
            way_add(run, g, i, most);
        way_add(run, g, QBID_CHOICE_NONE, most);
        core.end = run->way_cnt;
        for (uint32_t w = core.first; w < core.end; w++)
            core.loss = fmin(core.loss, run->way[w].loss);
        if (core.end > core.first)
            run->core[run->core_cnt++] = core;
    }
    qsort(run->core, run->core_cnt, sizeof *run->core, core_compare);
}
