/* SPDX-License-Identifier: Apache-2.0 */
/* The library's life: options, what it does without control, decisions of the host's own, threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/dims.h"
#include "shm/error.h"
#include "shm/version.h"
#include "tests/plugin/account.h"
#include "tests/plugin/host.h"
#include "tests/plugin/lines.h"

static void options_out_of_range_are_refused(void **state)
{
    static const char *const bad_url[] = {
        "",
        "ads.example/notice",
        "ftp://ads.example/notice",
        "https://ads.example/n?x=1",
        "https://ads.example/\"n",
        "https://ads.example/'n",
        "https://ads.example/<n>",
        "https://ads.example/n n",
        "https://ads.example/n\n",
        "https://ads.example/{{n}}",
        "https://ads.example/n#f",
        "https://ads.example/\xc3\xa9",
        "https://ads.example/a&b",
    };
    struct qbid *qbid;
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = "no-such-socket",
                                   .notice_url = "https://ads.example/n"};
    char lengthy[2000];
    (void)state;
    assert_int_equal(qbid_open(NULL, &qbid), QBID_ERR_INVAL);
    for (size_t i = 0; i < sizeof bad_url / sizeof bad_url[0]; i++) {
        struct qbid_options wrong = options;
        wrong.notice_url = bad_url[i];
        assert_int_equal(qbid_open(&wrong, &qbid), QBID_ERR_INVAL);
    }
    struct qbid_options wrong = options;
    memset(lengthy, 'a', sizeof lengthy);
    memcpy(lengthy, "https://", 8);
    lengthy[sizeof lengthy - 1] = '\0';
    wrong.notice_url = lengthy;
    assert_int_equal(qbid_open(&wrong, &qbid), QBID_ERR_INVAL);
    wrong = options;
    wrong.notice_url = NULL;
    assert_int_equal(qbid_open(&wrong, &qbid), QBID_ERR_INVAL);
    wrong = options;
    wrong.size--;
    assert_int_equal(qbid_open(&wrong, &qbid), QBID_ERR_INVAL);
    wrong.size = sizeof wrong + 8; /* a later version's */
    assert_int_equal(qbid_open(&wrong, &qbid), QBID_ERR_INVAL);
    wrong.size = offsetof(struct qbid_options, quiescent); /* one without the last field */
    assert_int_equal(qbid_open(&wrong, &qbid), 0);
    qbid_close(qbid);
    wrong = options;
    wrong.socket_path = NULL; /* neither a socket nor a file */
    assert_int_equal(qbid_open(&wrong, &qbid), QBID_ERR_INVAL);
    qbid_close(NULL);
    qbid_worker_close(NULL);
    assert_true(qbid_worker_open(NULL, NULL) < 0);
}

static const char banner[] =
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}]}";

static struct qbid_answer ask(struct qbid_worker *worker, char *out, size_t out_max)
{
    struct qbid_answer answer;
    char *body = lines_padded(banner, sizeof banner - 1, 0);
    assert_int_equal(qbid_worker_openrtb(worker, NULL, body, sizeof banner - 1, qbid_now_ns(), out,
                                         out_max, &answer),
                     0);
    free(body);
    return answer;
}

static void without_a_table_nothing_is_bid(void **state)
{
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = "/tmp/qbid-test-no-such-socket",
                                   .notice_url = "https://ads.example/n",
                                   .worker_timeout_ms = 1};
    struct qbid *qbid;
    struct qbid_worker *worker;
    char out[32768];
    (void)state;
    assert_int_equal(qbid_open(&options, &qbid), 0);
    assert_int_equal(qbid_worker_open(qbid, &worker), 0);
    struct qbid_answer answer = ask(worker, out, sizeof out);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.nobid, QBID_NOBID_NO_TABLE);
    assert_int_equal(answer.gen, 0);
    int n = qbid_worker_status(worker, QBID_STATUS_JSON, out, sizeof out - 1);
    assert_true(n > 0);
    out[n] = '\0';
    assert_non_null(strstr(out, "\"connected\":0"));
    assert_non_null(strstr(out, "\"no_table\":1"));
    qbid_worker_close(worker);
    qbid_close(qbid);
}

static void a_file_alone_gives_a_table_but_no_money(void **state)
{
    char path[] = "/tmp/qbid-test-XXXXXX", out[32768];
    size_t bytes;
    void *image = account_image(5, &bytes);
    int fd = mkstemp(path);
    struct qbid_options options = {.size = sizeof options,
                                   .image_file = path,
                                   .notice_url = "https://ads.example/n",
                                   .worker_timeout_ms = 1};
    struct qbid *qbid;
    struct qbid_worker *worker;
    (void)state;
    assert_true(fd >= 0 && write(fd, image, bytes) == (ssize_t)bytes);
    close(fd);
    assert_int_equal(qbid_open(&options, &qbid), 0);
    assert_int_equal(qbid_worker_open(qbid, &worker), 0);
    struct qbid_answer answer = ask(worker, out, sizeof out);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.nobid, QBID_NOBID_NO_LEASE);
    int n = qbid_worker_status(worker, QBID_STATUS_JSON, out, sizeof out - 1);
    assert_true(n > 0);
    out[n] = '\0';
    assert_non_null(strstr(out, "\"generation\":5"));
    qbid_worker_close(worker);
    qbid_close(qbid);
    unlink(path);
    free(image);
}

static void hashes_are_those_of_the_table(void **state)
{
    (void)state;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        assert_true(qbid_value_hash(dim, "news.example", 12) ==
                    qbid_hash_dim(dim, "news.example", 12));
    assert_true(qbid_name_hash("deal-3", 6) == qbid_hash_name("deal-3", 6));
    assert_string_equal(qbid_version(), QBID_VERSION);
    assert_string_equal(qbid_strerror(QBID_ERR_FULL), "no free slot");
}

static struct qbid_request own_request(void)
{
    struct qbid_request request = {
        .auction = QBID_AUCTION_FIRST_PRICE, .slot_cnt = 1, .id_hash = 77};
    request.slot[0] = qbid_value_hash(QBID_DIM_SLOT, "banner:728x90", 13);
    return request;
}

static void a_host_may_describe_impressions_itself(void **state)
{
    static struct host host;
    struct qbid_request request[3] = {own_request(), own_request(), own_request()};
    struct qbid_decision decision[3];
    (void)state;
    host_open(&host, NULL, 12);
    assert_int_equal(qbid_worker_decide(host.worker, request, host.now_ns, decision), 0);
    assert_int_equal(decision[0].nobid, 0);
    assert_int_equal(decision[0].bid_micros, 5000000);
    assert_int_equal(decision[0].line_item_id, 1);
    struct qbid_event event = host_event(&host, QBID_EVENT_BID);
    assert_true(event.nonce == decision[0].nonce);
    assert_int_equal(event.flags, QBID_EVENT_FIRST_PRICE);

    request[1].floor_micros = 6000000;
    assert_int_equal(qbid_worker_decide_batch(host.worker, request, 3, host.now_ns, decision), 0);
    assert_int_equal(decision[0].nobid, 0);
    assert_int_equal(decision[1].nobid, QBID_NOBID_BELOW_FLOOR);
    assert_int_equal(decision[2].nobid, 0);
    assert_int_equal(host_counter(&host, QBID_COUNTER_IMPRESSIONS), 4);
    assert_int_equal(host_counter(&host, QBID_COUNTER_BIDS), 3);
    assert_int_equal(host_nobid(&host, QBID_NOBID_BELOW_FLOOR), 1);
    assert_int_equal(qbid_worker_decide_batch(host.worker, request, 0, host.now_ns, decision), 0);
    assert_int_equal(host_counter(&host, QBID_COUNTER_REQUESTS), 4); /* each, however they came */
    assert_int_equal(host_drop_events(&host), 2);

    request[2].slot_cnt = QBID_REQUEST_SLOTS_MAX + 1;
    assert_int_equal(qbid_worker_decide_batch(host.worker, request, 3, host.now_ns, decision),
                     QBID_ERR_INVAL);
    assert_int_equal(host_counter(&host, QBID_COUNTER_IMPRESSIONS), 4);
    host_close(&host);
}

static void a_host_may_name_the_candidates_and_ask_ahead(void **state)
{
    static struct host host;
    struct qbid_request request = own_request();
    struct qbid_ahead_state ahead = {{0}};
    struct qbid_decision decision;
    (void)state;
    host_open(&host, NULL, 12);
    int64_t idx = qbid_worker_line_item(host.worker, 1);
    assert_true(idx >= 0);
    assert_int_equal(qbid_worker_line_item(host.worker, 999999), QBID_ERR_NOENT);
    assert_int_equal(qbid_worker_line_item(host.worker, 0), QBID_ERR_NOENT);

    int left = qbid_worker_ahead(host.worker, &request, host.now_ns, &ahead);
    for (int steps = 1; left > 0; steps++) {
        assert_true(steps < 4);
        left = qbid_worker_ahead(host.worker, &request, host.now_ns, &ahead);
    }
    assert_int_equal(left, 0);
    assert_int_equal(qbid_worker_ahead(host.worker, NULL, host.now_ns, &ahead), QBID_ERR_INVAL);

    const uint32_t named[] = {(uint32_t)idx}, other[] = {(uint32_t)idx + 1000000};
    request.candidate = named;
    request.candidate_cnt = 1;
    assert_int_equal(qbid_worker_decide(host.worker, &request, host.now_ns, &decision), 0);
    assert_int_equal(decision.nobid, 0);
    assert_int_equal(decision.line_item_id, 1);
    assert_int_equal(decision.candidates, 1);
    request.candidate = other;
    assert_int_equal(qbid_worker_decide(host.worker, &request, host.now_ns, &decision), 0);
    assert_int_equal(decision.nobid, QBID_NOBID_NO_CANDIDATE);
    request.candidate = NULL;
    assert_int_equal(qbid_worker_decide(host.worker, &request, host.now_ns, &decision),
                     QBID_ERR_INVAL);
    host_close(&host);
}

struct bidder {
    struct host *host;
    pthread_t thread;
    _Atomic int stop;
    _Atomic unsigned bids;
    uint64_t first_gen, last_gen;
    const char *fault;
};

/* Ask until told to stop; each answer names one generation, in its trace as in its struct. */
static void *bid_on(void *arg)
{
    struct bidder *b = arg;
    struct qbid_worker *worker;
    static const unsigned room = 32768;
    char *out = malloc(room + 1), *body = lines_padded(banner, sizeof banner - 1, 0), want[64];
    if (qbid_worker_open(b->host->qbid, &worker) != 0)
        b->fault = "open";
    while (!b->fault && !atomic_load(&b->stop)) {
        struct qbid_answer answer;
        qbid_worker_openrtb(worker, "2", body, sizeof banner - 1, qbid_now_ns(), out, room,
                            &answer);
        out[answer.body_bytes] = '\0';
        snprintf(want, sizeof want, "\"gen\":%llu,", (unsigned long long)answer.gen);
        if (answer.status != 200 || !strstr(out, want))
            b->fault = "an answer without a bid, or of two generations";
        if (answer.gen < b->last_gen)
            b->fault = "a generation came back";
        b->first_gen = b->first_gen ? b->first_gen : answer.gen;
        b->last_gen = answer.gen;
        atomic_fetch_add(&b->bids, 1);
        qbid_worker_quiescent(worker);
    }
    if (!b->fault || strcmp(b->fault, "open") != 0)
        qbid_worker_close(worker);
    free(out);
    free(body);
    return NULL;
}

static void bid_while_tables_change(unsigned quiescent)
{
    static struct host host;
    static struct bidder bidder[2];
    struct qbid_options options = {.trace = 1, .quiescent = quiescent};
    memset(bidder, 0, sizeof bidder);
    host_open(&host, &options, 12);
    qbid_worker_offline(host.worker); /* this thread waits, and holds nothing meanwhile */
    for (unsigned i = 0; i < 2; i++) {
        bidder[i].host = &host;
        assert_int_equal(pthread_create(&bidder[i].thread, NULL, bid_on, &bidder[i]), 0);
    }
    while (!bidder[0].fault && !bidder[1].fault &&
           (atomic_load(&bidder[0].bids) == 0 || atomic_load(&bidder[1].bids) == 0))
        usleep(1000);
    for (uint64_t gen = 2; gen <= 40; gen++) {
        size_t bytes;
        void *image = account_image(gen, &bytes);
        broker_publish(&host.broker, image, bytes);
        free(image);
    }
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&bidder[i].stop, 1);
        pthread_join(bidder[i].thread, NULL);
        if (bidder[i].fault)
            fail_msg("%s", bidder[i].fault);
        assert_true(bidder[i].last_gen > bidder[i].first_gen);
    }
    qbid_worker_online(host.worker);
    host_close(&host);
}

static void workers_bid_on_while_tables_change(void **state)
{
    (void)state;
    bid_while_tables_change(0);
}

static void workers_that_announce_quiescence_do_so_too(void **state)
{
    (void)state;
    bid_while_tables_change(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(without_a_table_nothing_is_bid),
        cmocka_unit_test(a_file_alone_gives_a_table_but_no_money),
        cmocka_unit_test(hashes_are_those_of_the_table),
        cmocka_unit_test(a_host_may_describe_impressions_itself),
        cmocka_unit_test(a_host_may_name_the_candidates_and_ask_ahead),
        cmocka_unit_test(workers_bid_on_while_tables_change),
        cmocka_unit_test(workers_that_announce_quiescence_do_so_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
