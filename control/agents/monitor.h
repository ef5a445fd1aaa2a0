/* SPDX-License-Identifier: Apache-2.0 */
/* The performance monitor: hourly bids, wins, clicks, conversions, viewable impressions and videos
 * played to their end of each campaign against what their last weeks lead to expect; falls and
 * rises that last become alarms.
 *
 *   store's history --hours--> control/models/watch/counts.h, one for each campaign and metric
 *                              learned anew every week
 */
#ifndef QBID_CONTROL_AGENTS_MONITOR_H
#define QBID_CONTROL_AGENTS_MONITOR_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/models/watch/counts.h"
#include "control/store/store.h"

#define QBID_MONITOR_PERIOD_NS (UINT64_C(30) * 1000000000)
#define QBID_MONITOR_ALARMS_MAX 256 /* kept; the oldest go first */
#define QBID_MONITOR_LATE_S 600     /* an hour is judged when its notices had time to come */
#define QBID_MONITOR_LEAST 1.0      /* counts an hour, on average; a rarer metric is not watched */
#define QBID_MONITOR_TEXT_MAX 256

enum qbid_monitor_metric {
    QBID_MONITOR_BIDS,
    QBID_MONITOR_WINS,
    QBID_MONITOR_CLICKS,
    QBID_MONITOR_CONVERSIONS,
    QBID_MONITOR_VIEWS,
    QBID_MONITOR_COMPLETES
};
#define QBID_MONITOR_METRIC_CNT 6

struct qbid_monitor_alarm {
    uint32_t campaign_id;
    enum qbid_monitor_metric metric;
    int64_t from_unix_s, to_unix_s; /* begin of the first hour, end of the last one */
    double seen, expected;          /* in the last hour */
    struct qbid_counts_verdict verdict;
};

struct qbid_monitor_status {
    uint32_t watched;  /* campaigns that are */
    uint32_t learning; /* campaigns without the history to be watched */
    uint64_t hours;    /* judged */
    uint64_t alarms;   /* raised */
};

struct qbid_monitor; /* opaque */

int qbid_monitor_new(struct qbid_monitor **ret_monitor);
void qbid_monitor_free(struct qbid_monitor *monitor);

/**
 * Judge the hours that ended; learn one campaign anew at most, so that a tick is short.
 *
 * Returns: alarms raised; QBID_ERR_NOMEM; QBID_ERR_STORE: nothing was judged, the next tick tries
 *          again. A campaign of less than two weeks is learning.
 * Threads: one.
 * Cost:    a pass over one campaign's history of four weeks when it is learned, of a day when an
 *          hour ended; else nothing.
 */
int qbid_monitor_tick(struct qbid_monitor *monitor, const struct qbid_account *account,
                      struct qbid_store *store, int64_t unix_s);

/** Alarms, latest first: the i-th, NULL behind the last. Valid until the next tick. */
const struct qbid_monitor_alarm *qbid_monitor_alarm(const struct qbid_monitor *monitor, uint32_t i);

struct qbid_monitor_status qbid_monitor_status(const struct qbid_monitor *monitor);

const char *qbid_monitor_metric_name(enum qbid_monitor_metric metric);

/** "campaign 10: clicks fell: 41 in an hour, 120 expected; for 3 h; by chance 1 in 10^9". */
void qbid_monitor_say(const struct qbid_monitor_alarm *alarm, char ret_text[QBID_MONITOR_TEXT_MAX]);

#endif
