/* SPDX-License-Identifier: Apache-2.0 */
/* The hand-over's messages against a peer that breaks every rule, and its sockets on a real path.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/handover.h"
#include "tests/shm/process.h"

struct pair {
    int end[2];
};

static struct pair open_pair(void)
{
    struct pair p;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p.end), 0);
    return p;
}

static void close_pair(struct pair p)
{
    close(p.end[0]);
    close(p.end[1]);
}

/* Any bytes with any number of copies of one descriptor. */
static void send_raw(int sock, const void *bytes, size_t len, unsigned fds)
{
    char control[CMSG_SPACE(64 * sizeof(int))] = {0};
    struct iovec part = {(void *)(uintptr_t)bytes, len};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fds > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        *c = (struct cmsghdr){CMSG_LEN(fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        for (unsigned i = 0; i < fds; i++) {
            int fd = STDERR_FILENO;
            memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
        }
    }
    assert_int_equal(sendmsg(sock, &header, MSG_NOSIGNAL), (ssize_t)len);
}

static void a_message_arrives_whole_with_its_descriptor(void **state)
{
    (void)state;
    struct pair p = open_pair();
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_STAGE), got;
    int pipe_ends[2], fd;
    char byte = 0;
    msg.u.n.a = 17;
    msg.u.n.b = UINT64_MAX;
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(qbid_handover_send(p.end[0], &msg, pipe_ends[1]), 0);
    assert_int_equal(qbid_handover_recv(p.end[1], &got, &fd), 1);
    assert_memory_equal(&got, &msg, sizeof msg);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(fd, "!", 1), 1);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    assert_int_equal(byte, '!');
    close(fd);

    assert_int_equal(qbid_handover_send(p.end[1], &msg, -1), 0);
    assert_int_equal(qbid_handover_recv(p.end[0], &got, &fd), 1);
    assert_int_equal(fd, -1);
    assert_int_equal(qbid_handover_recv(p.end[0], &got, &fd), 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    close_pair(p);
}

static void messages_that_break_the_rules_are_refused_and_leave_no_descriptor(void **state)
{
    (void)state;
    struct qbid_msg good = qbid_handover_msg(QBID_MSG_LIVE), bad;
    char bytes[200] = {0};
    int fd;
    memcpy(bytes, &good, sizeof good);
    unsigned fds_before = process_fds();
    struct pair p = open_pair();
    const struct {
        size_t len;
        unsigned fds;
    } raw[] = {{1, 0}, {63, 0}, {63, 1}, {65, 0}, {128, 1}, {200, 8}, {64, 2}, {64, 8}, {64, 60}};
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
        send_raw(p.end[0], bytes, raw[i].len, raw[i].fds);
        assert_int_equal(qbid_handover_recv(p.end[1], &bad, &fd), QBID_ERR_PEER);
        assert_int_equal(process_fds(), fds_before + 2);
    }
    bad = good;
    bad.magic++;
    send_raw(p.end[0], &bad, sizeof bad, 1);
    assert_int_equal(qbid_handover_recv(p.end[1], &bad, &fd), QBID_ERR_PEER);
    bad = good;
    bad.abi_major++;
    send_raw(p.end[0], &bad, sizeof bad, 1);
    assert_int_equal(qbid_handover_recv(p.end[1], &bad, &fd), QBID_ERR_VERSION);
    bad = good;
    bad.magic ^= UINT32_C(3) << 24; /* QBH1: the version before this one */
    send_raw(p.end[0], &bad, sizeof bad, 1);
    assert_int_equal(qbid_handover_recv(p.end[1], &bad, &fd), QBID_ERR_VERSION);
    send_raw(p.end[0], bytes, 0, 1);
    assert_int_equal(qbid_handover_recv(p.end[1], &bad, &fd), QBID_ERR_CLOSED);
    assert_int_equal(process_fds(), fds_before + 2);
    send_raw(p.end[0], &good, sizeof good, 0);
    assert_int_equal(qbid_handover_recv(p.end[1], &bad, &fd), 1);
    close_pair(p);
}

static void a_hang_up_is_told_from_silence(void **state)
{
    (void)state;
    struct pair p = open_pair();
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_HELLO);
    int fd;
    assert_int_equal(qbid_handover_recv(p.end[0], &msg, &fd), 0);
    close(p.end[1]);
    assert_int_equal(qbid_handover_recv(p.end[0], &msg, &fd), QBID_ERR_CLOSED);
    assert_int_equal(qbid_handover_send(p.end[0], &msg, -1), QBID_ERR_CLOSED);
    close(p.end[0]);
}

static void a_peer_that_does_not_read_stops_the_sender_with_an_error(void **state)
{
    (void)state;
    struct pair p = open_pair();
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_HELLO);
    int rc = 0, sent = 0;
    for (; rc == 0 && sent < 100000; sent++)
        rc = qbid_handover_send(p.end[0], &msg, -1);
    assert_int_equal(rc, QBID_ERR_SYS);
    assert_true(errno == EAGAIN && sent > 10);
    close_pair(p);
}

/* A folder of the test's own. */
static char folder[] = "/tmp/qbid-handover-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path_of("run/sock"));
    unlink(path_of("file"));
    rmdir(path_of("run"));
    return rmdir(folder);
}

static void a_listener_makes_its_folder_and_gives_the_socket_its_mode(void **state)
{
    (void)state;
    struct stat st;
    mode_t old = umask(077);
    int sock = qbid_handover_listen(path_of("run/sock"), 0660);
    umask(old);
    assert_true(sock >= 0);
    assert_int_equal(stat(path_of("run/sock"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(stat(path_of("run"), &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0750u, 0);
    assert_true(fcntl(sock, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(sock, F_GETFL) & O_NONBLOCK);
    close(sock);
}

static void a_second_listener_is_refused_and_a_dead_ones_socket_replaced(void **state)
{
    (void)state;
    unsigned fds = process_fds();
    int first = qbid_handover_listen(path_of("run/sock"), 0600);
    assert_true(first >= 0);
    assert_int_equal(qbid_handover_listen(path_of("run/sock"), 0600), QBID_ERR_FULL);
    close(first);
    int second = qbid_handover_listen(path_of("run/sock"), 0600);
    assert_true(second >= 0);
    int client = qbid_handover_connect(path_of("run/sock"), 200);
    assert_true(client >= 0);
    close(client);
    close(second);
    assert_int_equal(process_fds(), fds);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    int fd = open(path_of("file"), O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    assert_int_equal(qbid_handover_listen(path_of("file"), 0600), QBID_ERR_SYS);
    assert_int_equal(errno, EEXIST);
    struct stat st;
    assert_int_equal(stat(path_of("file"), &st), 0);
    assert_int_equal(st.st_size, 8);
}

static void impossible_paths_are_refused(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(qbid_handover_listen(path, 0600), QBID_ERR_INVAL);
    assert_int_equal(qbid_handover_listen("", 0600), QBID_ERR_INVAL);
    assert_int_equal(qbid_handover_connect(path, 100), QBID_ERR_INVAL);
    assert_int_equal(qbid_handover_connect("", 100), QBID_ERR_INVAL);
    assert_int_equal(qbid_handover_listen(path_of("a/b/c"), 0600), QBID_ERR_SYS);
    assert_int_equal(qbid_handover_connect(path_of("nobody"), 100), QBID_ERR_NOENT);
}

/* Of servers that start at one moment on a dead one's socket exactly one may listen. */
static void of_servers_that_start_together_one_wins(void **state)
{
    (void)state;
    enum { RACERS = 4 };
    for (int round = 0; round < 20; round++) {
        int dead = qbid_handover_listen(path_of("run/sock"), 0600), go[2], stop[2];
        assert_true(dead >= 0);
        close(dead);
        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(stop), 0);
        for (int i = 0; i < RACERS; i++) {
            if (fork() != 0)
                continue;
            char byte;
            alarm(5); /* two winners would wait for ever */
            close(go[1]);
            close(stop[1]);
            (void)!read(go[0], &byte, 1);
            int sock = qbid_handover_listen(path_of("run/sock"), 0600);
            if (sock >= 0)
                (void)!read(stop[0], &byte, 1); /* keeps it until the others have tried */
            _exit(sock >= 0 ? 0 : sock == QBID_ERR_FULL ? 1 : 2);
        }
        close(go[0]);
        close(stop[0]);
        close(go[1]);
        int winners = 0, status;
        for (int i = 0; i < RACERS; i++) {
            if (i == RACERS - 1)
                close(stop[1]);
            assert_true(wait(&status) > 0 && WIFEXITED(status));
            assert_int_not_equal(WEXITSTATUS(status), 2);
            winners += WEXITSTATUS(status) == 0;
        }
        assert_int_equal(winners, 1);
    }
}

static void the_peer_is_the_process_that_connected(void **state)
{
    (void)state;
    int sock = qbid_handover_listen(path_of("run/sock"), 0600);
    pid_t child = fork();
    if (child == 0) {
        int client = qbid_handover_connect(path_of("run/sock"), 1000);
        struct qbid_msg msg;
        int fd;
        _exit(client < 0 || qbid_handover_recv(client, &msg, &fd) != QBID_ERR_CLOSED);
    }
    int conn;
    while ((conn = accept(sock, NULL, NULL)) < 0)
        assert_true(errno == EAGAIN || errno == EINTR);
    pid_t pid;
    uid_t uid;
    gid_t gid;
    assert_int_equal(qbid_handover_peer(conn, &pid, &uid, &gid), 0);
    assert_int_equal(pid, child);
    assert_int_equal(uid, geteuid());
    assert_int_equal(gid, getegid());
    close(conn);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(sock);
}

static void a_server_that_says_nothing_costs_the_time_out(void **state)
{
    (void)state;
    int sock = qbid_handover_listen(path_of("run/sock"), 0600);
    int client = qbid_handover_connect(path_of("run/sock"), 20);
    struct qbid_msg msg;
    int fd;
    assert_true(client >= 0);
    assert_int_equal(qbid_handover_recv(client, &msg, &fd), 0);
    close(client);
    close(sock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_arrives_whole_with_its_descriptor),
        cmocka_unit_test(messages_that_break_the_rules_are_refused_and_leave_no_descriptor),
        cmocka_unit_test(a_hang_up_is_told_from_silence),
        cmocka_unit_test(a_peer_that_does_not_read_stops_the_sender_with_an_error),
        cmocka_unit_test(a_listener_makes_its_folder_and_gives_the_socket_its_mode),
        cmocka_unit_test(a_second_listener_is_refused_and_a_dead_ones_socket_replaced),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(impossible_paths_are_refused),
        cmocka_unit_test(of_servers_that_start_together_one_wins),
        cmocka_unit_test(the_peer_is_the_process_that_connected),
        cmocka_unit_test(a_server_that_says_nothing_costs_the_time_out),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
