/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim recorded` as it is called: logs of every format made here, its report read by cJSON. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "tests/control/models/rng.h"
#include "tools/sim/command.h"

#define TEXT_BYTES (1 << 18)

struct site {
    char path[64];
    char text[TEXT_BYTES];
};

/* What the program says on standard output, and with `both` on standard error; its exit code. */
static int say(struct site *site, int both, const char *arguments)
{
    char self[2048], line[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(line, sizeof line, "cd '%s' && '%s/../bin/qbid-sim' recorded %s 2>%s", site->path,
             dirname(self), arguments, both ? "&1" : "errors");
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(site->text, 1, TEXT_BYTES - 1, f);
    site->text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static FILE *open_file(const struct site *site, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", site->path, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    return f;
}

struct auction {
    double value;
    int price, click;
};

static struct auction auction_draw(struct rng *r)
{
    double quality = rng_normal(r);
    struct auction a = {fmin(0.01 * exp(0.8 * quality), 1),
                        (int)fmin(40 * exp(0.3 * quality + 0.7 * rng_normal(r)), 300), 0};
    a.click = rng_uniform(r) < a.value;
    return a;
}

static void raw_write(struct site *site, struct rng *r)
{
    static const char *const site_name[] = {"poor.example", "plain.example", "rich.example"};
    FILE *f = open_file(site, "data/raw/train.log.txt");
    for (int i = 0; i < 3000; i++) {
        uint32_t kind = rng_below(r, 3);
        int click = rng_uniform(r) < 0.01 * (double)(1 << (2 * kind));
        fprintf(f,
                "%d\t0\t1\tid%d\t201310211200%02d000\t1\tu\twindows_chrome\t1.2.3.*\t1\t2\t3\t%s\t"
                "url\tnull\tslot\t300\t250\tFirstView\tNa\t0\t77\t300\t%d\tnull\t2821\tnull\n",
                click, i, i / 60, site_name[kind], (int)fmin(40 * exp(0.7 * rng_normal(r)), 300));
    }
    assert_int_equal(fclose(f), 0);
}

static int site_setup(void **state)
{
    static struct site site;
    struct rng r = rng_init(1);
    char line[256];
    strcpy(site.path, "/tmp/qbid-recorded-XXXXXX");
    *state = &site;
    if (!mkdtemp(site.path))
        return -1;
    snprintf(line, sizeof line, "mkdir -p '%s/data/raw' '%s/data/theta' '%s/bad'", site.path,
             site.path, site.path);
    assert_int_equal(system(line), 0);
    FILE *f = open_file(&site, "data/1.test.txt");
    for (int i = 0; i < 4000; i++) {
        struct auction a = auction_draw(&r);
        fprintf(f, "%d\t%d\t%.6f\t%d\n", a.click, a.price, a.value, i / 100);
    }
    assert_int_equal(fclose(f), 0);
    int prices[301] = {0}, clicks = 0, cost = 0;
    for (int i = 0; i < 20000; i++) {
        struct auction a = auction_draw(&r);
        prices[a.price]++;
        clicks += a.click;
        cost += a.price;
    }
    f = open_file(&site, "data/theta/info.json");
    fprintf(f, "{\"clk_train\": %d, \"imp_train\": 20000, \"cost_train\": %d, ", clicks, cost);
    fprintf(f, "\"price_counter_train\": [%d", prices[0]);
    for (int p = 1; p <= 300; p++)
        fprintf(f, ", %d", prices[p]);
    fprintf(f, "]}\n");
    assert_int_equal(fclose(f), 0);
    f = open_file(&site, "data/theta/test.theta.txt");
    for (int i = 0; i < 3000; i++) {
        struct auction a = auction_draw(&r);
        fprintf(f, "%d %d %.9f\n", a.click, a.price, a.value);
    }
    assert_int_equal(fclose(f), 0);
    f = open_file(&site, "data/2.train_bid.txt");
    for (int i = 0; i < 20000; i++) {
        int bid = (int)rng_below(&r, 200), price = auction_draw(&r).price;
        fprintf(f, "%d %d\n", bid, bid >= price);
    }
    assert_int_equal(fclose(f), 0);
    f = open_file(&site, "data/notes.md");
    fputs("nothing to replay\n", f);
    assert_int_equal(fclose(f), 0);
    f = open_file(&site, "bad/1.test.txt");
    fputs("0 5 0.1 1\n0 5 0.1 1\n0 5 high 1\n", f);
    assert_int_equal(fclose(f), 0);
    raw_write(&site, &r);
    return 0;
}

static int site_teardown(void **state)
{
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", ((struct site *)*state)->path);
    return system(line);
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static const cJSON *strategy(const cJSON *budget, const char *name)
{
    const cJSON *s;
    cJSON_ArrayForEach(s, cJSON_GetObjectItemCaseSensitive(budget, "strategies"))
    {
        const cJSON *is = cJSON_GetObjectItemCaseSensitive(s, "name");
        if (strcmp(is->valuestring, name) == 0)
            return s;
    }
    fail_msg("no strategy %s", name);
    return NULL;
}

static void budget_check(const cJSON *log, const cJSON *budget, double fraction)
{
    double cost = number(cJSON_GetObjectItemCaseSensitive(log, "test"), "cost");
    double most = number(strategy(budget, "hindsight"), "expected"), best = 0;
    static const char *const other[] = {"constant", "lin", "ortb1", "ortb2", "rlb"};
    assert_true(fabs(number(budget, "budget") - fraction * cost) < 1e-6 * cost);
    for (int i = 0; i < 5; i++)
        best = fmax(best, number(strategy(budget, other[i]), "expected"));
    const cJSON *s;
    cJSON_ArrayForEach(s, cJSON_GetObjectItemCaseSensitive(budget, "strategies"))
    {
        assert_true(number(s, "cost") <= fraction * cost + 1e-6);
        assert_true(number(s, "expected") <= most + 0.05);
    }
    double ours = number(strategy(budget, "ours"), "expected");
    const cJSON *gain = cJSON_GetObjectItemCaseSensitive(budget, "expected");
    assert_true(fabs(number(gain, "gain") - ours / best) < 1e-6);
    assert_true(ours > 0.95 * most); /* one steady market */
}

static void every_format_is_replayed_and_reported(void **state)
{
    struct site *site = *state;
    assert_int_equal(say(site, 0,
                         "--data data --budgets 1/32,1/16 --output json --plot p.svg "
                         "--check"),
                     QBID_SIM_OK);
    cJSON *report = cJSON_Parse(site->text);
    assert_non_null(report);
    const cJSON *logs = cJSON_GetObjectItemCaseSensitive(report, "logs"), *log;
    assert_int_equal(cJSON_GetArraySize(logs), 3);
    cJSON_ArrayForEach(log, logs)
    {
        const cJSON *budgets = cJSON_GetObjectItemCaseSensitive(log, "budgets");
        assert_int_equal(cJSON_GetArraySize(budgets), 2);
        budget_check(log, cJSON_GetArrayItem(budgets, 0), 0.03125);
        budget_check(log, cJSON_GetArrayItem(budgets, 1), 0.0625);
    }
    assert_int_equal(number(report, "lost"), 0);
    const cJSON *l = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(report, "landscapes"), 0);
    assert_int_equal(number(l, "train") + number(l, "test"), 20000);
    assert_true(number(l, "loss") < number(l, "loss_constant"));
    assert_true(number(l, "loss") < number(l, "loss_hindsight") + 0.01);
    assert_true(number(l, "calibration") < 0.03);
    cJSON_Delete(report);
}

static void values_of_a_raw_log_come_from_its_contexts(void **state)
{
    struct site *site = *state;
    assert_int_equal(say(site, 0, "--data data/raw --budgets 1/8 --output json"), QBID_SIM_OK);
    cJSON *report = cJSON_Parse(site->text);
    assert_non_null(report);
    const cJSON *log = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(report, "logs"), 0);
    const cJSON *budget = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(log, "budgets"), 0);
    /* sites of 1, 4 and 16 %: much more than a constant bid wins, expected and in clicks */
    double ours = number(strategy(budget, "ours"), "expected");
    assert_true(ours > 1.3 * number(strategy(budget, "constant"), "expected"));
    assert_true(number(strategy(budget, "ours"), "clicks") >
                1.2 * number(strategy(budget, "constant"), "clicks"));
    cJSON_Delete(report);
}

static void the_plot_has_a_line_for_each_strategy_and_log(void **state)
{
    struct site *site = *state;
    char line[256];
    snprintf(line, sizeof line, "cat '%s/p.svg'", site->path);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(site->text, 1, TEXT_BYTES - 1, f), lines = 0;
    site->text[n] = '\0';
    assert_int_equal(pclose(f), 0);
    for (const char *at = site->text; (at = strstr(at, "<polyline")) != NULL; at++)
        lines++;
    assert_int_equal(lines, 3 * 6);
    assert_true(strncmp(site->text, "<svg xmlns=", 11) == 0);
    assert_string_equal(site->text + n - 7, "</svg>\n");
}

static void the_table_names_logs_budgets_and_strategies(void **state)
{
    struct site *site = *state;
    assert_int_equal(say(site, 1, "--data data/1.test.txt --budgets 1/8 --episode 200"),
                     QBID_SIM_OK);
    static const char *const words[] = {"data/1.test.txt (pctr): trained on 2000",
                                        "1/8     expected", "hindsight",
                                        "beyond the interval: 0\n"};
    for (int i = 0; i < 4; i++)
        if (!strstr(site->text, words[i]))
            fail_msg("'%s' is not in:\n%s", words[i], site->text);
}

static void wrong_calls_and_files_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *arguments, *said;
        int code;
    } wrong[] = {
        {"", "--data is needed", QBID_SIM_USAGE},
        {"--data data --budgets 3/2", "'3/2' does not begin with a fraction", QBID_SIM_USAGE},
        {"--data data --budgets 1/2x", "a comma is wanted before 'x'", QBID_SIM_USAGE},
        {"--data data --train 1.5", "--train: '1.5' is not a number from 0.01", QBID_SIM_USAGE},
        {"--data data --episode none", "--episode: 'none' is not", QBID_SIM_USAGE},
        {"--data data --output xml", "'xml' is neither text nor json", QBID_SIM_USAGE},
        {"--data nowhere", "nowhere: No such file", QBID_SIM_FAILED},
        {"--data data/notes.md", "notes.md: not a recorded log", QBID_SIM_FAILED},
        {"--data bad", "bad/1.test.txt:3: pctr (field 3): 'high'", QBID_SIM_FAILED},
        {"--data data/2.train_bid.txt --plot /none/p.svg", "/none/p.svg: No such", QBID_SIM_FAILED},
    };
    struct site *site = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int code = say(site, 1, wrong[i].arguments);
        if (code != wrong[i].code || !strstr(site->text, wrong[i].said))
            fail_msg("%s: exit code %d and '%s'", wrong[i].arguments, code, site->text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_replayed_and_reported),
        cmocka_unit_test(values_of_a_raw_log_come_from_its_contexts),
        cmocka_unit_test(the_plot_has_a_line_for_each_strategy_and_log),
        cmocka_unit_test(the_table_names_logs_budgets_and_strategies),
        cmocka_unit_test(wrong_calls_and_files_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, site_setup, site_teardown);
}
