/* SPDX-License-Identifier: Apache-2.0 */
/* The poll loop over a pair of rings: frames in, frames out, every buffer back in its pool. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "plugin/dpdk/lcore.h"
#include "plugin/dpdk/port.h"
#include "tests/control/models/rng.h"
#include "tests/plugin/dpdk/frames.h"
#include "tests/plugin/host.h"

#define RING 256

static struct host host;
static struct qbid_dpdk dpdk;
static struct rte_ring *rx, *tx;
static unsigned buffers; /* in the pool when nothing is under way */

static const char json[] =
    "{\"id\":\"j\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}],"
    "\"cur\":[\"CNY\"]}";
static const char message[] = "\x83\x00\x01\x01\xa3"
                              "abc\x04\x91\xae"
                              "banner:300x250";

static struct qbid_lcore *lcore(void)
{
    return dpdk.lcore[0];
}

static uint64_t kind_cnt(enum qbid_frame_kind kind)
{
    return atomic_load(&lcore()->counters.frame[kind]);
}

static uint64_t count(enum qbid_count which)
{
    return atomic_load(&lcore()->counters.count[which]);
}

static struct rte_mbuf *buffer_of(const uint8_t *frame, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(lcore()->pool);
    assert_non_null(m);
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
    return m;
}

static void put_frame(const uint8_t *frame, size_t len)
{
    assert_int_equal(rte_ring_enqueue(rx, buffer_of(frame, len)), 0);
}

static void poll_until_empty(void)
{
    while (qbid_lcore_poll(lcore(), &dpdk.port[0]) != 0)
        qbid_worker_quiescent(lcore()->bidder.worker);
}

/* The next answer's bytes; 0 = there is none. */
static size_t receive(uint8_t *out)
{
    void *object;
    if (rte_ring_dequeue(tx, &object) != 0)
        return 0;
    struct rte_mbuf *m = object;
    size_t len = m->data_len;
    assert_int_equal(m->pkt_len, len);
    memcpy(out, rte_pktmbuf_mtod(m, const void *), len);
    rte_pktmbuf_free(m);
    return len;
}

static void assert_nothing_leaked(void)
{
    assert_int_equal(rte_mempool_avail_count(lcore()->pool), buffers);
}

static void requests_are_answered_in_order(void **state)
{
    uint8_t frame[FRAMES_MAX];
    const uint8_t *payload;
    size_t len;
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        put_frame(frame, i % 2 ? frames_udp(frame, json, sizeof json - 1)
                               : frames_udp(frame, message, sizeof message - 1));
    poll_until_empty();
    for (unsigned i = 0; i < 100; i++) {
        size_t bytes = receive(frame);
        assert_true(frames_is_answer(frame, bytes, &payload, &len));
        assert_int_equal(payload[0], i % 2 ? '{' : 0x89);
    }
    assert_int_equal(receive(frame), 0);
    assert_int_equal(count(QBID_COUNT_BIDS), 100);
    assert_nothing_leaked();
}

/* Each has a burst of its own: a flood of one kind does not silence the other. */
static void arp_and_echo_are_answered_at_their_rates(void **state)
{
    uint8_t frame[FRAMES_MAX];
    unsigned arp = 0, echo = 0;
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        put_frame(frame, frames_echo(frame, 56));
    for (unsigned i = 0; i < 40; i++)
        put_frame(frame, frames_arp(frame));
    poll_until_empty();
    while (receive(frame) != 0) {
        arp += frame[13] == 6;
        echo += frame[13] == 0;
    }
    assert_in_range(echo, 32, 40); /* the burst, and what a slow machine's time allows */
    assert_in_range(arp, 32, 40);
    assert_int_equal(count(QBID_COUNT_CONTROL_SENT), arp + echo);
    assert_int_equal(count(QBID_COUNT_CONTROL_HELD), 240 - arp - echo);
    assert_nothing_leaked();
}

/* Whatever comes: no crash, no answer that is no frame, no buffer lost, each frame counted once. */
static void damaged_frames_are_counted_and_leave_nothing(void **state)
{
    struct rng r = rng_init(5);
    uint8_t frame[FRAMES_MAX];
    uint64_t before = 0, after = 0, frames = 0;
    (void)state;
    for (unsigned i = 0; i < QBID_FRAME_KIND_CNT; i++)
        before += kind_cnt(i);
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 64; i++, frames++) {
            size_t len = rng_below(&r, 3) ? frames_udp(frame, json, sizeof json - 1)
                                          : frames_udp(frame, message, sizeof message - 1);
            for (unsigned n = rng_below(&r, 4); n > 0; n--)
                frame[rng_below(&r, (uint32_t)len)] = (uint8_t)rng_next(&r);
            if (rng_below(&r, 2))
                frames_seal(frame);
            put_frame(frame, rng_below(&r, 4) ? len : 1 + rng_below(&r, (uint32_t)len));
        }
        poll_until_empty();
        while (receive(frame) != 0)
            assert_int_equal(frame[14], 0x45);
        host_drop_events(&host);
    }
    for (unsigned i = 0; i < QBID_FRAME_KIND_CNT; i++)
        after += kind_cnt(i);
    assert_int_equal(after - before, frames);
    assert_true(kind_cnt(QBID_FRAME_IP_OPTIONS) > 0 && kind_cnt(QBID_FRAME_IP_FRAGMENT) > 0);
    assert_true(kind_cnt(QBID_FRAME_UDP_CHECKSUM) > 0 && kind_cnt(QBID_FRAME_SHORT) > 0);
    assert_nothing_leaked();
}

static void what_lies_in_two_buffers_is_dropped(void **state)
{
    uint8_t frame[FRAMES_MAX];
    size_t len = frames_udp(frame, json, sizeof json - 1);
    struct rte_mbuf *head = buffer_of(frame, 50), *tail = buffer_of(frame + 50, len - 50);
    (void)state;
    assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
    assert_int_equal(rte_ring_enqueue(rx, head), 0);
    poll_until_empty();
    assert_int_equal(kind_cnt(QBID_FRAME_SEGMENTED), 1);
    assert_nothing_leaked();
}

static void answers_that_the_link_does_not_take_are_dropped_and_counted(void **state)
{
    uint8_t frame[FRAMES_MAX];
    unsigned answers = 0;
    (void)state;
    for (unsigned i = 0; i < RING - 1; i++)
        assert_int_equal(rte_ring_enqueue(tx, buffer_of(frame, 60)), 0);
    for (unsigned i = 0; i < 40; i++)
        put_frame(frame, frames_udp(frame, message, sizeof message - 1));
    poll_until_empty();
    assert_int_equal(count(QBID_COUNT_TX_FULL), 40);
    while (receive(frame) != 0)
        answers++;
    assert_int_equal(answers, RING - 1);
    assert_nothing_leaked();
}

static void start_eal(void)
{
    char line[256], *words[16], *save;
    int n = 0;
    snprintf(line, sizeof line,
             "test --no-huge --no-shconf --no-telemetry --no-pci -m 64 --lcores 0@%d "
             "--log-level=4 --file-prefix=qbid-test-lcore",
             sched_getcpu());
    for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    words[n] = NULL;
    assert_true(rte_eal_init(n, words) >= 0);
}

static int setup(void **state)
{
    char why[QBID_DPDK_WHY_MAX] = "";
    (void)state;
    host_open(&host, NULL, 14);
    start_eal();
    dpdk.options = (struct qbid_dpdk_options){.station.port = FRAMES_PORT,
                                              .ip = {FRAMES_OUR_IP},
                                              .ip_cnt = 1,
                                              .mtu = 1500,
                                              .descriptors = 64,
                                              .control_per_s = 10};
    rx = rte_ring_create("rx", RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    tx = rte_ring_create("tx", RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    assert_true(rte_eth_from_rings("rings", &rx, 1, &tx, 1, 0) >= 0);
    dpdk.lcore[dpdk.lcore_cnt++] = qbid_lcore_new(&dpdk, 0, 0);
    if (qbid_ports_start(&dpdk, why) != 0)
        fail_msg("%s", why);
    /* a pair of rings has no address of its own */
    memcpy(dpdk.port[0].station.mac, frames_station().mac, 6);
    qbid_bidder_init(&lcore()->bidder, host.worker, "2", 1000, &lcore()->counters);
    buffers = rte_mempool_avail_count(lcore()->pool);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qbid_ports_stop(&dpdk);
    rte_mempool_free(lcore()->pool);
    qbid_lcore_free(lcore());
    rte_ring_free(rx);
    rte_ring_free(tx);
    host_close(&host);
    (void)rte_eal_cleanup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_in_order),
        cmocka_unit_test(arp_and_echo_are_answered_at_their_rates),
        cmocka_unit_test(damaged_frames_are_counted_and_leave_nothing),
        cmocka_unit_test(what_lies_in_two_buffers_is_dropped),
        cmocka_unit_test(answers_that_the_link_does_not_take_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
