/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the watcher share: its state and the steps between them.
 *
 *   watcher.c          thread, interface, publishing a table
 *   watcher_link.c     connection and protocol with qbidd
 *   watcher_stage.c    images sent ahead: mapped and verified before they are current
 *   watcher_worker.c   workers coming and going
 *
 * All of it happens under one lock, in the watcher's thread, in the stager's, or in a thread that
 * opens or closes a worker; only mapping and verifying an image is done without the lock, by the
 * stager. Readers of the table take no lock.
 *
 *   now     what readers see
 *   next    what this connection has brought so far; published as a whole once it is complete
 *   stage   images of this connection that are not in next yet, oldest first:
 *
 *        STAGE           stager free          verified: READY            COMMIT
 *       ------> WAITING ------------> WORKING ----------------> READY -----------> next.image
 *                  '---- COMMIT may come here, too: then verified leads to next.image at once
 *
 *              connect           WELCOME           live page, and every open worker's PAGE
 *      DOWN -----------> GREETED -------> GATHERING ---------------------------------> SETTLED
 *        ^                  |                |                                            |
 *        '------------------+----------------+------------ hang-up, broken protocol ------'
 *
 * Until SETTLED nothing of a new qbidd is mixed with what readers have of the old one.
 */
#ifndef QBID_SHM_WATCHER_STATE_H
#define QBID_SHM_WATCHER_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "shm/bundle.h"
#include "shm/error.h"
#include "shm/watcher.h"

enum qbid_link {
    QBID_LINK_DOWN,      /* sock is -1 */
    QBID_LINK_GREETED,   /* HELLO sent */
    QBID_LINK_GATHERING, /* WELCOME came */
    QBID_LINK_SETTLED    /* now == next */
};

enum qbid_worker_state {
    QBID_WORKER_FREE,
    QBID_WORKER_OPEN,
    QBID_WORKER_LEAVING /* closed; its page waits for qbidd, or an answer to it is on the way */
};

/* What may be logged, each once a minute at most. */
enum qbid_watcher_cause {
    QBID_CAUSE_IMAGE,
    QBID_CAUSE_FILE,
    QBID_CAUSE_LIVE,
    QBID_CAUSE_PAGE,
    QBID_CAUSE_PEER,
    QBID_CAUSE_DENIED,
    QBID_CAUSE_GONE,
    QBID_CAUSE_CONNECT,
    QBID_CAUSE_MEMORY,
    QBID_CAUSE_CNT
};

enum qbid_stage_state {
    QBID_STAGE_WAITING,
    QBID_STAGE_WORKING, /* the stager maps and verifies it, without the lock */
    QBID_STAGE_READY
};

struct qbid_stage {
    enum qbid_stage_state state;
    bool committed;
    bool dropped; /* WORKING only: nobody wants the result */
    bool silent;  /* WORKING and dropped: its connection is gone, there is nobody to tell */
    int fd;       /* until it is mapped */
    uint64_t gen, bytes;
    uint64_t received_ns, committed_ns;
    struct qbid_part *part; /* READY */
};

/* One in work, one that was committed behind it, and the newest. */
#define QBID_STAGES_MAX 3

struct qbid_watcher {
    _Atomic(struct qbid_table *) table; /* W1 -> R1, see watcher.h */
    enum qbid_rcu rcu;
    struct qbid_watcher_options options;
    char *socket_path, *image_file; /* our copies */
    pthread_t thread, stager;
    int wake; /* eventfd */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    pthread_cond_t staging; /* there is work for the stager, or it shall stop */
    bool stop;
    bool tried; /* the first connection attempt is over */
    bool met;   /* a qbidd has welcomed us before */
    struct qbid_bundle now, next;
    struct qbid_stage stage[QBID_STAGES_MAX];
    unsigned stage_cnt;
    uint64_t staged_gen; /* of the last STAGE of this connection, 0 = none */
    bool unacked;        /* next.image came over this connection and no ADOPTED was sent for it */
    struct {
        enum qbid_worker_state state;
        bool awaiting; /* WORKER sent, PAGE not yet received */
    } worker[QBID_HANDOVER_COOKIES_MAX];
    enum qbid_link link;
    int sock;
    uint64_t link_deadline_ns; /* GREETED, GATHERING: when the peer's silence ends them */
    uint64_t retry_at_ns;
    uint64_t retry_ns;
    uint64_t logged_ns[QBID_CAUSE_CNT];

    /* read by any thread */
    struct {
        _Atomic uint64_t gen, adopted, refused, reconnects, adopted_ns, adopt_cost_ns,
            stage_cost_ns;
        _Atomic int32_t last_refusal;
        _Atomic uint32_t connected;
    } stats;
};

/* --- watcher.c */

/**
 * Make a bundle what readers see: swap, wait for the readers of the old table, drop its parts.
 *
 * Errors: QBID_ERR_NOMEM: nothing has changed.
 * Cost:   one grace period; the lock is held, readers are not disturbed.
 */
int qbid_watcher_publish(struct qbid_watcher *watcher, const struct qbid_bundle *bundle);

/** Change one worker's seat, in what readers see at once and in what is being gathered. Takes over
 *  the reference on the page, also on failure. */
int qbid_watcher_set_seat(struct qbid_watcher *watcher, unsigned cookie, struct qbid_seat seat);

/** CLOCK_MONOTONIC so many milliseconds from now, for waits on `changed`. */
struct timespec qbid_watcher_after_ms(unsigned ms);

/** Count a refusal and log it. */
void qbid_watcher_refuse(struct qbid_watcher *watcher, enum qbid_watcher_cause cause, int err,
                         uint64_t gen);

__attribute__((format(printf, 3, 4))) void qbid_watcher_log(struct qbid_watcher *watcher,
                                                            enum qbid_watcher_cause cause,
                                                            const char *format, ...);

/* --- watcher_link.c */

/** Take over a new connection and greet. */
void qbid_watcher_link_open(struct qbid_watcher *watcher, int sock);

/** Receive what is there, bounded. */
void qbid_watcher_link_receive(struct qbid_watcher *watcher);

/** Act on a deadline that has passed. */
void qbid_watcher_link_tick(struct qbid_watcher *watcher, uint64_t now_ns);

/** Something of `next` has changed: readers get it, if it is whole. */
void qbid_watcher_link_advance(struct qbid_watcher *watcher);

/** Hang up. The table stays as it is; the next attempt is after the current back-off. */
void qbid_watcher_link_close(struct qbid_watcher *watcher);

/** Send; a peer that does not read is given up: the connection is shut down and then found so. */
void qbid_watcher_link_send(struct qbid_watcher *watcher, enum qbid_msg_type type, uint64_t a,
                            uint64_t b, int fd);

/** WELCOME came and the peer has not hung up. */
static inline bool qbid_watcher_linked(const struct qbid_watcher *watcher)
{
    return watcher->link == QBID_LINK_GATHERING || watcher->link == QBID_LINK_SETTLED;
}

/** No mapping of a generation is left, unless another one of the same number is: tell qbidd. */
void qbid_watcher_link_released(struct qbid_watcher *watcher, uint64_t gen);

/* --- watcher_stage.c */

/** Body of the stager's thread. */
void *qbid_watcher_stage_run(void *watcher);

/** A STAGE message: takes over fd; older ones without COMMIT go. */
void qbid_watcher_stage_add(struct qbid_watcher *watcher, uint64_t gen, uint64_t bytes, int fd);

/** A COMMIT message. 0, also for an image that was refused; QBID_ERR_PEER when it does not name the
 *  last STAGE. */
int qbid_watcher_stage_commit(struct qbid_watcher *watcher, uint64_t gen);

/** On a hang-up: all of them go. */
void qbid_watcher_stage_forget(struct qbid_watcher *watcher);

/** Whether there is one that was committed and is not verified yet. */
bool qbid_watcher_stage_due(const struct qbid_watcher *watcher);

/** Whether one of them has this number. */
bool qbid_watcher_stage_has(const struct qbid_watcher *watcher, uint64_t gen);

/* --- watcher_worker.c */

/** Ask qbidd for a page for one worker, or hand it the page that the worker has. */
void qbid_watcher_worker_ask(struct qbid_watcher *watcher, unsigned cookie);

/** On WELCOME: ask for all; hand over the pages of those that left while qbidd was away. */
void qbid_watcher_worker_ask_all(struct qbid_watcher *watcher);

/** On a hang-up: no answer will come any more. */
void qbid_watcher_worker_forget(struct qbid_watcher *watcher);

/** A PAGE message. 0: fd is taken over; QBID_ERR_PEER, or why the page was refused. */
int qbid_watcher_worker_page(struct qbid_watcher *watcher, const struct qbid_msg *msg, int fd);

/** A worker has left this page for another one that qbidd gave it: events that qbidd did not find
 *  when the page was handed over go to it now, as those of a worker that leaves. No reader is left
 *  on the page. */
void qbid_watcher_worker_rest(struct qbid_watcher *watcher, struct qbid_part *page);

/** Whether every open worker's question has been answered. */
bool qbid_watcher_worker_ready(const struct qbid_watcher *watcher);

#endif
