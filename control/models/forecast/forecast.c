/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts: methods over the smoothing fits, their trial at rolling origins, intervals. */
#include "control/models/forecast/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define CANDIDATES_MAX (2 * QBID_FORECAST_METHODS)
#define CNT_MIN 8
#define NORMAL_95 1.96

/* One method on one series, ready to look ahead from where it has come to. */
struct runner {
    struct qbid_forecast_choice choice;
    struct qbid_smoothing fit;
    double index[QBID_SMOOTHING_SEASON_MAX]; /* of the adjusted methods */
    bool multiplied;
    double drift;
    const double *y;
    uint32_t at; /* values taken */
};

static const struct {
    const char *name;
    struct qbid_smoothing_spec spec;
} methods[QBID_FORECAST_METHODS] = {
    [QBID_FORECAST_NAIVE] = {"naive", {0}},
    [QBID_FORECAST_LEVEL] = {"level", {0}},
    [QBID_FORECAST_THETA] = {"theta", {0}},
    [QBID_FORECAST_HOLT] = {"holt", {QBID_SMOOTHING_PLAIN, true, false, 1}},
    [QBID_FORECAST_HOLT_DAMPED] = {"damped", {QBID_SMOOTHING_PLAIN, true, true, 1}},
    [QBID_FORECAST_WINTERS_ADDITIVE] = {"winters-a", {QBID_SMOOTHING_ADDITIVE, true, false, 1}},
    [QBID_FORECAST_WINTERS_ADDITIVE_DAMPED] = {"winters-ad",
                                               {QBID_SMOOTHING_ADDITIVE, true, true, 1}},
    [QBID_FORECAST_WINTERS_MULTIPLICATIVE] = {"winters-m",
                                              {QBID_SMOOTHING_MULTIPLICATIVE, true, false, 1}},
    [QBID_FORECAST_WINTERS_MULTIPLICATIVE_DAMPED] = {"winters-md",
                                                     {QBID_SMOOTHING_MULTIPLICATIVE, true, true,
                                                      1}},
};

const char *qbid_forecast_name(enum qbid_forecast_method method)
{
    return (unsigned)method < QBID_FORECAST_METHODS ? methods[method].name : "?";
}

static bool positive(const double *y, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (!(y[i] > 0))
            return false;
    return true;
}

static double adjusted(const struct runner *r, double y, uint32_t at)
{
    if (r->choice.season < 2)
        return y;
    double index = r->index[at % r->choice.season];
    return r->multiplied ? y / index : y - index;
}

static double slope_of(const double *y, uint32_t cnt)
{
    double mean = 0, x = 0.5 * (cnt - 1), sxy = 0, sxx = 0;
    for (uint32_t i = 0; i < cnt; i++)
        mean += y[i] / cnt;
    for (uint32_t i = 0; i < cnt; i++) {
        sxy += (i - x) * (y[i] - mean);
        sxx += (i - x) * (i - x);
    }
    return sxx > 0 ? sxy / sxx : 0;
}

/* Level and theta: take the season out, smooth what is left; scratch holds cnt values. */
static int runner_adjust(struct runner *r, const double *y, uint32_t cnt,
                         const struct qbid_smoothing *from, double *scratch)
{
    uint32_t m = r->choice.season;
    r->multiplied = positive(y, cnt);
    if (m > 1) {
        int err = qbid_smoothing_indices(
            y, cnt, r->multiplied ? QBID_SMOOTHING_MULTIPLICATIVE : QBID_SMOOTHING_ADDITIVE, m,
            r->index);
        if (err)
            return err;
    }
    for (uint32_t i = 0; i < cnt; i++)
        scratch[i] = adjusted(r, y[i], i);
    if (r->choice.method == QBID_FORECAST_THETA)
        r->drift = 0.5 * slope_of(scratch, cnt);
    return qbid_smoothing_fit(scratch, cnt, (struct qbid_smoothing_spec){0}, from, &r->fit);
}

static int runner_start(struct runner *r, struct qbid_forecast_choice choice, const double *y,
                        uint32_t cnt, const struct qbid_smoothing *from, double *scratch)
{
    struct qbid_smoothing_spec spec = methods[choice.method].spec;
    *r = (struct runner){.choice = choice, .y = y, .at = cnt};
    spec.season = choice.season;
    switch (choice.method) {
    case QBID_FORECAST_NAIVE:
        return cnt >= choice.season ? 0 : QBID_ERR_INVAL;
    case QBID_FORECAST_LEVEL:
    case QBID_FORECAST_THETA:
        return runner_adjust(r, y, cnt, from, scratch);
    default:
        return qbid_smoothing_fit(y, cnt, spec, from, &r->fit);
    }
}

static void runner_roll(struct runner *r, uint32_t to)
{
    for (; r->at < to; r->at++) {
        double y = r->y[r->at];
        if (r->choice.method == QBID_FORECAST_LEVEL || r->choice.method == QBID_FORECAST_THETA)
            y = adjusted(r, y, r->at);
        if (r->choice.method != QBID_FORECAST_NAIVE)
            qbid_smoothing_roll(&r->fit, y);
    }
}

/* Theta's drift also counts for what smoothing lags behind a trend. */
static double adjusted_ahead(const struct runner *r, uint32_t ahead)
{
    double lag = 1 / fmax(r->fit.alpha, 1.0 / r->at) - 1;
    double level = qbid_smoothing_at(&r->fit, ahead) + r->drift * (ahead + lag);
    if (r->choice.season < 2)
        return level;
    double index = r->index[(r->at + ahead - 1) % r->choice.season];
    return r->multiplied ? level * index : level + index;
}

static double runner_ahead(const struct runner *r, uint32_t ahead)
{
    switch (r->choice.method) {
    case QBID_FORECAST_NAIVE:
        return r->y[r->at - r->choice.season + (ahead - 1) % r->choice.season];
    case QBID_FORECAST_LEVEL:
    case QBID_FORECAST_THETA:
        return adjusted_ahead(r, ahead);
    default:
        return qbid_smoothing_at(&r->fit, ahead);
    }
}

static uint32_t candidates_of(uint32_t season, uint32_t cycle, struct qbid_forecast_choice *out)
{
    uint32_t n = 0;
    for (int k = 0; k < (cycle > season ? 2 : 1); k++) {
        uint32_t m = k ? cycle : season;
        for (int method = 0; method < QBID_FORECAST_METHODS; method++) {
            bool seasonal = methods[method].spec.kind != QBID_SMOOTHING_PLAIN;
            bool plain = method == QBID_FORECAST_HOLT || method == QBID_FORECAST_HOLT_DAMPED;
            if ((seasonal && m < 2) || (plain && m > 1))
                continue;
            out[n++] = (struct qbid_forecast_choice){(enum qbid_forecast_method)method, m};
        }
    }
    return n;
}

/* The trial: forecasts of every candidate from every origin. */
struct trial {
    const double *y;
    uint32_t cnt, ahead, origins, first, step;
    uint32_t candidate_cnt;
    struct qbid_forecast_choice candidate[CANDIDATES_MAX];
    double error[CANDIDATES_MAX]; /* mean absolute; infinite = cannot be used */
    double *path;                 /* [candidate][origin][ahead] */
};

static double *trial_path(const struct trial *t, uint32_t candidate, uint32_t origin)
{
    return t->path + ((size_t)candidate * QBID_FORECAST_ORIGINS + origin) * t->ahead;
}

/* What came after an origin, as far as it is known. */
static uint32_t trial_known(const struct trial *t, uint32_t origin)
{
    uint32_t at = t->first + origin * t->step;
    return t->cnt - at < t->ahead ? t->cnt - at : t->ahead;
}

static double path_error(const struct trial *t, uint32_t origin, const double *path)
{
    double sum = 0;
    uint32_t at = t->first + origin * t->step, n = trial_known(t, origin);
    for (uint32_t h = 0; h < n; h++)
        sum += fabs(path[h] - t->y[at + h]);
    return n ? sum / n : 0;
}

static void candidate_try(struct trial *t, uint32_t c, double *scratch)
{
    struct runner r;
    t->error[c] = INFINITY;
    if (runner_start(&r, t->candidate[c], t->y, t->first, NULL, scratch))
        return;
    double sum = 0;
    for (uint32_t o = 0; o < t->origins; o++) {
        double *path = trial_path(t, c, o);
        runner_roll(&r, t->first + o * t->step);
        for (uint32_t h = 0; h < t->ahead; h++)
            path[h] = runner_ahead(&r, h + 1);
        sum += path_error(t, o, path) / t->origins;
    }
    if (isfinite(sum))
        t->error[c] = sum;
}

static double median_of(double *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        double x = v[i];
        uint32_t j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

/* Median of the chosen ones' forecasts from one origin. */
static void median_path(const struct trial *t, const uint32_t *chosen, uint32_t n, uint32_t origin,
                        double *ret)
{
    for (uint32_t h = 0; h < t->ahead; h++) {
        double v[QBID_FORECAST_MEDIAN_OF];
        for (uint32_t k = 0; k < n; k++)
            v[k] = trial_path(t, chosen[k], origin)[h];
        ret[h] = median_of(v, n);
    }
}

static uint32_t best_of(const struct trial *t, uint32_t *best, uint32_t max)
{
    uint32_t n = 0;
    bool taken[CANDIDATES_MAX] = {false};
    for (; n < max; n++) {
        uint32_t at = CANDIDATES_MAX;
        for (uint32_t c = 0; c < t->candidate_cnt; c++)
            if (!taken[c] && isfinite(t->error[c]) &&
                (at == CANDIDATES_MAX || t->error[c] < t->error[at]))
                at = c;
        if (at == CANDIDATES_MAX)
            break;
        taken[at] = true;
        best[n] = at;
    }
    return n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Interval from the errors at the origins: growth of their square with the distance, then the half
 * width that 95 % of them, scaled by it, are within. */
static void interval_fit(const struct trial *t, const uint32_t *chosen, uint32_t n, double *scratch,
                         struct qbid_forecast *f)
{
    double path[QBID_FORECAST_AHEAD_MAX], near = 0, far = 0;
    uint32_t cnt = 0, half = t->ahead / 2, near_cnt = 0, far_cnt = 0;
    f->scale = f->growth = 0;
    for (int round = 0; round < 2; round++) {
        cnt = 0;
        for (uint32_t o = 0; o < t->origins; o++) {
            uint32_t known = trial_known(t, o), at = t->first + o * t->step;
            median_path(t, chosen, n, o, path);
            for (uint32_t h = 0; h < known; h++) {
                double e = path[h] - t->y[at + h];
                if (round == 0 && h < half)
                    near += e * e, near_cnt++;
                else if (round == 0)
                    far += e * e, far_cnt++;
                else
                    scratch[cnt++] = fabs(e) / sqrt(1 + f->growth * h);
            }
        }
        if (round == 0 && near > 0 && near_cnt && far_cnt) {
            double ratio = far / far_cnt / (near / near_cnt);
            double hn = 0.5 * half, hf = 0.5 * (half + t->ahead); /* mean distances */
            if (ratio > 1 && hf > ratio * hn)
                f->growth = fmin((ratio - 1) / (hf - ratio * hn), 1);
            else if (ratio > 1)
                f->growth = 1;
        }
    }
    if (!cnt)
        return;
    qsort(scratch, cnt, sizeof *scratch, compare);
    uint32_t rank = (uint32_t)ceil(0.95 * (cnt + 1));
    /* as many origins as there are tell the spread, and the next forecast is one more */
    f->scale = scratch[rank > cnt ? cnt - 1 : rank - 1] * sqrt(1 + 1.0 / t->origins);
}

/* Mean error of the naive method in the whole series: what MASE divides by. */
static double naive_error(const double *y, uint32_t cnt, uint32_t m)
{
    double sum = 0;
    for (uint32_t i = m; i < cnt; i++)
        sum += fabs(y[i] - y[i - m]);
    return cnt > m ? sum / (cnt - m) : 0;
}

static void trial_choose(struct trial *t, uint32_t season, double *scratch, struct qbid_forecast *f)
{
    uint32_t best[QBID_FORECAST_MEDIAN_OF];
    uint32_t n = best_of(t, best, QBID_FORECAST_MEDIAN_OF);
    double alone = n ? t->error[best[0]] : INFINITY, together = 0;
    double path[QBID_FORECAST_AHEAD_MAX];
    for (uint32_t o = 0; o < t->origins; o++) {
        median_path(t, best, n, o, path);
        together += path_error(t, o, path) / t->origins;
    }
    f->choice_cnt = n == QBID_FORECAST_MEDIAN_OF && together <= alone ? n : 1;
    f->error = fmin(together, alone);
    for (uint32_t k = 0; k < f->choice_cnt; k++)
        f->choice[k] = t->candidate[best[k]];
    double scale = naive_error(t->y, t->cnt, season);
    f->mase = scale > 0 ? f->error / scale : 0;
    interval_fit(t, best, f->choice_cnt, scratch, f);
}

/* Origins: whole seasons apart when there is room, so that each begins in the same phase. */
static void trial_origins(struct trial *t, uint32_t season, uint32_t least)
{
    t->step = season > 1 && season * (QBID_FORECAST_ORIGINS - 1) + t->ahead + least <= t->cnt
                  ? season
                  : (t->ahead + 1) / 2;
    t->origins = QBID_FORECAST_ORIGINS;
    while (t->origins > 1 && (t->origins - 1) * t->step + t->ahead + least > t->cnt)
        t->origins--;
    uint32_t span = (t->origins - 1) * t->step + t->ahead;
    t->first = span + least <= t->cnt ? t->cnt - span : 0;
}

static bool numbers_valid(const double *y, uint32_t cnt, uint32_t season, uint32_t cycle,
                          uint32_t ahead)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (!isfinite(y[i]))
            return false;
    return cnt >= CNT_MIN && season >= 1 && season <= QBID_SMOOTHING_SEASON_MAX && season <= cnt &&
           ahead >= 1 && ahead <= QBID_FORECAST_AHEAD_MAX &&
           (cycle == 0 || (cycle <= QBID_SMOOTHING_SEASON_MAX && cycle % season == 0));
}

/* Too short to try anything on. */
static void choose_naive(const double *y, uint32_t cnt, uint32_t season, struct qbid_forecast *f)
{
    f->choice[0] = (struct qbid_forecast_choice){QBID_FORECAST_NAIVE, season};
    f->choice_cnt = 1;
    f->error = naive_error(y, cnt, season);
    f->mase = f->error > 0;
    f->scale =
        NORMAL_95 * 1.25 * f->error; /* a normal error's deviation is 1.25 of its mean size */
    f->growth = 1;
}

int qbid_forecast_select(const double *y, uint32_t cnt, uint32_t season, uint32_t cycle,
                         uint32_t ahead, struct qbid_forecast *ret_forecast)
{
    if (!numbers_valid(y, cnt, season, cycle, ahead))
        return QBID_ERR_INVAL;
    struct qbid_forecast f = {0};
    struct trial t = {.y = y, .cnt = cnt, .ahead = ahead};
    uint32_t least = 2 * season > CNT_MIN ? 2 * season : CNT_MIN;
    trial_origins(&t, season, least);
    if (t.first == 0) {
        choose_naive(y, cnt, season, &f);
        *ret_forecast = f;
        return 0;
    }
    t.candidate_cnt = candidates_of(season, cycle, t.candidate);
    size_t paths = (size_t)t.candidate_cnt * QBID_FORECAST_ORIGINS * ahead;
    size_t errors = (size_t)QBID_FORECAST_ORIGINS * ahead;
    double *memory = malloc((paths + (cnt > errors ? cnt : errors)) * sizeof *memory);
    if (!memory)
        return QBID_ERR_NOMEM;
    t.path = memory;
    for (uint32_t c = 0; c < t.candidate_cnt; c++)
        candidate_try(&t, c, memory + paths);
    trial_choose(&t, season, memory + paths, &f);
    free(memory);
    *ret_forecast = f;
    return 0;
}

static void path_bounds(const struct qbid_forecast *f, bool never_below, uint32_t ahead,
                        struct qbid_forecast_path *path)
{
    for (uint32_t h = 0; h < ahead; h++) {
        double half = f->scale * sqrt(1 + f->growth * h);
        if (never_below)
            path->mean[h] = fmax(path->mean[h], 0);
        path->low[h] = path->mean[h] - half;
        path->high[h] = path->mean[h] + half;
        if (never_below)
            path->low[h] = fmax(path->low[h], 0);
    }
}

int qbid_forecast_run(struct qbid_forecast *forecast, const double *y, uint32_t cnt, uint32_t ahead,
                      struct qbid_forecast_path *ret_path)
{
    struct runner r;
    uint32_t n = forecast->choice_cnt;
    if (n < 1 || n > QBID_FORECAST_MEDIAN_OF || !numbers_valid(y, cnt, 1, 0, ahead))
        return QBID_ERR_INVAL;
    double *memory = malloc(((size_t)cnt + n * (size_t)ahead) * sizeof *memory);
    if (!memory)
        return QBID_ERR_NOMEM;
    int err = 0;
    for (uint32_t k = 0; k < n && !err; k++) {
        err = runner_start(&r, forecast->choice[k], y, cnt,
                           forecast->fitted > k ? &forecast->fit[k] : NULL, memory);
        if (err)
            break;
        forecast->fit[k] = r.fit;
        for (uint32_t h = 0; h < ahead; h++)
            memory[cnt + k * ahead + h] = runner_ahead(&r, h + 1);
    }
    for (uint32_t h = 0; h < ahead && !err; h++) {
        double v[QBID_FORECAST_MEDIAN_OF];
        for (uint32_t k = 0; k < n; k++)
            v[k] = memory[cnt + k * ahead + h];
        ret_path->mean[h] = median_of(v, n);
    }
    free(memory);
    if (err)
        return err;
    forecast->fitted = n;
    double least = y[0];
    for (uint32_t i = 1; i < cnt; i++)
        least = fmin(least, y[i]);
    path_bounds(forecast, least >= 0, ahead, ret_path);
    return 0;
}
