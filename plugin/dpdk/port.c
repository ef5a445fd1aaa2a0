/* SPDX-License-Identifier: Apache-2.0 */
/* Setting ports up with what their drivers can do. */
#include "plugin/dpdk/port.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "shm/error.h"

#define ETHER_BYTES 14u
#define IP_UDP_BYTES 28u
#define POOL_CACHE 250u /* of an lcore's own pool: no other one takes from it */

static int complain(char *why, uint16_t port, const char *what, int err)
{
    char name[RTE_ETH_NAME_MAX_LEN] = "?";
    (void)rte_eth_dev_get_name_by_port(port, name);
    snprintf(why, QBID_DPDK_WHY_MAX, "port %u (%s): %s%s%s", port, name, what, err ? ": " : "",
             err ? rte_strerror(-err) : "");
    return QBID_ERR_INVAL;
}

/* Room for a frame, its padding and what EAL puts in front. */
static uint16_t data_room(const struct qbid_dpdk *dpdk)
{
    uint32_t frame = ETHER_BYTES + dpdk->options.mtu + QBID_PADDING;
    uint32_t least = RTE_MBUF_DEFAULT_DATAROOM;
    return (uint16_t)(RTE_PKTMBUF_HEADROOM + (frame > least ? RTE_ALIGN(frame, 64u) : least));
}

/* As many as can be in the queues, in a burst, and in the pool's cache. */
static int make_pool(const struct qbid_dpdk *dpdk, struct qbid_lcore *lcore,
                     char why[QBID_DPDK_WHY_MAX])
{
    char name[32];
    unsigned each = 2 * dpdk->options.descriptors + 2 * QBID_BIDDER_BURST;
    unsigned cnt = rte_align32pow2(dpdk->port_cnt * each + 2 * POOL_CACHE) - 1;
    snprintf(name, sizeof name, "qbid_%u", lcore->id);
    lcore->pool = rte_pktmbuf_pool_create(name, cnt, POOL_CACHE, 0, data_room(dpdk),
                                          (int)rte_lcore_to_socket_id(lcore->id));
    if (lcore->pool)
        return 0;
    snprintf(why, QBID_DPDK_WHY_MAX,
             "lcore %u: no memory for %u packet buffers: give EAL more (-m), or fewer "
             "--descriptors: %s",
             lcore->id, cnt, rte_strerror(rte_errno));
    return QBID_ERR_NOMEM;
}

static struct rte_eth_conf configuration(const struct qbid_dpdk *dpdk,
                                         const struct rte_eth_dev_info *info)
{
    struct rte_eth_conf conf = {0};
    conf.rxmode.mtu = dpdk->options.mtu;
    conf.rxmode.offloads =
        info->rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
    conf.txmode.offloads =
        info->tx_offload_capa & (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
                                 RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
    uint64_t spread =
        info->flow_type_rss_offloads & (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP);
    if (dpdk->lcore_cnt > 1 && spread != 0) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = spread;
    }
    return conf;
}

static int start_queues(const struct qbid_dpdk *dpdk, uint16_t port, char why[QBID_DPDK_WHY_MAX])
{
    uint16_t rx = (uint16_t)dpdk->options.descriptors, tx = rx;
    int err = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx);
    if (err != 0)
        return complain(why, port, "descriptors", err);
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++) {
        const struct qbid_lcore *lcore = dpdk->lcore[i];
        unsigned node = rte_lcore_to_socket_id(lcore->id);
        err = rte_eth_rx_queue_setup(port, lcore->queue, rx, node, NULL, lcore->pool);
        if (err != 0)
            return complain(why, port, "receive queue", err);
        err = rte_eth_tx_queue_setup(port, lcore->queue, tx, node, NULL);
        if (err != 0)
            return complain(why, port, "transmit queue", err);
    }
    err = rte_eth_dev_start(port);
    return err != 0 ? complain(why, port, "start", err) : 0;
}

static int check_queues(const struct qbid_dpdk *dpdk, uint16_t port,
                        const struct rte_eth_dev_info *info, char why[QBID_DPDK_WHY_MAX])
{
    char what[160];
    unsigned rx = info->max_rx_queues, tx = info->max_tx_queues;
    if (rx >= dpdk->lcore_cnt && tx >= dpdk->lcore_cnt)
        return 0;
    snprintf(what, sizeof what,
             "its driver gives %u queues, which is less than %u lcores: give EAL fewer (-l), or "
             "the driver more (net_af_packet: qpairs=)",
             rx < tx ? rx : tx, dpdk->lcore_cnt);
    return complain(why, port, what, 0);
}

static int start_port(struct qbid_dpdk *dpdk, uint16_t id, uint32_t ip, struct qbid_port *ret_port,
                      char why[QBID_DPDK_WHY_MAX])
{
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac;
    int err = rte_eth_dev_info_get(id, &info);
    if (err != 0)
        return complain(why, id, "information", err);
    err = check_queues(dpdk, id, &info, why);
    if (err != 0)
        return err;
    struct rte_eth_conf conf = configuration(dpdk, &info);
    uint16_t queues = (uint16_t)dpdk->lcore_cnt;
    err = rte_eth_dev_configure(id, queues, queues, &conf);
    if (err != 0)
        return complain(why, id, "configuration (does it take this --mtu?)", err);
    err = start_queues(dpdk, id, why);
    if (err != 0)
        return err;
    err = rte_eth_macaddr_get(id, &mac);
    if (err != 0)
        return complain(why, id, "MAC address", err);
    *ret_port = (struct qbid_port){.id = id,
                                   .payload_max = dpdk->options.mtu - IP_UDP_BYTES,
                                   .station = dpdk->options.station};
    ret_port->station.ip = ip;
    memcpy(ret_port->station.mac, mac.addr_bytes, sizeof ret_port->station.mac);
    if (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
        ret_port->tx_done |= QBID_FRAME_IP_DONE;
    if (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
        ret_port->tx_done |= QBID_FRAME_UDP_DONE;
    return 0;
}

int qbid_ports_start(struct qbid_dpdk *dpdk, char why[QBID_DPDK_WHY_MAX])
{
    unsigned found = rte_eth_dev_count_avail();
    if (found != dpdk->options.ip_cnt) {
        snprintf(why, QBID_DPDK_WHY_MAX,
                 "EAL found %u ports, and --ip is given %u times: each port needs one (-a, --vdev "
                 "and --no-pci choose ports)",
                 found, dpdk->options.ip_cnt);
        return QBID_ERR_INVAL;
    }
    dpdk->port_cnt = found;
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++) {
        int err = make_pool(dpdk, dpdk->lcore[i], why);
        if (err != 0)
            return err;
    }
    unsigned n = 0;
    for (uint16_t id = 0; id < RTE_MAX_ETHPORTS && n < found; id++) {
        if (!rte_eth_dev_is_valid_port(id))
            continue;
        int err = start_port(dpdk, id, dpdk->options.ip[n], &dpdk->port[n], why);
        if (err != 0)
            return err;
        n++;
    }
    return 0;
}

void qbid_ports_stop(struct qbid_dpdk *dpdk)
{
    for (unsigned i = 0; i < dpdk->port_cnt; i++) {
        (void)rte_eth_dev_stop(dpdk->port[i].id);
        (void)rte_eth_dev_close(dpdk->port[i].id);
    }
}

bool qbid_port_up(const struct qbid_port *port)
{
    struct rte_eth_link link;
    return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status != RTE_ETH_LINK_DOWN;
}
