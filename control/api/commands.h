/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the control socket, over one engine.
 *
 *   {"cmd":"help"}                                           every command with its members
 *   {"cmd":NAME, ...}   --->   {"ok":true,"schema_version":1,"cmd":NAME, ...}
 *                       --->   {"ok":false,"schema_version":1,"cmd":NAME,
 *                               "error":{"code":"STORE","exit":5,"message":"..."}}
 *
 * exit is the exit code that a tool should end with. Members are only ever added.
 *
 * Who asks: the peer's user, told by the kernel, is an operator if he is root, qbidd's own user or
 * one of control.allow_uids; anybody else, or whoever gives one, is what his token says
 * ("token":"qbid_..."). A token is of one tenant: commands that tell of the host are closed to it,
 * and of the others it sees and changes the tenant's rows alone (qbid_store_scope()).
 */
#ifndef QBID_CONTROL_API_COMMANDS_H
#define QBID_CONTROL_API_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#include "control/access/tokens.h"
#include "control/agents/monitor.h"
#include "control/api/api.h"
#include "control/config/config.h"
#include "control/engine/engine.h"
#include "control/http/server.h"

/* Exit codes of tools. */
enum qbid_exit {
    QBID_EXIT_OK = 0,
    QBID_EXIT_FAILED = 1,
    QBID_EXIT_USAGE = 2,
    QBID_EXIT_UNREACHABLE = 3,
    QBID_EXIT_DENIED = 4,
    QBID_EXIT_REFUSED = 5, /* by a safety rule: no record, no room, too many held generations */
    QBID_EXIT_STALE = 6
};

/**
 * Read the configuration again and take over what a running qbidd can change.
 *
 * Returns: 0 and *ret_later, the first key that differs and waits for a start, NULL = none.
 * Errors:  nothing was changed: QBID_ERR_PARSE with problems noted; others with why.
 */
typedef int qbid_reload_fn(void *context, struct qbid_problems *problems, char *why,
                           const char **ret_later);

/* What the commands see of the running program. */
struct qbid_commands {
    struct qbid_engine *engine;
    const struct qbid_config *config;
    const char *config_path;
    const struct qbid_api *api;         /* NULL = not listening yet */
    const struct qbid_monitor *monitor; /* NULL = none */
    struct qbid_tokens *tokens;         /* NULL = none */
    struct qbid_http *http;             /* NULL = not served */
    qbid_reload_fn *reload;             /* why has QBID_ENGINE_WHY_MAX bytes; NULL = none */
    void *reload_context;
    uint64_t started_boot_ns;
    uint64_t started_unix_ns;
};

/** Answer one request: a qbid_api_answer_fn over struct qbid_commands. */
char *qbid_commands_answer(void *commands, const struct qbid_api_peer *peer, const char *request,
                           size_t len);

#endif
