/* SPDX-License-Identifier: Apache-2.0 */
/* From plan to readers: build, check, keep on disk, write down, seal, stage - in this order. The
 * publisher commits what was staged when readers have verified it: all that must be saved is saved
 * by then. What counts here as published is what was staged: a newer one may overtake it before the
 * commit, and is then the next that readers get. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/engine/engine_state.h"
#include "control/publish/build_image.h"
#include "control/write_all.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/memfd.h"

#define IMAGE_NAME_MAX 32
#define IMAGE_PATH_MAX (QBID_CONFIG_PATH_MAX + 128)
#define CHANGE_SAID 1e-3 /* smaller changes of a value are not in the audit */
#define CHANGES_SAID_MAX 6

/* An image in the making. */
struct draft {
    int fd;
    void *base;
    size_t bytes;
    uint64_t gen;
    uint64_t body_checksum;
    uint32_t contexts;
    uint64_t started_ns;
};

static void draft_drop(struct draft *draft)
{
    if (draft->base)
        munmap(draft->base, draft->bytes);
    if (draft->fd >= 0)
        close(draft->fd);
    *draft = (struct draft){.fd = -1};
}

static struct qbid_build_params params_of(const struct qbid_engine *e, uint64_t gen)
{
    const struct qbid_config *c = &e->config;
    return (struct qbid_build_params){.gen = gen,
                                      .seed = c->seed,
                                      .built_unix_ns = qbid_clock_unix_ns(),
                                      .built_boot_ns = qbid_clock_boot_ns(),
                                      .valid_ns = c->image_valid_ms * QBID_NS_PER_MS,
                                      .boot_hash = qbid_clock_boot_hash(),
                                      .notice_ttl_ns = c->notice_ttl_ms * QBID_NS_PER_MS,
                                      .event_ttl_ns = c->event_ttl_ms * QBID_NS_PER_MS,
                                      .price_ceiling_micros = c->price_ceiling_cpm,
                                      .stale_factor = c->stale_factor,
                                      .privacy = c->privacy,
                                      .rates = c->rate,
                                      .rate_cnt = c->rate_cnt,
                                      .partners = c->partner,
                                      .partner_cnt = c->partner_cnt,
                                      .account_version = e->account_version};
}

/* Values change from build to build, the account and its traffic seldom. */
static int builder_ready(struct qbid_engine *e, const struct qbid_plan *plan, uint64_t gen,
                         const char **ret_why)
{
    struct qbid_build_params params = params_of(e, gen);
    return e->builder
               ? qbid_builder_renew(e->builder, &e->account, e->dictionary, plan, &params, ret_why)
               : qbid_builder_new(&e->account, e->dictionary, plan, &params, &e->builder, ret_why);
}

/* Build into a fresh memory file. The number is a guess until it is taken from the store. */
static int draft_make(struct qbid_engine *e, const struct qbid_plan *plan, uint64_t gen_guess,
                      struct draft *draft, char *why)
{
    const char *reason = "";
    int err = builder_ready(e, plan, gen_guess, &reason);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "building the table: %s%s%s", qbid_strerror(err),
                 *reason ? ": " : "", reason);
        return err;
    }
    draft->bytes = qbid_builder_bytes(e->builder);
    err = qbid_memfd_make(QBID_MEMFD_IMAGE, draft->bytes, &draft->fd, &draft->base);
    if (err) {
        draft->fd = -1;
        draft->base = NULL;
        snprintf(why, QBID_ENGINE_WHY_MAX, "%zu bytes for a table: %s", draft->bytes,
                 strerror(errno));
        return err;
    }
    qbid_builder_fill(e->builder, draft->base);
    draft->gen = gen_guess;
    draft->contexts = plan->context_cnt;
    draft->body_checksum = XXH3_64bits((const char *)draft->base + sizeof(struct qbid_image_header),
                                       draft->bytes - sizeof(struct qbid_image_header));
    return 0;
}

/* Take the number, put it into the header, and make sure that a reader will accept the result. */
static int draft_number(struct qbid_engine *e, struct draft *draft, char *why)
{
    struct qbid_image image;
    struct qbid_image_header *header = draft->base;
    int err = qbid_store_take(e->store, "generation", 1, 1, &draft->gen);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "store: %s", qbid_store_why(e->store));
        return err;
    }
    if (header->gen != draft->gen) {
        header->gen = draft->gen;
        header->checksum = qbid_image_checksum(draft->base, draft->bytes);
    }
    err = qbid_image_attach(draft->base, draft->bytes, &image);
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "generation %llu fails its own check: %s",
                 (unsigned long long)draft->gen, qbid_strerror(err));
    return err;
}

/* images/GEN.qbi, whole or not at all, and images/last.qbi as another name of it. */
static int draft_keep(const struct qbid_engine *e, const struct draft *draft, const char *name,
                      char *why)
{
    char path[IMAGE_PATH_MAX], fresh[IMAGE_PATH_MAX], last[IMAGE_PATH_MAX];
    snprintf(path, sizeof path, "%s/images/%s", e->config.state_dir, name);
    snprintf(fresh, sizeof fresh, "%s/images/.fresh", e->config.state_dir);
    snprintf(last, sizeof last, "%s/images/last.qbi", e->config.state_dir);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int err = fd < 0 ? QBID_ERR_SYS : qbid_write_all(fd, draft->base, draft->bytes);
    if (!err && e->config.durability == QBID_DURABILITY_STRICT && fsync(fd) != 0)
        err = QBID_ERR_SYS;
    if (fd >= 0 && close(fd) != 0)
        err = QBID_ERR_SYS;
    if (!err && rename(fresh, path) != 0)
        err = QBID_ERR_SYS;
    if (!err && ((unlink(fresh) != 0 && errno != ENOENT) || link(path, fresh) != 0 ||
                 rename(fresh, last) != 0))
        err = QBID_ERR_SYS;
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "%s: %s", path, strerror(errno));
    return err;
}

static size_t text_add(char *text, size_t used, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t text_add(char *text, size_t used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + used, QBID_STORE_TEXT_MAX - used, format, args);
    va_end(args);
    return n < 0 || (size_t)n >= QBID_STORE_TEXT_MAX - used ? used : used + (size_t)n;
}

static bool said_differs(float before, float now)
{
    return fabsf(now - before) > (float)CHANGE_SAID * fmaxf(fabsf(before), fabsf(now));
}

/* What the audit says of a publish: numbers of both tables, and the line items that changed. */
static void change_tell(struct qbid_engine *e, const struct qbid_plan *plan,
                        const struct draft *draft, char before[QBID_STORE_TEXT_MAX],
                        char after[QBID_STORE_TEXT_MAX])
{
    uint32_t changed = 0;
    size_t b =
        text_add(before, 0, "{\"gen\":%llu,\"bytes\":%llu,\"line_items\":{",
                 (unsigned long long)e->counters.gen, (unsigned long long)e->counters.image_bytes);
    size_t a = text_add(after, 0, "{\"gen\":%llu,\"bytes\":%zu,\"contexts\":%u,\"line_items\":{",
                        (unsigned long long)draft->gen, draft->bytes, draft->contexts);
    for (uint32_t i = 0; i < e->pace_cnt; i++) {
        uint32_t idx = e->pace[i].line_item_idx;
        if (idx >= plan->line_item_max)
            continue;
        struct qbid_engine_said *said = &e->said[idx];
        struct qbid_engine_said now = {plan->line_value_micros[idx], e->pace[i].pace};
        if (!said_differs(said->value_micros, now.value_micros) &&
            !said_differs(said->pace, now.pace))
            continue;
        if (changed++ < CHANGES_SAID_MAX) {
            const char *comma = changed > 1 ? "," : "";
            b = text_add(before, b, "%s\"#%u\":{\"value\":%.0f,\"pace\":%.4f}", comma, idx,
                         (double)said->value_micros, (double)said->pace);
            a = text_add(after, a, "%s\"#%u\":{\"value\":%.0f,\"pace\":%.4f}", comma, idx,
                         (double)now.value_micros, (double)now.pace);
        }
        *said = now;
    }
    text_add(before, b, "}}");
    text_add(after, a, "},\"line_items_changed\":%u}", changed);
}

static int forget_file(void *context, const struct qbid_store_generation *generation)
{
    const struct qbid_engine *e = context;
    char path[IMAGE_PATH_MAX];
    snprintf(path, sizeof path, "%s/images/%s", e->config.state_dir, generation->file);
    return unlink(path) == 0 || errno == ENOENT ? 0 : QBID_ERR_SYS;
}

/* The store knows the generation, and why it is, before any reader does. */
static int draft_write_down(struct qbid_engine *e, const struct qbid_plan *plan,
                            const struct draft *draft, const char *name, const char *reason,
                            char *why)
{
    char before[QBID_STORE_TEXT_MAX] = "", after[QBID_STORE_TEXT_MAX] = "";
    const struct qbid_image_header *header = draft->base;
    struct qbid_store_generation g = {.gen = draft->gen,
                                      .built_unix_ns = header->built_unix_ns,
                                      .bytes = draft->bytes,
                                      .checksum = header->checksum,
                                      .held = true};
    snprintf(g.reason, sizeof g.reason, "%s", reason);
    snprintf(g.file, sizeof g.file, "%s", name);
    struct qbid_store_cause cause = {header->built_unix_ns, "qbidd", g.reason};
    change_tell(e, plan, draft, before, after);
    int err = qbid_store_begin(e->store);
    if (!err) {
        err = qbid_engine_save_dictionary(e);
        if (!err)
            err = qbid_store_add_generation(e->store, &g);
        if (!err)
            err = qbid_store_audit(e->store, &cause, "publish", before, after);
        err = qbid_store_end(e->store, err);
    }
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "store: %s", qbid_store_why(e->store));
    else
        (void)qbid_store_release_generations(e->store, (uint32_t)e->config.images_kept, forget_file,
                                             e);
    return err;
}

/* Which bids get which Q row from here on, for the decision log. */
static void actions_tell(struct qbid_engine *e, const struct qbid_plan *plan, uint64_t gen)
{
    uint64_t max = e->config.capacity.line_items;
    for (uint32_t i = 0; i < plan->line_item_max && i < max; i++)
        e->q_group[i] = plan->line_q_group[i];
    if (e->decisions)
        qbid_decision_log_rows(e->decisions, (uint32_t)gen, plan->qrows, plan->qgroup_cnt,
                               qbid_clock_unix_ns() / QBID_NS_PER_MS);
}

static int draft_stage(struct qbid_engine *e, struct draft *draft, char *why)
{
    int ro = -1;
    int err = qbid_memfd_seal_image(draft->fd, draft->base, draft->bytes, &ro);
    if (!err) {
        draft->base = NULL; /* its mapping ended with the seal */
        err = qbid_publisher_publish(e->publisher, ro, draft->gen, draft->bytes);
        if (err)
            close(ro);
    }
    if (err)
        snprintf(why, QBID_ENGINE_WHY_MAX, "generation %llu: %s", (unsigned long long)draft->gen,
                 qbid_strerror(err));
    return err;
}

/* force = also when nothing changed. */
static int publish(struct qbid_engine *e, const char *reason, bool force, char *why)
{
    char name[IMAGE_NAME_MAX];
    struct qbid_plan plan;
    struct draft draft = {.fd = -1, .started_ns = qbid_clock_boot_ns()};
    struct qbid_publisher_counters readers = qbid_publisher_counters_load(e->publisher);
    if (readers.held_generations >= QBID_PUBLISHER_HELD_MAX) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "readers hold %u generations", readers.held_generations);
        return QBID_ERR_BUSY;
    }
    int err = qbid_learner_plan(e->learner, &e->account, e->dictionary, &plan);
    if (err) {
        snprintf(why, QBID_ENGINE_WHY_MAX, "planning: %s", qbid_strerror(err));
        return err;
    }
    err = draft_make(e, &plan, e->counters.gen + 1, &draft, why);
    bool same = !err && e->counters.gen && draft.body_checksum == e->body_checksum;
    if (!err && same && !force) {
        e->counters.unchanged++;
    } else if (!err) {
        err = draft_number(e, &draft, why);
        snprintf(name, sizeof name, "%llu.qbi", (unsigned long long)draft.gen);
        if (!err)
            err = draft_keep(e, &draft, name, why);
        if (!err)
            err = draft_write_down(e, &plan, &draft, name, reason, why);
        if (!err)
            err = draft_stage(e, &draft, why);
        if (!err) {
            actions_tell(e, &plan, draft.gen);
            e->counters.gen = draft.gen;
            e->counters.published++;
            e->counters.published_ns = qbid_clock_boot_ns();
            e->counters.build_ns = e->counters.published_ns - draft.started_ns;
            e->counters.image_bytes = draft.bytes;
            e->body_checksum = draft.body_checksum;
            e->publish_wanted = false;
        }
    }
    draft_drop(&draft);
    qbid_plan_done(&plan);
    return err;
}

int qbid_engine_publish(struct qbid_engine *engine, const char *reason,
                        char why[QBID_ENGINE_WHY_MAX])
{
    int err = publish(engine, reason, true, why);
    engine->counters.last_publish_error = err;
    engine->counters.publish_failed += err != 0;
    return err;
}

void qbid_engine_learn(struct qbid_engine *engine)
{
    char why[QBID_ENGINE_WHY_MAX] = "";
    uint64_t age_ns = qbid_clock_boot_ns() - engine->counters.published_ns;
    bool old = age_ns > engine->config.image_valid_ms * QBID_NS_PER_MS / 3;
    int err = publish(engine, old ? "renewal" : "learn", old || engine->publish_wanted, why);
    if (err && err != engine->counters.last_publish_error)
        qbid_engine_say(engine, QBID_LOG_ERROR, "not published: %s", why);
    engine->counters.last_publish_error = err;
    engine->counters.publish_failed += err != 0;
}
