/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of `qbid` share: options, the connection, output and exit codes. */
#ifndef QBID_TOOLS_QBID_TOOL_H
#define QBID_TOOLS_QBID_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#include <argp.h>

#include <cjson/cJSON.h>

#include "control/client.h"
#include "control/client_config.h"
#include "tools/qbid/columns.h"

enum qbid_tool_exit {
    QBID_TOOL_OK = 0,
    QBID_TOOL_FAILED = 1,
    QBID_TOOL_USAGE = 2,
    QBID_TOOL_UNREACHABLE = 3,
    QBID_TOOL_DENIED = 4,
    QBID_TOOL_REFUSED = 5, /* by a safety rule */
    QBID_TOOL_STALE = 6
};

#define QBID_TOOL_SOCKET_PRESET "/run/qbid/control.sock"
#define QBID_TOOL_TIMEOUT_MS 30000

struct qbid_tool {
    const char *socket; /* NULL = of the configuration, $QBID_SOCKET or the preset */
    const char *config;
    const char *token_file; /* NULL = $QBID_TOKEN, or none */
    bool json;              /* --output json */
    bool csv;               /* --output csv, where csv_offered */
    bool csv_offered;
    bool colour; /* on a terminal, without NO_COLOR */
    struct qbid_client *client;
};

/** --socket, --config, --token-file and --output, as a child of every command's parser; its input
 * is the tool. */
extern const struct argp qbid_tool_argp;

/**
 * Parse a command's own options together with the shared ones. argv[0] is the command's name.
 *
 * Returns: QBID_TOOL_OK; a wrong command line ends the program with QBID_TOOL_USAGE.
 */
void qbid_tool_parse(struct qbid_tool *tool, const struct argp *argp, int argc, char **argv,
                     void *input);

/** Ask; connects first if need be. NULL with *ret_exit and a message on stderr when there is no
 * good answer (with --output json the refusal is on stdout, too). The answer is the caller's. */
cJSON *qbid_tool_ask(struct qbid_tool *tool, cJSON *request, int *ret_exit);
/** A request {"cmd": name}. */
cJSON *qbid_tool_request(const char *name);

/** Ask for a command without members, and print the answer as JSON when that is wanted: then NULL
 *  with QBID_TOOL_OK. Takes the request. */
cJSON *qbid_tool_ask_table(struct qbid_tool *tool, cJSON *request, int *ret_exit);

/** The same, and its list as a table: row fills the cells of one entry. `none` is said where the
 * list is empty. Takes the request; returns an exit code. */
typedef void qbid_tool_row_fn(struct qbid_columns *columns, const cJSON *entry);
int qbid_tool_table(struct qbid_tool *tool, cJSON *request, const char *list,
                    const char *const *heads, qbid_tool_row_fn *row, const char *none);

/** Send a change of the account and print what differs, with its money effect. Takes the request.
 */
int qbid_tool_change(struct qbid_tool *tool, cJSON *request);

/** Print an answer as one line of JSON. */
int qbid_tool_print(const cJSON *answer);

/** A member of an answer; NULL when it is not there, or no object is. */
const cJSON *qbid_tool_member(const cJSON *object, const char *name);

/** Put a text into a request, where there is one. */
void qbid_tool_text_add(cJSON *request, const char *name, const char *text);

/** Members of an answer, for tables: never NULL, "-" where there is nothing. */
const char *qbid_tool_text(const cJSON *object, const char *name);
double qbid_tool_number(const cJSON *object, const char *name);

/** The whole number of an option ("--max"); out of its range ends the program with its usage. */
long qbid_tool_whole(const struct argp_state *state, const char *option, const char *text,
                     long least, long most);

/** A message on stderr: "qbid: ...". */
void qbid_tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The commands: argv[0] is the command's name. Each returns an exit code. */
typedef int qbid_tool_fn(struct qbid_tool *tool, int argc, char **argv);
qbid_tool_fn qbid_tool_status, qbid_tool_stat, qbid_tool_top, qbid_tool_live, qbid_tool_ledger;
qbid_tool_fn qbid_tool_snapshot, qbid_tool_history, qbid_tool_generations, qbid_tool_audit;
qbid_tool_fn qbid_tool_import, qbid_tool_target, qbid_tool_account;
qbid_tool_fn qbid_tool_recommend, qbid_tool_rollback, qbid_tool_executions, qbid_tool_hold;
qbid_tool_fn qbid_tool_publish, qbid_tool_learning, qbid_tool_explain;
qbid_tool_fn qbid_tool_partners, qbid_tool_keys, qbid_tool_ope, qbid_tool_models;
qbid_tool_fn qbid_tool_override, qbid_tool_insights, qbid_tool_rules, qbid_tool_allocate;
qbid_tool_fn qbid_tool_runs, qbid_tool_token, qbid_tool_creatives, qbid_tool_allocations;
qbid_tool_fn qbid_tool_attribution, qbid_tool_overlaps;
qbid_tool_fn qbid_tool_patterns, qbid_tool_reload;

#endif
