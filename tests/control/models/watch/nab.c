/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/control/models/watch/nab.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#define TIME_LEN 19 /* 2014-04-10 07:15:00 */
#define LEARN_SHARE 0.15
#define LEARN_MOST 750
#define LINES_MAX 32768

const struct nab_profile nab_profiles[3] = {
    {"standard", 1, 1, 0.11}, {"low FP", 1, 1, 0.22}, {"low FN", 1, 2, 0.11}};

static char *text_read(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    size_t room = 4 << 20;
    char *text = malloc(room);
    assert_non_null(text);
    size_t cnt = fread(text, 1, room - 1, f);
    text[cnt] = 0;
    fclose(f);
    return text;
}

/* Column `at` of each line but the first as a number; times if asked for. */
static uint32_t column_read(const char *path, int at, double *ret, char (*ret_time)[TIME_LEN + 1])
{
    char line[512];
    uint32_t cnt = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        const char *from = line;
        for (int i = 0; i < at; i++)
            from = strchr(from, ',') + 1;
        assert_true(cnt < LINES_MAX);
        if (ret_time)
            (void)snprintf(ret_time[cnt], TIME_LEN + 1, "%.*s", TIME_LEN, line);
        ret[cnt++] = strtod(from, NULL);
    }
    fclose(f);
    return cnt;
}

static uint32_t time_find(char (*time)[TIME_LEN + 1], uint32_t cnt, const char *wanted)
{
    for (uint32_t i = 0; i < cnt; i++) {
        if (strncmp(time[i], wanted, TIME_LEN) == 0)
            return i;
    }
    fail_msg("no line of %s", wanted);
    return 0;
}

static void file_read(struct nab_file *file, const cJSON *windows)
{
    static char time[LINES_MAX][TIME_LEN + 1];
    static double value[LINES_MAX];
    char path[256];
    (void)snprintf(file->name, sizeof file->name, "%s", windows->string);
    (void)snprintf(path, sizeof path, NAB_FOLDER "data/%s", file->name);
    file->cnt = column_read(path, 1, value, time);
    file->learn = (uint32_t)fmin(floor(LEARN_SHARE * file->cnt), LEARN_MOST);
    file->value = malloc(file->cnt * sizeof *value);
    file->score = calloc(file->cnt, sizeof *value);
    assert_true(file->value && file->score);
    memcpy(file->value, value, file->cnt * sizeof *value);
    const cJSON *window;
    cJSON_ArrayForEach(window, windows)
    {
        uint32_t w = file->window_cnt++;
        assert_true(w < NAB_WINDOWS_MAX);
        file->from[w] = time_find(time, file->cnt, cJSON_GetArrayItem(window, 0)->valuestring);
        file->to[w] = time_find(time, file->cnt, cJSON_GetArrayItem(window, 1)->valuestring);
    }
}

struct nab *nab_open(void)
{
    char *text = text_read(NAB_FOLDER "labels/combined_windows.json");
    if (!text)
        return NULL;
    cJSON *all = cJSON_Parse(text);
    struct nab *nab = calloc(1, sizeof *nab);
    assert_true(all && nab);
    const cJSON *windows;
    cJSON_ArrayForEach(windows, all)
    {
        assert_true(nab->file_cnt < NAB_FILES_MAX);
        struct nab_file *file = &nab->file[nab->file_cnt++];
        file_read(file, windows);
        nab->window_cnt += file->window_cnt;
    }
    cJSON_Delete(all);
    free(text);
    return nab;
}

void nab_close(struct nab *nab)
{
    for (uint32_t i = 0; i < nab->file_cnt; i++) {
        free(nab->file[i].value);
        free(nab->file[i].score);
    }
    free(nab);
}

void nab_read_scores(struct nab *nab, const char *detector)
{
    for (uint32_t i = 0; i < nab->file_cnt; i++) {
        struct nab_file *file = &nab->file[i];
        const char *base = strchr(file->name, '/');
        char path[320];
        (void)snprintf(path, sizeof path, NAB_FOLDER "results/%s/%.*s/%s_%s", detector,
                       (int)(base - file->name), file->name, detector, base + 1);
        static double score[LINES_MAX];
        assert_int_equal(column_read(path, 2, score, NULL), file->cnt);
        memcpy(file->score, score, file->cnt * sizeof *score);
    }
}

/* --- the score */

struct point {
    double score, worth;
    int32_t window; /* of the corpus; -1 = outside all */
};

/* 1 at the left end of a window, 0 at its right end, towards -1 behind it. */
static double worth_at(double place)
{
    return place > 3 ? -1 : 2 / (1 + exp(5 * place)) - 1;
}

static struct point *file_points(const struct nab_file *file, const struct nab_profile *profile,
                                 int32_t first_window, struct point *point)
{
    uint32_t w = 0;
    for (uint32_t i = 0; i < file->cnt; i++) {
        bool within = w < file->window_cnt && i >= file->from[w];
        double worth = -profile->false_alarm;
        if (within) {
            double width = file->to[w] - file->from[w] + 1.0;
            worth = profile->hit * worth_at((i - (file->to[w] + 1.0)) / width) / worth_at(-1);
        } else if (w > 0) {
            double width = file->to[w - 1] - file->from[w - 1];
            worth = profile->false_alarm * worth_at((i - (double)file->to[w - 1]) / width);
        }
        if (i >= file->learn)
            *point++ = (struct point){file->score[i], worth, within ? first_window + (int)w : -1};
        if (within && i == file->to[w])
            w++;
    }
    return point;
}

static int by_score(const void *a, const void *b)
{
    double x = ((const struct point *)a)->score, y = ((const struct point *)b)->score;
    return (x < y) - (x > y);
}

double nab_score(const struct nab *nab, const struct nab_profile *profile, double *ret_threshold)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < nab->file_cnt; i++)
        cnt += nab->file[i].cnt;
    struct point *points = malloc(cnt * sizeof *points), *end = points;
    double *window = malloc(nab->window_cnt * sizeof *window);
    assert_true(points && window);
    int32_t first = 0;
    for (uint32_t i = 0; i < nab->file_cnt; i++) {
        end = file_points(&nab->file[i], profile, first, end);
        first += (int32_t)nab->file[i].window_cnt;
    }
    qsort(points, (size_t)(end - points), sizeof *points, by_score);
    double silent = -profile->miss * nab->window_cnt, sum = silent, best = silent;
    for (uint32_t w = 0; w < nab->window_cnt; w++)
        window[w] = -profile->miss;
    for (const struct point *p = points; p < end && p->score > 0;) {
        double threshold = p->score;
        for (; p < end && !(p->score < threshold); p++) {
            double gain = p->window < 0 ? p->worth : fmax(p->worth - window[p->window], 0);
            if (p->window >= 0)
                window[p->window] += gain;
            sum += gain;
        }
        if (sum > best) {
            best = sum;
            *ret_threshold = threshold;
        }
    }
    free(points);
    free(window);
    return 100 * (best - silent) / (profile->hit * nab->window_cnt - silent);
}
