/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms and campaigns filled together, then rounded to whole micros. */
#include "control/models/allocate/allocation.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/allocate/allocation_check.h"
#include "control/models/allocate/shares.h"
#include "control/models/allocate/waterfill.h"
#include "control/models/scratch.h"
#include "shm/error.h"

#define STEPS_MAX 200

/* A platform at work: a stretch of slots, and the prices at which its quota binds. */
struct part {
    struct qbid_waterfill_slot *slots;
    uint32_t cnt;
    double least, most;            /* of the platform, in units */
    double log_least, log_most;    /* below log_most it is at most, above log_least at least */
    double log_marginal;           /* its own, in the end */
    struct qbid_waterfill_sum sum; /* there */
};

struct work {
    struct qbid_allocation_room *rooms;
    struct part *parts;
    struct qbid_waterfill_slot *slots;
    uint32_t *order; /* item of each slot */
    struct qbid_share *shares;
    double *scratch;
    uint32_t part_cnt;
};

static void work_done(struct work *work)
{
    free(work->rooms);
    free(work->parts);
    free(work->slots);
    free(work->order);
    free(work->shares);
    free(work->scratch);
}

static int work_init(const struct qbid_allocation *a, struct work *work)
{
    size_t parts = a->groups ? a->group_cnt : 1, items = a->item_cnt;
    size_t more = parts > items ? parts : items;
    *work = (struct work){.part_cnt = (uint32_t)parts};
    work->rooms = calloc(parts, sizeof *work->rooms);
    work->parts = calloc(parts, sizeof *work->parts);
    work->slots = qbid_scratch_new(items * sizeof *work->slots);
    work->order = qbid_scratch_new(items * sizeof *work->order);
    work->shares = qbid_scratch_new(more * sizeof *work->shares);
    work->scratch = qbid_scratch_new(more * sizeof *work->scratch);
    if (work->rooms && work->parts && work->slots && work->order && work->shares && work->scratch)
        return 0;
    work_done(work);
    return QBID_ERR_NOMEM;
}

static double units(int64_t micros)
{
    return (double)micros / 1e6;
}

/* Slots by platform, in the order of their items. */
static void work_sort(const struct qbid_allocation *a, struct work *work)
{
    uint32_t at = 0;
    double budget = units(a->budget_micros);
    for (uint32_t g = 0; g < work->part_cnt; g++) {
        const struct qbid_allocation_room *room = &work->rooms[g];
        work->parts[g] = (struct part){.slots = work->slots + at,
                                       .least = units(room->least_micros),
                                       .most = units(room->most_micros),
                                       .log_least = INFINITY,
                                       .log_most = -INFINITY};
        at += room->item_cnt;
    }
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        const struct qbid_allocation_item *item = &a->items[i];
        struct part *part = &work->parts[a->groups ? item->group : 0];
        struct qbid_waterfill_slot *slot = &part->slots[part->cnt++];
        qbid_waterfill_slot_init(slot, &item->curve, units(item->least_micros),
                                 fmin(units(item->most_micros), budget));
        work->order[slot - work->slots] = i;
    }
}

/* The prices at which quotas that can bind do. */
static void parts_price(const struct qbid_allocation *a, struct work *work)
{
    for (uint32_t g = 0; g < work->part_cnt && a->groups; g++) {
        const struct qbid_allocation_room *room = &work->rooms[g];
        struct part *part = &work->parts[g];
        if (room->least_micros > room->items_least_micros)
            part->log_least = qbid_waterfill_solve(part->slots, part->cnt, part->least);
        if (room->most_micros < room->items_most_micros && room->most_micros < a->budget_micros)
            part->log_most = qbid_waterfill_solve(part->slots, part->cnt, part->most);
    }
}

/* All platforms at one price; those at a quota do not move. */
static struct qbid_waterfill_sum parts_at(struct work *work, double log_marginal)
{
    struct qbid_waterfill_sum all = {0, 0, 0, 0};
    for (uint32_t g = 0; g < work->part_cnt; g++) {
        struct part *part = &work->parts[g];
        struct qbid_waterfill_sum sum = {0, 0, 0, 0};
        if (log_marginal >= part->log_least)
            sum.spend = part->least;
        else if (log_marginal <= part->log_most)
            sum.spend = part->most;
        else
            sum = qbid_waterfill_at(part->slots, part->cnt, log_marginal);
        all.spend += sum.spend;
        all.inside += sum.inside;
        all.slope += sum.slope;
        all.bend += sum.bend;
    }
    return all;
}

static double parts_solve(struct work *work, double total, double start)
{
    struct qbid_waterfill_search search = {start, -INFINITY, INFINITY, 1};
    for (int i = 0; i < STEPS_MAX; i++)
        if (!qbid_waterfill_next(&search, parts_at(work, search.at), total))
            break;
    return search.at;
}

/* The spends of each platform at the joint price, or at its quota's; its sum into its share. */
static double parts_take(struct work *work, double log_marginal, double total)
{
    double part_slope = 0, missing = total - parts_at(work, log_marginal).spend;
    for (uint32_t g = 0; g < work->part_cnt; g++) {
        struct part *part = &work->parts[g];
        part->log_marginal = fmin(fmax(log_marginal, part->log_most), part->log_least);
        part->sum = qbid_waterfill_at(part->slots, part->cnt, part->log_marginal);
        part_slope += part->log_marginal == log_marginal ? part->sum.slope : 0;
    }
    double step = part_slope > 0 ? missing / part_slope : 0;
    for (uint32_t g = 0; g < work->part_cnt; g++) {
        struct part *part = &work->parts[g];
        double sum = part->sum.spend + step * part->sum.slope;
        if (log_marginal >= part->log_least)
            sum = part->least;
        else if (log_marginal <= part->log_most)
            sum = part->most;
        part->log_marginal -= qbid_waterfill_close(part->slots, part->cnt, part->sum, sum);
        work->shares[g] = (struct qbid_share){.wanted = 1e6 * sum,
                                              .least = work->rooms[g].least_micros,
                                              .most = work->rooms[g].most_micros};
    }
    return log_marginal - step;
}

/* One platform's items in whole micros that sum to its own. */
static int round_part(struct qbid_allocation *a, struct work *work, uint32_t g, int64_t total)
{
    struct part *part = &work->parts[g];
    const uint32_t *order = work->order + (part->slots - work->slots);
    for (uint32_t i = 0; i < part->cnt; i++) {
        const struct qbid_allocation_item *item = &a->items[order[i]];
        work->shares[i] = (struct qbid_share){.wanted = 1e6 * part->slots[i].spend,
                                              .least = item->least_micros,
                                              .most = item->most_micros};
    }
    int err = qbid_shares_round(work->shares, part->cnt, total, work->scratch);
    for (uint32_t i = 0; i < part->cnt && !err; i++) {
        a->items[order[i]].spend_micros = work->shares[i].micros;
        a->items[order[i]].spend = part->slots[i].spend;
    }
    return err;
}

static int round_all(struct qbid_allocation *a, struct work *work)
{
    int64_t *totals = calloc(work->part_cnt, sizeof *totals);
    if (totals == NULL)
        return QBID_ERR_NOMEM;
    int err = qbid_shares_round(work->shares, work->part_cnt, a->budget_micros, work->scratch);
    for (uint32_t g = 0; g < work->part_cnt && !err; g++)
        totals[g] = work->shares[g].micros;
    for (uint32_t g = 0; g < work->part_cnt && !err; g++) {
        err = round_part(a, work, g, totals[g]);
        if (a->groups) {
            a->groups[g].spend_micros = totals[g];
            a->groups[g].marginal = exp(work->parts[g].log_marginal);
        }
    }
    free(totals);
    return err;
}

int qbid_allocate(struct qbid_allocation *allocation, char why[QBID_ALLOCATION_WHY_MAX])
{
    struct work work;
    int err = work_init(allocation, &work);
    if (err)
        return err;
    err = qbid_allocation_check(allocation, work.rooms, why);
    if (!err) {
        double budget = units(allocation->budget_micros);
        work_sort(allocation, &work);
        double price = qbid_waterfill_solve(work.slots, allocation->item_cnt, budget);
        work.shares[0] = (struct qbid_share){1e6 * budget, work.rooms[0].least_micros,
                                             work.rooms[0].most_micros, 0};
        if (allocation->groups) {
            parts_price(allocation, &work);
            price = parts_take(&work, parts_solve(&work, budget, price), budget);
        }
        allocation->marginal = exp(price);
        err = round_all(allocation, &work);
    }
    work_done(&work);
    return err;
}

double qbid_allocation_value(const struct qbid_allocation *allocation)
{
    double value = 0;
    for (uint32_t i = 0; i < allocation->item_cnt; i++)
        value += qbid_curve_value(&allocation->items[i].curve, allocation->items[i].spend);
    return value;
}
