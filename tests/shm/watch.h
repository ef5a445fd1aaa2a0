/* SPDX-License-Identifier: Apache-2.0 */
/* A watcher and its server, for tests: setup, teardown, and looking at the current table. */
#ifndef QBID_TESTS_SHM_WATCH_H
#define QBID_TESTS_SHM_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "shm/watcher.h"
#include "tests/shm/server.h"

struct watch {
    char folder[64], path[96], file[96];
    struct server server;
    struct qbid_watcher *watcher;
    struct qbid_watcher_options options;
    unsigned lines;     /* logged */
    char last[300];     /* line */
    unsigned fds, maps; /* before */
};

/** Folder and options; the server is started when asked for. Registers the calling thread. */
void watch_init(struct watch *w, bool with_server);
/** The same with a flavour of RCU. With qsbr the calling thread is idle but in the calls below. */
void watch_init_as(struct watch *w, bool with_server, enum qbid_rcu rcu);
/** A watcher whose server has served it, with an image unless gen is 0. */
void watch_open(struct watch *w, uint64_t gen);
/** Ends everything; checks that no descriptor and no mapping is left. */
void watch_done(struct watch *w);

/** Write an image into the watcher's file, `len` bytes of it (0 = all). */
void watch_write_file(struct watch *w, const void *base, size_t bytes, size_t len);

/** A worker that the server gives a new page at slot and uid; returns the cookie. */
unsigned watch_add_worker(struct watch *w, uint16_t slot, uint16_t uid);

/** What the next message must be. */
void watch_expect(struct watch *w, enum qbid_msg_type type, uint64_t a);

/* Parts of the current table, by value. */
uint64_t watch_gen(struct watch *w);
uint16_t watch_slot(struct watch *w, unsigned cookie);
uint16_t watch_uid(struct watch *w, unsigned cookie);
int64_t watch_limit(struct watch *w, unsigned cookie, uint32_t budget_idx);
struct qbid_page watch_page(struct watch *w, unsigned cookie);
uint8_t watch_key(struct watch *w);
struct qbid_watcher_stats watch_stats(struct watch *w);

/** Put n events with nonces first, first + 1, ... into a worker's page; true if all fit. */
bool watch_push(struct watch *w, unsigned cookie, uint64_t first, unsigned n);

void watch_fail(const char *what, const char *file, int line);
void watch_sleep(void);

/* Wait until a condition holds; fails after 5 s. */
#define WATCH_UNTIL(condition)                                                                     \
    do {                                                                                           \
        for (int waited_ms = 0; !(condition); waited_ms++) {                                       \
            if (waited_ms > 5000)                                                                  \
                watch_fail(#condition, __FILE__, __LINE__);                                        \
            watch_sleep();                                                                         \
        }                                                                                          \
    } while (0)

#endif
