/* SPDX-License-Identifier: Apache-2.0 */
/* One recorded log in memory: auctions to train on, auctions to replay. */
#ifndef QBID_TOOLS_SIM_RECORDED_LOGS_LOG_H
#define QBID_TOOLS_SIM_RECORDED_LOGS_LOG_H

#include <stdint.h>

#include "tools/sim/recorded/logs/source.h"

#define QBID_RECORDED_PRICE_MAX 100000 /* highest price that is read, in the log's unit */
#define QBID_RECORDED_PRICES_MIN 301   /* iPinYou's prices are 0..300 */
#define QBID_RECORDED_AUCTIONS_MAX UINT32_C(50000000)

/* One auction. Prices are whole numbers of the log's unit, CNY cents per thousand impressions. */
struct qbid_recorded_auction {
    double value;     /* expected clicks; of a raw log by what was learned from its train part */
    uint64_t context; /* of a raw log: packed dimensions */
    int64_t time;     /* as logged, orders the auctions */
    int32_t price;    /* market price, at least the floor */
    uint8_t click;
    uint8_t
        is_case; /* a clicked impression beside a sample of all: counts its click, costs nothing */
};

/* train is [0, train_cnt), test is the rest.
 *
 * A case-control log (a sample of the impressions, and all clicks): each sampled impression costs
 * its price and stands for 1 / sampled of them; each clicked one counts as a click when it is won,
 * at no cost, because its like are among the sample. Both sums are then those of the whole traffic,
 * the cost times `sampled`. */
struct qbid_dictionary;
struct qbid_recorded_log {
    char *path;
    enum qbid_recorded_format format;
    struct qbid_recorded_auction *auction;
    uint32_t train_cnt;
    uint32_t cnt;
    double *prices;     /* histogram of the train part's prices, price_cnt bins */
    uint32_t price_cnt; /* 1 + highest price of train and test, at least QBID_RECORDED_PRICES_MIN */
    double value_mean;  /* of the train part */
    double train_cost;  /* of the train part, a sum of prices; as info.json has it */
    double train_all;   /* auctions behind prices, value_mean and train_cost */
    double sampled;     /* share of all impressions that the log holds; 1 = all */
    struct qbid_dictionary *dictionary; /* of a raw log: the values that contexts are made of */
    int is_summed_up; /* the train part was an info.json: train auctions stand for its prices */
};

/**
 * Read a log and split it in time.
 *
 * Shapes:  train_part in (0, 1): share of the auctions that are trained on. Where an info.json is
 *          beside a theta log it is the train part, all of the file is the test. Not for bids.
 * Errors:  QBID_ERR_PARSE, QBID_ERR_SYS, QBID_ERR_LIMIT, QBID_ERR_NOMEM; the message
 *          (QBID_RECORDED_MESSAGE_BYTES) names file, line and field.
 */
int qbid_recorded_log_init(struct qbid_recorded_log *log, const struct qbid_recorded_source *source,
                           double train_part, char *message);

void qbid_recorded_log_done(struct qbid_recorded_log *log);

/** Sum of the prices of auctions [from, to), cases left out: what it costs to win them all. */
double qbid_recorded_log_cost(const struct qbid_recorded_log *log, uint32_t from, uint32_t to);

/* --- readers: they append auctions; the log is zero but for path and format */

int qbid_recorded_read_pctr(struct qbid_recorded_log *log, char *message);
int qbid_recorded_read_theta(struct qbid_recorded_log *log, char *message);
/** QBID_ERR_NOENT without an info.json beside the log. */
int qbid_recorded_read_info(struct qbid_recorded_log *log, char *message);
int qbid_recorded_read_raw(struct qbid_recorded_log *log, char *message);

/** Append one auction. QBID_ERR_NOMEM, QBID_ERR_LIMIT. */
int qbid_recorded_log_add(struct qbid_recorded_log *log, struct qbid_recorded_auction auction);

#endif
