/* SPDX-License-Identifier: Apache-2.0 */
/* One slice of the ledger's work: sample, expire, plan, persist, and only then raise. */
#include <string.h>

#include "control/ledger/book.h"
#include "control/ledger/grant.h"
#include "control/ledger/ledger.h"
#include "shm/error.h"

#define COMMITTED_MAX (INT64_MAX / 4) /* of an honest worker's whole life */

static bool slot_working(const struct qbid_ledger_slot *s)
{
    return s->attached && !s->blocked;
}

static void slots_sample(struct qbid_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!slot_working(s))
            continue;
        for (uint32_t k = 0; k < ledger->active_cnt; k++) {
            uint32_t b = ledger->active[k];
            /* acquire keeps the clock that is read next from being read first */
            s->sample[b] = atomic_load_explicit(&s->page->committed[b], memory_order_acquire);
        }
    }
}

/* Slots that were left: no lease, no limit, whatever still reads them. */
static void slots_clear(struct qbid_ledger *ledger, const struct qbid_live *live)
{
    uint32_t budgets = ledger->params.shape.budget_max;
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!s->clear)
            continue;
        atomic_store_explicit(&live->lease[i].valid_until_ns, 0, memory_order_release);
        for (uint32_t b = 0; b < budgets; b++)
            atomic_store_explicit(&live->limit[(size_t)i * budgets + b], 0, memory_order_release);
        s->clear = false;
    }
}

/* Committed went beyond the limit. Allowed while limits from before may still be in use: those of a
 * former qbidd are in hold, those of this worker's former slot were counted as used when it left
 * and need not be counted again. */
static bool slot_excess(struct qbid_ledger_slot *s, struct qbid_book *book, uint32_t b,
                        uint64_t now_ns)
{
    int64_t excess = s->sample[b] - s->limit[b];
    bool former = now_ns < book->former_until_ns;
    if (former && excess <= book->hold) {
        book->hold -= excess;
        qbid_tally_give(&book->tally, excess);
    } else if (now_ns < s->returned_until_ns && (s->known || (s->used_page && !former))) {
        s->seen[b] += excess;
    } else {
        return false;
    }
    s->limit[b] = s->sample[b];
    return true;
}

/* Take what one worker committed since the last tick into the tallies. */
static void slot_account(struct qbid_ledger *ledger, struct qbid_ledger_slot *s, uint64_t now_ns)
{
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        uint32_t b = ledger->active[k];
        if (s->sample[b] < 0 || s->sample[b] > COMMITTED_MAX ||
            (s->seen[b] != QBID_SLOT_UNSEEN && s->sample[b] < s->seen[b])) {
            qbid_ledger_block(ledger, s);
            return;
        }
        if (s->seen[b] == QBID_SLOT_UNSEEN) {
            s->seen[b] = s->limit[b] = s->sample[b];
            s->used_page |= s->sample[b] > 0;
        }
        struct qbid_book *book = &ledger->books[b];
        if (s->sample[b] > s->limit[b] && !slot_excess(s, book, b, now_ns)) {
            qbid_ledger_block(ledger, s);
            return;
        }
        int64_t used = s->sample[b] - s->seen[b];
        qbid_tally_use(&book->tally, now_ns / ledger->bucket_ns, used);
        s->seen[b] = s->sample[b];
        int64_t decayed = s->rate[b] - s->rate[b] / 4;
        s->rate[b] = used > decayed ? used : decayed;
    }
}

static void books_account(struct qbid_ledger *ledger, uint64_t now_ns)
{
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!slot_working(s))
            continue;
        slot_account(ledger, s, now_ns);
        if (ledger->first_ns[s->uid] == 0)
            ledger->first_ns[s->uid] = now_ns;
    }
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        struct qbid_book *book = &ledger->books[ledger->active[k]];
        int64_t forged = qbid_tally_trim(&book->tally);
        ledger->counters.forged_nanos += forged;
        book->ceiling += forged;
        if (book->since_ns == 0)
            book->since_ns = now_ns;
    }
}

static void books_expire(struct qbid_ledger *ledger, uint64_t now_ns)
{
    const struct qbid_ledger_params *p = &ledger->params;
    uint64_t age = p->notice_ttl_ns + p->grace_ns, drained_ns = ledger->tick_ns[1];
    uint64_t next = drained_ns > age ? (drained_ns - age) / ledger->bucket_ns : 0;
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        struct qbid_book *book = &ledger->books[ledger->active[k]];
        /* nothing can be noted in a tally before its first tick */
        qbid_tally_expire(&book->tally, book->since_ns ? next : now_ns / ledger->bucket_ns);
        if (book->hold_until_ns != 0 && drained_ns >= book->hold_until_ns)
            book->hold = 0, book->hold_until_ns = 0;
    }
}

/* Plan the raises of one budget; returns their sum. */
static int64_t book_plan(struct qbid_ledger *ledger, uint32_t b, uint32_t workers)
{
    const struct qbid_book *book = &ledger->books[b];
    struct qbid_grant grant = {.budget_nanos = book->budget,
                               .free_nanos = book->budget - book->spent - book->hold -
                                             qbid_tally_exposure(&book->tally),
                               .min_nanos = ledger->params.grant_nanos_min,
                               .share_ppm = ledger->params.grant_ppm,
                               .workers = workers};
    int64_t sum = 0;
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!slot_working(s))
            continue;
        grant.unused_nanos = s->limit[b] - s->seen[b];
        grant.per_tick_nanos = s->rate[b];
        s->raise[b] = s->limit[b] < COMMITTED_MAX / 2 ? qbid_grant_size(&grant) : 0;
        sum += s->raise[b];
    }
    return sum;
}

/* Rows of the budgets that differ from what the store has, raises included. */
static uint32_t rows_fill(struct qbid_ledger *ledger)
{
    uint32_t workers = 0, cnt = 0;
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++)
        workers += slot_working(&ledger->slots[i]);
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        uint32_t b = ledger->active[k];
        const struct qbid_book *book = &ledger->books[b];
        int64_t exposure =
            book->hold + qbid_tally_exposure(&book->tally) + book_plan(ledger, b, workers);
        if (book->spent == book->stored_spent && exposure == book->stored_exposure)
            continue;
        ledger->rows[cnt++] = (struct qbid_ledger_row){
            .budget_idx = b, .spent_nanos = book->spent, .exposure_nanos = exposure};
    }
    return cnt;
}

static int raises_apply(struct qbid_ledger *ledger, const struct qbid_live *live)
{
    int grants = 0;
    uint32_t budgets = ledger->params.shape.budget_max;
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        uint32_t b = ledger->active[k];
        struct qbid_book *book = &ledger->books[b];
        int64_t given = 0;
        for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
            struct qbid_ledger_slot *s = &ledger->slots[i];
            if (!slot_working(s) || s->raise[b] == 0)
                continue;
            s->limit[b] += s->raise[b];
            given += s->raise[b];
            grants++;
            atomic_store_explicit(&live->limit[(size_t)i * budgets + b], s->limit[b],
                                  memory_order_release); /* W2 of shm/live.h */
        }
        qbid_tally_give(&book->tally, given);
        if (given > 0)
            book->ceiling = book->spent + book->hold + qbid_tally_exposure(&book->tally);
    }
    ledger->counters.grants += (uint64_t)grants;
    return grants;
}

static void leases_renew(struct qbid_ledger *ledger, const struct qbid_live *live, uint64_t now_ns)
{
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!slot_working(s))
            continue;
        s->lease_end_ns = now_ns + ledger->params.lease_ns;
        atomic_store_explicit(&live->lease[i].valid_until_ns, s->lease_end_ns,
                              memory_order_release); /* W3 of shm/live.h */
    }
}

/* After a long stop the window of buckets does not reach from what may still be noted to now. */
static bool window_covers(const struct qbid_ledger *ledger, uint64_t now_ns)
{
    const struct qbid_ledger_params *p = &ledger->params;
    uint64_t from_ns = ledger->tick_ns[1] ? ledger->tick_ns[1] : ledger->tick_ns[0];
    uint64_t behind = from_ns ? now_ns - from_ns : 0;
    return behind <= (QBID_LEDGER_LEASES_KEPT - 1) * p->lease_ns;
}

int qbid_ledger_tick(struct qbid_ledger *ledger, const struct qbid_live *live,
                     uint64_t (*now_fn)(void *context), void *now_context,
                     qbid_ledger_persist_fn *persist, void *persist_context)
{
    if (live->shape.budget_max != ledger->params.shape.budget_max ||
        live->shape.worker_max != ledger->params.shape.worker_max || !persist)
        return QBID_ERR_INVAL;
    slots_clear(ledger, live);
    slots_sample(ledger);
    uint64_t now_ns = now_fn(now_context);
    bool covers = window_covers(ledger, now_ns);
    books_expire(ledger, now_ns);
    ledger->tick_ns[1] = ledger->tick_ns[0];
    ledger->tick_ns[0] = now_ns;
    if (!covers) {
        ledger->counters.stalls++;
        return QBID_ERR_STALE;
    }
    books_account(ledger, now_ns);
    slots_clear(ledger, live); /* of workers blocked just now */
    uint32_t cnt = rows_fill(ledger);
    int err = cnt ? persist(persist_context, ledger->rows, cnt) : 0;
    if (err)
        ledger->counters.store_errors++;
    for (uint32_t i = 0; !err && i < cnt; i++) {
        struct qbid_book *book = &ledger->books[ledger->rows[i].budget_idx];
        book->stored_spent = ledger->rows[i].spent_nanos;
        book->stored_exposure = ledger->rows[i].exposure_nanos;
    }
    int grants = err ? QBID_ERR_STORE : raises_apply(ledger, live);
    leases_renew(ledger, live, now_ns);
    return grants;
}
