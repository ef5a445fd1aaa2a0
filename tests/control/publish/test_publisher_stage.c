/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing in two steps: who is waited for, how long, and what is held meanwhile. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "tests/control/publish/rig.h"

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    *state = r;
    rig_open(r, 1);
    r->params.commit_ms = 60000; /* nothing here happens because a time is over, but where set */
    qbid_publisher_free(r->publisher);
    rig_publisher_start(r);
    return 0;
}

static int teardown(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

static void commits_after(struct rig *r, unsigned ms)
{
    qbid_publisher_free(r->publisher);
    r->params.commit_ms = ms;
    rig_publisher_start(r);
}

static struct qbid_publisher_counters counters(const struct rig *r)
{
    return qbid_publisher_counters_load(r->publisher);
}

/* The next message about an image is this one. */
static void hear_next(struct rig *r, int sock, enum qbid_msg_type type, uint64_t gen)
{
    for (int i = 0; i < 2000; i++) {
        struct qbid_msg msg;
        int fd = -1, got = qbid_handover_recv(sock, &msg, &fd);
        assert_true(got >= 0);
        if (fd >= 0)
            close(fd);
        if (got == 1 && (msg.type == QBID_MSG_STAGE || msg.type == QBID_MSG_COMMIT)) {
            assert_int_equal(msg.type, type);
            assert_int_equal(msg.u.n.a, gen);
            return;
        }
        if (got == 0)
            rig_tick(r);
    }
    fail_msg("nothing was said");
}

static void hear_nothing(struct rig *r, int sock)
{
    for (int i = 0; i < 50; i++) {
        struct qbid_msg msg;
        int fd;
        assert_int_equal(qbid_handover_recv(sock, &msg, &fd), 0);
        rig_tick(r);
    }
}

/* A client that has adopted the current generation. */
static int client(struct rig *r)
{
    int sock = rig_connect(r, true);
    hear_next(r, sock, QBID_MSG_STAGE, r->gen);
    hear_next(r, sock, QBID_MSG_COMMIT, r->gen);
    rig_say(r, sock, QBID_MSG_READY, r->gen, 0, -1);
    rig_say(r, sock, QBID_MSG_ADOPTED, r->gen, 0, -1);
    return sock;
}

static void nobody_is_waited_for_where_nobody_is(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    assert_int_equal(counters(r).gen, 1);
    assert_int_equal(counters(r).staged_gen, 0);
    assert_int_equal(counters(r).published, 1);
}

static void all_change_over_when_the_last_one_is_ready(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    rig_reader_start(r, 1);
    int slow = client(r);
    assert_int_equal(rig_publish(r), 0);
    hear_next(r, slow, QBID_MSG_STAGE, 2);
    rig_say(r, slow, QBID_MSG_READY, 1, 0, -1); /* of another one: does not count */
    hear_nothing(r, slow);
    assert_true(r->report[0].gen == 1 && r->report[1].gen == 1);
    assert_true(counters(r).gen == 1 && counters(r).staged_gen == 2);
    rig_say(r, slow, QBID_MSG_READY, 2, 0, -1);
    hear_next(r, slow, QBID_MSG_COMMIT, 2);
    assert_true(counters(r).gen == 2 && counters(r).staged_gen == 0);
    RIG_UNTIL(r, r->report[0].gen == 2 && r->report[1].gen == 2);
    assert_int_equal(counters(r).late, 0);
    close(slow);
}

static void who_refuses_is_not_waited_for_and_not_told(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    int sock = client(r);
    assert_int_equal(rig_publish(r), 0);
    hear_next(r, sock, QBID_MSG_STAGE, 2);
    rig_say(r, sock, QBID_MSG_REFUSED, 2, 3, -1);
    RIG_UNTIL(r, r->report[0].gen == 2);
    hear_nothing(r, sock);
    RIG_UNTIL(r, counters(r).held_generations == 2); /* the one that it stays with, and this one */
    assert_int_equal(counters(r).readers_refused, 1);
    assert_int_equal(rig_publish(r), 0); /* it is asked again with the next one */
    hear_next(r, sock, QBID_MSG_STAGE, 3);
    rig_say(r, sock, QBID_MSG_READY, 3, 0, -1);
    hear_next(r, sock, QBID_MSG_COMMIT, 3);
    close(sock);
}

static void who_hangs_up_is_not_waited_for(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    int sock = client(r);
    assert_int_equal(rig_publish(r), 0);
    hear_next(r, sock, QBID_MSG_STAGE, 2);
    close(sock);
    RIG_UNTIL(r, r->report[0].gen == 2);
}

static void a_stopped_reader_is_waited_for_so_long_and_no_longer(void **state)
{
    struct rig *r = *state;
    commits_after(r, 300);
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    rig_reader_start(r, 1);
    rig_reader_stop(r, 1);
    uint64_t start_ns = qbid_clock_boot_ns();
    assert_int_equal(rig_publish(r), 0);
    while (counters(r).gen == 1) { /* whoever polls its descriptor is woken in time */
        struct pollfd p = {qbid_publisher_fd(r->publisher), POLLIN, 0};
        assert_int_equal(poll(&p, 1, 5000), 1);
        qbid_publisher_tick(r->publisher);
    }
    uint64_t took_ms = (qbid_clock_boot_ns() - start_ns) / QBID_NS_PER_MS;
    assert_in_range(took_ms, 300, 2000);
    assert_int_equal(counters(r).late, 1);
    RIG_UNTIL(r, r->report[0].gen == 2);
    assert_int_equal(counters(r).held_generations, 2);
    kill(r->reader[1], SIGCONT); /* STAGE and COMMIT wait for it */
    RIG_UNTIL(r, r->report[1].gen == 2);
    RIG_UNTIL(r, counters(r).held_generations == 1);
    struct pollfd quiet = {qbid_publisher_fd(r->publisher), POLLIN, 0};
    assert_int_equal(poll(&quiet, 1, 500), 0); /* the timer rings once */
}

static void a_newer_generation_takes_the_place_of_a_staged_one(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    int sock = client(r);
    rig_reader_start(r, 0);
    assert_int_equal(rig_publish(r), 0);
    assert_int_equal(rig_publish(r), 0);
    hear_next(r, sock, QBID_MSG_STAGE, 2);
    hear_next(r, sock, QBID_MSG_STAGE, 3);
    assert_int_equal(counters(r).replaced, 1);
    assert_int_equal(counters(r).staged_gen, 3);
    assert_int_equal(counters(r).held_generations, 3);
    rig_say(r, sock, QBID_MSG_READY, 2, 0, -1); /* was on its way */
    rig_say(r, sock, QBID_MSG_RELEASED, 2, 0, -1);
    RIG_UNTIL(r, counters(r).held_generations == 2);
    assert_int_equal(counters(r).gen, 1);
    rig_say(r, sock, QBID_MSG_READY, 3, 0, -1);
    hear_next(r, sock, QBID_MSG_COMMIT, 3);
    RIG_UNTIL(r, r->report[0].gen == 3);
    rig_say(r, sock, QBID_MSG_RELEASED, 1, 0, -1);
    RIG_UNTIL(r, counters(r).held_generations == 1);
    assert_int_equal(counters(r).published, 2);
    assert_int_equal(r->report[0].broken, 0);
    close(sock);
}

static void a_stopped_reader_and_ever_newer_generations_do_not_starve_the_others(void **state)
{
    struct rig *r = *state;
    commits_after(r, 300);
    assert_int_equal(rig_publish(r), 0);
    rig_reader_start(r, 0);
    int mute = client(r);
    uint64_t start_ns = qbid_clock_boot_ns();
    for (int i = 0; i < 5; i++) { /* one each 100 ms: the time of the first one comes in between */
        assert_int_equal(rig_publish(r), 0);
        while (qbid_clock_boot_ns() - start_ns < (uint64_t)(i + 1) * 100 * QBID_NS_PER_MS)
            rig_tick(r);
    }
    assert_true(counters(r).gen > 1 && counters(r).gen < r->gen);
    RIG_UNTIL(r, r->report[0].gen > 1);
    RIG_UNTIL(r, r->report[0].gen == r->gen);
    close(mute);
}

static void staged_ones_count_among_those_held(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    int sock = client(r);
    for (uint32_t held = 1; held < QBID_PUBLISHER_HELD_MAX; held++) {
        assert_int_equal(counters(r).held_generations, held);
        assert_int_equal(rig_publish(r), 0);
    }
    assert_int_equal(counters(r).held_generations, QBID_PUBLISHER_HELD_MAX);
    assert_int_equal(rig_publish(r), QBID_ERR_BUSY);
    for (uint64_t gen = 2; gen < QBID_PUBLISHER_HELD_MAX; gen++)
        rig_say(r, sock, QBID_MSG_RELEASED, gen, 0, -1);
    assert_int_equal(counters(r).held_generations, 2);
    rig_say(r, sock, QBID_MSG_READY, QBID_PUBLISHER_HELD_MAX, 0, -1);
    assert_int_equal(counters(r).gen, QBID_PUBLISHER_HELD_MAX);
    assert_int_equal(rig_publish(r), 0);
    close(sock);
}

static void who_comes_later_gets_the_current_one_first(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_publish(r), 0);
    int first = client(r);
    assert_int_equal(rig_publish(r), 0); /* staged: first says nothing yet */
    int late = rig_connect(r, true);
    hear_next(r, late, QBID_MSG_STAGE, 1);
    hear_next(r, late, QBID_MSG_COMMIT, 1);
    hear_next(r, late, QBID_MSG_STAGE, 2);
    hear_nothing(r, late);
    rig_say(r, first, QBID_MSG_READY, 2, 0, -1);
    assert_int_equal(counters(r).gen, 1);
    rig_say(r, late, QBID_MSG_READY, 2, 0, -1);
    hear_next(r, late, QBID_MSG_COMMIT, 2);
    close(first), close(late);
    RIG_UNTIL(r, counters(r).held_generations == 0);
    rig_reader_start(r, 0);
    assert_int_equal(r->report[0].gen, 2);
}

static void another_version_is_told_so(void **state)
{
    struct rig *r = *state;
    int sock = rig_connect(r, false);
    struct qbid_msg msg = qbid_handover_msg(QBID_MSG_HELLO);
    msg.magic ^= UINT32_C(3) << 24; /* QBH1 */
    assert_int_equal(qbid_handover_send(sock, &msg, -1), 0);
    rig_tick(r);
    assert_true(rig_hear(r, sock, QBID_MSG_DENIED, &msg, NULL));
    assert_int_equal(msg.u.n.b, -QBID_ERR_VERSION);
    assert_true(rig_hung_up(r, sock));
    assert_int_equal(counters(r).denied, 1);
    close(sock);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(nobody_is_waited_for_where_nobody_is),
        RULE(all_change_over_when_the_last_one_is_ready),
        RULE(who_refuses_is_not_waited_for_and_not_told),
        RULE(who_hangs_up_is_not_waited_for),
        RULE(a_stopped_reader_is_waited_for_so_long_and_no_longer),
        RULE(a_newer_generation_takes_the_place_of_a_staged_one),
        RULE(a_stopped_reader_and_ever_newer_generations_do_not_starve_the_others),
        RULE(staged_ones_count_among_those_held),
        RULE(who_comes_later_gets_the_current_one_first),
        RULE(another_version_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
