/* SPDX-License-Identifier: Apache-2.0 */
/* Passes alternate: season from the series without trend, phase by phase; then trend from the
 * series without season.
 */
#include "control/models/watch/stl.h"

#include <math.h>
#include <stdlib.h>

#include "shm/error.h"

#define SEASON_SPAN 7
#define PASSES 5
#define ROBUST_PASSES 2
#define ROBUST_ROUNDS 15
#define NEAR 0.001 /* closer than this part of the span: full weight */
#define FAR 0.999  /* farther: none */
#define ROUNDING 1e-12

/* Distance weights of a window, kept from one place to the next: in the middle of a series all
 * windows are alike. */
struct kernel {
    double *w;
    double left, right; /* of the place, to the ends of the window; right < 0: none yet */
};

struct stl {
    const double *y;
    uint32_t cnt;
    struct qbid_stl_spec spec;
    double *season, *trend;
    double *weight; /* by the remainder; NULL = all alike */
    struct kernel kernel;
    double *long_a, *long_b, *rest, *local, *phase_weight; /* scratch of cnt + 2 period each */
};

/* What a local line runs over: values y[0 .. cnt-1] at 1 .. cnt. */
struct line {
    const double *y;
    const double *weight; /* or NULL */
    uint32_t cnt, span;
    bool flat;
};

/* By distance from the place: full when near, none at the reach. */
static void kernel_make(const struct line *line, double left, double right, struct kernel *kernel)
{
    double reach = fmax(left, right);
    if (line->span > line->cnt)
        reach += (line->span - line->cnt) / 2;
    for (uint32_t j = 0; j <= (uint32_t)(left + right); j++) {
        double r = fabs(j - left), part = r / reach, rest = 1 - part * part * part;
        kernel->w[j] = r > FAR * reach ? 0 : r <= NEAR * reach ? 1 : rest * rest * rest;
    }
    kernel->left = left;
    kernel->right = right;
}

/* Weights of values from .. to (1-based) around x, into local[]. Their sum. */
static double local_weights(const struct line *line, double x, uint32_t from, uint32_t to,
                            struct kernel *kernel, double *local)
{
    double sum = 0;
    if (kernel->left != x - from || kernel->right != to - x)
        kernel_make(line, x - from, to - x, kernel);
    for (uint32_t j = from; j <= to; j++) {
        local[j] = line->weight ? kernel->w[j - from] * line->weight[j - 1] : kernel->w[j - from];
        sum += local[j];
    }
    return sum;
}

/* The local line at x. False: no value counts there. */
static bool local_line(const struct line *line, double x, uint32_t from, uint32_t to,
                       struct kernel *kernel, double *local, double *ret)
{
    double sum = local_weights(line, x, from, to, kernel, local);
    if (!(sum > 0))
        return false;
    for (uint32_t j = from; j <= to; j++)
        local[j] /= sum;
    if (!line->flat && fmax(x - from, to - x) > 0) {
        double mean = 0, spread = 0;
        for (uint32_t j = from; j <= to; j++)
            mean += local[j] * j;
        for (uint32_t j = from; j <= to; j++)
            spread += local[j] * (j - mean) * (j - mean);
        if (sqrt(spread) > NEAR * (line->cnt - 1.0)) {
            double slope = (x - mean) / spread;
            for (uint32_t j = from; j <= to; j++)
                local[j] *= slope * (j - mean) + 1;
        }
    }
    double at = 0;
    for (uint32_t j = from; j <= to; j++)
        at += local[j] * line->y[j - 1];
    *ret = at;
    return true;
}

/* The line at each value's own place. */
static void smooth(const struct line *line, struct kernel *kernel, double *local, double *ret)
{
    kernel->right = -1;
    uint32_t from = 1, to = line->span < line->cnt ? line->span : line->cnt;
    for (uint32_t i = 1; i <= line->cnt; i++) {
        if (line->span < line->cnt && i > (line->span + 1) / 2 && to != line->cnt) {
            from++;
            to++;
        }
        if (!local_line(line, i, from, to, kernel, local, &ret[i - 1]))
            ret[i - 1] = line->y[i - 1];
    }
}

/* One phase of the season: smoothed, with a value before the first and one behind the last. */
static void smooth_phase(struct stl *stl, uint32_t phase, const double *flat, double *ret_long)
{
    uint32_t period = stl->spec.period, cnt = (stl->cnt - phase - 1) / period + 1;
    double *own = stl->rest, *fit = stl->long_b;
    for (uint32_t i = 0; i < cnt; i++)
        own[i] = flat[phase + i * period];
    if (stl->weight) {
        for (uint32_t i = 0; i < cnt; i++)
            stl->phase_weight[i] = stl->weight[phase + i * period];
    }
    struct line line = {own, stl->weight ? stl->phase_weight : NULL, cnt, stl->spec.season_span,
                        stl->spec.flat_season};
    uint32_t near_cnt = line.span < cnt ? line.span : cnt;
    smooth(&line, &stl->kernel, stl->local, fit + 1);
    if (!local_line(&line, 0, 1, near_cnt, &stl->kernel, stl->local, &fit[0]))
        fit[0] = fit[1];
    if (!local_line(&line, cnt + 1.0, cnt - near_cnt + 1, cnt, &stl->kernel, stl->local,
                    &fit[cnt + 1]))
        fit[cnt + 1] = fit[cnt];
    for (uint32_t i = 0; i < cnt + 2; i++)
        ret_long[phase + i * period] = fit[i];
}

/* Means over `span` neighbours: cnt - span + 1 of them. */
static void moving_means(const double *x, uint32_t cnt, uint32_t span, double *ret)
{
    double sum = 0;
    for (uint32_t i = 0; i < span; i++)
        sum += x[i];
    ret[0] = sum / span;
    for (uint32_t i = span; i < cnt; i++) {
        sum += x[i] - x[i - span];
        ret[i - span + 1] = sum / span;
    }
}

static void pass(struct stl *stl)
{
    uint32_t cnt = stl->cnt, period = stl->spec.period, whole = cnt + 2 * period;
    double *flat = stl->season; /* free until the season is known */
    for (uint32_t i = 0; i < cnt; i++)
        flat[i] = stl->y[i] - stl->trend[i];
    for (uint32_t phase = 0; phase < period; phase++)
        smooth_phase(stl, phase, flat, stl->long_a);
    moving_means(stl->long_a, whole, period, stl->rest);
    moving_means(stl->rest, whole - period + 1, period, stl->long_b);
    moving_means(stl->long_b, whole - 2 * period + 2, 3, stl->rest);
    smooth(&(struct line){stl->rest, NULL, cnt, stl->spec.lowpass_span, false}, &stl->kernel,
           stl->local, stl->long_b);
    for (uint32_t i = 0; i < cnt; i++)
        stl->season[i] = stl->long_a[period + i] - stl->long_b[i];
    for (uint32_t i = 0; i < cnt; i++)
        stl->rest[i] = stl->y[i] - stl->season[i];
    smooth(&(struct line){stl->rest, stl->weight, cnt, stl->spec.trend_span, false}, &stl->kernel,
           stl->local, stl->trend);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values far from season + trend, in units of six median remainders, count little or nothing. */
static void weigh(struct stl *stl, double *weight)
{
    uint32_t cnt = stl->cnt;
    double *size = stl->rest, largest = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        size[i] = weight[i] = fabs(stl->y[i] - stl->season[i] - stl->trend[i]);
        largest = fmax(largest, fabs(stl->y[i]));
    }
    qsort(size, cnt, sizeof *size, by_size);
    /* a remainder of rounding errors has no outliers */
    double limit = fmax(3 * (size[cnt / 2] + size[cnt - cnt / 2 - 1]), ROUNDING * largest);
    for (uint32_t i = 0; i < cnt; i++) {
        double part = weight[i] / limit, rest = 1 - part * part;
        if (weight[i] <= NEAR * limit)
            weight[i] = 1;
        else
            weight[i] = weight[i] <= FAR * limit ? rest * rest : 0;
    }
}

static uint32_t odd(uint32_t x)
{
    return x | 1u;
}

static bool spec_complete(struct qbid_stl_spec *spec, uint32_t cnt)
{
    if (spec->period < 2 || cnt / 2 < spec->period)
        return false;
    if (spec->season_span == 0)
        spec->season_span = SEASON_SPAN;
    if (spec->season_span < 3 || spec->season_span % 2 == 0)
        return false;
    if (spec->trend_span == 0)
        spec->trend_span = odd((uint32_t)ceil(1.5 * spec->period / (1 - 1.5 / spec->season_span)));
    if (spec->lowpass_span == 0)
        spec->lowpass_span = odd(spec->period + 1);
    return spec->trend_span > spec->period && spec->trend_span % 2 == 1 &&
           spec->lowpass_span > spec->period && spec->lowpass_span % 2 == 1;
}

int qbid_stl(const double *y, uint32_t cnt, struct qbid_stl_spec spec, double *ret_season,
             double *ret_trend, double *ret_weight)
{
    if (cnt > UINT32_MAX / 16 || !spec_complete(&spec, cnt))
        return QBID_ERR_INVAL;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!isfinite(y[i]))
            return QBID_ERR_INVAL;
    }
    size_t room = (size_t)cnt + 2 * (size_t)spec.period + 2;
    double *scratch = malloc(7 * room * sizeof *scratch);
    if (!scratch)
        return QBID_ERR_NOMEM;
    double *weight = scratch + 6 * room;
    struct stl stl = {.y = y,
                      .cnt = cnt,
                      .spec = spec,
                      .season = ret_season,
                      .trend = ret_trend,
                      .kernel.w = scratch,
                      .long_a = scratch + room,
                      .long_b = scratch + 2 * room,
                      .rest = scratch + 3 * room,
                      .local = scratch + 4 * room,
                      .phase_weight = scratch + 5 * room};
    for (uint32_t i = 0; i < cnt; i++) {
        ret_trend[i] = 0;
        weight[i] = 1;
    }
    for (unsigned round = 0;; round++) {
        for (unsigned i = 0; i < (spec.robust ? ROBUST_PASSES : PASSES); i++)
            pass(&stl);
        if (!spec.robust || round == ROBUST_ROUNDS)
            break;
        weigh(&stl, weight);
        stl.weight = weight;
    }
    for (uint32_t i = 0; ret_weight && i < cnt; i++)
        ret_weight[i] = weight[i];
    free(scratch);
    return 0;
}
