/* SPDX-License-Identifier: Apache-2.0 */
/* Read-copy-update inside one process: two flavours of liburcu behind one interface, and what
 * ThreadSanitizer must know of them.
 *
 *   reader                                     writer (the watcher)
 *   read lock                                  W1 store the new pointer, release
 *   R1 load the pointer, acquire   <---
 *   use what it points to
 *   W2 read unlock (memb),
 *      quiescent or offline (qsbr) --->        R2 synchronize returns
 *                                              free what the old pointer pointed to
 *
 * memb    any thread; the unlock is what the writer waits for. A pair costs 2-3 ns.
 * qsbr    lock and unlock are nothing. The thread says now and then, outside of read sections, that
 *         it holds nothing (quiescent), and that it will be away (offline). One that does neither
 *         keeps the writer waiting for ever; it never delays another reader.
 * bench/memory/rcu.cc measures both; the flavours are told apart by their symbols (urcu_memb_,
 * urcu_qsbr_), so that one library may hold both.
 *
 * The edge W1 -> R1 is an ordinary atomic, which the sanitizer sees. The edge W2 -> R2 is made by
 * liburcu with a plain per-thread counter and the membarrier system call, inside a library that is
 * not instrumented: the sanitizer cannot see it and would report every free after a grace period.
 * So under the sanitizer, and only there, the unlock releases and the synchronize acquires a tag
 * (also with qsbr, where the edge begins later, at the quiescent state).
 * The calls are not inlined there either, because liburcu's own volatile words would be reported.
 * The acquire stands in the same function as the wait: code that frees without calling
 * qbid_rcu_synchronize() has no edge and is reported (tests/race proves that it is).
 */
#ifndef QBID_SHM_RCU_H
#define QBID_SHM_RCU_H

#if defined(__SANITIZE_THREAD__)
#define QBID_RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QBID_RCU_TSAN 1
#endif
#endif

#ifdef QBID_RCU_TSAN
#undef _LGPL_SOURCE
#endif
#include <stdbool.h>

#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#include "shm/watcher.h"

#ifdef QBID_RCU_TSAN
void __tsan_acquire(void *tag);
void __tsan_release(void *tag);
#define qbid_rcu_tsan_acquire(tag) __tsan_acquire(tag)
#define qbid_rcu_tsan_release(tag) __tsan_release(tag)
#else
#define qbid_rcu_tsan_acquire(tag) ((void)(tag))
#define qbid_rcu_tsan_release(tag) ((void)(tag))
#endif

/** Registration of the calling thread, once for each flavour that it reads with. */
static inline void qbid_rcu_register(enum qbid_rcu rcu)
{
    if (rcu == QBID_RCU_QSBR)
        urcu_qsbr_register_thread();
    else
        urcu_memb_register_thread();
}

static inline void qbid_rcu_unregister(enum qbid_rcu rcu)
{
    if (rcu == QBID_RCU_QSBR)
        urcu_qsbr_unregister_thread();
    else
        urcu_memb_unregister_thread();
}

/** Enter a read section; nests. The thread is registered, and with qsbr online. */
static inline void qbid_rcu_read_lock(enum qbid_rcu rcu)
{
    if (rcu == QBID_RCU_QSBR)
        urcu_qsbr_read_lock();
    else
        urcu_memb_read_lock();
}

/** Leave it. tag is any address that this reader and its writer agree on. */
static inline void qbid_rcu_read_unlock(enum qbid_rcu rcu, void *tag)
{
    qbid_rcu_tsan_release(tag); /* W2 -> R2 */
    if (rcu == QBID_RCU_QSBR)
        urcu_qsbr_read_unlock();
    else
        urcu_memb_read_unlock();
}

/** Wait until every read section that was open has ended (memb), every online thread has been
 *  quiescent (qsbr; the calling one is). Not from inside a read section. */
static inline void qbid_rcu_synchronize(enum qbid_rcu rcu, void *tag)
{
    if (rcu == QBID_RCU_QSBR)
        urcu_qsbr_synchronize_rcu();
    else
        urcu_memb_synchronize_rcu();
    qbid_rcu_tsan_acquire(tag); /* R2 <- W2 */
}

/** qsbr: the calling thread holds nothing at this moment. */
static inline void qbid_rcu_quiescent(void)
{
    urcu_qsbr_quiescent_state();
}

/** qsbr: from here on the calling thread holds nothing, until it says that it is back. */
static inline void qbid_rcu_offline(void)
{
    urcu_qsbr_thread_offline();
}

static inline void qbid_rcu_online(void)
{
    urcu_qsbr_thread_online();
}

/** Go offline before waiting for anything that may wait for a grace period (the watcher's lock, its
 *  threads). Returns whether the calling thread was online: give that to qbid_rcu_wait_end(). */
static inline bool qbid_rcu_wait_begin(void)
{
    bool online = urcu_qsbr_read_ongoing();
    if (online)
        urcu_qsbr_thread_offline();
    return online;
}

static inline void qbid_rcu_wait_end(bool online)
{
    if (online)
        urcu_qsbr_thread_online();
}

#endif
