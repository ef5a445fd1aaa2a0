/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: one line of JSON in, one line of JSON out, for tools on the same host.
 *
 *   client                                 qbidd
 *   {"cmd":"status"}\n            --->     answer() on the main loop, between two ticks
 *                                 <---     {"ok":true,"schema_version":1,...}\n
 *
 * Everything is bounded: clients, request bytes, answer bytes, time to take an answer. Nothing here
 * waits: a client that does not read is dropped, one that only holds its place makes room for the
 * next.
 */
#ifndef QBID_CONTROL_API_API_H
#define QBID_CONTROL_API_API_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define QBID_API_SCHEMA_VERSION 1
#define QBID_API_CLIENTS_MAX 32
#define QBID_API_REQUEST_MAX (UINT32_C(20) << 20) /* an account file of 8 MiB, escaped */
#define QBID_API_ANSWER_MAX (UINT32_C(256) << 20)
#define QBID_API_STALL_NS UINT64_C(10000000000) /* without taking a byte of its answer */

struct qbid_api; /* opaque */

struct qbid_api_peer {
    pid_t pid;
    uid_t uid;
};

/** Answer one request (terminated). Returns malloc'd JSON without line end, NULL without memory. */
typedef char *qbid_api_answer_fn(void *context, const struct qbid_api_peer *peer,
                                 const char *request, size_t len);

struct qbid_api_params {
    const char *path;
    mode_t mode;
    qbid_api_answer_fn *answer;
    void *context;
};

struct qbid_api_counters {
    uint64_t connections;
    uint64_t requests;
    uint64_t refused; /* too long, or answers too long */
    uint64_t dropped; /* slow, or holding a place that another needed */
    uint32_t clients;
};

/** Listen. An old socket is replaced only if nobody answers on it: FULL when somebody does. SYS. */
int qbid_api_new(const struct qbid_api_params *params, struct qbid_api **ret_api);
/** Hang up on everybody and remove the socket. */
void qbid_api_free(struct qbid_api *api);

/** Becomes readable when there is something to do. */
int qbid_api_fd(const struct qbid_api *api);

/** Accept, read, answer, write; at most one request a client. Call it when the descriptor is
 *  readable, and at least once a second. Returns requests answered. */
int qbid_api_tick(struct qbid_api *api, uint64_t now_ns);

struct qbid_api_counters qbid_api_counters_load(const struct qbid_api *api);

#endif
