/* SPDX-License-Identifier: Apache-2.0 */
/* The payloads of a burst of datagrams and their answers. Nothing here knows DPDK:
 * bench/hosts/dpdk.cc runs the same code over plain memory.
 *
 * What a datagram is, its first byte tells:
 *   a MessagePack map   a request, see message.h
 *   "{" or white space  an OpenRTB bid request in JSON. A bid is answered by the bid response; no
 *                       bid by {"id":ID,"nbr":N} (ID as asked, absent where it cannot be told); a
 *                       malformed one by {"nbr":2}, so long as the rate of errors allows
 *   "/"                 a notice as an HTTP server would get it: "/win?t=TOKEN&p=1.25". The answer
 *                       is its HTTP status in digits, for a click with a space and the location
 *   anything else       nothing, never answered
 */
#ifndef QBID_PLUGIN_DPDK_BIDDER_H
#define QBID_PLUGIN_DPDK_BIDDER_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/dpdk/counters.h"
#include "plugin/dpdk/message.h"
#include "plugin/dpdk/throttle.h"
#include "plugin/qbid.h"

#define QBID_BIDDER_BURST 32
#define QBID_DATAGRAM_MAX 9000

/* One datagram's payload; its answer is written over it. */
struct qbid_datagram {
    char *bytes;
    uint32_t len;     /* followed by QBID_PADDING readable bytes */
    uint32_t max;     /* room for the answer, at least QBID_MESSAGE_ANSWER_MAX */
    uint32_t ret_len; /* of the answer; 0 = none */
};

/* One lcore's. */
struct qbid_bidder {
    struct qbid_worker *worker;
    const char *exchange; /* of JSON requests, NULL = none */
    struct qbid_counters *counters;
    struct qbid_throttle errors;
    uint64_t hour_hash, hour_read_ns;
    unsigned n; /* messages taken and not yet written */
    struct qbid_datagram *datagram[QBID_BIDDER_BURST];
    struct qbid_request request[QBID_BIDDER_BURST];
    struct qbid_decision decision[QBID_BIDDER_BURST];
    struct qbid_message message[QBID_BIDDER_BURST];
    char out[QBID_DATAGRAM_MAX];
};

/** Everything else of *b starts as 0. errors_per_s: malformed datagrams that are told so. */
void qbid_bidder_init(struct qbid_bidder *b, struct qbid_worker *worker, const char *exchange,
                      uint32_t errors_per_s, struct qbid_counters *counters);

/**
 * Answer n datagrams, at most QBID_BIDDER_BURST; those in MessagePack are decided together.
 *
 * Threads: the worker's own. Cost: see README; no allocation, lock or system call.
 */
void qbid_bidder_answer(struct qbid_bidder *b, struct qbid_datagram *datagrams, unsigned n,
                        uint64_t now_ns);

/* --- its three stages, for timing each by itself */

/** Answer JSON and notices, read MessagePack. */
void qbid_bidder_take(struct qbid_bidder *b, struct qbid_datagram *datagrams, unsigned n,
                      uint64_t now_ns);
/** Decide what was read. */
void qbid_bidder_decide(struct qbid_bidder *b, uint64_t now_ns);
/** Sign and write what was decided. */
void qbid_bidder_write(struct qbid_bidder *b, uint64_t now_ns);

#endif
