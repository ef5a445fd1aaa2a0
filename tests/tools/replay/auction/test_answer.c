/* SPDX-License-Identifier: Apache-2.0 */
/* Bid responses: fields, the best bid, and the same as another parser finds in recorded ones. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/auction/answer.h"

static int parse(const char *text, struct qbid_replay_answer *answer)
{
    return qbid_replay_answer_parse(text, strlen(text), answer);
}

static void assert_raw(struct qbid_replay_span span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.at, text, span.len);
}

static void all_fields_are_found(void **state)
{
    static const char text[] =
        " {\"id\":\"r1\",\"x\":[{}],\"seatbid\":[{\"bid\":[{\"id\":\"b\",\"impid\":\"1\",\"price\":"
        "2.940001,"
        "\"adid\":\"ad\",\"nurl\":\"n\",\"burl\":\"u\",\"lurl\":\"l\",\"adm\":\"<a "
        "href=\\\"x\\\">\",\"w\":300,"
        "\"adomain\":[\"a\"],\"ext\":{\"other\":{\"gen\":9},\"qbid\":{\"why\":\"x\",\"gen\":42}}}],"
        "\"seat\":\"s\"}],\"bidid\":\"bb\",\"cur\":\"CNY\",\"ext\":{\"qbid\":{\"gen\":7}}} ";
    struct qbid_replay_answer answer;
    (void)state;
    assert_int_equal(parse(text, &answer), 0);
    assert_raw(answer.id, "r1");
    assert_raw(answer.bidid, "bb");
    assert_raw(answer.cur, "CNY");
    assert_int_equal(answer.bids_cnt, 1);
    assert_int_equal(answer.nbr, -1);
    assert_true(answer.bid.has_gen);
    assert_int_equal(answer.bid.gen, 42);
    assert_raw(answer.bid.id, "b");
    assert_raw(answer.bid.impid, "1");
    assert_raw(answer.bid.seat, "s");
    assert_raw(answer.bid.adid, "ad");
    assert_raw(answer.bid.nurl, "n");
    assert_raw(answer.bid.burl, "u");
    assert_raw(answer.bid.lurl, "l");
    assert_raw(answer.bid.adm, "<a href=\\\"x\\\">");
    assert_true(answer.bid.has_price);
    assert_int_equal(answer.bid.price_micros, 2940001);
}

static void the_highest_price_of_all_seats_wins_and_the_first_of_equals(void **state)
{
    static const char text[] =
        "{\"id\":\"r\",\"seatbid\":["
        "{\"seat\":\"s1\",\"bid\":[{\"id\":\"1\",\"price\":1},{\"id\":\"2\",\"price\":3e0},{\"id\":"
        "\"2b\",\"price\":3}]},"
        "{\"seat\":\"s2\",\"bid\":[]},"
        "{\"bid\":[{\"id\":\"3\",\"price\":3.0},{\"id\":\"4\",\"price\":2.9999999}],\"seat\":"
        "\"s3\"}]}";
    struct qbid_replay_answer answer;
    (void)state;
    assert_int_equal(parse(text, &answer), 0);
    assert_int_equal(answer.bids_cnt, 5);
    assert_raw(answer.bid.id, "2");
    assert_raw(answer.bid.seat, "s1");
    assert_int_equal(answer.bid.price_micros, 3000000);
}

static void no_bid_answers_carry_their_reason(void **state)
{
    struct qbid_replay_answer answer;
    (void)state;
    assert_int_equal(parse("{\"id\":\"r\",\"nbr\":8}", &answer), 0);
    assert_int_equal(answer.nbr, 8);
    assert_int_equal(answer.bids_cnt, 0);
    assert_int_equal(parse("{\"id\":\"r\",\"seatbid\":[]}", &answer), 0);
    assert_int_equal(answer.nbr, -1);
    assert_int_equal(answer.bids_cnt, 0);
    assert_int_equal(parse("{}", &answer), 0);
    assert_int_equal(answer.id.len, 0);
}

static void a_price_that_is_out_of_range_or_missing_is_no_price(void **state)
{
    struct qbid_replay_answer answer;
    (void)state;
    assert_int_equal(parse("{\"seatbid\":[{\"bid\":[{\"id\":\"b\"}]}]}", &answer), 0);
    assert_int_equal(answer.bids_cnt, 1);
    assert_false(answer.bid.has_price);
    assert_int_equal(parse("{\"seatbid\":[{\"bid\":[{\"price\":1e60}]}]}", &answer), 0);
    assert_false(answer.bid.has_price);
    assert_int_equal(parse("{\"seatbid\":[{\"bid\":[{\"price\":1.00000049}]}]}", &answer), 0);
    assert_int_equal(answer.bid.price_micros, 1000000);
    assert_true(answer.bid.is_cut);
}

static void wrong_types_and_broken_json_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "null",
        "[]",
        "{\"id\":1}",
        "{\"id\":\"a\"",
        "{\"id\":\"a\"}x",
        "{\"seatbid\":{}}",
        "{\"seatbid\":[{\"bid\":{}}]}",
        "{\"seatbid\":[{\"bid\":[1]}]}",
        "{\"seatbid\":[{\"bid\":[{\"price\":\"1\"}]}]}",
        "{\"seatbid\":[{\"bid\":[{\"price\":01}]}]}",
        "{\"seatbid\":[{\"bid\":[{\"adm\":null}]}]}",
        "{\"nbr\":-1}",
        "{\"seatbid\":[{\"bid\":[{\"ext\":{\"qbid\":{\"gen\":1.5}}}]}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_answer answer = {.bids_cnt = 77};
        assert_int_equal(parse(cases[i], &answer), QBID_ERR_PARSE);
        assert_int_equal(answer.bids_cnt, 77);
    }
}

static void foreign_ext_is_skipped(void **state)
{
    struct qbid_replay_answer answer;
    (void)state;
    assert_int_equal(parse("{\"seatbid\":[{\"bid\":[{\"ext\":[1,2]}]}]}", &answer), 0);
    assert_int_equal(parse("{\"seatbid\":[{\"bid\":[{\"ext\":{\"qbid\":\"x\"}}]}]}", &answer), 0);
    assert_false(answer.bid.has_gen);
}

static void equals_resolves_escapes(void **state)
{
    (void)state;
    assert_true(qbid_replay_answer_equals(QBID_REPLAY_SPAN("abc"), "abc", 3));
    assert_true(qbid_replay_answer_equals(QBID_REPLAY_SPAN("\\u0061b\\u0063"), "abc", 3));
    assert_false(qbid_replay_answer_equals(QBID_REPLAY_SPAN("abd"), "abc", 3));
    assert_false(qbid_replay_answer_equals(QBID_REPLAY_SPAN("ab"), "abc", 3));
    assert_false(qbid_replay_answer_equals((struct qbid_replay_span){NULL, 0}, "abc", 3));
}

/* Oracle: cJSON's tree. */
static double best_price(const cJSON *json, int *ret_cnt)
{
    double best = -1;
    const cJSON *seat, *bid;
    *ret_cnt = 0;
    cJSON_ArrayForEach(seat, cJSON_GetObjectItemCaseSensitive(json, "seatbid"))
        cJSON_ArrayForEach(bid, cJSON_GetObjectItemCaseSensitive(seat, "bid"))
    {
        const cJSON *price = cJSON_GetObjectItemCaseSensitive(bid, "price");
        ++*ret_cnt;
        if (cJSON_IsNumber(price) && price->valuedouble > best)
            best = price->valuedouble;
    }
    return best;
}

static void recorded_responses_have_the_best_price_that_cjson_finds(void **state)
{
    static const char path[] = "../shared/data/openrtb/responses.ndjson";
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, read = 0, priced = 0;
    ssize_t len;
    (void)state;
    if (!file) {
        print_message("SKIPPED: %s is not there\n", path);
        skip();
    }
    while ((len = getline(&line, &cap, file)) > 0) {
        struct qbid_replay_answer answer;
        int cnt;
        if (qbid_replay_answer_parse(line, (size_t)len, &answer) != 0)
            continue;
        cJSON *json = cJSON_ParseWithLength(line, (size_t)len);
        double best = best_price(json, &cnt);
        assert_int_equal(answer.bids_cnt, cnt);
        if (answer.bid.has_price) {
            double error = (double)answer.bid.price_micros / 1e6 - best;
            assert_true(error > -1.001e-6 && error < 1e-9);
            priced++;
        } else {
            assert_true(best < 0 || best > 1e12);
        }
        read++;
        cJSON_Delete(json);
    }
    print_message("%zu responses read, %zu with a price\n", read, priced);
    assert_true(read > 1000 && priced > 700);
    free(line);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_are_found),
        cmocka_unit_test(the_highest_price_of_all_seats_wins_and_the_first_of_equals),
        cmocka_unit_test(no_bid_answers_carry_their_reason),
        cmocka_unit_test(a_price_that_is_out_of_range_or_missing_is_no_price),
        cmocka_unit_test(wrong_types_and_broken_json_are_refused),
        cmocka_unit_test(foreign_ext_is_skipped),
        cmocka_unit_test(equals_resolves_escapes),
        cmocka_unit_test(recorded_responses_have_the_best_price_that_cjson_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
