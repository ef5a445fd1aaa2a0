/* SPDX-License-Identifier: Apache-2.0 */
/* Paule and Mandel's estimate with Hartung and Knapp's interval. */
#include "control/models/meta/meta.h"

#include <math.h>

#include "control/models/beta.h"
#include "control/models/meta/parts.h"
#include "shm/error.h"

#define OUTSIDE 0.1 /* of the intervals, on both sides together */
#define HALVINGS 200
#define TAU2_END 1e-13 /* in parts of it */

int qbid_meta_check(const struct qbid_meta_study *studies, uint32_t cnt)
{
    if (cnt == 0 || cnt > QBID_META_STUDIES_MAX)
        return QBID_ERR_INVAL;
    for (uint32_t i = 0; i < cnt; i++)
        if (!isfinite(studies[i].effect) || !isfinite(studies[i].variance) ||
            !(studies[i].variance > 0))
            return QBID_ERR_INVAL;
    return 0;
}

struct qbid_meta_sums qbid_meta_sums(const struct qbid_meta_study *studies, uint32_t cnt,
                                     double tau2)
{
    struct qbid_meta_sums s = {0};
    double sum = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        double weight = 1 / (studies[i].variance + tau2);
        s.weight += weight;
        s.weight2 += weight * weight;
        s.log_weight += log(weight);
        sum += weight * studies[i].effect;
    }
    s.mean = sum / s.weight;
    for (uint32_t i = 0; i < cnt; i++) {
        double apart = studies[i].effect - s.mean;
        s.q += apart * apart / (studies[i].variance + tau2);
    }
    return s;
}

/* Share of chi-squared of df degrees above x: by steps of two from one or two degrees. */
static double chi2_above(double x, uint32_t df)
{
    double half = x / 2, a = df % 2 ? 0.5 : 1;
    double share = df % 2 ? erfc(sqrt(half)) : exp(-half);
    if (!(half > 0))
        return 1;
    for (int sign; 2 * a < df; a++)
        share += exp(a * log(half) - half - lgamma_r(a + 1, &sign));
    return fmin(share, 1);
}

/* t of df degrees that OUTSIDE exceeds on both sides together. */
static double student(uint32_t df)
{
    double x = qbid_beta_quantile(OUTSIDE, df / 2.0, 0.5);
    return sqrt(df * (1 - x) / x);
}

/* The tau^2 at which Q is what chance makes of it; Q falls in tau^2. */
static double tau2_of(const struct qbid_meta_study *studies, uint32_t cnt, double q)
{
    double wanted = cnt - 1.0, low = 0, high = 0;
    if (!(q > wanted))
        return 0;
    struct qbid_meta_sums plain = qbid_meta_sums(studies, cnt, 0);
    high = cnt / plain.weight; /* the harmonic mean of the variances */
    for (int i = 0; i < HALVINGS && qbid_meta_sums(studies, cnt, high).q > wanted; i++)
        low = high, high *= 4;
    for (int i = 0; i < HALVINGS && high - low > TAU2_END * high; i++) {
        double mid = (low + high) / 2;
        if (qbid_meta_sums(studies, cnt, mid).q > wanted)
            low = mid;
        else
            high = mid;
    }
    return (low + high) / 2;
}

int qbid_meta_fit(const struct qbid_meta_study *studies, uint32_t cnt, struct qbid_meta *ret_meta)
{
    int err = qbid_meta_check(studies, cnt);
    if (err)
        return err;
    struct qbid_meta_sums s = qbid_meta_sums(studies, cnt, 0);
    struct qbid_meta m = {.cnt = cnt, .q = cnt > 1 ? s.q : 0, .q_p = 1};
    double reach = 1.6448536269514722, typical = 0;
    m.next_low = -INFINITY, m.next_high = INFINITY;
    if (cnt > 1) {
        typical = (cnt - 1) * s.weight / (s.weight * s.weight - s.weight2);
        m.q_p = chi2_above(m.q, cnt - 1);
        m.tau2 = tau2_of(studies, cnt, m.q);
        m.i2 = m.tau2 / (m.tau2 + typical);
        s = qbid_meta_sums(studies, cnt, m.tau2);
        reach = student(cnt - 1);
    }
    m.mean = s.mean;
    m.se = sqrt(fmax(cnt > 1 ? s.q / (cnt - 1) : 1, 1) / s.weight);
    m.low = m.mean - reach * m.se, m.high = m.mean + reach * m.se;
    if (cnt > 1) {
        double next = reach * sqrt(m.tau2 + m.se * m.se);
        m.next_low = m.mean - next, m.next_high = m.mean + next;
    }
    *ret_meta = m;
    return 0;
}
