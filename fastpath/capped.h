/* SPDX-License-Identifier: Apache-2.0 */
/* The order of candidates where r(k) changes prices: the best first, each weighed when its turn
 * comes.
 *
 * r(k) <= 1, so a price is at most what it was before weighing. A weighed candidate whose price is
 * not below the next one's unweighed price is therefore the best of all; otherwise it moves down to
 * its place, once. The order is exact among the QBID_TRACE_MAX best unweighed prices; what lies
 * behind them is not looked at, as without caps.
 */
#ifndef QBID_FASTPATH_CAPPED_H
#define QBID_FASTPATH_CAPPED_H

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/frequency.h"

struct qbid_capped_entry {
    struct qbid_candidate candidate;
    struct qbid_exposure exposure;
    bool weighed;
};

struct qbid_capped {
    uint32_t at, cnt; /* entries before `at` have had their turn */
    struct qbid_capped_entry entry[QBID_TRACE_MAX + 1];
};

/** From the candidates behind the best one, best first; and the best one itself, if not NULL. */
static inline void qbid_capped_init(struct qbid_capped *list, const struct qbid_shortlist *rest,
                                    const struct qbid_candidate *best)
{
    list->at = list->cnt = 0;
    if (best)
        list->entry[list->cnt++] = (struct qbid_capped_entry){.candidate = *best};
    for (uint32_t i = 0; i < rest->cnt; i++)
        list->entry[list->cnt++] = (struct qbid_capped_entry){.candidate = rest->candidate[i]};
}

/* Move the first entry behind those of a higher price. */
static inline bool qbid_capped_sink(struct qbid_capped *list)
{
    struct qbid_capped_entry first = list->entry[list->at];
    uint32_t i = list->at;
    for (; i + 1 < list->cnt && list->entry[i + 1].candidate.rank > first.candidate.rank; i++)
        list->entry[i] = list->entry[i + 1];
    list->entry[i] = first;
    return i != list->at;
}

/**
 * The next candidate, weighed.
 *
 * Returns: false at the end; else *ret_entry and *ret_nobid, NONE or FREQUENCY.
 * Cost:    each entry is weighed once and moves once: QBID_TRACE_MAX^2 / 2 moves at the very most.
 */
static inline bool qbid_capped_next(const struct qbid_ask *ask, struct qbid_capped *list,
                                    struct qbid_capped_entry *ret_entry, enum qbid_nobid *ret_nobid)
{
    for (unsigned turns = 0; list->at < list->cnt && turns <= QBID_TRACE_MAX + 1; turns++) {
        struct qbid_capped_entry *entry = &list->entry[list->at];
        *ret_nobid = QBID_NOBID_NONE;
        if (!entry->weighed) {
            entry->weighed = true;
            *ret_nobid = qbid_exposure_weigh(ask, &entry->candidate, &entry->exposure);
            if (*ret_nobid == QBID_NOBID_NONE && qbid_capped_sink(list))
                continue;
        }
        *ret_entry = list->entry[list->at++];
        return true;
    }
    return false;
}

#endif
