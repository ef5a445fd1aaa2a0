/* SPDX-License-Identifier: Apache-2.0 */
/* Both loops go over the same requests, freshly written into their buffers before each pass; what
 * fills and empties the rings is not timed. A pass is eight bursts: what a queue holds in a poll
 * loop that keeps up. Passes go through the requests in turn, and each loop is the first on half of
 * them, so that neither finds more of the table in the caches. */
#include "bench/hosts/dpdk_loop.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "bench/hosts/dpdk_world.h"
#include "plugin/dpdk/lcore.h"
#include "plugin/dpdk/port.h"

#define REQUESTS 256 /* of a pass */
#define SETS 16      /* of requests */
#define PASSES (4 * SETS)
#define RING 2048
#define STRIDE 512 /* bytes from one payload to the next in memory */
#define BURST QBID_BIDDER_BURST

enum stage { RING_LOOP, MEMORY_LOOP, DECODE, DECIDE, ENCODE, STAGE_CNT };

struct loop {
    struct broker *broker;
    struct qbid_dpdk *dpdk;
    struct qbid_lcore *lcore;
    struct rte_ring *rx, *tx;
    struct qbid_bidder bidder; /* of the memory loop */
    struct qbid_counters counters;
    struct request {
        size_t bytes;
        uint8_t message[DPDK_MESSAGE_MAX];
        uint8_t frame[QBID_FRAME_HEADERS + DPDK_MESSAGE_MAX];
    } request[SETS * REQUESTS];
    char memory[REQUESTS][STRIDE];
    struct qbid_datagram datagram[REQUESTS];
    double ns[STAGE_CNT][PASSES];
    uint64_t answer_bytes;
};

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench: dpdk: %s\n", what);
        exit(1);
    }
}

static double clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* --- set-up */

static void start_eal(void)
{
    char line[256], *words[16], *save;
    int n = 0;
    snprintf(line, sizeof line,
             "dpdk --no-huge --no-shconf --no-telemetry --no-pci -m 64 --lcores 0@%d "
             "--log-level=4 --file-prefix=qbid-bench",
             sched_getcpu());
    for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    words[n] = NULL;
    require(rte_eal_init(n, words) >= 0, "EAL");
}

static void start_port(struct loop *l, const struct qbid_dpdk_options *options)
{
    char why[QBID_DPDK_WHY_MAX];
    l->rx = rte_ring_create("bench_rx", RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    l->tx = rte_ring_create("bench_tx", RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    require(l->rx && l->tx, "rings");
    require(rte_eth_from_rings("bench", &l->rx, 1, &l->tx, 1, 0) >= 0, "net_ring");
    l->dpdk = calloc(1, sizeof *l->dpdk);
    require(l->dpdk != NULL, "memory");
    l->dpdk->options = *options;
    l->lcore = qbid_lcore_new(l->dpdk, 0, 0);
    require(l->lcore != NULL, "lcore");
    l->dpdk->lcore[l->dpdk->lcore_cnt++] = l->lcore;
    if (qbid_ports_start(l->dpdk, why) != 0)
        require(false, why);
}

/* The frame that a station at 10.0.0.9 would send; the UDP checksum is one that must be verified.
 */
static void make_frame(struct loop *l, struct request *r)
{
    const struct qbid_station *self = &l->dpdk->port[0].station;
    struct qbid_station other = {.mac = {2, 0, 0, 0, 0, 9}, .ip = 0x0a000009, .port = 40000};
    uint8_t *frame = r->frame;
    memset(frame, 0, QBID_FRAME_HEADERS);
    memcpy(frame + 6, self->mac, 6); /* as if we had asked: it is turned round below */
    frame[12] = 8;
    frame[14] = 0x45;
    frame[23] = 17;
    frame[26] = 10; /* 10.0.0.1, port 7788 */
    frame[29] = 1;
    frame[34] = 7788 >> 8;
    frame[35] = 7788 & 255;
    memcpy(frame + QBID_FRAME_HEADERS, r->message, r->bytes);
    (void)qbid_frame_answer(&other, frame, (uint32_t)r->bytes, 0);
}

static struct loop *loop_new(unsigned candidates)
{
    const struct qbid_dpdk_options options = {.station.port = 7788,
                                              .ip = {0x0a000001},
                                              .ip_cnt = 1,
                                              .mtu = 1500,
                                              .descriptors = 1024,
                                              .control_per_s = 1};
    struct loop *l = calloc(1, sizeof *l);
    struct qbid_worker *worker;
    require(l != NULL, "memory");
    l->broker = dpdk_world_broker(candidates);
    struct qbid_options library = {.size = sizeof library,
                                   .socket_path = l->broker->path,
                                   .notice_url = "https://n.example/q",
                                   .worker_timeout_ms = 10000,
                                   .quiescent = 1};
    start_eal();
    start_port(l, &options);
    require(qbid_open(&library, &l->dpdk->qbid) == 0, "library");
    require(qbid_worker_open(l->dpdk->qbid, &worker) == 0, "worker");
    qbid_bidder_init(&l->lcore->bidder, worker, NULL, 0, &l->lcore->counters);
    qbid_bidder_init(&l->bidder, worker, NULL, 0, &l->counters);
    for (unsigned i = 0; i < SETS * REQUESTS; i++) {
        l->request[i].bytes = dpdk_world_message(candidates, i, l->request[i].message);
        make_frame(l, &l->request[i]);
    }
    for (unsigned i = 0; i < REQUESTS; i++)
        l->datagram[i] =
            (struct qbid_datagram){.bytes = l->memory[i], .max = STRIDE - QBID_PADDING};
    return l;
}

/* --- a pass of each loop */

static const struct request *set_of(const struct loop *l, unsigned pass)
{
    return &l->request[pass % SETS * REQUESTS];
}

static void drain_events(struct loop *l)
{
    struct qbid_event event[256];
    while (broker_events(l->broker, 0, event, 256) != 0)
        continue;
}

static void fill_ring(struct loop *l, const struct request *r)
{
    struct rte_mbuf *m[REQUESTS];
    require(rte_pktmbuf_alloc_bulk(l->lcore->pool, m, REQUESTS) == 0, "packet buffers");
    for (unsigned i = 0; i < REQUESTS; i++) {
        uint32_t len = (uint32_t)(QBID_FRAME_HEADERS + r[i].bytes);
        memcpy(rte_pktmbuf_mtod(m[i], void *), r[i].frame, len);
        m[i]->data_len = (uint16_t)len;
        m[i]->pkt_len = len;
        m[i]->ol_flags = 0;
    }
    require(rte_ring_enqueue_bulk(l->rx, (void *const *)m, REQUESTS, NULL) == REQUESTS, "ring");
}

/* Every answer is there, in order, and for its own request. */
static void empty_ring(struct loop *l, const struct request *r)
{
    struct rte_mbuf *m[REQUESTS];
    require(rte_ring_dequeue_bulk(l->tx, (void **)m, REQUESTS, NULL) == REQUESTS,
            "an answer is missing");
    l->answer_bytes = 0;
    for (unsigned i = 0; i < REQUESTS; i++) {
        const uint8_t *answer = rte_pktmbuf_mtod_offset(m[i], const uint8_t *, QBID_FRAME_HEADERS);
        /* map, version, then the id's key, head and bytes in both */
        require(memcmp(answer + 3, r[i].message + 5, 39) == 0, "an answer of another request");
        l->answer_bytes += m[i]->pkt_len - QBID_FRAME_HEADERS;
    }
    rte_pktmbuf_free_bulk(m, REQUESTS);
}

static void ring_pass(struct loop *l, unsigned pass)
{
    const struct request *r = set_of(l, pass);
    fill_ring(l, r);
    double start = clock_ns();
    for (unsigned n = 0; n < REQUESTS;) {
        n += qbid_lcore_poll(l->lcore, &l->dpdk->port[0]);
        qbid_worker_quiescent(l->lcore->bidder.worker);
    }
    l->ns[RING_LOOP][pass] = (clock_ns() - start) / REQUESTS;
    empty_ring(l, r);
    drain_events(l);
}

static void fill_memory(struct loop *l, const struct request *r)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        memcpy(l->memory[i], r[i].message, r[i].bytes);
        l->datagram[i].len = (uint32_t)r[i].bytes;
    }
}

static void memory_pass(struct loop *l, unsigned pass)
{
    const struct request *r = set_of(l, pass);
    fill_memory(l, r);
    double start = clock_ns();
    for (unsigned i = 0; i < REQUESTS; i += BURST) {
        qbid_bidder_answer(&l->bidder, &l->datagram[i], BURST, qbid_now_ns());
        qbid_worker_quiescent(l->bidder.worker);
    }
    l->ns[MEMORY_LOOP][pass] = (clock_ns() - start) / REQUESTS;
    for (unsigned i = 0; i < REQUESTS; i++)
        require(memcmp(l->memory[i] + 3, r[i].message + 5, 39) == 0, "memory: another answer");
    drain_events(l);
}

/* The bidder's three stages by the time stamp counter, which is read four times a burst. */
static void stage_pass(struct loop *l, unsigned pass)
{
    const struct request *r = set_of(l, pass);
    uint64_t cycles[3] = {0};
    fill_memory(l, r);
    double start = clock_ns();
    for (unsigned i = 0; i < REQUESTS; i += BURST) {
        uint64_t now_ns = qbid_now_ns(), t0 = rte_rdtsc();
        qbid_bidder_take(&l->bidder, &l->datagram[i], BURST, now_ns);
        uint64_t t1 = rte_rdtsc();
        qbid_bidder_decide(&l->bidder, now_ns);
        uint64_t t2 = rte_rdtsc();
        qbid_bidder_write(&l->bidder, now_ns);
        cycles[0] += t1 - t0;
        cycles[1] += t2 - t1;
        cycles[2] += rte_rdtsc() - t2;
        qbid_worker_quiescent(l->bidder.worker);
    }
    double ns = clock_ns() - start, all = (double)(cycles[0] + cycles[1] + cycles[2]);
    for (unsigned i = 0; i < 3; i++)
        l->ns[DECODE + i][pass] = ns * (double)cycles[i] / all / REQUESTS;
    drain_events(l);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean of all but the highest quarter: what the rest of the machine has done to it is left out. */
static double typical(double *values)
{
    double sum = 0;
    qsort(values, PASSES, sizeof *values, compare);
    for (unsigned i = 0; i < PASSES * 3 / 4; i++)
        sum += values[i];
    return sum / (PASSES * 3 / 4);
}

static uint64_t bids_of(const struct qbid_counters *c)
{
    return atomic_load(&c->count[QBID_COUNT_BIDS]);
}

struct dpdk_round dpdk_round_run(unsigned candidates)
{
    static struct loop *l;
    if (!l)
        l = loop_new(candidates);
    uint64_t ring_bids = bids_of(&l->lcore->counters), memory_bids = bids_of(&l->counters);
    double bytes = 0;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        if (pass / SETS % 2 == 0) {
            ring_pass(l, pass);
            memory_pass(l, pass);
        } else {
            memory_pass(l, pass);
            ring_pass(l, pass);
        }
    }
    ring_bids = bids_of(&l->lcore->counters) - ring_bids;
    memory_bids = bids_of(&l->counters) - memory_bids;
    require(ring_bids == memory_bids && ring_bids > 0, "the loops bid differently");
    for (unsigned pass = 0; pass < PASSES; pass++)
        stage_pass(l, pass);
    for (unsigned i = 0; i < SETS * REQUESTS; i++)
        bytes += (double)l->request[i].bytes / (SETS * REQUESTS);
    return (struct dpdk_round){.ring_ns = typical(l->ns[RING_LOOP]),
                               .memory_ns = typical(l->ns[MEMORY_LOOP]),
                               .decode_ns = typical(l->ns[DECODE]),
                               .decide_ns = typical(l->ns[DECIDE]),
                               .encode_ns = typical(l->ns[ENCODE]),
                               .bytes = bytes,
                               .answer_bytes = (double)l->answer_bytes / REQUESTS,
                               .bids = (double)ring_bids / (REQUESTS * PASSES)};
}
