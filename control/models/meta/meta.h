/* SPDX-License-Identifier: Apache-2.0 */
/* Random-effects meta-analysis: what studies of one effect have in common, and how far they differ.
 *
 *   effect_i ~ normal(own_i, variance_i)     what a study saw
 *   own_i    ~ normal(mean, tau^2)           what is true of it: of this platform, this campaign
 *
 * Two readings of the same studies. qbid_meta_fit() is the one that papers report: estimate,
 * heterogeneity, intervals. qbid_meta_believe() weighs every tau by how probable it is, so that two
 * or three studies, which cannot tell tau, do not pretend to: decisions and priors rest on it.
 */
#ifndef QBID_CONTROL_MODELS_META_META_H
#define QBID_CONTROL_MODELS_META_META_H

#include <stdint.h>

#define QBID_META_STUDIES_MAX 4096

struct qbid_meta_study {
    /* given */
    double effect;
    double variance; /* > 0, of the effect as an estimate */
    /* returned by qbid_meta_believe(): what is believed of the study's own effect */
    double own, own_sd;
};

struct qbid_meta {
    uint32_t cnt;
    double mean, se;  /* of the mean effect */
    double low, high; /* its 90 % interval */
    double tau2;      /* between studies */
    double i2;        /* share of the spread that is not chance, [0, 1) */
    double q, q_p;    /* Cochran's Q, and its p-value where all studies have the same effect */
    double next_low, next_high; /* 90 % prediction interval of one more study's effect; infinite for
                                   one study alone */
};

/**
 * Estimate.
 *
 * Shapes:  cnt in [1, QBID_META_STUDIES_MAX].
 * Returns: 0. One study: its own effect and normal interval, tau2 0, q_p 1.
 * Errors:  QBID_ERR_INVAL for cnt, a number that is not finite, a variance that is not positive.
 * Threads: pure.
 * Cost:    about 60 passes over the studies.
 * Source:  tau2: Paule and Mandel 1982, which is the empirical Bayes of Morris 1983 (DerSimonian
 * and Kacker 2007). Interval: Hartung and Knapp 2001, Sidik and Jonkman 2002, t with cnt - 1
 *          degrees, never below the normal se (Roever, Knapp and Friede 2015 on why). Prediction:
 *          Higgins, Thompson and Spiegelhalter 2009, with cnt - 1 degrees. I^2: Higgins and
 * Thompson 2002 in its general form, tau2 against the typical variance.
 */
int qbid_meta_fit(const struct qbid_meta_study *studies, uint32_t cnt, struct qbid_meta *ret_meta);

struct qbid_meta_belief {
    double mean, mean_sd; /* of the mean effect */
    double tau;           /* posterior mean */
    double next, next_sd; /* of one more study's own effect: the meta-analytic predictive */
};

/**
 * Believe: the mean effect, every study's own, and that of a study to come.
 *
 * Shapes:  as above; tau_scale > 0 is the half-normal prior's, about as far as effects of this kind
 *          ever differ; the mean has a flat prior.
 * Returns: 0, own and own_sd of every study, and *ret_belief.
 * Errors:  QBID_ERR_INVAL, nothing written.
 * Threads: pure but for the studies.
 * Cost:    0.5 us a study and value of tau, 2 x 64 of them.
 * Source:  the normal-normal hierarchical model with tau integrated on a grid (Roever 2020);
 *          meta-analytic predictive: Neuenschwander et al. 2010; the prior: Roever et al. 2021.
 */
int qbid_meta_believe(struct qbid_meta_study *studies, uint32_t cnt, double tau_scale,
                      struct qbid_meta_belief *ret_belief);

/** Probability that every study's own effect is above 0, and that every one is below, under the
 * same belief. Right to 0.002. Cost: 0.1 ms a study. */
int qbid_meta_together(const struct qbid_meta_study *studies, uint32_t cnt, double tau_scale,
                       double *ret_above, double *ret_below);

#endif
