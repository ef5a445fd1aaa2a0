/* SPDX-License-Identifier: Apache-2.0 */
/* Privacy classes and their reasons in the status texts. Counts come by reason. */
#ifndef QBID_PLUGIN_STATUS_STATUS_PRIVACY_H
#define QBID_PLUGIN_STATUS_STATUS_PRIVACY_H

#include "plugin/writer.h"
#include "shm/privacy.h"

/** {"class":{"open":..,...},"reason":{"none":..,...}}; a class is the sum of its reasons. */
void qbid_status_privacy_json(struct qbid_writer *w, const uint64_t of[QBID_PRIVACY_REASON_CNT]);

/** qbid_privacy_total with the labels worker, class and reason. */
void qbid_status_privacy_prometheus(struct qbid_writer *w,
                                    const uint64_t of[QBID_PRIVACY_REASON_CNT], unsigned worker);

#endif
