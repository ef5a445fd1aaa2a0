/* SPDX-License-Identifier: Apache-2.0 */
/* The process and its lcores. An lcore shares nothing that it writes with another one.
 *
 *   control thread                        lcore i (main or not)
 *                                         L1 worker open, state POLLING
 *   C1 ask = format   ------------------> L2 sees it between two rounds, writes its status text
 *   C2 waits for ask == ASK_DONE <------- L3 text_len, then ask = ASK_DONE (release)
 *   signal: stop = true ----------------> L4 answers what still comes, worker closed, state ENDED
 */
#ifndef QBID_PLUGIN_DPDK_LCORE_H
#define QBID_PLUGIN_DPDK_LCORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "plugin/dpdk/bidder.h"
#include "plugin/dpdk/options.h"

#define QBID_LCORE_TEXT_MAX 65536
#define QBID_LCORES_MAX 128

struct qbid_port {
    uint16_t id;
    unsigned tx_done; /* enum qbid_frame_offload that the hardware does when sending */
    uint32_t payload_max;
    struct qbid_station station;
};

enum qbid_lcore_state { QBID_LCORE_STARTING, QBID_LCORE_POLLING, QBID_LCORE_ENDED };

/* what the control thread asks for: an enum qbid_status_format, or nothing */
#define QBID_LCORE_ASK_NONE (-1)
#define QBID_LCORE_ASK_DONE (-2)

struct qbid_dpdk;

struct qbid_lcore {
    struct qbid_counters counters; /* first: on cache lines of its own */
    const struct qbid_dpdk *dpdk;
    struct rte_mempool *pool;
    unsigned id;                    /* EAL's number */
    uint16_t queue;                 /* of every port */
    int err;                        /* why it ended by itself */
    struct qbid_throttle arp, echo; /* apart: a flood of the one must not silence the other */
    uint64_t announced; /* requests to announce that it has followed; of the first lcore */
    _Atomic int state;
    _Atomic int ask;
    int text_len; /* of text, or a negative error */
    char text[QBID_LCORE_TEXT_MAX];
    struct qbid_bidder bidder;
};

struct qbid_dpdk {
    struct qbid_dpdk_options options;
    struct qbid *qbid;
    unsigned port_cnt, lcore_cnt;
    struct qbid_port port[QBID_DPDK_PORTS_MAX];
    struct qbid_lcore *lcore[QBID_LCORES_MAX];
    _Atomic bool stop;
    _Atomic uint64_t announce; /* counts up when an interface may have to be told where we are */
};

/** Make an lcore's part, on its memory node. NULL without memory. */
struct qbid_lcore *qbid_lcore_new(const struct qbid_dpdk *dpdk, unsigned id, uint16_t queue);
void qbid_lcore_free(struct qbid_lcore *lcore);

/** Open the worker, poll until dpdk->stop, close it; arg is a struct qbid_lcore. Called on its
 *  lcore. Returns 0 or a negative error, which is in lcore->err too. */
int qbid_lcore_run(void *arg);

/**
 * One round on one port: receive a burst, answer it, send.
 *
 * Shapes:  the lcore's bidder has a worker.
 * Returns: frames received.
 */
unsigned qbid_lcore_poll(struct qbid_lcore *lcore, const struct qbid_port *port);

#endif
