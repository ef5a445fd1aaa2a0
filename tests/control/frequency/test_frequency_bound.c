/* SPDX-License-Identifier: Apache-2.0 */
/* What several workers may show a user beyond a cap: random streams through the real decision,
 * rings and counts; the stated bound is never exceeded, is reached, and a smaller one would not
 * hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/frequency/frequency_book.h"
#include "fastpath/record.h"
#include "plugin/worker.h"
#include "shm/hash.h"
#include "tests/fastpath/stage.h"

#define WORKERS_MAX 5
#define CAP_MAX 4
#define ITEMS 2
#define USERS 6
#define WINDOW_MIN 2
#define EPISODES 24
#define STEPS 400
#define OPEN_MAX (WORKERS_MAX * ITEMS * USERS * (CAP_MAX + 1))
#define LG_EVENTS 10

struct worker {
    void *base;
    struct qbid_page page;
    struct qbid_exposures *own;
    struct qbid_view view;
    uint64_t ahead; /* events that qbidd has counted and not yet let go of */
};

/* A user and a line item as an outsider sees them, who knows everything at once. */
struct truth {
    int64_t end_min;      /* first minute behind the window */
    unsigned shown, open; /* impressions in it; bids that may become some */
};

struct bid {
    uint64_t nonce;
    struct truth *truth;
};

struct world {
    struct stage stage;
    struct qbid_frequency_book *book;
    char path[64];
    unsigned workers;
    unsigned cap[ITEMS];
    bool forgetful; /* negative control: workers do not know what they have bid */
    unsigned slack; /* negative control: the bound is lower by so much */
    int64_t unix_s;
    uint64_t seed, asked, broken; /* broken: bids beyond the bound */
    unsigned most[ITEMS];         /* exposures of one user in one window */
    uint64_t user_base;
    struct truth truth[USERS][ITEMS];
    struct bid open[OPEN_MAX];
    unsigned open_cnt;
    struct worker worker[WORKERS_MAX];
};

static uint64_t rng(struct world *s, uint64_t below)
{
    s->seed += UINT64_C(0x9e3779b97f4a7c15);
    return qbid_mix64(s->seed) % below;
}

static void *zeroed(size_t bytes)
{
    void *base = aligned_alloc(QBID_CACHE_LINE, (bytes + 63) / 64 * 64);
    assert_non_null(base);
    return memset(base, 0, bytes);
}

static void worker_open(struct world *s, unsigned w, uint16_t uid)
{
    struct worker *worker = &s->worker[w];
    int64_t bytes = qbid_page_footprint(STAGE_BUDGETS, LG_EVENTS);
    worker->base = zeroed((size_t)bytes);
    assert_int_equal(qbid_page_format(worker->base, STAGE_BUDGETS, LG_EVENTS, &worker->page), 0);
    worker->own = zeroed(sizeof *worker->own);
    worker->view = s->stage.view;
    worker->view.page = &worker->page;
    worker->view.exposures = worker->own;
    worker->view.uid = uid;
    worker->ahead = 0;
}

static void worker_close(struct worker *worker)
{
    free(worker->base);
    free(worker->own);
}

static void world_open(struct world *s, unsigned workers, unsigned cap)
{
    bool fresh;
    memset(s, 0, sizeof *s);
    s->workers = workers;
    s->cap[0] = cap;
    s->cap[1] = 1 + CAP_MAX - cap;
    s->seed = workers * 100 + cap;
    s->unix_s = 1700000040;
    strcpy(s->path, "/tmp/qbid-bound-XXXXXX");
    int fd = mkstemp(s->path);
    assert_true(fd >= 0);
    close(fd);
    stage_init(&s->stage);
    s->stage.counting = true;
    for (unsigned i = 0; i < ITEMS; i++)
        image_fixture_cap(
            &s->stage.f,
            stage_line_item(&s->stage,
                            (struct qbid_line_item){.id = 70 + i, .value_micros = i ? 1e6f : 2e6f}),
            (uint8_t)s->cap[i], 0, NULL);
    stage_open(&s->stage);
    struct qbid_frequency_book_params params = {s->path, STAGE_LG_BUCKETS, 16, 86400};
    assert_int_equal(qbid_frequency_book_new(&params, s->unix_s, &s->book, &fresh), 0);
    qbid_frequency_book_attach(s->book, &s->stage.live.frequency);
    for (unsigned w = 0; w < workers; w++)
        worker_open(s, w, (uint16_t)(1 + w));
}

static void world_close(struct world *s)
{
    struct qbid_frequency_counters c = qbid_frequency_book_counters(s->book);
    assert_int_equal(c.evicted + c.unknown + c.timed_out, 0); /* the bound is without those */
    for (unsigned w = 0; w < s->workers; w++) {
        assert_int_equal(atomic_load(&s->worker[w].page.ring->drops), 0);
        worker_close(&s->worker[w]);
    }
    qbid_frequency_book_free(s->book);
    stage_done(&s->stage);
    unlink(s->path);
}

static unsigned exposed(const struct world *s, const struct truth *t)
{
    return (s->unix_s / 60 < t->end_min ? t->shown : 0) + t->open;
}

/* The bound of the README: W workers by (W - 1) x cap beyond the cap. */
static unsigned bound(const struct world *s, unsigned item)
{
    return s->cap[item] + (s->workers - 1) * s->cap[item] - s->slack;
}

/* A user asks a worker; whether there was a bid. */
static bool ask(struct world *s, unsigned w, unsigned user)
{
    struct worker *worker = &s->worker[w];
    struct qbid_decision d;
    struct qbid_request q = stage_request();
    q.user_key = s->user_base + user;
    q.id_hash = ++s->asked;
    if (s->forgetful)
        memset(worker->own, 0, sizeof *worker->own);
    if (qbid_decide_one(&worker->view, &q, STAGE_NOW_NS, &d, NULL) != QBID_NOBID_NONE) {
        assert_int_equal(d.nobid, QBID_NOBID_FREQUENCY);
        return false;
    }
    assert_int_equal(d.counted, 1);
    qbid_record(&worker->view, &q, &d, STAGE_NOW_NS);
    struct truth *t = &s->truth[user][d.line_item_idx];
    t->open++;
    unsigned now = exposed(s, t);
    unsigned *most = &s->most[d.line_item_idx];
    *most = now > *most ? now : *most;
    s->broken += now > bound(s, d.line_item_idx);
    assert_true(s->open_cnt < OPEN_MAX || s->forgetful);
    if (s->open_cnt < OPEN_MAX)
        s->open[s->open_cnt++] = (struct bid){d.nonce, t};
    return true;
}

/* qbidd reads up to `max` events of a ring ahead of its tail. */
static void take(struct world *s, unsigned w, int max)
{
    struct worker *worker = &s->worker[w];
    const struct qbid_page *page = &worker->page;
    struct qbid_event batch[64];
    int got = 1;
    for (int n = 0; n < max && got > 0; n += got) {
        int want = max - n < 64 ? max - n : 64;
        got =
            qbid_ring_peek(page->ring, page->events, page->event_mask, worker->ahead, batch, want);
        assert_true(got >= 0);
        for (int i = 0; i < got; i++)
            if (batch[i].kind == QBID_EVENT_EXPOSE)
                qbid_frequency_book_bid(s->book, batch[i].nonce, batch[i].u.expose.key, WINDOW_MIN,
                                        s->unix_s);
        worker->ahead += (uint64_t)got;
    }
}

static void let_go(struct world *s, unsigned w)
{
    qbid_ring_advance(s->worker[w].page.ring, s->worker[w].ahead);
    s->worker[w].ahead = 0;
}

static void take_all(struct world *s)
{
    for (unsigned w = 0; w < s->workers; w++)
        take(s, w, 1 << LG_EVENTS);
    for (unsigned w = 0; w < s->workers; w++)
        let_go(s, w);
}

/* The notice of a bid; before notices qbidd takes every bid that there is (control/engine). */
static void settle(struct world *s, unsigned i, bool show)
{
    struct bid b = s->open[i];
    s->open[i] = s->open[--s->open_cnt];
    for (unsigned w = 0; w < s->workers; w++)
        take(s, w, 1 << LG_EVENTS);
    b.truth->open--;
    if (!show) {
        qbid_frequency_book_lost(s->book, b.nonce);
        return;
    }
    qbid_frequency_book_shown(s->book, b.nonce, s->unix_s);
    if (s->unix_s / 60 >= b.truth->end_min)
        b.truth->shown = 0;
    if (b.truth->shown++ == 0)
        b.truth->end_min = s->unix_s / 60 + WINDOW_MIN + 1;
}

/* How qbidd keeps up: not at all for a while, always, or with a part of a ring now and then. */
enum pace { ASLEEP, PROMPT, LATE, PACES };

static void step(struct world *s, enum pace pace)
{
    unsigned w = (unsigned)rng(s, s->workers);
    ask(s, w, (unsigned)rng(s, USERS));
    if (pace == PROMPT)
        take_all(s);
    if (pace == LATE && rng(s, 4) == 0)
        take(s, w, (int)rng(s, 9));
    if (pace == LATE && rng(s, 8) == 0)
        let_go(s, w);
    if (pace != ASLEEP && s->open_cnt > 0 && rng(s, 3) == 0)
        settle(s, (unsigned)rng(s, s->open_cnt), rng(s, 3) != 0);
    if (rng(s, 6) == 0) {
        s->unix_s += (int64_t)rng(s, 20);
        qbid_frequency_book_tick(s->book, s->unix_s);
    }
}

/* New users, a stretch of their requests, and the end of all bids. */
static void episode(struct world *s, unsigned number)
{
    enum pace pace = (enum pace)(number % PACES);
    s->user_base = UINT64_C(1000) * (number + 1);
    memset(s->truth, 0, sizeof s->truth);
    for (unsigned i = 0; i < STEPS; i++)
        step(s, pace == ASLEEP && i > STEPS / 2 ? LATE : pace);
    while (s->open_cnt > 0)
        settle(s, 0, false);
    take_all(s);
}

static void run(struct world *s)
{
    for (unsigned number = 0; number < EPISODES; number++)
        episode(s, number);
}

static void no_stream_exceeds_the_bound_and_some_reach_it(void **state)
{
    static struct world s;
    (void)state;
    for (unsigned workers = 1; workers <= WORKERS_MAX; workers++)
        for (unsigned cap = 1; cap <= CAP_MAX; cap++) {
            world_open(&s, workers, cap);
            run(&s);
            assert_int_equal(s.broken, 0);
            for (unsigned i = 0; i < ITEMS; i++)
                assert_int_equal(s.most[i], workers * s.cap[i]);
            print_message("workers %u cap %u: most over it %u\n", workers, cap, s.most[0] - cap);
            world_close(&s);
        }
}

static void a_bound_of_one_less_would_not_hold(void **state)
{
    static struct world s;
    (void)state;
    for (unsigned workers = 1; workers <= WORKERS_MAX; workers++) {
        world_open(&s, workers, 3);
        s.slack = 1;
        run(&s);
        assert_true(s.broken > 0);
        world_close(&s);
    }
}

static void workers_that_forget_their_own_bids_are_found_out(void **state)
{
    static struct world s;
    (void)state;
    world_open(&s, 1, 2);
    s.forgetful = true;
    s.user_base = 1000;
    for (unsigned i = 0; i < 4; i++)
        assert_true(ask(&s, 0, 0));
    assert_true(s.broken > 0);
    take_all(&s);
    assert_true(ask(&s, 0, 0)); /* the other line item is left */
    assert_int_equal(s.truth[0][1].open, 1);
    world_close(&s);
}

/* What it has bid and qbidd has not read is known to nobody else: it counts as a worker. */
static void a_worker_that_died_with_unread_bids_counts_as_one_more(void **state)
{
    static struct world s;
    (void)state;
    world_open(&s, 2, 3);
    s.workers = 1; /* the second place is that of the first one's successor */
    s.user_base = 1000;
    for (unsigned i = 0; i < 20; i++)
        ask(&s, 0, 0);
    assert_int_equal(s.truth[0][0].open, 3);
    struct worker dead = s.worker[0];
    s.worker[0] = s.worker[1];
    for (unsigned i = 0; i < 20; i++)
        ask(&s, 0, 0);
    assert_int_equal(s.truth[0][0].open, 6);
    s.worker[1] = dead;
    s.workers = 2;
    take_all(&s);
    assert_false(ask(&s, 0, 0));
    world_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stream_exceeds_the_bound_and_some_reach_it),
        cmocka_unit_test(a_bound_of_one_less_would_not_hold),
        cmocka_unit_test(workers_that_forget_their_own_bids_are_found_out),
        cmocka_unit_test(a_worker_that_died_with_unread_bids_counts_as_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
