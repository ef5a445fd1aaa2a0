/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher with what its tests need: images, raw clients, and reader processes with the real
 * watcher. */
#ifndef QBID_TESTS_CONTROL_PUBLISH_RIG_H
#define QBID_TESTS_CONTROL_PUBLISH_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/publish/publisher.h"

#define RIG_BUDGETS 8
#define RIG_WORKERS 12
#define RIG_READERS_MAX 4
#define RIG_COMMIT_MS 200

/* What a reader process says, in memory that it shares with the test. */
struct rig_report {
    _Atomic uint64_t gen;    /* of the table it reads now */
    _Atomic uint64_t tables; /* read so far */
    _Atomic uint64_t broken; /* tables that were not of one generation */
    _Atomic uint64_t pushed; /* events */
    _Atomic int64_t limit;   /* of budget 0 as it sees it */
    _Atomic uint32_t slot, uid, key;
};

struct rig {
    char folder[64], path[96];
    struct qbid_publisher *publisher;
    struct qbid_publisher_params params;
    uint64_t gen;              /* last published */
    struct rig_report *report; /* by reader */
    pid_t reader[RIG_READERS_MAX];
    uint32_t attached, detached, lines;
    int attach_err;  /* what attached() shall answer */
    uint64_t events; /* read from pages */
    uint16_t last_slot, last_uid;
    char last_line[300];
    unsigned fds, maps; /* before */
};

void rig_open(struct rig *r, uint16_t first_uid);
void rig_publisher_start(struct rig *r);
void rig_done(struct rig *r);

/** Publish the next generation; returns what the publisher says. */
int rig_publish(struct rig *r);

/** Start a reader process in a place; wait until it reads a table and has a slot. */
void rig_reader_start(struct rig *r, unsigned i);
void rig_reader_kill(struct rig *r, unsigned i);
/** It has stopped when this returns: it adopts no generation that is published afterwards. */
void rig_reader_stop(struct rig *r, unsigned i);

/** In a new child: it dies with the test and has none of its descriptors. */
void rig_child(void);

/** A raw connection, greeted unless told not to; the caller closes it. */
int rig_connect(struct rig *r, bool greet);
/** Send, tick. */
void rig_say(struct rig *r, int sock, enum qbid_msg_type type, uint64_t a, uint64_t b, int fd);
/** Receive a message of this type, skipping others; *ret_fd may be NULL (closed). False on
 *  hang-up or when nothing comes. */
bool rig_hear(struct rig *r, int sock, enum qbid_msg_type type, struct qbid_msg *ret_msg,
              int *ret_fd);
/** Ask for a worker; returns its slot, or -1. */
int rig_worker(struct rig *r, int sock, uint64_t cookie, int page_fd, int *ret_fd);

/** Read a raw connection to its end; false when no end comes. */
bool rig_hung_up(struct rig *r, int sock);

/** Workers that the publisher lists. */
uint32_t rig_workers(const struct rig *r);

/** A formatted page of a worker's own making, mapped; not sealed when told so. Its descriptor. */
int rig_page(uint32_t budgets, unsigned lg, bool seal, struct qbid_page *ret_page, void **ret_base,
             size_t *ret_bytes);

void rig_tick(struct rig *r); /* and sleep a millisecond */
void rig_fail(const char *what, const char *file, int line);

#define RIG_UNTIL(r, condition)                                                                    \
    do {                                                                                           \
        for (int waited = 0; !(condition); waited++) {                                             \
            if (waited > 5000)                                                                     \
                rig_fail(#condition, __FILE__, __LINE__);                                          \
            rig_tick(r);                                                                           \
        }                                                                                          \
    } while (0)

#endif
