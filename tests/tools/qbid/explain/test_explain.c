/* SPDX-License-Identifier: Apache-2.0 */
/* One request: the explanation gives what the library answered, and says why it did not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "shm/clock.h"
#include "shm/dims.h"
#include "tests/tools/qbid/explain/desk.h"
#include "tools/qbid/explain/explain.h"

/* A fixed hour of the week, in which the account has a row for exchange 2. */
#define SUNDAY_NOON "--now 2026-03-01T12:00:00Z "

static const struct market_terms terms = {.gen = 7, .seed = 11};
static struct desk desk;

static int set_up(void **state)
{
    (void)state;
    desk_open(&desk, &terms);
    desk_save_image(&desk, "7.qbi", &terms);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    desk_close(&desk);
    return 0;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    if (!cJSON_IsNumber(item))
        fail_msg("no number %s", name);
    return item->valuedouble;
}

static const char *text(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    if (!cJSON_IsString(item))
        fail_msg("no string %s", name);
    return item->valuestring;
}

/* The answer's bid on an impression, or on a part of it; NULL = none. */
static const cJSON *bid_on(const cJSON *answer, const char *impid, const char *part)
{
    const cJSON *seat, *bid;
    cJSON_ArrayForEach(seat, cJSON_GetObjectItem(answer, "seatbid"))
    {
        cJSON_ArrayForEach(bid, cJSON_GetObjectItem(seat, "bid"))
        {
            bool deal = cJSON_GetObjectItem(bid, "dealid") != NULL;
            if (strcmp(text(bid, "impid"), impid) == 0 &&
                (strcmp(part, "whole") == 0 || deal == (strcmp(part, "deals") == 0)))
                return bid;
        }
    }
    return NULL;
}

/* Explain the latest request of the desk with every live word as the library saw it. */
static cJSON *explain(const char *exchange)
{
    desk_write(&desk, "request.json", desk.request.text, desk.request.len);
    desk_args(&desk, "--output json --exchange");
    desk_arg(&desk, "%s", exchange);
    desk_arg(&desk, "--image=%s", desk_path(&desk, "7.qbi"));
    desk_arg(&desk, "%s", desk_path(&desk, "request.json"));
    desk_arg(&desk, "--now=%llu", (unsigned long long)desk.unix_s);
    for (uint32_t i = 0; i < MARKET_LINE_ITEMS; i++) {
        desk_arg(&desk, "--pace=%u=%.9g", MARKET_ID(i),
                 (double)qbid_live_pace(&desk.broker.live, i));
        desk_arg(&desk, "--qstate=%u=%u", MARKET_ID(i), desk.broker.live.qstate[i]);
    }
    assert_int_equal(desk_explain(&desk), 0);
    assert_string_equal(desk.messages, "");
    cJSON *json = cJSON_Parse(desk.text);
    assert_non_null(json);
    assert_int_equal(number(json, "schema"), 1);
    return json;
}

static void assert_same_bid(const cJSON *imp, const cJSON *bid)
{
    const cJSON *winner = cJSON_GetObjectItem(imp, "winner");
    const cJSON *trace = cJSON_GetObjectItem(cJSON_GetObjectItem(bid, "ext"), "qbid");
    assert_string_equal(text(imp, "result"), "bid");
    assert_true(number(imp, "price") == number(bid, "price"));
    assert_int_equal(number(winner, "line_item"), number(trace, "line_item"));
    assert_int_equal(number(winner, "creative"), number(trace, "creative"));
    assert_int_equal(number(winner, "q_action"), number(trace, "q_action"));
    assert_int_equal(number(winner, "q_state"), number(trace, "q_state"));
    assert_int_equal(number(imp, "level"), number(trace, "level"));
    assert_int_equal(number(imp, "skipped"), number(trace, "skipped"));
    const cJSON *deal = cJSON_GetObjectItem(bid, "dealid");
    if (deal)
        assert_string_equal(text(winner, "deal"), deal->valuestring);
    else
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(winner, "deal")));
}

/* Factors and candidates must lead to the bid by plain arithmetic. */
static void assert_adds_up(const cJSON *imp)
{
    const cJSON *winner = cJSON_GetObjectItem(imp, "winner"), *candidate;
    int chosen = 0, tried = 0;
    double price = number(winner, "value_micros") * number(winner, "pace"), before = 1e30;
    double worth = price * number(winner, "q_ratio");
    double shaded = worth * number(winner, "shade_ratio");
    double floor = fmax(number(winner, "floor_micros"), number(winner, "line_floor_micros"));
    double ceiling = fmin(number(winner, "ceiling_micros"), number(winner, "line_ceiling_micros"));
    assert_true(fabs(worth - number(winner, "worth_micros")) < 2);
    assert_true(fabs(shaded - number(winner, "shaded_micros")) < 2);
    double bid = fmin(fmax(number(winner, "shaded_micros"), floor), ceiling);
    assert_true(bid == number(winner, "bid_micros"));
    cJSON_ArrayForEach(candidate, cJSON_GetObjectItem(imp, "candidates"))
    {
        const char *verdict = text(candidate, "verdict");
        assert_true(number(candidate, "price_micros") <= before);
        before = number(candidate, "price_micros");
        tried += strcmp(verdict, "not_reached") != 0;
        if (strcmp(verdict, "chosen") != 0)
            continue;
        chosen++;
        assert_int_equal(number(candidate, "line_item"), number(winner, "line_item"));
        assert_int_equal(tried - 1, number(imp, "skipped"));
    }
    assert_int_equal(chosen, 1);
}

static void the_explanation_gives_every_answer_of_the_library(void **state)
{
    enum { REQUESTS = 300 };
    int bids = 0, both = 0, declined = 0, reasons[QBID_NOBID_CNT] = {0},
        levels[QBID_LEVEL_MAX + 1] = {0};
    (void)state;
    for (int i = 0; i < REQUESTS; i++) {
        char exchange[2] = {(char)('1' + i % (MARKET_EXCHANGES + 1)), '\0'};
        if (i % 10 == 0)
            desk_scramble(&desk, 0);
        bool answered = desk_ask(&desk, exchange) == 200;
        cJSON *answer = cJSON_ParseWithLength(desk.out, desk.answer.body_bytes);
        cJSON *json = explain(exchange);
        const cJSON *imp, *imps = cJSON_GetObjectItem(json, "impressions");
        cJSON_ArrayForEach(imp, imps)
        {
            const cJSON *bid = answered ? bid_on(answer, text(imp, "id"), text(imp, "part")) : NULL;
            if (!bid) {
                assert_string_not_equal(text(imp, "result"), "bid");
                declined++;
                continue;
            }
            assert_same_bid(imp, bid);
            assert_adds_up(imp);
            levels[(int)number(imp, "level")]++;
            bids++;
            both +=
                strcmp(text(imp, "part"), "open") == 0 && bid_on(answer, text(imp, "id"), "deals");
        }
        const cJSON *last = cJSON_GetArrayItem(imps, cJSON_GetArraySize(imps) - 1);
        if (!answered && (!last || strcmp(text(imps->child, "id"), text(last, "id")) == 0)) {
            static const char *const words[] = {
#define X(name, nbr, word, what) word,
                QBID_NOBID_LIST(X)
#undef X
            };
            /* one impression: its last part's reason is the answer's */
            assert_string_equal(text(last ? last : json, "result"), words[desk.answer.nobid]);
            reasons[desk.answer.nobid]++;
        }
        cJSON_Delete(answer);
        cJSON_Delete(json);
    }
    assert_true(bids > 100 && declined > 30 && both > 0);
    for (int level = 0; level <= QBID_LEVEL_MAX; level++)
        assert_true(levels[level] > 0);
    assert_true(reasons[QBID_NOBID_BELOW_FLOOR] && reasons[QBID_NOBID_CURRENCY] &&
                reasons[QBID_NOBID_NO_CANDIDATE] && reasons[QBID_NOBID_BLOCKED] &&
                reasons[QBID_NOBID_NO_CREATIVE] && reasons[QBID_NOBID_NO_DEAL] &&
                reasons[QBID_NOBID_INVALID]);
}

static int run_on(const char *words, const char *image, const char *request)
{
    desk_args(&desk, words);
    desk_arg(&desk, "--image=%s", desk_path(&desk, image));
    desk_arg(&desk, "%s", desk_path(&desk, request));
    return desk_explain(&desk);
}

static void assert_says(const char *all, const char *part)
{
    if (!strstr(all, part))
        fail_msg("'%s' is not in:\n%s", part, all);
}

static void write_request(const char *name, const char *body)
{
    desk_write(&desk, name, body, strlen(body));
}

static void the_table_names_context_candidates_factors_and_bid(void **state)
{
    (void)state;
    write_request("r.json",
                  "{\"id\":\"r1\",\"at\":1,\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":300,\"h\":250,"
                  "\"pos\":1,\"format\":[{\"w\":301,\"h\":1}]}}],"
                  "\"site\":{\"domain\":\"else.example\"}}");
    assert_int_equal(run_on(SUNDAY_NOON "--exchange 2", "7.qbi", "r.json"), 0);
    const char *const parts[] = {
        "request     \"r1\"  first price, 1 impression, exchange \"2\"",
        "generation 7",
        "impression  \"i1\"",
        "exchange      2  known",
        "slot          1  known, not known: \"banner:301x1\"",
        "site          0  unknown \"else.example\"",
        "device        0  absent",
        "eligible",
        "line item",
        "chosen",
        "not reached",
        "x Q ratio",
        "x shade ratio",
        "probability",
        "CNY by line item",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_says(desk.text, parts[i]);
}

static void a_request_without_a_chance_is_told_why(void **state)
{
    (void)state;
    write_request("r.json", "{\"id\":\"r1\",\"imp\":[{\"id\":\"i1\",\"bidfloor\":9000,"
                            "\"banner\":{\"w\":300,\"h\":250}}]}");
    assert_int_equal(run_on(SUNDAY_NOON "--exchange 2", "7.qbi", "r.json"), 0);
    assert_says(desk.text, "no bid    below_floor: best price is below the floor");
    write_request("r.json", "{\"id\":\"r1\",\"cur\":[\"GBP\"],\"imp\":[{\"id\":\"i1\"}]}");
    assert_int_equal(run_on("", "7.qbi", "r.json"), 0);
    assert_says(desk.text, "no bid      currency:");
    static char many[4000] = "{\"id\":\"r1\",\"imp\":[{\"id\":\"0\"}";
    for (int i = 1; i < 65; i++)
        sprintf(many + strlen(many), ",{\"id\":\"%d\"}", i);
    strcat(many, "]}");
    write_request("r.json", many);
    assert_int_equal(run_on("", "7.qbi", "r.json"), 0);
    assert_says(desk.text, "no bid      over_limit:");
}

static void pace_and_state_of_the_command_line_change_the_answer(void **state)
{
    (void)state;
    write_request("r.json", "{\"id\":\"r1\",\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":300,"
                            "\"h\":250}}]}");
    assert_int_equal(run_on(SUNDAY_NOON "--output json --exchange 2", "7.qbi", "r.json"), 0);
    cJSON *json = cJSON_Parse(desk.text);
    const cJSON *imp = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "impressions"), 0);
    unsigned winner = (unsigned)number(cJSON_GetObjectItem(imp, "winner"), "line_item");
    cJSON_Delete(json);
    char words[128];
    snprintf(words, sizeof words, SUNDAY_NOON "--output json --exchange 2 --pace %u=0", winner);
    assert_int_equal(run_on(words, "7.qbi", "r.json"), 0);
    json = cJSON_Parse(desk.text);
    imp = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "impressions"), 0);
    assert_int_not_equal(number(cJSON_GetObjectItem(imp, "winner"), "line_item"), winner);
    cJSON_Delete(json);
    assert_int_equal(run_on("--pace 3=1", "7.qbi", "r.json"), 1);
    assert_says(desk.messages, "7.qbi: no line item 3 (--pace)");
    assert_int_equal(run_on("--qstate 3=1", "7.qbi", "r.json"), 1);
}

/* The words of the winner's terms, and what they multiply to. */
static double terms_of(const char *words, char names[256], double *ret_winner)
{
    double product = 1;
    names[0] = '\0';
    assert_int_equal(run_on(words, "7.qbi", "r.json"), 0);
    cJSON *json = cJSON_Parse(desk.text);
    const cJSON *imp = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "impressions"), 0);
    const cJSON *winner = cJSON_GetObjectItem(imp, "winner"), *term;
    cJSON_ArrayForEach(term, cJSON_GetObjectItem(winner, "terms"))
    {
        product *= number(term, "factor");
        snprintf(names + strlen(names), 256 - strlen(names), "%s ", text(term, "term"));
    }
    assert_true(fabs(product / number(winner, "bid_micros") - 1) < 1e-9);
    *ret_winner = number(winner, "line_item");
    cJSON_Delete(json);
    return product;
}

static void the_pace_of_the_command_line_is_shown_in_its_terms(void **state)
{
    (void)state;
    char words[512], names[256];
    size_t len = 0;
    double winner;
    write_request("r.json", "{\"id\":\"r1\",\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":300,"
                            "\"h\":250}}]}");
    double alone = terms_of(SUNDAY_NOON "--output json --exchange 2", names, &winner);
    assert_non_null(strstr(names, "pace "));
    len += (size_t)sprintf(words, SUNDAY_NOON "--output json --exchange 2");
    sprintf(words + len, " --pace-terms %u=2,0.5,1,1,1,1,1,1,1,1", (unsigned)winner);
    assert_true(terms_of(words, names, &winner) == alone); /* 2 x 0.5 is the pace of 1 */
    assert_non_null(strstr(names, "budget goal "));
    assert_null(strstr(names, "pace "));
    strstr(words, "=2,")[1] = '3'; /* another pace's: it stays one term */
    terms_of(words, names, &winner);
    assert_non_null(strstr(names, "pace "));
}

static void a_stale_image_is_told_and_refused_when_strict(void **state)
{
    (void)state;
    struct market_terms old = {.gen = 3, .seed = 11};
    old.built_unix_ns = qbid_clock_unix_ns() - 7200 * QBID_NS_PER_S;
    desk_save_image(&desk, "old.qbi", &old);
    write_request("r.json", "{\"id\":\"r1\",\"imp\":[{\"id\":\"i1\"}]}");
    assert_int_equal(run_on("--strict", "7.qbi", "r.json"), 0);
    assert_string_equal(desk.messages, "");
    assert_int_equal(run_on("", "old.qbi", "r.json"), 0);
    assert_says(desk.messages, "old.qbi: stale; explained as when it was valid");
    assert_says(desk.text, "generation 3, stale");
    assert_int_equal(run_on("--strict", "old.qbi", "r.json"), 6);
    assert_string_equal(desk.text, "");
    char words[64];
    snprintf(words, sizeof words, "--strict --now %llu",
             (unsigned long long)(old.built_unix_ns / QBID_NS_PER_S + 60));
    assert_int_equal(run_on(words, "old.qbi", "r.json"), 0);
    assert_int_equal(run_on("--strict --now 2099-01-01T00:00:00Z", "7.qbi", "r.json"), 6);
}

static void bad_files_are_named_with_line_and_reason(void **state)
{
    (void)state;
    write_request("r.json", "{\"id\":\"r1\",\n\"imp\":[\n{\"id\":}]}");
    assert_int_equal(run_on("", "7.qbi", "r.json"), 1);
    assert_says(desk.messages, "r.json:3: malformed JSON");
    write_request("r.json", "{\"id\":\"r1\",\"imp\":7}");
    assert_int_equal(run_on("", "7.qbi", "r.json"), 1);
    assert_says(desk.messages, "r.json: a field that is read");
    write_request("r.json", "");
    assert_int_equal(run_on("", "7.qbi", "r.json"), 1);
    assert_int_equal(run_on("", "7.qbi", "none.json"), 1);
    assert_says(desk.messages, "none.json: No such file");
    assert_int_equal(run_on("", "none.qbi", "r.json"), 1);
    assert_says(desk.messages, "none.qbi: No such file");
    desk_write(&desk, "text.qbi", "hello", 5);
    assert_int_equal(run_on("", "text.qbi", "r.json"), 1);
    assert_says(desk.messages, "text.qbi: region failed its self check");
    assert_string_equal(desk.text, "");
}

static void a_wrong_command_line_names_the_option(void **state)
{
    static const struct {
        const char *words, *says;
    } wrong[] = {
        {"", "REQUEST.json is missing"},
        {"r.json", "--image is missing"},
        {"r.json s.json --image x", "s.json"},
        {"r.json --image x --pace 7", "--pace takes"},
        {"r.json --image x --pace 7=--1", "--pace takes"},
        {"r.json --image x --pace 7=-inf", "--pace takes"},
        {"r.json --image x --pace 7=nan", "--pace takes"},
        {"r.json --image x --pace 0=1", "--pace takes"},
        {"r.json --image x --pace-terms 7=1,1,1,1,1,1,1,1,1", "--pace-terms takes"},
        {"r.json --image x --pace-terms 7=1,1,1,1,1,1,1,1,1,1,1", "--pace-terms takes"},
        {"r.json --image x --pace-terms 7=1,1,1,1,x,1,1,1,1,1", "--pace-terms takes"},
        {"r.json --image x --qstate 7=100", "--qstate takes"},
        {"r.json --image x --now yesterday", "--now takes"},
        {"r.json --image x --output xml", "--output takes"},
        {"r.json --image x --images y", "for --check only"},
        {"r.json --image x --frob", "unknown option '--frob'"},
        {"r.json --image", "a value is missing behind '--image'"},
        {"--check a", "--images is missing"},
        {"--check a --images b r.json", "no REQUEST"},
        {"--check a --images b --strict", "not for --check"},
        {"--check a --images b --sample 0", "--sample takes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        desk_args(&desk, wrong[i].words);
        assert_int_equal(desk_explain(&desk), 2);
        assert_says(desk.messages, wrong[i].says);
        assert_string_equal(desk.text, "");
    }
    desk_args(&desk, "--help");
    assert_int_equal(desk_explain(&desk), 0);
    assert_says(desk.text, "--image FILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_explanation_gives_every_answer_of_the_library),
        cmocka_unit_test(the_table_names_context_candidates_factors_and_bid),
        cmocka_unit_test(a_request_without_a_chance_is_told_why),
        cmocka_unit_test(pace_and_state_of_the_command_line_change_the_answer),
        cmocka_unit_test(the_pace_of_the_command_line_is_shown_in_its_terms),
        cmocka_unit_test(a_stale_image_is_told_and_refused_when_strict),
        cmocka_unit_test(bad_files_are_named_with_line_and_reason),
        cmocka_unit_test(a_wrong_command_line_names_the_option),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
