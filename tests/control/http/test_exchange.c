/* SPDX-License-Identifier: Apache-2.0 */
/* Between the threads nothing is lost, answered twice, or leaked; and how often a token may ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>

#include <cmocka.h>
#include <pthread.h>

#include "control/http/exchange.h"
#include "control/http/rate_limit.h"
#include "shm/error.h"
#include "shm/units.h"

static atomic_int wakes;
static atomic_bool stop;

static void wake(void *context)
{
    (void)context;
    atomic_fetch_add(&wakes, 1);
}

static struct qbid_http_job *job_new(void *client)
{
    struct qbid_http_job *job = calloc(1, sizeof *job);
    job->client = client;
    return job;
}

static bool readable(struct qbid_exchange *x)
{
    struct pollfd fd = {.fd = qbid_exchange_fd(x), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void jobs_go_over_and_come_back_in_their_order(void **state)
{
    struct qbid_exchange *x;
    struct qbid_http_job *job[3];
    (void)state;
    atomic_store(&wakes, 0);
    assert_int_equal(qbid_exchange_new(wake, NULL, &x), 0);
    assert_null(qbid_exchange_take(x));
    for (int i = 0; i < 3; i++)
        assert_int_equal(qbid_exchange_offer(x, job[i] = job_new(&job[i])), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(readable(x));
        assert_ptr_equal(qbid_exchange_take(x), job[i]);
    }
    assert_false(readable(x));
    assert_null(qbid_exchange_done(x));
    for (int i = 2; i >= 0; i--)
        qbid_exchange_answer(x, job[i]);
    assert_int_equal(atomic_load(&wakes), 3);
    for (int i = 2; i >= 0; i--) {
        assert_ptr_equal(qbid_exchange_done(x), job[i]);
        qbid_http_job_free(job[i]);
    }
    qbid_exchange_free(x);
}

static void whose_client_has_gone_is_not_begun_and_not_told(void **state)
{
    struct qbid_exchange *x;
    struct qbid_http_job *a = job_new(&x), *b = job_new(&x), *c = job_new(&x);
    (void)state;
    assert_int_equal(qbid_exchange_new(wake, NULL, &x), 0);
    assert_int_equal(qbid_exchange_offer(x, a) | qbid_exchange_offer(x, b), 0);
    qbid_exchange_drop(x, a);
    assert_ptr_equal(qbid_exchange_take(x), b);
    qbid_exchange_drop(x, b); /* while the engine has it */
    qbid_exchange_answer(x, b);
    assert_null(qbid_exchange_done(x));
    assert_int_equal(qbid_exchange_offer(x, c), 0);
    qbid_exchange_free(x); /* with what is left in it */
}

static void a_full_exchange_refuses_and_the_job_stays_the_callers(void **state)
{
    struct qbid_exchange *x;
    (void)state;
    assert_int_equal(qbid_exchange_new(wake, NULL, &x), 0);
    for (int i = 0; i < QBID_EXCHANGE_JOBS_MAX; i++)
        assert_int_equal(qbid_exchange_offer(x, job_new(&x)), 0);
    struct qbid_http_job *job = job_new(&x), *taken = qbid_exchange_take(x);
    assert_int_equal(qbid_exchange_offer(x, job), QBID_ERR_FULL); /* taken is not given back */
    qbid_exchange_answer(x, taken);
    qbid_http_job_free(qbid_exchange_done(x));
    assert_int_equal(qbid_exchange_offer(x, job), 0);
    qbid_exchange_free(x);
}

static void *engine_run(void *context)
{
    struct qbid_exchange *x = context;
    struct qbid_http_job *job;
    struct pollfd fd = {.fd = qbid_exchange_fd(x), .events = POLLIN};
    while (!atomic_load(&stop)) {
        poll(&fd, 1, 10);
        while ((job = qbid_exchange_take(x)) != NULL) {
            job->status = (int)job->principal.tenant + 1;
            job->body = strdup("answer");
            qbid_exchange_answer(x, job);
        }
    }
    return NULL;
}

static void two_threads_lose_nothing(void **state)
{
    enum { JOBS = 3000 };
    static int client[JOBS]; /* its state: 1 waits, 2 answered, 3 gone */
    struct qbid_exchange *x;
    pthread_t engine;
    int answered = 0, gone = 0, made = 0;
    (void)state;
    atomic_store(&stop, false);
    assert_int_equal(qbid_exchange_new(wake, NULL, &x), 0);
    assert_int_equal(pthread_create(&engine, NULL, engine_run, x), 0);
    while (answered + gone < JOBS) {
        struct qbid_http_job *job = made < JOBS ? job_new(&client[made]) : NULL;
        if (job) {
            job->principal.tenant = (uint32_t)made;
            client[made] = 1;
            if (qbid_exchange_offer(x, job) != 0) {
                qbid_http_job_free(job);
            } else if (made++ % 7 == 0) {
                client[made - 1] = 3;
                qbid_exchange_drop(x, job);
                gone++;
            }
        }
        while ((job = qbid_exchange_done(x)) != NULL) {
            int *state_of = job->client;
            assert_int_equal(*state_of, 1);
            assert_int_equal(job->status, (int)job->principal.tenant + 1);
            assert_ptr_equal(state_of, &client[job->principal.tenant]);
            *state_of = 2;
            answered++;
            qbid_http_job_free(job);
        }
    }
    atomic_store(&stop, true);
    pthread_join(engine, NULL);
    assert_null(qbid_exchange_done(x));
    qbid_exchange_free(x);
}

static void a_bucket_lets_a_burst_through_and_then_the_rate(void **state)
{
    struct qbid_rate_limit *limit;
    uint64_t now = 5 * QBID_NS_PER_S;
    int passed = 0;
    (void)state;
    assert_int_equal(qbid_rate_limit_new(2, &limit), 0);
    for (int i = 0; i < 10; i++)
        passed += qbid_rate_limit_take(limit, "a", 2, 4, now) == 0;
    assert_int_equal(passed, 4);
    assert_int_equal(qbid_rate_limit_take(limit, "a", 2, 4, now), 1);
    assert_int_equal(qbid_rate_limit_take(limit, "a", 0.1, 4, now), 10);
    assert_int_equal(qbid_rate_limit_take(limit, "b", 2, 4, now), 0); /* its own */
    passed = 0;
    for (int ms = 0; ms < 10000; ms += 10) /* ten seconds at two a second */
        passed += qbid_rate_limit_take(limit, "a", 2, 4, now + (uint64_t)ms * QBID_NS_PER_MS) == 0;
    assert_in_range(passed, 19, 21);
    now += 3600 * QBID_NS_PER_S;
    passed = 0;
    for (int i = 0; i < 10; i++)
        passed += qbid_rate_limit_take(limit, "a", 2, 4, now) == 0;
    assert_int_equal(passed, 4); /* no more than a burst was saved up */
    /* the longest unused makes room for a third */
    assert_int_equal(qbid_rate_limit_take(limit, "c", 2, 4, now), 0);
    assert_int_equal(qbid_rate_limit_take(limit, "a", 2, 4, now), 1);
    qbid_rate_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_go_over_and_come_back_in_their_order),
        cmocka_unit_test(whose_client_has_gone_is_not_begun_and_not_told),
        cmocka_unit_test(a_full_exchange_refuses_and_the_job_stays_the_callers),
        cmocka_unit_test(two_threads_lose_nothing),
        cmocka_unit_test(a_bucket_lets_a_burst_through_and_then_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
