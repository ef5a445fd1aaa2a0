/* SPDX-License-Identifier: Apache-2.0 */
/* The connection pool against a server that answers late, in pieces, or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/tools/replay/http/server.h"
#include "tools/replay/http/pool.h"

#define MS UINT64_C(1000000)

struct client {
    struct qbid_replay_pool *pool;
    unsigned results[4];
    unsigned events;
    int status;
    char body[256];
    char request[256];
    uint64_t latency_ns;
    unsigned conn;
};

static void note(void *context, const struct qbid_replay_pool_event *event)
{
    struct client *client = context;
    client->results[event->result]++;
    client->events++;
    client->status = event->status;
    client->conn = event->conn;
    client->latency_ns = event->latency_ns;
    snprintf(client->body, sizeof client->body, "%.*s", QBID_REPLAY_SPAN_ARGS(event->body));
    snprintf(client->request, sizeof client->request, "%.*s",
             QBID_REPLAY_SPAN_ARGS(event->request));
}

static void open_client(struct client *client, const struct sockaddr_in *address,
                        unsigned connections, int wake_fd)
{
    struct qbid_replay_pool_terms terms = {.address_len = sizeof *address,
                                           .connections = connections,
                                           .wake_fd = wake_fd,
                                           .fn = note,
                                           .context = client};
    *client = (struct client){0};
    memcpy(&terms.address, address, sizeof *address);
    assert_int_equal(qbid_replay_pool_new(&terms, &client->pool), 0);
}

/* Waits for an idle connection; fails the test when there is none within two seconds. */
static unsigned idle(struct client *client)
{
    uint64_t until_ns = qbid_replay_pool_now() + 2000 * MS;
    while (qbid_replay_pool_idle(client->pool) < 0 && qbid_replay_pool_now() < until_ns)
        qbid_replay_pool_poll(client->pool, qbid_replay_pool_now() + 10 * MS);
    assert_true(qbid_replay_pool_idle(client->pool) >= 0);
    return (unsigned)qbid_replay_pool_idle(client->pool);
}

static void send_get(struct client *client, unsigned conn, const char *path, uint64_t timeout_ns)
{
    struct qbid_replay_buffer *buffer = qbid_replay_pool_buffer(client->pool, conn);
    assert_int_equal(buffer->len, 0);
    qbid_replay_buffer_print(buffer, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    qbid_replay_pool_send(client->pool, conn, timeout_ns);
}

static void wait_events(struct client *client, unsigned cnt)
{
    uint64_t until_ns = qbid_replay_pool_now() + 3000 * MS;
    while (client->events < cnt && qbid_replay_pool_now() < until_ns)
        qbid_replay_pool_poll(client->pool, qbid_replay_pool_now() + 10 * MS);
    assert_int_equal(client->events, cnt);
}

/* The script is in the path: /MANNER/DELAY/STATUS; the body repeats the path. */
static void obey(void *context, const char *method, const char *path, const char *body,
                 struct server_reply *reply)
{
    int manner, delay;
    (void)context;
    (void)method;
    (void)body;
    assert_int_equal(sscanf(path, "/%d/%d/%d", &manner, &delay, &reply->status), 3);
    reply->manner = (enum server_manner)manner;
    reply->delay_ms = (unsigned)delay;
    snprintf(reply->body, sizeof reply->body, "you asked for %s", path);
}

static void answers_of_every_manner_are_read_on_one_connection(void **state)
{
    static const struct {
        const char *path;
        int status;
    } cases[] = {{"/0/0/200", 200}, {"/1/0/200", 200}, {"/2/0/404", 404},
                 {"/0/0/204", 204}, {"/0/5/302", 302}, {"/0/0/500", 500}};
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    char body[64];
    (void)state;
    open_client(&client, &address, 1, -1);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        send_get(&client, idle(&client), cases[i].path, 1000 * MS);
        wait_events(&client, i + 1);
        assert_int_equal(client.results[QBID_REPLAY_ANSWERED], i + 1);
        assert_int_equal(client.status, cases[i].status);
        snprintf(body, sizeof body, "you asked for %s", cases[i].path);
        assert_string_equal(client.body, cases[i].status == 204 ? "" : body);
        assert_non_null(strstr(client.request, cases[i].path));
    }
    assert_true(client.latency_ns > 0);
    assert_int_equal(server_connections(server), 1);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void a_late_answer_is_a_time_out_and_never_an_answer_to_the_next_request(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    (void)state;
    open_client(&client, &address, 1, -1);
    send_get(&client, idle(&client), "/0/150/201", 50 * MS);
    wait_events(&client, 1);
    assert_int_equal(client.results[QBID_REPLAY_TIMED_OUT], 1);
    send_get(&client, idle(&client), "/0/300/202", 2000 * MS); /* the late 201 comes meanwhile */
    wait_events(&client, 2);
    assert_int_equal(client.results[QBID_REPLAY_ANSWERED], 1);
    assert_int_equal(client.status, 202);
    assert_int_equal(server_connections(server), 2);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void an_answer_that_came_late_while_nobody_looked_is_a_time_out(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    (void)state;
    open_client(&client, &address, 1, -1);
    send_get(&client, idle(&client), "/0/0/200", 20 * MS);
    usleep(100 *
           1000); /* the answer is here by now, most likely; the deadline has passed for sure */
    wait_events(&client, 1);
    assert_int_equal(client.results[QBID_REPLAY_TIMED_OUT], 1);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void cut_missing_and_broken_answers_are_lost_and_the_connection_is_made_anew(void **state)
{
    static const char *const paths[] = {"/5/0/200", "/6/0/200", "/7/0/200"};
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    (void)state;
    open_client(&client, &address, 1, -1);
    for (unsigned i = 0; i < 3; i++) {
        send_get(&client, idle(&client), paths[i], 1000 * MS);
        wait_events(&client, 2 * i + 1);
        assert_int_equal(client.results[QBID_REPLAY_LOST], i + 1);
        send_get(&client, idle(&client), "/0/0/200", 1000 * MS);
        wait_events(&client, 2 * i + 2);
        assert_int_equal(client.results[QBID_REPLAY_ANSWERED], i + 1);
    }
    assert_int_equal(qbid_replay_pool_query(client.pool).errors, 3);
    assert_int_equal(qbid_replay_pool_query(client.pool).connects, 4);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void a_connection_that_talks_out_of_turn_is_made_anew(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    (void)state;
    open_client(&client, &address, 1, -1);
    send_get(&client, idle(&client), "/4/0/201", 1000 * MS);
    wait_events(&client, 1);
    assert_int_equal(client.status, 201);
    send_get(&client, idle(&client), "/0/0/202", 1000 * MS);
    wait_events(&client, 2);
    assert_int_equal(client.status, 202);
    assert_int_equal(server_connections(server), 2);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void an_announced_close_is_no_error(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    (void)state;
    open_client(&client, &address, 1, -1);
    for (unsigned i = 1; i <= 3; i++) {
        send_get(&client, idle(&client), "/3/0/200", 1000 * MS);
        wait_events(&client, i);
    }
    assert_int_equal(client.results[QBID_REPLAY_ANSWERED], 3);
    assert_int_equal(qbid_replay_pool_query(client.pool).errors, 0);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void connections_take_turns_and_work_at_the_same_time(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    bool used[4] = {false};
    (void)state;
    open_client(&client, &address, 4, -1);
    uint64_t until_ns = qbid_replay_pool_now() + 2000 * MS;
    while (qbid_replay_pool_query(client.pool).open < 4 && qbid_replay_pool_now() < until_ns)
        qbid_replay_pool_poll(client.pool, qbid_replay_pool_now() + 10 * MS);
    for (unsigned i = 0; i < 4; i++) {
        send_get(&client, idle(&client), "/0/0/200", 1000 * MS);
        wait_events(&client, i + 1);
        used[client.conn] = true;
    }
    assert_true(used[0] && used[1] && used[2] && used[3]);
    for (unsigned i = 0; i < 4; i++)
        send_get(&client, idle(&client), "/0/20/200", 1000 * MS);
    assert_int_equal(qbid_replay_pool_query(client.pool).busy, 4);
    assert_int_equal(qbid_replay_pool_idle(client.pool), -1);
    wait_events(&client, 8);
    assert_int_equal(client.results[QBID_REPLAY_ANSWERED], 8);
    qbid_replay_pool_free(client.pool);
    server_stop(server);
}

static void a_refused_connection_is_counted_with_its_reason_and_tried_again(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    struct client client;
    (void)state;
    server_stop(server); /* now nobody listens on its port */
    open_client(&client, &address, 1, -1);
    uint64_t until_ns = qbid_replay_pool_now() + 2000 * MS;
    while (qbid_replay_pool_query(client.pool).errors < 3 && qbid_replay_pool_now() < until_ns)
        qbid_replay_pool_poll(client.pool, qbid_replay_pool_now() + 10 * MS);
    struct qbid_replay_pool_facts facts = qbid_replay_pool_query(client.pool);
    assert_true(facts.errors >= 3);
    assert_int_equal(facts.connects, 0);
    assert_int_equal(facts.last_errno, ECONNREFUSED);
    assert_true(facts.down_ns != 0);
    qbid_replay_pool_free(client.pool);
}

static int listen_by_hand(struct sockaddr_in *address)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)address, &len), 0);
    return listener;
}

static void a_request_that_no_byte_of_was_taken_is_unsent_not_lost(void **state)
{
    const struct linger reset = {.l_onoff = 1};
    struct sockaddr_in address;
    struct client client;
    int listener = listen_by_hand(&address);
    (void)state;
    open_client(&client, &address, 1, -1);
    unsigned conn = idle(&client);
    int peer = accept(listener, NULL, NULL);
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(peer); /* resets the connection; the pool has not polled since */
    send_get(&client, conn, "/", 1000 * MS);
    assert_int_equal(client.events, 1);
    assert_int_equal(client.results[QBID_REPLAY_UNSENT], 1);
    assert_int_equal(qbid_replay_pool_query(client.pool).open, 0);
    qbid_replay_pool_free(client.pool);
    close(listener);
}

static void a_request_that_the_socket_takes_in_parts_is_sent_whole(void **state)
{
    enum { MEGABYTES = 3 };
    struct sockaddr_in address;
    int listener = listen_by_hand(&address); /* the scripted server does not take that much */
    struct client client;
    static char sink[1 << 16];
    size_t received = 0;
    (void)state;
    open_client(&client, &address, 1, -1);
    unsigned conn = idle(&client);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    struct qbid_replay_buffer *buffer = qbid_replay_pool_buffer(client.pool, conn);
    memset(qbid_replay_buffer_reserve(buffer, MEGABYTES << 20), 'x', MEGABYTES << 20);
    buffer->len = MEGABYTES << 20;
    qbid_replay_pool_send(client.pool, conn, 5000 * MS);
    while (received < (size_t)MEGABYTES << 20) {
        ssize_t got = recv(peer, sink, sizeof sink, MSG_DONTWAIT);
        if (got > 0)
            received += (size_t)got;
        else
            qbid_replay_pool_poll(client.pool, qbid_replay_pool_now() + 10 * MS);
        assert_int_equal(client.events, 0);
    }
    assert_int_equal(send(peer, "HTTP/1.1 204 N\r\n\r\n", 18, 0), 18);
    wait_events(&client, 1);
    assert_int_equal(client.results[QBID_REPLAY_ANSWERED], 1);
    qbid_replay_pool_free(client.pool);
    close(peer);
    close(listener);
}

static void a_readable_wake_descriptor_ends_the_poll(void **state)
{
    struct sockaddr_in address;
    struct server *server = server_start(obey, NULL, &address);
    int wake_fd = eventfd(0, EFD_NONBLOCK);
    struct client client;
    (void)state;
    open_client(&client, &address, 1, wake_fd);
    idle(&client);
    assert_int_equal(qbid_replay_pool_poll(client.pool, qbid_replay_pool_now()), 0);
    assert_int_equal(eventfd_write(wake_fd, 1), 0);
    assert_int_equal(qbid_replay_pool_poll(client.pool, qbid_replay_pool_now() + 2000 * MS), 1);
    qbid_replay_pool_free(client.pool);
    close(wake_fd);
    server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_every_manner_are_read_on_one_connection),
        cmocka_unit_test(a_late_answer_is_a_time_out_and_never_an_answer_to_the_next_request),
        cmocka_unit_test(an_answer_that_came_late_while_nobody_looked_is_a_time_out),
        cmocka_unit_test(cut_missing_and_broken_answers_are_lost_and_the_connection_is_made_anew),
        cmocka_unit_test(a_connection_that_talks_out_of_turn_is_made_anew),
        cmocka_unit_test(an_announced_close_is_no_error),
        cmocka_unit_test(connections_take_turns_and_work_at_the_same_time),
        cmocka_unit_test(a_refused_connection_is_counted_with_its_reason_and_tried_again),
        cmocka_unit_test(a_request_that_no_byte_of_was_taken_is_unsent_not_lost),
        cmocka_unit_test(a_request_that_the_socket_takes_in_parts_is_sent_whole),
        cmocka_unit_test(a_readable_wake_descriptor_ends_the_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
