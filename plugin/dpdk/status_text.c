/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the status socket: our counters, and the library's of each lcore. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "plugin/dpdk/port.h"
#include "plugin/dpdk/status.h"
#include "plugin/status/status_merge.h"

#define LCORE_WAIT_US                                                                              \
    200000 /* for an lcore to answer: one that sleeps, or is starved, is left out */
#define LCORE_STEP_US 50
#define OWN_BYTES_MAX 16384 /* of our own counters, an lcore or a port */

static const char *const count_text[QBID_COUNT_CNT] = {
#define X(upper, lower, text) text,
    QBID_COUNT_LIST(X)
#undef X
};

/* A text that grows. */
struct page {
    char *at;
    size_t len, max;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->at + p->len, p->max - p->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= p->max - p->len)
        p->failed = true;
    else
        p->len += (size_t)n;
}

/* The library's text of one lcore; 0 when it does not answer in time. */
static int ask(struct qbid_lcore *lcore, enum qbid_status_format format)
{
    if (atomic_load_explicit(&lcore->state, memory_order_acquire) != QBID_LCORE_POLLING)
        return 0;
    int none = QBID_LCORE_ASK_NONE, done = QBID_LCORE_ASK_DONE;
    /* an answer that came too late for the last question is thrown away */
    (void)atomic_compare_exchange_strong(&lcore->ask, &done, QBID_LCORE_ASK_NONE);
    if (!atomic_compare_exchange_strong(&lcore->ask, &none, (int)format)) /* C1 */
        return 0;
    for (unsigned us = 0; us < LCORE_WAIT_US; us += LCORE_STEP_US) {
        if (atomic_load_explicit(&lcore->ask, memory_order_acquire) == QBID_LCORE_ASK_DONE) /* C2 */
            return lcore->text_len;
        usleep(LCORE_STEP_US);
    }
    return 0;
}

/* The question is answered and its text used. */
static void release(struct qbid_lcore *lcore)
{
    int done = QBID_LCORE_ASK_DONE;
    (void)atomic_compare_exchange_strong(&lcore->ask, &done, QBID_LCORE_ASK_NONE);
}

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* --- JSON */

static void put_lcore(struct page *p, struct qbid_lcore *lcore)
{
    put(p, "{\"lcore\":%u,\"queue\":%u,\"counters\":{", lcore->id, lcore->queue);
    for (unsigned i = 0; i < QBID_COUNT_CNT; i++)
        put(p, "%s\"%s\":%lu", i ? "," : "", qbid_count_name[i], load(&lcore->counters.count[i]));
    put(p, "},\"frames\":{");
    for (unsigned i = 0; i < QBID_FRAME_KIND_CNT; i++)
        put(p, "%s\"%s\":%lu", i ? "," : "", qbid_frame_name[i], load(&lcore->counters.frame[i]));
    int len = ask(lcore, QBID_STATUS_JSON);
    if (len > 1) /* it ends in a line end */
        put(p, "},\"library\":%.*s}", len - 1, lcore->text);
    else
        put(p, "},\"library\":null}");
    release(lcore);
}

static void put_port(struct page *p, const struct qbid_port *port)
{
    char name[RTE_ETH_NAME_MAX_LEN] = "?";
    struct rte_eth_stats s = {0};
    const uint8_t *mac = port->station.mac;
    uint32_t ip = port->station.ip;
    (void)rte_eth_dev_get_name_by_port(port->id, name);
    (void)rte_eth_stats_get(port->id, &s);
    put(p,
        "{\"port\":%u,\"name\":\"%s\",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\","
        "\"ip\":\"%u.%u.%u.%u\",\"udp_port\":%u,\"up\":%s,\"checksums_sent_by_hardware\":%s,"
        "\"driver\":{\"received\":%lu,\"sent\":%lu,\"missed\":%lu,\"no_buffer\":%lu,"
        "\"receive_errors\":%lu,\"send_errors\":%lu}}",
        port->id, name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], ip >> 24, ip >> 16 & 255,
        ip >> 8 & 255, ip & 255, port->station.port, qbid_port_up(port) ? "true" : "false",
        port->tx_done ? "true" : "false", s.ipackets, s.opackets, s.imissed, s.rx_nombuf, s.ierrors,
        s.oerrors);
}

static void put_json(struct page *p, const struct qbid_dpdk *dpdk)
{
    put(p, "{\"version\":\"%s\",\"pid\":%d,\"ports\":[", qbid_version(), (int)getpid());
    for (unsigned i = 0; i < dpdk->port_cnt; i++) {
        put(p, "%s", i ? "," : "");
        put_port(p, &dpdk->port[i]);
    }
    put(p, "],\"lcores\":[");
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++) {
        put(p, "%s", i ? "," : "");
        put_lcore(p, dpdk->lcore[i]);
    }
    put(p, "]}\n");
}

/* --- Prometheus */

static void put_own_metrics(struct page *p, const struct qbid_dpdk *dpdk)
{
    for (unsigned i = 0; i < QBID_COUNT_CNT; i++) {
        put(p, "# HELP qbid_dpdk_%s_total %s\n# TYPE qbid_dpdk_%s_total counter\n",
            qbid_count_name[i], count_text[i], qbid_count_name[i]);
        for (unsigned j = 0; j < dpdk->lcore_cnt; j++)
            put(p, "qbid_dpdk_%s_total{lcore=\"%u\"} %lu\n", qbid_count_name[i], dpdk->lcore[j]->id,
                load(&dpdk->lcore[j]->counters.count[i]));
    }
    put(p, "# HELP qbid_dpdk_frames_total frames received, by what they are\n"
           "# TYPE qbid_dpdk_frames_total counter\n");
    for (unsigned i = 0; i < QBID_FRAME_KIND_CNT; i++)
        for (unsigned j = 0; j < dpdk->lcore_cnt; j++)
            put(p, "qbid_dpdk_frames_total{lcore=\"%u\",kind=\"%s\"} %lu\n", dpdk->lcore[j]->id,
                qbid_frame_name[i], load(&dpdk->lcore[j]->counters.frame[i]));
}

/* The library's metrics of all lcores; "process" is the lcore there. */
static void put_library_metrics(struct page *p, const struct qbid_dpdk *dpdk)
{
    struct qbid_status_text text[QBID_LCORES_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++) {
        int len = ask(dpdk->lcore[i], QBID_STATUS_PROMETHEUS);
        if (len > 0)
            text[n++] =
                (struct qbid_status_text){dpdk->lcore[i]->text, (size_t)len, dpdk->lcore[i]->id};
    }
    if (n > 0 && qbid_status_merge_bound(text, n) <= p->max - p->len)
        p->len += qbid_status_merge(text, n, p->at + p->len);
    for (unsigned i = 0; i < dpdk->lcore_cnt; i++)
        release(dpdk->lcore[i]);
}

char *qbid_status_text(const struct qbid_dpdk *dpdk, enum qbid_status_format format,
                       size_t *ret_len)
{
    size_t max = (dpdk->lcore_cnt * 2 + dpdk->port_cnt + 2) * (OWN_BYTES_MAX + QBID_LCORE_TEXT_MAX);
    struct page p = {.at = malloc(max), .max = max};
    if (!p.at)
        return NULL;
    if (format == QBID_STATUS_PROMETHEUS) {
        put_own_metrics(&p, dpdk);
        put_library_metrics(&p, dpdk);
    } else {
        put_json(&p, dpdk);
    }
    if (p.failed) {
        free(p.at);
        return NULL;
    }
    *ret_len = p.len;
    return p.at;
}
