/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher's threads and interface, and the swap of a table. */
#include "shm/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/rcu.h"
#include "shm/watcher_state.h"

#define CONNECT_MS 200
#define RETRY_MS_DEFAULT 1000
#define LOG_PERIOD_NS (60 * QBID_NS_PER_S)
#define LOG_LINE_MAX 256

/* --- what readers do */

void qbid_watcher_thread_online(void)
{
    qbid_rcu_register(QBID_RCU_MEMB);
}

void qbid_watcher_thread_offline(void)
{
    qbid_rcu_unregister(QBID_RCU_MEMB);
}

void qbid_watcher_thread_register(enum qbid_rcu rcu)
{
    qbid_rcu_register(rcu);
}

void qbid_watcher_thread_unregister(enum qbid_rcu rcu)
{
    qbid_rcu_unregister(rcu);
}

void qbid_watcher_thread_quiescent(void)
{
    qbid_rcu_quiescent();
}

void qbid_watcher_thread_idle(void)
{
    qbid_rcu_offline();
}

void qbid_watcher_thread_busy(void)
{
    qbid_rcu_online();
}

const struct qbid_table *qbid_watcher_read_lock(struct qbid_watcher *watcher)
{
    qbid_rcu_read_lock(watcher->rcu);
    qbid_race_hook("watcher:reading");
    return atomic_load_explicit(&watcher->table, memory_order_acquire); /* R1 <- W1 */
}

void qbid_watcher_read_unlock(struct qbid_watcher *watcher)
{
    qbid_rcu_read_unlock(watcher->rcu, watcher); /* W2 -> R2 */
}

void qbid_watcher_stats_load(struct qbid_watcher *watcher, struct qbid_watcher_stats *ret_stats)
{
#define LOAD(field)                                                                                \
    ret_stats->field = atomic_load_explicit(&watcher->stats.field, memory_order_relaxed)
    LOAD(gen);
    LOAD(adopted);
    LOAD(refused);
    LOAD(last_refusal);
    LOAD(connected);
    LOAD(reconnects);
    LOAD(adopted_ns);
    LOAD(adopt_cost_ns);
    LOAD(stage_cost_ns);
#undef LOAD
}

/* --- publishing */

static void count_adoption(struct qbid_watcher *watcher, const struct qbid_part *image)
{
    uint64_t now_ns = qbid_clock_boot_ns();
    uint64_t gen = image->as.image.header->gen;
    atomic_store_explicit(&watcher->stats.gen, gen, memory_order_relaxed);
    qbid_count_add(&watcher->stats.adopted, 1);
    atomic_store_explicit(&watcher->stats.adopted_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&watcher->stats.adopt_cost_ns, now_ns - image->received_ns,
                          memory_order_relaxed);
}

int qbid_watcher_publish(struct qbid_watcher *watcher, const struct qbid_bundle *bundle)
{
    struct qbid_table *table = qbid_bundle_table(bundle);
    if (table == NULL) {
        qbid_watcher_log(watcher, QBID_CAUSE_MEMORY, "out of memory: the old table stays");
        return QBID_ERR_NOMEM;
    }
    struct qbid_bundle old = watcher->now;
    qbid_bundle_copy(&watcher->now, bundle);
    table = atomic_exchange_explicit(&watcher->table, table, memory_order_acq_rel); /* W1 -> R1 */
    if (bundle->image != NULL && bundle->image != old.image)
        count_adoption(watcher, bundle->image);
    qbid_race_hook("watcher:swapped");
    qbid_rcu_synchronize(watcher->rcu, watcher); /* R2 <- W2 */
    qbid_race_hook("watcher:waited");
    qbid_table_free(table);

    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        struct qbid_part *left = old.seat[c].page, *page = watcher->now.seat[c].page;
        if (left != NULL && page != NULL && left != page)
            qbid_watcher_worker_rest(watcher, left);
    }
    uint64_t old_gen = old.image != NULL ? old.image->as.image.header->gen : 0;
    int unmapped = qbid_part_drop(old.image);
    old.image = NULL;
    qbid_bundle_done(&old);
    if (watcher->unacked && bundle->image == watcher->next.image) {
        watcher->unacked = false;
        qbid_watcher_link_send(watcher, QBID_MSG_ADOPTED, bundle->image->as.image.header->gen, 0,
                               -1);
    }
    if (unmapped)
        qbid_watcher_link_released(watcher, old_gen);
    pthread_cond_broadcast(&watcher->changed);
    return 0;
}

int qbid_watcher_set_seat(struct qbid_watcher *watcher, unsigned cookie, struct qbid_seat seat)
{
    struct qbid_bundle changed;
    qbid_bundle_copy(&changed, watcher->link == QBID_LINK_SETTLED ? &watcher->next : &watcher->now);
    qbid_part_hold(seat.page);
    qbid_bundle_set_seat(&watcher->next, cookie, seat);
    qbid_bundle_set_seat(&changed, cookie, seat);
    int rc = qbid_watcher_publish(watcher, &changed);
    qbid_bundle_done(&changed);
    return rc;
}

/* --- log */

void qbid_watcher_log(struct qbid_watcher *watcher, enum qbid_watcher_cause cause,
                      const char *format, ...)
{
    uint64_t now_ns = qbid_clock_boot_ns();
    if (watcher->options.log == NULL ||
        (watcher->logged_ns[cause] != 0 && now_ns - watcher->logged_ns[cause] < LOG_PERIOD_NS))
        return;
    watcher->logged_ns[cause] = now_ns;
    char line[LOG_LINE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    watcher->options.log(watcher->options.log_context, line);
}

void qbid_watcher_refuse(struct qbid_watcher *watcher, enum qbid_watcher_cause cause, int err,
                         uint64_t gen)
{
    qbid_count_add(&watcher->stats.refused, 1);
    atomic_store_explicit(&watcher->stats.last_refusal, err, memory_order_relaxed);
    const char *why = qbid_strerror(err);
    if (cause == QBID_CAUSE_IMAGE)
        qbid_watcher_log(watcher, cause, "image %llu refused, the old one stays: %s",
                         (unsigned long long)gen, why);
    else if (cause == QBID_CAUSE_FILE)
        qbid_watcher_log(watcher, cause, "image file %s refused: %s", watcher->image_file, why);
    else
        qbid_watcher_log(watcher, cause, "%s refused: %s",
                         cause == QBID_CAUSE_LIVE ? "live page" : "worker page", why);
}

/* --- thread */

/* Connect when it is time to; the lock is not held while a full backlog is waited for. */
static void connect_when_due(struct qbid_watcher *watcher)
{
    if (watcher->link != QBID_LINK_DOWN || watcher->socket_path == NULL ||
        qbid_clock_boot_ns() < watcher->retry_at_ns)
        return;
    pthread_mutex_unlock(&watcher->lock);
    int sock = qbid_handover_connect(watcher->socket_path, CONNECT_MS);
    if (sock >= 0 && fcntl(sock, F_SETFL, O_NONBLOCK) < 0) {
        close(sock);
        sock = QBID_ERR_SYS;
    }
    pthread_mutex_lock(&watcher->lock);
    if (sock >= 0) {
        qbid_watcher_link_open(watcher, sock);
    } else {
        qbid_watcher_log(watcher, QBID_CAUSE_CONNECT, "no qbidd on %s: %s", watcher->socket_path,
                         qbid_strerror(sock));
        qbid_watcher_link_close(watcher);
    }
}

/* Until the next deadline; -1 = only messages can change anything. */
static int poll_timeout_ms(const struct qbid_watcher *watcher)
{
    uint64_t at_ns =
        watcher->link == QBID_LINK_DOWN ? watcher->retry_at_ns : watcher->link_deadline_ns;
    if (watcher->socket_path == NULL || watcher->link == QBID_LINK_SETTLED)
        return -1;
    uint64_t now_ns = qbid_clock_boot_ns();
    return at_ns <= now_ns ? 0 : (int)((at_ns - now_ns) / QBID_NS_PER_MS + 1);
}

static void *run(void *context)
{
    struct qbid_watcher *watcher = context;
    pthread_mutex_lock(&watcher->lock);
    while (!watcher->stop) {
        connect_when_due(watcher);
        struct pollfd fds[2] = {{watcher->wake, POLLIN, 0}, {watcher->sock, POLLIN, 0}};
        int timeout_ms = watcher->stop ? 0 : poll_timeout_ms(watcher);
        pthread_mutex_unlock(&watcher->lock);
        (void)poll(fds, watcher->sock < 0 ? 1 : 2, timeout_ms);
        pthread_mutex_lock(&watcher->lock);
        if (fds[1].revents != 0)
            qbid_watcher_link_receive(watcher);
        qbid_watcher_link_tick(watcher, qbid_clock_boot_ns());
    }
    pthread_mutex_unlock(&watcher->lock);
    return NULL;
}

static int start_thread(struct qbid_watcher *watcher, void *(*body)(void *), const char *name,
                        pthread_t *ret_thread)
{
    sigset_t all, old;
    sigfillset(&all); /* the host's signals are the host's threads' business */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(ret_thread, NULL, body, watcher);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        errno = rc;
        return QBID_ERR_SYS;
    }
    pthread_setname_np(*ret_thread, name);
    return 0;
}

static void stop_thread(struct qbid_watcher *watcher, pthread_t thread)
{
    uint64_t one = 1;
    pthread_mutex_lock(&watcher->lock);
    watcher->stop = true;
    pthread_cond_signal(&watcher->staging);
    pthread_mutex_unlock(&watcher->lock);
    while (write(watcher->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
    pthread_join(thread, NULL);
}

static int start(struct qbid_watcher *watcher)
{
    int rc = start_thread(watcher, qbid_watcher_stage_run, "qbid-stager", &watcher->stager);
    if (rc < 0)
        return rc;
    rc = start_thread(watcher, run, "qbid-watcher", &watcher->thread);
    if (rc < 0)
        stop_thread(watcher, watcher->stager);
    return rc;
}

/* --- lifecycle */

static void load_file(struct qbid_watcher *watcher)
{
    struct qbid_part *image;
    int rc = qbid_part_image_file(watcher->image_file, &image);
    if (rc < 0) {
        qbid_watcher_refuse(watcher, QBID_CAUSE_FILE, rc, 0);
        return;
    }
    watcher->next.image = image;
    qbid_watcher_publish(watcher, &watcher->next); /* no memory: logged, and there is no image */
}

static int init(struct qbid_watcher *watcher, const struct qbid_watcher_options *options)
{
    pthread_condattr_t monotonic;
    watcher->sock = watcher->wake = -1;
    watcher->options = *options;
    watcher->rcu = options->rcu;
    if (watcher->options.retry_ms_max == 0)
        watcher->options.retry_ms_max = RETRY_MS_DEFAULT;
    qbid_bundle_init(&watcher->now);
    qbid_bundle_init(&watcher->next);
    pthread_mutex_init(&watcher->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watcher->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&watcher->staging, NULL);

    if (options->socket_path != NULL)
        watcher->socket_path = strdup(options->socket_path);
    if (options->image_file != NULL)
        watcher->image_file = strdup(options->image_file);
    struct qbid_table *table = qbid_bundle_table(&watcher->now);
    atomic_store_explicit(&watcher->table, table, memory_order_release);
    if (table == NULL || !watcher->socket_path != !options->socket_path ||
        !watcher->image_file != !options->image_file)
        return QBID_ERR_NOMEM;
    watcher->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return watcher->wake < 0 ? QBID_ERR_SYS : 0;
}

static void done(struct qbid_watcher *watcher)
{
    if (watcher->sock >= 0)
        close(watcher->sock);
    if (watcher->wake >= 0)
        close(watcher->wake);
    watcher->link = QBID_LINK_DOWN;
    qbid_watcher_stage_forget(watcher);
    qbid_bundle_done(&watcher->next);
    qbid_bundle_done(&watcher->now);
    qbid_table_free(atomic_load_explicit(&watcher->table, memory_order_relaxed));
    pthread_cond_destroy(&watcher->changed);
    pthread_cond_destroy(&watcher->staging);
    pthread_mutex_destroy(&watcher->lock);
    free(watcher->socket_path);
    free(watcher->image_file);
    free(watcher);
}

struct timespec qbid_watcher_after_ms(unsigned ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * (long)QBID_NS_PER_MS;
    if (at.tv_nsec >= (long)QBID_NS_PER_S) {
        at.tv_sec++;
        at.tv_nsec -= (long)QBID_NS_PER_S;
    }
    return at;
}

/* The first attempt: until it has failed, or a live page and an image are there, or 200 ms. */
static void await_first_try(struct qbid_watcher *watcher)
{
    struct timespec until = qbid_watcher_after_ms(CONNECT_MS);
    int rc = 0;
    pthread_mutex_lock(&watcher->lock);
    while (rc == 0 && !watcher->tried)
        rc = pthread_cond_timedwait(&watcher->changed, &watcher->lock, &until);
    pthread_mutex_unlock(&watcher->lock);
}

int qbid_watcher_new(const struct qbid_watcher_options *options, struct qbid_watcher **ret_watcher)
{
    struct qbid_watcher *watcher = calloc(1, sizeof *watcher);
    if (watcher == NULL)
        return QBID_ERR_NOMEM;
    bool online = qbid_rcu_wait_begin();
    int rc = init(watcher, options);
    if (rc == 0 && watcher->image_file != NULL)
        load_file(watcher);
    if (rc == 0)
        rc = start(watcher);
    if (rc == 0 && watcher->socket_path != NULL)
        await_first_try(watcher);
    qbid_rcu_wait_end(online);
    if (rc < 0) {
        done(watcher);
        return rc;
    }
    *ret_watcher = watcher;
    return 0;
}

void qbid_watcher_free(struct qbid_watcher *watcher)
{
    if (watcher == NULL)
        return;
    bool online = qbid_rcu_wait_begin();
    stop_thread(watcher, watcher->thread);
    stop_thread(watcher, watcher->stager);
    qbid_rcu_wait_end(online);
    done(watcher);
}
