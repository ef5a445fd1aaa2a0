/* SPDX-License-Identifier: Apache-2.0 */
/* The program `qbid allocate`: hand-solved splits, histories of known curves, fronts against a
 * grid, and what it says of files that are wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "tests/control/models/rng.h"
#include "tools/qbid/allocate/csv.h"

#define OUTPUT_MAX (1 << 20)

struct fixture {
    char program[600];
    char file[64];
    char out[OUTPUT_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char self[512] = "";
    if (!f || readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return -1;
    *strrchr(self, '/') = 0;
    *strrchr(self, '/') = 0;
    snprintf(f->program, sizeof f->program, "%s/bin/qbid allocate", self);
    strcpy(f->file, "/tmp/qbid-allocate-XXXXXX");
    int fd = mkstemp(f->file);
    *state = f;
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int err = unlink(f->file);
    free(f);
    return err;
}

static FILE *file_begin(const struct fixture *f)
{
    FILE *file = fopen(f->file, "w");
    assert_non_null(file);
    return file;
}

static void file_set(const struct fixture *f, const char *text)
{
    FILE *file = file_begin(f);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Both outputs together; the exit code. */
static int run(struct fixture *f, const char *args)
{
    char line[1024];
    snprintf(line, sizeof line, "%s %s '%s' 2>&1", f->program, args, f->file);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    f->out[fread(f->out, 1, OUTPUT_MAX - 1, pipe)] = 0;
    return WEXITSTATUS(pclose(pipe));
}

static cJSON *ask(struct fixture *f, const char *args)
{
    char line[512];
    snprintf(line, sizeof line, "--output json %s", args);
    if (run(f, line) != 0)
        fail_msg("%s", f->out);
    char *data = strchr(f->out, '{'); /* behind what stderr says */
    cJSON *answer = data ? cJSON_Parse(data) : NULL;
    assert_non_null(answer);
    return answer;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    if (!cJSON_IsNumber(item))
        fail_msg("%s is no number", name);
    return item->valuedouble;
}

static double inner(const cJSON *object, const char *name, const char *member)
{
    return number(cJSON_GetObjectItem(object, name), member);
}

static const cJSON *campaign(const cJSON *answer, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "campaigns"), i);
}

static void spends_are(const cJSON *answer, const double *spends, int cnt)
{
    double sum = 0;
    for (int i = 0; i < cnt; i++) {
        double spend = number(campaign(answer, i), "recommended");
        assert_true(fabs(spend - spends[i]) < 1.5e-6); /* whole micros */
        sum += spend;
    }
    assert_true(fabs(sum - number(answer, "budget")) < 1e-7);
}

/* --- the split */

static const char own[] = "campaign,curve,scale,shape\na,power,5,0.5\nb,power,3,0.7\nc,,2,0.9\n";

static void splits_solved_by_hand_are_met(void **state)
{
    struct fixture *f = *state;
    file_set(f, own);
    cJSON *answer = ask(f, "--budget 100");
    spends_are(answer, (double[]){4.7215064, 7.4313078, 87.8471859}, 3);
    assert_true(fabs(number(answer, "marginal") - 1.15053470) < 1e-6);
    assert_true(fabs(inner(answer, "value", "mean") - 135.380140) < 1e-5);
    assert_null(cJSON_GetObjectItem(answer, "change")); /* nothing says what is spent now */
    cJSON_Delete(answer);
}

static void a_bound_costs_what_room_beside_it_would_add(void **state)
{
    static const char rows[] = "campaign,platform,scale,shape,max,current\r\n"
                               "a,x,1,0.8,,40\r\n\"b\",x,2,0.8,,30\r\n"
                               "\"c, \"\"the\r\nthird\"\"\",y,3,0.8,%s,30\r\n";
    struct fixture *f = *state;
    char text[256];
    snprintf(text, sizeof text, rows, "60");
    file_set(f, text);
    cJSON *answer = ask(f, "--budget 100");
    spends_are(answer, (double[]){1.2121212, 38.7878788, 60}, 3);
    const cJSON *c = campaign(answer, 2);
    assert_string_equal(cJSON_GetObjectItem(c, "campaign")->valuestring, "c, \"the\r\nthird\"");
    assert_string_equal(cJSON_GetObjectItem(c, "at")->valuestring, "max");
    double value = inner(answer, "value", "mean"), cost = number(c, "bound_cost");
    assert_true(fabs(value - 117.857673) < 1e-5);
    /* 40^0.8 + 2 x 30^0.8 + 3 x 30^0.8 */
    assert_true(fabs(inner(answer, "change", "mean") - (117.857673 - 95.101403)) < 1e-4);
    cJSON_Delete(answer);
    snprintf(text, sizeof text, rows, "60.01");
    file_set(f, text);
    answer = ask(f, "--budget 100");
    assert_true(fabs((inner(answer, "value", "mean") - value) / 0.01 - cost) < 1e-3 * cost);
    cJSON_Delete(answer);
    /* the same as a quota of its platform */
    snprintf(text, sizeof text, rows, "");
    file_set(f, text);
    answer = ask(f, "--budget 100 --platform y=:60");
    spends_are(answer, (double[]){1.2121212, 38.7878788, 60}, 3);
    const cJSON *y = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "platforms"), 1);
    assert_string_equal(cJSON_GetObjectItem(y, "at")->valuestring, "max");
    assert_true(fabs(number(y, "bound_cost") - cost) < 1e-5);
    cJSON_Delete(answer);
}

static void a_week_is_seven_times_a_day(void **state)
{
    struct fixture *f = *state;
    file_set(f,
             "campaign,curve,scale,shape,half\na,power,5,0.5,\nb,hill,300,0.9,80\nc,log,90,,20\n");
    cJSON *day = ask(f, "--budget 120"), *week = ask(f, "--budget 840 --period weekly");
    for (int i = 0; i < 3; i++)
        assert_true(fabs(7 * number(campaign(day, i), "recommended") -
                         number(campaign(week, i), "recommended")) < 1e-5);
    assert_true(fabs(7 * inner(day, "value", "mean") - inner(week, "value", "mean")) < 1e-4);
    assert_true(fabs(number(day, "marginal") - number(week, "marginal")) < 1e-6);
    cJSON_Delete(day);
    cJSON_Delete(week);
}

/* --- histories */

static const double true_scale[] = {2, 6, 3}, true_shape[] = {0.6, 0.7, 0.8};

static double true_value(int i, double spend)
{
    return true_scale[i] * pow(spend, true_shape[i]);
}

/* Days of three campaigns; the third's spend never changes. */
static void history_write(const struct fixture *f, uint64_t seed)
{
    static const double usual[] = {300, 120, 200};
    struct rng r = rng_init(seed);
    FILE *file = file_begin(f);
    fputs("date,campaign,spend,value,reach,note\n", file);
    for (int d = 0; d < 60; d++)
        for (int i = 0; i < 3; i++) {
            double spend = usual[i] * (i < 2 ? 0.5 + rng_uniform(&r) : 1);
            double value = true_value(i, spend) * (1 + 0.05 * rng_normal(&r));
            fprintf(file, "2026-10-%02d,c%d,%.4f,%.4f,%.1f,x\n", d % 30 + 1, i, spend, value,
                    1000 * (i + 1) * log(1 + spend / 100));
        }
    assert_int_equal(fclose(file), 0);
}

static void what_histories_say_is_near_the_truth_and_inside_its_interval(void **state)
{
    struct fixture *f = *state;
    unsigned inside = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        history_write(f, seed);
        cJSON *answer = ask(f, "--budget 620 --max-change 0.4");
        double truth = 0;
        for (int i = 0; i < 3; i++) {
            const cJSON *c = campaign(answer, i), *curve = cJSON_GetObjectItem(c, "curve");
            double now = number(c, "current"), then = number(c, "recommended");
            truth += true_value(i, then) - true_value(i, now);
            assert_true(then <= 1.4 * now + 1e-6 && then >= 0.6 * now - 1e-6);
            assert_true(cJSON_IsTrue(cJSON_GetObjectItem(curve, "varied")) == (i < 2));
            if (i < 2)
                assert_true(fabs(number(curve, "shape") - true_shape[i]) < 0.12);
        }
        inside +=
            truth >= inner(answer, "change", "low") && truth <= inner(answer, "change", "high");
        assert_true(truth > 0 && number(answer, "change_probability") > 0.95);
        cJSON_Delete(answer);
    }
    assert_true(inside >= 3);
    assert_int_equal(run(f, "--budget 620 --max-change 0.4"), 0);
    assert_non_null(strstr(f->out, "not used: note"));
    assert_non_null(strstr(f->out, "the common one serves: c2\n"));
}

/* --- the front */

static void no_point_of_a_front_betters_another(const cJSON *front)
{
    const cJSON *a, *b;
    cJSON_ArrayForEach(a, front) cJSON_ArrayForEach(b, front)
    {
        bool as_good = number(a, "value") >= number(b, "value") &&
                       number(a, "risk") <= number(b, "risk") &&
                       number(a, "reach") >= number(b, "reach");
        assert_true(a == b || !as_good);
    }
}

/* Two campaigns of one curve whose scales are unsure: an equal split is best in value, and the sure
 * one alone in risk. */
static void a_front_keeps_the_bounds_and_trades_value_for_risk(void **state)
{
    struct fixture *f = *state;
    file_set(f, "campaign,scale,shape,scale_sd,min\nsure,5,0.7,0.02,0\nunsure,5,0.7,0.5,10\n");
    cJSON *answer = ask(f, "--budget 100 --front");
    const cJSON *front = cJSON_GetObjectItem(answer, "front"), *point;
    double least = INFINITY, spend_least = INFINITY;
    assert_true(cJSON_GetArraySize(front) >= 10);
    cJSON_ArrayForEach(point, front)
    {
        const cJSON *spends = cJSON_GetObjectItem(point, "spends");
        double unsure = number(spends, "unsure"), sure = number(spends, "sure");
        assert_true(fabs(sure + unsure - 100) < 1e-7 && unsure >= 10);
        least = fmin(least, number(point, "risk"));
        spend_least = fmin(spend_least, unsure);
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(point, "reach")));
    }
    assert_true(spend_least < 12); /* nearly all on the sure one */
    assert_true(least < 0.5 * number(cJSON_GetArrayItem(front, 0), "risk"));
    cJSON_Delete(answer);
    history_write(f, 9);
    answer = ask(f, "--budget 620 --front");
    no_point_of_a_front_betters_another(cJSON_GetObjectItem(answer, "front"));
    char *first = strdup(f->out);
    cJSON_Delete(ask(f, "--budget 620 --front --dry-run"));
    assert_string_equal(f->out, first); /* the same seed */
    free(first);
    cJSON_Delete(answer);
}

/* --- output and errors */

static void csv_out_is_csv_again(void **state)
{
    struct fixture *f = *state;
    struct qbid_csv csv;
    struct qbid_csv_row row;
    char why[QBID_CSV_WHY_MAX];
    int rows = 0, got;
    file_set(f, "campaign,scale,shape\n\"a \"\"b\"\", c\",5,0.5\nplain,3,0.7\n");
    assert_int_equal(run(f, "--budget 10 --output csv"), 0);
    file_set(f, f->out);
    assert_int_equal(qbid_csv_open(f->file, &csv), 0);
    while ((got = qbid_csv_next(&csv, &row, why)) == 1) {
        assert_int_equal(row.cnt, 14);
        if (rows++ == 1)
            assert_string_equal(row.field[0].text, "a \"b\", c");
    }
    assert_int_equal(got, 0);
    assert_int_equal(rows, 3);
    qbid_csv_done(&csv);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    static const struct {
        const char *text, *args, *says;
        int code;
    } cases[] = {
        {"", "--budget 1", "there is no campaign in it", 1},
        {"campaign,scale,shape\n", "--budget 1", "there is no campaign in it", 1},
        {"name,scale\n", "--budget 1", "line 1: the header has no column 'campaign'", 1},
        {"campaign,spend\n", "--budget 1", "needs the columns 'spend' and 'value'", 1},
        {"campaign,scale,scale\n", "--budget 1",
         "line 1, column 16 (scale): the column is there twice", 1},
        {"campaign,scale,shape\na,1\n", "--budget 1", "line 2: 2 fields, the header has 3", 1},
        {"campaign,scale,shape\n,1,0.5\n", "--budget 1", "line 2, column 1 (campaign): is empty",
         1},
        {"campaign,scale,shape\na,nan,0.5\n", "--budget 1",
         "line 2, column 3 (scale): 'nan' is no number", 1},
        {"campaign,scale,shape\na,1,1.5\n", "--budget 1",
         "line 2, column 3 (scale): the curve has a shape", 1},
        {"campaign,scale,shape\na,1,0.5\na,2,0.5\n", "--budget 1", "has a curve already", 1},
        {"campaign,curve,scale,shape\na,tent,1,0.5\n", "--budget 1",
         "'tent' is not power, hill or log", 1},
        {"campaign,scale,shape,min,max\na,1,0.5,9,8\n", "--budget 1",
         "column 11 (max): min is above max", 1},
        {"campaign,scale,shape,max\na,1,0.5,1.2345678\n", "--budget 1",
         "(max): '1.2345678' is no amount", 1},
        {"campaign,spend,value\na,-3,1\n", "--budget 1",
         "line 2, column 3 (spend): '-3' is below 0", 1},
        {"campaign,spend,value\na,0,1\n", "--budget 1", "the history has no spend", 1},
        {"campaign,spend,value\na,3,1\nb,,\n", "--budget 1",
         "line 3: campaign 'b' has neither a history nor a curve", 1},
        {"campaign,platform,spend,value\na,x,3,1\na,y,3,1\n", "--budget 1",
         "is on 'x' in an earlier row", 1},
        {"campaign,scale,shape\n\"a,1,0.5\n", "--budget 1",
         "line 2, column 1: the quote that opens here is never closed", 1},
        {"campaign,scale,shape\n\"a\"b,1,0.5\n", "--budget 1",
         "line 2, column 4: a comma or the end", 1},
        {"campaign,scale,shape\na\"b,1,0.5\n", "--budget 1", "line 2, column 2: a quote inside", 1},
        {"campaign,scale,shape,max\na,1,0.5,10\n", "--budget 11", "max of campaign 'a' is 10.00",
         1},
        {"campaign,scale,shape,min\na,1,0.5,10\n", "--budget 9", "min of campaign 'a' is 10.00", 1},
        {"campaign,platform,scale,shape,min\na,x,1,0.5,10\nb,y,1,0.5,\n",
         "--budget 20 --platform x=:5", "platform 'x': the least spends of its campaigns", 1},
        {"campaign,scale,shape\na,1,0.5\n", "--budget 1 --platform x=1:2", "no platform 'x'", 2},
        {"campaign,scale,shape\na,1,0.5\n", "--budget 1 --max-change 0.1", "no current spend", 1},
        {"campaign,scale,shape\na,1,0.5\n", "--budget 1 --output xml",
         "--output is json, csv or table", 2},
        {"campaign,scale,shape\na,1,0.5\n", "--budget x", "--budget: 'x' is not an amount", 2},
        {"campaign,scale,shape\na,1,0.5\n", "", "--budget is needed", 2},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file_set(f, cases[i].text);
        int code = run(f, cases[i].args);
        if (code != cases[i].code || !strstr(f->out, cases[i].says))
            fail_msg("case %zu: %d, not %d '%s': %s", i, code, cases[i].code, cases[i].says,
                     f->out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_solved_by_hand_are_met),
        cmocka_unit_test(a_bound_costs_what_room_beside_it_would_add),
        cmocka_unit_test(a_week_is_seven_times_a_day),
        cmocka_unit_test(what_histories_say_is_near_the_truth_and_inside_its_interval),
        cmocka_unit_test(a_front_keeps_the_bounds_and_trades_value_for_risk),
        cmocka_unit_test(csv_out_is_csv_again),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
