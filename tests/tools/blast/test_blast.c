/* SPDX-License-Identifier: Apache-2.0 */
/* What qbid-blast asks is what plugin/dpdk reads; what it takes for right, and every way to be
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/dpdk/message.h"
#include "tools/blast/check.h"

static struct qbid_blast_options options = {
    .slots = {"banner:300x250", "video:any", "native"},
    .slots_cnt = 3,
    .sites = {"a.example", "b.example"},
    .sites_cnt = 2,
    .seed = 7,
};
static struct qbid_blast_request asked;
static uint8_t out[QBID_BLAST_REQUEST_MAX];

static void requests_are_what_the_bidder_reads(void **state)
{
    struct qbid_request request;
    struct qbid_message message;
    size_t bytes = 0;
    (void)state;
    options.format = QBID_BLAST_MSGPACK;
    for (uint64_t n = 0; n < 5000; n++) {
        size_t len = qbid_blast_request_make(&options, n, out, &asked);
        assert_int_equal(qbid_message_decode(out, len, 1, &request, &message), 0);
        assert_int_equal(message.id_len, QBID_BLAST_ID_CHARS);
        assert_memory_equal(message.id, asked.id, QBID_BLAST_ID_CHARS);
        assert_int_equal(request.floor_micros, asked.floor_micros);
        assert_int_equal(request.deal_cnt, asked.deal_cnt);
        for (unsigned i = 0; i < asked.deal_cnt; i++)
            assert_int_equal(request.deal[i].floor_micros, asked.deal_floor_micros[i]);
        assert_int_equal(qbid_blast_request_number(asked.id, QBID_BLAST_ID_CHARS), n);
        bytes += len;
    }
    assert_in_range(bytes / 5000, 230, 320);
}

static void the_same_number_is_the_same_request(void **state)
{
    uint8_t again[QBID_BLAST_REQUEST_MAX];
    (void)state;
    options.format = QBID_BLAST_MIXED;
    for (uint64_t n = 0; n < 1000; n++) {
        size_t len = qbid_blast_request_make(&options, n, out, &asked);
        assert_int_equal(qbid_blast_request_make(&options, n, again, &asked), len);
        assert_memory_equal(out, again, len);
    }
    assert_true(qbid_blast_request_number("b1a57000-0000-4000-0007-00000000000", 35) == UINT64_MAX);
    assert_true(qbid_blast_request_number("c1a57000-0000-4000-0007-000000000001", 36) ==
                UINT64_MAX);
    assert_true(qbid_blast_request_number("b1a57000-0000-4000-0007-00000000000x", 36) ==
                UINT64_MAX);
}

/* --- answers as the bidder writes them, then spoilt */

static struct qbid_decision decision;
static char token[QBID_NOTICE_TOKEN_CHARS + 1];
static const char *why;

static void reset(void)
{
    asked = (struct qbid_blast_request){.format = QBID_BLAST_MSGPACK,
                                        .floor_micros = 1000,
                                        .deal_cnt = 1,
                                        .deal_floor_micros = {5000},
                                        .id = "b1a57000-0000-4000-0007-000000000001"};
    decision = (struct qbid_decision){.bid_micros = 1000,
                                      .nonce = 9,
                                      .gen = 1,
                                      .creative_id = 2,
                                      .line_item_id = 3,
                                      .campaign_id = 4};
    memset(token, 'a', QBID_NOTICE_TOKEN_CHARS);
}

static size_t bid(void)
{
    struct qbid_message message = {.id_len = QBID_BLAST_ID_CHARS, .imp_len = 1, .imp = "1"};
    memcpy(message.id, asked.id, QBID_BLAST_ID_CHARS);
    return qbid_message_bid(&message, &decision, token, out);
}

static enum qbid_blast_verdict verdict(size_t len)
{
    struct qbid_blast_answer answer;
    qbid_blast_answer_read(out, len, &answer);
    return qbid_blast_check(&asked, &answer, &why);
}

static void assert_wrong(const char *want)
{
    assert_int_equal(verdict(bid()), QBID_BLAST_WRONG);
    assert_string_equal(why, want);
    reset();
}

static void a_right_bid_is_one_and_each_fault_is_named(void **state)
{
    const char *fields = "a bid without creative, line item, campaign, number or generation";
    (void)state;
    reset();
    assert_int_equal(verdict(bid()), QBID_BLAST_BID);
    decision.bid_micros = 999;
    assert_wrong("below the floor");
    decision.bid_micros = 0;
    assert_wrong("no price");
    decision.deal = 1;
    assert_wrong("below the floor");
    decision.deal = 1;
    decision.bid_micros = 5000;
    assert_int_equal(verdict(bid()), QBID_BLAST_BID);
    decision.deal = 2;
    assert_wrong("a deal that was not offered");
    decision.creative_id = 0;
    assert_wrong(fields);
    decision.line_item_id = 0;
    assert_wrong(fields);
    decision.campaign_id = 0;
    assert_wrong(fields);
    decision.nonce = 0;
    assert_wrong(fields);
    decision.gen = 0;
    assert_wrong(fields);
    token[5] = '+';
    assert_wrong("a value's type");
    asked.cut = true;
    assert_wrong("a malformed request was taken");
    asked.format = QBID_BLAST_JSON;
    assert_wrong("the other format");
}

static void cut_and_altered_answers_are_wrong(void **state)
{
    (void)state;
    reset();
    size_t len = bid();
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(verdict(cut), QBID_BLAST_WRONG);
    out[len] = 0;
    assert_int_equal(verdict(len + 1), QBID_BLAST_WRONG);
    for (unsigned i = 0; i < 2; i++) { /* the map's head: a pair more, a pair less */
        bid();
        out[0] = (uint8_t)(out[0] + (i ? 1 : -1));
        assert_int_equal(verdict(len), QBID_BLAST_WRONG);
    }
}

static void no_bid_and_errors_have_their_place(void **state)
{
    struct qbid_message message = {.id_len = QBID_BLAST_ID_CHARS};
    (void)state;
    reset();
    memcpy(message.id, asked.id, QBID_BLAST_ID_CHARS);
    assert_int_equal(verdict(qbid_message_nobid(&message, QBID_NOBID_NO_CANDIDATE, out)),
                     QBID_BLAST_NOBID);
    assert_int_equal(verdict(qbid_message_error(&message, QBID_MESSAGE_MALFORMED, out)),
                     QBID_BLAST_WRONG);
    asked.cut = true;
    assert_int_equal(verdict(qbid_message_error(&message, QBID_MESSAGE_MALFORMED, out)),
                     QBID_BLAST_ERROR);
    assert_int_equal(verdict(qbid_message_error(&message, QBID_MESSAGE_OVER_LIMIT, out)),
                     QBID_BLAST_WRONG);
    assert_int_equal(verdict(qbid_message_nobid(&message, QBID_NOBID_NO_CANDIDATE, out)),
                     QBID_BLAST_WRONG);
}

static enum qbid_blast_verdict json_verdict(const char *text)
{
    strcpy((char *)out, text);
    return verdict(strlen(text));
}

static void json_answers_are_judged_alike(void **state)
{
    (void)state;
    reset();
    asked.format = QBID_BLAST_JSON;
    assert_int_equal(json_verdict("{\"id\":\"x\",\"nbr\":500}"), QBID_BLAST_NOBID);
    assert_int_equal(json_verdict("{\"nbr\":2}"), QBID_BLAST_WRONG);
    assert_int_equal(json_verdict("{\"id\":\"x\"}"), QBID_BLAST_WRONG);
    assert_int_equal(
        json_verdict("{\"id\":\"x\",\"cur\":\"CNY\",\"seatbid\":[{\"bid\":[{\"id\":\"1\","
                     "\"impid\":\"1\",\"price\":0.001,\"adm\":\"a\",\"burl\":\"b\"}]}]}"),
        QBID_BLAST_BID);
    assert_int_equal(
        json_verdict("{\"id\":\"x\",\"cur\":\"CNY\",\"seatbid\":[{\"bid\":[{\"id\":\"1\","
                     "\"impid\":\"1\",\"price\":0.0009,\"adm\":\"a\",\"burl\":\"b\"}]}]}"),
        QBID_BLAST_WRONG);
    assert_string_equal(why, "below the floor");
    assert_int_equal(
        json_verdict("{\"id\":\"x\",\"cur\":\"CNY\",\"seatbid\":[{\"bid\":[{\"id\":\"1\","
                     "\"impid\":\"2\",\"price\":1,\"adm\":\"a\",\"burl\":\"b\"}]}]}"),
        QBID_BLAST_WRONG);
    assert_int_equal(json_verdict("{"), QBID_BLAST_WRONG);
    asked.cut = true;
    assert_int_equal(json_verdict("{\"nbr\":2}"), QBID_BLAST_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_what_the_bidder_reads),
        cmocka_unit_test(the_same_number_is_the_same_request),
        cmocka_unit_test(a_right_bid_is_one_and_each_fault_is_named),
        cmocka_unit_test(cut_and_altered_answers_are_wrong),
        cmocka_unit_test(no_bid_and_errors_have_their_place),
        cmocka_unit_test(json_answers_are_judged_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
