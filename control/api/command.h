/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of commands share: one request on its way. */
#ifndef QBID_CONTROL_API_COMMAND_H
#define QBID_CONTROL_API_COMMAND_H

#include "control/access/tokens.h"
#include "control/api/commands.h"
#include "control/api/json.h"
#include "control/snapshot/snapshot.h"

struct qbid_command {
    const struct qbid_commands *commands;
    struct qbid_engine *engine;
    struct qbid_principal principal;    /* on whose behalf */
    const struct qbid_account *account; /* what of it he may see */
    const cJSON *request;
    cJSON *answer; /* a new object; members of a failed command are dropped */
    uint64_t now_ns;
    uint64_t unix_ns;
    const char *actor;  /* "uid 1000", "token spring" */
    char message[1024]; /* of an error */
};

/** Note the words of an error and return it. */
int qbid_command_fail(struct qbid_command *command, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same with the store's words for its error; 0 when it is none. */
int qbid_command_fail_store(struct qbid_command *command, int err);

/* Each returns 0 or an error with its message. */
typedef int qbid_command_fn(struct qbid_command *command);
qbid_command_fn qbid_command_status, qbid_command_stat;
qbid_command_fn qbid_command_top, qbid_command_live, qbid_command_ledger;
qbid_command_fn qbid_command_snapshot, qbid_command_history;
qbid_command_fn qbid_command_import, qbid_command_target, qbid_command_dump;
qbid_command_fn qbid_command_generations, qbid_command_audit, qbid_command_publish,
    qbid_command_learning;
qbid_command_fn qbid_command_recommend, qbid_command_apply, qbid_command_rollback;
qbid_command_fn qbid_command_executions, qbid_command_hold;
qbid_command_fn qbid_command_override, qbid_command_insights, qbid_command_rules;
qbid_command_fn qbid_command_runs, qbid_command_creatives, qbid_command_allocations;
qbid_command_fn qbid_command_patterns, qbid_command_attribution, qbid_command_overlaps;
qbid_command_fn qbid_command_partners, qbid_command_keys, qbid_command_models, qbid_command_reload;

/** The request's max: how many entries an answer has at most, up to 10,000. */
uint32_t qbid_command_max(const struct qbid_command *command, uint32_t preset);

/** Put the problems of a document into the answer, a line each. */
struct qbid_problems;
void qbid_command_problems(const struct qbid_command *command,
                           const struct qbid_problems *problems);

/** A difference between two accounts: counts, and the list of changes. */
struct qbid_diff;
void qbid_command_diff(const struct qbid_command *command, const struct qbid_diff *diff);

/** Read a document over the account, show what differs, and apply it unless it is a dry run. file
 * is named in problems with line and column; NULL when nobody wrote one. */
int qbid_command_document(struct qbid_command *command, const char *file, const char *text,
                          const char *why, bool dry_run, bool prune);

/** Counts, rates and money of one series and window, as members of `to`. */
void qbid_command_stats(cJSON *to, const struct qbid_stats *stats);

/** Members workers (a list) and all: latencies of each of `cnt` workers and of all together. */
void qbid_command_latency(cJSON *to, const struct qbid_publisher_worker *workers, uint32_t cnt);

/** Window by its name ("5min"); -1 when there is none. And back. */
int qbid_command_window(const char *name);
const char *qbid_command_window_name(enum qbid_window window);

#endif
