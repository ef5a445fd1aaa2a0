/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, as steps from nothing to the present; a step that was released never changes. */
#include "control/store/store_db.h"

#define STATS                                                                                      \
    "bids INTEGER NOT NULL, wins INTEGER NOT NULL, losses INTEGER NOT NULL, "                      \
    "bills INTEGER NOT NULL, imps INTEGER NOT NULL, clicks INTEGER NOT NULL, "                     \
    "convs INTEGER NOT NULL, spend_nanos INTEGER NOT NULL, bid_nanos INTEGER NOT NULL, "           \
    "value_nanos INTEGER NOT NULL"

static const char first_account[] =
    "CREATE TABLE kv(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE campaigns(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
    " budget_idx INTEGER NOT NULL UNIQUE, name TEXT NOT NULL, budget_nanos INTEGER NOT NULL,"
    " period TEXT NOT NULL, start_unix_s INTEGER NOT NULL, end_unix_s INTEGER NOT NULL,"
    " goal TEXT NOT NULL, target_micros INTEGER NOT NULL, pacing TEXT NOT NULL,"
    " active INTEGER NOT NULL);"

    "CREATE TABLE line_items(id INTEGER PRIMARY KEY,"
    " campaign INTEGER NOT NULL REFERENCES campaigns(id), idx INTEGER NOT NULL UNIQUE,"
    " name TEXT NOT NULL, floor_micros INTEGER NOT NULL, ceiling_micros INTEGER NOT NULL,"
    " order_value_micros INTEGER NOT NULL, deal TEXT NOT NULL, adomain TEXT NOT NULL,"
    " categories TEXT NOT NULL, prior_ctr REAL NOT NULL, prior_cvr REAL NOT NULL,"
    " active INTEGER NOT NULL);"

    "CREATE TABLE line_item_values(line_item INTEGER NOT NULL REFERENCES line_items(id),"
    " dim TEXT NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY(line_item, dim, position)) WITHOUT ROWID;"

    "CREATE TABLE creatives(id INTEGER PRIMARY KEY,"
    " line_item INTEGER NOT NULL REFERENCES line_items(id), name TEXT NOT NULL,"
    " format TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
    " secure INTEGER NOT NULL, markup TEXT NOT NULL, landing TEXT NOT NULL, crid TEXT NOT NULL,"
    " active INTEGER NOT NULL);"

    "CREATE TABLE targets(id INTEGER PRIMARY KEY, unix_ns INTEGER NOT NULL,"
    " campaign INTEGER NOT NULL REFERENCES campaigns(id), goal TEXT NOT NULL,"
    " target_micros INTEGER NOT NULL, budget_nanos INTEGER NOT NULL, period TEXT NOT NULL,"
    " pacing TEXT NOT NULL, active INTEGER NOT NULL, actor TEXT NOT NULL);"
    "CREATE INDEX targets_by_campaign ON targets(campaign, id);";

static const char first_state[] =
    "CREATE TABLE dictionary(dim TEXT NOT NULL, idx INTEGER NOT NULL, hash INTEGER NOT NULL,"
    " text TEXT NOT NULL, PRIMARY KEY(dim, idx)) WITHOUT ROWID;"

    "CREATE TABLE ledger(budget_idx INTEGER PRIMARY KEY, spent_nanos INTEGER NOT NULL DEFAULT 0,"
    " exposure_nanos INTEGER NOT NULL DEFAULT 0, day INTEGER NOT NULL DEFAULT -1,"
    " day_spent_nanos INTEGER NOT NULL DEFAULT 0);"

    "CREATE TABLE settled(nonce INTEGER PRIMARY KEY, unix_s INTEGER NOT NULL);"
    "CREATE INDEX settled_by_time ON settled(unix_s);"

    "CREATE TABLE totals(kind INTEGER NOT NULL, id INTEGER NOT NULL, context INTEGER NOT NULL,"
    " unix_s INTEGER NOT NULL, " STATS ", PRIMARY KEY(kind, id, context));"
    "CREATE INDEX totals_by_time ON totals(kind, unix_s);"

    "CREATE TABLE snapshots(window INTEGER NOT NULL, kind INTEGER NOT NULL, id INTEGER NOT NULL,"
    " context INTEGER NOT NULL, unix_s INTEGER NOT NULL, " STATS
    ", PRIMARY KEY(window, kind, id, context, unix_s));"
    "CREATE INDEX snapshots_by_time ON snapshots(unix_s);"

    "CREATE TABLE generations(gen INTEGER PRIMARY KEY, built_unix_ns INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, reason TEXT NOT NULL,"
    " file TEXT NOT NULL, held INTEGER NOT NULL);"
    "CREATE INDEX generations_held ON generations(gen) WHERE held = 1;"

    "CREATE TABLE learner(kind INTEGER NOT NULL, key INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(kind, key)) WITHOUT ROWID;"

    "CREATE TABLE audit(id INTEGER PRIMARY KEY, unix_ns INTEGER NOT NULL, actor TEXT NOT NULL,"
    " what TEXT NOT NULL, why TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,"
    " prev_hash BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE TABLE audit_head(one INTEGER PRIMARY KEY CHECK(one = 1), id INTEGER NOT NULL,"
    " hash BLOB NOT NULL);"
    "CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;"
    "CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;";

static const char line_item_frequency[] =
    "ALTER TABLE line_items ADD COLUMN frequency TEXT NOT NULL DEFAULT '';";

static const char traits[] = "ALTER TABLE line_items ADD COLUMN cattax INTEGER NOT NULL DEFAULT 1;"
                             "ALTER TABLE creatives ADD COLUMN attr TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN api TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN mimes TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN protocols TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN duration TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN bitrate TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN linearity TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN delivery TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN language TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN bundle TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN btype TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN expdir TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN not_for TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN title TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN icon TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN image TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE creatives ADD COLUMN data TEXT NOT NULL DEFAULT '';";

static const char strategies[] =
    "ALTER TABLE campaigns ADD COLUMN cap_cpc_micros INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE campaigns ADD COLUMN cap_cpa_micros INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE campaigns ADD COLUMN min_roas_micros INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE campaigns ADD COLUMN spend_floor_nanos INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE campaigns ADD COLUMN max_change REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE campaigns ADD COLUMN hours TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE campaigns ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';";

static const char line_item_budgets[] =
    "ALTER TABLE line_items ADD COLUMN budget_nanos INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE line_items ADD COLUMN daily_budget_nanos INTEGER NOT NULL DEFAULT 0;";

static const char overrides[] =
    "ALTER TABLE campaigns ADD COLUMN override TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE line_items ADD COLUMN override TEXT NOT NULL DEFAULT '';";

static const char velocities[] =
    "ALTER TABLE campaigns ADD COLUMN velocity TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE velocity(budget_idx INTEGER NOT NULL, unix_s INTEGER NOT NULL,"
    " spent_nanos INTEGER NOT NULL, PRIMARY KEY(budget_idx, unix_s)) WITHOUT ROWID;";

/* Rows of a tenant are read through a view and written past a trigger: both ask tenant_in_scope(),
 * the one place that says whose rows the connection may touch. */
#define SCOPED(name)                                                                               \
    "CREATE VIEW " name "s AS SELECT * FROM " name "_rows WHERE tenant_in_scope(tenant);"          \
    "CREATE TRIGGER " name "_new BEFORE INSERT ON " name "_rows"                                   \
    " WHEN NOT tenant_in_scope(NEW.tenant)"                                                        \
    " BEGIN SELECT RAISE(ABORT, 'the row is of another tenant'); END;"                             \
    "CREATE TRIGGER " name "_edit BEFORE UPDATE ON " name "_rows"                                  \
    " WHEN NOT (tenant_in_scope(OLD.tenant) AND tenant_in_scope(NEW.tenant))"                      \
    " BEGIN SELECT RAISE(ABORT, 'the row is of another tenant'); END;"                             \
    "CREATE TRIGGER " name "_drop BEFORE DELETE ON " name "_rows"                                  \
    " WHEN NOT tenant_in_scope(OLD.tenant)"                                                        \
    " BEGIN SELECT RAISE(ABORT, 'the row is of another tenant'); END;"

static const char executions[] =
    "ALTER TABLE audit ADD COLUMN tenant INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE execution_rows(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
    " unix_ns INTEGER NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL, kind TEXT NOT NULL,"
    " undone_by INTEGER NOT NULL DEFAULT 0, gen INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX executions_unpublished ON execution_rows(gen) WHERE gen = 0;" SCOPED("execution");

/* field '' = the item is new; before and after keep the type that the account's column has */
static const char execution_changes[] =
    "CREATE TABLE execution_change_rows(execution INTEGER NOT NULL REFERENCES execution_rows(id),"
    " position INTEGER NOT NULL, tenant INTEGER NOT NULL, item TEXT NOT NULL,"
    " item_id INTEGER NOT NULL, field TEXT NOT NULL, before, after,"
    " PRIMARY KEY(execution, position)) WITHOUT ROWID;" SCOPED("execution_change");

static const char recommendations[] =
    "CREATE TABLE recommendation_rows(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
    " unix_ns INTEGER NOT NULL, proposer TEXT NOT NULL, type TEXT NOT NULL, agent TEXT NOT NULL,"
    " item TEXT NOT NULL, item_id INTEGER NOT NULL, campaign INTEGER NOT NULL,"
    " field TEXT NOT NULL, current TEXT NOT NULL, recommended TEXT NOT NULL,"
    " budget_nanos INTEGER NOT NULL, bundle INTEGER NOT NULL, mean_nanos INTEGER NOT NULL,"
    " low_nanos INTEGER NOT NULL, high_nanos INTEGER NOT NULL, loss_nanos INTEGER NOT NULL,"
    " confidence REAL NOT NULL, risk REAL NOT NULL, priority REAL NOT NULL, reason TEXT NOT NULL,"
    " from_unix_s INTEGER NOT NULL, to_unix_s INTEGER NOT NULL, auto INTEGER NOT NULL,"
    " money_nanos INTEGER NOT NULL, status TEXT NOT NULL, decider TEXT NOT NULL DEFAULT '',"
    " decided_unix_ns INTEGER NOT NULL DEFAULT 0, execution INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX recommendations_by_status ON recommendation_rows(status, id);"
    "CREATE INDEX recommendations_by_execution ON recommendation_rows(execution)"
    " WHERE execution > 0;" SCOPED("recommendation");

static const char holds[] =
    "CREATE TABLE hold_rows(item TEXT NOT NULL, item_id INTEGER NOT NULL, tenant INTEGER NOT NULL,"
    " unix_ns INTEGER NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL,"
    " PRIMARY KEY(item, item_id)) WITHOUT ROWID;" SCOPED("hold");

static const char guards[] =
    "CREATE TABLE guard_rows(execution INTEGER NOT NULL REFERENCES execution_rows(id),"
    " tenant INTEGER NOT NULL, campaign INTEGER NOT NULL, unix_ns INTEGER NOT NULL,"
    " metric TEXT NOT NULL, base_trials INTEGER NOT NULL, base_successes INTEGER NOT NULL,"
    " trials INTEGER NOT NULL, successes INTEGER NOT NULL,"
    " PRIMARY KEY(execution, campaign, metric)) WITHOUT ROWID;" SCOPED("guard");

/* Campaigns' totals at the end of each hour in which they changed: a history that is kept longer.
 */
static const char hours[] =
    "CREATE TABLE hours(id INTEGER NOT NULL, unix_s INTEGER NOT NULL, " STATS
    ", PRIMARY KEY(id, unix_s)) WITHOUT ROWID;"
    "CREATE INDEX hours_by_time ON hours(unix_s);";

static const char triggers[] =
    "ALTER TABLE campaigns ADD COLUMN triggers TEXT NOT NULL DEFAULT '';";

/* a rule's versions, the last of a name in force; campaign 0 = all of the tenant, tenant 0 = of all
 */
static const char rules[] =
    "CREATE TABLE rule_rows(name TEXT NOT NULL, version INTEGER NOT NULL, tenant INTEGER NOT NULL,"
    " campaign INTEGER NOT NULL, unix_ns INTEGER NOT NULL, actor TEXT NOT NULL, why TEXT NOT NULL,"
    " every TEXT NOT NULL, condition TEXT NOT NULL, action TEXT NOT NULL,"
    " confidence REAL NOT NULL, mode TEXT NOT NULL, state TEXT NOT NULL,"
    " PRIMARY KEY(name, version)) WITHOUT ROWID;" SCOPED("rule")

        "CREATE TRIGGER rule_name BEFORE INSERT ON rule_rows WHEN EXISTS (SELECT 1 FROM rule_rows"
        " WHERE name = NEW.name AND NOT tenant_in_scope(tenant))"
        " BEGIN SELECT RAISE(ABORT, 'another tenant has a rule of that name'); END;";

static const char rule_firings[] =
    "CREATE TABLE rule_firing_rows(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
    " rule TEXT NOT NULL, version INTEGER NOT NULL, campaign INTEGER NOT NULL,"
    " unix_s INTEGER NOT NULL, change REAL NOT NULL, outcome TEXT NOT NULL,"
    " recommendation INTEGER NOT NULL, text TEXT NOT NULL,"
    " UNIQUE(rule, campaign, unix_s));"
    "CREATE INDEX rule_firings_by_time ON rule_firing_rows(unix_s);" SCOPED("rule_firing");

static const char records[] =
    "CREATE TABLE optimization_model_rows(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
    " campaign INTEGER NOT NULL, rate TEXT NOT NULL, version INTEGER NOT NULL,"
    " unix_s INTEGER NOT NULL, model TEXT NOT NULL, trials REAL NOT NULL,"
    " successes REAL NOT NULL, log_loss REAL NOT NULL, gain REAL NOT NULL,"
    " gain_interval REAL NOT NULL, calibration TEXT NOT NULL,"
    " UNIQUE(campaign, rate, version));"
    "CREATE INDEX optimization_models_by_time ON optimization_model_rows(unix_s);" SCOPED(
        "optimization_model")

        "CREATE TABLE optimization_run_rows(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
        " agent TEXT NOT NULL, unix_ns INTEGER NOT NULL, spent_ns INTEGER NOT NULL,"
        " proposals INTEGER NOT NULL, refused INTEGER NOT NULL, outcome TEXT NOT NULL);"
        "CREATE INDEX optimization_runs_by_time ON optimization_run_rows(unix_ns);" SCOPED(
            "optimization_run");

static const char findings[] =
    "CREATE TABLE optimization_insight_rows(id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL,"
    " campaign INTEGER NOT NULL, line_item INTEGER NOT NULL, kind TEXT NOT NULL,"
    " metric TEXT NOT NULL, first_unix_s INTEGER NOT NULL, last_unix_s INTEGER NOT NULL,"
    " seen REAL NOT NULL, against REAL NOT NULL, confidence REAL NOT NULL,"
    " impact_nanos INTEGER NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX optimization_insights_by_time ON optimization_insight_rows(last_unix_s);" SCOPED(
        "optimization_insight")

    /* totals at the end of each day in which they changed; the first row is what came before */
    "CREATE TABLE creative_performance_rows(tenant INTEGER NOT NULL, campaign INTEGER NOT NULL,"
    " line_item INTEGER NOT NULL, id INTEGER NOT NULL, day INTEGER NOT NULL, " STATS
    ", PRIMARY KEY(id, day)) WITHOUT ROWID;"
    "CREATE INDEX creative_performances_by_day ON creative_performance_rows(day);"
    "INSERT INTO creative_performance_rows SELECT c.tenant, c.id, l.id, k.id,"
    " t.unix_s / 86400 - 1, t.bids, t.wins, t.losses, t.bills, t.imps, t.clicks, t.convs,"
    " t.spend_nanos, t.bid_nanos, t.value_nanos FROM totals AS t JOIN creatives AS k ON k.id = t.id"
    " JOIN line_items AS l ON l.id = k.line_item JOIN campaigns AS c ON c.id = l.campaign"
    " WHERE t.kind = 3;" SCOPED("creative_performance");

/* What was allotted is in the history already: shown here, not written twice. */
static const char allocations[] =
    "CREATE VIEW budget_allocations AS SELECT c.tenant, c.execution, e.unix_ns, c.item_id AS "
    "campaign,"
    " c.before AS before_nanos, c.after AS after_nanos, e.kind, e.actor, e.undone_by,"
    " IFNULL(r.id, 0) AS recommendation, IFNULL(r.agent, '') AS agent,"
    " IFNULL(r.mean_nanos, 0) AS mean_nanos"
    " FROM execution_changes AS c JOIN executions AS e ON e.id = c.execution"
    " LEFT JOIN recommendations AS r ON r.execution = e.id AND r.item = c.item"
    " AND r.item_id = c.item_id AND r.field = c.field"
    " WHERE c.item = 'campaign' AND c.field = 'budget';";

static const char answers[] =
    "CREATE TABLE answer_rows(tenant INTEGER NOT NULL, key TEXT NOT NULL,"
    " request_hash BLOB NOT NULL, status INTEGER NOT NULL, unix_ns INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY(tenant, key)) WITHOUT ROWID;"
    "CREATE INDEX answers_by_time ON answer_rows(unix_ns);" SCOPED("answer");

static const char patterns[] =
    "CREATE TABLE pattern_rows(tenant INTEGER NOT NULL, metric TEXT NOT NULL,"
    " subject TEXT NOT NULL, across TEXT NOT NULL, sources INTEGER NOT NULL, mean REAL NOT NULL,"
    " mean_sd REAL NOT NULL, tau REAL NOT NULL, next REAL NOT NULL, next_sd REAL NOT NULL,"
    " i2 REAL NOT NULL, q_p REAL NOT NULL, all_above REAL NOT NULL, all_below REAL NOT NULL,"
    " confidence REAL NOT NULL, events INTEGER NOT NULL, from_unix_s INTEGER NOT NULL,"
    " to_unix_s INTEGER NOT NULL, PRIMARY KEY(tenant, metric, subject, across)) WITHOUT "
    "ROWID;" SCOPED("pattern");

static const char pattern_sources[] =
    "CREATE TABLE pattern_source_rows(tenant INTEGER NOT NULL, metric TEXT NOT NULL,"
    " subject TEXT NOT NULL, across TEXT NOT NULL, source TEXT NOT NULL, effect REAL NOT NULL,"
    " variance REAL NOT NULL, events INTEGER NOT NULL, from_unix_s INTEGER NOT NULL,"
    " to_unix_s INTEGER NOT NULL, own REAL NOT NULL DEFAULT 0, own_sd REAL NOT NULL DEFAULT 0,"
    " stale INTEGER NOT NULL DEFAULT 1,"
    " PRIMARY KEY(tenant, metric, subject, across, source)) WITHOUT ROWID;"
    "CREATE INDEX pattern_sources_stale ON pattern_source_rows(tenant, metric, subject, across)"
    " WHERE stale = 1;" SCOPED("pattern_source");

static const char recommendation_indices[] =
    "CREATE INDEX recommendations_by_bundle ON recommendation_rows(bundle) WHERE bundle <> 0;"
    "CREATE INDEX recommendations_by_decision ON recommendation_rows(status, decided_unix_ns)";

#define VIDEO_COUNTS(table)                                                                        \
    "ALTER TABLE " table " ADD COLUMN views INTEGER NOT NULL DEFAULT 0;"                           \
    "ALTER TABLE " table " ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;"                          \
    "ALTER TABLE " table " ADD COLUMN completes INTEGER NOT NULL DEFAULT 0;"

static const char video_counts[] = VIDEO_COUNTS("totals") VIDEO_COUNTS("snapshots")
    VIDEO_COUNTS("hours") VIDEO_COUNTS("creative_performance_rows");

/* totals as of the last time of each day and version; version 0 is what came before */
static const char attribution_models[] =
    "CREATE TABLE attribution_model_rows(tenant INTEGER NOT NULL, day INTEGER NOT NULL,"
    " version INTEGER NOT NULL, type TEXT NOT NULL, parameters TEXT NOT NULL,"
    " unix_s INTEGER NOT NULL, attributed INTEGER NOT NULL, value_nanos INTEGER NOT NULL,"
    " timed INTEGER NOT NULL, unattributed INTEGER NOT NULL, lag_median_s REAL NOT NULL,"
    " lag_p90_s REAL NOT NULL, PRIMARY KEY(tenant, day, version)) WITHOUT ROWID;"
    "CREATE INDEX attribution_models_by_day ON attribution_model_rows(day);"
    "INSERT INTO attribution_model_rows SELECT c.tenant, MAX(t.unix_s) / 86400 - 1, 0, '', '', 0,"
    " SUM(t.convs), SUM(t.value_nanos), 0, 0, 0, 0 FROM totals AS t JOIN campaigns AS c"
    " ON c.id = t.id WHERE t.kind = 1 GROUP BY c.tenant;" SCOPED("attribution_model");

static const char audience_overlaps[] =
    "CREATE TABLE audience_overlap_rows(tenant INTEGER NOT NULL, line_item INTEGER NOT NULL,"
    " other INTEGER NOT NULL, from_unix_s INTEGER NOT NULL, to_unix_s INTEGER NOT NULL,"
    " bids REAL NOT NULL, other_bids REAL NOT NULL, both_bids REAL NOT NULL,"
    " jaccard REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, contained REAL NOT NULL,"
    " other_contained REAL NOT NULL, contexts INTEGER NOT NULL, bound INTEGER NOT NULL,"
    " PRIMARY KEY(tenant, line_item, other)) WITHOUT ROWID;"
    "CREATE INDEX audience_overlaps_by_time ON audience_overlap_rows(to_unix_s);" SCOPED(
        "audience_overlap");

/* generations come every few seconds, changes do not */
static const char audit_changes[] =
    "CREATE INDEX audit_changes ON audit(id) WHERE what <> 'publish';";

const char *const qbid_store_migrations[QBID_STORE_SCHEMA][QBID_STORE_PARTS] = {
    {first_account, first_state},
    {line_item_frequency, NULL},
    {traits, NULL},
    {strategies, NULL},
    {line_item_budgets, NULL},
    {overrides, NULL},
    {velocities, NULL},
    {executions, execution_changes, recommendations, holds, guards},
    {hours, NULL},
    {triggers, NULL},
    {rules, rule_firings, records, findings, allocations},
    {patterns, pattern_sources, NULL},
    {answers, NULL},
    {recommendation_indices, NULL},
    {video_counts, NULL},
    {attribution_models, audience_overlaps, NULL},
    {audit_changes, NULL}};
