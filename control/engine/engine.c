/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life: store, restore, readers, and the account's changes. */
#include "control/engine/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/config/partners.h"
#include "control/engine/engine_state.h"
#include "control/learn/campaigns/correction_file.h"
#include "shm/clock.h"
#include "shm/error.h"

#define UIDS_A_LIFE 1024 /* workers' uids taken at a start; the store goes round after 65535 */
#define DECISION_GROUPS_MAX 64 /* Q groups whose rows the decision log has */
#define LEDGER_BUCKET_NS QBID_NS_PER_S
#define LEDGER_GRACE_NS (5 * QBID_NS_PER_S) /* rings read late, clocks read early */

void qbid_engine_say(const struct qbid_engine *engine, enum qbid_log_level level,
                     const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (engine->log)
        engine->log(engine->log_context, level, line);
}

static void publisher_say(void *context, const char *line)
{
    qbid_engine_say(context, QBID_LOG_WARNING, "%s", line);
}

static int store_open(struct qbid_engine *e, char *why)
{
    char path[QBID_CONFIG_PATH_MAX + 16], reason[QBID_STORE_WHY_MAX];
    if (mkdir(e->config.state_dir, 0750) != 0 && access(e->config.state_dir, W_OK) != 0) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "state_dir %s: %s", e->config.state_dir,
                 strerror(errno));
        return QBID_ERR_SYS;
    }
    snprintf(path, sizeof path, "%s/images", e->config.state_dir);
    if (mkdir(path, 0755) != 0 && access(path, W_OK) != 0) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "%s: %s", path, strerror(errno));
        return QBID_ERR_SYS;
    }
    snprintf(path, sizeof path, "%s/qbid.db", e->config.state_dir);
    struct qbid_store_params params = {path, e->config.durability == QBID_DURABILITY_STRICT};
    int err = qbid_store_new(&params, &e->store, reason);
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "store %s: %s", path, reason);
    return err;
}

static int stages_open(struct qbid_engine *e)
{
    const struct qbid_config *c = &e->config;
    struct qbid_ledger_params ledger = {.shape = {(uint32_t)c->capacity.line_items,
                                                  (uint32_t)c->capacity.budgets,
                                                  (uint32_t)c->capacity.workers},
                                        .bucket_ns = LEDGER_BUCKET_NS,
                                        .notice_ttl_ns = c->notice_ttl_ms * QBID_NS_PER_MS,
                                        .grace_ns = LEDGER_GRACE_NS,
                                        .lease_ns = c->lease_ms * QBID_NS_PER_MS,
                                        .grant_ppm = (int64_t)c->grant_ppm,
                                        .grant_nanos_min = c->grant_min * 1000};
    struct qbid_snapshot_params snapshot = {(uint32_t)c->capacity.contexts, c->level_mask[0]};
    struct qbid_ingest_params ingest = {
        (uint32_t)c->capacity.pending_bids, (uint32_t)c->capacity.seen_notices,
        c->notice_ttl_ms * QBID_NS_PER_MS, c->event_ttl_ms * QBID_NS_PER_MS};
    struct qbid_learner_params learner = {.segment_mask = c->segment_mask,
                                          .cell_max = (uint32_t)c->capacity.contexts,
                                          .context_max = (uint32_t)c->capacity.contexts,
                                          .sample_max = (uint32_t)c->learning.price_samples,
                                          .explore = c->learning.explore,
                                          .explore_line_items = c->learning.explore_line_items,
                                          .rotation_floor = c->learning.rotation_floor,
                                          .pace_min = c->learning.pace_min,
                                          .pace_max = c->learning.pace_max,
                                          .pace_period_ns =
                                              c->learning.pace_period_ms * QBID_NS_PER_MS,
                                          .step_log2_max = c->learning.pace_step_log2,
                                          .learned = {.ftrl = c->models.ftrl,
                                                      .trees = c->models.trees,
                                                      .period_s = (int64_t)c->models.period_s,
                                                      .ftrl_lg = (uint32_t)c->models.ftrl_lg,
                                                      .tree = qbid_trees_defaults()}};
    learner.learned.tree.rounds = (uint32_t)c->models.tree_rounds;
    learner.learned.tree.depth = (uint32_t)c->models.tree_depth;
    learner.learned.tree.seed = (uint32_t)c->seed;
    memcpy(learner.level_mask, c->level_mask, sizeof learner.level_mask);
    memcpy(learner.time_zone, c->time_zone, sizeof learner.time_zone);
    int err = qbid_dictionary_new(&e->dictionary);
    if (!err)
        err = qbid_ledger_new(&ledger, &e->ledger);
    if (!err)
        err = qbid_snapshot_new(&snapshot, &e->snapshot);
    if (!err)
        err = qbid_ingest_new(&ingest, &e->ingest);
    if (!err)
        err = qbid_learner_new(&learner, &e->learner);
    return err;
}

/* The pacer's correction, when there is to be one. A stale table is no reason not to start. */
static int correction_open(struct qbid_engine *e, char *why)
{
    const char *path = e->config.learning.correction;
    char reason[QBID_CORRECTION_FILE_WHY_MAX];
    struct qbid_correction_table *table;
    int64_t now_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    if (!*path)
        return 0;
    int err = qbid_correction_file_load(path, now_s, &table, reason);
    if (!err)
        err = qbid_learner_correct(e->learner, table, now_s);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "learning.correction: %s", reason);
        return err;
    }
    free(table);
    if (*reason)
        qbid_engine_say(e, QBID_LOG_WARNING, "learning.correction: %s", reason);
    return 0;
}

static int restore_budget(void *context, const struct qbid_store_budget *budget)
{
    struct qbid_engine *e = context;
    uint32_t b = budget->row.budget_idx;
    if (b >= e->config.capacity.budgets)
        return QBID_ERR_LIMIT;
    e->day[b] =
        (struct qbid_engine_day){.day = budget->day, .spent_nanos = budget->day_spent_nanos};
    return qbid_ledger_restore(e->ledger, &budget->row, qbid_clock_boot_ns());
}

static int restore_learner(void *context, uint32_t kind, uint64_t key, const void *data,
                           uint32_t bytes)
{
    struct qbid_engine *e = context;
    int err = qbid_learner_restore(e->learner, kind, key, data, bytes);
    if (err == QBID_ERR_VERSION)
        e->counters.rows_skipped++;
    return err == QBID_ERR_VERSION ? 0 : err;
}

static int restore(struct qbid_engine *e, char *why)
{
    uint64_t frozen = 0;
    int err = qbid_store_load_account(e->store, &e->account);
    e->account.currency = e->config.currency;
    if (!err)
        err = qbid_store_load_dictionary(e->store, e->dictionary);
    e->dictionary_saved = qbid_dictionary_cnt(e->dictionary);
    if (!err)
        err = qbid_store_load_ledger(e->store, restore_budget, e);
    if (!err)
        err = qbid_store_load_series(e->store, e->snapshot, (uint32_t)e->config.capacity.contexts);
    if (!err)
        err = qbid_engine_bills_load(e);
    if (!err)
        err = qbid_store_load_learner(e->store, restore_learner, e);
    if (!err)
        err = qbid_store_get(e->store, "frozen", !e->config.learning.enabled, &frozen);
    if (err) {
        bool damaged = err == QBID_ERR_STORE || err == QBID_ERR_CORRUPT;
        snprintf(why, QBID_ENGINE_WHY_MAX, "store %s/qbid.db: %s: %s%s", e->config.state_dir,
                 qbid_strerror(err), qbid_store_why(e->store),
                 damaged ? "; put a sound copy in its place" : "");
        return err;
    }
    qbid_learner_freeze(e->learner, frozen != 0);
    if (e->counters.rows_skipped)
        qbid_engine_say(e, QBID_LOG_WARNING,
                        "%llu learner rows are of another layout and were left out",
                        (unsigned long long)e->counters.rows_skipped);
    return 0;
}

/* Counts of a former life, and the table for the workers of this one. */
static int frequency_open(struct qbid_engine *e, char *why)
{
    char path[QBID_CONFIG_PATH_MAX + 32];
    bool fresh;
    snprintf(path, sizeof path, "%s/frequency.counts", e->config.state_dir);
    struct qbid_frequency_book_params params = {
        .path = path,
        .lg_buckets = (unsigned)e->config.capacity.frequency_lg - 3,
        .lg_bids = (unsigned)e->config.capacity.frequency_lg_bids,
        .pending_s = (uint32_t)((e->config.frequency_pending_ms + 999) / 1000)};
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    int err = qbid_frequency_book_new(&params, unix_s, &e->frequency, &fresh);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "%s: %s", path,
                 err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
        return err;
    }
    if (fresh)
        qbid_engine_say(e, QBID_LOG_INFO, "frequency: no counts to go on with in %s", path);
    qbid_frequency_book_attach(e->frequency, &qbid_publisher_live(e->publisher)->frequency);
    return 0;
}

/* The log that off-policy evaluation reads, where one is wanted. */
static int decisions_open(struct qbid_engine *e, char *why)
{
    char path[QBID_CONFIG_PATH_MAX + 32];
    if (e->config.learning.log_mb == 0)
        return 0;
    snprintf(path, sizeof path, "%s/decisions", e->config.state_dir);
    struct qbid_decision_log_params params = {.folder = path,
                                              .bytes_max = e->config.learning.log_mb << 20,
                                              .share = e->config.learning.log_share,
                                              .row_max = DECISION_GROUPS_MAX * QBID_QSTATES};
    int err = qbid_decision_log_new(&params, &e->decisions);
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "learning.log_mb: %s: %s", path,
                 err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
    return err;
}

static int readers_open(struct qbid_engine *e, char *why)
{
    const struct qbid_config *c = &e->config;
    char reason[QBID_KEY_FILE_WHY_MAX];
    struct qbid_publisher_params params = {.socket_path = c->handover.path,
                                           .socket_mode = c->handover.mode,
                                           .shape = {(uint32_t)c->capacity.line_items,
                                                     (uint32_t)c->capacity.budgets,
                                                     (uint32_t)c->capacity.workers},
                                           .frequency_lg = (unsigned)c->capacity.frequency_lg - 3,
                                           .page_lg_events = (unsigned)c->capacity.ring_lg_events,
                                           .allow_uid = c->handover.allow_uid,
                                           .allow_uid_cnt = c->handover.allow_uid_cnt,
                                           .attached = qbid_engine_attached,
                                           .detached = qbid_engine_detached,
                                           .log = publisher_say,
                                           .context = e};
    if (access(c->keys.file, F_OK) != 0 && c->keys.create &&
        qbid_key_file_create(c->keys.file, reason) != 0) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "keys.file: %s", reason);
        return QBID_ERR_SYS;
    }
    int err = qbid_key_file_load(c->keys.file, &params.keys, reason);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "keys.file: %s", reason);
        return err;
    }
    err = qbid_partner_keys_load(c, params.partner_keys, why);
    if (err)
        return err;
    uint64_t first = 1;
    err = qbid_store_take(e->store, "worker_uid", 1, UIDS_A_LIFE, &first);
    params.first_uid = (uint16_t)(first % UINT16_MAX + 1);
    if (!err)
        err = qbid_publisher_new(&params, &e->publisher);
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "handover.path %s: %s%s", c->handover.path,
                 err == QBID_ERR_FULL ? "another qbidd answers there" : qbid_strerror(err),
                 err == QBID_ERR_SYS ? strerror(errno) : "");
    return err;
}

int qbid_engine_new(const struct qbid_config *config, qbid_engine_log_fn *log, void *log_context,
                    struct qbid_engine **ret_engine, char why[QBID_ENGINE_WHY_MAX])
{
    struct qbid_engine *e = calloc(1, sizeof *e);
    why[0] = 0;
    if (!e) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "out of memory");
        return QBID_ERR_NOMEM;
    }
    e->config = *config;
    e->log = log;
    e->log_context = log_context;
    e->day = calloc(config->capacity.budgets, sizeof *e->day);
    e->spent_changed = calloc(config->capacity.budgets, sizeof *e->spent_changed);
    e->changed = calloc(config->capacity.budgets, sizeof *e->changed);
    e->whole = calloc(config->capacity.budgets, sizeof *e->whole);
    e->speed = calloc(config->capacity.budgets, sizeof(struct qbid_speed *));
    e->said = calloc(config->capacity.line_items, sizeof *e->said);
    (void)qbid_overridden_new((uint32_t)config->capacity.line_items, &e->overridden);
    e->q_group = calloc(config->capacity.line_items, sizeof *e->q_group);
    e->paced = calloc(config->capacity.line_items, sizeof *e->paced);
    bool room = e->paced && e->whole && e->speed && e->day && e->spent_changed && e->changed &&
                e->said && e->q_group && e->overridden;
    int err = room ? 0 : QBID_ERR_NOMEM;
    for (uint64_t b = 0; !err && b < config->capacity.budgets; b++)
        e->day[b].day = -1;
    if (!err)
        err = store_open(e, why);
    if (!err)
        err = qbid_engine_audit_open(e, why);
    if (!err)
        err = stages_open(e);
    if (!err)
        err = correction_open(e, why);
    if (!err)
        err = restore(e, why);
    if (!err) {
        qbid_engine_name_values(e);
        err = qbid_engine_shape(e);
    }
    if (!err)
        err = qbid_engine_budgets(e, (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S));
    if (!err)
        err = readers_open(e, why);
    if (!err)
        err = frequency_open(e, why);
    if (!err)
        err = decisions_open(e, why);
    if (!err)
        err = qbid_engine_publish(e, "start", why);
    if (err) {
        if (!why[0])
            snprintf(why, QBID_ENGINE_WHY_MAX, "%s", qbid_strerror(err));
        qbid_engine_free(e);
        return err;
    }
    *ret_engine = e;
    return 0;
}

void qbid_engine_free(struct qbid_engine *engine)
{
    if (!engine)
        return;
    if (engine->publisher) {
        qbid_engine_ingest(engine);
        qbid_engine_live(engine);
        qbid_engine_persist(engine);
        qbid_engine_audit_say(engine);
    }
    qbid_publisher_free(engine->publisher);
    qbid_ingest_free(engine->ingest);
    qbid_learner_free(engine->learner);
    qbid_snapshot_free(engine->snapshot);
    qbid_ledger_free(engine->ledger);
    qbid_dictionary_free(engine->dictionary);
    qbid_account_done(&engine->account);
    qbid_store_free(engine->store);
    qbid_builder_free(engine->builder);
    qbid_frequency_book_free(engine->frequency);
    qbid_decision_log_free(engine->decisions);
    free(engine->day);
    free(engine->spent_changed);
    free(engine->whole);
    for (uint64_t b = 0; engine->speed && b < engine->config.capacity.budgets; b++)
        free(engine->speed[b]);
    free(engine->speed);
    free(engine->changed);
    free(engine->billed);
    qbid_keymap_done(&engine->billed_before);
    free(engine->money);
    free(engine->pace);
    free(engine->paced);
    free(engine->said);
    qbid_overridden_free(engine->overridden);
    free(engine->q_group);
    free(engine);
}

int qbid_engine_shape(struct qbid_engine *engine)
{
    size_t campaigns = engine->account.campaign_cnt + 1, items = engine->account.line_item_cnt + 1;
    struct qbid_learner_money *money = realloc(engine->money, campaigns * sizeof *money);
    if (money)
        engine->money = money;
    struct qbid_learner_pace *pace = realloc(engine->pace, items * sizeof *pace);
    if (pace)
        engine->pace = pace;
    engine->pace_cnt = 0;
    engine->account_version++;
    int err = qbid_overridden_set(engine->overridden, &engine->account);
    int speeds = qbid_engine_velocities(engine);
    err = err ? err : speeds;
    return money && pace ? err : QBID_ERR_NOMEM;
}

void qbid_engine_name_values(struct qbid_engine *engine)
{
    char slot[32];
    for (uint32_t i = 0; i < engine->account.line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &engine->account.line_items[i];
        for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
            for (uint32_t v = 0; v < li->target[dim].cnt; v++) {
                const char *value = li->target[dim].value[v];
                value += *value == '!';
                if (!strchr(value, '*'))
                    qbid_dictionary_add(engine->dictionary, dim, value);
            }
        }
    }
    for (uint32_t i = 0; i < engine->account.creative_cnt; i++) {
        qbid_creative_slot(&engine->account.creatives[i], slot);
        qbid_dictionary_add(engine->dictionary, QBID_DIM_SLOT, slot);
    }
}

/* Whether the change reaches the bidders by the live page: no table need be built for it. */
static bool live_alone(const struct qbid_diff *diff)
{
    for (uint32_t i = 0; i < diff->change_cnt; i++)
        for (uint32_t j = 0; j < diff->change[i].field_cnt; j++)
            if (strcmp(diff->change[i].field[j].name, "override") != 0 &&
                strcmp(diff->change[i].field[j].name, "velocity") != 0 &&
                strcmp(diff->change[i].field[j].name, "triggers") != 0)
                return false;
    return true;
}

int qbid_engine_apply(struct qbid_engine *engine, struct qbid_account *next,
                      const struct qbid_diff *diff, const struct qbid_store_cause *cause,
                      char why[QBID_ENGINE_WHY_MAX])
{
    return qbid_engine_execute(engine, next, diff, cause, NULL, NULL, why);
}

int qbid_engine_execute(struct qbid_engine *engine, struct qbid_account *next,
                        const struct qbid_diff *diff, const struct qbid_store_cause *cause,
                        qbid_store_also_fn *also, void *context, char why[QBID_ENGINE_WHY_MAX])
{
    struct qbid_store_limits limits = {(uint32_t)engine->config.capacity.budgets,
                                       (uint32_t)engine->config.capacity.line_items};
    int err = qbid_store_execute(engine->store, diff, next, &limits, cause, also, context);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "%s", qbid_store_why(engine->store));
        return err;
    }
    uint32_t scope = qbid_store_scope(engine->store, 0); /* what follows is qbidd's own */
    qbid_account_done(&engine->account);
    engine->account = *next;
    engine->account.currency = engine->config.currency;
    *next = (struct qbid_account){0};
    qbid_engine_name_values(engine);
    err = qbid_engine_shape(engine);
    if (!err)
        err = qbid_engine_budgets(engine, (int64_t)(cause->unix_ns / QBID_NS_PER_S));
    if (!live_alone(diff)) {
        engine->publish_wanted = true;
        if (!err && qbid_engine_publish(engine, cause->why, why) != 0)
            qbid_engine_say(engine, QBID_LOG_WARNING, "publish after a change: %s", why);
        qbid_engine_live(engine);
    } else if (!err) {
        qbid_engine_pace(engine);
    }
    qbid_store_scope(engine->store, scope);
    return err;
}

int qbid_engine_freeze(struct qbid_engine *engine, bool frozen,
                       const struct qbid_store_cause *cause, char why[QBID_ENGINE_WHY_MAX])
{
    bool was = qbid_learner_frozen(engine->learner);
    int err = qbid_store_begin(engine->store);
    if (!err)
        err = qbid_store_end(engine->store,
                             qbid_store_set(engine->store, "frozen", frozen) ||
                                     qbid_store_audit(engine->store, cause, "learning",
                                                      was ? "off" : "on", frozen ? "off" : "on")
                                 ? QBID_ERR_STORE
                                 : 0);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "%s", qbid_store_why(engine->store));
        return err;
    }
    qbid_learner_freeze(engine->learner, frozen);
    return 0;
}

int qbid_engine_fd(const struct qbid_engine *engine)
{
    return qbid_publisher_fd(engine->publisher);
}

void qbid_engine_readers(struct qbid_engine *engine)
{
    qbid_publisher_tick(engine->publisher);
}

const struct qbid_account *qbid_engine_account(const struct qbid_engine *engine)
{
    return &engine->account;
}

const struct qbid_dictionary *qbid_engine_dictionary(const struct qbid_engine *engine)
{
    return engine->dictionary;
}

const struct qbid_ledger *qbid_engine_ledger(const struct qbid_engine *engine)
{
    return engine->ledger;
}

const struct qbid_snapshot *qbid_engine_snapshot(const struct qbid_engine *engine)
{
    return engine->snapshot;
}

const struct qbid_publisher *qbid_engine_publisher(const struct qbid_engine *engine)
{
    return engine->publisher;
}

const struct qbid_ingest *qbid_engine_ingest_stage(const struct qbid_engine *engine)
{
    return engine->ingest;
}

const struct qbid_frequency_book *qbid_engine_frequency(const struct qbid_engine *engine)
{
    return engine->frequency;
}

const struct qbid_decision_log *qbid_engine_decisions(const struct qbid_engine *engine)
{
    return engine->decisions;
}

const struct qbid_learner_pace *qbid_engine_paced(const struct qbid_engine *engine,
                                                  uint32_t line_item_idx)
{
    uint32_t at =
        line_item_idx < engine->config.capacity.line_items ? engine->paced[line_item_idx].at : 0;
    return at && at <= engine->pace_cnt ? &engine->pace[at - 1] : NULL;
}

const struct qbid_learner *qbid_engine_learner(const struct qbid_engine *engine)
{
    return engine->learner;
}

struct qbid_store *qbid_engine_store(struct qbid_engine *engine)
{
    return engine->store;
}

struct qbid_engine_counters qbid_engine_counters_load(const struct qbid_engine *engine)
{
    return engine->counters;
}
