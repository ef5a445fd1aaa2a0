/* SPDX-License-Identifier: Apache-2.0 */
/* Random sequences of commands against the executor, with crashes at their writes. After each:
 *
 *   - all of the command is there, or nothing: a digest of every row is that of before, or that of
 * the same command run without a crash; what was acknowledged is there
 *   - the audit verifies
 *   - no recommendation was applied twice, none is applied without its execution
 *   - a rollback gives the account the bytes that it had
 *   - no execution but an operator's import changes what is held, and no rollback leaves a budget
 *     less than what was spent of it
 *   - a tenant's budgets add up to what the executions in force made them, to the nano: moves of
 * money and rollbacks of any kind leave the sum of a tenant as it is
 *
 *     executor_crashes SEQUENCES [SEED [FIRST]]   one line of JSON with what was done, or the first
 * fault executor_crashes                    a few, and the control: an executor that writes twice
 *
 * Of every 50th sequence each command dies at each of its writes in turn, of the others at one
 * drawn. Two in three crashes are kill -9, one is a power failure with durability strict.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/account/written/money.h"
#include "control/store/store_db.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "tests/control/executor/crash_vfs.h"
#include "tests/control/executor/rig.h"
#include "tests/control/models/rng.h"

#define COMMANDS 5 /* of a sequence */
#define IDS_MAX 64
#define EXECUTIONS_MAX 64
#define UNITS INT64_C(1000000000)
#define FAULT 3   /* exit code */
#define MANY 1000 /* sequences for a broken executor to be found in, which ends them */

enum command_kind {
    PROPOSE,
    GROUP,
    APPROVE,
    REJECT,
    APPLY,
    PLAN,
    ROLLBACK,
    ONLY,
    HOLD,
    IMPORT,
    MOVE,
    FALL,
    SPEND,
    KIND_CNT
};

struct command {
    enum command_kind kind;
    uint64_t a, b; /* what it draws its arguments from */
};

struct world {
    struct rig rig;
    struct rng random;
    uint64_t id[IDS_MAX];
    uint32_t id_cnt;
    uint64_t before[EXECUTIONS_MAX]; /* state of the account before an execution */
    uint64_t sequence;
    const char *doing;
};

static struct {
    uint64_t sequences, commands, applied, rollbacks, crashes, whole, nothing, power, writes;
} done;

static void fault(const struct world *w, const char *what)
{
    fprintf(stderr, "sequence %" PRIu64 ", %s: %s (%s)\n", w->sequence, w->doing, what,
            w->rig.refusal);
    exit(FAULT);
}

/* --- what must hold */

static uint64_t rows(struct world *w, const char *sql, uint64_t hash)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(w->rig.store->db, sql, -1, &s, NULL) != SQLITE_OK)
        fault(w, sqlite3_errmsg(w->rig.store->db));
    while (sqlite3_step(s) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            int bytes = sqlite3_column_bytes(s, i);
            hash = XXH3_64bits_withSeed(&bytes, sizeof bytes, hash);
            if (bytes > 0)
                hash = XXH3_64bits_withSeed(sqlite3_column_blob(s, i), (size_t)bytes, hash);
        }
    sqlite3_finalize(s);
    return hash;
}

/* Everything but what publishing adds later. */
static uint64_t digest(struct world *w)
{
    uint64_t hash = rig_state(&w->rig);
    hash = rows(w, "SELECT id, tenant, unix_ns, actor, why, kind, undone_by FROM executions", hash);
    hash = rows(w, "SELECT * FROM execution_changes", hash);
    hash = rows(w, "SELECT * FROM recommendations ORDER BY id", hash);
    hash = rows(w, "SELECT * FROM holds", hash);
    hash = rows(w, "SELECT * FROM guards", hash);
    hash = rows(w, "SELECT * FROM targets", hash);
    hash = rows(w, "SELECT * FROM optimization_insights", hash);
    return rows(w, "SELECT * FROM audit", hash);
}

/* Executions from `from` on that changed what is held; or that took from a budget what was spent.
 */
static void limits_check(struct world *w, int64_t from)
{
    char sql[700];
    snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM executions e JOIN execution_changes c ON c.execution = e.id JOIN "
        "holds h ON (h.item = c.item AND h.item_id = c.item_id) OR (h.item = 'campaign' AND "
        "h.item_id = CASE c.item WHEN 'line_item' THEN (SELECT campaign FROM line_items WHERE "
        "id = c.item_id) WHEN 'creative' THEN (SELECT l.campaign FROM creatives k JOIN "
        "line_items l ON l.id = k.line_item WHERE k.id = c.item_id) END) OR (h.item = "
        "'line_item' AND c.item = 'creative' AND h.item_id = (SELECT line_item FROM creatives "
        "WHERE id = c.item_id)) WHERE e.id >= %" PRId64 " AND e.kind <> 'change'",
        from);
    if (rig_number(&w->rig, sql) != 0)
        fault(w, "what is held was changed");
    snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM executions e JOIN execution_changes c ON c.execution = e.id WHERE "
        "e.id >= %" PRId64 " AND e.kind = 'rollback' AND c.item = 'campaign' AND c.field = "
        "'budget' AND c.after < c.before AND c.after < CASE c.item_id WHEN 1 THEN %" PRId64
        " WHEN 2 THEN %" PRId64 " WHEN 3 THEN %" PRId64 " ELSE %" PRId64 " END",
        from, w->rig.committed[1], w->rig.committed[2], w->rig.committed[3], w->rig.committed[4]);
    if (rig_number(&w->rig, sql) != 0)
        fault(w, "a rollback took what was spent");
}

static void invariants_check(struct world *w)
{
    uint64_t id;
    if (qbid_store_verify_audit(w->rig.store, NULL, &id) != 0)
        fault(w, "the audit does not verify");
    if (rig_number(&w->rig, "SELECT count(*) FROM (SELECT 1 FROM audit WHERE what LIKE "
                            "'recommendation % applied' GROUP BY what HAVING count(*) > 1)") != 0)
        fault(w, "a recommendation was applied twice");
    if (rig_number(&w->rig, "SELECT count(*) FROM recommendations WHERE (status IN ('applied', "
                            "'rolled_back')) != (execution IN (SELECT id FROM executions))") != 0)
        fault(w, "a recommendation and its execution do not agree");
    if (rig_number(&w->rig,
                   "SELECT count(*) FROM executions e WHERE NOT EXISTS(SELECT 1 FROM audit "
                   "a WHERE a.unix_ns = e.unix_ns)") != 0)
        fault(w, "an execution is not in the audit");
    if (rig_number(&w->rig, "SELECT count(*) FROM recommendations r JOIN executions e ON e.id = "
                            "r.execution WHERE (r.status = 'applied') != (e.undone_by = 0)") != 0)
        fault(w, "a recommendation is not what became of its execution");
    for (uint32_t tenant = 1; tenant <= RIG_TENANTS; tenant++)
        if (rig_budgets(&w->rig, tenant) != rig_budgets_due(&w->rig, tenant))
            fault(w, "the budgets of a tenant do not add up");
}

/* --- commands: the same draw does the same thing in the same world */

static struct qbid_proposal proposal_draw(const struct world *w, const struct command *c,
                                          uint32_t nth)
{
    static const char *const words[] = {"sat 1-2", "mon-fri 8-20", "sun 3-4"};
    uint32_t campaign = 1 + (uint32_t)(c->a + nth) % RIG_CAMPAIGNS;
    struct qbid_proposal p;
    char value[64];
    switch (c->b % 5) {
    case 0:
        snprintf(value, sizeof value, "%.2f", 0.5 + (double)(c->b / 5 % 300) / 100);
        p = rig_proposal(&w->rig, QBID_ITEM_LINE_ITEM, 10 * (1 + (uint32_t)c->a % 2), "ceiling",
                         value);
        break;
    case 1:
        p = rig_proposal(&w->rig, QBID_ITEM_CAMPAIGN, campaign, "hours", words[c->b / 5 % 3]);
        break;
    default:
        snprintf(value, sizeof value, "%.3f", 30 + (double)(c->b / 5 % 90000) / 1000);
        p = rig_proposal(&w->rig, QBID_ITEM_CAMPAIGN, campaign, "budget", value);
    }
    p.evidence_to_unix_s += (int64_t)(c->a / 16 % 4); /* newer or older than others */
    p.id = qbid_proposal_id(&p);
    return p;
}

static void id_keep(struct world *w, uint64_t id)
{
    for (uint32_t i = 0; i < w->id_cnt; i++)
        if (w->id[i] == id)
            return;
    if (w->id_cnt < IDS_MAX)
        w->id[w->id_cnt++] = id;
}

static int propose(struct world *w, const struct command *c, struct qbid_executor_call *call)
{
    struct qbid_proposal p = proposal_draw(w, c, 0);
    bool fresh;
    p.auto_execute = c->a & 8;
    p.impact.mean_nanos = p.impact.low_nanos = p.impact.high_nanos =
        (int64_t)(c->b % 17) * UNITS / 4;
    id_keep(w, p.id);
    return qbid_executor_propose(&w->rig.executor, call, &p, &fresh);
}

/* Two that stand or fall together: each is a transaction of its own. */
static int group(struct world *w, const struct command *c, struct qbid_executor_call *call)
{
    struct command half = {c->kind, c->a, c->b - c->b % 5 + 2};
    struct qbid_proposal p = proposal_draw(w, &half, (uint32_t)(w->id_cnt & 1));
    bool fresh;
    p.group = 1 + c->a % 3;
    p.auto_execute = true;
    id_keep(w, p.id);
    return qbid_executor_propose(&w->rig.executor, call, &p, &fresh);
}

static int effect_free(int err, struct qbid_executor_effect *effect)
{
    if (err == 0)
        qbid_executor_effect_done(effect);
    return err;
}

static uint64_t id_draw(const struct world *w, uint64_t a)
{
    return w->id_cnt ? w->id[a % w->id_cnt] : 1;
}

static int64_t last_execution(struct world *w)
{
    return rig_number(&w->rig, "SELECT max(id) FROM execution_rows");
}

static int import(struct world *w, const struct command *c)
{
    char text[160];
    snprintf(
        text, sizeof text,
        "{\"campaigns\": [{\"id\": %u, \"budget\": \"%u\", \"active\": %s, \"name\": \"n%u\"}]}",
        1 + (unsigned)(c->a % RIG_CAMPAIGNS), 40 + (unsigned)(c->b % 100),
        c->b % 7 ? "true" : "false", (unsigned)(c->b % 1000));
    return rig_import(&w->rig, text, "uid 3");
}

/* An operator moves money from one campaign of a tenant to another: the sum stays. */
static int move(struct world *w, const struct command *c)
{
    uint32_t id = 1 + 2 * (uint32_t)(c->a % 2);
    const struct qbid_campaign_def *from = qbid_account_campaign(&w->rig.account, id);
    const struct qbid_campaign_def *to = qbid_account_campaign(&w->rig.account, id + 1);
    int64_t before = from->budget_nanos + to->budget_nanos;
    int64_t amount = 1 + (int64_t)(c->b % (uint64_t)(before - 1)) - to->budget_nanos;
    char text[200], less[QBID_MONEY_TEXT_MAX], more[QBID_MONEY_TEXT_MAX];
    less[qbid_money_format(from->budget_nanos - amount, less)] = 0;
    more[qbid_money_format(to->budget_nanos + amount, more)] = 0;
    snprintf(
        text, sizeof text,
        "{\"campaigns\": [{\"id\": %u, \"budget\": \"%s\"}, {\"id\": %u, \"budget\": \"%s\"}]}", id,
        less, id + 1, more);
    int err = rig_import(&w->rig, text, "uid 4");
    if (qbid_account_campaign(&w->rig.account, id)->budget_nanos +
            qbid_account_campaign(&w->rig.account, id + 1)->budget_nanos !=
        before)
        fault(w, "a move of money changed the sum");
    return err;
}

/* A guarded metric falls, and the clock goes on. */
static int fall(struct world *w, const struct command *c, struct qbid_executor_call *call)
{
    uint32_t campaign = 1 + (uint32_t)(c->a % RIG_CAMPAIGNS);
    w->rig.all[campaign].imps += 60000;
    w->rig.all[campaign].clicks += c->b % 2 ? 60 : 600;
    int made = qbid_executor_tick(&w->rig.executor, call);
    return made < 0 ? made : 0;
}

/* More than half of some budgets is spent, and nothing of the others. */
static int spend(struct world *w, const struct command *c)
{
    for (uint32_t id = 1; id <= RIG_CAMPAIGNS; id++) {
        int64_t half = qbid_account_campaign(&w->rig.account, id)->budget_nanos / 2;
        bool some = (c->a >> id) % 3 == 0;
        w->rig.committed[id] = some ? half + (int64_t)((c->b >> id) % (uint64_t)(half + 1)) : 0;
    }
    return 0;
}

/* Half of the holds are on campaigns, of which half are lifted. */
static int hold(struct world *w, const struct command *c, const struct qbid_executor_call *call)
{
    static const struct {
        enum qbid_item_kind item;
        uint32_t id;
    } item[] = {{QBID_ITEM_CAMPAIGN, 1},   {QBID_ITEM_CAMPAIGN, 2},   {QBID_ITEM_CAMPAIGN, 3},
                {QBID_ITEM_CAMPAIGN, 4},   {QBID_ITEM_LINE_ITEM, 10}, {QBID_ITEM_LINE_ITEM, 11},
                {QBID_ITEM_LINE_ITEM, 20}, {QBID_ITEM_CREATIVE, 100}};
    size_t i = c->b / 16 % (sizeof item / sizeof *item);
    return qbid_executor_hold(&w->rig.executor, call, item[i].item, item[i].id, c->a & 4);
}

static int command_run(struct world *w, const struct command *c)
{
    static const char *const actors[] = {"uid 1", "uid 2", "budget"}; /* an agent */
    struct qbid_executor_effect effect;
    struct qbid_executor_call call = rig_call(&w->rig, actors[c->a % 3]);
    const struct qbid_executor *x = &w->rig.executor;
    uint64_t last = (uint64_t)last_execution(w), from = 2 + c->b % (last ? last : 1);
    call.dry_run = c->kind != PLAN && c->b % 16 == 0;
    switch (c->kind) {
    case PROPOSE:
        return propose(w, c, &call);
    case GROUP:
        return group(w, c, &call);
    case APPROVE:
    case REJECT:
        return qbid_executor_decide(x, &call, id_draw(w, c->b), c->kind == APPROVE);
    case APPLY:
        return effect_free(qbid_executor_apply(x, &call, id_draw(w, c->b), &effect), &effect);
    case PLAN:
        return effect_free(qbid_executor_plan(x, &call, &effect, NULL), &effect);
    case ROLLBACK:
        return effect_free(qbid_executor_rollback(x, &call, from, UINT32_MAX, &effect), &effect);
    case ONLY:
        return effect_free(qbid_executor_rollback(x, &call, from, from, &effect), &effect);
    case HOLD:
        return hold(w, c, &call);
    case IMPORT:
        return import(w, c);
    case MOVE:
        return move(w, c);
    case SPEND:
        return spend(w, c);
    default:
        return fall(w, c, &call);
    }
}

/* --- one command, with its crashes */

/* What a command changes outside the store, kept so that it can be run again. */
struct memory {
    struct qbid_stats all[RIG_CAMPAIGNS + 1];
    int64_t committed[RIG_CAMPAIGNS + 1];
    uint64_t unix_ns;
    uint32_t id_cnt;
};

static struct memory memory_of(const struct world *w)
{
    struct memory m = {.unix_ns = w->rig.unix_ns, .id_cnt = w->id_cnt};
    memcpy(m.all, w->rig.all, sizeof m.all);
    memcpy(m.committed, w->rig.committed, sizeof m.committed);
    return m;
}

static void memory_set(struct world *w, const struct memory *m)
{
    w->rig.unix_ns = m->unix_ns;
    w->id_cnt = m->id_cnt;
    memcpy(w->rig.all, m->all, sizeof m->all);
    memcpy(w->rig.committed, m->committed, sizeof m->committed);
}

static void reopen(struct world *w)
{
    if (rig_open(&w->rig, "crash.db", true) != 0)
        fault(w, "the store does not open");
}

/* Executions that came with the last command: what the account was before them. A tick may make
 * several, and then only the first one's is known (0 = not). */
static void history_note(struct world *w, int64_t from, uint64_t state)
{
    for (int64_t e = from + 1; e <= last_execution(w) && e < EXECUTIONS_MAX; e++)
        w->before[e] = e == from + 1 ? state : 0;
}

/* Back to the quiet moment before the command. */
static void undo(struct world *w, const struct memory *m)
{
    rig_close(&w->rig);
    crash_vfs_load(1);
    reopen(w);
    memory_set(w, m);
}

/* It died: what is there now, against before and against the same command without a crash. */
static void crashed_check(struct world *w, const struct command *c, const struct memory *m, int err,
                          uint64_t before)
{
    rig_close(&w->rig);
    crash_vfs_restart();
    reopen(w);
    uint64_t after = digest(w);
    invariants_check(w);
    done.nothing += after == before;
    done.whole += after != before;
    if (after == before && err != 0) {
        memory_set(w, m); /* as if it had never been asked: goes on with the recovered files */
        return;
    }
    uint64_t resumed = after;
    if (c->kind ==
        FALL) { /* a transaction for each guarded execution: the next tick does the rest */
        memory_set(w, m);
        command_run(w, c);
        resumed = digest(w);
    }
    undo(w, m);
    command_run(w, c);
    uint64_t whole = digest(w);
    if (after != whole && (err == 0 || resumed != whole))
        fault(w, err == 0 ? "what was acknowledged is not there" : "half of a command is there");
    undo(w, m);
}

/* Die at write n of the command; false when it ended before, and is done. */
static bool crash_at(struct world *w, const struct command *c, uint64_t n, int *err)
{
    struct memory m = memory_of(w);
    uint64_t before = digest(w);
    bool power = rng_below(&w->random, 3) == 0;
    crash_vfs_arm(n, power ? CRASH_POWER : CRASH_PROCESS, w->sequence * 1000 + n);
    *err = command_run(w, c);
    bool died = crash_vfs_dead();
    if (!died) {
        crash_vfs_arm(0, CRASH_PROCESS, 0);
        return false;
    }
    done.crashes++;
    done.power += power;
    crashed_check(w, c, &m, *err, before);
    return true;
}

/* A quiet moment: everything in the files, and kept. */
static void settle(struct world *w)
{
    sqlite3_wal_checkpoint_v2(w->rig.store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    crash_vfs_save(1);
}

static int command_prove(struct world *w, const struct command *c, bool every)
{
    uint64_t n = every ? 1 : 1 + rng_below(&w->random, 16);
    int err = 0;
    bool dies = every || rng_below(&w->random, 2) == 0;
    if (dies)
        settle(w);
    while (dies) {
        if (!crash_at(w, c, n++, &err))
            return err;
        dies = every;
    }
    return command_run(w, c);
}

static void command_check(struct world *w, const struct command *c, bool every)
{
    int64_t last = last_execution(w);
    uint64_t state = rig_state(&w->rig), from = 2 + c->b % (uint64_t)(last ? last : 1);
    int err = command_prove(w, c, every);
    bool dry = c->b % 16 == 0 && c->kind != PLAN && c->kind != FALL && c->kind != IMPORT &&
               c->kind != MOVE && c->kind != SPEND;
    invariants_check(w);
    if (last_execution(w) > last)
        limits_check(w, last + 1);
    done.commands++;
    if (dry && rig_state(&w->rig) != state)
        fault(w, "a dry run changed the account");
    if (c->kind == ROLLBACK && !dry && err == 0 && from < EXECUTIONS_MAX && w->before[from]) {
        done.rollbacks++;
        if (rig_state(&w->rig) != w->before[from])
            fault(w, "a rollback did not restore the bytes");
    }
    done.applied += last_execution(w) > last;
    history_note(w, last, state);
}

static void world_init(struct world *w, uint64_t sequence, uint64_t seed)
{
    w->sequence = sequence;
    w->doing = "start";
    w->random = rng_init(seed * 1000003 + sequence);
    w->rig.executor.limits = (struct qbid_executor_limits){.four_eyes_nanos = 20 * UNITS,
                                                           .item_change = 2,
                                                           .day_change = 5,
                                                           .risk = 0.5,
                                                           .automatic = sequence % 2,
                                                           .expire_ns = UINT64_C(3600000000000),
                                                           .guard_error = 0.05,
                                                           .guard_fall = 0.1,
                                                           .guard_ns = UINT64_C(86400000000000)};
    for (int i = 1; i <= RIG_CAMPAIGNS; i++)
        w->rig.day[i] = w->rig.all[i] =
            (struct qbid_stats){.imps = 90000, .clicks = 900, .convs = 9};
}

static const char *const kind_name[KIND_CNT] = {
    "propose", "group", "approve", "reject", "apply", "plan", "rollback",
    "only",    "hold",  "import",  "move",   "fall",  "spend"};

/* The world that every sequence starts from: with a history, and with something to decide on. */
static struct world start;

/* Recommendations that move money, watched, one after the other over the same campaigns. */
static void moves_apply(struct world *w)
{
    static const struct {
        uint32_t campaign;
        const char *budget;
    } halves[] = {{1, "91.000000007"}, {2, "58.999999994"}, {1, "103.5"}, {2, "46.500000001"}};
    for (int i = 0; i < 4; i++) {
        struct qbid_proposal p = rig_proposal(&w->rig, QBID_ITEM_CAMPAIGN, halves[i].campaign,
                                              "budget", halves[i].budget);
        struct qbid_executor_call call = rig_call(&w->rig, "agent");
        struct qbid_executor_effect effect;
        bool fresh;
        p.group = 90 + (uint64_t)i / 2;
        if (qbid_executor_propose(&w->rig.executor, &call, &p, &fresh) != 0)
            fault(w, "a move was not taken in");
        id_keep(w, p.id);
        call = rig_call(&w->rig, "uid 2");
        if (i % 2 && (qbid_executor_decide(&w->rig.executor, &call, p.id, true) != 0 ||
                      effect_free(qbid_executor_apply(&w->rig.executor, &call, p.id, &effect),
                                  &effect) != 0))
            fault(w, "a move was not applied");
    }
}

static int start_make(bool broken)
{
    static const enum command_kind kinds[] = {PROPOSE, PROPOSE, APPLY,   IMPORT,  PROPOSE,
                                              PROPOSE, APPROVE, PROPOSE, PROPOSE, PROPOSE};
    struct world *w = &start;
    memset(w, 0, sizeof *w);
    world_init(w, 1, 1);
    if (rig_open(&w->rig, "crash.db", true) != 0 || rig_import(&w->rig, rig_document, "uid 1") != 0)
        return -1;
    moves_apply(w);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int64_t last = last_execution(w);
        uint64_t state = rig_state(&w->rig);
        struct command c = {kinds[i], 17 * i + 1, 331 * i + 7};
        command_run(w, &c);
        history_note(w, last, state);
    }
    sqlite3_wal_checkpoint_v2(w->rig.store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    crash_vfs_save(0);
    rig_close(&w->rig);
    w->rig.account = (struct qbid_account){0};
    w->rig.broken = broken;
    return 0;
}

static void sequence_run(uint64_t sequence, uint64_t seed)
{
    /* what makes a history comes oftener */
    static const enum command_kind kinds[] = {
        PROPOSE, PROPOSE, PROPOSE, GROUP, GROUP,    APPROVE,  APPROVE, APPLY, APPLY,
        APPLY,   APPLY,   PLAN,    PLAN,  ROLLBACK, ROLLBACK, ONLY,    HOLD,  IMPORT,
        FALL,    REJECT,  MOVE,    MOVE,  ONLY,     ONLY,     FALL,    SPEND, HOLD};
    struct world w = start;
    world_init(&w, sequence, seed);
    crash_vfs_load(0);
    reopen(&w);
    spend(&w, &(struct command){SPEND, rng_next(&w.random), rng_next(&w.random)});
    for (int i = 0; i < COMMANDS; i++) {
        struct command c = {kinds[rng_below(&w.random, sizeof kinds / sizeof kinds[0])],
                            rng_next(&w.random), rng_next(&w.random)};
        w.doing = kind_name[c.kind];
        command_check(&w, &c, sequence % 50 == 0);
    }
    rig_close(&w.rig);
    done.sequences++;
}

static int sequences_run(uint64_t from, uint64_t sequences, uint64_t seed, bool broken)
{
    crash_vfs_install();
    if (start_make(broken) != 0)
        return 1;
    for (uint64_t i = from; i < sequences; i++)
        sequence_run(i, seed);
    return 0;
}

/* --- as a test: a few, and the control that must be found */

#ifdef __SANITIZE_ADDRESS__
#define FEW 30
#else
#define FEW 100
#endif

static void random_commands_with_crashes_keep_every_promise(void **state)
{
    (void)state;
    assert_int_equal(sequences_run(0, FEW, 1, false), 0);
    assert_true(done.crashes > FEW && done.whole > 0 && done.nothing > 0 && done.rollbacks > 0);
}

static void an_executor_that_writes_twice_is_found(void **state)
{
    int status;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        _exit(sequences_run(0, MANY, 1, true) == 0 ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == FAULT);
}

/* Every command in turn on a full disk: refused, with nothing changed, and reading goes on. */
static void on_a_full_disk_no_change_is_accepted(void **state)
{
    struct world w = start;
    unsigned refused = 0;
    (void)state;
    world_init(&w, 1, 7);
    crash_vfs_load(0);
    reopen(&w);
    for (int i = 0; i < 20 * KIND_CNT; i++) {
        struct command c = {(enum command_kind)(i % KIND_CNT), rng_next(&w.random),
                            rng_next(&w.random)};
        w.doing = kind_name[c.kind];
        uint64_t before = digest(&w), budget = (uint64_t)w.rig.account.campaigns[0].budget_nanos;
        struct memory m = memory_of(&w);
        crash_vfs_fill(true);
        int err = command_run(&w, &c);
        if (digest(&w) != before || (uint64_t)w.rig.account.campaigns[0].budget_nanos != budget)
            fault(&w, "a full disk took a change");
        refused += err == QBID_ERR_STORE;
        crash_vfs_fill(false);
        invariants_check(&w);
        memory_set(&w, &m);
        err = command_run(&w, &c); /* with room again it goes its way */
        if (err == QBID_ERR_STORE)
            fault(&w, "the store did not come back");
    }
    rig_close(&w.rig);
    assert_true(refused > 50);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_commands_with_crashes_keep_every_promise),
        cmocka_unit_test(on_a_full_disk_no_change_is_accepted),
        cmocka_unit_test(an_executor_that_writes_twice_is_found),
    };
    if (argc == 1)
        return cmocka_run_group_tests(tests, NULL, NULL);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t from = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (sequences_run(from, strtoull(argv[1], NULL, 10), seed, false) != 0)
        return 1;
    printf("{\"sequences\": %" PRIu64 ", \"commands\": %" PRIu64 ", \"executions\": %" PRIu64
           ", \"rollbacks\": %" PRIu64 ", \"crashes\": %" PRIu64 ", \"power\": %" PRIu64
           ", \"nothing\": %" PRIu64 ", \"whole\": %" PRIu64 ", \"writes\": %" PRIu64 "}\n",
           done.sequences, done.commands, done.applied, done.rollbacks, done.crashes, done.power,
           done.nothing, done.whole, crash_vfs_writes());
    return 0;
}
