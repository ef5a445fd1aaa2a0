/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher: the part of the ad server that adopts what qbidd publishes. Two threads: one listens
 * and swaps, the stager maps, pre-faults and verifies images that are sent ahead, however long that
 * takes.
 *
 *   watcher                                       worker thread (registered reader)
 *   COMMIT of an image that the stager has verified
 *   W1 rcu_xchg_pointer(&table, new)      --->    R1 rcu_read_lock; t = rcu_dereference(table)
 *                                                 reads t for one decision or one batch
 *   R2 synchronize_rcu returns            <---    W2 rcu_read_unlock
 *   unmap what only the old table used
 *
 * A table is one consistent set: image, live page, signing keys, and each worker's slot in that
 * live page. It is replaced as a whole, so that no decision can mix two of them. When qbidd is gone
 * the table stays; the watcher reconnects with a back-off and hands the workers' pages to the next
 * one. What a new qbidd brings is gathered until its live page and an answer for every worker are
 * there, at most 2 s; a worker without an answer by then has no slot.
 *
 * An image that is refused leaves the old one in use. Generations do not go back while the one in
 * use is valid; past its deadline any image is better.
 */
#ifndef QBID_SHM_WATCHER_H
#define QBID_SHM_WATCHER_H

#include <stdint.h>

#include "shm/handover.h"
#include "shm/image.h"
#include "shm/live.h"
#include "shm/page.h"

struct qbid_table {
    struct qbid_image image; /* header NULL = none yet */
    struct qbid_live live;   /* header NULL = none yet */
    struct qbid_keys keys;
    struct qbid_partner_keys partner_keys[QBID_PARTNERS_MAX];
    uint64_t deadline_ns; /* of the image, CLOCK_BOOTTIME of this host */
    /* by worker cookie */
    struct qbid_page page[QBID_HANDOVER_COOKIES_MAX];
    uint16_t slot[QBID_HANDOVER_COOKIES_MAX]; /* QBID_LIVE_SLOT_NONE = no lease */
    uint16_t uid[QBID_HANDOVER_COOKIES_MAX];  /* top bits of the worker's nonces */
};

struct qbid_watcher;

/* How readers are known to be done with a table; shm/rcu.h says more. */
enum qbid_rcu {
    QBID_RCU_MEMB, /* any thread */
    QBID_RCU_QSBR  /* threads that announce that they are between decisions */
};

struct qbid_watcher_stats {
    uint64_t gen;         /* adopted now, 0 = none */
    uint64_t adopted;     /* generations adopted */
    uint64_t refused;     /* images, live pages, pages refused */
    int32_t last_refusal; /* enum qbid_err */
    uint32_t connected;   /* 1 while qbidd answers */
    uint64_t reconnects;
    uint64_t adopted_ns;    /* CLOCK_BOOTTIME of the last adoption */
    uint64_t adopt_cost_ns; /* COMMIT (or start of loading a file) to swap, of the last adoption */
    uint64_t stage_cost_ns; /* STAGE to verified, of the last image that was accepted */
};

struct qbid_watcher_options {
    const char *socket_path; /* of qbidd's hand-over socket; NULL = none (image file only) */
    const char *image_file;  /* last published image, used until qbidd answers; NULL = none */
    enum qbid_rcu rcu;       /* of all threads that read this watcher's tables */
    unsigned retry_ms_max;   /* longest wait between connection attempts; 0 = 1000 */
    /* At most one line a minute and cause; may be NULL. Called by the watcher's threads or one that
     * is in a function below; must not call any of them. */
    void (*log)(void *context, const char *line);
    void *log_context;
};

/**
 * Start the watcher's threads. An image file is adopted before it returns; the socket is tried once
 * before it returns (bounded by 200 ms), then in the background.
 *
 * Errors: QBID_ERR_SYS, QBID_ERR_NOMEM. A missing qbidd or a bad image file is not an error: it is
 *         counted and logged.
 */
int qbid_watcher_new(const struct qbid_watcher_options *options, struct qbid_watcher **ret_watcher);

/** Stop the threads, unmap everything. All workers must be closed. NULL is fine. */
void qbid_watcher_free(struct qbid_watcher *watcher);

/**
 * Give a worker its cookie; on return the current table holds a page for it: one from qbidd, or,
 * when none is connected or it does not answer within timeout_ms, one made by this process, which
 * is handed over when qbidd comes (qbidd may answer with another page of its own shape: the next
 * table has that one).
 *
 * Threads: any, outside read sections. Errors: QBID_ERR_FULL (cookies), QBID_ERR_SYS, NOMEM.
 */
int qbid_watcher_add_worker(struct qbid_watcher *watcher, unsigned timeout_ms,
                            unsigned *ret_cookie);

/** The worker has ended. Its page goes to qbidd, also to one that comes only later. Threads: any,
 *  outside read sections. A cookie that is not open is ignored. */
void qbid_watcher_remove_worker(struct qbid_watcher *watcher, unsigned cookie);

/** Reader registration of the calling thread (liburcu); once before its first, after its last read.
 *  These two are for watchers of QBID_RCU_MEMB. */
void qbid_watcher_thread_online(void);
void qbid_watcher_thread_offline(void);

/** The same for watchers of either flavour; a thread that reads both registers for both. */
void qbid_watcher_thread_register(enum qbid_rcu rcu);
void qbid_watcher_thread_unregister(enum qbid_rcu rcu);

/**
 * For registered threads with QBID_RCU_QSBR, outside read sections: "I hold no table now"; "I hold
 * none until I say busy" (before a wait of any length) and "I may again".
 *
 * Threads: registered ones. A thread that reads tables and calls none of these delays unmapping old
 *          ones, and with that adoption of further generations, until it does; it never delays
 * other readers. Opening, closing and freeing say it by themselves. Cost:    1 ns quiescent, 10-70
 * ns idle and busy.
 */
void qbid_watcher_thread_quiescent(void);
void qbid_watcher_thread_idle(void);
void qbid_watcher_thread_busy(void);

/**
 * Read side: between these two the table, and all that it points to, stays mapped.
 *
 * Returns: the current table, never NULL (its parts may be missing).
 * Threads: online readers only; wait-free; nests. Cost: 2-4 ns (memb), 1 ns (qsbr).
 */
const struct qbid_table *qbid_watcher_read_lock(struct qbid_watcher *watcher);
void qbid_watcher_read_unlock(struct qbid_watcher *watcher);

void qbid_watcher_stats_load(struct qbid_watcher *watcher, struct qbid_watcher_stats *ret_stats);

#endif
