/* SPDX-License-Identifier: Apache-2.0 */
/* memif SOCKET N: another DPDK process that asks N requests over shared memory, a window at a time,
 * and checks that each answer is a frame for its own request. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include "tests/plugin/dpdk/frames.h"

#define WINDOW 32

static struct rte_mempool *pool;

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "memif: %s\n", what);
        exit(1);
    }
}

static void start(const char *path)
{
    char line[256], *words[16], *save;
    int n = 0;
    struct rte_eth_conf conf = {0};
    struct rte_eth_link link = {0};
    snprintf(
        line, sizeof line,
        "memif --no-huge --no-shconf --no-telemetry --no-pci -m 64 --lcores 0@%d --log-level=4 "
        "--file-prefix=qbid-test-memif --vdev=net_memif0,role=client,socket=%s,"
        "socket-abstract=no",
        sched_getcpu(), path);
    for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    words[n] = NULL;
    require(rte_eal_init(n, words) >= 0, "EAL");
    pool = rte_pktmbuf_pool_create("pool", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    require(pool && rte_eth_dev_configure(0, 1, 1, &conf) == 0 &&
                rte_eth_rx_queue_setup(0, 0, 512, 0, NULL, pool) == 0 &&
                rte_eth_tx_queue_setup(0, 0, 512, 0, NULL) == 0 && rte_eth_dev_start(0) == 0,
            "port");
    for (unsigned i = 0; i < 1000 && link.link_status == RTE_ETH_LINK_DOWN; i++) {
        usleep(10000);
        require(rte_eth_link_get_nowait(0, &link) == 0, "link");
    }
    require(link.link_status != RTE_ETH_LINK_DOWN, "the link stays down");
}

/* Version, a six-digit id, a slot. */
static size_t make_request(unsigned number, char *out)
{
    return (size_t)sprintf(out, "\x83%c\x01\x01\xa6%06u\x04\x91\xae%s", 0, number % 1000000,
                           number % 2 ? "banner:300x250" : "banner:301x250");
}

static void send_one(unsigned number)
{
    char text[64];
    uint8_t frame[FRAMES_MAX];
    size_t len = frames_udp(frame, text, make_request(number, text));
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    require(m != NULL, "buffer");
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
    for (unsigned tries = 0; rte_eth_tx_burst(0, 0, &m, 1) != 1; tries++) {
        require(tries < 100000, "the queue stays full");
        usleep(10);
    }
}

/* Answers come in the order of their requests. Announcements of the bidder's address are passed
 * over. */
static unsigned receive_some(unsigned next)
{
    struct rte_mbuf *m[WINDOW];
    unsigned got = 0, n = rte_eth_rx_burst(0, 0, m, WINDOW);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *frame = rte_pktmbuf_mtod(m[i], const uint8_t *), *payload;
        size_t len;
        char id[8];
        if (frame[12] == 8 && frame[13] == 0) {
            require(frames_is_answer(frame, m[i]->data_len, &payload, &len), "a malformed answer");
            snprintf(id, sizeof id, "%06u", (next + got) % 1000000);
            require(len > 12 && memcmp(payload + 5, id, 6) == 0, "another request's answer");
            require((payload[0] == 0x89) == ((next + got) % 2 != 0), "a bid where none is due");
            got++;
        }
        rte_pktmbuf_free(m[i]);
    }
    return got;
}

/* Our side of a link is up before the other one's: the bidder's announcement says that it sends. */
static void wait_for_announcement(void)
{
    struct rte_mbuf *m;
    for (unsigned ms = 0; ms < 10000; ms++) {
        if (rte_eth_rx_burst(0, 0, &m, 1) == 1) {
            rte_pktmbuf_free(m);
            return;
        }
        usleep(1000);
    }
    require(false, "the bidder does not announce itself");
}

int main(int argc, char **argv)
{
    require(argc == 3, "usage: memif SOCKET N");
    unsigned n = (unsigned)atoi(argv[2]), sent = 0, received = 0, idle = 0;
    start(argv[1]);
    wait_for_announcement();
    while (received < n) {
        for (; sent < n && sent - received < WINDOW; sent++)
            send_one(sent);
        unsigned got = receive_some(received);
        received += got;
        idle = got ? 0 : idle + 1;
        if (idle > 100)
            usleep(50);
        require(idle < 100000, "answers stay out");
    }
    printf("%u answers\n", received);
    (void)rte_eth_dev_stop(0);
    (void)rte_eth_dev_close(0);
    (void)rte_eal_cleanup();
    return 0;
}
