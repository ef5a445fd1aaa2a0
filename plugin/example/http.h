/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 connection of the epoll example: requests in, answers out, nothing that waits. */
#ifndef QBID_PLUGIN_EXAMPLE_HTTP_H
#define QBID_PLUGIN_EXAMPLE_HTTP_H

#include <stddef.h>

#define HTTP_HEAD_MAX 16384
#define HTTP_BODY_MAX 262144      /* QBID_OPENRTB_BYTES_MAX */
#define HTTP_OUT_MAX (64 * 16384) /* of an answer's body */
#define HTTP_OUT_HEAD_MAX 8192    /* of its status line and headers */

enum http_method { HTTP_GET, HTTP_POST, HTTP_OTHER };

struct http {
    int fd;
    char *in;  /* requests; behind them lies the padding that the parser may read */
    char *out; /* an answer; its body may be made at out + HTTP_OUT_HEAD_MAX */
    size_t in_bytes, out_bytes, out_sent;
    size_t head; /* of the request in front: bytes with its empty line, 0 = not whole yet */
    size_t body;
    enum http_method method;
    int refuse; /* status with which it is answered before the connection ends; 0 = none */
    int close;
};

/** Take over a socket that does not block; padding bytes stay readable behind every body. 0 or -1
 *  without memory. */
int http_init(struct http *h, int fd, size_t padding);
/** Close it. */
void http_done(struct http *h);

/** Whether the request in front is whole, or is to be refused. */
int http_is_whole(struct http *h);
/** Read what has come: 1 with a whole request in front, 0 to wait, -1 when the other end is gone.
 */
int http_take(struct http *h);
/** Target of the request in front, "/bid?x=2 HTTP/1.1..."; only where it is not to be refused. */
const char *http_target(const struct http *h);
/** Drop the request in front; another may follow it already. */
void http_next(struct http *h);

/** Make the answer; fields are whole header lines. */
void http_reply(struct http *h, int status, const char *fields, const char *body, size_t bytes);
/** Send it: 1 when all is sent, 0 to wait, -1 when the connection is over. */
int http_send(struct http *h);

#endif
