/* SPDX-License-Identifier: Apache-2.0 */
/* The response model in free coordinates: values and their derivatives. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_FIT_MODEL_H
#define QBID_CONTROL_MODELS_ALLOCATE_FIT_MODEL_H

#include "control/models/allocate/fit.h"

/** A parameter from its free coordinate, and how it moves with it. */
double qbid_fit_natural(enum qbid_fit_param param, double free, double *ret_slope);
double qbid_fit_free(enum qbid_fit_param param, double natural);

/** Natural parameters of a channel at free coordinates; held ones at their priors' means. */
void qbid_fit_params(const struct qbid_fit *fit, const double *at, uint32_t channel,
                     double natural[QBID_FIT_PARAMS], double slope[QBID_FIT_PARAMS]);

/** The curve of steady spend that natural parameters say. */
struct qbid_curve qbid_fit_curve_of(const struct qbid_fit_channel *channel,
                                    const double natural[QBID_FIT_PARAMS]);

/** Expected values, and with ret_slopes (cnt x dims) their derivatives. */
void qbid_fit_model(const struct qbid_fit *fit, const struct qbid_fit_input *input,
                    const double *at, double *ret_value, double *ret_slopes);

#endif
