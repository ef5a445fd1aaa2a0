/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher: qbidd's side of the hand-over socket. Owns the live page, the worker pages, and
 * the published image; knows which reader holds which generation. */
#ifndef QBID_CONTROL_PUBLISH_PUBLISHER_H
#define QBID_CONTROL_PUBLISH_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/handover.h"
#include "shm/live.h"
#include "shm/page.h"

#define QBID_PUBLISHER_HELD_MAX 8 /* generations that readers may hold before publishing stops */

/* How long a staged image waits for readers that have not verified it. Verifying takes 0.5 ms a MB,
 * so that a reader which is only busy has seen 1 GB by then (at a quarter of a core); one that has
 * not is stopped or starved, and the others must not wait for it. */
#define QBID_PUBLISHER_COMMIT_MS 2000

struct qbid_publisher; /* opaque */

struct qbid_publisher_params {
    const char *socket_path;
    mode_t socket_mode; /* e.g. 0660 */
    struct qbid_live_shape shape;
    unsigned frequency_lg; /* log2 of the buckets of the table of exposures */
    unsigned page_lg_events;
    struct qbid_keys keys;
    struct qbid_partner_keys partner_keys[QBID_PARTNERS_MAX]; /* id 0 = a free place */
    const uid_t *allow_uid;                                   /* beside root and our own uid */
    uint32_t allow_uid_cnt;
    unsigned commit_ms; /* 0 = QBID_PUBLISHER_COMMIT_MS */
    uint16_t first_uid; /* of workers: continues from the store so that nonces never repeat */
    /* A worker's page came (new or taken over from a former qbidd), or it went: what is left in its
     * ring is to be read now, the mapping ends when detached() returns. A page of another shape is
     * attached and detached at once, so that its events are read. An error of attached() denies the
     * worker; detached() does not follow it. */
    int (*attached)(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page);
    void (*detached)(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page);
    void (*log)(void *context, const char *line);
    void *context;
};

struct qbid_publisher_worker {
    uint16_t slot, uid;
    pid_t pid;
    uint64_t adopted_gen;  /* of its process */
    uint64_t heartbeat_ns; /* as it says */
    const struct qbid_page *page;
};

struct qbid_publisher_counters {
    uint64_t published; /* committed */
    uint64_t replaced;  /* staged, and a newer one came before the commit */
    uint64_t late;      /* readers that had not verified an image when it was committed */
    uint64_t refused_busy, readers_refused, denied, connections, workers_gone;
    uint32_t held_generations;
    uint64_t gen;        /* committed: the current one */
    uint64_t staged_gen; /* sent ahead and not committed yet, 0 = none */
};

int qbid_publisher_new(const struct qbid_publisher_params *params,
                       struct qbid_publisher **ret_publisher);
void qbid_publisher_free(struct qbid_publisher *publisher);

/** One epoll descriptor that becomes readable when there is something to do. */
int qbid_publisher_fd(const struct qbid_publisher *publisher);
/** Accept, receive, detect hang-ups; bounded. Returns messages handled. */
int qbid_publisher_tick(struct qbid_publisher *publisher);

/**
 * Publish a sealed image, in two steps. Now it is staged: every reader is sent it, to map and
 * verify. It is committed (the current one, also for readers that come later) when every reader has
 * verified or refused it, at the latest after QBID_PUBLISHER_COMMIT_MS: within this call, or by a
 * later qbid_publisher_tick(). An image that was staged before and not committed is forgotten, and
 * its time goes over to the new one. The caller has saved all that must be saved before a reader
 * uses the image.
 *
 * Returns: 0; the descriptor is the publisher's from then on.
 * Errors:  QBID_ERR_INVAL (generations grow); QBID_ERR_BUSY when QBID_PUBLISHER_HELD_MAX
 * generations are held, QBID_ERR_SYS: nothing was sent.
 */
int qbid_publisher_publish(struct qbid_publisher *publisher, int image_ro_fd, uint64_t gen,
                           uint64_t bytes);
/** Change the signing keys (sent to every reader). */
int qbid_publisher_set_keys(struct qbid_publisher *publisher, const struct qbid_keys *keys);

/** The same for the keys of partners' prices: QBID_PARTNERS_MAX places; what is not in them any
 * more is taken from the ad servers too. */
void qbid_publisher_set_partner_keys(struct qbid_publisher *publisher,
                                     const struct qbid_partner_keys *list);

/** Hang up on the process of a worker whose page is impossible; detached() follows for each of its
 *  workers. Not from within a callback. */
void qbid_publisher_drop(struct qbid_publisher *publisher, uint16_t slot);

const struct qbid_live *qbid_publisher_live(const struct qbid_publisher *publisher);
uint32_t qbid_publisher_workers(const struct qbid_publisher *publisher,
                                struct qbid_publisher_worker *out, uint32_t max);
struct qbid_publisher_counters qbid_publisher_counters_load(const struct qbid_publisher *publisher);

#endif
