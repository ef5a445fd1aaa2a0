/* SPDX-License-Identifier: Apache-2.0 */
/* The peer of the allocators: NLopt's SLSQP on the same problem. */
#ifndef QBID_TESTS_CONTROL_MODELS_ALLOCATE_SLSQP_H
#define QBID_TESTS_CONTROL_MODELS_ALLOCATE_SLSQP_H

#include "control/models/allocate/allocation.h"

/** Best value that SLSQP reaches from x (in: where it begins; out: its spends, in units). Its
 * budget and quotas hold within 1e-12 of the budget. */
double slsqp_solve(const struct qbid_allocation *a, double *x);

#endif
