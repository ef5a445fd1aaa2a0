/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server in the test's own process: a thread a connection, answers as a script says.
 */
#ifndef QBID_TESTS_TOOLS_REPLAY_HTTP_SERVER_H
#define QBID_TESTS_TOOLS_REPLAY_HTTP_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define SERVER_CONNECTIONS_MAX 4096
#define SERVER_BODY_MAX 8192

enum server_manner {
    SERVER_WHOLE,   /* with a length */
    SERVER_CHUNKED, /* in two chunks */
    SERVER_BYTES,   /* a byte a packet */
    SERVER_CLOSE,   /* whole, then the connection is closed, as announced */
    SERVER_EXTRA,   /* whole, and more bytes after it that nobody asked for */
    SERVER_CUT,     /* the connection ends in the middle of the body */
    SERVER_HANG_UP, /* the connection ends without an answer */
    SERVER_GARBAGE, /* something that is not HTTP */
};

struct server_reply {
    int status;
    enum server_manner manner;
    unsigned delay_ms;
    char body[SERVER_BODY_MAX];
};

/* One request: method, path with query, body with a zero at its end. Called from several threads,
 * but one call at a time. */
typedef void (*server_fn)(void *context, const char *method, const char *path, const char *body,
                          struct server_reply *reply);

struct server;

/* Listens on a free loopback port and serves until server_stop. */
struct server *server_start(server_fn fn, void *context, struct sockaddr_in *ret_address);

/* Refuses connections from now on; may be called from server_fn. */
void server_refuse(struct server *server);

/* Ends all connections; returns when no call is running any more. */
void server_stop(struct server *server);

/* Connections accepted so far. */
unsigned server_connections(struct server *server);

#endif
