/* SPDX-License-Identifier: Apache-2.0 */
/* A peer for the watcher's tests: another process on a real socket, which does one step of the
 * hand-over, right or wrong, whenever the test tells it to. */
#ifndef QBID_TESTS_SHM_SERVER_H
#define QBID_TESTS_SHM_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/handover.h"
#include "shm/watcher.h"

#define SERVER_WORKERS 8
#define SERVER_BUDGETS 32

struct server {
    pid_t pid;
    int ctl;
};

enum server_fault {
    SERVER_GOOD,
    SERVER_UNSEALED,    /* a memory file without seals, descriptor read-write */
    SERVER_HALF_SEALED, /* all seals but one */
    SERVER_SPARSE,      /* sealed, but its pages are not there */
    SERVER_PIPE,        /* the descriptor of a pipe */
    SERVER_FILE,        /* a regular file with the right bytes */
    SERVER_NO_FD,
    SERVER_TWO_FDS,
    SERVER_SHORT,   /* sealed, but smaller than its header says */
    SERVER_SIZE,    /* the message states another size */
    SERVER_GEN,     /* the message states another generation */
    SERVER_MAGIC,   /* foreign content */
    SERVER_VERSION, /* another layout */
    SERVER_BYTE,    /* one byte in the middle is different */
    SERVER_SLOT,    /* PAGE: slot outside the live page */
    SERVER_COOKIE,  /* PAGE: a worker that nobody asked for */
    SERVER_FAULT_CNT
};

/** Start it: it listens on path. */
void server_start(struct server *server, const char *path);
/** Kill it without warning, and wait until it is gone. */
void server_kill(struct server *server);

/** Accept the next connection and take its HELLO; the pid that it states, < 0 after 3 s. */
int server_accept(struct server *server);
/** Hang up. */
void server_hangup(struct server *server);

void server_welcome(struct server *server);
void server_keys(struct server *server, uint8_t id);
void server_live(struct server *server, enum server_fault fault);
/** An image of a generation, see server_image_build(): staged and committed at once, or each. */
void server_image(struct server *server, uint64_t gen, enum server_fault fault);
void server_stage(struct server *server, uint64_t gen);
void server_commit(struct server *server, uint64_t gen);
/** The same out of `cnt` generations one after another, without waiting. */
void server_images(struct server *server, uint64_t first_gen, unsigned cnt);
/** Answer a worker: with a new page, or without (go on with yours). */
void server_page(struct server *server, uint64_t cookie, uint16_t slot, uint16_t uid, int new_page,
                 enum server_fault fault);
/** Bytes that are no message: 0 too short, 1 too long, 2 wrong magic, 3 wrong version, 4 a type
 *  that does not exist, 5 a type that only clients send. */
void server_garbage(struct server *server, unsigned which);

struct server_heard {
    int type; /* enum qbid_msg_type; 0 = hang-up, -1 = nothing within 3 s */
    int with_fd;
    uint64_t a, b;
};
/** The next message from the watcher but READY, which may come at any time; or with it. */
struct server_heard server_hear(struct server *server);
struct server_heard server_hear_all(struct server *server);

/** accept, WELCOME, KEYS (id 1), LIVE, and the image of gen unless that is 0. */
void server_serve(struct server *server, uint64_t gen);
/** The same without waiting until it is done; server_served() waits. */
void server_serve_soon(struct server *server, uint64_t gen);
void server_served(struct server *server);

/** Take all waiting events out of a worker's page: how many, and the sum of their nonces. */
uint64_t server_drain(struct server *server, uint64_t cookie, uint64_t *ret_nonce_sum);
/** Set the limit of one budget of one slot, in the live page. */
void server_limit(struct server *server, uint16_t slot, uint32_t budget_idx, int64_t limit);

/** An image in which every number that a reader meets is the generation. free() it. */
void *server_image_build(uint64_t gen, size_t *ret_bytes);
/** Whether all that such an image holds is of the generation in its header. */
int server_image_is_whole(const struct qbid_image *image);

#endif
