/* SPDX-License-Identifier: Apache-2.0 */
/* The status board: how any worker of one nginx shows the counters of all of them.
 *
 *   worker i                                     the worker that is asked
 *   B1 seq = odd             (relaxed)           C1 seq before           (acquire)
 *   B2 each word of text     (release)    --->   C2 each word of text    (acquire)
 *   B3 seq = even            (release)    --->   C1
 *                                                C3 seq after            (relaxed): same, even
 *
 * Whoever reads a word of B2 in C2 then sees B1 in C3 and throws its copy away.
 *
 * It lies in memory that the master mapped before it forked. A slot belongs to one process slot of
 * the master, which is unique among its living children, so each slot has one writer at any time
 * and nothing is ever locked or claimed: a worker that dies in the middle of B2 leaves an odd
 * sequence, its successor in the slot goes on from there. A reader tries a bounded number of times
 * and then leaves that worker out. Nothing here knows nginx.
 */
#ifndef QBID_PLUGIN_NGINX_BOARD_H
#define QBID_PLUGIN_NGINX_BOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/latency.h"

#define QBID_NGX_BOARD_SLOTS 128
#define QBID_NGX_BOARD_JSON_MAX 12288
#define QBID_NGX_BOARD_METRICS_MAX 40960
#define QBID_NGX_BOARD_LATENCY_MAX (QBID_LATENCY_CNT * sizeof(struct qbid_latency_view))
#define QBID_NGX_BOARD_STALE_NS UINT64_C(5000000000) /* five missed refreshes: dead or stopped */

enum qbid_ngx_board_text {
    QBID_NGX_BOARD_JSON,
    QBID_NGX_BOARD_METRICS,
    QBID_NGX_BOARD_LATENCY, /* struct qbid_latency_view by kind: to be merged, not to be read */
    QBID_NGX_BOARD_TEXTS
};

/* A text on its way to the board. */
struct qbid_ngx_board_piece {
    const void *at;
    size_t bytes;
};

struct qbid_ngx_slot {
    /* all words: the worker of this slot */
    alignas(64) _Atomic uint64_t seq;
    _Atomic uint64_t pid;        /* 0 = nobody */
    _Atomic uint64_t updated_ns; /* CLOCK_BOOTTIME */
    _Atomic uint64_t bytes[QBID_NGX_BOARD_TEXTS];
    alignas(64) _Atomic uint64_t json[QBID_NGX_BOARD_JSON_MAX / 8];
    _Atomic uint64_t metrics[QBID_NGX_BOARD_METRICS_MAX / 8];
    _Atomic uint64_t latency[QBID_NGX_BOARD_LATENCY_MAX / 8];
};
_Static_assert(sizeof(struct qbid_ngx_slot) % 64 == 0, "slots share no cache line");

struct qbid_ngx_board {
    alignas(64) _Atomic uint64_t hidden; /* workers that found no slot; several writers, so added */
    struct qbid_ngx_slot slot[QBID_NGX_BOARD_SLOTS];
};

/** Put the texts of process pid into its slot. Texts longer than their maximum are left out (their
 *  length becomes 0). Threads: the slot's own worker only; wait-free. */
void qbid_ngx_slot_store(struct qbid_ngx_slot *slot, uint64_t pid, uint64_t now_ns,
                         const struct qbid_ngx_board_piece piece[QBID_NGX_BOARD_TEXTS]);

/** Nobody is in this slot from now on. Threads: the slot's own worker only. */
void qbid_ngx_slot_clear(struct qbid_ngx_slot *slot);

/**
 * Copy one text of a slot; out holds the maximum of its kind.
 *
 * Returns: its bytes; 0 when nobody is there, the last refresh is older than
 *          QBID_NGX_BOARD_STALE_NS, or the writer was in the way at each of the tries.
 * Threads: any. Bounded: four copies.
 */
size_t qbid_ngx_slot_load(const struct qbid_ngx_slot *slot, enum qbid_ngx_board_text which,
                          uint64_t now_ns, void *out, uint64_t *ret_pid, uint64_t *ret_age_ns);

#endif
