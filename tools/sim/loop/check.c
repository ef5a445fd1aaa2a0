/* SPDX-License-Identifier: Apache-2.0 */
/* Books of a run, and the replay of its history. */
#include "tools/sim/loop/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store/store_executions.h"
#include "control/store/store_proposals.h"
#include "shm/error.h"
#include "shm/units.h"

#define DAY_NS (UINT64_C(86400) * QBID_NS_PER_S)
#define SLACK (1 + 1e-9) /* of a limit given as a share */
#define EXECUTIONS_MAX (1 << 20)

bool qbid_loop_check_holds(const struct qbid_loop_check *c)
{
    return !(c->sums || c->overspent || c->books || c->chain || c->unreasoned || c->history ||
             c->limits || c->held);
}

/* An audit record of a changed campaign or an applied recommendation, and whether a change of the
 * history has claimed it. */
struct record {
    uint64_t unix_ns;
    uint64_t id; /* campaign, or recommendation */
    bool applied, reason, claimed;
};

struct execution {
    uint64_t id, unix_ns;
    bool recommended, rollback, reason;
    int64_t moved_nanos;
};

struct recommendation {
    uint64_t id, execution;
    uint32_t campaign;
};

struct qbid_loop_checker {
    const struct qbid_loop_world *world;
    struct qbid_loop_check check;
    int64_t total_nanos;
    int64_t spent[QBID_LOOP_LINE_ITEMS_MAX];   /* today */
    int64_t highest[QBID_LOOP_LINE_ITEMS_MAX]; /* budget of today */
    uint32_t held_item;                        /* the one that was held, and when */
    uint64_t held_from_ns, held_until_ns;
    /* of the store */
    struct record *record;
    uint32_t record_cnt, record_max;
    struct execution *execution; /* by id */
    uint32_t execution_cnt, execution_max;
    struct recommendation *recommendation;
    uint32_t recommendation_cnt, recommendation_max;
    int64_t budget[QBID_LOOP_LINE_ITEMS_MAX]; /* in the replay */
    const struct execution *now;
    double item_change;
};

int qbid_loop_checker_new(const struct qbid_loop_world *world,
                          struct qbid_loop_checker **ret_checker)
{
    struct qbid_loop_checker *c = calloc(1, sizeof *c);
    if (!c)
        return QBID_ERR_NOMEM;
    c->world = world;
    c->total_nanos = world->budget_micros * 1000;
    for (uint32_t i = 0; i < world->params.line_items; i++)
        c->highest[i] = c->total_nanos / world->params.line_items;
    c->held_until_ns = UINT64_MAX;
    c->held_from_ns = UINT64_MAX;
    *ret_checker = c;
    return 0;
}

void qbid_loop_checker_free(struct qbid_loop_checker *checker)
{
    if (!checker)
        return;
    free(checker->record);
    free(checker->execution);
    free(checker->recommendation);
    free(checker);
}

void qbid_loop_checker_spent(struct qbid_loop_checker *checker, uint32_t line_item, int64_t nanos)
{
    checker->spent[line_item] += nanos;
}

void qbid_loop_checker_hour(struct qbid_loop_checker *checker, const struct qbid_loop_host *host)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < checker->world->params.line_items; i++) {
        int64_t budget = qbid_loop_host_budget_nanos(host, i);
        sum += budget;
        if (budget > checker->highest[i])
            checker->highest[i] = budget;
    }
    checker->check.sums += sum != checker->total_nanos;
}

void qbid_loop_checker_day(struct qbid_loop_checker *checker, const struct qbid_loop_host *host)
{
    struct qbid_loop_check *check = &checker->check;
    int64_t sum = 0, over = 0;
    for (uint32_t i = 0; i < checker->world->params.line_items; i++) {
        int64_t above = checker->spent[i] - checker->highest[i];
        over = above > over ? above : over;
        sum += checker->spent[i];
        checker->spent[i] = 0;
        checker->highest[i] = qbid_loop_host_budget_nanos(host, i);
    }
    over = sum - checker->total_nanos > over ? sum - checker->total_nanos : over;
    check->overspent += over > 0;
    check->over_nanos = over > check->over_nanos ? over : check->over_nanos;
}

void qbid_loop_checker_hold(struct qbid_loop_checker *checker, uint32_t line_item, bool on,
                            uint64_t unix_ns)
{
    checker->held_item = line_item;
    if (on)
        checker->held_from_ns = unix_ns;
    else
        checker->held_until_ns = unix_ns;
}

/* --- what the store holds */

/* Room for one more in an array; NULL without memory. */
static void *grown(void *array, uint32_t cnt, uint32_t *max, size_t bytes)
{
    if (cnt < *max)
        return array;
    uint32_t more = *max ? 2 * *max : 256;
    void *larger = realloc(array, more * bytes);
    *max = larger ? more : *max;
    return larger;
}

static int record_take(void *context, const struct qbid_store_record *r)
{
    struct qbid_loop_checker *c = context;
    unsigned long long id;
    char word[16] = "";
    bool applied = sscanf(r->what, "recommendation %llx %15s", &id, word) == 2;
    c->check.audit++;
    if (applied
            ? strcmp(word, "applied") != 0
            : sscanf(r->what, "campaign %llu %15s", &id, word) != 2 || strcmp(word, "changed") != 0)
        return 0;
    void *more = grown(c->record, c->record_cnt, &c->record_max, sizeof *c->record);
    if (!more)
        return QBID_ERR_NOMEM;
    c->record = more;
    c->record[c->record_cnt++] = (struct record){
        .unix_ns = r->unix_ns, .id = id, .applied = applied, .reason = r->why[0] != 0};
    return 0;
}

static int execution_take(void *context, const struct qbid_store_execution *e)
{
    struct qbid_loop_checker *c = context;
    void *more = grown(c->execution, c->execution_cnt, &c->execution_max, sizeof *c->execution);
    if (!more)
        return QBID_ERR_NOMEM;
    c->execution = more;
    c->execution[c->execution_cnt++] =
        (struct execution){.id = e->id,
                           .unix_ns = e->unix_ns,
                           .recommended = strcmp(e->kind, "recommendation") == 0,
                           .rollback = strcmp(e->kind, "rollback") == 0,
                           .reason = e->why[0] != 0};
    return 0;
}

static int recommendation_take(void *context, const struct qbid_recommendation *r)
{
    struct qbid_loop_checker *c = context;
    c->check.recommended++;
    c->check.pending += r->status == QBID_RECOMMENDATION_PENDING;
    c->check.superseded += r->status == QBID_RECOMMENDATION_SUPERSEDED;
    c->check.expired += r->status == QBID_RECOMMENDATION_EXPIRED;
    if (r->execution == 0)
        return 0;
    c->check.applied++;
    c->check.moved_nanos += r->money_nanos;
    void *more = grown(c->recommendation, c->recommendation_cnt, &c->recommendation_max,
                       sizeof *c->recommendation);
    if (!more)
        return QBID_ERR_NOMEM;
    c->recommendation = more;
    c->recommendation[c->recommendation_cnt++] =
        (struct recommendation){r->proposal.id, r->execution, r->campaign};
    return 0;
}

/* --- the replay */

/* Claim a record with a reason of this moment; false: there is none left. */
static bool record_claim(struct qbid_loop_checker *c, uint64_t unix_ns, uint64_t id, bool applied)
{
    for (uint32_t i = 0; i < c->record_cnt; i++) {
        struct record *r = &c->record[i];
        if (r->unix_ns != unix_ns || r->id != id || r->applied != applied || r->claimed)
            continue;
        r->claimed = true;
        return r->reason;
    }
    return false;
}

/* The recommendation of an execution that changed this campaign; 0 = none. */
static uint64_t recommendation_of(const struct qbid_loop_checker *c, uint64_t execution,
                                  uint32_t campaign)
{
    for (uint32_t i = 0; i < c->recommendation_cnt; i++)
        if (c->recommendation[i].execution == execution &&
            c->recommendation[i].campaign == campaign)
            return c->recommendation[i].id;
    return 0;
}

static int change_take(void *context, const struct qbid_store_execution_change *change)
{
    struct qbid_loop_checker *c = context;
    const struct execution *e = c->now;
    if (strcmp(change->item, "campaign") != 0 || !change->field[0])
        return 0; /* the import */
    uint32_t i = change->item_id - 1;
    int64_t before = strtoll(change->before, NULL, 10), after = strtoll(change->after, NULL, 10);
    if (strcmp(change->field, "budget") != 0 || i >= c->world->params.line_items ||
        before != c->budget[i]) {
        c->check.history++;
        return 0;
    }
    int64_t moved = after > before ? after - before : before - after;
    c->budget[i] = after;
    c->check.changes++;
    c->check.unreasoned += !record_claim(c, e->unix_ns, change->item_id, false) || !e->reason;
    if (!e->recommended)
        return 0;
    uint64_t id = recommendation_of(c, e->id, change->item_id);
    c->check.unreasoned += id == 0 || !record_claim(c, e->unix_ns, id, true);
    c->check.limits +=
        c->item_change > 0 && (double)moved > c->item_change * (double)before * SLACK;
    c->check.held +=
        i == c->held_item && e->unix_ns >= c->held_from_ns && e->unix_ns < c->held_until_ns;
    c->execution[e - c->execution].moved_nanos += moved;
    return 0;
}

/* Money that recommendations moved in any 24 hours. */
static void day_limit_check(struct qbid_loop_checker *c, double day_change)
{
    int64_t window = 0;
    uint32_t first = 0;
    for (uint32_t i = 0; i < c->execution_cnt; i++) {
        window += c->execution[i].moved_nanos;
        for (; c->execution[first].unix_ns + DAY_NS <= c->execution[i].unix_ns; first++)
            window -= c->execution[first].moved_nanos;
        c->check.limits +=
            day_change > 0 && (double)window > day_change * (double)c->total_nanos * SLACK;
    }
}

static int by_id(const void *a, const void *b)
{
    const struct execution *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int replay(struct qbid_loop_checker *c, struct qbid_store *store)
{
    int err = 0;
    if (c->execution_cnt)
        qsort(c->execution, c->execution_cnt, sizeof *c->execution, by_id);
    for (uint32_t i = 0; i < c->world->params.line_items; i++)
        c->budget[i] = c->total_nanos / c->world->params.line_items;
    for (uint32_t k = 0; k < c->execution_cnt && !err; k++) {
        const struct execution *e = c->now = &c->execution[k];
        int64_t sum = 0;
        err = qbid_store_load_execution_changes(store, e->id, change_take, c);
        for (uint32_t i = 0; i < c->world->params.line_items; i++)
            sum += c->budget[i];
        c->check.sums += sum != c->total_nanos;
        c->check.executions += e->recommended;
        c->check.rollbacks += e->rollback;
        c->check.by_hand += !e->recommended && !e->rollback;
    }
    for (uint32_t i = 0; i < c->record_cnt; i++)
        c->check.unreasoned += !c->record[i].claimed;
    return err;
}

int qbid_loop_checker_end(struct qbid_loop_checker *c, struct qbid_loop_host *host,
                          struct qbid_loop_check *ret_check, char why[QBID_LOOP_WHY_MAX])
{
    struct qbid_engine *engine = qbid_loop_host_engine(host);
    struct qbid_store *store = qbid_engine_store(engine);
    const struct qbid_config *config = qbid_loop_host_config(host);
    struct qbid_recommendation_filter all = {.status = -1, .max = UINT32_MAX};
    uint64_t id;
    c->item_change = config->execution.item_change;
    c->check.chain = qbid_store_verify_audit(store, NULL, &id) != 0;
    c->check.books = qbid_engine_counters_load(engine).invariant_broken;
    int err = qbid_store_load_audit(store, UINT32_MAX, record_take, c);
    if (!err)
        err = qbid_store_load_executions(store, 0, EXECUTIONS_MAX, execution_take, c);
    if (!err)
        err = qbid_store_load_recommendations(store, &all, recommendation_take, c);
    if (!err)
        err = replay(c, store);
    if (err) {
        snprintf(why, QBID_LOOP_WHY_MAX, "store: %s", qbid_store_why(store));
        return err;
    }
    day_limit_check(c, config->execution.day_change);
    for (uint32_t i = 0; i < c->world->params.line_items; i++)
        c->check.history += c->budget[i] != qbid_loop_host_budget_nanos(host, i);
    *ret_check = c->check;
    return 0;
}
