/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as text, on a Unix socket of qbid-dpdk's own: a client sends "json" or "prometheus" and
 * a line end, or nothing, and reads the text to its end. Nothing that a client does reaches an
 * lcore but the wish for the library's counters, which it answers between two rounds in some 20 us.
 */
#ifndef QBID_PLUGIN_DPDK_STATUS_H
#define QBID_PLUGIN_DPDK_STATUS_H

#include <stddef.h>

#include "plugin/dpdk/lcore.h"
#include "plugin/qbid.h"

/**
 * Listen on path; what is left there of a process that ended is replaced, a socket that still
 * answers is not.
 *
 * Returns: a descriptor; QBID_ERR_SYS with errno (EADDRINUSE: another process answers there).
 */
int qbid_status_listen(const char *path);

/** Take one client of a listening socket, answer it, hang up. A client that sends or reads nothing
 *  for a second is left. */
void qbid_status_serve(int listener, const struct qbid_dpdk *dpdk);

/** The text; free() it. NULL without memory. */
char *qbid_status_text(const struct qbid_dpdk *dpdk, enum qbid_status_format format,
                       size_t *ret_len);

/** Ask the process behind a socket and print what it says. Returns an exit code. */
int qbid_status_ask(const char *path, const char *what);

#endif
