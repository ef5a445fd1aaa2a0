/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping, ticks, bids. The account is loop_account.c's. */
#include "tools/sim/loop/host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/import/import.h"
#include "control/crew.h"
#include "control/executor/executor_engine.h"
#include "fastpath/record.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/isa.h"
#include "shm/watcher.h"
#include "tools/sim/loop/account.h"
#include "tools/sim/loop/clock.h"
#include "tools/sim/stages/stages.h"

#define PATH_MAX_BYTES 256
#define SETTLE_ROUNDS 20000 /* of a millisecond at most: a reader that does not answer */

struct qbid_loop_host {
    struct qbid_config config;
    const struct qbid_loop_world *world;
    struct qbid_log *log;
    struct qbid_engine *engine;
    struct qbid_crew *crew;
    struct qbid_watcher *watcher;
    unsigned cookie;
    bool open; /* the worker is */
    uint8_t isa;
    struct qbid_request request;
    uint64_t exchange[QBID_LOOP_PLATFORMS_MAX]; /* raw values as requests have them */
    uint64_t segment[QBID_LOOP_LINE_ITEMS_MAX];
};

static int say(char *why, int err, const char *what, const char *more)
{
    snprintf(why, QBID_LOOP_WHY_MAX, "%s: %.1900s", what, *more ? more : qbid_strerror(err));
    return err;
}

static const char *problems_text(const struct qbid_problems *problems)
{
    return qbid_problems_kept(problems) ? problems->problem[0].text : "";
}

static int config_read(struct qbid_loop_host *h, const struct qbid_loop_host_params *p, char *why)
{
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    char *text = qbid_loop_config_text(p->settings);
    int err = problems && text ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_config_parse(text, strlen(text), p->folder, problems, &h->config);
    if (err)
        say(why, err, "configuration", problems ? problems_text(problems) : "");
    free(text);
    free(problems);
    return err;
}

static void engine_say(void *context, enum qbid_log_level level, const char *line)
{
    qbid_log_write(context, level, "%s", line);
}

static int parts_open(struct qbid_loop_host *h, const char *folder, char *why)
{
    char path[PATH_MAX_BYTES], reason[QBID_ENGINE_WHY_MAX] = "";
    snprintf(path, sizeof path, "%s/qbidd.log", folder);
    int err = qbid_log_new(QBID_LOG_WARNING, path, &h->log);
    if (err)
        return say(why, err, path, "");
    err = qbid_engine_new(&h->config, engine_say, h->log, &h->engine, reason);
    if (err)
        return say(why, err, "engine", reason);
    err = qbid_crew_new(&h->config, h->engine, h->log, qbid_clock_boot_ns(), &h->crew);
    return err ? say(why, err, "agents", "") : 0;
}

static bool at_table(struct qbid_loop_host *h)
{
    const struct qbid_table *table = qbid_watcher_read_lock(h->watcher);
    uint64_t gen = qbid_engine_counters_load(h->engine).gen;
    bool there = table->image.header && table->live.header && table->image.header->gen == gen &&
                 table->slot[h->cookie] != QBID_LIVE_SLOT_NONE;
    qbid_watcher_read_unlock(h->watcher);
    return there;
}

/* Until the worker has the last generation: on simulated time that takes none. */
static int settle(struct qbid_loop_host *h)
{
    for (int round = 0; round < SETTLE_ROUNDS; round++) {
        if (at_table(h))
            return 0;
        struct pollfd fd = {.fd = qbid_engine_fd(h->engine), .events = POLLIN};
        (void)poll(&fd, 1, 1);
        qbid_engine_readers(h->engine);
    }
    return QBID_ERR_BUSY;
}

static int worker_open(struct qbid_loop_host *h, char *why)
{
    struct qbid_watcher_options options = {.socket_path = h->config.handover.path,
                                           .rcu = QBID_RCU_MEMB};
    int err = qbid_watcher_new(&options, &h->watcher);
    if (err)
        return say(why, err, "watcher", "");
    qbid_watcher_thread_register(QBID_RCU_MEMB);
    err = qbid_watcher_add_worker(h->watcher, 1, &h->cookie);
    h->open = err == 0;
    if (!err)
        err = settle(h);
    return err ? say(why, err, "worker", "") : 0;
}

static void request_fill(struct qbid_loop_host *h)
{
    char name[QBID_LOOP_NAME_MAX];
    for (uint32_t p = 0; p < h->world->params.platforms; p++) {
        qbid_loop_platform_name(p, name);
        h->exchange[p] = qbid_hash_dim(QBID_DIM_EXCHANGE, name, strlen(name));
    }
    for (uint32_t i = 0; i < h->world->params.line_items; i++) {
        qbid_loop_audience_name(i, name);
        h->segment[i] = qbid_hash_dim(QBID_DIM_SEGMENT, name, strlen(name));
    }
    h->request = (struct qbid_request){.slot_cnt = 1,
                                       .segment_cnt = 1,
                                       .auction = QBID_AUCTION_SECOND_PRICE,
                                       .flags = QBID_REQUEST_SECURE};
    h->request.slot[0] = qbid_hash_dim(QBID_DIM_SLOT, QBID_LOOP_SLOT, sizeof QBID_LOOP_SLOT - 1);
    h->request.dim[QBID_DIM_SLOT] = h->request.slot[0];
}

static int account_apply(struct qbid_loop_host *h, struct qbid_account *next, const char *actor,
                         const char *cause_words, char *why)
{
    struct qbid_diff diff;
    char reason[QBID_ENGINE_WHY_MAX] = "";
    struct qbid_store_cause cause = {qbid_clock_unix_ns(), actor, cause_words};
    int err = qbid_diff_new(qbid_engine_account(h->engine), next, &diff);
    if (err)
        return say(why, err, "account", "");
    if (diff.change_cnt)
        err = qbid_engine_apply(h->engine, next, &diff, &cause, reason);
    qbid_diff_done(&diff);
    return err ? say(why, err, "account", reason) : 0;
}

static int account_import(struct qbid_loop_host *h, char *why)
{
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    char *text = qbid_loop_account_text(h->world);
    struct qbid_import_params params = {.current = qbid_engine_account(h->engine),
                                        .now_unix_s = QBID_SIM_EPOCH_UNIX_S};
    struct qbid_account next = {0};
    int err = problems && text ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_account_import(text, strlen(text), &params, problems, &next);
    if (err)
        say(why, err, "account", problems ? problems_text(problems) : "");
    else
        err = account_apply(h, &next, "operator", "import loop.yaml", why);
    qbid_account_done(&next);
    free(text);
    free(problems);
    return err;
}

int qbid_loop_host_new(const struct qbid_loop_host_params *params, struct qbid_loop_host **ret_host,
                       char why[QBID_LOOP_WHY_MAX])
{
    struct qbid_loop_host *h = calloc(1, sizeof *h);
    if (!h)
        return say(why, QBID_ERR_NOMEM, "host", "");
    qbid_loop_clock_set(0);
    h->world = params->world;
    h->isa = (uint8_t)qbid_isa_best();
    int err = config_read(h, params, why);
    if (!err)
        err = parts_open(h, params->folder, why);
    if (!err)
        err = account_import(h, why);
    if (!err)
        err = worker_open(h, why);
    if (err) {
        qbid_loop_host_free(h);
        return err;
    }
    request_fill(h);
    qbid_engine_live(h->engine);
    *ret_host = h;
    return 0;
}

void qbid_loop_host_free(struct qbid_loop_host *host)
{
    if (!host)
        return;
    if (host->open)
        qbid_watcher_remove_worker(host->watcher, host->cookie);
    if (host->watcher)
        qbid_watcher_thread_unregister(QBID_RCU_MEMB);
    qbid_watcher_free(host->watcher);
    qbid_crew_free(host->crew);
    qbid_engine_free(host->engine);
    qbid_log_free(host->log);
    free(host);
}

bool qbid_loop_host_bid(struct qbid_loop_host *host, uint32_t line_item, uint64_t id,
                        uint64_t now_ns, struct qbid_sim_bid *ret_bid)
{
    struct qbid_decision d;
    struct qbid_request *r = &host->request;
    r->dim[QBID_DIM_EXCHANGE] = host->exchange[host->world->line_item[line_item].platform];
    r->segment[0] = r->dim[QBID_DIM_SEGMENT] = host->segment[line_item];
    r->id_hash = qbid_mix64(id + 1);
    qbid_loop_clock_set(now_ns);
    uint64_t boot_ns = qbid_clock_boot_ns();
    const struct qbid_table *table = qbid_watcher_read_lock(host->watcher);
    struct qbid_view view = {.image = &table->image,
                             .live = &table->live,
                             .page = &table->page[host->cookie],
                             .deadline_ns = table->deadline_ns,
                             .slot = table->slot[host->cookie],
                             .uid = table->uid[host->cookie],
                             .isa = host->isa};
    enum qbid_nobid nobid = qbid_decide_one(&view, r, boot_ns, &d, NULL);
    qbid_record(&view, r, &d, boot_ns);
    qbid_watcher_read_unlock(host->watcher);
    if (nobid != QBID_NOBID_NONE)
        return false;
    *ret_bid = (struct qbid_sim_bid){.bid_micros = d.bid_micros,
                                     .time_ns = now_ns,
                                     .nonce = d.nonce,
                                     .context = d.context,
                                     .auction = id,
                                     .value_micros = d.value_micros,
                                     .gen = (uint32_t)d.gen,
                                     .line_item = d.line_item_id - 1,
                                     .creative_id = d.creative_id};
    return true;
}

bool qbid_loop_host_notice(struct qbid_loop_host *host, const struct qbid_sim_notice *notice)
{
    struct qbid_event event = qbid_sim_stages_event(notice);
    const struct qbid_table *table = qbid_watcher_read_lock(host->watcher);
    bool taken = qbid_page_push(&table->page[host->cookie], &event);
    qbid_watcher_read_unlock(host->watcher);
    return taken;
}

void qbid_loop_host_ingest(struct qbid_loop_host *host)
{
    (void)qbid_engine_ingest(host->engine);
}

void qbid_loop_host_live(struct qbid_loop_host *host)
{
    qbid_engine_live(host->engine);
}

void qbid_loop_host_learn(struct qbid_loop_host *host)
{
    qbid_engine_learn(host->engine);
    (void)settle(host);
}

void qbid_loop_host_persist(struct qbid_loop_host *host)
{
    qbid_engine_persist(host->engine);
}

int qbid_loop_host_agents(struct qbid_loop_host *host, char why[QBID_LOOP_WHY_MAX])
{
    char reason[QBID_EXECUTOR_WHY_MAX] = "";
    struct qbid_executor executor = qbid_executor_of(host->engine, &host->config);
    struct qbid_executor_call call = {
        .unix_ns = qbid_clock_unix_ns(), .actor = "qbidd", .why = "", .refusal = reason};
    qbid_crew_tick(host->crew, qbid_clock_boot_ns(), (int64_t)(call.unix_ns / QBID_NS_PER_S));
    int made = qbid_executor_tick(&executor, &call);
    if (made < 0)
        return say(why, made, "executor", reason);
    int err = settle(host);
    return err ? say(why, err, "worker", "") : made;
}

int qbid_loop_host_budgets(struct qbid_loop_host *host, const int64_t *micros, const char *actor,
                           const char *cause, char why[QBID_LOOP_WHY_MAX])
{
    struct qbid_account next;
    int err = qbid_account_copy(qbid_engine_account(host->engine), &next);
    if (err)
        return say(why, err, "account", "");
    for (uint32_t i = 0; i < next.campaign_cnt; i++)
        next.campaigns[i].budget_nanos = micros[next.campaigns[i].id - 1] * 1000;
    err = account_apply(host, &next, actor, cause, why);
    qbid_account_done(&next);
    if (!err && settle(host))
        err = say(why, QBID_ERR_BUSY, "worker", "");
    return err;
}

int qbid_loop_host_hold(struct qbid_loop_host *host, uint32_t line_item, bool on,
                        char why[QBID_LOOP_WHY_MAX])
{
    char reason[QBID_EXECUTOR_WHY_MAX] = "";
    struct qbid_executor executor = qbid_executor_of(host->engine, &host->config);
    struct qbid_executor_call call = {.unix_ns = qbid_clock_unix_ns(),
                                      .actor = "operator",
                                      .why = "a promotion with a fixed budget",
                                      .refusal = reason};
    int err =
        qbid_executor_hold(&executor, &call, QBID_ITEM_CAMPAIGN, qbid_loop_campaign(line_item), on);
    return err ? say(why, err, "hold", reason) : 0;
}

int64_t qbid_loop_host_budget_nanos(const struct qbid_loop_host *host, uint32_t line_item)
{
    const struct qbid_campaign_def *c =
        qbid_account_campaign(qbid_engine_account(host->engine), qbid_loop_campaign(line_item));
    return c ? c->budget_nanos : 0;
}

struct qbid_engine *qbid_loop_host_engine(struct qbid_loop_host *host)
{
    return host->engine;
}

const struct qbid_config *qbid_loop_host_config(const struct qbid_loop_host *host)
{
    return &host->config;
}
