/* SPDX-License-Identifier: Apache-2.0 */
/* The checker finds each kind of broken answer: a sound one is damaged in one place at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conformance/checker.h"
#include "tests/conformance/product.h"

static const char request_text[] =
    "{\"id\":\"r\\u00fc\",\"at\":2,\"cur\":[\"CNY\",\"EUR\"],\"badv\":[\"other.example\"],\"bcat\":"
    "[\"IAB25\"],\"imp\":["
    "{\"id\":\"b\",\"secure\":1,\"bidfloor\":0.5,\"banner\":{\"w\":300,\"h\":250,\"battr\":[13]}},"
    "{\"id\":\"v\",\"video\":{\"mimes\":[\"video/mp4\"],\"w\":640,\"h\":360}},"
    "{\"id\":\"d\",\"banner\":{\"format\":[{\"w\":300,\"h\":600}]},\"pmp\":{\"private_auction\":1,"
    "\"deals\":[{\"id\":\"deal-3\",\"bidfloor\":1,\"bidfloorcur\":\"EUR\",\"wseat\":[\"2\"]}]}},"
    "{\"id\":\"n\",\"native\":{\"request\":\"{}\"}}]}";

static struct product product;

/* A request and its answer, to be damaged. */
struct pair {
    json_t *request, *response;
};

static json_t *bid_of(const struct pair *p, const char *impid, json_t **ret_seat)
{
    json_t *seats = json_object_get(p->response, "seatbid"), *seat, *bid;
    size_t s, b;
    json_array_foreach(seats, s, seat)
    {
        json_array_foreach(json_object_get(seat, "bid"), b, bid)
        {
            if (strcmp(json_string_value(json_object_get(bid, "impid")), impid) != 0)
                continue;
            if (ret_seat)
                *ret_seat = seat;
            return bid;
        }
    }
    fail_msg("no bid for %s", impid);
    return NULL;
}

static json_t *imp_of(const struct pair *p, size_t i)
{
    return json_array_get(json_object_get(p->request, "imp"), i);
}

/* JSON text in which ' stands for ". */
static json_t *json_of(const char *text)
{
    char copy[1024];
    json_error_t error;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *value = json_loads(copy, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    assert_non_null(value);
    return value;
}

/* What a case damages: a field of a bid ("b", "v", "d", "n"), of its seat ("seat b"), of the answer
 * or of the request. Value NULL removes it. */
static const struct {
    enum checker_rule rule;
    const char *where, *field, *value;
} damage[] = {
    {CHECKER_ID, "answer", "id", "'other'"},
    {CHECKER_ID, "answer", "id", NULL},
    {CHECKER_SEATBID, "answer", "seatbid", "[]"},
    {CHECKER_SEATBID, "answer", "seatbid", NULL},
    {CHECKER_SEATBID, "seat b", "bid", "[]"},
    {CHECKER_REQUIRED, "b", "id", NULL},
    {CHECKER_REQUIRED, "b", "impid", NULL},
    {CHECKER_REQUIRED, "b", "price", NULL},
    {CHECKER_REQUIRED, "b", "adid", NULL},
    {CHECKER_REQUIRED, "b", "crid", NULL},
    {CHECKER_REQUIRED, "b", "cid", NULL},
    {CHECKER_REQUIRED, "b", "adomain", NULL},
    {CHECKER_REQUIRED, "b", "nurl", NULL},
    {CHECKER_REQUIRED, "b", "burl", "''"},
    {CHECKER_REQUIRED, "b", "lurl", NULL},
    {CHECKER_REQUIRED, "b", "adm", NULL},
    {CHECKER_REQUIRED, "b", "mtype", NULL},
    {CHECKER_REQUIRED, "b", "exp", "0"},
    {CHECKER_IMPID, "b", "impid", "'x'"},
    {CHECKER_CUR, "answer", "cur", "'USD'"},
    {CHECKER_CUR, "answer", "cur", "'GBP'"},
    {CHECKER_CUR, "answer", "cur", NULL},
    {CHECKER_CUR, "request", "cur", "['EUR']"},
    {CHECKER_PRICE, "b", "price", "0"},
    {CHECKER_PRICE, "b", "price", "-5"},
    {CHECKER_PRICE, "b", "price", "'5'"},
    {CHECKER_FLOOR, "b", "price", "3.499"},
    {CHECKER_FLOOR, "d", "price", "7.999"},
    {CHECKER_FLOOR, "imp 0", "bidfloor", "0.7142859"},
    {CHECKER_FLOOR, "imp 0", "bidfloorcur", "'XX'"},
    {CHECKER_FLOOR, "imp 1", "video",
     "{'w':640,'h':360,'durfloors':[{'mindur':15,'maxdur':30,'bidfloor':0.6}]}"},
    {CHECKER_FLOOR, "imp 1", "video", "{'w':640,'h':360,'mincpmpersec':0.03}"},
    {CHECKER_AGREED, "deal", "at", "3"},
    {CHECKER_CEILING, "b", "price", "5.000001"},
    {CHECKER_CEILING, "d", "price", "100"},
    {CHECKER_BADV, "request", "badv", "['Shop.example']"},
    {CHECKER_BADV, "b", "adomain", "['other.example']"},
    {CHECKER_BCAT, "request", "bcat", "['iab2-1']"},
    {CHECKER_BCAT, "b", "cat", "['IAB25']"},
    {CHECKER_SEAT, "seat b", "seat", "'2'"},
    {CHECKER_SEAT, "seat b", "seat", NULL},
    {CHECKER_SEAT, "request", "wseat", "['2','02']"},
    {CHECKER_SEAT, "request", "bseat", "['1']"},
    {CHECKER_SEAT, "deal", "wseat", "['1']"},
    {CHECKER_DEALID, "d", "dealid", "'deal-4'"},
    {CHECKER_DEALID, "d", "dealid", NULL},
    {CHECKER_DEALID, "b", "dealid", "'deal-3'"},
    {CHECKER_DEALID, "deal", "id", "'deal-4'"},
    {CHECKER_PRIVATE_AUCTION, "d", "dealid", NULL},
    {CHECKER_PRIVATE_AUCTION, "imp 1", "pmp", "{'private_auction':1}"},
    {CHECKER_MTYPE, "b", "mtype", "2"},
    {CHECKER_MTYPE, "b", "mtype", "5"},
    {CHECKER_MTYPE, "imp 1", "video", NULL},
    {CHECKER_SIZE, "b", "w", "728"},
    {CHECKER_SIZE, "b", "w", NULL},
    {CHECKER_SIZE, "imp 2", "banner", "{'w':300,'h':250}"},
    {CHECKER_SIZE, "imp 1", "video", "{'w':1,'h':1}"},
    {CHECKER_SECURE, "b", "adm", "'<img src=http://cdn.example/1.png>'"},
    {CHECKER_BATTR, "b", "attr", "[3,13]"},
    {CHECKER_BATTR, "imp 1", "video", "{'w':640,'h':360,'battr':[1,16]}"},
    {CHECKER_API, "b", "apis", "[5]"},
    {CHECKER_MIME, "imp 0", "banner", "{'w':300,'h':250,'mimes':['video/mp4; x=image/jpeg']}"},
    {CHECKER_DURATION, "v", "dur", "7"},
    {CHECKER_DURATION, "imp 1", "video", "{'w':640,'h':360,'maxduration':5}"},
    {CHECKER_DURATION, "imp 1", "video", "{'w':640,'h':360,'minduration':21}"},
    {CHECKER_DURATION, "imp 1", "video", "{'w':640,'h':360,'rqddurs':[15,25]}"},
    {CHECKER_DURATION, "imp 1", "video", "{'w':640,'h':360,'poddur':9}"},
    {CHECKER_PROTOCOL, "imp 1", "video", "{'w':640,'h':360,'protocols':[1,70]}"},
    {CHECKER_LANGUAGE, "request", "wlang", "['zz']"},
    {CHECKER_LANGUAGE, "request", "wlangb", "['','en-GB-x']"},
    {CHECKER_CREATIVE, "b", "adid", "'999'"},
    {CHECKER_CREATIVE, "b", "adid", "'801'"},
    {CHECKER_CREATIVE, "b", "crid", "'102'"},
    {CHECKER_CREATIVE, "b", "cid", "'902'"},
    {CHECKER_CREATIVE, "b", "cat", "['IAB2']"},
    {CHECKER_CREATIVE, "b", "adomain", "['shop.example','more.example']"},
    {CHECKER_NOTICE, "b", "nurl", "'https://n.example/qbid/notice/win?t=x'"},
    {CHECKER_NOTICE, "b", "burl", "'https://evil.example/bill?t=x&p=${AUCTION_PRICE}'"},
    {CHECKER_NOTICE, "b", "lurl", "'https://n.example/qbid/notice/loss?t= &l=${AUCTION_LOSS}'"},
    {CHECKER_MARKUP, "b", "adm", "'<b>{{imp_url}}</b>'"},
    {CHECKER_MARKUP, "b", "adm", "'something else'"},
    {CHECKER_MARKUP, "n", "adm", "'{\\'native\\':{}'"},
    {CHECKER_WANTED, "request", "regs", "'a word'"},
    {CHECKER_WANTED, "request", "imp", "[]"},
};

static json_t *place(const struct pair *p, const char *where)
{
    json_t *seat;
    if (strcmp(where, "answer") == 0)
        return p->response;
    if (strcmp(where, "request") == 0)
        return p->request;
    if (strcmp(where, "deal") == 0)
        return json_array_get(json_object_get(json_object_get(imp_of(p, 2), "pmp"), "deals"), 0);
    if (strncmp(where, "imp ", 4) == 0)
        return imp_of(p, (size_t)(where[4] - '0'));
    if (strncmp(where, "seat ", 5) == 0)
        return (void)bid_of(p, where + 5, &seat), seat;
    return bid_of(p, where, NULL);
}

static struct pair sound_pair(void)
{
    json_error_t error;
    struct pair p;
    assert_int_equal(product_ask(&product, request_text, sizeof request_text - 1), 200);
    p.request = json_loads(request_text, JSON_DECODE_INT_AS_REAL, &error);
    p.response =
        json_loadb(product.out, product.answer.body_bytes, JSON_DECODE_INT_AS_REAL, &error);
    assert_true(p.request && p.response);
    return p;
}

static uint32_t check(struct pair *p)
{
    unsigned bids;
    char *body = json_dumps(p->response, JSON_COMPACT);
    uint32_t violated = checker_check(p->request, body, strlen(body), &bids);
    free(body);
    return violated;
}

static void done(struct pair *p)
{
    json_decref(p->request);
    json_decref(p->response);
}

static void a_sound_answer_is_passed(void **state)
{
    struct pair p = sound_pair();
    unsigned bids;
    (void)state;
    assert_int_equal(checker_check(p.request, product.out, product.answer.body_bytes, &bids), 0);
    assert_int_equal(bids, 4);
    assert_int_equal(check(&p), 0);
    done(&p);
}

static void each_damage_is_found_for_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        struct pair p = sound_pair();
        json_t *object = place(&p, damage[i].where);
        if (damage[i].value)
            json_object_set_new(object, damage[i].field, json_of(damage[i].value));
        else
            assert_int_equal(json_object_del(object, damage[i].field), 0);
        if (!(check(&p) >> damage[i].rule & 1))
            fail_msg("%s %s = %s is not found: %s", damage[i].where, damage[i].field,
                     damage[i].value ? damage[i].value : "(removed)", checker_text[damage[i].rule]);
        done(&p);
    }
}

static void two_bids_of_a_kind_and_two_of_an_id_are_found(void **state)
{
    struct pair p = sound_pair();
    json_t *seat, *bid = bid_of(&p, "b", &seat), *twin = json_deep_copy(bid);
    (void)state;
    json_array_append_new(json_object_get(seat, "bid"), twin);
    assert_int_equal(check(&p), 1u << CHECKER_ONE_A_KIND | 1u << CHECKER_BID_ID);
    json_object_set_new(twin, "id", json_string("another"));
    assert_int_equal(check(&p), 1u << CHECKER_ONE_A_KIND);
    done(&p);
}

/* A quote out of a macro's value would end the attribute that it stands in. */
static void a_value_that_breaks_out_of_its_attribute_is_found(void **state)
{
    struct pair p = sound_pair();
    json_t *bid = bid_of(&p, "b", NULL);
    const char *adm = json_string_value(json_object_get(bid, "adm"));
    const char *at = strstr(adm, "/click?t=");
    char broken[4096];
    (void)state;
    assert_non_null(at);
    snprintf(broken, sizeof broken, "%.*s\" onclick=\"x%s", (int)(at - adm), adm, at);
    json_object_set_new(bid, "adm", json_string(broken));
    assert_int_equal(check(&p), 1u << CHECKER_MARKUP);
    done(&p);
}

static void what_is_no_json_is_found(void **state)
{
    struct pair p = sound_pair();
    unsigned bids;
    size_t len = product.answer.body_bytes;
    char *at;
    (void)state;
    assert_int_equal(checker_check(p.request, product.out, len - 1, &bids), 1u << CHECKER_JSON);
    at = memmem(product.out, len, "\"bidid\"", 7);
    assert_non_null(at);
    memcpy(at, "\"id\"   ", 7); /* the key a second time */
    assert_int_equal(checker_check(p.request, product.out, len, &bids), 1u << CHECKER_JSON);
    memcpy(at, "\"\xc3(did\"", 7); /* half a character */
    assert_int_equal(checker_check(p.request, product.out, len, &bids), 1u << CHECKER_JSON);
    done(&p);
}

static void every_rule_has_a_damage_that_shows_it(void **state)
{
    uint32_t shown = 1u << CHECKER_JSON | 1u << CHECKER_ONE_A_KIND | 1u << CHECKER_BID_ID;
    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++)
        shown |= 1u << damage[i].rule;
    for (unsigned rule = 0; rule < CHECKER_CNT; rule++)
        if (!(shown >> rule & 1))
            fail_msg("nothing shows that this is checked: %s", checker_text[rule]);
    print_message("%zu damages of a sound answer, %u rules\n", sizeof damage / sizeof damage[0] + 6,
                  (unsigned)CHECKER_CNT);
}

static int setup(void **state)
{
    (void)state;
    product_open(&product);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    product_close(&product);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_answer_is_passed),
        cmocka_unit_test(each_damage_is_found_for_what_it_is),
        cmocka_unit_test(two_bids_of_a_kind_and_two_of_an_id_are_found),
        cmocka_unit_test(a_value_that_breaks_out_of_its_attribute_is_found),
        cmocka_unit_test(what_is_no_json_is_found),
        cmocka_unit_test(every_rule_has_a_damage_that_shows_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
