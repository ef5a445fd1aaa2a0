/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets under real threads: eight workers that reserve by fastpath/reserve.h and write notices
 * into real rings, an exchange that bills late, twice or never, and qbidd's side (ledger, live
 * page, rings, write-ahead rows), which is killed and comes back as workers do. Nothing may ever be
 * billed past a budget. tests/control/ledger/world.h does the same in virtual time, reproducibly
 * and with broken ledgers as negative control; here the order is the machine's. An argument gives
 * how many runs. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/ledger/ledger.h"
#include "fastpath/reserve.h"
#include "shm/error.h"

#define WORKERS 8
#define BUDGETS 2
#define SLOTS 16
#define UIDS 64       /* worker lives in a run */
#define LIVES 32      /* qbidd's */
#define BIDS_MAX 8192 /* of a worker's life */
#define PENDING_MAX 65536
#define LG_EVENTS 12
#define DRAIN 256
#define RUN_NS (180 * QBID_NS_PER_MS)
#define TTL_NS (30 * QBID_NS_PER_MS)
#define LATE_NS (45 * QBID_NS_PER_MS) /* a third comes too late */
#define LEASE_NS (10 * QBID_NS_PER_MS)
#define GRACE_NS (15 * QBID_NS_PER_MS)
#define BID_NANOS_MAX 60

static unsigned runs = 6;

/* What a worker is told when it connects: fixed once it is published. */
struct seat {
    const struct qbid_live *live;
    uint16_t slot;
};

struct notice {
    uint64_t due_ns, time_ns;
    int64_t nanos, price;
    uint64_t nonce;
    uint32_t budget;
    uint8_t kind;
};

struct run;

struct worker {
    struct run *run;
    pthread_t thread;
    struct qbid_page page;
    void *memory;
    _Atomic(const struct seat *) seat;
    _Atomic bool gone; /* the thread has ended */
    uint64_t rng;
    uint16_t uid;
    /* qbidd's */
    bool attached, lives;
    uint16_t slot;
    uint64_t taken; /* events behind the tail that were posted */
};

struct run {
    uint64_t rng, start_ns;
    int64_t budget_nanos;
    bool hot; /* a bid wins, at its own price, and its bill comes in time: no money is left over */
    _Atomic bool over;
    _Atomic int64_t billed[BUDGETS];
    _Atomic bool overspent;
    _Atomic bool slept; /* a thread was not run for longer than the ledger's grace: the machine
                           broke what the ledger builds on, and the run says nothing */
    _Atomic uint64_t bids;
    pthread_mutex_t exchange;
    struct notice *pending; /* a heap by due time */
    uint32_t pending_cnt;
    _Atomic uint8_t *counted; /* by bid: its bill was accepted */
    struct worker *worker[WORKERS];
    struct worker all[UIDS];
    uint32_t uids;
    /* qbidd */
    struct qbid_ledger *ledger;
    struct qbid_live live[LIVES];
    void *live_memory[LIVES];
    struct seat seats[LIVES * SLOTS];
    int life;
    uint64_t up_ns, since_ns; /* when it comes back; since when it is there */
    bool slot_taken[SLOTS], posted[UIDS][BIDS_MAX];
    struct qbid_ledger_row row[BUDGETS];
    bool row_there[BUDGETS], crash;
    uint32_t crashes, worker_crashes;
    uint64_t blocked;
};

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * QBID_NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t roll(uint64_t *rng)
{
    uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t below(uint64_t *rng, uint32_t n)
{
    return (uint32_t)(roll(rng) % n);
}

static void *memory_new(int64_t bytes)
{
    size_t size = ((size_t)bytes + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, size);
    assert_non_null(memory);
    return memset(memory, 0, size);
}

static void nap(uint32_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

/* --- the exchange */

static void heap_down(struct notice *heap, uint32_t cnt)
{
    struct notice moved = heap[0];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < cnt; at = child) {
        child += child + 1 < cnt && heap[child + 1].due_ns < heap[child].due_ns;
        if (moved.due_ns <= heap[child].due_ns)
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void exchange_send(struct run *run, const struct notice *notice)
{
    pthread_mutex_lock(&run->exchange);
    if (run->pending_cnt < PENDING_MAX) {
        uint32_t at = run->pending_cnt++;
        for (; at > 0 && run->pending[(at - 1) / 2].due_ns > notice->due_ns; at = (at - 1) / 2)
            run->pending[at] = run->pending[(at - 1) / 2];
        run->pending[at] = *notice;
    }
    pthread_mutex_unlock(&run->exchange);
}

static bool exchange_next(struct run *run, uint64_t now_ns, struct notice *ret)
{
    pthread_mutex_lock(&run->exchange);
    bool there = run->pending_cnt > 0 && run->pending[0].due_ns <= now_ns;
    if (there) {
        *ret = run->pending[0];
        run->pending[0] = run->pending[--run->pending_cnt];
        if (run->pending_cnt > 0)
            heap_down(run->pending, run->pending_cnt);
    }
    pthread_mutex_unlock(&run->exchange);
    return there;
}

/* What the exchange will say of a bid: a fifth nothing, some twice, the rest once. */
static void exchange_decide(struct worker *w, const struct notice *bid)
{
    uint32_t fate = below(&w->rng, 10);
    bool hot = w->run->hot;
    if (fate < 2 && !hot)
        return;
    struct notice n = *bid;
    uint64_t late_ns = hot ? TTL_NS * 9 / 10 : LATE_NS;
    n.kind = fate < 8 || hot ? QBID_EVENT_BILL : QBID_EVENT_LOSS;
    n.price =
        hot || below(&w->rng, 3) ? bid->nanos : 1 + (int64_t)below(&w->rng, (uint32_t)bid->nanos);
    uint32_t copies = below(&w->rng, 5) ? 1 : 1 + below(&w->rng, 3);
    for (uint32_t i = 0; i < copies; i++) {
        n.due_ns = bid->time_ns + roll(&w->rng) % (below(&w->rng, 3) ? late_ns : late_ns / 20);
        exchange_send(w->run, &n);
    }
}

/* --- a worker */

/* It checks the age, as a token's expiry does, and writes it into its ring. */
static void notice_arrive(struct worker *w, const struct notice *n)
{
    if (clock_ns() - n->time_ns > TTL_NS || (!w->run->hot && below(&w->rng, 20) == 0))
        return;
    struct qbid_event event = {.time_ns = clock_ns(), .nonce = n->nonce, .kind = n->kind};
    event.u.notice.bid_nanos = n->nanos;
    event.u.notice.line_item_id = n->budget;
    event.u.notice.price_nanos = n->price;
    event.u.notice.bid_time_ns = n->time_ns;
    bool pushed = qbid_page_push(&w->page, &event);
    if (clock_ns() - n->time_ns > TTL_NS + GRACE_NS)
        atomic_store(&w->run->slept, true);
    if (!pushed || n->kind != QBID_EVENT_BILL)
        return;
    uint64_t bid = (n->nonce >> 48) * BIDS_MAX + (n->nonce & (BIDS_MAX - 1));
    if (atomic_exchange(&w->run->counted[bid], 1))
        return;
    if (atomic_fetch_add(&w->run->billed[n->budget], n->price) + n->price > w->run->budget_nanos)
        atomic_store(&w->run->overspent, true);
}

static bool worker_bid(struct worker *w, uint32_t *made)
{
    const struct seat *seat = atomic_load_explicit(&w->seat, memory_order_acquire);
    if (!seat || *made >= BIDS_MAX)
        return true;
    const struct qbid_view view = {
        .live = seat->live, .page = &w->page, .slot = seat->slot, .uid = w->uid};
    struct notice bid = {.time_ns = clock_ns(),
                         .nanos = 1 + (int64_t)below(&w->rng, BID_NANOS_MAX),
                         .nonce = (uint64_t)w->uid << 48 | *made,
                         .budget = below(&w->rng, BUDGETS)};
    if (!qbid_lease_valid(&view, bid.time_ns))
        return true;
    if (below(&w->rng, 3000) == 0)
        nap(below(&w->rng,
                  20000)); /* stopped behind the lease check, some times for longer than it */
    if (!qbid_allowance_reserve(&view, bid.budget, bid.nanos, true))
        return true;
    ++*made;
    atomic_fetch_add_explicit(&w->run->bids, 1, memory_order_relaxed);
    if (below(&w->rng, 4000) == 0)
        return false; /* killed between the reservation and the answer */
    exchange_decide(w, &bid);
    return true;
}

static void *worker_main(void *context)
{
    struct worker *w = context;
    struct notice notice;
    uint32_t made = 0;
    bool alive = true;
    while (alive && !atomic_load_explicit(&w->run->over, memory_order_relaxed)) {
        for (uint32_t i = below(&w->rng, 8); i > 0 && alive; i--)
            alive = worker_bid(w, &made);
        /* its page, and the URLs that lead to it, come from qbidd */
        bool open = atomic_load_explicit(&w->seat, memory_order_acquire) != NULL;
        for (int i = 0; i < 8 && alive && open && exchange_next(w->run, clock_ns(), &notice); i++)
            notice_arrive(w, &notice);
        alive = alive && below(&w->rng, 3000) != 0; /* killed between two requests */
        nap(below(&w->rng, 100));
    }
    atomic_store_explicit(&w->gone, true, memory_order_release);
    return NULL;
}

static void worker_start(struct run *run, int place)
{
    assert_true(run->uids < UIDS);
    struct worker *w = &run->all[run->uids];
    run->worker[place] = w;
    w->run = run;
    w->uid = (uint16_t)run->uids++;
    w->rng = roll(&run->rng);
    w->memory = memory_new(qbid_page_footprint(BUDGETS, LG_EVENTS));
    assert_int_equal(qbid_page_format(w->memory, BUDGETS, LG_EVENTS, &w->page), 0);
    w->lives = true;
    assert_int_equal(pthread_create(&w->thread, NULL, worker_main, w), 0);
}

/* --- qbidd */

static void drain(struct run *run, struct worker *w)
{
    struct qbid_event event[DRAIN];
    int n;
    do {
        n = qbid_ring_peek(w->page.ring, w->page.events, w->page.event_mask, w->taken, event,
                           DRAIN);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
            bool *posted = &run->posted[event[i].nonce >> 48][event[i].nonce & (BIDS_MAX - 1)];
            if (*posted)
                continue;
            *posted = true;
            struct qbid_outcome outcome = {.kind = event[i].kind,
                                           .nonce = event[i].nonce,
                                           .time_ns = event[i].time_ns,
                                           .bid_time_ns = event[i].u.notice.bid_time_ns,
                                           .budget_idx = event[i].u.notice.line_item_id,
                                           .bid_nanos = event[i].u.notice.bid_nanos,
                                           .price_nanos = event[i].u.notice.price_nanos,
                                           .joined = below(&run->rng, 5) != 0};
            qbid_ledger_post(run->ledger, &outcome);
        }
        w->taken += (uint64_t)n;
    } while (n == DRAIN);
}

static int persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct run *run = context;
    if (below(&run->rng, 15) == 0)
        return QBID_ERR_STORE;
    bool crash = below(&run->rng, 60) == 0, before = below(&run->rng, 2);
    run->crash |= crash;
    for (uint32_t i = 0; i < cnt && !(crash && before); i++) {
        run->row[rows[i].budget_idx] = rows[i];
        run->row_there[rows[i].budget_idx] = true;
    }
    return crash ? QBID_ERR_STORE : 0;
}

static uint64_t now_read(void *context)
{
    (void)context;
    return clock_ns();
}

/* Everything of this life of qbidd that can be stored is; retried as a real one does. */
static void tick(struct run *run, bool certain)
{
    int err;
    do {
        for (int i = 0; i < WORKERS; i++)
            if (run->worker[i]->attached)
                drain(run, run->worker[i]);
        err = qbid_ledger_tick(run->ledger, &run->live[run->life], now_read, NULL, persist, run);
        assert_int_equal(qbid_ledger_check(run->ledger), -1);
        if (err == QBID_ERR_STORE)
            continue;
        for (int i = 0; i < WORKERS; i++) {
            struct worker *w = run->worker[i];
            if (w->attached)
                qbid_ring_advance(w->page.ring, w->taken), w->taken = 0;
        }
    } while (certain && err == QBID_ERR_STORE);
    if (certain)
        run->crash = false;
}

static void qbidd_start(struct run *run)
{
    struct qbid_ledger_params params = {
        .shape = {.line_item_max = 1, .budget_max = BUDGETS, .worker_max = SLOTS},
        .bucket_ns = QBID_NS_PER_MS,
        .notice_ttl_ns = TTL_NS,
        .grace_ns = GRACE_NS,
        .lease_ns = LEASE_NS,
        .grant_ppm = 1000,
        .grant_nanos_min = BID_NANOS_MAX * 2};
    assert_int_equal(qbid_ledger_new(&params, &run->ledger), 0);
    run->life++;
    run->since_ns = clock_ns();
    run->live_memory[run->life] = memory_new(qbid_live_footprint(params.shape));
    assert_int_equal(
        qbid_live_format(run->live_memory[run->life], params.shape, 1, &run->live[run->life]), 0);
    for (uint32_t b = 0; b < BUDGETS; b++) {
        if (run->row_there[b])
            assert_int_equal(qbid_ledger_restore(run->ledger, &run->row[b], clock_ns()), 0);
        assert_int_equal(qbid_ledger_set_budget(run->ledger, b, run->budget_nanos), 0);
    }
    memset(run->slot_taken, 0, sizeof run->slot_taken);
    memset(run->posted, 0, sizeof run->posted); /* what was seen is forgotten */
}

static void qbidd_crash(struct run *run)
{
    run->blocked += qbid_ledger_counters_load(run->ledger).blocked;
    qbid_ledger_free(run->ledger);
    run->ledger = NULL;
    run->crash = false;
    run->crashes++;
    run->up_ns = clock_ns() + roll(&run->rng) % (LEASE_NS * 2);
    for (int i = 0; i < WORKERS; i++)
        run->worker[i]->attached = false, run->worker[i]->taken = 0;
}

static void worker_attach(struct run *run, struct worker *w)
{
    uint16_t s = 0;
    while (s < SLOTS && run->slot_taken[s])
        s++;
    if (s == SLOTS)
        return;
    if (run->life > 0 && atomic_load(&w->seat) && clock_ns() - run->since_ns > GRACE_NS)
        atomic_store(&run->slept, true);
    run->slot_taken[s] = true; /* not handed out again in this life */
    assert_int_equal(qbid_ledger_attach(run->ledger, s, w->uid, &w->page, clock_ns()), 0);
    struct seat *seat = &run->seats[run->life * SLOTS + s];
    *seat = (struct seat){&run->live[run->life], s};
    w->slot = s;
    w->attached = true;
    atomic_store_explicit(&w->seat, seat, memory_order_release);
}

/* A dead one's ring is read to its end and stored before another takes its place. */
static void worker_replace(struct run *run, int place)
{
    struct worker *w = run->worker[place];
    if (w->attached) {
        tick(run, true);
        qbid_ledger_detach(run->ledger, w->slot, clock_ns());
        w->attached = false;
    } else {
        worker_attach(run, w); /* it was waiting for this qbidd: its ring counts, too */
        return;
    }
    pthread_join(w->thread, NULL);
    w->lives = false;
    run->worker_crashes++;
    if (run->uids < UIDS)
        worker_start(run, place);
}

static void qbidd_step(struct run *run)
{
    bool dead = false;
    if (!run->ledger) {
        if (clock_ns() >= run->up_ns)
            qbidd_start(run);
        return;
    }
    for (int i = 0; i < WORKERS; i++) {
        struct worker *w = run->worker[i];
        bool gone = atomic_load_explicit(&w->gone, memory_order_acquire);
        if (w->lives && gone)
            worker_replace(run, i);
        else if (!gone && !w->attached &&
                 (below(&run->rng, 2) || clock_ns() - run->since_ns > GRACE_NS / 2))
            worker_attach(run, w); /* what is in its ring is held for by the exposure of then */
        dead |= w->lives && atomic_load_explicit(&w->gone, memory_order_acquire);
    }
    tick(run, dead);
    /* both at once would lose what is in the ring: that is no promise of the ledger */
    if ((run->crash || below(&run->rng, 300) == 0) && !dead && run->life + 1 < LIVES)
        qbidd_crash(run);
    run->crash = false;
}

static struct run *run_one(uint64_t seed)
{
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->rng = seed;
    run->life = -1;
    run->hot = seed % 2;
    run->budget_nanos = 20000 + (int64_t)below(&run->rng, 8) * 20000;
    run->pending = calloc(PENDING_MAX, sizeof *run->pending);
    run->counted = calloc((size_t)UIDS * BIDS_MAX, sizeof *run->counted);
    assert_true(run->pending && run->counted);
    pthread_mutex_init(&run->exchange, NULL);
    for (int i = 0; i < WORKERS; i++)
        worker_start(run, i);
    qbidd_start(run);
    for (uint64_t end_ns = clock_ns() + RUN_NS; clock_ns() < end_ns;) {
        qbidd_step(run);
        nap(below(&run->rng, 1500));
    }
    atomic_store(&run->over, true);
    for (int i = 0; i < WORKERS; i++)
        if (run->worker[i]->lives)
            pthread_join(run->worker[i]->thread, NULL);
    return run;
}

static void run_free(struct run *run)
{
    qbid_ledger_free(run->ledger);
    for (int i = 0; i <= run->life; i++)
        free(run->live_memory[i]);
    for (uint32_t i = 0; i < run->uids; i++)
        free(run->all[i].memory);
    pthread_mutex_destroy(&run->exchange);
    free(run->pending);
    free(run->counted);
    free(run);
}

static void threads_never_bill_past_a_budget(void **state)
{
    (void)state;
    uint64_t bids = 0, crashes = 0, worker_crashes = 0, blocked = 0;
    double delivered = 0;
    unsigned slept = 0;
    for (uint64_t seed = 1; seed <= runs; seed++) {
        struct run *run = run_one(seed);
        if (atomic_load(&run->slept)) {
            slept++;
            run_free(run);
            continue;
        }
        assert_false(atomic_load(&run->overspent));
        bids += atomic_load(&run->bids);
        crashes += run->crashes;
        worker_crashes += run->worker_crashes;
        blocked += run->blocked;
        for (int b = 0; b < BUDGETS; b++) {
            int64_t billed = atomic_load(&run->billed[b]);
            assert_true(billed <= run->budget_nanos);
            delivered += (double)billed / (double)run->budget_nanos / BUDGETS;
        }
        run_free(run);
    }
    unsigned cnt = runs - slept;
    printf("%u runs of 8 threads (%u more void, the machine slept): %llu bids, %llu crashes of "
           "qbidd, %llu of workers, %llu blocked; "
           "%.1f %% of the budgets delivered\n",
           cnt, slept, (unsigned long long)bids, (unsigned long long)crashes,
           (unsigned long long)worker_crashes, (unsigned long long)blocked,
           100 * delivered / (cnt ? cnt : 1));
    assert_true(cnt == 0 || (bids > 100 * cnt && delivered > 0.05 * cnt));
}

int main(int argc, char **argv)
{
    if (argc > 1)
        runs = (unsigned)strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_never_bill_past_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
