/* SPDX-License-Identifier: Apache-2.0 */
/* The design notes' own ways to move budgets, as baselines: gradient ascent and the 20/20 shift. */
#ifndef QBID_TESTS_CONTROL_MODELS_ALLOCATE_NOTES_H
#define QBID_TESTS_CONTROL_MODELS_ALLOCATE_NOTES_H

#include <stdint.h>

#include "control/models/allocate/curve.h"

#define NOTES_STEPS 50
#define NOTES_STEP 0.1

#ifdef __cplusplus
extern "C" {
#endif

/** Gradient ascent from an equal split: each spend moves by NOTES_STEP times how far its marginal
 * is from the mean, all are scaled to the total and cut at their bounds: the sum is not exact. */
void notes_ascent(const struct qbid_curve *curves, const double *least, const double *most,
                  uint32_t cnt, double total, double *ret_spend);

/** The fifth with the lowest measured return gives half of its budget, in equal parts, to the fifth
 *  with the highest. Ties by index. order holds cnt numbers. */
void notes_shift(const double *measured, uint32_t cnt, double *spend, uint32_t *order);

#ifdef __cplusplus
}
#endif

#endif
