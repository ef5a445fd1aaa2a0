/* SPDX-License-Identifier: Apache-2.0 */
/* The check of what is to be built; the builder's first step. */
#ifndef QBID_CONTROL_PUBLISH_BUILD_CHECK_H
#define QBID_CONTROL_PUBLISH_BUILD_CHECK_H

#include "control/publish/build_image.h"

/**
 * What makes an input impossible to build: numbers out of their ranges, a plan out of order, places
 * that do not exist. What only the laying out can see (names, creatives) is refused there.
 *
 * Returns: NULL, or a static text.
 * Cost:    one pass over the plan.
 */
const char *qbid_build_complaint(const struct qbid_account *account, const struct qbid_plan *plan,
                                 const struct qbid_build_params *params);

#endif
