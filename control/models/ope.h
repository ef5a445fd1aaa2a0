/* SPDX-License-Identifier: Apache-2.0 */
/* Off-policy evaluation: what another policy would have earned, from the log of a randomised one.
 */
#ifndef QBID_CONTROL_MODELS_OPE_H
#define QBID_CONTROL_MODELS_OPE_H

#include <stdint.h>

#define QBID_OPE_EFFECTIVE_MIN 100.0 /* effective samples below which nothing is concluded */
#define QBID_OPE_ROUNDS_MAX 4096     /* of the bootstrap */

/* One logged decision. */
struct qbid_ope_sample {
    double reward;      /* of the action that was taken */
    double propensity;  /* with which it was taken, in (0, 1] */
    double target;      /* with which the policy judged would take it, in [0, 1] */
    double model;       /* reward that a model expects of it; 0 without a model */
    double model_value; /* the model's expectation under the policy judged: the sum over actions of
                           target x model; 0 without a model */
};

enum qbid_ope_interval {
    QBID_OPE_NORMAL,   /* a normal score, whose variance goes with the mean */
    QBID_OPE_BOOTSTRAP /* percentiles of Poisson resamples */
};

enum qbid_ope_verdict {
    QBID_OPE_TOO_LITTLE,  /* effective samples below QBID_OPE_EFFECTIVE_MIN */
    QBID_OPE_UNSUPPORTED, /* the policy judged takes actions that the log never could */
    QBID_OPE_BETTER,      /* than the policy that logged: the interval of the difference says so */
    QBID_OPE_WORSE,
    QBID_OPE_EVEN /* no difference shown */
};

struct qbid_ope_params {
    double confidence; /* of the intervals, in [0.5, 0.999] */
    enum qbid_ope_interval interval;
    uint32_t together; /* policies that are judged side by side on one log, >= 1: by the intervals
                          of the gain none of them is found better or worse by chance with that
                          confidence */
    uint32_t rounds;   /* of the bootstrap, 100..QBID_OPE_ROUNDS_MAX */
    uint64_t seed;
};

struct qbid_ope_estimate {
    double value;
    double error; /* standard error */
    double low, high;
};

struct qbid_ope {
    uint64_t n;        /* samples taken */
    uint64_t refused;  /* samples with impossible numbers, left out */
    double effective;  /* (sum of weights)^2 / sum of squared weights */
    double weight_max; /* weight = target / propensity */
    double weight_mean;
    struct qbid_ope_estimate logged; /* of the policy that logged: the plain mean */
    struct qbid_ope_estimate ips;    /* mean of weight x reward */
    struct qbid_ope_estimate snips;  /* the same over the sum of weights */
    struct qbid_ope_estimate model;  /* mean of model_value: biased as the model is */
    struct qbid_ope_estimate doubly; /* model_value + weight x (reward - model) */
    struct qbid_ope_estimate gain;   /* doubly - logged, paired sample by sample */
    enum qbid_ope_verdict verdict;
};

/** 95 % normal intervals of one policy, 500 rounds if it is the bootstrap. */
struct qbid_ope_params qbid_ope_defaults(void);

/**
 * Judge a policy.
 *
 * Shapes:  any samples; model and model_value must not come from the rewards of their own sample
 *          (fit on the other half of the log), or doubly and gain are biased.
 * Returns: 0 and *ret_ope; QBID_ERR_INVAL for params out of range, QBID_ERR_NOMEM. Without a usable
 *          sample every estimate is 0 and the verdict TOO_LITTLE.
 * Threads: pure; allocates with the bootstrap alone.
 * Cost:    one pass; the bootstrap one pass and a random number a sample for each round.
 * Source:  Horvitz and Thompson 1952; Swaminathan and Joachims 2015 (self-normalised, error by the
 *          delta method); Dudik, Langford and Li 2011 (doubly robust); effective samples: Kish
 *          1965. Intervals: by a score whose variance goes with the mean (Bartlett 1953); together:
 *          Bonferroni. UNSUPPORTED is told by the weights: their mean, 1 where the log covers the
 *          policy, lies below 1 by 5 standard errors and by 5 %.
 */
int qbid_ope_evaluate(const struct qbid_ope_sample *samples, uint64_t n,
                      const struct qbid_ope_params *params, struct qbid_ope *ret_ope);

/** Word ("too_little_data") and sentence of a verdict. */
const char *qbid_ope_verdict_word(enum qbid_ope_verdict verdict);
const char *qbid_ope_verdict_text(enum qbid_ope_verdict verdict);

#endif
