/* SPDX-License-Identifier: Apache-2.0 */
/* Mixtures of two normals. */
#include "control/models/robust.h"

#include <math.h>
#include <stdbool.h>

struct qbid_robust qbid_robust_of(double mean, double sd, double vague_mean, double vague_sd)
{
    double vague = isfinite(mean) && isfinite(sd) && sd > 0 ? QBID_ROBUST_VAGUE : 1;
    struct qbid_robust_part like = {1 - vague, vague < 1 ? mean : vague_mean,
                                    vague < 1 ? sd : vague_sd};
    return (struct qbid_robust){like, {vague, vague_mean, vague_sd}};
}

/* One part's posterior; returns the log of its weight times the estimate's density. */
static double part_learn(struct qbid_robust_part *part, double estimate, double variance)
{
    double prior = part->sd * part->sd, sum = prior + variance, apart = estimate - part->mean;
    double density = log(part->weight) - 0.5 * (log(sum) + apart * apart / sum);
    part->mean += apart * prior / sum;
    part->sd = sqrt(prior * (variance / sum));
    return density;
}

struct qbid_robust qbid_robust_learn(struct qbid_robust prior, double estimate, double variance)
{
    if (!isfinite(estimate) || !isfinite(variance) || !(variance > 0))
        return prior;
    struct qbid_robust next = prior;
    double like = part_learn(&next.like, estimate, variance);
    double vague = part_learn(&next.vague, estimate, variance);
    /* a weight of 0 has log -inf: the other is then 1 */
    next.like.weight = 1 / (1 + exp(vague - like));
    next.vague.weight = 1 / (1 + exp(like - vague));
    return next;
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

double qbid_robust_draw(const struct qbid_robust *robust, struct qbid_random *random)
{
    bool like = qbid_random_uniform(random) < robust->like.weight;
    const struct qbid_robust_part *part = like ? &robust->like : &robust->vague;
    return part->mean + part->sd * qbid_random_normal(random);
}
