/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a configuration file. */
#include "control/client_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/config/config.h"
#include "shm/error.h"

int qbid_client_config_socket(const char *config_path, char ret_path[QBID_CLIENT_SOCKET_MAX],
                              char why[QBID_CLIENT_WHY_MAX])
{
    struct qbid_config *config = calloc(1, sizeof *config);
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    char line[QBID_PROBLEM_LINE_MAX];
    int err = config && problems ? qbid_config_load(config_path, problems, config) : QBID_ERR_NOMEM;
    if (!err) {
        snprintf(ret_path, QBID_CLIENT_SOCKET_MAX, "%.107s", config->control.path);
    } else if (problems && problems->cnt) {
        qbid_problems_format(problems, 0, line);
        snprintf(why, QBID_CLIENT_WHY_MAX, "%.500s", line);
    } else {
        snprintf(why, QBID_CLIENT_WHY_MAX, "%s", qbid_strerror(err));
    }
    free(config);
    free(problems);
    return err;
}
