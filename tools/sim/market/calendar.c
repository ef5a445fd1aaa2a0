/* SPDX-License-Identifier: Apache-2.0 */
/* The heap. Source: Williams, "Heapsort", CACM 7(6), 1964. */
#include "tools/sim/market/calendar.h"

#include <stdlib.h>

#include "shm/error.h"

void qbid_sim_calendar_done(struct qbid_sim_calendar *calendar)
{
    free(calendar->notice);
    *calendar = (struct qbid_sim_calendar){0};
}

static bool before(const struct qbid_sim_notice *a, const struct qbid_sim_notice *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

int qbid_sim_calendar_add(struct qbid_sim_calendar *calendar, const struct qbid_sim_notice *notice)
{
    if (calendar->cnt == calendar->capacity) {
        uint32_t capacity = calendar->capacity ? calendar->capacity * 2 : 1024;
        struct qbid_sim_notice *more = realloc(calendar->notice, capacity * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        calendar->notice = more;
        calendar->capacity = capacity;
    }
    struct qbid_sim_notice fresh = *notice;
    fresh.number = calendar->numbered++;
    uint32_t at = calendar->cnt++;
    for (; at > 0 && before(&fresh, &calendar->notice[(at - 1) / 2]); at = (at - 1) / 2)
        calendar->notice[at] = calendar->notice[(at - 1) / 2];
    calendar->notice[at] = fresh;
    return 0;
}

struct qbid_sim_notice qbid_sim_calendar_take(struct qbid_sim_calendar *calendar)
{
    struct qbid_sim_notice *heap = calendar->notice, top = heap[0], last = heap[--calendar->cnt];
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < calendar->cnt) {
        if (child + 1 < calendar->cnt && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    if (calendar->cnt > 0)
        heap[at] = last;
    return top;
}
