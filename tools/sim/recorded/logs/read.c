/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of logs with expected clicks, and of the totals beside them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/replay/source/log_folder.h"
#include "tools/replay/text/json.h"
#include "tools/sim/recorded/logs/log.h"
#include "tools/sim/recorded/logs/text.h"

#define TIME_MAX 1e18

static int line_read(struct qbid_recorded_log *log, const struct qbid_recorded_text *text,
                     int has_time, char *message)
{
    struct qbid_recorded_auction a = {0};
    int64_t click = 0, price = 0;
    double time = 0;
    int err = qbid_recorded_text_fields(
        text, has_time ? 4 : 3, has_time ? "click price pctr time" : "click price theta", message);
    if (!err)
        err = qbid_recorded_text_whole(text, 0, "click", 0, 1, &click, message);
    if (!err)
        err =
            qbid_recorded_text_whole(text, 1, "price", 0, QBID_RECORDED_PRICE_MAX, &price, message);
    if (!err)
        err = qbid_recorded_text_number(text, 2, has_time ? "pctr" : "theta", 0, 1, &a.value,
                                        message);
    if (!err && has_time)
        err = qbid_recorded_text_number(text, 3, "time", 0, TIME_MAX, &time, message);
    if (err)
        return err;
    a.click = (uint8_t)click;
    a.price = (int32_t)price;
    a.time = (int64_t)time;
    return qbid_recorded_log_add(log, a);
}

static int lines_read(struct qbid_recorded_log *log, int has_time, char *message)
{
    struct qbid_recorded_text text;
    int err = qbid_recorded_text_init(&text, log->path, message);
    while (!err && qbid_recorded_text_next(&text))
        err = line_read(log, &text, has_time, message);
    qbid_recorded_text_done(&text);
    return err;
}

int qbid_recorded_read_pctr(struct qbid_recorded_log *log, char *message)
{
    return lines_read(log, 1, message);
}

int qbid_recorded_read_theta(struct qbid_recorded_log *log, char *message)
{
    return lines_read(log, 0, message);
}

/* --- info.json: {"clk_train": n, "imp_train": n, "cost_train": n, "price_counter_train": [...]} */

struct info {
    double clicks, impressions, cost;
    double *prices;
    uint32_t price_cnt;
};

static int number_read(struct qbid_replay_json *json, double *ret_number)
{
    struct qbid_replay_span span;
    char copy[64];
    if (qbid_replay_json_number(json, &span) != 0 || span.len >= sizeof copy)
        return QBID_ERR_PARSE;
    memcpy(copy, span.at, span.len);
    copy[span.len] = '\0';
    *ret_number = strtod(copy, NULL);
    return *ret_number >= 0 && isfinite(*ret_number) ? 0 : QBID_ERR_PARSE;
}

static int prices_read(struct qbid_replay_json *json, struct info *info)
{
    bool first = true;
    int more = 0, err = qbid_replay_json_enter(json, '[');
    free(info->prices); /* a repeated key */
    info->price_cnt = 0;
    info->prices = calloc(QBID_RECORDED_PRICE_MAX + 1, sizeof *info->prices);
    if (!info->prices)
        return QBID_ERR_NOMEM;
    while (!err && (more = qbid_replay_json_item(json, &first)) == 1)
        err = info->price_cnt <= QBID_RECORDED_PRICE_MAX
                  ? number_read(json, &info->prices[info->price_cnt++])
                  : QBID_ERR_LIMIT;
    return err ? err : more;
}

static int member_read(struct qbid_replay_json *json, struct qbid_replay_span key,
                       struct info *info, const char **ret_field)
{
    static const char *const name[] = {"clk_train", "imp_train", "cost_train"};
    double *number[] = {&info->clicks, &info->impressions, &info->cost};
    for (int i = 0; i < 3; i++) {
        if (key.len == strlen(name[i]) && memcmp(key.at, name[i], key.len) == 0) {
            *ret_field = name[i];
            return number_read(json, number[i]);
        }
    }
    if (key.len == strlen("price_counter_train") &&
        memcmp(key.at, "price_counter_train", key.len) == 0) {
        *ret_field = "price_counter_train";
        return prices_read(json, info);
    }
    return qbid_replay_json_skip(json);
}

static int info_parse(const char *text, size_t len, struct info *info, const char **ret_field)
{
    struct qbid_replay_json json = qbid_replay_json_start(text, len);
    struct qbid_replay_span key;
    bool first = true;
    int more = 0, err = qbid_replay_json_enter(&json, '{');
    while (!err && (more = qbid_replay_json_member(&json, &first, &key)) == 1) {
        *ret_field = NULL;
        err = member_read(&json, key, info, ret_field);
    }
    if (err)
        return err;
    *ret_field = NULL;
    return more ? more : qbid_replay_json_finish(&json);
}

/* What is missing or cannot be; NULL when all is there. */
static const char *info_lacks(const struct info *info)
{
    double sum = 0;
    for (uint32_t i = 0; i < info->price_cnt; i++)
        sum += info->prices[i];
    if (!(info->impressions > 0))
        return "imp_train";
    if (!(info->clicks > 0 && info->clicks <= info->impressions))
        return "clk_train";
    if (!(info->cost > 0))
        return "cost_train";
    return sum > 0 ? NULL : "price_counter_train";
}

static void info_take(struct qbid_recorded_log *log, struct info *info)
{
    log->price_cnt = QBID_RECORDED_PRICES_MIN;
    for (uint32_t i = 0; i < log->cnt; i++)
        if ((uint32_t)log->auction[i].price >= log->price_cnt)
            log->price_cnt = (uint32_t)log->auction[i].price + 1;
    if (info->price_cnt > log->price_cnt)
        log->price_cnt = info->price_cnt;
    log->prices = info->prices; /* zero behind price_cnt */
    info->prices = NULL;
    log->value_mean = info->clicks / info->impressions;
    log->train_all = info->impressions;
    log->train_cost = info->cost;
}

int qbid_recorded_read_info(struct qbid_recorded_log *log, char *message)
{
    const char *slash = strrchr(log->path, '/'), *field = NULL;
    struct info info = {0};
    char *path = NULL, *text = NULL;
    size_t len = 0;
    if (asprintf(&path, "%.*sinfo.json", slash ? (int)(slash - log->path) + 1 : 0, log->path) < 0)
        return QBID_ERR_NOMEM;
    int err = access(path, F_OK) == 0 ? 0 : QBID_ERR_NOENT;
    if (!err && (err = qbid_replay_log_folder_read(path, &text, &len)) != 0)
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s", path, strerror(errno));
    if (!err && (err = info_parse(text, len, &info, &field)) != 0)
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s%s", path,
                 field ? field : "not a JSON object", field ? " is not made of numbers >= 0" : "");
    if (!err && (field = info_lacks(&info)) != NULL) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s is missing or out of range", path,
                 field);
        err = QBID_ERR_PARSE;
    }
    if (!err)
        info_take(log, &info);
    free(info.prices);
    free(text);
    free(path);
    return err;
}
