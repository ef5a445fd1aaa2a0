/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of recorded logs: what is in a sound file, and what is said of a damaged one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/account/dictionary.h"
#include "shm/error.h"
#include "tools/sim/recorded/landscape.h"
#include "tools/sim/recorded/logs/log.h"
#include "tools/sim/recorded/logs/text.h"

struct folder {
    char path[64];
    char message[QBID_RECORDED_MESSAGE_BYTES];
};

static int folder_setup(void **state)
{
    static struct folder folder;
    strcpy(folder.path, "/tmp/qbid-recorded-XXXXXX");
    *state = &folder;
    return mkdtemp(folder.path) ? 0 : -1;
}

static int folder_teardown(void **state)
{
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", ((struct folder *)*state)->path);
    return system(line);
}

/* Path of a file in the folder, valid until the next call. */
static char *path_of(const struct folder *folder, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

static char *file_write(const struct folder *folder, const char *name, const char *text)
{
    char *path = path_of(folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

static int log_read(struct folder *folder, enum qbid_recorded_format format, const char *name,
                    const char *text, double train_part, struct qbid_recorded_log *log)
{
    struct qbid_recorded_source source = {format, file_write(folder, name, text)};
    return qbid_recorded_log_init(log, &source, train_part, folder->message);
}

static void a_pctr_log_is_ordered_by_time_and_split(void **state)
{
    struct qbid_recorded_log log;
    assert_int_equal(log_read(*state, QBID_RECORDED_PCTR, "a.txt",
                              "0\t10\t0.5\t7\n1\t20\t0.25\t5\r\n\n0 30 1e-3 7\n0 400 0 6", 0.5,
                              &log),
                     0);
    assert_int_equal(log.cnt, 4);
    assert_int_equal(log.train_cnt, 2);
    const int price[] = {20, 400, 10, 30}; /* equal times keep the order of the file */
    for (int i = 0; i < 4; i++)
        assert_int_equal(log.auction[i].price, price[i]);
    assert_true(log.auction[0].click && !log.auction[2].click);
    assert_true(log.auction[0].value == 0.25 && log.auction[3].value == 0.001);
    assert_int_equal(log.price_cnt, 401);
    assert_true(log.prices[20] == 1 && log.prices[400] == 1 && log.prices[10] == 0);
    assert_true(log.train_cost == 420 && log.train_all == 2 && log.value_mean == 0.125);
    assert_true(qbid_recorded_log_cost(&log, 2, 4) == 40);
    qbid_recorded_log_done(&log);
}

static void a_theta_log_without_totals_is_split(void **state)
{
    struct qbid_recorded_log log;
    assert_int_equal(log_read(*state, QBID_RECORDED_THETA, "theta.txt",
                              "0 10 0.1\n0 20 0.2\n1 30 0.3\n0 40 0.4\n", 0.25, &log),
                     0);
    assert_int_equal(log.train_cnt, 1);
    assert_false(log.is_summed_up);
    qbid_recorded_log_done(&log);
}

static void totals_beside_a_theta_log_are_its_train_part(void **state)
{
    struct qbid_recorded_log log;
    file_write(*state, "info.json",
               "{\"x\": [1, {}], \"clk_train\": 3, \"imp_train\": 40, \"cost_train\": 100,\n"
               "\"price_counter_train\": [10, 0, 20, 10]}");
    assert_int_equal(log_read(*state, QBID_RECORDED_THETA, "theta.txt",
                              "0 10 0.1\n0 20 0.2\n1 30 0.3\n", 0.5, &log),
                     0);
    assert_true(log.is_summed_up);
    assert_int_equal(log.cnt - log.train_cnt, 3);
    assert_int_equal(log.auction[log.train_cnt + 2].price, 30);
    assert_true(log.train_all == 40 && log.train_cost == 100 && log.value_mean == 3.0 / 40);
    assert_int_equal(log.price_cnt, QBID_RECORDED_PRICES_MIN);
    double share[4] = {0};
    for (uint32_t i = 0; i < log.train_cnt; i++) {
        assert_in_range(log.auction[i].price, 0, 3);
        assert_true(log.auction[i].value == log.value_mean);
        share[log.auction[i].price] += 1.0 / log.train_cnt;
    }
    assert_true(share[1] == 0 && share[0] > 0.249 && share[0] < 0.251 && share[2] > 0.499 &&
                share[2] < 0.501);
    qbid_recorded_log_done(&log);
    assert_int_equal(unlink(path_of(*state, "info.json")), 0);
}

static void damaged_totals_are_named(void **state)
{
    static const char *const damage[][2] = {
        {"[]", "info.json: not a JSON object"},
        {"{\"clk_train\": 1", "info.json: not a JSON object"},
        {"{\"clk_train\": -1}", "info.json: clk_train is not made of numbers"},
        {"{\"price_counter_train\": [1, \"2\"]}", "info.json: price_counter_train is not made"},
        {"{\"clk_train\": 1, \"cost_train\": 5, \"price_counter_train\": [1]}",
         "info.json: imp_train is missing"},
        {"{\"imp_train\": 9, \"cost_train\": 5, \"price_counter_train\": [1]}",
         "info.json: clk_train is missing"},
        {"{\"imp_train\": 9, \"clk_train\": 5, \"price_counter_train\": [1]}",
         "info.json: cost_train is missing"},
        {"{\"imp_train\": 9, \"clk_train\": 5, \"cost_train\": 5, \"price_counter_train\": [0]}",
         "info.json: price_counter_train is missing"},
    };
    struct folder *folder = *state;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct qbid_recorded_log log;
        file_write(folder, "info.json", damage[i][0]);
        assert_int_equal(
            log_read(folder, QBID_RECORDED_THETA, "theta.txt", "0 10 0.1\n", 0.5, &log),
            QBID_ERR_PARSE);
        if (!strstr(folder->message, damage[i][1]))
            fail_msg("'%s' does not say '%s'", folder->message, damage[i][1]);
    }
    assert_int_equal(unlink(path_of(folder, "info.json")), 0);
}

static void a_damaged_line_is_named_by_file_line_and_field(void **state)
{
    static const struct {
        enum qbid_recorded_format format;
        const char *text, *said;
    } damage[] = {
        {QBID_RECORDED_PCTR, "0 1 0.1 1\n2 1 0.1 1\n", "d.txt:2: click (field 1): '2'"},
        {QBID_RECORDED_PCTR, "0 -1 0.1 1\n", "d.txt:1: price (field 2): '-1'"},
        {QBID_RECORDED_PCTR, "0 1.5 0.1 1\n", "d.txt:1: price (field 2): '1.5'"},
        {QBID_RECORDED_PCTR, "0 100001 0.1 1\n", "d.txt:1: price (field 2): '100001'"},
        {QBID_RECORDED_PCTR, "\n\n0 1 1.1 1\n", "d.txt:3: pctr (field 3): '1.1'"},
        {QBID_RECORDED_PCTR, "0 1 nan 1\n", "d.txt:1: pctr (field 3): 'nan'"},
        {QBID_RECORDED_PCTR, "0 1 0x1p-3 1\n", "d.txt:1: pctr (field 3): '0x1p-3'"},
        {QBID_RECORDED_PCTR, "0 1 0.1 -5\n", "d.txt:1: time (field 4): '-5'"},
        {QBID_RECORDED_PCTR, "0 1 0.1\n", "d.txt:1: 3 fields, but a line has 4"},
        {QBID_RECORDED_THETA, "0 1 0.1\n0 1 2\n", "d.txt:2: theta (field 3): '2'"},
        {QBID_RECORDED_THETA, "0 1 0.1 4\n", "d.txt:1: 4 fields, but a line has 3"},
        {QBID_RECORDED_PCTR, "", "no auction"},
        {QBID_RECORDED_PCTR, "0 1 0.1 1\n", "too few auctions"},
        {QBID_RECORDED_PCTR, "0 0 0.1 1\n0 0 0.1 1\n", "every price of"},
        {QBID_RECORDED_PCTR, "0 5 0 1\n0 5 0 1\n", "every expected click"},
        {QBID_RECORDED_RAW, "a\tb\n", "d.txt:1: a row has 24 columns"},
    };
    struct folder *folder = *state;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct qbid_recorded_log log;
        assert_int_equal(log_read(folder, damage[i].format, "d.txt", damage[i].text, 0.5, &log),
                         QBID_ERR_PARSE);
        if (!strstr(folder->message, damage[i].said))
            fail_msg("'%s' does not say '%s'", folder->message, damage[i].said);
    }
    struct qbid_recorded_landscape l;
    file_write(folder, "d.txt", "5 1\n5 2\n");
    assert_int_equal(
        qbid_recorded_landscape_judge(path_of(folder, "d.txt"), 0.5, &l, folder->message),
        QBID_ERR_PARSE);
    assert_non_null(strstr(folder->message, "d.txt:2: win (field 2): '2'"));
    assert_int_equal(
        qbid_recorded_landscape_judge(path_of(folder, "none"), 0.5, &l, folder->message),
        QBID_ERR_SYS);
    assert_non_null(strstr(folder->message, "none: No such file"));
}

/* One raw row; the second half of the hour is clicked ones. */
static void row_print(FILE *f, int id, int click, const char *timestamp, int price, int floor,
                      const char *domain)
{
    fprintf(
        f,
        "id%d\t%s\t%d\tuser\tMozilla/5.0 (Windows NT 6.1)\t1.2.3.*\t1\t2\t3\t%s\turl\tnull\tslot"
        "\t300\t250\tFirstView\tNa\t%d\t77\t300\t%d\tnull\t2821\tnull\n",
        id, timestamp, click ? 2 : 1, domain, floor, price);
}

static void a_case_control_log_is_known_by_its_clicks(void **state)
{
    struct folder *folder = *state;
    char imp[256], clk[256];
    assert_int_equal(mkdir(path_of(folder, "raw"), 0700), 0);
    strcpy(imp, path_of(folder, "raw/imp.txt"));
    strcpy(clk, path_of(folder, "raw/clk.txt"));
    FILE *f = fopen(imp, "wb");
    assert_non_null(f);
    for (int i = 0; i < 400; i++)
        row_print(f, i, 0, i % 2 ? "20131021120000000" : "20131021120100000", 50, i < 4 ? 80 : 0,
                  i % 3 ? "a" : "b");
    assert_int_equal(fclose(f), 0);
    f = fopen(clk, "wb");
    assert_non_null(f);
    for (int i = 0; i < 4; i++) /* ids 0 and 1 are among the impressions */
        row_print(f, i < 2 ? i : 1000 + i, 1, "20131021120000000", 50, 0, "b");
    for (int i = 0; i < 36; i++)
        row_print(f, 2000 + i, 1, i % 2 ? "20131021120000000" : "20131021120100000", 50, 0, "b");
    assert_int_equal(fclose(f), 0);
    struct qbid_recorded_source source = {QBID_RECORDED_RAW, path_of(folder, "raw")};
    struct qbid_recorded_log log;
    assert_int_equal(qbid_recorded_log_init(&log, &source, 0.5, folder->message), 0);
    assert_int_equal(log.cnt, 438);
    assert_true(log.sampled == 2.0 / 40); /* 2 of 40 clicked ones are among the sample */
    uint32_t cases = 0, clicks = 0, raised = 0;
    double rich = 0, poor = 0;
    for (uint32_t i = 0; i < log.cnt; i++) {
        cases += log.auction[i].is_case;
        clicks += log.auction[i].click;
        raised += log.auction[i].price == 80; /* the floor is above the price paid */
        uint32_t site = qbid_dim_unpack(log.auction[i].context, QBID_DIM_SITE);
        *(strcmp(qbid_dictionary_text(log.dictionary, QBID_DIM_SITE, site), "b") ? &poor : &rich) =
            log.auction[i].value;
        uint32_t hour = qbid_dim_unpack(log.auction[i].context, QBID_DIM_HOUR);
        assert_string_equal(qbid_dictionary_text(log.dictionary, QBID_DIM_HOUR, hour),
                            "12"); /* 21 October 2013 was a Monday */
    }
    assert_int_equal(cases, 38);
    assert_int_equal(clicks, 40);
    assert_int_equal(raised, 4);
    /* some 20 clicks at 67 impressions of b in the train part, none at 133 of a */
    assert_true(rich > 0.15 && rich < 0.5);
    assert_true(poor < 0.05);
    assert_true(qbid_recorded_log_cost(&log, 0, log.cnt) == 396 * 50 + 4 * 80);
    qbid_recorded_log_done(&log);
}

static void a_folder_is_searched_and_formats_are_told_by_content(void **state)
{
    struct folder *folder = *state;
    struct qbid_recorded_sources sources = {0};
    assert_int_equal(mkdir(path_of(folder, "all"), 0700), 0);
    assert_int_equal(mkdir(path_of(folder, "all/deep"), 0700), 0);
    file_write(folder, "all/1.txt", "x\n0 1 0.1 1\n0 1 0.1 1\n"); /* two of three lines tell */
    file_write(folder, "all/2.txt", "0 1 0.1\n");
    file_write(folder, "all/3.txt", "12 1\n");
    file_write(folder, "all/readme.txt", "words about the data\n");
    file_write(folder, "all/empty.txt", "");
    file_write(folder, "all/.hidden", "0 1 0.1 1\n");
    file_write(folder, "all/deep/4.csv", "0 1 0.1 1\n");
    assert_int_equal(qbid_recorded_sources_add(&sources, path_of(folder, "all"), folder->message),
                     0);
    assert_int_equal(sources.cnt, 4);
    assert_int_equal(sources.passed, 2);
    const enum qbid_recorded_format format[] = {QBID_RECORDED_PCTR, QBID_RECORDED_THETA,
                                                QBID_RECORDED_BIDS, QBID_RECORDED_PCTR};
    for (int i = 0; i < 4; i++)
        assert_int_equal(sources.source[i].format, format[i]);
    assert_non_null(strstr(sources.source[3].path, "all/deep/4.csv"));
    assert_int_equal(qbid_recorded_sources_add(&sources, path_of(folder, "raw"), folder->message),
                     0);
    assert_int_equal(sources.cnt, 5); /* both files of the raw log are one */
    assert_int_equal(sources.source[4].format, QBID_RECORDED_RAW);
    assert_int_equal(
        qbid_recorded_sources_add(&sources, path_of(folder, "all/readme.txt"), folder->message),
        QBID_ERR_PARSE);
    assert_non_null(strstr(folder->message, "readme.txt: not a recorded log"));
    assert_int_equal(
        qbid_recorded_sources_add(&sources, path_of(folder, "nowhere"), folder->message),
        QBID_ERR_SYS);
    qbid_recorded_sources_done(&sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pctr_log_is_ordered_by_time_and_split),
        cmocka_unit_test(a_theta_log_without_totals_is_split),
        cmocka_unit_test(totals_beside_a_theta_log_are_its_train_part),
        cmocka_unit_test(damaged_totals_are_named),
        cmocka_unit_test(a_damaged_line_is_named_by_file_line_and_field),
        cmocka_unit_test(a_case_control_log_is_known_by_its_clicks),
        cmocka_unit_test(a_folder_is_searched_and_formats_are_told_by_content),
    };
    return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
