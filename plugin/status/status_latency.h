/* SPDX-License-Identifier: Apache-2.0 */
/* Latency histograms in the status texts. Views come by kind, QBID_LATENCY_CNT of them. */
#ifndef QBID_PLUGIN_STATUS_STATUS_LATENCY_H
#define QBID_PLUGIN_STATUS_STATUS_LATENCY_H

#include "plugin/qbid.h"
#include "plugin/writer.h"
#include "shm/latency.h"

#define QBID_STATUS_LATENCY_MAX 1024 /* bytes of the JSON at most */

/** {"decide":{"count":..,"sum_ns":..,"p50_ns":..,"p90_ns":..,"p99_ns":..,"p999_ns":..,
 *  "max_ns":..},"answer":{..},"notice":{..}} */
void qbid_status_latency_json(struct qbid_writer *w,
                              const struct qbid_latency_view of[QBID_LATENCY_CNT]);

/** qbid_decide_seconds, qbid_answer_seconds, qbid_notice_seconds as histograms with the label
 *  worker. The edges are powers of two of nanoseconds, where the counts below are exact. */
void qbid_status_latency_prometheus(struct qbid_writer *w,
                                    const struct qbid_latency_view of[QBID_LATENCY_CNT],
                                    unsigned worker);

/** The histograms of a worker as they are now, for those who merge several. Threads: the worker's.
 */
void qbid_worker_latency_load(struct qbid_worker *worker,
                              struct qbid_latency_view ret_of[QBID_LATENCY_CNT]);

#endif
