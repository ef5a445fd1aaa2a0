/* SPDX-License-Identifier: Apache-2.0 */
/* The cross-platform synthesiser: what values of a context (sizes, devices, places, segments) do to
 * rates on every exchange, and what on some only. */
#ifndef QBID_CONTROL_AGENTS_SYNTHESISER_H
#define QBID_CONTROL_AGENTS_SYNTHESISER_H

#include "control/agents/gains_agent.h"
#include "control/patterns/patterns.h"

#define QBID_SYNTHESISER_PERIOD_NS (UINT64_C(900) * 1000000000)

/* As an agent of QBID_SYNTHESISER_PERIOD_NS. A platform is an exchange. Each run:
 *
 *   contexts since the beginning --strata: line item on an exchange--> effect of a value against
 * the line item's other traffic there: clicks an impression (ctr), conversions a click (cvr),
 *     conversions by money spent (return); by exchange, and by campaign
 *   --> library (control/patterns): universal or specific by random effects over exchanges; what a
 * new campaign may expect by random effects over campaigns return falls by a value, on every
 * exchange or on those where a line item buys it --> proposal to exclude it, where the same budget
 * then brings more; return rises by a value on every exchange --> proposal to accept it, to line
 * items whose list leaves it out
 *
 * Needs `exchange` and the dimension in the finest of the configuration's levels.
 */
extern const struct qbid_gains_kind qbid_synthesiser_kind;

#endif
