/* SPDX-License-Identifier: Apache-2.0 */
/* Mixtures of two normals. */
#include "control/models/meta/robust.h"

#include <math.h>
#include <stdbool.h>

struct qbid_robust qbid_robust_of(double mean, double sd, double vague_mean, double vague_sd)
{
    struct qbid_robust_part vague = {QBID_ROBUST_VAGUE, vague_mean, vague_sd};
    struct qbid_robust_part like = {1 - QBID_ROBUST_VAGUE, mean, sd};
    if (!isfinite(mean) || !isfinite(sd) || !(sd > 0))
        like.mean = vague_mean, like.sd = vague_sd;
    return (struct qbid_robust){like, vague};
}

/* One part's posterior; returns the log density of the estimate under it. */
static double part_learn(struct qbid_robust_part *part, double estimate, double variance)
{
    double prior = part->sd * part->sd, sum = prior + variance, apart = estimate - part->mean;
    part->mean += apart * prior / sum;
    part->sd = sqrt(prior * (variance / sum));
    return -0.5 * (log(sum) + apart * apart / sum);
}

void qbid_robust_learn_together(struct qbid_robust *robust, const double *estimate,
                                const double *variance, uint32_t cnt)
{
    if (cnt == 0)
        return;
    /* a weight of 0 has log -inf: the other is then 1 */
    double odds = log(robust->vague.weight) - log(robust->like.weight);
    for (uint32_t i = 0; i < cnt; i++) {
        if (!isfinite(estimate[i]) || !isfinite(variance[i]) || !(variance[i] > 0))
            continue;
        odds += part_learn(&robust[i].vague, estimate[i], variance[i]);
        odds -= part_learn(&robust[i].like, estimate[i], variance[i]);
    }
    for (uint32_t i = 0; i < cnt; i++) {
        robust[i].like.weight = 1 / (1 + exp(odds));
        robust[i].vague.weight = 1 / (1 + exp(-odds));
    }
}

struct qbid_robust qbid_robust_learn(struct qbid_robust prior, double estimate, double variance)
{
    qbid_robust_learn_together(&prior, &estimate, &variance, 1);
    return prior;
}

double qbid_robust_mean(const struct qbid_robust *robust)
{
    return robust->like.weight * robust->like.mean + robust->vague.weight * robust->vague.mean;
}

double qbid_robust_sd(const struct qbid_robust *robust)
{
    double apart = robust->like.mean - robust->vague.mean;
    double within = robust->like.weight * robust->like.sd * robust->like.sd +
                    robust->vague.weight * robust->vague.sd * robust->vague.sd;
    return sqrt(within + robust->like.weight * robust->vague.weight * apart * apart);
}

void qbid_robust_draw_together(const struct qbid_robust *robust, uint32_t cnt,
                               struct qbid_random *random, double *ret_drawn)
{
    bool like = cnt && qbid_random_uniform(random) < robust->like.weight;
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_robust_part *part = like ? &robust[i].like : &robust[i].vague;
        ret_drawn[i] = part->mean + part->sd * qbid_random_normal(random);
    }
}

double qbid_robust_draw(const struct qbid_robust *robust, struct qbid_random *random)
{
    double drawn;
    qbid_robust_draw_together(robust, 1, random, &drawn);
    return drawn;
}
