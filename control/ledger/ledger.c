/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets and their workers: who may commit how much, and what may still be billed. */
#include "control/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "control/ledger/book.h"
#include "shm/error.h"
#include "shm/units.h"

#define BUCKETS_WANTED 240 /* wider buckets when the notice time would need more */
#define UID_CNT (UINT16_MAX + 1u)

static bool params_valid(const struct qbid_ledger_params *params)
{
    const uint64_t time_max = UINT64_MAX / 16;
    return params->shape.budget_max >= 1 && params->shape.budget_max <= QBID_LIVE_BUDGETS_MAX &&
           params->shape.worker_max >= 1 && params->shape.worker_max <= QBID_LIVE_WORKERS_MAX &&
           params->bucket_ns > 0 && params->lease_ns > 0 && params->lease_ns < time_max &&
           params->notice_ttl_ns < time_max && params->grace_ns < time_max &&
           params->bucket_ns < time_max && params->grant_ppm >= 0 &&
           params->grant_ppm <= QBID_MICROS_PER_UNIT && params->grant_nanos_min >= 0;
}

int qbid_ledger_new(const struct qbid_ledger_params *params, struct qbid_ledger **ret_ledger)
{
    if (!params_valid(params))
        return QBID_ERR_INVAL;
    struct qbid_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return QBID_ERR_NOMEM;
    ledger->params = *params;
    uint64_t span =
        params->notice_ttl_ns + params->grace_ns + QBID_LEDGER_LEASES_KEPT * params->lease_ns;
    ledger->bucket_ns = params->bucket_ns;
    if (ledger->bucket_ns < span / BUCKETS_WANTED)
        ledger->bucket_ns = span / BUCKETS_WANTED;
    ledger->bucket_cnt = 4;
    while (ledger->bucket_cnt < span / ledger->bucket_ns + 3)
        ledger->bucket_cnt *= 2;
    ledger->books = calloc(params->shape.budget_max, sizeof *ledger->books);
    ledger->active = calloc(params->shape.budget_max, sizeof *ledger->active);
    ledger->rows = calloc(params->shape.budget_max, sizeof *ledger->rows);
    ledger->slots = calloc(params->shape.worker_max, sizeof *ledger->slots);
    ledger->first_ns = calloc(UID_CNT, sizeof *ledger->first_ns);
    if (!ledger->books || !ledger->active || !ledger->rows || !ledger->slots || !ledger->first_ns) {
        qbid_ledger_free(ledger);
        return QBID_ERR_NOMEM;
    }
    *ret_ledger = ledger;
    return 0;
}

void qbid_ledger_free(struct qbid_ledger *ledger)
{
    if (!ledger)
        return;
    for (uint32_t i = 0; i < ledger->active_cnt; i++)
        qbid_tally_done(&ledger->books[ledger->active[i]].tally);
    for (uint32_t s = 0; ledger->slots && s < ledger->params.shape.worker_max; s++)
        free(ledger->slots[s].columns);
    free(ledger->books);
    free(ledger->active);
    free(ledger->rows);
    free(ledger->slots);
    free(ledger->first_ns);
    free(ledger);
}

/* The book of a budget, opened at its first use. */
static int book_open(struct qbid_ledger *ledger, uint32_t budget_idx, struct qbid_book **ret_book)
{
    if (budget_idx >= ledger->params.shape.budget_max)
        return QBID_ERR_INVAL;
    struct qbid_book *book = &ledger->books[budget_idx];
    if (!book->tally.used) {
        int err = qbid_tally_init(&book->tally, ledger->bucket_cnt, 0);
        if (err)
            return err;
        book->stored_spent = -1;
        ledger->active[ledger->active_cnt++] = budget_idx;
    }
    *ret_book = book;
    return 0;
}

int qbid_ledger_restore(struct qbid_ledger *ledger, const struct qbid_ledger_row *row,
                        uint64_t now_ns)
{
    if (row->spent_nanos < 0 || row->exposure_nanos < 0 || row->spent_nanos > QBID_BOOK_NANOS_MAX ||
        row->exposure_nanos > QBID_BOOK_NANOS_MAX)
        return QBID_ERR_INVAL;
    struct qbid_book *book;
    int err = book_open(ledger, row->budget_idx, &book);
    if (err)
        return err;
    const struct qbid_ledger_params *p = &ledger->params;
    book->spent = book->stored_spent = row->spent_nanos;
    book->hold = book->stored_exposure = row->exposure_nanos;
    book->former_until_ns = now_ns + p->lease_ns + p->grace_ns;
    book->hold_until_ns = book->former_until_ns + p->notice_ttl_ns;
    book->ceiling = book->spent + book->hold;
    return 0;
}

int qbid_ledger_set_budget(struct qbid_ledger *ledger, uint32_t budget_idx, int64_t budget_nanos)
{
    if (budget_nanos < 0 || budget_nanos > QBID_BOOK_NANOS_MAX)
        return QBID_ERR_INVAL;
    struct qbid_book *book;
    int err = book_open(ledger, budget_idx, &book);
    if (!err)
        book->budget = budget_nanos;
    return err;
}

int qbid_ledger_attach(struct qbid_ledger *ledger, uint16_t slot, uint16_t uid,
                       const struct qbid_page *page, uint64_t now_ns)
{
    if (slot >= ledger->params.shape.worker_max || ledger->slots[slot].attached)
        return QBID_ERR_INVAL;
    uint32_t budgets = ledger->params.shape.budget_max;
    struct qbid_ledger_slot *s = &ledger->slots[slot];
    int64_t *columns = s->columns;
    if (!columns)
        columns = malloc((size_t)budgets * QBID_SLOT_COLUMNS * sizeof *columns);
    if (!columns)
        return QBID_ERR_NOMEM;
    *s = (struct qbid_ledger_slot){.page = page, .columns = columns, .uid = uid, .attached = true};
    s->seen = columns;
    s->limit = columns + budgets;
    s->rate = columns + 2 * (size_t)budgets;
    s->sample = columns + 3 * (size_t)budgets;
    s->raise = columns + 4 * (size_t)budgets;
    s->refused = columns + 5 * (size_t)budgets;
    memset(columns, 0, (size_t)budgets * QBID_SLOT_COLUMNS * sizeof *columns);
    for (uint32_t b = 0; b < budgets; b++)
        s->seen[b] = QBID_SLOT_UNSEEN;
    s->known = ledger->first_ns[uid] != 0;
    s->returned_until_ns = now_ns + ledger->params.lease_ns + ledger->params.grace_ns;
    return 0;
}

/* Nothing more is given to this worker; what it had runs out after its lease. */
static void slot_run_out(struct qbid_ledger *ledger, struct qbid_ledger_slot *s)
{
    uint64_t bucket = s->lease_end_ns / ledger->bucket_ns;
    for (uint32_t i = 0; i < ledger->active_cnt; i++) {
        uint32_t b = ledger->active[i];
        if (s->seen[b] == QBID_SLOT_UNSEEN || s->limit[b] <= s->seen[b])
            continue;
        qbid_tally_use(&ledger->books[b].tally, bucket, s->limit[b] - s->seen[b]);
        s->limit[b] = s->seen[b];
    }
}

void qbid_ledger_detach(struct qbid_ledger *ledger, uint16_t slot, uint64_t now_ns)
{
    (void)now_ns;
    if (slot >= ledger->params.shape.worker_max || !ledger->slots[slot].attached)
        return;
    struct qbid_ledger_slot *s = &ledger->slots[slot];
    if (!s->blocked)
        slot_run_out(ledger, s);
    s->attached = false;
    s->page = NULL;
    s->clear = true;
}

void qbid_ledger_block(struct qbid_ledger *ledger, struct qbid_ledger_slot *s)
{
    slot_run_out(ledger, s);
    s->blocked = true;
    s->clear = true;
    ledger->counters.blocked++;
}

/* A bid from before this ledger knew its worker: its price was held. */
static int64_t post_former(struct qbid_ledger *ledger, struct qbid_book *book, int64_t price)
{
    if (book->hold_until_ns == 0) {
        ledger->counters.late++;
        return 0;
    }
    int64_t held = price < book->hold ? price : book->hold;
    if (held < price) {
        ledger->counters.uncovered++;
        book->ceiling += price - held;
    }
    book->hold -= held;
    book->spent += price;
    return price;
}

/* A bid that this ledger gave the limits for. */
static int64_t post_resolve(struct qbid_ledger *ledger, struct qbid_book *book, uint64_t time_ns,
                            const struct qbid_outcome *outcome, int64_t price)
{
    int64_t forged = book->tally.forged;
    int64_t resolved = outcome->joined ? outcome->bid_nanos : price;
    int err = qbid_tally_note(&book->tally, time_ns / ledger->bucket_ns, resolved);
    if (err) {
        *(err == QBID_ERR_STALE ? &ledger->counters.late : &ledger->counters.invalid) += 1;
        return 0;
    }
    forged = book->tally.forged - forged;
    ledger->counters.forged_nanos += forged;
    book->ceiling += forged;
    book->spent += price;
    return price;
}

/* Whose money a bid was: by its time against the first tick that knew both worker and budget. The
 * clock of a host may lag its decision, so just before that tick it may be either; then the bid is
 * covered twice until it runs out. */
static int64_t post_route(struct qbid_ledger *ledger, struct qbid_book *book,
                          const struct qbid_outcome *outcome, int64_t price)
{
    uint64_t first_ns = ledger->first_ns[outcome->nonce >> 48], time_ns = outcome->bid_time_ns;
    if (first_ns == 0 || book->since_ns == 0)
        return post_former(ledger, book, price);
    if (first_ns < book->since_ns)
        first_ns = book->since_ns;
    if (time_ns >= first_ns)
        return post_resolve(ledger, book, time_ns, outcome, price);
    if (first_ns - time_ns > ledger->params.grace_ns)
        return post_former(ledger, book, price);
    if (book->hold_until_ns == 0)
        return post_resolve(ledger, book, first_ns, outcome, price);
    book->spent += price;
    book->ceiling += price;
    return price;
}

int64_t qbid_ledger_post(struct qbid_ledger *ledger, const struct qbid_outcome *outcome)
{
    if (outcome->flags & QBID_EVENT_TEST)
        return 0;
    if (outcome->kind != QBID_EVENT_BILL && outcome->kind != QBID_EVENT_LOSS)
        return 0;
    if (outcome->budget_idx >= ledger->params.shape.budget_max || outcome->bid_nanos <= 0 ||
        outcome->bid_nanos > QBID_PRICE_MICROS_MAX ||
        !ledger->books[outcome->budget_idx].tally.used) {
        ledger->counters.invalid++;
        return 0;
    }
    struct qbid_book *book = &ledger->books[outcome->budget_idx];
    int64_t price = 0;
    if (outcome->kind == QBID_EVENT_BILL) {
        bool unknown = outcome->flags & QBID_EVENT_PRICE_UNKNOWN;
        price = unknown ? outcome->bid_nanos : outcome->price_nanos;
        if ((outcome->flags & QBID_EVENT_PRICE_ABOVE) || price < 0 || price > outcome->bid_nanos) {
            ledger->counters.invalid++;
            return 0;
        }
    }
    return post_route(ledger, book, outcome, price);
}

int64_t qbid_ledger_budget(const struct qbid_ledger *ledger, uint32_t budget_idx)
{
    return budget_idx < ledger->params.shape.budget_max ? ledger->books[budget_idx].budget : 0;
}

int64_t qbid_ledger_spent(const struct qbid_ledger *ledger, uint32_t budget_idx)
{
    return budget_idx < ledger->params.shape.budget_max ? ledger->books[budget_idx].spent : 0;
}

int64_t qbid_ledger_exposure(const struct qbid_ledger *ledger, uint32_t budget_idx)
{
    if (budget_idx >= ledger->params.shape.budget_max)
        return 0;
    const struct qbid_book *book = &ledger->books[budget_idx];
    return book->hold + qbid_tally_exposure(&book->tally);
}

int64_t qbid_ledger_check(const struct qbid_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->active_cnt; i++) {
        const struct qbid_book *book = &ledger->books[ledger->active[i]];
        int64_t exposure = qbid_tally_exposure(&book->tally);
        if (exposure < 0 || book->hold < 0 || book->spent + book->hold + exposure > book->ceiling)
            return ledger->active[i];
    }
    return -1;
}

struct qbid_ledger_counters qbid_ledger_counters_load(const struct qbid_ledger *ledger)
{
    return ledger->counters;
}
