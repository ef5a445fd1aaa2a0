/* SPDX-License-Identifier: Apache-2.0 */
/* reload: the configuration is read again while the operator waits for what becomes of it. */
#include <stdlib.h>

#include "control/api/command.h"
#include "shm/error.h"

static int reload(struct qbid_command *c, struct qbid_problems *problems)
{
    const struct qbid_commands *commands = c->commands;
    char why[QBID_ENGINE_WHY_MAX] = "";
    const char *later = NULL;
    int err = commands->reload(commands->reload_context, problems, why, &later);
    if (problems->cnt > 0) {
        qbid_command_problems(c, problems);
        return qbid_command_fail(c, err, "%s has %u problem%s; nothing was changed",
                                 commands->config_path, problems->cnt,
                                 problems->cnt == 1 ? "" : "s");
    }
    if (err)
        return qbid_command_fail(c, err, "nothing was changed: %s",
                                 *why ? why : qbid_strerror(err));
    cJSON_AddStringToObject(c->answer, "config", commands->config_path);
    if (later)
        cJSON_AddStringToObject(c->answer, "at_next_start", later);
    struct qbid_store_cause cause = {c->unix_ns, c->actor, "configuration read again"};
    return qbid_command_fail_store(
        c, qbid_store_audit(qbid_engine_store(c->engine), &cause, "reload", NULL, later));
}

int qbid_command_reload(struct qbid_command *c)
{
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    int err = !problems             ? QBID_ERR_NOMEM
              : c->commands->reload ? reload(c, problems)
                                    : qbid_command_fail(c, QBID_ERR_INVAL, "there is no file");
    free(problems);
    return err;
}
