/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of DPDK's telemetry thread: it reads counters, and nothing else. */
#include "plugin/dpdk/telemetry.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_telemetry.h>

#include "plugin/qbid.h"
#include "shm/error.h"

/* DPDK 22.11 hands its callbacks no context: the one variable of this program that is not a
 * parameter. Written once, before the first command is registered. */
static const struct qbid_dpdk *registered;

static int add_words(struct rte_tel_data *by_lcore, unsigned lcore, const _Atomic uint64_t *word,
                     const char *const *name, unsigned cnt)
{
    char label[16];
    struct rte_tel_data *d = rte_tel_data_alloc();
    if (!d)
        return -1;
    rte_tel_data_start_dict(d);
    for (unsigned i = 0; i < cnt; i++)
        rte_tel_data_add_dict_u64(d, name[i], atomic_load_explicit(&word[i], memory_order_relaxed));
    snprintf(label, sizeof label, "lcore_%u", lcore);
    return rte_tel_data_add_dict_container(by_lcore, label, d, 0);
}

static int on_counters(const char *cmd, const char *params, struct rte_tel_data *d)
{
    int err = rte_tel_data_start_dict(d);
    (void)cmd;
    (void)params;
    for (unsigned i = 0; err == 0 && i < registered->lcore_cnt; i++)
        err = add_words(d, registered->lcore[i]->id, registered->lcore[i]->counters.count,
                        qbid_count_name, QBID_COUNT_CNT);
    return err;
}

static int on_frames(const char *cmd, const char *params, struct rte_tel_data *d)
{
    int err = rte_tel_data_start_dict(d);
    (void)cmd;
    (void)params;
    for (unsigned i = 0; err == 0 && i < registered->lcore_cnt; i++)
        err = add_words(d, registered->lcore[i]->id, registered->lcore[i]->counters.frame,
                        qbid_frame_name, QBID_FRAME_KIND_CNT);
    return err;
}

static int on_info(const char *cmd, const char *params, struct rte_tel_data *d)
{
    (void)cmd;
    (void)params;
    rte_tel_data_start_dict(d);
    rte_tel_data_add_dict_string(d, "version", qbid_version());
    rte_tel_data_add_dict_int(d, "pid", (int)getpid());
    rte_tel_data_add_dict_int(d, "lcores", (int)registered->lcore_cnt);
    rte_tel_data_add_dict_int(d, "ports", (int)registered->port_cnt);
    rte_tel_data_add_dict_int(d, "udp_port", registered->options.station.port);
    return rte_tel_data_add_dict_string(
        d, "status", registered->options.status_path ? registered->options.status_path : "");
}

int qbid_telemetry_start(const struct qbid_dpdk *dpdk)
{
    registered = dpdk;
    bool good = rte_telemetry_register_cmd("/qbid/info", on_info,
                                           "Version, pid, ports. No parameters") == 0 &&
                rte_telemetry_register_cmd("/qbid/counters", on_counters,
                                           "Counters by lcore. No parameters") == 0 &&
                rte_telemetry_register_cmd("/qbid/frames", on_frames,
                                           "Frames received by lcore and kind. No parameters") == 0;
    return good ? 0 : QBID_ERR_SYS;
}
