/* SPDX-License-Identifier: Apache-2.0 */
/* One slice of the ledger's work: sample, expire, plan, persist, and only then raise. */
#include <string.h>

#include "control/ledger/book.h"
#include "control/ledger/grant.h"
#include "control/ledger/ledger.h"
#include "shm/error.h"

#define STUCK_TICKS 20                /* stored ones in which a ring stood still */
#define COMMITTED_MAX (INT64_MAX / 4) /* of an honest worker's whole life */

static bool slot_working(const struct qbid_ledger_slot *s)
{
    return s->attached && !s->blocked;
}

/* Follow a ring: once its tail is where its head was, all that was written by then is taken. False
 * for a ring that cannot be. */
static bool slot_mark(struct qbid_ledger_slot *s, uint64_t before_ns, uint64_t stored)
{
    uint64_t tail = atomic_load_explicit(&s->page->ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&s->page->ring->head, memory_order_relaxed);
    if (head - tail > s->page->event_mask + 1)
        return false;
    if (s->mark_ns != 0 && (int64_t)(tail - s->mark_head) < 0)
        return true;
    s->drained_ns = s->mark_ns;
    s->mark_head = head;
    s->mark_ns = before_ns;
    s->mark_stored = stored;
    return true;
}

/* Nobody waits for its ring any more. */
static void slot_break(struct qbid_ledger *ledger, struct qbid_ledger_slot *s)
{
    s->broken = true;
    if (!s->blocked)
        qbid_ledger_block(ledger, s);
}

/* The bid that it was last too poor for. What no bid can be is none. */
static int64_t refused_load(const struct qbid_page *page, uint32_t b)
{
    if (b >= page->budget_max)
        return 0;
    int64_t nanos = atomic_load_explicit(&page->refused[b], memory_order_relaxed); /* C2 */
    return nanos > 0 && nanos <= QBID_PRICE_MICROS_MAX ? nanos : 0;
}

static void slots_sample(struct qbid_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!s->attached)
            continue;
        if (!s->broken && !slot_mark(s, ledger->tick_ns[0], ledger->stored))
            slot_break(ledger, s);
        for (uint32_t k = 0; k < ledger->active_cnt && !s->blocked; k++) {
            uint32_t b = ledger->active[k];
            /* acquire keeps the clock that is read next from being read first; a page of another
             * shape, attached only to be read, has nothing on the other budgets */
            s->sample[b] = b < s->page->budget_max
                               ? atomic_load_explicit(&s->page->committed[b], memory_order_acquire)
                               : 0;
            s->refused[b] = refused_load(s->page, b);
        }
    }
}

static bool slot_late(const struct qbid_ledger *ledger, const struct qbid_ledger_slot *s,
                      uint64_t now_ns)
{
    return !s->broken && s->mark_ns != 0 && now_ns > s->mark_ns + ledger->params.lease_ns;
}

/* A ring that stands still while the store works is not our doing: its worker has damaged it. */
static bool slot_stuck(const struct qbid_ledger *ledger, const struct qbid_ledger_slot *s,
                       uint64_t now_ns)
{
    return slot_late(ledger, s, now_ns) && ledger->stored - s->mark_stored >= STUCK_TICKS;
}

/* Move the time before which every notice that was written has been posted. */
static void slots_drained(struct qbid_ledger *ledger, uint64_t now_ns)
{
    uint64_t drained_ns = ledger->tick_ns[1];
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!s->attached)
            continue;
        if (slot_stuck(ledger, s, now_ns))
            slot_break(ledger, s);
        if (!s->broken && s->drained_ns < drained_ns)
            drained_ns = s->drained_ns;
    }
    if (ledger->drained_ns == 0)
        ledger->drained_ns = now_ns; /* the first tick: there is nothing from before it */
    if (drained_ns > ledger->drained_ns)
        ledger->drained_ns = drained_ns;
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
    uint64_t age = p->notice_ttl_ns + p->grace_ns, drained_ns = ledger->drained_ns;
    uint64_t next = drained_ns > age ? (drained_ns - age) / ledger->bucket_ns : 0;
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        struct qbid_book *book = &ledger->books[ledger->active[k]];
        int64_t exposure = qbid_tally_exposure(&book->tally);
        /* nothing can be noted in a tally before its first tick */
        qbid_tally_expire(&book->tally, book->since_ns ? next : now_ns / ledger->bucket_ns);
        if (qbid_tally_exposure(&book->tally) > exposure) /* repeats that were not recognised */
            book->ceiling += qbid_tally_exposure(&book->tally) - exposure;
        if (book->hold_until_ns != 0 && drained_ns >= book->hold_until_ns)
            book->hold = 0, book->hold_until_ns = 0;
    }
}

/* How one worker stands with one budget. */
static void grant_of(const struct qbid_ledger_slot *s, uint32_t b, struct qbid_grant *grant)
{
    grant->unused_nanos = s->limit[b] - s->seen[b] + s->raise[b];
    grant->per_tick_nanos = s->rate[b];
    grant->refused_nanos = s->limit[b] < COMMITTED_MAX / 2 ? s->refused[b] : 0;
}

/* Plan the raises of one budget; returns their sum. First each worker that stands still gets what
 * it lacks of a bid, as long as there is money; then all get headroom from the rest. */
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
        s->raise[b] = 0;
        grant_of(s, b, &grant);
        s->raise[b] = qbid_grant_bid(&grant);
        grant.free_nanos -= s->raise[b];
        sum += s->raise[b];
    }
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++) {
        struct qbid_ledger_slot *s = &ledger->slots[i];
        if (!slot_working(s) || s->limit[b] >= COMMITTED_MAX / 2)
            continue;
        grant_of(s, b, &grant);
        int64_t more = qbid_grant_size(&grant);
        s->raise[b] += more;
        sum += more;
    }
    return sum;
}

/* Whether some ring is late, so that it must be known if the store works. */
static bool any_late(const struct qbid_ledger *ledger, uint64_t now_ns)
{
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++)
        if (ledger->slots[i].attached && slot_late(ledger, &ledger->slots[i], now_ns))
            return true;
    return false;
}

/* Rows of the budgets that differ from what the store has, raises included; `probe`: one at least.
 */
static uint32_t rows_fill(struct qbid_ledger *ledger, bool raise, bool probe)
{
    uint32_t workers = 0, cnt = 0;
    for (uint32_t i = 0; i < ledger->params.shape.worker_max; i++)
        workers += slot_working(&ledger->slots[i]);
    for (uint32_t k = 0; k < ledger->active_cnt; k++) {
        uint32_t b = ledger->active[k];
        const struct qbid_book *book = &ledger->books[b];
        int64_t exposure = book->hold + qbid_tally_exposure(&book->tally);
        if (raise)
            exposure += book_plan(ledger, b, workers);
        bool stored = book->spent == book->stored_spent && exposure == book->stored_exposure;
        if (stored && !(probe && cnt == 0))
            continue;
        ledger->rows[cnt++] = (struct qbid_ledger_row){
            .budget_idx = b, .spent_nanos = book->spent, .exposure_nanos = exposure};
    }
    return cnt;
}

/* Write what changed; 0 when the store has it all. */
static int rows_store(struct qbid_ledger *ledger, uint32_t cnt, qbid_ledger_persist_fn *persist,
                      void *persist_context)
{
    if (cnt == 0)
        return 0;
    if (persist(persist_context, ledger->rows, cnt)) {
        ledger->counters.store_errors++;
        return QBID_ERR_STORE;
    }
    ledger->stored++;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_book *book = &ledger->books[ledger->rows[i].budget_idx];
        book->stored_spent = ledger->rows[i].spent_nanos;
        book->stored_exposure = ledger->rows[i].exposure_nanos;
    }
    return 0;
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

/* After a long stop, of qbidd or of its store, the window of buckets does not reach from what may
 * still be noted to now. */
static bool window_covers(const struct qbid_ledger *ledger, uint64_t now_ns)
{
    return now_ns - ledger->drained_ns <= (QBID_LEDGER_LEASES_KEPT - 1) * ledger->params.lease_ns;
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
    slots_drained(ledger, now_ns);
    books_expire(ledger, now_ns);
    ledger->tick_ns[1] = ledger->tick_ns[0];
    ledger->tick_ns[0] = now_ns;
    bool covers = window_covers(ledger, now_ns);
    if (covers)
        books_account(ledger, now_ns);
    slots_clear(ledger, live); /* of workers blocked just now */
    uint32_t cnt = rows_fill(ledger, covers, any_late(ledger, now_ns));
    int err = rows_store(ledger, cnt, persist, persist_context);
    if (!covers) {
        ledger->counters.stalls++;
        return err ? err : QBID_ERR_STALE;
    }
    int grants = err ? err : raises_apply(ledger, live);
    leases_renew(ledger, live, now_ns);
    return grants;
}
