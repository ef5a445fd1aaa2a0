/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency caps in a decision: how often this user saw a line item, and what that leaves of its
 * value.
 *
 * Exposures are those of the table that qbidd keeps (shm/frequency.h) and this worker's own bids
 * that it has not taken yet. A cap that cannot be counted counts as reached: without a table, or
 * without a place for the bid. A request without a user key is not capped.
 */
#ifndef QBID_FASTPATH_FREQUENCY_H
#define QBID_FASTPATH_FREQUENCY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fastpath/ask.h"
#include "shm/frequency.h"

/* What was counted for one candidate; key 0 = it has no cap. */
struct qbid_exposure {
    uint64_t key;
    unsigned cnt;
    int room; /* for one more own bid */
    uint32_t minute;
};

/** Whether any line item of the image is capped and the request can be counted. */
static inline bool qbid_frequency_applies(const struct qbid_view *view,
                                          const struct qbid_request *request)
{
    return view->image->header->capped_cnt != 0 && (request->user_key != 0 || view->assumed);
}

/* Exposures of this user to a line item; false when they cannot be counted. */
static inline bool qbid_exposure_count(const struct qbid_view *view, uint64_t user_key,
                                       uint32_t line_item_idx, struct qbid_exposure *exposure)
{
    const struct qbid_frequency *table = &view->live->frequency;
    exposure->room = -1;
    if (view->assumed) {
        exposure->key = 1;
        exposure->cnt = view->assumed[line_item_idx];
        return true;
    }
    if (!table->header)
        return false;
    uint64_t salt = atomic_load_explicit(&table->header->salt, memory_order_relaxed);
    uint32_t minute = atomic_load_explicit(&table->header->minute, memory_order_relaxed);
    exposure->key = qbid_frequency_key(user_key, view->image->line_items[line_item_idx].id, salt);
    exposure->minute = minute;
    if (!view->exposures) {
        exposure->cnt = qbid_frequency_count(table, exposure->key, minute);
        return true;
    }
    uint64_t tail = atomic_load_explicit(&view->page->ring->tail, memory_order_acquire); /* R1 */
    exposure->cnt = qbid_exposures_count(view->exposures, exposure->key, tail, minute);
    qbid_race_hook("frequency:own_counted");
    exposure->cnt += qbid_frequency_count(table, exposure->key, minute); /* R2 */
    exposure->room = qbid_exposures_room(view->exposures, exposure->key);
    return exposure->room >= 0;
}

/** r(k): what k exposures leave of the value of the next one. */
static inline float qbid_exposure_value(const struct qbid_image *image,
                                        const struct qbid_line_item *line_item, unsigned cnt)
{
    if (line_item->exposure_cnt == 0)
        return 1.0f;
    unsigned last = line_item->exposure_cnt - 1u;
    return image->exposure_values[line_item->exposure_first + (cnt < last ? cnt : last)];
}

/**
 * Weigh a candidate by its user's exposures: value and place in the order change by r(k) <= 1.
 *
 * Returns: QBID_NOBID_NONE and *ret_exposure; FREQUENCY when the cap is reached, r(k) leaves
 *          nothing, or nothing can be counted.
 * Threads: the worker that owns view->page and view->exposures. Wait-free.
 * Cost:    the line item's line, a line of the table, and two of the worker's own.
 */
static inline enum qbid_nobid qbid_exposure_weigh(const struct qbid_ask *ask,
                                                  struct qbid_candidate *candidate,
                                                  struct qbid_exposure *ret_exposure)
{
    const struct qbid_image *image = ask->view->image;
    uint32_t idx = qbid_candidate_line_item(candidate);
    const struct qbid_line_item *line_item = &image->line_items[idx];
    *ret_exposure = (struct qbid_exposure){0};
    if (line_item->frequency_cap == 0)
        return QBID_NOBID_NONE;
    if (!qbid_exposure_count(ask->view, ask->request->user_key, idx, ret_exposure) ||
        ret_exposure->cnt >= line_item->frequency_cap)
        return QBID_NOBID_FREQUENCY;
    float r = qbid_exposure_value(image, line_item, ret_exposure->cnt);
    if (r == 1.0f)
        return QBID_NOBID_NONE;
    candidate->value_micros *= r;
    candidate->rank = qbid_candidate_rank(candidate->value_micros, candidate->pace, idx);
    return candidate->rank ? QBID_NOBID_NONE : QBID_NOBID_FREQUENCY;
}

/** The candidate's bid is made: it counts from now on, before any event of it is read. */
static inline void qbid_exposure_keep(const struct qbid_view *view,
                                      const struct qbid_request *request,
                                      const struct qbid_exposure *exposure,
                                      struct qbid_decision *decision)
{
    if (exposure->key == 0)
        return;
    decision->exposures = (uint8_t)(exposure->cnt < UINT8_MAX ? exposure->cnt : UINT8_MAX);
    if (exposure->room < 0 || (request->flags & QBID_REQUEST_TEST))
        return;
    qbid_exposures_add(view->exposures, exposure->key, exposure->room, exposure->minute);
    decision->counted = 1;
}

#endif
