/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine does again and again: events in, allowances and pace out, state to the store. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "control/account/written/frequency.h"
#include "control/engine/engine_state.h"
#include "control/store/store_answers.h"
#include "control/store/store_overlaps.h"
#include "control/store/store_records.h"
#include "shm/clock.h"
#include "shm/error.h"

#define DAY_S 86400
#define DRAIN_MAX 65536           /* events of one worker a tick */
#define EXPIRE_MAX 65536          /* bids a tick */
#define PRUNE_MAX 10000           /* rows a tick */
#define RECORDS_DAYS 400          /* models, insights, firings of rules, creatives: beyond a year */
#define OVERLAPS_DAYS 30          /* of a pair that is measured no more */
#define HOURS_DAYS 60             /* hourly totals are kept: the monitor learns from four weeks */
#define SETTLED_PRUNE_MAX 1000000 /* nonces a tick: more than come in one */
#define SETTLED_SLACK_S 60        /* a notice may wait in a ring beyond its time */
#define TAIL_NAME_MAX 32

static void tail_name(const struct qbid_engine *e, uint16_t slot, char name[TAIL_NAME_MAX])
{
    snprintf(name, TAIL_NAME_MAX, "tail.%u", e->page_id[slot]);
}

/* Wall clock of a bid, by its age on the boot clock. */
static int64_t bid_unix_s(uint64_t bid_time_ns)
{
    uint64_t now_ns = qbid_clock_boot_ns(), unix_ns = qbid_clock_unix_ns();
    uint64_t age_ns = now_ns > bid_time_ns ? now_ns - bid_time_ns : 0;
    return unix_ns > age_ns ? (int64_t)((unix_ns - age_ns) / QBID_NS_PER_S) : 0;
}

void qbid_engine_day_charge(struct qbid_engine_day *day, int64_t unix_s, int64_t spent_nanos)
{
    if (unix_s / DAY_S >= day->day)
        return;
    day->spent_nanos = qbid_add_sat(day->spent_nanos, spent_nanos);
    day->late = true;
}

/* What an outcome says about a capped line item's exposures; a nonce without one is not known. */
static void frequency_post(struct qbid_engine *e, const struct qbid_outcome *outcome,
                           const struct qbid_line_item_def *li)
{
    struct qbid_frequency_rule rule;
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    switch (outcome->kind) {
    case QBID_EVENT_EXPOSE:
        /* a rule that is gone by now counts nothing */
        if (li->frequency && !qbid_frequency_rule_parse(li->frequency, &rule) && rule.cap)
            qbid_frequency_book_bid(e->frequency, outcome->nonce, outcome->exposure_key,
                                    rule.minutes, unix_s);
        break;
    case QBID_EVENT_WIN:
    case QBID_EVENT_BILL:
    case QBID_EVENT_IMP:
        if (li->frequency && *li->frequency)
            qbid_frequency_book_shown(e->frequency, outcome->nonce, unix_s);
        break;
    case QBID_EVENT_LOSS:
        qbid_frequency_book_lost(e->frequency, outcome->nonce);
        break;
    default:
        break;
    }
}

/* Wall clock of an event, by its age on the boot clock. */
static uint64_t event_unix_ms(uint64_t time_ns)
{
    uint64_t now_ns = qbid_clock_boot_ns(), unix_ns = qbid_clock_unix_ns();
    return (unix_ns - (now_ns > time_ns ? now_ns - time_ns : 0)) / QBID_NS_PER_MS;
}

/* What the bid's pace is made of, where the file does not say so yet and it is the one in force. */
static void pace_log(struct qbid_engine *e, const struct qbid_outcome *bid)
{
    struct qbid_engine_paced *paced = &e->paced[bid->line_item_idx];
    const struct qbid_learner_pace *now = qbid_engine_paced(e, bid->line_item_idx);
    uint64_t file = qbid_decision_log_file(e->decisions);
    if (!now || now->pace != bid->pace ||
        (paced->logged == bid->pace && paced->logged_file == file))
        return;
    qbid_decision_log_pace(e->decisions, bid, &now->terms, event_unix_ms(bid->time_ns));
    paced->logged = bid->pace;
    paced->logged_file = file;
}

static void decision_post(struct qbid_engine *e, const struct qbid_outcome *outcome)
{
    uint32_t idx = outcome->line_item_idx;
    if (e->decisions && idx < e->config.capacity.line_items && outcome->kind == QBID_EVENT_BID)
        pace_log(e, outcome);
    if (e->decisions && idx < e->config.capacity.line_items)
        qbid_decision_log_post(e->decisions, outcome, e->q_group[idx],
                               event_unix_ms(outcome->time_ns));
}

static void decisions_flush(struct qbid_engine *e)
{
    if (!e->decisions)
        return;
    bool down = qbid_decision_log_flush(e->decisions) != 0;
    if (down != e->decisions_down)
        qbid_engine_say(e, down ? QBID_LOG_ERROR : QBID_LOG_INFO, "decision log: %s",
                        down ? strerror(errno) : "written again");
    e->decisions_down = down;
}

static void post(void *context, const struct qbid_outcome *outcome)
{
    struct qbid_engine *e = context;
    const struct qbid_line_item_def *li =
        qbid_account_line_item(&e->account, outcome->line_item_id);
    const struct qbid_campaign_def *campaign =
        li ? qbid_account_campaign(&e->account, li->campaign_id) : NULL;
    if (!campaign)
        return; /* expired after its line item went: the ledger runs it out by time */
    frequency_post(e, outcome, li);
    if (outcome->kind == QBID_EVENT_EXPOSE)
        return;
    if (outcome->kind == QBID_EVENT_BILL && qbid_engine_bill_known(e, outcome->nonce)) {
        e->counters.bills_repeated++;
        return;
    }
    int64_t spent = qbid_ledger_post(e->ledger, outcome);
    uint32_t b = outcome->budget_idx;
    if (spent > 0)
        qbid_engine_bill_note(e, outcome->nonce);
    if (spent > 0 && b < e->config.capacity.budgets && campaign->period == QBID_BUDGET_DAILY)
        qbid_engine_day_charge(&e->day[b], bid_unix_s(outcome->bid_time_ns), spent);
    if (spent > 0 && b < e->config.capacity.budgets && !e->spent_changed[b]) {
        e->spent_changed[b] = 1;
        e->changed[e->changed_cnt++] = b;
    }
    qbid_snapshot_post(e->snapshot, outcome, campaign->id, spent);
    qbid_learner_post(e->learner, outcome, li, campaign, spent);
    decision_post(e, outcome);
}

/* What was charged since the store heard of it, with what makes the bills known to the next life:
 * spent is never written without. */
static int charges_save(struct qbid_engine *e)
{
    int err = 0;
    for (uint32_t i = 0; i < e->changed_cnt && !err; i++)
        err = qbid_store_save_spent(e->store, e->changed[i],
                                    qbid_ledger_spent(e->ledger, e->changed[i]));
    for (uint32_t i = 0; i < e->changed_cnt && !err; i++) {
        const struct qbid_engine_day *day = &e->day[e->changed[i]];
        if (day->late)
            err = qbid_store_save_day(e->store, e->changed[i], day->day, day->spent_nanos);
    }
    if (!err)
        err = qbid_engine_bills_save(e, (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S));
    return err;
}

/* The transaction with them is in the store. */
static void charges_saved(struct qbid_engine *e)
{
    for (uint32_t i = 0; i < e->changed_cnt; i++) {
        e->spent_changed[e->changed[i]] = 0;
        e->day[e->changed[i]].late = false;
    }
    e->changed_cnt = e->billed_cnt = 0;
}

/* Money that was charged and how far the ring was read, in one transaction: after a crash events
 * are neither charged again nor lost. */
static int settle(struct qbid_engine *e, const struct qbid_page *page, uint16_t slot,
                  uint64_t taken)
{
    char name[TAIL_NAME_MAX];
    tail_name(e, slot, name);
    uint64_t tail = atomic_load_explicit(&page->ring->tail, memory_order_relaxed) + taken;
    int err = qbid_store_begin(e->store);
    if (err)
        return err;
    err = charges_save(e);
    if (!err)
        err = qbid_store_set(e->store, name, tail);
    err = qbid_store_end(e->store, err);
    if (!err)
        charges_saved(e);
    return err;
}

/* Settle and let go of n events; on refusal they stay in their ring until the store answers. */
static int let_go(struct qbid_engine *e, const struct qbid_page *page, uint16_t slot, uint32_t n)
{
    /* Only money must be exactly once: where none was charged the position may be written later. */
    int err = e->changed_cnt ? settle(e, page, slot, n) : 0;
    e->held[slot] = err ? n : 0;
    if (!err)
        qbid_ring_advance(page->ring, n);
    else
        e->counters.store_failed++;
    if ((err != 0) != e->store_down)
        qbid_engine_say(e, err ? QBID_LOG_ERROR : QBID_LOG_INFO, "store: %s",
                        err ? qbid_store_why(e->store) : "answers again");
    e->store_down = err != 0;
    return err;
}

int qbid_engine_drain(struct qbid_engine *engine, const struct qbid_page *page, uint16_t slot,
                      uint16_t uid, int max)
{
    if (engine->held[slot] && let_go(engine, page, slot, engine->held[slot]))
        return 0;
    int n = qbid_ingest_drain(engine->ingest, &engine->account, engine->dictionary, page, slot, uid,
                              qbid_clock_boot_ns(), max, post, engine);
    if (n > 0)
        (void)let_go(engine, page, slot, (uint32_t)n);
    return n;
}

/* Events that wait in a ring now, at most DRAIN_MAX. */
static int waiting_in(const struct qbid_page *page)
{
    uint64_t tail = atomic_load_explicit(&page->ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&page->ring->head, memory_order_acquire);
    return head - tail < DRAIN_MAX ? (int)(head - tail) : DRAIN_MAX;
}

int qbid_engine_ingest(struct qbid_engine *engine)
{
    static const uint32_t most = QBID_LIVE_WORKERS_MAX;
    struct qbid_publisher_worker worker[QBID_LIVE_WORKERS_MAX];
    int waiting[QBID_LIVE_WORKERS_MAX];
    uint32_t cnt = qbid_publisher_workers(engine->publisher, worker, most);
    int total = 0, err = 0;
    uint32_t i;
    /* First how far notices are taken, then every bid there is, then the notices: so a notice never
     * comes before its bid, whichever rings the two are in. */
    for (i = 0; i < cnt; i++)
        waiting[i] = waiting_in(worker[i].page);
    for (i = 0; i < cnt && !err; i++)
        err = qbid_ingest_bids(engine->ingest, &engine->account, worker[i].page, worker[i].slot,
                               worker[i].uid, qbid_clock_boot_ns(), post, engine);
    for (uint32_t w = 0; w < cnt && !err; w++) {
        int n =
            qbid_engine_drain(engine, worker[w].page, worker[w].slot, worker[w].uid, waiting[w]);
        if (n > 0)
            total += n;
        err = n < 0 ? n : 0;
        i = w + 1;
    }
    /* Other workers of that process are gone, too: the list is out of date, the next tick goes on.
     */
    if (err == QBID_ERR_CORRUPT)
        qbid_publisher_drop(engine->publisher, worker[i - 1].slot);
    qbid_ingest_tick(engine->ingest, qbid_clock_boot_ns(), EXPIRE_MAX, post, engine);
    return total;
}

static uint64_t boot_now(void *context)
{
    (void)context;
    return qbid_clock_boot_ns();
}

/* The rows hold charges whose settling was refused, or whose worker left meanwhile: their bills go
 * with them, or a ring that is read again after a crash would charge them twice. */
static int ledger_persist(void *context, const struct qbid_ledger_row *rows, uint32_t cnt)
{
    struct qbid_engine *e = context;
    int err = qbid_store_begin(e->store);
    if (err)
        return err;
    err = qbid_store_save_ledger(e->store, rows, cnt);
    if (!err)
        err = charges_save(e);
    err = qbid_store_end(e->store, err);
    if (!err)
        charges_saved(e);
    return err;
}

/* Allowances and leases; the store hears of the exposure first. */
static void allow(struct qbid_engine *e)
{
    const struct qbid_live *live = qbid_publisher_live(e->publisher);
    if (qbid_ledger_tick(e->ledger, live, boot_now, NULL, ledger_persist, e) == QBID_ERR_STORE)
        e->counters.store_failed++;
}

int qbid_engine_attached(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page)
{
    struct qbid_engine *e = context;
    char name[TAIL_NAME_MAX];
    uint64_t tail = 0;
    int err = 0;
    /* Read once: the worker can write there. A number that others cannot guess, or it could speak
     * of another worker's events. */
    e->page_id[slot] = page->header->id;
    if (e->page_id[slot] == 0) {
        if (getrandom(&e->page_id[slot], sizeof e->page_id[slot], 0) != sizeof e->page_id[slot] ||
            e->page_id[slot] == 0)
            err = QBID_ERR_SYS;
        page->header->id = e->page_id[slot];
    } else {
        /* Read by a former qbidd that did not come to letting go of it. */
        tail_name(e, slot, name);
        err = qbid_store_get(e->store, name, 0, &tail);
        uint64_t at = atomic_load_explicit(&page->ring->tail, memory_order_relaxed);
        if (!err && tail > at)
            qbid_ring_advance(page->ring, tail - at);
    }
    if (!err)
        err = qbid_ledger_attach(e->ledger, slot, uid, page, qbid_clock_boot_ns());
    if (err)
        qbid_engine_say(e, QBID_LOG_ERROR, "worker in slot %u refused: %s", slot,
                        qbid_strerror(err));
    if (!err) {
        qbid_engine_say(e, QBID_LOG_INFO, "worker in slot %u, uid %u", slot, uid);
        allow(e); /* it can bid as soon as it hears of its slot */
    }
    return err;
}

void qbid_engine_detached(void *context, uint16_t slot, uint16_t uid, const struct qbid_page *page)
{
    struct qbid_engine *e = context;
    while (qbid_engine_drain(e, page, slot, uid, DRAIN_MAX) == DRAIN_MAX)
        ;
    e->held[slot] = 0; /* charges are in memory and reach the store with the ledger's rows */
    qbid_ledger_detach(e->ledger, slot, qbid_clock_boot_ns());
    qbid_engine_say(e, QBID_LOG_INFO, "worker in slot %u, uid %u left", slot, uid);
}

int qbid_engine_budgets(struct qbid_engine *engine, int64_t unix_s)
{
    int64_t today = unix_s / DAY_S;
    int err = 0;
    for (uint32_t i = 0; i < engine->account.campaign_cnt && !err; i++) {
        const struct qbid_campaign_def *c = &engine->account.campaigns[i];
        struct qbid_engine_day *day = &engine->day[c->budget_idx];
        int64_t authority = c->budget_nanos;
        if (c->period == QBID_BUDGET_DAILY) {
            /* A clock that steps back begins no new day: the day only moves on. */
            if (today > day->day) {
                int64_t spent = qbid_ledger_spent(engine->ledger, c->budget_idx);
                err = qbid_store_save_day(engine->store, c->budget_idx, today, spent);
                if (err)
                    break;
                *day = (struct qbid_engine_day){.day = today, .spent_nanos = spent};
            }
            authority = qbid_add_sat(day->spent_nanos, c->budget_nanos);
        }
        if (!c->active)
            authority = qbid_ledger_spent(engine->ledger, c->budget_idx);
        engine->whole[c->budget_idx] = authority;
        err = qbid_engine_velocity(engine, c->budget_idx, unix_s, &authority);
        if (authority != qbid_ledger_budget(engine->ledger, c->budget_idx))
            err |= qbid_ledger_set_budget(engine->ledger, c->budget_idx, authority);
    }
    return err;
}

int64_t qbid_engine_committed(const struct qbid_engine *engine,
                              const struct qbid_campaign_def *campaign, int64_t unix_s)
{
    uint32_t b = campaign->budget_idx;
    const struct qbid_engine_day *day = &engine->day[b];
    int64_t spent = qbid_ledger_spent(engine->ledger, b), before = 0;
    if (campaign->period == QBID_BUDGET_DAILY)
        before = unix_s / DAY_S > day->day ? spent : day->spent_nanos;
    return spent - before + qbid_ledger_exposure(engine->ledger, b);
}

/* Emergency adjustments, to the log and on record. */
static void news_tell(struct qbid_engine *e)
{
    struct qbid_emergency_news news;
    struct qbid_store_cause cause = {qbid_clock_unix_ns(), "qbidd", NULL};
    char what[64], factor[32];
    while (qbid_learner_news(e->learner, &news)) {
        snprintf(what, sizeof what, "campaign %u trigger %s", news.campaign_id,
                 qbid_trigger_word(news.kind));
        snprintf(factor, sizeof factor, "x%.4g", news.factor);
        cause.why = news.began ? qbid_trigger_text(news.kind) : "its time is over";
        qbid_engine_say(e, QBID_LOG_WARNING, "%s: %s: pace %s", what, cause.why, factor);
        if (qbid_store_audit(e->store, &cause, what, news.began ? "x1" : "", factor) != 0)
            e->counters.store_failed++;
    }
}

void qbid_engine_pace(struct qbid_engine *e)
{
    const struct qbid_live *live = qbid_publisher_live(e->publisher);
    uint64_t now_ns = qbid_clock_boot_ns();
    int64_t unix_ns = (int64_t)qbid_clock_unix_ns();
    for (uint32_t i = 0; i < e->account.campaign_cnt; i++) {
        uint32_t b = e->account.campaigns[i].budget_idx;
        e->money[i] =
            (struct qbid_learner_money){.budget_nanos = e->whole[b],
                                        .spent_nanos = qbid_ledger_spent(e->ledger, b),
                                        .exposure_nanos = qbid_ledger_exposure(e->ledger, b)};
    }
    qbid_overridden_tell(e->overridden, &e->account, unix_ns, e->learner);
    int n = qbid_learner_pace(e->learner, &e->account, e->money, now_ns, unix_ns, e->pace);
    if (n < 0)
        return; /* without memory the factors in force stay */
    e->pace_cnt = (uint32_t)n;
    news_tell(e);
    qbid_overridden_apply(e->overridden, now_ns, unix_ns, e->pace, e->pace_cnt);
    for (uint32_t i = 0; i < e->pace_cnt; i++)
        if (e->pace[i].line_item_idx < e->config.capacity.line_items)
            e->paced[e->pace[i].line_item_idx].at = 1 + i;
    qbid_overridden_store(e->overridden, e->pace, e->pace_cnt, live);
}

void qbid_engine_live(struct qbid_engine *engine)
{
    const struct qbid_live *live = qbid_publisher_live(engine->publisher);
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    if (qbid_engine_budgets(engine, unix_s) != 0)
        engine->counters.store_failed++;
    allow(engine);
    int64_t broken = qbid_ledger_check(engine->ledger);
    if (broken >= 0) {
        engine->counters.invariant_broken++;
        qbid_engine_say(engine, QBID_LOG_ERROR, "ledger: budget %lld breaks its invariant",
                        (long long)broken);
    }
    qbid_engine_overrides_expire(engine, unix_s);
    qbid_engine_pace(engine);
    decisions_flush(engine);
    qbid_frequency_book_tick(engine->frequency, unix_s);
    atomic_store_explicit(&live->header->heartbeat_ns, qbid_clock_boot_ns(), memory_order_relaxed);
}

int qbid_engine_save_dictionary(struct qbid_engine *engine)
{
    uint32_t cnt = qbid_dictionary_cnt(engine->dictionary);
    if (cnt == engine->dictionary_saved)
        return 0;
    int err =
        qbid_store_save_dictionary(engine->store, engine->dictionary, engine->dictionary_saved);
    if (!err)
        engine->dictionary_saved = cnt;
    return err;
}

static int save_learner_row(void *context, uint32_t kind, uint64_t key, const void *data,
                            uint32_t bytes)
{
    return qbid_store_save_learner(context, kind, key, data, bytes);
}

void qbid_engine_persist(struct qbid_engine *engine)
{
    int64_t unix_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    int err = qbid_store_begin(engine->store);
    if (!err) {
        err = qbid_engine_save_dictionary(engine);
        if (!err)
            err = qbid_learner_save(engine->learner, false, save_learner_row, engine->store);
        if (!err) {
            int n = qbid_store_save_series(engine->store, engine->snapshot, unix_s);
            err = n < 0 ? n : 0;
        }
        err = qbid_store_end(engine->store, err);
    }
    if (!err) {
        int64_t oldest = unix_s - (int64_t)engine->config.history_days * DAY_S;
        int64_t hours = unix_s - HOURS_DAYS * DAY_S;
        int64_t settled = unix_s - (int64_t)(engine->config.notice_ttl_ms / 1000) - SETTLED_SLACK_S;
        int n = qbid_store_prune_series(engine->store, oldest, PRUNE_MAX);
        if (n >= 0)
            n = qbid_store_prune_hours(engine->store, hours, PRUNE_MAX);
        if (n >= 0)
            n = qbid_store_prune_records(engine->store, oldest, unix_s - RECORDS_DAYS * DAY_S,
                                         PRUNE_MAX);
        if (n >= 0)
            n = qbid_store_prune_answers(engine->store, unix_s - QBID_STORE_ANSWERS_S, PRUNE_MAX);
        if (n >= 0)
            n = qbid_store_prune_overlaps(engine->store, unix_s - OVERLAPS_DAYS * DAY_S, PRUNE_MAX);
        if (n >= 0)
            n = qbid_store_prune_settled(engine->store, settled, SETTLED_PRUNE_MAX);
        err = n < 0 ? n : 0;
    }
    qbid_engine_audit_tick(engine, unix_s);
    if (err) {
        engine->counters.store_failed++;
        qbid_engine_say(engine, QBID_LOG_ERROR, "store: %s; statistics are tried again",
                        qbid_store_why(engine->store));
    }
}
