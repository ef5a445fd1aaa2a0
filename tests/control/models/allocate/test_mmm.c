/* SPDX-License-Identifier: Apache-2.0 */
/* Open marketing-mix series (Robyn's and Meridian's simulated weeks): fitted on the first four
 * fifths, judged on the rest, and the same money split anew with intervals. Skipped when they are
 * not there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/allocate/allocation.h"
#include "control/models/allocate/fit.h"

#define WEEKS_MAX 256
#define FIELDS_MAX 24
#define CHANNELS 5
#define COLUMNS_MAX 16
#define HELD_OUT 5 /* one week in so many, the last ones */
#define DRAWS 200

static const char *const folder = "../shared/data/mmm/";

struct table {
    char names[FIELDS_MAX][48];
    double cell[WEEKS_MAX][FIELDS_MAX];
    int fields, weeks;
};

/* Numbers by column; a text is 0. */
static int table_read(struct table *t, const char *name)
{
    char path[256], line[2048];
    snprintf(path, sizeof path, "%s%s", folder, name);
    FILE *file = fopen(path, "r");
    memset(t, 0, sizeof *t);
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        return -1;
    for (char *at = strtok(line, ",\"\n"); at; at = strtok(NULL, ",\"\n"))
        snprintf(t->names[t->fields++], sizeof t->names[0], "%s", at);
    while (t->weeks < WEEKS_MAX && fgets(line, sizeof line, file)) {
        int field = 0;
        for (char *at = strtok(line, ",\"\n"); at; at = strtok(NULL, ",\"\n"))
            t->cell[t->weeks][field++] = strtod(at, NULL);
        assert_int_equal(field, t->fields);
        t->weeks++;
    }
    fclose(file);
    return 0;
}

static int field_of(const struct table *t, const char *name)
{
    for (int f = 0; f < t->fields; f++)
        if (strcmp(t->names[f], name) == 0)
            return f;
    fail_msg("no column %s", name);
    return -1;
}

struct mix {
    const char *file, *name;
    const char *value, *times; /* times NULL = 1 */
    const char *spend[CHANNELS];
    const char *controls[5];
    double most; /* held-out error, of that without media */
};

static double spend[CHANNELS][WEEKS_MAX], value[WEEKS_MAX], columns[WEEKS_MAX * COLUMNS_MAX];
static double mean_spend[CHANNELS];
static struct qbid_fit_channel channels[CHANNELS];
static struct qbid_fit_input input;

static double mean_of(const double *x, int cnt)
{
    double sum = 0;
    for (int i = 0; i < cnt; i++)
        sum += x[i] / cnt;
    return sum;
}

/* Base, trend, two waves a year, controls in units of their spread. */
static int columns_fill(const struct table *t, const struct mix *mix, int train)
{
    int cnt = 6;
    for (int i = 0; i < 5 && mix->controls[i]; i++)
        cnt++;
    for (int w = 0; w < t->weeks; w++) {
        double *row = columns + w * cnt, angle = 2 * M_PI * w / 52.18;
        row[0] = 1, row[1] = (double)w / train - 0.5;
        row[2] = sin(angle), row[3] = cos(angle), row[4] = sin(2 * angle), row[5] = cos(2 * angle);
    }
    for (int i = 0; 6 + i < cnt; i++) {
        int f = field_of(t, mix->controls[i]);
        double mean = 0, square = 0;
        for (int w = 0; w < train; w++)
            mean += t->cell[w][f] / train;
        for (int w = 0; w < train; w++)
            square += (t->cell[w][f] - mean) * (t->cell[w][f] - mean) / train;
        for (int w = 0; w < t->weeks; w++)
            columns[w * cnt + 6 + i] = (t->cell[w][f] - mean) / sqrt(square);
    }
    return cnt;
}

static int input_fill(const struct table *t, const struct mix *mix, enum qbid_curve_kind kind)
{
    int train = t->weeks - t->weeks / HELD_OUT;
    for (int w = 0; w < t->weeks; w++) {
        value[w] = t->cell[w][field_of(t, mix->value)];
        value[w] *= mix->times ? t->cell[w][field_of(t, mix->times)] : 1;
        for (int c = 0; c < CHANNELS; c++)
            spend[c][w] = t->cell[w][field_of(t, mix->spend[c])];
    }
    double level = mean_of(value, train);
    for (int c = 0; c < CHANNELS; c++) {
        mean_spend[c] = mean_of(spend[c], train);
        channels[c] = (struct qbid_fit_channel){
            .spend = spend[c], .before = spend[c][0], .unit = mean_spend[c], .kind = kind};
        qbid_fit_priors(kind, log(0.03 * level), 1.5, channels[c].prior);
        channels[c].prior[QBID_FIT_ADSTOCK] = (struct qbid_fit_prior){0.3, 0.25};
    }
    input = (struct qbid_fit_input){.value = value,
                                    .cnt = (uint32_t)train,
                                    .channels = channels,
                                    .channel_cnt = CHANNELS,
                                    .columns = columns,
                                    .column_sd = level};
    input.column_cnt = (uint32_t)columns_fill(t, mix, train);
    return train;
}

/* Mean absolute error over the held-out weeks, of their mean value. */
static double held_out_error(const struct qbid_fit *fit, int train, int weeks)
{
    double predicted[WEEKS_MAX], error = 0, sum = 0;
    struct qbid_fit_input all = input;
    all.cnt = (uint32_t)weeks;
    qbid_fit_predict(fit, &all, predicted);
    for (int w = train; w < weeks; w++) {
        error += fabs(predicted[w] - value[w]);
        sum += value[w];
    }
    return error / sum;
}

/* The same without media: spends of nothing. */
static double error_without_media(int train, int weeks)
{
    static const double none[WEEKS_MAX];
    struct qbid_fit_input bare = input;
    struct qbid_fit_channel channel = channels[0];
    struct qbid_fit fit;
    char why[QBID_FIT_WHY_MAX];
    channel.spend = none;
    channel.before = 0;
    bare.channels = &channel;
    bare.channel_cnt = 1;
    assert_int_equal(qbid_fit_new(&bare, &fit, why), 0);
    struct qbid_fit_input kept = input;
    input = bare;
    double error = held_out_error(&fit, train, weeks);
    input = kept;
    qbid_fit_done(&fit);
    return error;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct split {
    double spend[CHANNELS], gain; /* value a week over that of the mean spends */
};

static double gain_of(const struct qbid_curve *curves, const double *split)
{
    double gain = 0;
    for (int c = 0; c < CHANNELS; c++)
        gain +=
            qbid_curve_value(&curves[c], split[c]) - qbid_curve_value(&curves[c], mean_spend[c]);
    return gain;
}

/* The mean week's money split by some curves, no channel beyond half to twice its mean. */
static struct split split_by(const struct qbid_curve *curves)
{
    struct qbid_allocation_item items[CHANNELS] = {0};
    struct qbid_allocation a = {.items = items, .item_cnt = CHANNELS};
    char why[QBID_ALLOCATION_WHY_MAX] = "";
    struct split split = {.gain = 0};
    for (int c = 0; c < CHANNELS; c++) {
        items[c] = (struct qbid_allocation_item){.curve = curves[c],
                                                 .least_micros = (int64_t)(0.5e6 * mean_spend[c]),
                                                 .most_micros = (int64_t)(2e6 * mean_spend[c])};
        a.budget_micros += (int64_t)(1e6 * mean_spend[c]);
    }
    assert_int_equal(qbid_allocate(&a, why), 0);
    for (int c = 0; c < CHANNELS; c++)
        split.spend[c] = items[c].spend;
    split.gain = gain_of(curves, split.spend);
    return split;
}

static void split_show(const struct qbid_fit *fit, const struct mix *mix)
{
    static double drawn[CHANNELS + 1][DRAWS];
    struct qbid_random random = qbid_random_init(1);
    struct qbid_curve curves[CHANNELS];
    double scratch[64];
    assert_true(fit->dims <= 64);
    for (int c = 0; c < CHANNELS; c++)
        curves[c] = qbid_fit_curve(fit, (uint32_t)c);
    struct split best = split_by(curves);
    for (int d = 0; d < DRAWS; d++) {
        qbid_fit_draw(fit, &random, scratch, curves);
        struct split split = split_by(curves);
        for (int c = 0; c < CHANNELS; c++)
            drawn[c][d] = split.spend[c];
        drawn[CHANNELS][d] = gain_of(curves, best.spend); /* of what would be done */
    }
    for (int c = 0; c <= CHANNELS; c++)
        qsort(drawn[c], DRAWS, sizeof(double), by_size);
    for (int c = 0; c < CHANNELS; c++) {
        const struct qbid_fit_param_estimate *adstock = &fit->estimate[c][QBID_FIT_ADSTOCK];
        print_message(
            "mmm: %s, %s: spend %.0f a week, allocated %.0f (90 %% %.0f to %.0f), adstock "
            "%.2f +- %.2f%s\n",
            mix->name, mix->spend[c], mean_spend[c], best.spend[c], drawn[c][DRAWS / 20],
            drawn[c][DRAWS - 1 - DRAWS / 20], adstock->mean, adstock->sd,
            fit->varied[c] ? "" : ", shape is the prior's");
        assert_true(drawn[c][0] >= 0.499 * mean_spend[c]);
    }
    double low = drawn[CHANNELS][DRAWS / 20], high = drawn[CHANNELS][DRAWS - 1 - DRAWS / 20];
    print_message("mmm: %s, gain of the allocation %.0f a week (90 %% %.0f to %.0f)\n", mix->name,
                  best.gain, low, high);
    assert_true(best.gain > 0 && low < best.gain && best.gain < high);
}

static void mix_judge(const struct mix *mix)
{
    static const char *const kinds[] = {"power law", "Hill", "log"};
    static struct table t;
    if (table_read(&t, mix->file)) {
        print_message("skipped: %s%s is not there\n", folder, mix->file);
        skip();
    }
    for (int kind = 0; kind < QBID_CURVE_KIND_CNT; kind++) {
        struct qbid_fit fit;
        char why[QBID_FIT_WHY_MAX];
        int train = input_fill(&t, mix, (enum qbid_curve_kind)kind);
        assert_int_equal(qbid_fit_new(&input, &fit, why), 0);
        double error = held_out_error(&fit, train, t.weeks);
        double bare = error_without_media(train, t.weeks);
        print_message(
            "mmm: %s, %s: held-out error %.4f of value, without media %.4f, %d + %d weeks\n",
            mix->name, kinds[kind], error, bare, train, t.weeks - train);
        assert_true(error < mix->most * bare);
        if (kind == QBID_CURVE_POWER)
            split_show(&fit, mix);
        qbid_fit_done(&fit);
    }
}

static void robyn(void **state)
{
    (void)state;
    static const struct mix mix = {"robyn_dt_simulated_weekly.csv",
                                   "Robyn",
                                   "revenue",
                                   NULL,
                                   {"tv_S", "ooh_S", "print_S", "facebook_S", "search_S"},
                                   {"competitor_sales_B", "newsletter", NULL, NULL, NULL},
                                   1};
    mix_judge(&mix);
}

static void meridian(void **state)
{
    (void)state;
    static const struct mix mix = {
        "meridian_national_all_channels.csv",
        "Meridian",
        "conversions",
        "revenue_per_conversion",
        {"Channel0_spend", "Channel1_spend", "Channel2_spend", "Channel3_spend", "Channel4_spend"},
        {"competitor_sales_control", "sentiment_score_control", "Promo",
         "Organic_channel0_impression", NULL},
        1.2 /* media move little there: weeks of noise decide */};
    mix_judge(&mix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(robyn),
        cmocka_unit_test(meridian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
