/* SPDX-License-Identifier: Apache-2.0 */
/* A small exchange for the end-to-end tests of the nginx module.
 *
 *     client lines PORT PATH FILE         each line of FILE as the body of a POST on one
 * connection; prints "LINE STATUS BYTES", then "connections N" client repeat PORT PATH FILE N FILE
 * as a body N times, one connection, one after the other client pipeline PORT PATH FILE N    the
 * same, all sent before the first answer is read client pieces PORT DELAY_MS FILE..  raw bytes of
 * each FILE with a pause behind each; prints the answers' status lines until the server is silent
 * for 1 s client load PORT PATH FILE CONNECTIONS SECONDS PAUSE_US see load.h
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/nginx/http.h"
#include "tests/e2e/nginx/load.h"

#define SILENCE_MS 300
#define ANSWER_MS 10000 /* longer than any test's server may think */

struct line_reader {
    int fd;
    size_t n;
    char bytes[HTTP_BUFFER_MAX];
};

/* 1 with a response in front of the buffer, 0 when the server is silent, -1 when it hung up or sent
 * what is no response. */
static int reader_next(struct line_reader *reader, int wait_ms, struct http_response *ret)
{
    for (;;) {
        struct pollfd p = {.fd = reader->fd, .events = POLLIN};
        int rc = http_parse(reader->bytes, reader->n, ret);
        ssize_t got;

        if (rc != 0)
            return rc;
        if (poll(&p, 1, wait_ms) <= 0)
            return 0;
        got = read(reader->fd, reader->bytes + reader->n, sizeof(reader->bytes) - reader->n);
        if (got <= 0)
            return -1;
        reader->n += (size_t)got;
    }
}

static void reader_drop(struct line_reader *reader, const struct http_response *response)
{
    size_t used = response->head + response->body;

    memmove(reader->bytes, reader->bytes + used, reader->n - used);
    reader->n -= used;
}

static bool reader_open(struct line_reader *reader, int port, unsigned *connections)
{
    if (reader->fd >= 0)
        return true;
    reader->n = 0;
    reader->fd = http_connect(port);
    (*connections)++;
    return reader->fd >= 0;
}

/* One request and its answer on a connection that is kept. */
static bool exchange(struct line_reader *reader, int port, const char *request, size_t n,
                     unsigned *connections, struct http_response *ret)
{
    if (!reader_open(reader, port, connections) || !http_send(reader->fd, request, n) ||
        reader_next(reader, ANSWER_MS, ret) != 1)
        return false;
    reader_drop(reader, ret);
    if (ret->close) {
        close(reader->fd);
        reader->fd = -1;
    }
    return true;
}

static int run_lines(struct line_reader *reader, int port, const char *path, const char *file)
{
    unsigned connections = 0, number = 0;
    size_t bytes;
    char *text = http_file(file, &bytes);

    for (char *at = text, *end; at < text + bytes; at = end + 1) {
        struct http_response response;
        size_t n;
        char *request;

        end = memchr(at, '\n', (size_t)(text + bytes - at));
        if (end == NULL)
            end = text + bytes;
        request = http_post(path, at, (size_t)(end - at), &n);
        number++;
        if (!exchange(reader, port, request, n, &connections, &response)) {
            printf("%u lost\n", number);
            return 1;
        }
        printf("%u %d %zu\n", number, response.status, response.body);
        free(request);
    }
    printf("connections %u\n", connections);
    free(text);
    return 0;
}

static int run_repeat(struct line_reader *reader, int port, const char *path, const char *file,
                      unsigned times, bool pipeline)
{
    unsigned connections = 0, status[600] = {0};
    size_t bytes, n;
    char *body = http_file(file, &bytes);
    char *request = http_post(path, body, bytes, &n);

    for (unsigned i = 0; pipeline && i < times; i++) {
        if (!reader_open(reader, port, &connections) || !http_send(reader->fd, request, n))
            return 1;
    }
    for (unsigned i = 0; i < times; i++) {
        struct http_response response;
        bool answered;

        if (pipeline) {
            answered = reader_next(reader, ANSWER_MS, &response) == 1;
            if (answered)
                reader_drop(reader, &response);
        } else {
            answered = exchange(reader, port, request, n, &connections, &response);
        }
        if (!answered || response.status < 0 || response.status >= 600) {
            printf("lost at %u\n", i);
            return 1;
        }
        status[response.status]++;
    }
    for (int i = 0; i < 600; i++) {
        if (status[i] > 0)
            printf("%d %u\n", i, status[i]);
    }
    printf("connections %u\n", connections);
    free(request);
    free(body);
    return 0;
}

static int run_pieces(struct line_reader *reader, int port, int delay_ms, char **files, int n)
{
    struct http_response response;
    int rc;

    reader->fd = http_connect(port);
    for (int i = 0; i < n; i++) {
        size_t bytes;
        char *text = http_file(files[i], &bytes);

        if (reader->fd < 0 || !http_send(reader->fd, text, bytes))
            return 1;
        free(text);
        usleep((useconds_t)delay_ms * 1000);
    }
    while ((rc = reader_next(reader, SILENCE_MS, &response)) == 1) {
        printf("%d %zu%s\n", response.status, response.body, response.close ? " close" : "");
        reader_drop(reader, &response);
    }
    printf("%s\n", rc == 0 ? "open" : "closed");
    return 0;
}

int main(int argc, char **argv)
{
    static struct line_reader reader = {.fd = -1};
    const char *what = argc > 4 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 0;

    if (strcmp(what, "lines") == 0)
        return run_lines(&reader, port, argv[3], argv[4]);
    if (strcmp(what, "repeat") == 0 && argc == 6)
        return run_repeat(&reader, port, argv[3], argv[4], (unsigned)atoi(argv[5]), false);
    if (strcmp(what, "pipeline") == 0 && argc == 6)
        return run_repeat(&reader, port, argv[3], argv[4], (unsigned)atoi(argv[5]), true);
    if (strcmp(what, "pieces") == 0)
        return run_pieces(&reader, port, atoi(argv[3]), argv + 4, argc - 4);
    if (strcmp(what, "load") == 0 && argc >= 8)
        return load_run(port, argv[3], argv[4], (unsigned)atoi(argv[5]), (unsigned)atoi(argv[6]),
                        (unsigned)atoi(argv[7]), argc > 8 && strcmp(argv[8], "once") == 0);
    fprintf(stderr, "usage: client lines|repeat|pipeline|pieces|load PORT ...\n");
    return 2;
}
