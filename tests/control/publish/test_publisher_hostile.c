/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher against clients that lie, flood, hang, or may not be there at all. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/memfd.h"
#include "tests/control/publish/rig.h"
#include "tests/shm/process.h"

#define NOBODY 65534

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    *state = r;
    rig_open(r, 1);
    return rig_publish(r);
}

static int teardown(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

static void a_client_that_breaks_the_protocol_is_dropped(void **state)
{
    struct rig *r = *state;
    static const struct {
        bool greet;
        enum qbid_msg_type type;
        uint64_t a;
        int magic;
    } cases[] = {
        {false, QBID_MSG_WORKER, 0, 0},
        {false, QBID_MSG_ADOPTED, 1, 0},
        {true, QBID_MSG_HELLO, 1, 0},
        {true, QBID_MSG_WORKER, QBID_HANDOVER_COOKIES_MAX, 0},
        {true, QBID_MSG_WORKER, UINT64_MAX, 0},
        {true, QBID_MSG_GONE, 64, 0},
        {true, QBID_MSG_STAGE, 1, 0},
        {true, (enum qbid_msg_type)0, 1, 0},
        {true, (enum qbid_msg_type)60000, 1, 0},
        {true, QBID_MSG_ADOPTED, 1, 5},
    };
    unsigned fds = process_fds();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int sock = rig_connect(r, cases[i].greet);
        struct qbid_msg msg = qbid_handover_msg(cases[i].type);
        msg.u.n.a = cases[i].a;
        msg.magic += (uint32_t)cases[i].magic;
        qbid_handover_send(sock, &msg, -1);
        rig_tick(r);
        assert_true(rig_hung_up(r, sock));
        close(sock);
    }
    assert_int_equal(process_fds(), fds);
    assert_int_equal(r->lines, 1); /* one cause, one minute */
    assert_int_equal(r->attached, 0);
}

static void messages_of_a_wrong_size_or_with_descriptors_are_refused(void **state)
{
    struct rig *r = *state;
    unsigned fds = process_fds();
    for (size_t bytes = 1; bytes <= 200; bytes += 63) {
        char noise[200] = {0};
        int sock = rig_connect(r, true);
        assert_true(send(sock, noise, bytes, 0) == (ssize_t)bytes);
        rig_tick(r);
        assert_true(rig_hung_up(r, sock));
        close(sock);
    }
    int sock = rig_connect(r, true);
    rig_say(r, sock, QBID_MSG_ADOPTED, 1, 0, STDIN_FILENO);
    assert_true(rig_hung_up(r, sock));
    close(sock);
    assert_int_equal(process_fds(), fds);
}

static void a_page_that_cannot_be_trusted_is_replaced_by_a_new_one(void **state)
{
    struct rig *r = *state;
    for (int kind = 0; kind < 4; kind++) {
        struct qbid_page page;
        void *base;
        size_t bytes;
        int sock = rig_connect(r, true), new_fd = -1;
        int fd = rig_page(RIG_BUDGETS, 10, kind != 0, &page, &base, &bytes);
        if (kind == 1)
            page.header->magic++;
        if (kind == 2)
            page.header->ring_off = bytes;
        if (kind == 3)
            page.header->budget_max = 1u << 30;
        assert_true(rig_worker(r, sock, 3, fd, &new_fd) >= 0);
        assert_true(new_fd >= 0);
        struct qbid_page fresh;
        void *fresh_base;
        size_t fresh_bytes;
        assert_int_equal(
            qbid_memfd_map(new_fd, QBID_MEMFD_PAGE, 1, 1 << 24, &fresh_base, &fresh_bytes), 0);
        assert_int_equal(qbid_page_attach(fresh_base, fresh_bytes, &fresh), 0);
        assert_int_equal(fresh.budget_max, RIG_BUDGETS);
        munmap(fresh_base, fresh_bytes);
        munmap(base, bytes);
        close(fd), close(new_fd), close(sock);
        rig_tick(r);
    }
    int sock = rig_connect(r, true), new_fd = -1;
    assert_true(rig_worker(r, sock, 0, STDERR_FILENO, &new_fd) >= 0); /* not even a memory file */
    assert_true(new_fd >= 0);
    close(new_fd), close(sock);
    RIG_UNTIL(r, rig_workers(r) == 0);
    assert_int_equal(r->attached, r->detached);
}

static void a_good_page_is_gone_on_with_and_one_of_another_shape_is_read_first(void **state)
{
    static const struct {
        uint32_t budgets;
        unsigned lg_events; /* the rig's are of 10 */
        bool replaced;
    } of[] = {{RIG_BUDGETS, 10, false},
              {RIG_BUDGETS, 12, false},
              {RIG_BUDGETS * 2, 10, true},
              {RIG_BUDGETS, 7, true}};
    struct rig *r = *state;
    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct qbid_page page;
        void *base;
        size_t bytes;
        uint64_t events = r->events;
        uint32_t attached = r->attached;
        int sock = rig_connect(r, true), new_fd = -1;
        int fd = rig_page(of[i].budgets, of[i].lg_events, true, &page, &base, &bytes);
        struct qbid_event event = {.kind = QBID_EVENT_BILL};
        for (int e = 0; e < 5; e++)
            assert_true(qbid_page_push(&page, &event));
        assert_true(rig_worker(r, sock, 3, fd, &new_fd) >= 0);
        assert_int_equal(new_fd >= 0, of[i].replaced);
        assert_int_equal(r->attached - attached, 1 + of[i].replaced);
        assert_int_equal(r->events - events, of[i].replaced ? 5 : 0);
        assert_int_equal(rig_workers(r), 1);
        close(sock);
        RIG_UNTIL(r, rig_workers(r) == 0);
        assert_int_equal(r->events - events, 5);
        munmap(base, bytes);
        close(fd);
        if (new_fd >= 0)
            close(new_fd);
    }
}

static void a_client_that_does_not_read_is_dropped_and_blocks_nobody(void **state)
{
    struct rig *r = *state;
    int deaf = rig_connect(r, true), fd = -1, small = 1;
    setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_true(rig_worker(r, deaf, 0, -1, &fd) >= 0);
    close(fd);
    rig_reader_start(r, 0);
    assert_int_equal(rig_workers(r), 2);
    struct qbid_keys keys = {.id = {1, 2}};
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    int sent = 0;
    for (; rig_workers(r) == 2 && sent < 100000; sent++) {
        keys.id[0] = (uint8_t)(1 + sent % 200);
        qbid_publisher_set_keys(r->publisher, &keys);
        if (sent % 8 == 0)
            RIG_UNTIL(r, r->report[0].key == keys.id[0]); /* who reads keeps up */
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(sent < 100000);
    assert_true(to.tv_sec - from.tv_sec < 60); /* it would hang for ever, not for long */
    assert_int_equal(r->lines, 1);
    assert_non_null(strstr(r->last_line, "does not read"));
    assert_true(rig_hung_up(r, deaf));
    RIG_UNTIL(r, r->report[0].key == keys.id[0]);
    close(deaf);
}

static void a_flood_of_messages_does_not_keep_others_from_being_served(void **state)
{
    struct rig *r = *state;
    pid_t flood = fork();
    if (flood == 0) {
        rig_child();
        int sock = qbid_handover_connect(r->path, 1000);
        struct qbid_msg msg = qbid_handover_msg(QBID_MSG_HELLO);
        qbid_handover_send(sock, &msg, -1);
        msg = qbid_handover_msg(QBID_MSG_ADOPTED);
        for (;;)
            qbid_handover_send(sock, &msg, -1);
    }
    for (int i = 0; i < 20; i++)
        assert_true(qbid_publisher_tick(r->publisher) <= 64);
    rig_reader_start(r, 0);
    assert_int_equal(rig_publish(r), 0);
    RIG_UNTIL(r, r->report[0].gen == r->gen);
    kill(flood, SIGKILL);
    waitpid(flood, NULL, 0);
}

static void who_connects_and_says_nothing_or_talks_to_itself_holds_nothing(void **state)
{
    struct rig *r = *state;
    int mute = rig_connect(r, false);
    assert_int_equal(rig_publish(r), 0);
    struct qbid_publisher_counters c = qbid_publisher_counters_load(r->publisher);
    assert_int_equal(c.held_generations, 0);
    int liar = rig_connect(r, true);
    for (uint64_t gen = 0; gen < 100; gen++) {
        rig_say(r, liar, QBID_MSG_ADOPTED, gen, 0, -1);
        rig_say(r, liar, QBID_MSG_RELEASED, gen, 0, -1);
        rig_say(r, liar, QBID_MSG_REFUSED, gen, 3, -1);
    }
    c = qbid_publisher_counters_load(r->publisher);
    assert_int_equal(c.held_generations, 0);
    assert_int_equal(c.readers_refused, 100);
    assert_int_equal(r->lines, 1);
    close(mute), close(liar);
}

static void a_second_publisher_on_the_same_socket_is_refused(void **state)
{
    struct rig *r = *state;
    struct qbid_publisher *second;
    assert_int_equal(qbid_publisher_new(&r->params, &second), QBID_ERR_FULL);
    int sock = rig_connect(r, true);
    struct qbid_msg msg;
    assert_true(rig_hear(r, sock, QBID_MSG_WELCOME, &msg, NULL));
    close(sock);
}

static void generations_only_grow(void **state)
{
    struct rig *r = *state;
    assert_int_equal(qbid_publisher_publish(r->publisher, STDIN_FILENO, r->gen, 10),
                     QBID_ERR_INVAL);
    assert_int_equal(qbid_publisher_publish(r->publisher, -1, r->gen + 1, 10), QBID_ERR_INVAL);
}

/* A process of another user; exit status 1 = served, 2 = denied, 3 = neither. */
static int as_nobody(struct rig *r)
{
    pid_t child = fork();
    if (child == 0) {
        rig_child();
        if (setgid(NOBODY) || setuid(NOBODY))
            _exit(9);
        int sock = qbid_handover_connect(r->path, 2000), fd;
        struct qbid_msg msg = qbid_handover_msg(QBID_MSG_HELLO);
        qbid_handover_send(sock, &msg, -1);
        if (qbid_handover_recv(sock, &msg, &fd) <= 0)
            _exit(3);
        _exit(msg.type == QBID_MSG_WELCOME ? 1 : msg.type == QBID_MSG_DENIED ? 2 : 3);
    }
    int status = 0;
    RIG_UNTIL(r, waitpid(child, &status, WNOHANG) == child);
    return WEXITSTATUS(status);
}

static int outcome_as_nobody(struct rig *r)
{
    int outcome = 3; /* its greeting and our answer may cross: then it only sees the hang-up */
    for (int i = 0; i < 5 && outcome == 3; i++)
        outcome = as_nobody(r);
    return outcome;
}

static void only_allowed_users_are_served(void **state)
{
    struct rig *r = *state;
    if (geteuid() != 0) {
        printf("skipped: not root, so there is no other user to be\n");
        skip();
    }
    assert_int_equal(outcome_as_nobody(r), 2);
    assert_true(qbid_publisher_counters_load(r->publisher).denied >= 1);
    assert_non_null(strstr(r->last_line, "65534"));
    static const uid_t allowed[] = {3, NOBODY};
    qbid_publisher_free(r->publisher);
    r->params.allow_uid = allowed;
    r->params.allow_uid_cnt = 2;
    rig_publisher_start(r);
    assert_int_equal(outcome_as_nobody(r), 1);
}

static void without_descriptors_left_connections_are_refused_and_service_goes_on(void **state)
{
    struct rig *r = *state;
    rig_reader_start(r, 0);
    unsigned fds = process_fds();
    pid_t child = fork();
    if (child == 0) {
        rig_child();
        for (int i = 0; i < 5; i++) {
            int fd, sock = qbid_handover_connect(r->path, 200);
            struct qbid_msg msg = qbid_handover_msg(QBID_MSG_HELLO);
            qbid_handover_send(sock, &msg, -1);
            if (qbid_handover_recv(sock, &msg, &fd) > 0)
                _exit(1);
            close(sock);
        }
        _exit(0);
    }
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3; /* below all that is open: nothing new can be */
    setrlimit(RLIMIT_NOFILE, &none);
    int status = -1;
    RIG_UNTIL(r, waitpid(child, &status, WNOHANG) == child);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(r->lines, 1);
    assert_int_equal(rig_publish(r), 0);
    RIG_UNTIL(r, r->report[0].gen == r->gen);
    int sock = rig_connect(r, true);
    struct qbid_msg msg;
    assert_true(rig_hear(r, sock, QBID_MSG_WELCOME, &msg, NULL));
    close(sock);
    RIG_UNTIL(r, process_fds() == fds);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_client_that_breaks_the_protocol_is_dropped),
        RULE(messages_of_a_wrong_size_or_with_descriptors_are_refused),
        RULE(a_page_that_cannot_be_trusted_is_replaced_by_a_new_one),
        RULE(a_good_page_is_gone_on_with_and_one_of_another_shape_is_read_first),
        RULE(a_client_that_does_not_read_is_dropped_and_blocks_nobody),
        RULE(a_flood_of_messages_does_not_keep_others_from_being_served),
        RULE(who_connects_and_says_nothing_or_talks_to_itself_holds_nothing),
        RULE(a_second_publisher_on_the_same_socket_is_refused),
        RULE(generations_only_grow),
        RULE(only_allowed_users_are_served),
        RULE(without_descriptors_left_connections_are_refused_and_service_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
