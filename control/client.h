/* SPDX-License-Identifier: Apache-2.0 */
/* The control client: what tools use to talk to a running qbidd. Requests and answers are JSON
 * texts; README names the commands. */
#ifndef QBID_CONTROL_CLIENT_H
#define QBID_CONTROL_CLIENT_H

#include <stddef.h>

struct qbid_client; /* opaque */

/** Connect. NOENT: no qbidd answers there; DENIED: no permission; INVAL: not a path; SYS. */
int qbid_client_new(const char *path, unsigned timeout_ms, struct qbid_client **ret_client);
void qbid_client_free(struct qbid_client *client);

/**
 * Ask one thing and wait for the answer.
 *
 * Shapes:  request is one JSON text without a line end.
 * Returns: 0 and *ret_answer, malloc'd and terminated, without line end.
 * Errors:  INVAL (line end in request), EXPIRED (no answer in time), CLOSED (qbidd hung up), SYS,
 *          NOMEM. After an error the client is of no use any more.
 */
int qbid_client_call(struct qbid_client *client, const char *request, char **ret_answer);

#endif
