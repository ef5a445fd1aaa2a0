/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests at a rate, over keep-alive connections: what an exchange does that does not wait.
 *
 *     pace PORT PATH FILE CONNECTIONS RATE:MS...
 *
 * FILE has a body a line; a line "@PATH" stands for the bytes of that file. In each phase requests
 * are due RATE times a second for MS milliseconds; one that is due while every connection waits for
 * an answer is not sent, and counted (with RATE 0 each connection has its next request as soon as
 * it has its answer; with RATE spin too, and nothing sleeps, so that no answer has to wake the
 * load, which costs the worker as well). Times run from when a request was due, so that what waits
 * behind a slow answer counts. All connections are opened before the first phase and stay open over
 * the phases; one that ends with a request on it has lost it, and is opened again.
 *
 * Prints a line for each phase, of the requests that were due in it (times in microseconds):
 *     phase 1 sent N unsent N answers N lost N bids N nobids N other N late N p50_us N p99_us N
 * p999_us N max_us N late: answered after PACE_LATE_MS; other: neither 200 nor 204. Then
 * "connections N" (all that were ever opened) and "cpu_us N" of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/histogram.h"
#include "tests/e2e/nginx/http.h"

#define PACE_CONNECTIONS_MAX 4096
#define PACE_BODIES_MAX 8192
#define PACE_PHASES_MAX 16
#define PACE_ANSWER_MAX 65536
#define PACE_LATE_MS 100
#define PACE_SPIN_NS 200000 /* what is due sooner than that is waited for awake */
#define PACE_DRAIN_NS 10000000000

struct connection {
    int fd;
    bool waiting;
    unsigned phase;
    uint64_t due_ns;
    size_t n;
    char bytes[PACE_ANSWER_MAX];
};

struct phase {
    double rate; /* 0 = as fast as answers come */
    bool spin;
    uint64_t ms, sent, unsent, answers, lost, bids, nobids, other, late, max_ns;
    struct histogram times;
};

struct pace {
    int epoll, port;
    unsigned connection_cnt, phase_cnt, free_cnt, body_at, body_cnt;
    uint64_t opened;
    char *request[PACE_BODIES_MAX];
    size_t bytes[PACE_BODIES_MAX];
    unsigned
        free[PACE_CONNECTIONS_MAX]; /* connections without a request on them, the next one last */
    struct phase phase[PACE_PHASES_MAX];
    struct connection connection[PACE_CONNECTIONS_MAX];
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void open_connection(struct pace *pace, struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    c->fd = http_connect(pace->port);
    c->n = 0;
    c->waiting = false;
    if (c->fd < 0) {
        perror("pace: connect");
        exit(1);
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(pace->epoll, EPOLL_CTL_ADD, c->fd, &event);
    pace->opened++;
}

static void release(struct pace *pace, struct connection *c)
{
    c->waiting = false;
    c->n = 0;
    pace->free[pace->free_cnt++] = (unsigned)(c - pace->connection);
}

/* The connection has ended; what was on it is lost. */
static void reopen(struct pace *pace, struct connection *c)
{
    bool was_free = !c->waiting;

    if (c->waiting)
        pace->phase[c->phase].lost++;
    close(c->fd);
    open_connection(pace, c);
    if (!was_free)
        release(pace, c);
}

static void send_one(struct pace *pace, unsigned phase, uint64_t due_ns)
{
    struct connection *c;
    unsigned body = pace->body_at;

    if (pace->free_cnt == 0) {
        pace->phase[phase].unsent++;
        return;
    }
    c = &pace->connection[pace->free[--pace->free_cnt]];
    pace->body_at = body + 1 < pace->body_cnt ? body + 1 : 0;
    pace->phase[phase].sent++;
    c->waiting = true;
    c->phase = phase;
    c->due_ns = due_ns;
    if (!http_send(c->fd, pace->request[body], pace->bytes[body]))
        reopen(pace, c);
}

static void take_answer(struct pace *pace, struct connection *c,
                        const struct http_response *response)
{
    struct phase *phase = &pace->phase[c->phase];
    uint64_t took_ns = now_ns() - c->due_ns;

    phase->answers++;
    phase->bids += response->status == 200;
    phase->nobids += response->status == 204;
    phase->other += response->status != 200 && response->status != 204;
    phase->late += took_ns > PACE_LATE_MS * UINT64_C(1000000);
    if (took_ns > phase->max_ns)
        phase->max_ns = took_ns;
    histogram_add(&phase->times, took_ns);
    release(pace, c);
    if (response->close) {
        close(c->fd);
        open_connection(pace, c);
    }
}

static void receive(struct pace *pace, struct connection *c)
{
    struct http_response response;
    ssize_t got = read(c->fd, c->bytes + c->n, sizeof(c->bytes) - c->n);
    int rc;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !c->waiting) {
        reopen(pace, c);
        return;
    }
    c->n += (size_t)got;
    rc = http_parse(c->bytes, c->n, &response);
    if (rc < 0)
        reopen(pace, c);
    else if (rc > 0)
        take_answer(pace, c, &response);
}

/* Take what has come, waiting until something does or until_ns. */
static void take(struct pace *pace, uint64_t until_ns)
{
    struct epoll_event events[256];
    struct timespec wait = {0};
    uint64_t now = now_ns();
    int got;

    if (until_ns > now + PACE_SPIN_NS)
        wait.tv_nsec = (long)(until_ns - now - PACE_SPIN_NS);
    if (wait.tv_nsec > 100000000)
        wait.tv_nsec = 100000000;
    got = epoll_pwait2(pace->epoll, events, 256, &wait, NULL);
    for (int i = 0; i < got; i++)
        receive(pace, events[i].data.ptr);
}

static void run_phase(struct pace *pace, unsigned number)
{
    struct phase *phase = &pace->phase[number];
    uint64_t start = now_ns(), end = start + phase->ms * 1000000, due = start, sent = 0;

    while (due < end) {
        if (phase->rate > 0) {
            due = start + (uint64_t)((double)sent / phase->rate * 1e9);
            for (uint64_t now = now_ns(); due <= now && due < end;
                 due = start + (uint64_t)((double)++sent / phase->rate * 1e9))
                send_one(pace, number, due);
        } else {
            due = now_ns();
            while (pace->free_cnt > 0)
                send_one(pace, number, due);
        }
        take(pace, phase->spin ? 0 : phase->rate > 0 ? due : end);
    }
}

static void print(const struct pace *pace)
{
    struct rusage usage;

    for (unsigned i = 0; i < pace->phase_cnt; i++) {
        const struct phase *p = &pace->phase[i];

        printf("phase %u sent %lu unsent %lu answers %lu lost %lu bids %lu nobids %lu other %lu "
               "late %lu "
               "p50_us %.1f p99_us %.1f p999_us %.1f max_us %.1f\n",
               i + 1, p->sent, p->unsent, p->answers, p->lost, p->bids, p->nobids, p->other,
               p->late, histogram_quantile(&p->times, 0.5) / 1e3,
               histogram_quantile(&p->times, 0.99) / 1e3,
               histogram_quantile(&p->times, 0.999) / 1e3, (double)p->max_ns / 1e3);
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("connections %lu\ncpu_us %ld\n", pace->opened,
           usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec);
}

static void add_body(struct pace *pace, const char *path, const char *line, size_t len)
{
    char *from = line[0] == '@' ? http_file(line + 1, &len) : NULL;

    pace->request[pace->body_cnt] =
        http_post(path, from != NULL ? from : line, len, &pace->bytes[pace->body_cnt]);
    pace->body_cnt++;
    free(from);
}

static void read_bodies(struct pace *pace, const char *path, const char *file)
{
    size_t bytes;
    char *text = http_file(file, &bytes), *end;

    for (char *at = text; at < text + bytes && pace->body_cnt < PACE_BODIES_MAX; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text + bytes - at));
        if (end == NULL)
            end = text + bytes;
        *end = '\0'; /* http_file() has put one behind the last line */
        add_body(pace, path, at, (size_t)(end - at));
    }
    free(text);
}

static bool read_phases(struct pace *pace, char **words, int n)
{
    for (int i = 0; i < n && i < PACE_PHASES_MAX; i++) {
        struct phase *phase = &pace->phase[pace->phase_cnt++];

        phase->spin = sscanf(words[i], "spin:%lu", &phase->ms) == 1;
        if (!phase->spin && sscanf(words[i], "%lf:%lu", &phase->rate, &phase->ms) != 2)
            return false;
    }
    return pace->phase_cnt > 0;
}

int main(int argc, char **argv)
{
    struct pace *pace = calloc(1, sizeof(*pace));
    uint64_t end;

    if (pace == NULL || argc < 6 || !read_phases(pace, argv + 5, argc - 5)) {
        fprintf(stderr, "usage: pace PORT PATH FILE CONNECTIONS RATE:MS...\n");
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1);
    pace->port = atoi(argv[1]);
    read_bodies(pace, argv[2], argv[3]);
    pace->connection_cnt = (unsigned)atoi(argv[4]);
    if (pace->body_cnt == 0 || pace->connection_cnt > PACE_CONNECTIONS_MAX) {
        fprintf(stderr, "pace: no body in %s, or more than %d connections\n", argv[3],
                PACE_CONNECTIONS_MAX);
        return 2;
    }
    pace->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = pace->connection_cnt; i-- > 0;) {
        open_connection(pace, &pace->connection[i]);
        release(pace, &pace->connection[i]);
    }
    for (unsigned i = 0; i < pace->phase_cnt; i++)
        run_phase(pace, i);
    end = now_ns() + PACE_DRAIN_NS;
    while (pace->free_cnt < pace->connection_cnt && now_ns() < end)
        take(pace, end);
    for (unsigned i = 0; i < pace->connection_cnt; i++) {
        if (pace->connection[i].waiting)
            pace->phase[pace->connection[i].phase].lost++;
    }
    print(pace);
    return 0;
}
