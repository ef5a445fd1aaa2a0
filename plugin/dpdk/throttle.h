/* SPDX-License-Identifier: Apache-2.0 */
/* A rate with a burst: answers that hostile traffic could ask for without end.
 *
 * Source: the generic cell rate algorithm, ITU-T I.371, as virtual scheduling: the time at which
 * the next answer would be due if all came evenly.
 */
#ifndef QBID_PLUGIN_DPDK_THROTTLE_H
#define QBID_PLUGIN_DPDK_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

struct qbid_throttle {
    uint64_t interval_ns; /* between two at the rate; 0 = none at all */
    uint64_t ahead_ns;    /* that the next one may come before it is due */
    uint64_t due_ns;
};

/** `rate` a second, `burst` >= 1 of them at once; rate 0 lets nothing through. */
static inline struct qbid_throttle qbid_throttle_init(uint32_t rate, uint32_t burst)
{
    uint64_t interval_ns = rate != 0 ? UINT64_C(1000000000) / rate : 0;
    return (struct qbid_throttle){interval_ns, interval_ns * (burst - 1), 0};
}

/** Whether one more may go now. */
static inline bool qbid_throttle_pass(struct qbid_throttle *t, uint64_t now_ns)
{
    if (t->interval_ns == 0 || t->due_ns > now_ns + t->ahead_ns)
        return false;
    t->due_ns = (t->due_ns > now_ns ? t->due_ns : now_ns) + t->interval_ns;
    return true;
}

#endif
