/* SPDX-License-Identifier: Apache-2.0 */
/* A half's trees as masks of the leaves that are still reachable. */
#ifndef QBID_CONTROL_MODELS_PREDICT_TREES_MASKS_H
#define QBID_CONTROL_MODELS_PREDICT_TREES_MASKS_H

#include "control/models/predict/trees.h"

void qbid_trees_masks_done(struct qbid_trees_masks *masks);

/** Log odds of a row whose codes these are, by feature; the same sum as a walk's. Shapes: masks are
 *  there. */
double qbid_trees_masks_odds(const struct qbid_trees_half *half, const uint8_t *code);

#endif
