/* SPDX-License-Identifier: Apache-2.0 */
/* The publisher against reader processes with the real watcher: adoption, death, standstill. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "tests/control/publish/rig.h"
#include "tests/shm/process.h"

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    *state = r;
    rig_open(r, 1);
    return 0;
}

static int teardown(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

static struct qbid_publisher_counters counters(const struct rig *r)
{
    return qbid_publisher_counters_load(r->publisher);
}

static void a_reader_gets_keys_live_page_image_and_a_slot(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    assert_int_equal(r->attached, 1);
    assert_int_equal(r->report[0].slot, r->last_slot);
    assert_int_equal(r->report[0].uid, r->last_uid);
    assert_int_equal(r->report[0].key, 1);
    const struct qbid_live *live = qbid_publisher_live(r->publisher);
    atomic_store(&live->limit[r->last_slot * RIG_BUDGETS], 1234);
    RIG_UNTIL(r, r->report[0].limit == 1234);
    struct qbid_publisher_worker worker[RIG_WORKERS];
    assert_int_equal(qbid_publisher_workers(r->publisher, worker, RIG_WORKERS), 1);
    assert_int_equal(worker[0].pid, r->reader[0]);
    RIG_UNTIL(r, qbid_publisher_workers(r->publisher, worker, RIG_WORKERS) == 1 &&
                     worker[0].adopted_gen == 1);
    struct qbid_keys keys = {.id = {9, 1}};
    assert_int_equal(qbid_publisher_set_keys(r->publisher, &keys), 0);
    RIG_UNTIL(r, r->report[0].key == 9);
}

static void keys_of_partners_come_with_the_greeting_change_and_leave(void **state)
{
    struct rig *r = *state;
    struct qbid_partner_keys list[QBID_PARTNERS_MAX] = {{.id = 5, .len = {32, 16}},
                                                        {.id = 6, .len = {16, 0}}};
    struct qbid_msg msg;
    memset(list[0].secret, 0xab, sizeof list[0].secret);
    qbid_publisher_set_partner_keys(r->publisher, list);
    int sock = rig_connect(r, true);
    static const uint8_t want[3][3] = {{5, 0, 32}, {5, 1, 16}, {6, 0, 16}};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rig_hear(r, sock, QBID_MSG_PARTNER, &msg, NULL));
        assert_int_equal(msg.u.partner_key.partner, want[i][0]);
        assert_int_equal(msg.u.partner_key.part, want[i][1]);
        assert_int_equal(msg.u.partner_key.len, want[i][2]);
        assert_int_equal(msg.u.partner_key.secret[0], i < 2 ? 0xab : 0);
        assert_int_equal(msg.u.partner_key.secret[16], i < 1 ? 0xab : 0); /* and no more */
    }
    qbid_publisher_set_partner_keys(r->publisher, list); /* nothing changed, nothing is sent */
    list[0] = list[1];
    list[1] = (struct qbid_partner_keys){0};
    qbid_publisher_set_partner_keys(r->publisher, list);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(rig_hear(r, sock, QBID_MSG_PARTNER, &msg, NULL));
        assert_int_equal(msg.u.partner_key.partner, i < 2 ? 5 : 6);
        assert_int_equal(msg.u.partner_key.len, i < 4 ? 0 : 16);
    }
    close(sock);
}

static void generations_reach_every_reader_and_are_given_back(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    for (unsigned i = 0; i < 3; i++)
        rig_reader_start(r, i);
    for (int n = 0; n < 60; n++) {
        assert_int_equal(rig_publish(r), 0);
        for (unsigned i = 0; i < 3; i++)
            RIG_UNTIL(r, r->report[i].gen == r->gen);
        RIG_UNTIL(r, counters(r).held_generations == 1);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(r->report[i].broken, 0);
    assert_int_equal(counters(r).published, 61);
    assert_int_equal(counters(r).readers_refused, 0);
    assert_int_equal(counters(r).gen, 61);
}

static void a_reader_that_is_killed_at_any_moment_leaves_nothing(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    unsigned fds = process_fds(), maps = process_maps();
    srand(7);
    for (int n = 0; n < 25; n++) {
        for (unsigned i = 0; i < 3; i++)
            if (r->reader[i] == 0)
                rig_reader_start(r, i);
        rig_publish(r);
        for (int pause = rand() % 8; pause > 0; pause--)
            rig_tick(r);
        rig_reader_kill(r, (unsigned)rand() % 3);
    }
    for (unsigned i = 0; i < 3; i++)
        rig_reader_kill(r, i);
    RIG_UNTIL(r, rig_workers(r) == 0);
    assert_int_equal(r->attached, r->detached);
    assert_int_equal(counters(r).held_generations, 0);
    assert_int_equal(process_fds(), fds);
    assert_int_equal(process_maps(), maps);
    assert_true(r->events > 0);
}

static void what_a_dead_worker_wrote_is_still_read(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    RIG_UNTIL(r, r->report[0].pushed >= 50);
    rig_reader_kill(r, 0);
    uint64_t pushed = r->report[0].pushed;
    RIG_UNTIL(r, r->detached == 1);
    /* the kill may have come between the push and the count of it */
    assert_true(r->events == pushed || r->events == pushed + 1);
}

static void a_stopped_reader_stops_publishing_at_the_ninth_generation(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    rig_reader_start(r, 1);
    rig_reader_stop(r, 0);
    for (int n = 2; n <= QBID_PUBLISHER_HELD_MAX; n++) {
        assert_int_equal(rig_publish(r), 0);
        RIG_UNTIL(r, r->report[1].gen == r->gen);
    }
    assert_int_equal(counters(r).held_generations, QBID_PUBLISHER_HELD_MAX);
    assert_int_equal(rig_publish(r), QBID_ERR_BUSY);
    assert_int_equal(counters(r).refused_busy, 1);
    assert_int_equal(rig_publish(r), QBID_ERR_BUSY);
    assert_int_equal(r->lines, 2); /* alarms, each once a minute: a late reader, too many held */
    assert_int_equal(counters(r).late, QBID_PUBLISHER_HELD_MAX - 1);
    kill(r->reader[0], SIGCONT);
    RIG_UNTIL(r, counters(r).held_generations == 1);
    assert_int_equal(r->report[0].gen, r->gen);
    assert_int_equal(rig_publish(r), 0);
    RIG_UNTIL(r, r->report[0].gen == r->gen && r->report[1].gen == r->gen);
    assert_int_equal(r->report[0].broken, 0);
}

static void a_stopped_reader_that_is_killed_frees_what_it_held(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    rig_reader_stop(r, 0);
    while (rig_publish(r) == 0)
        rig_tick(r);
    assert_int_equal(r->gen, QBID_PUBLISHER_HELD_MAX);
    rig_reader_kill(r, 0);
    RIG_UNTIL(r, counters(r).held_generations == 0);
    assert_int_equal(rig_publish(r), 0);
}

static void a_reader_goes_on_with_its_page_at_the_next_qbidd(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    uint64_t tables = r->report[0].tables;
    uint32_t uid = r->report[0].uid;
    qbid_publisher_free(r->publisher);
    uint64_t events = r->events;
    r->params.first_uid = 77;
    r->gen = 41;
    rig_publisher_start(r);
    assert_int_equal(rig_publish(r), 0);
    RIG_UNTIL(r, r->report[0].gen == 42);
    assert_int_equal(r->report[0].uid, uid); /* its nonces stay its own */
    rig_reader_kill(r, 0);
    RIG_UNTIL(r, r->detached == 2);
    assert_true(r->report[0].tables > tables);
    /* one page, read by both: nothing that was pushed is lost, nothing is read twice */
    uint64_t pushed = r->report[0].pushed;
    assert_true(r->events == pushed || r->events == pushed + 1);
    assert_true(r->events > events);
}

static void a_hundred_connections_leave_the_descriptors_as_they_were(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    unsigned fds = process_fds(), maps = process_maps();
    for (int n = 0; n < 100; n++) {
        int sock = rig_connect(r, true), fd = -1;
        assert_true(rig_worker(r, sock, (uint64_t)n % QBID_HANDOVER_COOKIES_MAX, -1, &fd) >= 0);
        rig_say(r, sock, QBID_MSG_ADOPTED, r->gen, 0, -1);
        close(fd);
        close(sock);
        rig_tick(r);
    }
    RIG_UNTIL(r, rig_workers(r) == 0);
    assert_int_equal(r->attached, 100);
    assert_int_equal(r->detached, 100);
    assert_int_equal(process_fds(), fds);
    assert_int_equal(process_maps(), maps);
    assert_int_equal(counters(r).connections, 100);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(keys_of_partners_come_with_the_greeting_change_and_leave),
        RULE(a_reader_gets_keys_live_page_image_and_a_slot),
        RULE(generations_reach_every_reader_and_are_given_back),
        RULE(a_reader_that_is_killed_at_any_moment_leaves_nothing),
        RULE(what_a_dead_worker_wrote_is_still_read),
        RULE(a_stopped_reader_stops_publishing_at_the_ninth_generation),
        RULE(a_stopped_reader_that_is_killed_frees_what_it_held),
        RULE(a_reader_goes_on_with_its_page_at_the_next_qbidd),
        RULE(a_hundred_connections_leave_the_descriptors_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
