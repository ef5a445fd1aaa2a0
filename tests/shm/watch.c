/* SPDX-License-Identifier: Apache-2.0 */
/* Sets a watcher up and looks at what it publishes. */
#include "tests/shm/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/shm/process.h"

static void log_line(void *context, const char *line)
{
    struct watch *w = context;
    w->lines++;
    snprintf(w->last, sizeof w->last, "%s", line);
}

/* This thread's own reads. With qsbr it is away in between, so that it may wait for adoptions. */
static const struct qbid_table *enter(struct watch *w)
{
    if (w->options.rcu == QBID_RCU_QSBR)
        qbid_watcher_thread_busy();
    return qbid_watcher_read_lock(w->watcher);
}

static void leave(struct watch *w)
{
    qbid_watcher_read_unlock(w->watcher);
    if (w->options.rcu == QBID_RCU_QSBR)
        qbid_watcher_thread_idle();
}

void watch_init(struct watch *w, bool with_server)
{
    watch_init_as(w, with_server, QBID_RCU_MEMB);
}

/* The flavours that this thread is registered with: a test that failed did not come to its end. */
static _Thread_local bool registered[2];

static void thread_register(enum qbid_rcu rcu, bool on)
{
    if (registered[rcu])
        qbid_watcher_thread_unregister(rcu);
    if (on)
        qbid_watcher_thread_register(rcu);
    registered[rcu] = on;
}

void watch_init_as(struct watch *w, bool with_server, enum qbid_rcu rcu)
{
    memset(w, 0, sizeof *w);
    w->options.rcu = rcu;
    strcpy(w->folder, "/tmp/qbid-watch-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/sock", w->folder);
    snprintf(w->file, sizeof w->file, "%s/image", w->folder);
    w->fds = process_fds();
    w->maps = process_maps();
    if (with_server) {
        server_start(&w->server, w->path);
        w->options.socket_path = w->path;
    }
    w->options.log = log_line;
    w->options.log_context = w;
    w->options.retry_ms_max = 50;
    thread_register(rcu, true);
    if (rcu == QBID_RCU_QSBR)
        qbid_watcher_thread_idle();
}

void watch_open(struct watch *w, uint64_t gen)
{
    server_serve_soon(&w->server, gen);
    assert_int_equal(qbid_watcher_new(&w->options, &w->watcher), 0);
    server_served(&w->server);
    if (gen != 0) {
        watch_expect(w, QBID_MSG_ADOPTED, gen);
        assert_int_equal(watch_gen(w), gen);
    }
    WATCH_UNTIL(watch_stats(w).connected);
}

void watch_done(struct watch *w)
{
    thread_register(w->options.rcu, false);
    qbid_watcher_free(w->watcher);
    if (w->server.pid > 0)
        server_kill(&w->server);
    unlink(w->path);
    unlink(w->file);
    assert_int_equal(rmdir(w->folder), 0);
    assert_int_equal(process_fds(), w->fds);
    assert_int_equal(process_maps(), w->maps);
}

void watch_write_file(struct watch *w, const void *base, size_t bytes, size_t len)
{
    FILE *file = fopen(w->file, "w");
    assert_non_null(file);
    len = len == 0 ? bytes : len;
    assert_int_equal(fwrite(base, 1, len, file), len);
    fclose(file);
    w->options.image_file = w->file;
}

struct add {
    struct watch *w;
    unsigned cookie;
    int rc;
};

static void *add_in_thread(void *context)
{
    struct add *add = context;
    add->rc = qbid_watcher_add_worker(add->w->watcher, 3000, &add->cookie);
    return NULL;
}

unsigned watch_add_worker(struct watch *w, uint16_t slot, uint16_t uid)
{
    struct add add = {.w = w};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, add_in_thread, &add), 0);
    struct server_heard heard = server_hear(&w->server);
    assert_int_equal(heard.type, QBID_MSG_WORKER);
    server_page(&w->server, heard.a, slot, uid, 1, SERVER_GOOD);
    pthread_join(thread, NULL);
    assert_int_equal(add.rc, 0);
    assert_int_equal(add.cookie, heard.a);
    assert_int_equal(watch_slot(w, add.cookie), slot);
    return add.cookie;
}

void watch_expect(struct watch *w, enum qbid_msg_type type, uint64_t a)
{
    struct server_heard heard =
        type == QBID_MSG_READY ? server_hear_all(&w->server) : server_hear(&w->server);
    assert_int_equal(heard.type, type);
    assert_int_equal(heard.a, a);
}

uint64_t watch_gen(struct watch *w)
{
    const struct qbid_table *table = enter(w);
    uint64_t gen = table->image.header != NULL ? table->image.header->gen : 0;
    if (gen != 0)
        assert_true(server_image_is_whole(&table->image));
    leave(w);
    return gen;
}

uint16_t watch_slot(struct watch *w, unsigned cookie)
{
    uint16_t slot = enter(w)->slot[cookie];
    leave(w);
    return slot;
}

uint16_t watch_uid(struct watch *w, unsigned cookie)
{
    uint16_t uid = enter(w)->uid[cookie];
    leave(w);
    return uid;
}

int64_t watch_limit(struct watch *w, unsigned cookie, uint32_t budget_idx)
{
    const struct qbid_table *table = enter(w);
    size_t row = table->slot[cookie];
    int64_t limit = atomic_load_explicit(
        &table->live.limit[row * table->live.shape.budget_max + budget_idx], memory_order_relaxed);
    leave(w);
    return limit;
}

struct qbid_page watch_page(struct watch *w, unsigned cookie)
{
    struct qbid_page page = enter(w)->page[cookie];
    leave(w);
    return page;
}

uint8_t watch_key(struct watch *w)
{
    uint8_t id = enter(w)->keys.id[0];
    leave(w);
    return id;
}

struct qbid_watcher_stats watch_stats(struct watch *w)
{
    struct qbid_watcher_stats stats;
    qbid_watcher_stats_load(w->watcher, &stats);
    return stats;
}

bool watch_push(struct watch *w, unsigned cookie, uint64_t first, unsigned n)
{
    const struct qbid_table *table = enter(w);
    bool all = true;
    for (unsigned i = 0; i < n; i++) {
        struct qbid_event event = {.nonce = first + i, .kind = QBID_EVENT_BID};
        all &= qbid_page_push(&table->page[cookie], &event);
    }
    leave(w);
    return all;
}

void watch_fail(const char *what, const char *file, int line)
{
    print_error("never came true: %s\n", what);
    _fail(file, line);
}

void watch_sleep(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}
