/* SPDX-License-Identifier: Apache-2.0 */
/* Water-filling by Newton's method on the logarithm of the dual price. */
#include "control/models/allocate/waterfill.h"

#include <math.h>
#include <stddef.h>

#define STEPS_MAX 200
#define SAMPLE 2048    /* slots, at least, that say where many begin */
#define SAMPLE_PART 32 /* of all */
#define SAMPLE_STEPS 6
/* Of a sum: the last step's own error is of second order in it, and lost in rounding. */
#define NEAR 1e-10

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

/* Every stride-th slot. */
static struct qbid_waterfill_sum sum_at(struct qbid_waterfill_slot *slots, uint32_t cnt,
                                        uint32_t stride, double log_marginal)
{
    struct qbid_waterfill_sum sum = {0, 0, 0, 0};
    double bound = 0;
    for (uint32_t i = 0; i < cnt; i += stride) {
        struct qbid_waterfill_slot *slot = &slots[i];
        slot->spend = spend_at(slot, log_marginal, &slot->slope);
        sum.inside += slot->slope > 0 ? slot->spend : 0;
        bound += slot->slope > 0 ? 0 : slot->spend;
        sum.slope += slot->slope;
        sum.bend += slot->slope > 0 ? slot->slope * slot->slope / slot->spend : 0;
    }
    sum.spend = sum.inside + bound;
    return sum;
}

struct qbid_waterfill_sum qbid_waterfill_at(struct qbid_waterfill_slot *slots, uint32_t cnt,
                                            double log_marginal)
{
    return sum_at(slots, cnt, 1, log_marginal);
}

/* The step that changes log(inside) by -fall, to second order. */
static double root_of(struct qbid_waterfill_sum sum, double fall)
{
    double b = sum.slope / sum.inside, a = sum.bend / sum.inside - b * b;
    double square = b * b - 2 * a * fall;
    return 2 * fall / (b + (square > 0 ? sqrt(square) : b));
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
        step = shrinks ? root_of(sum, log(sum.inside / inside)) : over / sum.slope;
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

double qbid_waterfill_close(struct qbid_waterfill_slot *slots, uint32_t cnt,
                            struct qbid_waterfill_sum sum, double total)
{
    double part = sum.slope > 0 ? (total - sum.spend) / sum.slope : 0;
    for (uint32_t i = 0; i < cnt && part != 0; i++) {
        double x = slots[i].spend + part * slots[i].slope;
        slots[i].spend = fmin(fmax(x, slots[i].least), slots[i].most);
    }
    return part;
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

/* The price of every stride-th slot with its part of the total: near that of all. */
static double sample_price(struct qbid_waterfill_slot *slots, uint32_t cnt, double total,
                           double start)
{
    uint32_t stride = cnt / SAMPLE < SAMPLE_PART ? cnt / SAMPLE : SAMPLE_PART;
    uint32_t taken = (cnt + stride - 1) / stride;
    struct qbid_waterfill_search search = {start, -INFINITY, INFINITY, 1};
    for (int i = 0; i < SAMPLE_STEPS; i++) {
        struct qbid_waterfill_sum sum = sum_at(slots, cnt, stride, search.at);
        if (!qbid_waterfill_next(&search, sum, total * taken / cnt))
            break;
    }
    return search.at;
}

double qbid_waterfill_solve(struct qbid_waterfill_slot *slots, uint32_t cnt, double total)
{
    if (cnt == 0)
        return 0;
    struct qbid_waterfill_search search = {0, -INFINITY, INFINITY, 1};
    search.at = start_of(slots, cnt, total);
    if (cnt >= 4 * SAMPLE)
        search.at = sample_price(slots, cnt, total, search.at);
    struct qbid_waterfill_sum sum = {0, 0, 0, 0};
    for (int i = 0; i < STEPS_MAX; i++) {
        sum = qbid_waterfill_at(slots, cnt, search.at);
        if (!qbid_waterfill_next(&search, sum, total))
            break;
    }
    return search.at - qbid_waterfill_close(slots, cnt, sum, total);
}
