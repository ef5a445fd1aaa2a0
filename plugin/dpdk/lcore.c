/* SPDX-License-Identifier: Apache-2.0 */
/* The poll loop. */
#include "plugin/dpdk/lcore.h"

#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include "plugin/qbid.h"
#include "shm/error.h"

#define TX_TRIES 256       /* of a full transmit queue, before an answer is dropped */
#define IDLE_ROUNDS 1024   /* that found nothing, before the thread sleeps */
#define QUIET_NS 10000000u /* without a frame: nothing more is under way to us */
#define NS_PER_MS UINT64_C(1000000)
#define CONTROL_BURST 32

/* A burst on its way through a round. */
struct round {
    struct qbid_lcore *lcore;
    const struct qbid_port *port;
    uint64_t now_ns;
    unsigned request_cnt, out_cnt, drop_cnt;
    struct qbid_datagram datagram[QBID_BIDDER_BURST];
    struct rte_mbuf *request[QBID_BIDDER_BURST];
    struct rte_mbuf *out[QBID_BIDDER_BURST];
    struct rte_mbuf *drop[QBID_BIDDER_BURST];
};

/* What the driver says about the checksums of a frame. */
static unsigned rx_offload(const struct rte_mbuf *m)
{
    uint64_t ip = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
    uint64_t udp = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    unsigned offload = 0;
    if (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE)
        offload |= QBID_FRAME_IP_DONE;
    else if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD)
        offload |= QBID_FRAME_IP_BAD;
    if (udp == RTE_MBUF_F_RX_L4_CKSUM_GOOD || udp == RTE_MBUF_F_RX_L4_CKSUM_NONE)
        offload |= QBID_FRAME_UDP_DONE;
    else if (udp == RTE_MBUF_F_RX_L4_CKSUM_BAD)
        offload |= QBID_FRAME_UDP_BAD;
    return offload;
}

static void to_send(struct round *r, struct rte_mbuf *m, uint32_t len, uint64_t flags)
{
    m->data_len = (uint16_t)len;
    m->pkt_len = len;
    m->ol_flags = flags;
    r->out[r->out_cnt++] = m;
}

static void take_control(struct round *r, struct rte_mbuf *m, enum qbid_frame_kind kind)
{
    uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
    struct qbid_throttle *throttle = kind == QBID_FRAME_ARP ? &r->lcore->arp : &r->lcore->echo;
    if (!qbid_throttle_pass(throttle, r->now_ns)) {
        qbid_counters_add(&r->lcore->counters, QBID_COUNT_CONTROL_HELD, 1);
        r->drop[r->drop_cnt++] = m;
        return;
    }
    qbid_counters_add(&r->lcore->counters, QBID_COUNT_CONTROL_SENT, 1);
    to_send(r, m,
            kind == QBID_FRAME_ARP ? qbid_frame_answer_arp(&r->port->station, frame)
                                   : qbid_frame_answer_echo(&r->port->station, frame),
            0);
}

static void take_request(struct round *r, struct rte_mbuf *m, uint32_t len)
{
    struct qbid_datagram *d = &r->datagram[r->request_cnt];
    d->bytes = rte_pktmbuf_mtod_offset(m, char *, QBID_FRAME_HEADERS);
    d->len = len;
    d->max = r->port->payload_max;
    r->request[r->request_cnt++] = m;
}

/* A frame must lie in one buffer, with room behind it for what the parser may read and for the
 * longest answer. */
static enum qbid_frame_kind classify(const struct round *r, const struct rte_mbuf *m,
                                     uint32_t *ret_len)
{
    uint32_t room = (uint32_t)m->buf_len - m->data_off;
    if (m->nb_segs != 1 || rte_pktmbuf_tailroom(m) < QBID_PADDING ||
        room < QBID_FRAME_HEADERS + r->port->payload_max)
        return QBID_FRAME_SEGMENTED;
    return qbid_frame_classify(&r->port->station, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len,
                               rx_offload(m), ret_len);
}

static void take(struct round *r, struct rte_mbuf *m)
{
    uint32_t len = 0;
    enum qbid_frame_kind kind = classify(r, m, &len);
    qbid_counters_bump(&r->lcore->counters.frame[kind], 1);
    if (kind == QBID_FRAME_REQUEST)
        take_request(r, m, len);
    else if (kind == QBID_FRAME_ARP || kind == QBID_FRAME_ECHO)
        take_control(r, m, kind);
    else
        r->drop[r->drop_cnt++] = m;
}

static void answer(struct round *r)
{
    unsigned done = r->port->tx_done;
    uint64_t flags = 0;
    if (done & QBID_FRAME_IP_DONE)
        flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
    if (done & QBID_FRAME_UDP_DONE)
        flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
    qbid_bidder_answer(&r->lcore->bidder, r->datagram, r->request_cnt, r->now_ns);
    for (unsigned i = 0; i < r->request_cnt; i++) {
        struct rte_mbuf *m = r->request[i];
        if (r->datagram[i].ret_len == 0) {
            r->drop[r->drop_cnt++] = m;
            continue;
        }
        if (flags != 0) { /* a cache line of the buffer's head that nothing else touches */
            m->l2_len = 14;
            m->l3_len = 20;
        }
        to_send(r, m,
                qbid_frame_answer(&r->port->station, rte_pktmbuf_mtod(m, uint8_t *),
                                  r->datagram[i].ret_len, done),
                flags);
    }
}

/* A queue that stays full is the link's limit; waiting longer would only let requests grow old. */
static void send_out(struct round *r)
{
    struct qbid_counters *c = &r->lcore->counters;
    unsigned sent = 0;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < r->out_cnt; i++)
        bytes += r->out[i]->pkt_len;
    for (unsigned tries = 0; sent < r->out_cnt && tries < TX_TRIES; tries++) {
        if (tries != 0)
            rte_pause();
        sent += rte_eth_tx_burst(r->port->id, r->lcore->queue, r->out + sent,
                                 (uint16_t)(r->out_cnt - sent));
    }
    for (unsigned i = sent; i < r->out_cnt; i++)
        bytes -= r->out[i]->pkt_len;
    if (sent < r->out_cnt)
        rte_pktmbuf_free_bulk(r->out + sent, r->out_cnt - sent);
    qbid_counters_add(c, QBID_COUNT_TX_FRAMES, sent);
    qbid_counters_add(c, QBID_COUNT_TX_BYTES, bytes);
    qbid_counters_add(c, QBID_COUNT_TX_FULL, r->out_cnt - sent);
}

unsigned qbid_lcore_poll(struct qbid_lcore *lcore, const struct qbid_port *port)
{
    struct rte_mbuf *in[QBID_BIDDER_BURST];
    unsigned n = rte_eth_rx_burst(port->id, lcore->queue, in, QBID_BIDDER_BURST);
    if (n == 0)
        return 0;
    struct round r;
    r.lcore = lcore;
    r.port = port;
    r.now_ns = qbid_now_ns();
    r.request_cnt = r.out_cnt = r.drop_cnt = 0;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < n; i++)
        rte_prefetch0(rte_pktmbuf_mtod(in[i], const void *));
    for (unsigned i = 0; i < n; i++) {
        bytes += in[i]->pkt_len;
        take(&r, in[i]);
    }
    if (r.request_cnt != 0)
        answer(&r);
    if (r.out_cnt != 0)
        send_out(&r);
    if (r.drop_cnt != 0)
        rte_pktmbuf_free_bulk(r.drop, r.drop_cnt);
    qbid_counters_add(&lcore->counters, QBID_COUNT_RX_FRAMES, n);
    qbid_counters_add(&lcore->counters, QBID_COUNT_RX_BYTES, bytes);
    return n;
}

/* --- the loop */

static unsigned poll_all(struct qbid_lcore *lcore)
{
    unsigned n = 0;
    for (unsigned i = 0; i < lcore->dpdk->port_cnt; i++)
        n += qbid_lcore_poll(lcore, &lcore->dpdk->port[i]);
    qbid_counters_add(&lcore->counters, QBID_COUNT_POLLS, 1);
    qbid_counters_add(&lcore->counters, QBID_COUNT_POLLS_EMPTY, n == 0);
    qbid_worker_quiescent(lcore->bidder.worker);
    return n;
}

/* L2: tell the control thread what it asked for. */
static void tell(struct qbid_lcore *lcore)
{
    int ask = atomic_load_explicit(&lcore->ask, memory_order_acquire); /* C1 */
    if (ask < 0)
        return;
    lcore->text_len = qbid_worker_status(lcore->bidder.worker, (enum qbid_status_format)ask,
                                         lcore->text, sizeof lcore->text);
    atomic_store_explicit(&lcore->ask, QBID_LCORE_ASK_DONE, memory_order_release); /* L3 */
}

/* Tell the neighbours of a link that came up where our address is. */
static void announce(struct qbid_lcore *lcore)
{
    uint64_t asked = atomic_load_explicit(&lcore->dpdk->announce, memory_order_relaxed);
    if (lcore->queue != 0 || asked == lcore->announced)
        return;
    lcore->announced = asked;
    for (unsigned i = 0; i < lcore->dpdk->port_cnt; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(lcore->pool);
        if (!m)
            return;
        struct round r = {.lcore = lcore, .port = &lcore->dpdk->port[i]};
        to_send(&r, m, qbid_frame_announce(&r.port->station, rte_pktmbuf_mtod(m, uint8_t *)), 0);
        send_out(&r);
    }
}

static void nap(struct qbid_lcore *lcore)
{
    qbid_worker_offline(lcore->bidder.worker);
    usleep(lcore->dpdk->options.idle_us);
    qbid_worker_online(lcore->bidder.worker);
}

static bool stopping(const struct qbid_lcore *lcore)
{
    return atomic_load_explicit(&lcore->dpdk->stop, memory_order_relaxed);
}

static void serve(struct qbid_lcore *lcore)
{
    unsigned empty = 0;
    while (!stopping(lcore)) {
        empty = poll_all(lcore) != 0 ? 0 : empty + 1;
        tell(lcore);
        if (empty % 64 != 0 || empty == 0)
            continue;
        announce(lcore);
        if (lcore->dpdk->options.idle_us != 0 && empty >= IDLE_ROUNDS)
            nap(lcore);
    }
}

/* L4: what is in the queues, and what was under way, is still answered. */
static void drain(struct qbid_lcore *lcore)
{
    uint64_t start_ns = qbid_now_ns(), last_ns = start_ns, now_ns = start_ns;
    uint64_t longest_ns = lcore->dpdk->options.drain_ms * NS_PER_MS;
    while (now_ns - last_ns < QUIET_NS && now_ns - start_ns < longest_ns) {
        if (poll_all(lcore) != 0)
            last_ns = now_ns;
        tell(lcore);
        now_ns = qbid_now_ns();
    }
}

int qbid_lcore_run(void *arg)
{
    struct qbid_lcore *lcore = arg;
    const struct qbid_dpdk *dpdk = lcore->dpdk;
    struct qbid_worker *worker;
    lcore->err = qbid_worker_open(dpdk->qbid, &worker);
    if (lcore->err == 0) {
        qbid_bidder_init(&lcore->bidder, worker, dpdk->options.exchange, dpdk->options.errors_per_s,
                         &lcore->counters);
        atomic_store_explicit(&lcore->state, QBID_LCORE_POLLING, memory_order_release);
        serve(lcore);
        drain(lcore);
        qbid_worker_close(worker);
    }
    atomic_store_explicit(&lcore->state, QBID_LCORE_ENDED, memory_order_release);
    return lcore->err;
}

struct qbid_lcore *qbid_lcore_new(const struct qbid_dpdk *dpdk, unsigned id, uint16_t queue)
{
    struct qbid_lcore *lcore =
        rte_zmalloc_socket("qbid_lcore", sizeof *lcore, 64, (int)rte_lcore_to_socket_id(id));
    if (!lcore)
        return NULL;
    lcore->dpdk = dpdk;
    lcore->id = id;
    lcore->queue = queue;
    lcore->ask = QBID_LCORE_ASK_NONE;
    lcore->arp = lcore->echo = qbid_throttle_init(dpdk->options.control_per_s, CONTROL_BURST);
    return lcore;
}

void qbid_lcore_free(struct qbid_lcore *lcore)
{
    rte_free(lcore);
}
