/* SPDX-License-Identifier: Apache-2.0 */
/* Cohorts by age in tiers of buckets; delay curves from bins of censored delays. */
#include "control/models/rates/delay.h"

#include <math.h>

#include "control/models/golden.h"

#define ROOT_PRIOR 1.0   /* conversions that the exponential is worth in each bin of an account */
#define CHILD_PRIOR 20.0 /* and an account's curve in each bin of a campaign */
#define MEAN_LOG_SD 1.4  /* of the prior on the log mean delay: a factor of 4 */
#define MEAN_GRID 25
#define MEAN_GOLDEN 25
#define MEAN_MIN_S 60.0
#define MEAN_MAX_S (60 * 86400.0)

static const int64_t width_s[QBID_DELAY_TIERS] = {600, 3600, 21600, 172800};

/* Upper ends of the bins but the last: 300 s * 2^(bin / 3). */
/* clang-format off */
static const double end_s[QBID_DELAY_BINS - 1] = {
    300, 378, 476, 600, 756, 952, 1200, 1512, 1905,
    2400, 3024, 3810, 4800, 6048, 7620, 9600, 12095, 15239,
    19200, 24190, 30478, 38400, 48381, 60956, 76800, 96762, 121912,
    153600, 193524, 243825, 307200, 387048, 487650, 614400, 774095, 975299,
    1228800, 1548191, 1950598, 2457600, 3096382, 3901197, 4915200, 6192764,
};
/* clang-format on */

uint32_t qbid_delay_bin(double delay_s)
{
    uint32_t low = 0, high = QBID_DELAY_BINS - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (delay_s > end_s[middle])
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Part of bin `bin` that an age has passed, the bin that the age is in being `in`. */
static double bin_passed(uint32_t bin, double age_s)
{
    double from = bin ? end_s[bin - 1] : 0, to = end_s[bin];
    return fmin(fmax((age_s - from) / (to - from), 0), 1);
}

static int64_t bucket_of(int64_t time_s, unsigned tier)
{
    return time_s / width_s[tier];
}

static void old_add(struct qbid_delay_cohorts *c, int64_t now_s, int64_t of_s, double n,
                    double half_life_s)
{
    c->old += n;
    if (c->old_decayed > 0 && now_s > c->old_s)
        c->old_decayed *= exp2(-(double)(now_s - c->old_s) / half_life_s);
    c->old_s = now_s;
    c->old_decayed += n * exp2(-(double)(now_s - of_s) / half_life_s);
}

static void tier_move(struct qbid_delay_cohorts *c, unsigned tier, int64_t newest, int64_t now_s,
                      double half_life_s);

/* Put n into the bucket of a time in that tier or a later one. */
static void tier_add(struct qbid_delay_cohorts *c, unsigned tier, int64_t now_s, int64_t of_s,
                     double n, double half_life_s)
{
    of_s = of_s > 0 ? of_s : 0; /* of a slot that only a damaged store can have filled */
    for (; tier < QBID_DELAY_TIERS; tier++) {
        int64_t bucket = bucket_of(of_s, tier);
        if (bucket > c->newest[tier])
            tier_move(c, tier, bucket, now_s, half_life_s);
        if (bucket > c->newest[tier] - QBID_DELAY_SLOTS) {
            c->count[tier][bucket % QBID_DELAY_SLOTS] += n;
            return;
        }
    }
    old_add(c, now_s, of_s, n, half_life_s);
}

/* Make a bucket the tier's newest; what falls out goes on. */
static void tier_move(struct qbid_delay_cohorts *c, unsigned tier, int64_t newest, int64_t now_s,
                      double half_life_s)
{
    int64_t steps = newest - c->newest[tier];
    for (int64_t i = steps > QBID_DELAY_SLOTS ? steps - QBID_DELAY_SLOTS : 0; i < steps; i++) {
        int64_t bucket = c->newest[tier] + 1 + i;
        double *count = &c->count[tier][bucket % QBID_DELAY_SLOTS];
        /* what lies in this slot: the last bucket of that slot up to the newest */
        int64_t back = (bucket - c->newest[tier]) % QBID_DELAY_SLOTS;
        int64_t was = back ? c->newest[tier] - (QBID_DELAY_SLOTS - back) : c->newest[tier];
        double n = *count;
        *count = 0;
        if (n > 0)
            tier_add(c, tier + 1, now_s, was * width_s[tier] + width_s[tier] / 2, n, half_life_s);
    }
    c->newest[tier] = newest;
}

void qbid_delay_count(struct qbid_delay_cohorts *cohorts, int64_t now_s, int64_t of_s, double n,
                      double half_life_s)
{
    if (now_s < 0)
        now_s = 0;
    of_s = of_s > now_s ? now_s : of_s < 0 ? 0 : of_s;
    if (bucket_of(now_s, 0) > cohorts->newest[0])
        tier_move(cohorts, 0, bucket_of(now_s, 0), now_s, half_life_s);
    tier_add(cohorts, 0, now_s, of_s, n, half_life_s);
}

/* Ages of one bucket, from its middle: a later tier's newest bucket is filled up to where the tier
 * before it begins. */
static double bucket_age(const struct qbid_delay_cohorts *c, unsigned tier, int64_t bucket,
                         int64_t now_s)
{
    int64_t from = bucket * width_s[tier], to = from + width_s[tier];
    int64_t limit = tier ? (c->newest[tier - 1] - QBID_DELAY_SLOTS + 1) * width_s[tier - 1] : now_s;
    if (to > limit && limit > from)
        to = limit;
    double age = (double)now_s - 0.5 * ((double)from + (double)to);
    return age > 0 ? age : 0;
}

typedef void bucket_fn(void *context, double age_s, double n);

static void buckets_each(const struct qbid_delay_cohorts *c, int64_t now_s, bucket_fn *fn,
                         void *context)
{
    for (unsigned tier = 0; tier < QBID_DELAY_TIERS; tier++) {
        for (int64_t i = 0; i < QBID_DELAY_SLOTS; i++) {
            int64_t bucket = c->newest[tier] - i;
            if (bucket < 0)
                break;
            double n = c->count[tier][bucket % QBID_DELAY_SLOTS];
            if (n > 0)
                fn(context, bucket_age(c, tier, bucket, now_s), n);
        }
    }
}

static void expose_bucket(void *context, double age_s, double n)
{
    double *exposed = context;
    uint32_t in = qbid_delay_bin(age_s);
    for (uint32_t b = 0; b < in; b++)
        exposed[b] += n;
    exposed[in] += n * (in < QBID_DELAY_BINS - 1 ? bin_passed(in, age_s) : 1);
}

void qbid_delay_expose(const struct qbid_delay_cohorts *cohorts, int64_t now_s,
                       double exposed[QBID_DELAY_BINS])
{
    buckets_each(cohorts, now_s, expose_bucket, exposed);
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++)
        exposed[b] += cohorts->old;
}

/* The sums before each bin, the parts being scaled to a sum of 1. */
static void curve_finish(struct qbid_delay_curve *curve)
{
    double sum = 0, done = 0;
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++)
        sum += curve->part[b];
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++) {
        curve->part[b] /= sum;
        curve->done[b] = done;
        done += curve->part[b];
    }
}

struct qbid_delay_curve qbid_delay_exponential(double mean_s)
{
    struct qbid_delay_curve curve;
    double before = 1;
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++) {
        double after = b < QBID_DELAY_BINS - 1 ? exp(-end_s[b] / mean_s) : 0;
        curve.part[b] = before - after;
        before = after;
    }
    curve_finish(&curve);
    return curve;
}

struct cohorts {
    const double *exposed, *convs; /* by bin */
};

/* Log-likelihood of an exponential's mean, the conversion rate being its best. */
static double mean_score(const void *context, double log_mean)
{
    const struct cohorts *c = context;
    struct qbid_delay_curve curve = qbid_delay_exponential(exp(log_mean));
    double matured = 0, total = 0, z = (log_mean - log(QBID_DELAY_MEAN_S)) / MEAN_LOG_SD;
    double score = -0.5 * z * z;
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++) {
        matured += c->exposed[b] * curve.part[b];
        if (c->convs[b] > 0 && c->exposed[b] > 0) {
            score += c->convs[b] * log(fmax(curve.part[b], 1e-300));
            total += c->convs[b];
        }
    }
    return score - total * log(fmax(matured, 1e-300));
}

static double mean_fit(const double *exposed, const double *convs)
{
    const double low = log(MEAN_MIN_S), high = log(MEAN_MAX_S);
    const double step = (high - low) / (MEAN_GRID - 1);
    const struct cohorts cohorts = {exposed, convs};
    double best = low, best_score = -INFINITY;
    for (int i = 0; i < MEAN_GRID; i++) {
        double score = mean_score(&cohorts, low + i * step);
        if (score > best_score) {
            best_score = score;
            best = low + i * step;
        }
    }
    return exp(qbid_golden_max(mean_score, &cohorts, fmax(best - step, low),
                               fmin(best + step, high), MEAN_GOLDEN));
}

/* The parent's curve, each bin corrected by what came in it against what the curve expects. */
static struct qbid_delay_curve curve_correct(const struct qbid_delay_curve *parent,
                                             const double *exposed, const double *convs,
                                             double prior)
{
    struct qbid_delay_curve curve = *parent;
    double matured = 0, total = 0;
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++) {
        matured += exposed[b] * parent->part[b];
        total += exposed[b] > 0 ? convs[b] : 0;
    }
    if (!(matured > 0 && total > 0))
        return curve;
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++) {
        double expected = exposed[b] * parent->part[b] * total / matured;
        if (exposed[b] > 0)
            curve.part[b] *= (prior + convs[b]) / (prior + expected);
    }
    curve_finish(&curve);
    return curve;
}

struct qbid_delay_curve qbid_delay_child(const struct qbid_delay_curve *parent,
                                         const double exposed[QBID_DELAY_BINS],
                                         const double convs[QBID_DELAY_BINS])
{
    return curve_correct(parent, exposed, convs, CHILD_PRIOR);
}

struct qbid_delay_curve qbid_delay_root(const double exposed[QBID_DELAY_BINS],
                                        const double convs[QBID_DELAY_BINS])
{
    struct qbid_delay_curve curve = qbid_delay_exponential(mean_fit(exposed, convs));
    return curve_correct(&curve, exposed, convs, ROOT_PRIOR);
}

double qbid_delay_cdf(const struct qbid_delay_curve *curve, double age_s)
{
    uint32_t in = qbid_delay_bin(age_s);
    if (in == QBID_DELAY_BINS - 1)
        return 1;
    return fmin(curve->done[in] + curve->part[in] * bin_passed(in, age_s), 1);
}

double qbid_delay_quantile(const double convs[QBID_DELAY_BINS], double share)
{
    double sum = 0, before = 0;
    for (uint32_t b = 0; b < QBID_DELAY_BINS; b++)
        sum += convs[b];
    if (!(sum > 0))
        return 0;
    for (uint32_t b = 0; b < QBID_DELAY_BINS - 1; b++) {
        double from = b ? end_s[b - 1] : 0;
        if (convs[b] > 0 && before + convs[b] >= share * sum)
            return from + (end_s[b] - from) * (share * sum - before) / convs[b];
        before += convs[b];
    }
    return end_s[QBID_DELAY_BINS - 2];
}

struct mature {
    const struct qbid_delay_curve *curve;
    double half_life_s, matured, whole;
};

static void mature_bucket(void *context, double age_s, double n)
{
    struct mature *m = context;
    n *= exp2(-age_s / m->half_life_s);
    m->whole += n;
    m->matured += m->curve ? n * qbid_delay_cdf(m->curve, age_s) : n;
}

double qbid_delay_matured(const struct qbid_delay_curve *curve,
                          const struct qbid_delay_cohorts *cohorts, int64_t now_s,
                          double half_life_s, double *ret_whole)
{
    double old = cohorts->old_decayed;
    if (old > 0 && now_s > cohorts->old_s)
        old *= exp2(-(double)(now_s - cohorts->old_s) / half_life_s);
    struct mature m = {curve, half_life_s, old, old};
    buckets_each(cohorts, now_s, mature_bucket, &m);
    *ret_whole = m.whole;
    return m.matured;
}
