/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking sockets and threads: as plain as possible, because tests lean on it. */
#include "tests/tools/replay/http/server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    struct server *server;
    int fd;
    pthread_t thread;
};

struct server {
    server_fn fn;
    void *context;
    int listen_fd;
    pthread_t accept_thread;
    pthread_mutex_t lock; /* of everything below, and held while fn runs */
    bool stopping;
    unsigned connections_cnt;
    struct connection connections[SERVER_CONNECTIONS_MAX];
};

static void check(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static bool send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_bytes(int fd, const char *text, size_t len)
{
    bool ok = true;
    for (size_t i = 0; i < len && ok; i++) {
        ok = send_all(fd, text + i, 1);
        if (i % 16 == 0)
            usleep(100);
    }
    return ok;
}

/* Returns whether the connection stays. */
static bool send_reply(int fd, const struct server_reply *reply)
{
    char text[SERVER_BODY_MAX + 512];
    size_t body_len = strlen(reply->body), half = body_len / 2;
    int len;
    if (reply->delay_ms)
        usleep(reply->delay_ms * 1000);
    if (reply->manner == SERVER_HANG_UP)
        return false;
    if (reply->manner == SERVER_GARBAGE)
        return send_all(fd, "220 mail ready\r\n\r\n", 18) && false;
    if (reply->status == 204)
        len = snprintf(text, sizeof text, "HTTP/1.1 204 No Content\r\n\r\n");
    else if (reply->manner == SERVER_CHUNKED)
        len = snprintf(
            text, sizeof text,
            "HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n%.*s\r\n%zx\r\n%s\r\n"
            "0\r\n\r\n",
            reply->status, half, (int)half, reply->body, body_len - half, reply->body + half);
    else
        len = snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s",
                       reply->status, body_len,
                       reply->manner == SERVER_CLOSE ? "Connection: close\r\n" : "", reply->body);
    if (reply->manner == SERVER_CUT)
        return send_all(fd, text, (size_t)len - body_len / 2 - 1) && false;
    if (reply->manner == SERVER_BYTES)
        return send_bytes(fd, text, (size_t)len);
    if (reply->manner == SERVER_EXTRA)
        len += snprintf(text + len, sizeof text - (size_t)len, "HTTP/1.1 200 OK\r\n\r\n");
    return send_all(fd, text, (size_t)len) && reply->manner != SERVER_CLOSE;
}

/* Reads one request into text; returns its head's length, or 0 at the end of the connection. */
static size_t read_request(int fd, char *text, size_t cap, size_t *have, size_t *ret_body_len)
{
    for (;;) {
        text[*have] = '\0';
        char *head_end = strstr(text, "\r\n\r\n");
        if (head_end) {
            const char *length = strstr(text, "Content-Length: ");
            size_t head_len = (size_t)(head_end + 4 - text);
            *ret_body_len = length && length < head_end ? (size_t)atoi(length + 16) : 0;
            if (*have >= head_len + *ret_body_len)
                return head_len;
        }
        ssize_t got = recv(fd, text + *have, cap - 1 - *have, 0);
        if (got <= 0)
            return 0;
        *have += (size_t)got;
    }
}

static bool serve_one(struct server *server, int fd, char *text, size_t cap, size_t *have)
{
    char method[8], path[4096], body[SERVER_BODY_MAX];
    struct server_reply *reply = calloc(1, sizeof *reply);
    size_t body_len = 0, head_len = read_request(fd, text, cap, have, &body_len);
    bool stays = false;
    check(reply != NULL, "calloc");
    if (head_len && sscanf(text, "%7s %4095s", method, path) == 2 && body_len < sizeof body) {
        memcpy(body, text + head_len, body_len);
        body[body_len] = '\0';
        *have -= head_len + body_len;
        memmove(text, text + head_len + body_len, *have);
        reply->status = 200;
        pthread_mutex_lock(&server->lock);
        if (!server->stopping)
            server->fn(server->context, method, path, body, reply);
        pthread_mutex_unlock(&server->lock);
        stays = send_reply(fd, reply);
    }
    free(reply);
    return stays;
}

static void *serve(void *argument)
{
    struct connection *connection = argument;
    char *text = malloc(1 << 16);
    size_t have = 0;
    check(text != NULL, "malloc");
    while (serve_one(connection->server, connection->fd, text, 1 << 16, &have))
        ;
    shutdown(connection->fd, SHUT_RDWR);
    free(text);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct server *server = argument;
    int fd;
    while ((fd = accept(server->listen_fd, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&server->lock);
        check(server->connections_cnt < SERVER_CONNECTIONS_MAX, "too many connections");
        struct connection *connection = &server->connections[server->connections_cnt++];
        connection->server = server;
        connection->fd = fd;
        check(pthread_create(&connection->thread, NULL, serve, connection) == 0, "pthread_create");
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

struct server *server_start(server_fn fn, void *context, struct sockaddr_in *ret_address)
{
    struct server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    check(server != NULL, "calloc");
    server->fn = fn;
    server->context = context;
    pthread_mutex_init(&server->lock, NULL);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(server->listen_fd >= 0, "socket");
    check(bind(server->listen_fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(listen(server->listen_fd, 1024) == 0, "listen");
    check(getsockname(server->listen_fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    check(pthread_create(&server->accept_thread, NULL, accept_all, server) == 0, "pthread_create");
    *ret_address = address;
    return server;
}

unsigned server_connections(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned cnt = server->connections_cnt;
    pthread_mutex_unlock(&server->lock);
    return cnt;
}

void server_refuse(struct server *server)
{
    shutdown(server->listen_fd, SHUT_RDWR);
}

void server_stop(struct server *server)
{
    shutdown(server->listen_fd, SHUT_RDWR);
    pthread_join(server->accept_thread, NULL);
    close(server->listen_fd);
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < server->connections_cnt; i++) {
        shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    pthread_mutex_destroy(&server->lock);
    free(server);
}
