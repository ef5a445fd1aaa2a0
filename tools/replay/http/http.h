/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 as a client sees it: URLs, and answers read from a growing buffer. */
#ifndef QBID_TOOLS_REPLAY_HTTP_HTTP_H
#define QBID_TOOLS_REPLAY_HTTP_HTTP_H

#include "tools/replay/text/buffer.h"

/* Longest host name, with port, and longest answer: head and body. */
#define QBID_REPLAY_HTTP_HOST_MAX 255
#define QBID_REPLAY_HTTP_ANSWER_MAX ((size_t)1 << 20)

/* A URL in its parts; all spans point into the URL. */
struct qbid_replay_url {
    struct qbid_replay_span origin; /* "http://host:port", empty for a URL that begins with '/' */
    struct qbid_replay_span host;
    struct qbid_replay_span port; /* empty when it is not named */
    struct qbid_replay_span path; /* with query, without fragment; empty stands for "/" */
};

/**
 * Take a URL apart.
 *
 * Shapes:  "http://..." , "https://...", or a path from '/' on. IPv6 hosts keep their brackets.
 * Returns: 0.
 * Errors:  QBID_ERR_PARSE for anything else, or with a space, control or non-ASCII character in it.
 */
int qbid_replay_url_parse(const char *url, size_t len, struct qbid_replay_url *ret_url);

/* An answer that is being read. All zero is the start. */
struct qbid_replay_http {
    int status;
    bool close;      /* the server ends the connection after this answer */
    size_t body_at;  /* offset of the body in the buffer, once the head is read */
    size_t body_len; /* bytes of it that are complete */
    size_t used;     /* bytes of the buffer that were looked at */
    /* inner */
    enum {
        QBID_REPLAY_HTTP_HEAD,
        QBID_REPLAY_HTTP_LENGTH,
        QBID_REPLAY_HTTP_CHUNKS,
        QBID_REPLAY_HTTP_UNTIL_CLOSE
    } stage;
    bool in_trailer;
    size_t missing; /* body or chunk bytes still to come */
};

/**
 * Look at what has arrived.
 *
 * Shapes:  text of len bytes is everything received of this answer so far; chunked bodies are put
 *          together in place, so the same buffer must be given each time, grown at its end.
 *          at_end: the server has closed, nothing more will come.
 * Returns: 1 when the answer is whole (status, body_at, body_len, close are set), 0 when more must
 *          come.
 * Errors:  QBID_ERR_PARSE when it is not HTTP/1.x; QBID_ERR_CLOSED when at_end cuts it;
 *          QBID_ERR_LIMIT over QBID_REPLAY_HTTP_ANSWER_MAX.
 */
int qbid_replay_http_read(struct qbid_replay_http *http, char *text, size_t len, bool at_end);

#endif
