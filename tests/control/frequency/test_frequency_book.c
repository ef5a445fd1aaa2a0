/* SPDX-License-Identifier: Apache-2.0 */
/* Exposure counts: life of a bid, windows, eviction, restarts, and a long random run with two
 * workers against an exact reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/frequency/frequency_book.h"
#include "shm/error.h"

#define NOW INT64_C(1700000040) /* not a whole minute */
#define LG_BUCKETS 12
#define LG_BIDS 14
#define PENDING_S 60

struct desk {
    char path[64];
    struct qbid_frequency_book_params params;
    struct qbid_frequency_book *book;
    struct qbid_frequency table;
    void *base;
    int64_t now;
};

static void desk_open(struct desk *d, bool *ret_fresh)
{
    assert_int_equal(qbid_frequency_book_new(&d->params, d->now, &d->book, ret_fresh), 0);
    d->base = aligned_alloc(64, qbid_frequency_bytes(d->params.lg_buckets));
    assert_non_null(d->base);
    memset(d->base, 0, qbid_frequency_bytes(d->params.lg_buckets));
    d->table = qbid_frequency_at(d->base, d->params.lg_buckets);
    qbid_frequency_book_attach(d->book, &d->table);
}

static void desk_new_at(struct desk *d, unsigned lg_buckets, unsigned lg_bids, int64_t now)
{
    bool fresh;
    memset(d, 0, sizeof *d);
    strcpy(d->path, "/tmp/qbid-frequency-XXXXXX");
    int fd = mkstemp(d->path);
    assert_true(fd >= 0);
    close(fd);
    d->params = (struct qbid_frequency_book_params){d->path, lg_buckets, lg_bids, PENDING_S};
    d->now = now;
    desk_open(d, &fresh);
    assert_true(fresh);
}

static void desk_new(struct desk *d, unsigned lg_buckets, unsigned lg_bids)
{
    desk_new_at(d, lg_buckets, lg_bids, NOW);
}

static void desk_close(struct desk *d)
{
    qbid_frequency_book_free(d->book);
    free(d->base);
}

static void desk_done(struct desk *d)
{
    desk_close(d);
    unlink(d->path);
}

static void pass(struct desk *d, int64_t seconds)
{
    d->now += seconds;
    qbid_frequency_book_tick(d->book, d->now);
}

static unsigned count(const struct desk *d, uint64_t key)
{
    return qbid_frequency_count(&d->table, key, atomic_load(&d->table.header->minute));
}

static void bid(struct desk *d, uint64_t nonce, uint64_t key, uint32_t minutes)
{
    qbid_frequency_book_bid(d->book, nonce, key, minutes, d->now);
}

static void a_bid_counts_until_it_is_lost_and_for_its_window_when_shown(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    assert_int_equal(count(&d, 77), 0);
    bid(&d, 1, 77, 60);
    bid(&d, 2, 77, 60);
    assert_int_equal(count(&d, 77), 2);
    assert_int_equal(count(&d, 78), 0);
    qbid_frequency_book_lost(d.book, 1);
    assert_int_equal(count(&d, 77), 1);
    qbid_frequency_book_shown(d.book, 2, d.now);
    assert_int_equal(count(&d, 77), 1);
    pass(&d, PENDING_S + 60);
    assert_int_equal(count(&d, 77), 1);
    desk_done(&d);
}

static void repeated_and_contrary_events_of_a_nonce_count_once(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    for (unsigned i = 0; i < 5; i++)
        bid(&d, 1, 77, 60);
    assert_int_equal(count(&d, 77), 1);
    for (unsigned i = 0; i < 5; i++)
        qbid_frequency_book_shown(d.book, 1, d.now);
    qbid_frequency_book_lost(d.book, 1);
    assert_int_equal(count(&d, 77), 1);
    qbid_frequency_book_shown(d.book, 999, d.now); /* of no bid */
    qbid_frequency_book_shown(d.book, 0, d.now);
    qbid_frequency_book_lost(d.book, 0);
    bid(&d, 0, 77, 60);
    bid(&d, 3, 0, 60);
    bid(&d, 4, 77, 0);
    bid(&d, 5, 77, QBID_FREQUENCY_MINUTES_MAX + 1);
    assert_int_equal(count(&d, 77), 1);
    struct qbid_frequency_counters c = qbid_frequency_book_counters(d.book);
    assert_int_equal(c.bids, 1);
    assert_int_equal(c.shown, 1);
    assert_int_equal(c.lost, 0);
    assert_int_equal(c.unknown, 1);
    assert_int_equal(c.used, 1);
    desk_done(&d);
}

static void a_bid_without_an_outcome_is_let_go_of_and_counts_when_it_is_shown_late(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    bid(&d, 1, 77, 60);
    for (int s = 0; s < PENDING_S - 1; s++)
        pass(&d, 1);
    assert_int_equal(count(&d, 77), 1);
    for (int i = 0; i < 16; i++) /* sweeps go round */
        pass(&d, 1);
    assert_int_equal(count(&d, 77), 0);
    qbid_frequency_book_shown(d.book, 1, d.now);
    assert_int_equal(count(&d, 77), 1);
    struct qbid_frequency_counters c = qbid_frequency_book_counters(d.book);
    assert_int_equal(c.timed_out, 1);
    assert_int_equal(c.late, 1);
    desk_done(&d);
}

/* Whatever second of a minute it began in, a window is never shorter than asked and at most a
 * minute longer; so it is where the 16-bit minutes go round. */
static void a_window_lasts_as_long_as_asked_and_at_most_a_minute_more(void **state)
{
    static const uint32_t spans[] = {1, 2, 60, 1440, QBID_FREQUENCY_MINUTES_MAX};
    (void)state;
    for (unsigned s = 0; s < sizeof spans / sizeof spans[0]; s++) {
        for (int64_t second = 0; second < 120; second += 7) {
            struct desk d;
            int64_t lap = INT64_C(65536) * 60;
            desk_new_at(&d, 3, 4, (NOW / lap + 1) * lap - 60 + second);
            bid(&d, 1, 77, spans[s]);
            qbid_frequency_book_shown(d.book, 1, d.now);
            int64_t span = (int64_t)spans[s] * 60;
            pass(&d, span - 1);
            assert_int_equal(count(&d, 77), 1);
            pass(&d, 61);
            assert_int_equal(count(&d, 77), 0);
            assert_int_equal(qbid_frequency_book_counters(d.book).used, 0); /* swept */
            desk_done(&d);
        }
    }
}

static void the_window_begins_with_the_first_impression_and_a_new_one_after_it(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    bid(&d, 1, 77, 10);
    pass(&d, 50);
    qbid_frequency_book_shown(d.book, 1, d.now);
    pass(&d, 5 * 60);
    bid(&d, 2, 77, 10);
    qbid_frequency_book_shown(d.book, 2, d.now); /* does not prolong it */
    assert_int_equal(count(&d, 77), 2);
    pass(&d, 6 * 60);
    assert_int_equal(count(&d, 77), 0);
    bid(&d, 3, 77, 10);
    qbid_frequency_book_shown(d.book, 3, d.now);
    pass(&d, 9 * 60);
    assert_int_equal(count(&d, 77), 1);
    desk_done(&d);
}

/* Keys of one bucket: eight places; the ninth takes that of the one nearest to its end. */
static void a_full_bucket_gives_up_what_ends_first_and_counts_it(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, 3, 10);
    uint64_t bucket = UINT64_C(5) << 32;
    for (uint64_t i = 1; i <= 9; i++) {
        bid(&d, i, bucket | i, i == 4 ? 20 : 60);
        qbid_frequency_book_shown(d.book, i, d.now);
    }
    for (uint64_t i = 1; i <= 9; i++)
        assert_int_equal(count(&d, bucket | i), i != 4);
    struct qbid_frequency_counters c = qbid_frequency_book_counters(d.book);
    assert_int_equal(c.evicted, 1);
    assert_int_equal(c.used, 8);
    assert_int_equal(c.max, 64);
    /* what is over gives way before what is not, uncounted */
    pass(&d, 62 * 60 - 30);
    bid(&d, 100, bucket | 100, 60);
    assert_int_equal(qbid_frequency_book_counters(d.book).evicted, 1);
    assert_int_equal(count(&d, bucket | 100), 1);
    desk_done(&d);
}

static void bids_that_are_forgotten_for_lack_of_room_stop_counting(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, LG_BUCKETS, 3); /* eight bids in all */
    for (uint64_t i = 1; i <= 20; i++)
        bid(&d, i, 1000 + i, 60);
    unsigned left = 0;
    for (uint64_t i = 1; i <= 20; i++)
        left += count(&d, 1000 + i);
    assert_int_equal(left, 8);
    assert_int_equal(qbid_frequency_book_counters(d.book).evicted, 12);
    desk_done(&d);
}

static void counts_outlive_the_process_and_events_read_twice_count_once(void **state)
{
    struct desk d;
    bool fresh;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    uint64_t salt = atomic_load(&d.table.header->salt);
    assert_true(salt != 0);
    bid(&d, 1, 77, 60);
    bid(&d, 2, 77, 60);
    qbid_frequency_book_shown(d.book, 1, d.now);
    desk_close(&d); /* nothing is written at the end: a kill leaves the same file */
    desk_open(&d, &fresh);
    assert_false(fresh);
    assert_int_equal(count(&d, 77), 2);
    assert_true(atomic_load(&d.table.header->salt) == salt);
    bid(&d, 1, 77, 60); /* its ring is read again */
    bid(&d, 2, 77, 60);
    qbid_frequency_book_shown(d.book, 1, d.now);
    assert_int_equal(count(&d, 77), 2);
    qbid_frequency_book_lost(d.book, 2);
    assert_int_equal(count(&d, 77), 1);
    assert_int_equal(qbid_frequency_book_counters(d.book).used, 1);
    desk_close(&d);
    d.params.lg_bids = LG_BIDS - 1; /* another size: nothing fits */
    desk_open(&d, &fresh);
    assert_true(fresh);
    assert_int_equal(count(&d, 77), 0);
    assert_true(atomic_load(&d.table.header->salt) != salt);
    desk_done(&d);
}

static void the_file_is_its_owners_alone_and_bad_sizes_are_refused(void **state)
{
    struct desk d;
    struct stat info;
    struct qbid_frequency_book *book;
    bool fresh;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    assert_int_equal(stat(d.path, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    struct qbid_frequency_book_params wrong = d.params;
    wrong.lg_buckets = QBID_FREQUENCY_LG_MAX + 1;
    assert_int_equal(qbid_frequency_book_new(&wrong, NOW, &book, &fresh), QBID_ERR_LIMIT);
    wrong = d.params;
    wrong.lg_bids = 2;
    assert_int_equal(qbid_frequency_book_new(&wrong, NOW, &book, &fresh), QBID_ERR_LIMIT);
    wrong = d.params;
    wrong.path = "/nowhere/at/all";
    assert_int_equal(qbid_frequency_book_new(&wrong, NOW, &book, &fresh), QBID_ERR_SYS);
    desk_done(&d);
}

static void the_salt_changes_in_time_and_takes_the_counts_with_it(void **state)
{
    struct desk d;
    (void)state;
    desk_new(&d, LG_BUCKETS, LG_BIDS);
    uint64_t salt = atomic_load(&d.table.header->salt);
    bid(&d, 1, 77, QBID_FREQUENCY_MINUTES_MAX);
    pass(&d, (int64_t)QBID_FREQUENCY_SALT_DAYS * 86400 - 1);
    assert_true(atomic_load(&d.table.header->salt) == salt);
    bid(&d, 2, 78, QBID_FREQUENCY_MINUTES_MAX);
    qbid_frequency_book_shown(d.book, 2, d.now);
    pass(&d, 1);
    assert_true(atomic_load(&d.table.header->salt) != salt);
    assert_int_equal(count(&d, 78), 0);
    assert_int_equal(qbid_frequency_book_counters(d.book).used, 0);
    desk_done(&d);
}

static uint64_t rng(uint64_t *s)
{
    *s += UINT64_C(0x9e3779b97f4a7c15);
    return qbid_mix64(*s);
}

/* --- the long run: workers bid by what they can see, the reference knows everything */

#define USERS 300
#define WORKERS 2
#define CAP 3
#define WINDOW_MIN 30
#define STEPS 200000
#define LINE_EVENTS 512 /* of one worker between two ingests */

struct event {
    uint64_t nonce, key;
};

struct sim_worker {
    struct qbid_exposures *own;
    struct event queue[LINE_EVENTS];
    uint64_t head, tail; /* ring positions */
};

/* One user's impressions, exactly: times of those in the window that runs. */
struct reference {
    int64_t window_end; /* first second behind it, rounded as the table does; 0 = none */
    unsigned shown, pending;
};

struct wait {
    uint64_t nonce;
    uint32_t user;
    int64_t due;
    bool win;
};

struct sim {
    struct desk d;
    struct sim_worker worker[WORKERS];
    struct reference user[USERS];
    struct wait wait[4096];
    unsigned wait_cnt;
    uint64_t seed, nonce, bids, capped, worst, shown;
};

static uint64_t key_of(const struct sim *s, uint32_t user)
{
    return qbid_frequency_key(1000 + user, 70, atomic_load(&s->d.table.header->salt));
}

static void reference_show(struct sim *s, uint32_t user)
{
    struct reference *u = &s->user[user];
    int64_t minute = s->d.now / 60;
    if (minute * 60 >= u->window_end)
        *u = (struct reference){.pending = u->pending};
    if (u->shown == 0)
        u->window_end = (minute + WINDOW_MIN + 1) * 60;
    u->shown++;
    u->pending--;
    s->shown++;
    if (u->shown > s->worst)
        s->worst = u->shown;
}

static unsigned reference_count(const struct sim *s, uint32_t user)
{
    const struct reference *u = &s->user[user];
    return (s->d.now / 60 * 60 < u->window_end ? u->shown : 0) + u->pending;
}

static void ask(struct sim *s, unsigned w, uint32_t user)
{
    struct sim_worker *worker = &s->worker[w];
    uint64_t key = key_of(s, user);
    uint32_t minute = atomic_load(&s->d.table.header->minute);
    unsigned seen = qbid_exposures_count(worker->own, key, worker->tail, minute) +
                    qbid_frequency_count(&s->d.table, key, minute);
    int room = qbid_exposures_room(worker->own, key);
    if (seen >= CAP || room < 0 || worker->head - worker->tail == LINE_EVENTS ||
        s->wait_cnt == sizeof s->wait / sizeof s->wait[0]) {
        s->capped++;
        /* never too careful either: everybody's bids together have reached the cap */
        if (seen >= CAP)
            assert_true(reference_count(s, user) >= CAP);
        return;
    }
    qbid_exposures_add(worker->own, key, room, minute);
    worker->queue[worker->head++ % LINE_EVENTS] = (struct event){++s->nonce, key};
    qbid_exposures_sent(worker->own, key, worker->head);
    s->user[user].pending++;
    s->bids++;
    s->wait[s->wait_cnt++] = (struct wait){s->nonce, user, s->d.now + (int64_t)(rng(&s->seed) % 40),
                                           rng(&s->seed) % 2 == 0};
}

/* What qbidd does in a tick: every worker's bids, then the notices whose time has come. */
static void ingest(struct sim *s)
{
    for (unsigned w = 0; w < WORKERS; w++) {
        struct sim_worker *worker = &s->worker[w];
        for (uint64_t at = worker->tail; at < worker->head; at++) {
            struct event e = worker->queue[at % LINE_EVENTS];
            qbid_frequency_book_bid(s->d.book, e.nonce, e.key, WINDOW_MIN, s->d.now);
        }
        worker->tail = worker->head;
    }
    for (unsigned i = 0; i < s->wait_cnt;) {
        struct wait wait = s->wait[i];
        if (wait.due > s->d.now) {
            i++;
            continue;
        }
        if (wait.win) {
            qbid_frequency_book_shown(s->d.book, wait.nonce, s->d.now);
            reference_show(s, wait.user);
        } else {
            qbid_frequency_book_lost(s->d.book, wait.nonce);
            s->user[wait.user].pending--;
        }
        s->wait[i] = s->wait[--s->wait_cnt];
    }
}

static void no_user_sees_more_than_the_cap_and_the_stated_bound(void **state)
{
    static struct sim s;
    (void)state;
    for (unsigned workers = 1; workers <= WORKERS; workers++) {
        memset(&s, 0, sizeof s);
        s.seed = workers;
        desk_new(&s.d, LG_BUCKETS, LG_BIDS);
        for (unsigned w = 0; w < WORKERS; w++) {
            s.worker[w].own = aligned_alloc(64, sizeof *s.worker[w].own);
            assert_non_null(s.worker[w].own);
            memset(s.worker[w].own, 0, sizeof *s.worker[w].own);
        }
        for (unsigned step = 0; step < STEPS; step++) {
            uint64_t roll = rng(&s.seed);
            /* a few users ask again and again, others seldom */
            uint32_t user = (uint32_t)(roll % 4 ? roll / 4 % 20 : roll / 4 % USERS);
            ask(&s, (unsigned)(roll >> 40) % workers, user);
            if (roll >> 32 & 1)
                ingest(&s);
            if ((roll >> 33 & 31) == 0)
                pass(&s.d, (int64_t)(roll >> 50 & 7));
            if (step % 64 == 0) { /* after an ingest table and reference agree on everyone */
                ingest(&s);
                for (uint32_t u = 0; u < USERS; u++)
                    assert_int_equal(count(&s.d, key_of(&s, u)), reference_count(&s, u));
            }
        }
        struct qbid_frequency_counters c = qbid_frequency_book_counters(s.d.book);
        assert_int_equal(c.evicted, 0);
        assert_int_equal(c.timed_out, 0);
        assert_true(s.worst <= CAP + (workers - 1) * CAP);
        if (workers == 1)
            assert_int_equal(s.worst, CAP);
        assert_true(s.capped > 1000 && s.shown > 1000);
        print_message("%u workers: %llu bids, %llu capped, %llu shown, most in a window %llu\n",
                      workers, (unsigned long long)s.bids, (unsigned long long)s.capped,
                      (unsigned long long)s.shown, (unsigned long long)s.worst);
        for (unsigned w = 0; w < WORKERS; w++)
            free(s.worker[w].own);
        desk_done(&s.d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bid_counts_until_it_is_lost_and_for_its_window_when_shown),
        cmocka_unit_test(repeated_and_contrary_events_of_a_nonce_count_once),
        cmocka_unit_test(a_bid_without_an_outcome_is_let_go_of_and_counts_when_it_is_shown_late),
        cmocka_unit_test(a_window_lasts_as_long_as_asked_and_at_most_a_minute_more),
        cmocka_unit_test(the_window_begins_with_the_first_impression_and_a_new_one_after_it),
        cmocka_unit_test(a_full_bucket_gives_up_what_ends_first_and_counts_it),
        cmocka_unit_test(bids_that_are_forgotten_for_lack_of_room_stop_counting),
        cmocka_unit_test(counts_outlive_the_process_and_events_read_twice_count_once),
        cmocka_unit_test(the_file_is_its_owners_alone_and_bad_sizes_are_refused),
        cmocka_unit_test(the_salt_changes_in_time_and_takes_the_counts_with_it),
        cmocka_unit_test(no_user_sees_more_than_the_cap_and_the_stated_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
