/* SPDX-License-Identifier: Apache-2.0 */
/* Water-filling by Newton's method on the logarithm of the dual price. */
#include "control/models/allocate/waterfill.h"

#include <math.h>
#include <stddef.h>

#define STEPS_MAX 200
#define NEAR 4e-16 /* of a sum: as near as its additions can tell */

void qbid_waterfill_slot_init(struct qbid_waterfill_slot *slot, const struct qbid_curve *curve,
                              double least, double most)
{
    *slot = (struct qbid_waterfill_slot){.curve = curve, .least = least, .most = most};
    if (curve->kind != QBID_CURVE_POWER)
        return;
    slot->curve = NULL;
    slot->k = 1 / (1 - curve->shape);
    slot->k_log = slot->k * log(curve->scale * curve->shape);
    slot->from = curve->half;
}

/* Inside its box, with the slope there: 0 at a bound. */
static inline double spend_at(const struct qbid_waterfill_slot *slot, double log_marginal,
                              double *ret_slope)
{
    double x, slope;
    if (slot->curve == NULL) {
        double raised = exp(slot->k_log - slot->k * log_marginal);
        x = raised - slot->from;
        slope = slot->k * raised;
    } else {
        x = qbid_curve_spend(slot->curve, log_marginal, &slope);
    }
    int inside = x > slot->least && x < slot->most;
    *ret_slope = inside ? slope : 0;
    return inside ? x : x <= slot->least ? slot->least : slot->most;
}

struct qbid_waterfill_sum qbid_waterfill_at(const struct qbid_waterfill_slot *slots, uint32_t cnt,
                                            double log_marginal)
{
    struct qbid_waterfill_sum sum = {0, 0, 0};
    double bound = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        double slope, x = spend_at(&slots[i], log_marginal, &slope);
        sum.inside += slope > 0 ? x : 0;
        bound += slope > 0 ? 0 : x;
        sum.slope += slope;
    }
    sum.spend = sum.inside + bound;
    return sum;
}

int qbid_waterfill_next(struct qbid_waterfill_search *search, struct qbid_waterfill_sum sum,
                        double target)
{
    double over = sum.spend - target, inside = sum.inside - over, step;
    if (fabs(over) <= NEAR * target)
        return 0;
    if (over > 0)
        search->low = search->at;
    else
        search->high = search->at;
    if (sum.slope > 0) {
        int shrinks = sum.inside > 0 && inside > 0;
        step = (shrinks ? log(sum.inside / inside) * sum.inside : over) / sum.slope;
    } else {
        step = over > 0 ? search->stride : -search->stride;
        search->stride *= 2;
    }
    double next = search->at + step;
    if (!(next > search->low && next < search->high))
        next = 0.5 * (search->low + search->high);
    if (!isfinite(next) || next == search->at ||
        fabs(next - search->at) <= 1e-16 * fabs(search->at))
        return 0;
    search->at = next;
    return 1;
}

void qbid_waterfill_take(struct qbid_waterfill_slot *slots, uint32_t cnt, double log_marginal,
                         double total)
{
    struct qbid_waterfill_sum sum = {0, 0, 0};
    for (uint32_t i = 0; i < cnt; i++) {
        double slope;
        slots[i].spend = spend_at(&slots[i], log_marginal, &slope);
        sum.spend += slots[i].spend;
        sum.slope += slope;
    }
    if (!(sum.slope > 0) || sum.spend == total)
        return;
    double part = (total - sum.spend) / sum.slope;
    for (uint32_t i = 0; i < cnt; i++) {
        double slope, x = spend_at(&slots[i], log_marginal, &slope);
        slots[i].spend = fmin(fmax(x + part * slope, slots[i].least), slots[i].most);
    }
}

/* Where a first look is worth most: the mean marginal of power laws at an equal split. */
static double start_of(const struct qbid_waterfill_slot *slots, uint32_t cnt, double total)
{
    double log_equal = log(fmax(total, 1e-300) / cnt), sum = 0, weight = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (slots[i].curve != NULL)
            continue;
        sum += slots[i].k_log - log_equal;
        weight += slots[i].k;
    }
    if (weight > 0)
        return sum / weight;
    double marginal = qbid_curve_marginal(slots[0].curve, total / cnt);
    return isfinite(log(marginal)) ? log(marginal) : 0;
}

double qbid_waterfill_solve(struct qbid_waterfill_slot *slots, uint32_t cnt, double total)
{
    if (cnt == 0)
        return 0;
    struct qbid_waterfill_search search = {.low = -INFINITY, .high = INFINITY, .stride = 1};
    search.at = start_of(slots, cnt, total);
    for (int i = 0; i < STEPS_MAX; i++)
        if (!qbid_waterfill_next(&search, qbid_waterfill_at(slots, cnt, search.at), total))
            break;
    qbid_waterfill_take(slots, cnt, search.at, total);
    return search.at;
}
