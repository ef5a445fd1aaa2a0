/* SPDX-License-Identifier: Apache-2.0 */
/* A request in JSON and the same in protobuf: read alike, decided alike to the byte, answered with
 * the same fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "plugin/openrtb/openrtb.pb-c.h"
#include "tests/plugin/desk.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/openrtb_oracle.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

#define OUT_MAX (1 << 20)
#define FLOORS 10000

/* Two desks that start alike and go through the same requests make the same bids. */
static struct desk *json_desk, *protobuf_desk;
static struct pb pb;
static char json_out[OUT_MAX], protobuf_out[OUT_MAX];

struct tally {
    unsigned compared, unsound, unsaid, bids;
};

static void same_text(const cJSON *bid, const char *name, protobuf_c_boolean has,
                      ProtobufCBinaryData value)
{
    const cJSON *item = cJSON_GetObjectItem(bid, name);
    assert_int_equal(has, item != NULL);
    if (!item)
        return;
    assert_int_equal(value.len, strlen(item->valuestring));
    assert_memory_equal(value.data, item->valuestring, value.len);
}

static void same_number(const cJSON *bid, const char *name, protobuf_c_boolean has, double value)
{
    const cJSON *item = cJSON_GetObjectItem(bid, name);
    assert_int_equal(has, item != NULL);
    if (item && item->valuedouble != value)
        fail_msg("%s: %.17g against %.17g", name, value, item->valuedouble);
}

static void same_texts(const cJSON *bid, const char *name, size_t n, ProtobufCBinaryData *value)
{
    const cJSON *list = cJSON_GetObjectItem(bid, name);
    assert_int_equal(n, cJSON_GetArraySize(list));
    for (size_t i = 0; i < n; i++) {
        const char *text = cJSON_GetArrayItem(list, (int)i)->valuestring;
        assert_int_equal(value[i].len, strlen(text));
        assert_memory_equal(value[i].data, text, value[i].len);
    }
}

static void same_numbers(const cJSON *bid, const char *name, size_t n, const int32_t *value)
{
    const cJSON *list = cJSON_GetObjectItem(bid, name);
    assert_int_equal(n, cJSON_GetArraySize(list));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(value[i], cJSON_GetArrayItem(list, (int)i)->valueint);
}

#define TEXT(field) same_text(json, #field, bid->has_##field, bid->field)
#define NUMBER(field) same_number(json, #field, bid->has_##field, bid->field)

static void same_bid(const cJSON *json, const Pb__Bid *bid)
{
    TEXT(id);
    TEXT(impid);
    TEXT(adid);
    TEXT(nurl);
    TEXT(adm);
    TEXT(cid);
    TEXT(crid);
    TEXT(dealid);
    TEXT(burl);
    TEXT(lurl);
    TEXT(language);
    TEXT(langb);
    NUMBER(price);
    NUMBER(w);
    NUMBER(h);
    NUMBER(exp);
    NUMBER(mtype);
    NUMBER(dur);
    NUMBER(cattax);
    same_numbers(json, "attr", bid->n_attr, bid->attr);
    same_numbers(json, "apis", bid->n_apis, bid->apis);
    same_texts(json, "adomain", bid->n_adomain, bid->adomain);
    same_texts(json, "cat", bid->n_cat, bid->cat);
    /* the fields above are all that there are */
    int known = 0;
    for (const cJSON *item = json->child; item; item = item->next)
        known += strcmp(item->string, "ext") != 0;
    int ours = bid->has_dealid + (bid->has_w ? 2 : 0) + (bid->n_adomain > 0) + (bid->n_cat > 0) +
               bid->has_nurl + bid->has_burl + bid->has_lurl;
    ours += bid->has_language + bid->has_langb + bid->has_dur + bid->has_cattax;
    ours += (bid->n_attr > 0) + (bid->n_apis > 0);
    assert_int_equal(known, 9 + ours);
}

static unsigned same_answer(const char *json_text, size_t json_len, const char *bytes, size_t len)
{
    unsigned bids = 0;
    assert_int_equal(json_len == 0, len == 0);
    if (len == 0)
        return 0;
    cJSON *json = cJSON_ParseWithLength(json_text, json_len);
    Pb__Response *answer = pb__response__unpack(NULL, len, (const uint8_t *)bytes);
    assert_non_null(json);
    assert_non_null(answer);
    assert_int_equal(answer->base.n_unknown_fields, 0);
    same_text(json, "id", answer->has_id, answer->id);
    same_text(json, "bidid", answer->has_bidid, answer->bidid);
    same_text(json, "cur", answer->has_cur, answer->cur);
    const cJSON *seats = cJSON_GetObjectItem(json, "seatbid");
    assert_int_equal(answer->n_seatbid, cJSON_GetArraySize(seats));
    for (size_t s = 0; s < answer->n_seatbid; s++) {
        const cJSON *seat = cJSON_GetArrayItem(seats, (int)s);
        const cJSON *list = cJSON_GetObjectItem(seat, "bid");
        same_text(seat, "seat", answer->seatbid[s]->has_seat, answer->seatbid[s]->seat);
        assert_int_equal(answer->seatbid[s]->n_bid, cJSON_GetArraySize(list));
        for (size_t i = 0; i < answer->seatbid[s]->n_bid; i++, bids++)
            same_bid(cJSON_GetArrayItem(list, (int)i), answer->seatbid[s]->bid[i]);
    }
    pb__response__free_unpacked(answer, NULL);
    cJSON_Delete(json);
    return bids;
}

static void same_floors(const struct qbid_openrtb_request *a, const struct qbid_openrtb_request *b)
{
    for (unsigned i = 0; i < a->imp_cnt; i++) {
        assert_int_equal(a->imp[i].floor_micros, b->imp[i].floor_micros);
        for (unsigned d = 0; d < a->imp[i].deal_cnt; d++)
            assert_int_equal(a->imp[i].deal[d].floor_micros, b->imp[i].deal[d].floor_micros);
    }
}

static void compare(struct tally *tally, const char *text, size_t len, unsigned number)
{
    char *body = lines_padded(text, len, ' ');
    int err = desk_parse(json_desk, body, len);
    if (err != 0 || json_desk->openrtb.wrong_type || json_desk->openrtb.over) {
        tally->unsound++; /* declined before anything is decided */
    } else if (!pb_from_json(text, len, &pb)) {
        tally->unsaid++;
    } else {
        char *exact = malloc(pb.len);
        memcpy(exact, pb.at, pb.len);
        err = desk_parse_protobuf(protobuf_desk, exact, pb.len);
        const char *field =
            err ? "all" : openrtb_oracle_differ(&json_desk->openrtb, &protobuf_desk->openrtb);
        if (field)
            fail_msg("line %u: %d, %s\n%.*s", number, err, field, (int)len, text);
        same_floors(&json_desk->openrtb, &protobuf_desk->openrtb);
        desk_fill(json_desk);
        desk_fill(protobuf_desk);
        desk_decide(json_desk);
        desk_decide(protobuf_desk);
        assert_int_equal(json_desk->request_cnt, protobuf_desk->request_cnt);
        assert_memory_equal(json_desk->decision, protobuf_desk->decision,
                            json_desk->request_cnt * sizeof json_desk->decision[0]);
        size_t json_len = desk_write(json_desk, json_out, OUT_MAX);
        size_t protobuf_len = desk_write_protobuf(protobuf_desk, protobuf_out, OUT_MAX);
        tally->bids += same_answer(json_out, json_len, protobuf_out, protobuf_len);
        tally->compared++;
        free(exact);
    }
    free(body);
}

static struct tally compare_file_from(const char *name, const char *exchange)
{
    struct lines lines;
    struct tally tally = {0};
    if (!lines_open(&lines, name))
        skip();
    json_desk = desk_new();
    protobuf_desk = desk_new();
    json_desk->exchange = protobuf_desk->exchange = exchange;
    while (lines_next(&lines))
        compare(&tally, lines.text, lines.len, lines.number);
    desk_free(json_desk);
    desk_free(protobuf_desk);
    lines_close(&lines);
    print_message(
        "%s from %s: %u requests decided alike, %u bids; %u unsound in JSON, %u beyond protobuf\n",
        name, exchange, tally.compared, tally.bids, tally.unsound, tally.unsaid);
    return tally;
}

static void recorded_requests_are_decided_alike(void **state)
{
    (void)state;
    struct tally tally = compare_file_from("requests.ndjson", "2");
    assert_in_range(tally.compared, 4500, 4595);
    assert_true(tally.bids > 500);
    assert_true(tally.unsaid < 60); /* two in three: regs.ext.coppa, regs.ext.gpp */
}

static void captured_requests_are_decided_alike(void **state)
{
    (void)state;
    struct tally tally = compare_file_from("adx_2016_captured.ndjson", "2");
    assert_in_range(tally.compared, 490, 500);
}

/* Seat, currency, price macro and notices of a partner are the same in both. */
static void every_partner_gets_the_same_in_both(void **state)
{
    static const char *const exchange[] = {"coded", "winbills", "strict"};
    (void)state;
    for (unsigned i = 0; i < sizeof exchange / sizeof exchange[0]; i++) {
        struct tally tally = compare_file_from("adx_2016_captured.ndjson", exchange[i]);
        assert_in_range(tally.compared, 490, 500);
        assert_true(tally.bids > 50);
    }
}

/* Floors with all sorts of decimals: what JSON says in digits, protobuf says in a double. */
static void floors_are_the_same_micros(void **state)
{
    (void)state;
    struct tally tally = {0};
    uint64_t roll = 88172645463325252;
    json_desk = desk_new();
    protobuf_desk = desk_new();
    for (unsigned i = 0; i < FLOORS; i++) {
        char text[256];
        roll ^= roll << 13; /* xorshift64: Marsaglia 2003 */
        roll ^= roll >> 7;
        roll ^= roll << 17;
        int digits = (int)(roll % 9), whole = (int)(roll >> 8 & 1023);
        double units = whole + (double)(roll >> 20 & 0xffffff) / 0x1000000;
        int n =
            snprintf(text, sizeof text,
                     "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"bidfloor\":%.*f,\"banner\":{\"w\":300,"
                     "\"h\":250}}]}",
                     digits, units);
        compare(&tally, text, (size_t)n, i);
    }
    assert_int_equal(tally.compared, FLOORS);
    desk_free(json_desk);
    desk_free(protobuf_desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests_are_decided_alike),
        cmocka_unit_test(captured_requests_are_decided_alike),
        cmocka_unit_test(every_partner_gets_the_same_in_both),
        cmocka_unit_test(floors_are_the_same_micros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
