/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the plan: which contexts get one, and which line items, at which value, are in it. */
#ifndef QBID_CONTROL_LEARN_PLAN_ROWS_H
#define QBID_CONTROL_LEARN_PLAN_ROWS_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/learn/market/segments.h"
#include "control/learn/plan/plan.h"
#include "control/learn/rates/cells.h"
#include "control/learn/values/values.h"

/* Most candidates of a row: those of highest value. */
#define QBID_ROWS_CANDIDATES_MAX 256

/**
 * Fill contexts, candidates and default values of a plan whose level_mask is set.
 *
 * Shapes:  at most context_max rows: every coarse level whole as long as it fits, then the finer
 * ones by traffic. Returns: 0, QBID_ERR_NOMEM (the plan is then to be released by
 * qbid_plan_done()).
 */
int qbid_rows_fill(const struct qbid_account *account, const struct qbid_dictionary *dictionary,
                   const struct qbid_cells *cells, const struct qbid_values *values,
                   const struct qbid_segments *segments, uint32_t context_max,
                   struct qbid_plan *plan);

#endif
