/* SPDX-License-Identifier: Apache-2.0 */
/* Curves of many campaigns, each pulled toward the others as far as they are alike. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_FIT_GROUP_H
#define QBID_CONTROL_MODELS_ALLOCATE_FIT_GROUP_H

#include "control/models/allocate/fit.h"

/* Parameters of campaigns are normal around a mean of their own; both are fitted. */
struct qbid_fit_group {
    struct qbid_fit_prior prior[QBID_FIT_PARAMS]; /* of a campaign of which nothing is known */
    uint32_t varied_cnt;                          /* campaigns whose own data told the shape */
};

/**
 * Fit campaigns together.
 *
 * Shapes:  1 channel an input, all of one kind, units and priors alike: those of the means. Fits
 * are released one by one with qbid_fit_done(). Returns: 0, a fit for each, and the common prior.
 * Errors:  those of qbid_fit_new(), with the index of the campaign; nothing is left to release.
 * Threads: pure but for its memory.
 * Cost:    4 fits a campaign.
 * Source:  empirical Bayes on the Laplace posteriors: the random-effects mean, and the spread by
 *          expectation-maximisation. The prior's own
 * sd is worth 4 campaigns as a guess of how far they lie apart, so that few of them do not make a
 * prior of no width.
 */
int qbid_fit_group_new(const struct qbid_fit_input *inputs, uint32_t cnt, struct qbid_fit *ret_fits,
                       struct qbid_fit_group *ret_group, char why[QBID_FIT_WHY_MAX]);

#endif
