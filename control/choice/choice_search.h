/* SPDX-License-Identifier: Apache-2.0 */
/* The last part of a choice: which groups depart from what the prices say, to the best of all. */
#ifndef QBID_CONTROL_CHOICE_CHOICE_SEARCH_H
#define QBID_CONTROL_CHOICE_CHOICE_SEARCH_H

#include "control/choice/choice_bound.h"

/**
 * Better a known choice, or find that nothing betters it.
 *
 * Shapes:  prices as qbid_choice_prices_find() gives them; pick is a choice within the limits.
 *          What is fixed in the book stays so.
 * Returns: 0, and how many states were made; pick is the best of what was looked at, and no choice
 * that was not gains more than *ret_bound: at or below pick->gain it is proven best. Errors:
 * QBID_ERR_NOMEM. Threads: pure but for its memory. Cost:    a state is some 15 ns; each of two
 * halves keeps at most state_max of them, and no group departs once made_max were made. Source: two
 * lists of states without many dominated ones, joined: Horowitz and Sahni, Journal of the ACM 21
 * (1974); only groups near the prices' edge depart: the core of Balas and Zemel, Operations
 * Research 28 (1980), in its expanding form by Pisinger, EJOR 83 (1995). Ours: what bounds a list
 * is the Lagrangian loss at the prices of both limits.
 */
int qbid_choice_search(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                       uint32_t state_max, uint64_t made_max, struct qbid_choice_pick *pick,
                       double *ret_bound, uint32_t *ret_made);

#endif
