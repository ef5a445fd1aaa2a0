/* SPDX-License-Identifier: Apache-2.0 */
/* The dual of a campaign's purchase: its value and slope, the ellipsoid method, the last vertex. */
#include "control/models/pacing/duals.h"

#include <math.h>
#include <string.h>

#include "shm/error.h"

#define DIMS_MAX (1 + QBID_DUALS_CAPS_MAX)
#define ROUNDS_MAX 6000
#define GAP 1e-13       /* of the dual's value: where the search ends */
#define PRICE_RANGE 1e6 /* how far a cap's price may lie above what the budget alone explains */
#define KEPT_SLACK 1e-9 /* of a constraint, for rounding */
#define POLISH_ROUNDS 8
#define DEBT_PART_MAX 0.5 /* of what a period allows, that earlier ones may take or add */

double qbid_duals_effective(const struct qbid_duals *duals, uint32_t cap_cnt,
                            const struct qbid_duals_point *point)
{
    double over = point->worth_micros, under = duals->budget;
    for (uint32_t j = 0; j < cap_cnt; j++) {
        over += duals->cap[j] * point->allow_micros[j];
        under += duals->cap[j];
    }
    return under > 0 ? over / under : 0;
}

double qbid_duals_alpha(const struct qbid_duals *duals, uint32_t cap_cnt)
{
    double over = 1, under = duals->budget;
    for (uint32_t j = 0; j < cap_cnt; j++) {
        over += duals->cap[j];
        under += duals->cap[j];
    }
    return under > 0 ? over / under : HUGE_VAL;
}

static int nonnegative(double x)
{
    return x >= 0 && isfinite(x);
}

static int point_usable(const struct qbid_duals_point *p, uint32_t cap_cnt)
{
    int usable = p->weight > 0 && isfinite(p->weight) && nonnegative(p->price_micros) &&
                 nonnegative(p->worth_micros);
    for (uint32_t j = 0; j < cap_cnt; j++)
        usable &= nonnegative(p->allow_micros[j]);
    return usable;
}

/* Probability of winning one auction, and the price when it is won. */
static double point_buy(const struct qbid_duals_market *market, const struct qbid_duals_point *p,
                        double over, double under, double *ret_price)
{
    *ret_price = p->price_micros;
    if (!market->shade)
        return over >= under * p->price_micros && over > 0;
    float e = (float)fmin(over / fmax(under, 1e-300), 1e30);
    *ret_price = (double)qbid_shade_eval(market->shade, e);
    return (double)qbid_shade_win(market->shade, e);
}

struct qbid_duals_means qbid_duals_buy(const struct qbid_duals_market *market,
                                       const struct qbid_duals *duals)
{
    struct qbid_duals_means means = {0};
    double weight = 0, under = duals->budget;
    for (uint32_t j = 0; j < market->cap_cnt; j++)
        under += duals->cap[j];
    for (uint32_t i = 0; i < market->cnt; i++) {
        const struct qbid_duals_point *p = &market->points[i];
        double over = p->worth_micros, price;
        if (p->weight > 0 && isfinite(p->weight))
            weight += p->weight;
        if (!point_usable(p, market->cap_cnt))
            continue;
        for (uint32_t j = 0; j < market->cap_cnt; j++)
            over += duals->cap[j] * p->allow_micros[j];
        double won = p->weight * point_buy(market, p, over, under, &price);
        if (!(won > 0))
            continue;
        means.spend += won * price;
        means.worth += won * p->worth_micros;
        means.bound += won * (over - under * price);
        for (uint32_t j = 0; j < market->cap_cnt; j++)
            means.allow[j] += won * p->allow_micros[j];
    }
    if (!(weight > 0))
        return (struct qbid_duals_means){0};
    means.spend /= weight;
    means.worth /= weight;
    means.bound = means.bound / weight + (duals->budget - market->cost) * market->rho_micros;
    for (uint32_t j = 0; j < market->cap_cnt; j++)
        means.allow[j] /= weight;
    return means;
}

/* --- the search, in prices as parts of their ranges */

struct search {
    const struct qbid_duals_market *market;
    uint32_t dims;
    double range[DIMS_MAX];
    double x[DIMS_MAX];
    double axes[DIMS_MAX][DIMS_MAX]; /* the ellipsoid: x + axes u, |u| <= 1 */
    double best[DIMS_MAX], value;    /* least value seen, and where */
};

static struct qbid_duals duals_at(const struct search *s, const double x[DIMS_MAX])
{
    struct qbid_duals duals = {.budget = s->market->cost + fmax(x[0], 0) * s->range[0]};
    for (uint32_t k = 1; k < s->dims; k++)
        duals.cap[k - 1] = fmax(x[k], 0) * s->range[k];
    return duals;
}

/* Value and a subgradient at x, which lies in the box. */
static double dual_value(const struct search *s, const double x[DIMS_MAX], double slope[DIMS_MAX])
{
    struct qbid_duals duals = duals_at(s, x);
    struct qbid_duals_means m = qbid_duals_buy(s->market, &duals);
    slope[0] = (s->market->rho_micros - m.spend) * s->range[0];
    for (uint32_t k = 1; k < s->dims; k++)
        slope[k] = (m.allow[k - 1] - m.spend) * s->range[k];
    return m.bound;
}

/* Ranges in which a solution lies: all that could be had is worth `all`, so that a price is at most
 * that over the slack that some purchase leaves. */
static int ranges_make(struct search *s)
{
    const struct qbid_duals_market *market = s->market;
    double all = 0, weight = 0, spend = 0, slack[QBID_DUALS_CAPS_MAX] = {0};
    for (uint32_t i = 0; i < market->cnt; i++) {
        const struct qbid_duals_point *p = &market->points[i];
        if (!point_usable(p, market->cap_cnt))
            continue;
        double price = p->price_micros, meets = 1;
        if (market->shade) /* a bid that nobody has to be afraid of */
            price = (double)qbid_shade_eval(market->shade, qbid_shade_knot(0));
        for (uint32_t j = 0; j < market->cap_cnt; j++)
            meets *= p->allow_micros[j] > price;
        weight += p->weight;
        all += p->weight * p->worth_micros;
        spend += meets * p->weight * price;
        for (uint32_t j = 0; j < market->cap_cnt; j++)
            slack[j] += meets * p->weight * (p->allow_micros[j] - price);
    }
    if (!(all > 0) || !(weight > 0))
        return QBID_ERR_INVAL;
    double part = fmin(1, 0.5 * market->rho_micros * weight / fmax(spend, 1e-300));
    s->range[0] = all / (market->rho_micros * weight);
    for (uint32_t j = 0; j < market->cap_cnt; j++)
        s->range[1 + j] = fmin(all / fmax(part * slack[j], 1e-300), PRICE_RANGE * s->range[0]);
    return 0;
}

/* Keep the half, or less, of the ellipsoid in which slope' y <= slope' x - depth. Returns how far
 * slope' y can fall in it. Half axes are kept and not their squares: rounding would soon make the
 * shortest of those negative. */
static double ellipsoid_cut(struct search *s, const double slope[DIMS_MAX], double depth)
{
    double unit[DIMS_MAX], step[DIMS_MAX], width = 0, n = s->dims;
    for (uint32_t a = 0; a < s->dims; a++) {
        unit[a] = 0;
        for (uint32_t b = 0; b < s->dims; b++)
            unit[a] += s->axes[b][a] * slope[b];
        width += unit[a] * unit[a];
    }
    width = sqrt(width);
    if (!(width > 0))
        return 0;
    double deep = fmin(fmax(depth / width, 0), 0.999);
    double move = (1 + n * deep) / (n + 1);
    double grow = sqrt(n * n * (1 - deep * deep) / (n * n - 1));
    double squeeze = sqrt(1 - 2 * move / (1 + deep)) - 1;
    for (uint32_t a = 0; a < s->dims; a++) {
        step[a] = 0;
        for (uint32_t b = 0; b < s->dims; b++)
            step[a] += s->axes[a][b] * unit[b] / width;
        s->x[a] -= move * step[a];
    }
    for (uint32_t a = 0; a < s->dims; a++)
        for (uint32_t b = 0; b < s->dims; b++)
            s->axes[a][b] = grow * (s->axes[a][b] + squeeze * step[a] * unit[b] / width);
    return width;
}

/* A slope that leads back into the box; 0 when x is inside. */
static double box_slope(const struct search *s, double slope[DIMS_MAX])
{
    memset(slope, 0, sizeof(double) * DIMS_MAX);
    for (uint32_t k = 0; k < s->dims; k++) {
        double out = s->x[k] < 0 ? -s->x[k] : s->x[k] - 1;
        if (out > 0) {
            slope[k] = s->x[k] < 0 ? -1 : 1;
            return out;
        }
    }
    return 0;
}

static void ellipsoid_search(struct search *s)
{
    for (uint32_t k = 0; k < s->dims; k++) {
        s->x[k] = 0.5;
        s->axes[k][k] = 0.5 * sqrt(s->dims);
    }
    for (int round = 0; round < ROUNDS_MAX; round++) {
        double slope[DIMS_MAX] = {0}, out = box_slope(s, slope);
        if (out > 0) {
            if (!(ellipsoid_cut(s, slope, out) > 0))
                return;
            continue;
        }
        double value = dual_value(s, s->x, slope);
        if (value < s->value) {
            s->value = value;
            memcpy(s->best, s->x, sizeof s->best);
        }
        if (!(ellipsoid_cut(s, slope, value - s->value) > GAP * s->value))
            return;
    }
}

/* One price: the slope grows, so halve. */
static void halving_search(struct search *s)
{
    double low = 0, high = 1, slope[DIMS_MAX];
    for (int round = 0; round < 100 && low < high; round++) {
        double mid[DIMS_MAX] = {0.5 * (low + high)};
        double value = dual_value(s, mid, slope);
        if (value <= s->value) {
            s->value = value;
            s->best[0] = mid[0];
        }
        if (slope[0] < 0)
            low = mid[0];
        else
            high = mid[0];
    }
}

/* --- the vertex: as many points or axes as prices, at which nothing is gained or lost */

struct plane {
    double normal[DIMS_MAX], rest; /* normal' x = rest */
    double away;                   /* distance from the best x */
};

static struct plane plane_of(const struct search *s, const struct qbid_duals_point *p)
{
    struct plane plane = {.rest = p->worth_micros - s->market->cost * p->price_micros};
    double norm = 0, left = -plane.rest;
    plane.normal[0] = p->price_micros * s->range[0];
    for (uint32_t k = 1; k < s->dims; k++)
        plane.normal[k] = (p->price_micros - p->allow_micros[k - 1]) * s->range[k];
    for (uint32_t k = 0; k < s->dims; k++) {
        norm += plane.normal[k] * plane.normal[k];
        left += plane.normal[k] * s->best[k];
    }
    plane.away = norm > 0 ? fabs(left) / sqrt(norm) : HUGE_VAL;
    return plane;
}

static void plane_keep(struct plane kept[2 * DIMS_MAX], struct plane plane)
{
    uint32_t at = 2 * DIMS_MAX - 1;
    if (!(plane.away < kept[at].away))
        return;
    for (; at > 0 && plane.away < kept[at - 1].away; at--)
        kept[at] = kept[at - 1];
    kept[at] = plane;
}

/* Solve rows x = rest by elimination with pivots, taking the nearest planes that are independent.
 */
static int planes_meet(const struct plane kept[2 * DIMS_MAX], uint32_t dims, double x[DIMS_MAX])
{
    double row[DIMS_MAX][DIMS_MAX + 1];
    uint32_t pivot[DIMS_MAX], cnt = 0;
    for (uint32_t i = 0; i < 2 * DIMS_MAX && cnt < dims; i++) {
        if (!isfinite(kept[i].away))
            break;
        double norm = 0, most = 0;
        double *r = row[cnt];
        for (uint32_t k = 0; k < dims; k++)
            norm = fmax(norm, fabs(kept[i].normal[k]));
        for (uint32_t k = 0; k < dims; k++)
            r[k] = kept[i].normal[k] / norm;
        r[dims] = kept[i].rest / norm;
        for (uint32_t a = 0; a < cnt; a++) {
            double factor = r[pivot[a]];
            for (uint32_t k = 0; k <= dims; k++)
                r[k] -= factor * row[a][k];
        }
        for (uint32_t k = 0; k < dims; k++)
            if (fabs(r[k]) > most) {
                most = fabs(r[k]);
                pivot[cnt] = k;
            }
        if (most < 1e-9)
            continue;
        double unit = r[pivot[cnt]];
        for (uint32_t k = 0; k <= dims; k++)
            r[k] /= unit;
        for (uint32_t a = 0; a < cnt; a++) {
            double factor = row[a][pivot[cnt]];
            for (uint32_t k = 0; k <= dims; k++)
                row[a][k] -= factor * r[k];
        }
        cnt++;
    }
    for (uint32_t a = 0; a < cnt; a++)
        x[pivot[a]] = row[a][dims];
    return cnt == dims;
}

static void vertex_take(struct search *s)
{
    for (int round = 0; round < POLISH_ROUNDS; round++) {
        struct plane kept[2 * DIMS_MAX];
        double x[DIMS_MAX] = {0}, slope[DIMS_MAX];
        for (uint32_t i = 0; i < 2 * DIMS_MAX; i++)
            kept[i].away = HUGE_VAL;
        for (uint32_t k = 0; k < s->dims; k++) {
            struct plane axis = {.away = fabs(s->best[k])};
            axis.normal[k] = 1;
            plane_keep(kept, axis);
        }
        for (uint32_t i = 0; i < s->market->cnt; i++)
            if (point_usable(&s->market->points[i], s->market->cap_cnt))
                plane_keep(kept, plane_of(s, &s->market->points[i]));
        if (!planes_meet(kept, s->dims, x))
            return;
        for (uint32_t k = 0; k < s->dims; k++)
            x[k] = x[k] > -1e-12 && x[k] < 0 ? 0 : x[k];
        for (uint32_t k = 0; k < s->dims; k++)
            if (!(x[k] >= 0))
                return;
        double value = dual_value(s, x, slope);
        int same = memcmp(x, s->best, sizeof x) == 0;
        if (!(value <= s->value * (1 + GAP)) || same)
            return;
        s->value = fmin(value, s->value);
        memcpy(s->best, x, sizeof x);
    }
}

/* --- first price: the shade table is no exact argmax, so the slopes of the dual are not exactly
 * what is bought. A higher price of the budget keeps the mix of the caps and buys less of
 * everything. */

static int keeps(const struct qbid_duals_market *market, const struct qbid_duals *duals)
{
    struct qbid_duals_means m = qbid_duals_buy(market, duals);
    int kept = m.spend <= market->rho_micros * (1 + KEPT_SLACK);
    for (uint32_t j = 0; j < market->cap_cnt; j++)
        kept &= m.spend <= m.allow[j] * (1 + KEPT_SLACK);
    return kept;
}

static void budget_raise(const struct qbid_duals_market *market, struct qbid_duals *duals)
{
    struct qbid_duals high = *duals;
    if (keeps(market, duals))
        return;
    double low = duals->budget;
    for (int round = 0; round < 40 && !keeps(market, &high); round++)
        high.budget = 2 * high.budget + 0.1 * (1 + high.cap[0]);
    for (int round = 0; round < 40; round++) {
        struct qbid_duals mid = high;
        mid.budget = 0.5 * (low + high.budget);
        if (keeps(market, &mid))
            high = mid;
        else
            low = mid.budget;
    }
    *duals = high;
}

int qbid_duals_solve(const struct qbid_duals_market *market, struct qbid_duals *ret_duals)
{
    struct search s = {.market = market, .dims = 1 + market->cap_cnt, .value = HUGE_VAL};
    if (market->cnt < 1 || market->cap_cnt > QBID_DUALS_CAPS_MAX || !(market->rho_micros > 0) ||
        !isfinite(market->rho_micros) || !nonnegative(market->cost))
        return QBID_ERR_INVAL;
    int err = ranges_make(&s);
    if (err)
        return err;
    if (s.dims == 1)
        halving_search(&s);
    else
        ellipsoid_search(&s);
    if (!market->shade)
        vertex_take(&s);
    *ret_duals = duals_at(&s, s.best);
    if (market->shade)
        budget_raise(market, ret_duals);
    return 0;
}

/* --- online */

struct qbid_duals_params qbid_duals_defaults(void)
{
    return (struct qbid_duals_params){
        .gain = 0.2, .step_lg = 0.3, .least = 1e-3, .most = 1e3, .shift = 0.1, .margin = 0.005};
}

/* exp of the gain times what is lacking, at most a step. */
static double price_factor(const struct qbid_duals_params *params, double lack)
{
    return exp2(fmin(fmax(params->gain * lack / log(2), -params->step_lg), params->step_lg));
}

static double price_clean(double price, double least, double most)
{
    return price >= least ? fmin(price, most) : least; /* NaN is the least, too */
}

static int seen_valid(const struct qbid_duals_seen *seen, uint32_t cap_cnt)
{
    int valid = nonnegative(seen->spend) && seen->required > 0 && isfinite(seen->required) &&
                nonnegative(seen->spend_all) && nonnegative(seen->budget_left);
    for (uint32_t j = 0; j < cap_cnt; j++)
        valid &= nonnegative(seen->allow[j]) && nonnegative(seen->allow_all[j]);
    return valid;
}

struct qbid_duals qbid_duals_follow(const struct qbid_duals_params *params,
                                    const struct qbid_duals_seen *seen, uint32_t cap_cnt,
                                    struct qbid_duals before)
{
    struct qbid_duals duals = before;
    if (cap_cnt > QBID_DUALS_CAPS_MAX || !seen_valid(seen, cap_cnt))
        return before;
    duals.budget = price_clean(before.budget, params->least, params->most) *
                   price_factor(params, seen->spend / seen->required - 1);
    duals.budget = price_clean(duals.budget, params->least, params->most);
    for (uint32_t j = 0; j < cap_cnt; j++) {
        double all = seen->allow_all[j] * (1 - params->margin);
        double owed = (seen->spend_all - all) / fmax(seen->budget_left, seen->spend);
        owed = fmin(fmax(owed, -DEBT_PART_MAX), DEBT_PART_MAX);
        double may = fmax(seen->allow[j] * (1 - params->margin) - owed * seen->spend, 0);
        double lack = seen->spend > 0 ? 1 - may / seen->spend : 0;
        double moved = (price_clean(before.cap[j], 0, params->most) + params->shift) *
                       price_factor(params, lack);
        duals.cap[j] = price_clean(moved - params->shift, 0, params->most);
    }
    return duals;
}
