/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded answers: those of the library come out equal, those that were tampered with do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "tests/tools/qbid/explain/desk.h"
#include "tools/replay/results/answers_file.h"

#define GENERATIONS 10 /* more than stay mapped */
#define REQUESTS 40    /* of each generation */

static struct desk desk;
static unsigned bids[GENERATIONS + 1]; /* by generation */
static unsigned all_bids;
static unsigned answers; /* with a bid */

static struct market_terms terms_of(uint64_t gen)
{
    return (struct market_terms){
        .gen = gen, .seed = 20 + gen / 4, .value_factor = 1 + 0.1 * (double)gen};
}

static const char *name_of(uint64_t gen)
{
    static char name[32];
    snprintf(name, sizeof name, gen % 2 ? "%llu.qbi" : "%08llu.qbi", (unsigned long long)gen);
    return name;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* Write the latest request and answer as qbid-replay does. */
static void record(struct qbid_replay_answers_file *out, uint32_t exchange)
{
    struct qbid_replay_row row = {.exchange = exchange};
    struct qbid_replay_buffer post = {0};
    qbid_replay_request_post(&post, "host", "/bid", exchange, &desk.request);
    struct qbid_replay_pool_event event = {
        .result = QBID_REPLAY_ANSWERED,
        .status = desk.answer.status,
        .body = {desk.out, desk.answer.body_bytes},
        .request = {post.text, post.len},
    };
    qbid_replay_answers_file_add(out, &row, &event, NULL);
    qbid_replay_buffer_done(&post);
}

/* Ask the library and record what it says, into a file; every pace 1 if even. */
static void record_answers(const char *name, uint64_t gen, int even)
{
    struct qbid_replay_answers_file out;
    assert_int_equal(qbid_replay_answers_file_init(&out, desk_path(&desk, name), 1), 0);
    for (unsigned i = 0; i < REQUESTS; i++) {
        uint32_t exchange = 1 + i % MARKET_EXCHANGES;
        char text[2] = {(char)('0' + exchange), '\0'};
        if (i % 8 == 0)
            desk_scramble(&desk, even);
        if (desk_ask(&desk, text) == 200) {
            desk.out[desk.answer.body_bytes] = '\0';
            bids[gen] += count(desk.out, "\"impid\"");
            answers++;
        }
        record(&out, exchange);
    }
    assert_int_equal(qbid_replay_answers_file_done(&out), 0);
}

static char *read_all(const char *name)
{
    struct qbid_replay_buffer text = {0};
    FILE *file = fopen(desk_path(&desk, name), "r");
    size_t got = 1;
    assert_non_null(file);
    while (got > 0) {
        got = fread(qbid_replay_buffer_reserve(&text, 65536), 1, 65535, file);
        text.len += got;
    }
    fclose(file);
    assert_false(text.failed);
    text.text[text.len] = '\0';
    return text.text;
}

static void append(const char *to, const char *from)
{
    char *text = read_all(from);
    FILE *file = fopen(desk_path(&desk, to), "a");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(text);
}

/* all.ndjson: ten generations one after the other, the first with even paces. */
static int set_up(void **state)
{
    (void)state;
    struct market_terms terms = terms_of(1);
    desk_open(&desk, &terms);
    for (uint64_t gen = 1; gen <= GENERATIONS; gen++) {
        terms = terms_of(gen);
        if (gen > 1)
            desk_publish(&desk, &terms);
        desk_save_image(&desk, name_of(gen), &terms);
        record_answers("some.ndjson", gen, gen == 1);
        append("all.ndjson", "some.ndjson");
        all_bids += bids[gen];
        if (gen == 1)
            append("even.ndjson", "some.ndjson");
        assert_true(bids[gen] > 10);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    desk_close(&desk);
    return 0;
}

/* Check a file; the JSON report, cJSON_Delete() it. */
static cJSON *check(int want_code, const char *words, const char *name)
{
    desk_args(&desk, "--output json");
    desk_arg(&desk, "--check=%s", desk_path(&desk, name));
    desk_arg(&desk, "--images=%s", desk.folder);
    char copy[256], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", words);
    while ((word = strsep(&rest, " ")))
        if (*word)
            desk_arg(&desk, "%s", word);
    int code = desk_explain(&desk);
    if (code != want_code)
        fail_msg("exit %d\n%s%s", code, desk.text, desk.messages);
    cJSON *json = cJSON_Parse(desk.text);
    assert_non_null(json);
    return json;
}

static unsigned number(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(json, name);
    assert_true(cJSON_IsNumber(item));
    return (unsigned)item->valuedouble;
}

static void assert_counts(const cJSON *json, unsigned checked, unsigned equal, unsigned different,
                          unsigned unknown)
{
    assert_int_equal(number(json, "checked"), checked);
    assert_int_equal(number(json, "equal"), equal);
    assert_int_equal(number(json, "different"), different);
    assert_int_equal(number(json, "unknown_generation"), unknown);
}

static void every_recorded_bid_comes_out_equal(void **state)
{
    (void)state;
    cJSON *json = check(0, "", "all.ndjson");
    assert_counts(json, all_bids, all_bids, 0, 0);
    assert_int_equal(number(json, "lines"), GENERATIONS * REQUESTS);
    assert_int_equal(number(json, "without_bid"), GENERATIONS * REQUESTS - answers);
    assert_string_equal(desk.messages, "");
    /* uneven paces: some other line item would rank first at pace 1 */
    assert_in_range(number(json, "equal_alone"), 1, all_bids - bids[1]);
    cJSON_Delete(json);
}

/* Paces and states that one bid carries are gone before the next. */
static void the_order_of_the_lines_does_not_matter(void **state)
{
    (void)state;
    char *text = read_all("all.ndjson"), *line;
    FILE *file = fopen(desk_path(&desk, "reversed.ndjson"), "w");
    assert_non_null(file);
    while ((line = strrchr(text, '\n'))) {
        *line = '\0';
        line = strrchr(text, '\n');
        fprintf(file, "%s\n", line ? line + 1 : text);
        if (line)
            line[1] = '\0';
        else
            *text = '\0';
    }
    fclose(file);
    free(text);
    cJSON *forward = check(0, "", "all.ndjson"), *backward = check(0, "", "reversed.ndjson");
    assert_counts(backward, all_bids, all_bids, 0, 0);
    assert_int_equal(number(backward, "equal_alone"), number(forward, "equal_alone"));
    cJSON_Delete(forward);
    cJSON_Delete(backward);
}

static void even_paces_need_no_rank_from_the_answer(void **state)
{
    (void)state;
    cJSON *json = check(0, "", "even.ndjson");
    assert_counts(json, bids[1], bids[1], 0, 0);
    assert_int_equal(number(json, "equal_alone"), 0);
    cJSON_Delete(json);
}

/* Put another image in a generation's place, check, put the true one back. */
static cJSON *check_with(const struct market_terms *other)
{
    struct market_terms terms = terms_of(other->gen);
    desk_save_image(&desk, name_of(other->gen), other);
    cJSON *json = check(1, "", "all.ndjson");
    desk_save_image(&desk, name_of(other->gen), &terms);
    return json;
}

static void changed_values_are_found_in_each_bid_of_the_generation(void **state)
{
    (void)state;
    struct market_terms other = terms_of(5);
    other.value_factor *= 1.001;
    cJSON *json = check_with(&other);
    assert_counts(json, all_bids, all_bids - bids[5], bids[5], 0);
    const cJSON *difference, *list = cJSON_GetObjectItem(json, "differences");
    assert_int_equal(cJSON_GetArraySize(list), 5);
    cJSON_ArrayForEach(difference, list)
    {
        const cJSON *answered = cJSON_GetObjectItem(difference, "answered");
        const cJSON *replayed = cJSON_GetObjectItem(difference, "replayed");
        assert_int_equal(number(difference, "gen"), 5);
        assert_in_range(number(difference, "line"), 4 * REQUESTS + 1, 5 * REQUESTS);
        if (!cJSON_IsNull(replayed)) { /* a ceiling may keep the price, never the value */
            assert_int_equal(number(answered, "line_item"), number(replayed, "line_item"));
            assert_true(cJSON_GetObjectItem(answered, "value")->valuedouble !=
                        cJSON_GetObjectItem(replayed, "value")->valuedouble);
        }
    }
    cJSON_Delete(json);
}

static void another_generations_image_under_the_name_is_refused(void **state)
{
    (void)state;
    struct market_terms terms = terms_of(4), next = terms_of(5);
    desk_save_image(&desk, name_of(4), &next);
    cJSON *json = check(1, "", "all.ndjson");
    assert_counts(json, all_bids - bids[4], all_bids - bids[4], 0, bids[4]);
    assert_non_null(strstr(desk.messages, "00000004.qbi"));
    assert_int_equal(count(desk.messages, "\n"), 1);
    desk_save_image(&desk, name_of(4), &terms);
    cJSON_Delete(json);
}

static void other_creative_weights_alone_are_found(void **state)
{
    (void)state;
    struct market_terms other = terms_of(6);
    other.rotate_creatives = 1;
    cJSON *json = check_with(&other);
    unsigned different = number(json, "different");
    assert_in_range(different, 1, bids[6]);
    assert_counts(json, all_bids, all_bids - different, different, 0);
    const cJSON *difference;
    cJSON_ArrayForEach(difference, cJSON_GetObjectItem(json, "differences"))
    {
        const cJSON *answered = cJSON_GetObjectItem(difference, "answered");
        const cJSON *replayed = cJSON_GetObjectItem(difference, "replayed");
        assert_int_not_equal(number(answered, "creative"), number(replayed, "creative"));
        assert_int_equal(number(answered, "line_item"), number(replayed, "line_item"));
        assert_true(cJSON_GetObjectItem(answered, "price")->valuedouble ==
                    cJSON_GetObjectItem(replayed, "price")->valuedouble);
    }
    cJSON_Delete(json);
}

static void a_missing_generation_is_counted(void **state)
{
    (void)state;
    struct market_terms terms = terms_of(3);
    unlink(desk_path(&desk, name_of(3)));
    cJSON *json = check(1, "", "all.ndjson");
    assert_counts(json, all_bids - bids[3], all_bids - bids[3], 0, bids[3]);
    cJSON_Delete(json);
    desk_save_image(&desk, name_of(3), &terms);
}

static void two_files_of_one_generation_are_refused(void **state)
{
    (void)state;
    struct market_terms terms = terms_of(3);
    desk_save_image(&desk, "0003.qbi", &terms);
    desk_args(&desk, "--check");
    desk_arg(&desk, "%s", desk_path(&desk, "all.ndjson"));
    desk_arg(&desk, "--images=%s", desk.folder);
    assert_int_equal(desk_explain(&desk), 1);
    assert_non_null(strstr(desk.messages, "two files of one generation"));
    unlink(desk_path(&desk, "0003.qbi"));
}

/* Write even.ndjson with one thing replaced on every line that has it; returns how often. */
static unsigned replace_in_even(const char *from, const char *to, unsigned max)
{
    char *text = read_all("even.ndjson"), *at = text, *hit;
    FILE *file = fopen(desk_path(&desk, "changed.ndjson"), "w");
    unsigned n = 0;
    assert_non_null(file);
    for (; n < max && (hit = strstr(at, from)); at = hit + strlen(from), n++)
        fprintf(file, "%.*s%s", (int)(hit - at), at, to);
    fputs(at, file);
    fclose(file);
    free(text);
    return n;
}

static void a_tampered_answer_is_found_by_each_of_its_facts(void **state)
{
    static const char *const facts[] = {"line_item", "creative",    "level",  "value",
                                        "q_action",  "shade_ratio", "q_ratio"};
    (void)state;
    char from[64], to[64];
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        snprintf(from, sizeof from, "\\\"%s\\\":", facts[i]);
        snprintf(to, sizeof to, "\\\"%s\\\":9", facts[i]); /* one digit more in front */
        assert_int_equal(replace_in_even(from, to, 1), 1);
        cJSON *json = check(1, "", "changed.ndjson");
        assert_counts(json, bids[1], bids[1] - 1, 1, 0);
        cJSON_Delete(json);
    }
    assert_int_equal(replace_in_even("\\\"price\\\":", "\\\"price\\\":1", 1), 1);
    cJSON *json = check(1, "", "changed.ndjson");
    assert_counts(json, bids[1], bids[1] - 1, 1, 0);
    cJSON_Delete(json);
    /* what the replay is fed with */
    assert_int_equal(replace_in_even("\\\"gen\\\":1,", "\\\"gen\\\":2,", 1), 1);
    json = check(1, "", "changed.ndjson");
    assert_counts(json, bids[1], bids[1] - 1, 1, 0);
    cJSON_Delete(json);
    assert_int_equal(replace_in_even("\\\"pace_bits\\\":1065353216", /* 1.0 and the next float */
                                     "\\\"pace_bits\\\":1065373216", bids[1]),
                     bids[1]);
    json = check(1, "", "changed.ndjson");
    assert_true(number(json, "different") > bids[1] / 2);
    cJSON_Delete(json);
}

static void the_exchange_decides_and_may_come_from_the_command_line(void **state)
{
    (void)state;
    assert_int_equal(replace_in_even("{\"x\":1,", "{\"x\":2,", REQUESTS), (REQUESTS + 2) / 3);
    cJSON *json = check(1, "", "changed.ndjson");
    assert_true(number(json, "different") > 0);
    cJSON_Delete(json);
    unsigned n = replace_in_even("{\"x\":1,", "{", REQUESTS);
    json = check(1, "", "changed.ndjson");
    assert_in_range(number(json, "damaged"), 1, n);
    assert_non_null(strstr(desk.messages, "--exchange"));
    cJSON_Delete(json);
    json = check(0, "--exchange 1", "changed.ndjson");
    assert_counts(json, bids[1], bids[1], 0, 0);
    cJSON_Delete(json);
}

/* even.ndjson without the answers' own time, and with `field`, made of it and a shift, on each
 * line. */
static void write_timeless(const char *field, unsigned long long shift_s)
{
    char from[64], to[96];
    char *text = read_all("even.ndjson"), *at = strstr(text, "\\\"unix_s\\\":");
    assert_non_null(at);
    unsigned long long first = strtoull(at + 11, NULL, 10);
    free(text);
    FILE *file = fopen(desk_path(&desk, "timeless.ndjson"), "w");
    text = read_all("even.ndjson");
    assert_non_null(file);
    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        next[-1] = '\0';
        unsigned long long unix_s = first; /* the seconds of one run: a few */
        for (char *hit; (hit = strstr(line, ",\\\"unix_s\\\":"));) {
            char *end;
            unix_s = strtoull(hit + 12, &end, 10);
            memmove(hit, end, strlen(end) + 1);
        }
        snprintf(from, sizeof from, field, unix_s + shift_s);
        snprintf(to, sizeof to, "{%s", from);
        fprintf(file, "%s%s\n", to, line + 1);
    }
    fclose(file);
    free(text);
}

static void the_hour_comes_from_the_answer_the_line_or_the_command_line(void **state)
{
    (void)state;
    write_timeless("\"time\":%llu,", 0);
    cJSON *json = check(0, "", "timeless.ndjson");
    assert_string_equal(desk.messages, "");
    cJSON_Delete(json);
    write_timeless("\"time\":%llu,", 30 * 3600);
    json = check(1, "", "timeless.ndjson");
    assert_true(number(json, "different") > 0);
    cJSON_Delete(json);
    assert_int_equal(replace_in_even("\\\"unix_s\\\":1", "\\\"unix_s\\\":2", bids[1]), bids[1]);
    json = check(1, "", "changed.ndjson"); /* 31 years and 73 hours of a week later */
    assert_true(number(json, "different") > 0);
    cJSON_Delete(json);
    write_timeless("", 0); /* now may be the next hour already: only what is said counts */
    desk_args(&desk, "--check");
    desk_arg(&desk, "%s", desk_path(&desk, "timeless.ndjson"));
    desk_arg(&desk, "--images=%s", desk.folder);
    desk_explain(&desk);
    assert_int_equal(count(desk.messages, "\n"), 1);
    assert_non_null(strstr(desk.messages, "timeless.ndjson:"));
    assert_non_null(strstr(desk.messages, "hour of the week"));
    char words[64];
    snprintf(words, sizeof words, "--now %llu", (unsigned long long)desk.unix_s + 30 * 3600);
    json = check(1, words, "timeless.ndjson");
    assert_true(number(json, "different") > 0);
    assert_string_equal(desk.messages, "");
    cJSON_Delete(json);
}

static void a_sample_is_spread_over_the_file(void **state)
{
    (void)state;
    cJSON *json = check(0, "--sample 7", "all.ndjson");
    assert_in_range(number(json, "checked"), 7, 7 * 3); /* up to three bids an answer */
    assert_int_equal(number(json, "left_out"), answers - 7);
    cJSON_Delete(json);
    json = check(0, "--sample 1000000", "all.ndjson");
    assert_counts(json, all_bids, all_bids, 0, 0);
    cJSON_Delete(json);
    /* the last generation is in it: a sample of the first lines would not see this */
    struct market_terms other = terms_of(GENERATIONS), terms = other;
    other.value_factor *= 1.5;
    desk_save_image(&desk, name_of(GENERATIONS), &other);
    json = check(1, "--sample 20", "all.ndjson");
    assert_in_range(number(json, "different"), 1, 3 * 3);
    cJSON_Delete(json);
    desk_save_image(&desk, name_of(GENERATIONS), &terms);
}

static void what_proves_nothing_is_no_success(void **state)
{
    (void)state;
    desk_write(&desk, "none.ndjson", "", 0);
    cJSON *json = check(1, "", "none.ndjson");
    assert_non_null(strstr(desk.messages, "no bid was checked"));
    cJSON_Delete(json);
    assert_int_equal(replace_in_even(",\\\"ext\\\":{", ",\\\"axt\\\":{", 1), 1); /* no trace */
    json = check(1, "", "changed.ndjson");
    assert_int_equal(number(json, "untraced"), 1);
    assert_counts(json, bids[1] - 1, bids[1] - 1, 0, 0);
    cJSON_Delete(json);
    append("cut.ndjson", "even.ndjson");
    assert_int_equal(truncate(desk_path(&desk, "cut.ndjson"), 3000), 0);
    json = check(1, "", "cut.ndjson");
    assert_int_equal(number(json, "damaged"), 1);
    char where[64];
    snprintf(where, sizeof where, "cut.ndjson:%u: no line of", number(json, "lines"));
    assert_non_null(strstr(desk.messages, where));
    cJSON_Delete(json);
}

static void the_table_shows_both_sides(void **state)
{
    (void)state;
    assert_int_equal(replace_in_even("\\\"price\\\":", "\\\"price\\\":1", 1), 1);
    desk_args(&desk, "--check");
    desk_arg(&desk, "%s", desk_path(&desk, "changed.ndjson"));
    desk_arg(&desk, "--images=%s", desk.folder);
    assert_int_equal(desk_explain(&desk), 1);
    assert_non_null(strstr(desk.text, "different            1\n"));
    assert_non_null(strstr(desk.text, "unknown generation   0\n"));
    assert_non_null(strstr(desk.text, "answered         replayed\n"));
    assert_int_equal(count(desk.text, "   <-\n"), 1);
    const char *row = strstr(desk.text, "    price ");
    assert_non_null(row);
    assert_memory_equal(strchr(row, '\n') - 5, "   <-", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_bid_comes_out_equal),
        cmocka_unit_test(the_order_of_the_lines_does_not_matter),
        cmocka_unit_test(even_paces_need_no_rank_from_the_answer),
        cmocka_unit_test(changed_values_are_found_in_each_bid_of_the_generation),
        cmocka_unit_test(another_generations_image_under_the_name_is_refused),
        cmocka_unit_test(other_creative_weights_alone_are_found),
        cmocka_unit_test(a_missing_generation_is_counted),
        cmocka_unit_test(two_files_of_one_generation_are_refused),
        cmocka_unit_test(a_tampered_answer_is_found_by_each_of_its_facts),
        cmocka_unit_test(the_exchange_decides_and_may_come_from_the_command_line),
        cmocka_unit_test(the_hour_comes_from_the_answer_the_line_or_the_command_line),
        cmocka_unit_test(a_sample_is_spread_over_the_file),
        cmocka_unit_test(what_proves_nothing_is_no_success),
        cmocka_unit_test(the_table_shows_both_sides),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
