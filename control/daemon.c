/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, clocks and sockets of qbidd. */
#include "control/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "control/access/tokens.h"
#include "control/api/api.h"
#include "control/api/commands.h"
#include "control/crew.h"
#include "control/engine/engine.h"
#include "control/executor/executor_engine.h"
#include "control/http/operations.h"
#include "control/http/server.h"
#include "control/lock.h"
#include "control/notify.h"
#include "shm/clock.h"
#include "shm/error.h"

#define EVENTS_MAX 16

/* In the order in which they are served when several are due. */
enum source { SIGNALS, INGEST, READERS, LIVE, API, HTTP, LEARN, PERSIST, SOURCE_CNT };

struct qbid_daemon {
    struct qbid_config config;
    char config_path[QBID_CONFIG_PATH_MAX];
    struct qbid_log *log;
    struct qbid_engine *engine;
    struct qbid_crew *crew;
    struct qbid_tokens *tokens;
    struct qbid_api *api;
    struct qbid_commands commands;
    struct qbid_http *http; /* NULL = not served */
    int lock, epoll, signals;
    int timer[SOURCE_CNT];
    uint64_t watchdog_ns; /* 0 = nobody watches */
    uint64_t watchdog_fed_ns;
    bool stop;
};

static uint64_t period_ms(const struct qbid_config *config, enum source source)
{
    switch (source) {
    case INGEST:
        return config->ticks.ingest_ms;
    case LIVE:
        return config->ticks.live_ms;
    case LEARN:
        return config->ticks.learn_ms;
    case PERSIST:
        return config->ticks.snapshot_ms;
    default:
        return 0;
    }
}

static int timer_set(int fd, uint64_t ms)
{
    struct timespec every = {(time_t)(ms / 1000), (long)(ms % 1000 * QBID_NS_PER_MS)};
    struct itimerspec spec = {every, every};
    return timerfd_settime(fd, 0, &spec, NULL) == 0 ? 0 : QBID_ERR_SYS;
}

static int watch(struct qbid_daemon *d, int fd, enum source source)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)source};
    return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : QBID_ERR_SYS;
}

static int signals_open(struct qbid_daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return QBID_ERR_SYS;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not the end */
    d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return d->signals >= 0 ? watch(d, d->signals, SIGNALS) : QBID_ERR_SYS;
}

static int timers_open(struct qbid_daemon *d)
{
    for (int source = 0; source < SOURCE_CNT; source++) {
        uint64_t ms = period_ms(&d->config, source);
        if (ms == 0)
            continue;
        d->timer[source] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (d->timer[source] < 0 || timer_set(d->timer[source], ms) != 0 ||
            watch(d, d->timer[source], source) != 0)
            return QBID_ERR_SYS;
    }
    return 0;
}

static int lock_take(struct qbid_daemon *d, char *why)
{
    char who[QBID_LOCK_HOLDER_MAX], holder[QBID_LOCK_HOLDER_MAX];
    if (mkdir(d->config.state_dir, 0750) != 0 && errno != EEXIST) {
        snprintf(why, QBID_DAEMON_WHY_MAX, "state_dir %.400s: %s", d->config.state_dir,
                 strerror(errno));
        return QBID_ERR_SYS;
    }
    snprintf(who, sizeof who, "pid %d, control socket %.400s", (int)getpid(),
             d->config.control.path);
    d->lock = qbid_lock_take(d->config.state_dir, who, holder);
    if (d->lock >= 0)
        return 0;
    if (d->lock == QBID_ERR_FULL)
        snprintf(why, QBID_DAEMON_WHY_MAX, "another qbidd holds this state folder: %s", holder);
    else
        snprintf(why, QBID_DAEMON_WHY_MAX, "lock in %.400s: %s", d->config.state_dir,
                 strerror(errno));
    return d->lock;
}

static void engine_log(void *context, enum qbid_log_level level, const char *line)
{
    qbid_log_write(context, level, "%s", line);
}

static qbid_reload_fn reload;

static int api_open(struct qbid_daemon *d, char *why)
{
    struct qbid_api_params params = {.path = d->config.control.path,
                                     .mode = d->config.control.mode,
                                     .answer = qbid_commands_answer,
                                     .context = &d->commands};
    d->commands = (struct qbid_commands){.engine = d->engine,
                                         .config = &d->config,
                                         .config_path = d->config_path,
                                         .tokens = d->tokens,
                                         .reload = reload,
                                         .reload_context = d,
                                         .started_boot_ns = qbid_clock_boot_ns(),
                                         .started_unix_ns = qbid_clock_unix_ns()};
    int err = qbid_api_new(&params, &d->api);
    d->commands.api = d->api;
    d->commands.monitor = qbid_crew_monitor(d->crew);
    if (err)
        snprintf(why, QBID_DAEMON_WHY_MAX, "control.path %s: %s", d->config.control.path,
                 err == QBID_ERR_FULL  ? "another program answers there"
                 : err == QBID_ERR_SYS ? strerror(errno)
                                       : qbid_strerror(err));
    return err;
}

static int tokens_open(struct qbid_daemon *d, char *why)
{
    char reason[QBID_TOKENS_WHY_MAX] = "out of memory";
    int err = qbid_tokens_new(&d->tokens);
    if (!err)
        err = qbid_tokens_load(d->tokens, d->config.access.tokens, reason);
    if (err)
        snprintf(why, QBID_DAEMON_WHY_MAX, "access.tokens %s: %s", d->config.access.tokens, reason);
    return err;
}

static int crew_open(struct qbid_daemon *d, char *why)
{
    int err = qbid_crew_new(&d->config, d->engine, d->log, qbid_clock_boot_ns(), &d->crew);
    if (err)
        snprintf(why, QBID_DAEMON_WHY_MAX, "agents: %s", qbid_strerror(err));
    return err;
}

/* After the signals are blocked: its thread has the same mask. */
static int http_open(struct qbid_daemon *d, char *why)
{
    char reason[QBID_HTTP_WHY_MAX] = "";
    if (d->config.http.port == 0)
        return 0;
    int err = qbid_http_new(&d->config, d->tokens, &d->http, reason);
    if (!err)
        err = watch(d, qbid_exchange_fd(qbid_http_exchange(d->http)), HTTP);
    if (err)
        snprintf(why, QBID_DAEMON_WHY_MAX, "%s", *reason ? reason : qbid_strerror(err));
    d->commands.http = d->http;
    if (!err)
        qbid_log_write(d->log, QBID_LOG_INFO, "http: on %s, port %u", d->config.http.address,
                       (unsigned)d->config.http.port);
    return err;
}

int qbid_daemon_new(const struct qbid_config *config, const char *config_path, struct qbid_log *log,
                    struct qbid_daemon **ret_daemon, char why[QBID_DAEMON_WHY_MAX])
{
    struct qbid_daemon *d = calloc(1, sizeof *d);
    if (!d) {
        snprintf(why, QBID_DAEMON_WHY_MAX, "out of memory");
        return QBID_ERR_NOMEM;
    }
    d->config = *config;
    snprintf(d->config_path, sizeof d->config_path, "%s", config_path);
    d->log = log;
    d->lock = d->epoll = d->signals = -1;
    for (int i = 0; i < SOURCE_CNT; i++)
        d->timer[i] = -1;
    int err = lock_take(d, why);
    if (!err)
        err = qbid_engine_new(&d->config, engine_log, log, &d->engine, why);
    if (!err)
        err = crew_open(d, why);
    if (!err)
        err = tokens_open(d, why);
    if (!err)
        err = api_open(d, why);
    if (err) {
        qbid_daemon_free(d);
        return err;
    }
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (d->epoll < 0 || signals_open(d) != 0 || timers_open(d) != 0 ||
        watch(d, qbid_engine_fd(d->engine), READERS) != 0 ||
        watch(d, qbid_api_fd(d->api), API) != 0) {
        snprintf(why, QBID_DAEMON_WHY_MAX, "event loop: %s", strerror(errno));
        qbid_daemon_free(d);
        return QBID_ERR_SYS;
    }
    err = http_open(d, why);
    if (err) {
        qbid_daemon_free(d);
        return err;
    }
    d->watchdog_ns = qbid_notify_watchdog_ns();
    *ret_daemon = d;
    return 0;
}

void qbid_daemon_free(struct qbid_daemon *d)
{
    if (!d)
        return;
    qbid_http_free(d->http);
    qbid_api_free(d->api);
    qbid_crew_free(d->crew);
    qbid_engine_free(d->engine);
    qbid_tokens_free(d->tokens);
    for (int i = 0; i < SOURCE_CNT; i++)
        if (d->timer[i] >= 0)
            close(d->timer[i]);
    if (d->signals >= 0)
        close(d->signals);
    if (d->epoll >= 0)
        close(d->epoll);
    if (d->lock >= 0)
        close(d->lock);
    free(d);
}

/* Take over a configuration that is right; why when one of its files is not. */
static int config_take(struct qbid_daemon *d, const struct qbid_config *next, char *why)
{
    char reason[QBID_TOKENS_WHY_MAX];
    int err = qbid_tokens_load(d->tokens, next->access.tokens, reason);
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "access.tokens %s: %s", next->access.tokens, reason);
    else
        err = qbid_engine_reload(d->engine, next, why);
    if (err)
        return err;
    qbid_config_take(&d->config, next);
    qbid_log_set_level(d->log, d->config.log.level);
    if (d->http)
        qbid_http_set(d->http, &d->config);
    for (int source = 0; source < SOURCE_CNT; source++)
        if (d->timer[source] >= 0 &&
            timer_set(d->timer[source], period_ms(&d->config, source)) != 0)
            qbid_log_write(d->log, QBID_LOG_ERROR, "reload: timer: %s", strerror(errno));
    return 0;
}

static void reload_log(const struct qbid_daemon *d, int err, const struct qbid_problems *problems,
                       const char *why, const char *later)
{
    char line[QBID_PROBLEM_LINE_MAX];
    for (uint32_t i = 0; i < qbid_problems_kept(problems); i++) {
        qbid_problems_format(problems, i, line);
        qbid_log_write(d->log, QBID_LOG_ERROR, "reload: %s", line);
    }
    if (err && *why)
        qbid_log_write(d->log, QBID_LOG_ERROR, "reload: refused: %s", why);
    else if (err)
        qbid_log_write(d->log, QBID_LOG_ERROR, "reload: refused, the former values stay");
    if (later)
        qbid_log_write(d->log, QBID_LOG_WARNING, "reload: %s changes at the next start only",
                       later);
    if (!err)
        qbid_log_write(d->log, QBID_LOG_INFO, "reload: done");
}

/* A qbid_reload_fn: the log is told as well. */
static int reload(void *context, struct qbid_problems *problems, char *why, const char **ret_later)
{
    struct qbid_daemon *d = context;
    struct qbid_config *next = calloc(1, sizeof *next);
    const char *later = NULL;
    qbid_notify("RELOADING=1");
    int err = next ? qbid_config_load(d->config_path, problems, next) : QBID_ERR_NOMEM;
    if (!err) {
        later = qbid_config_fixed(&d->config, next);
        err = config_take(d, next, why);
    }
    reload_log(d, err, problems, why, err ? NULL : later);
    free(next);
    qbid_notify("READY=1");
    if (!err)
        *ret_later = later;
    return err;
}

static void reload_by_signal(struct qbid_daemon *d)
{
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    char why[QBID_ENGINE_WHY_MAX] = "";
    const char *later;
    if (problems)
        reload(d, problems, why, &later);
    else
        qbid_log_write(d->log, QBID_LOG_ERROR, "reload: out of memory");
    free(problems);
}

static void signals_take(struct qbid_daemon *d)
{
    struct signalfd_siginfo info;
    while (read(d->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            reload_by_signal(d);
        } else if (info.ssi_signo == SIGUSR1) {
            if (qbid_log_reopen(d->log) != 0)
                qbid_log_write(d->log, QBID_LOG_ERROR, "log: %s", strerror(errno));
        } else {
            qbid_log_write(d->log, QBID_LOG_INFO, "stopping: signal %u from pid %u", info.ssi_signo,
                           info.ssi_pid);
            d->stop = true;
        }
    }
}

static void watchdog_feed(struct qbid_daemon *d)
{
    uint64_t now_ns = qbid_clock_boot_ns();
    if (d->watchdog_ns == 0 || now_ns - d->watchdog_fed_ns < d->watchdog_ns / 2)
        return;
    d->watchdog_fed_ns = now_ns;
    qbid_notify("WATCHDOG=1");
}

/* Expiry, automatic executions, guards. */
static void recommendations_tick(struct qbid_daemon *d)
{
    char why[QBID_EXECUTOR_WHY_MAX] = "";
    struct qbid_executor executor = qbid_executor_of(d->engine, &d->config);
    struct qbid_executor_call call = {
        .unix_ns = qbid_clock_unix_ns(), .actor = "qbidd", .why = "", .refusal = why};
    int made = qbid_executor_tick(&executor, &call);
    if (made < 0)
        qbid_log_write(d->log, QBID_LOG_ERROR, "recommendations: %s", why);
    else if (made > 0)
        qbid_log_write(d->log, QBID_LOG_INFO, "recommendations: %d executions", made);
}

/* One request a turn of the loop: bidders come first. */
static void http_tick(struct qbid_daemon *d)
{
    struct qbid_exchange *exchange = qbid_http_exchange(d->http);
    struct qbid_operations operations = {d->engine, &d->config};
    struct qbid_http_job *job = qbid_exchange_take(exchange);
    if (!job)
        return;
    qbid_operations_answer(&operations, job);
    qbid_exchange_answer(exchange, job);
}

static void serve(struct qbid_daemon *d, enum source source)
{
    uint64_t missed;
    if (d->timer[source] >= 0 && read(d->timer[source], &missed, sizeof missed) < 0)
        return; /* re-armed meanwhile */
    switch (source) {
    case SIGNALS:
        signals_take(d);
        break;
    case INGEST:
        qbid_engine_ingest(d->engine);
        break;
    case READERS:
        qbid_engine_readers(d->engine);
        break;
    case LIVE:
        qbid_engine_live(d->engine);
        qbid_api_tick(d->api, qbid_clock_boot_ns());
        watchdog_feed(d);
        break;
    case API:
        qbid_api_tick(d->api, qbid_clock_boot_ns());
        break;
    case HTTP:
        http_tick(d);
        break;
    case LEARN:
        qbid_engine_learn(d->engine);
        break;
    case PERSIST:
        qbid_engine_persist(d->engine);
        qbid_crew_tick(d->crew, qbid_clock_boot_ns(),
                       (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S));
        recommendations_tick(d);
        break;
    case SOURCE_CNT:
        break;
    }
}

int qbid_daemon_run(struct qbid_daemon *d)
{
    qbid_notify("READY=1");
    while (!d->stop) {
        struct epoll_event events[EVENTS_MAX];
        bool due[SOURCE_CNT] = {false};
        int cnt = epoll_wait(d->epoll, events, EVENTS_MAX, -1);
        if (cnt < 0 && errno != EINTR)
            return QBID_ERR_SYS;
        for (int i = 0; i < cnt; i++)
            due[events[i].data.u32] = true;
        for (int source = 0; source < SOURCE_CNT; source++)
            if (due[source])
                serve(d, source);
    }
    qbid_notify("STOPPING=1");
    return 0;
}
