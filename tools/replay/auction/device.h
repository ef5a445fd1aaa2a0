/* SPDX-License-Identifier: Apache-2.0 */
/* What a user agent says about the device, as far as a bid request names it. */
#ifndef QBID_TOOLS_REPLAY_AUCTION_DEVICE_H
#define QBID_TOOLS_REPLAY_AUCTION_DEVICE_H

#include "tools/replay/text/buffer.h"

/* AdCOM device types as OpenRTB 2.6 uses them. */
enum qbid_replay_device_type {
    QBID_REPLAY_DEVICE_PC = 2,
    QBID_REPLAY_DEVICE_PHONE = 4,
    QBID_REPLAY_DEVICE_TABLET = 5,
};

struct qbid_replay_device {
    enum qbid_replay_device_type type;
    const char *os; /* static text; NULL when the user agent does not tell */
};

/**
 * Judge a user agent: a full one, or the "windows_chrome" form of the training logs.
 *
 * Returns: the device; a personal computer when nothing is known.
 * Threads: any.
 */
struct qbid_replay_device qbid_replay_device_query(struct qbid_replay_span ua);

#endif
