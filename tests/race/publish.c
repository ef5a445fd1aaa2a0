/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing at full speed against readers, for ThreadSanitizer: the real watcher, a server in
 * another process that publishes, dies and comes again, and readers that check that every table is
 * of one generation and one server. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/shm/watch.h"

#ifndef RACE_RCU /* race_publish_qsbr is this file with the other one */
#define RACE_RCU QBID_RCU_MEMB
#endif

#define READERS 3
#define EPOCHS 4
#define IMAGES 60

struct reader {
    struct watch *watch;
    unsigned cookie;
    _Atomic int *stop;
    uint64_t wrong, tables, gens;
};

/* The server of an epoch gives a worker this uid and writes it into the limits of its slot. */
static uint16_t uid_of(unsigned epoch, unsigned slot)
{
    return (uint16_t)(epoch * 16 + slot + 1);
}

static void check(struct reader *r, const struct qbid_table *table, uint64_t *last_gen)
{
    uint64_t gen = table->image.header->gen;
    uint16_t slot = table->slot[r->cookie];
    r->wrong += gen < *last_gen || !server_image_is_whole(&table->image);
    r->gens += gen != *last_gen;
    *last_gen = gen;
    if (slot != QBID_LIVE_SLOT_NONE) {
        int64_t limit = atomic_load_explicit(
            &table->live.limit[(size_t)slot * table->live.shape.budget_max], memory_order_relaxed);
        r->wrong += limit != table->uid[r->cookie];
    }
    struct qbid_event event = {.nonce = gen};
    qbid_page_push(&table->page[r->cookie], &event);
    r->tables++;
}

static void *read_tables(void *context)
{
    struct reader *r = context;
    uint64_t last_gen = 0;
    qbid_watcher_thread_register(RACE_RCU);
    while (!atomic_load_explicit(r->stop, memory_order_relaxed)) {
        check(r, qbid_watcher_read_lock(r->watch->watcher), &last_gen);
        qbid_watcher_read_unlock(r->watch->watcher);
        if (RACE_RCU == QBID_RCU_QSBR)
            qbid_watcher_thread_quiescent();
    }
    qbid_watcher_thread_unregister(RACE_RCU);
    return NULL;
}

static void serve_epoch(struct watch *w, unsigned epoch)
{
    for (unsigned slot = 0; slot < SERVER_WORKERS; slot++)
        server_limit(&w->server, (uint16_t)slot, 0, uid_of(epoch, slot));
    server_serve(&w->server, 0);
    for (unsigned i = 0; i < READERS; i++) {
        struct server_heard heard = server_hear(&w->server);
        assert_int_equal(heard.type, QBID_MSG_WORKER);
        unsigned slot = (epoch + i) % SERVER_WORKERS;
        server_page(&w->server, heard.a, (uint16_t)slot, uid_of(epoch, slot), epoch % 2 != 0,
                    SERVER_GOOD);
    }
    server_images(&w->server, 1 + (uint64_t)epoch * IMAGES, IMAGES);
    WATCH_UNTIL(watch_gen(w) == (uint64_t)(epoch + 1) * IMAGES);
}

static void readers_never_see_two_generations_or_two_servers_at_once(void **state)
{
    (void)state;
    struct watch w;
    struct reader reader[READERS] = {0};
    pthread_t thread[READERS];
    _Atomic int stop = 0;
    watch_init_as(&w, true, RACE_RCU);
    watch_open(&w, 1);
    for (unsigned i = 0; i < READERS; i++) {
        reader[i].watch = &w;
        reader[i].stop = &stop;
        server_limit(&w.server, (uint16_t)i, 0, uid_of(0, i));
        reader[i].cookie = watch_add_worker(&w, (uint16_t)i, uid_of(0, i));
        assert_int_equal(pthread_create(&thread[i], NULL, read_tables, &reader[i]), 0);
    }
    server_images(&w.server, 2, IMAGES - 1);
    WATCH_UNTIL(watch_gen(&w) == IMAGES);
    for (unsigned epoch = 1; epoch < EPOCHS; epoch++) {
        server_kill(&w.server);
        server_start(&w.server, w.path);
        serve_epoch(&w, epoch);
    }
    atomic_store_explicit(&stop, 1, memory_order_relaxed);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(reader[i].wrong, 0);
        assert_true(reader[i].tables >= reader[i].gens && reader[i].gens > 1);
        print_message("reader %u: %llu tables, %llu generations\n", i,
                      (unsigned long long)reader[i].tables, (unsigned long long)reader[i].gens);
    }
    /* One that is overtaken before the stager has come to it is left out. */
    assert_in_range(watch_stats(&w).adopted, EPOCHS * IMAGES / 10, EPOCHS * IMAGES);
    watch_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_never_see_two_generations_or_two_servers_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
