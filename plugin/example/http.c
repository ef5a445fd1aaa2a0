/* SPDX-License-Identifier: Apache-2.0 */
/* Requests are parsed where they lie; what is unfit is refused and ends the connection. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem, memrchr */
#endif
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_IN_MAX (HTTP_HEAD_MAX + HTTP_BODY_MAX)

int http_init(struct http *h, int fd, size_t padding)
{
    memset(h, 0, sizeof *h);
    h->fd = fd;
    h->in = malloc(HTTP_IN_MAX + padding); /* pages that no request reaches are never touched */
    h->out = malloc(HTTP_OUT_HEAD_MAX + HTTP_OUT_MAX);
    if (h->in && h->out)
        return 0;
    http_done(h);
    return -1;
}

void http_done(struct http *h)
{
    close(h->fd);
    free(h->in);
    free(h->out);
}

/* A header's value in front of the empty line, or NULL. */
static const char *header(const struct http *h, const char *name)
{
    size_t len = strlen(name);
    const char *at = h->in, *end = h->in + h->head;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL && ++at + len < end) {
        if (strncasecmp(at, name, len) == 0 && at[len] == ':')
            return at + len + 1 + strspn(at + len + 1, " \t");
    }
    return NULL;
}

static int parse_length(const char *text, size_t *ret_bytes)
{
    size_t value = 0, digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || !strchr(" \t\r\n", text[digits]))
        return 400;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (size_t)(text[i] - '0');
    *ret_bytes = value;
    return value > HTTP_BODY_MAX ? 413 : 0;
}

/* The request line "METHOD target HTTP/1.x": what follows relies on its spaces. */
static int read_line(struct http *h)
{
    char *end = memchr(h->in, '\r', h->head), *first = memchr(h->in, ' ', (size_t)(end - h->in));
    char *last = memrchr(h->in, ' ', (size_t)(end - h->in));
    h->method = HTTP_OTHER;
    if (memcmp(h->in, "POST ", 5) == 0)
        h->method = HTTP_POST;
    else if (memcmp(h->in, "GET ", 4) == 0)
        h->method = HTTP_GET;
    return first && last > first + 1 && end - last == 9 && memcmp(last, " HTTP/1.", 8) == 0 ? 0
                                                                                            : 400;
}

/* Whether the request in front is whole; sets refuse where it cannot become so. */
int http_is_whole(struct http *h)
{
    char *end = h->head ? h->in : memmem(h->in, h->in_bytes, "\r\n\r\n", 4);
    if (!end) {
        h->refuse = h->in_bytes > HTTP_HEAD_MAX ? 431 : 0;
        return h->refuse != 0;
    }
    if (h->head == 0) {
        h->head = (size_t)(end - h->in) + 4;
        h->refuse = h->head > HTTP_HEAD_MAX        ? 431
                    : memchr(h->in, '\0', h->head) ? 400
                                                   : read_line(h);
        const char *length = header(h, "Content-Length"), *kept = header(h, "Connection");
        h->close = kept && strncasecmp(kept, "close", 5) == 0;
        if (h->refuse == 0 && header(h, "Transfer-Encoding"))
            h->refuse = 501;
        if (h->refuse == 0 && length)
            h->refuse = parse_length(length, &h->body);
    }
    return h->refuse != 0 || h->in_bytes >= h->head + h->body;
}

void http_reply(struct http *h, int status, const char *fields, const char *body, size_t bytes)
{
    char head[HTTP_OUT_HEAD_MAX];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\n%s%sContent-Length: %zu\r\n\r\n", status,
                     status < 300   ? "OK"
                     : status < 400 ? "Found"
                                    : "Refused",
                     fields, h->close ? "Connection: close\r\n" : "", bytes);
    if (status == 204) /* has no body, nor a length */
        n = snprintf(head, sizeof head, "HTTP/1.1 204 No Content\r\n%s\r\n",
                     h->close ? "Connection: close\r\n" : "");
    memcpy(h->out, head, (size_t)n);
    if (bytes)
        memmove(h->out + n, body, bytes);
    h->out_bytes = (size_t)n + bytes;
    h->out_sent = 0;
}

/* What has come is taken: 1 with a whole request in front, 0 to wait, -1 when the other end is
 * gone. */
int http_take(struct http *h)
{
    for (;;) {
        if (http_is_whole(h))
            return 1;
        ssize_t n = read(h->fd, h->in + h->in_bytes, HTTP_IN_MAX - h->in_bytes);
        if (n > 0)
            h->in_bytes += (size_t)n;
        else
            return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    }
}

/* 1 when all is sent, 0 to wait, -1 when the connection is over. */
int http_send(struct http *h)
{
    while (h->out_sent < h->out_bytes) {
        ssize_t n = send(h->fd, h->out + h->out_sent, h->out_bytes - h->out_sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        h->out_sent += (size_t)n;
    }
    h->out_bytes = h->out_sent = 0;
    return h->close ? -1 : 1;
}

const char *http_target(const struct http *h)
{
    return strchr(h->in, ' ') + 1;
}

void http_next(struct http *h)
{
    size_t used = h->refuse ? h->in_bytes : h->head + h->body;
    memmove(h->in, h->in + used, h->in_bytes - used);
    h->in_bytes -= used;
    h->head = h->body = 0;
    h->refuse = 0;
}
