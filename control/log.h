/* SPDX-License-Identifier: Apache-2.0 */
/* The log of qbidd: one line a message, to standard error, syslog, or a file that can be reopened.
 */
#ifndef QBID_CONTROL_LOG_H
#define QBID_CONTROL_LOG_H

#include "control/config/config.h"

#define QBID_LOG_LINE_MAX 1024 /* a longer message is cut */

struct qbid_log; /* opaque */

/** target: "stderr", "syslog" or a path (appended to, mode 0640). SYS. */
int qbid_log_new(enum qbid_log_level level, const char *target, struct qbid_log **ret_log);
void qbid_log_free(struct qbid_log *log);

/** Open the file again, after it was renamed. SYS: the old one stays. */
int qbid_log_reopen(struct qbid_log *log);

void qbid_log_set_level(struct qbid_log *log, enum qbid_log_level level);

/** Line ends inside a message become spaces: what a stranger sent cannot fake a line. */
void qbid_log_write(struct qbid_log *log, enum qbid_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
