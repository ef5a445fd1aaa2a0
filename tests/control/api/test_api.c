/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: whole lines, bounded clients, and nobody who can hold up the loop. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/api/api.h"
#include "control/api/socket.h"
#include "control/client.h"
#include "shm/error.h"

#define S UINT64_C(1000000000)

struct fixture {
    char folder[32], path[64];
    struct qbid_api *api;
    size_t answer_bytes; /* 0 = echo */
    char last[64];
    struct qbid_api_peer peer;
};

static char *answer(void *context, const struct qbid_api_peer *peer, const char *request,
                    size_t len)
{
    struct fixture *f = context;
    f->peer = *peer;
    snprintf(f->last, sizeof f->last, "%s", request);
    assert_int_equal(strlen(request), len);
    if (f->answer_bytes) {
        char *text = malloc(f->answer_bytes + 1);
        memset(text, 'a', f->answer_bytes);
        text[f->answer_bytes] = '\0';
        return text;
    }
    char *text = malloc(len + 8);
    sprintf(text, "got %s", request);
    return text;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/qbid-api-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/sub/c.sock", f->folder);
    struct qbid_api_params params = {f->path, 0660, answer, f};
    *state = f;
    return qbid_api_new(&params, &f->api);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char sub[64];
    qbid_api_free(f->api);
    snprintf(sub, sizeof sub, "%s/sub", f->folder);
    if (rmdir(sub) != 0 || rmdir(f->folder) != 0) /* no socket is left behind */
        return -1;
    free(f);
    return 0;
}

static int connect_to(struct fixture *f)
{
    int fd = qbid_socket_connect(f->path, 1000);
    assert_true(fd >= 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What has arrived so far; "" for nothing, "-" for a hang-up. */
static const char *get(int fd)
{
    static char text[256];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    if (n < 0)
        return errno == ECONNRESET ? "-" : "";
    text[n] = '\0';
    return n ? text : "-";
}

static void ticks(struct fixture *f, uint64_t now_ns)
{
    for (int i = 0; i < 8; i++)
        qbid_api_tick(f->api, now_ns);
}

static void a_line_is_answered_by_a_line(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    int fd = connect_to(f);
    put(fd, "{\"cmd\":\"sta");
    ticks(f, S);
    assert_string_equal(get(fd), "");
    put(fd, "tus\"}\n");
    ticks(f, S);
    assert_string_equal(get(fd), "got {\"cmd\":\"status\"}\n");
    assert_int_equal(f->peer.pid, getpid());
    assert_int_equal(f->peer.uid, geteuid());
    put(fd, "one\ntwo\n");
    ticks(f, S);
    assert_string_equal(get(fd), "got one\ngot two\n");
    close(fd);
    ticks(f, S);
    struct qbid_api_counters c = qbid_api_counters_load(f->api);
    assert_int_equal(c.requests, 3);
    assert_int_equal(c.connections, 1);
    assert_int_equal(c.clients, 0);
}

static void a_client_that_does_not_read_is_dropped_and_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    int slow = connect_to(f), other = connect_to(f);
    f->answer_bytes = 8 << 20;
    put(slow, "big\n");
    ticks(f, S);
    f->answer_bytes = 0;
    put(other, "small\n");
    ticks(f, 2 * S);
    assert_string_equal(get(other), "got small\n");
    assert_int_equal(qbid_api_counters_load(f->api).dropped, 0);
    ticks(f, S + QBID_API_STALL_NS + 1);
    struct qbid_api_counters c = qbid_api_counters_load(f->api);
    assert_int_equal(c.dropped, 1);
    assert_int_equal(c.clients, 1);
    close(slow);
    close(other);
}

static void a_slow_but_moving_reader_gets_everything(void **state)
{
    struct fixture *f = *state;
    int fd = connect_to(f);
    f->answer_bytes = 3 << 20;
    put(fd, "big\n");
    uint64_t now = S;
    size_t total = 0;
    char buffer[65536];
    while (total < f->answer_bytes + 1) {
        now += QBID_API_STALL_NS / 2;
        ticks(f, now);
        ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        assert_true(n > 0);
        total += (size_t)n;
    }
    assert_int_equal(total, f->answer_bytes + 1);
    assert_int_equal(qbid_api_counters_load(f->api).dropped, 0);
    close(fd);
}

static void one_client_too_many_takes_the_stillest_ones_place(void **state)
{
    struct fixture *f = *state;
    int fd[QBID_API_CLIENTS_MAX + 1];
    for (unsigned i = 0; i < QBID_API_CLIENTS_MAX; i++) {
        fd[i] = connect_to(f);
        ticks(f, (i + 1) * S);
    }
    put(fd[0], "awake\n");
    ticks(f, 100 * S);
    assert_string_equal(get(fd[0]), "got awake\n");
    fd[QBID_API_CLIENTS_MAX] = connect_to(f);
    ticks(f, 101 * S);
    assert_string_equal(get(fd[1]), "-");
    put(fd[QBID_API_CLIENTS_MAX], "new\n");
    put(fd[0], "old\n");
    ticks(f, 102 * S);
    assert_string_equal(get(fd[QBID_API_CLIENTS_MAX]), "got new\n");
    assert_string_equal(get(fd[0]), "got old\n");
    assert_int_equal(qbid_api_counters_load(f->api).clients, QBID_API_CLIENTS_MAX);
    for (unsigned i = 0; i <= QBID_API_CLIENTS_MAX; i++)
        close(fd[i]);
}

static void *flood(void *arg)
{
    int fd = *(int *)arg;
    char *block = malloc(1 << 20);
    memset(block, 'x', 1 << 20);
    while (send(fd, block, 1 << 20, MSG_NOSIGNAL) > 0)
        ;
    free(block);
    return NULL;
}

static void an_endless_request_is_refused(void **state)
{
    struct fixture *f = *state;
    int fd = connect_to(f);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flood, &fd), 0);
    while (qbid_api_counters_load(f->api).refused == 0)
        qbid_api_tick(f->api, S);
    pthread_join(thread, NULL);
    assert_int_equal(qbid_api_counters_load(f->api).clients, 0);
    assert_non_null(strstr(get(fd), "\"ok\":false"));
    close(fd);
}

static void a_living_socket_is_not_taken_and_a_dead_one_is(void **state)
{
    struct fixture *f = *state;
    struct qbid_api *second = NULL;
    struct qbid_api_params params = {f->path, 0600, answer, f};
    assert_int_equal(qbid_api_new(&params, &second), QBID_ERR_FULL);
    char dead[80];
    snprintf(dead, sizeof dead, "%s/sub/d.sock", f->folder);
    int left = qbid_socket_listen(dead, 0600);
    assert_true(left >= 0);
    close(left); /* as after kill -9: the name stays */
    assert_int_equal(access(dead, F_OK), 0);
    params.path = dead;
    assert_int_equal(qbid_api_new(&params, &second), 0);
    qbid_api_free(second);
    assert_int_not_equal(access(dead, F_OK), 0);
}

struct serving {
    struct fixture *f;
    _Atomic bool stop;
};

static void *serve(void *arg)
{
    struct serving *s = arg;
    while (!s->stop) {
        qbid_api_tick(s->f->api, S);
        usleep(200);
    }
    return NULL;
}

static void the_client_asks_and_gets_answers_of_any_length(void **state)
{
    struct fixture *f = *state;
    struct serving serving = {f, false};
    struct qbid_client *client;
    pthread_t thread;
    char *text;
    assert_int_equal(pthread_create(&thread, NULL, serve, &serving), 0);
    assert_int_equal(qbid_client_new(f->path, 5000, &client), 0);
    assert_int_equal(qbid_client_call(client, "hello", &text), 0);
    assert_string_equal(text, "got hello");
    free(text);
    f->answer_bytes = 3000000;
    assert_int_equal(qbid_client_call(client, "more", &text), 0);
    assert_int_equal(strlen(text), 3000000);
    free(text);
    assert_int_equal(qbid_client_call(client, "two\nlines", &text), QBID_ERR_INVAL);
    serving.stop = true;
    pthread_join(thread, NULL);
    qbid_client_free(client);
    assert_int_equal(qbid_client_new(f->path, 50, &client), 0);
    assert_int_equal(qbid_client_call(client, "nobody", &text), QBID_ERR_EXPIRED);
    qbid_client_free(client);
    assert_int_equal(qbid_client_new("/nonexistent/c.sock", 50, &client), QBID_ERR_NOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_answered_by_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_is_dropped_and_holds_up_nobody,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_but_moving_reader_gets_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(one_client_too_many_takes_the_stillest_ones_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_endless_request_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_living_socket_is_not_taken_and_a_dead_one_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_client_asks_and_gets_answers_of_any_length, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
