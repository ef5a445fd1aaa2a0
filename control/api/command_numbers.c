/* SPDX-License-Identifier: Apache-2.0 */
/* top, live, ledger, snapshot, history: what is happening. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/fields.h"
#include "control/account/written/frequency.h"
#include "control/api/command.h"
#include "shm/clock.h"
#include "shm/error.h"

#define LIST_MAX 10000 /* entries of one answer */

static const char *const window_names[QBID_WINDOW_CNT] = {"30s", "5min", "1h", "24h", "all"};

int qbid_command_window(const char *name)
{
    for (int i = 0; i < QBID_WINDOW_CNT; i++)
        if (strcmp(window_names[i], name) == 0)
            return i;
    return -1;
}

const char *qbid_command_window_name(enum qbid_window window)
{
    return window_names[window];
}

static void rate_add(cJSON *to, const char *name, uint64_t part, uint64_t whole)
{
    if (whole)
        cJSON_AddNumberToObject(to, name, (double)part / (double)whole);
}

void qbid_command_stats(cJSON *to, const struct qbid_stats *s)
{
    qbid_json_count(to, "bids", s->bids);
    qbid_json_count(to, "wins", s->wins);
    qbid_json_count(to, "losses", s->losses);
    qbid_json_count(to, "bills", s->bills);
    qbid_json_count(to, "imps", s->imps);
    qbid_json_count(to, "clicks", s->clicks);
    qbid_json_count(to, "convs", s->convs);
    qbid_json_count(to, "views", s->views);
    qbid_json_count(to, "video_starts", s->starts);
    qbid_json_count(to, "video_completes", s->completes);
    qbid_json_nanos(to, "spend", s->spend_nanos);
    qbid_json_nanos(to, "value", s->value_nanos);
    rate_add(to, "win_rate", qbid_stats_wins(s), s->bids);
    rate_add(to, "ctr", s->clicks, s->imps ? s->imps : s->bills);
    rate_add(to, "cvr", s->convs, s->clicks);
    if (s->views) /* 0 = nobody measures it */
        rate_add(to, "viewability", s->views, s->imps ? s->imps : s->bills);
    rate_add(to, "completion", s->completes, s->starts);
    if (s->bills)
        qbid_json_micros(to, "cpm", s->spend_nanos / (int64_t)s->bills);
    if (s->clicks)
        qbid_json_nanos(to, "ecpc", s->spend_nanos / (int64_t)s->clicks);
    if (s->convs)
        qbid_json_nanos(to, "ecpa", s->spend_nanos / (int64_t)s->convs);
    if (s->spend_nanos > 0)
        cJSON_AddNumberToObject(to, "roas", (double)s->value_nanos / (double)s->spend_nanos);
}

/* The window that a request names; 5 minutes when it names none. */
static int window_of(struct qbid_command *c, enum qbid_window *ret_window)
{
    const char *name = qbid_json_text(c->request, "window");
    int window = name ? qbid_command_window(name) : QBID_WINDOW_5MIN;
    if (window < 0)
        return qbid_command_fail(c, QBID_ERR_INVAL, "window is one of 30s, 5min, 1h, 24h, all");
    *ret_window = window;
    cJSON_AddStringToObject(c->answer, "window", window_names[window]);
    return 0;
}

/* --- money and pace of one campaign */

static void money_add(const struct qbid_command *c, cJSON *to,
                      const struct qbid_campaign_def *campaign)
{
    const struct qbid_ledger *ledger = qbid_engine_ledger(c->engine);
    int64_t budget = qbid_ledger_budget(ledger, campaign->budget_idx);
    int64_t spent = qbid_ledger_spent(ledger, campaign->budget_idx);
    qbid_json_nanos(to, "budget", campaign->budget_nanos);
    cJSON_AddStringToObject(to, "period",
                            qbid_words_text(qbid_words_period, (int)campaign->period));
    qbid_json_nanos(to, "authority", budget); /* cumulative: spent may never pass it */
    qbid_json_nanos(to, "spent", spent);
    qbid_json_nanos(to, "exposure", qbid_ledger_exposure(ledger, campaign->budget_idx));
    qbid_json_nanos(to, "left", budget > spent ? budget - spent : 0);
}

/* Lowest and highest pace factor among the active line items of each campaign. */
struct pace_range {
    float least, most;
    bool any, overridden;
};

static struct pace_range *pace_ranges(const struct qbid_command *c)
{
    const struct qbid_account *account = c->account;
    const struct qbid_live *live = qbid_publisher_live(qbid_engine_publisher(c->engine));
    struct pace_range *ranges = calloc(account->campaign_cnt + 1, sizeof *ranges);
    for (uint32_t i = 0; ranges && i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        if (!li->active || li->idx >= live->shape.line_item_max)
            continue;
        struct pace_range *r =
            &ranges[qbid_account_campaign(account, li->campaign_id) - account->campaigns];
        /* of what is overridden the one that comes after */
        float pace = qbid_live_pace_at(live, li->idx, UINT64_MAX);
        r->overridden |= pace != qbid_live_pace(live, li->idx);
        r->least = !r->any || pace < r->least ? pace : r->least;
        r->most = !r->any || pace > r->most ? pace : r->most;
        r->any = true;
    }
    return ranges;
}

static void campaign_add(const struct qbid_command *c, cJSON *list,
                         const struct qbid_campaign_def *campaign, const struct pace_range *pace,
                         enum qbid_window window)
{
    cJSON *to = qbid_json_row(list);
    cJSON_AddNumberToObject(to, "id", campaign->id);
    cJSON_AddStringToObject(to, "name", campaign->name ? campaign->name : "");
    cJSON_AddStringToObject(to, "goal", qbid_words_text(qbid_words_goal, (int)campaign->goal));
    qbid_json_micros(to, "target", campaign->target_micros);
    cJSON_AddBoolToObject(to, "active", campaign->active);
    int64_t now_s = (int64_t)(c->unix_ns / QBID_NS_PER_S);
    cJSON_AddStringToObject(to, "flight",
                            now_s < campaign->start_unix_s  ? "before"
                            : now_s >= campaign->end_unix_s ? "over"
                                                            : "running");
    money_add(c, to, campaign);
    cJSON_AddNumberToObject(to, "pace", (double)pace->least);
    if (pace->most > pace->least)
        cJSON_AddNumberToObject(to, "pace_most", (double)pace->most);
    cJSON_AddBoolToObject(to, "overridden", pace->overridden);
    struct qbid_series_key key = {.kind = QBID_SERIES_CAMPAIGN, .id = campaign->id};
    struct qbid_stats stats =
        qbid_snapshot_query(qbid_engine_snapshot(c->engine), key, window, c->now_ns);
    qbid_command_stats(cJSON_AddObjectToObject(to, "stats"), &stats);
}

static void worker_add(const struct qbid_command *c, cJSON *list,
                       const struct qbid_publisher_worker *w, uint64_t nobid[QBID_NOBID_CNT])
{
    struct qbid_page_header *h = w->page->header;
    cJSON *to = qbid_json_row(list);
    cJSON_AddNumberToObject(to, "slot", w->slot);
    cJSON_AddNumberToObject(to, "uid", w->uid);
    cJSON_AddNumberToObject(to, "pid", w->pid);
    qbid_json_count(to, "generation", w->adopted_gen);
    qbid_json_seconds(to, "heartbeat_age_s",
                      c->now_ns > w->heartbeat_ns ? c->now_ns - w->heartbeat_ns : 0);
    static const struct {
        const char *name;
        enum qbid_counter counter;
    } shown[] = {{"requests", QBID_COUNTER_REQUESTS},
                 {"impressions", QBID_COUNTER_IMPRESSIONS},
                 {"bids", QBID_COUNTER_BIDS},
                 {"notices", QBID_COUNTER_NOTICES}};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        qbid_json_count(to, shown[i].name,
                        atomic_load_explicit(&h->counter[shown[i].counter], memory_order_relaxed));
    for (unsigned i = 0; i < QBID_NOBID_CNT; i++)
        nobid[i] += atomic_load_explicit(&h->nobid[i], memory_order_relaxed);
}

int qbid_command_top(struct qbid_command *c)
{
    static const char *const nobid_words[QBID_NOBID_CNT] = {
#define X(name, nbr, word, text) word,
        QBID_NOBID_LIST(X)
#undef X
    };
    struct qbid_publisher_worker worker[QBID_LIVE_WORKERS_MAX];
    uint64_t nobid[QBID_NOBID_CNT] = {0};
    const struct qbid_account *account = c->account;
    enum qbid_window window;
    char currency[4];
    int err = window_of(c, &window);
    if (err)
        return err;
    qbid_currency_format(c->commands->config->currency, currency);
    cJSON_AddStringToObject(c->answer, "currency", currency);
    qbid_json_unix_ns(c->answer, "time", c->unix_ns);
    struct qbid_engine_counters e = qbid_engine_counters_load(c->engine);
    qbid_json_count(c->answer, "generation", e.gen);
    qbid_json_seconds(c->answer, "generation_age_s",
                      e.gen && c->now_ns > e.published_ns ? c->now_ns - e.published_ns : 0);
    struct pace_range *ranges = pace_ranges(c);
    if (!ranges)
        return QBID_ERR_NOMEM;
    cJSON *list = cJSON_AddArrayToObject(c->answer, "campaigns");
    for (uint32_t i = 0; i < account->campaign_cnt && i < LIST_MAX; i++)
        campaign_add(c, list, &account->campaigns[i], &ranges[i], window);
    free(ranges);
    list = cJSON_AddArrayToObject(c->answer, "workers");
    uint32_t cnt = c->principal.tenant != 0 /* workers are the host's */
                       ? 0
                       : qbid_publisher_workers(qbid_engine_publisher(c->engine), worker,
                                                QBID_LIVE_WORKERS_MAX);
    for (uint32_t i = 0; i < cnt; i++)
        worker_add(c, list, &worker[i], nobid);
    qbid_command_latency(cJSON_AddObjectToObject(c->answer, "latency"), worker, cnt);
    cJSON *reasons = cJSON_AddObjectToObject(c->answer, "nobid");
    for (unsigned i = 1; i < QBID_NOBID_CNT; i++)
        if (nobid[i])
            qbid_json_count(reasons, nobid_words[i], nobid[i]);
    return 0;
}

/* The values of a learned frequency rule, as far as its cap. */
static void exposures_add(cJSON *to, const struct qbid_line_item_def *li,
                          const float value[QBID_FREQUENCY_VALUES_MAX])
{
    struct qbid_frequency_rule rule;
    if (!li->frequency || qbid_frequency_rule_parse(li->frequency, &rule) || !rule.learned)
        return;
    cJSON *list = cJSON_AddArrayToObject(to, "exposure_values");
    for (uint32_t k = 0; k < rule.cap && k < QBID_FREQUENCY_VALUES_MAX; k++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)value[k]));
}

/* What the pace is made of, as far as it is not 1. */
static void terms_add(cJSON *to, const struct qbid_learner_pace *pace)
{
    static const char *const words[] = {
#define X(upper, word, text) word,
        QBID_PACE_TERM_LIST(X)
#undef X
    };
    cJSON *terms = cJSON_AddObjectToObject(to, "pace_terms");
    for (unsigned i = 0; pace && i < QBID_PACE_TERM_CNT; i++)
        if (pace->terms.factor[i] != 1)
            cJSON_AddNumberToObject(terms, words[i], (double)pace->terms.factor[i]);
}

/* pace as the bidders have it, below 0 a fixed price; what comes after an override, and its end. */
static void pace_add(cJSON *to, const struct qbid_line_item_def *li, const struct qbid_live *live)
{
    const struct qbid_live_override *o = &live->override[li->idx];
    uint64_t until_ns = atomic_load_explicit(&o->until_ns, memory_order_relaxed);
    uint64_t now_ns = qbid_clock_boot_ns();
    cJSON_AddNumberToObject(to, "pace", (double)qbid_live_pace_at(live, li->idx, now_ns));
    if (until_ns <= now_ns)
        return;
    cJSON_AddNumberToObject(to, "pace_after", (double)qbid_live_pace_at(live, li->idx, until_ns));
    qbid_json_seconds(to, "overridden_for_s", until_ns - now_ns);
}

int qbid_command_live(struct qbid_command *c)
{
    const struct qbid_account *account = c->account;
    const struct qbid_live *live = qbid_publisher_live(qbid_engine_publisher(c->engine));
    struct qbid_publisher_worker worker[QBID_LIVE_WORKERS_MAX];
    float(*exposure)[QBID_FREQUENCY_VALUES_MAX] = NULL;
    (void)qbid_learner_exposures(qbid_engine_learner(c->engine), account, &exposure);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "line_items");
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        if (li->idx >= live->shape.line_item_max)
            continue;
        cJSON *to = cJSON_CreateObject();
        if (exposure)
            exposures_add(to, li, exposure[li->idx]);
        cJSON_AddItemToArray(list, to);
        cJSON_AddNumberToObject(to, "id", li->id);
        cJSON_AddNumberToObject(to, "idx", li->idx);
        cJSON_AddNumberToObject(to, "campaign", li->campaign_id);
        pace_add(to, li, live);
        terms_add(to, qbid_engine_paced(c->engine, li->idx));
        cJSON_AddNumberToObject(to, "q_state",
                                atomic_load_explicit(&live->qstate[li->idx], memory_order_relaxed));
    }
    free(exposure);
    list = cJSON_AddArrayToObject(c->answer, "leases");
    uint32_t cnt =
        qbid_publisher_workers(qbid_engine_publisher(c->engine), worker, QBID_LIVE_WORKERS_MAX);
    for (uint32_t i = 0; i < cnt; i++) {
        uint64_t until =
            atomic_load_explicit(&live->lease[worker[i].slot].valid_until_ns, memory_order_relaxed);
        cJSON *to = qbid_json_row(list);
        cJSON_AddNumberToObject(to, "slot", worker[i].slot);
        cJSON_AddNumberToObject(to, "uid", worker[i].uid);
        qbid_json_seconds(to, "valid_for_s", until > c->now_ns ? until - c->now_ns : 0);
    }
    return 0;
}

int qbid_command_ledger(struct qbid_command *c)
{
    char currency[4];
    const struct qbid_account *account = c->account;
    const struct qbid_ledger *ledger = qbid_engine_ledger(c->engine);
    qbid_currency_format(c->commands->config->currency, currency);
    cJSON_AddStringToObject(c->answer, "currency", currency);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "campaigns");
    for (uint32_t i = 0; i < account->campaign_cnt; i++) {
        const char *name = account->campaigns[i].name;
        uint32_t idx = account->campaigns[i].budget_idx;
        cJSON *to = qbid_json_row(list);
        cJSON_AddNumberToObject(to, "id", account->campaigns[i].id);
        cJSON_AddStringToObject(to, "name", name ? name : "");
        cJSON_AddNumberToObject(to, "budget_idx", idx);
        money_add(c, to, &account->campaigns[i]);
        /* the same as whole numbers, for those who add them up */
        qbid_json_count(to, "authority_nanos", (uint64_t)qbid_ledger_budget(ledger, idx));
        qbid_json_count(to, "spent_nanos", (uint64_t)qbid_ledger_spent(ledger, idx));
        qbid_json_count(to, "exposure_nanos", (uint64_t)qbid_ledger_exposure(ledger, idx));
    }
    cJSON_AddBoolToObject(c->answer, "invariant_holds", qbid_ledger_check(ledger) < 0);
    return 0;
}

/* --- statistics */

static int kind_of(struct qbid_command *c, uint32_t *ret_kind)
{
    static const char *const names[] = {"campaign", "line_item", "creative", "context"};
    const char *name = qbid_json_text(c->request, "kind");
    for (uint32_t i = 0; name && i < 4; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_kind = QBID_SERIES_CAMPAIGN + i;
            cJSON_AddStringToObject(c->answer, "kind", name);
            return 0;
        }
    }
    return qbid_command_fail(c, QBID_ERR_INVAL,
                             "kind is one of campaign, line_item, creative, context");
}

struct found {
    struct qbid_series_key key;
    uint64_t bids;
};

struct finding {
    struct found *found;
    uint32_t cnt, max;
    uint32_t kind;
    int64_t id;                    /* -1 = all */
    const struct qbid_account *of; /* the items that may be told of; NULL = all there ever were */
};

static bool item_seen(const struct qbid_account *account, struct qbid_series_key key)
{
    return key.kind == QBID_SERIES_CAMPAIGN    ? qbid_account_campaign(account, key.id) != NULL
           : key.kind == QBID_SERIES_LINE_ITEM ? qbid_account_line_item(account, key.id) != NULL
           : key.kind == QBID_SERIES_CREATIVE  ? qbid_account_creative(account, key.id) != NULL
                                               : false;
}

static int series_find(void *context, struct qbid_series_key key, const struct qbid_stats *all)
{
    struct finding *f = context;
    if (key.kind != f->kind || (f->id >= 0 && key.id != (uint64_t)f->id) ||
        (f->of && !item_seen(f->of, key)))
        return 0;
    if (f->cnt == f->max) {
        uint32_t max = f->max ? f->max * 2 : 256;
        struct found *more = realloc(f->found, max * sizeof *more);
        if (!more)
            return QBID_ERR_NOMEM;
        f->found = more;
        f->max = max;
    }
    f->found[f->cnt++] = (struct found){key, all->bids};
    return 0;
}

/* Most bids first; then by key, so that equal ones keep their places. */
static int found_compare(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->bids != y->bids)
        return x->bids > y->bids ? -1 : 1;
    if (x->key.id != y->key.id)
        return x->key.id < y->key.id ? -1 : 1;
    return x->key.context < y->key.context ? -1 : x->key.context > y->key.context;
}

static void context_add(const struct qbid_command *c, cJSON *to, uint64_t context)
{
    const struct qbid_dictionary *dictionary = qbid_engine_dictionary(c->engine);
    cJSON *values = cJSON_AddObjectToObject(to, "context");
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        uint32_t index = qbid_dim_unpack(context, dim);
        if (index)
            cJSON_AddStringToObject(values, qbid_dim_name(dim),
                                    qbid_dictionary_text(dictionary, dim, index));
    }
}

int qbid_command_snapshot(struct qbid_command *c)
{
    const struct qbid_snapshot *snapshot = qbid_engine_snapshot(c->engine);
    struct finding f = {.id = qbid_json_whole(c->request, "id"),
                        .of = c->principal.tenant != 0 ? c->account : NULL};
    int64_t max = qbid_json_whole(c->request, "max");
    enum qbid_window window;
    int err = kind_of(c, &f.kind);
    if (!err)
        err = window_of(c, &window);
    if (err)
        return err;
    if (max < 1 || max > LIST_MAX)
        max = max < 0 ? 100 : LIST_MAX;
    if (f.kind == QBID_SERIES_CONTEXT && c->principal.tenant != 0)
        return qbid_command_fail(c, QBID_ERR_DENIED, "contexts are for operators of the host");
    err = qbid_snapshot_visit(snapshot, series_find, &f);
    if (f.cnt)
        qsort(f.found, f.cnt, sizeof *f.found, found_compare);
    cJSON_AddNumberToObject(c->answer, "found", f.cnt);
    cJSON *list = cJSON_AddArrayToObject(c->answer, "series");
    for (uint32_t i = 0; i < f.cnt && i < max && !err; i++) {
        struct qbid_stats stats = qbid_snapshot_query(snapshot, f.found[i].key, window, c->now_ns);
        cJSON *to = qbid_json_row(list);
        cJSON_AddNumberToObject(to, "id", f.found[i].key.id);
        if (f.kind == QBID_SERIES_CONTEXT)
            context_add(c, to, f.found[i].key.context);
        qbid_command_stats(to, &stats);
    }
    free(f.found);
    return err;
}

static int point_add(void *context, const struct qbid_store_point *point)
{
    cJSON *list = context, *to = cJSON_CreateObject();
    cJSON_AddItemToArray(list, to);
    cJSON_AddNumberToObject(to, "unix_s", (double)point->unix_s);
    qbid_command_stats(to, &point->all);
    return 0;
}

int qbid_command_history(struct qbid_command *c)
{
    int64_t id = qbid_json_whole(c->request, "id");
    int64_t from = qbid_json_whole(c->request, "from_unix_s");
    struct qbid_series_key key = {.id = (uint32_t)id};
    int err = kind_of(c, &key.kind);
    if (err)
        return err;
    if (id < 1 || id > UINT32_MAX || key.kind == QBID_SERIES_CONTEXT)
        return qbid_command_fail(c, QBID_ERR_INVAL,
                                 "history is of a campaign, line_item or creative with an id");
    if (c->principal.tenant != 0 && !item_seen(c->account, key))
        return qbid_command_fail(c, QBID_ERR_NOENT, "there is no %s %u",
                                 qbid_json_text(c->request, "kind"), (unsigned)id);
    struct qbid_store *store = qbid_engine_store(c->engine);
    err = qbid_store_load_history(store, key, from < 0 ? 0 : from, point_add,
                                  cJSON_AddArrayToObject(c->answer, "points"));
    return qbid_command_fail_store(c, err);
}
