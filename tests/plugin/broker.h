/* SPDX-License-Identifier: Apache-2.0 */
/* The control side of the hand-over for tests of the library: one thread, one connection at a time,
 * with images of the test's own. Everything that it shares is the real thing. */
#ifndef QBID_TESTS_PLUGIN_BROKER_H
#define QBID_TESTS_PLUGIN_BROKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/handover.h"
#include "shm/live.h"
#include "shm/page.h"

#define BROKER_BUDGETS 16
#define BROKER_LINE_ITEMS 64
#define BROKER_WORKERS 4
#define BROKER_LIMIT_NANOS (INT64_C(1) << 60)

struct broker {
    char folder[64];
    char path[96]; /* of the socket */
    int listener;
    int wake[2];
    pthread_t thread;
    pthread_mutex_t lock; /* of the descriptor below and of conn */
    int image_fd;
    uint64_t gen;
    size_t image_bytes;
    int conn;
    struct qbid_keys keys;
    struct qbid_live_shape shape;
    struct qbid_partner_key partner_key[2]; /* sent with the keys; partner 0 = none */
    int live_fd;
    struct qbid_live live;
    unsigned lg_events;
    struct qbid_page page[BROKER_WORKERS]; /* by cookie; header NULL = none yet */
    _Atomic uint64_t adopted;
    _Atomic unsigned refused;
};

/** Serve an image (a copy is taken) in a folder of its own; every pace 1, leases for an hour, keys
 *  1 and 2. lg_events is the ring's size. */
void broker_start(struct broker *b, const void *image, size_t bytes, unsigned lg_events);

/** The same for an account that needs more room. */
void broker_start_shape(struct broker *b, const void *image, size_t bytes, unsigned lg_events,
                        struct qbid_live_shape shape);

/** Publish another image and wait until it is adopted (or 5 s). */
void broker_publish(struct broker *b, const void *image, size_t bytes);

/** Change the keys, for the next connection and this one; takes effect with the next publish. */
void broker_keys(struct broker *b, uint8_t first, uint8_t second);

/** All events that wait in a worker's page, at most max; returns how many. */
unsigned broker_events(struct broker *b, unsigned cookie, struct qbid_event *out, unsigned max);

uint64_t broker_counter(const struct broker *b, unsigned cookie, enum qbid_counter which);
uint64_t broker_nobid(const struct broker *b, unsigned cookie, enum qbid_nobid which);

void broker_stop(struct broker *b);

#endif
