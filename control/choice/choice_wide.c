/* SPDX-License-Identifier: Apache-2.0 */
/* Options over several groups, which exclusive groups alone cannot say: each way to take some of
 * them leaves a choice among the rest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/choice/choice.h"
#include "shm/error.h"

#define LOOK 1 /* work of a look: what cannot be less, the root and its prices */
#define WAYS_MAX (1 << QBID_CHOICE_WIDE_MAX)

/* A way to take wide options: bit w of taken = the one at w. */
struct way {
    uint32_t taken;
    double bound; /* no choice with them gains more */
};

struct wide_run {
    const struct qbid_choice_option *options;
    const struct qbid_choice_wide *wide;
    const struct qbid_choice_limits *limits;
    uint32_t cnt, wide_cnt;
    struct qbid_choice_option *rest; /* of the options, beside what is taken */
    uint32_t *source, rest_cnt;
    bool *chosen; /* of the rest */
    bool *ret_chosen, *ret_wide;
    struct qbid_choice best;
    bool any;
};

static bool wide_has(const struct qbid_choice_wide *wide, uint64_t group)
{
    uint32_t low = 0, high = wide->group_cnt;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (wide->group[middle] < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low < wide->group_cnt && wide->group[low] == group;
}

static bool wide_meet(const struct qbid_choice_wide *a, const struct qbid_choice_wide *b)
{
    for (uint32_t i = 0; i < a->group_cnt; i++)
        if (wide_has(b, a->group[i]))
            return true;
    return false;
}

/* What a way takes itself into *ret_base, what it leaves into *ret_left; false when it cannot be.
 */
static bool way_begin(const struct wide_run *r, uint32_t taken, struct qbid_choice *ret_base,
                      struct qbid_choice_limits *ret_left)
{
    *ret_base = (struct qbid_choice){0};
    *ret_left = *r->limits;
    for (uint32_t w = 0; w < r->wide_cnt; w++) {
        const struct qbid_choice_option *o = &r->wide[w].option;
        if (!(taken >> w & 1))
            continue;
        for (uint32_t v = 0; v < w; v++)
            if ((taken >> v & 1) && wide_meet(&r->wide[w], &r->wide[v]))
                return false;
        if (o->gain_nanos <= 0 || o->risk_nanos > ret_left->risk_nanos ||
            o->moved_nanos > ret_left->moved_nanos)
            return false;
        ret_left->risk_nanos -= o->risk_nanos;
        ret_left->moved_nanos -= o->moved_nanos;
        ret_base->gain_nanos += o->gain_nanos;
        ret_base->risk_nanos += o->risk_nanos;
        ret_base->moved_nanos += o->moved_nanos;
        ret_base->cnt++;
    }
    return true;
}

static void rest_fill(struct wide_run *r, uint32_t taken)
{
    r->rest_cnt = 0;
    for (uint32_t i = 0; i < r->cnt; i++) {
        bool excluded = false;
        for (uint32_t w = 0; w < r->wide_cnt && !excluded; w++)
            excluded = (taken >> w & 1) && wide_has(&r->wide[w], r->options[i].group);
        if (excluded)
            continue;
        r->rest[r->rest_cnt] = r->options[i];
        r->source[r->rest_cnt++] = i;
    }
}

static void best_take(struct wide_run *r, uint32_t taken, const struct qbid_choice *choice)
{
    if (r->any && choice->gain_nanos <= r->best.gain_nanos)
        return;
    r->any = true;
    r->best = *choice;
    memset(r->ret_chosen, 0, r->cnt * sizeof *r->ret_chosen);
    for (uint32_t i = 0; i < r->rest_cnt; i++)
        r->ret_chosen[r->source[i]] = r->chosen[i];
    for (uint32_t w = 0; w < r->wide_cnt; w++)
        r->ret_wide[w] = taken >> w & 1;
}

/* The best beside a way's wide options, with as much work as there is; *work is less by it. */
static int way_solve(struct wide_run *r, struct way *way, uint32_t work_max, uint64_t *ret_work)
{
    struct qbid_choice base, choice;
    struct qbid_choice_limits left;
    way->bound = -INFINITY;
    if (!way_begin(r, way->taken, &base, &left))
        return 0;
    left.work_max = work_max;
    rest_fill(r, way->taken);
    int err = qbid_choice_solve(r->rest, r->rest_cnt, &left, r->chosen, &choice);
    if (err)
        return err;
    choice.gain_nanos += base.gain_nanos;
    choice.risk_nanos += base.risk_nanos;
    choice.moved_nanos += base.moved_nanos;
    choice.bound_nanos += (double)base.gain_nanos;
    choice.cnt += base.cnt;
    way->bound = choice.bound_nanos;
    *ret_work += choice.work;
    best_take(r, way->taken, &choice);
    return 0;
}

static int way_compare(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    return x->bound != y->bound ? (x->bound < y->bound) - (x->bound > y->bound)
                                : (x->taken > y->taken) - (x->taken < y->taken);
}

/* A look at every way, then the best of those that may gain more than what is known. */
static int ways_run(struct wide_run *r)
{
    struct way way[WAYS_MAX];
    uint32_t cnt = UINT32_C(1) << r->wide_cnt;
    uint64_t looks = 0, work = 0;
    uint64_t work_max = r->limits->work_max ? r->limits->work_max : QBID_CHOICE_WORK_MAX;
    double bound = -INFINITY;
    int err = 0;
    for (uint32_t w = 0; w < cnt && !err; w++) {
        way[w].taken = w;
        err = way_solve(r, &way[w], cnt == 1 ? (uint32_t)work_max : LOOK, &looks);
    }
    if (!err)
        qsort(way, cnt, sizeof *way, way_compare);
    for (uint32_t w = 0; w < cnt && !err; w++) {
        bool open = way[w].bound > (double)r->best.gain_nanos;
        if (open && cnt > 1 && work < work_max)
            err = way_solve(r, &way[w], (uint32_t)(work_max - work), &work);
        bound = fmax(bound, way[w].bound);
    }
    r->best.bound_nanos = fmax((double)r->best.gain_nanos, bound);
    r->best.exact = r->best.bound_nanos <= (double)r->best.gain_nanos;
    r->best.work = looks + work;
    return err;
}

int qbid_choice_solve_wide(const struct qbid_choice_option *options, uint32_t cnt,
                           const struct qbid_choice_wide *wide, uint32_t wide_cnt,
                           const struct qbid_choice_limits *limits, bool *ret_chosen,
                           bool *ret_wide, struct qbid_choice *ret_choice)
{
    struct wide_run r = {.options = options,
                         .wide = wide,
                         .limits = limits,
                         .cnt = cnt,
                         .wide_cnt = wide_cnt,
                         .rest = malloc((cnt + 1) * sizeof *r.rest),
                         .source = malloc((cnt + 1) * sizeof *r.source),
                         .chosen = malloc((cnt + 1) * sizeof *r.chosen),
                         .ret_chosen = ret_chosen,
                         .ret_wide = ret_wide};
    int err = !r.rest || !r.source || !r.chosen ? QBID_ERR_NOMEM
              : wide_cnt > QBID_CHOICE_WIDE_MAX ? QBID_ERR_INVAL
                                                : ways_run(&r);
    if (!err)
        *ret_choice = r.best;
    free(r.rest);
    free(r.source);
    free(r.chosen);
    return err;
}
