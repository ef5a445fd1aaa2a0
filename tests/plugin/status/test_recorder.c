/* SPDX-License-Identifier: Apache-2.0 */
/* What is timed, how often, and that nothing reads a clock when it is off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "plugin/worker.h"
#include "shm/error.h"
#include "shm/latency.h"
#include "tests/plugin/host.h"

#define TURNS 400000

static struct host host;
static struct qbid_latency_view view;

static const struct qbid_latency_view *of(enum qbid_latency_kind kind)
{
    qbid_latency_load(&host.broker.page[0].latency[kind], &view);
    return &view;
}

static void open_with(unsigned every)
{
    struct qbid_options options = {.latency_every = every};
    host_open(&host, &options, 12);
}

/* --- the stopwatch */

static void sleep_ns(long ns)
{
    struct timespec nap = {0, ns};
    nanosleep(&nap, NULL);
}

/* Within 0.5 % of the clock, unless each of the tries was interrupted between two readings. */
static void measures_a_sleep(const struct qbid_stopwatch *watch)
{
    bool close = false;
    for (unsigned i = 0; i < 20 && !close; i++) {
        uint64_t clock = qbid_stopwatch_clock(), from = qbid_stopwatch_ticks(watch);
        sleep_ns(3000000);
        uint64_t to = qbid_stopwatch_ticks(watch);
        uint64_t slept = qbid_stopwatch_clock() - clock, ns = qbid_stopwatch_ns(watch, from, to);
        assert_true(ns <= slept + slept / 200); /* an interruption only adds to the clock's */
        close = ns + slept / 200 >= slept;
    }
    assert_true(close);
}

static void the_counter_and_the_clock_measure_the_same(void **state)
{
    struct qbid_stopwatch watch, clock;
    (void)state;
    qbid_stopwatch_init(&watch);
    qbid_stopwatch_init_clock(&clock);
    assert_false(clock.counter);
    print_message("counter %d, %.6f ns a tick, %llu ticks a reading\n", watch.counter,
                  (double)watch.ns_q32 / 4294967296.0, (unsigned long long)watch.empty);
    measures_a_sleep(&watch);
    measures_a_sleep(&clock);
}

static void readings_of_nothing_or_backwards_are_zero(void **state)
{
    const struct qbid_stopwatch watch = {.ns_q32 = UINT64_C(1) << 31, .empty = 50};
    (void)state;
    assert_int_equal(qbid_stopwatch_ns(&watch, 1000, 1000), 0);
    assert_int_equal(qbid_stopwatch_ns(&watch, 1000, 1050), 0);
    assert_int_equal(qbid_stopwatch_ns(&watch, 1000, 1060), 5);
    assert_int_equal(qbid_stopwatch_ns(&watch, 1000, 10), 0);
    assert_true(qbid_stopwatch_ns(&watch, 0, UINT64_MAX) == (UINT64_MAX - 50) / 2);
}

/* --- whose turn it is */

/* Turns in which a recorder would time something, of those with number % period == phase. */
static unsigned chosen(uint32_t every, unsigned period, unsigned phase, uint64_t seed)
{
    struct qbid_stopwatch watch;
    struct qbid_recorder recorder;
    unsigned n = 0;
    qbid_stopwatch_init_clock(&watch);
    qbid_recorder_init(&recorder, every, seed, &watch);
    for (unsigned turn = 0; turn < TURNS; turn++)
        if (qbid_recorder_begin(&recorder, QBID_LATENCY_ANSWER) != 0)
            n += turn % period == phase;
    return n;
}

static void one_in_so_many_is_timed_whatever_the_rhythm_of_the_traffic(void **state)
{
    (void)state;
    assert_int_equal(chosen(0, 1, 0, 1), 0);
    assert_int_equal(chosen(1, 1, 0, 1), TURNS);
    for (uint32_t every = 2; every <= 64; every *= 2) {
        double want = (double)TURNS / every;
        double all = chosen(every, 1, 0, every);
        assert_true(all > want * 0.97 && all < want * 1.03);
        /* traffic whose every 16th request is special: it gets its share of the samples */
        for (unsigned phase = 0; phase < 16; phase++) {
            double share = 16 * chosen(every, 16, phase, every) / want;
            assert_true(share > 0.8 && share < 1.2);
        }
    }
}

/* --- in the library */

static void every_kind_is_timed_where_it_happens(void **state)
{
    (void)state;
    open_with(1);
    for (unsigned i = 0; i < 20; i++)
        host_ask_with(&host, "", "");
    assert_int_equal(of(QBID_LATENCY_ANSWER)->count, 20);
    uint64_t answer_ns = of(QBID_LATENCY_ANSWER)->sum_ns;
    assert_int_equal(of(QBID_LATENCY_DECIDE)->count, 20);
    uint64_t decide_ns = of(QBID_LATENCY_DECIDE)->sum_ns;
    assert_true(decide_ns > 0 && decide_ns < answer_ns);
    assert_int_equal(of(QBID_LATENCY_NOTICE)->count, 0);
    host_send(&host, "win", "t=x");
    host_send(&host, "nonsense", "");
    assert_int_equal(of(QBID_LATENCY_NOTICE)->count, 2);
    /* malformed: answered, but nothing decided */
    host_ask(&host, "x");
    assert_int_equal(of(QBID_LATENCY_ANSWER)->count, 21);
    assert_int_equal(of(QBID_LATENCY_DECIDE)->count, 20);
    assert_int_equal(host.broker.page[0].header->latency_every, 1);
    host_close(&host);
}

static void decisions_made_together_count_each(void **state)
{
    static struct qbid_request request[5];
    static struct qbid_decision decision[5];
    (void)state;
    open_with(1);
    for (unsigned i = 0; i < 5; i++)
        request[i] = (struct qbid_request){.auction = QBID_AUCTION_FIRST_PRICE, .id_hash = i};
    assert_int_equal(qbid_worker_decide_batch(host.worker, request, 5, host.now_ns, decision), 0);
    assert_int_equal(qbid_worker_decide_batch(host.worker, request, 0, host.now_ns, decision), 0);
    assert_int_equal(of(QBID_LATENCY_DECIDE)->count, 5);
    assert_true(view.max_ns <= view.sum_ns / 5);
    assert_int_equal(qbid_worker_decide(host.worker, request, host.now_ns, decision), 0);
    assert_int_equal(of(QBID_LATENCY_DECIDE)->count, 6);
    host_close(&host);
}

static void one_in_four_answers_is_timed(void **state)
{
    (void)state;
    open_with(4);
    for (unsigned i = 0; i < 4000; i++)
        host_ask_with(&host, "", "");
    assert_true(of(QBID_LATENCY_ANSWER)->count > 900 && view.count < 1100);
    assert_true(of(QBID_LATENCY_DECIDE)->count > 900 && view.count < 1100);
    assert_int_equal(host.broker.page[0].header->latency_every, 4);
    host_close(&host);
}

/* Clocks that this thread has read; the linker sends every call in our own libraries here. */
static _Thread_local unsigned clock_reads;
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    clock_reads++;
    return __real_clock_gettime(clock, now);
}

/* Clocks read by 100 answers with a decision each, and 100 notices. */
static unsigned reads_of(unsigned every)
{
    open_with(every);
    host.worker->recorder.watch.counter = false; /* or the readings would be instructions */
    host_ask_with(&host, "", "");                /* reads the wall clock, once a second of now_ns */
    clock_reads = 0;
    for (unsigned i = 0; i < 100; i++) {
        host_ask_with(&host, "", "");
        host_send(&host, "win", "t=x");
    }
    unsigned reads = clock_reads;
    host_close(&host);
    return reads;
}

static void no_clock_is_read_when_it_is_off_and_two_a_sample_when_it_is_on(void **state)
{
    (void)state;
    assert_int_equal(reads_of(0), 0);
    assert_int_equal(reads_of(1), 100 * 3 * 2);
    unsigned some = reads_of(16);
    assert_true(some > 0 && some < 100);
}

static void options_of_earlier_callers_leave_it_off(void **state)
{
    struct qbid *qbid;
    struct qbid_options options = {.size = offsetof(struct qbid_options, latency_every),
                                   .socket_path = "no-such-socket",
                                   .notice_url = "https://ads.example/n",
                                   .worker_timeout_ms = 1,
                                   .latency_every = 1};
    struct qbid_worker *worker;
    char text[16384];
    (void)state;
    assert_int_equal(qbid_open(&options, &qbid), 0);
    assert_int_equal(qbid_worker_open(qbid, &worker), 0);
    int n = qbid_worker_status(worker, QBID_STATUS_JSON, text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "\"latency_every\":0,"));
    qbid_worker_close(worker);
    qbid_close(qbid);
    options.size = sizeof options;
    options.latency_every = QBID_LATENCY_EVERY_MAX + 1;
    assert_int_equal(qbid_open(&options, &qbid), QBID_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_and_the_clock_measure_the_same),
        cmocka_unit_test(readings_of_nothing_or_backwards_are_zero),
        cmocka_unit_test(one_in_so_many_is_timed_whatever_the_rhythm_of_the_traffic),
        cmocka_unit_test(every_kind_is_timed_where_it_happens),
        cmocka_unit_test(decisions_made_together_count_each),
        cmocka_unit_test(one_in_four_answers_is_timed),
        cmocka_unit_test(no_clock_is_read_when_it_is_off_and_two_a_sample_when_it_is_on),
        cmocka_unit_test(options_of_earlier_callers_leave_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
