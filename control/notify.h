/* SPDX-License-Identifier: Apache-2.0 */
/* Words to the service manager (systemd's notify protocol), when there is one. */
#ifndef QBID_CONTROL_NOTIFY_H
#define QBID_CONTROL_NOTIFY_H

#include <stdint.h>

/** Send "READY=1" and the like to $NOTIFY_SOCKET. 1 when sent, 0 when nobody asked, SYS. */
int qbid_notify(const char *state);

/** How often the manager wants to hear from us, half of $WATCHDOG_USEC when it is meant for this
 *  process; 0 = never. */
uint64_t qbid_notify_watchdog_ns(void);

#endif
