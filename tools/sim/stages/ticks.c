/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated qbidd does again and again, in the order of control/engine: bids before their
 * notices, money to the store before an event is let go of, the store before a limit is raised. */
#include <stdlib.h>

#include "shm/error.h"
#include "tools/sim/stages/state.h"

#define DAY_S 86400
#define DRAIN_MAX 65536

static int64_t unix_s_of(uint64_t now_ns)
{
    return QBID_SIM_EPOCH_UNIX_S + (int64_t)(now_ns / QBID_NS_PER_S);
}

static void bill_note(struct qbid_sim_stages *s, uint64_t nonce)
{
    if (s->billed_cnt == s->billed_max) {
        uint32_t max = s->billed_max ? s->billed_max * 2 : 256;
        uint64_t *more = realloc(s->billed, max * sizeof *more);
        if (!more)
            return;
        s->billed = more;
        s->billed_max = max;
    }
    s->billed[s->billed_cnt++] = nonce;
}

void qbid_sim_stages_post(void *context, const struct qbid_outcome *outcome)
{
    struct qbid_sim_stages *s = context;
    const struct qbid_account *account = &s->params.portfolio->account;
    const struct qbid_line_item_def *li = qbid_account_line_item(account, outcome->line_item_id);
    const struct qbid_campaign_def *campaign =
        li ? qbid_account_campaign(account, li->campaign_id) : NULL;
    if (!campaign)
        return;
    if (outcome->kind == QBID_EVENT_BILL &&
        qbid_keymap_find(&s->store.billed, outcome->nonce, 0) != QBID_KEYMAP_NONE)
        return; /* charged in a former life */
    int64_t spent = qbid_ledger_post(s->ledger, outcome);
    uint32_t b = outcome->budget_idx;
    if (spent > 0) {
        int64_t bid_s = unix_s_of(outcome->bid_time_ns - QBID_SIM_EPOCH_BOOT_NS);
        bill_note(s, outcome->nonce);
        s->spent_changed[b] = true;
        if (bid_s / DAY_S < s->day[b].day)
            s->day[b].spent_nanos += spent; /* of yesterday */
    }
    qbid_learner_post(s->learner, outcome, li, campaign, spent);
}

/* One transaction: what was charged, and by which bills. */
static int charges_save(struct qbid_sim_stages *s)
{
    for (uint32_t i = 0; i < s->billed_cnt; i++)
        if (qbid_keymap_find(&s->store.billed, s->billed[i], 0) == QBID_KEYMAP_NONE &&
            qbid_keymap_add(&s->store.billed, s->billed[i], 0, 0))
            return QBID_ERR_NOMEM;
    s->billed_cnt = 0;
    for (uint32_t b = 0; b < s->params.portfolio->account.campaign_cnt; b++) {
        if (!s->spent_changed[b])
            continue;
        s->store.budget[b].spent_nanos = qbid_ledger_spent(s->ledger, b);
        s->store.budget[b].day_spent_nanos = s->day[b].spent_nanos;
        s->store.budget[b].known = true;
        s->spent_changed[b] = false;
    }
    return 0;
}

static bool crash(struct qbid_sim_stages *s, enum qbid_sim_crash_point point)
{
    if (s->crash_at == point)
        s->crashed = true;
    return s->crashed;
}

static bool charged(const struct qbid_sim_stages *s)
{
    bool any = s->billed_cnt > 0;
    for (uint32_t b = 0; b < QBID_SIM_CAMPAIGNS_MAX; b++)
        any |= s->spent_changed[b];
    return any;
}

static int let_go(struct qbid_sim_stages *s, struct qbid_sim_worker *w, uint32_t n)
{
    if (charged(s)) {
        w->held = n;
        if (s->store.refuses || charges_save(s))
            return QBID_ERR_STORE;
        s->store.tail[w->page_id] = atomic_load(&w->page.ring->tail) + n;
        if (crash(s, QBID_SIM_CRASH_SETTLED))
            return QBID_ERR_STORE;
    }
    w->held = 0;
    qbid_ring_advance(w->page.ring, n);
    return 0;
}

int qbid_sim_stages_drain(struct qbid_sim_stages *s, struct qbid_sim_worker *w, int max)
{
    const struct qbid_sim_portfolio *f = s->params.portfolio;
    if (s->crashed || (w->held && let_go(s, w, w->held)))
        return 0;
    int n = qbid_ingest_drain(s->ingest, &f->account, f->dictionary, &w->page, w->slot, w->uid,
                              qbid_sim_boot_ns(s->now_ns), max, qbid_sim_stages_post, s);
    if (n > 0)
        (void)let_go(s, w, (uint32_t)n);
    return n;
}

static int waiting_in(const struct qbid_page *page)
{
    return (int)(atomic_load(&page->ring->head) - atomic_load(&page->ring->tail));
}

/* A dead worker: what is left in its ring, and then its slot is free. */
static void worker_leave(struct qbid_sim_stages *s, struct qbid_sim_worker *w)
{
    while (qbid_sim_stages_drain(s, w, DRAIN_MAX) == DRAIN_MAX)
        ;
    if (w->held)
        return; /* the store refuses: it stays in the ring */
    qbid_ledger_detach(s->ledger, w->slot, qbid_sim_boot_ns(s->now_ns));
    w->attached = false;
}

void qbid_sim_stages_ingest(struct qbid_sim_stages *s, uint64_t now_ns)
{
    int waiting[QBID_SIM_WORKERS_MAX];
    const struct qbid_account *account = &s->params.portfolio->account;
    if (!s->up)
        return;
    s->now_ns = now_ns;
    uint64_t boot_ns = qbid_sim_boot_ns(now_ns);
    for (uint32_t i = 0; i < s->params.workers; i++)
        waiting[i] = s->worker[i].attached ? waiting_in(&s->worker[i].page) : 0;
    for (uint32_t i = 0; i < s->params.workers; i++) {
        struct qbid_sim_worker *w = &s->worker[i];
        if (w->attached)
            (void)qbid_ingest_bids(s->ingest, account, &w->page, w->slot, w->uid, boot_ns,
                                   qbid_sim_stages_post, s);
    }
    for (uint32_t i = 0; i < s->params.workers; i++)
        if (s->worker[i].attached)
            (void)qbid_sim_stages_drain(s, &s->worker[i], waiting[i]);
    for (uint32_t i = 0; i < s->params.workers; i++)
        if (s->worker[i].attached && !s->worker[i].up && !s->crashed)
            worker_leave(s, &s->worker[i]);
    qbid_ingest_tick(s->ingest, boot_ns, DRAIN_MAX, qbid_sim_stages_post, s);
}

static uint64_t boot_now(void *context)
{
    return qbid_sim_boot_ns(((struct qbid_sim_stages *)context)->now_ns);
}

static int ledger_persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct qbid_sim_stages *s = context;
    if (s->store.refuses || crash(s, QBID_SIM_CRASH_UNSTORED) || charges_save(s))
        return QBID_ERR_STORE;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_sim_store_budget *b = &s->store.budget[rows[i].budget_idx];
        b->spent_nanos = rows[i].spent_nanos;
        b->exposure_nanos = rows[i].exposure_nanos;
        b->known = true;
    }
    return crash(s, QBID_SIM_CRASH_STORED) ? QBID_ERR_STORE : 0;
}

void qbid_sim_stages_allow(struct qbid_sim_stages *s)
{
    (void)qbid_ledger_tick(s->ledger, &s->live[s->life], boot_now, s, ledger_persist, s);
}

static bool slot_used(const struct qbid_sim_stages *s, uint16_t slot)
{
    for (uint32_t i = 0; i < s->params.workers; i++) {
        const struct qbid_sim_worker *w = &s->worker[i];
        if ((w->attached && w->slot == slot) ||
            (w->up && w->own_life == s->life && w->own_slot == slot))
            return true;
    }
    return false;
}

int qbid_sim_stages_attach(struct qbid_sim_stages *s, struct qbid_sim_worker *w)
{
    const struct qbid_live *live = &s->live[s->life];
    uint32_t budgets = live->shape.budget_max;
    uint64_t tail = atomic_load(&w->page.ring->tail), stored = s->store.tail[w->page_id];
    do
        s->slot_next = (uint16_t)((s->slot_next + 1) % QBID_SIM_SLOTS_MAX);
    while (slot_used(s, s->slot_next));
    w->slot = s->slot_next;
    if (stored > tail)
        qbid_ring_advance(w->page.ring, stored - tail);
    atomic_store(&live->lease[w->slot].valid_until_ns, 0);
    for (uint32_t b = 0; b < budgets; b++)
        atomic_store(&live->limit[(size_t)w->slot * budgets + b], 0);
    int err = qbid_ledger_attach(s->ledger, w->slot, w->uid, &w->page, qbid_sim_boot_ns(s->now_ns));
    w->attached = err == 0;
    return err;
}

/* Authority of every budget; a day that begins is written first. */
static void budgets_set(struct qbid_sim_stages *s)
{
    int64_t today = unix_s_of(s->now_ns) / DAY_S;
    const struct qbid_account *account = &s->params.portfolio->account;
    for (uint32_t i = 0; i < account->campaign_cnt; i++) {
        const struct qbid_campaign_def *c = &account->campaigns[i];
        uint32_t b = c->budget_idx;
        if (today > s->day[b].day) {
            if (s->store.refuses)
                return;
            s->day[b] = (struct qbid_sim_day){today, qbid_ledger_spent(s->ledger, b)};
            s->store.budget[b].day = today;
            s->store.budget[b].day_spent_nanos = s->day[b].spent_nanos;
        }
        int64_t authority = qbid_add_sat(s->day[b].spent_nanos, c->budget_nanos);
        if (authority != qbid_ledger_budget(s->ledger, b))
            (void)qbid_ledger_set_budget(s->ledger, b, authority);
    }
}

void qbid_sim_stages_live(struct qbid_sim_stages *s, uint64_t now_ns)
{
    const struct qbid_account *account = &s->params.portfolio->account;
    if (!s->up || s->crashed)
        return;
    s->now_ns = now_ns;
    budgets_set(s);
    qbid_sim_stages_allow(s);
    s->broken += qbid_ledger_check(s->ledger) >= 0;
    for (uint32_t i = 0; i < account->campaign_cnt; i++) {
        uint32_t b = account->campaigns[i].budget_idx;
        s->money[i] = (struct qbid_learner_money){qbid_ledger_budget(s->ledger, b),
                                                  qbid_ledger_spent(s->ledger, b),
                                                  qbid_ledger_exposure(s->ledger, b)};
    }
    int n = qbid_learner_pace(s->learner, account, s->money, qbid_sim_boot_ns(now_ns),
                              QBID_SIM_EPOCH_UNIX_S * (int64_t)QBID_NS_PER_S + (int64_t)now_ns,
                              s->pace);
    if (n > 0)
        qbid_learner_pace_store(s->pace, (uint32_t)n, &s->live[s->life]);
}

void qbid_sim_stages_persist(struct qbid_sim_stages *stages)
{
    if (stages->up && !stages->store.refuses)
        (void)qbid_learner_save(stages->learner, false, qbid_sim_store_save, &stages->store);
}

bool qbid_sim_stages_owes(const struct qbid_sim_stages *stages)
{
    bool owes = charged(stages);
    for (uint32_t i = 0; i < stages->params.workers; i++)
        owes |= stages->worker[i].attached && !stages->worker[i].up;
    return owes;
}
