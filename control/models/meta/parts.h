/* SPDX-License-Identifier: Apache-2.0 */
/* What both readings of studies share. */
#ifndef QBID_CONTROL_MODELS_META_PARTS_H
#define QBID_CONTROL_MODELS_META_PARTS_H

#include "control/models/meta/meta.h"

/* At one tau^2: weights 1 / (variance + tau^2). */
struct qbid_meta_sums {
    double mean; /* weighted */
    double weight, weight2, log_weight;
    double q; /* weighted squares around the mean */
};

/** QBID_ERR_INVAL for a count or number out of range. */
int qbid_meta_check(const struct qbid_meta_study *studies, uint32_t cnt);

struct qbid_meta_sums qbid_meta_sums(const struct qbid_meta_study *studies, uint32_t cnt,
                                     double tau2);

#endif
