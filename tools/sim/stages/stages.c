/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the simulated stages: workers, crashes, decisions, images. */
#include "tools/sim/stages/stages.h"

#include <stdlib.h>
#include <string.h>

#include "fastpath/record.h"
#include "shm/error.h"
#include "shm/isa.h"
#include "tools/sim/stages/state.h"

#define RESERVE_DAYS 400
#define CONTEXTS_MAX (UINT32_C(1) << 18)

void *qbid_sim_lines_new(int64_t bytes)
{
    size_t whole = ((size_t)bytes + QBID_CACHE_LINE - 1) / QBID_CACHE_LINE * QBID_CACHE_LINE;
    void *base = bytes > 0 ? aligned_alloc(QBID_CACHE_LINE, whole) : NULL;
    return base ? memset(base, 0, whole) : NULL;
}

static uint64_t mask_of(const unsigned *dims, unsigned cnt)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < cnt; i++)
        mask |= qbid_dim_mask(dims[i]);
    return mask;
}

struct qbid_sim_stages_params qbid_sim_stages_defaults(struct qbid_sim_portfolio *portfolio)
{
    static const unsigned dims[] = {QBID_DIM_SLOT, QBID_DIM_POSITION, QBID_DIM_DEVICE,
                                    QBID_DIM_SEGMENT, QBID_DIM_GEO};
    static const unsigned segment[] = {QBID_DIM_SLOT, QBID_DIM_POSITION, QBID_DIM_DEVICE};
    struct qbid_learner_params learner = {.cell_max = CONTEXTS_MAX,
                                          .context_max = CONTEXTS_MAX,
                                          .sample_max = 1024,
                                          .explore = 0.02,
                                          .explore_line_items = true,
                                          .rotation_floor = 0.002,
                                          .pace_min = 0.001,
                                          .pace_max = 1000,
                                          .pace_period_ns = 120 * QBID_NS_PER_S,
                                          .step_log2_max = 0.3};
    learner.level_mask[0] = mask_of(dims, 5);
    learner.level_mask[1] = mask_of(dims, 4);
    learner.level_mask[2] = mask_of(dims, 2);
    learner.segment_mask = mask_of(segment, 3);
    return (struct qbid_sim_stages_params){.portfolio = portfolio,
                                           .learner = learner,
                                           .workers = 2,
                                           .ring_lg = 14,
                                           .notice_ttl_ns = 60 * QBID_NS_PER_S,
                                           .event_ttl_ns = UINT64_C(30) * 86400 * QBID_NS_PER_S,
                                           .lease_ns = 60 * QBID_NS_PER_S,
                                           .bucket_ns = QBID_NS_PER_S,
                                           .grace_ns = 5 * QBID_NS_PER_S,
                                           .grant_ppm = 1000,
                                           .grant_nanos_min = 100 * QBID_MICROS_PER_UNIT,
                                           .bids_max = 1 << 16,
                                           .seed = 1};
}

static struct qbid_live_shape shape_of(const struct qbid_sim_stages *s)
{
    const struct qbid_account *account = &s->params.portfolio->account;
    return (struct qbid_live_shape){.line_item_max = account->line_item_max,
                                    .budget_max = account->campaign_cnt,
                                    .worker_max = QBID_SIM_SLOTS_MAX};
}

static int worker_make(struct qbid_sim_stages *s, struct qbid_sim_worker *w)
{
    uint32_t budgets = s->params.portfolio->account.campaign_cnt;
    if (s->page_cnt == QBID_SIM_PAGES_MAX)
        return QBID_ERR_LIMIT;
    free(w->memory);
    *w = (struct qbid_sim_worker){
        .memory = qbid_sim_lines_new(qbid_page_footprint(budgets, s->params.ring_lg)),
        .page_id = s->page_cnt++,
        .uid = ++s->uid_cnt,
        .own_life = -1};
    if (!w->memory)
        return QBID_ERR_NOMEM;
    w->up = true;
    return qbid_page_format(w->memory, budgets, s->params.ring_lg, &w->page);
}

int qbid_sim_stages_new(const struct qbid_sim_stages_params *params, uint64_t now_ns,
                        struct qbid_sim_stages **ret_stages)
{
    const struct qbid_account *account = &params->portfolio->account;
    if (params->workers == 0 || params->workers > QBID_SIM_WORKERS_MAX ||
        account->campaign_cnt > QBID_SIM_CAMPAIGNS_MAX)
        return QBID_ERR_INVAL;
    struct qbid_sim_stages *s = calloc(1, sizeof *s);
    if (!s)
        return QBID_ERR_NOMEM;
    s->params = *params;
    s->life = -1;
    s->isa = (uint8_t)qbid_isa_best();
    qbid_sim_store_init(&s->store);
    s->money = calloc(account->campaign_cnt + 1, sizeof *s->money);
    s->pace = calloc(account->line_item_cnt + 1, sizeof *s->pace);
    int err = s->money && s->pace ? 0 : QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < params->workers && !err; i++)
        err = worker_make(s, &s->worker[i]);
    if (!err)
        err = qbid_sim_stages_start(s, now_ns);
    for (uint32_t i = 0; i < params->workers && !err; i++)
        qbid_sim_stages_adopt(s, i);
    if (err)
        qbid_sim_stages_free(s);
    else
        *ret_stages = s;
    return err;
}

void qbid_sim_stages_kill(struct qbid_sim_stages *s)
{
    qbid_ledger_free(s->ledger);
    qbid_ingest_free(s->ingest);
    qbid_learner_free(s->learner);
    qbid_builder_free(s->builder);
    s->ledger = NULL;
    s->ingest = NULL;
    s->learner = NULL;
    s->builder = NULL;
    s->billed_cnt = 0;
    memset(s->spent_changed, 0, sizeof s->spent_changed);
    for (uint32_t i = 0; i < s->params.workers; i++) {
        s->worker[i].attached = false;
        s->worker[i].held = 0;
    }
    s->up = s->crashed = false;
    s->crash_at = QBID_SIM_CRASH_NOWHERE;
}

void qbid_sim_stages_free(struct qbid_sim_stages *stages)
{
    if (!stages)
        return;
    qbid_sim_stages_kill(stages);
    qbid_sim_store_done(&stages->store);
    for (uint32_t i = 0; i < QBID_SIM_WORKERS_MAX; i++)
        free(stages->worker[i].memory);
    for (int i = 0; i <= stages->life; i++)
        free(stages->live_memory[i]);
    free(stages->image_memory);
    free(stages->billed);
    free(stages->money);
    free(stages->pace);
    free(stages);
}

static int stages_make(struct qbid_sim_stages *s)
{
    const struct qbid_sim_stages_params *p = &s->params;
    struct qbid_ledger_params ledger = {.shape = shape_of(s),
                                        .bucket_ns = p->bucket_ns,
                                        .notice_ttl_ns = p->notice_ttl_ns,
                                        .grace_ns = p->grace_ns,
                                        .lease_ns = p->lease_ns,
                                        .grant_ppm = p->grant_ppm,
                                        .grant_nanos_min = p->grant_nanos_min};
    struct qbid_ingest_params ingest = {p->bids_max, p->bids_max * 4, p->notice_ttl_ns,
                                        p->event_ttl_ns};
    int err = qbid_ledger_new(&ledger, &s->ledger);
    if (!err)
        err = qbid_ingest_new(&ingest, &s->ingest);
    if (!err)
        err = qbid_learner_new(&p->learner, &s->learner);
    return err;
}

static int store_read(struct qbid_sim_stages *s)
{
    int err = 0;
    for (uint32_t b = 0; b < s->params.portfolio->account.campaign_cnt && !err; b++) {
        const struct qbid_sim_store_budget *kept = &s->store.budget[b];
        struct qbid_ledger_row row = {b, kept->spent_nanos, kept->exposure_nanos};
        s->day[b] = (struct qbid_sim_day){kept->day, kept->day_spent_nanos};
        if (kept->known)
            err = qbid_ledger_restore(s->ledger, &row, qbid_sim_boot_ns(s->now_ns));
    }
    for (uint32_t i = 0; i < s->store.row_cnt && !err; i++) {
        const struct qbid_sim_store_row *row = &s->store.row[i];
        err = qbid_learner_restore(s->learner, row->kind, row->key, row->data, row->bytes);
    }
    return err;
}

int qbid_sim_stages_start(struct qbid_sim_stages *s, uint64_t now_ns)
{
    struct qbid_live_shape shape = shape_of(s);
    if (s->up || s->life + 1 >= QBID_SIM_LIVES_MAX)
        return QBID_ERR_INVAL;
    s->now_ns = now_ns;
    s->life++;
    s->live_memory[s->life] = qbid_sim_lines_new(qbid_live_footprint(shape));
    int err = s->live_memory[s->life] ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_live_format(s->live_memory[s->life], shape, 1, &s->live[s->life]);
    if (!err)
        err = stages_make(s);
    if (!err)
        err = store_read(s);
    s->up = true;
    s->slot_next = 0;
    if (!err)
        err = qbid_sim_stages_learn(s, now_ns);
    for (uint32_t i = 0; i < s->params.workers && !err; i++)
        if (s->worker[i].up)
            err = qbid_sim_stages_attach(s, &s->worker[i]);
    if (err)
        qbid_sim_stages_kill(s);
    return err;
}

void qbid_sim_stages_adopt(struct qbid_sim_stages *s, uint32_t worker)
{
    struct qbid_sim_worker *w = &s->worker[worker];
    if (!w->attached)
        return;
    w->own_life = s->life;
    w->own_slot = w->slot;
}

void qbid_sim_stages_worker_kill(struct qbid_sim_stages *stages, uint32_t worker)
{
    stages->worker[worker].up = false;
}

int qbid_sim_stages_worker_start(struct qbid_sim_stages *s, uint32_t worker, uint64_t now_ns)
{
    struct qbid_sim_worker *w = &s->worker[worker];
    if (w->up || w->attached)
        return QBID_ERR_BUSY;
    s->now_ns = now_ns;
    int err = worker_make(s, w);
    return err || !s->up ? err : qbid_sim_stages_attach(s, w);
}

void qbid_sim_stages_crash_at(struct qbid_sim_stages *stages, enum qbid_sim_crash_point point)
{
    stages->crash_at = point;
}

bool qbid_sim_stages_crashed(const struct qbid_sim_stages *stages)
{
    return stages->crashed;
}

void qbid_sim_stages_forget_money(struct qbid_sim_stages *stages)
{
    for (uint32_t b = 0; b < QBID_SIM_CAMPAIGNS_MAX; b++)
        stages->store.budget[b] = (struct qbid_sim_store_budget){.day = -1};
}

void qbid_sim_stages_store_refuses(struct qbid_sim_stages *stages, bool refuses)
{
    stages->store.refuses = refuses;
}

enum qbid_nobid qbid_sim_stages_decide(struct qbid_sim_stages *stages, uint32_t worker,
                                       const struct qbid_request *request, uint64_t now_ns,
                                       struct qbid_decision *ret_decision)
{
    struct qbid_sim_worker *w = &stages->worker[worker];
    uint64_t boot_ns = qbid_sim_boot_ns(now_ns);
    if (!w->up)
        return QBID_NOBID_TIMEOUT;
    struct qbid_view view = {.image = &stages->image,
                             .live = w->own_life < 0 ? NULL : &stages->live[w->own_life],
                             .page = &w->page,
                             .deadline_ns = UINT64_MAX,
                             .slot = w->own_life < 0 ? QBID_LIVE_SLOT_NONE : w->own_slot,
                             .uid = w->uid,
                             .isa = stages->isa};
    enum qbid_nobid nobid = qbid_decide_one(&view, request, boot_ns, ret_decision, NULL);
    qbid_record(&view, request, ret_decision, boot_ns);
    return nobid;
}

struct qbid_event qbid_sim_stages_event(const struct qbid_sim_notice *notice)
{
    const struct qbid_sim_bid *bid = &notice->bid;
    struct qbid_event event = {
        .time_ns = qbid_sim_boot_ns(notice->due_ns),
        .nonce = bid->nonce,
        .gen = bid->gen,
        .kind = notice->kind,
        .flags = bid->flags,
        .u.notice = {.context = bid->context,
                     .bid_nanos = qbid_nanos_from_cpm_micros(bid->bid_micros),
                     .line_item_id = bid->line_item + 1,
                     .creative_id = bid->creative_id,
                     .price_nanos = notice->price_nanos,
                     .bid_time_ns = qbid_sim_boot_ns(bid->time_ns)}};
    if (notice->kind == QBID_EVENT_LOSS)
        event.u.notice.detail =
            qbid_event_detail(notice->price_nanos, 102); /* lost to a higher bid */
    return event;
}

bool qbid_sim_stages_notice(struct qbid_sim_stages *stages, uint32_t worker,
                            const struct qbid_event *event)
{
    struct qbid_sim_worker *w = &stages->worker[worker];
    bool money = event->kind == QBID_EVENT_WIN || event->kind == QBID_EVENT_LOSS ||
                 event->kind == QBID_EVENT_BILL;
    uint64_t ttl_ns = money ? stages->params.notice_ttl_ns : stages->params.event_ttl_ns;
    if (!w->up || event->time_ns - event->u.notice.bid_time_ns > ttl_ns)
        return false;
    return qbid_page_push(&w->page, event);
}

/* The next image, in place of the last one. */
static int image_make(struct qbid_sim_stages *s, const struct qbid_plan *plan)
{
    const struct qbid_sim_portfolio *f = s->params.portfolio;
    const char *why = "";
    struct qbid_build_params params = {
        .gen = s->gen + 1,
        .seed = s->params.seed,
        .built_unix_ns = (uint64_t)QBID_SIM_EPOCH_UNIX_S * QBID_NS_PER_S + s->now_ns,
        .built_boot_ns = qbid_sim_boot_ns(s->now_ns),
        .valid_ns = UINT64_C(86400) * RESERVE_DAYS * QBID_NS_PER_S,
        .notice_ttl_ns = s->params.notice_ttl_ns,
        .event_ttl_ns = s->params.event_ttl_ns,
        .price_ceiling_micros = 500 * QBID_MICROS_PER_UNIT,
        .stale_factor = 0.5f,
        .account_version = 1};
    int err = s->builder
                  ? qbid_builder_renew(s->builder, &f->account, f->dictionary, plan, &params, &why)
                  : qbid_builder_new(&f->account, f->dictionary, plan, &params, &s->builder, &why);
    if (err)
        return err;
    size_t bytes = qbid_builder_bytes(s->builder);
    void *memory = qbid_sim_lines_new((int64_t)bytes);
    if (!memory)
        return QBID_ERR_NOMEM;
    qbid_builder_fill(s->builder, memory);
    struct qbid_image image;
    err = qbid_image_attach(memory, bytes, &image);
    if (err) {
        free(memory);
        return err;
    }
    free(s->image_memory);
    s->image_memory = memory;
    s->image = image;
    s->gen++;
    return 0;
}

int qbid_sim_stages_learn(struct qbid_sim_stages *s, uint64_t now_ns)
{
    struct qbid_plan plan;
    if (!s->up)
        return 0;
    s->now_ns = now_ns;
    int err = qbid_learner_plan(s->learner, &s->params.portfolio->account,
                                s->params.portfolio->dictionary, &plan);
    if (err)
        return err;
    err = image_make(s, &plan);
    qbid_plan_done(&plan);
    return err;
}

bool qbid_sim_stages_up(const struct qbid_sim_stages *stages)
{
    return stages->up;
}

bool qbid_sim_stages_worker_up(const struct qbid_sim_stages *stages, uint32_t worker)
{
    return stages->worker[worker].up;
}

const struct qbid_ledger *qbid_sim_stages_ledger(const struct qbid_sim_stages *stages)
{
    return stages->ledger;
}

struct qbid_learner *qbid_sim_stages_learner(const struct qbid_sim_stages *stages)
{
    return stages->learner;
}

const struct qbid_image *qbid_sim_stages_image(const struct qbid_sim_stages *stages)
{
    return &stages->image;
}

const struct qbid_account *qbid_sim_stages_account(const struct qbid_sim_stages *stages)
{
    return &stages->params.portfolio->account;
}

float qbid_sim_stages_pace(const struct qbid_sim_stages *stages, uint32_t line_item_idx)
{
    return qbid_live_pace(&stages->live[stages->life], line_item_idx);
}

uint64_t qbid_sim_stages_broken(const struct qbid_sim_stages *stages)
{
    return stages->broken;
}
