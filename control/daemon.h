/* SPDX-License-Identifier: Apache-2.0 */
/* The main loop of qbidd: one thread (HTTP has one of its own), one epoll set, five clocks.
 *
 *   signalfd     TERM INT stop, HUP reload, USR1 reopen the log
 *   engine fd    readers (hand-over)             -> qbid_engine_readers
 *   api fd       tools (control socket)          -> qbid_api_tick
 *   http fd      whole requests of its thread    -> qbid_operations_answer
 *   timers       ingest, live, learn, persist    -> the engine's ticks; live also feeds the
 * watchdog
 *
 * Nothing in it waits for a peer; whatever a tick is late, it runs once, not once for each period
 * that was missed.
 */
#ifndef QBID_CONTROL_DAEMON_H
#define QBID_CONTROL_DAEMON_H

#include "control/config/config.h"
#include "control/engine/engine.h"
#include "control/log.h"

#define QBID_DAEMON_WHY_MAX QBID_ENGINE_WHY_MAX

struct qbid_daemon; /* opaque */

/**
 * Lock, open everything, publish the first generation, listen.
 *
 * Shapes:  config_path is absolute: a reload reads it again.
 * Errors:  QBID_ERR_FULL (another qbidd: why names its pid and socket), and what the engine says.
 */
int qbid_daemon_new(const struct qbid_config *config, const char *config_path, struct qbid_log *log,
                    struct qbid_daemon **ret_daemon, char why[QBID_DAEMON_WHY_MAX]);

/** Write everything, hang up, give the lock back. */
void qbid_daemon_free(struct qbid_daemon *daemon);

/** Run until a signal says stop. 0, or SYS when the loop itself fails. */
int qbid_daemon_run(struct qbid_daemon *daemon);

#endif
