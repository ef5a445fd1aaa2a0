/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 as a strict exchange speaks it: for the end-to-end tests only. */
#ifndef QBID_TESTS_E2E_NGINX_HTTP_H
#define QBID_TESTS_E2E_NGINX_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_BUFFER_MAX (1u << 20)

struct http_response {
    int status;
    bool close;  /* the server said "Connection: close" */
    size_t head; /* bytes up to and with the empty line */
    size_t body; /* bytes behind it */
};

/** Connect to a loopback port; -1 when nobody listens. */
int http_connect(int port);

/** Send all bytes; false on an error. */
bool http_send(int fd, const char *bytes, size_t n);

/**
 * Parse a response at the front of n bytes.
 *
 * Returns: 1 when it is whole, 0 when more bytes are needed, -1 when it is none.
 */
int http_parse(const char *bytes, size_t n, struct http_response *ret);

/** The whole file, NUL behind it; exits on an error. */
char *http_file(const char *path, size_t *ret_bytes);

/** "POST path" with a body and keep-alive into a new string; n bytes with the body. */
char *http_post(const char *path, const char *body, size_t body_bytes, size_t *ret_bytes);

#endif
