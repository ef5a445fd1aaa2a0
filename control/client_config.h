/* SPDX-License-Identifier: Apache-2.0 */
/* Where the qbidd of a configuration file listens, for tools that were given the file. */
#ifndef QBID_CONTROL_CLIENT_CONFIG_H
#define QBID_CONTROL_CLIENT_CONFIG_H

#include <stddef.h>

#define QBID_CLIENT_SOCKET_MAX 108
#define QBID_CLIENT_WHY_MAX 512

/** Path of the control socket that a configuration names. QBID_ERR_PARSE or QBID_ERR_SYS with the
 *  first problem in why: "FILE:LINE:COLUMN: ...". */
int qbid_client_config_socket(const char *config_path, char ret_path[QBID_CLIENT_SOCKET_MAX],
                              char why[QBID_CLIENT_WHY_MAX]);

#endif
