/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of qbid-dpdk: [EAL options --] options. */
#ifndef QBID_PLUGIN_DPDK_OPTIONS_H
#define QBID_PLUGIN_DPDK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/dpdk/frame.h"

#define QBID_DPDK_PORTS_MAX 8
#define QBID_DPDK_EAL_ADDED_MAX 4
#define QBID_DPDK_WHY_MAX 256

struct qbid_dpdk_options {
    const char *socket_path, *image_file, *notice_url, *exchange, *status_path;
    uint32_t ip[QBID_DPDK_PORTS_MAX]; /* host order, by port */
    unsigned ip_cnt;
    struct qbid_station station; /* port, allowed and udp_unchecked; the rest is by port */
    unsigned mtu, descriptors;
    unsigned errors_per_s, control_per_s;
    unsigned idle_us, drain_ms, tmax_margin_ms, latency_every;
    const char *ask_path, *ask_what; /* ask a running one and end */
    bool help, version;
};

/**
 * Read our options: argv[0] is the program's name, what follows are they.
 *
 * Returns: 0; QBID_ERR_PARSE with *why, which names the option and the reason.
 */
int qbid_dpdk_options_read(int argc, char *const argv[], struct qbid_dpdk_options *ret_options,
                           char why[QBID_DPDK_WHY_MAX]);

/**
 * EAL's part of the command line with what it needs to be restarted after a kill: a prefix of its
 * own unless one is given, and no files that outlive the process (--in-memory with huge pages,
 * --no-shconf without).
 *
 * Shapes:  argv of argc words, the program's name in front; ret_argv has room for
 *          argc + QBID_DPDK_EAL_ADDED_MAX + 1; prefix is "--file-prefix=..." and must live on.
 * Returns: words in ret_argv; QBID_ERR_PARSE with *why for what qbid-dpdk must not be: a secondary
 *          process.
 */
int qbid_dpdk_eal_args(int argc, char **argv, char *prefix, char **ret_argv,
                       char why[QBID_DPDK_WHY_MAX]);

/** The text of --help. */
const char *qbid_dpdk_help(void);

#endif
