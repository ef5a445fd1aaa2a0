/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 for the end-to-end tests. */
#include "tests/e2e/nginx/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

int http_connect(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

bool http_send(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Value of a header in a head that ends with an empty line; NULL when it is not there. */
static const char *header_find(const char *head, const char *end, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = head; at < end; at++) {
        if (strncasecmp(at, name, n) == 0 && at[n] == ':')
            return at + n + 1 + strspn(at + n + 1, " ");
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL)
            break;
    }
    return NULL;
}

int http_parse(const char *bytes, size_t n, struct http_response *ret)
{
    const char *end = memmem(bytes, n, "\r\n\r\n", 4), *length, *connection;

    if (n >= 9 && memcmp(bytes, "HTTP/1.1 ", 9) != 0)
        return -1;
    if (end == NULL)
        return 0;
    ret->status = atoi(bytes + 9);
    ret->head = (size_t)(end + 4 - bytes);
    length = header_find(bytes, end + 2, "Content-Length");
    if (length == NULL && ret->status != 204 && ret->status >= 200)
        return -1; /* these tests expect no chunked answer */
    ret->body = length != NULL ? strtoul(length, NULL, 10) : 0;
    connection = header_find(bytes, end + 2, "Connection");
    ret->close = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    return n >= ret->head + ret->body;
}

char *http_file(const char *path, size_t *ret_bytes)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t n = 0, max = 0;

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    for (;;) {
        if (max - n < 2) {
            max = max > 0 ? max * 2 : 65536;
            bytes = realloc(bytes, max);
            if (bytes == NULL)
                abort();
        }
        size_t got = fread(bytes + n, 1, max - n - 1, file);
        if (got == 0)
            break;
        n += got;
    }
    fclose(file);
    bytes[n] = '\0';
    *ret_bytes = n;
    return bytes;
}

char *http_post(const char *path, const char *body, size_t body_bytes, size_t *ret_bytes)
{
    size_t max = strlen(path) + 256 + body_bytes;
    char *request = malloc(max);
    int head;

    if (request == NULL)
        abort();
    head = snprintf(request, max,
                    "POST %s HTTP/1.1\r\nHost: ads.example\r\nContent-Type: application/json\r\n"
                    "x-openrtb-version: 2.6\r\nContent-Length: %zu\r\n\r\n",
                    path, body_bytes);
    memcpy(request + head, body, body_bytes);
    *ret_bytes = (size_t)head + body_bytes;
    return request;
}
