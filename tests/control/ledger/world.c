/* SPDX-License-Identifier: Apache-2.0 */
/* The world of the ledger's simulation, step by step. */
#include "tests/control/ledger/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ledger/ledger.h"
#include "fastpath/reserve.h"
#include "shm/error.h"

#define WORKERS_MAX 8
#define SLOTS_MAX 16
#define QUEUE_MAX 32768
#define TRIES_MAX 4 /* bids of a worker in a step */
#define LIVES_MAX 16
#define PAGE_LG 6

/* Times of a world; notices come at most `late` steps after their bid. */
struct pace {
    uint64_t step_ns, ttl_ns, grace_ns, lease_ns, bucket_ns;
    uint32_t late_hot, late_faults, late;
};

static const struct pace quick = {20 * QBID_NS_PER_MS,
                                  2000 * QBID_NS_PER_MS,
                                  300 * QBID_NS_PER_MS,
                                  500 * QBID_NS_PER_MS,
                                  250 * QBID_NS_PER_MS,
                                  95, /* 1.9 s, just within the notice time */
                                  130,
                                  60};
static const struct pace slow = {100 * QBID_NS_PER_MS,
                                 20000 * QBID_NS_PER_MS,
                                 1500 * QBID_NS_PER_MS,
                                 2500 * QBID_NS_PER_MS,
                                 1000 * QBID_NS_PER_MS,
                                 195,
                                 300, /* 30 s */
                                 180};

struct bid {
    uint64_t time_ns;
    int64_t nanos, price;
    uint32_t budget;
    uint16_t uid;
    bool counted; /* its bill was accepted */
    bool posted;  /* known to this qbidd */
};

struct notice {
    uint32_t bid, next; /* next of the same step, 0 = none; numbers are from 1 */
    bool bill;
};

/* One ad-server worker process with its page. */
struct worker {
    struct qbid_page page;
    void *memory;
    uint32_t *queue; /* notices accepted: its ring, QUEUE_MAX */
    uint32_t head, cursor, durable;
    uint32_t revive_step; /* of a dead one */
    int life;             /* whose live page it reads; -1 = none */
    uint16_t slot, uid;
    bool alive, attached;
    uint32_t attach_step; /* when qbidd gets to know it */
    uint32_t adopt_step;  /* when it starts to read the present live page */
    uint16_t new_slot;    /* that it will adopt */
    uint32_t late_step;   /* a decision that was preempted goes on then; 0 = none */
    int64_t late_nanos;
    uint32_t late_budget;
    uint64_t late_time_ns;
};

struct world {
    struct world_options o;
    const struct pace *pace;
    uint64_t rng, now_ns;
    struct worker worker[WORKERS_MAX];
    struct bid *bids;
    struct notice *notices;
    uint32_t *by_step;
    uint32_t bid_max, bid_cnt, notice_cnt, step;
    struct qbid_ledger *ledger; /* NULL while qbidd is down */
    struct qbid_live live[LIVES_MAX];
    void *live_memory[LIVES_MAX];
    int life;
    int slot_user[SLOTS_MAX]; /* worker index, or -1 */
    uint32_t up_step, tick_step, store_step;
    uint16_t next_uid;
    struct qbid_ledger_row row[WORLD_BUDGETS];
    uint32_t persists;
    bool dead_unsaved; /* a dead worker's last notices are not in the store yet */
    bool row_there[WORLD_BUDGETS], crash_in_persist;
    struct world_result r;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "the simulated world broke: %s\n", what);
    abort();
}

static uint64_t roll(struct world *w)
{
    uint64_t z = w->rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(struct world *w, uint32_t n)
{
    return (uint32_t)(roll(w) % n);
}

static bool chance(struct world *w, uint32_t one_in)
{
    return below(w, one_in) == 0;
}

static bool fault(struct world *w, uint32_t one_in)
{
    return w->o.faults && chance(w, one_in);
}

static void *memory_new(int64_t bytes)
{
    void *memory = aligned_alloc(64, ((size_t)bytes + 63) & ~(size_t)63);
    must(memory, "memory");
    return memset(memory, 0, ((size_t)bytes + 63) & ~(size_t)63);
}

/* A ring as the ledger sees it: what is not durable has not left it. */
static void ring_show(struct worker *p)
{
    atomic_store(&p->page.ring->head, p->head);
    atomic_store(&p->page.ring->tail, p->durable);
}

static void worker_start(struct world *w, struct worker *p)
{
    if (!p->memory) {
        p->queue = memory_new(QUEUE_MAX * sizeof *p->queue);
        p->memory = memory_new(qbid_page_footprint(WORLD_BUDGETS, PAGE_LG));
        must(qbid_page_format(p->memory, WORLD_BUDGETS, PAGE_LG, &p->page) == 0, "page");
        p->page.event_mask = QUEUE_MAX - 1; /* the queue stands for its events */
    }
    for (int b = 0; b < WORLD_BUDGETS; b++)
        atomic_store(&p->page.committed[b], 0);
    p->alive = true;
    p->life = -1;
    p->uid = ++w->next_uid;
    p->head = p->cursor = p->durable = p->late_step = 0;
    ring_show(p);
    p->attach_step = w->step + 1 + below(w, 5);
}

/* qbidd's side of the publisher: a free slot, cleared. */
static void worker_attach(struct world *w, struct worker *p)
{
    for (uint16_t s = 0; s < SLOTS_MAX; s++) {
        if (w->slot_user[s] >= 0)
            continue;
        w->slot_user[s] = (int)(p - w->worker);
        const struct qbid_live *live = &w->live[w->life];
        atomic_store(&live->lease[s].valid_until_ns, 0);
        for (int b = 0; b < WORLD_BUDGETS; b++)
            atomic_store(&live->limit[s * WORLD_BUDGETS + b], 0);
        must(qbid_ledger_attach(w->ledger, s, p->uid, &p->page, w->now_ns) == 0, "attach");
        p->attached = true;
        p->new_slot = s;
        p->adopt_step = w->step + below(w, w->o.faults ? 40 : 2);
        return;
    }
}

static void worker_detach(struct world *w, struct worker *p)
{
    qbid_ledger_detach(w->ledger, p->new_slot, w->now_ns);
    const struct qbid_live *live = &w->live[w->life];
    atomic_store(&live->lease[p->new_slot].valid_until_ns, 0);
    for (int b = 0; b < WORLD_BUDGETS; b++)
        atomic_store(&live->limit[p->new_slot * WORLD_BUDGETS + b], 0);
    p->attached = false;
}

/* Slots of dead or moved workers are handed out again. */
static void slots_free(struct world *w)
{
    for (uint16_t s = 0; s < SLOTS_MAX; s++) {
        if (w->slot_user[s] < 0)
            continue;
        const struct worker *p = &w->worker[w->slot_user[s]];
        bool reads = p->alive && p->life == w->life && p->slot == s;
        bool will = p->attached && p->new_slot == s;
        if (!reads && !will)
            w->slot_user[s] = -1;
    }
}

static void bid_publish(struct world *w, struct worker *p, uint32_t budget, int64_t nanos,
                        uint64_t time_ns)
{
    if (w->bid_cnt + 1 >= w->bid_max)
        return;
    uint32_t n = ++w->bid_cnt;
    struct bid *bid = &w->bids[n];
    *bid = (struct bid){.time_ns = time_ns, .nanos = nanos, .budget = budget, .uid = p->uid};
    w->r.bids++;
    uint32_t fate = below(w, 10);
    if (!w->o.hot && (fate < 2 || (w->o.faults && fate < 3)))
        return; /* lost, and nobody tells */
    bool bill = fate < 8 || (w->o.hot && !w->o.forgets);
    bid->price = w->o.hot || chance(w, 3) ? nanos : (int64_t)below(w, (uint32_t)nanos) + 1;
    uint32_t copies = fault(w, 4) ? 1 + below(w, 3) : 1;
    for (uint32_t i = 0; i < copies; i++) {
        uint32_t late = w->o.hot      ? w->pace->late_hot
                        : w->o.faults ? w->pace->late_faults
                                      : w->pace->late;
        uint32_t at = w->step + (chance(w, 2) ? below(w, 4) : below(w, late));
        if (at >= w->o.steps || w->notice_cnt + 1 >= 2 * w->bid_max)
            continue;
        w->notices[++w->notice_cnt] =
            (struct notice){.bid = n, .next = w->by_step[at], .bill = bill};
        w->by_step[at] = w->notice_cnt;
    }
}

/* A decision: clock, lease and limit are read; the reservation may come later. */
static void worker_bid(struct world *w, struct worker *p)
{
    if (p->late_step != 0) {
        if (p->late_step > w->step)
            return;
        p->late_step = 0;
        atomic_fetch_add(&p->page.committed[p->late_budget], p->late_nanos);
        bid_publish(w, p, p->late_budget, p->late_nanos, p->late_time_ns);
    }
    uint32_t tries = below(w, TRIES_MAX + 1);
    for (uint32_t i = 0; i < tries && p->life >= 0; i++) {
        const struct qbid_view view = {
            .live = &w->live[p->life], .page = &p->page, .slot = p->slot, .uid = p->uid};
        uint64_t host_ns = w->now_ns - below(w, 15) * QBID_NS_PER_MS;
        uint32_t b = below(w, WORLD_BUDGETS);
        int64_t nanos = 1 + (int64_t)below(w, (uint32_t)w->o.bid_nanos_max);
        if (!qbid_lease_valid(&view, host_ns))
            return;
        bool stopped = fault(w, 200); /* between the check and the store */
        if (!qbid_allowance_reserve(&view, b, nanos, !stopped))
            continue;
        if (stopped) {
            p->late_step = w->step + below(w, 100);
            p->late_nanos = nanos, p->late_budget = b, p->late_time_ns = host_ns;
            return;
        }
        bid_publish(w, p, b, nanos, host_ns);
    }
}

/* A notice reaches some worker, which checks its age and writes it into its ring. */
static void notice_arrive(struct world *w, const struct notice *notice)
{
    struct bid *bid = &w->bids[notice->bid];
    struct worker *p = &w->worker[below(w, w->o.workers)];
    if (!p->alive || w->now_ns - bid->time_ns > w->pace->ttl_ns || p->head >= QUEUE_MAX ||
        (!w->o.hot && fault(w, 12)))
        return;
    p->queue[p->head++] = notice->bid * 2 + notice->bill;
    ring_show(p);
    if (notice->bill && !bid->counted) {
        bid->counted = true;
        w->r.billed_nanos[bid->budget] += bid->price;
    }
}

static void drain(struct world *w)
{
    if (w->step < w->store_step)
        return; /* nothing is taken that cannot be stored */
    for (uint32_t i = 0; i < w->o.workers; i++) {
        struct worker *p = &w->worker[i];
        for (; p->attached && p->cursor < p->head; p->cursor++) {
            struct bid *bid = &w->bids[p->queue[p->cursor] / 2];
            bool forgotten = bid->posted && w->o.forgets &&
                             fault(w, 4); /* that it was seen: now it is unjoined */
            if (bid->posted && !forgotten)
                continue;
            bid->posted = true;
            struct qbid_outcome outcome = {.kind = p->queue[p->cursor] & 1 ? QBID_EVENT_BILL
                                                                           : QBID_EVENT_LOSS,
                                           .nonce = (uint64_t)bid->uid << 48,
                                           .bid_time_ns = bid->time_ns,
                                           .time_ns = w->now_ns,
                                           .budget_idx = bid->budget,
                                           .bid_nanos = bid->nanos,
                                           .price_nanos = bid->price,
                                           .joined = !forgotten && !fault(w, 5)};
            qbid_ledger_post(w->ledger, &outcome);
        }
    }
}

static int persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct world *w = context;
    bool crash = fault(w, 150);
    if (fault(w, 12) || w->step < w->store_step)
        return QBID_ERR_STORE;
    if (w->o.store_stops && fault(w, 150))
        w->store_step = w->step + below(w, 250); /* up to 5 s: twice the notice time */
    if (crash && chance(w, 2)) {
        w->crash_in_persist = true; /* before anything was written */
        return QBID_ERR_STORE;
    }
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t b = rows[i].budget_idx;
        int64_t behind = w->row[b].exposure_nanos;
        w->row[b] = rows[i], w->row_there[b] = true;
        if (w->o.store == WORLD_STORE_NO_HOLD)
            w->row[b].exposure_nanos = 0;
        if (w->o.store == WORLD_STORE_BEHIND && ++w->persists % 8 != 0)
            w->row[b].exposure_nanos = behind;
    }
    if (crash) {
        w->crash_in_persist = true; /* written, and no limit raised */
        return QBID_ERR_STORE;
    }
    return 0;
}

static uint64_t now_read(void *context)
{
    return ((struct world *)context)->now_ns;
}

static void qbidd_start(struct world *w)
{
    struct qbid_ledger_params params = {
        .shape = {.line_item_max = 1, .budget_max = WORLD_BUDGETS, .worker_max = SLOTS_MAX},
        .bucket_ns = w->pace->bucket_ns,
        .notice_ttl_ns = w->pace->ttl_ns,
        .grace_ns = w->pace->grace_ns,
        .lease_ns = w->pace->lease_ns,
        .grant_ppm = 1000,
        .grant_nanos_min = w->o.grant_nanos_min};
    must(qbid_ledger_new(&params, &w->ledger) == 0, "ledger");
    w->life++;
    must(w->life < LIVES_MAX, "lives");
    w->live_memory[w->life] = memory_new(qbid_live_footprint(params.shape));
    must(qbid_live_format(w->live_memory[w->life], params.shape, 1, &w->live[w->life]) == 0,
         "live page");
    for (uint32_t b = 0; b < WORLD_BUDGETS; b++) {
        if (w->row_there[b])
            must(qbid_ledger_restore(w->ledger, &w->row[b], w->now_ns) == 0, "restore");
        must(qbid_ledger_set_budget(w->ledger, b, w->o.budget_nanos) == 0, "budget");
    }
    for (uint16_t s = 0; s < SLOTS_MAX; s++)
        w->slot_user[s] = -1;
    for (uint32_t n = 1; n <= w->bid_cnt; n++)
        w->bids[n].posted = false; /* what was seen is forgotten in a crash */
    for (uint32_t i = 0; i < w->o.workers; i++)
        if (w->worker[i].alive)
            w->worker[i].attach_step = w->step + 1 + below(w, 20);
    w->tick_step = w->step;
}

/* kill -9: memory is gone, the rings of living workers stay, read up to what was durable. */
static void qbidd_crash(struct world *w)
{
    w->r.blocked += (uint32_t)qbid_ledger_counters_load(w->ledger).blocked;
    qbid_ledger_free(w->ledger);
    w->ledger = NULL;
    w->r.crashes++;
    w->crash_in_persist = false;
    w->up_step = w->step + 1 + below(w, 60);
    for (uint32_t i = 0; i < w->o.workers; i++) {
        struct worker *p = &w->worker[i];
        p->cursor = p->durable;
        p->attached = false;
        p->adopt_step = 0;
    }
}

static void qbidd_tick(struct world *w)
{
    drain(w);
    if (fault(w, 400)) {
        qbidd_crash(w);
        return;
    }
    int grants = qbid_ledger_tick(w->ledger, &w->live[w->life], now_read, w, persist, w);
    if (w->r.check < 0)
        w->r.check = qbid_ledger_check(w->ledger);
    if (w->crash_in_persist || fault(w, 400)) {
        qbidd_crash(w);
        return;
    }
    bool stored = grants >= 0 || grants == QBID_ERR_STALE;
    for (uint32_t i = 0; i < w->o.workers; i++) {
        if (stored)
            w->worker[i].durable = w->worker[i].cursor;
        ring_show(&w->worker[i]);
    }
    if (stored)
        w->dead_unsaved = false;
    w->tick_step = w->step + 2 + below(w, 10);
    if (fault(w, 100))
        w->tick_step += below(w, 300); /* stopped for a while */
}

static void worker_step(struct world *w, struct worker *p)
{
    if (!p->alive) {
        if (p->attached && w->ledger && w->step >= w->store_step && chance(w, 5)) {
            drain(w);
            worker_detach(w, p);
            w->dead_unsaved = true;
        }
        /* its ring is qbidd's last copy: a new process comes when it has been drained */
        if (!p->attached && w->step >= p->revive_step)
            worker_start(w, p);
        return;
    }
    if (w->ledger && !p->attached && w->step >= p->attach_step)
        worker_attach(w, p);
    if (p->attached && p->adopt_step && w->step >= p->adopt_step && p->late_step == 0) {
        p->life = w->life, p->slot = p->new_slot;
        p->adopt_step = 0;
    }
    worker_bid(w, p);
    if (p->attached && p->adopt_step == 0 && w->step >= w->store_step && fault(w, 900)) {
        drain(w);
        worker_detach(w, p); /* its connection broke, it goes on */
        p->attach_step = w->step + below(w, 30);
        w->r.drops++;
    } else if (p->attached && fault(w, 600)) {
        p->alive = false;
        p->revive_step = w->step + below(w, 50);
        w->r.worker_crashes++;
    }
}

/* A ring whose worker and whose qbidd both died is gone for good: what it held is no promise of the
 * ledger, so a crash of qbidd waits until the rings of dead workers are drained and saved. */
static bool dead_ring_waits(const struct world *w)
{
    for (uint32_t i = 0; i < w->o.workers; i++)
        if (!w->worker[i].alive && w->worker[i].attached)
            return true;
    return w->dead_unsaved;
}

static void world_step(struct world *w)
{
    bool faults = w->o.faults;
    w->now_ns += w->pace->step_ns;
    for (uint32_t n = w->by_step[w->step]; n != 0; n = w->notices[n].next)
        notice_arrive(w, &w->notices[n]);
    if (w->ledger) {
        slots_free(w);
        w->o.faults = faults && !dead_ring_waits(w) && w->life + 1 < LIVES_MAX;
        if (w->step >= w->tick_step)
            qbidd_tick(w);
        w->o.faults = faults;
    } else if (w->step >= w->up_step) {
        qbidd_start(w);
    }
    for (uint32_t i = 0; i < w->o.workers; i++)
        worker_step(w, &w->worker[i]);
    for (int b = 0; b < WORLD_BUDGETS; b++) {
        int64_t over = w->r.billed_nanos[b] - w->o.budget_nanos;
        w->r.overspent |= over > 0;
        if (over > w->r.max_over)
            w->r.max_over = over;
    }
}

struct world_result world_run(const struct world_options *options)
{
    struct world *w = calloc(1, sizeof *w);
    must(w && options->workers <= WORKERS_MAX, "workers");
    w->o = *options;
    w->pace = options->slow ? &slow : &quick;
    w->rng = options->seed;
    w->now_ns = 1000 * QBID_NS_PER_S;
    w->life = -1;
    w->r.check = -1;
    w->bid_max = options->steps * options->workers * TRIES_MAX + 2;
    w->bids = calloc(w->bid_max, sizeof *w->bids);
    w->notices = calloc((size_t)2 * w->bid_max, sizeof *w->notices);
    w->by_step = calloc(options->steps, sizeof *w->by_step);
    must(w->bids && w->notices && w->by_step, "memory");
    for (uint32_t i = 0; i < options->workers; i++)
        worker_start(w, &w->worker[i]);
    qbidd_start(w);
    for (w->step = 0; w->step < options->steps; w->step++)
        world_step(w);
    if (w->ledger) {
        drain(w);
        for (uint32_t b = 0; b < WORLD_BUDGETS; b++)
            w->r.spent_nanos[b] = qbid_ledger_spent(w->ledger, b);
        w->r.blocked += (uint32_t)qbid_ledger_counters_load(w->ledger).blocked;
    }
    struct world_result r = w->r;
    qbid_ledger_free(w->ledger);
    for (int i = 0; i <= w->life; i++)
        free(w->live_memory[i]);
    for (uint32_t i = 0; i < options->workers; i++)
        free(w->worker[i].memory), free(w->worker[i].queue);
    free(w->bids);
    free(w->notices);
    free(w->by_step);
    free(w);
    return r;
}
