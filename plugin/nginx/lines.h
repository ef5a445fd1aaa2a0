/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on their way from the library's thread to the worker's own.
 *
 *   watcher thread                              worker thread
 *   L1 line[head]            (plain)
 *   L2 head + 1              (release)   --->   L3 head  (acquire), then line[tail]
 *   L5 tail                  (acquire)   <---   L4 tail + 1  (release)
 *
 * nginx's log is made for one thread a process. A line that finds no room is counted and left out:
 * the library says at most one line a minute and cause.
 */
#ifndef QBID_PLUGIN_NGINX_LINES_H
#define QBID_PLUGIN_NGINX_LINES_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define QBID_NGX_LINES 16
#define QBID_NGX_LINE_BYTES 256

struct qbid_ngx_lines {
    /* the watcher thread */
    alignas(64) _Atomic uint32_t head;
    _Atomic uint32_t lost;
    /* the worker thread */
    alignas(64) _Atomic uint32_t tail;
    alignas(64) char line[QBID_NGX_LINES][QBID_NGX_LINE_BYTES];
};

/** Add a line, cut to the maximum. Threads: the watcher thread only; wait-free. */
static inline void qbid_ngx_lines_put(struct qbid_ngx_lines *lines, const char *text)
{
    uint32_t head = atomic_load_explicit(&lines->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&lines->tail, memory_order_acquire); /* L5, with L4 */
    char *to = lines->line[head % QBID_NGX_LINES];
    size_t n = strnlen(text, QBID_NGX_LINE_BYTES - 1);

    if (head - tail == QBID_NGX_LINES) {
        atomic_fetch_add_explicit(&lines->lost, 1, memory_order_relaxed);
        return;
    }
    memcpy(to, text, n); /* L1 */
    to[n] = '\0';
    atomic_store_explicit(&lines->head, head + 1, memory_order_release); /* L2, with L3 */
}

/** Take the oldest line into out (QBID_NGX_LINE_BYTES); false when there is none.
 *  Threads: the worker thread only; wait-free. */
static inline bool qbid_ngx_lines_take(struct qbid_ngx_lines *lines, char *out)
{
    uint32_t tail = atomic_load_explicit(&lines->tail, memory_order_relaxed);

    if (tail == atomic_load_explicit(&lines->head, memory_order_acquire)) /* L3, with L2 */
        return false;
    memcpy(out, lines->line[tail % QBID_NGX_LINES], QBID_NGX_LINE_BYTES);
    atomic_store_explicit(&lines->tail, tail + 1, memory_order_release); /* L4, with L5 */
    return true;
}

#endif
