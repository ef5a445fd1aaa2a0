/* SPDX-License-Identifier: Apache-2.0 */
/* Response curves with adstock, fitted to what spend brought; intervals kept. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_FIT_H
#define QBID_CONTROL_MODELS_ALLOCATE_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "control/models/allocate/curve.h"
#include "control/models/random.h"

#define QBID_FIT_CHANNELS_MAX 16
#define QBID_FIT_COLUMNS_MAX 64
#define QBID_FIT_PERIODS_MAX 4096
#define QBID_FIT_ADSTOCK_MAX 0.95
#define QBID_FIT_WHY_MAX 128

/* value_t = sum over channels of curve_c(A_ct) + sum of columns + noise
 *
 *     A_t = (1 - adstock) spend_t + adstock A_(t-1)
 *
 * which is the geometric adstock scaled so that steady spend x gives A = x: a curve says at once
 * what steady spend returns. A campaign is one channel without columns; a media mix has several,
 * and columns for its base, seasons and controls. */
enum qbid_fit_param { QBID_FIT_SCALE, QBID_FIT_SHAPE, QBID_FIT_HALF, QBID_FIT_ADSTOCK };
#define QBID_FIT_PARAMS 4

/* Normal priors: of log(value at the unit spend) for a power law, of log(scale) else; of the shape;
 * of log(half / unit); of the adstock. sd 0 holds a parameter at its mean. What a kind does not
 * have (half of a power law, shape of a log) is ignored. */
struct qbid_fit_prior {
    double mean, sd;
};

struct qbid_fit_channel {
    const double *spend; /* currency units a period, >= 0 */
    double before;       /* steady spend before the first period */
    double unit;         /* > 0: the usual spend, alike for channels that share priors */
    enum qbid_curve_kind kind;
    struct qbid_fit_prior prior[QBID_FIT_PARAMS];
};

/* How the noise's variance goes with the expected value. */
enum qbid_fit_noise { QBID_FIT_EVEN, QBID_FIT_COUNT, QBID_FIT_RATIO }; /* as 1, mean, mean^2 */

struct qbid_fit_input {
    const double *value; /* of each period */
    uint32_t cnt;
    const struct qbid_fit_channel *channels;
    uint32_t channel_cnt;
    const double *columns; /* by rows, cnt x column_cnt; near unit size */
    uint32_t column_cnt;
    double column_sd; /* of the columns' coefficients, prior around 0 */
    enum qbid_fit_noise noise;
};

struct qbid_fit_param_estimate {
    double mean, sd;
    double learned; /* 1 - its variance / the prior's: 0 = the data said nothing; of a held one 0 */
};

struct qbid_fit {
    uint32_t channel_cnt, dims;
    struct qbid_fit_channel channel[QBID_FIT_CHANNELS_MAX]; /* as given; spend is not kept */
    struct qbid_fit_param_estimate estimate[QBID_FIT_CHANNELS_MAX][QBID_FIT_PARAMS];
    bool varied[QBID_FIT_CHANNELS_MAX]; /* false: spend did not vary enough to tell the shape, which
                                           is the prior's */
    double dispersion;                  /* of the noise: its variance at unit mean */
    /* the posterior, normal in free coordinates */
    double *at;     /* dims */
    double *factor; /* dims x dims, L of its precision */
    uint32_t idx[QBID_FIT_CHANNELS_MAX]
                [QBID_FIT_PARAMS]; /* of a parameter in them, or UINT32_MAX */
    uint32_t column_idx;
};

/**
 * Fit the most probable curves, and the normal posterior around them.
 *
 * Returns: 0; ret_fit is released by qbid_fit_done().
 * Errors:  QBID_ERR_INVAL, why names the field; QBID_ERR_NOMEM.
 * Threads: pure but for its memory.
 * Cost:    about 100 passes over the periods of 20 ns a channel, thrice as many if any adstock is
 *          free.
 * Source:  maximum a posteriori by Levenberg and Marquardt's method, the noise re-estimated between
 *          runs; Laplace's approximation. Shape and adstock are logistic in their free coordinates,
 *          so no draw leaves its range.
 */
int qbid_fit_new(const struct qbid_fit_input *input, struct qbid_fit *ret_fit,
                 char why[QBID_FIT_WHY_MAX]);
void qbid_fit_done(struct qbid_fit *fit);

/** The most probable curve of steady spend of a channel. */
struct qbid_curve qbid_fit_curve(const struct qbid_fit *fit, uint32_t channel);

/** All curves (channel_cnt) of one draw from the posterior. scratch holds dims numbers. */
void qbid_fit_draw(const struct qbid_fit *fit, struct qbid_random *random, double *scratch,
                   struct qbid_curve *ret_curves);

/** Expected values of all periods of an input of the same channels and columns (which may go on
 *  beyond what was fitted). */
void qbid_fit_predict(const struct qbid_fit *fit, const struct qbid_fit_input *input,
                      double *ret_value);

/** Usual priors of a kind around a log scale: shape 0.8 +- 0.1, half the unit within a factor of e,
 *  no adstock. */
void qbid_fit_priors(enum qbid_curve_kind kind, double log_scale, double sd,
                     struct qbid_fit_prior prior[QBID_FIT_PARAMS]);

#endif
