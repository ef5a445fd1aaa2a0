/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests, read back with another parser. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <string.h>

#include "tests/tools/replay/source/rows.h"
#include "tools/replay/auction/request.h"
#include "tools/replay/source/log.h"

static const struct qbid_replay_request_terms second = {.auction = QBID_REPLAY_SECOND_PRICE,
                                                        .tmax_ms = 100};

static cJSON *body_of(const struct qbid_replay_row *row,
                      const struct qbid_replay_request_terms *terms)
{
    struct qbid_replay_buffer out = {0};
    qbid_replay_request_body(&out, row, terms);
    assert_false(out.failed);
    cJSON *json = cJSON_ParseWithLength(out.text, out.len);
    qbid_replay_buffer_done(&out);
    assert_non_null(json);
    return json;
}

/* Walks "a.b.0.c". */
static const cJSON *at(const cJSON *json, const char *path)
{
    char copy[128], *rest = copy, *part;
    snprintf(copy, sizeof copy, "%s", path);
    while (json && (part = strsep(&rest, ".")))
        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(part))
                                   : cJSON_GetObjectItemCaseSensitive(json, part);
    return json;
}

static void assert_text(const cJSON *json, const char *path, const char *text)
{
    const char *found = cJSON_GetStringValue(at(json, path));
    if (!found || strcmp(found, text) != 0)
        fail_msg("%s is %s, not %s", path, found ? found : "missing", text);
}

static void assert_number(const cJSON *json, const char *path, double number)
{
    const cJSON *found = at(json, path);
    if (!cJSON_IsNumber(found) || found->valuedouble != number)
        fail_msg("%s is not %g", path, number);
}

static struct qbid_replay_row parse(const char *line)
{
    struct qbid_replay_row row;
    enum qbid_replay_row_kind kind;
    const char *reason = "";
    if (qbid_replay_row_parse(line, strlen(line), &row, &kind, &reason) != 0)
        fail_msg("%s", reason);
    return row;
}

static void a_row_becomes_an_openrtb_request(void **state)
{
    struct qbid_replay_row row =
        parse(ROW_LINE("49b5a58c", "20131021192300738", "1", "30", "201", "10006,10110"));
    cJSON *json = body_of(&row, &second);
    (void)state;
    assert_text(json, "id", "49b5a58c");
    assert_int_equal(cJSON_GetArraySize(at(json, "imp")), 1);
    assert_text(json, "imp.0.id", "1");
    assert_text(json, "imp.0.tagid", "mm_12712107_1718689");
    assert_number(json, "imp.0.banner.w", 300);
    assert_number(json, "imp.0.banner.h", 250);
    assert_number(json, "imp.0.banner.format.0.w", 300);
    assert_number(json, "imp.0.banner.format.0.h", 250);
    assert_number(json, "imp.0.banner.pos", 1);
    assert_number(json, "imp.0.bidfloor", 0.3);
    assert_text(json, "imp.0.bidfloorcur", "CNY");
    assert_number(json, "imp.0.secure", 0);
    assert_text(json, "site.id", "9a2acabba41e00373f68053fd73e4d50");
    assert_text(json, "site.domain", "9a2acabba41e00373f68053fd73e4d50");
    assert_text(json, "site.page",
                "http://9a2acabba41e00373f68053fd73e4d50/19bbcb08106cbd6410a51fe87c40c44e");
    assert_text(json, "device.ua", ROW_UA);
    assert_text(json, "device.ip", "222.218.230.0");
    assert_number(json, "device.devicetype", 2);
    assert_text(json, "device.os", "Windows");
    assert_text(json, "device.geo.country", "CHN");
    assert_text(json, "device.geo.region", "238");
    assert_text(json, "device.geo.city", "246");
    assert_text(json, "user.id", "C4NDR12~1B");
    assert_text(json, "user.data.0.id", "ipinyou");
    assert_text(json, "user.data.0.segment.0.id", "10006");
    assert_text(json, "user.data.0.segment.1.id", "10110");
    assert_int_equal(cJSON_GetArraySize(at(json, "user.data.0.segment")), 2);
    assert_text(json, "source.tid", "49b5a58c");
    assert_number(json, "at", 2);
    assert_number(json, "tmax", 100);
    assert_text(json, "cur.0", "CNY");
    cJSON_Delete(json);
}

static void the_body_is_written_byte_for_byte(void **state)
{
    static const char expected[] =
        "{\"id\":\"a\",\"imp\":[{\"id\":\"1\",\"tagid\":\"mm_12712107_1718689\",\"banner\":{\"w\":"
        "300,"
        "\"h\":250,\"format\":[{\"w\":300,\"h\":250}],\"pos\":1},\"bidfloor\":0.05,\"bidfloorcur\":"
        "\"CNY\",\"secure\":0}],\"site\":{\"id\":\"9a2acabba41e00373f68053fd73e4d50\",\"domain\":"
        "\"9a2acabba41e00373f68053fd73e4d50\",\"page\":\"http://9a2acabba41e00373f68053fd73e4d50/"
        "19bbcb08106cbd6410a51fe87c40c44e\"},\"device\":{\"devicetype\":2,\"ua\":\"" ROW_UA
        "\",\"ip\":\"222.218.230.0\",\"os\":\"Windows\",\"geo\":{\"country\":\"CHN\",\"region\":"
        "\"238\","
        "\"city\":\"246\"}},\"user\":{\"id\":\"C4NDR12~1B\"},\"source\":{\"tid\":\"a\"},\"at\":1,"
        "\"tmax\":50,\"cur\":[\"CNY\"]}";
    struct qbid_replay_request_terms terms = {.auction = QBID_REPLAY_FIRST_PRICE, .tmax_ms = 50};
    struct qbid_replay_row row = parse(ROW_LINE("a", "1", "1", "5", "201", "null"));
    struct qbid_replay_buffer out = {0};
    (void)state;
    qbid_replay_request_body(&out, &row, &terms);
    qbid_replay_buffer_add(&out, "", 1);
    assert_string_equal(out.text, expected);
    qbid_replay_buffer_done(&out);
}

static void what_the_log_does_not_tell_is_left_out(void **state)
{
    static const char line[] = "a\t1\t1\tnull\tnull\tnull\tnull\tnull\tnull\tnull\tnull\tnull\tnull"
                               "\t0\t0\tNa\tNa\t0\tnull\t"
                               "294\t5\tnull\t2821\tnull";
    struct qbid_replay_row row = parse(line);
    cJSON *json = body_of(&row, &second);
    (void)state;
    assert_null(at(json, "imp.0.tagid"));
    assert_null(at(json, "imp.0.banner.w"));
    assert_null(at(json, "imp.0.banner.format"));
    assert_number(json, "imp.0.banner.pos", 0);
    assert_number(json, "imp.0.bidfloor", 0);
    assert_null(at(json, "site.id"));
    assert_null(at(json, "site.page"));
    assert_null(at(json, "device.ua"));
    assert_null(at(json, "device.ip"));
    assert_null(at(json, "device.os"));
    assert_null(at(json, "device.geo.region"));
    assert_null(at(json, "user"));
    cJSON_Delete(json);
}

static void segments_can_be_omitted_and_views_below_the_first_are_position_3(void **state)
{
    struct qbid_replay_request_terms terms = second;
    struct qbid_replay_row row = parse(ROW_LINE("a", "1", "1", "5", "201", "1,2"));
    (void)state;
    terms.omit_tags = true;
    row.visibility = QBID_REPLAY_SPAN("SecondView");
    cJSON *json = body_of(&row, &terms);
    assert_null(at(json, "user.data"));
    assert_text(json, "user.id", "C4NDR12~1B");
    assert_number(json, "imp.0.banner.pos", 3);
    cJSON_Delete(json);
}

static void a_repeated_bidid_gets_an_id_of_its_own(void **state)
{
    struct qbid_replay_row row = parse(ROW_LINE("a", "1", "1", "5", "201", "null"));
    (void)state;
    row.repeat = 2;
    cJSON *json = body_of(&row, &second);
    assert_text(json, "id", "a-3");
    cJSON_Delete(json);
}

static void a_post_is_framed_with_length_version_and_exchange(void **state)
{
    struct qbid_replay_buffer out = {0}, body = {0};
    (void)state;
    qbid_replay_buffer_add_text(&body, "{\"id\":\"a\"}");
    qbid_replay_request_post(&out, "127.0.0.1:80", "/bid", 3, &body);
    qbid_replay_buffer_add(&out, "", 1);
    assert_string_equal(out.text, "POST /bid?x=3 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"
                                  "Content-Type: application/json\r\nx-openrtb-version: 2.6\r\n"
                                  "Content-Length: 10\r\n\r\n{\"id\":\"a\"}");
    qbid_replay_buffer_clear(&out);
    qbid_replay_request_post(&out, "h", "/bid?k=1", 4, &body);
    assert_memory_equal(out.text, "POST /bid?k=1&x=4 HTTP/1.1\r\n", 28);
    qbid_replay_buffer_clear(&out);
    qbid_replay_request_get(&out, "h:8", QBID_REPLAY_SPAN("/n?t=1"));
    qbid_replay_buffer_add(&out, "", 1);
    assert_string_equal(out.text, "GET /n?t=1 HTTP/1.1\r\nHost: h:8\r\n\r\n");
    qbid_replay_buffer_done(&out);
    qbid_replay_buffer_done(&body);
}

static void every_recorded_row_becomes_a_request_with_its_price_and_an_id_of_its_own(void **state)
{
    const char *paths[] = {"../shared/data/ipinyou/raw-2821", "../shared/data/ipinyou/2259"};
    char message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_log *log;
    (void)state;
    if (access(paths[0], R_OK) != 0) {
        print_message("SKIPPED: %s is not there\n", paths[0]);
        skip();
    }
    assert_int_equal(qbid_replay_log_new(paths, 2, false, &log, message), 0);
    cJSON *ids = cJSON_CreateObject();
    struct qbid_replay_log_facts facts = qbid_replay_log_query(log);
    for (size_t i = 0; i < facts.rows; i++) {
        struct qbid_replay_row row;
        qbid_replay_log_load(log, i, &row);
        cJSON *json = body_of(&row, &second);
        assert_number(json, "imp.0.bidfloor", (double)row.floor_micros / 1e6);
        assert_number(json, "imp.0.banner.w", row.width);
        if (row.repeat != 0) {
            char id[QBID_REPLAY_REQUEST_ID_BYTES];
            snprintf(id, sizeof id, "%.*s-%u", QBID_REPLAY_SPAN_ARGS(row.bidid), row.repeat + 1);
            assert_text(json, "id", id);
            assert_null(cJSON_GetObjectItemCaseSensitive(ids, id));
            cJSON_AddNullToObject(ids, id);
        }
        cJSON_Delete(json);
    }
    assert_int_equal(cJSON_GetArraySize(ids), facts.repeated);
    cJSON_Delete(ids);
    qbid_replay_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_an_openrtb_request),
        cmocka_unit_test(the_body_is_written_byte_for_byte),
        cmocka_unit_test(what_the_log_does_not_tell_is_left_out),
        cmocka_unit_test(segments_can_be_omitted_and_views_below_the_first_are_position_3),
        cmocka_unit_test(a_repeated_bidid_gets_an_id_of_its_own),
        cmocka_unit_test(a_post_is_framed_with_length_version_and_exchange),
        cmocka_unit_test(every_recorded_row_becomes_a_request_with_its_price_and_an_id_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
