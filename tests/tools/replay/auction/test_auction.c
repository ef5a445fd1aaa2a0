/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the auction, against a second auctioneer that sorts bids. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/replay/auction/auction.h"

static struct qbid_replay_row row_of(int64_t floor_micros, int64_t market_micros)
{
    return (struct qbid_replay_row){.bidid = QBID_REPLAY_SPAN("r1"),
                                    .floor_micros = floor_micros,
                                    .market_micros = market_micros};
}

/* The textbook: bids under the floor are out; the highest wins, we before the market at a tie; the
 * second price is the highest other bid that is left, or the floor. */
static int64_t textbook(int first_price, int64_t floor, int64_t market, int64_t bid)
{
    int64_t others = market > floor ? market : floor;
    if (bid < floor || bid < market)
        return -1;
    return first_price ? bid : others;
}

static void every_order_of_bid_floor_and_market_is_settled_by_the_book(void **state)
{
    static const int64_t prices[] = {0, 1, 2, 299999, 300000, 300001, 2940000};
    enum { CNT = sizeof prices / sizeof prices[0] };
    (void)state;
    for (int kind = QBID_REPLAY_FIRST_PRICE; kind <= QBID_REPLAY_SECOND_PRICE; kind++)
        for (int f = 0; f < CNT; f++)
            for (int m = 0; m < CNT; m++)
                for (int b = 1; b < CNT; b++) {
                    struct qbid_replay_row row = row_of(prices[f], prices[m]);
                    struct qbid_replay_outcome outcome = qbid_replay_auction_price(
                        (enum qbid_replay_auction_kind)kind, &row, prices[b]);
                    int64_t expected =
                        textbook(kind == QBID_REPLAY_FIRST_PRICE, prices[f], prices[m], prices[b]);
                    assert_int_equal(outcome.kind,
                                     expected < 0 ? QBID_REPLAY_LOSS : QBID_REPLAY_WIN);
                    assert_int_equal(outcome.settled_micros, expected < 0 ? 0 : expected);
                    assert_int_equal(outcome.loss_reason, expected >= 0           ? 0
                                                          : prices[b] < prices[f] ? 100
                                                                                  : 102);
                    assert_int_equal(outcome.bid_micros, prices[b]);
                    assert_int_equal(outcome.min_win_micros,
                                     prices[f] > prices[m] ? prices[f] : prices[m]);
                }
}

static void a_bid_equal_to_the_market_price_wins_and_one_micro_less_loses(void **state)
{
    struct qbid_replay_row row = row_of(0, 690000);
    (void)state;
    assert_int_equal(qbid_replay_auction_price(QBID_REPLAY_SECOND_PRICE, &row, 690000).kind,
                     QBID_REPLAY_WIN);
    assert_int_equal(qbid_replay_auction_price(QBID_REPLAY_SECOND_PRICE, &row, 689999).kind,
                     QBID_REPLAY_LOSS);
}

static struct qbid_replay_outcome settle(const struct qbid_replay_row *row, const char *text)
{
    struct qbid_replay_answer answer;
    assert_int_equal(qbid_replay_answer_parse(text, strlen(text), &answer), 0);
    return qbid_replay_auction_settle(QBID_REPLAY_SECOND_PRICE, row, &answer);
}

#define ANSWER(id, impid, price, cur)                                                              \
    "{\"id\":\"" id "\",\"seatbid\":[{\"bid\":[{\"impid\":\"" impid "\",\"price\":" price          \
    "}]}]" cur "}"
#define CNY ",\"cur\":\"CNY\""

static void answers_that_an_exchange_throws_out_are_invalid(void **state)
{
    static const struct {
        const char *text;
        int reason;
    } cases[] = {
        {ANSWER("other", "1", "1", CNY), 5},
        {ANSWER("r1", "2", "1", CNY), 3},
        {ANSWER("r1", "1", "1", ""), 3}, /* no currency means USD */
        {ANSWER("r1", "1", "1", ",\"cur\":\"USD\""), 3},
        {ANSWER("r1", "1", "0", CNY), 9},
        {ANSWER("r1", "1", "-1", CNY), 9},
        {ANSWER("r1", "1", "1e99", CNY), 9},
        {"{\"id\":\"r1\",\"cur\":\"CNY\",\"seatbid\":[{\"bid\":[{\"impid\":\"1\"}]}]}", 9},
    };
    struct qbid_replay_row row = row_of(0, 500000);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_outcome outcome = settle(&row, cases[i].text);
        assert_int_equal(outcome.kind, QBID_REPLAY_INVALID);
        assert_int_equal(outcome.loss_reason, cases[i].reason);
        assert_int_equal(outcome.settled_micros, 0);
    }
}

static void a_valid_answer_is_settled_at_the_recorded_price(void **state)
{
    struct qbid_replay_row row = row_of(300000, 500000);
    (void)state;
    struct qbid_replay_outcome outcome = settle(&row, ANSWER("r1", "1", "0.5", CNY));
    assert_int_equal(outcome.kind, QBID_REPLAY_WIN);
    assert_int_equal(outcome.settled_micros, 500000);
    assert_int_equal(settle(&row, "{\"id\":\"r1\",\"nbr\":2}").kind, QBID_REPLAY_NO_BID);
    row.repeat = 1; /* its request had the id r1-2 */
    assert_int_equal(settle(&row, ANSWER("r1", "1", "0.5", CNY)).kind, QBID_REPLAY_INVALID);
    assert_int_equal(settle(&row, ANSWER("r1-2", "1", "0.5", CNY)).kind, QBID_REPLAY_WIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_bid_floor_and_market_is_settled_by_the_book),
        cmocka_unit_test(a_bid_equal_to_the_market_price_wins_and_one_micro_less_loses),
        cmocka_unit_test(answers_that_an_exchange_throws_out_are_invalid),
        cmocka_unit_test(a_valid_answer_is_settled_at_the_recorded_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
