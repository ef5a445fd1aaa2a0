/* SPDX-License-Identifier: Apache-2.0 */
/* Worker slots of the publisher: given, kept back, denied; and the uids that go with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/control/publish/rig.h"

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

static void a_worker_without_a_slot_left_is_denied(void **state)
{
    struct rig *r = *state;
    int sock = rig_connect(r, true);
    for (uint64_t cookie = 0; cookie < RIG_WORKERS; cookie++)
        assert_int_equal(rig_worker(r, sock, cookie, -1, NULL), (int)cookie);
    int other = rig_connect(r, true);
    rig_say(r, other, QBID_MSG_WORKER, 0, 0, -1);
    struct qbid_msg msg;
    assert_true(rig_hear(r, other, QBID_MSG_DENIED, &msg, NULL));
    assert_int_equal(msg.u.n.b, -QBID_ERR_FULL);
    assert_true(rig_hung_up(r, other));
    assert_int_equal(qbid_publisher_counters_load(r->publisher).denied, 1);
    assert_int_equal(rig_workers(r), RIG_WORKERS);
    close(other), close(sock);
}

static void a_worker_that_the_ledger_refuses_is_denied(void **state)
{
    struct rig *r = *state;
    r->attach_err = QBID_ERR_NOMEM;
    int sock = rig_connect(r, true);
    rig_say(r, sock, QBID_MSG_WORKER, 0, 0, -1);
    struct qbid_msg msg;
    assert_true(rig_hear(r, sock, QBID_MSG_DENIED, &msg, NULL));
    assert_int_equal(msg.u.n.b, -QBID_ERR_NOMEM);
    assert_int_equal(r->attached + r->detached, 0);
    close(sock);
}

static void a_left_slot_is_kept_back_until_its_process_reads_another_table(void **state)
{
    struct rig *r = *state;
    int sock = rig_connect(r, true);
    assert_int_equal(rig_worker(r, sock, 0, -1, NULL), 0);
    const struct qbid_live *live = qbid_publisher_live(r->publisher);
    atomic_store(&live->limit[0], 500);
    atomic_store(&live->lease[0].valid_until_ns, 500);
    close(sock); /* the process (this one) lives on */
    RIG_UNTIL(r, rig_workers(r) == 0);
    assert_int_equal(atomic_load(&live->limit[0]), 0);
    assert_int_equal(atomic_load(&live->lease[0].valid_until_ns), 0);
    sock = rig_connect(r, true);
    assert_int_equal(rig_worker(r, sock, 0, -1, NULL), 1);
    assert_int_equal(rig_worker(r, sock, 1, -1, NULL), 2);
    rig_say(r, sock, QBID_MSG_ADOPTED, r->gen, 0, -1);
    assert_int_equal(rig_worker(r, sock, 2, -1, NULL), 0);
    rig_say(r, sock, QBID_MSG_GONE, 0, 0, -1); /* in order: free at once */
    assert_int_equal(rig_worker(r, sock, 3, -1, NULL), 1);
    close(sock);
}

static void uids_go_on_from_the_first_one_and_skip_zero_and_those_in_use(void **state)
{
    struct rig *r = *state;
    qbid_publisher_free(r->publisher);
    r->params.first_uid = UINT16_MAX;
    rig_publisher_start(r);
    int sock = rig_connect(r, true);
    rig_worker(r, sock, 0, -1, NULL);
    assert_int_equal(r->last_uid, UINT16_MAX);
    rig_worker(r, sock, 1, -1, NULL);
    assert_int_equal(r->last_uid, 1);
    for (int i = 0; i < UINT16_MAX + 10; i++) {
        struct qbid_msg msg = qbid_handover_msg(QBID_MSG_WORKER);
        struct qbid_msg answer;
        int fd = -1;
        msg.u.n.a = 2;
        if (i > 5 && i < UINT16_MAX - 5)
            continue; /* the publisher is not asked for all of them */
        qbid_handover_send(sock, &msg, -1);
        qbid_publisher_tick(r->publisher);
        assert_true(rig_hear(r, sock, QBID_MSG_PAGE, &answer, &fd));
        close(fd);
        assert_true(r->last_uid > 1 && r->last_uid < UINT16_MAX);
    }
    close(sock);
}

static void a_uid_is_kept_with_its_page_and_cannot_be_taken_from_another(void **state)
{
    struct rig *r = *state;
    struct qbid_page page;
    void *base;
    size_t bytes;
    struct qbid_msg msg;
    int sock = rig_connect(r, true), fd = rig_page(RIG_BUDGETS, 10, true, &page, &base, &bytes);
    rig_say(r, sock, QBID_MSG_WORKER, 0, 500, fd);
    assert_true(rig_hear(r, sock, QBID_MSG_PAGE, &msg, NULL));
    assert_int_equal(msg.u.n.c, 500);
    int other = rig_connect(r, true);
    struct qbid_page page2;
    void *base2;
    int fd2 = rig_page(RIG_BUDGETS, 10, true, &page2, &base2, &bytes);
    static const uint64_t claims[] = {500, 0, 65536, UINT64_MAX};
    for (uint64_t i = 0; i < 4; i++) {
        rig_say(r, other, QBID_MSG_WORKER, 1, claims[i], fd2);
        assert_true(rig_hear(r, other, QBID_MSG_PAGE, &msg, NULL));
        assert_int_equal(msg.u.n.c, 1 + i);
    }
    rig_say(r, other, QBID_MSG_WORKER, 2, 600, -1); /* without a page there is nothing to keep */
    assert_true(rig_hear(r, other, QBID_MSG_PAGE, &msg, NULL));
    assert_int_equal(msg.u.n.c, 5);
    int again = rig_connect(r, true); /* the same page on a new connection */
    rig_say(r, again, QBID_MSG_WORKER, 0, 500, fd);
    assert_true(rig_hear(r, again, QBID_MSG_PAGE, &msg, NULL));
    assert_int_equal(msg.u.n.c, 500);
    assert_int_equal(rig_workers(r), 3);
    munmap(base, bytes), munmap(base2, bytes);
    close(fd), close(fd2), close(sock), close(other), close(again);
}

static void a_worker_with_an_impossible_page_can_be_dropped(void **state)
{
    struct rig *r = *state;
    int sock = rig_connect(r, true);
    assert_int_equal(rig_worker(r, sock, 0, -1, NULL), 0);
    assert_int_equal(rig_worker(r, sock, 1, -1, NULL), 1);
    qbid_publisher_drop(r->publisher, 5);
    qbid_publisher_drop(r->publisher, UINT16_MAX);
    assert_int_equal(rig_workers(r), 2);
    qbid_publisher_drop(r->publisher, 1);
    assert_int_equal(rig_workers(r), 0);
    assert_int_equal(r->detached, 2);
    assert_true(rig_hung_up(r, sock));
    close(sock);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_worker_without_a_slot_left_is_denied),
        RULE(a_worker_that_the_ledger_refuses_is_denied),
        RULE(a_left_slot_is_kept_back_until_its_process_reads_another_table),
        RULE(uids_go_on_from_the_first_one_and_skip_zero_and_those_in_use),
        RULE(a_uid_is_kept_with_its_page_and_cannot_be_taken_from_another),
        RULE(a_worker_with_an_impossible_page_can_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
