/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of bids that a host decides and answers itself: they verify, and their notices count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/notice/token.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/plugin/account.h"
#include "tests/plugin/host.h"

static struct host host;

static struct qbid_request request_of(const char *slot)
{
    struct qbid_request request = {.id_hash = 77, .auction = QBID_AUCTION_SECOND_PRICE};
    request.slot[request.slot_cnt++] = qbid_value_hash(1, slot, strlen(slot));
    return request;
}

static struct qbid_decision decide(const struct qbid_request *request)
{
    struct qbid_decision decision;
    assert_int_equal(qbid_worker_decide(host.worker, request, host.now_ns, &decision), 0);
    return decision;
}

static void a_token_says_what_was_decided(void **state)
{
    char text[QBID_NOTICE_TOKEN_CHARS];
    struct qbid_token token;
    struct qbid_request request = request_of("banner:300x250");
    struct qbid_decision d = decide(&request);
    (void)state;
    assert_int_equal(d.nobid, QBID_NOBID_NONE);
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, host.now_ns, text), 0);
    assert_int_equal(qbid_token_verify(&host.broker.keys, text, sizeof text, &token), 0);
    assert_int_equal(token.line_item_id, d.line_item_id);
    assert_int_equal(token.creative_id, d.creative_id);
    assert_int_equal(token.nonce, d.nonce);
    assert_int_equal(token.bid_nanos, qbid_nanos_from_cpm_micros(d.bid_micros));
    assert_int_equal(token.bid_time_ns, host.now_ns);
    assert_int_equal(token.tenant, 1);
}

static void a_token_names_the_partner_of_its_exchange(void **state)
{
    char text[QBID_NOTICE_TOKEN_CHARS];
    static const struct {
        const char *exchange;
        unsigned partner;
    } row[] = {{"coded", 7}, {"winbills", 8}, {"2", 0}, {"nobody", 0}, {NULL, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct qbid_token token;
        struct qbid_request request = request_of("banner:300x250");
        if (row[i].exchange)
            request.dim[0] = qbid_value_hash(0, row[i].exchange, strlen(row[i].exchange));
        struct qbid_decision d = decide(&request);
        assert_int_equal(qbid_worker_token(host.worker, &request, &d, host.now_ns, text), 0);
        assert_int_equal(qbid_token_verify(&host.broker.keys, text, sizeof text, &token), 0);
        assert_int_equal(token.partner, row[i].partner);
    }
}

static void its_billing_notice_becomes_an_event(void **state)
{
    char query[256], text[QBID_NOTICE_TOKEN_CHARS + 1] = "";
    struct qbid_request request = request_of("banner:728x90");
    struct qbid_decision d = decide(&request);
    (void)state;
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, host.now_ns, text), 0);
    host_drop_events(&host);
    snprintf(query, sizeof query, "t=%s&p=1.5", text);
    assert_int_equal(host_send(&host, "bill", query), 200);
    struct qbid_event event = host_event(&host, QBID_EVENT_BILL);
    assert_int_equal(event.nonce, d.nonce);
    assert_int_equal(event.u.notice.price_nanos, 1500000);
    query[10] = query[10] == 'A' ? 'B' : 'A';
    assert_int_equal(host_send(&host, "bill", query), 403);
}

static void what_is_no_bid_of_the_table_gets_none(void **state)
{
    char text[QBID_NOTICE_TOKEN_CHARS];
    struct qbid_request request = request_of("banner:1x1");
    struct qbid_decision d = decide(&request);
    (void)state;
    assert_int_not_equal(d.nobid, QBID_NOBID_NONE);
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, host.now_ns, text),
                     QBID_ERR_INVAL);
    request = request_of("banner:300x250");
    d = decide(&request);
    assert_int_equal(qbid_worker_token(NULL, &request, &d, 0, text), QBID_ERR_INVAL);
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, 0, NULL), QBID_ERR_INVAL);
    d.line_item_idx = 100000;
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, 0, text), QBID_ERR_NOENT);
    d.line_item_idx = 1; /* another's place */
    d.line_item_id = 1;
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, 0, text), QBID_ERR_NOENT);
}

static void without_a_key_there_is_no_token(void **state)
{
    char text[QBID_NOTICE_TOKEN_CHARS];
    size_t bytes;
    struct qbid_request request = request_of("banner:300x250");
    struct qbid_decision d = decide(&request);
    (void)state;
    void *image = account_image(2, &bytes);
    broker_keys(&host.broker, 0, 0);
    broker_publish(&host.broker, image, bytes);
    free(image);
    assert_int_equal(qbid_worker_token(host.worker, &request, &d, host.now_ns, text),
                     QBID_ERR_NOENT);
}

static int setup(void **state)
{
    (void)state;
    host_open(&host, NULL, 12);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    host_close(&host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_says_what_was_decided),
        cmocka_unit_test(a_token_names_the_partner_of_its_exchange),
        cmocka_unit_test(its_billing_notice_becomes_an_event),
        cmocka_unit_test(what_is_no_bid_of_the_table_gets_none),
        cmocka_unit_test(without_a_key_there_is_no_token),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
