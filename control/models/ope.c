/* SPDX-License-Identifier: Apache-2.0 */
/* Off-policy estimates from running moments; the bootstrap draws each sample's count anew. */
#include "control/models/ope.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"

/* What the estimators are made of; index of a mean in a resample. */
enum part { LOGGED, IPS, SNIPS, MODEL, DOUBLY, GAIN, PARTS };

/* Sums over samples, each times its count. */
struct sums {
    double n, w, wr, r, m, d;
};

static bool usable(const struct qbid_ope_sample *s)
{
    return isfinite(s->reward) && isfinite(s->model) && isfinite(s->model_value) &&
           s->propensity > 0 && s->propensity <= 1 && s->target >= 0 && s->target <= 1;
}

static double weight_of(const struct qbid_ope_sample *s)
{
    return s->target / s->propensity;
}

static double doubly_of(const struct qbid_ope_sample *s)
{
    return s->model_value + weight_of(s) * (s->reward - s->model);
}

static void add(struct sums *sums, const struct qbid_ope_sample *s, double count)
{
    double w = weight_of(s);
    sums->n += count;
    sums->w += count * w;
    sums->wr += count * w * s->reward;
    sums->r += count * s->reward;
    sums->m += count * s->model_value;
    sums->d += count * doubly_of(s);
}

static void means(const struct sums *sums, double ret_mean[PARTS])
{
    double n = sums->n > 0 ? sums->n : 1;
    ret_mean[LOGGED] = sums->r / n;
    ret_mean[IPS] = sums->wr / n;
    ret_mean[SNIPS] = sums->w > 0 ? sums->wr / sums->w : 0;
    ret_mean[MODEL] = sums->m / n;
    ret_mean[DOUBLY] = sums->d / n;
    ret_mean[GAIN] = ret_mean[DOUBLY] - ret_mean[LOGGED];
}

/* How far one sample moves each estimate: its influence, whose variance is n times the error's. */
static void influences(const struct qbid_ope_sample *s, const double mean[PARTS],
                       double weight_mean, double ret[PARTS])
{
    double w = weight_of(s), d = doubly_of(s);
    ret[LOGGED] = s->reward - mean[LOGGED];
    ret[IPS] = w * s->reward - mean[IPS];
    ret[SNIPS] = weight_mean > 0 ? w * (s->reward - mean[SNIPS]) / weight_mean : 0;
    ret[MODEL] = s->model_value - mean[MODEL];
    ret[DOUBLY] = d - mean[DOUBLY];
    ret[GAIN] = d - s->reward - mean[GAIN];
}

/* Two-sided normal quantile of a confidence, by bisection: called once. */
static double quantile(double confidence)
{
    double low = 0, high = 10;
    for (int i = 0; i < 80; i++) {
        double mid = 0.5 * (low + high);
        *(erf(mid / sqrt(2)) < confidence ? &low : &high) = mid;
    }
    return low;
}

/* Where few samples carry the mean, an estimate that came out low has a small standard error, too:
 * cov(mean, variance) / var(mean) is the third moment over the second. Those values t are in the
 * interval for which (mean - t)^2 <= z^2 times the error's square that goes with t. */
static struct qbid_ope_estimate interval(double mean, double error, double skewness, double z)
{
    double centre = 0.5 * z * z * skewness * error;
    double half = sqrt(centre * centre + z * z * error * error);
    return (struct qbid_ope_estimate){mean, error, mean + centre - half, mean + centre + half};
}

static double joint(const struct qbid_ope_params *params, enum part part)
{
    return part == GAIN ? 1 - (1 - params->confidence) / params->together : params->confidence;
}

/* Count of a sample in a Poisson resample, mean 1, from one uniform number. */
static double poisson_draw(uint64_t random)
{
    double u = (double)(random >> 11) * 0x1p-53, p = exp(-1.0), sum = p;
    int k = 0;
    while (u >= sum && k < 16)
        sum += p /= ++k;
    return k;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct qbid_ope_estimate *estimate_of(struct qbid_ope *ope, enum part part)
{
    struct qbid_ope_estimate *of[PARTS] = {&ope->logged, &ope->ips,    &ope->snips,
                                           &ope->model,  &ope->doubly, &ope->gain};
    return of[part];
}

static int bootstrap(const struct qbid_ope_sample *samples, uint64_t n,
                     const struct qbid_ope_params *params, struct qbid_ope *ope)
{
    uint32_t rounds = params->rounds;
    double *drawn = calloc((size_t)rounds * PARTS, sizeof *drawn);
    if (!drawn)
        return QBID_ERR_NOMEM;
    for (uint32_t k = 0; k < rounds; k++) {
        struct sums sums = {0};
        double mean[PARTS];
        uint64_t stream = qbid_mix64(params->seed + k);
        for (uint64_t i = 0; i < n; i++)
            if (usable(&samples[i]))
                add(&sums, &samples[i], poisson_draw(qbid_mix64(stream + i)));
        means(&sums, mean);
        for (unsigned p = 0; p < PARTS; p++)
            drawn[(size_t)p * rounds + k] = mean[p];
    }
    for (unsigned p = 0; p < PARTS; p++) {
        double tail = 0.5 * (1 - joint(params, p));
        struct qbid_ope_estimate *e = estimate_of(ope, p);
        double *of = drawn + (size_t)p * rounds;
        qsort(of, rounds, sizeof *of, compare);
        e->low = of[(uint32_t)(tail * (rounds - 1))];
        e->high = of[(uint32_t)ceil((1 - tail) * (rounds - 1))];
    }
    free(drawn);
    return 0;
}

static enum qbid_ope_verdict verdict_of(const struct qbid_ope *ope, double weight_error)
{
    double missing = 1 - ope->weight_mean;
    /* where the policy judged takes nothing that was logged there is no error to go by */
    if (ope->n > 0 && missing > 0.05 && missing > 5 * weight_error)
        return QBID_OPE_UNSUPPORTED;
    if (!(ope->effective >= QBID_OPE_EFFECTIVE_MIN))
        return QBID_OPE_TOO_LITTLE;
    return ope->gain.low > 0    ? QBID_OPE_BETTER
           : ope->gain.high < 0 ? QBID_OPE_WORSE
                                : QBID_OPE_EVEN;
}

static bool params_good(const struct qbid_ope_params *p)
{
    return p->confidence >= 0.5 && p->confidence <= 0.999 && p->together >= 1 &&
           (p->interval == QBID_OPE_NORMAL ||
            (p->interval == QBID_OPE_BOOTSTRAP && p->rounds >= 100 &&
             p->rounds <= QBID_OPE_ROUNDS_MAX));
}

struct qbid_ope_params qbid_ope_defaults(void)
{
    return (struct qbid_ope_params){
        .confidence = 0.95, .interval = QBID_OPE_NORMAL, .together = 1, .rounds = 500, .seed = 1};
}

int qbid_ope_evaluate(const struct qbid_ope_sample *samples, uint64_t n,
                      const struct qbid_ope_params *params, struct qbid_ope *ret_ope)
{
    struct qbid_ope ope = {0};
    struct sums sums = {0};
    double mean[PARTS], square[PARTS] = {0}, cube[PARTS] = {0}, weight_square = 0, off[PARTS];
    if (!params_good(params))
        return QBID_ERR_INVAL;
    for (uint64_t i = 0; i < n; i++) {
        if (!usable(&samples[i])) {
            ope.refused++;
            continue;
        }
        double w = weight_of(&samples[i]);
        add(&sums, &samples[i], 1);
        weight_square += w * w;
        ope.weight_max = fmax(ope.weight_max, w);
        ope.n++;
    }
    means(&sums, mean);
    double cnt = ope.n ? (double)ope.n : 1;
    ope.weight_mean = sums.w / cnt;
    ope.effective = weight_square > 0 ? sums.w * sums.w / weight_square : 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!usable(&samples[i]))
            continue;
        influences(&samples[i], mean, ope.weight_mean, off);
        for (unsigned p = 0; p < PARTS; p++) {
            square[p] += off[p] * off[p];
            cube[p] += off[p] * off[p] * off[p];
        }
    }
    for (unsigned p = 0; p < PARTS; p++) {
        double error = ope.n > 1 ? sqrt(square[p] / cnt / (cnt - 1)) : 0;
        double skewness = square[p] > 0 ? cube[p] / cnt / pow(square[p] / cnt, 1.5) : 0;
        *estimate_of(&ope, p) =
            interval(mean[p], error, skewness / sqrt(cnt), quantile(joint(params, p)));
    }
    int err =
        params->interval == QBID_OPE_BOOTSTRAP && ope.n ? bootstrap(samples, n, params, &ope) : 0;
    if (err)
        return err;
    double weight_variance = fmax(weight_square / cnt - ope.weight_mean * ope.weight_mean, 0);
    ope.verdict = verdict_of(&ope, sqrt(weight_variance / cnt));
    *ret_ope = ope;
    return 0;
}

static const char *const verdict_words[][2] = {
    [QBID_OPE_TOO_LITTLE] = {"too_little_data", "too few effective samples to conclude anything"},
    [QBID_OPE_UNSUPPORTED] = {"not_supported",
                              "it takes actions that the log never could: not to be told from it"},
    [QBID_OPE_BETTER] = {"better", "better than what was done"},
    [QBID_OPE_WORSE] = {"worse", "worse than what was done"},
    [QBID_OPE_EVEN] = {"no_difference_shown", "no difference from what was done is shown"},
};

const char *qbid_ope_verdict_word(enum qbid_ope_verdict verdict)
{
    return verdict_words[verdict][0];
}

const char *qbid_ope_verdict_text(enum qbid_ope_verdict verdict)
{
    return verdict_words[verdict][1];
}
