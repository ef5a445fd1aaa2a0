/* SPDX-License-Identifier: Apache-2.0 */
/* The program qbid-dpdk: its start, its control thread, its end. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "plugin/dpdk/lcore.h"
#include "plugin/dpdk/options.h"
#include "plugin/dpdk/port.h"
#include "plugin/dpdk/runtime.h"
#include "plugin/dpdk/status.h"
#include "plugin/dpdk/telemetry.h"

#define EXIT_USAGE 2
#define TICK_MS 50
#define ANNOUNCE_CNT 4
#define ANNOUNCE_TICKS (500 / TICK_MS)
#define EAL_WORDS_MAX 128

/* What a signal handler can reach; everything else hangs on a struct qbid_dpdk. */
static _Atomic bool signalled;

static void on_signal(int number)
{
    (void)number;
    atomic_store_explicit(&signalled, true, memory_order_relaxed);
}

static void say(const char *line)
{
    fprintf(stderr, "qbid-dpdk: %s\n", line);
}

static void on_log(void *context, const char *line)
{
    (void)context;
    say(line);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

/* --- the control thread */

struct control {
    struct qbid_dpdk *dpdk;
    int listener; /* -1 = none */
    bool up[QBID_DPDK_PORTS_MAX];
    unsigned ticks_left; /* of announcing, after a link came up */
    _Atomic bool end;
};

static void watch_links(struct control *c)
{
    for (unsigned i = 0; i < c->dpdk->port_cnt; i++) {
        char line[64];
        bool up = qbid_port_up(&c->dpdk->port[i]);
        if (up == c->up[i])
            continue;
        c->up[i] = up;
        snprintf(line, sizeof line, "port %u: link %s", c->dpdk->port[i].id, up ? "up" : "down");
        say(line);
        if (up)
            c->ticks_left = ANNOUNCE_CNT * ANNOUNCE_TICKS;
    }
    if (c->ticks_left == 0)
        return;
    /* more than once (RFC 5227 has two): the other end of the link may not be up yet */
    if (c->ticks_left-- % ANNOUNCE_TICKS == 0)
        atomic_fetch_add_explicit(&c->dpdk->announce, 1, memory_order_relaxed);
}

static void watch_lcores(struct control *c)
{
    for (unsigned i = 0; i < c->dpdk->lcore_cnt; i++)
        if (atomic_load_explicit(&c->dpdk->lcore[i]->state, memory_order_acquire) ==
            QBID_LCORE_ENDED)
            atomic_store_explicit(&c->dpdk->stop, true, memory_order_relaxed);
}

static void *control_run(void *arg)
{
    struct control *c = arg;
    struct pollfd p = {.fd = c->listener, .events = POLLIN};
    while (!atomic_load_explicit(&c->end, memory_order_relaxed)) {
        if (atomic_load_explicit(&signalled, memory_order_relaxed))
            atomic_store_explicit(&c->dpdk->stop, true, memory_order_relaxed);
        watch_lcores(c);
        watch_links(c);
        if (poll(&p, 1, TICK_MS) > 0)
            qbid_status_serve(c->listener, c->dpdk);
    }
    return NULL;
}

/* --- start and end */

static int make_lcores(struct qbid_dpdk *dpdk)
{
    for (unsigned id = 0; id < RTE_MAX_LCORE && dpdk->lcore_cnt < QBID_LCORES_MAX; id++) {
        if (!rte_lcore_is_enabled(id))
            continue;
        struct qbid_lcore *lcore = qbid_lcore_new(dpdk, id, (uint16_t)dpdk->lcore_cnt);
        if (!lcore) {
            say("no memory for the lcores: give EAL more (-m)");
            return -1;
        }
        dpdk->lcore[dpdk->lcore_cnt++] = lcore;
    }
    return 0;
}

static int lcore_entry(void *arg)
{
    struct qbid_dpdk *dpdk = arg;
    unsigned id = rte_lcore_id();
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++)
        if (dpdk->lcore[i]->id == id)
            return qbid_lcore_run(dpdk->lcore[i]);
    return 0;
}

static void print_start(const struct qbid_dpdk *dpdk)
{
    for (unsigned i = 0; i < dpdk->port_cnt; i++) {
        uint32_t ip = dpdk->port[i].station.ip;
        fprintf(stderr, "qbid-dpdk: port %u answers on %u.%u.%u.%u:%u, %u lcores\n",
                dpdk->port[i].id, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
                dpdk->port[i].station.port, dpdk->lcore_cnt);
    }
}

/* Poll on all lcores, this one too, until the end. */
static int poll_until_stopped(struct qbid_dpdk *dpdk, int listener)
{
    struct control control = {.dpdk = dpdk, .listener = listener};
    pthread_t thread;
    int rc = 0;
    if (rte_ctrl_thread_create(&thread, "qbid-control", NULL, control_run, &control) != 0) {
        say("no control thread");
        return 1;
    }
    print_start(dpdk);
    if (rte_eal_mp_remote_launch(lcore_entry, dpdk, CALL_MAIN) != 0)
        rc = 1;
    atomic_store_explicit(&dpdk->stop, true, memory_order_relaxed);
    rte_eal_mp_wait_lcore();
    atomic_store_explicit(&control.end, true, memory_order_relaxed);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++)
        if (dpdk->lcore[i]->err != 0) {
            fprintf(stderr, "qbid-dpdk: lcore %u: worker: %s\n", dpdk->lcore[i]->id,
                    qbid_strerror(dpdk->lcore[i]->err));
            rc = 1;
        }
    return rc;
}

static int open_library(struct qbid_dpdk *dpdk)
{
    const struct qbid_dpdk_options *o = &dpdk->options;
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = o->socket_path,
                                   .image_file = o->image_file,
                                   .notice_url = o->notice_url,
                                   .tmax_margin_ms = o->tmax_margin_ms,
                                   .latency_every = o->latency_every,
                                   .quiescent = 1,
                                   .log = on_log};
    int err = qbid_open(&options, &dpdk->qbid);
    if (err != 0)
        fprintf(stderr, "qbid-dpdk: --notice-url, --socket or --image: %s\n", qbid_strerror(err));
    return err;
}

static int serve(struct qbid_dpdk *dpdk)
{
    char why[QBID_DPDK_WHY_MAX];
    int listener = -1, rc = 1;
    const char *path = dpdk->options.status_path;
    if (make_lcores(dpdk) != 0)
        return 1;
    if (qbid_ports_start(dpdk, why) != 0) {
        say(why);
        return 1;
    }
    if (path && (listener = qbid_status_listen(path)) < 0) {
        fprintf(stderr, "qbid-dpdk: --status: %s: %s\n", path, strerror(errno));
        return 1;
    }
    if (qbid_telemetry_start(dpdk) != 0)
        say("DPDK's telemetry does not take our commands");
    if (open_library(dpdk) == 0)
        rc = poll_until_stopped(dpdk, listener);
    qbid_close(dpdk->qbid);
    if (listener >= 0) {
        close(listener);
        (void)unlink(path);
    }
    return rc;
}

/* EAL from its start to its end around serve(). */
static int run(int argc, char **argv, const struct qbid_dpdk_options *options)
{
    static struct qbid_dpdk dpdk; /* telemetry reads it until EAL has ended */
    char own[PATH_MAX];
    dpdk.options = *options;
    if (rte_eal_init(argc, argv) < 0) {
        fprintf(stderr,
                "qbid-dpdk: EAL: %s\n"
                "qbid-dpdk: without huge pages give --no-huge -m 64; see README, DPDK\n",
                rte_strerror(rte_errno));
        return 1;
    }
    snprintf(own, sizeof own, "%s", rte_eal_get_runtime_dir());
    (void)qbid_runtime_sweep(own);
    catch_signals();
    int rc = serve(&dpdk);
    qbid_ports_stop(&dpdk);
    for (unsigned i = 0; i < dpdk.lcore_cnt; i++)
        qbid_lcore_free(dpdk.lcore[i]);
    dpdk.lcore_cnt = 0;
    (void)rte_eal_cleanup();
    qbid_runtime_remove(own);
    return rc;
}

/* Where our own options start: at "--", else behind the program's name. */
static int split(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i;
    return 0;
}

int main(int argc, char **argv)
{
    struct qbid_dpdk_options options;
    char why[QBID_DPDK_WHY_MAX], prefix[64];
    char *eal_argv[EAL_WORDS_MAX + QBID_DPDK_EAL_ADDED_MAX + 1];
    int at = split(argc, argv);
    if (qbid_dpdk_options_read(argc - at, argv + at, &options, why) != 0) {
        say(why);
        return EXIT_USAGE;
    }
    if (options.help || options.version) {
        printf("%s%s%s", options.help ? qbid_dpdk_help() : "qbid-dpdk ",
               options.help ? "" : qbid_version(), options.help ? "" : "\n");
        return 0;
    }
    if (options.ask_path)
        return qbid_status_ask(options.ask_path, options.ask_what ? options.ask_what : "json");
    int eal_argc = at != 0 ? at : 1;
    if (eal_argc > EAL_WORDS_MAX) {
        say("too many EAL options");
        return EXIT_USAGE;
    }
    snprintf(prefix, sizeof prefix, "--file-prefix=" QBID_RUNTIME_PREFIX "%d", (int)getpid());
    eal_argc = qbid_dpdk_eal_args(eal_argc, argv, prefix, eal_argv, why);
    if (eal_argc < 0) {
        say(why);
        return EXIT_USAGE;
    }
    return run(eal_argc, eal_argv, &options);
}
