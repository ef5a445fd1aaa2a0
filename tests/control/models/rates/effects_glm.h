/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tests/oracle/effects_glm.py: counts of a 6 x 3 x 5 table, last dimension fastest, and
 * the coefficients of the Poisson GLM with offset log trials (statsmodels 0.13.5): log base, then
 * each dimension's values 1, 2, ... against its value 0. */
#ifndef QBID_TESTS_CONTROL_MODELS_RATES_EFFECTS_GLM_H
#define QBID_TESTS_CONTROL_MODELS_RATES_EFFECTS_GLM_H

/* clang-format off */
static const double effects_glm_trials[90] = {
    223, 305, 1431, 3468, 368, 87,
    674, 78, 822, 413, 120, 1136,
    728, 293, 2525, 522, 1215, 156,
    477, 391, 538, 1053, 4408, 166,
    1030, 708, 342, 267, 247, 252,
    676, 427, 1010, 496, 112, 511,
    761, 357, 1361, 179, 147, 246,
    298, 621, 384, 417, 207, 191,
    124, 640, 358, 495, 1136, 126,
    401, 747, 183, 112, 1234, 1606,
    124, 453, 396, 3242, 297, 152,
    159, 1079, 546, 314, 443, 183,
    307, 558, 440, 409, 416, 388,
    987, 308, 337, 335, 637, 187,
    504, 288, 789, 588, 102, 256,
};
static const double effects_glm_successes[90] = {
    8, 3, 24, 49, 2, 4,
    15, 1, 12, 5, 3, 17,
    20, 3, 41, 27, 28, 5,
    12, 7, 32, 32, 168, 6,
    24, 29, 9, 18, 6, 11,
    50, 9, 21, 6, 2, 26,
    29, 14, 33, 3, 5, 6,
    10, 7, 8, 18, 2, 6,
    5, 8, 23, 9, 39, 5,
    4, 50, 3, 4, 24, 23,
    7, 13, 11, 51, 3, 8,
    4, 32, 3, 2, 12, 5,
    10, 7, 11, 23, 6, 3,
    15, 3, 7, 10, 19, 1,
    6, 10, 9, 10, 1, 4,
};
static const double effects_glm_coefficient[12] = {
    -3.337882678377, 0.446277003526, 0.3730242012398, 0.3146566746228, 0.1438959832283, -0.05658591107639,
    0.1463109819105, 0.05703747996738, -0.7751111687518, -0.5184905926837, -0.9931043154907, -1.069598801433,
};
/* clang-format on */

#endif
