/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the store: the connection, its statements, and short words for binding and reading. */
#ifndef QBID_CONTROL_STORE_STORE_DB_H
#define QBID_CONTROL_STORE_STORE_DB_H

#include <sqlite3.h>

#include "control/keymap.h"
#include "control/store/store.h"

#define QBID_STORE_SCHEMA 17
#define QBID_STORE_PARTS 5

/* Statements that never change, prepared on first use. */
/* clang-format off */
/* narrowest: the condition that an index answers */
#define RECOMMENDATIONS_SQL(narrowest) \
    "SELECT * FROM recommendations WHERE " narrowest "(?1 = '' OR status = ?1) AND " \
    "(?2 = 0 OR id = ?2) AND (?3 = 0 OR bundle = ?3) AND decided_unix_ns >= ?5 " \
    "ORDER BY unix_ns DESC, id LIMIT ?4"
/* whether an execution is in force is a part of the history, after the fields that it changed */
#define UNDONE_LOG_SQL \
    "INSERT INTO execution_change_rows(execution, position, tenant, item, item_id, field, before, after) "
/* budgets that executions of [?1, ?2] in force changed, and later ones too */
#define MOVED_SQL \
    "FROM execution_changes AS old JOIN execution_rows AS mover ON mover.id = old.execution " \
    "WHERE old.execution BETWEEN ?1 AND ?2 AND mover.undone_by <= ?2 AND old.item = 'campaign' " \
    "AND old.field = 'budget' AND EXISTS (SELECT 1 FROM execution_change_rows AS later WHERE " \
    "later.execution > ?2 AND later.item = old.item AND later.item_id = old.item_id AND " \
    "later.field = old.field) "
/* what a total grew by; one that fell began anew */
#define GROWTH_SQL(name) "CASE WHEN " name " >= " name "_before THEN " name " - " name "_before ELSE " name " END"
#define QBID_STORE_SQL_LIST(X) \
    X(BEGIN, "BEGIN IMMEDIATE") \
    X(COMMIT, "COMMIT") \
    X(ROLLBACK, "ROLLBACK") \
    X(KV_GET, "SELECT value FROM kv WHERE name = ?1") \
    X(KV_SET, "INSERT INTO kv(name, value) VALUES(?1, ?2) " \
              "ON CONFLICT(name) DO UPDATE SET value = excluded.value") \
    X(NEXT_BUDGET, "SELECT 1 + IFNULL(MAX(budget_idx), -1) FROM campaigns") \
    X(NEXT_LINE_ITEM, "SELECT 1 + IFNULL(MAX(idx), -1) FROM line_items") \
    X(VALUES_DELETE, "DELETE FROM line_item_values WHERE line_item = ?1") \
    X(VALUES_ADD, "INSERT INTO line_item_values(line_item, dim, position, value) " \
                  "VALUES(?1, ?2, ?3, ?4)") \
    X(VALUES_LOAD, "SELECT line_item, dim, value FROM line_item_values " \
                   "ORDER BY line_item, dim, position") \
    X(TARGETS_ADD, "INSERT INTO targets(unix_ns, campaign, goal, target_micros, budget_nanos, period, " \
                   "pacing, active, actor) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(DICTIONARY_ADD, "INSERT OR IGNORE INTO dictionary(dim, idx, hash, text) VALUES(?1, ?2, ?3, ?4)") \
    X(DICTIONARY_LOAD, "SELECT dim, idx, hash, text FROM dictionary ORDER BY dim, idx") \
    X(LEDGER_SET, "INSERT INTO ledger(budget_idx, spent_nanos, exposure_nanos) VALUES(?1, ?2, ?3) " \
                  "ON CONFLICT(budget_idx) DO UPDATE SET spent_nanos = excluded.spent_nanos, " \
                  "exposure_nanos = excluded.exposure_nanos") \
    X(LEDGER_SPENT, "INSERT INTO ledger(budget_idx, spent_nanos) VALUES(?1, ?2) " \
                    "ON CONFLICT(budget_idx) DO UPDATE SET spent_nanos = excluded.spent_nanos") \
    X(LEDGER_DAY, "INSERT INTO ledger(budget_idx, day, day_spent_nanos) VALUES(?1, ?2, ?3) " \
                  "ON CONFLICT(budget_idx) DO UPDATE SET day = excluded.day, " \
                  "day_spent_nanos = excluded.day_spent_nanos") \
    X(LEDGER_LOAD, "SELECT budget_idx, spent_nanos, exposure_nanos, day, day_spent_nanos FROM ledger " \
                   "ORDER BY budget_idx") \
    X(VELOCITY_ADD, "INSERT OR REPLACE INTO velocity(budget_idx, unix_s, spent_nanos) VALUES(?1, ?2, ?3)") \
    X(VELOCITY_PRUNE, "DELETE FROM velocity WHERE budget_idx = ?1 AND unix_s < ?2") \
    X(VELOCITY_LOAD, "SELECT unix_s, spent_nanos FROM velocity WHERE budget_idx = ?1 ORDER BY unix_s") \
    X(SETTLED_ADD, "INSERT OR IGNORE INTO settled(nonce, unix_s) VALUES(?1, ?2)") \
    X(SETTLED_LOAD, "SELECT nonce FROM settled") \
    X(SETTLED_PRUNE, "DELETE FROM settled WHERE nonce IN " \
                     "(SELECT nonce FROM settled WHERE unix_s < ?1 LIMIT ?2)") \
    X(TOTALS_SET, "INSERT INTO totals(kind, id, context, unix_s, bids, wins, losses, bills, imps, clicks, " \
                  "convs, spend_nanos, bid_nanos, value_nanos, views, starts, completes) " \
                  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) " \
                  "ON CONFLICT(kind, id, context) DO UPDATE SET unix_s = excluded.unix_s, " \
                  "bids = excluded.bids, wins = excluded.wins, losses = excluded.losses, " \
                  "bills = excluded.bills, imps = excluded.imps, clicks = excluded.clicks, " \
                  "convs = excluded.convs, spend_nanos = excluded.spend_nanos, " \
                  "bid_nanos = excluded.bid_nanos, value_nanos = excluded.value_nanos, " \
                  "views = excluded.views, starts = excluded.starts, completes = excluded.completes") \
    X(TOTALS_LOAD, "SELECT kind, id, context, unix_s, bids, wins, losses, bills, imps, clicks, convs, " \
                   "spend_nanos, bid_nanos, value_nanos, views, starts, completes FROM totals WHERE kind < 4 " \
                   "UNION ALL " \
                   "SELECT * FROM (SELECT kind, id, context, unix_s, bids, wins, losses, bills, imps, " \
                   "clicks, convs, spend_nanos, bid_nanos, value_nanos, views, starts, completes FROM totals " \
                   "WHERE kind = 4 " \
                   "ORDER BY unix_s DESC, id, context LIMIT ?1)") \
    X(HISTORY_ADD, "INSERT OR REPLACE INTO snapshots(window, kind, id, context, unix_s, bids, wins, losses, " \
                   "bills, imps, clicks, convs, spend_nanos, bid_nanos, value_nanos, views, starts, completes) " \
                   "VALUES(4, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)") \
    X(HISTORY_LOAD, "SELECT kind, id, context, unix_s, bids, wins, losses, bills, imps, clicks, convs, " \
                    "spend_nanos, bid_nanos, value_nanos, views, starts, completes FROM snapshots " \
                    "WHERE window = 4 AND kind = ?1 " \
                    "AND id = ?2 AND context = ?3 AND unix_s >= ?4 ORDER BY unix_s") \
    X(HISTORY_PRUNE, "DELETE FROM snapshots WHERE rowid IN " \
                     "(SELECT rowid FROM snapshots WHERE unix_s < ?1 LIMIT ?2)") \
    X(HOUR_ADD, "INSERT OR REPLACE INTO hours(id, unix_s, bids, wins, losses, bills, imps, clicks, convs, " \
                "spend_nanos, bid_nanos, value_nanos, views, starts, completes) " \
                "VALUES(?2, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)") \
    X(HOURS_LOAD, "SELECT 1, id, 0, unix_s, bids, wins, losses, bills, imps, clicks, convs, " \
                  "spend_nanos, bid_nanos, value_nanos, views, starts, completes FROM hours " \
                  "WHERE id = ?1 AND unix_s >= ?2 " \
                  "ORDER BY unix_s") \
    X(HOURS_PRUNE, "DELETE FROM hours WHERE (id, unix_s) IN " \
                   "(SELECT id, unix_s FROM hours WHERE unix_s < ?1 LIMIT ?2)") \
    X(TOTALS_PRUNE, "DELETE FROM totals WHERE rowid IN " \
                    "(SELECT rowid FROM totals WHERE kind = 4 AND unix_s < ?1 LIMIT ?2)") \
    X(GENERATION_ADD, "INSERT INTO generations(gen, built_unix_ns, bytes, checksum, reason, file, held) " \
                      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
    X(GENERATION_LOAD, "SELECT gen, built_unix_ns, bytes, checksum, reason, file, held FROM generations " \
                       "ORDER BY gen DESC LIMIT ?1") \
    X(GENERATION_OLD, "SELECT gen, built_unix_ns, bytes, checksum, reason, file, held FROM generations " \
                      "WHERE held = 1 ORDER BY gen DESC LIMIT 64 OFFSET ?1") \
    X(GENERATION_RELEASE, "UPDATE generations SET held = 0 WHERE gen = ?1") \
    X(LEARNER_SET, "INSERT INTO learner(kind, key, data) VALUES(?1, ?2, ?3) " \
                   "ON CONFLICT(kind, key) DO UPDATE SET data = excluded.data") \
    X(LEARNER_LOAD, "SELECT kind, key, data FROM learner") \
    X(AUDIT_LAST, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1") \
    X(AUDIT_END, "SELECT id, unix_ns, actor, what, why, before, after, tenant, prev_hash, hash " \
                 "FROM audit ORDER BY id DESC LIMIT 1") \
    X(AUDIT_ADD, "INSERT INTO audit(id, unix_ns, actor, what, why, before, after, prev_hash, hash, tenant) " \
                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)") \
    X(AUDIT_HEAD, "INSERT INTO audit_head(one, id, hash) VALUES(1, ?1, ?2) " \
                  "ON CONFLICT(one) DO UPDATE SET id = excluded.id, hash = excluded.hash") \
    X(AUDIT_HEAD_LOAD, "SELECT id, hash FROM audit_head") \
    X(AUDIT_LOAD, "SELECT id, unix_ns, actor, what, why, before, after, tenant FROM audit " \
                  "WHERE tenant_in_scope(tenant) ORDER BY id DESC LIMIT ?1") \
    X(AUDIT_CHANGES, "SELECT id, unix_ns, actor, what, why, before, after, tenant FROM audit " \
                     "INDEXED BY audit_changes WHERE what <> 'publish' AND tenant_in_scope(tenant) " \
                     "ORDER BY id DESC LIMIT ?1") \
    X(AUDIT_WALK, "SELECT id, unix_ns, actor, what, why, before, after, tenant, prev_hash, hash " \
                  "FROM audit ORDER BY id") \
    X(EXECUTION_ADD, "INSERT INTO execution_rows(tenant, unix_ns, actor, why, kind) " \
                     "VALUES(?1, ?2, ?3, ?4, 'change') RETURNING id") \
    X(EXECUTION_TENANT, "UPDATE execution_rows SET tenant = ?2 WHERE id = ?1") \
    X(EXECUTION_KIND, "UPDATE execution_rows SET kind = ?2 WHERE id = ?1") \
    X(EXECUTION_LAST, "SELECT IFNULL(MAX(id), 0) FROM execution_rows") \
    X(EXECUTION_REVIVED, UNDONE_LOG_SQL "SELECT ?3, 1000000000 + e.id, e.tenant, 'execution', e.id, " \
                         "'undone_by', e.undone_by, was.before FROM (SELECT item_id, before, MIN(execution) " \
                         "FROM execution_change_rows WHERE execution BETWEEN ?1 AND ?2 AND item = 'execution' " \
                         "GROUP BY item_id) AS was JOIN execution_rows AS e ON e.id = was.item_id " \
                         "WHERE e.id < ?1 AND e.undone_by <> was.before AND tenant_in_scope(e.tenant)") \
    X(EXECUTION_UNDONE, UNDONE_LOG_SQL "SELECT ?3, 1000000000 + id, tenant, 'execution', id, 'undone_by', " \
                        "undone_by, ?3 FROM execution_rows WHERE id >= ?1 AND id <= ?2 AND id < ?3 " \
                        "AND undone_by <= ?2 AND tenant_in_scope(tenant)") \
    X(EXECUTION_FLAG, "UPDATE execution_rows SET undone_by = flag.after FROM execution_change_rows AS flag " \
                      "WHERE flag.execution = ?1 AND flag.item = 'execution' AND " \
                      "flag.item_id = execution_rows.id") \
    X(EXECUTION_GEN, "UPDATE execution_rows SET gen = ?1 WHERE gen = 0") \
    X(EXECUTION_LOAD, "SELECT id, tenant, unix_ns, actor, why, kind, undone_by, gen FROM executions " \
                      "WHERE ?1 = 0 OR id = ?1 ORDER BY id DESC LIMIT ?2") \
    X(CHANGE_LOAD, "SELECT item, item_id, field, before, after FROM execution_changes " \
                   "WHERE execution = ?1 AND item <> 'execution' ORDER BY position") \
    X(CHANGE_FIRST, "SELECT item, item_id, field, before, MIN(execution) FROM execution_changes AS old " \
                    "WHERE execution BETWEEN ?1 AND ?2 AND item <> 'execution' AND NOT EXISTS (SELECT 1 FROM " \
                    "execution_change_rows AS " \
                    "later WHERE later.execution > ?2 AND later.item = old.item AND " \
                    "later.item_id = old.item_id AND later.field = old.field) " \
                    "GROUP BY item, item_id, field ORDER BY field = ''") \
    X(CHANGE_MOVED, "SELECT old.item_id, SUM(old.after - old.before) " MOVED_SQL "GROUP BY old.item_id") \
    X(CHANGE_SINCE, "SELECT c.field, c.execution, e.kind, e.actor, c.item_id FROM execution_change_rows AS c " \
                    "JOIN execution_rows AS e ON e.id = c.execution WHERE c.execution >= ?1 AND " \
                    "c.item = 'campaign' AND c.item_id IN (SELECT old.item_id " MOVED_SQL ") AND " \
                    "e.undone_by = 0 AND (c.field = 'period' OR c.field = 'budget' AND c.execution > ?2 AND " \
                    "(e.kind = 'change' OR e.kind = 'rollback' AND ?3 = 0 AND e.tenant <> 0)) " \
                    "ORDER BY c.execution") \
    X(CHANGE_KEPT, "SELECT COUNT(*) FROM (SELECT DISTINCT item, item_id, field FROM execution_changes AS old " \
                   "WHERE execution BETWEEN ?1 AND ?2 AND item <> 'execution' AND NOT (item = 'campaign' AND field = 'budget') " \
                   "AND EXISTS (SELECT 1 FROM execution_change_rows AS later WHERE later.execution > ?2 AND " \
                   "later.item = old.item AND later.item_id = old.item_id AND later.field = old.field))") \
    X(CHANGE_VALUES, "SELECT value FROM json_each(?1) ORDER BY key") \
    X(RECOMMENDATION_ADD, "INSERT INTO recommendation_rows(id, tenant, unix_ns, proposer, type, agent, item, " \
                          "item_id, campaign, field, current, recommended, budget_nanos, bundle, mean_nanos, " \
                          "low_nanos, high_nanos, loss_nanos, confidence, risk, priority, reason, " \
                          "from_unix_s, to_unix_s, auto, money_nanos, status) VALUES(?1, ?2, ?3, ?4, ?5, " \
                          "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, " \
                          "?22, ?23, ?24, ?25, ?26, 'pending')") \
    X(RECOMMENDATION_LOAD, RECOMMENDATIONS_SQL("")) \
    X(RECOMMENDATION_LOAD_ID, RECOMMENDATIONS_SQL("id = ?2 AND ")) \
    X(RECOMMENDATION_LOAD_BUNDLE, RECOMMENDATIONS_SQL("bundle <> 0 AND bundle = ?3 AND ")) \
    X(RECOMMENDATION_LOAD_STATUS, RECOMMENDATIONS_SQL("status = ?1 AND ")) \
    X(RECOMMENDATION_LOAD_SUPERSEDED, \
      "WITH old AS (SELECT id, bundle FROM recommendations WHERE status = 'pending' AND agent = ?1 AND " \
      "proposer = ?1 AND item = ?2 AND item_id = ?3 AND field = ?4 AND to_unix_s < ?5 AND " \
      "(bundle = 0 OR bundle <> ?6)) SELECT * FROM recommendations WHERE status = 'pending' AND " \
      "(id IN (SELECT id FROM old) OR bundle <> 0 AND bundle IN (SELECT bundle FROM old)) ORDER BY id") \
    X(RECOMMENDATION_STATUS, "UPDATE recommendation_rows SET status = ?2, decider = ?3, " \
                             "decided_unix_ns = ?4, execution = ?5 WHERE id = ?1") \
    X(RECOMMENDATION_UNDO, "UPDATE recommendation_rows SET status = 'rolled_back' " \
                           "WHERE status = 'applied' AND execution BETWEEN ?1 AND ?2 " \
                             "AND tenant_in_scope(tenant)") \
    X(RECOMMENDATION_FLAG, "UPDATE recommendation_rows SET status = CASE flag.after WHEN 0 THEN 'applied' " \
                           "ELSE 'rolled_back' END FROM execution_change_rows AS flag WHERE " \
                           "flag.execution = ?1 AND flag.item = 'execution' AND flag.item_id = " \
                           "recommendation_rows.execution AND status IN ('applied', 'rolled_back')") \
    X(HOLD_ADD, "INSERT INTO hold_rows(item, item_id, tenant, unix_ns, actor, why) " \
                "VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(item, item_id) DO UPDATE SET " \
                "unix_ns = excluded.unix_ns, actor = excluded.actor, why = excluded.why") \
    X(HOLD_DROP, "DELETE FROM hold_rows WHERE item = ?1 AND item_id = ?2") \
    X(HOLD_LOAD, "SELECT item, item_id, tenant, unix_ns, actor, why FROM holds ORDER BY item, item_id") \
    X(GUARD_ADD, "INSERT INTO guard_rows(execution, tenant, campaign, unix_ns, metric, base_trials, " \
                 "base_successes, trials, successes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(GUARD_DROP, "DELETE FROM guard_rows WHERE execution BETWEEN ?1 AND ?2 " \
                  "AND tenant_in_scope(tenant)") \
    X(GUARD_LOAD, "SELECT execution, tenant, campaign, unix_ns, metric, base_trials, base_successes, " \
                  "trials, successes FROM guards ORDER BY execution, campaign, metric") \
    X(ANSWER_LOAD, "SELECT request_hash, status, unix_ns, body FROM answers WHERE tenant = ?1 AND key = ?2") \
    X(ANSWER_ADD, "INSERT OR REPLACE INTO answer_rows(tenant, key, request_hash, status, unix_ns, body) " \
                  "VALUES(?1, ?2, ?3, ?4, ?5, ?6)") \
    X(ANSWERS_PRUNE, "DELETE FROM answer_rows WHERE (tenant, key) IN " \
                     "(SELECT tenant, key FROM answer_rows WHERE unix_ns < ?1 * 1000000000 LIMIT ?2)") \
    X(RULE_ADD, "INSERT INTO rule_rows(name, version, tenant, campaign, unix_ns, actor, why, every, " \
                "condition, action, confidence, mode, state) SELECT ?1, 1 + IFNULL(MAX(version), 0), ?2, ?3, " \
                "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM rule_rows WHERE name = ?1 RETURNING version") \
    X(RULE_LOAD, "SELECT name, version, tenant, campaign, unix_ns, actor, why, every, condition, action, " \
                 "confidence, mode, state FROM rules AS r WHERE (?1 = '' OR name = ?1) AND (?2 = 1 OR " \
                 "(state <> 'removed' AND version = (SELECT MAX(version) FROM rule_rows WHERE " \
                 "name = r.name))) ORDER BY name, version") \
    X(FIRING_ADD, "INSERT OR IGNORE INTO rule_firing_rows(tenant, rule, version, campaign, unix_s, change, " \
                  "outcome, recommendation, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(FIRING_LOAD, "SELECT f.id, f.tenant, f.rule, f.version, f.campaign, f.unix_s, f.change, f.outcome, " \
                   "f.recommendation, f.text, IFNULL(r.status, '') FROM rule_firings AS f LEFT JOIN " \
                   "recommendations AS r ON r.id = f.recommendation AND f.recommendation <> 0 " \
                   "WHERE (?1 = '' OR f.rule = ?1) AND (?2 = 0 OR f.campaign = ?2) AND f.unix_s >= ?3 " \
                   "ORDER BY f.unix_s DESC, f.id DESC LIMIT ?4") \
    X(FIRING_PRUNE, "DELETE FROM rule_firing_rows WHERE rowid IN " \
                    "(SELECT rowid FROM rule_firing_rows WHERE unix_s < ?1 LIMIT ?2)") \
    X(MODEL_ADD, "INSERT INTO optimization_model_rows(tenant, campaign, rate, version, unix_s, model, trials, " \
                 "successes, log_loss, gain, gain_interval, calibration) SELECT ?1, ?2, ?3, " \
                 "1 + IFNULL(MAX(version), 0), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM optimization_model_rows " \
                 "WHERE campaign = ?2 AND rate = ?3") \
    X(MODEL_LOAD, "SELECT tenant, campaign, rate, version, unix_s, model, trials, successes, log_loss, gain, " \
                  "gain_interval, calibration FROM optimization_models WHERE (?1 = 0 OR campaign = ?1) AND " \
                  "(?2 = '' OR rate = ?2) ORDER BY unix_s DESC, id DESC LIMIT ?3") \
    X(MODEL_PRUNE, "DELETE FROM optimization_model_rows WHERE rowid IN " \
                   "(SELECT rowid FROM optimization_model_rows WHERE unix_s < ?1 LIMIT ?2)") \
    X(RUN_ADD, "INSERT INTO optimization_run_rows(tenant, agent, unix_ns, spent_ns, proposals, refused, " \
               "outcome) VALUES(0, ?1, ?2, ?3, ?4, ?5, ?6)") \
    X(RUN_LOAD, "SELECT agent, unix_ns, spent_ns, proposals, refused, outcome FROM optimization_runs " \
                "WHERE (?1 = '' OR agent = ?1) ORDER BY unix_ns DESC, id DESC LIMIT ?2") \
    X(RUN_PRUNE, "DELETE FROM optimization_run_rows WHERE rowid IN " \
                 "(SELECT rowid FROM optimization_run_rows WHERE unix_ns < ?1 * 1000000000 LIMIT ?2)") \
    X(INSIGHT_ADD, "INSERT INTO optimization_insight_rows(tenant, campaign, line_item, kind, metric, " \
                   "first_unix_s, last_unix_s, seen, against, confidence, impact_nanos, text) " \
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11)") \
    X(INSIGHT_AGAIN, "UPDATE optimization_insight_rows SET last_unix_s = ?6, seen = ?7, against = ?8, " \
                     "confidence = ?9, impact_nanos = ?10, text = ?11 WHERE tenant = ?1 AND campaign = ?2 AND " \
                     "line_item = ?3 AND kind = ?4 AND metric = ?5 AND last_unix_s >= ?12") \
    X(INSIGHT_LOAD, "SELECT tenant, campaign, line_item, kind, metric, first_unix_s, last_unix_s, seen, " \
                    "against, confidence, impact_nanos, text FROM optimization_insights " \
                    "WHERE last_unix_s >= ?1 ORDER BY last_unix_s DESC, id DESC LIMIT ?2") \
    X(INSIGHT_PRUNE, "DELETE FROM optimization_insight_rows WHERE rowid IN " \
                     "(SELECT rowid FROM optimization_insight_rows WHERE last_unix_s < ?1 LIMIT ?2)") \
    X(CREATIVE_DAY_ADD, "INSERT OR REPLACE INTO creative_performance_rows(tenant, campaign, line_item, id, day, " \
                        "bids, wins, losses, bills, imps, clicks, convs, spend_nanos, bid_nanos, value_nanos, " \
                        "views, starts, completes) SELECT c.tenant, c.id, l.id, ?2, ?4 / 86400, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, " \
                        "?14, ?15, ?16, ?17 FROM creatives AS k JOIN line_items AS l ON l.id = k.line_item JOIN campaigns AS c " \
                        "ON c.id = l.campaign WHERE k.id = ?2") \
    X(CREATIVE_DAY_BASE, "INSERT INTO creative_performance_rows SELECT c.tenant, c.id, l.id, ?1, ?2 / 86400 - 1, " \
                         "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM creatives AS k JOIN line_items AS l ON " \
                         "l.id = k.line_item JOIN campaigns AS c ON c.id = l.campaign WHERE k.id = ?1 AND " \
                         "NOT EXISTS (SELECT 1 FROM creative_performance_rows WHERE id = ?1)") \
    X(CREATIVE_DAY_LOAD, "SELECT campaign, line_item, id, day, bids, wins, losses, bills, imps, clicks, convs, " \
                         "spend_nanos, bid_nanos, value_nanos, views, starts, completes, tenant " \
                         "FROM creative_performances WHERE " \
                         "(?1 = 0 OR id = ?1) ORDER BY id, day") \
    X(CREATIVE_DAY_PRUNE, "DELETE FROM creative_performance_rows WHERE (id, day) IN " \
                          "(SELECT id, day FROM creative_performance_rows WHERE day < ?1 / 86400 LIMIT ?2)") \
    X(ATTRIBUTION_LAST, "SELECT version, type, parameters FROM attribution_model_rows WHERE tenant = ?1 AND " \
                        "version > 0 ORDER BY version DESC, day DESC LIMIT 1") \
    X(ATTRIBUTION_BASE, "INSERT INTO attribution_model_rows SELECT ?1, ?2, 0, '', '', 0, 0, 0, 0, 0, 0, 0 WHERE " \
                        "NOT EXISTS (SELECT 1 FROM attribution_model_rows WHERE tenant = ?1)") \
    X(ATTRIBUTION_SEE, "INSERT INTO attribution_model_rows(tenant, day, version, type, parameters, unix_s, " \
                       "attributed, value_nanos, timed, unattributed, lag_median_s, lag_p90_s) " \
                       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) " \
                       "ON CONFLICT(tenant, day, version) DO UPDATE SET unix_s = excluded.unix_s, " \
                       "attributed = excluded.attributed, value_nanos = excluded.value_nanos, " \
                       "timed = excluded.timed, unattributed = unattributed + excluded.unattributed, " \
                       "lag_median_s = excluded.lag_median_s, lag_p90_s = excluded.lag_p90_s") \
    X(ATTRIBUTION_LOAD, "SELECT tenant, version, type, parameters, unix_s, " GROWTH_SQL("attributed") ", " \
                        GROWTH_SQL("value_nanos") ", " "MIN(" GROWTH_SQL("timed") ", " GROWTH_SQL("attributed") "), unattributed, lag_median_s, " \
                        "lag_p90_s FROM (SELECT *, LAG(attributed) OVER w AS attributed_before, " \
                        "LAG(value_nanos) OVER w AS value_nanos_before, LAG(timed) OVER w AS timed_before " \
                        "FROM attribution_models WINDOW w AS (PARTITION BY tenant ORDER BY day, version)) " \
                        "WHERE attributed_before IS NOT NULL ORDER BY day DESC, tenant, version DESC LIMIT ?1") \
    X(ATTRIBUTION_PRUNE, "DELETE FROM attribution_model_rows WHERE (tenant, day, version) IN (SELECT tenant, day, " \
                         "version FROM attribution_model_rows WHERE day < ?1 / 86400 LIMIT ?2)") \
    X(OVERLAP_SET, "INSERT INTO audience_overlap_rows(tenant, line_item, other, from_unix_s, " \
                   "to_unix_s, bids, other_bids, both_bids, jaccard, low, high, contained, other_contained, " \
                   "contexts, bound) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) " \
                   "ON CONFLICT(tenant, line_item, other) DO UPDATE SET from_unix_s = excluded.from_unix_s, " \
                   "to_unix_s = excluded.to_unix_s, bids = excluded.bids, other_bids = excluded.other_bids, " \
                   "both_bids = excluded.both_bids, jaccard = excluded.jaccard, low = excluded.low, " \
                   "high = excluded.high, contained = excluded.contained, " \
                   "other_contained = excluded.other_contained, contexts = excluded.contexts, " \
                   "bound = excluded.bound WHERE excluded.bids + excluded.other_bids >= bids + other_bids " \
                   "OR to_unix_s < excluded.to_unix_s - 86400") \
    X(OVERLAP_LOAD, "SELECT tenant, line_item, other, from_unix_s, to_unix_s, bids, other_bids, both_bids, " \
                    "jaccard, low, high, contained, other_contained, contexts, bound FROM audience_overlaps " \
                    "WHERE (?1 = 0 OR line_item = ?1 OR other = ?1) " \
                    "ORDER BY jaccard DESC, tenant, line_item, other LIMIT ?2") \
    X(OVERLAP_PRUNE, "DELETE FROM audience_overlap_rows WHERE (tenant, line_item, other) IN (SELECT tenant, " \
                     "line_item, other FROM audience_overlap_rows WHERE to_unix_s < ?1 LIMIT ?2)") \
    X(ALLOCATION_LOAD, "SELECT tenant, execution, unix_ns, campaign, before_nanos, after_nanos, kind, actor, " \
                       "undone_by, recommendation, agent, mean_nanos FROM budget_allocations WHERE " \
                       "(?1 = 0 OR campaign = ?1) ORDER BY execution DESC, campaign LIMIT ?2") \
    X(PATTERN_SOURCE_SET, "INSERT INTO pattern_source_rows(tenant, metric, subject, across, source, effect, " \
                          "variance, events, from_unix_s, to_unix_s) " \
                          "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) " \
                          "ON CONFLICT(tenant, metric, subject, across, source) DO UPDATE SET " \
                          "effect = excluded.effect, variance = excluded.variance, " \
                          "events = excluded.events, from_unix_s = excluded.from_unix_s, " \
                          "to_unix_s = excluded.to_unix_s, stale = 1") \
    X(PATTERN_SOURCE_LOAD, "SELECT source, effect, variance, events, from_unix_s, to_unix_s, own, own_sd " \
                           "FROM pattern_sources WHERE tenant = ?1 AND metric = ?2 AND subject = ?3 " \
                           "AND across = ?4 ORDER BY to_unix_s DESC, source LIMIT ?5") \
    X(PATTERN_OWN_SET, "UPDATE pattern_source_rows SET own = ?6, own_sd = ?7 WHERE tenant = ?1 AND " \
                       "metric = ?2 AND subject = ?3 AND across = ?4 AND source = ?5") \
    X(PATTERN_SEEN, "UPDATE pattern_source_rows SET stale = 0 WHERE tenant = ?1 AND metric = ?2 AND " \
                    "subject = ?3 AND across = ?4 AND stale = 1") \
    X(PATTERN_STALE, "SELECT s.tenant, s.metric, s.subject, s.across FROM pattern_sources AS s LEFT JOIN " \
                     "patterns AS p ON p.tenant = s.tenant AND p.metric = s.metric AND " \
                     "p.subject = s.subject AND p.across = s.across WHERE s.stale = 1 " \
                     "GROUP BY s.tenant, s.metric, s.subject, s.across " \
                     "ORDER BY IFNULL(p.to_unix_s, 0), s.tenant, s.metric, s.subject, s.across") \
    X(PATTERN_SET, "INSERT OR REPLACE INTO pattern_rows(tenant, metric, subject, across, sources, mean, " \
                   "mean_sd, tau, next, next_sd, i2, q_p, all_above, all_below, confidence, events, " \
                   "from_unix_s, to_unix_s) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, " \
                   "?13, ?14, ?15, ?16, ?17, ?18)") \
    X(PATTERN_LOAD, "SELECT tenant, metric, subject, across, sources, mean, mean_sd, tau, next, next_sd, i2, " \
                    "q_p, all_above, all_below, confidence, events, from_unix_s, to_unix_s FROM patterns " \
                    "WHERE (?1 = 0 OR tenant = ?1) AND (?2 = '' OR metric = ?2) AND " \
                    "(?3 = '' OR subject = ?3) AND (?4 = '' OR across = ?4) " \
                    "ORDER BY confidence DESC, events DESC, tenant, metric, subject, across LIMIT ?5")
/* clang-format on */

enum qbid_store_sql {
#define X(name, sql) QBID_STORE_SQL_##name,
    QBID_STORE_SQL_LIST(X)
#undef X
        QBID_STORE_SQL_CNT
};

struct qbid_store {
    sqlite3 *db;
    sqlite3_stmt *statement[QBID_STORE_SQL_CNT];
    sqlite3_stmt *upsert[QBID_ITEM_CNT]; /* made from the table of fields */
    sqlite3_stmt *load[QBID_ITEM_CNT];
    int depth;                 /* of open transactions */
    int failed;                /* first error inside the outermost one */
    struct qbid_keymap series; /* what was saved: hash of its totals */
    uint64_t *series_hash;
    uint32_t series_cnt, series_max;
    uint32_t scope; /* the tenant whose rows may be read and written, 0 = all */
    struct qbid_audit_key audit_key;
    bool audit_keyed;
    uint64_t audit_foreign;                        /* as the last verification found it */
    struct qbid_audit_head audit_next, audit_seen; /* last written; last known to be committed */
    char why[QBID_STORE_WHY_MAX];
};

/* By version that they lead from; a step has up to that many parts. */
extern const char *const qbid_store_migrations[QBID_STORE_SCHEMA][QBID_STORE_PARTS];

/** Keep the words of an error and return err. */
int qbid_store_fail(struct qbid_store *store, int err, const char *words);
/** The same with SQLite's own words; QBID_ERR_STORE. */
int qbid_store_fail_db(struct qbid_store *store);

/** A statement ready to bind; NULL with why. */
sqlite3_stmt *qbid_store_statement(struct qbid_store *store, enum qbid_store_sql which);

/** Store one field of an item as its column holds it, and back; texts of before are released. */
int qbid_store_field_load(sqlite3_stmt *statement, int at, const struct qbid_field *field,
                          void *item);

/** SQL keeps '' where the account keeps "no deal". */
void qbid_store_deals_clear(struct qbid_account *account);

/** A new row of the history, and whose changes it holds. */
int qbid_store_execution_add(struct qbid_store *store, const struct qbid_store_cause *cause,
                             uint64_t *ret_execution);
int qbid_store_execution_tenant(struct qbid_store *store, uint64_t execution, uint32_t tenant);

/** Take down what a change will do, before it is done and after: rows of one execution. */
int qbid_store_change_before(struct qbid_store *store, uint64_t execution, uint32_t *position,
                             uint32_t tenant, const struct qbid_change *change);
int qbid_store_change_after(struct qbid_store *store, uint64_t execution, uint32_t from,
                            const struct qbid_change *change);

/** Column of a field: it carries its unit. */
#define QBID_STORE_COLUMN_MAX 48
void qbid_store_column_name(const struct qbid_field *field, char out[QBID_STORE_COLUMN_MAX]);

/** Run a bound statement that returns nothing, and reset it. NULL is passed through as an error. */
int qbid_store_run(struct qbid_store *store, sqlite3_stmt *statement);

/** Run a deletion of what is older than unix_s, at most max rows: how many, or an error. */
int qbid_store_prune(struct qbid_store *store, enum qbid_store_sql which, int64_t unix_s,
                     uint32_t max);

/** Counts and money of a row that has them from column 4 on. */
struct qbid_stats qbid_store_stats(sqlite3_stmt *statement);

/** Next row: 1, at the end 0 (reset), or an error (reset). */
int qbid_store_step(struct qbid_store *store, sqlite3_stmt *statement);
/** After a loop over rows that err ended, or the last step: what the loader returns. */
int qbid_store_rows_end(sqlite3_stmt *statement, int row, int err);

/* 64-bit patterns go into SQLite's signed integers as they are. */
static inline void qbid_store_bind(sqlite3_stmt *statement, int at, uint64_t value)
{
    sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

/* The text must live until the statement has run. */
static inline void qbid_store_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static inline uint64_t qbid_store_column(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

/** Column text, never NULL; valid until the next step. */
static inline const char *qbid_store_column_text(sqlite3_stmt *statement, int at)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    return text ? (const char *)text : "";
}

#endif
