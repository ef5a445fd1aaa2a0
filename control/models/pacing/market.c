/* SPDX-License-Identifier: Apache-2.0 */
/* Spend and worth of a sample of auctions as functions of the multiplier, and their inverses. */
#include "control/models/pacing/market.h"

#include <math.h>
#include <stddef.h>

#include "shm/error.h"

#define BISECTIONS 50       /* second price: exact to 1e-9 and cheap */
#define BISECTIONS_FIRST 26 /* first price: each is a pass; finer than the win curve is known */
#define POWER_MIN 0.25      /* of spend in alpha, above the sample */
#define POWER_MAX 4.0

static int point_before(const struct qbid_market_point *a, const struct qbid_market_point *b)
{
    if (a->threshold != b->threshold)
        return a->threshold < b->threshold;
    if (a->kind != b->kind) /* at a tie, prices before losses */
        return a->kind != QBID_MARKET_LOST && b->kind == QBID_MARKET_LOST;
    return a->price_micros < b->price_micros;
}

static void heap_sift(struct qbid_market_point *p, uint32_t at, uint32_t cnt)
{
    struct qbid_market_point moved = p[at];
    for (uint32_t child; (child = 2 * at + 1) < cnt; at = child) {
        child += child + 1 < cnt && point_before(&p[child], &p[child + 1]);
        if (!point_before(&moved, &p[child]))
            break;
        p[at] = p[child];
    }
    p[at] = moved;
}

/* Heap sort: in place, no recursion, no allocation (the C library's qsort may allocate). */
static void points_sort(struct qbid_market_point *p, uint32_t cnt)
{
    for (uint32_t i = cnt / 2; i-- > 0;)
        heap_sift(p, i, cnt);
    for (uint32_t end = cnt; end-- > 1;) {
        struct qbid_market_point last = p[end];
        p[end] = p[0];
        p[0] = last;
        heap_sift(p, 0, end);
    }
}

static int point_usable(const struct qbid_market_point *p)
{
    return p->value_micros > 0 && isfinite(p->value_micros) && p->price_micros >= 0 &&
           isfinite(p->price_micros);
}

/* Running spend and worth over the sorted points; each price seen carries its Kaplan-Meier mass. */
static void points_accumulate(struct qbid_market_point *p, uint32_t cnt)
{
    double alive = 1, won = 0, spend = 0, worth = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        double mass = p[i].kind == QBID_MARKET_LOST ? 0 : alive / (cnt - i);
        if (isfinite(p[i].threshold)) {
            won += mass;
            spend += mass * p[i].price_micros;
            worth += mass * p[i].value_micros;
        }
        alive -= mass;
        p[i].won = won;
        p[i].spend = spend;
        p[i].worth = worth;
    }
}

/* Least effective value whose shaded bid reaches a price; infinite where none does. */
static double shade_inverse(const struct qbid_shade *shade, double price)
{
    uint32_t i = 0;
    double below = 0, e_below = 0;
    for (; i < QBID_SHADE_KNOTS; i++) {
        double e = (double)qbid_shade_knot(i);
        double bid = (double)qbid_shade_eval(shade, qbid_shade_knot(i));
        if (bid >= price)
            return bid > below ? e_below + (e - e_below) * (price - below) / (bid - below) : e;
        below = bid;
        e_below = e;
    }
    return below > 0 ? e_below * price / below : INFINITY;
}

static double point_threshold(const struct qbid_market_point *p, const struct qbid_shade *shade)
{
    if (!point_usable(p))
        return INFINITY;
    if (shade && p->kind == QBID_MARKET_SEEN)
        return shade_inverse(shade, p->price_micros) / p->value_micros;
    return p->price_micros / p->value_micros;
}

int qbid_market_init(struct qbid_market_point *points, uint32_t cnt, const struct qbid_shade *shade,
                     struct qbid_market *ret_market)
{
    if (cnt < 1 || cnt > QBID_MARKET_POINTS_MAX)
        return QBID_ERR_INVAL;
    uint32_t usable = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_market_point *p = &points[i];
        p->threshold = point_threshold(p, shade);
        if (isfinite(p->threshold))
            usable++;
        else /* whoever cannot win it, knows that its price is too high */
            p->kind = QBID_MARKET_SEEN;
    }
    points_sort(points, cnt);
    points_accumulate(points, cnt);
    *ret_market = (struct qbid_market){points, shade, cnt, usable};
    return 0;
}

/* Points with threshold <= alpha. */
static uint32_t points_won(const struct qbid_market *market, double alpha)
{
    uint32_t low = 0, high = market->top;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (market->points[mid].threshold <= alpha)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* alpha * value as a finite float. */
static float effective(const struct qbid_market_point *p, double alpha)
{
    return (float)fmin(alpha * p->value_micros, 1e30);
}

/* Probability that multiplier alpha wins a point in first price, given what its auction showed. */
static double point_win(const struct qbid_market_point *p, const struct qbid_shade *shade,
                        double alpha)
{
    if (p->kind == QBID_MARKET_SEEN)
        return alpha >= p->threshold;
    double now = (double)qbid_shade_win(shade, effective(p, alpha));
    double then = (double)qbid_shade_win(shade, (float)fmin(p->price_micros, 1e30));
    if (p->kind == QBID_MARKET_WON)
        return alpha >= p->threshold ? 1 : then > 0 ? fmin(now / then, 1) : 0;
    return alpha <= p->threshold || then >= 1 ? 0 : fmax(now - then, 0) / (1 - then);
}

struct sums {
    double won;
    double spend;
    double worth;
};

static struct sums market_sums(const struct qbid_market *market, double alpha)
{
    struct sums sums = {0, 0, 0};
    if (!(alpha > 0))
        return sums;
    if (!market->shade) {
        uint32_t won = points_won(market, alpha);
        const struct qbid_market_point *last = market->points + won;
        if (won > 0)
            sums = (struct sums){last[-1].won, last[-1].spend, last[-1].worth};
        return sums;
    }
    for (uint32_t i = 0; i < market->top; i++) {
        const struct qbid_market_point *p = &market->points[i];
        double bid = (double)qbid_shade_eval(market->shade, effective(p, alpha));
        double win = point_win(p, market->shade, alpha);
        sums.won += win / market->cnt;
        sums.spend += win * bid / market->cnt;
        sums.worth += win * p->value_micros / market->cnt;
    }
    return sums;
}

double qbid_market_spend(const struct qbid_market *market, double alpha)
{
    return market_sums(market, alpha).spend;
}

double qbid_market_worth(const struct qbid_market *market, double alpha)
{
    return market_sums(market, alpha).worth;
}

double qbid_market_won(const struct qbid_market *market, double alpha)
{
    return market_sums(market, alpha).won;
}

/* Highest multiplier that the sample says something about. In second price it is mute above its
 * last price; in first price the segment's win curve goes on. */
static double market_top(const struct qbid_market *market)
{
    uint32_t i = market->top;
    if (market->shade)
        return i > 0 ? market->points[i - 1].threshold * QBID_MARKET_REACH : 0;
    while (i > 0 && market->points[i - 1].kind == QBID_MARKET_LOST)
        i--;
    return i > 0 ? market->points[i - 1].threshold : 0;
}

/* Sup of alpha in (0, top] that hold, for a condition that turns false once. */
static double bisect(const struct qbid_market *market, double top,
                     int (*holds)(struct sums sums, double limit), double limit)
{
    double low = 0, high = top;
    int rounds = market->shade ? BISECTIONS_FIRST : BISECTIONS;
    for (int i = 0; i < rounds; i++) {
        double mid = 0.5 * (low + high);
        if (holds(market_sums(market, mid), limit))
            low = mid;
        else
            high = mid;
    }
    return low;
}

static int budget_holds(struct sums sums, double rho)
{
    return sums.spend <= rho;
}

static int goal_holds(struct sums sums, double scale)
{
    return scale * sums.worth >= sums.spend;
}

double qbid_market_alpha_budget(const struct qbid_market *market, double rho_nanos)
{
    double top = market_top(market);
    double most = market_sums(market, top).spend;
    if (!(rho_nanos > 0) || !(top > 0) || !(most > 0))
        return 0;
    if (most > rho_nanos)
        return bisect(market, top, budget_holds, rho_nanos);
    if (market->shade)
        return top;
    double half = market_sums(market, 0.5 * top).spend;
    double power = half > 0 ? fmin(fmax(log2(most / half), POWER_MIN), POWER_MAX) : POWER_MAX;
    return top * fmin(pow(rho_nanos / most, 1 / power), QBID_MARKET_REACH);
}

double qbid_market_alpha_goal(const struct qbid_market *market, double scale)
{
    double top = market_top(market);
    if (!(scale > 0) || !(top > 0) || !(market_sums(market, top).spend > 0))
        return 0;
    if (goal_holds(market_sums(market, top), scale))
        return market->shade ? top : top * QBID_MARKET_REACH;
    return bisect(market, top, goal_holds, scale);
}
