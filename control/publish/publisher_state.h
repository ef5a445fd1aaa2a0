/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the publisher share: its state and the steps between them.
 *
 *   publisher.c         life, connections
 *   publisher_image.c   images: staged, committed, held
 *   publisher_client.c  one connection: the protocol, what it holds
 *   publisher_slot.c    worker slots of the live page: pages, uids, quarantine
 *
 * A slot that was left is not given to another worker while its process may still read it: a
 * process whose connection broke goes on with its old table. It is free again when that process is
 * gone or has adopted a table from a later connection.
 */
#ifndef QBID_CONTROL_PUBLISH_PUBLISHER_STATE_H
#define QBID_CONTROL_PUBLISH_PUBLISHER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/publish/publisher.h"

#define QBID_PUBLISHER_CLIENTS_MAX (QBID_LIVE_WORKERS_MAX + 16)

enum qbid_publisher_cause {
    QBID_PUBLISHER_LOG_DENIED,
    QBID_PUBLISHER_LOG_PEER,
    QBID_PUBLISHER_LOG_SLOW,
    QBID_PUBLISHER_LOG_REFUSED,
    QBID_PUBLISHER_LOG_FULL,
    QBID_PUBLISHER_LOG_BUSY,
    QBID_PUBLISHER_LOG_LATE,
    QBID_PUBLISHER_LOG_PAGE,
    QBID_PUBLISHER_LOG_SYS,
    QBID_PUBLISHER_LOG_CNT
};

/* What a client has said of the staged image. */
enum qbid_publisher_staged {
    QBID_PUBLISHER_STAGED_NONE, /* not sent to it, or refused */
    QBID_PUBLISHER_STAGED_SENT,
    QBID_PUBLISHER_STAGED_READY
};

/* A sealed image. */
struct qbid_publisher_image {
    int fd; /* -1 = none */
    uint64_t gen, bytes;
};

/* One process that is connected. */
struct qbid_publisher_client {
    int sock;
    pid_t pid; /* as the kernel says; 0 = of another pid namespace */
    bool greeted;
    bool gone; /* hung up; freed at the end of the tick */
    uint64_t since_ns;
    uint64_t adopted_gen;
    enum qbid_publisher_staged staged;
    uint64_t held[QBID_PUBLISHER_HELD_MAX]; /* generations sent and not given back */
    uint32_t held_cnt;
    uint16_t slot[QBID_HANDOVER_COOKIES_MAX]; /* by cookie; QBID_LIVE_SLOT_NONE */
};

enum qbid_publisher_slot_state {
    QBID_PUBLISHER_SLOT_FREE,
    QBID_PUBLISHER_SLOT_USED,
    QBID_PUBLISHER_SLOT_LEFT /* its process may still read it */
};

struct qbid_publisher_slot {
    enum qbid_publisher_slot_state state;
    uint16_t uid;
    pid_t pid;
    uint64_t left_ns;
    struct qbid_publisher_client *client;
    void *base; /* mapping of the page */
    size_t bytes;
    dev_t dev; /* of the page's file, to know it again */
    ino_t ino;
    struct qbid_page page;
};

struct qbid_publisher {
    struct qbid_publisher_params params;
    uid_t *allow_uid; /* our copy */
    char *socket_path;
    struct qbid_keys keys;
    struct qbid_partner_keys partner_keys[QBID_PARTNERS_MAX];
    struct qbid_publisher_counters counters;
    int epoll_fd, listen_fd, spare_fd, timer_fd, live_ro_fd; /* -1 = none */
    struct qbid_publisher_image current, staged;
    void *live_base;
    size_t live_bytes;
    struct qbid_live live;
    struct qbid_publisher_client *client[QBID_PUBLISHER_CLIENTS_MAX];
    uint32_t client_cnt;
    struct qbid_publisher_slot *slots; /* params.shape.worker_max */
    uint16_t next_uid;
    uint64_t commit_at_ns; /* of the staged image, at the latest */
    uint64_t logged_ns[QBID_PUBLISHER_LOG_CNT];
};

/* --- publisher.c */

/** Log, at most once a minute and cause. */
__attribute__((format(printf, 3, 4))) void qbid_publisher_log(struct qbid_publisher *p,
                                                              enum qbid_publisher_cause cause,
                                                              const char *format, ...);

/* --- publisher_image.c */

/** Send an image ahead to every client; see qbid_publisher_publish(). */
int qbid_publisher_image_stage(struct qbid_publisher *p, const struct qbid_publisher_image *image);

/** Commit the staged image if there is one and nobody is waited for, or the time is over. */
void qbid_publisher_image_tick(struct qbid_publisher *p, uint64_t now_ns);

/** To a client that has greeted: the current image, and the staged one. */
void qbid_publisher_partner_greet(struct qbid_publisher *p, struct qbid_publisher_client *client);
void qbid_publisher_image_greet(struct qbid_publisher *p, struct qbid_publisher_client *client);

/** Generations that some reader holds, each counted once. */
uint32_t qbid_publisher_image_held(const struct qbid_publisher *p);

/* --- publisher_client.c */

/** Take over an accepted socket: check who it is. The client, or NULL (denied, out of room). */
struct qbid_publisher_client *qbid_publisher_client_new(struct qbid_publisher *p, int sock);

/** Receive what is there, bounded. Returns messages handled. */
int qbid_publisher_client_receive(struct qbid_publisher *p, struct qbid_publisher_client *client);

/** Send; a client that does not read is dropped. */
void qbid_publisher_client_send(struct qbid_publisher *p, struct qbid_publisher_client *client,
                                const struct qbid_msg *msg, int fd);

/** An image to a client that has greeted; it holds it from then on. False when it cannot: it holds
 *  too many, or is gone. */
bool qbid_publisher_client_stage(struct qbid_publisher *p, struct qbid_publisher_client *client,
                                 const struct qbid_publisher_image *image);

/** The image that it was sent last is the current one. */
void qbid_publisher_client_commit(struct qbid_publisher *p, struct qbid_publisher_client *client,
                                  uint64_t gen);

/** Hang up and give its slots back; the struct lives until the end of the tick. */
void qbid_publisher_client_drop(struct qbid_publisher *p, struct qbid_publisher_client *client);

/* --- publisher_slot.c */

/**
 * A slot for a worker, with its page: the one in fd when it fits, else a new one. A worker that
 * goes on with its page keeps its uid, if no other has it.
 *
 * Returns: slot; *ret_fd is a new page's descriptor, which the caller sends and closes, or -1.
 * Errors:  QBID_ERR_FULL, QBID_ERR_SYS, or what the attached callback said.
 */
int qbid_publisher_slot_open(struct qbid_publisher *p, struct qbid_publisher_client *client, int fd,
                             uint64_t uid, int *ret_fd);

/** The worker is gone, in order or not. */
void qbid_publisher_slot_close(struct qbid_publisher *p, uint16_t slot, bool in_order);

/** The client's process reads the present tables: what it left before is free. */
void qbid_publisher_slot_settle(struct qbid_publisher *p,
                                const struct qbid_publisher_client *client);

#endif
