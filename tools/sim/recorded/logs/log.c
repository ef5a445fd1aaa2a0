/* SPDX-License-Identifier: Apache-2.0 */
/* Orders a log in time, splits it, and sums its train part up. */
#include "tools/sim/recorded/logs/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/dictionary.h"
#include "shm/error.h"
#include "tools/sim/recorded/logs/text.h"
#include "tools/sim/recorded/logs/values.h"

#define STAND_INS 10000 /* train auctions that an info.json becomes */

int qbid_recorded_log_add(struct qbid_recorded_log *log, struct qbid_recorded_auction auction)
{
    if (log->cnt == QBID_RECORDED_AUCTIONS_MAX)
        return QBID_ERR_LIMIT;
    if ((log->cnt & (log->cnt - 1)) == 0) { /* a power of two is full */
        size_t cap = log->cnt ? 2 * (size_t)log->cnt : 1;
        struct qbid_recorded_auction *grown = realloc(log->auction, cap * sizeof *grown);
        if (!grown)
            return QBID_ERR_NOMEM;
        log->auction = grown;
    }
    log->auction[log->cnt++] = auction;
    return 0;
}

double qbid_recorded_log_cost(const struct qbid_recorded_log *log, uint32_t from, uint32_t to)
{
    double cost = 0;
    for (uint32_t i = from; i < to; i++)
        cost += log->auction[i].is_case ? 0 : log->auction[i].price;
    return cost;
}

/* Merge sort by time: auctions of one time keep the order of the file. */
static int sort_by_time(struct qbid_recorded_auction *a, uint32_t cnt)
{
    struct qbid_recorded_auction *from = a, *to = malloc(cnt * sizeof *to), *spare = to;
    if (!to)
        return QBID_ERR_NOMEM;
    for (size_t width = 1; width < cnt; width *= 2) {
        for (size_t low = 0; low < cnt; low += 2 * width) {
            size_t mid = low + width < cnt ? low + width : cnt;
            size_t high = low + 2 * width < cnt ? low + 2 * width : cnt;
            size_t left = low, right = mid;
            for (size_t i = low; i < high; i++)
                to[i] = left < mid && (right >= high || from[left].time <= from[right].time)
                            ? from[left++]
                            : from[right++];
        }
        struct qbid_recorded_auction *last = from;
        from = to;
        to = last;
    }
    if (from != a)
        memcpy(a, from, cnt * sizeof *a);
    free(spare);
    return 0;
}

/* Histogram, mean value and cost of the train part. */
static int train_sum(struct qbid_recorded_log *log)
{
    log->price_cnt = QBID_RECORDED_PRICES_MIN;
    for (uint32_t i = 0; i < log->cnt; i++)
        if ((uint32_t)log->auction[i].price >= log->price_cnt)
            log->price_cnt = (uint32_t)log->auction[i].price + 1;
    log->prices = calloc(log->price_cnt, sizeof *log->prices);
    if (!log->prices)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < log->train_cnt; i++) {
        const struct qbid_recorded_auction *a = &log->auction[i];
        if (a->is_case)
            continue;
        log->prices[a->price]++;
        log->train_all++;
        log->train_cost += a->price;
        log->value_mean += a->value;
    }
    log->value_mean /= log->train_all > 0 ? log->train_all : 1;
    return 0;
}

/* Auctions of average worth with the histogram's prices, in an order without a trend: the quantile
 * of i is i times the golden ratio. They go in front of the test part. */
static int train_stand_in(struct qbid_recorded_log *log)
{
    struct qbid_recorded_auction *all = calloc((size_t)STAND_INS + log->cnt, sizeof *all);
    if (!all)
        return QBID_ERR_NOMEM;
    double sum = 0, total = 0;
    for (uint32_t p = 0; p < log->price_cnt; p++)
        total += log->prices[p];
    int32_t by_rank[STAND_INS];
    uint32_t rank = 0;
    for (uint32_t p = 0; p < log->price_cnt; p++) {
        sum += log->prices[p];
        for (; rank < STAND_INS && rank + 0.5 < sum / total * STAND_INS; rank++)
            by_rank[rank] = (int32_t)p;
    }
    for (uint32_t i = 0; i < STAND_INS; i++) {
        double turn = i * 0.6180339887498949;
        uint32_t r = (uint32_t)((turn - (double)(uint64_t)turn) * STAND_INS);
        all[i] = (struct qbid_recorded_auction){.value = log->value_mean,
                                                .price = by_rank[r < rank ? r : rank - 1]};
    }
    memcpy(all + STAND_INS, log->auction, log->cnt * sizeof *all);
    free(log->auction);
    log->auction = all;
    log->train_cnt = STAND_INS;
    log->cnt += STAND_INS;
    return 0;
}

static int refuse(const struct qbid_recorded_log *log, char *message, const char *why)
{
    snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: %s", log->path, why);
    return QBID_ERR_PARSE;
}

/* Time splits the log; a raw one is then valued by what its train part teaches. */
static int split(struct qbid_recorded_log *log, double train_part, char *message)
{
    log->train_cnt = (uint32_t)(train_part * log->cnt);
    if (log->train_cnt == 0 || log->train_cnt == log->cnt)
        return refuse(log, message, "too few auctions to train on some and replay the others");
    int err = sort_by_time(log->auction, log->cnt);
    if (!err && log->format == QBID_RECORDED_RAW)
        err = qbid_recorded_values_fill(log);
    return err ? err : train_sum(log);
}

static int log_read(struct qbid_recorded_log *log, double train_part, char *message)
{
    int err = QBID_ERR_INVAL;
    if (log->format == QBID_RECORDED_PCTR)
        err = qbid_recorded_read_pctr(log, message);
    if (log->format == QBID_RECORDED_RAW)
        err = qbid_recorded_read_raw(log, message);
    if (log->format == QBID_RECORDED_THETA) {
        err = qbid_recorded_read_theta(log, message);
        int info = err ? err : qbid_recorded_read_info(log, message);
        if (!info) {
            log->is_summed_up = 1;
            return train_stand_in(log);
        }
        err = info == QBID_ERR_NOENT ? 0 : info;
    }
    if (!err && log->cnt == 0)
        return refuse(log, message, "no auction");
    return err ? err : split(log, train_part, message);
}

int qbid_recorded_log_init(struct qbid_recorded_log *log, const struct qbid_recorded_source *source,
                           double train_part, char *message)
{
    *log = (struct qbid_recorded_log){.format = source->format, .sampled = 1};
    snprintf(message, QBID_RECORDED_MESSAGE_BYTES, "%s: out of memory, or too many auctions",
             source->path);
    log->path = strdup(source->path);
    int err = log->path ? log_read(log, train_part, message) : QBID_ERR_NOMEM;
    if (!err && !(qbid_recorded_log_cost(log, log->train_cnt, log->cnt) > 0 && log->train_cost > 0))
        err = refuse(log, message, "every price of the train or of the test part is 0");
    if (!err && !(log->value_mean > 0))
        err = refuse(log, message, "every expected click of the train part is 0");
    if (err)
        qbid_recorded_log_done(log);
    return err;
}

void qbid_recorded_log_done(struct qbid_recorded_log *log)
{
    free(log->path);
    free(log->auction);
    free(log->prices);
    qbid_dictionary_free(log->dictionary);
    *log = (struct qbid_recorded_log){0};
}
