/* SPDX-License-Identifier: Apache-2.0 */
/* Many tests at once: which of them to report. */
#ifndef QBID_CONTROL_MODELS_META_DISCOVERIES_H
#define QBID_CONTROL_MODELS_META_DISCOVERIES_H

#include <stdint.h>

#define QBID_DISCOVERIES_FALSE 0.10 /* of what is reported, at most, where nothing else is said */

/**
 * Which of many tests to report so that at most a share `rate` of the reported is false on average,
 * and, where there is nothing to find, anything at all is reported with no more than that chance.
 *
 * Shapes:  p_values[cnt] in [0, 1].
 * Returns: the largest p-value that is reported; negative: none.
 * Threads: pure; sorts p_values.
 * Source:  Benjamini and Hochberg 1995.
 */
double qbid_discoveries_limit(double *p_values, uint32_t cnt, double rate);

#endif
