/* SPDX-License-Identifier: Apache-2.0 */
/* What a pattern is worth to a line item: proposals to exclude a value, or to accept it. */
#ifndef QBID_CONTROL_AGENTS_SYNTHESISER_PROPOSE_H
#define QBID_CONTROL_AGENTS_SYNTHESISER_PROPOSE_H

#include "control/agents/gains.h"
#include "control/agents/synthesiser_cells.h"
#include "control/agents/synthesiser_effects.h"
#include "control/models/random.h"

/**
 * Propose what the library's patterns of return say: to exclude a value from line items that spend
 * on it, where that adds value; to accept one that is better on every exchange. The latter are
 * never auto_execute: what it is worth to a line item that never bought it is only what others saw.
 *
 * search->campaign_id is not looked at.
 *
 * Returns: 0; errors of the store, NOMEM.
 * Source:  with shares s_e of a line item's spend on the value by exchange e, effects x_e of it and
 *          the campaign's response exponent b, the same budget without the value brings
 *          (1 - s)^(1 - b) / (1 - s + sum_e s_e exp(x_e)) times as much, s = sum_e s_e: what is
 * freed goes to the other traffic, at its falling return. Judged by draws of x, b and the rate.
 */
int qbid_synthesiser_propose(const struct qbid_gains_search *search,
                             const struct qbid_synthesiser_cells *cells);

#endif
