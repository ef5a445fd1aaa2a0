/* SPDX-License-Identifier: Apache-2.0 */
/* Branch and bound over the groups that are too large for lists of small departures. */
#ifndef QBID_CONTROL_CHOICE_CHOICE_BRANCH_H
#define QBID_CONTROL_CHOICE_CHOICE_BRANCH_H

#include "control/choice/choice_bound.h"

/**
 * Find the best choice.
 *
 * Shapes:  book without fixed groups, and so it is left; pick->item has room for its groups.
 * Returns: 0; no choice gains more than *ret_bound: at or below pick->gain it is proven best.
 *          *ret_work is what was done of work_max, in states made (choice_search.h) and what nodes
 *          are beside them; the first node is always done.
 * Errors:  QBID_ERR_NOMEM.
 * Threads: pure but for its memory.
 * Cost:    each node is a few looks at all items and a search (choice_search.h).
 * Source:  Land and Doig, Econometrica 28 (1960), depth first; the bound is the linear
 * relaxation's, whose cutting planes a node takes over from its parent. Ours: a search of few
 * states finds choices and closes a node at once where its groups are alike in size.
 */
int qbid_choice_branch(struct qbid_choice_book *book, uint32_t state_max, uint64_t work_max,
                       struct qbid_choice_pick *pick, double *ret_bound, uint64_t *ret_work);

#endif
